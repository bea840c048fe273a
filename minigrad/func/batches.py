"""``vmap``: a function of one sample, applied to a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from minigrad import ops
from minigrad.errors import ArgumentError
from minigrad.func.batched import batched
from minigrad.func.calls import check_outputs
from minigrad.graph import Variable
from minigrad.pytrees import describe, flatten, leaves_of, paired
from minigrad.random import get_rng_state, set_rng_state

P = ParamSpec("P")
R = TypeVar("R")


def vmap(
    func: Callable[P, R],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[P, R]:
    """`func` applied to each slice of its arguments along a batch axis, the results stacked.

    `func` is traced on the first slice, and each op that it calls is then called once for the whole
    batch; it is called on the last slice, too, to see that it agrees.  A function of which a trace
    cannot tell everything (a branch on a number, random draws, changes in place) is called slice by
    slice.  Both ways are recorded and differentiable.

    in_dims      the batch axis of each argument: an int for all, or a tuple with an int, None
                 (passed whole to each call) or a tree of these for each argument; what is not
                 a tensor is passed whole
    out_dims     where the batch axis goes in the results: an int, or a tree; None for a result that
                 is the same for all slices, and is returned once
    randomness   what random numbers do, as in PyTorch: "error" refuses them, "different" draws new
                 ones for each slice, "same" repeats those of the first
    chunk_size   how many slices are computed at once; None: as many as fit into moderate memory

    Raises   ValueError if no argument has a batch axis, if the batch is empty, if sizes differ, or
             an axis is out of range; TypeError if `func` returns anything but tensors; RuntimeError
             if it draws random numbers and `randomness` is "error".
    Example  >>> import minigrad as mg
             >>> mg.func.vmap(lambda x: x.sum())(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
             tensor([3., 7.])
    """
    if randomness not in ("error", "different", "same"):
        raise ArgumentError(f"vmap: randomness is error, different or same, got {randomness!r}")

    @wraps(func)
    def of_batch(*args: P.args, **kwargs: P.kwargs) -> R:
        leaves, rebuild = flatten(list(args))
        dims = in_dims if isinstance(in_dims, (tuple, list)) else (in_dims,) * len(args)
        axes = axes_for(dims, args, "in_dims")
        size = batch_size(leaves, axes)
        together = all_at_once(func, leaves, axes, rebuild, kwargs, out_dims, chunk_size)
        if together is not None:
            return together
        state = get_rng_state()
        results = []
        for i in range(size):
            if randomness == "same":
                set_rng_state(state)
            slices = [slice_along(x, a, i) for x, a in zip(leaves, axes)]
            results.append(func(*rebuild(slices), **kwargs))
        if randomness == "error" and get_rng_state() != state:
            raise RuntimeError(
                "vmap: the function draws random numbers; say whether each slice has its own, "
                'randomness="different", or all the same, randomness="same"'
            )
        stacked_results: R = joined(results, out_dims)
        return stacked_results

    return of_batch


def all_at_once(
    func: Callable[..., Any],
    leaves: Sequence[Any],
    axes: Sequence[int | None],
    rebuild: Callable[[list[Any]], Any],
    kwargs: dict[str, Any],
    out_dims: Any,
    chunk_size: int | None,
) -> Any:
    """The results for all slices, each op called once; None if that takes a loop."""
    places = [i for i, axis in enumerate(axes) if axis is not None]
    inputs = [ops.movedim(leaves[i], axes[i], 0) if axes[i] else leaves[i] for i in places]

    def of_slices(*slices: Any) -> Any:
        given = list(leaves)
        for i, each in zip(places, slices):
            given[i] = each
        return func(*rebuild(given), **kwargs)

    found = batched(of_slices, inputs, chunk_size)
    if found is None:
        return None
    results, tree_of = found
    if not all([isinstance(value, Variable) for value, _ in results]):
        return None  # the loop says what is wrong
    tree = tree_of([value for value, _ in results])
    if isinstance(out_dims, tuple) and len(out_dims) == 1 and isinstance(tree, Variable):
        out_dims = out_dims[0]
    placed = []
    for (value, is_batch), place in zip(results, axes_for(out_dims, tree, "out_dims")):
        dims = value.ndim + (not is_batch)
        if place is None:
            if is_batch:
                return None
            placed.append(value)
        elif not -dims <= place < dims:
            return None
        elif is_batch:
            placed.append(ops.movedim(value, 0, place) if place else value)
        else:
            placed.append(ops.stack([value] * inputs[0].shape[0], place))
    return tree_of(placed)


def batch_size(leaves: Sequence[Any], axes: Sequence[int | None]) -> int:
    """The size of the batch axes, which must all be there and agree."""
    sizes = set()
    for x, axis in zip(leaves, axes):
        if axis is None:
            continue
        shape = x._array.shape
        if not -len(shape) <= axis < len(shape):
            raise ArgumentError(
                f"vmap: in_dims {axis} for a tensor of shape {shape}, which has no such axis "
                "(in_dims None passes a tensor whole)"
            )
        sizes.add(shape[axis])
    if len(sizes) != 1:
        found = "no argument has a batch axis" if not sizes else f"batch sizes {sorted(sizes)}"
        raise ArgumentError(f"vmap: {found}; in_dims must name axes of one size")
    size: int = sizes.pop()
    if size == 0:
        raise ArgumentError("vmap: the batch is empty, so the form of the result is not known")
    return size


def joined(results: Sequence[Any], out_dims: Any) -> Any:
    """The results of the slices, stacked leaf by leaf."""
    first = results[0]
    if isinstance(out_dims, tuple) and len(out_dims) == 1 and isinstance(first, Variable):
        out_dims = out_dims[0]
    check_outputs(first, "vmap")
    _, rebuild = flatten(first)
    columns = zip(*[[y for _, y, _ in paired(result, first)] for result in results])
    places = axes_for(out_dims, first, "out_dims")
    return rebuild([join(column, place) for column, place in zip(columns, places)])


def join(column: Sequence[Any], place: int | None) -> Any:
    """One result of all slices, along a new axis at `place`; None: they must all be the same."""
    first = column[0]
    for y in column:
        if not isinstance(y, Variable):
            raise TypeError(f"vmap: the function must return tensors, it returned {describe(y)}")
    if place is None:
        if not all(np.array_equal(first._array, y._array, equal_nan=True) for y in column):
            raise ArgumentError(
                "vmap: out_dims is None for a result that differs between the slices"
            )
        return first
    dims = first._array.ndim + 1
    if not -dims <= place < dims:
        raise ArgumentError(
            f"vmap: out_dims {place} is out of range for a result of {dims} axes, the batch "
            "included"
        )
    return ops.stack(list(column), place)


def axes_for(dim: Any, tree: Any, what: str) -> list[Any]:
    """A batch axis for each leaf of `tree`: one for all below it, or given by a tree of axes."""
    if isinstance(dim, dict) and isinstance(tree, dict) and set(dim) == set(tree):
        return [a for key in tree for a in axes_for(dim[key], tree[key], what)]
    branches = (tuple, list)
    if isinstance(dim, branches) and isinstance(tree, branches) and len(dim) == len(tree):
        return [a for d, branch in zip(dim, tree) for a in axes_for(d, branch, what)]
    if dim is None or (isinstance(dim, (int, np.integer)) and not isinstance(dim, bool)):
        return [dim if isinstance(leaf, Variable) else None for leaf in leaves_of(tree)]
    raise ArgumentError(
        f"vmap: {what} {dim!r} does not fit {describe(tree)}: it is an int, None, or a tree of them"
    )


def slice_along(x: Any, axis: int | None, i: int) -> Any:
    if axis is None or not isinstance(x, Variable):
        return x
    tensor: Any = x
    return tensor[(slice(None),) * (axis % tensor._array.ndim) + (i,)]
