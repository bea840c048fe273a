"""Forward mode, as PyTorch writes it: dual numbers, whose tangents follow what is computed.

A dual number is recorded as a leaf.  When `unpack_dual` is asked for the tangent of a result, it
takes the gradient of vᵀ y twice, first with respect to the leaves and then to v, as `func.jvp`
does: the engine needs no rules of forward mode.

    >>> import minigrad as mg
    >>> from minigrad.autograd import forward_ad
    >>> with forward_ad.dual_level():
    ...     x = forward_ad.make_dual(mg.tensor([1.0, 2.0]), mg.tensor([1.0, 0.0]))
    ...     forward_ad.unpack_dual(x * x)
    UnpackedDualTensor(primal=tensor([1., 4.]), tangent=tensor([2., 0.]))
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from minigrad.autograd.differentiate import grad
from minigrad.errors import ArgumentError
from minigrad.graph import Leaf, Variable, ancestors, wrap
from minigrad.modes import enable_grad, no_grad

__all__ = [
    "UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual",
    "unpack_dual",
]  # fmt: skip

# the dual numbers of each level that is open: the tensor that stands for it, and its tangent
LEVELS: list[list[tuple[Any, Any]]] = []


class UnpackedDualTensor(NamedTuple):
    """A value, and its tangent; None for what does not depend on a dual number."""

    primal: Any
    tangent: Any


def enter_dual_level() -> int:
    """Begin to compute with dual numbers; see `dual_level`."""
    if LEVELS:
        raise RuntimeError("dual levels do not nest: for higher derivatives use func.jvp")
    LEVELS.append([])
    return len(LEVELS) - 1


def exit_dual_level(*, level: int | None = None) -> None:
    """Forget the dual numbers of a level."""
    if not LEVELS:
        raise RuntimeError("exit_dual_level: no level was entered")
    LEVELS.pop()


@contextmanager
def dual_level() -> Iterator[int]:
    """The block in which dual numbers have their tangents.

    Raises   RuntimeError within another one
    """
    level = enter_dual_level()
    try:
        yield level
    finally:
        exit_dual_level(level=level)


def make_dual(tensor: Any, tangent: Any, *, level: int | None = None) -> Any:
    """`tensor` with a tangent, the direction in which it moves.

    Raises   RuntimeError outside of `dual_level`; ValueError if the shapes differ; TypeError for
             integers
    """
    if not LEVELS:
        raise RuntimeError("make_dual: use it within dual_level()")
    if tensor.dtype.kind != "f":
        raise TypeError(f"make_dual: a tangent is of floating-point numbers, not {tensor.dtype}")
    if tuple(tensor.shape) != tuple(tangent.shape):
        raise ArgumentError(
            f"make_dual: the tangent has shape {tuple(tangent.shape)}, the tensor "
            f"{tuple(tensor.shape)}"
        )
    with enable_grad():
        base = tensor if tensor._node is not None else wrap(tensor._array).requires_grad_()
        dual = base * 1  # a place of its own in the graph
    LEVELS[-1].append((dual, tangent))
    return dual


def unpack_dual(tensor: Any, *, level: int | None = None) -> UnpackedDualTensor:
    """A value and its tangent: the derivative along the tangents of what it was computed from.

    Raises   RuntimeError outside of `dual_level`
    """
    if not LEVELS:
        raise RuntimeError("unpack_dual: use it within dual_level()")
    primal = tensor.detach()
    before = ancestors([tensor._node])
    reached = [(dual, t) for dual, t in LEVELS[-1] if dual._node in before]
    if not reached:
        return UnpackedDualTensor(tensor, None)
    with enable_grad():
        v = wrap(np.zeros_like(tensor._array)).requires_grad_()
        pulled = grad(
            tensor, [dual for dual, _ in reached], v, retain_graph=True, create_graph=True,
            allow_unused=True,
        )  # fmt: skip
    pairs = [(u, t) for u, (_, t) in zip(pulled, reached) if u is not None and depends(u, v)]
    if not pairs:
        return UnpackedDualTensor(primal, wrap(np.zeros_like(tensor._array)))
    with no_grad():
        (tangent,) = grad(
            [u for u, _ in pairs], [v], [t.detach() for _, t in pairs], retain_graph=True
        )
    return UnpackedDualTensor(primal, tangent)


def depends(u: Any, v: Any) -> bool:
    """Whether u was computed from v."""
    leaf = v._node
    return isinstance(u, Variable) and isinstance(leaf, Leaf) and leaf in ancestors([u._node])
