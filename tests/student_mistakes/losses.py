"""Losses, in all the conventions in which softmax and cross-entropy are written."""

from __future__ import annotations

import numpy as np

from tests.student_mistakes.layer import layer

LABELS = np.array([2, 0, 3, 2])
ONE_HOT = np.eye(5)[LABELS]
LOGITS = {"z": (4, 5)}


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@layer(
    LOGITS,
    ("g * (p - ONE_HOT) / 4", "g * (p - ONE_HOT)", "factor"),
    ("g * (p - ONE_HOT) / 4", "g * (ONE_HOT - p) / 4", "sign"),
    ("g * (p - ONE_HOT) / 4", "(p - ONE_HOT) / 4", "without g"),
    ("g * (p - ONE_HOT) / 4", "g * (p - ONE_HOT) / 20", "factor"),
    ("g * (p - ONE_HOT) / 4", "g * p / 4", "labels"),
)
def cross_entropy_mean():
    def forward(z):
        return -np.mean(np.log(softmax(z)[np.arange(4), LABELS]))

    def backward(g, z):
        p = softmax(z)
        return g * (p - ONE_HOT) / 4

    return forward, backward


@layer(
    LOGITS,
    ("d[np.arange(4), LABELS] -= 1", "d[:, LABELS] -= 1", "labels"),
    ("d[np.arange(4), LABELS] -= 1", "d[np.arange(4), LABELS] += 1", "labels"),
    ("d[np.arange(4), LABELS] -= 1", "d -= 1", "labels"),
    ("g * d", "g * d / 4", "factor"),
)
def cross_entropy_sum():
    def forward(z):
        return -np.sum(np.log(softmax(z)[np.arange(4), LABELS]))

    def backward(g, z):
        d = softmax(z)
        d[np.arange(4), LABELS] -= 1
        return g * d

    return forward, backward


@layer(
    LOGITS,
    ("g[:, None] *", "g.sum() *", "extra|axis"),
    ("(p - ONE_HOT)", "(p - ONE_HOT) / 4", "factor"),
    ("(p - ONE_HOT)", "(p * ONE_HOT - ONE_HOT)", "labels|contribution|row sums"),
)
def cross_entropy_of_each():
    def forward(z):
        return -np.log((softmax(z) * ONE_HOT).sum(1))

    def backward(g, z):
        p = softmax(z)
        return g[:, None] * (p - ONE_HOT)

    return forward, backward


@layer(
    LOGITS,
    ("(p - smooth)", "(p - ONE_HOT)", "label smoothing"),
    ("(p - smooth)", "(p - 0.9 * ONE_HOT)", "offset|row sums"),
    ("(p - smooth)", "(smooth - p)", "sign"),
)
def label_smoothing():
    def forward(z):
        smooth = 0.9 * ONE_HOT + 0.1 / 5
        return -np.mean((smooth * np.log(softmax(z))).sum(1))

    def backward(g, z):
        smooth = 0.9 * ONE_HOT + 0.1 / 5
        p = softmax(z)
        return g * (p - smooth) / 4

    return forward, backward


@layer(
    {"p": np.random.default_rng(3).dirichlet(np.ones(5), 4)},
    ("-ONE_HOT / p / 4", "-ONE_HOT / 4", "chain"),
    ("-ONE_HOT / p / 4", "-ONE_HOT / p", "factor"),
    ("-ONE_HOT / p / 4", "(p - ONE_HOT) / 4", "labels"),
)
def negative_log_of_probabilities():
    def forward(p):
        return -np.sum(ONE_HOT * np.log(p)) / 4

    def backward(g, p):
        return g * (-ONE_HOT / p / 4)

    return forward, backward


@layer(
    {"z": (5, 1), "y": np.array([[0.0], [1.0], [1.0], [0.0], [1.0]])},
    ("(sigmoid(z) - y) / 5", "(sigmoid(z) - y)", "factor"),
    ("(sigmoid(z) - y) / 5", "(y - sigmoid(z)) / 5", "sign"),
    ("(sigmoid(z) - y) / 5", "(sigmoid(z) - y) * sigmoid(z) * (1 - sigmoid(z)) / 5", "chain"),
)
def binary_cross_entropy_with_logits():
    def forward(z, y):
        return np.mean(np.maximum(z, 0) - z * y + np.log1p(np.exp(-abs(z))))

    def backward(g, z, y):
        return g * (sigmoid(z) - y) / 5, None

    return forward, backward


