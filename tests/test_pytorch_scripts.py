"""Scripts as PyTorch tutorials have them, run with ``import torch`` read as minigrad.

The scripts are texts, so that nothing but their imports is adapted: a line that PyTorch runs and
minigrad refuses fails here.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

import minigrad as mg

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

CHARACTERS = """
import random
import string
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.nn.utils.rnn import pad_sequence

torch.manual_seed(1)
random.seed(1)
all_letters = string.ascii_lowercase
n_letters = len(all_letters)
names = {"ends_in_a": ["anna", "maria", "lea", "eva", "ada"],
         "ends_in_o": ["otto", "hugo", "theo", "bruno", "leo"]}
all_categories = list(names)
n_categories = len(all_categories)


def lineToTensor(line):
    tensor = torch.zeros(len(line), 1, n_letters)
    for li, letter in enumerate(line):
        tensor[li][0][all_letters.find(letter)] = 1
    return tensor


class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super(RNN, self).__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
        self.h2o = nn.Linear(hidden_size, output_size)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, input, hidden):
        combined = torch.cat((input, hidden), 1)
        hidden = torch.tanh(self.i2h(combined))
        return self.softmax(self.h2o(hidden)), hidden

    def initHidden(self):
        return torch.zeros(1, self.hidden_size)


def categoryFromOutput(output):
    top_n, top_i = output.topk(1)
    category_i = top_i[0].item()
    return all_categories[category_i], category_i


rnn = RNN(n_letters, 16, n_categories)
criterion = nn.NLLLoss()
learning_rate = 0.05
for step in range(200):
    category = random.choice(all_categories)
    line = random.choice(names[category])
    category_tensor = torch.tensor([all_categories.index(category)], dtype=torch.long)
    line_tensor = lineToTensor(line)
    hidden = rnn.initHidden()
    rnn.zero_grad()
    for i in range(line_tensor.size()[0]):
        output, hidden = rnn(line_tensor[i], hidden)
    loss = criterion(output, category_tensor)
    loss.backward()
    for p in rnn.parameters():
        p.data.add_(p.grad.data, alpha=-learning_rate)


def evaluate(line):
    hidden = rnn.initHidden()
    with torch.no_grad():
        for letter in lineToTensor(line):
            output, hidden = rnn(letter, hidden)
    return categoryFromOutput(output)[0]


assert all(evaluate(line) == name for name, lines in names.items() for line in lines)


class LSTMTagger(nn.Module):
    def __init__(self, embedding_dim, hidden_dim, vocab_size, tagset_size):
        super(LSTMTagger, self).__init__()
        self.hidden_dim = hidden_dim
        self.word_embeddings = nn.Embedding(vocab_size, embedding_dim)
        self.lstm = nn.LSTM(embedding_dim, hidden_dim)
        self.hidden2tag = nn.Linear(hidden_dim, tagset_size)

    def forward(self, sentence):
        embeds = self.word_embeddings(sentence)
        lstm_out, _ = self.lstm(embeds.view(len(sentence), 1, -1))
        tag_space = self.hidden2tag(lstm_out.view(len(sentence), -1))
        tag_scores = F.log_softmax(tag_space, dim=1)
        return tag_scores


sentence = torch.tensor([0, 1, 2, 3, 4], dtype=torch.long)
targets = torch.tensor([0, 1, 2, 0, 1], dtype=torch.long)
model = LSTMTagger(6, 6, 5, 3)
loss_function = nn.NLLLoss()
optimizer = optim.SGD(model.parameters(), lr=0.1)
for epoch in range(300):
    model.zero_grad()
    loss = loss_function(model(sentence), targets)
    loss.backward()
    optimizer.step()
assert torch.equal(model(sentence).argmax(dim=1), targets)

chars = sorted(set("".join(sum(names.values(), []))))
stoi = {c: i for i, c in enumerate(chars)}
context = torch.tensor([stoi[c] for c in "mari"])
target = torch.tensor([stoi[c] for c in "aria"])
onehot = F.one_hot(context, num_classes=len(chars)).float()
gru = nn.GRU(len(chars), 12, num_layers=2, batch_first=True, dropout=0.1, bidirectional=True)
out, hidden = gru(onehot.unsqueeze(0))
assert out.shape == (1, 4, 24) and hidden.shape == (4, 1, 12)
padded = pad_sequence([torch.ones(3, 2), torch.ones(5, 2)], batch_first=True)
assert padded.shape == (2, 5, 2)
probs = torch.softmax(torch.randn(len(chars)), dim=0)
ix = torch.multinomial(probs, num_samples=1).item()
assert 0 <= ix < len(chars)
"""

CONVOLUTION = """
import argparse
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset, random_split


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(6)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 8, 3)
        self.dropout1 = nn.Dropout2d(0.05)
        self.fc1 = nn.Linear(8 * 2 * 2, 20)
        self.fc2 = nn.Linear(20, 2)
        self._init_weights()

    def _init_weights(self):
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
                if m.bias is not None:
                    nn.init.zeros_(m.bias)
            elif isinstance(m, nn.BatchNorm2d):
                nn.init.constant_(m.weight, 1)
                nn.init.constant_(m.bias, 0)
            elif isinstance(m, nn.Linear):
                nn.init.xavier_uniform_(m.weight)

    def forward(self, x):
        x = self.pool(F.relu(self.bn1(self.conv1(x))))
        x = F.relu(self.conv2(x))
        x = self.dropout1(x)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = self.fc2(x)
        return F.log_softmax(x, dim=1)


