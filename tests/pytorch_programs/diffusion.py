"""Denoising diffusion on points of the plane, with embeddings of time."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

rng = np.random.RandomState(6)
STEPS = 50
angles = rng.rand(256) * 2 * np.pi
data = torch.tensor(np.stack([np.cos(angles), np.sin(angles)], 1), dtype=torch.float32)
betas = torch.linspace(1e-4, 0.02, STEPS)
alphas = 1.0 - betas
alphas_cumprod = torch.cumprod(alphas, dim=0)
alphas_cumprod_prev = F.pad(alphas_cumprod[:-1], (1, 0), value=1.0)
posterior_variance = betas * (1.0 - alphas_cumprod_prev) / (1.0 - alphas_cumprod)


def extract(a, t, x_shape):
    out = a.gather(-1, t)
    return out.reshape(t.shape[0], *((1,) * (len(x_shape) - 1)))


class TimeEmbedding(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, time):
        half = self.dim // 2
        scale = math.log(10000) / (half - 1)
        freqs = torch.exp(torch.arange(half, device=time.device) * -scale)
        args = time[:, None] * freqs[None, :]
        return torch.cat((args.sin(), args.cos()), dim=-1)


class Denoiser(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.time = nn.Sequential(TimeEmbedding(dim), nn.Linear(dim, dim), nn.SiLU())
        self.inp = nn.Linear(2, dim)
        self.out = nn.Sequential(nn.LayerNorm(dim), nn.SiLU(), nn.Linear(dim, 2))

    def forward(self, x, t):
        return self.out(self.inp(x) + self.time(t))


model = Denoiser()
for name, p in model.named_parameters():
    if p.dim() > 1:
        p.data.copy_(torch.from_numpy(rng.randn(*p.shape) / math.sqrt(p.shape[1])))
    else:
        nn.init.zeros_(p) if name.endswith("bias") else nn.init.ones_(p)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
losses = []
for step in range(20):
    x0 = data[torch.from_numpy(rng.randint(0, 256, 64))]
    t = torch.from_numpy(rng.randint(0, STEPS, 64)).long()
    noise = torch.from_numpy(rng.randn(64, 2)).float()
    mean = extract(alphas_cumprod.sqrt(), t, x0.shape) * x0
    noisy = mean + extract((1 - alphas_cumprod).sqrt(), t, x0.shape) * noise
    loss = F.smooth_l1_loss(noise, model(noisy, t))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())


@torch.no_grad()
def sample(count):
    x = torch.from_numpy(rng.randn(count, 2)).float()
    for i in reversed(range(STEPS)):
        t = torch.full((count,), i, dtype=torch.long)
        predicted = model(x, t)
        x = (x - extract(betas / (1 - alphas_cumprod).sqrt(), t, x.shape) * predicted) * extract(
            (1 / alphas).sqrt(), t, x.shape
        )
        if i > 0:
            noise = torch.from_numpy(rng.randn(count, 2)).float()
            x += extract(posterior_variance, t, x.shape).sqrt() * noise
    return x


losses.append(sample(8).norm(dim=1).mean().item())
