"""Compiled training steps against NumPy tuned by hand: one thread, one run, ratios of minimums.

    python tests/benchmarks/compiled_step.py
    python tests/benchmarks/compiled_step.py --nets tiny --contestants tuned compiled minigrad torch
    python tests/benchmarks/compiled_step.py --models     compiled against eager: LSTM and others
    python tests/benchmarks/compiled_step.py --memory     peak of the wide net's step
    python tests/benchmarks/compiled_step.py --compilation

Nets, contestants and the way of timing are those of training_step.py.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import time
import tracemalloc
from functools import partial
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks import training_step as base

NAMES = ["tuned", "compiled", "numba", "minigrad", "torch", "jax"]
MODELS = ["lstm", "transformer", "conv"]


def network(net: str, optimizer: str) -> tuple[Any, Any, Any, Any]:
    """The model of training_step.py, its optimizer, and a batch."""
    import minigrad as mg

    weights, biases, x, y = base.problem(net)
    layers: list[Any] = []
    for i, (w, b) in enumerate(zip(weights, biases)):
        layer = mg.nn.Linear(w.shape[1], w.shape[0])
        layer.load_state_dict({"weight": mg.tensor(w), "bias": mg.tensor(b)})
        layers += [layer, mg.nn.ReLU()] if i < len(weights) - 1 else [layer]
    model = mg.nn.Sequential(*layers)
    parameters = model.parameters()
    if optimizer == "sgd":
        made: Any = mg.optim.SGD(parameters, lr=base.LR, momentum=base.MOMENTUM)
    else:
        made = mg.optim.Adam(parameters, lr=base.LR, betas=base.BETAS, eps=base.EPS)
    return model, made, mg.tensor(x), mg.tensor(y)


def whole_step(model: Any, optimizer: Any) -> Any:
    import minigrad as mg

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = mg.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def compiled(net: str, optimizer: str, backend: str = "numpy") -> Any:
    """The step of minigrad, compiled."""
    import minigrad as mg

    model, made, x, y = network(net, optimizer)
    step = mg.compile(whole_step(model, made), backend=backend)
    return lambda: step(x, y).item()


def small_model(name: str, optimizer: str, compiler: Any) -> Any:
    """A step of an LSTM of 20 steps, a transformer block, a conv net; eager or compiled."""
    import numpy as np

    import minigrad as mg

    nn = mg.nn
    rng = np.random.default_rng(0)
    mg.manual_seed(0)

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cells, self.head = nn.LSTM(8, 32, batch_first=True), nn.Linear(32, 3)

        def forward(self, x: Any) -> Any:
            return self.head(self.cells(x)[0][:, -1])

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
            self.head = nn.Linear(32, 3)

        def forward(self, x: Any) -> Any:
            return self.head(self.block(x).mean(1))

    shapes = {"lstm": (32, 20, 8), "transformer": (16, 16, 32), "conv": (32, 1, 16, 16)}
    models = {
        "lstm": Last, "transformer": Block,
        "conv": lambda: nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU(),
            nn.Flatten(), nn.Linear(400, 3),
        ),
    }  # fmt: skip
    model = models[name]()
    step = compiler(whole_step(model, mg.optim.Adam(model.parameters(), lr=1e-3)))
    x = mg.tensor(rng.standard_normal(shapes[name]).astype(np.float32))
    y = mg.tensor(rng.integers(0, 3, len(x)))
    return lambda: step(x, y).item()


def maker(name: str) -> Any:
    """What makes the step of a contestant."""
    if name == "compiled":
        return compiled
    if name == "numba":
        return partial(compiled, backend="numba")
    if name.endswith("-model"):
        import minigrad as mg

        compiler = mg.compile if name.startswith("compiled") else lambda function: function
        return lambda net, optimizer: small_model(net, optimizer, compiler)
    return base.MAKERS[name]


def contestant(name: str, net: str, optimizer: str) -> None:
    base.MAKERS[name] = maker(name)
    base.contestant(name, net, optimizer)


def compare(net: str, optimizer: str, names: list[str], rounds: int, seconds: float) -> Any:
    """Minimum time of a step for each contestant, in µs: children run this file."""
    before, base.__file__ = base.__file__, __file__
    try:
        return base.compare(net, optimizer, names, rounds, seconds)
    finally:
        base.__file__ = before


def compilation(net: str) -> float:
    """Milliseconds that the first call takes beyond an eager one, the shortest of five."""
    best = float("inf")
    for _ in range(5):
        model, optimizer, x, y = network(net, "sgd")
        import minigrad as mg

        step = mg.compile(whole_step(model, optimizer))
        start = time.perf_counter()
        step(x, y)
        best = min(best, time.perf_counter() - start)
    return best * 1e3


def peak_of_a_step(name: str, net: str, optimizer: str) -> float:
    """The most that NumPy and Python have allocated during a later step, in MB.

    Everything since before the first step counts: gradients, momentum, buffers.
    """
    step = base.MAKERS[name](net, optimizer)
    tracemalloc.start()
    for _ in range(4):
        tracemalloc.reset_peak()
        step()
    return tracemalloc.get_traced_memory()[1] / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", nargs="+", choices=base.NETS, default=list(base.NETS))
    parser.add_argument("--optimizers", nargs="+", choices=["sgd", "adam"], default=["sgd", "adam"])
    parser.add_argument("--contestants", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=0.2, help="length of one turn")
    parser.add_argument("--models", action="store_true", help="compiled against eager")
    parser.add_argument("--memory", action="store_true", help="peak memory of the wide net")
    parser.add_argument("--compilation", action="store_true", help="milliseconds to compile")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--child-memory", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return contestant(*args.child)
    if args.child_memory:
        base.MAKERS[args.child_memory[0]] = maker(args.child_memory[0])
        base.peak_memory(*args.child_memory)
        return print(peak_of_a_step(*args.child_memory))
    if args.compilation:
        for net in args.nets:
            print(f"{net:>8} {compilation(net):8.1f} ms")
        return None
    if args.memory:
        for name in ("minigrad", "compiled"):
            command = [sys.executable, __file__, "--child-memory", name, "wide", "sgd"]
            out = subprocess.run(
                command, capture_output=True, text=True, env=base.environment(), check=True
            )
            growth, before, step = [float(text) for text in out.stdout.split()]
            print(
                f"{name:>10}  a step {step:6.1f} MB at most; the process grew by {growth:.1f} MB "
                f"over ten steps, compilation included, from {before:.1f} MB"
            )
        return None
    if args.models:
        for net in MODELS:
            best = compare(
                net, "adam", ["eager-model", "compiled-model"], args.rounds, args.seconds
            )
            eager, ours = best["eager-model"], best["compiled-model"]
            print(f"{net:>12} eager {eager:9.1f}  compiled {ours:9.1f}  ratio {ours / eager:.2f}")
        return None
    own = ("tuned", "compiled", "minigrad")
    names = [n for n in args.contestants if n in own or importlib.util.find_spec(n)]
    print(f"{'net':>8} {'optimizer':>9} " + " ".join(f"{name:>16}" for name in names))
    for net in args.nets:
        for optimizer in args.optimizers:
            best = compare(net, optimizer, names, args.rounds, args.seconds)
            cells = " ".join(f"{best[n]:9.1f} {best[n] / best[names[0]]:6.2f}" for n in names)
            print(f"{net:>8} {optimizer:>9} {cells}", flush=True)
    return None


if __name__ == "__main__":
    main()
