"""In-place operations, with PyTorch's meaning.

On a tensor that is not recorded, the memory is changed and every view of it changes with it.

On a recorded one (the tensor or the new value requires grad, and recording is on), the handle is
moved to a new node: ``x += y`` is ``x = x + y``, and what other nodes saved of the old x stays as
it was.  If other handles look at the same memory they must see the change, too: then the memory is
changed, and the node of each handle that overlaps is made anew: its old value, with the entries at
the same addresses replaced.

A leaf that requires grad is refused outside ``no_grad``: the gradient would be of its old value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.errors import ArgumentError, of_both_kinds, refuse_sparse
from minigrad.graph import Array, Leaf, Node, Output, Variable, plain, wrap
from minigrad.memory import is_copy, keep_original, writes
from minigrad.modes import recording
from minigrad.ops import conversion, indexing


def update(
    tensor: Variable, name: str, function: Callable[..., Any], /, *operands: Any, **statics: Any
) -> Any:
    """Give `tensor` the value ``function(tensor, *operands, **statics)``, and return it.

    Raises   RuntimeError for a leaf that requires grad, or a view of one; ValueError if the new
             value has another shape; TypeError if the tensor's type cannot hold it.
    """
    check_tensor(tensor, name)
    if not is_recorded(tensor, *operands, *statics.values()):
        refuse_hidden(tensor, name)
        if recording.trace is None:
            operands = tuple([plain(operand) for operand in operands])
            statics = {key: plain(value) for key, value in statics.items()}
        value = function(wrap(tensor._array), *operands, **statics)
        write(tensor, value._array, name)
        return tensor
    refuse_leaf(tensor, name)
    refuse_hidden(tensor, name)
    # where the memory itself will change, the node saves a copy of what it was
    before = wrap(tensor._array.copy("K"), tensor._node) if is_shared(tensor) else tensor
    operands = tuple([before if operand is tensor else operand for operand in operands])
    value = function(before, *operands, **statics)
    check_fits(tensor, value._array, name)
    if value._array.dtype != tensor._array.dtype:
        value = conversion.astype(value, tensor._array.dtype)
    replace(tensor, value, name)
    return tensor


def check_tensor(tensor: Any, name: str) -> None:
    if not isinstance(tensor, Variable):
        raise TypeError(
            f"{name}: what is changed in place is a tensor, got {type(tensor).__name__}"
        )


def is_recorded(*operands: Any) -> bool:
    """Whether an operation on these has a gradient to keep."""
    for each in operands:
        if isinstance(each, Variable) and each._node is not None:
            return recording.enabled
    return False


def is_shared(tensor: Variable) -> bool:
    """Whether others look at the memory of `tensor`, which an in-place operation must change."""
    alias = tensor._alias
    return alias is not None and (alias.detached or len(alias.live()) > 1)


def write(tensor: Variable, value: Array, name: str) -> None:
    """Change the memory of `tensor`."""
    check_fits(tensor, value, name)
    check_writeable(tensor, name)
    np.copyto(tensor._array, value, casting="same_kind")
    writes.note(tensor._array, name)
    if recording.watch is not None:
        recording.watch.note_write(tensor._array, value)


def check_writeable(tensor: Variable, name: str) -> None:
    if recording.trace is not None:
        recording.trace.refuse_writing(name)
        keep_original(recording.trace, tensor._array)
    if not tensor._array.flags.writeable:
        raise ArgumentError(
            f"{name}: this tensor cannot be written to (it is expanded, or on a read-only array); "
            "change a clone() of it"
        )
    if is_copy(tensor):
        raise ValueError(
            f"{name}: this tensor is a copy of one whose rows are not side by side in memory, and "
            "the change would not reach that one; change that one itself, or a clone() of this"
        )


def check_fits(tensor: Variable, value: Array, name: str) -> None:
    if value.shape != tensor._array.shape:
        raise ArgumentError(
            f"{name}: the result has shape {value.shape}, which does not fit in place into a "
            f"tensor of shape {tensor._array.shape}"
        )
    dtype = tensor._array.dtype
    if value.dtype != dtype and not np.can_cast(value.dtype, dtype, "same_kind"):
        raise TypeError(
            f"{name}: a result of type {value.dtype} cannot be stored in a tensor of type "
            f"{tensor._array.dtype}"
        )


def refuse_leaf(tensor: Variable, name: str) -> None:
    root = tensor._alias.root() if tensor._alias is not None else None
    for handle, what in ((tensor, "a leaf"), (root, "a view of a leaf")):
        if handle is not None and type(handle._node) is Leaf:
            raise RuntimeError(
                f"{name} on {what} that requires grad: its gradient would be that of the old "
                "value. Do it inside mg.no_grad(), or on a clone()"
            )


def refuse_hidden(tensor: Variable, name: str) -> None:
    """Complain if `tensor`, without a history, is a way into the memory of a recorded one.

    It was made under no_grad, or taken out of the graph while views of it were not: a change would
    be seen by the others, and their gradients would not know.  What `detach` returns is another
    matter: it is the way to change numbers behind the back of the graph.
    """
    alias = tensor._alias
    if alias is None or not recording.enabled or tensor._node is not None:
        return
    root = alias.root()
    if root is not None and root is not tensor:
        hidden = root._node is not None
    else:
        hidden = any(type(h._node) in (Node, Output) for h in alias.live() if h is not tensor)
    if hidden:
        raise RuntimeError(
            f"{name} on a tensor without a history (made under no_grad, or detach_() was called) "
            "whose memory belongs to a recorded one: the gradient would not know of the change. Do "
            "it inside mg.no_grad(), or on a clone()"
        )


def replace(tensor: Variable, value: Variable, name: str) -> None:
    """Move `tensor`, and all that look at the same memory, to the recorded `value`."""
    if not is_shared(tensor):
        tensor._array, tensor._alias = value._array, None
        move(tensor, value._node)
        return
    check_writeable(tensor, name)
    array = tensor._array
    handles = tensor._alias.live()
    root = tensor._alias.root()
    root = tensor if root is None else root
    others = [handle for handle in handles if handle is not tensor]
    changed = [(handle, merged(handle, value, array)) for handle in others]
    np.copyto(array, value._array)
    writes.note(array, name)
    move(tensor, value._node)
    for handle, node in changed:
        if node is not None:
            move(handle, node)
    for handle in handles:  # views are views of what the root is now: its gradient counts theirs
        if handle is not root and handle._node is not None and root._node is not None:
            found = places(handle._array, root._array)
            if found is not None:
                move(handle, indexing._take(root, found)._node)


def move(tensor: Variable, node: Any) -> None:
    """Give `tensor` its new place in the graph; its wish to keep its gradient goes with it."""
    extras = getattr(tensor._node, "extras", None)
    tensor._node = node
    if extras is not None and extras.retain:
        extras.retain = False
        tensor.retain_grad()  # type: ignore[attr-defined]  # all handles are Tensors


def merged(handle: Variable, value: Variable, array: Array) -> Any:
    """The node of `handle` after `value` is written to `array`; None if they share no address."""
    if not array.size or not np.may_share_memory(handle._array, array):
        return None
    found, common = matched(handle._array, array)
    if not common.any():
        return None
    if common.all():
        return indexing._take(value, found)._node
    old = wrap(handle._array, handle._node)
    return indexing._setitem(old, indexing._take(value, found[common]), common)._node


def matched(part: Array, whole: Array) -> tuple[Array, Array]:
    """Where in `whole`, row by row, each entry of `part` is, and whether it is there."""
    wanted, there = addresses(part), addresses(whole).ravel()
    order = np.argsort(there, kind="stable")
    found = order[np.minimum(np.searchsorted(there[order], wanted), there.size - 1)]
    return found, there[found] == wanted


def places(part: Array, whole: Array) -> Array | None:
    """Where in `whole` the entries of `part` are; None unless all of them are there."""
    if not part.size or not np.may_share_memory(part, whole):
        return None
    found, common = matched(part, whole)
    return found if common.all() else None


def addresses(array: Array) -> Array:
    """The address of each entry."""
    total = np.full(array.shape, array.__array_interface__["data"][0], np.int64)
    for axis, (size, stride) in enumerate(zip(array.shape, array.strides)):
        total += (np.arange(size) * stride).reshape((-1,) + (1,) * (array.ndim - axis - 1))
    return total


# ------------------------------------------------------------------------------ assignment, methods


def assign(tensor: Variable, index: Any, value: Any) -> None:
    """``tensor[index] = value``.

    Raises   IndexError if an index is out of range; ValueError if the value does not broadcast;
             RuntimeError for a leaf that requires grad, or a view of one.
    """
    name = "t[i] = v"
    if value is None:
        raise TypeError(f"{name}: v is a number, an array or a tensor, got None")
    index = indexing.plain_index(index)
    if isinstance(value, Variable) and is_there_already(tensor, index, value):
        return
    steps = indexing.integers_first(index)
    if steps is not None:  # a write to the view that the integers take
        part = indexing._getitem(tensor, steps[0])
        if part._array.size or not is_recorded(tensor, value):
            assign(part, steps[1], value)
        else:  # no memory tells that an empty part belongs to the tensor
            refuse_leaf(tensor, name)
            inner = indexing._setitem(part, value, steps[1])
            replace(tensor, indexing._setitem(tensor, inner, steps[0]), name)
        return
    recorded = is_recorded(tensor, value)
    if recorded:
        refuse_leaf(tensor, name)
    refuse_hidden(tensor, name)
    if not recorded:
        check_writeable(tensor, name)
        if recording.trace is not None:
            value = value if isinstance(value, Variable) else np.asarray(value)
            new = indexing._setitem(wrap(tensor._array), fitted(tensor._array, index, value), index)
            write(tensor, new._array, name)
            return
        try:
            tensor._array[index] = fitted(tensor._array, index, plain(value))
        except ValueError as error:
            refuse_sparse(error, name, (value,))
            shape = indexing.view_at(tensor._array, index).shape
            error.add_note(f"{name}: t[i] has shape {shape}, v has shape {np.shape(plain(value))}")
            raise of_both_kinds(error) from None
        writes.note(tensor._array, name)
        return
    if not isinstance(value, Variable):
        value = np.asarray(value, tensor._array.dtype)
    value = fitted(tensor._array, index, value)
    replace(tensor, indexing._setitem(tensor, value, index), name)


def fitted(array: Array, index: Any, value: Any) -> Any:
    """`value` without leading axes of size 1 that ``array[index]`` does not have.

    NumPy drops them in an assignment, but not in one to a single entry; their gradient has them.
    """
    extra = np.ndim(value)
    if not extra or value.shape[0] != 1:
        return value
    extra -= indexing.view_at(array, index).ndim
    if extra < 1 or any(n != 1 for n in value.shape[:extra]):
        return value
    return value.reshape(value.shape[extra:])


def is_there_already(tensor: Variable, index: Any, value: Variable) -> bool:
    """Whether `value` is the view ``tensor[index]``, as in the last step of ``t[i] += v``."""
    if value._alias is None or value._alias is not tensor._alias or not indexing.is_basic(index):
        return False
    there, here = indexing.view_at(tensor._array, index), value._array
    if there.shape != here.shape or there.strides != here.strides or there.dtype != here.dtype:
        return False
    same: bool = there.__array_interface__["data"] == here.__array_interface__["data"]
    return same


def overwrite(tensor: Any, name: str, value: Any) -> Any:
    """Give all entries of `tensor` the values of `value`, converted to its type."""
    check_tensor(tensor, name)
    if is_recorded(tensor, value):
        return update(tensor, name, indexing._overwrite, value)
    refuse_hidden(tensor, name)
    if recording.trace is not None:
        write(tensor, indexing._overwrite(wrap(tensor._array), value)._array, name)
        return tensor
    check_writeable(tensor, name)
    try:
        np.copyto(tensor._array, plain(value), casting="unsafe")
    except ValueError as error:
        refuse_sparse(error, name, (value,))
        raise of_both_kinds(error) from None
    writes.note(tensor._array, name)
    return tensor


def zero_(self: Any) -> Any:
    """Fill this tensor with zeros, and return it.

    Example  >>> mg.ones(2).zero_()
             tensor([0., 0.])
    """
    return overwrite(self, "zero_", 0)


def fill_(self: Any, value: Any) -> Any:
    """Fill this tensor with one number, and return it.

    Raises   ValueError if `value` has dimensions.
    Example  >>> mg.zeros(2).fill_(3)
             tensor([3., 3.])
    """
    if np.shape(value) != ():
        raise ArgumentError(f"fill_: value is one number, got shape {np.shape(value)}; see copy_")
    return overwrite(self, "fill_", value)


def copy_(self: Any, src: Any, non_blocking: bool = False) -> Any:
    """Give this tensor the entries of `src`, broadcast and converted to its type, and return it.

    Raises   ValueError if `src` does not broadcast to the shape of this tensor.
    Example  >>> mg.zeros(2).copy_(mg.tensor([1, 2]))
             tensor([1., 2.])
    """
    return overwrite(self, "copy_", src)


def method(function: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
    """The in-place method of an op: ``t.f_(...)`` gives t the value of ``t.f(...)``.

    name     what messages call it; left out: ``f_``
    """
    called = name or f"{function.__name__}_"

    def in_place(self: Any, *args: Any, **kwargs: Any) -> Any:
        return update(self, called, function, *args, **kwargs)

    in_place.__name__ = in_place.__qualname__ = called
    in_place.__doc__ = (
        f"`{function.__name__}`, in place: this tensor takes the result's value, and is returned."
    )
    return in_place


def comparison(function: Callable[..., Any]) -> Callable[..., Any]:
    """The in-place method of a comparison: answers are stored as numbers of the tensor's type."""
    called = f"{function.__name__}_"

    def as_numbers(tensor: Any, *operands: Any) -> Any:
        return conversion.astype(function(tensor, *operands), tensor.dtype)

    def in_place(self: Any, *operands: Any) -> Any:
        return update(self, called, as_numbers, *operands)

    in_place.__name__ = in_place.__qualname__ = called
    in_place.__doc__ = f"`{function.__name__}`, in place: 1 where it is true, else 0."
    return in_place


