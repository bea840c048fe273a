"""Train one network on handwritten digits in several processes.

    mpiexec -n 4 python examples/distributed_digits.py    # about 5 s
    mpiexec -n 4 python examples/distributed_digits.py --optimizer sgd --epochs 10

Each process takes every n-th digit.  The gradients are added up over the processes, so that each
step is the step of one process with the whole batch: the first process takes those steps, too, and
prints by how much the weights differ.  Without mpiexec the program is that one process.
"""

from __future__ import annotations

from common import options

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import distributed, nn
from minigrad.utils.data import DataLoader, DistributedSampler, TensorDataset

OPTIMIZERS = {
    "sgd": lambda parameters: mg.optim.SGD(parameters, lr=0.1, momentum=0.9),
    "adam": lambda parameters: mg.optim.Adam(parameters, lr=2e-3),
}


def load():
    """Pixels in 0 ... 1 and labels, 1,347 to train on and 450 to test on."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    return train_test_split(digits.data / 16, digits.target, test_size=450, random_state=0)


def network() -> nn.Sequential:
    """64 pixels in, 10 scores out, in float64."""
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)).double()


def train(model, data, name, epochs, share, clip) -> float:
    """Train on this process's share of the digits; the loss of the last epoch, over all."""
    sampler = DistributedSampler(data, seed=1)
    loader = DataLoader(data, batch_size=share, sampler=sampler)
    optimizer = OPTIMIZERS[name](model.parameters())
    for epoch in range(epochs):
        sampler.set_epoch(epoch)  # another order in each epoch, the same in all processes
        totals = mg.zeros(2, dtype=mg.float64)
        for x, y in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            totals += mg.tensor([loss.item() * len(x), len(x)])
        distributed.all_reduce(totals)
        if distributed.get_rank() == 0:
            print(f"epoch {epoch + 1}: loss {(totals[0] / totals[1]).item():.4f}")
    return (totals[0] / totals[1]).item()


def train_alone(model, data, name, epochs, share, size, clip) -> None:
    """The same steps in one process: the batches of all ranks, joined."""
    samplers = [DistributedSampler(data, size, rank, seed=1) for rank in range(size)]
    optimizer = OPTIMIZERS[name](model.parameters())
    for epoch in range(epochs):
        for sampler in samplers:
            sampler.set_epoch(epoch)
        orders = [list(sampler) for sampler in samplers]
        for start in range(0, len(orders[0]), share):
            x, y = data[[i for order in orders for i in order[start : start + share]]]
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()


def main() -> None:
    parser = options(__doc__, "sklearn")
    parser.add_argument("--epochs", type=int, default=3, help="of training")
    parser.add_argument("--batch", type=int, default=64, help="digits in each step, of all")
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default="adam", help="how to step")
    parser.add_argument("--clip", type=float, default=5.0, help="largest norm of a gradient")
    args = parser.parse_args()

    distributed.init_process_group("mpi")
    rank, size = distributed.get_rank(), distributed.get_world_size()
    x_train, x_test, y_train, y_test = (mg.tensor(a) for a in load())
    data = TensorDataset(x_train, y_train)

    mg.manual_seed(rank)  # the processes begin with different weights ...
    model = nn.parallel.DistributedDataParallel(network())  # ... and have those of the first one
    alone = network()
    alone.load_state_dict(model.module.state_dict())
    share = args.batch // size
    train(model, data, args.optimizer, args.epochs, share, args.clip)
    if rank == 0:
        correct = (model(x_test).argmax(1) == y_test).double().mean().item()
        print(f"test accuracy {correct:.2%}, {size} processes")
        train_alone(alone, data, args.optimizer, args.epochs, share, size, args.clip)
        pairs = zip(model.module.parameters(), alone.parameters())
        gap = max((p - q).abs().max().item() for p, q in pairs)
        print(f"largest difference from one process: {gap:.1e}")
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
