"""Train eight networks at once, one process and one seed each, and average what they learned.

Every process imports minigrad afresh, so nothing is shared and each run is the one that its seed
gives alone: the script trains one seed again in its own process and compares the weights bit by
bit.  The trained weights come back by pickle, as any module or tensor does.

Prints the test accuracy of each network, their mean, and whether seed 0 alone gives the same.

    python examples/parallel_seeds.py    # about 2 s
    python examples/parallel_seeds.py --seeds 16 --workers 4
"""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from common import options

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn


def two_moons(n: int, seed: int) -> tuple[mg.Tensor, mg.Tensor]:
    """Two half circles that reach into each other, with noise."""
    rng = np.random.default_rng(seed)
    label = np.arange(n) % 2
    angle = rng.uniform(0, np.pi, n) + np.pi * label
    x = np.column_stack([np.cos(angle) + label, np.sin(angle) + 0.5 * label])
    x = x + 0.2 * rng.standard_normal(x.shape)
    return mg.tensor(x, dtype=mg.float32), mg.tensor(label)


def train(seed: int, steps: int) -> tuple[int, nn.Sequential]:
    """A network whose start depends on the seed alone; a function of the module, to be pickled."""
    mg.manual_seed(seed)
    x, y = two_moons(400, seed=0)
    model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = mg.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(steps):
        rows = mg.randint(0, len(x), (64,))
        optimizer.zero_grad()
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
    return seed, model


def accuracy(scores: mg.Tensor, y: mg.Tensor) -> float:
    return (scores.argmax(dim=1) == y).float().mean().item()


def same(one: nn.Module, other: nn.Module) -> bool:
    """Whether all weights agree in every bit."""
    pairs = zip(one.state_dict().values(), other.state_dict().values())
    return all(a.numpy().tobytes() == b.numpy().tobytes() for a, b in pairs)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--seeds", type=int, default=8, help="how many networks")
    workers = min(8, os.cpu_count() or 1)
    parser.add_argument("--workers", type=int, default=workers, help="processes at a time")
    parser.add_argument("--steps", type=int, default=1000, help="of Adam, for each network")
    args = parser.parse_args()

    # One thread for BLAS in each worker: many processes with many threads get in each other's way.
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    spawn = multiprocessing.get_context("spawn")  # the same on every system, and safe with threads
    with ProcessPoolExecutor(args.workers, mp_context=spawn) as pool:
        models = dict(pool.map(train, range(args.seeds), [args.steps] * args.seeds))

    x, y = two_moons(2000, seed=1)
    with mg.no_grad():
        scores = {seed: model(x).log_softmax(dim=1) for seed, model in models.items()}
    accuracies = [accuracy(s, y) for s in scores.values()]
    for seed, value in zip(models, accuracies):
        print(f"seed {seed}: test accuracy {value:.4f}")
    mean, deviation = np.mean(accuracies), np.std(accuracies, ddof=1)
    print(f"over the seeds: mean {mean:.4f}, standard deviation {deviation:.4f}")
    together = mg.logsumexp(mg.stack(list(scores.values())), dim=0)
    print(f"mean of their probabilities: {accuracy(together, y):.4f}")
    print(f"different seeds give the same weights: {same(models[0], models[1])}")
    alone = train(0, args.steps)[1]
    print(f"seed 0 alone gives the same weights, bit by bit: {same(models[0], alone)}")


if __name__ == "__main__":
    main()
