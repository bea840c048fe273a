"""Skip-gram with negative samples, and nearest neighbours by cosine."""

from collections import Counter

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

corpus = "the cat sat on the mat the dog sat on the log the cat saw the dog".split()
vocab = [w for w, _ in Counter(corpus).most_common()]
index = {w: i for i, w in enumerate(vocab)}
pairs = [
    (index[corpus[i]], index[corpus[j]])
    for i in range(len(corpus))
    for j in range(max(0, i - 2), min(len(corpus), i + 3))
    if i != j
]
rng = np.random.RandomState(13)


class SkipGram(nn.Module):
    def __init__(self, vocab_size, dim):
        super().__init__()
        self.center = nn.Embedding(vocab_size, dim)
        self.context = nn.Embedding(vocab_size, dim)
        self.context.weight.data.uniform_(-0, 0)

    def forward(self, c, pos, neg):
        v = self.center(c)
        positive = F.logsigmoid(torch.sum(v * self.context(pos), dim=1))
        scores = torch.bmm(self.context(neg), v.unsqueeze(2)).squeeze(2)
        negative = F.logsigmoid(-scores).sum(1)
        return -(positive + negative).mean()


model = SkipGram(len(vocab), 6)
model.center.weight.data.copy_(torch.from_numpy(rng.uniform(-0.5, 0.5, (len(vocab), 6))))
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
losses = []
tensor = torch.LongTensor(pairs)
for epoch in range(15):
    order = torch.from_numpy(rng.permutation(len(pairs)))
    total = 0
    for batch in order.split(16):
        c, pos = tensor[batch].t()
        neg = torch.from_numpy(rng.randint(0, len(vocab), (len(batch), 3)))
        loss = model(c, pos, neg)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    losses.append(total)
vectors = F.normalize(model.center.weight.detach(), dim=1)
nearest = (vectors @ vectors.T).argsort(dim=1, descending=True)
assert nearest[:, 0].tolist() == list(range(len(vocab)))
