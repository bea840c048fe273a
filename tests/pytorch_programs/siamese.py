"""A siamese network with shared weights and a contrastive loss of one's own."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

rng = np.random.RandomState(6)


class ContrastiveLoss(torch.nn.Module):
    def __init__(self, margin=1.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        distance = F.pairwise_distance(output1, output2, keepdim=True)
        same = (1 - label) * torch.pow(distance, 2)
        apart = label * torch.pow(torch.clamp(self.margin - distance, min=0.0), 2)
        return torch.mean(same + apart)


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.cnn = nn.Sequential(
            nn.ReflectionPad1d(1), nn.Conv1d(1, 4, kernel_size=3), nn.ReLU(inplace=True),
            nn.BatchNorm1d(4), nn.MaxPool1d(2),
        )  # fmt: skip
        self.fc = nn.Sequential(nn.Linear(4 * 4, 8), nn.ReLU(inplace=True), nn.Linear(8, 2))

    def once(self, x):
        out = self.cnn(x)
        return self.fc(out.view(out.size()[0], -1))

    def forward(self, a, b):
        return self.once(a), self.once(b)


kind = rng.randint(0, 2, 24)
other = rng.randint(0, 2, 24)
waves = np.stack([np.sin(np.arange(8)), np.cos(2 * np.arange(8))])
a = torch.tensor(waves[kind] + 0.1 * rng.randn(24, 8)).float().unsqueeze(1)
b = torch.tensor(waves[other] + 0.1 * rng.randn(24, 8)).float().unsqueeze(1)
label = torch.from_numpy((kind != other).astype(np.float32)).view(-1, 1)
net, criterion = Siamese(), ContrastiveLoss(2.0)
for p in net.parameters():
    p.data = torch.from_numpy(
        rng.uniform(0.05, 0.4, p.shape) * rng.choice([-1, 1], p.shape)
    ).float()
optimizer = torch.optim.Adam(net.parameters(), lr=0.005)
losses = []
for epoch in range(15):
    optimizer.zero_grad()
    out1, out2 = net(a, b)
    loss = criterion(out1, out2, label)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
