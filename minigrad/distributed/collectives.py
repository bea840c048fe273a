"""Collectives: what all processes of a group call together, by PyTorch's names.

Arrays of every layout go through: they are packed before and unpacked after.  Before each the ranks
compare what they call and with which shape and type: ranks that differ get an error that says so.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

import numpy as np

from minigrad.distributed.group import ProcessGroup, group_of
from minigrad.graph import Variable, wrap
from minigrad.modes import no_grad

__all__ = [
    "ReduceOp", "Work", "all_gather", "all_gather_into_tensor", "all_gather_object", "all_reduce",
    "barrier", "broadcast", "broadcast_object_list", "gather", "reduce", "reduce_scatter",
    "reduce_scatter_tensor", "scatter",
]  # fmt: skip


class ReduceOp(Enum):
    """How numbers of several ranks become one.

    Example  >>> mg.distributed.ReduceOp.SUM.name
             'SUM'
    """

    SUM = "SUM"
    AVG = "AVG"
    PRODUCT = "PROD"
    MIN = "MIN"
    MAX = "MAX"
    BAND = "BAND"
    BOR = "BOR"
    BXOR = "BXOR"


class Work:
    """A collective that has begun: ``wait()`` until it is done.

    Example  >>> mg.distributed.init_process_group("mpi")
             >>> x = mg.ones(2)
             >>> mg.distributed.all_reduce(x, async_op=True).wait()
             True
             >>> mg.distributed.destroy_process_group()
    """

    def __init__(self, finish: Callable[[], None]) -> None:
        self._finish: Callable[[], None] | None = finish

    def wait(self, timeout: Any = None) -> bool:
        """Wait until the result is in the tensor."""
        if self._finish is not None:
            finish, self._finish = self._finish, None
            finish()
        return True

    def is_completed(self) -> bool:
        """Whether wait() was called."""
        return self._finish is None


# ------------------------------------------------------------------------------- packing, checking


def packed(name: str, tensor: Any) -> np.ndarray:
    """The numbers of a tensor in a new array in row-major order."""
    if not isinstance(tensor, Variable):
        raise TypeError(f"{name} takes tensors, got {type(tensor).__name__}")
    return np.array(tensor._array, order="C", copy=True)


def unpack(tensor: Any, array: np.ndarray) -> None:
    """Write numbers into the memory of a tensor, as an in-place operation does."""
    with no_grad():
        tensor.detach().copy_(wrap(array.reshape(tensor.shape)))


def signature(name: str, array: np.ndarray, *more: Any) -> str:
    details = "".join(f", {item}" for item in more)
    return f"{name}({array.shape} {array.dtype}{details})"


def operation(name: str, op: ReduceOp, dtype: np.dtype[Any]) -> Any:
    """MPI's operation."""
    from mpi4py import MPI

    if not isinstance(op, ReduceOp):
        raise TypeError(f"{name}: op is a ReduceOp, got {op!r}")
    if op in (ReduceOp.BAND, ReduceOp.BOR, ReduceOp.BXOR) and dtype.kind == "f":
        raise TypeError(f"{name}: {op.name} takes integers or booleans, got {dtype}")
    if dtype.kind == "b":
        logical = {
            ReduceOp.MIN: MPI.LAND, ReduceOp.MAX: MPI.LOR, ReduceOp.PRODUCT: MPI.LAND,
            ReduceOp.BAND: MPI.LAND, ReduceOp.BOR: MPI.LOR, ReduceOp.BXOR: MPI.LXOR,
        }  # fmt: skip
        if op not in logical:
            raise TypeError(f"{name}: {op.name} of booleans; convert them first, t.long()")
        return logical[op]
    if op is ReduceOp.AVG:
        if dtype.kind != "f":
            raise TypeError(f"{name}: AVG takes floating-point numbers, got {dtype}")
        return MPI.SUM
    return getattr(MPI, op.value)


def wide(array: np.ndarray) -> np.ndarray:
    """float16 as float32, in which it is added up: not every MPI knows it, and sums overflow."""
    return array.astype(np.float32) if array.dtype == np.float16 else array


def averaged(array: np.ndarray, op: ReduceOp, size: int) -> np.ndarray:
    return array / array.dtype.type(size) if op is ReduceOp.AVG else array


# ---------------------------------------------------------------------------------------- reduction


