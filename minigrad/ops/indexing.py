"""Taking entries by position, and putting them there: each op beside its transpose.

An index is what NumPy takes: integers, slices (also with negative steps), ``None``, ``...``,
boolean and integer arrays, and tuples of these.  Tensors in an index are read as arrays.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from minigrad.calls import Array, Variable, op, own_array
from minigrad.composition import composition
from minigrad.memory import owner_of
from minigrad.modes import recording
from minigrad.ops.joining import along
from minigrad.sums import MANY, is_half, widened
from minigrad.typed import Tensor

__all__ = [
    "_add_at", "_getitem", "_overwrite", "_put", "_put_zeros", "_scatter_into", "_setitem", "_take",
    "_without", "getitem", "index_put", "narrow", "nonzero", "plain_index", "put", "select",
    "setitem", "take",
]  # fmt: skip

BASIC = {int, slice, type(None), type(Ellipsis)}


@composition
def plain_index(index: Any) -> Any:
    """`index` as NumPy reads it: tensors and lists as arrays, 0-d integer tensors as integers."""
    given = index
    kind = type(index)
    if kind in BASIC:
        return index
    if kind is tuple:
        return tuple([i if type(i) in BASIC else plain_index(i) for i in index])
    if isinstance(index, Variable):
        index = own_array(index)
    elif isinstance(index, list):
        index = np.asarray([plain_index(i) for i in index]) if index else np.empty(0, np.intp)
    if isinstance(index, np.ndarray) and index.ndim == 0 and index.dtype.kind in "iu":
        # in a trace it stays what was computed: another call has another one
        return index if recording.trace is not None else operator.index(index)
    # a plain array is copied: nobody would know if it was written to before backward
    return index.copy() if index is given and isinstance(index, np.ndarray) else index


def is_basic(index: Any) -> bool:
    """Whether NumPy answers a plain index with a view: integers, slices, None and ... only."""
    for part in index if type(index) is tuple else (index,):
        if type(part) not in BASIC and not isinstance(part, np.integer):
            return False
    return True


def view_at(x: Array, index: Any) -> Array:
    """``x[index]`` as a view even where NumPy returns a number."""
    parts = index if type(index) is tuple else (index,)
    return x[parts if any([part is ... for part in parts]) else (*parts, ...)]


def is_unique(index: Any) -> bool:
    """Whether no entry is taken twice, as far as the kinds of a plain index tell."""
    parts = index if type(index) is tuple else (index,)
    return all(
        type(i) in BASIC or isinstance(i, np.integer) or getattr(i, "dtype", None) == np.bool_
        for i in parts
    )


FEW_AXES = 16  # NumPy's add.at keeps its indices in arrays of fixed length


def add_at(out: Array, index: Any, g: Array) -> None:
    """``out[index] += g`` for a contiguous `out`; repeated positions get each of their addends."""
    if is_half(out):
        wide = widened(out)
        add_at(wide, index, g)
        with np.errstate(over="ignore"):
            out[...] = wide
    elif is_unique(index):
        out[index] += g
    elif out.dtype == np.float32 and addends(index, g) > MANY:  # as many may go to one place
        wide = out.astype(np.float64)
        add_at(wide, index, g)
        out[...] = wide
    elif (out.size < 1000 and out.ndim <= FEW_AXES) or not out.flags.c_contiguous:
        np.add.at(out, index, g)
    else:  # along one axis np.add.at is several times faster
        positions = np.arange(out.size).reshape(out.shape)[index]
        np.add.at(out.reshape(-1), positions.ravel(), np.broadcast_to(g, positions.shape).ravel())


def addends(index: Any, g: Array) -> int:
    """At least how many numbers are added at an index."""
    parts = index if type(index) is tuple else (index,)
    return max([np.size(g), *[np.size(part) for part in parts if part is not None]])


def winners(shape: tuple[int, ...], index: Any) -> Array:
    """Where ``out[index] = value`` leaves its mark: not at entries that a later one overwrites."""
    positions = np.arange(int(np.prod(shape))).reshape(shape)[index]
    order = np.arange(positions.size).reshape(positions.shape)
    last = np.zeros(int(np.prod(shape)), order.dtype)
    last[positions] = order
    return last[positions] == order


# ------------------------------------------------------------------------------------ by any index


@op(lambda g, x_shape, index: _scatter_into(g, x_shape, index), view=True, notation="{x}[{index}]")
def _getitem(x: Array, index: Any) -> Array:
    """Entries of a tensor by position: ``x[index]``.

    Forward    out = x[index]; a view for integers, slices, None and ..., else a copy
    Gradient   x̄ = 0, with ḡ added at x̄[`index`]; an entry taken twice gets both gradients
    Shapes     NumPy's indexing
    """
    out = x[index]
    if type(out) is not np.ndarray:
        return view_at(x, index)
    if type(index) is tuple and not out.flags.c_contiguous and owner_of(out) is not owner_of(x):
        return out.copy("C")  # as PyTorch's results of x[:, [0, 1]]: a flat view of it is one
    return out


def integers_first(index: Any) -> tuple[Any, Any] | None:
    """A plain index in two steps, integers and slices and then arrays; None if one does the same.

    PyTorch takes integers first, so that only arrays decide where the axes of the positions go:
    ``x[0, :, [1, 2]]`` has them last.  NumPy counts the integer among them, and puts them first.
    """
    if type(index) is not tuple or not any([isinstance(i, np.ndarray) for i in index]):
        return None
    kinds = "".join([kind_of(i) for i in index])
    if "i" not in kinds or "s" not in kinds.strip("s") or "b" in kinds:
        return None
    basic: list[Any] = []
    rest: list[Any] = []
    for part in index:
        if isinstance(part, np.ndarray):
            basic += [slice(None)] * (part.ndim if part.dtype == np.bool_ else 1)
            rest.append(part)
        else:
            basic.append(part)
            if kind_of(part) == "s":
                rest.append(part if part is ... else slice(None))
    return tuple(basic), tuple(rest)


def kind_of(part: Any) -> str:
    """What a part of a plain index is: an array, a boolean, an integer, or a slice or the like."""
    if isinstance(part, np.ndarray):
        return "a" if part.ndim else "b"
    if isinstance(part, (bool, np.bool_)):
        return "b"
    return "i" if isinstance(part, (int, np.integer)) else "s"


@composition
def getitem(x: Any, index: Any) -> Tensor:
    """Entries of a tensor by position: ``x[index]``.

    index      integers, slices, None, ..., boolean and integer arrays or tensors, and tuples;
               integers are taken before arrays, as in PyTorch
    Forward    out = x[index]; a view for integers, slices, None and ..., else a copy
    Gradient   x̄ = 0, with ḡ added at x̄[`index`]; an entry taken twice gets both gradients
    Shapes     NumPy's indexing
    Raises     IndexError if an index is out of range, or of the wrong type
    Example    >>> mg.tensor([10.0, 20.0, 30.0])[1:]
               tensor([20., 30.])
    """
    if type(index) in BASIC:
        return _getitem(x, index)
    index = plain_index(index)
    steps = integers_first(index)
    return _getitem(x, index) if steps is None else _getitem(_getitem(x, steps[0]), steps[1])


@op(lambda g, index: _getitem(g, index), notation="scatter({g})")
def _scatter_into(g: Array, shape: tuple[int, ...], index: Any) -> Array:
    """The transpose of ``x[index]``: zeros of `shape`, with `g` added at `index`.

    Forward    out = zeros(shape); out[index] += g, repeated positions adding up
    Gradient   ḡ = out̄[`index`]
    Shapes     shape of x[index] -> shape
    """
    out = np.zeros_like(g, shape=shape, order="C")
    if is_unique(index):
        out[index] = g
    else:
        add_at(out, index, g)
    return out


def setitem_value_vjp(g: Array, value_shape: tuple[int, ...], index: Any) -> Array:
    """value̅ = ḡ[index], but 0 for what was overwritten by a later entry at the same position."""
    taken: Array = _getitem(g, index)
    if not is_unique(index):
        taken = np.where(winners(g.shape, index), taken, 0)
    extra = len(value_shape) - len(taken.shape)  # leading axes of size 1, which are broadcast away
    return np.reshape(taken, (1,) * extra + tuple(taken.shape)) if extra > 0 else taken


@op(
    lambda g, index: _without(g, index),
    setitem_value_vjp,
    notation="{x} with [{index}] = {value}",
)
def _setitem(x: Array, value: Array, index: Any) -> Array:
    """A copy of x with ``x[index] = value``.

    Forward    out = x; out[index] = value
    Gradient   x̄ = ḡ, 0 at x̄[`index`]        value̅ = ḡ[`index`]; of several values for one position
               only the last gets it
    Shapes     (...), broadcastable to x[index] -> (...)
    """
    out = np.array(x)
    try:
        out[index] = value
    except ValueError:
        fewer = without_leading_ones(value)
        if fewer is value:
            raise
        out[index] = fewer
    return out


def without_leading_ones(value: Any) -> Any:
    """`value` without first axes of size 1, which NumPy refuses in front of a single number."""
    shape = np.shape(value)
    extra = next((i for i, n in enumerate(shape) if n != 1), len(shape))
    return value.reshape(shape[extra:]) if extra else value


@composition
def setitem(x: Any, value: Any, index: Any) -> Any:
    """A copy of x with ``x[index] = value``.

    Forward    out = x; out[index] = value
    Gradient   x̄ = ḡ, 0 at x̄[`index`]        value̅ = ḡ[`index`]; of several values for one position
               only the last gets it
    Shapes     (...), broadcastable to x[index] -> (...)
    Raises     ValueError if the value does not broadcast; IndexError if an index is out of range
    Example    >>> mg.ops.setitem(mg.zeros(3), 5.0, slice(1, None))
               tensor([0., 5., 5.])
    """
    return _setitem(x, value, plain_index(index))


@op(lambda g, index: _without(g, index), notation="{x} with [{index}] = 0")
def _without(x: Array, index: Any) -> Array:
    """A copy of x that is zero at `index`: a projection, so it is its own transpose.

    Forward    out = x; out[index] = 0
    Gradient   x̄ = ḡ, 0 at x̄[`index`]
    Shapes     (...) -> (...)
    """
    out = np.array(x)
    out[index] = 0
    return out


@op(lambda g: g, lambda g, index: _getitem(g, index), notation="{x} with [{index}] += {value}")
def _add_at(x: Array, value: Array, index: Any) -> Array:
    """A copy of x with `value` added at `index`, every entry at its position.

    Forward    out = x; out[index] += value, repeated positions adding up
    Gradient   x̄ = ḡ        value̅ = ḡ[`index`]
    Shapes     (...), broadcastable to x[index] -> (...)
    """
    out = np.array(x, order="C")
    add_at(out, index, value)
    return out


@composition
def index_put(x: Any, indices: Any, values: Any, accumulate: bool = False) -> Tensor:
    """A copy of x with ``x[indices] = values``, or ``+=``.

    indices     a tuple of index tensors
    accumulate  add instead; several values for one position all count
    Forward     out = x; out[indices] = values
    Gradient    x̄ = ḡ, zero where replaced        values̅ = ḡ[indices]
    Shapes      (...), broadcastable to x[indices] -> (...)
    Raises      ValueError if the values do not broadcast; IndexError if an index is out of range
    Example     >>> mg.zeros(3).index_put((mg.tensor([0, 0]),), mg.tensor(1.0), accumulate=True)
                tensor([2., 0., 0.])
    """
    index = plain_index(tuple(indices))
    return _add_at(x, values, index) if accumulate else _setitem(x, values, index)


@op(lambda g: np.zeros_like(g), lambda g: g, notation="{value}")
def _overwrite(x: Array, value: Array) -> Array:
    """`value`, in the shape and type of x.

    Forward    out = value
    Gradient   x̄ = 0        value̅ = ḡ
    Shapes     (...), broadcastable to it -> (...)
    """
    out = np.empty_like(x)
    np.copyto(out, value, casting="unsafe")
    return out


# ------------------------------------------------------------------------- by row-major position


@op(lambda g, x_shape, index: _put_zeros(g, index, x_shape), notation="take({x}, {index})")
def _take(x: Array, index: Array) -> Array:
    """Entries of x by their row-major positions.

    Forward    out = x.ravel()[index]
    Gradient   x̄ = 0, with ḡ added at x̄.ravel()[`index`]
    Shapes     (...), (...) of integers -> shape of index
    """
    return x.reshape(-1)[index]


@composition
def take(x: Any, index: Any) -> Tensor:
    """Entries of x by their row-major positions.

    Forward    out = x.ravel()[index]
    Gradient   x̄ = 0, with ḡ added at x̄.ravel()[`index`]
    Shapes     (...), (...) of integers -> shape of index
    Raises     IndexError if a position is out of range, or not an integer
    Example    >>> mg.take(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), mg.tensor([0, 3]))
               tensor([1., 4.])
    """
    return _take(x, integers("take", index))


@op(lambda g, index: _take(g, index), notation="take({g})ᵀ")
def _put_zeros(g: Array, index: Array, shape: tuple[int, ...]) -> Array:
    """The transpose of `take`: zeros of `shape`, with `g` added at row-major positions.

    Forward    out = zeros(shape); out.ravel()[index] += g, repeated positions adding up
    Gradient   ḡ = out̄.ravel()[`index`]
    Shapes     shape of index -> shape
    """
    size = int(np.prod(shape))
    if index.size > FEW and g.dtype.kind == "f" and index.min() >= 0 and index.max() < size:
        sums = np.bincount(index.reshape(-1), g.reshape(-1), size)  # half the cost of np.add.at
        return sums.astype(g.dtype, copy=False).reshape(shape)
    out = np.zeros_like(g, shape=size)
    add_at(out, index, g)
    return out.reshape(shape)


FEW = 1024  # entries; measured


def put_value_vjp(g: Array, index: Array) -> Array:
    """value̅ = ḡ at its positions, but 0 for what was overwritten by a later entry."""
    return np.where(winners((int(np.prod(g.shape)),), index), _take(g, index), 0)


@op(
    lambda g, index: _put(g, np.zeros_like(_take(g, index)), index),
    put_value_vjp,
    notation="put({x}, {value})",
)
def _put(x: Array, value: Array, index: Array) -> Array:
    """A copy of x with `value` at row-major positions.

    Forward    out = x; out.ravel()[index] = value
    Gradient   x̄ = ḡ, 0 at x̄.ravel()[`index`]        value̅ = ḡ.ravel()[`index`]; of several values
               for one position only the last gets it
    Shapes     (...), shape of index -> (...)
    """
    out = np.array(x, order="C")
    out.reshape(-1)[index] = value
    return out


@composition
def put(x: Any, index: Any, source: Any, accumulate: bool = False) -> Tensor:
    """A copy of x with the entries of `source` at row-major positions.

    accumulate  add instead; several entries for one position all count
    Forward     out = x; out.ravel()[index] = source
    Gradient    x̄ = ḡ, zero where replaced        source̅ = ḡ there
    Shapes      (...), two of the same size -> (...)
    Raises      IndexError if a position is out of range, or not an integer; ValueError if sizes
                differ
    Example     >>> mg.zeros(3).put(mg.tensor([2, 0]), mg.tensor([5.0, 7.0]))
                tensor([7., 0., 5.])
    """
    index = integers("put", index)
    values = source.reshape(index.shape)
    if accumulate:
        return x + _put_zeros(values, index, tuple(x.shape))
    return _put(x, values, index)


def integers(name: str, index: Any) -> Array:
    """`index` as an array of integers."""
    # a plain array is copied: nobody would know if it was written to before backward
    array = own_array(index if isinstance(index, Variable) else np.asarray(index))
    if array.dtype.kind not in "iu":
        raise IndexError(f"{name}: positions are integers, got {array.dtype}")
    return array


# ------------------------------------------------------------------------------- along one axis


@composition
def select(x: Any, dim: int, index: int) -> Tensor:
    """One entry along an axis, which goes: a view.

    Forward    out = x[..., index, ...]
    Gradient   x̄ = zeros, with ḡ at `index`
    Shapes     (..., n, ...) -> (..., ...)
    Raises     IndexError if the index or the axis is out of range
    Example    >>> mg.select(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), 1, 0)
               tensor([1., 3.])
    """
    return getitem(x, along(normalize_axis_index(dim, len(x.shape)), operator.index(index)))


@composition
def narrow(x: Any, dim: int, start: int, length: int) -> Tensor:
    """`length` entries along an axis, from `start` on (negative: counted from the end): a view.

    Forward    out = x[..., start : start + length, ...]
    Gradient   x̄ = zeros, with ḡ where it came from
    Shapes     (..., n, ...) -> (..., length, ...)
    Raises     IndexError if the part is not inside the axis, or the axis is out of range
    Example    >>> mg.narrow(mg.arange(5), 0, 1, 3)
               tensor([1, 2, 3])
    """
    dim = normalize_axis_index(dim, len(x.shape))
    n = x.shape[dim]
    begin, length = operator.index(start), operator.index(length)
    begin += n if begin < 0 else 0
    if not 0 <= begin <= begin + length <= n:
        raise IndexError(f"narrow: start {start} and length {length} leave axis {dim} of size {n}")
    return getitem(x, along(dim, slice(begin, begin + length)))


@op(notation="nonzero({x})")
def _nonzero(x: Array) -> Array:
    """The positions of entries that are not zero, see `nonzero`.

    Forward    out = the positions, in row-major order
    Gradient   none: positions are integers
    Shapes     (...) -> integers, (number of entries, number of axes)
    """
    return np.argwhere(x)


@composition
def nonzero(x: Any, *, as_tuple: bool = False) -> Any:
    """The positions of entries that are not zero.

    as_tuple   a tuple with the positions along each axis, as an index takes it
    Forward    out = the positions, in row-major order
    Gradient   none: positions are integers
    Shapes     (...) -> integers, (number of entries, number of axes)
    Example    >>> mg.nonzero(mg.tensor([0.0, 5.0, 7.0]))
               tensor([[1],
                       [2]])
    """
    if as_tuple and np.ndim(x) == 0:  # a vector of one entry, as in PyTorch
        x = x.reshape(1)
    positions = _nonzero(x)
    return tuple(positions.T) if as_tuple else positions
