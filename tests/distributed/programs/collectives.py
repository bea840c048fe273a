"""Every collective, on arrays of every type and layout, against NumPy on all ranks' arrays."""

from __future__ import annotations

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import distributed as dist
from minigrad.distributed import ReduceOp

dist.init_process_group("mpi")
rank, size = dist.get_rank(), dist.get_world_size()

TYPES = ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"]
LAYOUTS = {
    "C": lambda a: a,
    "Fortran": np.asfortranarray,
    "strided": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "reversed": lambda a: a[::-1].copy()[::-1],
    "transposed": lambda a: a.T.copy().T,
    "0-d": lambda a: np.array(a[0, 1]),
    "empty": lambda a: a[:, :0].copy(),
}
REDUCTIONS = {
    ReduceOp.SUM: lambda all: all.sum(0),
    ReduceOp.AVG: lambda all: all.mean(0),
    ReduceOp.PRODUCT: lambda all: all.prod(0),
    ReduceOp.MIN: lambda all: all.min(0, initial=None) if all.size else all[0],
    ReduceOp.MAX: lambda all: all.max(0, initial=None) if all.size else all[0],
    ReduceOp.BAND: np.bitwise_and.reduce,
    ReduceOp.BOR: np.bitwise_or.reduce,
    ReduceOp.BXOR: np.bitwise_xor.reduce,
}


def numbers(dtype, of_rank, shift=0):
    return (np.random.default_rng(10 * of_rank + shift).integers(0, 3, (2, 3))).astype(dtype)


def allowed(op, dtype):
    if op in (ReduceOp.BAND, ReduceOp.BOR, ReduceOp.BXOR):
        return dtype.kind in "biu"
    if dtype.kind == "b":
        return op in (ReduceOp.MIN, ReduceOp.MAX, ReduceOp.PRODUCT)
    return op is not ReduceOp.AVG or dtype.kind == "f"


def refused(call, kind, text):
    with pytest.raises(kind, match=re.escape(text)):
        call()


checked = 0
for dtype in map(np.dtype, TYPES):
    for layout in LAYOUTS.values():
        everything = np.stack([layout(numbers(dtype, r)) for r in range(size)])
        mine = layout(numbers(dtype, rank))

        for op, reference in REDUCTIONS.items():
            t = mg.from_numpy(mine.copy(order="K"))
            if not allowed(op, dtype):
                refused(lambda: dist.all_reduce(t, op), TypeError, "all_reduce: ")
                continue
            expected = reference(everything).astype(dtype)
            view = t.detach()
            dist.all_reduce(t, op)
            np.testing.assert_array_equal(t.numpy(), expected)
            np.testing.assert_array_equal(view.numpy(), expected)  # in place
            t = mg.from_numpy(mine.copy(order="K"))
            dist.reduce(t, size - 1, op)
            np.testing.assert_array_equal(t.numpy(), expected if rank == size - 1 else mine)
            checked += 1

        t = mg.from_numpy(mine.copy(order="K"))
        dist.broadcast(t, src=size - 1)
        np.testing.assert_array_equal(t.numpy(), everything[-1])

        t = mg.from_numpy(mine)
        targets = [mg.from_numpy(layout(numbers(dtype, 99))) for _ in range(size)]
        dist.all_gather(targets, t)
        np.testing.assert_array_equal([x.numpy() for x in targets], everything)
        joined = mg.zeros(*everything.shape, dtype=dtype)
        dist.all_gather_into_tensor(joined, t)
        np.testing.assert_array_equal(joined.numpy(), everything)
        targets = [x.clone().zero_() for x in targets] if rank == 0 else None
        dist.gather(t, targets, dst=0)
        if rank == 0:
            np.testing.assert_array_equal([x.numpy() for x in targets], everything)
        parts = [mg.from_numpy(np.asarray(e)) for e in everything] if rank == 0 else None
        out = mg.from_numpy(mine.copy(order="K"))
        dist.scatter(out, parts, src=0)
        np.testing.assert_array_equal(out.numpy(), mine)

        if allowed(ReduceOp.SUM, dtype):
            inputs = [mg.from_numpy(layout(numbers(dtype, rank, s))) for s in range(size)]
            dist.reduce_scatter(out, inputs)
            expected = sum(layout(numbers(dtype, r, rank)).astype(np.float64) for r in range(size))
            np.testing.assert_array_equal(out.numpy(), expected.astype(dtype))

# sums of float16 are rounded once: 2048 + 1 is 2048 in float16
half = mg.tensor([2048.0 if rank == 0 else 1.0], dtype=mg.float16)
dist.all_reduce(half)
assert half.item() == np.float16(2048 + size - 1), half

long = mg.full((3,), rank + 1.0)
work = dist.all_reduce(long, async_op=True)
assert not work.is_completed()
assert work.wait()
assert work.is_completed()
assert long.tolist() == [size * (size + 1) / 2] * 3

objects = [None] * size
dist.all_gather_object(objects, {"rank": rank, "text": "é" * rank})
assert objects == [{"rank": r, "text": "é" * r} for r in range(size)]
shared = [rank, "x"] if rank == 0 else [None, None]
dist.broadcast_object_list(shared, 0)
assert shared == [0, "x"]
dist.barrier()

pair = dist.new_group([0, 1])
if rank < 2:
    assert (dist.get_rank(pair), dist.get_world_size(pair)) == (rank, 2)
    t = mg.ones(1)
    dist.all_reduce(t, group=pair)
    assert t.item() == 2
else:
    assert pair is None

# what differs between the ranks is said in all of them
refused(
    lambda: dist.all_reduce(mg.zeros(2 + rank)),
    ValueError,
    "the ranks differ: rank 0 has all_reduce((2,) float32, SUM), rank 1 has all_reduce((3,)",
)
refused(
    lambda: dist.all_reduce(mg.zeros(2, dtype=mg.float64 if rank else mg.float32)),
    ValueError,
    "rank 1 has all_reduce((2,) float64, SUM)",
)
refused(lambda: dist.broadcast(mg.zeros(2), src=rank % 2), ValueError, "src=0), rank 1 has")
refused(lambda: dist.barrier() if rank else dist.all_reduce(mg.zeros(1)), ValueError, "barrier()")
refused(
    lambda: dist.require_same("steps", 5 + (rank == 1)),
    ValueError,
    "steps: the ranks differ: rank 0 has 5, rank 1 has 6",
)
refused(lambda: dist.all_gather([mg.zeros(1)], mg.zeros(1)), ValueError, "1 tensors for")
refused(lambda: dist.all_reduce([1.0]), TypeError, "all_reduce takes tensors, got list")

dist.manual_seed(5)
draws = [None] * size
dist.all_gather_object(draws, mg.rand(2).tolist())
assert len({tuple(d) for d in draws}) == size
dist.manual_seed(5)
assert mg.rand(2).tolist() == draws[rank]

dist.destroy_process_group()
assert not dist.is_initialized()
print(f"rank {rank} of {size}: {checked} reductions right")
