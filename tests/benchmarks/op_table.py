"""Time single ops: a recorded forward and its backward, beside NumPy and PyTorch.

For each op on 4×4 and on 256×256 float32, one thread: µs of

    numpy      what a NumPy user would write, forward only
    forward    minigrad, recorded; torch beside it, and the ratio
    backward   of that one op, from a given cotangent to .grad; torch beside it, and the ratio

minigrad and torch run in processes of their own and take turns.

    python tests/benchmarks/op_table.py
    python tests/benchmarks/op_table.py --sizes 4 --only add mul matmul
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time

OPS = {
    "add": ("x + y", "x + y"),
    "sub": ("x - y", "x - y"),
    "mul": ("x * y", "x * y"),
    "div": ("x / y", "x / y"),
    "add number": ("x + 1.0", "x + 1.0"),
    "mul number": ("x * 2.0", "x * 2.0"),
    "rsub number": ("1.0 - x", "1.0 - x"),
    "neg": ("-x", "-x"),
    "square": ("x ** 2", "x ** 2"),
    "exp": ("x.exp()", "np.exp(x)"),
    "log": ("p.log()", "np.log(p)"),
    "sqrt": ("p.sqrt()", "np.sqrt(p)"),
    "abs": ("x.abs()", "np.abs(x)"),
    "sin": ("x.sin()", "np.sin(x)"),
    "tanh": ("x.tanh()", "np.tanh(x)"),
    "sigmoid": ("x.sigmoid()", "1 / (1 + np.exp(-x))"),
    "relu": ("x.relu()", "np.maximum(x, 0)"),
    "maximum": ("lib.maximum(x, y)", "np.maximum(x, y)"),
    "clamp": ("x.clamp(-1, 1)", "np.clip(x, -1, 1)"),
    "where": ("lib.where(m, x, y)", "np.where(m, x, y)"),
    "sum": ("x.sum()", "x.sum()"),
    "sum dim": ("x.sum(1)", "x.sum(1)"),
    "mean": ("x.mean()", "x.mean()"),
    "mean dim": ("x.mean(0)", "x.mean(0)"),
    "max": ("x.max()", "x.max()"),
    "amax dim": ("x.amax(1)", "x.max(1)"),
    "var": ("x.var()", "x.var(ddof=1)"),
    "softmax": ("x.softmax(1)", "(e := np.exp(x - top(x))) / e.sum(1, keepdims=True)"),
    "log_softmax": (
        "x.log_softmax(1)", "(z := x - top(x)) - np.log(np.exp(z).sum(1, keepdims=True))"),
    "logsumexp": ("x.logsumexp(1)", "np.log(np.exp(x - (c := top(x))).sum(1)) + c[:, 0]"),
    "cumsum": ("x.cumsum(1)", "x.cumsum(1)"),
    "matmul": ("x @ y", "x @ y"),
    "mv": ("x @ v", "x @ v"),
    "dot": ("v @ v", "v @ v"),
    "linear": ("F.linear(x, y, v)", "x @ y.T + v"),
    "einsum": ("lib.einsum('ij,jk->ik', x, y)", "np.einsum('ij,jk->ik', x, y)"),
    "reshape": ("x.reshape(-1)", "x.reshape(-1)"),
    "transpose": ("x.T", "x.T"),
    "unsqueeze": ("x.unsqueeze(0)", "x[None]"),
    "cat": ("lib.cat([x, y])", "np.concatenate([x, y])"),
    "stack": ("lib.stack([x, y])", "np.stack([x, y])"),
    "index": ("x[1]", "x[1]"),
    "slice": ("x[1:3]", "x[1:3]"),
    "index array": ("x[i]", "x[i]"),
    "mask": ("x[m]", "x[m]"),
    "gather": ("x.gather(1, k)", "np.take_along_axis(x, k, 1)"),
    "cross_entropy": (
        "F.cross_entropy(x, i)", "((z := x - top(x))[r, i] - np.log(np.exp(z).sum(1))).mean()"),
    "mse_loss": ("F.mse_loss(x, y)", "((x - y) ** 2).mean()"),
    "norm": ("x.norm()", "np.linalg.norm(x)"),
    "inv": ("lib.linalg.inv(s)", "np.linalg.inv(s)"),
    "solve": ("lib.linalg.solve(s, x)", "np.linalg.solve(s, x)"),
}  # fmt: skip


def inputs(n: int):
    import numpy as np

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, n, n)).astype(np.float32)
    return {
        "x": x, "y": y, "p": np.abs(y) + np.float32(0.5), "v": y[0].copy(),
        "s": x @ x.T + n * np.eye(n, dtype=np.float32), "m": x > 0, "i": rng.integers(0, n, n),
        "k": rng.integers(0, n, (n, n)), "r": np.arange(n),
    }  # fmt: skip


def best(function, seconds: float) -> float:
    clock = time.perf_counter
    start = clock()
    function()
    once = clock() - start
    times = max(1, int(2e-4 / max(once, 1e-7)))
    result, end = float("inf"), clock() + seconds
    while clock() < end:
        start = clock()
        for _ in range(times):
            function()
        result = min(result, (clock() - start) / times)
    return result * 1e6


def contestant(library: str) -> None:
    """A child process: for each line ``op size seconds`` print [forward, backward]."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import numpy as np

    lib = None
    if library == "torch":
        import torch as lib

        lib.set_num_threads(1)
    elif library == "minigrad":
        import minigrad as lib
    for line in sys.stdin:
        name, size, seconds = json.loads(line)
        values = inputs(size)
        if library == "numpy":
            forward = eval(
                f"lambda: {OPS[name][1]}",
                {"np": np, "top": lambda x: x.max(1, keepdims=True), **values},
            )
            print(json.dumps([best(forward, seconds), None]), flush=True)
            continue
        tensors = {k: lib.tensor(a) for k, a in values.items()}
        leaves = [t for k, t in tensors.items() if k in "xypvs"]
        for t in leaves:
            t.requires_grad_()
        forward = eval(f"lambda: {OPS[name][0]}", {"lib": lib, "F": lib.nn.functional, **tensors})
        out = forward()
        g = lib.tensor(np.ones(tuple(out.shape), np.float32))

        def backward(out=out, g=g, leaves=leaves):
            for t in leaves:
                t.grad = None
            out.backward(g, retain_graph=True)

        def nothing(leaves=leaves):
            for t in leaves:
                t.grad = None

        took = best(backward, seconds) - best(nothing, seconds / 4)
        print(json.dumps([best(forward, seconds), took]), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[4, 256])
    parser.add_argument("--only", nargs="+", choices=OPS, default=list(OPS))
    parser.add_argument("--seconds", type=float, default=0.05, help="length of one turn")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return contestant(args.child)
    from training_step import environment

    libraries = ["numpy", "minigrad"] + ["torch"] * (importlib.util.find_spec("torch") is not None)
    children = {
        library: subprocess.Popen(
            [sys.executable, __file__, "--child", library],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(),
        )
        for library in libraries
    }  # fmt: skip
    for size in args.sizes:
        print(f"\n{size}×{size}{'':14} {'numpy':>8} {'forward':>9} {'torch':>8} {'ratio':>6} "
              f"{'backward':>9} {'torch':>8} {'ratio':>6}")  # fmt: skip
        for name in args.only:
            times = dict.fromkeys(libraries, (float("inf"), float("inf")))
            for _ in range(args.rounds):
                for library, child in children.items():
                    child.stdin.write(json.dumps([name, size, args.seconds]) + "\n")
                    child.stdin.flush()
                    forward, backward = json.loads(child.stdout.readline())
                    before = times[library]
                    times[library] = (min(before[0], forward), min(before[1], backward or 0))
            f, b = times["minigrad"]
            tf, tb = times.get("torch", (float("nan"), float("nan")))
            print(f"{name:<18} {times['numpy'][0]:9.2f} {f:9.2f} {tf:8.2f} {f / tf:6.2f} "
                  f"{b:9.2f} {tb:8.2f} {b / tb:6.2f}", flush=True)  # fmt: skip
    for child in children.values():
        child.stdin.close()
        child.wait()
    return None


if __name__ == "__main__":
    main()
