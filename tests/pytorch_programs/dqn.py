"""Deep Q-learning: a replay memory, a target network, and the gathered values of actions."""

import random
from collections import deque, namedtuple

import numpy as np
import torch
from torch import nn, optim

Transition = namedtuple("Transition", ("state", "action", "next_state", "reward", "done"))
random.seed(0)
rng = np.random.RandomState(5)


class ReplayMemory:
    def __init__(self, capacity):
        self.memory = deque(maxlen=capacity)

    def push(self, *args):
        self.memory.append(Transition(*args))

    def sample(self, batch_size):
        return random.sample(self.memory, batch_size)


def network():
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))


policy_net, target_net = network(), network()
for p in policy_net.parameters():
    nn.init.constant_(p, 0)
    p.data.add_(torch.from_numpy(0.3 * rng.randn(*p.shape)).float())
target_net.load_state_dict(policy_net.state_dict())
target_net.eval()
memory = ReplayMemory(200)
for _ in range(100):
    state = rng.randn(4).astype("float32")
    action = rng.randint(3)
    reward = float(state[action] > 0)
    memory.push(torch.from_numpy(state)[None], torch.tensor([[action]]),
                torch.from_numpy(rng.randn(4).astype("float32"))[None],
                torch.tensor([reward]), torch.tensor([rng.rand() < 0.1]))  # fmt: skip
optimizer = optim.AdamW(policy_net.parameters(), lr=1e-2, amsgrad=True)
criterion = nn.SmoothL1Loss()
losses = []
for step in range(20):
    batch = Transition(*zip(*memory.sample(32)))
    states, actions = torch.cat(batch.state), torch.cat(batch.action)
    rewards, done = torch.cat(batch.reward), torch.cat(batch.done)
    q = policy_net(states).gather(1, actions)
    with torch.no_grad():
        next_q = target_net(torch.cat(batch.next_state)).max(1)[0]
        next_q[done] = 0.0
    loss = criterion(q, (rewards + 0.9 * next_q).unsqueeze(1))
    optimizer.zero_grad()
    loss.backward()
    for param in policy_net.parameters():
        param.grad.data.clamp_(-1, 1)
    optimizer.step()
    for target, source in zip(target_net.parameters(), policy_net.parameters()):
        target.data.copy_(0.1 * source.data + 0.9 * target.data)
    losses.append(loss.item())