@layer(
    {"p": np.array([0.2, 0.7, 0.4, 0.9]), "y": np.array([0.0, 1.0, 1.0, 0.0])},
    ("(p - y) / (p * (1 - p))", "(p - y)", "chain"),
    ("(p - y) / (p * (1 - p))", "(y / p - (1 - y) / (1 - p))", "sign"),
    ("(p - y) / (p * (1 - p))", "(-y / p)", "contribution"),
)
def binary_cross_entropy():
    def forward(p, y):
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))

    def backward(g, p, y):
        return g * (p - y) / (p * (1 - p)) / 4, None

    return forward, backward


@layer(
    {"p": (3, 4), "y": (3, 4)},
    ("2 * (p - y) / p.size", "2 * (p - y)", "factor"),
    ("2 * (p - y) / p.size", "2 * (p - y) / len(p)", "factor"),
    ("2 * (p - y) / p.size", "(p - y) / p.size", "factor"),
    ("2 * (p - y) / p.size", "2 * (y - p) / p.size", "sign"),
)
def mean_squared_error():
    def forward(p, y):
        return np.mean((p - y) ** 2)

    def backward(g, p, y):
        return g * 2 * (p - y) / p.size, None

    return forward, backward


@layer(
    {"p": (3, 4), "y": (3, 4)},
    ("np.sign(p - y)", "(p - y)", "chain|mixed up"),
    ("/ 12", "", "factor"),
    ("np.sign(p - y)", "np.sign(y - p)", "sign"),
)
def mean_absolute_error():
    def forward(p, y):
        return np.mean(abs(p - y))

    def backward(g, p, y):
        return g * np.sign(p - y) / 12, None

    return forward, backward


@layer(
    {"p": (3, 4), "y": (3, 4)},
    ("np.clip(e, -1, 1)", "e", "beyond a bound"),
    ("np.clip(e, -1, 1)", "np.sign(e)", "beyond a bound"),
    ("np.clip(e, -1, 1)", "np.clip(e, 0, 1)", "contribution"),
)
def huber():
    def forward(p, y):
        e = abs(p - y)
        return np.mean(np.where(e < 1, 0.5 * e * e, e - 0.5))

    def backward(g, p, y):
        e = p - y
        return g * np.clip(e, -1, 1) / e.size, None

    return forward, backward


@layer(
    LOGITS,
    ("d[np.arange(4), LABELS] -= d.sum(1)", "pass", "labels|missing sum"),
    ("d[np.arange(4), LABELS] -= d.sum(1)", "d[np.arange(4), LABELS] -= 1", "labels"),
    ("d / 4", "d", "factor"),
)
def multiclass_hinge():
    def margins(z):
        m = np.maximum(0, z - z[np.arange(4), LABELS][:, None] + 1)
        m[np.arange(4), LABELS] = 0
        return m

    def forward(z):
        return margins(z).sum() / 4

    def backward(g, z):
        d = (margins(z) > 0).astype(float)
        d[np.arange(4), LABELS] -= d.sum(1)
        return g * d / 4

    return forward, backward


@layer(
    {"z": (6,), "y": np.array([1.0, -1.0, 1.0, 1.0, -1.0, -1.0])},
    ("-y * (y * z < 1)", "-y", "mask|extra"),
    ("-y * (y * z < 1)", "-y * (z < 1)", "formula"),
    ("-y * (y * z < 1)", "y * (y * z < 1)", "sign"),
)
def hinge():
    def forward(z, y):
        return np.maximum(0, 1 - y * z)

    def backward(g, z, y):
        return g * -y * (y * z < 1), None

    return forward, backward


@layer(
    LOGITS,
    ("(np.log(p) - np.log(Q) - kl)", "(np.log(p) - np.log(Q))", "cross terms|row sums"),
    ("g[:, None] * p", "g[:, None] / 4 * p", "factor"),
    ("g[:, None] * p", "-g[:, None] * p", "sign"),
)
def kl_divergence():
    Q = np.random.default_rng(0).dirichlet(np.ones(5), 4)

    def forward(z):
        p = softmax(z)
        return (p * (np.log(p) - np.log(Q))).sum(1)

    def backward(g, z):
        p, kl = softmax(z), forward(z)[:, None]
        return g[:, None] * p * (np.log(p) - np.log(Q) - kl)

    return forward, backward


