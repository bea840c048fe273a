"""An LSTM that learns to spell, and text sampled greedily from it."""

import numpy as np
import torch
from torch import nn

text = "the quick brown fox jumps over the lazy dog. " * 3
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
data = torch.tensor([stoi[c] for c in text], dtype=torch.long)


class CharRNN(nn.Module):
    def __init__(self, vocab, hidden):
        super().__init__()
        self.embed = nn.Embedding(vocab, hidden)
        self.rnn = nn.LSTM(hidden, hidden, num_layers=2, batch_first=True)
        self.decoder = nn.Linear(hidden, vocab)

    def forward(self, x, state=None):
        out, state = self.rnn(self.embed(x), state)
        return self.decoder(out), state


rng = np.random.RandomState(1)
model = CharRNN(len(chars), 20)
with torch.no_grad():
    for p in model.parameters():
        p.copy_(torch.tensor(rng.uniform(-0.3, 0.3, size=tuple(p.shape))))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
losses = []
state = None
for start in range(0, 120, 8):
    x = data[start : start + 8].unsqueeze(0)
    target = data[start + 1 : start + 9].unsqueeze(0)
    logits, state = model(x, state)
    state = tuple(s.detach() for s in state)
    loss = criterion(logits.view(-1, len(chars)), target.view(-1))
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    losses.append(loss.item())

model.eval()
with torch.no_grad():
    x, state, written = data[:1].unsqueeze(0), None, []
    for _ in range(10):
        logits, state = model(x, state)
        x = logits[:, -1].softmax(-1).topk(1)[1]
        written.append(chars[x.item()])
written = "".join(written)
