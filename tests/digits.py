"""Ten epochs on the digits from one fixed start, by hand in NumPy, to compare libraries with."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

SIZES = (64, 64, 10)
EPOCHS, BATCH = 10, 64
SGD = {"lr": 0.05, "momentum": 0.9}
ADAM = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8}


def problem():
    """Pixels, labels, weights (out, in), biases, and the order of the batches; all float64."""
    data = load_digits()
    rng = np.random.default_rng(42)
    weights = [rng.uniform(-1, 1, (m, n)) / np.sqrt(n) for n, m in zip(SIZES, SIZES[1:])]
    biases = [rng.uniform(-0.1, 0.1, m) for m in SIZES[1:]]
    order = [rng.permutation(len(data.target)) for _ in range(EPOCHS)]
    return data.data / 16, data.target, weights, biases, order


def batches(order):
    for epoch in order:
        for start in range(0, len(epoch), BATCH):
            yield epoch[start : start + BATCH]


def by_hand(optimizer: str) -> list[float]:
    """The training loss of every step."""
    x, y, weights, biases, order = problem()
    parameters = [*weights, *biases]
    first = [np.zeros_like(p) for p in parameters]
    second = [np.zeros_like(p) for p in parameters]
    losses = []
    for step, rows in enumerate(batches(order), start=1):
        a = x[rows]
        z1 = a @ weights[0].T + biases[0]
        h = np.maximum(z1, 0)
        z2 = h @ weights[1].T + biases[1]
        z2 -= z2.max(axis=1, keepdims=True)
        e = np.exp(z2)
        p = e / e.sum(axis=1, keepdims=True)
        here = np.arange(len(rows)), y[rows]
        losses.append(-np.log(p[here]).mean())
        g2 = p
        g2[here] -= 1
        g2 /= len(rows)
        g1 = (g2 @ weights[1]) * (z1 > 0)
        grads = [g1.T @ a, g2.T @ h, g1.sum(0), g2.sum(0)]
        for p, g, m, v in zip(parameters, grads, first, second):
            if optimizer == "sgd":
                m *= SGD["momentum"]
                m += g
                p -= SGD["lr"] * m
            else:
                b1, b2 = ADAM["betas"]
                m += (1 - b1) * (g - m)
                v += (1 - b2) * (g * g - v)
                correction = np.sqrt(v / (1 - b2**step)) + ADAM["eps"]
                p -= ADAM["lr"] / (1 - b1**step) * m / correction
    return losses


def with_library(lib, optimizer: str) -> list[float]:
    """The same with minigrad or PyTorch: the code is the same, only `lib` differs."""
    nn = lib.nn
    x, y, weights, biases, order = problem()
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)).double()
    state = {
        "0.weight": weights[0],
        "0.bias": biases[0],
        "2.weight": weights[1],
        "2.bias": biases[1],
    }
    model.load_state_dict({name: lib.tensor(value) for name, value in state.items()})
    if optimizer == "sgd":
        opt = lib.optim.SGD(model.parameters(), **SGD)
    else:
        opt = lib.optim.Adam(model.parameters(), **ADAM)
    x, y = lib.tensor(x), lib.tensor(y)
    losses = []
    for rows in batches(order):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses
