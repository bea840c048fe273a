"""Check a backward pass that was written by hand, in plain NumPy, and find its three mistakes.

A two-layer network for classification, as one writes it to learn backpropagation.  Three lines of
the backward pass are wrong.  minigrad takes no part in the network; it only checks it, and prints
what it finds before and after the three lines are corrected:

    python examples/check_my_backprop.py    # less than 1 s
"""

import sys

import numpy as np
from common import options

import minigrad as mg


def forward(x, w1, b1, w2, b2, target):
    """Mean cross-entropy of a network with one hidden layer of tanh."""
    hidden = np.tanh(x @ w1 + b1)
    scores = hidden @ w2 + b2
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    return (log_sum - shifted[np.arange(len(x)), target]).mean()


def backward(g, x, w1, b1, w2, b2, target):
    """The gradients of the loss for x, w1, b1, w2, b2, with three mistakes."""
    hidden = np.tanh(x @ w1 + b1)
    scores = hidden @ w2 + b2
    probabilities = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    probabilities[np.arange(len(x)), target] -= 1
    d_scores = g * probabilities  # mistake 1: the mean over the batch is missing its 1/n
    d_w2 = hidden.T @ d_scores
    d_b2 = d_scores  # mistake 2: the sum over the batch, which broadcasting made necessary
    d_hidden = d_scores @ w2.T
    d_before = d_hidden * (1 - hidden**2)
    d_w1 = -x.T @ d_before  # mistake 3: a sign
    d_b1 = d_before.sum(axis=0)
    d_x = d_before @ w1.T
    return d_x, d_w1, d_b1, d_w2, d_b2, None


def corrected(g, x, w1, b1, w2, b2, target):
    """The same, put right line by line."""
    d_x, d_w1, d_b1, d_w2, d_b2, _ = backward(g / len(x), x, w1, b1, w2, b2, target)
    return d_x, -d_w1, d_b1, d_w2, d_b2.sum(axis=0), None


def make_inputs(seed: int = 0) -> dict[str, np.ndarray]:
    """A batch of 16 with 5 features, 7 hidden units and 3 classes."""
    rng = np.random.default_rng(seed)
    return {
        "x": rng.standard_normal((16, 5)),
        "w1": rng.standard_normal((5, 7)),
        "b1": rng.standard_normal(7),
        "w2": rng.standard_normal((7, 3)),
        "b2": rng.standard_normal(3),
        "target": rng.integers(0, 3, 16),
    }


def main() -> int:
    inputs = make_inputs()
    print("The backward pass as it was written:\n")
    print(mg.testing.check_vjp(forward, backward, inputs))
    print("\nand with the three lines corrected:\n")
    report = mg.testing.check_vjp(forward, corrected, inputs)
    print(report)
    return 0 if report.ok else 1


if __name__ == "__main__":
    options(__doc__).parse_args()
    sys.exit(main())
