"""Ops of neural networks that are fused: one node where a composition would record several.

Each is here because it was measured to be faster, or because it is more accurate near the ends of
the number range.
"""

from __future__ import annotations

import numpy as np

from minigrad.operation import Array, op


def softmax_minus_onehot(x: Array, target: Array) -> Array:
    """The gradient of the summed cross-entropy, for derivatives of it: x may be a tensor."""
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    classes = np.arange(x.shape[1])
    return e / np.sum(e, axis=1, keepdims=True) - (classes == target[:, None])


@op(
    lambda g, difference, x_shape: difference * (g / x_shape[0]),
    keep={"difference": softmax_minus_onehot},
    notation="cross_entropy({x})",
)
def cross_entropy(x: Array, target: Array) -> Array:
    """Mean cross-entropy of scores against classes, in one op.

    Forward    out = -mean over the rows i of log softmax(x)[i, target[i]]
    Gradient   x̄ = ḡ (softmax(x) - onehot(target)) / n
    Shapes     (n, c), (n,) of integers in 0 ... c-1 -> ()
    Raises     IndexError if a class is out of range
    Source     Bishop 2006, equation 4.109
    Example    >>> mg.ops.neural.cross_entropy(mg.tensor([[0.0, 0.0]]), np.array([1]))
               tensor(0.6931)
    """
    rows = np.arange(x.shape[0])
    shifted = x - np.maximum.reduce(x, 1, keepdims=True)
    difference = np.exp(shifted)
    total = np.add.reduce(difference, 1, keepdims=True)
    loss = (np.add.reduce(np.log(total), None) - np.add.reduce(shifted[rows, target])) / len(rows)
    difference /= total
    difference[rows, target] -= 1
    return loss, difference
