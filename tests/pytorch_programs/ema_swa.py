"""Stochastic weight averaging and an exponential moving average of the weights."""

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import SWALR, AveragedModel, get_ema_multi_avg_fn, update_bn

rng = np.random.RandomState(4)
x = torch.from_numpy(rng.randn(96, 5)).float()
y = (x[:, :1] * x[:, 1:2] > 0).float()
loader = [(x[i : i + 32], y[i : i + 32]) for i in range(0, 96, 32)]
model = nn.Sequential(nn.Linear(5, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 1))
for p in model.parameters():
    p.data = torch.from_numpy(0.5 * rng.randn(*p.shape)).float()
swa_model = AveragedModel(model)
ema_model = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=6)
swa_scheduler = SWALR(optimizer, anneal_strategy="linear", anneal_epochs=2, swa_lr=0.05)
loss_fn = nn.BCEWithLogitsLoss()
losses = []
for epoch in range(10):
    for inputs, target in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(inputs), target)
        loss.backward()
        optimizer.step()
        ema_model.update_parameters(model)
    losses.append(loss.item())
    if epoch > 5:
        swa_model.update_parameters(model)
        swa_scheduler.step()
    else:
        scheduler.step()
update_bn(loader, swa_model)
for averaged in (swa_model, ema_model):
    averaged.eval()
    with torch.no_grad():
        losses.append(loss_fn(averaged(x), y).item())
