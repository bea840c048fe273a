"""``Tensor``: an array that remembers how it was computed.

The class holds properties, the meaning of Python's operators, and one line for each op that is
also a method: functions are descriptors, so ``exp = ops.exp`` is a method with its docstring.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np

from minigrad import (
    creation,
    devices,
    dtypes,
    inplace,
    interchange,
    legacy,
    numpy_protocol,
    ops,
    printing,
    promotion,
    random,
)
from minigrad.backward import HookHandle
from minigrad.backward import backward as run_backward
from minigrad.creation import Size, as_array
from minigrad.graph import Extras, Leaf, Node, Variable, refuse_in_trace, wrap
from minigrad.memory import Alias, is_copy
from minigrad.modes import recording

__all__ = ["Tensor", "as_array"]

UNKEPT = (
    "this tensor is the result of {}, and backward keeps the gradients of leaves only: call "
    "retain_grad() on it before backward, or read the .grad of the leaf that was meant. (A leaf "
    "stays one if it is updated in place: with no_grad(): p -= lr * p.grad)"
)


class Tensor(Variable):
    """An array, its place in the graph, and the gradient that backward brings.

    ``Tensor(2, 3)`` is an uninitialised tensor of that shape and ``Tensor([1, 2])`` one of these
    numbers, in the default dtype, as in PyTorch; `minigrad.tensor` is the usual way.

    Example  >>> import minigrad as mg
             >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
             >>> (x * x).sum().backward()
             >>> x.grad
             tensor([2., 4.])
    """

    __slots__ = ("_leaf", "_name")
    _leaf: Leaf
    _name: str
    __hash__ = object.__hash__

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        tensor = object.__new__(cls)
        tensor._node = None
        tensor._alias = None
        return tensor

    def __init__(self, *data: Any) -> None:
        if len(data) == 1 and not isinstance(data[0], int):
            self._array = as_array(data[0], promotion.default_dtype)
        else:
            self._array = np.empty(data or 0, promotion.default_dtype)

    # ----------------------------------------------------------------------------------- properties

    @property
    def shape(self) -> Size:
        """Sizes of the axes."""
        return Size(self._array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the entries, a NumPy dtype."""
        return self._array.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._array.ndim

    @property
    def nbytes(self) -> int:
        """Bytes of the entries."""
        return self._array.nbytes

    @property
    def itemsize(self) -> int:
        """Bytes of one entry."""
        return self._array.itemsize

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one axis, as in PyTorch; `numel` counts the entries."""
        return Size(self._array.shape) if dim is None else self._array.shape[dim]

    def numel(self) -> int:
        """Number of entries."""
        return self._array.size

    def dim(self) -> int:
        """Number of axes."""
        return self._array.ndim

    ndimension = dim
    nelement = numel

    def element_size(self) -> int:
        """Bytes of one entry."""
        return self._array.itemsize

    def stride(self, dim: int | None = None) -> Any:
        """Entries to step over in memory from one position to the next, along each axis or one."""
        strides = tuple([n // self._array.itemsize for n in self._array.strides])
        return strides if dim is None else strides[dim]

    def is_contiguous(self) -> bool:
        """Whether the memory is in row-major order."""
        return bool(self._array.flags.c_contiguous)

    def data_ptr(self) -> int:
        """The address of the first entry."""
        return int(self._array.__array_interface__["data"][0])

    @property
    def device(self) -> devices.device:
        """Always the CPU."""
        return devices.CPU

    is_cuda = False

    # ------------------------------------------------------------------------------------ the graph

    @property
    def requires_grad(self) -> bool:
        """Whether backward brings this tensor, or what it was computed from, a gradient."""
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for gradients of this tensor (or no longer), and return it.

        Raises   RuntimeError if it is an integer or boolean tensor, or a result that is to stop
                 requiring grad (use detach()).
        """
        if not self.is_leaf:
            if not requires_grad:
                raise RuntimeError(
                    "only a leaf can stop requiring grad; of a result, use t.detach()"
                )
        elif not requires_grad:
            self._node = None
        elif self._node is None:
            if self._array.dtype.kind != "f":
                raise RuntimeError(
                    "only floating-point tensors can require grad, this one is "
                    f"{self._array.dtype}; convert it first, t.float()"
                )
            self._node = self._get_leaf()
        return self

    def _get_leaf(self) -> Leaf:
        """The leaf of this tensor; it outlives ``requires_grad = False`` and keeps the gradient."""
        try:
            leaf = self._leaf
        except AttributeError:
            leaf = self._leaf = Leaf(self)
        leaf.shape, leaf.dtype = self._array.shape, self._array.dtype
        return leaf

    @property
    def is_leaf(self) -> bool:
        """Whether the user made this tensor, rather than an op."""
        return self._node is None or type(self._node) is Leaf

    @property
    def grad_fn(self) -> Node | None:
        """The node that computed this tensor; None for a leaf."""
        return None if self.is_leaf else self._node  # type: ignore[return-value]  # no Leaf

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward brought, a tensor of the same shape, or None.

        Of a result it is kept only after `retain_grad`; without it a UserWarning says so.
        """
        node: Any = self._node
        if node is None:
            leaf = getattr(self, "_leaf", None)
            return None if leaf is None else leaf.grad
        if type(node) is Leaf:
            return node.grad
        extras = node.extras
        if extras is None or not (extras.retain or extras.grad is not None):
            warnings.warn(UNKEPT.format(node.op.name), stacklevel=2)
            return None
        return extras.grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None:
            if not isinstance(value, Variable):
                raise TypeError(f".grad is a tensor or None, got {type(value).__name__}")
            if value._array.shape != self._array.shape:
                raise ValueError(
                    f".grad has the shape of its tensor {self._array.shape}, got "
                    f"{value._array.shape}"
                )
        if self.is_leaf:
            self._get_leaf().grad = value
        else:
            self._get_extras().grad = value

    @grad.deleter
    def grad(self) -> None:
        self.grad = None

    def _get_extras(self) -> Extras:
        node: Any = self._node
        if node.extras is None:
            node.extras = Extras()
        return node.extras

    @property
    def name(self) -> str | None:
        """A name for pictures and messages; None if nobody gave one."""
        return getattr(self, "_name", None)

    @name.setter
    def name(self, value: str | None) -> None:
        if value is None:
            if hasattr(self, "_name"):
                del self._name
            return
        self._name = value
        if type(self._node) is Leaf:
            self._node.name = value
        elif self._node is not None:
            self._get_extras().name = value

    def backward(
        self,
        gradient: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Compute the gradient of this tensor for every leaf, and add it to their ``.grad``.

        gradient      the cotangent, of this tensor's shape; may be left out for a single number
        retain_graph  keep what the nodes saved, for a second backward
        create_graph  record the backward pass itself, for derivatives of derivatives
        inputs        only these tensors get a gradient

        Raises   RuntimeError if this tensor does not require grad, if it has several entries and
                 no gradient was given, or if the graph was freed by an earlier backward.
        """
        from_here = [(self, gradient)]
        run_backward(from_here, retain_graph, create_graph, inputs)

    def retain_grad(self) -> None:
        """Keep the gradient of this result, too, in ``.grad``."""
        if self._node is None:
            raise RuntimeError("retain_grad on a tensor that does not require grad")
        if not self.is_leaf:
            self._get_extras().retain = True

    @property
    def retains_grad(self) -> bool:
        """Whether retain_grad was called on this result."""
        extras = getattr(self._node, "extras", None)
        return not self.is_leaf and extras is not None and extras.retain

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> HookHandle:
        """Call `hook` with the gradient of this tensor in backward; what it returns replaces it.

        Returns  a handle; ``handle.remove()`` takes the hook away.
        Raises   RuntimeError if this tensor does not require grad.
        """
        if self._node is None:
            raise RuntimeError("register_hook on a tensor that does not require grad")
        return HookHandle(self._get_extras().hooks, hook)

    def detach(self) -> Tensor:
        """The same memory, without the graph."""
        tensor: Tensor = wrap(self._array)
        if recording.watch is not None:
            recording.watch.note_detached(self._array)
        for handle in (self, tensor):  # in-place operations on one must reach the other
            if handle._alias is None:
                handle._alias = Alias(handle)
            handle._alias.detached = True
        return tensor

    def detach_(self) -> Tensor:
        """Take this tensor out of the graph, and return it."""
        self._node = None
        return self

    @property
    def data(self) -> Tensor:
        """A detached tensor on the same memory; assigning replaces the memory."""
        return self.detach()

    @data.setter
    def data(self, value: Any) -> None:
        if not isinstance(value, Variable):
            raise TypeError(f".data is a tensor, got {type(value).__name__}")
        if self._node is not None and value._array.dtype.kind != "f":
            raise RuntimeError(
                f".data of a tensor that requires grad is floating-point, got {value._array.dtype}"
            )
        shared = Tensor.detach(value)  # type: ignore[arg-type]  # all results are Tensors
        self._array = shared._array
        self._alias = Alias(self)
        self._alias.detached = True
        if type(self._node) is Leaf:
            self._get_leaf()

    # ------------------------------------------------------------------------ numbers, arrays, text

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The array itself, sharing memory.

        force    detach first
        Raises   RuntimeError if the tensor requires grad (use t.detach().numpy()).
        """
        if self._node is not None and not force:
            raise RuntimeError("numpy() of a tensor that requires grad: use t.detach().numpy()")
        refuse_in_trace(self, "numpy()")
        array: np.ndarray = self.detach()._array
        if is_copy(self):
            array = array.view()
            array.flags.writeable = False
        return array

    __array__ = interchange.to_array
    __dlpack__ = interchange.dlpack
    __dlpack_device__ = interchange.dlpack_device
    __array_namespace__ = interchange.array_namespace
    __dask_tokenize__ = interchange.dask_token
    __treescope_ndarray_adapter__ = interchange.treescope_adapter
    __treescope_repr__ = interchange.treescope_repr
    __pandas_priority__ = 5000  # above DataFrame's 4000: `frame * t` is t's to record

    def item(self) -> Any:
        """The single entry as a Python number.

        Raises   ValueError if there is not exactly one.
        """
        refuse_in_trace(self, "item()")
        if self._array.size != 1:
            raise ValueError(f"item() takes a tensor of one entry, this one has shape {self.shape}")
        return self._array.item()

    def tolist(self) -> Any:
        """The entries as nested Python lists."""
        refuse_in_trace(self, "tolist()")
        return self._array.tolist()

    def __repr__(self) -> str:
        refuse_in_trace(self, "printing")
        text = printing.text_of(self._array)
        if self._array.size == 0:
            text = "[]" + (f", size={self.shape}" if self.shape != (0,) else "")
        parts = [text]
        usual = self._array.dtype in (promotion.default_dtype, np.dtype(bool), np.dtype(np.int64))
        if not usual:
            parts.append(f"dtype={self._array.dtype}")
        node: Any = self._node
        if type(node) is Leaf:
            parts.append("requires_grad=True")
        elif node is not None:
            parts.append(f"grad_fn={node.name()}")
        return f"tensor({', '.join(parts)})"

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self._array.ndim == 0 else object.__format__(self, spec)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self._array.dtype.kind not in "iu" or self._array.size != 1:
            raise TypeError("only an integer tensor of one entry can be used as an index")
        return int(self.item())

    def __bool__(self) -> bool:
        if self._array.size != 1:
            raise ValueError(
                f"the truth of a tensor of shape {self.shape} is ambiguous: use t.any() or t.all()"
            )
        return bool(self.item())

    def __len__(self) -> int:
        if self._array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return len(self._array)

    def __iter__(self) -> Iterator[Tensor]:
        if self._array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(len(self._array)))

    def __contains__(self, value: Any) -> bool:
        return bool((self._array == (value._array if isinstance(value, Variable) else value)).any())

    # -------------------------------------------------------------------------- copies and pickling

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError("only leaves can be deep-copied; use t.detach().clone()")
        copied: Tensor = type(self).__new__(type(self))
        memo[id(self)] = copied
        copied.__setstate__(self.__getstate__())
        copied._array = self._array.copy(order="K")
        if copied.grad is not None:
            copied.grad = wrap(copied.grad._array.copy(order="K"))
        return copied

    def __getstate__(self) -> Any:
        if not self.is_leaf:
            raise RuntimeError(
                "a tensor that was computed from others cannot be copied or pickled (nor plotted, "
                "which copies it) with its graph; use t.detach(), or t.detach().numpy()"
            )
        grad = self.grad
        return {
            "array": self._array,
            "requires_grad": self.requires_grad,
            "grad": None if grad is None else grad._array,
            "name": self.name,
        }

    def __setstate__(self, state: Any) -> None:
        self._array = state["array"]
        self._alias = None
        self._node = None
        if state["grad"] is not None:
            self.grad = wrap(state["grad"])
        if state["requires_grad"]:
            self.requires_grad_()
        self.name = state["name"]

    def __reduce__(self) -> Any:
        return (object.__new__, (type(self),), self.__getstate__())

    # -------------------------------------------------------------------------------- NumPy's door

    __array_ufunc__ = numpy_protocol.array_ufunc
    __array_function__ = numpy_protocol.array_function

    # --------------------------------------------------------------------------------- arithmetic

    __add__ = __radd__ = ops.add
    __sub__ = ops.sub
    __mul__ = __rmul__ = ops.mul
    __truediv__ = ops.true_divide
    __floordiv__ = ops.floor_divide
    __mod__ = ops.remainder
    __pow__ = ops.pow
    __matmul__ = ops.matmul
    __neg__ = ops.neg
    __pos__ = ops.positive
    __abs__ = ops.abs

    def __rsub__(self, other: Any) -> Tensor:
        return ops.sub(other, self)

    def __rtruediv__(self, other: Any) -> Tensor:
        return ops.true_divide(other, self)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return ops.floor_divide(other, self)

    def __rmod__(self, other: Any) -> Tensor:
        return ops.remainder(other, self)

    def __rpow__(self, other: Any) -> Tensor:
        return ops.pow(other, self)

    def __rmatmul__(self, other: Any) -> Tensor:
        return ops.matmul(other, self)

    # ----------------------------------------------------------------------- comparison and logic

    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override]  # as NumPy
        """Whether entries are equal, each on its own; a tensor is hashed by its identity."""
        return NotImplemented if other is None else ops.eq(self, other)

    def __ne__(self, other: Any) -> Tensor:  # type: ignore[override]  # as NumPy
        """Whether entries differ, each on its own."""
        return NotImplemented if other is None else ops.ne(self, other)

    __lt__ = ops.lt
    __le__ = ops.le
    __gt__ = ops.gt
    __ge__ = ops.ge
    __and__ = __rand__ = ops.bitwise_and
    __or__ = __ror__ = ops.bitwise_or
    __xor__ = __rxor__ = ops.bitwise_xor
    __invert__ = ops.bitwise_not

    def __round__(self, decimals: int = 0) -> Tensor:
        return ops.round(self, decimals)

    def __floor__(self) -> Tensor:
        return ops.floor(self)

    def __ceil__(self) -> Tensor:
        return ops.ceil(self)

    def __trunc__(self) -> Tensor:
        return ops.trunc(self)

    # ----------------------------------------------------------------------------------- in place

    __iadd__ = inplace.method(ops.add, "+=")
    __isub__ = inplace.method(ops.sub, "-=")
    __imul__ = inplace.method(ops.mul, "*=")
    __itruediv__ = inplace.method(ops.true_divide, "/=")
    __ifloordiv__ = inplace.method(ops.floor_divide, "//=")
    __imod__ = inplace.method(ops.remainder, "%=")
    __ipow__ = inplace.method(ops.pow, "**=")

    # --------------------------------------------------------------------------------- elementwise

    add = ops.plus
    sub = ops.minus
    subtract = ops.subtract
    mul = ops.mul
    multiply = ops.multiply
    div = ops.div
    divide = ops.divide
    true_divide = ops.true_divide
    floor_divide = ops.floor_divide
    remainder = ops.remainder
    fmod = ops.fmod
    addcmul = ops.addcmul
    addcdiv = ops.addcdiv
    lerp = ops.lerp
    neg = ops.neg
    negative = ops.negative
    positive = ops.positive
    abs = ops.abs
    absolute = ops.absolute
    sign = ops.sign
    reciprocal = ops.reciprocal
    square = ops.square
    sqrt = ops.sqrt
    rsqrt = ops.rsqrt
    pow = ops.pow
    hypot = ops.hypot
    floor = ops.floor
    ceil = ops.ceil
    round = ops.round
    trunc = ops.trunc
    fix = ops.fix
    frac = ops.frac
    exp = ops.exp
    exp2 = ops.exp2
    expm1 = ops.expm1
    log = ops.log
    log2 = ops.log2
    log10 = ops.log10
    log1p = ops.log1p
    logaddexp = ops.logaddexp
    logaddexp2 = ops.logaddexp2
    xlogy = ops.xlogy
    sigmoid = ops.sigmoid
    logit = ops.logit
    softplus = ops.softplus
    sin = ops.sin
    cos = ops.cos
    tan = ops.tan
    asin = ops.asin
    acos = ops.acos
    atan = ops.atan
    atan2 = ops.atan2
    sinh = ops.sinh
    cosh = ops.cosh
    tanh = ops.tanh
    asinh = ops.asinh
    acosh = ops.acosh
    atanh = ops.atanh
    sinc = ops.sinc
    deg2rad = ops.deg2rad
    rad2deg = ops.rad2deg
    digamma = ops.digamma
    lgamma = ops.lgamma
    mvlgamma = ops.mvlgamma
    erf = ops.erf
    erfc = ops.erfc
    arcsin = ops.arcsin
    arccos = ops.arccos
    arctan = ops.arctan
    arctan2 = ops.arctan2
    arcsinh = ops.arcsinh
    arccosh = ops.arccosh
    arctanh = ops.arctanh
    maximum = ops.maximum
    minimum = ops.minimum
    fmax = ops.fmax
    fmin = ops.fmin
    relu = ops.relu
    clamp = ops.clamp
    clamp_min = ops.clamp_min
    clamp_max = ops.clamp_max
    clip = ops.clip
    nan_to_num = ops.nan_to_num
    masked_fill = ops.masked_fill
    masked_select = ops.masked_select
    eq = ops.eq
    ne = ops.ne
    lt = ops.lt
    le = ops.le
    gt = ops.gt
    ge = ops.ge
    greater = ops.greater
    greater_equal = ops.greater_equal
    less = ops.less
    less_equal = ops.less_equal
    not_equal = ops.not_equal
    logical_and = ops.logical_and
    logical_or = ops.logical_or
    logical_xor = ops.logical_xor
    logical_not = ops.logical_not
    bitwise_and = ops.bitwise_and
    bitwise_or = ops.bitwise_or
    bitwise_xor = ops.bitwise_xor
    bitwise_not = ops.bitwise_not
    isnan = ops.isnan
    isinf = ops.isinf
    isfinite = ops.isfinite
    signbit = ops.signbit
    isclose = ops.isclose
    allclose = ops.allclose
    equal = ops.equal

    def where(self, condition: Any, other: Any) -> Tensor:
        """This tensor where `condition` is true, elsewhere `other`."""
        return ops.where(condition, self, other)

    add_ = inplace.method(ops.plus)
    sub_ = inplace.method(ops.minus)
    mul_ = inplace.method(ops.mul)
    div_ = inplace.method(ops.div)
    true_divide_ = inplace.method(ops.true_divide)
    floor_divide_ = inplace.method(ops.floor_divide)
    remainder_ = inplace.method(ops.remainder)
    fmod_ = inplace.method(ops.fmod)
    addcmul_ = inplace.method(ops.addcmul)
    addcdiv_ = inplace.method(ops.addcdiv)
    lerp_ = inplace.method(ops.lerp)
    neg_ = inplace.method(ops.neg)
    abs_ = inplace.method(ops.abs)
    sign_ = inplace.method(ops.sign)
    reciprocal_ = inplace.method(ops.reciprocal)
    square_ = inplace.method(ops.square)
    sqrt_ = inplace.method(ops.sqrt)
    rsqrt_ = inplace.method(ops.rsqrt)
    pow_ = inplace.method(ops.pow)
    floor_ = inplace.method(ops.floor)
    ceil_ = inplace.method(ops.ceil)
    round_ = inplace.method(ops.round)
    trunc_ = inplace.method(ops.trunc)
    frac_ = inplace.method(ops.frac)
    exp_ = inplace.method(ops.exp)
    exp2_ = inplace.method(ops.exp2)
    expm1_ = inplace.method(ops.expm1)
    log_ = inplace.method(ops.log)
    log2_ = inplace.method(ops.log2)
    log10_ = inplace.method(ops.log10)
    log1p_ = inplace.method(ops.log1p)
    sigmoid_ = inplace.method(ops.sigmoid)
    logit_ = inplace.method(ops.logit)
    sin_ = inplace.method(ops.sin)
    cos_ = inplace.method(ops.cos)
    tan_ = inplace.method(ops.tan)
    asin_ = inplace.method(ops.asin)
    acos_ = inplace.method(ops.acos)
    atan_ = inplace.method(ops.atan)
    sinh_ = inplace.method(ops.sinh)
    cosh_ = inplace.method(ops.cosh)
    tanh_ = inplace.method(ops.tanh)
    erf_ = inplace.method(ops.erf)
    erfc_ = inplace.method(ops.erfc)
    relu_ = inplace.method(ops.relu)
    clamp_ = inplace.method(ops.clamp)
    clamp_min_ = inplace.method(ops.clamp_min)
    clamp_max_ = inplace.method(ops.clamp_max)
    nan_to_num_ = inplace.method(ops.nan_to_num)
    masked_fill_ = inplace.method(ops.masked_fill)

    # ---------------------------------------------------------------------------------- reductions

    sum = ops.sum
    mean = ops.mean
    prod = ops.prod
    nansum = ops.nansum
    nanmean = ops.nanmean
    amax = ops.amax
    amin = ops.amin
    max = ops.max
    min = ops.min
    argmax = ops.argmax
    argmin = ops.argmin
    all = ops.all
    any = ops.any
    count_nonzero = ops.count_nonzero
    logsumexp = ops.logsumexp
    softmax = ops.softmax
    log_softmax = ops.log_softmax
    var = ops.var
    std = ops.std
    var_mean = ops.var_mean
    std_mean = ops.std_mean
    median = ops.median
    quantile = ops.quantile
    dist = ops.dist
    cumsum = ops.cumsum
    cumprod = ops.cumprod
    logcumsumexp = ops.logcumsumexp
    diff = ops.diff
    sort = ops.sort
    argsort = ops.argsort
    topk = ops.topk
    unique = ops.unique
    bincount = ops.bincount

    # ------------------------------------------------------------------------- shape and joining

    reshape = ops.reshape
    reshape_as = ops.reshape_as
    view = ops.view
    view_as = ops.view_as
    flatten = ops.flatten
    unflatten = ops.unflatten
    ravel = ops.ravel
    squeeze = ops.squeeze
    unsqueeze = ops.unsqueeze
    permute = ops.permute
    transpose = ops.transpose
    t = ops.t
    movedim = ops.movedim
    moveaxis = ops.moveaxis
    swapaxes = ops.swapaxes
    swapdims = ops.swapdims
    expand = ops.expand
    expand_as = ops.expand_as
    broadcast_to = ops.broadcast_to
    repeat = ops.repeat
    tile = ops.tile
    repeat_interleave = ops.repeat_interleave
    flip = ops.flip
    fliplr = ops.fliplr
    flipud = ops.flipud
    roll = ops.roll
    rot90 = ops.rot90
    clone = ops.clone
    contiguous = ops.contiguous
    split = ops.split
    chunk = ops.chunk
    tensor_split = ops.tensor_split
    hsplit = ops.hsplit
    vsplit = ops.vsplit
    dsplit = ops.dsplit
    unbind = ops.unbind

    @property
    def T(self) -> Tensor:
        """All axes reversed; of a matrix, its transpose."""
        return ops.T(self)

    @property
    def mT(self) -> Tensor:
        """The last two axes swapped: the transpose of each matrix of a stack."""
        return ops.mT(self)

    @property
    def real(self) -> Tensor:
        """This tensor: its numbers are real."""
        return ops.conj(self)

    @property
    def mH(self) -> Tensor:
        """The last two axes swapped, as `mT`: numbers are real."""
        return ops.mT(self)

    @property
    def H(self) -> Tensor:
        """A matrix transposed: numbers are real."""
        return ops.t(self)

    # ------------------------------------------------------------------------------------ indexing

    __getitem__ = ops.getitem
    __setitem__ = inplace.assign
    select = ops.select
    narrow = ops.narrow
    nonzero = ops.nonzero
    index_select = ops.index_select
    index_add = ops.index_add
    index_copy = ops.index_copy
    index_fill = ops.index_fill
    index_put = ops.index_put
    gather = ops.gather
    take = ops.take
    take_along_dim = ops.take_along_dim
    put = ops.put
    scatter = ops.scatter
    scatter_add = ops.scatter_add
    masked_scatter = ops.masked_scatter
    unfold = ops.unfold
    diag = ops.diag
    diag_embed = ops.diag_embed
    diagflat = ops.diagflat
    diagonal = ops.diagonal
    trace = ops.trace
    tril = ops.tril
    triu = ops.triu

    index_add_ = inplace.method(ops.index_add)
    index_copy_ = inplace.method(ops.index_copy)
    index_fill_ = inplace.method(ops.index_fill)
    index_put_ = inplace.method(ops.index_put)
    scatter_ = inplace.method(ops.scatter)
    scatter_add_ = inplace.method(ops.scatter_add)
    masked_scatter_ = inplace.method(ops.masked_scatter)
    put_ = inplace.method(ops.put)
    tril_ = inplace.method(ops.tril)
    triu_ = inplace.method(ops.triu)
    zero_ = inplace.zero_
    fill_ = inplace.fill_
    copy_ = inplace.copy_

    # ------------------------------------------------------------------------------------ products

    matmul = ops.matmul
    mm = ops.mm
    mv = ops.mv
    bmm = ops.bmm
    dot = ops.dot
    vdot = ops.vdot
    inner = ops.inner
    outer = ops.outer
    kron = ops.kron
    cross = ops.cross
    addmm = ops.addmm
    addmv = ops.addmv
    addr = ops.addr
    addbmm = ops.addbmm
    baddbmm = ops.baddbmm
    cov = ops.cov
    corrcoef = ops.corrcoef

    # ------------------------------------------------------------------------------ linear algebra

    norm = ops.norm
    inverse = ops.inv
    pinverse = ops.pinv
    det = ops.det
    logdet = ops.logdet
    slogdet = ops.slogdet
    cholesky = ops.cholesky
    cholesky_solve = ops.cholesky_solve
    cholesky_inverse = ops.cholesky_inverse
    matrix_power = ops.matrix_power
    matrix_exp = ops.matrix_exp

    # ------------------------------------------------------------ more functions, and in place

    aminmax = ops.aminmax
    angle = ops.angle
    argwhere = ops.argwhere
    as_strided = ops.as_strided
    bitwise_left_shift = ops.bitwise_left_shift
    bitwise_right_shift = ops.bitwise_right_shift
    conj = ops.conj
    conj_physical = ops.conj_physical
    copysign = ops.copysign
    cummax = ops.cummax
    cummin = ops.cummin
    diagonal_scatter = ops.diagonal_scatter
    erfinv = ops.erfinv
    float_power = ops.float_power
    frexp = ops.frexp
    gcd = ops.gcd
    heaviside = ops.heaviside
    histc = ops.histc
    histogram = ops.histogram
    i0 = ops.i0
    igamma = ops.igamma
    igammac = ops.igammac
    index_reduce = ops.index_reduce
    is_nonzero = ops.is_nonzero
    is_same_size = ops.is_same_size
    isneginf = ops.isneginf
    isposinf = ops.isposinf
    isreal = ops.isreal
    kthvalue = ops.kthvalue
    lcm = ops.lcm
    ldexp = ops.ldexp
    mode = ops.mode
    msort = ops.msort
    nanmedian = ops.nanmedian
    nanquantile = ops.nanquantile
    nextafter = ops.nextafter
    renorm = ops.renorm
    resolve_conj = ops.resolve_conj
    resolve_neg = ops.resolve_neg
    scatter_reduce = ops.scatter_reduce
    select_scatter = ops.select_scatter
    sgn = ops.sgn
    slice_scatter = ops.slice_scatter
    sum_to_size = ops.sum_to_size
    unique_consecutive = ops.unique_consecutive
    lu = ops.lu_older
    qr = ops.qr_older
    svd = ops.svd_older
    ger = ops.outer
    adjoint = ops.mT
    narrow_copy = ops.narrow_copy
    split_with_sizes = ops.split
    unsafe_split = ops.split
    unsafe_chunk = ops.chunk
    unsafe_split_with_sizes = ops.split

    def polygamma(self, n: int) -> Tensor:
        """A derivative of the digamma function; see `minigrad.polygamma`."""
        return ops.polygamma(n, self)

    __lshift__ = ops.bitwise_left_shift
    __rshift__ = ops.bitwise_right_shift

    def __rlshift__(self, other: Any) -> Tensor:
        return ops.bitwise_left_shift(other, self)

    def __rrshift__(self, other: Any) -> Tensor:
        return ops.bitwise_right_shift(other, self)

    __ilshift__ = inplace.method(ops.bitwise_left_shift, "<<=")
    __irshift__ = inplace.method(ops.bitwise_right_shift, ">>=")

    absolute_ = inplace.method(ops.absolute)
    acosh_ = inplace.method(ops.acosh)
    addbmm_ = inplace.method(ops.addbmm)
    addmm_ = inplace.method(ops.addmm)
    addmv_ = inplace.method(ops.addmv)
    addr_ = inplace.method(ops.addr)
    arccos_ = inplace.method(ops.arccos)
    arccosh_ = inplace.method(ops.arccosh)
    arcsin_ = inplace.method(ops.arcsin)
    arcsinh_ = inplace.method(ops.arcsinh)
    arctan2_ = inplace.method(ops.arctan2)
    arctan_ = inplace.method(ops.arctan)
    arctanh_ = inplace.method(ops.arctanh)
    asinh_ = inplace.method(ops.asinh)
    atan2_ = inplace.method(ops.atan2)
    atanh_ = inplace.method(ops.atanh)
    baddbmm_ = inplace.method(ops.baddbmm)
    bitwise_and_ = inplace.method(ops.bitwise_and)
    bitwise_left_shift_ = inplace.method(ops.bitwise_left_shift)
    bitwise_not_ = inplace.method(ops.bitwise_not)
    bitwise_or_ = inplace.method(ops.bitwise_or)
    bitwise_right_shift_ = inplace.method(ops.bitwise_right_shift)
    bitwise_xor_ = inplace.method(ops.bitwise_xor)
    clip_ = inplace.method(ops.clip)
    copysign_ = inplace.method(ops.copysign)
    cumprod_ = inplace.method(ops.cumprod)
    cumsum_ = inplace.method(ops.cumsum)
    deg2rad_ = inplace.method(ops.deg2rad)
    digamma_ = inplace.method(ops.digamma)
    divide_ = inplace.method(ops.divide)
    erfinv_ = inplace.method(ops.erfinv)
    fix_ = inplace.method(ops.fix)
    float_power_ = inplace.method(ops.float_power)
    gcd_ = inplace.method(ops.gcd)
    heaviside_ = inplace.method(ops.heaviside)
    hypot_ = inplace.method(ops.hypot)
    i0_ = inplace.method(ops.i0)
    igamma_ = inplace.method(ops.igamma)
    igammac_ = inplace.method(ops.igammac)
    index_reduce_ = inplace.method(ops.index_reduce)
    lcm_ = inplace.method(ops.lcm)
    ldexp_ = inplace.method(ops.ldexp)
    lgamma_ = inplace.method(ops.lgamma)
    multiply_ = inplace.method(ops.multiply)
    mvlgamma_ = inplace.method(ops.mvlgamma)
    negative_ = inplace.method(ops.negative)
    nextafter_ = inplace.method(ops.nextafter)
    rad2deg_ = inplace.method(ops.rad2deg)
    renorm_ = inplace.method(ops.renorm)
    scatter_reduce_ = inplace.method(ops.scatter_reduce)
    sgn_ = inplace.method(ops.sgn)
    sinc_ = inplace.method(ops.sinc)
    subtract_ = inplace.method(ops.subtract)
    xlogy_ = inplace.method(ops.xlogy)

    squeeze_ = inplace.reshaping(ops.squeeze)
    unsqueeze_ = inplace.reshaping(ops.unsqueeze)
    transpose_ = inplace.reshaping(ops.transpose)
    swapaxes_ = inplace.reshaping(ops.transpose)
    swapdims_ = inplace.reshaping(ops.transpose)
    t_ = inplace.reshaping(ops.t)
    as_strided_ = inplace.reshaping(ops.as_strided)
    resize_ = inplace.resize_
    resize_as_ = inplace.resize_as_
    fill_diagonal_ = inplace.fill_diagonal_
    conj_physical_ = inplace.reshaping(ops.conj)
    eq_ = inplace.comparison(ops.eq)
    ne_ = inplace.comparison(ops.ne)
    lt_ = inplace.comparison(ops.lt)
    le_ = inplace.comparison(ops.le)
    gt_ = inplace.comparison(ops.gt)
    ge_ = inplace.comparison(ops.ge)
    greater_ = inplace.comparison(ops.greater)
    greater_equal_ = inplace.comparison(ops.greater_equal)
    less_ = inplace.comparison(ops.less)
    less_equal_ = inplace.comparison(ops.less_equal)
    not_equal_ = inplace.comparison(ops.not_equal)
    logical_and_ = inplace.comparison(ops.logical_and)
    logical_or_ = inplace.comparison(ops.logical_or)
    logical_xor_ = inplace.comparison(ops.logical_xor)
    logical_not_ = inplace.comparison(ops.logical_not)

    # ------------------------------------------------------------------------ new tensors, in place

    new_tensor = creation.new_tensor
    new_zeros = creation.new_zeros
    new_ones = creation.new_ones
    new_full = creation.new_full
    new_empty = creation.new_empty

    normal_ = random.normal_
    uniform_ = random.uniform_
    bernoulli_ = random.bernoulli_
    bernoulli = random.bernoulli
    multinomial = random.multinomial
    exponential_ = random.exponential_
    random_ = random.random_

    # ----------------------------------------------------------------- types: last, for these names
    # are those of Python's types, which the annotations above mean

    astype = ops.astype
    to = ops.to
    type_as = ops.type_as
    is_floating_point = creation.is_floating_point
    is_complex = creation.is_complex
    is_signed = creation.is_signed
    type = legacy.type_of
    cpu = ops.cpu
    cuda = ops.cuda
    pin_memory = ops.pin_memory
    half = ops.to_type(dtypes.float16)
    float = ops.to_type(dtypes.float32)
    double = ops.to_type(dtypes.float64)
    short = ops.to_type(dtypes.int16)
    int = ops.to_type(dtypes.int32)
    long = ops.to_type(dtypes.int64)
    bool = ops.to_type(dtypes.bool)
    byte = ops.to_type(dtypes.uint8)
    char = ops.to_type(dtypes.int8)
    bfloat16 = ops.to_type(dtypes.bfloat16)
