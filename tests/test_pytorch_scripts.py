"""Scripts as PyTorch tutorials have them, run with ``import torch`` read as minigrad.

The scripts are texts, so that nothing but their imports is adapted: a line that PyTorch runs and
minigrad refuses fails here.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

import minigrad as mg
from tests.pytorch_tutorials import ATTENTION, CHARACTERS, CONVOLUTION

QUICKSTART = """
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(0)
device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
print(f"Using {device} device")


class Blobs(Dataset):
    def __init__(self, n, transform=None, target_transform=None):
        centers = torch.tensor([[2.0, 0.0], [-2.0, 1.0], [0.0, -2.0]])
        self.labels = torch.randint(0, 3, (n,))
        self.points = centers[self.labels] + 0.3 * torch.randn(n, 2)
        self.transform = transform
        self.target_transform = target_transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, idx):
        point, label = self.points[idx], self.labels[idx]
        if self.transform:
            point = self.transform(point)
        if self.target_transform:
            label = self.target_transform(label)
        return point, label


train_dataloader = DataLoader(
    Blobs(300), batch_size=32, shuffle=True, num_workers=0, pin_memory=True
)
test_dataloader = DataLoader(Blobs(60), batch_size=32, pin_memory=torch.cuda.is_available())

for X, y in test_dataloader:
    print(f"Shape of X [N, features]: {X.shape}")
    print(f"Shape of y: {y.shape} {y.dtype}")
    break


class NeuralNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(
            nn.Linear(2, 16),
            nn.ReLU(),
            nn.Linear(16, 16),
            nn.ReLU(inplace=True),
            nn.Dropout(0.1),
            nn.Linear(16, 3),
        )

    def forward(self, x):
        x = self.flatten(x)
        logits = self.linear_relu_stack(x)
        return logits


model = NeuralNetwork().to(device)
print(model)
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.5)


