"""Recurrent layers and backpropagation through time."""

from __future__ import annotations

import numpy as np

from tests.student_mistakes.layer import layer

STEP = {"x": (2, 3), "h": (2, 4), "Wx": (3, 4), "Wh": (4, 4), "b": (4,)}
SEQUENCE = {"x": (5, 3), "h0": (4,), "Wx": (3, 4), "Wh": (4, 4), "b": (4,)}


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@layer(
    STEP,
    ("dz = g * (1 - new**2)", "dz = g", "chain"),
    ("dz @ Wh.T", "dz @ Wh", "transposed"),
    ("h.T @ dz", "dz.T @ h", "transposed"),
    ("h.T @ dz", "new.T @ dz", "operand"),
    ("dz.sum(0)", "dz.sum(0) / 2", "factor"),
)
def rnn_step():
    def forward(x, h, Wx, Wh, b):
        return np.tanh(x @ Wx + h @ Wh + b)

    def backward(g, x, h, Wx, Wh, b):
        new = forward(x, h, Wx, Wh, b)
        dz = g * (1 - new**2)
        return dz @ Wx.T, dz @ Wh.T, x.T @ dz, h.T @ dz, dz.sum(0)

    return forward, backward


@layer(
    SEQUENCE,
    ("dh = dz @ Wh.T", "dh = 0 * dz", "truncated|zero"),
    ("dx[t] = dz @ Wx.T", "dx[t] = dz @ Wx.T / 5", "factor"),
    ("dWx += np", "dWx = np", "assigned|one step"),
    ("(g[t] + dh)", "-(g[t] + dh)", "sign"),
    ("db += dz", "db += dz / 5", "factor"),
)
def rnn_all_states():
    def forward(x, h0, Wx, Wh, b):
        h, states = h0, []
        for t in range(5):
            h = np.tanh(x[t] @ Wx + h @ Wh + b)
            states.append(h)
        return np.stack(states)

    def backward(g, x, h0, Wx, Wh, b):
        states = [h0, *forward(x, h0, Wx, Wh, b)]
        dx, dWx, dWh, db = (np.zeros_like(v) for v in (x, Wx, Wh, b))
        dh = np.zeros_like(h0)
        for t in reversed(range(5)):
            dz = (g[t] + dh) * (1 - states[t + 1] ** 2)
            dx[t] = dz @ Wx.T
            dWx += np.outer(x[t], dz)
            dWh += np.outer(states[t], dz)
            db += dz
            dh = dz @ Wh.T
        return dx, dh, dWx, dWh, db

    return forward, backward


@layer(
    SEQUENCE,
    ("range(5)):", "range(3, 5)):", "truncated"),
    ("range(5)):", "range(2, 5)):", "truncated"),
    ("np.outer(states[t], dz)", "np.outer(states[t + 1], dz)", "unknown"),
    ("1 - states[t + 1] ** 2", "1", "unknown|chain"),
    ("dWx += np", "dWx -= np", "sign"),
)
def rnn_last_state():
    def forward(x, h0, Wx, Wh, b):
        h = h0
        for t in range(5):
            h = np.tanh(x[t] @ Wx + h @ Wh + b)
        return h

    def backward(g, x, h0, Wx, Wh, b):
        states = [h0]
        for row in x:
            states.append(np.tanh(row @ Wx + states[-1] @ Wh + b))
        dx, dWx, dWh, db = (np.zeros_like(v) for v in (x, Wx, Wh, b))
        dh = g
        for t in reversed(range(5)):
            dz = dh * (1 - states[t + 1] ** 2)
            dx[t] = dz @ Wx.T
            dWx += np.outer(x[t], dz)
            dWh += np.outer(states[t], dz)
            db += dz
            dh = dz @ Wh.T
        return dx, dh, dWx, dWh, db

    return forward, backward


@layer(
    {"x": (2, 12, 2), "W": (2, 3), "U": (3, 3)},
    ("if t > 0", "if t % 4", "truncated|contribution"),
    ("dz @ U.T if t > 0 else 0", "0", "truncated"),
    ("dW += x", "dW -= x", "sign"),
    ("dU += states[t].T @ dz", "dU += states[t].T @ dz / 12", "factor"),
)
def rnn_of_many_steps():
    def states_of(x, W, U):
        states = [np.zeros((2, 3), x.dtype)]
        for t in range(12):
            states.append(np.tanh(x[:, t] @ W + states[-1] @ U))
        return states

    def forward(x, W, U):
        return np.stack(states_of(x, W, U)[1:], axis=1)

    def backward(g, x, W, U):
        states = states_of(x, W, U)
        dx, dW, dU, dh = np.zeros_like(x), np.zeros_like(W), np.zeros_like(U), 0
        for t in reversed(range(12)):
            dz = (g[:, t] + dh) * (1 - states[t + 1] ** 2)
            dx[:, t] = dz @ W.T
            dW += x[:, t].T @ dz
            dU += states[t].T @ dz
            dh = dz @ U.T if t > 0 else 0
        return dx, dW, dU

    return forward, backward


