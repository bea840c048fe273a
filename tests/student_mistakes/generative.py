"""Generative models, their losses, and what reinforcement learning differentiates."""

from __future__ import annotations

import numpy as np

from tests.student_mistakes.layer import layer

NOISE = np.random.default_rng(5).standard_normal((4, 3))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@layer(
    {"mu": (4, 3), "logvar": (4, 3)},
    ("g * 0.5 * NOISE * np.exp(0.5 * logvar)", "g * NOISE * np.exp(0.5 * logvar)", "factor"),
    (
        "g * 0.5 * NOISE * np.exp(0.5 * logvar)",
        "g * 0.5 * NOISE * np.exp(logvar)",
        "formula|chain|mixed up",
    ),
    ("return g,", "return 0 * g,", "zero"),
    ("g * 0.5 * NOISE * np.exp(0.5 * logvar)", "-g * 0.5 * NOISE * np.exp(0.5 * logvar)", "sign"),
)
def reparameterisation():
    def forward(mu, logvar):
        return mu + (NOISE * np.exp(0.5 * logvar)).astype(mu.dtype)

    def backward(g, mu, logvar):
        return g, g * 0.5 * NOISE * np.exp(0.5 * logvar)

    return forward, backward


@layer(
    {"mu": (4, 3), "logvar": (4, 3)},
    ("g * mu / 4", "g * 2 * mu / 4", "factor"),
    ("g * mu / 4", "g * mu", "factor"),
    ("0.5 * (np.exp(logvar) - 1)", "0.5 * (1 - np.exp(logvar))", "sign"),
    ("0.5 * (np.exp(logvar) - 1)", "0.5 * np.exp(logvar)", "offset|unknown"),
    ("0.5 * (np.exp(logvar) - 1)", "(np.exp(logvar) - 1)", "factor"),
)
def vae_divergence():
    def forward(mu, logvar):
        return -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar)) / 4

    def backward(g, mu, logvar):
        return g * mu / 4, g * 0.5 * (np.exp(logvar) - 1) / 4

    return forward, backward


@layer(
    {"x": (4, 3), "W": (3, 4), "V": (2, 3)},
    ("dmu + 0", "dmu * 0", "unknown"),
    ("np.concatenate([dmu, dlogvar], 1)", "np.concatenate([dlogvar, dmu], 1)", "unknown|blocks"),
    ("z.T @ g", "z.T @ g / 4", "factor"),
    (
        "dlogvar = dz * 0.5 * e * np.exp(0.5 * logvar)",
        "dlogvar = dz * e * np.exp(0.5 * logvar)",
        "gate|unknown",
    ),
    ("x.T @ dh", "-x.T @ dh", "sign"),
)
def variational_autoencoder():
    e = NOISE[:, :2]

    def forward(x, W, V):
        mu, logvar = np.split(x @ W, 2, axis=1)
        return ((mu + e * np.exp(0.5 * logvar)) @ V).astype(x.dtype)

    def backward(g, x, W, V):
        mu, logvar = np.split(x @ W, 2, axis=1)
        z = mu + e * np.exp(0.5 * logvar)
        dz = g @ V.T
        dmu = dz
        dlogvar = dz * 0.5 * e * np.exp(0.5 * logvar)
        dmu = dmu + 0
        dh = np.concatenate([dmu, dlogvar], 1)
        return dh @ W.T, x.T @ dh, z.T @ g

    return forward, backward


@layer(
    {"real": (5,), "fake": (4,)},
    ("(sigmoid(real) - 1) / 5", "(sigmoid(real) - 1) / 4", "factor"),
    ("(sigmoid(real) - 1) / 5", "(1 - sigmoid(real)) / 5", "sign"),
    ("sigmoid(fake) / 4", "sigmoid(fake)", "factor"),
    ("sigmoid(fake) / 4", "sigmoid(fake) / 5", "factor"),
)
def discriminator_loss():
    def forward(real, fake):
        return -np.mean(np.log(sigmoid(real))) - np.mean(np.log(1 - sigmoid(fake)))

    def backward(g, real, fake):
        return g * (sigmoid(real) - 1) / 5, g * sigmoid(fake) / 4

    return forward, backward


@layer(
    {"fake": (5, 1)},
    (
        "(sigmoid(fake) - 1) / 5",
        "(sigmoid(fake) - 1) / 5 * sigmoid(fake) * (1 - sigmoid(fake))",
        "chain",
    ),
    ("(sigmoid(fake) - 1) / 5", "(1 - sigmoid(fake)) / 5", "sign"),
    ("(sigmoid(fake) - 1) / 5", "(sigmoid(fake) - 1)", "factor"),
)
def generator_loss():
    def forward(fake):
        return -np.mean(np.log(sigmoid(fake)))

    def backward(g, fake):
        return g * (sigmoid(fake) - 1) / 5

    return forward, backward


