"""A generator against a critic of bounded slope: spectral normalisation and the hinge loss."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.parametrizations import spectral_norm

rng = np.random.RandomState(13)


def set_weights(module, scale):
    for m in module.modules():
        if isinstance(m, nn.Linear):
            m.weight.data = torch.from_numpy(scale * rng.randn(*m.weight.shape)).float()
            m.bias.data.fill_(0.01)


generator = nn.Sequential(nn.Linear(3, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))
critic = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
set_weights(generator, 0.5)
set_weights(critic, 0.8)
for i in (0, 2):  # the vectors of the power iteration start as random numbers
    spectral_norm(critic[i], n_power_iterations=20)
g_opt = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.9), eps=1e-4)
# where a gradient is 0 up to rounding, a smaller eps would make a step of its sign
d_opt = torch.optim.Adam(critic.parameters(), lr=2e-3, betas=(0.5, 0.9), eps=1e-4)
losses = []
for step in range(10):
    angle = rng.rand(32) * 2 * np.pi
    real = torch.tensor(np.stack([np.cos(angle), np.sin(angle)], 1), dtype=torch.float)
    noise = torch.from_numpy(rng.randn(32, 3)).float()
    fake = generator(noise)
    d_loss = F.relu(1.0 - critic(real)).mean() + F.relu(1.0 + critic(fake.detach())).mean()
    d_opt.zero_grad()
    d_loss.backward()
    d_opt.step()
    g_loss = -critic(generator(noise)).mean()
    g_opt.zero_grad()
    g_loss.backward()
    g_opt.step()
    losses += [d_loss.item(), g_loss.item()]
