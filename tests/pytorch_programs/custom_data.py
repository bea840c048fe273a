"""A Dataset, a Sampler, a collate function with padding, worker seeds, weights of classes."""

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset, Subset, WeightedRandomSampler, random_split
from torch.utils.data.sampler import Sampler

rng = np.random.RandomState(19)


class Sequences(Dataset):
    def __init__(self, n):
        self.items = [rng.randint(1, 9, rng.randint(2, 7)) for _ in range(n)]

    def __len__(self):
        return len(self.items)

    def __getitem__(self, idx):
        item = torch.from_numpy(self.items[idx])
        return {"tokens": item, "label": int(item.sum() % 2), "length": len(item)}


class ByLength(Sampler):
    """Batches of similar lengths."""

    def __init__(self, dataset, batch_size):
        self.dataset, self.batch_size = dataset, batch_size

    def __iter__(self):
        order = sorted(range(len(self.dataset)), key=lambda i: (len(self.dataset.items[i]), i))
        for i in range(0, len(order), self.batch_size):
            yield order[i : i + self.batch_size]

    def __len__(self):
        return (len(self.dataset) + self.batch_size - 1) // self.batch_size


def collate(batch):
    tokens = pad_sequence([b["tokens"] for b in batch], batch_first=True, padding_value=0)
    return tokens, torch.tensor([b["label"] for b in batch]), [b["length"] for b in batch]


dataset = Sequences(30)
loader = DataLoader(
    dataset, batch_sampler=ByLength(dataset, 8), collate_fn=collate, num_workers=2,
    worker_init_fn=lambda i: np.random.seed(i),
)  # fmt: skip
assert len(loader) == 4
train, valid = random_split(dataset, [24, 6], generator=torch.Generator().manual_seed(1))
assert len(train) == 24
assert isinstance(valid, Subset)
weights = [1.0 if dataset[i]["label"] else 3.0 for i in range(len(dataset))]
drawn = list(WeightedRandomSampler(weights, num_samples=10, replacement=True))
assert len(drawn) == 10


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(9, 5, padding_idx=0)
        self.fc = nn.Linear(5, 2)

    def forward(self, tokens):
        mask = (tokens != 0).unsqueeze(-1).float()
        summed = (self.embedding(tokens) * mask).sum(1)
        return self.fc(summed / mask.sum(1).clamp(min=1))


model = Bag()
with torch.no_grad():
    model.embedding.weight[1:] = torch.from_numpy(rng.randn(8, 5)).float()
    model.fc.weight[:] = torch.from_numpy(rng.randn(2, 5)).float()
    model.fc.bias.zero_()
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
losses = []
for epoch in range(4):
    for tokens, labels, lengths in loader:
        assert tokens.shape == (len(labels), max(lengths))
        loss = nn.functional.cross_entropy(model(tokens), labels, weight=torch.tensor([1.0, 2.0]))
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
assert not model.embedding.weight[0].any()
