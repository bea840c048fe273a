"""Gradient clipping: one norm over all parameters, and what it saves a network from.

The clip scales all gradients by the same number, so that the direction stays; a clip of each
matrix by its own norm changes the direction.

Prints norms and directions of a gradient clipped in both ways, and the errors of a network trained
on data with one far-off target, without and with clipping.

    python examples/gradient_clipping.py    # less than 1 s
"""

from __future__ import annotations

import copy

import numpy as np
from common import options

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn


def make_data(rng: np.random.Generator) -> tuple[mg.Tensor, mg.Tensor]:
    """A smooth function of one number, and one target of 512 that is far off."""
    x = rng.uniform(-1, 1, (512, 1))
    y = np.sin(3 * x)
    y[0] += 1000.0
    return mg.tensor(x, dtype=mg.float32), mg.tensor(y, dtype=mg.float32)


def flat_gradient(model: nn.Module) -> mg.Tensor:
    return nn.utils.parameters_to_vector([p.grad for p in model.parameters()])


def cosine(a: mg.Tensor, b: mg.Tensor) -> float:
    return F.cosine_similarity(a.double(), b.double(), dim=0).item()


def two_clips(model: nn.Module, x, y, limit: float) -> None:
    """Clip the same gradient in two ways, and compare."""
    model.zero_grad()
    F.mse_loss(model(x), y).backward()
    before = flat_gradient(model)
    by_formula = mg.sqrt(sum((p.grad.double() ** 2).sum() for p in model.parameters())).item()
    for p in model.parameters():
        p.grad = p.grad * min(1.0, limit / mg.linalg.norm(p.grad).item())
    each = flat_gradient(model)

    model.zero_grad()
    F.mse_loss(model(x), y).backward()
    total = nn.utils.clip_grad_norm_(model.parameters(), limit).item()
    after = flat_gradient(model)
    print(f"norm over all parameters: {total:.4f}, by its formula {by_formula:.4f}")
    print(f"clipped over all: norm {mg.linalg.norm(after):.4f}, cosine {cosine(before, after):.6f}")
    print(f"clipped one by one: norm {mg.linalg.norm(each):.4f}, cosine {cosine(before, each):.6f}")


def train(model: nn.Module, x, y, limit: float | None, steps: int) -> float:
    """Plain SGD in batches of 32; the median error at the end."""
    optimizer = mg.optim.SGD(model.parameters(), lr=0.05)
    for step in range(steps):
        start = 32 * step % len(x)
        rows = slice(start, start + 32)
        optimizer.zero_grad()
        F.mse_loss(model(x[rows]), y[rows]).backward()
        if limit is not None:
            nn.utils.clip_grad_norm_(model.parameters(), limit)
        optimizer.step()
    with mg.no_grad():
        return (model(x) - y).abs().median().item()


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--limit", type=float, default=1.0, help="largest norm of the gradient")
    parser.add_argument("--steps", type=int, default=2000, help="of SGD")
    parser.add_argument("--seed", type=int, default=0, help="of the data and the weights")
    args = parser.parse_args()

    print(f"norm of a 4 x 9 matrix of ones: {mg.linalg.norm(mg.ones(4, 9)).item():.1f}")
    mg.manual_seed(args.seed)
    x, y = make_data(np.random.default_rng(args.seed))
    model = nn.Sequential(nn.Linear(1, 32), nn.ReLU(), nn.Linear(32, 1))
    two_clips(copy.deepcopy(model), x, y, args.limit)
    for name, limit in (("without", None), ("with", args.limit)):
        with np.errstate(over="ignore", invalid="ignore"):
            error = train(copy.deepcopy(model), x, y, limit, args.steps)
        print(f"median error after {args.steps} steps {name} clipping: {error:.4f}")


if __name__ == "__main__":
    main()