def all_reduce(
    tensor: Any,
    op: ReduceOp = ReduceOp.SUM,
    group: ProcessGroup | None = None,
    async_op: bool = False,
) -> Work | None:
    """Replace a tensor, in each process, by the sum over all processes (or another reduction).

    Returns  a `Work` to wait for if `async_op`, else None.
    Raises   ValueError if shapes or types differ between ranks; TypeError for a reduction that the
             type does not have; RuntimeError if there is no process group.
    Example  >>> mg.distributed.init_process_group("mpi")  # one process, without mpiexec
             >>> x = mg.ones(2)
             >>> mg.distributed.all_reduce(x)
             >>> x
             tensor([1., 1.])
             >>> mg.distributed.destroy_process_group()
    """
    processes = group_of(group)
    mine = wide(packed("all_reduce", tensor))
    how = operation("all_reduce", op, tensor.dtype)
    processes.agree("all_reduce", signature("all_reduce", tensor._array, op.name))
    out = np.empty_like(mine)
    request = processes.begin("all_reduce", lambda: processes.comm.Iallreduce(mine, out, how))

    def finish() -> None:
        processes.finish("all_reduce", request)
        unpack(tensor, averaged(out, op, processes.size()))

    if async_op:
        return Work(finish)
    finish()
    return None


def reduce(
    tensor: Any, dst: int = 0, op: ReduceOp = ReduceOp.SUM, group: ProcessGroup | None = None
) -> None:
    """`all_reduce` whose result only process `dst` gets.

    Raises   as `all_reduce`.
    """
    processes = group_of(group)
    mine = wide(packed("reduce", tensor))
    how = operation("reduce", op, tensor.dtype)
    processes.agree("reduce", signature("reduce", tensor._array, op.name, f"dst={dst}"))
    out = np.empty_like(mine)
    processes.run("reduce", lambda: processes.comm.Ireduce(mine, out, how, dst))
    if processes.rank() == dst:
        unpack(tensor, averaged(out, op, processes.size()))


def reduce_scatter_tensor(
    output: Any, input: Any, op: ReduceOp = ReduceOp.SUM, group: ProcessGroup | None = None
) -> None:
    """The reduction of all inputs, of which each process gets its part along the first axis.

    Raises   ValueError if the input is not as long as all outputs together, or the ranks differ.
    """
    processes = group_of(group)
    size = processes.size()
    mine = wide(packed("reduce_scatter_tensor", input))
    how = operation("reduce_scatter_tensor", op, input.dtype)
    if mine.size != size * output.numel() or input.dtype != output.dtype:
        raise ValueError(
            f"reduce_scatter_tensor: an input of shape {input.shape} {input.dtype} is not {size} "
            f"times an output of shape {output.shape} {output.dtype}"
        )
    processes.agree(
        "reduce_scatter_tensor", signature("reduce_scatter_tensor", input._array, op.name)
    )
    out = np.empty(output.shape, mine.dtype)
    processes.run(
        "reduce_scatter_tensor",
        lambda: processes.comm.Ireduce_scatter_block(mine, out, how),
    )
    unpack(output, averaged(out, op, size))


def reduce_scatter(
    output: Any,
    input_list: Sequence[Any],
    op: ReduceOp = ReduceOp.SUM,
    group: ProcessGroup | None = None,
) -> None:
    """The reduction of the lists of all processes; each process gets the entry of its rank.

    Raises   ValueError if there is not one input for each process, of the output's shape and type.
    """
    processes = group_of(group)
    check_list("reduce_scatter", input_list, processes.size(), output)
    stacked = np.stack([packed("reduce_scatter", t) for t in input_list])
    flat = wrap(stacked)
    reduce_scatter_tensor(output, flat, op, group)


def check_list(name: str, tensors: Sequence[Any], size: int, like: Any) -> None:
    """One tensor for each process, each of the shape and type of `like`."""
    if len(tensors) != size:
        raise ValueError(f"{name}: {len(tensors)} tensors for {size} processes")
    for t in tensors:
        if t.shape != like.shape or t.dtype != like.dtype:
            raise ValueError(
                f"{name}: tensors of shapes {t.shape} {t.dtype} and {like.shape} {like.dtype}; all "
                "are of one shape and type"
            )


# ---------------------------------------------------------------------- copies from one, from all


def broadcast(tensor: Any, src: int = 0, group: ProcessGroup | None = None) -> None:
    """Replace a tensor, in each process, by that of process `src`.

    Raises   ValueError if shapes or types differ between ranks.
    """
    processes = group_of(group)
    buffer = packed("broadcast", tensor)
    processes.agree("broadcast", signature("broadcast", buffer, f"src={src}"))
    raw = buffer.reshape(-1).view(np.uint8)
    processes.run("broadcast", lambda: processes.comm.Ibcast(raw, src))
    if processes.rank() != src:
        unpack(tensor, buffer)


