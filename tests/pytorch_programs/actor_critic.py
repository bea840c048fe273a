"""Actor and critic with proximal policy optimisation, on a walk along a line."""

from collections import namedtuple

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical

rng = np.random.RandomState(8)
SavedAction = namedtuple("SavedAction", ["log_prob", "value"])
eps = np.finfo(np.float32).eps.item()


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(3, 16)
        self.action_head = nn.Linear(16, 2)
        self.value_head = nn.Linear(16, 1)

    def forward(self, x):
        x = F.relu(self.affine1(x))
        return F.softmax(self.action_head(x), dim=-1), self.value_head(x)


def observation(position, t):
    return torch.from_numpy(np.array([position, position**2 / 10, t / 10])).float()


model = Policy()
for p in model.parameters():
    p.data = torch.from_numpy(0.3 * rng.randn(*p.shape)).float()
optimizer = optim.Adam(model.parameters(), lr=1e-2)
losses = []
for episode in range(10):
    position, states, actions, rewards, values, old = 0, [], [], [], [], []
    for t in range(12):
        state = observation(position, t)
        with torch.no_grad():
            probs, value = model(state)
        dist = Categorical(probs)
        action = torch.tensor(int(rng.rand() > probs[0].item()))
        old.append(dist.log_prob(action))
        states.append(state)
        actions.append(action)
        values.append(value)
        position += 1 if action.item() == 1 else -1
        rewards.append(-abs(position - 4))
    R, returns = 0, []
    for r in rewards[::-1]:
        R = r + 0.95 * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + eps)
    states, actions, old = torch.stack(states), torch.stack(actions), torch.stack(old)
    advantages = returns - torch.cat(values)
    for _ in range(2):
        probs, value = model(states)
        dist = Categorical(probs)
        ratio = torch.exp(dist.log_prob(actions) - old)
        clipped = torch.clamp(ratio, 0.8, 1.2) * advantages
        policy_loss = -torch.min(ratio * advantages, clipped).mean()
        value_loss = F.smooth_l1_loss(value.squeeze(-1), returns)
        loss = policy_loss + 0.5 * value_loss - 0.01 * dist.entropy().mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        losses.append(loss.item())
