"""``DistributedDataParallel``: one model in several processes, each with its share of every batch.

Every call of the model goes through one node, `Shared`, that hands the parameters on as they are.
It is the oldest node of the graph, so backward comes to it last, with the gradients of all
parameters in hand; there they are packed, added up over the processes in one message for each type,
and handed back.  Hence clipping, hooks of parameters and optimizers see the gradient of the global
batch and know nothing of processes.

The message is not sent in parts while backward still runs: MPI moves data only while a process is
inside one of its calls, unless threads of its own take processors from the computation, so that
there is nothing to be gained where the processors are the ones that compute.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad import distributed
from minigrad.autograd.function import Function
from minigrad.distributed.collectives import wide
from minigrad.distributed.group import ProcessGroup, group_of
from minigrad.func.modules import Slot, slots_of
from minigrad.graph import Variable, wrap
from minigrad.modes import is_grad_enabled, no_grad
from minigrad.nn.module import Module

__all__ = ["DistributedDataParallel"]

EXTRA = 2  # numbers that travel with a gradient: its weight, and how many parameters had none


class Shared(Function):
    """The parameters as they are; their gradients, as means over the processes."""

    @staticmethod
    def forward(ctx: Any, reducer: Any, samples: Any, *parameters: Any) -> Any:
        """Hand the parameters on."""
        ctx.reducer, ctx.samples = reducer, samples
        ctx.set_materialize_grads(False)
        return tuple([p.detach() for p in parameters])

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Reduce the gradients of this process with those of the others."""
        if any(g is not None and g._node is not None for g in gradients):
            raise RuntimeError(
                "DistributedDataParallel: gradients of gradients do not pass between processes; "
                "call the module inside no_sync(), or leave out create_graph"
            )
        arrays = [None if g is None else g._array for g in gradients]
        reduced = ctx.reducer.reduce(arrays, ctx.samples)
        return (None, None, *[None if a is None else wrap(a) for a in reduced])


class Bucket:
    """The parameters of one type, whose gradients travel in one message.

    numbers   which of all parameters
    places    for each of them: where its gradient begins, its shape, and the order of its axes in
              memory, which the gradient keeps
    """

    def __init__(self, parameters: list[Any], dtype: Any) -> None:
        self.dtype = dtype
        self.numbers = [i for i, p in enumerate(parameters) if p.dtype == dtype]
        self.travels = np.dtype(np.float32) if dtype == np.float16 else dtype
        self.places = []
        start = 0
        for i in self.numbers:
            array = parameters[i]._array
            order = tuple(sorted(range(array.ndim), key=lambda k: -abs(array.strides[k])))
            self.places.append((start, array.shape, order))
            start += array.size
        self.size = start

    def view(self, flat: np.ndarray, place: tuple[int, Any, Any]) -> np.ndarray:
        """The part of a flat array that belongs to a parameter, in its shape."""
        start, shape, order = place
        stop = start + int(np.prod(shape, dtype=int))
        in_memory = flat[start:stop].reshape([shape[k] for k in order])
        return in_memory.transpose(np.argsort(order)) if order else in_memory


