"""Ratings as products of embeddings, with biases and weight decay."""

import numpy as np
import torch
from torch import nn

rng = np.random.RandomState(12)
users = torch.from_numpy(rng.randint(0, 15, 200))
items = torch.from_numpy(rng.randint(0, 10, 200))
true_u, true_i = rng.randn(15, 2), rng.randn(10, 2)
ratings = torch.tensor((true_u[users.numpy()] * true_i[items.numpy()]).sum(1)).float()


class MF(nn.Module):
    def __init__(self, num_users, num_items, emb_size=4):
        super(MF, self).__init__()
        self.user_emb = nn.Embedding(num_users, emb_size)
        self.user_bias = nn.Embedding(num_users, 1)
        self.item_emb = nn.Embedding(num_items, emb_size)
        self.item_bias = nn.Embedding(num_items, 1)

    def forward(self, u, v):
        U, V = self.user_emb(u), self.item_emb(v)
        b_u, b_v = self.user_bias(u).squeeze(), self.item_bias(v).squeeze()
        return (U * V).sum(1) + b_u + b_v


model = MF(15, 10)
for emb in model.children():
    emb.weight.data = torch.from_numpy(rng.uniform(0, 0.5, tuple(emb.weight.shape))).float()
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1, weight_decay=1e-4)
losses = []
for i in range(20):
    model.train()
    loss = nn.functional.mse_loss(model(users, items), ratings)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
