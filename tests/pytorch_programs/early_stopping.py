"""A training loop with a plateau schedule, early stopping and the best weights restored."""

import copy

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, ReduceLROnPlateau

rng = np.random.RandomState(16)
x = torch.from_numpy(rng.uniform(-1, 1, (40, 1)).astype("float32"))
y = torch.sin(3 * x) + torch.from_numpy(0.3 * rng.randn(40, 1).astype("float32"))
train_x, valid_x, train_y, valid_y = x[:25], x[25:], y[:25], y[25:]


class EarlyStopping:
    def __init__(self, patience=4, delta=0):
        self.patience, self.delta, self.counter = patience, delta, 0
        self.best_score, self.best_weights = None, None

    def __call__(self, val_loss, model):
        score = -val_loss
        if self.best_score is None or score > self.best_score + self.delta:
            self.best_score, self.counter = score, 0
            self.best_weights = copy.deepcopy(model.state_dict())
            return False
        self.counter += 1
        return self.counter >= self.patience


model = nn.Sequential(nn.Linear(1, 20), nn.Tanh(), nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, 1))
for p in model.parameters():
    p.data = torch.from_numpy(rng.normal(0, 0.7, tuple(p.shape)).astype("float32"))
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
plateau = ReduceLROnPlateau(optimizer, mode="min", factor=0.5, patience=1)
criterion, stopper, losses = nn.MSELoss(), EarlyStopping(), []
for epoch in range(30):
    model.train()
    optimizer.zero_grad()
    criterion(model(train_x), train_y).backward()
    optimizer.step()
    model.eval()
    with torch.no_grad():
        val_loss = criterion(model(valid_x), valid_y).item()
    plateau.step(val_loss)
    losses += [val_loss, optimizer.param_groups[0]["lr"]]
    if stopper(val_loss, model):
        break
model.load_state_dict(stopper.best_weights)
with torch.no_grad():
    assert abs(criterion(model(valid_x), valid_y).item() + stopper.best_score) < 1e-6
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
scheduler = CosineAnnealingLR(optimizer, T_max=5, eta_min=1e-3)
for _ in range(5):
    optimizer.zero_grad()
    loss = criterion(model(train_x), train_y)
    loss.backward()
    optimizer.step()
    scheduler.step()
    losses += [loss.item(), scheduler.get_last_lr()[0]]
