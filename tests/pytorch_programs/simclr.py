"""Contrastive learning of two views: the loss of SimCLR, and a linear probe."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.RandomState(11)
base = torch.from_numpy(rng.randn(24, 6)).float()


def augment(x):
    keep = torch.from_numpy((rng.rand(*x.shape) > 0.2).astype("float32"))
    return x * keep + 0.1 * torch.from_numpy(rng.randn(*x.shape)).float()


def info_nce_loss(features, n_views=2, temperature=0.5):
    batch = features.shape[0] // n_views
    labels = torch.cat([torch.arange(batch) for _ in range(n_views)], dim=0)
    labels = (labels.unsqueeze(0) == labels.unsqueeze(1)).float()
    features = F.normalize(features, dim=1)
    similarity = torch.matmul(features, features.T)
    mask = torch.eye(labels.shape[0], dtype=torch.bool)
    labels = labels[~mask].view(labels.shape[0], -1)
    similarity = similarity[~mask].view(similarity.shape[0], -1)
    positives = similarity[labels.bool()].view(labels.shape[0], -1)
    negatives = similarity[~labels.bool()].view(similarity.shape[0], -1)
    logits = torch.cat([positives, negatives], dim=1) / temperature
    return F.cross_entropy(logits, torch.zeros(logits.shape[0], dtype=torch.long))


encoder = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 8))
for p in encoder.parameters():
    p.data = torch.from_numpy(0.4 * rng.randn(*p.shape)).float()
optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-2, weight_decay=1e-6)
losses = []
for step in range(12):
    features = encoder(torch.cat([augment(base), augment(base)], dim=0))
    loss = info_nce_loss(features)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())

probe = nn.Linear(8, 2)
probe.weight.data.zero_()
probe.bias.data.zero_()
optimizer = torch.optim.LBFGS(probe.parameters(), lr=0.5, max_iter=4)
encoder.eval()
for p in encoder.parameters():
    p.requires_grad_(False)
target = (base[:, 0] > 0).long()


def closure():
    optimizer.zero_grad()
    loss = F.cross_entropy(probe(encoder(base)), target)
    loss.backward()
    return loss


for _ in range(4):
    losses.append(optimizer.step(closure).item())
