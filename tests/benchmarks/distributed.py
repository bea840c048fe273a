"""Time a training step against the number of processes, and what the reduction costs.

The wide net (784-2048-2048-10, 23.3 MB of gradient), float32, SGD, one thread a process.  The batch
of all processes together stays the same.  For each number of processes, as minima over the steps:

    step       forward, backward with the reduction, update
    alone      the same inside no_sync(): each process for itself
    reduction  what DistributedDataParallel does with the gradients: pack, send, unpack
    sent       bytes that a process hands to MPI in a step, beside those of one flat gradient

Then latency and bandwidth between two processes, the share of a reduction that is hidden behind a
computation that runs meanwhile, and from these a projection to 64 processes: each on a core of its
own, with the best algorithm: 2 log2(p) latencies, and 2 (p - 1) / p of the gradient on the wire.

    python tests/benchmarks/distributed.py                # 1 and 2 processes, about 30 s
    python tests/benchmarks/distributed.py --ranks 1 2 4 --batch 512
    python tests/benchmarks/distributed.py --latency 2e-6 --bandwidth 12e9   # a network of yours
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

SIZES = (784, 2048, 2048, 10)
ROOT = Path(__file__).resolve().parents[2]
PROJECTED = (1, 2, 4, 8, 16, 32, 64)
MESSAGE = 2**23  # bytes of the message that measures bandwidth


def best_of(count: int, function) -> float:
    """The least time of so many calls, which all processes begin together."""
    from minigrad import distributed as dist

    best = float("inf")
    for _ in range(count):
        dist.barrier()
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


def worker(batch: int, steps: int) -> None:
    """What mpiexec starts: times of this many processes, printed by the first."""
    import numpy as np

    import minigrad as mg
    import minigrad.nn.functional as F
    from minigrad import distributed as dist
    from minigrad import nn

    dist.init_process_group("mpi")
    rank, size = dist.get_rank(), dist.get_world_size()
    layers = [[nn.Linear(n, m), nn.ReLU()] for n, m in zip(SIZES, SIZES[1:])]
    net = nn.Sequential(*[part for pair in layers for part in pair][:-1])
    model = nn.parallel.DistributedDataParallel(net)
    optimizer = mg.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    share = batch // size
    x, y = mg.randn(share, SIZES[0]), mg.randint(0, SIZES[-1], (share,))

    def step():
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()

    def alone():
        with model.no_sync():
            step()
        model.reducer.local = False  # these gradients are not to be added to the next ones

    step(), alone()
    before = model.reducer.bytes_sent
    step()
    sent = model.reducer.bytes_sent - before
    gradients = [p.grad.numpy() for p in net.parameters()]
    found = {
        "step": best_of(steps, step),
        "alone": best_of(steps, alone),
        "reduction": best_of(steps, lambda: model.reducer.reduce(gradients, share)),
        "sent": sent,
        "gradient": sum(g.nbytes for g in gradients),
    }
    if size > 1:
        found |= network(model.reducer.group, np)
        found |= overlap(model.reducer.group, np, steps)
    if rank == 0:
        print(json.dumps(found))
    dist.destroy_process_group()


def network(group, np) -> dict[str, float]:
    """Seconds of an empty message, and bytes a second of a long one, between two processes."""
    comm, times = group.comm, {}
    for size, count in ((0, 200), (MESSAGE, 8)):
        data, best = np.ones(size, np.uint8), float("inf")
        for _ in range(count):
            comm.Barrier()
            start = time.perf_counter()
            if comm.rank == 0:
                comm.Send(data, 1)
                comm.Recv(data, 1)
            elif comm.rank == 1:
                comm.Recv(data, 0)
                comm.Send(data, 0)
            best = min(best, time.perf_counter() - start)
        times[size] = best / 2
    return {"latency": times[0], "bandwidth": MESSAGE / (times[MESSAGE] - times[0])}


def overlap(group, np, steps: int) -> dict[str, float]:
    """The share of a reduction that a computation hides that runs while it is under way."""
    flat = np.ones(sum(n * m + m for n, m in zip(SIZES, SIZES[1:])), np.float32)
    total, a = np.empty_like(flat), np.ones((512, 512), np.float32)

    def compute():
        for _ in range(20):
            a @ a

    def reduce():
        group.finish("overlap", group.comm.Iallreduce(flat, total))

    def both():
        request = group.comm.Iallreduce(flat, total)
        compute()
        group.finish("overlap", request)

    one, other, together = (best_of(steps, f) for f in (reduce, compute, both))
    return {"hidden": (one + other - together) / min(one, other)}


def mpiexec() -> str:
    beside = Path(sysconfig.get_path("scripts")) / "mpiexec"
    return str(beside) if beside.exists() else shutil.which("mpiexec") or "mpiexec"


def measured(ranks: int, batch: int, steps: int) -> dict[str, float]:
    """What `worker` prints, in so many processes."""
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    child = [sys.executable, __file__, "--child", str(batch), str(steps)]
    run = subprocess.run([mpiexec(), "-n", str(ranks), *child], capture_output=True, text=True,
                         env={**os.environ, **threads, "PYTHONPATH": path})  # fmt: skip
    if run.returncode:
        sys.exit(run.stdout + run.stderr)
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return found


def reduction(ranks: int, size: float, latency: float, bandwidth: float) -> float:
    """Seconds of an all-reduce that scatters, and gathers again."""
    return 2 * math.log2(ranks) * latency + 2 * (ranks - 1) / ranks * size / bandwidth


def project(one: dict[str, float], packing: float, latency: float, bandwidth: float) -> None:
    """Times of a step for up to 64 processes, with the batch divided among them, or growing."""
    print(f"projection with {latency * 1e6:.1f} µs and {bandwidth / 1e9:.2f} GB/s, in ms:")
    print(f"{'processes':>9} {'reduction':>9} {'one batch':>9} {'speedup':>8} {'batch each':>10} "
          f"{'speedup':>8}")  # fmt: skip
    for p in PROJECTED:
        talk = reduction(p, one["gradient"], latency, bandwidth) + packing * (p > 1)
        divided, growing = one["alone"] / p + talk, one["alone"] + talk
        print(f"{p:9d} {talk * 1e3:9.1f} {divided * 1e3:9.1f} {one['alone'] / divided:8.2f} "
              f"{growing * 1e3:10.1f} {p * one['alone'] / growing:8.2f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batch", type=int, default=256, help="of all processes together")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--latency", type=float, help="seconds, for the projection")
    parser.add_argument("--bandwidth", type=float, help="bytes a second, for the projection")
    parser.add_argument("--child", type=int, nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return worker(*args.child)
    found = {}
    print(f"{'processes':>9} {'step ms':>8} {'alone':>8} {'reduction':>9} {'sent':>10} "
          f"{'gradient':>10}")  # fmt: skip
    for ranks in args.ranks:
        found[ranks] = r = measured(ranks, args.batch, args.steps)
        print(f"{ranks:9d} {r['step'] * 1e3:8.1f} {r['alone'] * 1e3:8.1f} "
              f"{r['reduction'] * 1e3:9.1f} {r['sent']:10.0f} {r['gradient']:10.0f}",
              flush=True)  # fmt: skip
    several = [r for ranks, r in found.items() if ranks > 1]
    if 1 not in found or not several:
        return None
    pair = several[0]
    latency = args.latency or pair["latency"]
    bandwidth = args.bandwidth or pair["bandwidth"]
    print(f"latency {pair['latency'] * 1e6:.1f} µs, bandwidth {pair['bandwidth'] / 1e9:.2f} GB/s; "
          f"hidden behind a computation: {pair['hidden']:.0%} of a reduction")  # fmt: skip
    wire = reduction(2, pair["gradient"], pair["latency"], pair["bandwidth"])
    project(found[1], max(0.0, pair["reduction"] - wire), latency, bandwidth)
    return None


if __name__ == "__main__":
    main()