class Reducer:
    """Adds up gradients over the processes of a group, and counts what it sends.

    bytes_sent   bytes of all messages so far
    local        whether gradients of no_sync() wait in the parameters to be added up
    """

    def __init__(self, parameters: list[Any], group: ProcessGroup) -> None:
        self.parameters = parameters
        self.group = group
        kinds = sorted({p.dtype for p in parameters}, key=str)
        self.buckets = [Bucket(parameters, dtype) for dtype in kinds]
        sizes = ", ".join(f"{bucket.size} {bucket.dtype}" for bucket in self.buckets)
        self.signature = f"the gradient of {len(parameters)} parameters ({sizes})"
        self.bytes_sent = 0
        self.local = False
        self.waiting = 0.0  # samples of the calls inside no_sync()

    def reduce(self, gradients: list[Any], samples: float) -> list[Any]:
        """The means over all samples of all processes, for the parameters that took part."""
        if self.local:
            gradients = self.with_local(gradients)
            samples, self.waiting, self.local = samples + self.waiting, 0.0, False
        if self.group.size() == 1:
            return gradients
        # MPI adds up whatever meets, of whatever type: first see that it is the same on all ranks
        self.group.agree("DistributedDataParallel", self.signature)
        reduced: list[Any] = [None] * len(gradients)
        missing = False
        for bucket in self.buckets:
            flat = self.pack(bucket, gradients, samples)
            total = np.empty_like(flat)
            self.sum(flat, total)
            if total[-2]:
                total[:-EXTRA] /= total[-2]
            missing = missing or bool(total[-1])
            numbers = total[:-EXTRA].astype(bucket.dtype, copy=False)
            for i, place in zip(bucket.numbers, bucket.places):
                reduced[i] = bucket.view(numbers, place)
        if missing:  # somewhere a parameter took no part: those of which this holds everywhere ...
            took_part = np.array([g is not None for g in gradients], np.uint8)
            anywhere = np.empty_like(took_part)
            from mpi4py import MPI

            self.group.run(
                "DistributedDataParallel",
                lambda: self.group.comm.Iallreduce(took_part, anywhere, MPI.MAX),
            )
            return [g if there else None for g, there in zip(reduced, anywhere)]  # ... have none
        return reduced

    def with_local(self, gradients: list[Any]) -> list[Any]:
        """The gradients, and what calls inside no_sync() left in the parameters, which is taken."""
        together = []
        for p, g in zip(self.parameters, gradients):
            before, p.grad = p.grad, None
            if before is not None:
                g = before._array if g is None else g + before._array
            together.append(g)
        return together

    def pack(self, bucket: Bucket, gradients: list[Any], samples: float) -> np.ndarray:
        """The gradients of a bucket in one array, times the number of samples behind them."""
        flat = np.empty(bucket.size + EXTRA, bucket.travels)
        missing = 0
        for i, place in zip(bucket.numbers, bucket.places):
            target, g = bucket.view(flat, place), gradients[i]
            if g is None:
                target[...] = 0
                missing += 1
            else:
                np.multiply(wide(g), samples, out=target, casting="same_kind")
        flat[-2:] = samples, missing
        return flat

    def sum(self, flat: np.ndarray, total: np.ndarray) -> None:
        from mpi4py import MPI

        self.bytes_sent += flat.nbytes
        self.group.run(
            "DistributedDataParallel", lambda: self.group.comm.Iallreduce(flat, total, MPI.SUM)
        )


