"""How exactly a function can be evaluated: its rounding error, found by rounding otherwise.

Every operation inside the function is changed in its last bit, up or down at random.  What this
changes at the end is the function's own noise: large where digits cancel, as in ``(x + 1e10) -
1e10``, whatever the last bit of the inputs does.

Source   Parker 1997, "Monte Carlo Arithmetic"; Vignes 2004, "Discrete Stochastic Arithmetic".
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

Array = Any

EPS = float(np.finfo(np.float64).eps)
EXACT = {  # whose results are not rounded, or are whole numbers
    np.maximum, np.minimum, np.fmax, np.fmin, np.negative, np.positive, np.absolute, np.fabs,
    np.floor, np.ceil, np.trunc, np.rint, np.sign, np.copysign, np.heaviside, np.conjugate,
    np.fmod, np.modf, np.frexp, np.floor_divide,
    np._core.umath.clip,  # type: ignore[attr-defined]  # the ufunc has no public name
}  # fmt: skip
PRODUCTS = {np.dot, np.inner, np.vdot, np.tensordot, np.einsum}


class Shaken(np.ndarray[Any, Any]):
    """An array whose results are changed by up to `amplitude`, relative, as are theirs."""

    rng: np.random.Generator | None = None
    amplitude = 0.0

    def __array_finalize__(self, source: Any) -> None:
        self.rng = getattr(source, "rng", None)
        self.amplitude = getattr(source, "amplitude", 0.0)

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any
    ) -> Any:
        if out is not None:
            options["out"] = tuple([still(o) for o in out])
        if "where" in options:
            options["where"] = still(options["where"])
        result = getattr(ufunc, method)(*[still(x) for x in inputs], **options)
        if method == "at" or result is NotImplemented:
            return result
        source = next(x for x in (*inputs, *(out or ())) if isinstance(x, Shaken))
        if out is not None:
            for o in out:
                if isinstance(o, np.ndarray) and ufunc not in EXACT:
                    change(still(o), source)
            return out[0] if len(out) == 1 else out
        if isinstance(result, tuple):
            return tuple([again(r, source, ufunc not in EXACT) for r in result])
        return again(result, source, ufunc not in EXACT)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        result = super().__array_function__(func, types, args, kwargs)
        return again(result, self, True) if func in PRODUCTS else result

    def dot(self, other: Any, out: Any = None) -> Any:
        return np.dot(self, other) if out is None else np.dot(self, other, out)


def still(x: Any) -> Any:
    """The same numbers as an ordinary array."""
    return x.view(np.ndarray) if isinstance(x, Shaken) else x


def again(result: Any, source: Shaken, rounded: bool) -> Any:
    """A result as an array that goes on being shaken."""
    array = np.array(result, copy=rounded or None)
    if array.dtype.kind != "f":
        return result
    if rounded:
        change(array, source)
    shaken = array.view(Shaken)
    shaken.rng, shaken.amplitude = source.rng, source.amplitude
    return shaken


def change(array: Array, source: Shaken) -> None:
    if array.dtype.kind == "f" and source.rng is not None:
        array *= 1 + source.amplitude * source.rng.uniform(-1.5, 1.5, array.shape)


def shaken(array: Array, rng: np.random.Generator, amplitude: float) -> Shaken:
    """A copy of `array`; what is computed from it is rounded at random."""
    copy = np.array(array).view(Shaken)
    copy.rng, copy.amplitude = rng, amplitude
    return copy


# a context in which operations are rounded otherwise; it gives the function to evaluate in it
Otherwise = Callable[[np.random.Generator, float], AbstractContextManager[Callable[[], Array]]]


def noise_within(otherwise: Otherwise | None, base: Array, eps: float = EPS) -> Array:
    """How much each output changes when the operations inside are rounded otherwise.

    A rounding error grows with the change of the operations; what does not grow is a jump, next to
    which nothing can be measured: there the noise is infinite.

    otherwise   a context that gives the evaluation of the outputs, as a flat array, on shaken
                arrays; None if there is none
    base        the outputs
    eps         the rounding of one operation
    """
    found = np.zeros_like(base)
    if otherwise is None:
        return found
    more = 1024.0
    try:
        for seed in range(3):
            with otherwise(np.random.default_rng(seed), eps) as evaluate:
                found = np.fmax(found, abs(evaluate() - base))
        with otherwise(np.random.default_rng(0), more * eps) as evaluate:
            larger = abs(evaluate() - base)
    except Exception:  # code that does not take a subclass of an array, whatever it raises
        return np.zeros_like(base)
    jump = (found > max(1e-6, 100 * eps) * abs(base)) & (larger < more / 64 * found)
    return np.where(jump, np.inf, found)