@layer(
    {"real": (4,), "fake": (4,)},
    ("-np.ones(4) / 4, g *", "np.ones(4) / 4, g *", "sign|other input"),
    ("np.ones(4) / 4\n", "np.ones(4)\n", "factor"),
    ("return g *", "return 4 * g *", "factor"),
)
def wasserstein_loss():
    def forward(real, fake):
        return fake.mean() - real.mean()

    def backward(g, real, fake):
        return g * -np.ones(4) / 4, g * np.ones(4) / 4

    return forward, backward


@layer(
    {"z": (4, 3)},
    ("R[:, None]", "R.mean()", "row factors"),
    ("(p - np.eye(3)[ACTIONS])", "(np.eye(3)[ACTIONS] - p)", "sign"),
    ("(p - np.eye(3)[ACTIONS])", "p", "labels"),
    ("/ 4", "", "factor"),
)
def policy_gradient():
    ACTIONS, R = np.array([0, 2, 1, 1]), np.array([1.0, 0.5, 2.0, 3.0])

    def forward(z):
        return -np.mean(R * np.log(softmax(z)[np.arange(4), ACTIONS]))

    def backward(g, z):
        p = softmax(z)
        return g * (p - np.eye(3)[ACTIONS]) * R[:, None] / 4

    return forward, backward


@layer(
    {"z": (4, 3)},
    ("- h[:, None]", "", "unknown|cross terms|row sums"),
    ("-p * (", "p * (", "sign"),
    ("g[:, None]", "g[:, None] / 4", "factor"),
)
def entropy():
    def forward(z):
        p = softmax(z)
        return -(p * np.log(p)).sum(1)

    def backward(g, z):
        p, h = softmax(z), -forward(z)
        return g[:, None] * -p * (np.log(p) - h[:, None])

    return forward, backward


@layer(
    {"q": (4, 3)},
    ("d[np.arange(4), TAKEN] = 2 * e / 4", "d[:] = 2 * e[:, None] / 4", "extra"),
    ("2 * e / 4", "2 * e", "factor"),
    ("2 * e / 4", "np.sign(e) * 2 / 4", "unknown|row factors|chain"),
    ("2 * e / 4", "-2 * e / 4", "sign"),
)
def q_learning_loss():
    TAKEN, TARGET = np.array([2, 0, 1, 0]), np.array([0.3, 1.2, -0.5, 0.8])

    def forward(q):
        return np.mean((q[np.arange(4), TAKEN] - TARGET) ** 2)

    def backward(g, q):
        e, d = q[np.arange(4), TAKEN] - TARGET, np.zeros_like(q)
        d[np.arange(4), TAKEN] = 2 * e / 4
        return g * d

    return forward, backward


@layer(
    {"x": (6,)},
    ("* (abs(x) < 1)", "", "identity"),
    ("* (abs(x) < 1)", "* 2 * (abs(x) < 1)", "factor"),
    ("* (abs(x) < 1)", "* (abs(x) > 1)", "mask"),
)
def clipping():
    def forward(x):
        return np.clip(x, -1, 1)

    def backward(g, x):
        return g * (abs(x) < 1)

    return forward, backward


@layer(
    {"x": (2, 3, 3)},
    ("d[:, 1:] += 2 * v", "d[:, 1:] -= 2 * v", "sign|unknown"),
    ("return g * d", "return d", "without g"),
    ("return g * d", "return g * d / 2", "factor"),
)
def total_variation():
    def forward(x):
        return ((x[:, 1:] - x[:, :-1]) ** 2).sum() + ((x[:, :, 1:] - x[:, :, :-1]) ** 2).sum()

    def backward(g, x):
        v, h, d = x[:, 1:] - x[:, :-1], x[:, :, 1:] - x[:, :, :-1], np.zeros_like(x)
        d[:, 1:] += 2 * v
        d[:, :-1] -= 2 * v
        d[:, :, 1:] += 2 * h
        d[:, :, :-1] -= 2 * h
        return g * d

    return forward, backward


@layer(
    {"x": (3, 4)},
    ("/ 4", "", "factor"),
    ("G @ x", "G.T @ x * 0.5", "factor"),
    ("G + G.T", "G", "contribution|unknown|transposed"),
)
def gram_matrix():
    def forward(x):
        return x @ x.T / 4

    def backward(g, x):
        G = g / 4
        G = G + G.T
        return G @ x

    return forward, backward
