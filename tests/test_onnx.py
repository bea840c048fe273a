"""Exported models compute in onnxruntime what they compute here."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn

pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")


def run(path, *arrays):
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    return session.run(None, dict(zip(names, arrays, strict=True)))


def random(*shape):
    return mg.tensor(np.random.default_rng(0).standard_normal(shape).astype(np.float32))


class Last(nn.Module):
    """The output of a recurrent layer at the last time."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.out = nn.Linear(4, 2)

    def forward(self, x):
        return self.out(self.layer(x)[0][-1])


class Attends(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2)

    def forward(self, x):
        return self.attention(x, x, x, need_weights=False)[0]


class Both(nn.Module):
    def __init__(self):
        super().__init__()
        self.bilinear = nn.Bilinear(3, 4, 2)

    def forward(self, x, y):
        return self.bilinear(x, y), x[:, 1:] * 2


def trained_norm(layer, *shape):
    layer(random(*shape) * 3 + 1)
    return layer


MODELS = {
    "mlp": (lambda: nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2)), [(2, 3)], True),
    "bias-free": (lambda: nn.Linear(3, 5, bias=False), [(2, 3)], True),
    "bilinear": (Both, [(2, 3), (2, 4)], False),
    "conv": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            trained_norm(nn.BatchNorm2d(4), 2, 4, 8, 8),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 4, 3, stride=2, dilation=1, groups=2),
            nn.Dropout(),
            nn.Flatten(),
            nn.Linear(4, 3),
            nn.LogSoftmax(dim=1),
        ),
        [(2, 1, 8, 8)],
        True,
    ),
    "conv1d": (lambda: nn.Conv1d(2, 3, 3, padding=2, dilation=2), [(2, 2, 8)], True),
    "transposed": (
        lambda: nn.ConvTranspose2d(2, 4, 3, stride=2, padding=1, output_padding=1, groups=2),
        [(2, 2, 5, 5)],
        False,
    ),
    "transposed, stride 1": (lambda: nn.ConvTranspose2d(2, 3, 3), [(2, 2, 4, 4)], False),
    "average": (lambda: nn.AvgPool2d(3, stride=2, padding=1), [(2, 2, 7, 7)], True),
    "average inside": (
        lambda: nn.AvgPool2d(3, 2, padding=1, count_include_pad=False), [(2, 2, 7, 7)], True,
    ),
    "adaptive": (lambda: nn.AdaptiveAvgPool2d(1), [(2, 2, 4, 4)], True),
    "max1d": (lambda: nn.MaxPool1d(3, stride=1, padding=1), [(2, 2, 7)], True),
    "batch norm": (lambda: trained_norm(nn.BatchNorm1d(3), 8, 3), [(4, 3)], True),
    "layer norm": (lambda: nn.LayerNorm(5), [(2, 3, 5)], True),
    "group norm": (lambda: nn.GroupNorm(2, 4), [(2, 4, 3)], False),
    "instance norm": (lambda: nn.InstanceNorm2d(2), [(2, 2, 3, 3)], True),
    "rms norm": (lambda: nn.RMSNorm(5), [(2, 5)], True),
    "unflatten": (lambda: nn.Unflatten(1, (2, 3)), [(2, 6)], False),
    "rnn": (lambda: Last(nn.RNN(3, 4)), [(5, 2, 3)], False),
    "lstm": (lambda: Last(nn.LSTM(3, 4)), [(5, 2, 3)], False),
    "gru": (lambda: Last(nn.GRU(3, 4)), [(5, 2, 3)], False),
    "attention": (Attends, [(3, 2, 4)], False),
    "transformer": (
        lambda: nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), [(2, 3, 4)], False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_the_file_computes_the_same(name, tmp_path):
    make, shapes, any_batch = MODELS[name]
    mg.manual_seed(0)
    model = make()
    inputs = [random(*shape) for shape in shapes]
    mg.onnx.export(model, tuple(inputs), tmp_path / "model.onnx")
    assert model.training
    for batch in (shapes[0][0], 5) if any_batch else (shapes[0][0],):
        inputs = [random(batch, *shape[1:]) for shape in shapes]
        model.eval()
        expected = model(*inputs)
        expected = expected if isinstance(expected, tuple) else (expected,)
        found = run(tmp_path / "model.onnx", *[x.numpy() for x in inputs])
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b.detach().numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "name",
    ["ReLU", "Tanh", "Sigmoid", "GELU", "SiLU", "ELU", "LeakyReLU", "Softplus", "Mish", "Hardtanh",
     "ReLU6", "SELU", "Hardswish", "Hardsigmoid", "LogSigmoid", "Softsign"],
)  # fmt: skip
def test_activations(name, tmp_path):
    model = getattr(nn, name)()
    x = random(4, 5) * 4
    mg.onnx.export(model, x, tmp_path / "model.onnx")
    (found,) = run(tmp_path / "model.onnx", x.numpy())
    np.testing.assert_allclose(found, model(x).numpy(), rtol=1e-5, atol=1e-6)


