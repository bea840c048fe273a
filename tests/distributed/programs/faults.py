"""A run in which one rank does something wrong, named by the first argument."""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import timedelta

import minigrad as mg
from minigrad import distributed as dist
from minigrad import nn
from minigrad.nn.parallel import DistributedDataParallel

fault = sys.argv[1]
dist.init_process_group("mpi", timeout=timedelta(seconds=3 if fault == "hang" else 60))
rank, size = dist.get_rank(), dist.get_world_size()
wrong = rank == size - 1

network = nn.Linear(3, 3 if fault == "model" and wrong else 2)
if fault == "frozen" and wrong:
    network.bias.requires_grad_(False)
model = DistributedDataParallel(network)
optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
batches = [(mg.ones(2, 3), mg.ones(2, 2))] * (5 if fault in ("fit", "batches") and wrong else 6)

if fault == "fit":
    mg.training.fit(model, nn.MSELoss(), optimizer, batches, epochs=2)
if fault == "plain":
    mg.training.fit(network, nn.MSELoss(), optimizer, batches, epochs=2)

for step, (x, y) in enumerate(batches):
    if wrong and step == 3:
        if fault == "raise":
            raise KeyError("what the user did wrong")
        if fault == "exit":
            sys.exit(0)
        if fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "hang":
            time.sleep(60)
        if fault == "nan":
            x = x * float("nan")
        if fault == "collective":
            dist.all_reduce(mg.zeros(100))
    loss = nn.MSELoss()(model(x), y)
    if not mg.isfinite(loss):
        raise FloatingPointError("the loss is nan")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step {step} of rank {rank}", flush=True)
print("to the end")
