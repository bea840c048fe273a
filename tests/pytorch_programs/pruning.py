"""Weight pruning: by size, in rounds of training, and made permanent."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import prune

rng = np.random.RandomState(14)
x = torch.from_numpy(rng.randn(60, 4)).float()
y = (x[:, 0] - x[:, 1] > 0).long()


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 12)
        self.fc2 = nn.Linear(12, 2)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))


model = LeNet()
for p in model.parameters():
    p.data.copy_(torch.from_numpy(0.5 * rng.randn(*p.shape)))
losses = []
parameters_to_prune = ((model.fc1, "weight"), (model.fc2, "weight"))
for amount in (0.2, 0.4):
    prune.global_unstructured(
        parameters_to_prune, pruning_method=prune.L1Unstructured, amount=amount
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    for _ in range(6):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
prune.ln_structured(model.fc2, name="weight", amount=0.25, n=2, dim=1)
for module, name in parameters_to_prune:
    losses.append(float(torch.sum(getattr(module, name) == 0)) / getattr(module, name).nelement())
    prune.remove(module, name)
assert "weight_orig" not in model.state_dict()
losses.append(F.cross_entropy(model(x), y).item())
