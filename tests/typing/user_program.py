"""A user's program, read by type checkers only: each line says what they should find.

`tests/test_typing.py` compares what mypy and pyright reveal with the comments.
"""

from typing import reveal_type

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import Tensor, nn, optim
from minigrad.func import grad, hessian, jacrev, vjp, vmap
from minigrad.optim.lr_scheduler import StepLR
from minigrad.utils.data import DataLoader, Dataset, TensorDataset, random_split


class Net(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(4, width)
        self.norm = nn.LayerNorm(width)
        self.last = nn.Linear(width, 3)
        self.scale = nn.Parameter(mg.ones(1))
        self.mean: Tensor
        self.register_buffer("mean", mg.zeros(4))

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.relu(self.norm(self.first(x - self.mean)))
        return self.last(hidden) * self.scale


class Squares(Dataset[tuple[Tensor, Tensor]]):
    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        x = mg.tensor([float(index)])
        return x, x**2


def tensors() -> Tensor:
    x = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    reveal_type(x)  # Tensor
    reveal_type(mg.zeros(2, 3))  # Tensor
    reveal_type(mg.randn(2, 3, dtype=mg.float64))  # Tensor
    reveal_type(mg.arange(3))  # Tensor
    reveal_type(x + 1)  # Tensor
    reveal_type(2.0 * x)  # Tensor
    reveal_type(x @ x.T)  # Tensor
    reveal_type(-x)  # Tensor
    reveal_type(x**2)  # Tensor
    reveal_type(x > 0)  # Tensor
    reveal_type(x == 1.0)  # Tensor
    reveal_type(x[0])  # Tensor
    reveal_type(x[:, 1:])  # Tensor
    reveal_type(x.max())  # Tensor
    reveal_type(x.max(dim=1).indices)  # Tensor
    reveal_type(x.sum(dim=0, keepdim=True))  # Tensor
    reveal_type(x.mean())  # Tensor
    reveal_type(x.reshape(-1))  # Tensor
    reveal_type(x.exp().log().sqrt())  # Tensor
    reveal_type(x.sort(dim=1).values)  # Tensor
    reveal_type(x.grad)  # Tensor | None
    reveal_type(x.shape)  # Size
    reveal_type(x.dtype)  # dtype[Any]
    reveal_type(x.requires_grad)  # bool
    reveal_type(x.numpy())  # ndarray
    reveal_type(x.detach())  # Tensor
    reveal_type(x.float())  # Tensor
    reveal_type(x.to(mg.float64))  # Tensor
    reveal_type(mg.cat([x, x], dim=1))  # Tensor
    reveal_type(mg.stack([x, x]))  # Tensor
    reveal_type(mg.where(x > 0, x, 0.0))  # Tensor
    reveal_type(mg.maximum(x, x))  # Tensor
    reveal_type(mg.einsum("ij,jk->ik", x, x))  # Tensor
    reveal_type(mg.sin(x))  # Tensor
    reveal_type(mg.argmax(x, dim=1))  # Tensor
    reveal_type(mg.topk(x, 1).values)  # Tensor
    reveal_type(mg.allclose(x, x))  # bool
    reveal_type(len(x))  # int
    for row in x:
        reveal_type(row)  # Tensor
    y = x.sum()
    y.backward()
    with mg.no_grad():
        x -= 0.1 * x
    return y


def linear_algebra(A: Tensor) -> None:
    U, S, Vh = mg.linalg.svd(A)
    reveal_type(U)  # Tensor
    reveal_type(mg.linalg.svd(A).S)  # Tensor
    reveal_type(mg.linalg.qr(A).Q)  # Tensor
    reveal_type(mg.linalg.eigh(A).eigenvalues)  # Tensor
    reveal_type(mg.linalg.inv(A))  # Tensor
    reveal_type(mg.linalg.solve(A, A))  # Tensor
    reveal_type(mg.linalg.norm(A))  # Tensor
    reveal_type(mg.linalg.slogdet(A).logabsdet)  # Tensor
    reveal_type(U @ mg.diag(S) @ Vh)  # Tensor


def numpy_door(t: Tensor) -> None:
    total: Tensor = np.sum(t)  # NumPy's stubs say Any
    reveal_type(total)  # Tensor
    reveal_type(t + np.ones(3))  # Tensor


def functions(x: Tensor) -> None:
    def f(v: Tensor) -> Tensor:
        return (v**2).sum()

    reveal_type(f(x))  # Tensor
    reveal_type(vmap(f)(x))  # Tensor
    gradient: Tensor = grad(f)(x)  # Any: it has the form of the argument, which may be a dict
    jacobian: Tensor = jacrev(f)(x)
    matrix: Tensor = hessian(f)(x)
    reveal_type(gradient + jacobian + matrix)  # Tensor
    value, pull = vjp(f, x)
    reveal_type(pull(value))  # Any
    (g,) = mg.autograd.grad(f(x), [x])
    reveal_type(g)  # Tensor


def modules() -> None:
    net = Net(8)
    reveal_type(net(mg.ones(2, 4)))  # Tensor
    reveal_type(net.first.weight)  # Parameter
    reveal_type(net.scale)  # Parameter
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 3))
    reveal_type(model(mg.ones(2, 4)))  # Tensor
    reveal_type(len(model))  # int
    reveal_type(nn.Conv2d(1, 4, 3)(mg.ones(1, 1, 8, 8)))  # Tensor
    output, (h, _) = nn.LSTM(4, 8)(mg.ones(5, 2, 4))
    reveal_type(output)  # Tensor
    reveal_type(h)  # Tensor
    for name, parameter in net.named_parameters():
        reveal_type(name)  # str
        reveal_type(parameter)  # Parameter
    reveal_type(net.state_dict())  # dict[str, Any]
    reveal_type(net.train())  # Net
    reveal_type(net.eval())  # Net
    reveal_type(F.cross_entropy(net(mg.ones(2, 4)), mg.tensor([0, 1])))  # Tensor
    reveal_type(nn.MSELoss()(mg.ones(2), mg.zeros(2)))  # Tensor
    reveal_type(F.softmax(mg.ones(2, 4), dim=1))  # Tensor


def training() -> float:
    net = Net(8)
    data = TensorDataset(mg.randn(20, 4), mg.randint(0, 3, (20,)))
    train, _ = random_split(data, [15, 5])
    loader = DataLoader(train, batch_size=5, shuffle=True)
    optimizer = optim.AdamW(net.parameters(), lr=1e-2, weight_decay=0.01)
    scheduler = StepLR(optimizer, step_size=5, gamma=0.5)
    criterion = nn.CrossEntropyLoss()
    total = 0.0
    for x, y in loader:
        reveal_type(x)  # Tensor
        reveal_type(y)  # Tensor
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        reveal_type(loss)  # Tensor
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
    scheduler.step()
    for a, _ in DataLoader(Squares(), batch_size=2):
        reveal_type(a)  # Tensor
    history = mg.training.fit(net, criterion, optimizer, loader, epochs=2, progress=False)
    reveal_type(history["loss"][-1])  # Any
    reveal_type(mg.training.evaluate(net, criterion, loader))  # dict[str, float]
    mg.save(net.state_dict(), "net.npz")
    net.load_state_dict(mg.load("net.npz"))
    mg.visualize.draw(net(mg.ones(2, 4))).save("graph.svg")
    report = mg.testing.check_gradients(net, (mg.ones(2, 4),))
    reveal_type(report.ok)  # bool
    mg.manual_seed(0)
    device = mg.device("cuda" if mg.cuda.is_available() else "cpu")
    net.to(device)
    return total