def reshaping(function: Callable[..., Any]) -> Callable[..., Any]:
    """The in-place method of an op that returns a view: the tensor itself becomes that view."""
    called = f"{function.__name__}_"

    def in_place(self: Any, *args: Any, **kwargs: Any) -> Any:
        recorded = is_recorded(self)
        if recorded:
            refuse_leaf(self, called)
        view = function(self, *args, **kwargs)
        self._array = view._array
        if recorded:
            move(self, view._node)
        elif type(self._node) is Leaf:
            self._get_leaf()  # takes the new shape
        return self

    in_place.__name__ = in_place.__qualname__ = called
    in_place.__doc__ = f"`{function.__name__}`, in place: this tensor becomes the view."
    return in_place


def resize_(self: Any, *sizes: Any, memory_format: Any = None) -> Any:
    """Give this tensor another shape, with the entries that fit, and return it.

    Entries beyond the old ones are whatever their memory held.

    Raises   RuntimeError if this tensor requires grad.
    Example  >>> mg.arange(6).resize_(2, 2)
             tensor([[0, 1],
                     [2, 3]])
    """
    if self._node is not None:
        raise RuntimeError("resize_: this tensor requires grad; use reshape, or t.detach()")
    shape = tuple(sizes[0]) if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes
    if any(size < 0 for size in shape):
        raise ArgumentError(f"resize_: sizes are not negative, got {shape}")
    count, entries = int(np.prod(shape)), self._array.reshape(-1)
    if count > entries.size:
        larger = np.empty(count, self._array.dtype)
        larger[: entries.size] = entries
        entries, self._alias = larger, None
    self._array = entries[:count].reshape(shape)
    return self


def resize_as_(self: Any, the_template: Any, *, memory_format: Any = None) -> Any:
    """Give this tensor the shape of another, with the entries that fit, and return it.

    Raises   RuntimeError if this tensor requires grad.
    Example  >>> mg.arange(4).resize_as_(mg.zeros(2))
             tensor([0, 1])
    """
    check_tensor(the_template, "resize_as_")
    return resize_(self, tuple(the_template.shape))


def fill_diagonal_(self: Any, fill_value: float, wrap: bool = False) -> Any:
    """Fill the main diagonal with one number, and return this tensor.

    wrap     go on below the square part of a tall matrix
    Raises   RuntimeError if this tensor requires grad; ValueError for fewer than two axes.
    Example  >>> mg.zeros(2, 2).fill_diagonal_(3)
             tensor([[3., 0.],
                     [0., 3.]])
    """
    if is_recorded(self):
        raise RuntimeError("fill_diagonal_: this tensor requires grad; use diagonal_scatter")
    check_writeable(self, "fill_diagonal_")
    np.fill_diagonal(self._array, fill_value, wrap)
    writes.note(self._array, "fill_diagonal_")
    return self
