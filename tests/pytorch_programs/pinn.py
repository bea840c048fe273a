"""A physics-informed network: u'' = -u by second derivatives of the network's input."""

import numpy as np
import torch
import torch.nn as nn

rng = np.random.RandomState(9)
torch.set_default_dtype(torch.float64)


class PINN(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.activation = nn.Tanh()
        self.linears = nn.ModuleList(
            [nn.Linear(layers[i], layers[i + 1]) for i in range(len(layers) - 1)]
        )

    def forward(self, x):
        for linear in self.linears[:-1]:
            x = self.activation(linear(x))
        return self.linears[-1](x)


model = PINN([1, 12, 12, 1])
for p in model.parameters():
    nn.init.zeros_(p)
    p.data += torch.from_numpy(rng.normal(0, 0.5, p.shape))
x = torch.linspace(0, 2, 20).view(-1, 1).requires_grad_(True)
optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=3, history_size=5)
losses = []


def closure():
    optimizer.zero_grad()
    u = model(x)
    u_x = torch.autograd.grad(u, x, torch.ones_like(u), create_graph=True)[0]
    u_xx = torch.autograd.grad(u_x.sum(), x, create_graph=True, only_inputs=True)[0]
    residual = torch.mean((u_xx + u) ** 2)
    boundary = (model(torch.zeros(1, 1)) - 1) ** 2
    zero = torch.zeros(1, 1, requires_grad=True)
    slope = torch.autograd.grad(model(zero), zero, create_graph=True)[0]
    loss = residual + boundary.squeeze() + slope.pow(2).sum()
    loss.backward()
    return loss


for step in range(8):
    losses.append(optimizer.step(closure).item())
torch.set_default_dtype(torch.float32)
