"""Time one training step of five networks, side by side.

A step is forward, mean softmax cross-entropy, backward, and the optimizer's update, float32, on one
thread.  Contestants run in processes of their own (idle threads of one library slow another) and
take turns in short rounds, so that a slow moment of the machine hits all of them.  What is printed
is the minimum of each, and its ratio to NumPy written by hand.

    python tests/benchmarks/training_step.py                 # all nets, all contestants installed
    python tests/benchmarks/training_step.py --nets tiny deep --optimizers sgd --rounds 20
    python tests/benchmarks/training_step.py --memory        # peak memory of the wide net's step

The contestants:
    tuned      NumPy by hand: preallocated buffers, one flat parameter buffer
    plain      NumPy by hand, as people write it
    minigrad   nn.Sequential, F.cross_entropy, optim.SGD or optim.Adam
    torch, jax (jit), autograd   where they are installed
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

NETS = {
    "tiny": ([2, 16, 16, 2], 32),
    "small": ([64, 64, 10], 32),
    "digits": ([784, 256, 128, 10], 64),
    "wide": ([784, 2048, 2048, 10], 256),
    "deep": ([32] * 33, 32),
}
CONTESTANTS = ["tuned", "plain", "minigrad", "torch", "jax", "autograd"]
# The rate is so small that the loss stays: where a net has learned its one batch by heart, squared
# gradients fall below the least normal number, and such arithmetic is a hundred times slower
LR, MOMENTUM, BETAS, EPS = 1e-8, 0.9, (0.9, 0.999), 1e-8


def problem(net: str):
    """Initial weights (out, in) and biases, and one batch: the same for every contestant."""
    import numpy as np

    sizes, batch = NETS[net]
    rng = np.random.default_rng(0)
    weights = [
        rng.uniform(-1, 1, (m, n)).astype(np.float32) / np.float32(n**0.5)
        for n, m in zip(sizes, sizes[1:])
    ]
    biases = [np.zeros(m, np.float32) for m in sizes[1:]]
    x = rng.standard_normal((batch, sizes[0])).astype(np.float32)
    y = rng.integers(0, sizes[-1], batch)
    return weights, biases, x, y


# --------------------------------------------------------------------------------- contestants


def plain(net: str, optimizer: str):
    """What a NumPy user writes: no preallocation, a loop over parameters."""
    import numpy as np

    weights, biases, x, y = problem(net)
    weights = [np.ascontiguousarray(w.T) for w in weights]  # (in, out), as X @ W + b
    parameters = weights + biases
    first = [np.zeros_like(p) for p in parameters]
    second = [np.zeros_like(p) for p in parameters]
    rows = np.arange(len(y))
    count = 0

    def step() -> float:
        nonlocal count
        activations = [x]
        for i, (w, b) in enumerate(zip(weights, biases)):
            z = activations[-1] @ w + b
            activations.append(np.maximum(z, 0) if i < len(weights) - 1 else z)
        z = activations.pop()
        z = z - z.max(axis=1, keepdims=True)
        e = np.exp(z)
        total = e.sum(axis=1, keepdims=True)
        loss = (np.log(total[:, 0]) - z[rows, y]).mean()
        g = e / total
        g[rows, y] -= 1
        g /= len(y)
        w_grads, b_grads = [], []
        for i in range(len(weights) - 1, -1, -1):
            a = activations[i]
            w_grads.append(a.T @ g)
            b_grads.append(g.sum(axis=0))
            if i:
                g = (g @ weights[i].T) * (a > 0)
        grads = w_grads[::-1] + b_grads[::-1]
        count += 1
        if optimizer == "sgd":
            for p, g, v in zip(parameters, grads, first):
                v *= MOMENTUM
                v += g
                p -= LR * v
        else:
            c1, c2 = 1 - BETAS[0] ** count, 1 - BETAS[1] ** count
            for p, g, m, v in zip(parameters, grads, first, second):
                m *= BETAS[0]
                m += (1 - BETAS[0]) * g
                v *= BETAS[1]
                v += (1 - BETAS[1]) * g * g
                p -= LR * (m / c1) / (np.sqrt(v / c2) + EPS)
        return float(loss)

    return step


def tuned(net: str, optimizer: str):
    """NumPy by hand with every buffer preallocated and one flat update."""
    import numpy as np

    initial, _, x, y = problem(net)
    shapes = [w.T.shape for w in initial]
    n_rows = len(y)
    total_size = sum(i * o + o for i, o in shapes)
    flat, grad, first, second, scratch = (np.zeros(total_size, np.float32) for _ in range(5))
    weights, biases, w_grads, b_grads = [], [], [], []
    start = 0
    for w, (i, o) in zip(initial, shapes):
        for store_p, store_g, shape in ((weights, w_grads, (i, o)), (biases, b_grads, (o,))):
            size = int(np.prod(shape))
            store_p.append(flat[start : start + size].reshape(shape))
            store_g.append(grad[start : start + size].reshape(shape))
            start += size
        weights[-1][...] = w.T
    outs = [np.empty((n_rows, o), np.float32) for _, o in shapes]
    backs = [np.empty((n_rows, i), np.float32) for i, _ in shapes]
    masks = [np.empty((n_rows, o), np.float32) for _, o in shapes]
    zeros = [np.zeros((n_rows, o), np.float32) for _, o in shapes]
    tiled = [np.empty((n_rows, o), np.float32) for _, o in shapes]
    ones = np.ones(n_rows, np.float32)
    top, total = np.empty((n_rows, 1), np.float32), np.empty((n_rows, 1), np.float32)
    rows = np.arange(n_rows)
    flat_index = rows * shapes[-1][1] + y
    one_over_n = np.float32(1 / n_rows)
    last = len(shapes) - 1
    count = 0
    chunk = 65536

    def step() -> float:
        nonlocal count
        a = x
        for i in range(last + 1):
            out = outs[i]
            a.dot(weights[i], out)
            tiled[i][...] = biases[i]
            np.add(out, tiled[i], out=out)
            if i < last:
                np.maximum(out, zeros[i], out=out)
            a = out
        z = outs[last]
        np.maximum.reduce(z, 1, keepdims=True, out=top)
        np.subtract(z, top, out=z)
        picked = z.ravel()[flat_index].sum()
        np.exp(z, out=z)
        np.add.reduce(z, 1, keepdims=True, out=total)
        loss = (np.log(total).sum() - picked) * one_over_n
        np.divide(z, total, out=z)
        z.ravel()[flat_index] -= 1
        np.multiply(z, one_over_n, out=z)
        g = z
        for i in range(last, -1, -1):
            a = outs[i - 1] if i else x
            a.T.dot(g, w_grads[i])
            ones.dot(g, b_grads[i])
            if i:
                g.dot(weights[i].T, backs[i])
                np.sign(a, out=masks[i - 1])
                np.multiply(backs[i], masks[i - 1], out=backs[i])
                g = backs[i]
        count += 1
        c1, c2 = 1 - BETAS[0] ** count, 1 - BETAS[1] ** count
        for s in range(0, total_size, chunk):
            p, g, m = flat[s : s + chunk], grad[s : s + chunk], first[s : s + chunk]
            t = scratch[: len(p)]
            np.multiply(m, MOMENTUM if optimizer == "sgd" else BETAS[0], out=m)
            if optimizer == "sgd":
                np.add(m, g, out=m)
                np.multiply(m, LR, out=t)
            else:
                v = second[s : s + chunk]
                np.multiply(g, 1 - BETAS[0], out=t)
                np.add(m, t, out=m)
                np.multiply(v, BETAS[1], out=v)
                np.multiply(g, g, out=t)
                np.multiply(t, 1 - BETAS[1], out=t)
                np.add(v, t, out=v)
                np.multiply(v, 1 / c2, out=t)
                np.sqrt(t, out=t)
                np.add(t, EPS, out=t)
                np.divide(m, t, out=t)
                np.multiply(t, LR / c1, out=t)
            np.subtract(p, t, out=p)
        return float(loss)

    return step


def torch_like(library: str):
    """The same script for minigrad and for PyTorch: only the import differs."""

    def make(net: str, optimizer: str):
        if library == "torch":
            import torch as lib

            lib.set_num_threads(1)
            F = lib.nn.functional
        else:
            import minigrad as lib

            F = lib.nn.functional
        nn = lib.nn
        weights, biases, x, y = problem(net)
        layers = []
        for i, (w, b) in enumerate(zip(weights, biases)):
            layer = nn.Linear(w.shape[1], w.shape[0])
            layer.load_state_dict({"weight": lib.tensor(w), "bias": lib.tensor(b)})
            layers += [layer, nn.ReLU()] if i < len(weights) - 1 else [layer]
        model = nn.Sequential(*layers)
        if optimizer == "sgd":
            opt = lib.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM)
        else:
            opt = lib.optim.Adam(model.parameters(), lr=LR, betas=BETAS, eps=EPS)
        x, y = lib.tensor(x), lib.tensor(y)

        def step() -> float:
            opt.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            opt.step()
            return loss.item()

        return step

    return make


def functional_step(np, grad_of, jit, net: str, optimizer: str):
    """A step for libraries that differentiate functions: jax and autograd."""
    weights, biases, x, y = problem(net)
    parameters = [np.array(p) for pair in zip(weights, biases) for p in (pair[0].T, pair[1])]
    target = np.array(y)
    rows = np.arange(len(y))

    def loss_of(parameters):
        a = x
        for i in range(0, len(parameters), 2):
            a = np.dot(a, parameters[i]) + parameters[i + 1]
            if i + 2 < len(parameters):
                a = np.maximum(a, 0)
        a = a - np.max(a, axis=1, keepdims=True)
        return np.mean(np.log(np.sum(np.exp(a), axis=1)) - a[rows, target])

    value_and_grad = grad_of(loss_of)

    def update(parameters, first, second, count):
        loss, grads = value_and_grad(parameters)
        new_p, new_m, new_v = [], [], []
        c1, c2 = 1 - BETAS[0] ** count, 1 - BETAS[1] ** count
        for p, g, m, v in zip(parameters, grads, first, second):
            if optimizer == "sgd":
                m = MOMENTUM * m + g
                p = p - LR * m
            else:
                m = BETAS[0] * m + (1 - BETAS[0]) * g
                v = BETAS[1] * v + (1 - BETAS[1]) * g * g
                p = p - LR * (m / c1) / (np.sqrt(v / c2) + EPS)
            new_p.append(p)
            new_m.append(m)
            new_v.append(v)
        return loss, new_p, new_m, new_v

    update = jit(update)
    state = [parameters, [0 * p for p in parameters], [0 * p for p in parameters]]
    count = 0

    def step() -> float:
        nonlocal count, state
        count += 1
        loss, *state = update(*state, np.float32(count))
        return float(loss)

    return step


def jax(net: str, optimizer: str):
    import jax
    import jax.numpy as jnp

    return functional_step(jnp, jax.value_and_grad, jax.jit, net, optimizer)


def autograd(net: str, optimizer: str):
    import autograd
    import autograd.numpy as anp

    return functional_step(anp, autograd.value_and_grad, lambda f: f, net, optimizer)


MAKERS = {
    "tuned": tuned,
    "plain": plain,
    "minigrad": torch_like("minigrad"),
    "torch": torch_like("torch"),
    "jax": jax,
    "autograd": autograd,
}


# ------------------------------------------------------------------------------- running them


def contestant(name: str, net: str, optimizer: str) -> None:
    """A child process: for each line on standard input, time a round and print its minimum."""
    if hasattr(os, "sched_setaffinity"):  # one core, for libraries that cannot be told one thread
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    step = MAKERS[name](net, optimizer)
    losses = [step() for _ in range(20)]
    print(json.dumps(losses), flush=True)
    clock = time.perf_counter
    for line in sys.stdin:
        seconds = float(line)
        best = float("inf")
        end = clock() + seconds
        while clock() < end:
            start = clock()
            step()
            best = min(best, clock() - start)
        print(best, flush=True)


def peak_memory(name: str, net: str, optimizer: str) -> None:
    """A child process: print the growth of the peak resident memory over ten steps, in MB."""
    import resource

    step = MAKERS[name](net, optimizer)
    with open("/proc/self/status") as status:
        before = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    for _ in range(10):
        step()
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, before / 1024)


def environment() -> dict[str, str]:
    threads = {f"{lib}_NUM_THREADS": "1" for lib in ("OMP", "OPENBLAS", "MKL")}
    xla = {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"}
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    return {**os.environ, **threads, **xla, "PYTHONPATH": path}


def compare(net: str, optimizer: str, names: list[str], rounds: int, seconds: float):
    """Minimum time of a step for each contestant, in µs."""
    children = {}
    for name in names:
        command = [sys.executable, __file__, "--child", name, net, optimizer]
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
        )
        children[name] = (child, json.loads(child.stdout.readline()))
    reference = children[names[0]][1]
    for name, (_, losses) in children.items():  # the first steps: later ones magnify rounding
        worst = max(abs(a - b) / abs(b) for a, b in zip(losses[:3], reference))
        if worst > 1e-3:
            print(f"warning: the losses of {name} differ from those of {names[0]} by {worst:.1e}")
    best = dict.fromkeys(names, float("inf"))
    for _ in range(rounds):
        for name, (child, _) in children.items():
            child.stdin.write(f"{seconds}\n")
            child.stdin.flush()
            best[name] = min(best[name], float(child.stdout.readline()) * 1e6)
    for child, _ in children.values():
        child.stdin.close()
        child.wait()
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nets", nargs="+", choices=NETS, default=list(NETS))
    parser.add_argument("--optimizers", nargs="+", choices=["sgd", "adam"], default=["sgd", "adam"])
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=CONTESTANTS)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=0.25, help="length of one turn")
    parser.add_argument("--memory", action="store_true", help="peak memory of the wide net instead")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--child-memory", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return contestant(*args.child)
    if args.child_memory:
        return peak_memory(*args.child_memory)
    own = ("tuned", "plain", "minigrad")
    absent = [n for n in args.contestants if n not in own and not importlib.util.find_spec(n)]
    names = [n for n in args.contestants if n not in absent]
    if absent:
        print(f"not installed, so not timed: {', '.join(absent)} (pip install {' '.join(absent)})")
    if not names:
        sys.exit("no contestant is left; name one that is installed, as plain or minigrad")
    if args.memory:
        for name in names:
            command = [sys.executable, __file__, "--child-memory", name, "wide", "sgd"]
            out = subprocess.run(command, capture_output=True, text=True, env=environment())
            growth, before = out.stdout.split()
            print(f"{name:>10}  {float(growth):8.1f} MB over ten steps, from {before} MB")
        return None
    print(f"{'net':>8} {'optimizer':>9} " + " ".join(f"{name:>16}" for name in names))
    print(f"{'':>18} " + " ".join(f"{'µs   / plain':>16}" for _ in names))
    for net in args.nets:
        for optimizer in args.optimizers:
            best = compare(net, optimizer, names, args.rounds, args.seconds)
            base = best.get("plain", best[names[0]])
            cells = " ".join(f"{best[n]:9.1f} {best[n] / base:6.2f}" for n in names)
            print(f"{net:>8} {optimizer:>9} {cells}", flush=True)
    return None


if __name__ == "__main__":
    main()
