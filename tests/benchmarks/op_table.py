"""Time single ops: a recorded forward and its backward, beside NumPy and PyTorch.

For each op on 4×4 and on 256×256 float32, and for convolution and pooling on 32×16×28×28, one
thread:

    forward              µs of a recorded forward; as a multiple of PyTorch's time and of NumPy's
    forward + backward   µs of the same and a backward from a given cotangent to .grad; as a
                         multiple of PyTorch's time, and of that of the forward and the gradients
                         as one would write them by hand in NumPy

The first 40 rows are the ops that programs use most.  The libraries run in processes of their own
and take turns.

    python tests/benchmarks/op_table.py
    python tests/benchmarks/op_table.py --sizes 4 --only add mul matmul
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import subprocess
import sys
import time

# name: the op in minigrad and PyTorch; the same in NumPy; the gradients in NumPy, of `out` and `g`
COMMONEST = {
    "add": ("x + y", "x + y", "g.copy(), g.copy()"),
    "sub": ("x - y", "x - y", "g.copy(), -g"),
    "mul": ("x * y", "x * y", "g * y, g * x"),
    "div": ("x / y", "x / y", "g / y, -g * out / y"),
    "neg": ("-x", "-x", "-g"),
    "square": ("x ** 2", "x ** 2", "2 * x * g"),
    "exp": ("x.exp()", "np.exp(x)", "g * out"),
    "log": ("p.log()", "np.log(p)", "g / p"),
    "sqrt": ("p.sqrt()", "np.sqrt(p)", "g / (2 * out)"),
    "abs": ("x.abs()", "np.abs(x)", "g * np.sign(x)"),
    "sin": ("x.sin()", "np.sin(x)", "g * np.cos(x)"),
    "tanh": ("x.tanh()", "np.tanh(x)", "g * (1 - out * out)"),
    "sigmoid": ("x.sigmoid()", "1 / (1 + np.exp(-x))", "g * out * (1 - out)"),
    "relu": ("x.relu()", "np.maximum(x, 0)", "g * (x > 0)"),
    "maximum": ("lib.maximum(x, y)", "np.maximum(x, y)", "g * (x >= y), g * (x < y)"),
    "clamp": ("x.clamp(-1, 1)", "np.clip(x, -1, 1)", "g * ((x >= -1) & (x <= 1))"),
    "where": ("lib.where(m, x, y)", "np.where(m, x, y)", "np.where(m, g, 0), np.where(m, 0, g)"),
    "sum": ("x.sum()", "x.sum()", "np.full_like(x, g)"),
    "mean": ("x.mean()", "x.mean()", "np.full_like(x, g / x.size)"),
    "max": ("x.max()", "x.max()", "g * (w := x == out) / w.sum()"),
    "amax": (
        "x.amax(1)", "x.max(1)",
        "np.where(w := x == out[:, None], g[:, None], 0) / w.sum(1, keepdims=True)"),
    "std": (
        "x.std()", "x.std(ddof=1)", "g * (x - x.mean()) / (out * (x.size - 1))"),
    "softmax": (
        "x.softmax(1)", "(e := np.exp(x - top(x))) / e.sum(1, keepdims=True)",
        "(w := g * out) - out * w.sum(1, keepdims=True)"),
    "log_softmax": (
        "x.log_softmax(1)", "(z := x - top(x)) - np.log(np.exp(z).sum(1, keepdims=True))",
        "g - np.exp(out) * g.sum(1, keepdims=True)"),
    "logsumexp": (
        "x.logsumexp(1)", "np.log(np.exp(x - (c := top(x))).sum(1)) + c[:, 0]",
        "g[:, None] * np.exp(x - out[:, None])"),
    "cumsum": ("x.cumsum(1)", "x.cumsum(1)", "g[:, ::-1].cumsum(1)[:, ::-1]"),
    "matmul": ("x @ y", "x @ y", "g @ y.T, x.T @ g"),
    "linear": ("F.linear(x, y, v)", "x @ y.T + v", "g @ y, g.T @ x, g.sum(0)"),
    "einsum": (
        "lib.einsum('ij,jk->ik', x, y)", "np.einsum('ij,jk->ik', x, y, optimize=True)",
        "g @ y.T, x.T @ g"),
    "reshape": ("x.reshape(-1)", "x.reshape(-1)", "g.reshape(x.shape).copy()"),
    "transpose": ("x.T", "x.T", "g.T.copy()"),
    "unsqueeze": ("x.unsqueeze(0)", "x[None]", "g[0].copy()"),
    "cat": ("lib.cat([x, y])", "np.concatenate([x, y])", "g[:n].copy(), g[n:].copy()"),
    "stack": ("lib.stack([x, y])", "np.stack([x, y])", "g[0].copy(), g[1].copy()"),
    "split": (
        "x.split(n // 2)[0]", "np.split(x, 2)[0]", "np.concatenate([g, np.zeros_like(g)])"),
    "index": ("x[1]", "x[1]", "(w := np.zeros_like(x)).__setitem__(1, g)"),
    "index array": ("x[i]", "x[i]", "np.add.at(np.zeros_like(x), i, g)"),
    "gather": (
        "x.gather(1, k)", "np.take_along_axis(x, k, 1)",
        "np.add.at(np.zeros_like(x), (r[:, None], k), g)"),
    "cross_entropy": (
        "F.cross_entropy(x, i)",
        "(np.log((t := (e := np.exp(z := x - top(x))).sum(1))) - z[r, i]).mean()",
        "((w := e / t[:, None]).__setitem__((r, i), w[r, i] - 1), g / n * w)"),
    "mse_loss": (
        "F.mse_loss(x, y)", "((d := x - y) ** 2).mean()", "(w := g * 2 / d.size * d), -w"),
}  # fmt: skip

OTHERS = {
    "add number": ("x + 1.0", "x + 1.0", "g.copy()"),
    "mul number": ("x * 2.0", "x * 2.0", "g * 2.0"),
    "rsub number": ("1.0 - x", "1.0 - x", "-g"),
    "pow": ("p ** y", "p ** y", "g * y * p ** (y - 1), g * out * np.log(p)"),
    "minimum": ("lib.minimum(x, y)", "np.minimum(x, y)", "g * (x <= y), g * (x > y)"),
    "lerp": (
        "lib.lerp(x, y, p)", "x + p * (y - x)", "g * (1 - p), g * p, g * (y - x)"),
    "softplus": (
        "F.softplus(x)", "np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))",
        "g / (1 + np.exp(-x))"),
    "erfc": ("x.erfc()", None, None),
    "gelu": ("F.gelu(x)", None, None),
    "silu": (
        "F.silu(x)", "x * (w := 1 / (1 + np.exp(-x)))", "g * w * (1 + x * (1 - w))"),
    "elu": (
        "F.elu(x)", "np.where(x > 0, x, np.expm1(x))", "g * np.where(x > 0, 1, out + 1)"),
    "leaky_relu": (
        "F.leaky_relu(x)", "np.where(x > 0, x, 0.01 * x)", "g * np.where(x > 0, 1, 0.01)"),
    "mish": (
        "F.mish(x)", "x * (t := np.tanh(np.log1p(np.exp(x))))",
        "g * (t + x * (1 - t * t) / (1 + np.exp(-x)))"),
    "sum dim": ("x.sum(1)", "x.sum(1)", "np.repeat(g[:, None], n, 1)"),
    "mean dim": ("x.mean(0)", "x.mean(0)", "np.repeat(g[None] / n, n, 0)"),
    "prod dim": ("p.prod(1)", "p.prod(1)", "(g * out)[:, None] / p"),
    "max dim": (
        "x.max(1)[0]", "x[r, w := x.argmax(1)]", "np.zeros_like(x).__setitem__((r, w), g)"),
    "var": ("x.var()", "x.var(ddof=1)", "g * 2 / (x.size - 1) * (x - x.mean())"),
    "norm": ("x.norm()", "np.linalg.norm(x)", "g / out * x"),
    "cumprod": (
        "p.cumprod(1)", "p.cumprod(1)", "(g * out)[:, ::-1].cumsum(1)[:, ::-1] / p"),
    "mv": ("x @ v", "x @ v", "g[:, None] * v, x.T @ g"),
    "dot": ("v @ u", "v @ u", "g * u"),
    "outer": ("lib.outer(v, u)", "np.outer(v, u)", "g @ u"),
    "flatten": ("x.flatten()", "x.ravel()", "g.reshape(x.shape).copy()"),
    "expand": ("v.expand(n, n)", "np.broadcast_to(v, (n, n))", "g.sum(0)"),
    "flip": ("x.flip(0)", "np.flip(x, 0).copy()", "np.flip(g, 0).copy()"),
    "tril": ("x.tril()", "np.tril(x)", "np.tril(g)"),
    "chunk": (
        "x.chunk(2)[0]", "np.split(x, 2)[0]", "np.concatenate([g, np.zeros_like(g)])"),
    "unbind": (
        "x[:4].unbind()[0]", "[*x[:4]][0]", "np.zeros_like(x).__setitem__(0, g)"),
    "hstack": (
        "lib.hstack([x, y])", "np.hstack([x, y])", "g[:, :n].copy(), g[:, n:].copy()"),
    "slice": ("x[1:3]", "x[1:3]", "np.zeros_like(x).__setitem__(slice(1, 3), g)"),
    "mask": ("x[m]", "x[m]", "np.zeros_like(x).__setitem__(m, g)"),
    "masked_fill": ("x.masked_fill(m, 0.0)", "np.where(m, 0.0, x)", "np.where(m, 0.0, g)"),
    "sort": (
        "x.sort(1)[0]", "np.take_along_axis(x, w := x.argsort(1, kind='stable'), 1)",
        "np.put_along_axis(np.zeros_like(x), w, g, 1)"),
    "layer_norm": (
        "F.layer_norm(x, (n,), v, v)",
        "(c := (d := x - x.mean(1, keepdims=True)) / "
        "(s := np.sqrt((d * d).mean(1, keepdims=True) + 1e-5))) * v + v",
        "((w := g * v) - w.mean(1, keepdims=True) - c * (w * c).mean(1, keepdims=True)) / s, "
        "(g * c).sum(0) + g.sum(0)"),
    "bce logits": (
        "F.binary_cross_entropy_with_logits(x, t)",
        "(np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x)))).mean()",
        "g / x.size * (1 / (1 + np.exp(-x)) - t)"),
    "smoothed": (
        "F.cross_entropy(x, i, label_smoothing=0.1)",
        "-(0.9 * (w := (z := x - top(x)) - np.log((e := np.exp(z)).sum(1, keepdims=True)))[r, i]"
        " + 0.1 * w.mean(1)).mean()",
        "((w := np.exp(w) - 0.1 / n).__setitem__((r, i), w[r, i] - 0.9), g / n * w)"),
    "inv": ("lib.linalg.inv(s)", "np.linalg.inv(s)", "-out.T @ g @ out.T"),
    "solve": (
        "lib.linalg.solve(s, x)", "np.linalg.solve(s, x)",
        "(w := np.linalg.solve(s.T, g)), -w @ out.T"),
}  # fmt: skip

IMAGES = {
    "conv2d": ("F.conv2d(image, kernel)", None, None),
    "conv2d padded": ("F.conv2d(image, kernel, padding=1)", None, None),
    "conv2d strided": ("F.conv2d(image, kernel, stride=2, padding=1)", None, None),
    "max_pool2d": ("F.max_pool2d(image, 3)", None, None),
    "max_pool2d strided": ("F.max_pool2d(image, 3, stride=1, padding=1)", None, None),
    "avg_pool2d": ("F.avg_pool2d(image, 3)", None, None),
    "avg_pool2d strided": ("F.avg_pool2d(image, 3, stride=1, padding=1)", None, None),
}  # fmt: skip

OPS = {**COMMONEST, **OTHERS, **IMAGES}
SMALL = 16  # rows; up to here the time goes to recording, and NumPy's time is no measure
LEAVES = ["x", "y", "p", "v", "s", "image", "kernel"]


def inputs(n: int):
    import numpy as np

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, n, n)).astype(np.float32)
    return {
        "x": x, "y": y, "p": np.abs(y) + np.float32(0.5), "v": y[0].copy(), "u": x[0].copy(),
        "s": x @ x.T + n * np.eye(n, dtype=np.float32), "m": x > 0, "i": rng.integers(0, n, n),
        "k": rng.integers(0, n, (n, n)), "r": np.arange(n), "t": (y > 0).astype(np.float32),
        "image": rng.standard_normal((32, 16, 28, 28)).astype(np.float32),
        "kernel": rng.standard_normal((16, 16, 3, 3)).astype(np.float32) / 12,
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


def in_numpy(name: str, values):
    """The forward, and the forward with the gradients, as functions; None where there is none."""
    import numpy as np

    _, forward, gradients = OPS[name]
    if forward is None:
        return None
    names = {"np": np, "top": lambda x: x.max(1, keepdims=True), **values}
    names["g"] = np.ones_like(eval(forward, dict(names)))
    return eval(f"lambda: {forward}", names), eval(f"lambda: ((out := {forward}), {gradients})",
                                                   names)  # fmt: skip


def in_library(name: str, values, lib):
    """The forward, and the forward with a backward, as functions."""
    import numpy as np

    tensors = {k: lib.tensor(a) if isinstance(a, np.ndarray) else a for k, a in values.items()}
    leaves = [tensors[k].requires_grad_() for k in LEAVES]
    names = {"lib": lib, "F": lib.nn.functional, **tensors}
    forward = eval(f"lambda: {OPS[name][0]}", names)
    out = forward()
    g = lib.tensor(np.ones(tuple(out.shape), np.float32))
    out.backward(g)
    reached = [t for t in leaves if t.grad is not None]

    def step(reached=reached, forward=forward, g=g):
        for t in reached:
            t.grad = None
        forward().backward(g)

    return forward, step


def contestant(library: str) -> None:
    """A child process: for each line ``op size seconds`` print the two times."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    lib = None
    if library == "torch":
        import torch as lib

        lib.set_num_threads(1)
    elif library == "minigrad":
        import minigrad as lib
    for line in sys.stdin:
        name, size, seconds = json.loads(line)
        values = {**inputs(size), "n": size}
        functions = in_numpy(name, values) if lib is None else in_library(name, values, lib)
        times = [math.inf] * 2 if functions is None else [best(f, seconds) for f in functions]
        print(json.dumps(times), flush=True)


