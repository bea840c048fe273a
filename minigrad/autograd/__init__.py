"""Derivatives: of given tensors, of functions, and checked against finite differences."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from minigrad.autograd.anomaly import detect_anomaly, is_anomaly_enabled, set_detect_anomaly
from minigrad.autograd.differentiate import backward, grad
from minigrad.autograd.function import Function, once_differentiable
from minigrad.autograd.variable import Variable
from minigrad.modes import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled

if TYPE_CHECKING:
    from minigrad.autograd import forward_ad as forward_ad
    from minigrad.autograd import functional as functional
    from minigrad.testing.pytorch import gradcheck, gradgradcheck

__all__ = [
    "Function", "Variable", "backward", "detect_anomaly", "enable_grad", "functional", "grad",
    "gradcheck", "gradgradcheck", "inference_mode", "is_anomaly_enabled", "is_grad_enabled",
    "no_grad", "once_differentiable", "set_detect_anomaly", "set_grad_enabled",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """The checker and `functional`, which import this package: loaded at their first use."""
    if name in ("gradcheck", "gradgradcheck"):
        return getattr(import_module("minigrad.testing"), name)
    if name in ("functional", "forward_ad"):
        return import_module(f"minigrad.autograd.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
