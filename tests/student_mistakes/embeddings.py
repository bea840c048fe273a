"""Embeddings, word vectors, and models of sequences of labels."""

from __future__ import annotations

import numpy as np

from tests.student_mistakes.layer import layer

WORDS = np.array([1, 3, 1, 0, 3])
BAG = np.array([[0, 2, 2], [1, 1, 1]])


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@layer(
    {"E": (5, 3)},
    ("np.add.at(dE, WORDS, g)", "dE[WORDS] = g", "assigned"),
    ("np.add.at(dE, WORDS, g)", "dE[WORDS] += g", "assigned"),
    ("np.add.at(dE, WORDS, g)", "np.add.at(dE, WORDS, g / 5)", "factor"),
    ("np.add.at(dE, WORDS, g)", "np.add.at(dE, WORDS + 1, g)", "shifted|window"),
)
def embedding():
    def forward(E):
        return E[WORDS]

    def backward(g, E):
        dE = np.zeros_like(E)
        np.add.at(dE, WORDS, g)
        return dE

    return forward, backward


@layer(
    {"E": (4, 3)},
    ("np.add.at(dE, BAG, g[:, None] / 3)", "dE[BAG] += g[:, None] / 3", "assigned"),
    ("np.add.at(dE, BAG, g[:, None] / 3)", "np.add.at(dE, BAG, g[:, None])", "factor"),
    (
        "np.add.at(dE, BAG, g[:, None] / 3)",
        "np.add.at(dE, BAG[:, :1], g[:, None])",
        "contribution|one slice",
    ),
)
def bag_of_words():
    def forward(E):
        return E[BAG].mean(1)

    def backward(g, E):
        dE = np.zeros_like(E)
        np.add.at(dE, BAG, g[:, None] / 3)
        return dE

    return forward, backward


@layer(
    {"E": (5, 3), "U": (3, 5)},
    ("(p - np.eye(5)[TARGET])", "(p - np.eye(5)[TARGET]) * 5", "factor"),
    ("np.add.at(dE, WORDS, dh)", "dE[WORDS] += dh", "unknown|assigned"),
    ("E[WORDS].T @ d", "-E[WORDS].T @ d", "sign"),
    ("d @ U.T", "d @ U.T / 5", "factor"),
)
def skip_gram_softmax():
    TARGET = np.array([2, 0, 4, 1, 1])

    def forward(E, U):
        p = softmax(E[WORDS] @ U)
        return -np.mean(np.log(p[np.arange(5), TARGET]))

    def backward(g, E, U):
        p = softmax(E[WORDS] @ U)
        d = g * (p - np.eye(5)[TARGET]) / 5
        dE, dh = np.zeros_like(E), d @ U.T
        np.add.at(dE, WORDS, dh)
        return dE, E[WORDS].T @ d

    return forward, backward


NEGATIVES = np.array([0, 4, 4, 1])


@layer(
    {"v": (3,), "U": (5, 3)},
    ("np.add.at(dU, NEGATIVES, ", "np.put(dU, [], 0 * ", "contribution|unknown"),
    ("dU[2] += (s - 1) * v", "dU[2] += s * v", "factor|one slice"),
    ("dv = (s - 1) * U[2]", "dv = 0 * v", "unknown|contribution"),
    ("g * dv, g * dU", "g * dv, g * dU / 5", "factor"),
    ("g * dv, g * dU", "dv, g * dU", "without g"),
)
def word2vec_with_negative_samples():
    def forward(v, U):
        return -np.log(sigmoid(U[2] @ v)) - np.log(sigmoid(-U[NEGATIVES] @ v)).sum()

    def backward(g, v, U):
        s, t = sigmoid(U[2] @ v), sigmoid(U[NEGATIVES] @ v)
        dU = np.zeros_like(U)
        dv = (s - 1) * U[2]
        dv = dv + t @ U[NEGATIVES]
        dU[2] += (s - 1) * v
        np.add.at(dU, NEGATIVES, t[:, None] * v)
        return g * dv, g * dU

    return forward, backward


@layer(
    {"u": (4, 3), "v": (5, 3), "a": (4,), "b": (5,)},
    ("d.sum(1), d.sum(0)", "d.mean(1), d.sum(0)", "factor"),
    ("d.T @ u", "2 * d.T @ u", "factor"),
    ("2 * W * e", "W * e", "factor"),
    ("2 * W * e", "2 * e", "unknown"),
)
def glove():
    W = np.random.default_rng(0).uniform(0.2, 1, (4, 5))
    L = np.random.default_rng(1).standard_normal((4, 5))

    def forward(u, v, a, b):
        return (W * (u @ v.T + a[:, None] + b - L) ** 2).sum()

    def backward(g, u, v, a, b):
        e = u @ v.T + a[:, None] + b - L
        d = g * 2 * W * e
        return d @ v, d.T @ u, d.sum(1), d.sum(0)

    return forward, backward


