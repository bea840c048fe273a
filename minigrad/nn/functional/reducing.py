"""What all loss functions share: their reductions, and the check of shapes.

``reduction`` is "mean" (the default), "sum", or "none" for one loss per entry or per row.  Losses
compare entry by entry and do not broadcast: an input of shape (n, 1) against a target of shape (n,)
would silently compare all pairs, so it is refused.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import graph, ops
from minigrad.calls import Array
from minigrad.errors import ArgumentError
from minigrad.graph import Variable, wrap
from minigrad.ops.conversion import astype
from minigrad.promotion import get_default_dtype
from minigrad.tensor import Tensor


def reduce_loss(loss: Tensor, reduction: str) -> Tensor:
    """The losses of all entries as `reduction` wants them.

    Raises   ValueError if `reduction` is not one of the three.
    """
    if reduction == "mean":
        return ops.mean(loss)
    if reduction == "sum":
        return ops.sum(loss)
    if reduction == "none":
        return loss
    raise ArgumentError(f'reduction is "mean", "sum" or "none", got {reduction!r}')


def refuse_broadcast(name: str, input: Any, target: Any, other: str = "target") -> None:
    """Complain if two operands of a loss differ in shape.

    Raises   TypeError if one is not a tensor; ValueError, with a remedy, if the shapes differ.
    """
    shape, wanted = getattr(target, "shape", None), getattr(input, "shape", None)
    if shape is None or wanted is None:
        strange = target if shape is None else input
        raise TypeError(f"{name} compares tensors, got {type(strange).__name__}")
    if shape != wanted:
        remedy = f"{other}.expand({', '.join(map(str, wanted))}) if that is meant"
        if math.prod(shape) == math.prod(wanted):
            remedy = f"{other}.reshape({', '.join(map(str, wanted))})"
        elif not broadcasts_to(shape, wanted):
            remedy = "give both the same shape"
        raise ArgumentError(
            f"{name} compares entry by entry and does not broadcast: input has shape {wanted}, "
            f"{other} has shape {shape}. Use {remedy}"
            if remedy.startswith(other)
            else f"{name} compares entry by entry: input has shape {wanted}, {other} has shape "
            f"{shape}; {remedy}"
        )


def broadcasts_to(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, wanted) == wanted
    except ValueError:
        return False


def as_array(value: Any) -> Array:
    """The array of a tensor, for its shape and type; an array of anything else."""
    return value._array if isinstance(value, Variable) else np.asarray(value)


def plain(value: Any) -> Array:
    """The array of a tensor, whose numbers have no derivative; an array of anything else.

    Raises   RuntimeError in a trace, if the numbers depend on what is traced; see `noted`
    """
    return np.asarray(graph.plain(value))


def as_given(array: Any, input: Any) -> Any:
    """`array` as a tensor if `input` is one."""
    made = isinstance(array, Variable)
    return wrap(array) if isinstance(input, Variable) and not made else array


def floating(x: Any) -> Any:
    """`x`, or what holds integers or booleans in the default type."""
    return x if x.dtype.kind == "f" else astype(x, get_default_dtype())


def wider(*given: Any) -> list[Any]:
    """float16 as float32, float32 as float64: squares stay inside of the type, large and small."""
    wide: dict[Any, Any] = {np.dtype(np.float16): np.float32, np.dtype(np.float32): np.float64}
    return [astype(x, wide[x.dtype]) if x.dtype in wide else x for x in given]


def narrowed(x: Any, *given: Any) -> Any:
    """What was computed of `wider` operands, in the type of what was given."""
    types = [each.dtype for each in given if each.dtype.kind == "f"]
    return astype(x, np.result_type(*types)) if types else x


def constant_like(value: Any, input: Any) -> Any:
    """`value` in the type of `input` if it holds integers or booleans."""
    return value if value.dtype.kind == "f" else value.astype(input.dtype)


def weighted_mean(
    name: str,
    loss: Tensor,
    weight: Tensor | None,
    reduction: str,
) -> Tensor:
    """`reduce_loss`, with a weight for each entry: the mean is Σ w l / Σ w."""
    if weight is None:
        return reduce_loss(loss, reduction)
    refuse_broadcast(name, loss, weight, "weight")
    if reduction == "mean":
        return ops.sum(loss * weight) / ops.sum(weight)
    return reduce_loss(loss * weight, reduction)
