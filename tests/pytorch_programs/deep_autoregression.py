"""DeepAR: a GRU whose outputs are the parameters of a distribution of counts, sampled forward."""

import numpy as np
import torch
import torch.nn as nn
from torch import Tensor
from torch.distributions import NegativeBinomial, StudentT
from torch.utils.data import DataLoader, TensorDataset, random_split

rng = np.random.default_rng(10)
t = np.arange(40)
counts = rng.poisson(3 + 2 * np.sin(t / 3 + rng.uniform(0, 6, (24, 1)))).astype(np.float32)


class DeepAR(nn.Module):
    def __init__(self, hidden: int = 8) -> None:
        super().__init__()
        self.rnn = nn.GRU(3, hidden, batch_first=True)
        self.total = nn.Linear(hidden, 1)
        self.logit = nn.Linear(hidden, 1)
        for p in self.parameters():
            p.data.uniform_(-0.1, 0.1)

    def forward(self, y: Tensor, scale: Tensor, h: Tensor = None):
        season = torch.arange(y.shape[1]).float() / 3
        features = torch.stack(
            [y / scale, season.sin().expand_as(y), season.cos().expand_as(y)], -1
        )
        out, h = self.rnn(features, h)
        total = nn.functional.softplus(self.total(out).squeeze(-1)) * scale + 1e-3
        return NegativeBinomial(total, logits=self.logit(out).squeeze(-1)), h


model = DeepAR()
with torch.no_grad():
    for p in model.parameters():
        p.copy_(torch.tensor(rng.normal(0, 0.3, p.shape)))
dataset = TensorDataset(torch.tensor(counts))
train, test = random_split(dataset, [16, 8], generator=torch.Generator().manual_seed(0))
assert [len(train), len(test)] == [16, 8]
train, test = (torch.utils.data.Subset(dataset, r) for r in (range(16), range(16, 24)))
optimizer = torch.optim.RAdam(model.parameters(), lr=2e-2)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.9**epoch)
losses = []
for _ in range(4):
    for (y,) in DataLoader(train, batch_size=8):
        scale = 1 + y.mean(1, keepdim=True)
        dist, _ = model(y[:, :-1], scale)
        loss = -dist.log_prob(y[:, 1:]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()
model.eval()
with torch.no_grad():
    y = next(iter(DataLoader(test, batch_size=len(test))))[0]
    dist, h = model(y[:, :-1], 1 + y.mean(1, keepdim=True))
    losses.append((dist.mean - y[:, 1:]).abs().mean().item())
    losses.append(dist.variance.sqrt().mean().item())
    path = dist.sample((5,))
    assert path.shape == (5, 8, 39)
    assert bool((path >= 0).all())
residual = y[:, 1:] - dist.mean
df, scale = torch.tensor(5.0, requires_grad=True), torch.tensor(1.0, requires_grad=True)
fit = torch.optim.LBFGS([df, scale], max_iter=8)


def closure():
    fit.zero_grad()
    nll = -StudentT(df.abs() + 1, 0.0, scale.exp()).log_prob(residual).mean()
    nll.backward()
    return nll


losses.append(fit.step(closure).item())
losses.append(scale.exp().item())
