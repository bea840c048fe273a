"""``gradcheck``: gradients against central differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.autograd.differentiate import grad
from minigrad.graph import Variable, enable_grad, wrap


def gradcheck(
    fn: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Compare the gradients of `fn` with central differences, for all inputs and outputs."""
    inputs = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    rng = np.random.default_rng(0)
    positions = [i for i, x in enumerate(inputs) if isinstance(x, Variable) and x._node is not None]
    for position in positions:
        if inputs[position]._array.dtype != np.float64:
            raise ValueError(f"gradcheck: input {position} is not float64")
    arguments = [x.detach().requires_grad_() if i in positions else x for i, x in enumerate(inputs)]
    with enable_grad():
        results = listed(fn(*arguments))
        recorded = [i for i, y in enumerate(results) if y._node is not None]
        outputs = [results[i] for i in recorded]
        cotangents = [rng.standard_normal(y.shape) for y in outputs]
        analytic = grad(
            outputs, [arguments[i] for i in positions], [wrap(v) for v in cotangents],
            allow_unused=True, materialize_grads=True,
        )  # fmt: skip

    def value() -> float:
        results = listed(fn(*arguments))
        return float(sum(np.vdot(v, results[i]._array) for v, i in zip(cotangents, recorded)))

    for position, g in zip(positions, analytic):
        array = arguments[position]._array
        numeric = np.empty(array.shape)
        for index in np.ndindex(array.shape):
            before = array[index]
            array[index] = before + eps
            above = value()
            array[index] = before - eps
            below = value()
            array[index] = before
            numeric[index] = (above - below) / (2 * eps)
        excess = np.abs(g._array - numeric) - atol - rtol * np.abs(numeric)
        if excess.size and not excess.max() <= 0:
            worst = np.unravel_index(np.argmax(np.where(np.isnan(excess), np.inf, excess)), excess.shape)
            if not raise_exception:
                return False
            raise RuntimeError(
                f"gradcheck: input {position}, entry {tuple(int(i) for i in worst)}: the gradient is "
                f"{g._array[worst]:.6g}, central differences give {numeric[worst]:.6g}"
            )
    return True


def listed(outputs: Any) -> list[Any]:
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def gradgradcheck(fn: Callable[..., Any], inputs: Any, **options: Any) -> bool:
    """`gradcheck` of the gradient of `fn`."""
    inputs = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    positions = [i for i, x in enumerate(inputs) if isinstance(x, Variable) and x._node is not None]
    rng = np.random.default_rng(1)
    outputs = [y for y in listed(fn(*inputs)) if y._node is not None]
    cotangents = [wrap(rng.standard_normal(y.shape)).requires_grad_() for y in outputs]
    count = len(inputs)

    def first_gradient(*arguments: Any) -> Any:
        results = [y for y in listed(fn(*arguments[:count])) if y._node is not None]
        return grad(
            results, [arguments[i] for i in positions], list(arguments[count:]),
            create_graph=True, materialize_grads=True,
        )  # fmt: skip

    return gradcheck(first_gradient, [*inputs, *cotangents], **options)
