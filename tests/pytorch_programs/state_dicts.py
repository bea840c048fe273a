"""Checkpoints: weights, optimizer and schedule are saved, loaded, and go on; a part is reused."""

import os
import tempfile

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim

rng = np.random.RandomState(21)
X, Y = (torch.from_numpy(rng.randn(20, n)).float() for n in (3, 2))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU())
        self.head = nn.Linear(8, 2)
        self.register_buffer("steps", torch.tensor(0))

    def forward(self, x):
        self.steps += 1
        return self.head(self.backbone(x))


def fresh():
    generator = np.random.RandomState(3)
    model = Model()
    for p in model.parameters():
        p.data = torch.from_numpy(generator.normal(0, 0.5, tuple(p.shape))).float()
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    return model, optimizer, optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.5)


def train(model, optimizer, scheduler, n):
    found = []
    for _ in range(n):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(X), Y)
        loss.backward()
        optimizer.step()
        scheduler.step()
        found.append(loss.item())
    return found


losses = train(*fresh(), 10)
model, optimizer, scheduler = fresh()
first = train(model, optimizer, scheduler, 4)
path = os.path.join(tempfile.mkdtemp(), "checkpoint.pt")
torch.save(
    {
        "epoch": 4, "model_state_dict": model.state_dict(),
        "optimizer_state_dict": optimizer.state_dict(), "scheduler": scheduler.state_dict(),
        "loss": first[-1],
    },
    path,
)  # fmt: skip
model, optimizer, scheduler = fresh()
checkpoint = torch.load(path)
model.load_state_dict(checkpoint["model_state_dict"])
optimizer.load_state_dict(checkpoint["optimizer_state_dict"])
scheduler.load_state_dict(checkpoint["scheduler"])
assert (checkpoint["epoch"], model.steps.item()) == (4, 4)
second = train(model, optimizer, scheduler, 6)
assert np.allclose(first + second, losses, rtol=1e-5)

other = Model()
pretrained = {k: v for k, v in model.state_dict().items() if k.startswith("backbone")}
result = other.load_state_dict(pretrained, strict=False)
assert set(result.missing_keys) == {"head.weight", "head.bias", "steps"}
own = other.state_dict()
own.update(pretrained)
other.load_state_dict(own)
for param in other.backbone.parameters():
    param.requires_grad = False
assert sum(p.numel() for p in other.parameters() if p.requires_grad) == 18
