"""One model, many processes: PyTorch's ``torch.distributed``, on MPI.

    mpiexec -n 4 python train.py

starts the same program four times.  Each process asks `get_rank` which of them it is, works on its
share of the data, and meets the others in collectives; `nn.parallel.DistributedDataParallel` does
that for the gradients of a model.  mpi4py does all that is communication: ``minigrad-numpy[mpi]``
installs it, and an ``mpiexec``.

When one process fails, all end, with its traceback; when one ends before its time, the others say
so; a killed process ends the run.
"""

from minigrad.distributed.collectives import (
    ReduceOp,
    Work,
    all_gather,
    all_gather_into_tensor,
    all_gather_object,
    all_reduce,
    barrier,
    broadcast,
    broadcast_object_list,
    gather,
    reduce,
    reduce_scatter,
    reduce_scatter_tensor,
    scatter,
)
from minigrad.distributed.group import (
    ProcessGroup,
    destroy_process_group,
    get_backend,
    get_rank,
    get_world_size,
    init_process_group,
    is_available,
    is_initialized,
    is_mpi_available,
    manual_seed,
    new_group,
    require_same,
)

__all__ = [
    "ProcessGroup",
    "ReduceOp",
    "Work",
    "all_gather",
    "all_gather_into_tensor",
    "all_gather_object",
    "all_reduce",
    "barrier",
    "broadcast",
    "broadcast_object_list",
    "destroy_process_group",
    "gather",
    "get_backend",
    "get_rank",
    "get_world_size",
    "init_process_group",
    "is_available",
    "is_initialized",
    "is_mpi_available",
    "manual_seed",
    "new_group",
    "reduce",
    "reduce_scatter",
    "reduce_scatter_tensor",
    "require_same",
    "scatter",
]