def train(args, model, device, train_loader, optimizer, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(train_loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
        if batch_idx % args.log_interval == 0:
            print("Train Epoch: {} [{}/{} ({:.0f}%)]\\tLoss: {:.6f}".format(
                epoch, batch_idx * len(data), len(train_loader.dataset),
                100. * batch_idx / len(train_loader), loss.item()))


def test(model, device, test_loader):
    model.eval()
    test_loss = 0
    correct = 0
    with torch.no_grad():
        for data, target in test_loader:
            data, target = data.to(device), target.to(device)
            output = model(data)
            test_loss += F.nll_loss(output, target, reduction="sum").item()
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(target.view_as(pred)).sum().item()
    test_loss /= len(test_loader.dataset)
    return correct / len(test_loader.dataset)


parser = argparse.ArgumentParser()
parser.add_argument("--batch-size", type=int, default=16)
parser.add_argument("--epochs", type=int, default=4)
parser.add_argument("--lr", type=float, default=1.0)
parser.add_argument("--gamma", type=float, default=0.7)
parser.add_argument("--log-interval", type=int, default=10)
args = parser.parse_args([])
use_cuda = torch.cuda.is_available()
torch.manual_seed(1)
torch.backends.cudnn.deterministic = True
torch.backends.cudnn.benchmark = False
device = torch.device("cuda" if use_cuda else "cpu")
images = torch.rand(200, 1, 8, 8)
labels = torch.arange(200) % 2
images[labels == 1, :, 2:4] += 1.0
dataset = TensorDataset(images, labels)
train_set, test_set = random_split(dataset, [160, 40],
                                   generator=torch.Generator().manual_seed(42))
train_kwargs = {"batch_size": args.batch_size, "shuffle": True}
train_loader = DataLoader(train_set, **train_kwargs)
test_loader = DataLoader(test_set, batch_size=40)
model = Net().to(device)
optimizer = optim.Adadelta(model.parameters(), lr=args.lr)
scheduler = StepLR(optimizer, step_size=1, gamma=args.gamma)
for epoch in range(1, args.epochs + 1):
    train(args, model, device, train_loader, optimizer, epoch)
    accuracy = test(model, device, test_loader)
    scheduler.step()
assert accuracy == 1.0

torch.save({"epoch": epoch, "model_state_dict": model.state_dict(),
            "optimizer_state_dict": optimizer.state_dict(), "loss": 0.25},
           folder + "/checkpoint.EXTENSION")
checkpoint = torch.load(folder + "/checkpoint.EXTENSION")
other = Net()
other_optimizer = optim.Adadelta(other.parameters())
other.load_state_dict(checkpoint["model_state_dict"])
other_optimizer.load_state_dict(checkpoint["optimizer_state_dict"])
epoch = checkpoint["epoch"]
loss = checkpoint["loss"]
assert epoch == 4 and loss == 0.25
other.eval()
model.eval()
assert torch.equal(other(images[:3]), model(images[:3]))
for param in model.parameters():
    param.requires_grad = False
model.fc2 = nn.Linear(20, 5)
optimizer = optim.Adam(filter(lambda p: p.requires_grad, model.parameters()), lr=1e-3,
                       weight_decay=1e-4, betas=(0.9, 0.98))
assert sum(p.numel() for p in optimizer.param_groups[0]["params"]) == 105
features = {}


def hook(module, input, output):
    features["conv1"] = output.detach()


handle = model.conv1.register_forward_hook(hook)
model(images[:2])
handle.remove()
assert features["conv1"].shape == (2, 6, 8, 8)
for name, param in model.named_parameters():
    assert isinstance(name, str) and isinstance(param, nn.Parameter)
for name, buffer in model.named_buffers():
    assert name.startswith("bn1")
for name, child in model.named_children():
    assert isinstance(child, nn.Module)
"""

ATTENTION = """
import math
import torch
import torch.nn as nn
from torch import Tensor
from torch.nn import functional as F

torch.manual_seed(1337)
device = torch.device("mps") if torch.backends.mps.is_available() else torch.device("cpu")
block_size, n_embd, batch_size = 8, 16, 16
text = "to be or not to be that is the question " * 8
chars = sorted(list(set(text)))
vocab_size = len(chars)
stoi = {ch: i for i, ch in enumerate(chars)}
itos = {i: ch for i, ch in enumerate(chars)}
data = torch.tensor([stoi[c] for c in text], dtype=torch.long)
n = int(0.9 * len(data))
train_data, val_data = data[:n], data[n:]


def get_batch(split):
    data = train_data if split == "train" else val_data
    ix = torch.randint(len(data) - block_size, (batch_size,))
    x = torch.stack([data[i:i + block_size] for i in ix])
    y = torch.stack([data[i + 1:i + block_size + 1] for i in ix])
    x, y = x.to(device), y.to(device)
    return x, y


@torch.no_grad()
def estimate_loss(model):
    out = {}
    model.eval()
    for split in ["train", "val"]:
        losses = torch.zeros(4)
        for k in range(4):
            X, Y = get_batch(split)
            logits, loss = model(X, Y)
            losses[k] = loss.item()
        out[split] = losses.mean()
    model.train()
    return out


class Head(nn.Module):
    def __init__(self, head_size):
        super().__init__()
        self.key = nn.Linear(n_embd, head_size, bias=False)
        self.query = nn.Linear(n_embd, head_size, bias=False)
        self.value = nn.Linear(n_embd, head_size, bias=False)
        self.register_buffer("tril", torch.tril(torch.ones(block_size, block_size)))
        self.dropout = nn.Dropout(0.0)

    def forward(self, x):
        B, T, C = x.shape
        k = self.key(x)
        q = self.query(x)
        wei = q @ k.transpose(-2, -1) * C ** -0.5
        wei = wei.masked_fill(self.tril[:T, :T] == 0, float("-inf"))
        wei = F.softmax(wei, dim=-1)
        wei = self.dropout(wei)
        return wei @ self.value(x)


class PositionalEncoding(nn.Module):
    def __init__(self, d_model: int, dropout: float = 0.1, max_len: int = 50):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(max_len, 1, d_model)
        pe[:, 0, 0::2] = torch.sin(position * div_term)
        pe[:, 0, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(x + self.pe[:x.size(0)])


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.heads = nn.ModuleList([Head(n_embd // 2) for _ in range(2)])
        self.proj = nn.Linear(n_embd, n_embd)
        self.ffwd = nn.Sequential(nn.Linear(n_embd, 32), nn.GELU(), nn.Linear(32, n_embd))
        self.ln1 = nn.LayerNorm(n_embd)
        self.ln2 = nn.LayerNorm(n_embd)

    def forward(self, x):
        y = self.ln1(x)
        x = x + self.proj(torch.cat([h(y) for h in self.heads], dim=-1))
        x = x + self.ffwd(self.ln2(x))
        return x


class LanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.token_embedding_table = nn.Embedding(vocab_size, n_embd)
        self.position_embedding_table = nn.Embedding(block_size, n_embd)
        self.blocks = nn.Sequential(*[Block() for _ in range(1)])
        self.lm_head = nn.Linear(n_embd, vocab_size)
        self.apply(self._init_weights)

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            torch.nn.init.normal_(module.weight, mean=0.0, std=0.1)
            if module.bias is not None:
                torch.nn.init.zeros_(module.bias)

    def forward(self, idx, targets=None):
        B, T = idx.shape
        tok_emb = self.token_embedding_table(idx)
        pos_emb = self.position_embedding_table(torch.arange(T, device=device))
        logits = self.lm_head(self.blocks(tok_emb + pos_emb))
        if targets is None:
            return logits, None
        B, T, C = logits.shape
        return logits, F.cross_entropy(logits.view(B * T, C), targets.view(B * T))

    def generate(self, idx, max_new_tokens):
        for _ in range(max_new_tokens):
            idx_cond = idx[:, -block_size:]
            logits, loss = self(idx_cond)
            logits = logits[:, -1, :]
            probs = F.softmax(logits, dim=-1)
            idx_next = torch.multinomial(probs, num_samples=1)
            idx = torch.cat((idx, idx_next), dim=1)
        return idx


model = LanguageModel()
m = model.to(device)
print(sum(p.numel() for p in m.parameters()) / 1e6, "M parameters")
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=60)
before = estimate_loss(model)
for iter in range(60):
    xb, yb = get_batch("train")
    logits, loss = model(xb, yb)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
after = estimate_loss(model)
print(f"train loss {after['train']:.4f}, val loss {after['val']:.4f}")
assert after["train"] < before["train"] / 1.5
context = torch.zeros((1, 1), dtype=torch.long, device=device)
print("".join(itos[i] for i in model.generate(context, max_new_tokens=20)[0].tolist()))

layer = nn.TransformerEncoderLayer(d_model=16, nhead=4, dim_feedforward=32, batch_first=True)
mask = torch.triu(torch.ones(5, 5), diagonal=1).bool()
assert layer(torch.rand(2, 5, 16), src_mask=mask).shape == (2, 5, 16)
encoder = nn.TransformerEncoder(layer, num_layers=2)
assert encoder(torch.rand(2, 5, 16)).shape == (2, 5, 16)
assert PositionalEncoding(16)(torch.rand(5, 2, 16)).shape == (5, 2, 16)
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


GPU = [
    lambda: mg.device("cuda"),
    lambda: mg.device("cuda:0"),
    lambda: mg.device("mps"),
    lambda: mg.ones(2).to("cuda"),
    lambda: mg.ones(2).cuda(),
    lambda: mg.ones(2, device="cuda"),
    lambda: mg.tensor([1.0], device="cuda:1"),
    lambda: mg.nn.Linear(2, 3, device="cuda"),
    lambda: mg.nn.Linear(2, 3).to("cuda"),
    lambda: mg.nn.Linear(2, 3).cuda(),
    lambda: mg.set_default_device("cuda"),
    lambda: mg.load("absent.npz", map_location="cuda"),
]


@pytest.mark.parametrize("ask", GPU)
def test_a_gpu_is_refused_with_the_reason(ask: Any) -> None:
    with pytest.raises(ValueError, match=r"CPU library.* GPU, run the same code with PyTorch"):
        ask()


def test_a_compiled_model_computes_the_same() -> None:
    model, x = mg.nn.Linear(3, 2), mg.randn(4, 3)
    mg.testing.assert_close(mg.compile(model)(x), model(x))


def test_no_accelerator_is_found() -> None:
    assert not mg.cuda.is_available()
    assert mg.cuda.device_count() == 0
    assert not mg.backends.mps.is_available()
    assert not mg.accelerator.is_available()
    assert mg.accelerator.current_accelerator() is None


def test_a_factor_of_the_second_term() -> None:
    x, y = mg.randn(3, requires_grad=True), mg.randn(3, requires_grad=True)
    for function, sign in ((mg.add, 1), (mg.sub, -1), (mg.Tensor.add, 1), (mg.Tensor.sub, -1)):
        out = function(x, y, alpha=2.5)
        assert mg.allclose(out, x + sign * 2.5 * y)
        gradients = mg.autograd.grad(out.sum(), (x, y))
        assert gradients[0].tolist() == [1, 1, 1]
        assert gradients[1].tolist() == [sign * 2.5] * 3
    z = mg.ones(2)
    z.add_(mg.ones(2), alpha=3).sub_(1, alpha=0.5)
    assert z.tolist() == [3.5, 3.5]


@pytest.mark.parametrize("name", ["var", "std"])
def test_a_bool_in_the_place_of_dim_is_unbiased(name: str) -> None:
    x = mg.randn(3, 4, dtype=mg.float64)
    for unbiased in (False, True):
        expected = getattr(x.numpy(), name)(ddof=int(unbiased))
        assert getattr(x, name)(unbiased).item() == pytest.approx(expected, rel=1e-12)
        both = getattr(mg, f"{name}_mean")(x, unbiased)
        assert both[0].item() == pytest.approx(expected, rel=1e-12)
    assert getattr(x, name)(1, False).tolist() == pytest.approx(getattr(x.numpy(), name)(1))


def test_sequences_of_different_lengths() -> None:
    rnn = mg.nn.utils.rnn
    sequences = [mg.randn(n, 2, requires_grad=True) for n in (3, 5, 1)]
    for batch_first in (False, True):
        padded = rnn.pad_sequence(sequences, batch_first, padding_value=7.0)
        assert padded.shape == ((3, 5, 2) if batch_first else (5, 3, 2))
        assert (padded == 7.0).sum().item() == 2 * (2 + 0 + 4)
        back = rnn.unpad_sequence(padded, [3, 5, 1], batch_first)
        assert all(mg.equal(a, b) for a, b in zip(sequences, back))
    left = rnn.pad_sequence(sequences, padding_side="left")
    assert left[0, 2].tolist() == [0, 0]
    assert mg.equal(left[-1, 2], sequences[2][0])
    left.sum().backward()
    assert sequences[1].grad.sum().item() == 10
    for wrong in ([], [mg.ones(2), mg.ones(2, 1)], [mg.ones(())]):
        with pytest.raises(ValueError, match="pad_sequence"):
            rnn.pad_sequence(wrong)
