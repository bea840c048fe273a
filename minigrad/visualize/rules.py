"""How a vector-Jacobian product can be shown: found by trying, and shown only if the numbers agree.

Whatever the op, its VJP is a linear map of ḡ.  Four kinds of map have a picture of their own:

    copy      each entry of x̄ is one entry of ḡ times a number: elementwise ops, masks, indexing,
              transposes, the gradient of a sum
    sum       x̄ is ḡ summed along axes: the gradient of a bias
    product   x̄ is a product of two matrices, ḡ and something that the op saved
    general   anything else; its Jacobian is shown if it is small

No op is known by name here, so an op that a user wrote is explained like the built-in ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any

import numpy as np

__all__ = ["Factor", "Rule", "find_rule"]


@dataclass(eq=False)
class Factor:
    """One factor of a matrix product: `matrix`, named by `symbol`, or its transpose."""

    symbol: str
    transposed: bool
    matrix: Any


@dataclass(eq=False)
class Rule:
    """How x̄ follows from ḡ.

    scale, index   of "copy": x̄[i] = scale[i] * ḡ[index[i]], in row-major order
    axes           of "sum"
    left, right    of "product"; `shape` is that of the matrix product
    """

    kind: str
    scale: Any = None
    index: Any = None
    axes: tuple[int, ...] = ()
    left: Factor | None = None
    right: Factor | None = None


def find_rule(
    vjp: Callable[[Any], Any], g: Any, raw: Any, known: dict[str, Any], name: str, elementwise: bool
) -> Rule:
    """The kind of map that `vjp` is.

    vjp    the vector-Jacobian product of one operand, as a function of ḡ
    g, raw the cotangent, and ``vjp(g)``
    known  arrays by the symbols that formulas use: candidates for a factor
    name   how ḡ is written
    elementwise   the op works entry by entry, so that no matrix product is meant
    """
    if not isinstance(g, np.ndarray) or raw.size == 0 or g.size == 0:
        return Rule("general")
    random = np.asarray(np.random.default_rng(0).normal(size=g.shape), g.dtype)
    with np.errstate(all="ignore"):
        probe = vjp(random)
        found = as_scaled(vjp, random, probe)
        if found is None and not elementwise:
            found = as_product(random, probe, g, known, name)
        return found or as_copy(vjp, random, probe) or as_sum(random, probe) or Rule("general")


def close(a: Any, b: Any) -> bool:
    """Whether two arrays agree, and are NaN or infinite at the same places.

    Arrays without a finite number agree with too much: they tell nothing.
    """
    finite = np.isfinite(b)
    if a.shape != b.shape or not finite.any():
        return False
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return False
    tolerance = 1e-4 if a.dtype.itemsize <= 4 else 1e-9
    bound = tolerance * max(float(np.abs(b[finite]).max()), 1e-30)
    return bool(np.abs(a[finite] - b[finite]).max() <= bound)


def as_scaled(vjp: Callable[[Any], Any], random: Any, probe: Any) -> Rule | None:
    """Each entry of ḡ times a number, which ones bring out, and which may be NaN or infinite.

    Positions, which `as_copy` sends, would not tell one infinite number from another.
    """
    if probe.shape != random.shape or np.isfinite(probe).all():
        return None
    scale = vjp(np.ones_like(random))
    telling = probe[np.isfinite(probe)].any() and close(scale * random, probe)
    if not (telling or probe.size == 1):
        return None
    return Rule("copy", scale=scale, index=np.arange(scale.size).reshape(scale.shape))


def as_copy(vjp: Callable[[Any], Any], random: Any, probe: Any) -> Rule | None:
    """Send ones, which gives the numbers, and then positions, which tells where each came from."""
    scale = vjp(np.ones_like(random))
    positions = np.arange(1, random.size + 1, dtype=random.dtype).reshape(random.shape)
    found = vjp(positions) / np.where(scale == 0, 1, scale)
    if scale.shape != probe.shape or not np.isfinite(found).all():
        return None
    index = np.rint(found).astype(np.int64) - 1
    itself = np.arange(scale.size).reshape(scale.shape) if scale.size == random.size else 0
    index = np.where(scale == 0, itself, index)
    if index.size and not (index.min() >= 0 and index.max() < random.size):
        return None
    if not close(scale * random.reshape(-1)[index], probe):
        return None
    return Rule("copy", scale=scale, index=index)


def as_sum(random: Any, probe: Any) -> Rule | None:
    axes = range(random.ndim)
    for some in chain.from_iterable([combinations(axes, n) for n in range(1, random.ndim + 1)]):
        for keepdims in (False, True):
            if close(random.sum(some, keepdims=keepdims), probe):
                return Rule("sum", axes=tuple(some))
    return None


def as_product(random: Any, probe: Any, g: Any, known: dict[str, Any], name: str) -> Rule | None:
    """Try ḡ times each known array, on either side, each as it is or transposed."""
    if probe.ndim > 2 and probe.shape[:-1] != random.shape[:-1]:
        return None
    for symbol, array in known.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f" or array.size == 0:
            continue
        for at_g, at_other in ((a, b) for a in as_matrices(random) for b in as_matrices(array)):
            for g_first in (True, False):
                for g_turned in (False, True):
                    for turned in (False, True):
                        u, v = turn(at_g, g_turned), turn(at_other, turned)
                        a, b = (u, v) if g_first else (v, u)
                        if a.shape[1] != b.shape[0] or a.shape[0] * b.shape[1] != probe.size:
                            continue
                        if not close((a @ b).reshape(probe.shape), probe):
                            continue
                        mine = Factor(name, g_turned, g.reshape(at_g.shape))
                        other = Factor(symbol, turned, at_other)
                        left, right = (mine, other) if g_first else (other, mine)
                        return Rule("product", left=left, right=right)
    return None


def turn(matrix: Any, transposed: bool) -> Any:
    return matrix.T if transposed else matrix


def as_matrices(array: Any) -> Iterator[Any]:
    """`array` as a matrix: one axis as a row or a column, several leading axes as one."""
    if array.ndim == 2:
        yield array
    elif array.ndim == 1:
        yield array.reshape(1, -1)
        yield array.reshape(-1, 1)
    elif array.ndim > 2:
        yield array.reshape(-1, array.shape[-1])
    else:
        yield array.reshape(1, 1)
