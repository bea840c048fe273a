"""``Parameter``: a tensor that a module learns."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import devices, promotion
from minigrad.errors import ArgumentError
from minigrad.graph import Variable, wrap
from minigrad.tensor import Tensor, as_array

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "is_lazy"]


class Parameter(Tensor):
    """A leaf tensor that a `Module` registers when it is assigned to an attribute of it.

    data           the first value: a tensor, whose memory is shared, or an array or nested lists,
                   which are copied
    requires_grad  False for a parameter that is stored and loaded, but not learned

    Raises   RuntimeError if a gradient is asked of integers.
    Example  >>> mg.nn.Parameter(mg.tensor([1.0, 2.0]))
             Parameter containing:
             tensor([1., 2.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        if data is None:
            data = ()
        if isinstance(data, Variable):
            shared: Any = data
            self._array = shared.detach()._array  # a change of one in place reaches the other
        else:
            self._array = as_array(data)
        if requires_grad:
            self.requires_grad_()

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Buffer(Tensor):
    """A tensor that a `Module` registers as a buffer when it is assigned to an attribute of it.

    data         its numbers: a tensor, whose memory is shared, or what `tensor` takes
    persistent   whether it belongs to the state dict

    Example  >>> module = mg.nn.Module()
             >>> module.scale = mg.nn.Buffer(mg.ones(1))
             >>> module.state_dict()
             {'scale': tensor([1.])}
    """

    __slots__ = ("persistent",)

    def __init__(self, data: Any = None, *, persistent: bool = True) -> None:
        shared: Any = data if isinstance(data, Variable) else None
        given = () if data is None else data
        self._array = as_array(given) if shared is None else shared.detach()._array
        self.persistent = persistent


def empty(
    *shape: int, dtype: Any = None, device: Any = None, requires_grad: bool = True
) -> Parameter:
    """A parameter whose entries are to be filled by the module's `reset_parameters`."""
    return Parameter(empty_tensor(*shape, dtype=dtype, device=device), requires_grad)


def empty_tensor(*shape: int, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of the wanted or the default type, not filled; for buffers and parameters."""
    devices.check(device)
    tensor: Tensor = wrap(np.empty(shape, promotion.default_dtype if dtype is None else dtype))
    return tensor


# ------------------------------------------------------------------------------ of unknown shape

UNKNOWN = (
    "this {} has no shape yet: its lazy module learns it at the first call. Call the module once "
    "on an example before {}"
)
ARRAY: Any = vars(Variable)[
    "_array"
]  # the slot, where such a tensor keeps an empty array of its type


class WithoutShape:
    """A tensor of a lazy module that has a type and no shape: until it has one, nothing works."""

    __slots__ = ()
    becomes: type[Tensor]
    what = "tensor"

    @property
    def _array(self) -> Any:
        raise ArgumentError(UNKNOWN.format(self.what, "using it"))

    @_array.setter
    def _array(self, array: Any) -> None:
        self.materialize(array.shape, array=array)

    @property
    def shape(self) -> Any:
        """There is none yet.

        Raises   RuntimeError always.
        """
        raise RuntimeError(UNKNOWN.format(self.what, "asking for its shape"))

    @property
    def dtype(self) -> Any:
        """The type that its numbers will have."""
        return ARRAY.__get__(self).dtype

    def materialize(
        self, shape: Any, device: Any = None, dtype: Any = None, array: Any = None
    ) -> None:
        """Become an ordinary tensor of this shape, the same object; its numbers are not set.

        array   the memory to use; None: a new array
        """
        devices.check(device)
        if array is None:
            array = np.empty(shape, self.dtype if dtype is None else dtype)
        tensor: Any = self
        tensor.__class__ = self.becomes
        tensor._array = array
        if tensor.requires_grad:
            tensor._get_leaf()

    def convert(self, dtype: Any) -> None:
        """Have numbers of another type, once there are any."""
        ARRAY.__set__(self, np.empty(0, dtype))

    def detach(self) -> Any:
        """This tensor itself."""
        return self

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Ask for gradients (or no longer), and return it."""
        tensor: Any = self
        tensor.__class__, own = self.becomes, type(self)
        tensor.requires_grad_(requires_grad)
        tensor.__class__ = own
        return self

    def _get_leaf(self) -> Any:
        tensor: Any = self
        return tensor._leaf

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        copied = memo[id(self)] = self.__reduce__()[0](*self.__reduce__()[1])
        return copied

    def __reduce__(self) -> Any:
        tensor: Any = self
        return type(self), (tensor.requires_grad, None, np.dtype(self.dtype))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(WithoutShape, Parameter):
    """A parameter whose shape its lazy module learns at the first call.

    Raises   ValueError when its numbers are used before.
    Example  >>> mg.nn.LazyLinear(3).weight
             <UninitializedParameter>
    """

    __slots__ = ()
    becomes = Parameter
    what = "parameter"

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        made: Any = empty(0, dtype=dtype, device=device, requires_grad=requires_grad)
        made._get_leaf()
        made.__class__ = cls
        return made

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass


class UninitializedBuffer(WithoutShape, Tensor):
    """A buffer whose shape its lazy module learns at the first call.

    Raises   ValueError when its numbers are used before.
    Example  >>> mg.nn.LazyBatchNorm1d().running_mean
             <UninitializedBuffer>
    """

    __slots__ = ()
    becomes = Tensor
    what = "buffer"

    def __new__(
        cls,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> Any:
        made: Any = empty_tensor(0, dtype=dtype, device=device)
        made._get_leaf()
        made.__class__ = cls
        return made

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass


def is_lazy(param: Any) -> bool:
    """Whether a parameter or buffer has no shape yet.

    Example  >>> layer = mg.nn.LazyLinear(3)
             >>> y = layer(mg.ones(1, 2))
             >>> mg.nn.parameter.is_lazy(layer.weight)
             False
    """
    return isinstance(param, WithoutShape)