def test_integers_as_inputs(tmp_path):
    model = nn.Sequential(nn.Embedding(7, 3), nn.Linear(3, 2))
    model.requires_grad_(False)
    index = np.array([[1, 6, 0], [2, 2, 3]])
    mg.onnx.export(model, index, tmp_path / "model.onnx", input_names=["index"])
    assert not any(p.requires_grad for p in model.parameters())
    for other in (index, index[:1], (index + 1) % 7):
        (found,) = run(tmp_path / "model.onnx", other)
        np.testing.assert_allclose(found, model(mg.tensor(other)).numpy(), atol=1e-6)


def test_what_cannot_be_exported(tmp_path):
    class Odd(nn.Module):
        def forward(self, x):
            return mg.linalg.inv(x)

    with pytest.raises(NotImplementedError, match="inv"):
        mg.onnx.export(Odd(), random(3, 3), tmp_path / "model.onnx")
    with pytest.raises(ValueError, match="names"):
        mg.onnx.export(nn.Linear(3, 2), random(2, 3), tmp_path / "m.onnx", input_names=["a", "b"])
    assert list(tmp_path.iterdir()) == []


class Of(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def integers(n):
    return np.random.default_rng(0).integers(0, 4, n)


def booleans(*shape):
    return np.random.default_rng(0).random(shape) > 0.5


# name: (function, inputs, whether the first axis is free): what depends on the inputs and needs no
# gradient is computed in the file as well
FUNCTIONS = {
    "mask": (lambda x: x * (x > 0).float(), [random(4, 3)], True),
    "size of the batch": (lambda x: x.sum(1) / x.shape[0], [random(4, 3)], False),
    "one_hot": (lambda y: F.one_hot(y, 5).float() * 2, [integers(4)], True),
    "argmax": (lambda x: x.argmax(1), [random(4, 3)], True),
    "where": (lambda x, m: mg.where(m, x, 0.0), [random(4, 3), booleans(4, 3)], True),
    "masked_fill": (lambda x: x.masked_fill(x < 0, -1.0), [random(4, 3)], True),
    "logic": (lambda m, n: (m & ~n) | (n ^ m), [booleans(4, 3), booleans(4, 3)], True),
    "clamp": (lambda x: x.clamp(-0.5, 0.5), [random(4, 3)], True),
    "clamp above": (lambda x: x.clamp(min=0.1), [random(4, 3)], True),
    "maximum": (lambda x: mg.maximum(x, x * 2 - 0.3), [random(4, 3)], True),
    "squeeze": (lambda x: x.unsqueeze(1).squeeze(1) + 1, [random(4, 3)], True),
    "expand": (lambda x: x.unsqueeze(-1).expand(4, 3, 2) * 1, [random(4, 3)], False),
    "max": (lambda x: x.max(1), [random(4, 3)], True),
    "amax": (lambda x: x.amax(1), [random(4, 3)], True),
    "var": (lambda x: x.var(1), [random(4, 3)], True),
    "std": (lambda x: x.std(), [random(4, 3)], False),
    "logsumexp": (lambda x: x.logsumexp(1), [random(4, 3)], True),
    "norm": (lambda x: x.norm(dim=1), [random(4, 3)], True),
    "einsum": (lambda x: mg.einsum("ij,kj->ik", x, x), [random(4, 3)], False),
    "pad": (lambda x: F.pad(x, (1, 2)), [random(4, 3)], True),
    "gelu": (lambda x: F.gelu(x, approximate="tanh"), [random(4, 3)], True),
    "places": (lambda x, i: x[i], [random(4, 3), integers(4)], False),
    "cumsum": (lambda x: x.cumsum(1), [random(4, 3)], True),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_depends_on_the_inputs_is_not_stored(name, tmp_path):
    function, inputs, any_batch = FUNCTIONS[name]
    path = tmp_path / "model.onnx"
    mg.onnx.export(Of(function), tuple(inputs), path)
    arrays = [x.numpy() if isinstance(x, mg.Tensor) else x for x in inputs]
    others = [np.roll(-a if a.dtype.kind == "f" else a, 1, 0) for a in arrays]
    if any_batch:
        others = [np.concatenate([a, a]) for a in others]
    expected = function(*[mg.tensor(a) for a in others])
    expected = expected if isinstance(expected, tuple) else (expected,)
    for found, wanted in zip(run(path, *others), expected, strict=True):
        assert found.dtype == wanted.dtype
        np.testing.assert_allclose(found, wanted.numpy(), rtol=1e-5, atol=1e-6)
    first = runtime.InferenceSession(str(path)).get_inputs()[0].shape[0]
    assert (first == "batch") == any_batch


def test_numbers_that_are_read_are_not_stored_silently(tmp_path):
    with pytest.raises((RuntimeError, NotImplementedError), match="export"):
        mg.onnx.export(Of(lambda x: x * float(x.sum())), random(4, 3), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_an_op_of_the_same_name_is_not_ours(tmp_path):
    @mg.op(lambda g, x: g)
    def square(x):
        return x + 1

    with pytest.raises(NotImplementedError, match="square"):
        mg.onnx.export(Of(square), random(2, 3), tmp_path / "model.onnx")
