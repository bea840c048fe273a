"""A variational autoencoder with `distributions`: reparametrised samples and a KL term."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Bernoulli, Normal, kl_divergence

rng = np.random.RandomState(2)
images = torch.from_numpy((rng.rand(40, 12) < np.linspace(0.1, 0.9, 12)).astype(np.float32))


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(12, 10), nn.Tanh())
        self.fc_mu, self.fc_logvar = nn.Linear(10, 3), nn.Linear(10, 3)
        self.decoder = nn.Sequential(nn.Linear(3, 10), nn.Tanh(), nn.Linear(10, 12))

    def encode(self, x):
        h = self.encoder(x)
        return Normal(self.fc_mu(h), torch.exp(0.5 * self.fc_logvar(h)))

    def forward(self, x, eps):
        q = self.encode(x)
        z = q.loc + q.scale * eps
        return self.decoder(z), q


model = VAE()
for name, param in model.named_parameters():
    param.data.copy_(torch.from_numpy(rng.normal(0, 0.3, param.size()).astype("float32")))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
prior = Normal(torch.zeros(3), torch.ones(3))
losses = []
for step in range(25):
    eps = torch.from_numpy(rng.randn(40, 3).astype(np.float32))
    logits, q = model(images, eps)
    recon = F.binary_cross_entropy_with_logits(logits, images, reduction="sum")
    assert torch.allclose(-Bernoulli(logits=logits).log_prob(images).sum(), recon, rtol=1e-4)
    kl = kl_divergence(q, prior).sum()
    by_hand = -0.5 * torch.sum(1 + 2 * q.scale.log() - q.loc.pow(2) - q.scale.pow(2))
    assert torch.allclose(kl, by_hand, rtol=1e-3)
    loss = (recon + kl) / len(images)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
sample = model.decoder(prior.sample((5,))).sigmoid()
assert sample.shape == (5, 12)
assert q.rsample().requires_grad
