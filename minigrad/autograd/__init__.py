"""Derivatives: of given tensors, of functions, and checked against finite differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minigrad.autograd.anomaly import detect_anomaly, is_anomaly_enabled, set_detect_anomaly
from minigrad.autograd.differentiate import backward, grad
from minigrad.graph import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)

if TYPE_CHECKING:
    from minigrad.testing.gradcheck import gradcheck, gradgradcheck

__all__ = [
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "is_anomaly_enabled",
    "is_grad_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]


def __getattr__(name: str) -> Any:
    """`gradcheck` is found in `minigrad.testing`, which stands on this package, when it is first used."""
    if name in ("gradcheck", "gradgradcheck"):
        from minigrad import testing

        return getattr(testing, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
