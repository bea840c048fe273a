"""Which libraries do what every student of linear algebra would: 26 expressions, side by side.

After Sankaran, Akbari Alashti, Psarras and Bientinesi, "Benchmarking the Linear Algebra Awareness
of TensorFlow and PyTorch" (2022): an expression is written as it stands in a book, and compared
with the form that an expert writes by hand.  Their kinds of experiments are common subexpressions,
orders of products, matrices with structure, distributive laws, and code motion; traces, systems,
rank one and transposes are added here.

    plain     the expression as it stands, in NumPy, and compiled by minigrad, PyTorch and JAX
    by hand   the best form in NumPy, with SciPy's BLAS and LAPACK where it is installed

A library passes if its plain form takes at most 1.1 of the form by hand, plus the fixed cost of a
compiled call, which is measured with an expression of two numbers.  Matrices are float64, on one
thread; each library runs in a process of its own, and the libraries take turns.

    python tests/benchmarks/linear_algebra.py                     # all that are installed
    python tests/benchmarks/linear_algebra.py --libraries numpy minigrad --only trace chain
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

LIBRARIES = ["numpy", "minigrad", "torch", "jax"]
TOLERANCE = 1.1


@dataclass(frozen=True)
class Experiment:
    """An expression.

    plain      a function of a library's namespace and of matrices, as it stands in a book
    by_hand    the best form, a function of NumPy arrays
    arguments  names of arrays (see `arrays`); those in `constants` are known beforehand
    """

    plain: Callable[..., Any]
    by_hand: Callable[..., Any]
    arguments: str
    constants: str = ""


# ------------------------------------------------------------------------------- forms by hand


def banded(T: Any, B: Any) -> Any:
    """A tridiagonal matrix times a full one: strips of rows read what is in the band."""
    import numpy as np

    n = len(T)
    out = np.empty_like(B)
    for i in range(0, n, 32):
        j = min(n, i + 32)
        first, last = max(0, i - 1), min(n, j + 1)
        np.dot(T[i:j, first:last], B[first:last], out=out[i:j])
    return out


def triangular(L: Any, B: Any) -> Any:
    """A lower triangular matrix times a full one: BLAS's trmm, on the transposes."""
    try:
        from scipy.linalg.blas import dtrmm
    except ImportError:
        return L @ B
    return dtrmm(1.0, L.T, B.T, side=1, lower=0).T


def forward_substitution(L: Any, b: Any) -> Any:
    import numpy as np

    try:
        from scipy.linalg.lapack import dtrtrs
    except ImportError:
        return np.linalg.solve(L, b)
    return dtrtrs(L.T, b, lower=0, trans=1)[0]


def normal_equations(A: Any, b: Any) -> Any:
    """The solution with A Aᵀ, by Cholesky."""
    import numpy as np

    try:
        from scipy.linalg.lapack import dposv
    except ImportError:
        return np.linalg.solve(A @ A.T, b)
    return dposv(A @ A.T, b)[1]


def blocks(K: Any, B: Any) -> Any:
    import numpy as np

    out = np.empty_like(B)
    half = len(K) // 2
    np.dot(K[:half, :half], B[:half], out=out[:half])
    np.dot(K[half:, half:], B[half:], out=out[half:])
    return out


def squared(A: Any, B: Any) -> Any:
    m = A.T @ B
    return m.T @ m


def twice(m: Any) -> Any:
    return m + m


def both(m: Any, V: Any) -> Any:
    return tuple([m + v[:, None] * v for v in V])


# ------------------------------------------------------------------------------- the expressions

