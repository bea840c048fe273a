"""What a tensor tells other libraries of itself, by their own protocols.

DLPack is the protocol of arrays that share memory between libraries.  The others are methods that
Dask, pandas, SciPy and treescope look for.  None of these libraries is imported unless it asks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import devices, sparse
from minigrad.creation import from_numpy, tensor
from minigrad.dtypes import resolve
from minigrad.graph import refuse_in_trace
from minigrad.promotion import get_default_dtype
from minigrad.typed import Tensor

__all__ = ["from_dlpack", "frombuffer", "scalar_tensor", "to_dlpack"]

LOST = (
    "a tensor that requires grad would lose its graph as an array: use "
    "t.detach().numpy(), and np.stack([...]) to join tensors"
)


def to_array(self: Any, dtype: Any = None, copy: bool | None = None) -> Any:
    """What ``np.asarray(t)`` returns: the numbers of a tensor that does not require grad.

    Raises   RuntimeError for one that does; TypeError where SciPy's sparse arithmetic asks.
    """
    if sparse.asks_for_an_operand():
        return np.array(None, dtype=object)
    if self._node is not None:
        raise RuntimeError(LOST)
    refuse_in_trace(self, "a conversion to an array")
    return np.array(self._array, dtype=dtype, copy=copy)


# ------------------------------------------------------------------------------------------- DLPack


def dlpack(
    self: Any,
    *,
    stream: Any = None,
    max_version: tuple[int, int] | None = None,
    dl_device: Any = None,
    copy: bool | None = None,
) -> Any:
    """A capsule with the memory of a tensor, for ``other.from_dlpack(t)``.

    Raises   BufferError if the tensor requires grad (use t.detach()), or if its memory is read-only
             and the consumer knows no version of DLPack that can say so.
    """
    if self._node is not None:
        raise BufferError(
            "a tensor that requires grad would lose its graph in another library: use t.detach()"
        )
    exported = self.detach()._array  # a write there is a write to this tensor: note that it can be
    given = {"max_version": max_version, "dl_device": dl_device, "copy": copy}
    if NUMPY_HAS_VERSIONS:
        return exported.__dlpack__(stream=stream, **given)
    if copy:
        exported = exported.copy()
    return exported.__dlpack__(stream=stream)


NUMPY_HAS_VERSIONS = np.lib.NumpyVersion(np.__version__) >= "2.1.0"


def dlpack_device(self: Any) -> tuple[int, int]:
    """The device of the memory, in DLPack's numbers: always the CPU."""
    return self._array.__dlpack_device__()


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor on the memory of another library's array.

    ext_tensor   a tensor of PyTorch, an array of JAX or CuPy, or whatever has ``__dlpack__``
    device       where the memory is to be; there is only the CPU
    copy         True: always a copy; None: only where needed; False: never

    Returns  a tensor that shares its memory, read-only if the other says so.
    Raises   BufferError, or another error of that library, if it does not give its memory away: of
             a tensor that requires grad, or on another device; TypeError if it has no DLPack, or
             numbers that are not real.
    Example  >>> array = np.array([1.0, 2.0])
             >>> t = mg.from_dlpack(array)
             >>> array[0] = 5.0
             >>> t
             tensor([5., 2.], dtype=float64)
    """
    if device not in (None, "cpu") and getattr(device, "type", None) != "cpu":
        raise ValueError(f"from_dlpack: the only device is the CPU, got {device!r}")
    if not hasattr(ext_tensor, "__dlpack__"):
        raise TypeError(
            f"from_dlpack takes an object with __dlpack__, got {type(ext_tensor).__name__}"
        )
    if not NUMPY_HAS_VERSIONS:
        array = np.from_dlpack(ext_tensor)
        return from_numpy(array.copy() if copy else array)
    return from_numpy(np.from_dlpack(ext_tensor, copy=copy))


def to_dlpack(input: Tensor) -> Any:
    """The capsule by which another library takes the memory of a tensor; see `from_dlpack`.

    Raises   TypeError for anything without ``__dlpack__``.
    Example  >>> type(mg.to_dlpack(mg.ones(2))).__name__
             'PyCapsule'
    """
    if not hasattr(input, "__dlpack__"):
        raise TypeError(f"to_dlpack: input is a tensor, got {type(input).__name__}")
    return input.__dlpack__()


def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A vector on the memory of bytes.

    dtype    of its entries
    count    how many; -1: as many as there are
    offset   how many bytes to leave out first
    Raises   ValueError if the sizes do not fit
    Example  >>> mg.frombuffer(bytearray(8), dtype=mg.float32)
             tensor([0., 0.])
    """
    array = np.frombuffer(buffer, resolve(dtype), count, offset)
    return from_numpy(array).requires_grad_(requires_grad)


def scalar_tensor(
    s: Any, *, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A 0-d tensor of one number, of the default type.

    Example  >>> mg.scalar_tensor(2)
             tensor(2.)
    """
    kind = get_default_dtype() if dtype is None else resolve(dtype)
    return tensor(s, dtype=kind, requires_grad=requires_grad)


def offset(self: Any) -> int:
    """How many entries of the memory that a tensor shares lie before its first one."""
    array = self._array
    base = array
    while isinstance(base.base, np.ndarray):
        base = base.base
    first = base.__array_interface__["data"][0]
    return int((array.__array_interface__["data"][0] - first) // max(array.itemsize, 1))


# -------------------------------------------------------------------- Dask, treescope, array API


def dask_token(self: Any) -> Any:
    """What Dask knows the tensor by: equal numbers have equal tokens, in every process."""
    from dask.base import normalize_token

    kind = f"{type(self).__module__}.{type(self).__qualname__}"
    return kind, normalize_token(self._array), self.requires_grad


def array_namespace(self: Any, *, api_version: str | None = None) -> Any:
    """The functions of the array API standard for tensors: NumPy's, which know tensors."""
    numpys: Any = np.empty(0)
    return numpys.__array_namespace__(api_version=api_version)


def to_device(self: Any, device: Any, /, *, stream: Any = None) -> Any:
    """The array API standard's ``to``: this tensor, since there is only the CPU.

    Raises   ValueError for a device that is not the CPU.
    """
    devices.check(device)
    return self


def treescope_adapter(self: Any) -> Any:
    """How treescope reads the numbers of a tensor."""
    from minigrad.neighbours.treescope import TensorAdapter

    return TensorAdapter()


def treescope_repr(self: Any, path: str | None, subtree_renderer: Any) -> Any:
    """How treescope draws a tensor: as it draws an array."""
    from minigrad.neighbours.treescope import drawn

    return drawn(self, path)