def measure(children, name: str, size: int, rounds: int, seconds: float):
    """The smallest times of all rounds: library -> (forward, forward and backward)."""
    times = dict.fromkeys(children, [math.inf] * 2)
    for _ in range(rounds):
        for library, child in children.items():
            child.stdin.write(json.dumps([name, size, seconds]) + "\n")
            child.stdin.flush()
            took = json.loads(child.stdout.readline())
            times[library] = [min(pair) for pair in zip(times[library], took)]
    return times


def row(name: str, times) -> tuple[str, list[float]]:
    """A line of the table, and its four ratios: of the forward to torch and NumPy, of both."""
    text, ratios = f"{name:<20}", []
    for i in range(2):
        mine = times["minigrad"][i]
        against = [times.get(other, [math.inf] * 2)[i] for other in ("torch", "numpy")]
        ratios += [mine / other if other < math.inf else math.nan for other in against]
        text += f" {mine:10.2f}" + "".join(
            f" {ratio:7.2f}" if ratio == ratio else f" {'':7}" for ratio in ratios[-2:]
        )
    return text, ratios


def table(children, title: str, names, size: int, args) -> None:
    """Print a table, and what lies behind."""
    print(f"\n{title:<20} {'forward':>10} {'/torch':>7} {'/numpy':>7} "
          f"{'+ backward':>10} {'/torch':>7} {'/numpy':>7}")  # fmt: skip
    ratios = {}
    for name in names:
        line, ratios[name] = row(name, measure(children, name, size, args.rounds, args.seconds))
        print(line, flush=True)
    for what, column in (("forward + backward", 2), ("forward alone", 0)):
        group = [name for name in names if name in COMMONEST] or names
        slow = [name for name in group if ratios[name][column] > 1]
        print(f"{what}: {len(slow)} of {len(group)} slower than torch"
              + (f": {', '.join(slow)}" if slow else ""))  # fmt: skip
    compared = [name for name in names if ratios[name][3] == ratios[name][3]]
    if compared and size > SMALL:
        slow = [name for name in compared if ratios[name][3] > 2.5]
        print(f"forward + backward: {len(slow)} of {len(compared)} above 2.5 times NumPy"
              + (f": {', '.join(slow)}" if slow else ""))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="*", default=[4, 256])
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
    small = [name for name in args.only if name not in IMAGES]
    images = [name for name in args.only if name in IMAGES]
    for size in args.sizes if small else []:
        table(children, f"{size}×{size}", small, size, args)
    if images:
        table(children, "32×16×28×28, 3×3", images, 4, args)
    for child in children.values():
        child.stdin.close()
        child.wait()
    return None


if __name__ == "__main__":
    main()
