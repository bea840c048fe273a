"""SciPy's special functions on tensors: those ufuncs of ``scipy.special`` that minigrad has.

They come in by NumPy's door, since SciPy's ufuncs ask as NumPy's do.  SciPy is not imported here: a
ufunc can only come from it if somebody else imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from minigrad import ops

__all__ = ["module_of", "special"]


def log_expit(x: Any) -> Any:
    """log(1 / (1 + e⁻ˣ)), without overflow."""
    return -ops.logaddexp(-x, 0.0)


def softplus(x: Any) -> Any:
    """log(1 + eˣ), exact at both ends."""
    return ops.logaddexp(x, 0.0)


FORMULAS: dict[str, Callable[..., Any]] = {"log_expit": log_expit, "softplus": softplus}

# SciPy's name, and that of ``minigrad.special``
TABLE = {
    **{name: name for name in (
        "entr", "erf", "erfc", "erfcx", "erfinv", "exp2", "expit", "expm1", "gammainc", "gammaincc",
        "gammaln", "i0", "i0e", "i1", "i1e", "log1p", "log_ndtr", "logit", "ndtr", "ndtri", "psi",
        "round", "xlog1py", "xlogy",
    )},
    "j0": "bessel_j0", "j1": "bessel_j1", "y0": "bessel_y0", "y1": "bessel_y1",
    "k0": "modified_bessel_k0", "k1": "modified_bessel_k1",
    "k0e": "scaled_modified_bessel_k0", "k1e": "scaled_modified_bessel_k1",
}  # fmt: skip


def is_special(ufunc: Any) -> bool:
    """Whether `ufunc` is one of ``scipy.special``."""
    return getattr(sys.modules.get("scipy.special"), ufunc.__name__, None) is ufunc


def special(ufunc: Any) -> Callable[..., Any] | None:
    """The function of tensors that is SciPy's `ufunc`; None if there is none."""
    if not is_special(ufunc):
        return None
    if ufunc.__name__ in TABLE:
        return getattr(import_module("minigrad.special"), TABLE[ufunc.__name__])
    return FORMULAS.get(ufunc.__name__)


def module_of(ufunc: Any) -> str:
    """The name of the module that a message calls the function by."""
    return "scipy.special" if is_special(ufunc) else "np"