class DistributedDataParallel(Module):
    """A module in several processes, whose gradients are those of the global batch.

    Each process calls it with its share of the batch; after backward the gradient of each parameter
    is the mean over all samples of all processes, so that the parameters stay the same everywhere.
    The loss is a mean over the samples.  Shares may differ in size: each counts as many times as it
    has samples, where PyTorch counts every process once.

    module             the same in all processes; it starts from the numbers of process 0
    dim                the axis of the inputs along which samples lie
    broadcast_buffers  before each call in training mode, buffers (the statistics of batch norms)
                       become those of process 0
    process_group      the processes that take part; None: all
    device_ids, output_device, bucket_cap_mb, find_unused_parameters, gradient_as_bucket_view,
    static_graph       accepted for PyTorch's sake: there is one device, one message for each type
                       of numbers, and parameters that took no part in a loss are found always

    Raises   ValueError, in all processes, if their modules differ; RuntimeError if there is no
             process group, or no parameter requires grad.
    Example  >>> import minigrad as mg
             >>> mg.distributed.init_process_group("mpi")  # one process, without mpiexec
             >>> net = mg.nn.parallel.DistributedDataParallel(mg.nn.Linear(2, 1))
             >>> net(mg.ones(3, 2)).sum().backward()
             >>> net.module.bias.grad
             tensor([3.])
             >>> mg.distributed.destroy_process_group()
    """

    module: Module

    def __init__(
        self,
        module: Module,
        device_ids: Any = None,
        output_device: Any = None,
        dim: int = 0,
        broadcast_buffers: bool = True,
        init_sync: bool = True,
        process_group: ProcessGroup | None = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        check_reduction: bool = False,
        gradient_as_bucket_view: bool = False,
        static_graph: bool = False,
    ) -> None:
        super().__init__()
        self.module = module
        self.dim = dim
        self.broadcast_buffers = broadcast_buffers
        self.process_group = group = group_of(process_group)
        self.require_backward_grad_sync = True
        slots = slots_of(module)
        trained = [s for s in slots.values() if s.tensor is not None and s.tensor.requires_grad]
        parameters = list({id(s.tensor): s.tensor for s in trained}.values())
        if not parameters:
            raise RuntimeError("DistributedDataParallel: no parameter of the module requires grad")
        position = {id(p): i for i, p in enumerate(parameters)}
        self._slots = [(slot, position[id(slot.tensor)]) for slot in trained]
        self._check_same(slots, group)
        if init_sync:
            self._copy_from_first(list(module.parameters()))
            self._copy_from_first(list(module.buffers()))
        self.reducer = Reducer(parameters, group)

    def _check_same(self, slots: dict[str, Slot], group: ProcessGroup) -> None:
        """Raise an error in all processes unless the modules have the same tensors."""
        for name, slot in slots.items():
            t = slot.tensor
            what = "None" if t is None else f"{t.shape} {t.dtype} requires_grad={t.requires_grad}"
            group.agree("DistributedDataParallel: the modules", f"{name}: {what}")
        group.agree("DistributedDataParallel: the modules", f"{len(slots)} tensors")

    def _copy_from_first(self, tensors: list[Any]) -> None:
        """Tensors of all processes become those of process 0, in one message for each type."""
        if self.process_group.size() == 1 or not tensors:
            return
        for dtype in sorted({t.dtype for t in tensors}, key=str):
            chosen = [t for t in tensors if t.dtype == dtype]
            flat = wrap(np.concatenate([t._array.ravel() for t in chosen]))
            distributed.broadcast(flat, 0, self.process_group)
            if self.process_group.rank() == 0:
                continue
            ends = np.cumsum([t.numel() for t in chosen])
            with no_grad():
                for t, part in zip(chosen, np.split(flat._array, ends[:-1])):
                    t.copy_(wrap(part.reshape(t.shape)))

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Gradients of calls in here stay in their process, until the next call outside.

        For gradient accumulation: that call's backward adds up all of them in one message.

        Example  >>> mg.distributed.init_process_group("mpi")
                 >>> net = mg.nn.parallel.DistributedDataParallel(mg.nn.Linear(2, 1))
                 >>> with net.no_sync():
                 ...     net(mg.ones(3, 2)).sum().backward()
                 >>> net(mg.ones(1, 2)).sum().backward()
                 >>> net.module.bias.grad
                 tensor([4.])
                 >>> mg.distributed.destroy_process_group()
        """
        before, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """Call the module, with parameters whose gradients will be added up."""
        samples = float(self._samples(inputs, kwargs))
        if not is_grad_enabled():
            return self.module(*inputs, **kwargs)
        if not self.require_backward_grad_sync:
            self.reducer.local = True
            self.reducer.waiting += samples
            return self.module(*inputs, **kwargs)
        if self.training and self.broadcast_buffers:
            self._copy_from_first(list(self.module.buffers()))
        shared = Shared.apply(self.reducer, samples, *self.reducer.parameters)
        try:
            for slot, i in self._slots:
                slot.put(shared[i])
            return self.module(*inputs, **kwargs)
        finally:
            for slot, _ in self._slots:
                slot.put(slot.tensor)

    def _samples(self, inputs: Any, kwargs: Any) -> int:
        """How many samples a call has: the size of its first tensor along `dim`."""
        for x in (*inputs, *kwargs.values()):
            if isinstance(x, Variable) and x._array.ndim > self.dim:
                return int(x._array.shape[self.dim])
        return 1
