"""Time a training step of many small networks: one after the other, and as stacked matrices.

The step of the stacked matrices is taken eagerly, and compiled.

All networks have one shape and one batch; float32, one thread, SGD with momentum.  The ways
take turns in one process.  What is printed is the minimum of each for a step of all networks, and
its ratio to the first; and by how much the weights differ at the end.

    python tests/benchmarks/many_nets.py              # 64 networks 2-16-16-2, batch 32
    python tests/benchmarks/many_nets.py --nets 256 --sizes 4 32 3
"""

from __future__ import annotations

import argparse
import time

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn
from minigrad.func import functional_call, stack_module_state, vmap

LR, MOMENTUM = 0.01, 0.9


def network(sizes: list[int]) -> nn.Sequential:
    """Linear layers with ReLU between them."""
    layers: list[nn.Module] = []
    for n, m in zip(sizes, sizes[1:]):
        layers += [nn.Linear(n, m), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def one_by_one(nets, x, y):
    """A step of each network in turn."""
    optimizers = [mg.optim.SGD(net.parameters(), lr=LR, momentum=MOMENTUM) for net in nets]

    def step():
        for net, optimizer in zip(nets, optimizers):
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()

    return step


def together(nets, x, y):
    """A step of all: `vmap` over stacked parameters, and one optimizer."""
    parameters, buffers = stack_module_state(nets)
    optimizer = mg.optim.SGD(list(parameters.values()), lr=LR, momentum=MOMENTUM)

    def loss(parameters, buffers):
        return F.cross_entropy(functional_call(nets[0], (parameters, buffers), (x,)), y)

    losses = vmap(loss)

    def step():
        optimizer.zero_grad()
        losses(parameters, buffers).sum().backward()
        optimizer.step()

    return step, parameters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", type=int, default=64)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2, 16, 16, 2])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=200)
    args = parser.parse_args()
    mg.set_num_threads(1)
    mg.manual_seed(0)
    nets = [network(args.sizes) for _ in range(args.nets)]
    x, y = mg.randn(args.batch, args.sizes[0]), mg.randint(0, args.sizes[-1], (args.batch,))
    step_all, parameters = together(nets, x, y)
    step_compiled, compiled_parameters = together(nets, x, y)
    ways = {
        "one by one": one_by_one(nets, x, y),
        "together": step_all,
        "compiled": mg.compile(step_compiled),
    }
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(args.steps):
        for name, step in ways.items():
            start = time.perf_counter()
            step()
            best[name] = min(best[name], time.perf_counter() - start)
    for name, seconds in best.items():
        print(f"{name:>12} {seconds * 1e6:9.0f} µs  {seconds / best['one by one']:6.3f}")
    gap = max(
        (p - stacks[name][i]).abs().max().item()
        for stacks in (parameters, compiled_parameters)
        for i, net in enumerate(nets)
        for name, p in net.named_parameters()
    )
    print(f"largest difference of a weight after {args.steps} steps: {gap:.1e}")


if __name__ == "__main__":
    main()
