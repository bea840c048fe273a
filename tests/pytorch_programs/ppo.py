"""Proximal policy optimisation: generalised advantages, a clipped objective, several epochs."""

import numpy as np
import torch
import torch.nn as nn
from torch.distributions import Categorical

rng = np.random.RandomState(0)


def layer_init(layer, std=np.sqrt(2), bias_const=0.0):
    q, _ = np.linalg.qr(rng.randn(max(layer.weight.shape), min(layer.weight.shape)))
    q = q if q.shape == tuple(layer.weight.shape) else q.T
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(q * std, dtype=torch.float32))
    torch.nn.init.constant_(layer.bias, bias_const)
    return layer


class Agent(nn.Module):
    def __init__(self, obs=4, actions=3):
        super().__init__()
        self.critic = nn.Sequential(
            layer_init(nn.Linear(obs, 16)), nn.Tanh(), layer_init(nn.Linear(16, 1), std=1.0)
        )
        self.actor = nn.Sequential(
            layer_init(nn.Linear(obs, 16)), nn.Tanh(), layer_init(nn.Linear(16, actions), std=0.01)
        )

    def get_value(self, x):
        return self.critic(x)

    def get_action_and_value(self, x, action):
        probs = Categorical(logits=self.actor(x))
        return probs.log_prob(action), probs.entropy(), self.critic(x)


num_steps, num_envs, gamma, lam, clip_coef = 16, 4, 0.99, 0.95, 0.2
agent = Agent()
optimizer = torch.optim.Adam(agent.parameters(), lr=2.5e-3, eps=1e-5)
losses = []
for update in range(1, 4):
    optimizer.param_groups[0]["lr"] = (1.0 - (update - 1.0) / 3) * 2.5e-3
    obs = torch.Tensor(rng.randn(num_steps, num_envs, 4))
    actions = torch.zeros((num_steps, num_envs))
    logprobs, rewards, dones, values = (torch.zeros((num_steps, num_envs)) for _ in range(4))
    for step in range(num_steps):
        with torch.no_grad():
            action = torch.from_numpy(rng.randint(0, 3, num_envs))
            logprob, _, value = agent.get_action_and_value(obs[step], action)
            values[step] = value.flatten()
        actions[step], logprobs[step] = action, logprob
        reward = (obs[step].argmax(1) == action).numpy().astype(np.float32)
        rewards[step] = torch.tensor(reward).view(-1)
        dones[step] = torch.Tensor(rng.rand(num_envs) < 0.1)
    with torch.no_grad():
        next_value = agent.get_value(obs[-1]).reshape(1, -1)
        advantages = torch.zeros_like(rewards)
        lastgaelam = 0
        for t in reversed(range(num_steps)):
            nextnonterminal = 1.0 - dones[t]
            nextvalues = next_value if t == num_steps - 1 else values[t + 1]
            delta = rewards[t] + gamma * nextvalues * nextnonterminal - values[t]
            advantages[t] = lastgaelam = delta + gamma * lam * nextnonterminal * lastgaelam
        returns = advantages + values
    b_obs, b_logprobs = obs.reshape((-1, 4)), logprobs.reshape(-1)
    b_actions, b_adv, b_ret, b_val = (t.reshape(-1) for t in (actions, advantages, returns, values))
    b_inds = np.arange(num_steps * num_envs)
    for _epoch in range(2):
        rng.shuffle(b_inds)
        for start in range(0, len(b_inds), 32):
            mb = b_inds[start : start + 32]
            newlogprob, entropy, newvalue = agent.get_action_and_value(
                b_obs[mb], b_actions.long()[mb]
            )
            logratio = newlogprob - b_logprobs[mb]
            ratio = logratio.exp()
            with torch.no_grad():
                approx_kl = ((ratio - 1) - logratio).mean()
                clipfrac = ((ratio - 1.0).abs() > clip_coef).float().mean().item()
            adv = (b_adv[mb] - b_adv[mb].mean()) / (b_adv[mb].std() + 1e-8)
            pg_loss = torch.max(
                -adv * ratio, -adv * torch.clamp(ratio, 1 - clip_coef, 1 + clip_coef)
            ).mean()
            newvalue = newvalue.view(-1)
            v_clipped = b_val[mb] + torch.clamp(newvalue - b_val[mb], -clip_coef, clip_coef)
            v_loss = (
                0.5 * torch.max((newvalue - b_ret[mb]) ** 2, (v_clipped - b_ret[mb]) ** 2).mean()
            )
            loss = pg_loss - 0.01 * entropy.mean() + 0.5 * v_loss
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
            optimizer.step()
            losses.append(loss.item() + approx_kl.item() + clipfrac)
    y_pred, y_true = b_val.cpu().numpy(), b_ret.cpu().numpy()
    losses.append(float(1 - np.var(y_true - y_pred) / np.var(y_true)))
