"""In-place operations, with PyTorch's meaning.

On a tensor that is not recorded, the memory is changed and every view of it changes with it.

On a recorded one (the tensor or the new value requires grad, and recording is on), the handle is
moved to a new node: ``x += y`` is ``x = x + y``, and what other nodes saved of the old x stays as it
was.  If other handles look at the same memory they must see the change, too: then the memory is
changed, and the node of the base tensor, and of each overlapping view, is made anew from the change.

A leaf that requires grad is refused outside ``no_grad``: the gradient would be of its old value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.graph import Array, Leaf, Variable, recording, wrap
from minigrad.memory import writes
from minigrad.ops import indexing


def update(
    tensor: Variable, name: str, function: Callable[..., Any], *operands: Any, **statics: Any
) -> Any:
    """Give `tensor` the value ``function(tensor, *operands, **statics)``, and return it.

    Raises   RuntimeError for a leaf that requires grad, or a view of one; ValueError if the new value
             has another shape; TypeError if it cannot be held by the tensor's type.
    """
    recorded = recording.enabled and (
        tensor._node is not None
        or any(isinstance(o, Variable) and o._node is not None for o in operands)
    )
    if not recorded:
        arrays = [o._array if isinstance(o, Variable) else o for o in operands]
        value = function(wrap(tensor._array), *arrays, **statics)
        write(tensor, value._array, name)
        return tensor
    refuse_leaf(tensor, name)
    value = function(tensor, *operands, **statics)
    check_fits(tensor, value._array, name)
    if value._array.dtype != tensor._array.dtype:
        value = value.astype(tensor._array.dtype)
    replace(tensor, value, name)
    return tensor


def write(tensor: Variable, value: Array, name: str) -> None:
    """Change the memory of `tensor`."""
    check_fits(tensor, value, name)
    if not tensor._array.flags.writeable:
        raise ValueError(f"{name}: the memory of this tensor is read-only; change a clone() of it")
    np.copyto(tensor._array, value, casting="same_kind")
    writes.note(tensor._array, name)


def check_fits(tensor: Variable, value: Array, name: str) -> None:
    if value.shape != tensor._array.shape:
        raise ValueError(
            f"{name}: the result has shape {value.shape}, which does not fit in place into a tensor of "
            f"shape {tensor._array.shape}"
        )
    if not np.can_cast(value.dtype, tensor._array.dtype, "same_kind"):
        raise TypeError(
            f"{name}: a result of type {value.dtype} cannot be stored in a tensor of type "
            f"{tensor._array.dtype}"
        )


def refuse_leaf(tensor: Variable, name: str) -> None:
    root = tensor._alias.root() if tensor._alias is not None else None
    for handle, what in ((tensor, "a leaf"), (root, "a view of a leaf")):
        if handle is not None and type(handle._node) is Leaf:
            raise RuntimeError(
                f"{name} on {what} that requires grad: its gradient would be that of the old value. "
                "Do it inside mg.no_grad(), or on a clone()"
            )


def replace(tensor: Variable, value: Variable, name: str) -> None:
    """Move `tensor`, and all that look at the same memory, to the recorded `value`."""
    alias = tensor._alias
    others = [handle for handle in alias.live() if handle is not tensor] if alias else []
    if not others and not (alias and alias.detached):
        tensor._array, tensor._node, tensor._alias = value._array, value._node, None
        return
    if not tensor._array.flags.writeable:
        raise ValueError(f"{name}: the memory of this tensor is read-only; change a clone() of it")
    root = alias.root()
    overlapping = [h for h in others if np.shares_memory(h._array, tensor._array)]
    if root is None and overlapping:
        raise RuntimeError(
            f"{name} on a view whose base is gone, while {len(overlapping)} other view(s) of it are "
            "alive: keep the base, or change a clone()"
        )
    recorded_root: Any = value
    if root is not None and root is not tensor:
        recorded_root = indexing.put(
            wrap(root._array, root._node), value, positions(tensor._array, root._array)
        )
    nodes = []
    for handle in overlapping:
        if handle is root:
            nodes.append(recorded_root._node)
        else:
            where = positions(handle._array, (root if root is not None else tensor)._array)
            nodes.append(indexing.take(recorded_root, where)._node)
    np.copyto(tensor._array, value._array)
    writes.note(tensor._array, name)
    tensor._node = value._node
    for handle, node in zip(overlapping, nodes):
        handle._node = node


def positions(view: Array, base: Array) -> Array:
    """For each entry of `view`, the row-major position in `base` of the entry at the same address."""

    def addresses(array: Array) -> Array:
        total = np.full(array.shape, array.__array_interface__["data"][0], np.int64)
        for axis, (size, stride) in enumerate(zip(array.shape, array.strides)):
            total += (np.arange(size) * stride).reshape((-1,) + (1,) * (array.ndim - axis - 1))
        return total

    known = addresses(base).ravel()
    order = np.argsort(known, kind="stable")
    return order[np.searchsorted(known[order], addresses(view))]


def assign(tensor: Variable, index: Any, value: Any) -> None:
    """``tensor[index] = value``."""
    update(tensor, "t[i] = v", indexing.setitem, value, index=index)
