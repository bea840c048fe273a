"""Train sixty-four networks of one shape in one process, as stacked matrices.

Does a network of 2-16-16-2 learn two moons from every start?  The parameters of sixty-four starts
are stacked along a new axis; `vmap` calls the network for all of them at once, and one optimizer
takes their steps.  A small network spends most of its time on the overhead of calls, and here there
is one call for all.

Prints the accuracies, the time beside that of one network after the other, and by how much the
weights differ from those of the networks trained alone.

    python examples/many_nets.py    # about 5 s
    python examples/many_nets.py --nets 256 --steps 500
"""

from __future__ import annotations

import time

import numpy as np
from common import options

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn
from minigrad.func import functional_call, stack_module_state, vmap

LR = 0.03


def two_moons(n: int, seed: int) -> tuple[mg.Tensor, mg.Tensor]:
    """Two half circles that reach into each other, with noise."""
    rng = np.random.default_rng(seed)
    label = np.arange(n) % 2
    angle = rng.uniform(0, np.pi, n) + np.pi * label
    x = np.column_stack([np.cos(angle) + label, np.sin(angle) + 0.5 * label])
    x = x + 0.2 * rng.standard_normal(x.shape)
    return mg.tensor(x), mg.tensor(label)


def network() -> nn.Sequential:
    """2 inputs, two hidden layers of 16, 2 scores; in float64, to compare weights."""
    return nn.Sequential(
        nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 2)
    ).double()


def train_together(nets, batches):
    """The parameters of all networks, each with a first axis more."""
    parameters, buffers = stack_module_state(nets)
    optimizer = mg.optim.Adam(list(parameters.values()), lr=LR)

    def loss(parameters, buffers, x, y):
        return F.cross_entropy(functional_call(nets[0], (parameters, buffers), (x,)), y)

    losses = vmap(loss, in_dims=(0, 0, None, None))  # a loss for each network, of the same batch
    for x, y in batches:
        optimizer.zero_grad()
        losses(parameters, buffers, x, y).sum().backward()  # each gradient is that of its own loss
        optimizer.step()
    return parameters


def train_alone(net, batches) -> None:
    """The same steps of one network."""
    optimizer = mg.optim.Adam(net.parameters(), lr=LR)
    for x, y in batches:
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--nets", type=int, default=64, help="networks to train")
    parser.add_argument("--steps", type=int, default=200, help="of Adam")
    args = parser.parse_args()

    mg.manual_seed(0)
    nets = [network() for _ in range(args.nets)]
    x, y = two_moons(512, seed=0)
    batches = [(x[rows], y[rows]) for rows in mg.randint(0, len(x), (args.steps, 32))]

    start = time.perf_counter()
    parameters = train_together(nets, batches)
    together = time.perf_counter() - start
    start = time.perf_counter()
    for net in nets:
        train_alone(net, batches)
    alone = time.perf_counter() - start
    gap = max(
        (parameters[name][i] - p).abs().max().item()
        for i, net in enumerate(nets)
        for name, p in net.named_parameters()
    )

    for i, net in enumerate(nets):  # give each its own weights, as plain modules again
        net.load_state_dict({name: stack[i] for name, stack in parameters.items()})
    x_test, y_test = two_moons(1000, seed=1)
    with mg.no_grad():
        scores = [net(x_test) for net in nets]
    accuracies = [(s.argmax(1) == y_test).double().mean().item() for s in scores]
    print(f"test accuracy: worst {min(accuracies):.3f}, median {np.median(accuracies):.3f}, "
          f"best {max(accuracies):.3f}")  # fmt: skip
    mean = mg.stack(scores).softmax(-1).mean(0)
    print(f"of their mean: {(mean.argmax(1) == y_test).double().mean().item():.3f}")
    print(f"seconds: together {together:.2f}, one after the other {alone:.2f}")
    print(f"largest difference of a weight: {gap:.1e}")


if __name__ == "__main__":
    main()
