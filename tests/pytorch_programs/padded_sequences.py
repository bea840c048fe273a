"""Sequences of different lengths through a packed bidirectional LSTM, with a collate function."""

from collections import Counter

import numpy as np
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader

rng = np.random.RandomState(4)
words = "the cat sat on a mat and dog ran far away from good bad film".split()
texts = [" ".join(rng.choice(words, rng.randint(2, 9))) for _ in range(48)]
labels = [int("good" in t or "cat" in t) for t in texts]
vocab = {w: i + 2 for i, (w, _) in enumerate(sorted(Counter(" ".join(texts).split()).items()))}
vocab["<pad>"], vocab["<unk>"] = 0, 1


def collate_batch(batch):
    label_list, text_list, lengths = [], [], []
    for text, label in batch:
        label_list.append(label)
        ids = torch.tensor([vocab.get(w, 1) for w in text.split()], dtype=torch.int64)
        text_list.append(ids)
        lengths.append(ids.size(0))
    padded = pad_sequence(text_list, batch_first=True, padding_value=vocab["<pad>"])
    return padded, torch.tensor(label_list, dtype=torch.float32), torch.tensor(lengths)


class RNN(nn.Module):
    def __init__(self, vocab_size, embed_dim, hidden):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_dim, padding_idx=0)
        self.rnn = nn.LSTM(embed_dim, hidden, num_layers=2, batch_first=True, bidirectional=True)
        self.attend = nn.Linear(2 * hidden, 1)
        self.fc = nn.Sequential(nn.Linear(2 * hidden, 8), nn.ReLU(), nn.Linear(8, 1), nn.Sigmoid())

    def forward(self, text, lengths):
        out = pack_padded_sequence(
            self.embedding(text), lengths.cpu().numpy(), batch_first=True, enforce_sorted=False
        )
        out, (hidden, _) = self.rnn(out)
        out, sizes = pad_packed_sequence(out, batch_first=True)
        mask = torch.arange(out.size(1))[None, :] < sizes[:, None]
        scores = self.attend(out).squeeze(2).masked_fill(~mask, float("-inf"))
        context = torch.bmm(torch.softmax(scores, 1).unsqueeze(1), out).squeeze(1)
        return self.fc(context + torch.cat((hidden[-2], hidden[-1]), dim=1))


model = RNN(len(vocab), 6, 5)
state = {
    k: torch.tensor(0.3 * rng.randn(*v.shape), dtype=v.dtype) for k, v in model.state_dict().items()
}
state["embedding.weight"][0] = 0
print(model.load_state_dict(state))
loader = DataLoader(
    list(zip(texts, labels)), batch_size=12, shuffle=False, collate_fn=collate_batch, num_workers=0
)
loss_fn = nn.BCELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=1e-4)
losses = []
for _ in range(4):
    correct = 0
    for text, label, lengths in loader:
        optimizer.zero_grad()
        pred = model(text, lengths)[:, 0]
        loss = loss_fn(pred, label)
        loss.backward()
        optimizer.step()
        correct += ((pred >= 0.5).float() == label).float().sum().item()
        losses.append(loss.item())
    losses.append(correct / len(loader.dataset))
assert model.embedding.weight[0].abs().sum() == 0
