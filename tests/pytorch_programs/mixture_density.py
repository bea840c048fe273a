"""A mixture density network for an inverse problem with several answers."""

import math

import numpy as np
import torch
import torch.nn as nn

rng = np.random.RandomState(12)
y = torch.linspace(-1.5, 1.5, 80).unsqueeze(1)
x = 0.7 * torch.sin(7.5 * y) + 0.5 * y + 0.1 * torch.from_numpy(rng.randn(80, 1)).float()


class MDN(nn.Module):
    def __init__(self, hidden, mixtures):
        super().__init__()
        self.z_h = nn.Sequential(nn.Linear(1, hidden), nn.Tanh())
        self.z_pi = nn.Linear(hidden, mixtures)
        self.z_mu = nn.Linear(hidden, mixtures)
        self.z_sigma = nn.Linear(hidden, mixtures)

    def forward(self, x):
        z = self.z_h(x)
        pi = nn.functional.softmax(self.z_pi(z), -1)
        return pi, self.z_mu(z), torch.exp(self.z_sigma(z))


def mdn_loss_fn(y, mu, sigma, pi):
    m = torch.distributions.Normal(loc=mu, scale=sigma)
    return -torch.logsumexp(m.log_prob(y.expand_as(mu)) + torch.log(pi), dim=1).mean()


model = MDN(12, 4)
for p in model.parameters():
    p.data = torch.from_numpy(0.6 * rng.randn(*p.shape)).float()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
losses = []
for epoch in range(15):
    optimizer.zero_grad()
    pi, mu, sigma = model(x)
    loss = mdn_loss_fn(y, mu, sigma, pi)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
gauss = torch.distributions.MixtureSameFamily(
    torch.distributions.Categorical(pi.detach()),
    torch.distributions.Normal(mu.detach(), sigma.detach()),
)
losses.append(gauss.log_prob(y.squeeze(1)).mean().item())
losses.append((gauss.mean - (pi * mu).sum(1).detach()).abs().max().item() + math.pi)
