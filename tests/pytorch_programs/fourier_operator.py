"""A Fourier neural operator on a periodic line: weights on the lowest frequencies."""

import numpy as np
import torch
import torch.nn as nn

rng = np.random.RandomState(3)


class SpectralConv1d(nn.Module):
    def __init__(self, channels, modes):
        super().__init__()
        self.modes = modes
        weight = rng.randn(channels, channels, modes, 2) / channels
        self.weight = nn.Parameter(torch.from_numpy(weight).float())

    def forward(self, x):
        spectrum = torch.fft.rfft(x)
        weight = torch.view_as_complex(self.weight)
        low = torch.einsum("bix,iox->box", spectrum[:, :, : self.modes], weight)
        rest = spectrum[:, :, self.modes :] * 0
        return torch.fft.irfft(torch.cat([low, rest], dim=-1), n=x.size(-1))


class FNO(nn.Module):
    def __init__(self, width=6, modes=5):
        super().__init__()
        self.lift = nn.Conv1d(1, width, 1)
        self.spectral = nn.ModuleList([SpectralConv1d(width, modes) for _ in range(2)])
        self.local = nn.ModuleList([nn.Conv1d(width, width, 1) for _ in range(2)])
        self.project = nn.Conv1d(width, 1, 1)

    def forward(self, x):
        x = self.lift(x)
        for spectral, local in zip(self.spectral, self.local):
            x = torch.tanh(spectral(x) + local(x))
        return self.project(x)


t = torch.linspace(0, 2 * torch.pi, 33)[:-1]
inputs = torch.stack([torch.sin((i % 3 + 1) * t + i) for i in range(8)])[:, None]
targets = torch.stack([torch.cos((i % 3 + 1) * t + i) for i in range(8)])[:, None]
model = FNO()
for name, p in model.named_parameters():
    if "spectral" not in name:
        p.data = torch.from_numpy(0.5 * rng.randn(*p.shape)).float()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
losses = []
for step in range(15):
    out = model(inputs)
    power = torch.fft.rfft(out - targets, norm="ortho").abs().pow(2).mean()
    loss = nn.functional.mse_loss(out, targets) + 0.1 * power
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
