"""Losses and metrics by their names, as in ``fit(..., loss="mse", metrics=["accuracy"])``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from minigrad.nn import functional
from minigrad.training import metrics as measures

__all__ = ["loss_of", "metrics_of"]

Function = Callable[[Any, Any], Any]

LOSSES: dict[str, Function] = {
    "bce": functional.binary_cross_entropy,
    "bce_with_logits": functional.binary_cross_entropy_with_logits,
    "cross_entropy": functional.cross_entropy,
    "huber": functional.huber_loss,
    "mae": functional.l1_loss,
    "mse": functional.mse_loss,
    "nll": functional.nll_loss,
}
METRICS: dict[str, Any] = {
    "accuracy": measures.accuracy,
    "binary_accuracy": measures.binary_accuracy(),
    "f1": measures.f1,
    "mae": measures.mae,
    "mse": measures.mse,
    "r2": measures.r2,
}


def named(name: str, table: Mapping[str, Any], what: str, caller: str) -> Any:
    if name in table:
        return table[name]
    close = get_close_matches(name, table, 1)
    meant = f'; did you mean "{close[0]}"?' if close else ""
    raise ValueError(
        f'{caller}: there is no {what} named "{name}"{meant} '
        f"(known are {', '.join(table)}; any function of output and target will do)"
    )


def loss_of(loss: Any, caller: str) -> Any:
    """The function that a name stands for; anything else as it is."""
    return named(loss, LOSSES, "loss", caller) if isinstance(loss, str) else loss


def metrics_of(metrics: Any, caller: str) -> dict[str, Any]:
    """Name -> function, of a mapping, a name, a function, or several of these."""
    if metrics is None:
        return {}
    if isinstance(metrics, str) or callable(metrics):
        metrics = [metrics]
    if isinstance(metrics, Mapping):
        entries: Iterable[tuple[str, Any]] = metrics.items()
    else:
        entries = [(name_of(metric), metric) for metric in metrics]
    return {
        name: named(metric, METRICS, "metric", caller) if isinstance(metric, str) else metric
        for name, metric in entries
    }


def name_of(metric: Any) -> str:
    """The name of a function, or of the class of an object; a name is its own."""
    if isinstance(metric, str):
        return metric
    return str(getattr(metric, "__name__", None) or type(metric).__name__.lower())
