"""A perceptron, XOR, an LSTM cell and an attention head, from two products.

The matrix product mixes entries; the entrywise (Hadamard) product opens and closes gates.  With
these, sums and a few functions of one number, everything below is written out, and compared with
the module of minigrad.nn.

Prints how many cases are right, and the largest differences from the modules.

    python examples/from_products.py    # less than 1 s
"""

from __future__ import annotations

import numpy as np
from common import options

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def perceptron(targets: np.ndarray, rounds: int = 50) -> int:
    """Rosenblatt's rule: add the inputs of a wrong answer to the weights, or subtract them."""
    X = mg.tensor(np.column_stack([CORNERS, np.ones(4)]))
    w = mg.zeros(3, dtype=mg.float64)
    for _ in range(rounds):
        for x, target in zip(X, targets):
            w = w + (target - float((w @ x).item() > 0)) * x
    return int(((X @ w > 0).numpy() == targets).sum())


def two_layer_xor() -> tuple[list[float], int]:
    """Two hidden ReLU units, with weights found by thought: relu(a + b) - 2 relu(a + b - 1)."""
    X = mg.tensor(CORNERS)
    hidden = mg.relu(X @ mg.ones(2, 2, dtype=mg.float64) + mg.tensor(np.array([0.0, -1.0])))
    out = hidden @ mg.tensor(np.array([1.0, -2.0]))
    return out.tolist(), int((out.numpy() == [0, 1, 1, 0]).sum())


def lstm_cell(x, h, c, cell: nn.LSTMCell):
    """One step: gates in (0, 1) multiply, entry by entry, what is kept, added and shown."""
    scores = x @ cell.weight_ih.T + cell.bias_ih + h @ cell.weight_hh.T + cell.bias_hh
    add, keep, candidate, show = scores.chunk(4, dim=1)
    c = mg.sigmoid(keep) * c + mg.sigmoid(add) * mg.tanh(candidate)
    return mg.sigmoid(show) * mg.tanh(c), c


def attention_head(Q, K, V, causal: bool):
    """softmax(Q K^T / sqrt(d)) V: each row is a weighted mean of the rows of V."""
    scores = Q @ K.mT / Q.shape[-1] ** 0.5
    if causal:
        later = mg.triu(mg.ones(scores.shape[-2:], dtype=mg.float64), diagonal=1) > 0
        scores = scores.masked_fill(later, -np.inf)
    weights = scores.softmax(dim=-1)
    return weights @ V, weights


def show_lstm(rng: np.random.Generator) -> None:
    cell = nn.LSTMCell(3, 5).double()
    x = mg.tensor(rng.standard_normal((4, 3)))
    h, c = mg.tensor(rng.standard_normal((2, 4, 5)))
    found, expected = lstm_cell(x, h, c, cell), cell(x, (h, c))
    error = max((a - b).abs().max().item() for a, b in zip(found, expected))
    print(f"LSTM cell: largest difference from nn.LSTMCell {error:.1e}")
    print(f"  largest entry of its output: {found[0].abs().max().item():.4f}, below 1")


def show_attention(rng: np.random.Generator) -> None:
    Q, K, V = mg.tensor(rng.standard_normal((3, 2, 6, 8)))
    for causal in (False, True):
        out, weights = attention_head(Q, K, V, causal)
        expected = F.scaled_dot_product_attention(Q, K, V, is_causal=causal)
        name = "with a causal mask" if causal else "without a mask"
        error = (out - expected).abs().max().item()
        print(f"attention head {name}: {error:.1e} from F.scaled_dot_product_attention")
        print(f"  sums of the weights {name}: 1 to {(weights.sum(dim=-1) - 1).abs().max():.1e}")
    future = mg.triu(weights, diagonal=1).abs().max().item()
    print(f"  largest weight on a later row with the mask: {future}")


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the weights and inputs")
    args = parser.parse_args()

    mg.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    for name, targets in (("AND", [0, 0, 0, 1]), ("OR", [0, 1, 1, 1]), ("XOR", [0, 1, 1, 0])):
        print(f"perceptron on {name}: {perceptron(np.array(targets))} of 4 right")
    values, right = two_layer_xor()
    print(f"two layers on XOR: {right} of 4 right, outputs {values}")
    with mg.no_grad():
        show_lstm(rng)
        show_attention(rng)


if __name__ == "__main__":
    main()
