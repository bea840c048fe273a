"""SciPy's special functions on tensors: those ufuncs of ``scipy.special`` that minigrad has.

They come in by NumPy's door, since SciPy's ufuncs ask as NumPy's do.  SciPy is not imported here: a
ufunc can only come from it if somebody else imported it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

from minigrad import ops

__all__ = ["module_of", "special"]


def log_expit(x: Any) -> Any:
    """log(1 / (1 + e⁻ˣ)), without overflow."""
    return -ops.logaddexp(-x, 0.0)


def softplus(x: Any) -> Any:
    """log(1 + eˣ), exact at both ends."""
    return ops.logaddexp(x, 0.0)


def ndtr(x: Any) -> Any:
    """The distribution function of the standard normal distribution."""
    return 0.5 * ops.erfc(x * -math.sqrt(0.5))


TABLE: dict[str, Callable[..., Any]] = {
    "erf": ops.erf,
    "erfc": ops.erfc,
    "exp2": ops.exp2,
    "expit": ops.sigmoid,
    "expm1": ops.expm1,
    "log1p": ops.log1p,
    "log_expit": log_expit,
    "logit": ops.logit,
    "ndtr": ndtr,
    "softplus": softplus,
    "xlogy": ops.xlogy,
}


def is_special(ufunc: Any) -> bool:
    """Whether `ufunc` is one of ``scipy.special``."""
    return getattr(sys.modules.get("scipy.special"), ufunc.__name__, None) is ufunc


def special(ufunc: Any) -> Callable[..., Any] | None:
    """The function of tensors that is SciPy's `ufunc`; None if there is none."""
    function = TABLE.get(ufunc.__name__)
    return function if function is not None and is_special(ufunc) else None


def module_of(ufunc: Any) -> str:
    """The name of the module that a message calls the function by."""
    return "scipy.special" if is_special(ufunc) else "np"
