"""Making tensors.

Everywhere: `dtype` None means the default floating-point type where nothing says otherwise
(float32, see `set_default_dtype`); `device` may only be the CPU; with `requires_grad` the tensor is
a leaf that backward brings a gradient.  A shape is given as numbers, ``zeros(2, 3)``, or as one
tuple.
"""

from __future__ import annotations

import math
import operator
from array import array as array_of_python
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from minigrad import devices, dtypes, errors, promotion
from minigrad.composition import composition
from minigrad.errors import ArgumentError
from minigrad.graph import Variable, wrap
from minigrad.memory import Alias
from minigrad.ops.conversion import _bfloat16
from minigrad.sparse import is_sparse
from minigrad.typed import Tensor

__all__ = [
    "Size", "arange", "as_tensor", "asarray", "broadcast_shapes", "empty", "empty_like", "eye",
    "from_numpy", "full", "full_like", "is_complex", "is_floating_point", "is_signed", "is_tensor",
    "linspace", "logspace", "numel", "ones", "ones_like", "result_type", "tensor", "tril_indices",
    "triu_indices", "zeros", "zeros_like",
]  # fmt: skip

Array = Any


def shape_of(name: str, size: tuple[Any, ...]) -> tuple[int, ...]:
    """The shape that the arguments `size` of the function `name` stand for.

    Raises   TypeError if a size is not an integer, ValueError if one is negative.
    """
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = tuple(size[0])
    try:
        shape = tuple([operator.index(n) for n in size])
    except TypeError as error:
        error.add_note(f"{name}: a shape is integers or one tuple of integers, got {size}")
        raise
    if any(n < 0 for n in shape):
        raise ArgumentError(f"{name}: sizes are not negative, got {shape}")
    return shape


def finish(array: Array, requires_grad: bool = False, device: Any = None) -> Tensor:
    """A new tensor around a new array."""
    devices.check(device)
    made: Tensor = wrap(np.asarray(array))
    return made.requires_grad_() if requires_grad else made


def floating(dtype: Any) -> np.dtype[Any]:
    """`dtype`, or the default one."""
    return promotion.default_dtype if dtype is None else dtypes.resolve(dtype)


def type_of_number(value: Any, dtype: Any) -> np.dtype[Any]:
    """`dtype`, or the one that a tensor of the number `value` has."""
    return as_array(value).dtype if dtype is None else dtypes.resolve(dtype)


P = ParamSpec("P")
R = TypeVar("R")
UNUSED = ("layout", "pin_memory", "memory_format", "names")  # of PyTorch: they change nothing here


