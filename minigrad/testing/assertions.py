"""Assertions for tests: numbers that are close, gradients that are."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.autograd.differentiate import grad
from minigrad.graph import Variable
from minigrad.pytrees import leaves_of

Array = Any

# relative and absolute tolerance by type, PyTorch's
TOLERANCES = {"float16": (1e-3, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}


def array_of(value: Any) -> Array:
    return value._array if isinstance(value, Variable) else np.asarray(value)


def assert_close(
    actual: Any,
    expected: Any,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_dtype: bool = True,
) -> None:
    """Assert that two tensors, arrays or trees of them have the same shapes, types and numbers.

    rtol, atol   |actual - expected| may be atol + rtol |expected|; by default PyTorch's values for
                 the less exact of the two types
    equal_nan    whether NaN equals NaN
    check_dtype  whether the types must be the same

    Raises   AssertionError that names the worst entry and both values.
    Example  >>> import minigrad as mg
             >>> mg.testing.assert_close(mg.tensor([1.0, 2.0]), np.array([1, 2], "float32"))
    """
    pairs = leaves_of(actual), leaves_of(expected)
    if len(pairs[0]) != len(pairs[1]):
        raise AssertionError(f"{len(pairs[0])} values, {len(pairs[1])} expected")
    for k, (a, e) in enumerate(zip(*pairs)):
        where = f"value {k}: " if len(pairs[0]) > 1 else ""
        compare_arrays(array_of(a), array_of(e), rtol, atol, equal_nan, check_dtype, where)


def compare_arrays(
    a: Array,
    e: Array,
    rtol: float | None,
    atol: float | None,
    equal_nan: bool,
    check_dtype: bool,
    where: str,
) -> None:
    if a.shape != e.shape:
        raise AssertionError(f"{where}shape {a.shape}, expected {e.shape}")
    if check_dtype and a.dtype != e.dtype:
        raise AssertionError(f"{where}dtype {a.dtype}, expected {e.dtype}")
    usual = [TOLERANCES.get(str(x.dtype), (0.0, 0.0)) for x in (a, e)]
    rtol = max(r for r, _ in usual) if rtol is None else rtol
    atol = max(t for _, t in usual) if atol is None else atol
    close = np.isclose(a, e, rtol=rtol, atol=atol, equal_nan=equal_nan)
    if np.all(close):
        return
    with np.errstate(all="ignore"):
        off = np.where(close, -1.0, abs(np.subtract(a, e, dtype=np.float64)))
    off = np.where(~close & np.isnan(off), np.inf, off)
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(off)), off.shape))
    raise AssertionError(
        f"{where}{np.count_nonzero(~close)} of {close.size} entries differ; the worst is at {index}"
        f": {a[index]!r}, expected {e[index]!r} (rtol={rtol:g}, atol={atol:g})"
    )


def assert_gradients_close(
    outputs: Any,
    inputs: Any,
    expected: Any,
    grad_outputs: Any = None,
    **tolerances: Any,
) -> None:
    """Assert that the gradients of `outputs` for `inputs` are `expected`; no ``.grad`` is touched.

    outputs, inputs, grad_outputs   as for `minigrad.autograd.grad`
    expected      one array or tensor for each input; None where the outputs must not depend on it
    tolerances    as for `assert_close`

    Raises   AssertionError that names the input, the worst entry and both values.
    Example  >>> import minigrad as mg
             >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
             >>> mg.testing.assert_gradients_close((x * x).sum(), x, [2.0, 4.0], check_dtype=False)
    """
    gradients = grad(outputs, inputs, grad_outputs, retain_graph=True, allow_unused=True)
    listed = list(expected) if isinstance(inputs, (tuple, list)) else [expected]
    if len(listed) != len(gradients):
        raise AssertionError(f"{len(listed)} gradients expected for {len(gradients)} inputs")
    for i, (g, e) in enumerate(zip(gradients, listed)):
        if g is None or e is None:
            if (g is None) != (e is None):
                state = "is" if g is None else "is not"
                raise AssertionError(f"the gradient of input {i} {state} None")
            continue
        try:
            assert_close(g, np.asarray(array_of(e)), **tolerances)
        except AssertionError as error:
            raise AssertionError(f"gradient of input {i}: {error}") from None
