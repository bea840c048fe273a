"""Assertions for tests: numbers that are close, gradients that are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.autograd.differentiate import grad
from minigrad.graph import Variable
from minigrad.pytrees import describe, paired

Array = Any

# relative and absolute tolerance by type, PyTorch's; types that are not named here: exactly
TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "complex64": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex128": (1e-7, 1e-7),
}


def assert_close(
    actual: Any,
    expected: Any,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_dtype: bool = True,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Assert that two tensors, arrays or trees of them have the same form, types and numbers.

    Tensors, NumPy arrays and numbers may stand for each other.  Trees have the same form if tuples
    and lists are of the same length and dicts have the same keys, in any order.  Nothing is
    broadcast.

    rtol, atol   |actual - expected| may be atol + rtol |expected|; by default PyTorch's values for
                 the less exact of the two types.  Unlike in PyTorch, one may be given alone.
    equal_nan    whether NaN equals NaN
    check_dtype  whether the types must be the same; Python's numbers have none
    msg          what the error says instead, or a function that makes it of the usual text

    Raises   AssertionError that names the place in the tree, the worst entry and both values;
             ValueError for a negative tolerance.
    Example  >>> import minigrad as mg
             >>> mg.testing.assert_close(mg.tensor([1.0, 2.0]), np.array([1, 2], "float32"))
             >>> mg.testing.assert_close({"a": 1.0, "b": 2.0}, {"b": 2.0, "c": 1.0})
             Traceback (most recent call last):
             AssertionError: dict with keys ['a', 'b'], expected dict with keys ['b', 'c']
    """
    __tracebackhide__ = True  # pytest shows the line of the test instead
    for name, given in (("rtol", rtol), ("atol", atol)):
        if given is not None and not given >= 0:
            raise ValueError(f"assert_close: {name}={given} is not a tolerance")
    text = difference(actual, expected, (rtol, atol), equal_nan, check_dtype)
    if text:
        raise AssertionError(text if msg is None else msg(text) if callable(msg) else msg)


def difference(
    actual: Any,
    expected: Any,
    tolerances: tuple[float | None, float | None],
    equal_nan: bool,
    check_dtype: bool,
) -> str:
    """What differs first, in words; empty if nothing does."""
    try:
        pairs = paired(actual, expected)
    except ValueError as error:
        return str(error)
    for path, a, e in pairs:
        if isinstance(a, (str, type(None))) or isinstance(e, (str, type(None))):
            text = "" if type(a) is type(e) and a == e else f"{shown(a)}, expected {shown(e)}"
        else:
            text = difference_of_arrays(a, e, tolerances, equal_nan, check_dtype)
        if text:
            return f"at {path}: {text}" if path else text
    return ""


def shown(value: Any) -> str:
    return repr(value) if isinstance(value, (str, type(None))) else describe(value)


def array_of(value: Any) -> Array:
    return value._array if isinstance(value, Variable) else np.asarray(value)


def difference_of_arrays(
    actual: Any,
    expected: Any,
    tolerances: tuple[float | None, float | None],
    equal_nan: bool,
    check_dtype: bool,
) -> str:
    a, e = array_of(actual), array_of(expected)
    if a.shape != e.shape:
        return f"shape {a.shape}, expected {e.shape}"
    typed = [x for x in (actual, expected) if not isinstance(x, (bool, int, float, complex))]
    if check_dtype and len(typed) == 2 and a.dtype != e.dtype:
        return f"dtype {a.dtype}, expected {e.dtype}"
    usual = [TOLERANCES.get(str(array_of(x).dtype), (0.0, 0.0)) for x in typed or (a, e)]
    rtol, atol = (
        max(each[i] for each in usual) if given is None else given
        for i, given in enumerate(tolerances)
    )
    with np.errstate(all="ignore"):
        if rtol == atol == 0:  # not in float64, which has not all whole numbers
            close = (a == e) | (equal_nan & (a != a) & (e != e))
        else:
            close = np.isclose(a, e, rtol=rtol, atol=atol, equal_nan=equal_nan)
        if np.all(close):
            return ""
        wide = np.result_type(a, e, np.float64)
        off = np.where(close, -1.0, abs(np.subtract(a, e, dtype=wide)))
    off = np.where(~close & np.isnan(off), np.inf, off)
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(off)), off.shape))
    where = f"; the worst is at {index}" if index else ""
    return (
        f"{np.count_nonzero(~close)} of {close.size} entries differ{where}: {a[index]}, expected "
        f"{e[index]} (rtol={rtol:g}, atol={atol:g})"
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
    expected      for a tensor as `inputs` its gradient; for a tuple or list of them, one gradient
                  for each.  A gradient is a tensor or an array, or lists of numbers, which have no
                  type; None where the outputs must not depend on the input.
    tolerances    as for `assert_close`

    Raises   AssertionError that names the input, the worst entry and both values.
    Example  >>> import minigrad as mg
             >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
             >>> mg.testing.assert_gradients_close((x * x).sum(), x, [2.0, 4.0])
    """
    __tracebackhide__ = True  # pytest shows the line of the test instead
    gradients = grad(outputs, inputs, grad_outputs, retain_graph=True, allow_unused=True)
    if not isinstance(inputs, (tuple, list)):
        expected = [expected]
    elif not isinstance(expected, (tuple, list)) or len(expected) != len(gradients):
        raise AssertionError(
            f"expected is {describe(expected)}: give one gradient for each of {len(gradients)} "
            "inputs, None for an input that the outputs do not depend on"
        )
    for i, (x, g, e) in enumerate(zip(sequence(inputs), gradients, expected)):
        name = getattr(x, "name", None) or f"input {i}"
        if g is None or e is None:
            if (g is None) != (e is None):
                state = "is" if g is None else "is not"
                raise AssertionError(f"the gradient of {name} {state} None")
            continue
        if isinstance(e, (tuple, list)):
            e = np.asarray(e, g.dtype)
        try:
            assert_close(g, e, **tolerances)
        except AssertionError as error:
            raise AssertionError(f"gradient of {name}: {error}") from None


def sequence(inputs: Any) -> Any:
    return inputs if isinstance(inputs, (tuple, list)) else [inputs]
