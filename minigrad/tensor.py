"""``Tensor``: an array that remembers how it was computed.

The class holds what a tensor is and knows: its numbers, its place in the graph, its gradient.  The
methods that are ops stand in `methods.py`, one line each.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np

from minigrad import (
    devices,
    interchange,
    numpy_protocol,
    printing,
    promotion,
)
from minigrad.backward import HookHandle
from minigrad.backward import backward as run_backward
from minigrad.creation import Size, as_array
from minigrad.errors import ArgumentError
from minigrad.graph import Extras, Leaf, Node, Variable, refuse_in_trace, wrap
from minigrad.memory import Alias, is_copy
from minigrad.methods import Methods
from minigrad.modes import recording

__all__ = ["Tensor", "as_array"]

UNKEPT = (
    "this tensor is the result of {}, and backward keeps the gradients of leaves only: call "
    "retain_grad() on it before backward, or read the .grad of the leaf that was meant. (A leaf "
    "stays one if it is updated in place: with no_grad(): p -= lr * p.grad)"
)


class Tensor(Methods, Variable):
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

    layout = "strided"
    is_cpu = True
    is_cuda = is_ipu = is_maia = is_meta = is_mkldnn = is_mps = is_mtia = is_vulkan = False
    is_xla = is_xpu = is_nested = is_quantized = is_sparse = is_sparse_csr = False

    def get_device(self) -> int:
        """-1: the CPU has no number."""
        return -1

    def storage_offset(self) -> int:
        """How many entries of the memory that it shares lie before the first one."""
        return interchange.offset(self)

    def share_memory_(self) -> Tensor:
        """This tensor: processes here do not share memory."""
        return self

    def no(self) -> bool:
        """False: there is no such tensor here."""
        return False

    is_pinned = is_shared = is_inference = is_neg = is_conj = no
    del no

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
                raise ArgumentError(
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
        return not self.is_leaf and extras is not None and extras.retain is True

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> HookHandle:
        """Call `hook` with the gradient of this tensor in backward; what it returns replaces it.

        Returns  a handle; ``handle.remove()`` takes the hook away.
        Raises   RuntimeError if this tensor does not require grad.
        """
        if self._node is None:
            raise RuntimeError("register_hook on a tensor that does not require grad")
        return HookHandle(self._get_extras().hooks, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> HookHandle:
        """Call `hook` with this leaf after backward has added to its ``.grad``.

        It may step an optimizer, and set ``.grad`` to None.

        Returns  a handle; ``handle.remove()`` takes the hook away.
        Raises   RuntimeError if this tensor is not a leaf that requires grad.
        Example  >>> w = mg.tensor([1.0, 2.0], requires_grad=True)
                 >>> handle = w.register_post_accumulate_grad_hook(lambda w: print(w.grad))
                 >>> (w * w).sum().backward()
                 tensor([2., 4.])
        """
        if self._node is None or not self.is_leaf:
            raise RuntimeError(
                "register_post_accumulate_grad_hook: it is for leaves that require grad; "
                "of a result, use register_hook"
            )
        return HookHandle(self._get_extras().after, hook)

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
        """Take this tensor out of the graph, and return it.

        What was computed from it before keeps its history: the gradient that `retain_grad` asked
        for comes from there.  Its hooks run there, and for this tensor once it requires grad again.
        """
        extras = getattr(self._node, "extras", None)
        was_leaf = self.is_leaf
        self._node = None
        if extras is not None and not was_leaf:
            leaf = self._get_leaf()
            if extras.hooks:
                leaf.extras = Extras()
                leaf.extras.hooks = extras.hooks
            if extras.retain:
                leaf.grad, extras.grad, extras.retain = extras.grad, None, leaf
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

    to_numpy = numpy  # matplotlib and others ask for it, and then see columns and not rows

    __array__ = interchange.to_array
    __dlpack__ = interchange.dlpack
    __dlpack_device__ = interchange.dlpack_device
    __array_namespace__ = interchange.array_namespace
    to_device = interchange.to_device
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
            raise ArgumentError(
                f"item() takes a tensor of one entry, this one has shape {self.shape}"
            )
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
        real = promotion.default_dtype
        pairs = np.result_type(real, np.complex64)  # the complex numbers of two such
        if self._array.dtype not in (real, pairs, np.dtype(bool), np.dtype(np.int64)):
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
            raise ArgumentError(
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
        return map(self.__getitem__, range(len(self._array)))

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
