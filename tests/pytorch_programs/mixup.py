"""Mixup and label smoothing: inputs and soft labels mixed, with a loss for probabilities."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.RandomState(0)
x = torch.from_numpy(rng.randn(64, 6)).float()
y = torch.from_numpy(rng.randint(0, 3, 64))
x[torch.arange(64), y] += 2.0


def mixup(x, y, alpha=0.4):
    lam = float(rng.beta(alpha, alpha))
    index = torch.from_numpy(rng.permutation(len(x)))
    return lam * x + (1 - lam) * x[index], y, y[index], lam


net = nn.Sequential(nn.Linear(6, 16), nn.GELU(), nn.Linear(16, 3))
for p in net.parameters():
    p.data = torch.from_numpy(0.3 * rng.randn(*p.shape)).float()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
losses = []
for step in range(15):
    mixed, first, second, lam = mixup(x, y)
    out = net(mixed)
    loss = lam * criterion(out, first) + (1 - lam) * criterion(out, second)
    soft = lam * F.one_hot(first, 3).float() + (1 - lam) * F.one_hot(second, 3).float()
    loss = (
        loss
        + 0.5 * F.cross_entropy(out, soft)
        + 0.1 * F.kl_div(F.log_softmax(out, dim=1), soft.clamp(min=1e-6), reduction="batchmean")
    )
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), max_norm=1.0)
    optimizer.step()
    losses.append(loss.item())
