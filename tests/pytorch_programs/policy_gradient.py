"""REINFORCE with a baseline on a corridor, by `Categorical.log_prob`."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Categorical

rng = np.random.RandomState(4)


class Corridor:
    """Five cells; the last one pays."""

    def reset(self):
        self.cell = 0
        return self.observe()

    def observe(self):
        one = np.zeros(5, dtype=np.float32)
        one[self.cell] = 1
        return one

    def step(self, action):
        self.cell = max(0, min(4, self.cell + (1 if action == 1 else -1)))
        done = self.cell == 4
        return self.observe(), 1.0 if done else -0.1, done


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(5, 12)
        self.action_head = nn.Linear(12, 2)
        self.value_head = nn.Linear(12, 1)

    def forward(self, x):
        x = torch.tanh(self.affine1(x))
        return F.softmax(self.action_head(x), dim=-1), self.value_head(x)


env, policy = Corridor(), Policy()
for p in policy.parameters():
    p.data = torch.tensor(rng.normal(0, 0.3, size=list(p.size())), dtype=torch.float)
optimizer = torch.optim.RMSprop(policy.parameters(), lr=0.01)
losses = []
for episode in range(12):
    obs, log_probs, values, rewards = env.reset(), [], [], []
    for _ in range(20):
        probs, value = policy(torch.from_numpy(obs).unsqueeze(0))
        m = Categorical(probs)
        cumulative = probs.detach().numpy().cumsum()
        action = torch.tensor([int((rng.rand() > cumulative[:-1]).sum())])
        assert m.sample().shape == action.shape
        log_probs.append(m.log_prob(action))
        values.append(value[0, 0])
        obs, reward, done = env.step(action.item())
        rewards.append(reward)
        if done:
            break
    returns, R = [], 0.0
    for r in rewards[::-1]:
        R = r + 0.9 * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    advantage = returns - torch.stack(values).detach()
    policy_loss = -(torch.cat(log_probs) * advantage).mean() - 0.01 * m.entropy().mean()
    loss = policy_loss + F.smooth_l1_loss(torch.stack(values), returns)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