E = Experiment
EXPERIMENTS: dict[str, Experiment] = {
    # common subexpressions
    "AᵀB + AᵀB": E(lambda m, A, B: A.T @ B + A.T @ B, lambda A, B: twice(A.T @ B), "A B"),
    "(AᵀB)ᵀ(AᵀB)": E(lambda m, A, B: (A.T @ B).T @ (A.T @ B), squared, "A B"),
    "(AᵀB)ᵀAᵀB, no parentheses": E(lambda m, A, B: (A.T @ B).T @ A.T @ B, squared, "A B"),
    "AB + (BᵀAᵀ)ᵀ": E(lambda m, A, B: A @ B + (B.T @ A.T).T, lambda A, B: twice(A @ B), "A B"),
    # the order of products
    "HᵀHx, from the right": E(lambda m, A, x: A.T @ A @ x, lambda A, x: A.T @ (A @ x), "A x"),
    "yᵀHᵀH, from the left": E(lambda m, A, y: y @ (A.T @ A), lambda A, y: y @ A.T @ A, "A y"),
    "HᵀyxᵀH, mixed": E(
        lambda m, A, p, q: A.T @ p @ q.T @ A, lambda A, p, q: (A.T @ p) @ (q.T @ A), "A p q"),
    "ABCD, a chain of many shapes": E(
        lambda m, A, U, V, B: A @ B @ U @ V @ B, lambda A, U, V, B: (A @ (B @ U)) @ (V @ B),
        "A U V B"),
    "Huvᵀx, rank one": E(
        lambda m, A, x, y, z: A @ m.outer(x, y) @ z, lambda A, x, y, z: A @ (x * (y @ z)),
        "A x y z"),
    "(AB)ᵀx, a transposed product": E(
        lambda m, A, B, x: (A @ B).T @ x, lambda A, B, x: B.T @ (A.T @ x), "A B x"),
    # matrices with structure
    "AAᵀ, symmetric": E(lambda m, A: A @ A.T, lambda A: A @ A.T, "A"),
    "LB, triangular": E(lambda m, B, L: L @ B, lambda B, L: triangular(L, B), "B", "L"),
    "TB, tridiagonal": E(lambda m, B, T: T @ B, lambda B, T: banded(T, B), "B", "T"),
    "DB, diagonal": E(lambda m, B, D: D @ B, lambda B, D: D.diagonal()[:, None] * B, "B", "D"),
    "IB, the identity": E(lambda m, B, J: J @ B, lambda B, J: B.copy(), "B", "J"),
    "KB, block diagonal": E(lambda m, B, K: K @ B, lambda B, K: blocks(K, B), "B", "K"),
    # distributive laws
    "AB + AC": E(lambda m, A, B, C: A @ B + A @ C, lambda A, B, C: A @ (B + C), "A B C"),
    "(A - HᵀH)x": E(
        lambda m, A, B, x: (A - B.T @ B) @ x, lambda A, B, x: A @ x - B.T @ (B @ x), "A B x"),
    # code motion
    "(A + B)[2, 2]": E(lambda m, A, B: (A + B)[2, 2], lambda A, B: A[2, 2] + B[2, 2], "A B"),
    "(AB)[2, 2]": E(lambda m, A, B: (A @ B)[2, 2], lambda A, B: A[2] @ B[:, 2], "A B"),
    "(AB)[2], a row": E(lambda m, A, B: (A @ B)[2], lambda A, B: A[2] @ B, "A B"),
    "AB + vᵢvᵢᵀ, a loop": E(
        lambda m, A, B, W: tuple([A @ B + m.outer(W[i], W[i]) for i in range(3)]),
        lambda A, B, W: both(A @ B, W), "A B W"),
    # systems and traces
    "A⁻¹b": E(lambda m, A, x: m.inv(A) @ x, lambda A, x: m_solve(A, x), "A x"),
    "L⁻¹b, triangular": E(
        lambda m, x, L: m.inv(L) @ x, lambda x, L: forward_substitution(L, x), "x", "L"),
    "(AAᵀ)⁻¹b, by Cholesky": E(
        lambda m, A, x: m.inv(A @ A.T) @ x, lambda A, x: normal_equations(A, x), "A x"),
    "tr(AB)": E(lambda m, A, B: m.trace(A @ B), lambda A, B: m_trace(A, B), "A B"),
}  # fmt: skip


def m_solve(A: Any, x: Any) -> Any:
    import numpy as np

    return np.linalg.solve(A, x)


def m_trace(A: Any, B: Any) -> Any:
    import numpy as np

    return np.einsum("ij,ji->", A, B)


