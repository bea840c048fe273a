"""Meta-learning by Reptile, and a hyper-network that makes the weights of another one."""

from copy import deepcopy

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.func import functional_call

rng = np.random.RandomState(15)


def sine_task():
    amplitude, phase = rng.uniform(0.5, 2.0), rng.uniform(0, np.pi)
    x = rng.uniform(-3, 3, (10, 1))
    return torch.Tensor(x), torch.Tensor(amplitude * np.sin(x + phase))


model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
for p in model.parameters():
    p.data = torch.from_numpy(0.5 * rng.randn(*p.shape)).float()
losses = []
for iteration in range(6):
    weights_before = deepcopy(model.state_dict())
    x, y = sine_task()
    for _ in range(3):
        model.zero_grad()
        loss = (model(x) - y).pow(2).mean()
        loss.backward()
        for param in model.parameters():
            param.data -= 0.02 * param.grad.data
    losses.append(loss.item())
    weights_after = model.state_dict()
    outer = 0.5 * (1 - iteration / 6)
    model.load_state_dict({
        name: weights_before[name] + (weights_after[name] - weights_before[name]) * outer
        for name in weights_before
    })  # fmt: skip


class HyperNetwork(nn.Module):
    def __init__(self, target):
        super().__init__()
        self.shapes = {name: p.shape for name, p in target.named_parameters()}
        self.embedding = nn.Parameter(torch.from_numpy(rng.randn(4)).float())
        total = sum(shape.numel() for shape in self.shapes.values())
        self.linear = nn.Linear(4, total)
        self.linear.weight.data = torch.from_numpy(0.3 * rng.randn(total, 4)).float()
        self.linear.bias.data.zero_()

    def forward(self):
        flat, start, weights = self.linear(self.embedding), 0, {}
        for name, shape in self.shapes.items():
            weights[name] = flat[start : start + shape.numel()].view(shape)
            start += shape.numel()
        return weights


hyper = HyperNetwork(model)
optimizer = optim.NAdam(hyper.parameters(), lr=0.01)
x, y = sine_task()
for _ in range(10):
    loss = F.huber_loss(functional_call(model, hyper(), (x,)), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
