"""Knowledge distillation: soft targets of a frozen teacher at a temperature."""

import copy

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

rng = np.random.RandomState(15)
X = torch.from_numpy(rng.randn(60, 4)).float()
y = (X[:, 0] * X[:, 1] > 0).long() + (X[:, 2] > 0.5).long()


def mlp(width):
    net = nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, 3))
    for p in net.parameters():
        p.data = torch.tensor(rng.normal(0, 0.5, p.shape), dtype=p.dtype)
    return net


teacher, student = mlp(24), mlp(6)
losses = []
optimizer = torch.optim.Adam(teacher.parameters(), lr=0.02)
for _ in range(15):
    loss = F.cross_entropy(teacher(X), y, label_smoothing=0.05)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
teacher.eval()
for param in teacher.parameters():
    param.requires_grad = False
frozen = copy.deepcopy(teacher.state_dict())

T, alpha = 2.0, 0.7
optimizer = torch.optim.NAdam(filter(lambda p: p.requires_grad, student.parameters()), lr=0.02)
for _ in range(15):
    with torch.no_grad():
        teacher_logits = teacher(X)
    student_logits = student(X)
    soft = nn.KLDivLoss(reduction="batchmean")(
        F.log_softmax(student_logits / T, dim=1), F.softmax(teacher_logits / T, dim=1)
    )
    loss = alpha * T * T * soft + (1 - alpha) * F.cross_entropy(student_logits, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
assert all(torch.equal(frozen[k], v) for k, v in teacher.state_dict().items())
