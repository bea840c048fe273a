"""A temporal convolutional network with weight norm forecasts a series, in windows of a Dataset."""

import numpy as np
import torch
import torch.nn as nn
from torch.nn.utils.parametrizations import weight_norm
from torch.utils.data import DataLoader, Dataset, Subset

rng = np.random.default_rng(3)
series = np.sin(np.arange(160) / 7) + 0.1 * rng.standard_normal(160)
series = ((series - series.mean()) / series.std()).astype(np.float32)


class Windows(Dataset):
    def __init__(self, values, length):
        self.values, self.length = torch.from_numpy(values), length

    def __len__(self):
        return len(self.values) - self.length

    def __getitem__(self, i):
        return self.values[i : i + self.length].unsqueeze(0), self.values[i + self.length]


class Chomp1d(nn.Module):
    def __init__(self, chomp_size):
        super().__init__()
        self.chomp_size = chomp_size

    def forward(self, x):
        return x[:, :, : -self.chomp_size].contiguous()


class TemporalBlock(nn.Module):
    def __init__(self, n_in, n_out, k, dilation):
        super().__init__()
        pad = (k - 1) * dilation
        conv = weight_norm(nn.Conv1d(n_in, n_out, k, stride=1, padding=pad, dilation=dilation))
        self.net = nn.Sequential(conv, Chomp1d(pad), nn.ReLU(), nn.Dropout(0.0))
        self.downsample = nn.Conv1d(n_in, n_out, 1) if n_in != n_out else None
        self.relu = nn.ReLU()

    def forward(self, x):
        res = x if self.downsample is None else self.downsample(x)
        return self.relu(self.net(x) + res)


channels = [1, 6, 6, 6]
model = nn.Sequential(
    *[TemporalBlock(a, b, 3, 2**i) for i, (a, b) in enumerate(zip(channels, channels[1:]))],
    nn.AdaptiveMaxPool1d(1),
    nn.Flatten(),
    nn.Linear(6, 1),
)
with torch.no_grad():
    for name, p in model.named_parameters():
        if name.endswith("original0"):
            p.fill_(1.0)
        else:
            p.copy_(torch.tensor(0.3 * rng.standard_normal(tuple(p.shape))))
data = Windows(series, 24)
train = DataLoader(Subset(data, range(96)), batch_size=32, shuffle=False, drop_last=True)
valid = DataLoader(Subset(data, list(range(96, len(data)))), batch_size=64)
criterion = nn.SmoothL1Loss(beta=0.5)
optimizer = torch.optim.RMSprop(model.parameters(), lr=3e-3, alpha=0.9, momentum=0.5)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
    optimizer, mode="min", factor=0.5, patience=0, threshold=0.05
)
losses = []
for _epoch in range(4):
    model.train()
    for x, y in train:
        optimizer.zero_grad()
        loss = criterion(model(x).squeeze(-1), y)
        loss.backward()
        nn.utils.clip_grad_value_(model.parameters(), 0.5)
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.inference_mode():
        total = sum(criterion(model(x)[:, 0], y).item() * len(x) for x, y in valid)
    scheduler.step(total / len(valid.dataset))
    losses.append(total / len(valid.dataset) + scheduler.get_last_lr()[0])
