"""Soft actor-critic: squashed normal actions, two critics, averaged targets, a learned entropy."""

import copy

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Independent, Normal, TransformedDistribution
from torch.distributions.transforms import TanhTransform

rng = np.random.default_rng(0)


def mlp(sizes, activation=nn.ReLU, output_activation=nn.Identity):
    layers = []
    for j in range(len(sizes) - 1):
        act = activation if j < len(sizes) - 2 else output_activation
        layers += [nn.Linear(sizes[j], sizes[j + 1]), act()]
    return nn.Sequential(*layers)


def seeded(module):
    for p in module.parameters():
        p.data = torch.as_tensor(rng.normal(0, 0.3, p.shape), dtype=torch.float32)
    return module


class Actor(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = mlp([3, 16, 16], output_activation=nn.ReLU)
        self.mu_layer, self.log_std_layer = nn.Linear(16, 2), nn.Linear(16, 2)

    def forward(self, obs, noise):
        h = self.net(obs)
        mu, log_std = self.mu_layer(h), torch.clamp(self.log_std_layer(h), -20, 2)
        base = Independent(Normal(mu, log_std.exp()), 1)
        dist = TransformedDistribution(base, [TanhTransform(cache_size=1)])
        x = mu + log_std.exp() * noise  # what rsample does
        action = torch.tanh(x)
        logp = base.log_prob(x) - (2 * (np.log(2) - x - F.softplus(-2 * x))).sum(axis=1)
        assert dist.rsample().shape == action.shape
        return action, logp


actor = seeded(Actor())
q1, q2 = seeded(mlp([5, 16, 1])), seeded(mlp([5, 16, 1]))
targets = [copy.deepcopy(q) for q in (q1, q2)]
for q in targets:
    q.requires_grad_(False)
log_alpha = torch.zeros(1, requires_grad=True)
pi_opt = torch.optim.Adam(actor.parameters(), lr=3e-3)
q_opt = torch.optim.Adam([*q1.parameters(), *q2.parameters()], lr=3e-3)
alpha_opt = torch.optim.Adam([log_alpha], lr=3e-3)
losses = []
for _ in range(10):
    o, o2 = (torch.as_tensor(rng.normal(size=(16, 3)), dtype=torch.float32) for _ in range(2))
    a = torch.as_tensor(rng.uniform(-1, 1, (16, 2)), dtype=torch.float32)
    noise = [torch.as_tensor(rng.normal(size=(16, 2)), dtype=torch.float32) for _ in range(2)]
    r, d = -(o[:, :2] - a).pow(2).sum(-1), torch.as_tensor(rng.random(16) < 0.1).float()
    with torch.no_grad():
        a2, logp2 = actor(o2, noise[0])
        both = [q(torch.cat([o2, a2], dim=-1)).squeeze(-1) for q in targets]
        backup = r + 0.99 * (1 - d) * (torch.min(*both) - log_alpha.exp() * logp2)
    q_loss = sum(F.mse_loss(q(torch.cat([o, a], -1)).squeeze(-1), backup) for q in (q1, q2))
    q_opt.zero_grad()
    q_loss.backward()
    q_opt.step()
    for p in [*q1.parameters(), *q2.parameters()]:
        p.requires_grad = False
    pi, logp = actor(o, noise[1])
    q_pi = torch.minimum(q1(torch.cat([o, pi], -1)), q2(torch.cat([o, pi], -1))).squeeze(-1)
    pi_loss = (log_alpha.exp().detach() * logp - q_pi).mean()
    pi_opt.zero_grad()
    pi_loss.backward()
    pi_opt.step()
    for p in [*q1.parameters(), *q2.parameters()]:
        p.requires_grad = True
    alpha_loss = -(log_alpha * (logp - 2.0).detach()).mean()
    alpha_opt.zero_grad()
    alpha_loss.backward()
    alpha_opt.step()
    with torch.no_grad():
        for q, t in zip((q1, q2), targets):
            for p, p_targ in zip(q.parameters(), t.parameters()):
                p_targ.data.mul_(0.995)
                p_targ.data.add_((1 - 0.995) * p.data)
    losses.append(q_loss.item() + pi_loss.item() + alpha_loss.item())