@layer(
    {"x": (4, 5), "W": (5, 3), "U": (3, 3), "V": (3, 5)},
    ("dlogits / 4", "dlogits", "factor"),
    ("states[t + 1].T[:, None] @ dlogits", "states[t].T[:, None] @ dlogits", "unknown"),
    ("dh = dz @ U.T", "dh = 0 * dz", "truncated|carried"),
    ("p[np.arange(4), TARGET] -= 1", "p[np.arange(4), TARGET] -= 0", "row sums|labels"),
)
def character_model():
    TARGET = np.array([1, 0, 4, 2])

    def run(x, W, U, V):
        states = [np.zeros(3, x.dtype)]
        for row in x:
            states.append(np.tanh(row @ W + states[-1] @ U))
        z = np.array(states[1:]) @ V
        e = np.exp(z - z.max(1, keepdims=True))
        return states, e / e.sum(1, keepdims=True)

    def forward(x, W, U, V):
        p = run(x, W, U, V)[1]
        return -np.mean(np.log(p[np.arange(4), TARGET]))

    def backward(g, x, W, U, V):
        states, p = run(x, W, U, V)
        p[np.arange(4), TARGET] -= 1
        dx, dW, dU, dV = (np.zeros_like(v) for v in (x, W, U, V))
        dh = np.zeros(3)
        for t in reversed(range(4)):
            dlogits = p[t][None]
            dlogits = g * dlogits / 4
            dV += states[t + 1].T[:, None] @ dlogits
            dz = (dlogits[0] @ V.T + dh) * (1 - states[t + 1] ** 2)
            dx[t], dh = dz @ W.T, dz
            dW += np.outer(x[t], dz)
            dU += np.outer(states[t], dz)
            dh = dz @ U.T
        return dx, dW, dU, dV

    return forward, backward


def gates_of(x, h, W, U, b):
    i, f, o, c = np.split(x @ W + h @ U + b, 4, axis=-1)
    return sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(c)


LSTM = {"x": (2, 3), "h": (2, 3), "c": (2, 3), "W": (3, 12), "U": (3, 12), "b": (12,)}


@layer(
    LSTM,
    ("do * o * (1 - o)", "do", "gate"),
    ("dn * (1 - n**2)", "dn", "gate"),
    ("di * i * (1 - i), df * f * (1 - f)", "df * f * (1 - f), di * i * (1 - i)", "blocks"),
    ("dc = dcell + dh * o * (1 - np.tanh(new) ** 2)", "dc = dcell", "unknown|contribution|zero"),
    ("dz.sum(0)", "dz.mean(0)", "factor"),
)
def lstm_step():
    def forward(x, h, c, W, U, b):
        i, f, o, n = gates_of(x, h, W, U, b)
        new = f * c + i * n
        return o * np.tanh(new), new

    def backward(g, x, h, c, W, U, b):
        dh, dcell = g
        i, f, o, n = gates_of(x, h, W, U, b)
        new = f * c + i * n
        do = dh * np.tanh(new)
        dc = dcell + dh * o * (1 - np.tanh(new) ** 2)
        di, df, dn = dc * n, dc * c, dc * i
        parts = [di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dn * (1 - n**2)]
        dz = np.concatenate(parts, axis=1)
        return dz @ W.T, dz @ U.T, dc * f, x.T @ dz, h.T @ dz, dz.sum(0)

    return forward, backward


