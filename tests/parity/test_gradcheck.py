"""minigrad's gradcheck and PyTorch's agree, but for the mistake that PyTorch's lets pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg

torch = pytest.importorskip("torch")

rng = np.random.default_rng(0)


def make(library: Any, forward: Any, backward: Any) -> Any:
    """A custom function of both libraries, from a forward and a backward that take the library."""

    class Custom(library.autograd.Function):
        @staticmethod
        def forward(ctx, *inputs):
            ctx.save_for_backward(*inputs)
            return forward(library, *inputs)

        @staticmethod
        def backward(ctx, g):
            return backward(library, g, *ctx.saved_tensors)

    return Custom.apply


M, N = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
S, R = rng.standard_normal((3, 3)), rng.standard_normal(4)

CASES: dict[str, tuple[Any, Any, tuple[np.ndarray, ...], bool]] = {
    "exp": (lambda lib, x: lib.exp(x), lambda lib, g, x: g * lib.exp(x), (M,), True),
    "exp, sign": (lambda lib, x: lib.exp(x), lambda lib, g, x: -g * lib.exp(x), (M,), False),
    "exp, zero": (lambda lib, x: lib.exp(x), lambda lib, g, x: 0 * g, (M,), False),
    "square": (lambda lib, x: x * x, lambda lib, g, x: 2 * g * x, (M,), True),
    "square, factor": (lambda lib, x: x * x, lambda lib, g, x: g * x, (M,), False),
    "mul": (lambda lib, x, y: x * y, lambda lib, g, x, y: (g * y, g * x), (M, N), True),
    "mul, swapped": (lambda lib, x, y: x * y, lambda lib, g, x, y: (g * x, g * y), (M, N), False),
    "matmul": (lambda lib, x, y: x @ y, lambda lib, g, x, y: (g @ y.T, x.T @ g), (S, M), True),
    "matmul, transposed": (
        lambda lib, x, y: x @ y, lambda lib, g, x, y: (g @ y, x @ g), (S, S.T), False,
    ),
    "bias": (lambda lib, x, b: x + b, lambda lib, g, x, b: (g, g.sum(0)), (M, R), True),
    "bias, mean": (lambda lib, x, b: x + b, lambda lib, g, x, b: (g, g.sum(0) / 3), (M, R), False),
    "softmax": (
        lambda lib, x: lib.exp(x) / lib.exp(x).sum(1, keepdim=True),
        lambda lib, g, x: (lambda p: p * (g - (g * p).sum(1, keepdim=True)))(
            lib.exp(x) / lib.exp(x).sum(1, keepdim=True)),
        (M,), True,
    ),
    "softmax, cross terms": (
        lambda lib, x: lib.exp(x) / lib.exp(x).sum(1, keepdim=True),
        lambda lib, g, x: (lambda p: p * (1 - p) * g)(lib.exp(x) / lib.exp(x).sum(1, keepdim=True)),
        (M,), False,
    ),
}  # fmt: skip


def verdicts(forward: Any, backward: Any, arrays: tuple[np.ndarray, ...]) -> tuple[bool, bool]:
    """What PyTorch and minigrad say of the same function on the same inputs."""
    said = []
    for library in (torch, mg):
        inputs = [library.tensor(array, requires_grad=True) for array in arrays]
        check = torch.autograd.gradcheck if library is torch else mg.autograd.gradcheck
        said.append(check(make(library, forward, backward), inputs, raise_exception=False))
    return said[0], said[1]


@pytest.mark.parametrize("name", CASES)
def test_both_say_the_same(name: str) -> None:
    forward, backward, arrays, right = CASES[name]
    assert verdicts(forward, backward, arrays) == (right, right)


def test_a_forgotten_broadcast_sum_passes_in_pytorch_and_is_found_here() -> None:
    bias = lambda lib, x, b: x + b
    assert verdicts(bias, lambda lib, g, x, b: (g, g), (M, R)) == (True, False)


def test_options_have_pytorchs_meaning() -> None:
    inputs = [lib.tensor(M, requires_grad=True) for lib in (torch, mg)]
    for options in ({"eps": 1e-6, "atol": 1e-5, "rtol": 1e-3}, {"rtol": 0.2, "eps": 1e-5}):
        slightly_wrong = [
            make(lib, lambda lib, x: x * x, lambda lib, g, x: 2.1 * g * x) for lib in (torch, mg)
        ]
        said = [
            check(fn, x, raise_exception=False, **options)
            for check, fn, x in zip(
                (torch.autograd.gradcheck, mg.gradcheck), slightly_wrong, inputs
            )
        ]
        assert said[0] == said[1] == ("rtol" in options and options["rtol"] == 0.2)


@pytest.mark.parametrize("factor", [0.9, 1.1])
@pytest.mark.parametrize("size", [0.0, 1.0, 1000.0])
@pytest.mark.parametrize("dtypes", [("float64",) * 2, ("float32",) * 2, ("float32", "float64")])
def test_assert_close_has_pytorchs_tolerances(
    dtypes: tuple[str, str], size: float, factor: float
) -> None:
    """Just inside and just outside of what PyTorch accepts."""
    rtol, atol = (1.3e-6, 1e-5) if "float32" in dtypes else (1e-7, 1e-7)
    a, b = np.array(size, dtypes[0]), np.array(size + factor * (atol + rtol * size), dtypes[1])
    said = []
    for close, make in (
        (torch.testing.assert_close, torch.tensor),
        (mg.testing.assert_close, mg.tensor),
    ):
        try:
            close(make(a), make(b), check_dtype=False)
            said.append(True)
        except AssertionError:
            said.append(False)
    assert said == [factor < 1] * 2
