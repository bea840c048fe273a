"""A neural ordinary differential equation, integrated by Runge and Kutta's method."""

import numpy as np
import torch
import torch.nn as nn

rng = np.random.RandomState(5)


class ODEFunc(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 20), nn.Tanh(), nn.Linear(20, 2))
        for m in self.net.modules():
            if isinstance(m, nn.Linear):
                m.weight.data = torch.from_numpy(0.3 * rng.randn(*m.weight.shape)).float()
                nn.init.constant_(m.bias, val=0)

    def forward(self, t, y):
        return self.net(y**3)


def odeint(func, y0, t):
    solution = [y0]
    for t0, t1 in zip(t[:-1], t[1:]):
        y, dt = solution[-1], t1 - t0
        k1 = func(t0, y)
        k2 = func(t0 + dt / 2, y + dt * k1 / 2)
        k3 = func(t0 + dt / 2, y + dt * k2 / 2)
        k4 = func(t1, y + dt * k3)
        solution.append(y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4))
    return torch.stack(solution)


true_A = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
t = torch.linspace(0.0, 2.0, 21)
with torch.no_grad():
    true_y = odeint(lambda t, y: torch.mm(y**3, true_A), torch.tensor([[2.0, 0.0]]), t)


def get_batch(size=8, time=5):
    s = torch.from_numpy(rng.choice(np.arange(len(t) - time, dtype=np.int64), size, replace=False))
    batch_y = torch.stack([true_y[s + i] for i in range(time)], dim=0)
    return true_y[s], t[:time], batch_y


func = ODEFunc()
optimizer = torch.optim.RMSprop(func.parameters(), lr=1e-3)
losses = []
for itr in range(12):
    optimizer.zero_grad()
    y0, batch_t, batch_y = get_batch()
    loss = torch.mean(torch.abs(odeint(func, y0, batch_t) - batch_y))
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