def train(dataloader, model, loss_fn, optimizer):
    size = len(dataloader.dataset)
    model.train()
    for batch, (X, y) in enumerate(dataloader):
        X, y = X.to(device, non_blocking=True), y.to(device, non_blocking=True)
        pred = model(X)
        loss = loss_fn(pred, y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
        optimizer.zero_grad()
        if batch % 100 == 0:
            loss, current = loss.item(), (batch + 1) * len(X)
            print(f"loss: {loss:>7f}  [{current:>5d}/{size:>5d}]")


def test(dataloader, model, loss_fn):
    size = len(dataloader.dataset)
    num_batches = len(dataloader)
    model.eval()
    test_loss, correct = 0, 0
    with torch.no_grad():
        for X, y in dataloader:
            X, y = X.to(device), y.to(device)
            pred = model(X)
            test_loss += loss_fn(pred, y).item()
            correct += (pred.argmax(1) == y).type(torch.float).sum().item()
    test_loss /= num_batches
    correct /= size
    print(f"Accuracy: {(100*correct):>0.1f}%, Avg loss: {test_loss:>8f}")
    return correct


for t in range(5):
    train(train_dataloader, model, loss_fn, optimizer)
    accuracy = test(test_dataloader, model, loss_fn)
    scheduler.step()
print("lr", scheduler.get_last_lr(), optimizer.param_groups[0]["lr"])

torch.save(model.state_dict(), folder + "/model.EXTENSION")
model = NeuralNetwork().to(device)
print(model.load_state_dict(torch.load(folder + "/model.EXTENSION", weights_only=True,
                                       map_location=torch.device("cpu"))))
again = test(test_dataloader, model, loss_fn)
model.eval()
x, y = test_dataloader.dataset[0][0], test_dataloader.dataset[0][1]
with torch.inference_mode():
    x = x.unsqueeze(0).to(device)
    pred = model(x)
    predicted, actual = pred[0].argmax(0), y
total_params = sum(p.numel() for p in model.parameters() if p.requires_grad)
assert accuracy == again
assert accuracy > 0.95
assert predicted.dtype == torch.int64
assert total_params == 2 * 16 + 16 + 16 * 16 + 16 + 16 * 3 + 3
"""

TENSORS = """
import torch
import numpy as np

torch.set_printoptions(precision=4, sci_mode=False, linewidth=120)
device = "cuda" if torch.cuda.is_available() else "cpu"
data = [[1, 2], [3, 4]]
x_data = torch.tensor(data)
np_array = np.array(data)
x_np = torch.from_numpy(np_array)
x_ones = torch.ones_like(x_data)
x_rand = torch.rand_like(x_data, dtype=torch.float)
shape = (2, 3,)
rand_tensor = torch.rand(shape)
zeros_tensor = torch.zeros(shape, device=device)
tensor = torch.ones(4, 4)
assert str(tensor.device) == "cpu" and tensor.device.type == "cpu"
assert tensor.shape == torch.Size([4, 4]) and tensor.size(0) == 4
assert not tensor.is_cuda
print(f"First row: {tensor[0]}")
print(f"Last column: {tensor[..., -1]}")
tensor[:, 1] = 0
t1 = torch.cat([tensor, tensor, tensor], dim=1)
y1 = tensor @ tensor.T
y2 = tensor.matmul(tensor.T)
y3 = torch.matmul(tensor, tensor.T)
z1 = tensor * tensor
z2 = tensor.mul(tensor)
z3 = torch.mul(tensor, tensor)
assert torch.equal(y1, y2) and torch.equal(y2, y3) and torch.equal(z1, z3)
agg = tensor.sum()
assert isinstance(agg.item(), float) and agg.item() == 12
tensor.add_(5)
t = torch.ones(5)
n = t.numpy()
t.add_(1)
assert n[0] == 2
n = np.ones(5)
t = torch.from_numpy(n)
np.add(n, 1, out=n)
assert t[0] == 2 and t.dtype == torch.float64

x = torch.Tensor([1.0, 2.0])
assert x.dtype == torch.float32
assert torch.Tensor(2, 3).shape == (2, 3)
assert torch.FloatTensor([1, 2]).dtype == torch.float32
assert torch.LongTensor([1, 2]).dtype == torch.int64
assert isinstance(x, torch.Tensor)
w = torch.tensor([1.0, 2.0], device=device, requires_grad=True)
(w ** 2).sum().backward()
w.data -= 0.1 * w.grad.data
assert torch.allclose(w, torch.tensor([0.8, 1.6]))
w.grad.zero_()
w.grad = None
x = torch.linspace(0, 1, steps=5).view(-1, 1)
assert x.view(5).tolist() == [0, 0.25, 0.5, 0.75, 1]
a = torch.arange(24).reshape(2, 3, 4)
assert a.permute(2, 0, 1).contiguous().view(4, -1).shape == (4, 6)
assert a.float().var(False).shape == () and a.float().var(dim=1, unbiased=False).shape == (2, 4)
assert torch.add(x, x, alpha=2).allclose(3 * x) and torch.sub(x, 1, alpha=3).allclose(x - 3)
assert x.add(x, alpha=2).allclose(3 * x)
x.sub_(x, alpha=0.5)
values, indices = torch.max(torch.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
assert indices.tolist() == [1, 0] and values.tolist() == [5, 7]
values, indices = torch.topk(torch.tensor([1.0, 5.0, 3.0]), 2)
assert indices.tolist() == [1, 2]
assert torch.argmax(torch.tensor([1.0, 5.0, 3.0])).item() == 1
assert torch.is_tensor(x) and x.is_contiguous()
assert torch.cuda.device_count() == 0
b = x.to("cpu").to(torch.float64).cpu().detach().clone()
c = b.to(x)
assert c.dtype == torch.float32 and x.new_zeros(2).dtype == torch.float32
assert torch.where(a > 3, a, torch.zeros_like(a)).sum() == sum(range(4, 24))
assert (a % 2 == 0).nonzero().shape == (12, 3)
assert torch.stack([x, x]).shape == (2, 5, 1) and x.squeeze().unsqueeze(-1).shape == (5, 1)
assert len(torch.split(torch.arange(10), 3)) == 4 and len(torch.chunk(torch.arange(10), 3)) == 3
assert torch.einsum("ij,jk->ik", tensor, tensor).shape == (4, 4)
assert torch.empty(2, 3).fill_(1.5).sum().item() == 9.0
assert torch.full((2,), 3.0).tolist() == [3.0, 3.0] and torch.eye(3).trace().item() == 3
assert t.pin_memory() is t
torch.use_deterministic_algorithms(True)
"""

POLYNOMIAL = """
import torch
import math

dtype = torch.float
device = torch.device("cpu")
torch.set_default_device(device)


class LegendrePolynomial3(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input ** 3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        input, = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input ** 2 - 1)


x = torch.linspace(-math.pi, math.pi, 2000, device=device, dtype=dtype)
y = torch.sin(x)
a = torch.full((), 0.0, device=device, dtype=dtype, requires_grad=True)
b = torch.full((), -1.0, device=device, dtype=dtype, requires_grad=True)
c = torch.full((), 0.0, device=device, dtype=dtype, requires_grad=True)
d = torch.full((), 0.3, device=device, dtype=dtype, requires_grad=True)
learning_rate = 5e-6
for t in range(500):
    P3 = LegendrePolynomial3.apply
    y_pred = a + b * P3(c + d * x)
    loss = (y_pred - y).pow(2).sum()
    if t == 0:
        first = loss.item()
    loss.backward()
    with torch.no_grad():
        a -= learning_rate * a.grad
        b -= learning_rate * b.grad
        c -= learning_rate * c.grad
        d -= learning_rate * d.grad
        a.grad = None
        b.grad = None
        c.grad = None
        d.grad = None
print(f"Result: y = {a.item()} + {b.item()} * P3({c.item()} + {d.item()} x)")
assert loss.item() < first

p = torch.tensor([1, 2, 3])
xx = x.unsqueeze(-1).pow(p)
model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
loss_fn = torch.nn.MSELoss(reduction="sum")
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
for t in range(300):
    y_pred = model(xx)
    loss = loss_fn(y_pred, y)
    optimizer.zero_grad(set_to_none=False)
    loss.backward()
    optimizer.step()
linear_layer = model[0]
print(f"y = {linear_layer.bias.item()} + {linear_layer.weight[:, 0].item()} x")


class Polynomial3(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.nn.Parameter(torch.randn(()))
        self.b = torch.nn.Parameter(torch.randn(()))

    def forward(self, x):
        return self.a + self.b * x

    def string(self):
        return f"y = {self.a.item()} + {self.b.item()} x"


model = Polynomial3()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-5)
for t in range(100):
    loss = torch.nn.MSELoss(reduction="sum")(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(model.string())

x = torch.ones(5)
w = torch.randn(5, 3, requires_grad=True)
b = torch.randn(3, requires_grad=True)
z = torch.matmul(x, w) + b
loss = torch.nn.functional.binary_cross_entropy_with_logits(z, torch.zeros(3))
print(f"Gradient function for z = {z.grad_fn}")
loss.backward()
assert w.grad.shape == (5, 3)
z_det = z.detach()
assert not z_det.requires_grad
inp = torch.eye(4, 5, requires_grad=True)
out = (inp + 1).pow(2).t()
out.backward(torch.ones_like(out), retain_graph=True)
first = inp.grad.clone()
out.backward(torch.ones_like(out), retain_graph=True)
assert torch.equal(inp.grad, 2 * first)
x = torch.tensor([2.0], requires_grad=True)
(g,) = torch.autograd.grad(x ** 3, x, create_graph=True)
(h,) = torch.autograd.grad(g, x)
assert h.item() == 12


@torch.no_grad()
def evaluate(x):
    return (x * 2).requires_grad


assert not evaluate(x)
with torch.set_grad_enabled(False):
    assert not torch.is_grad_enabled()
with torch.autograd.set_detect_anomaly(True):
    (x * 2).backward()
"""

SCRIPTS = {
    "quickstart": QUICKSTART,
    "tensors": TENSORS,
    "polynomial": POLYNOMIAL,
    "characters": CHARACTERS,
    "convolution": CONVOLUTION,
    "attention": ATTENTION,
}


def with_minigrad(script: str) -> str:
    """The script with its imports of torch changed to minigrad, and nothing else."""
    script = re.sub(r"^import torch$", "import minigrad as torch", script, flags=re.MULTILINE)
    return re.sub(r"^(from|import) torch\b", r"\1 minigrad", script, flags=re.MULTILINE)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_runs_with_its_imports_changed(name: str, tmp_path: Any) -> None:
    script = with_minigrad(SCRIPTS[name]).replace("EXTENSION", "pt")
    try:
        exec(compile(script, name, "exec"), {"__name__": name, "folder": str(tmp_path)})
    finally:
        mg.set_printoptions(profile="default", sci_mode=True)
