"""An optimizer of one's own on a lazy network, with parameter groups and a closure."""

import numpy as np
import torch
from torch import nn
from torch.optim.optimizer import Optimizer

rng = np.random.RandomState(22)


class SignMomentum(Optimizer):
    def __init__(self, params, lr=1e-2, beta=0.9, weight_decay=0.0):
        if lr < 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        defaults = dict(lr=lr, beta=beta, weight_decay=weight_decay)
        super(SignMomentum, self).__init__(params, defaults)

    def step(self, closure=None):
        loss = None if closure is None else closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                grad = p.grad.data
                state = self.state[p]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(p.data)
                m = state["momentum"]
                m.mul_(group["beta"]).add_(grad, alpha=1 - group["beta"])
                if group["weight_decay"] != 0:
                    p.data.mul_(1 - group["lr"] * group["weight_decay"])
                p.data.add_(torch.sign(m), alpha=-group["lr"])
        return loss


net = nn.Sequential(nn.LazyConv1d(4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(1))
x = torch.from_numpy(rng.randn(12, 2, 8)).float()
y = x.mean(dim=(1, 2)).unsqueeze(1)
net(x)
for p in net.parameters():
    p.data = torch.from_numpy(rng.normal(0, 0.3, tuple(p.shape))).float()
optimizer = SignMomentum(
    [{"params": net[0].parameters()}, {"params": net[3].parameters(), "lr": 0.02}],
    lr=0.01, weight_decay=0.01,
)  # fmt: skip
losses = []


def closure():
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(net(x), y)
    loss.backward()
    return loss


for step in range(15):
    losses.append(optimizer.step(closure).item())
assert len(optimizer.state_dict()["state"]) == 4
