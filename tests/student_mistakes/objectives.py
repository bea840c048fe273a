"""Objectives with a gradient of their own, as people write them for a project."""

from __future__ import annotations

import numpy as np

from tests.student_mistakes.layer import layer


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def logsumexp(a, axis=None):
    m = np.max(a, axis=axis, keepdims=True)
    s = np.log(np.sum(np.exp(a - m), axis=axis, keepdims=True)) + m
    return np.squeeze(s, axis=axis) if axis is not None else s.item()


@layer(
    {"center": (4,), "outside": (6, 4)},
    (
        "grad_outside[k] += (1 - sigmoid(-u @ center)) * center",
        "grad_outside[k] -= (1 - sigmoid(-u @ center)) * center",
        "sign",
    ),
    ("grad_outside[k] += (1 -", "grad_outside[k] = (1 -", "factor|assigned"),
    ("grad_center += (1 - sigmoid(-u @ center)) * u", "pass", "contribution"),
    (
        "(sigmoid(outside[o] @ center) - 1) * outside[o]",
        "(sigmoid(outside[o] @ center) - 1) * center",
        "operand",
    ),
)
def skip_gram_negative_sampling():
    o, negatives = 1, [3, 5, 3, 0]

    def neg_sampling_loss_and_gradient(center, outside):
        loss = -np.log(sigmoid(outside[o] @ center))
        for k in negatives:
            loss -= np.log(sigmoid(-outside[k] @ center))
        # backward
        grad_outside = np.zeros_like(outside)
        grad_center = (sigmoid(outside[o] @ center) - 1) * outside[o]
        grad_outside[o] = (sigmoid(outside[o] @ center) - 1) * center
        for k in negatives:
            u = outside[k]
            grad_center += (1 - sigmoid(-u @ center)) * u
            grad_outside[k] += (1 - sigmoid(-u @ center)) * center
        return loss, (grad_center, grad_outside)

    return neg_sampling_loss_and_gradient


@layer(
    {"emissions": (5, 3), "transitions": (3, 3)},
    ("de[np.arange(5), tags] -= 1", "de[np.arange(5), tags] -= 0", "labels"),
    (
        "de = np.exp(alpha + beta - log_z)",
        "de = np.exp(alpha - logsumexp(alpha, 1)[:, None])",
        "labels|truncated",
    ),
    ("dt[tags[t - 1], tags[t]] -= 1", "dt[tags[t], tags[t - 1]] -= 1", "transposed"),
    ("dt += np.exp(", "dt = np.exp(", "assigned"),
)
def crf_forward_algorithm():
    tags = np.array([0, 2, 1, 1, 2])

    def run(emissions, transitions):
        T, K = emissions.shape
        alpha, beta = np.zeros((T, K), emissions.dtype), np.zeros((T, K), emissions.dtype)
        alpha[0] = emissions[0]
        for t in range(1, T):
            alpha[t] = emissions[t] + logsumexp(alpha[t - 1][:, None] + transitions, axis=0)
        for t in reversed(range(T - 1)):
            beta[t] = logsumexp(transitions + emissions[t + 1] + beta[t + 1], axis=1)
        return alpha, beta, logsumexp(alpha[-1], axis=0)

    def forward(emissions, transitions):
        _, _, log_z = run(emissions, transitions)
        score = emissions[np.arange(5), tags].sum() + transitions[tags[:-1], tags[1:]].sum()
        return log_z - score

    def backward(g, emissions, transitions):
        alpha, beta, log_z = run(emissions, transitions)
        de = np.exp(alpha + beta - log_z)
        de[np.arange(5), tags] -= 1
        dt = np.zeros_like(transitions)
        for t in range(1, 5):
            dt += np.exp(
                alpha[t - 1][:, None] + transitions + (emissions[t] + beta[t])[None, :] - log_z
            )
            dt[tags[t - 1], tags[t]] -= 1
        return g * de, g * dt

    return forward, backward


@layer(
    {"logits": (6, 4)},
    (
        "grad[:, symbol] -= occupied[:, s]",
        "grad[:, symbol] = p[:, symbol] - occupied[:, s]",
        "labels|assigned|row sums",
    ),
    ("grad = p.copy()", "grad = np.zeros_like(p)", "labels|row sums"),
    (
        "occupied = np.exp(alpha + beta - log_p)",
        "occupied = np.exp(alpha - log_p)",
        "labels|truncated|row sums",
    ),
)
def ctc_loss():
    extended = [0, 2, 0, 2, 0, 1, 0]

    def run(logits):
        T, S = len(logits), len(extended)
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p = p / p.sum(axis=1, keepdims=True)
        y = np.log(p)
        alpha, beta = np.full((T, S), -1e9, p.dtype), np.full((T, S), -1e9, p.dtype)
        alpha[0, :2] = y[0, extended[:2]]
        for t in range(1, T):
            for s in range(S):
                before = [alpha[t - 1, s]] + ([alpha[t - 1, s - 1]] if s else [])
                if s > 1 and extended[s] and extended[s] != extended[s - 2]:
                    before.append(alpha[t - 1, s - 2])
                alpha[t, s] = y[t, extended[s]] + logsumexp(np.array(before), axis=0)
        beta[-1, -2:] = 0
        for t in reversed(range(T - 1)):
            for s in range(S):
                after = []
                for k in (s, s + 1, s + 2):
                    skip = k == s + 2
                    if k < S and not (skip and (not extended[k] or extended[k] == extended[s])):
                        after.append(beta[t + 1, k] + y[t + 1, extended[k]])
                beta[t, s] = logsumexp(np.array(after), axis=0)
        return p, alpha, beta, logsumexp(alpha[-1, -2:], axis=0)

    def forward(logits):
        return -run(logits)[3]

    def backward(g, logits):
        p, alpha, beta, log_p = run(logits)
        occupied = np.exp(alpha + beta - log_p)
        grad = p.copy()
        for s, symbol in enumerate(extended):
            grad[:, symbol] -= occupied[:, s]
        return g * grad

    return forward, backward