@layer(
    LOGITS,
    ("(p - ONE_HOT) * w / w.sum()", "(p - ONE_HOT) / 4", "row factors|factor"),
    ("(p - ONE_HOT) * w / w.sum()", "(p - ONE_HOT) * w", "factor"),
    ("(p - ONE_HOT) * w / w.sum()", "(p - ONE_HOT) * w / 4", "factor"),
)
def weighted_cross_entropy():
    weights = np.array([1.0, 2.0, 0.5, 3.0, 1.0])

    def forward(z):
        w = weights[LABELS]
        return -np.sum(w * np.log(softmax(z)[np.arange(4), LABELS])) / w.sum()

    def backward(g, z):
        w, p = weights[LABELS][:, None], softmax(z)
        return g * (p - ONE_HOT) * w / w.sum()

    return forward, backward


@layer(
    {"z": (3, 4, 5)},
    ("* mask[..., None]", "", "mask|extra"),
    ("/ mask.sum()", "/ 12", "factor"),
    ("/ mask.sum()", "", "factor"),
)
def masked_sequence_loss():
    target = np.arange(12).reshape(3, 4) % 5
    mask = np.array([[1.0, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1]])

    def probabilities(z):
        e = np.exp(z - z.max(2, keepdims=True))
        return e / e.sum(2, keepdims=True)

    def forward(z):
        picked = np.take_along_axis(probabilities(z), target[..., None], 2)[..., 0]
        return -np.sum(np.log(picked) * mask) / mask.sum()

    def backward(g, z):
        return g * (probabilities(z) - np.eye(5)[target]) * mask[..., None] / mask.sum()

    return forward, backward


@layer(
    {"a": (4, 3), "p": (4, 3), "n": (4, 3)},
    ("2 * (n - p)", "2 * (p - n)", "sign"),
    ("2 * (n - p)", "(n - p)", "factor"),
    ("2 * (n - p)", "-2 * p", "unknown|term"),
)
def triplet():
    def forward(a, p, n):
        return np.maximum(((a - p) ** 2).sum(1) - ((a - n) ** 2).sum(1) + 1, 0)

    def backward(g, a, p, n):
        on = (g * (forward(a, p, n) > 0))[:, None]
        return on * 2 * (n - p), on * -2 * (a - p), on * 2 * (a - n)

    return forward, backward


@layer(
    {"u": (4, 3), "v": (4, 3)},
    ("p - np.eye(4)", "p", "labels|term"),
    ("/ 4 / T", "/ 4", "factor"),
    ("d.T @ u", "d @ u", "transposed"),
)
def contrastive():
    T = 0.5

    def forward(u, v):
        return -np.mean(np.log(np.diag(softmax(u @ v.T / T))))

    def backward(g, u, v):
        p = softmax(u @ v.T / T)
        d = g * (p - np.eye(4)) / 4 / T
        return d @ v, d.T @ u

    return forward, backward


@layer(
    {"p": np.array([0.3, 0.6, 0.8, 0.1])},
    ("+ 2 * (1 - p) * np.log(p)", "", "formula"),
    ("-((1 - p) ** 2) / p", "((1 - p) ** 2) / p", "formula"),
    ("2 * (1 - p)", "(1 - p)", "formula"),
)
def focal():
    def forward(p):
        return -((1 - p) ** 2) * np.log(p)

    def backward(g, p):
        return g * (-((1 - p) ** 2) / p + 2 * (1 - p) * np.log(p))

    return forward, backward


@layer(
    {"p": np.array([0.3, 0.6, 0.8, 0.1])},
    ("(2 * y * s - i) / s**2", "2 * y / s", "unknown"),
    ("(2 * y * s - i) / s**2", "(i - 2 * y * s) / s**2", "sign"),
    ("(2 * y * s - i) / s**2", "(2 * y * s - i) / s", "factor"),
)
def dice():
    y = np.array([1.0, 0.0, 1.0, 0.0])

    def forward(p):
        return 1 - 2 * (p * y).sum() / (p.sum() + y.sum())

    def backward(g, p):
        s, i = p.sum() + y.sum(), 2 * (p * y).sum()
        return -g * (2 * y * s - i) / s**2

    return forward, backward
