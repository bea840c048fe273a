"""A recurrent network that reads sequences without alignment: CTC loss and greedy decoding."""

import numpy as np
import torch
from torch import nn, optim

rng = np.random.RandomState(1)
T, N, C = 12, 8, 5


def make_batch():
    lengths = rng.randint(2, 5, N)
    labels = [rng.randint(1, C, n) for n in lengths]
    inputs = 0.1 * rng.randn(T, N, C)
    for n, label in enumerate(labels):
        for i, c in enumerate(label):
            inputs[2 * i + 1, n, c] += 2.0
    targets = torch.from_numpy(np.concatenate(labels)).long()
    return torch.from_numpy(inputs).float(), targets, torch.from_numpy(lengths)


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(C, 8, bidirectional=True)
        self.fc = nn.Linear(16, C)

    def forward(self, x):
        out, _ = self.rnn(x)
        return self.fc(out).log_softmax(2)


def greedy(scores):
    best = scores.argmax(2).T
    return [[int(c) for c in torch.unique_consecutive(row) if c != 0] for row in best]


model = Reader()
for p in model.parameters():
    p.data.copy_(torch.from_numpy(0.4 * rng.randn(*p.shape)))
ctc = nn.CTCLoss(blank=0, zero_infinity=True)
optimizer = optim.Adam(model.parameters(), lr=0.02)
losses = []
for step in range(15):
    inputs, targets, lengths = make_batch()
    scores = model(inputs)
    loss = ctc(scores, targets, torch.full((N,), T, dtype=torch.long), lengths)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
assert len(greedy(scores.detach())) == N