def creating(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function that makes tensors take PyTorch's other arguments: size=, out=, layout=."""
    code = function.__code__
    takes_sizes = bool(code.co_flags & 0x04)
    of_dtype = "dtype" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Any:
        if not kwargs:
            return function(*args, **kwargs)
        given: Any = {name: value for name, value in kwargs.items() if name not in UNUSED}
        if takes_sizes and "size" in given:
            args = (*args, given.pop("size"))  # type: ignore[assignment]  # a size more
        out = given.pop("out", None)
        if out is None:
            return function(*args, **given)
        if of_dtype:
            given.setdefault("dtype", out.dtype)
        made: Any = function(*args, **given)
        return out.resize_(made.shape).copy_(made)

    return call


# ------------------------------------------------------------------------------------- from numbers


def as_array(data: Any, dtype: Any = None) -> np.ndarray:
    """`data` as an array with the types of PyTorch: Python floats take the default dtype."""
    if isinstance(data, Variable):
        data = data._array
    if dtype is not None:
        return array_of_lists(data, dtype)
    if is_array(data):
        array = np.array(data, order="C")
    else:
        array = array_of_lists(data)
        if array.dtype == np.float64 and not holds_float64(data):
            array = array.astype(promotion.default_dtype)
    if is_sparse(data):
        raise TypeError("a tensor is dense: A.toarray() is the dense array of a sparse matrix")
    if array.dtype.kind not in "biuf":
        kind = "see mg.complex(real, imag)" if array.dtype.kind == "c" else "not numbers"
        raise TypeError(f"a tensor holds real numbers or booleans, got dtype {array.dtype}: {kind}")
    return array


def is_array(data: Any) -> bool:
    """Whether something has a type of numbers of its own, as an array, a series or a buffer has."""
    foreign = (np.ndarray, np.generic, memoryview, array_of_python)
    return isinstance(data, foreign) or hasattr(data, "__array__")


def array_of_lists(data: Any, dtype: Any = None) -> np.ndarray:
    """NumPy's array of nested lists, whose error says which list has another length."""
    lists = nested(data)
    try:
        return np.array(lists, dtype=dtype)
    except ValueError as error:
        ragged = errors.ragged(lists)
        if ragged:
            error.add_note(ragged)
        raise


def nested(data: Any) -> Any:
    """Lists that hold tensors as lists that hold arrays; a tensor that requires grad is refused."""
    if isinstance(data, Variable):
        if data._node is not None:
            raise TypeError(
                "tensor(...) of a list with tensors that require grad: use mg.stack(...)"
            )
        return data._array
    if isinstance(data, (list, tuple)):
        return [nested(item) for item in data]
    return data


def holds_float64(data: Any) -> bool:
    """Whether nested lists hold NumPy's float64 rather than Python's floats."""
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return isinstance(data, (np.ndarray, np.float64, Variable))


@creating
def tensor(
    data: Any, dtype: Any = None, *, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor that holds a copy of `data`.

    data     a number, nested lists of numbers, an array or a tensor.  Python floats take the
             default dtype, integers int64, booleans bool; arrays keep their type.
    Raises   TypeError if `data` holds no real numbers; ValueError if lists are ragged.
    Example  >>> mg.tensor([[1.0, 2.0], [3.0, 4.0]])
             tensor([[1., 2.],
                     [3., 4.]])
    """
    devices.check(device)
    if dtype is dtypes.bfloat16:
        rounded = _bfloat16(as_array(data))
        return finish(rounded, requires_grad)
    return finish(as_array(data, None if dtype is None else dtypes.resolve(dtype)), requires_grad)


def from_numpy(array: Array) -> Tensor:
    """A tensor on the memory of a NumPy array: a change of one is seen in the other.

    Raises   TypeError if `array` is not an array of real numbers or booleans.
    Example  >>> a = np.zeros(2, np.float32)
             >>> t = mg.from_numpy(a)
             >>> a[0] = 5.0
             >>> t
             tensor([5., 0.])
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(
            f"from_numpy takes a NumPy array, got {type(array).__name__}; see mg.tensor"
        )
    dtypes.resolve(array.dtype)
    made: Tensor = wrap(array)
    made._alias = Alias(made)
    made._alias.detached = True  # the array looks at the same memory
    return made


def as_tensor(data: Any, dtype: Any = None, *, device: Any = None) -> Tensor:
    """`data` as a tensor, sharing its memory where that is possible.

    data     a tensor is returned as it is, or converted (differentiably) if `dtype` differs; an
             array shares its memory if its type needs no conversion; all else is copied
    Raises   TypeError if `data` holds no real numbers.
    Example  >>> t = mg.tensor([1.0])
             >>> mg.as_tensor(t) is t
             True
    """
    devices.check(device)
    if isinstance(data, Variable):
        same: Any = data
        return same if dtype is None else same.to(dtypes.resolve(dtype))
    if isinstance(data, np.ndarray) and (dtype is None or data.dtype == dtypes.resolve(dtype)):
        return from_numpy(data)
    return tensor(data, dtype)


def asarray(
    obj: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """`obj` as a tensor.

    copy     True: always a copy; None: only where needed; False: never
    Raises   ValueError if `copy` is False and the memory cannot be shared; TypeError if `obj` holds
             no real numbers.
    Example  >>> mg.asarray([1.0, 2.0])
             tensor([1., 2.])
    """
    shared = as_tensor(obj, dtype, device=device)
    same_memory = isinstance(obj, (Variable, np.ndarray)) and np.shares_memory(
        shared._array, getattr(obj, "_array", obj)
    )
    if copy is False and not same_memory and shared.numel():
        raise ArgumentError("asarray: the memory cannot be shared, but copy=False asks for that")
    if copy and same_memory:
        shared = shared.clone()
    return shared.requires_grad_() if requires_grad else shared


# ---------------------------------------------------------------------------------- filled evenly


@creating
def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of zeros.

    Raises   ValueError if a size is negative.
    Example  >>> mg.zeros(2, 3)
             tensor([[0., 0., 0.],
                     [0., 0., 0.]])
    """
    return finish(np.zeros(shape_of("zeros", size), floating(dtype)), requires_grad, device)


@creating
def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of ones.

    Raises   ValueError if a size is negative.
    Example  >>> mg.ones(2)
             tensor([1., 1.])
    """
    return finish(np.ones(shape_of("ones", size), floating(dtype)), requires_grad, device)


@creating
def empty(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of whatever its memory held.

    Raises   ValueError if a size is negative.
    Example  >>> mg.empty(2, 3).shape
             (2, 3)
    """
    return finish(np.empty(shape_of("empty", size), floating(dtype)), requires_grad, device)


@creating
def full(
    size: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of one number.

    fill_value  also says the type, where `dtype` does not: bool, int64 or the default one
    Raises      ValueError if a size is negative.
    Example     >>> mg.full((2,), 0.5)
                tensor([0.5, 0.5])
    """
    size = size if isinstance(size, (tuple, list)) else (size,)
    value = fill_value._array if isinstance(fill_value, Variable) else fill_value
    array = np.full(shape_of("full", tuple(size)), value, type_of_number(value, dtype))
    return finish(array, requires_grad, device)


@creating
def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The identity matrix, or ones on the diagonal of an n by m one.

    Raises   ValueError if a size is negative.
    Example  >>> mg.eye(2)
             tensor([[1., 0.],
                     [0., 1.]])
    """
    shape = shape_of("eye", (n, n if m is None else m))
    return finish(np.eye(*shape, dtype=floating(dtype)), requires_grad, device)


# ------------------------------------------------------------------------------------- like another


def like(input: Tensor, dtype: Any) -> np.dtype[Any]:
    """`dtype`, or that of `input`."""
    if not isinstance(input, Variable):
        raise TypeError(f"a tensor was expected, got {type(input).__name__}; wrap it in mg.tensor")
    kind: np.dtype[Any] = input._array.dtype if dtype is None else dtypes.resolve(dtype)
    return kind


@creating
def zeros_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Zeros of the shape and type of another tensor.

    Example  >>> mg.zeros_like(mg.tensor([1, 2]))
             tensor([0, 0])
    """
    kind = like(input, dtype)
    return finish(np.zeros_like(input._array, kind), requires_grad, device)


@creating
def ones_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Ones of the shape and type of another tensor.

    Example  >>> mg.ones_like(mg.tensor([1.0, 2.0]))
             tensor([1., 1.])
    """
    kind = like(input, dtype)
    return finish(np.ones_like(input._array, kind), requires_grad, device)


@creating
def empty_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of the shape and type of another, of whatever its memory held.

    Example  >>> mg.empty_like(mg.zeros(2, 3)).shape
             (2, 3)
    """
    kind = like(input, dtype)
    return finish(np.empty_like(input._array, kind), requires_grad, device)


@creating
def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """One number, in the shape and type of another tensor.

    Example  >>> mg.full_like(mg.zeros(2), 3)
             tensor([3., 3.])
    """
    kind = like(input, dtype)
    value = fill_value._array if isinstance(fill_value, Variable) else fill_value
    return finish(np.full_like(input._array, value, kind), requires_grad, device)


# ------------------------------------------------------ methods: new tensors of the type of another


@creating
def new_tensor(
    self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`data` in a tensor of the type of this one.

    Example  >>> mg.zeros(1).new_tensor([1, 2])
             tensor([1., 2.])
    """
    kind = like(self, dtype)
    return tensor(data, kind, device=device, requires_grad=requires_grad)


@creating
def new_zeros(
    self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Zeros of the type of this tensor.

    Example  >>> mg.tensor([1]).new_zeros(2)
             tensor([0, 0])
    """
    kind = like(self, dtype)
    return zeros(*size, dtype=kind, device=device, requires_grad=requires_grad)


@creating
def new_ones(
    self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Ones of the type of this tensor.

    Example  >>> mg.tensor([1]).new_ones(2)
             tensor([1, 1])
    """
    kind = like(self, dtype)
    return ones(*size, dtype=kind, device=device, requires_grad=requires_grad)


@creating
def new_empty(
    self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of the type of this one, of whatever its memory held.

    Example  >>> mg.zeros(1).new_empty(2, 3).shape
             (2, 3)
    """
    kind = like(self, dtype)
    return empty(*size, dtype=kind, device=device, requires_grad=requires_grad)


@creating
def new_full(
    self: Tensor,
    size: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """One number, in a tensor of the type of this one.

    Example  >>> mg.zeros(1).new_full((2,), 3)
             tensor([3., 3.])
    """
    kind = like(self, dtype)
    return full(size, fill_value, dtype=kind, device=device, requires_grad=requires_grad)


# ------------------------------------------------------------------------------------------- ranges


@creating
def arange(
    start: Any,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from `start` up to, not including, `end`; ``arange(n)`` counts from 0 to n - 1.

    step     distance of neighbours, may be negative
    Returns  int64 if all arguments are integers, else the default type
    Raises   ValueError if `step` is 0.
    Example  >>> mg.arange(5)
             tensor([0, 1, 2, 3, 4])
             >>> mg.arange(1, 2, 0.25)
             tensor([1.  , 1.25, 1.5 , 1.75])
    """
    if end is None:
        start, end = 0, start
    start, end, step = [v.item() if hasattr(v, "item") else v for v in (start, end, step)]
    if step == 0:
        raise ArgumentError("arange: step is 0, the range would never end")
    if dtype is None:
        integers = all(isinstance(v, int) for v in (start, end, step))
        dtype = np.int64 if integers else promotion.default_dtype
    kind = np.dtype(dtypes.resolve(dtype))
    return finish(promotion.counted(start, end, step, kind), requires_grad, device)


@creating
def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` numbers, evenly spaced, from `start` to `end`, both included.

    Raises   ValueError if `steps` is negative.
    Example  >>> mg.linspace(0, 1, 5)
             tensor([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    (steps,) = shape_of("linspace", (steps,))
    kind = floating(dtype)
    first, last = promotion.ends(start, end, kind)
    return finish(np.linspace(first, last, steps).astype(kind), requires_grad, device)


@creating
def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` numbers from ``base**start`` to ``base**end``, in equal ratios.

    Raises   ValueError if `steps` is negative.
    Example  >>> mg.logspace(0, 2, 3)
             tensor([  1.,  10., 100.])
    """
    (steps,) = shape_of("logspace", (steps,))
    kind = floating(dtype)
    first, last = promotion.ends(start, end, kind)
    array = np.logspace(first, last, steps, base=base)
    return finish(array.astype(kind), requires_grad, device)


# ---------------------------------------------------------------------------------------- triangles


@creating
def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = np.int64, device: Any = None
) -> Tensor:
    """Positions of the lower triangle of a `row` by `col` matrix: row numbers, then column numbers.

    offset   diagonals above the main one to include; negative: to leave out
    Returns  integers, (2, number of positions)
    Example  >>> mg.tril_indices(2, 2)
             tensor([[0, 1, 1],
                     [0, 0, 1]])
    """
    shape = shape_of("tril_indices", (row, col))
    array = np.stack(np.nonzero(np.tri(shape[0], shape[1], offset, dtype=bool)))
    return finish(array.astype(dtypes.resolve(dtype)), device=device)


@creating
def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = np.int64, device: Any = None
) -> Tensor:
    """Positions of the upper triangle of a `row` by `col` matrix: row numbers, then column numbers.

    offset   first diagonal to include: 0 is the main one
    Returns  integers, (2, number of positions)
    Example  >>> mg.triu_indices(2, 2)
             tensor([[0, 0, 1],
                     [0, 1, 1]])
    """
    shape = shape_of("triu_indices", (row, col))
    array = np.stack(np.nonzero(~np.tri(shape[0], shape[1], offset - 1, dtype=bool)))
    return finish(array.astype(dtypes.resolve(dtype)), device=device)


# ---------------------------------------------------------------------------------------- questions


class Size(tuple[int, ...]):
    """The shape of a tensor: a tuple that can count.

    Example    >>> mg.zeros(2, 3).shape.numel()
               6
    """

    __slots__ = ()

    def numel(self) -> int:
        """Number of entries."""
        return math.prod(self)


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that shapes broadcast to.

    Raises     ValueError if they do not
    Example    >>> mg.broadcast_shapes((2, 1), (3,))
               (2, 3)
    """
    given = [s if isinstance(s, int) else tuple(s) for s in shapes]
    return Size(np.broadcast_shapes(*given))


def is_tensor(obj: Any) -> bool:
    """Whether `obj` is a tensor.

    Example    >>> mg.is_tensor(mg.zeros(2)), mg.is_tensor(np.zeros(2))
               (True, False)
    """
    return isinstance(obj, Variable)


@composition
def is_floating_point(input: Any) -> bool:
    """Whether the entries are floating-point numbers.

    Example    >>> mg.is_floating_point(mg.tensor([1]))
               False
    """
    return bool(input.dtype.kind == "f")


@composition
def is_complex(input: Any) -> bool:
    """Whether the entries are complex numbers, as `minigrad.fft` returns them.

    Example    >>> mg.is_complex(mg.tensor([1.0]))
               False
    """
    return bool(input.dtype.kind == "c")


@composition
def is_signed(input: Any) -> bool:
    """Whether the type has negative numbers.

    Example    >>> mg.is_signed(mg.tensor([1], dtype=mg.uint8))
               False
    """
    return bool(input.dtype.kind in "if")


def result_type(tensor1: Any, tensor2: Any) -> np.dtype[Any]:
    """The type of what is computed from two tensors or numbers.

    Forward    the type of the highest kind, in which tensors with dimensions outrank 0-d tensors,
               and these numbers
    Example    >>> mg.result_type(mg.tensor([1, 2], dtype=mg.int32), 1.0)
               dtype('float32')
    """
    given: list[tuple[int, Any]] = []
    for value in (tensor1, tensor2):
        if isinstance(value, Variable):
            given.append((0 if value._array.ndim else 1, value._array.dtype))
        else:
            given.append((2, type_of_number(value, None)))
    top = max(dtypes.kind_rank(dtype) for _, dtype in given)
    ranked = [(level, dtype) for level, dtype in given if dtypes.kind_rank(dtype) == top]
    first = min(level for level, _ in ranked)
    found = [dtype for level, dtype in ranked if level == first]
    return found[0] if len(found) == 1 else dtypes.promote_types(*found)


@composition
def numel(input: Any) -> int:
    """Number of entries.

    Example    >>> mg.numel(mg.zeros(2, 3))
               6
    """
    return math.prod(input.shape)
