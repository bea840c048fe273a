"""A vision transformer from nn.TransformerEncoder: patches, a class token, smoothed labels, EMA."""

from collections import OrderedDict
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

rng = np.random.default_rng(9)


class ViT(nn.Module):
    def __init__(self, image_size=8, patch_size=4, dim=12, depth=2, heads=3, num_classes=4):
        super().__init__()
        n = (image_size // patch_size) ** 2
        self.to_patches = nn.Unfold(kernel_size=patch_size, stride=patch_size)
        self.project = nn.Linear(patch_size * patch_size, dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embedding = nn.Parameter(torch.empty(1, n + 1, dim).normal_(std=0.02))
        layer = nn.TransformerEncoderLayer(
            dim,
            heads,
            dim_feedforward=24,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        norm_layer = partial(nn.LayerNorm, eps=1e-6)
        self.head = nn.Sequential(
            OrderedDict([("norm", norm_layer(dim)), ("fc", nn.Linear(dim, num_classes))])
        )

    def forward(self, img):
        x = self.project(self.to_patches(img).transpose(1, 2))
        cls = self.cls_token.expand(x.shape[0], -1, -1)
        x = torch.cat((cls, x), dim=1) + self.pos_embedding
        return self.head(self.encoder(x)[:, 0])


model = ViT()
for name, p in sorted(model.named_parameters()):
    scale = 0.0 if name.endswith("bias") else 0.25
    if "norm" in name and name.endswith("weight"):
        nn.init.ones_(p)
    else:
        p.data = torch.as_tensor(scale * rng.standard_normal(p.shape)).to(p.dtype)
ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.8))
decay, no_decay = [], []
for _, p in model.named_parameters():
    (no_decay if p.ndim <= 1 else decay).append(p)
optimizer = torch.optim.AdamW(
    [{"params": decay}, {"params": no_decay, "weight_decay": 0}], lr=5e-3, weight_decay=0.05
)
scheduler = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, max_lr=1e-2, total_steps=10, pct_start=0.3, anneal_strategy="linear"
)
images = torch.from_numpy(rng.standard_normal((16, 1, 8, 8)).astype(np.float32))
labels = torch.from_numpy(rng.integers(0, 4, 16))
images[torch.arange(16), 0, labels * 2] += 1.5
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
losses = []
for _ in range(9):
    lam = float(rng.beta(0.4, 0.4))
    index = torch.from_numpy(rng.permutation(16))
    mixed = lam * images + (1 - lam) * images[index]
    logits = model(mixed)
    loss = lam * criterion(logits, labels) + (1 - lam) * criterion(logits, labels[index])
    loss.backward()
    grads = [p.grad.detach().flatten() for p in model.parameters() if p.grad is not None]
    optimizer.step()
    optimizer.zero_grad()
    scheduler.step()
    ema.update_parameters(model)
    losses.append(loss.item() + 0.01 * torch.cat(grads).norm().item())
ema.eval()
with torch.no_grad():
    top = ema(images).topk(2, dim=1).indices
    losses.append((top == labels.view(-1, 1)).any(dim=1).float().mean().item())
    losses.append(nn.functional.cross_entropy(ema(images), labels).item())
