"""A normalizing flow of affine couplings, trained by the likelihood of a transformed normal."""

import numpy as np
import torch
import torch.nn as nn
from torch.distributions import MultivariateNormal, Transform, TransformedDistribution, constraints

rng = np.random.RandomState(10)


class Coupling(nn.Module):
    def __init__(self, flip):
        super().__init__()
        self.flip = flip
        self.net = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 2))

    def forward(self, x):
        a, b = x[:, :1], x[:, 1:]
        if self.flip:
            a, b = b, a
        s, t = self.net(a).chunk(2, dim=1)
        s = torch.tanh(s)
        b = b * s.exp() + t
        z = torch.cat([b, a] if self.flip else [a, b], dim=1)
        return z, s.sum(1)


flow = nn.ModuleList([Coupling(False), Coupling(True), Coupling(False)])
for p in flow.parameters():
    p.data = torch.from_numpy(rng.normal(0, 0.3, tuple(p.shape)).astype(np.float32))
angle = rng.uniform(0, np.pi, 100)
moons = np.stack([np.cos(angle), np.sin(angle)], 1) + 0.1 * rng.randn(100, 2)
data = torch.tensor(moons, dtype=torch.float32)
prior = MultivariateNormal(torch.zeros(2), torch.eye(2))
optimizer = torch.optim.Adam(flow.parameters(), lr=0.02)
losses = []
for step in range(20):
    x, log_det = data, torch.zeros(data.shape[0])
    for layer in flow:
        x, ld = layer(x)
        log_det += ld
    loss = -(prior.log_prob(x) + log_det).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())


class Leaky(Transform):
    """A bijection of one's own."""

    domain = codomain = constraints.real
    bijective = True
    sign = 1

    def _call(self, x):
        return torch.where(x > 0, x, 0.5 * x)

    def _inverse(self, y):
        return torch.where(y > 0, y, 2 * y)

    def log_abs_det_jacobian(self, x, y):
        return torch.where(x > 0, torch.zeros_like(x), torch.full_like(x, np.log(0.5)))


leaky = TransformedDistribution(torch.distributions.Normal(0.0, 1.0), [Leaky()])
losses += leaky.log_prob(torch.tensor([-1.0, 2.0])).tolist()