@layer(
    {"x": (4, 3), "W": (3, 8), "U": (2, 8), "b": (8,)},
    ("dh, dcell = dz @ U.T, dc * f", "dh, dcell = dz @ U.T, 0 * dc", "carried"),
    ("dh, dcell = dz @ U.T, dc * f", "dh, dcell = 0, 0", "truncated"),
    ("dh, dcell = dz @ U.T, dc * f", "dh, dcell = 0, dc * f", "carried"),
    ("dW += np", "dW += 2 * np", "factor"),
    ("db += dz", "db = dz", "unknown|assigned"),
)
def lstm_sequence():
    def run(x, W, U, b):
        h, c, steps = np.zeros(2, x.dtype), np.zeros(2, x.dtype), []
        for row in x:
            i, f, o, n = gates_of(row, h, W, U, b)
            before, c = (h, c), f * c + i * n
            h = o * np.tanh(c)
            steps.append((*before, i, f, o, n, c, h))
        return steps

    def forward(x, W, U, b):
        return np.array([step[-1] for step in run(x, W, U, b)])

    def backward(g, x, W, U, b):
        dx, dW, dU, db = (np.zeros_like(v) for v in (x, W, U, b))
        dh, dcell = 0, 0
        for t, (h, c, i, f, o, n, new, _) in reversed(list(enumerate(run(x, W, U, b)))):
            back = g[t] + dh
            dc = dcell + back * o * (1 - np.tanh(new) ** 2)
            parts = [dc * n * i * (1 - i), dc * c * f * (1 - f)]
            parts += [back * np.tanh(new) * o * (1 - o), dc * i * (1 - n**2)]
            dz = np.concatenate(parts)
            dx[t] = dz @ W.T
            dW += np.outer(x[t], dz)
            dU += np.outer(h, dz)
            db += dz
            dh, dcell = dz @ U.T, dc * f
        return dx, dW, dU, db

    return forward, backward


@layer(
    {"x": (2, 3), "h": (2, 3), "W": (3, 9), "U": (3, 9)},
    ("+ g * z", "", "residual"),
    ("dz * z * (1 - z)", "dz", "gate"),
    ("dn * (1 - n**2)", "dn", "gate|unknown"),
    ("x.T @ d", "x.T @ d / 2", "factor"),
)
def gru_step():
    def forward(x, h, W, U):
        a, b = np.split(x @ W, 3, axis=1), np.split(h @ U, 3, axis=1)
        z, r = sigmoid(a[0] + b[0]), sigmoid(a[1] + b[1])
        return (1 - z) * np.tanh(a[2] + r * b[2]) + z * h

    def backward(g, x, h, W, U):
        a, b = np.split(x @ W, 3, axis=1), np.split(h @ U, 3, axis=1)
        z, r = sigmoid(a[0] + b[0]), sigmoid(a[1] + b[1])
        n = np.tanh(a[2] + r * b[2])
        dn, dz = g * (1 - z), g * (h - n)
        back = dn * (1 - n**2)
        gates = [dz * z * (1 - z), back * b[2] * r * (1 - r)]
        d = np.concatenate([*gates, back], axis=1)
        dU = np.concatenate([*gates, back * r], axis=1)
        return d @ W.T, dU @ U.T + g * z, x.T @ d, h.T @ dU

    return forward, backward


@layer(
    {"x": (2, 4, 3), "W": (3, 2)},
    ("dx[:, ::-1]", "dx", "reversed|shifted"),
    ("g @ W.T", "g @ W.T / 4", "factor"),
    ("x[:, ::-1], g", "x[:, ::-1], 2 * g", "factor"),
)
def reversed_sequence():
    def forward(x, W):
        return x[:, ::-1] @ W

    def backward(g, x, W):
        dx = g @ W.T
        return dx[:, ::-1], np.einsum("btd,bth->dh", x[:, ::-1], g)

    return forward, backward


@layer(
    {"x": (6, 2)},
    ("dx[::-1]", "dx", "reversed|extra|contribution"),
    ("np.cumsum(g[::-1], axis=0)", "g[::-1].copy()", "identity|cross terms"),
    ("np.cumsum(g[::-1], axis=0)", "np.cumsum(g[::-1], axis=1)", "unknown|axis"),
)
def running_sum():
    def forward(x):
        return np.cumsum(x, axis=0)

    def backward(g, x):
        dx = np.cumsum(g[::-1], axis=0)
        return dx[::-1]

    return forward, backward


@layer(
    {"x": (6,), "a": (1,)},
    ("carry = back * a", "carry = 0", "truncated|identity|cross terms"),
    ("da += back * h[t]", "da += back * h[t + 1]", "unknown"),
    ("da += back * h[t]", "da += back * h[t] / 6", "factor"),
    ("carry = back * a", "carry = back", "carried"),
)
def linear_recurrence():
    def forward(x, a):
        h = [0.0 * x[0]]
        for value in x:
            h.append(h[-1] * a[0] + value)
        return np.array(h[1:])

    def backward(g, x, a):
        h = [0, *forward(x, a)]
        dx, da, carry = np.zeros_like(x), np.zeros_like(a), 0
        for t in reversed(range(6)):
            back = g[t] + carry
            dx[t] = back.item() if np.ndim(back) else back
            da += back * h[t]
            carry = back * a
        return dx, da

    return forward, backward