@layer(
    {"E": (5, 3), "h": (4, 3)},
    ("+ d.T @ h", "", "unknown|tied|contribution"),
    ("dE + d.T @ h", "d.T @ h", "tied"),
    ("d.T @ E[words], d @ E", "d.T @ E[words], d @ E / 4", "factor"),
)
def tied_embedding():
    words = np.array([0, 2, 2, 4])

    def forward(E, h):
        return (E[words] + h) @ E.T

    def backward(g, E, h):
        d = g
        dE = np.zeros_like(E)
        np.add.at(dE, words, d @ E)
        return dE + d.T @ h + d.T @ E[words], d @ E

    return forward, backward


TAGS = np.array([0, 1, 1, 1])


def log_sum_exp(z, axis):
    top = z.max(axis, keepdims=True)
    return np.log(np.exp(z - top).sum(axis)) + top.squeeze(axis)


@layer(
    {"e": (4, 3), "A": (3, 3)},
    ("de[np.arange(4), TAGS] -= 1", "pass", "labels|unknown"),
    ("np.add.at(dA, (TAGS[:-1], TAGS[1:]), -1)", "dA[TAGS[:-1], TAGS[1:]] -= 1", "unknown"),
    ("g * de, g * dA", "-g * de, g * dA", "sign"),
    ("g * de, g * dA", "g * de / 4, g * dA", "factor"),
    ("g * de, g * dA", "g * de, g * dA.T", "transposed"),
)
def conditional_random_field():
    def alphas(e, A):
        found = [e[0]]
        for row in e[1:]:
            found.append(row + log_sum_exp(found[-1][:, None] + A, 0))
        return found

    def forward(e, A):
        score = e[np.arange(4), TAGS].sum() + A[TAGS[:-1], TAGS[1:]].sum()
        return log_sum_exp(alphas(e, A)[-1], 0) - score

    def backward(g, e, A):
        alpha, beta = alphas(e, A), np.zeros(3)
        total = log_sum_exp(alpha[-1], 0)
        de, dA = np.zeros_like(e), np.zeros_like(A)
        for t in reversed(range(4)):
            de[t] = np.exp(alpha[t] + beta - total)
            if t:
                dA += np.exp(alpha[t - 1][:, None] + A + e[t] + beta - total)
                beta = log_sum_exp(A + e[t] + beta, 1)
        de[np.arange(4), TAGS] -= 1
        np.add.at(dA, (TAGS[:-1], TAGS[1:]), -1)
        return g * de, g * dA

    return forward, backward


@layer(
    {"A": (3, 4), "B": (2, 4)},
    ("np.split(g, [3])", "np.split(g[::-1], [3])", "unknown|reversed|shifted"),
    ("(top, bottom)", "(top, -bottom)", "sign"),
    ("(top, bottom)", "(top / 2, bottom)", "factor"),
)
def concatenation():
    def forward(A, B):
        return np.concatenate([A, B])

    def backward(g, A, B):
        top, bottom = np.split(g, [3])
        return (top, bottom)

    return forward, backward


@layer(
    {"x": (5, 3)},
    ("np.add.at(dx, INDEX, g)", "dx[INDEX] = g", "assigned"),
    ("np.add.at(dx, INDEX, g)", "dx += g[INDEX]", "unknown|extra|transposed"),
    ("np.add.at(dx, INDEX, g)", "np.add.at(dx, INDEX, -g)", "sign"),
)
def gather():
    INDEX = np.array([4, 0, 0, 2, 4])

    def forward(x):
        return x[INDEX]

    def backward(g, x):
        dx = np.zeros_like(x)
        np.add.at(dx, INDEX, g)
        return dx

    return forward, backward


@layer(
    {"x": (5, 2)},
    ("g[SEGMENT]", "g[SEGMENT[::-1]]", "unknown|reversed|mask"),
    ("g[SEGMENT]", "g[SEGMENT] / 5", "factor"),
    ("/ COUNT[SEGMENT][:, None]", "", "row factors|factor"),
)
def segment_mean():
    SEGMENT, COUNT = np.array([0, 0, 1, 2, 2]), np.array([2, 1, 2])

    def forward(x):
        out = np.zeros((3, 2), x.dtype)
        np.add.at(out, SEGMENT, x)
        return out / COUNT[:, None]

    def backward(g, x):
        return g[SEGMENT] / COUNT[SEGMENT][:, None]

    return forward, backward
