"""Checks of gradients: of minigrad's functions, and of backward passes written by hand.

check_gradients         gradients of a function against finite differences, and what is wrong
check_layer             a layer written by hand, wherever it keeps parameters and gradients
check_vjp               a backward pass written by hand against differences of its forward pass
assert_close            two tensors, arrays, or trees of them have the same shapes and numbers
assert_gradients_close  the gradients of some outputs are what is expected
numerical_jacobian      the Jacobian of a NumPy function by differences, with its error
gradcheck, gradgradcheck  checks under PyTorch's names, which raise where a gradient is wrong
strategies              inputs for tests with Hypothesis

A name is imported when it is first used.  `minigrad_pytest` is the pytest plugin.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minigrad.testing import strategies
    from minigrad.testing.assertions import assert_close, assert_gradients_close
    from minigrad.testing.check import check_gradients
    from minigrad.testing.handwritten import check_vjp
    from minigrad.testing.layer_check import check_layer
    from minigrad.testing.numerical import numerical_jacobian
    from minigrad.testing.pytorch import gradcheck, gradgradcheck
    from minigrad.testing.report import Diagnosis, GradientError, Report
    from minigrad.testing.verdicts import Entry, Jacobian, Verdict

__all__ = [
    "Diagnosis",
    "Entry",
    "GradientError",
    "Jacobian",
    "Report",
    "Verdict",
    "assert_close",
    "assert_gradients_close",
    "check_gradients",
    "check_layer",
    "check_vjp",
    "gradcheck",
    "gradgradcheck",
    "numerical_jacobian",
    "strategies",
]

HOMES = {
    "assertions": ("assert_close", "assert_gradients_close"),
    "check": ("check_gradients",),
    "handwritten": ("check_vjp",),
    "layer_check": ("check_layer",),
    "numerical": ("numerical_jacobian",),
    "pytorch": ("gradcheck", "gradgradcheck"),
    "report": ("Diagnosis", "GradientError", "Report"),
    "verdicts": ("Entry", "Jacobian", "Verdict"),
}


def __getattr__(name: str) -> Any:
    if name == "strategies":
        return import_module("minigrad.testing.strategies")
    for home, names in HOMES.items():
        if name in names:
            return getattr(import_module(f"minigrad.testing.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