@layer(
    {"anchor": (4, 3), "positive": (4, 3), "negative": (4, 3)},
    ("2 * active * (negative - positive)", "2 * active * (anchor - positive)", "other input"),
    ("active = (loss > 0)", "active = (loss > -100)", "mask"),
    ("-2 * active * (anchor - positive)", "-active * (anchor - positive)", "factor"),
    ("2 * active * (anchor - negative)", "-2 * active * (anchor - negative)", "sign"),
)
def triplet_margin():
    def per_triplet(anchor, positive, negative):
        dp = np.sum((anchor - positive) ** 2, axis=1)
        dn = np.sum((anchor - negative) ** 2, axis=1)
        return dp - dn + 1.0

    def forward(anchor, positive, negative):
        return np.mean(np.maximum(per_triplet(anchor, positive, negative), 0))

    def backward(g, anchor, positive, negative):
        loss = per_triplet(anchor, positive, negative)
        active = (loss > 0).astype(anchor.dtype)[:, None] / len(loss)
        da = 2 * active * (negative - positive)
        dp = -2 * active * (anchor - positive)
        dn = 2 * active * (anchor - negative)
        return g * da, g * dp, g * dn

    return forward, backward


@layer(
    {"logits": (8,)},
    ("gamma * p_t * np.log(p_t) + p_t - 1", "p_t - 1", "formula|term"),
    ("sign * alpha", "alpha", "sign"),
    ("(1 - p_t) ** gamma * (", "(", "chain|formula"),
    ("sign * alpha * (1", "sign * (1", "row factors"),
)
def focal_loss():
    y, gamma = np.array([1, 0, 1, 1, 0, 0, 1, 0]), 2

    def forward(logits):
        p = sigmoid(logits)
        p_t = np.where(y == 1, p, 1 - p)
        alpha = np.where(y == 1, 0.25, 0.75).astype(logits.dtype)
        return np.sum(-alpha * (1 - p_t) ** gamma * np.log(p_t))

    def backward(g, logits):
        p = sigmoid(logits)
        p_t = np.where(y == 1, p, 1 - p)
        alpha = np.where(y == 1, 0.25, 0.75).astype(logits.dtype)
        sign = np.where(y == 1, 1, -1).astype(logits.dtype)
        return g * sign * alpha * (1 - p_t) ** gamma * (gamma * p_t * np.log(p_t) + p_t - 1)

    return forward, backward


@layer(
    {"logits": (3, 4)},
    ("- (inter + smooth) / denom**2", "- 0 / denom**2", "term"),
    ("target / denom", "2 * target / denom", "term|factor"),
    ("* p * (1 - p)", "", "chain"),
    ("- (inter + smooth) / denom**2", "- inter / denom**2", "term"),
)
def dice_loss():
    target = np.array([[1, 0, 0, 1], [0, 1, 1, 0], [1, 1, 0, 1]])
    smooth = 1.0

    def forward(logits):
        p = sigmoid(logits)
        return 1 - 2 * ((p * target).sum() + smooth) / (p.sum() + target.sum() + 2 * smooth)

    def backward(g, logits):
        p = sigmoid(logits)
        inter, denom = (p * target).sum(), p.sum() + target.sum() + 2 * smooth
        dp = -2 * (target / denom - (inter + smooth) / denom**2)
        return g * dp * p * (1 - p)

    return forward, backward


@layer(
    {"pred": (5, 2), "target": (5, 2)},
    ("delta * np.sign(diff)", "delta", "sign|mask"),
    ("/ pred.size", "/ len(pred)", "factor"),
    ("np.abs(diff) <= delta, diff,", "np.abs(diff) <= delta, 2 * diff,", "factor|row factors"),
    ("delta * np.sign(diff)", "np.sign(diff)", "factor|row factors"),
)
def huber_loss():
    class Huber:
        def __init__(self, delta=0.6):
            self.delta = delta

        def forward(self, pred, target):
            self.pred, self.target = pred, target
            diff, delta = pred - target, self.delta
            small = 0.5 * diff**2
            large = delta * (np.abs(diff) - 0.5 * delta)
            return np.mean(np.where(np.abs(diff) <= delta, small, large))

        def backward(self):
            pred, delta = self.pred, self.delta
            diff = pred - self.target
            grad = np.where(np.abs(diff) <= delta, diff, delta * np.sign(diff))
            return grad / pred.size

    return Huber()


@layer(
    {"u": (4, 3), "v": (4, 3)},
    ("- sim * u / nu**2", "", "norm"),
    ("v / (nu * nv)", "v / nv", "term|norm"),
    ("u / (nu * nv) - sim * v / nv**2", "v / (nu * nv) - sim * u / nu**2", "other input"),
    ("sim * v / nv**2", "sim * v / nv", "norm|term"),
)
def cosine_embedding():
    def forward(u, v):
        nu, nv = np.linalg.norm(u, axis=1), np.linalg.norm(v, axis=1)
        return 1 - (u * v).sum(axis=1) / (nu * nv)

    def backward(g, u, v):
        nu = np.linalg.norm(u, axis=1, keepdims=True)
        nv = np.linalg.norm(v, axis=1, keepdims=True)
        sim = (u * v).sum(axis=1, keepdims=True) / (nu * nv)
        du = v / (nu * nv) - sim * u / nu**2
        dv = u / (nu * nv) - sim * v / nv**2
        return -g[:, None] * du, -g[:, None] * dv

    return forward, backward