def arrays(n: int) -> dict[str, Any]:
    """The matrices and vectors, by name."""
    import numpy as np

    rng = np.random.default_rng(0)
    full = {name: rng.standard_normal((n, n)) for name in "ABC"}
    vectors = {name: rng.standard_normal(n) for name in "xyz"}
    half = rng.standard_normal((n // 2, n // 2))
    square = rng.standard_normal((n, n))
    return {
        **full, **vectors,
        "p": rng.standard_normal((n, 1)), "q": rng.standard_normal((n, 1)),
        "U": rng.standard_normal((n, n // 10)), "V": rng.standard_normal((n // 10, n)),
        "W": rng.standard_normal((3, n)),
        "L": np.tril(square) + n**0.5 * np.eye(n),
        "T": np.triu(np.tril(square, 1), -1), "D": np.diag(np.diagonal(square)).copy(),
        "J": np.eye(n), "K": np.kron(np.eye(2), half),
    }  # fmt: skip


# ----------------------------------------------------------------------------------- libraries


class Numpy:
    """NumPy: nothing is compiled."""

    def __init__(self) -> None:
        import numpy as np

        self.outer, self.inv, self.trace = np.outer, np.linalg.inv, np.trace
        self.tensor = self.constant = lambda array: array

    def compiled(self, function: Callable[..., Any], arguments: list[Any]) -> Callable[[], Any]:
        return lambda: function(*arguments)


class Minigrad:
    """``mg.compile`` with linear algebra; a NumPy array is a constant to it."""

    def __init__(self) -> None:
        import minigrad as mg

        self.mg = mg
        self.outer, self.inv, self.trace = mg.outer, mg.linalg.inv, mg.trace
        self.tensor: Callable[..., Any] = mg.from_numpy
        self.constant: Callable[..., Any] = lambda array: array

    def compiled(self, function: Callable[..., Any], arguments: list[Any]) -> Callable[[], Any]:
        step = self.mg.compile(function, algebra=True)
        return lambda: step(*arguments)


class Torch:
    """``torch.compile``."""

    def __init__(self) -> None:
        import torch

        torch.set_num_threads(1)
        self.torch = torch
        self.outer, self.inv, self.trace = torch.outer, torch.linalg.inv, torch.trace
        self.tensor = self.constant = torch.from_numpy

    def compiled(self, function: Callable[..., Any], arguments: list[Any]) -> Callable[[], Any]:
        step = self.torch.compile(function)
        return lambda: step(*arguments)


class Jax:
    """``jax.jit`` in float64."""

    def __init__(self) -> None:
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_enable_x64", True)
        self.jax = jax
        self.outer, self.inv, self.trace = jnp.outer, jnp.linalg.inv, jnp.trace
        self.tensor = self.constant = jnp.asarray

    def compiled(self, function: Callable[..., Any], arguments: list[Any]) -> Callable[[], Any]:
        step = self.jax.jit(function)
        return lambda: self.jax.block_until_ready(step(*arguments))


NAMESPACES = {"numpy": Numpy, "minigrad": Minigrad, "torch": Torch, "jax": Jax}


def calls(library: str, names: list[str], n: int) -> dict[str, Callable[[], Callable[[], Any]]]:
    """For each experiment what makes its call ready to be timed: it may fail."""
    given = arrays(n)
    by_hand = library == "by hand"
    space = NAMESPACES["numpy" if by_hand else library]()
    found = {}
    for name in names:
        experiment = EXPERIMENTS[name]
        values = [space.tensor(given[each]) for each in experiment.arguments.split()]
        constants = [space.constant(given[each]) for each in experiment.constants.split()]
        if by_hand:
            found[name] = partial(space.compiled, experiment.by_hand, values + constants)
        else:
            function = closed_over(experiment.plain, space, constants)
            found[name] = partial(space.compiled, function, values)
    if not by_hand:
        two = [space.tensor(given["x"][:1]), space.tensor(given["y"][:1])]
        found["a call"] = partial(space.compiled, lambda x, y: x + y, two)
    return found


def closed_over(function: Any, space: Any, constants: list[Any]) -> Callable[..., Any]:
    """The function of the arguments that change; library and constants are known."""

    def of_arguments(*arguments: Any) -> Any:
        return function(space, *arguments, *constants)

    return of_arguments


def serve(library: str, names: list[str], n: int) -> None:
    """In a process of its own: for each line that comes in, time one call after another."""
    ready: dict[str, Callable[[], Any]] = {}
    failed = {}
    for name, make in calls(library, names, n).items():
        try:
            call = make()
            call()
            call()
            ready[name] = call
        except Exception as error:  # a library that cannot is told, and not left out silently
            failed[name] = f"{type(error).__name__}: {error}".splitlines()[0]
    print(json.dumps(failed), flush=True)
    for _ in sys.stdin:
        times = {}
        for name, call in ready.items():
            start = time.perf_counter()
            call()
            first = time.perf_counter() - start
            count = max(2, min(200, int(0.01 / max(first, 1e-7))))
            best = first
            for _ in range(count):
                start = time.perf_counter()
                call()
                best = min(best, time.perf_counter() - start)
            times[name] = best
        print(json.dumps(times), flush=True)


def measured(libraries: list[str], names: list[str], n: int, rounds: int) -> dict[str, Any]:
    """Library -> experiment -> least seconds, or why there are none."""
    threads = dict.fromkeys(["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"], "1")
    flags = {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"}
    processes = {}
    for library in libraries:
        command = [sys.executable, __file__, "--serve", library, "--size", str(n), "--only", *names]
        processes[library] = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, env={**os.environ, **threads, **flags},
        )  # fmt: skip
    found: dict[str, Any] = {}
    for library, process in processes.items():
        found[library] = json.loads(process.stdout.readline() or "{}")
    for _ in range(rounds):
        for library, process in processes.items():
            process.stdin.write("\n")
            process.stdin.flush()
            for name, seconds in json.loads(process.stdout.readline() or "{}").items():
                found[library][name] = min(seconds, found[library].get(name, seconds))
    for process in processes.values():
        process.stdin.close()
        process.wait()
    return found


def report(found: dict[str, Any], names: list[str]) -> None:
    """One line an experiment: microseconds by hand, and each library's plain form over them."""
    libraries = [library for library in found if library != "by hand"]
    passed = dict.fromkeys(libraries, 0)
    print(f"{'':32}{'by hand':>12}" + "".join([f"{library:>14}" for library in libraries]))
    for name in names:
        best = found["by hand"][name]
        line = f"{name:32}{best * 1e6:9.1f} µs"
        for library in libraries:
            seconds = found[library].get(name)
            if not isinstance(seconds, float):
                line += f"{'fails':>14}"
                continue
            limit = TOLERANCE * best + found[library]["a call"]
            passes = seconds <= limit
            passed[library] += passes
            line += f"{seconds / best:11.2f} {'ok' if passes else '  '}"
        print(line)
    seconds = [found[library].get("a call") for library in libraries]
    fixed = [f"{s * 1e6:8.1f} µs   " if isinstance(s, float) else f"{'fails':14}" for s in seconds]
    print(f"{'a call of two numbers':44}" + "".join(fixed))
    print(f"{'passed':44}" + "".join([f"{passed[each]:8} of {len(names)}" for each in libraries]))
    for library in libraries:
        for name, reason in found[library].items():
            if isinstance(reason, str):
                print(f"{library}: {name}: {reason}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--libraries", nargs="+", default=LIBRARIES, choices=LIBRARIES)
    parser.add_argument("--only", nargs="+", default=[], help="parts of names of experiments")
    parser.add_argument("--size", type=int, default=600, help="rows of every square matrix")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    names = [name for name in EXPERIMENTS
             if not options.only or any([part in name for part in options.only])]  # fmt: skip
    if options.serve:
        serve(options.serve, names, options.size)
        return
    libraries = [each for each in options.libraries if importlib.util.find_spec(each)]
    report(measured(["by hand", *libraries], names, options.size, options.rounds), names)


if __name__ == "__main__":
    main()
