"""Model-agnostic meta-learning with `func`: a gradient through a gradient step, over tasks."""

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, grad, vmap

rng = np.random.RandomState(8)
net = nn.Sequential(nn.Linear(1, 10), nn.Tanh(), nn.Linear(10, 1))
params = {
    name: torch.tensor(rng.normal(0, 0.5, tuple(p.shape)), dtype=torch.float32)
    for name, p in net.named_parameters()
}


def loss_fn(params, x, y):
    return ((functional_call(net, params, (x,)) - y) ** 2).mean()


def adapt(params, x, y, lr=0.05):
    grads = grad(loss_fn)(params, x, y)
    return {name: p - lr * grads[name] for name, p in params.items()}


def meta_loss(params, xs, ys, xq, yq):
    def one_task(xs, ys, xq, yq):
        return loss_fn(adapt(params, xs, ys), xq, yq)

    return vmap(one_task)(xs, ys, xq, yq).mean()


losses = []
for step in range(8):
    amplitude, phase = rng.uniform(0.5, 2, (4, 1, 1)), rng.uniform(0, 3, (4, 1, 1))
    x = rng.uniform(-3, 3, (4, 10, 1))
    y = amplitude * np.sin(x + phase)
    x, y = torch.tensor(x).float(), torch.tensor(y).float()
    support, query = (x[:, :5], y[:, :5]), (x[:, 5:], y[:, 5:])
    losses.append(meta_loss(params, *support, *query).item())
    grads = grad(meta_loss)(params, *support, *query)
    params = {name: p - 0.05 * grads[name] for name, p in params.items()}
