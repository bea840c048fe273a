"""Train on principal components of the digits in place of their pixels.

The components come from the training digits alone; test digits are projected to the same ones.
A network on 29 components, which keep 95 % of the variance, is about as good as one on 64 pixels.

Prints the share of the variance that is kept, and the test accuracy of a network on it.

    python examples/pca_before_training.py    # about 2 s
"""

from __future__ import annotations

import numpy as np
from common import need, options

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn

L = mg.linalg


def load(seed: int) -> tuple[mg.Tensor, ...]:
    """1347 digits to train on and 450 to test on, pixels in 0 ... 1, and their labels."""
    need("sklearn")
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(seed).permutation(len(data.target))
    x, y = mg.tensor(data.data[order] / 16), mg.tensor(data.target[order])
    return x[:1347], x[1347:], y[:1347], y[1347:]


def components(x: mg.Tensor) -> tuple[mg.Tensor, mg.Tensor]:
    """Columns are the principal components, the largest variance first; and the variances."""
    values, vectors = L.eigh(mg.cov(x.T))
    return vectors.flip(1), values.flip(0)


def train(x: mg.Tensor, y: mg.Tensor, epochs: int) -> nn.Sequential:
    model = nn.Sequential(nn.Linear(x.shape[1], 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = mg.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(epochs):
        for rows in mg.randperm(len(x)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
    return model


def accuracy(model: nn.Module, x: mg.Tensor, y: mg.Tensor) -> float:
    with mg.no_grad():
        return (model(x).argmax(dim=1) == y).float().mean().item()


def main() -> None:
    parser = options(__doc__)
    parser.add_argument(
        "--components", type=int, nargs="+", default=[2, 5, 10, 29], help="how many are kept"
    )
    parser.add_argument("--epochs", type=int, default=40, help="of training")
    parser.add_argument("--seed", type=int, default=0, help="of the split and the weights")
    args = parser.parse_args()

    x_train, x_test, y_train, y_test = load(args.seed)
    mean = x_train.mean(dim=0)
    vectors, values = components(x_train - mean)
    rows = [(f"{k} components", vectors[:, :k]) for k in args.components]
    for name, basis in [*rows, ("64 pixels", mg.eye(64, dtype=mg.float64))]:
        kept = (values[: basis.shape[1]].sum() / values.sum()).item()
        inputs, tests = (((x - mean) @ basis).float() for x in (x_train, x_test))
        mg.manual_seed(args.seed)
        found = accuracy(train(inputs, y_train, args.epochs), tests, y_test)
        print(f"{name}: variance kept {kept:.4f}, test accuracy {found:.4f}")


if __name__ == "__main__":
    main()
