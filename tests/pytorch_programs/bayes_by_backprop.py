"""Bayes by backprop: weights with distributions, near to a prior by their divergence from it."""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Normal, kl_divergence

rng = np.random.default_rng(7)


class BayesLinear(nn.Module):
    def __init__(self, in_features, out_features, prior_sigma=1.0):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.w_mu = nn.Parameter(torch.empty(out_features, in_features))
        self.w_rho = nn.Parameter(torch.full((out_features, in_features), -3.0))
        self.b_mu = nn.Parameter(torch.zeros(out_features))
        self.b_rho = nn.Parameter(torch.empty(out_features).fill_(-3.0))
        self.register_buffer("zero", torch.tensor(0.0), persistent=False)
        self.register_buffer("sigma", torch.tensor(prior_sigma))
        self.reset_parameters()

    def reset_parameters(self):
        bound = 1 / math.sqrt(self.in_features)
        self.w_mu.data = torch.from_numpy(rng.uniform(-bound, bound, self.w_mu.shape)).float()

    def posterior(self):
        return [
            Normal(mu, F.softplus(rho))
            for mu, rho in ((self.w_mu, self.w_rho), (self.b_mu, self.b_rho))
        ]

    def kl(self):
        prior = Normal(self.zero, self.sigma)
        return sum(kl_divergence(q, prior).sum() for q in self.posterior())

    def forward(self, x):
        w, b = (
            q.loc + q.scale * torch.from_numpy(rng.normal(size=q.loc.shape)).float()
            for q in self.posterior()
        )
        return F.linear(x, w, b)

    def extra_repr(self):
        return f"{self.in_features}, {self.out_features}"


class Net(nn.Sequential):
    def kl(self):
        return sum(layer.kl() for layer in self.children() if hasattr(layer, "kl"))


net = Net(BayesLinear(1, 16), nn.Tanh(), BayesLinear(16, 1))
print(net)
x = torch.linspace(-2, 2, 40).unsqueeze(-1)
y = torch.sin(2 * x) + 0.1 * torch.from_numpy(rng.normal(size=(40, 1))).float()
log_noise = nn.Parameter(torch.tensor(-1.0))
optimizer = torch.optim.NAdam(
    [{"params": net.parameters()}, {"params": [log_noise], "lr": 1e-1}], lr=2e-2
)
losses = []
for _ in range(12):
    optimizer.zero_grad()
    samples = torch.stack([Normal(net(x), log_noise.exp()).log_prob(y).sum() for _ in range(3)])
    elbo = samples.mean() - 0.1 * net.kl()
    (-elbo / len(x)).backward()
    optimizer.step()
    losses.append(-elbo.item() / len(x))
with torch.no_grad():
    preds = torch.stack([net(x) for _ in range(20)])
lower, upper = torch.quantile(preds, torch.tensor([0.05, 0.95]), dim=0)
losses.append((upper - lower).mean().item())
losses.append(preds.std(0).mean().item())
