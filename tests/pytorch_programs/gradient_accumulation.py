"""Gradients added up over small batches are those of the large one; clipped by value."""

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler, TensorDataset

rng = np.random.RandomState(17)
dataset = TensorDataset(
    torch.from_numpy(rng.randn(32, 3)).float(), torch.from_numpy(rng.randn(32, 1)).float()
)
loader = DataLoader(
    dataset, batch_sampler=BatchSampler(SequentialSampler(dataset), batch_size=8, drop_last=False)
)
accumulation_steps = 4


def build():
    generator = np.random.RandomState(0)
    net = nn.Sequential(nn.Linear(3, 7), nn.SiLU(), nn.Linear(7, 1)).double().float()
    for p in net.parameters():
        p.data = torch.from_numpy(generator.normal(0, 0.5, p.shape)).float()
    return net


model, whole = build(), build()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
other = torch.optim.SGD(whole.parameters(), lr=0.05)
criterion = nn.MSELoss()
losses = []
for epoch in range(6):
    optimizer.zero_grad()
    for i, (x, y) in enumerate(loader):
        loss = criterion(model(x), y) / accumulation_steps
        loss.backward()
        losses.append(loss.item())
        if (i + 1) % accumulation_steps == 0:
            nn.utils.clip_grad_value_(model.parameters(), 0.5)
            optimizer.step()
            optimizer.zero_grad()
    other.zero_grad()
    criterion(whole(dataset.tensors[0]), dataset.tensors[1]).backward()
    torch.nn.utils.clip_grad_value_(whole.parameters(), 0.5)
    other.step()
for a, b in zip(model.parameters(), whole.parameters()):
    assert torch.allclose(a, b, atol=1e-5)