def gathered(name: str, tensor: Any, processes: ProcessGroup) -> np.ndarray:
    """The numbers of all processes, along a new first axis."""
    mine = packed(name, tensor)
    processes.agree(name, signature(name, mine))
    everything = np.empty((processes.size(), *mine.shape), mine.dtype)
    sent, received = (a.reshape(-1).view(np.uint8) for a in (mine, everything))
    processes.run(name, lambda: processes.comm.Iallgather(sent, received))
    return everything


def all_gather(tensor_list: Sequence[Any], tensor: Any, group: ProcessGroup | None = None) -> None:
    """Write the tensor of each process into a list of tensors, in all processes.

    Raises   ValueError if shapes or types differ, or the list has not one entry for each process.
    """
    processes = group_of(group)
    check_list("all_gather", tensor_list, processes.size(), tensor)
    for target, numbers in zip(tensor_list, gathered("all_gather", tensor, processes)):
        unpack(target, np.asarray(numbers))


def all_gather_into_tensor(
    output_tensor: Any, input_tensor: Any, group: ProcessGroup | None = None
) -> None:
    """The tensors of all processes in one, joined or stacked along the first axis.

    Raises   ValueError if shapes or types differ, or the output has not room for all.
    """
    processes = group_of(group)
    if output_tensor.numel() != processes.size() * input_tensor.numel():
        raise ValueError(
            f"all_gather_into_tensor: an output of shape {output_tensor.shape} is not "
            f"{processes.size()} times an input of shape {input_tensor.shape}"
        )
    unpack(output_tensor, gathered("all_gather_into_tensor", input_tensor, processes))


def gather(
    tensor: Any,
    gather_list: Sequence[Any] | None = None,
    dst: int = 0,
    group: ProcessGroup | None = None,
) -> None:
    """`all_gather` whose result only process `dst` gets.

    Raises   as `all_gather`.
    """
    processes = group_of(group)
    everything = gathered("gather", tensor, processes)
    if processes.rank() == dst:
        targets = gather_list or []
        check_list("gather", targets, processes.size(), tensor)
        for target, numbers in zip(targets, everything):
            unpack(target, np.asarray(numbers))


def scatter(
    tensor: Any,
    scatter_list: Sequence[Any] | None = None,
    src: int = 0,
    group: ProcessGroup | None = None,
) -> None:
    """Write the entries of a list of process `src` into the tensors of the processes, in order.

    Raises   ValueError if shapes or types differ, or the list has not one entry for each process.
    """
    processes = group_of(group)
    buffer = packed("scatter", tensor)
    sent = None
    if processes.rank() == src:
        check_list("scatter", scatter_list or [], processes.size(), tensor)
        stacked = np.stack([packed("scatter", t) for t in scatter_list or []])
        sent = stacked.reshape(-1).view(np.uint8)
    processes.agree("scatter", signature("scatter", buffer, f"src={src}"))
    received = buffer.reshape(-1).view(np.uint8)
    processes.run("scatter", lambda: processes.comm.Iscatter(sent, received, src))
    unpack(tensor, buffer)


def barrier(group: ProcessGroup | None = None) -> None:
    """Wait until all processes are here.

    Raises   RuntimeError if one has ended, or there is no process group.
    """
    processes = group_of(group)
    processes.agree("barrier", "barrier()")
    processes.run("barrier", processes.comm.Ibarrier)


# ------------------------------------------------------------------------------------------ objects


def all_gather_object(object_list: list[Any], obj: Any, group: ProcessGroup | None = None) -> None:
    """Put the object of each process into a list, in all processes; objects travel as pickles.

    Raises   ValueError if the list has not one entry for each process.
    """
    processes = group_of(group)
    if len(object_list) != processes.size():
        raise ValueError(
            f"all_gather_object: {len(object_list)} places for {processes.size()} processes"
        )
    processes.agree("all_gather_object", "all_gather_object()")
    texts = processes.texts("all_gather_object", pickle.dumps(obj).hex())
    object_list[:] = [pickle.loads(bytes.fromhex(text)) for text in texts]


def broadcast_object_list(
    object_list: list[Any], src: int = 0, group: ProcessGroup | None = None
) -> None:
    """Replace the objects of a list, in each process, by those of process `src`."""
    processes = group_of(group)
    processes.agree("broadcast_object_list", f"broadcast_object_list({len(object_list)} objects)")
    mine = pickle.dumps(object_list).hex() if processes.rank() == src else ""
    text = processes.texts("broadcast_object_list", mine)[src]
    object_list[:] = pickle.loads(bytes.fromhex(text))
