"""Several processes: collectives, the distributed model, and what happens when one goes wrong."""

from __future__ import annotations

import re

import pytest

from tests.distributed import ROOT, launch, mpiexec
from tests.neighbours import need

FAULTS = {
    # fault: (what the output says, whether a step was taken)
    "raise": (r"rank 2 failed, and all processes end:\nTraceback[\s\S]*"
              r"KeyError: 'what the user did wrong'", True),
    "nan": (r"FloatingPointError: the loss is nan", True),
    "exit": (r"DistributedDataParallel: rank 2 ended after \d+ collectives, and rank \d waits for "
             r"it in its \d+th; have all ranks the same number of batches", True),
    "batches": (r"rank 2 ended after \d+ collectives", True),
    "kill": (r"KILLED BY SIGNAL: 9|exit code: 9|EXIT CODE: 9", True),
    "hang": (r"has waited 3 s for the others; do all ranks call the same collectives", True),
    "collective": (r"the ranks differ: rank 0 has the gradient of 2 parameters \(8 float32\), "
                   r"rank 2 has all_reduce\(\(100,\) float32, SUM\)", True),
    "model": (r"DistributedDataParallel: the modules: the ranks differ: rank 0 has weight: "
              r"\(2, 3\) float32 requires_grad=True, rank 2 has weight: \(3, 3\)", False),
    "frozen": (r"rank 0 has bias: \(2,\) float32 requires_grad=True, rank 2 has bias: \(2,\) "
               r"float32 requires_grad=False", False),
    "fit": (r"fit: the number of batches: the ranks differ: rank 0 has 6, rank 2 has 5", False),
    "plain": (r"wrap it in nn\.parallel\.DistributedDataParallel", False),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_ends_all_processes_with_its_message(fault):
    ended = launch(3, "faults.py", fault, limit=60)
    message, steps = FAULTS[fault]
    assert re.search(message, ended.output), ended.output
    assert ended.code != 0
    assert ("step 0 of rank 0" in ended.output) is steps, ended.output
    assert "to the end" not in ended.output or fault in ("exit", "batches"), ended.output


def test_without_a_fault_the_same_program_ends_well():
    ended = launch(3, "faults.py", "none")
    assert (ended.code, ended.output.count("to the end")) == (0, 3), ended.output


@pytest.mark.parametrize("processes", [2, 3])
def test_collectives(processes):
    ended = launch(processes, "collectives.py")
    assert ended.code == 0, ended.output
    assert ended.output.count("reductions right") == processes
    assert "0 reductions" not in ended.output


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_the_distributed_model_is_the_model_on_the_whole_batch(processes):
    ended = launch(processes, "model.py")
    assert ended.code == 0, ended.output
    assert ended.output.count("model right") == processes
    progress = re.findall(r"epoch 1/4", ended.output)
    assert len(progress) == 1, ended.output  # one process reports, for all


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_digits_in_four_processes_are_digits_in_one(optimizer):
    need("sklearn")
    program = ROOT / "examples" / "distributed_digits.py"
    ended = launch(4, program, "--optimizer", optimizer)
    assert ended.code == 0, ended.output
    gap = float(re.search(r"from one process: (\S+)", ended.output)[1])
    assert gap <= 1e-12
    losses = [float(x) for x in re.findall(r"loss (\S+)", ended.output)]
    assert len(losses) == 3
    assert losses == sorted(losses, reverse=True)


def test_one_process_without_mpiexec():
    mpiexec()
    import minigrad as mg
    from minigrad import distributed as dist

    with pytest.raises(RuntimeError, match=r"call mg\.distributed\.init_process_group\('mpi'\)"):
        dist.get_rank()
    with pytest.raises(RuntimeError, match="there is no process group"):
        mg.nn.parallel.DistributedDataParallel(mg.nn.Linear(1, 1))
    with pytest.raises(ValueError, match="the backend is \"mpi\", got 'nccl'; start the program"):
        dist.init_process_group("nccl")
    with pytest.raises(ValueError, match="rank 3 of 4, but mpiexec made this process 0 of 1"):
        dist.init_process_group("mpi", rank=3, world_size=4)
    dist.init_process_group("mpi")
    try:
        assert dist.is_initialized()
        assert (dist.get_rank(), dist.get_world_size(), dist.get_backend()) == (0, 1, "mpi")
        with pytest.raises(RuntimeError, match="there is a process group already"):
            dist.init_process_group("mpi")
        t = mg.ones(2, requires_grad=True)
        dist.all_reduce(t)
        assert t.tolist() == [1, 1]
        with pytest.raises(RuntimeError, match="no parameter of the module requires grad"):
            mg.nn.parallel.DistributedDataParallel(mg.nn.ReLU())
        x = mg.ones(3, 2, requires_grad=True)
        net = mg.nn.parallel.DistributedDataParallel(mg.nn.Linear(2, 1))
        with pytest.raises(RuntimeError, match="gradients of gradients do not pass"):
            mg.autograd.grad(net(x).square().sum(), net.module.weight, create_graph=True)
    finally:
        dist.destroy_process_group()
    assert not dist.is_initialized()
