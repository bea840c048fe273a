"""Every module, one property at a time: gradients, types, documentation; and what some refuse."""

import doctest
import inspect
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.module_cases import CASES

EACH = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
# and bases, older names, and what has tests of its own
CONTAINERS = {
    "Buffer", "CTCLoss", "DataParallel", "Module", "ModuleDict", "ModuleList", "NLLLoss2d",
    "Parameter", "ParameterDict", "RNNBase", "RNNCellBase",
    "ParameterList", "Sequential", "TransformerDecoder", "TransformerEncoder",
    "UninitializedBuffer",
    "UninitializedParameter",
}  # fmt: skip
CLASSES = {name: c for name, c in vars(nn).items() if inspect.isclass(c) and name[0].isupper()}


def build(case):
    rng = np.random.default_rng(5)
    kwargs = {k: mg.tensor(v(rng)) if callable(v) else v for k, v in case.kwargs.items()}
    mg.manual_seed(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return getattr(nn, case.name)(*case.args, **kwargs)


def convert(values, dtype):
    """Arrays as tensors, those of floating-point numbers of the given type."""
    made = []
    for value in values:
        if isinstance(value, np.ndarray):
            floating = value.dtype.kind == "f"
            value = mg.tensor(value.astype(dtype) if floating else value, requires_grad=floating)
        made.append(value)
    return made


def flat(out):
    if isinstance(out, (tuple, list)):
        return [tensor for each in out for tensor in flat(each)]
    return [out] if isinstance(out, mg.Tensor) and out.dtype.kind == "f" else []


def test_every_module_is_in_the_table():
    lazy = {name for name in CLASSES if name.startswith("Lazy")}  # tests/test_lazy.py
    assert set(CLASSES) - CONTAINERS - lazy == {case.name for case in CASES}


# -------------------------------------------------------------------------------------- properties


DIFFERENTIABLE = [  # of the others the gradient is by definition not the derivative
    case for case in CASES if not {"padding_idx", "max_norm"} & set(case.kwargs)
]


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=lambda case: case.id)
def test_gradients_of_inputs_and_parameters(case):
    module = build(case).double().train(not case.random)
    args, kwargs = case.draw(np.random.default_rng(1))
    args, keywords = convert(args, np.float64), convert(kwargs.values(), np.float64)
    # adding to all keys changes no weight of attention: that gradient is zero but for rounding
    learned = [p for name, p in module.named_parameters() if not name.endswith("in_proj_bias")]
    positions = [i for i, a in enumerate(args) if getattr(a, "requires_grad", False)]

    def function(*varied):
        given = list(args)
        for position, tensor in zip(positions, varied):
            given[position] = tensor * 1 if getattr(module, "inplace", False) else tensor
        return tuple(flat(module(*given, **dict(zip(kwargs, keywords)))))

    inputs = tuple(args[i] for i in positions)
    assert mg.gradcheck(function, inputs, params=learned)


@EACH
def test_float32_stays_float32(case):
    module = build(case)
    args, kwargs = case.draw(np.random.default_rng(1))
    args, keywords = convert(args, np.float32), convert(kwargs.values(), np.float32)
    for name, buffer in module.named_buffers():
        if "weight" in name:  # of losses, drawn in float64
            buffer.data = buffer.float()
    given = [a * 1 if getattr(a, "requires_grad", False) else a for a in args]
    outputs = flat(module(*given, **dict(zip(kwargs, keywords))))
    for out in outputs:
        assert out.dtype == np.float32
    total = sum([out.sum() for out in outputs[1:]], start=outputs[0].sum())
    if total.requires_grad:
        total.backward()
    for tensor in [*args, *module.parameters()]:
        if getattr(tensor, "grad", None) is not None:
            assert tensor.grad.dtype == np.float32


WITH_DTYPE = [
    case for case in CASES if "dtype" in inspect.signature(CLASSES[case.name].__init__).parameters
]


@pytest.mark.parametrize("case", WITH_DTYPE, ids=lambda case: case.id)
def test_dtype_and_device(case):
    """The dtype argument decides the type of all parameters; the device may only be the CPU."""
    case_64 = type(case)(**{**vars(case), "kwargs": {**case.kwargs, "dtype": mg.float64}})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        module = build(case_64)
    for name, tensor in module.state_dict().items():
        assert tensor.dtype == (np.int64 if name == "num_batches_tracked" else np.float64)
    with pytest.raises(ValueError, match="CPU"):
        getattr(nn, case.name)(*case.args, **case.kwargs, device="cuda")


@pytest.mark.parametrize(
    "layer",
    [
        lambda: (nn.Linear(3, 2), (4, 3)),
        lambda: (nn.Conv2d(2, 2, 2), (1, 2, 3, 3)),
        lambda: (nn.LayerNorm(3), (2, 3)),
        lambda: (nn.BatchNorm1d(2), (3, 2)),
        lambda: (nn.LSTM(2, 2), (2, 1, 2)),
        lambda: (nn.GRU(2, 2), (2, 1, 2)),
        lambda: (nn.TransformerEncoderLayer(4, 2, 3, 0.0, "gelu"), (2, 1, 4)),
    ],
)
def test_second_derivatives(layer):
    mg.manual_seed(3)
    module, shape = layer()
    module.double()
    x = mg.tensor(np.random.default_rng(0).standard_normal(shape), requires_grad=True)
    assert mg.gradgradcheck(lambda x: flat(module(x))[0], (x,))


@EACH
def test_copies_compute_the_same(case):
    import copy
    import pickle

    module = build(case).eval()
    args, kwargs = case.draw(np.random.default_rng(1))

    def run(module):
        given, keywords = convert(args, np.float32), convert(kwargs.values(), np.float32)
        given = [a * 1 if getattr(a, "requires_grad", False) else a for a in given]
        return [out.detach().numpy() for out in flat(module(*given, **dict(zip(kwargs, keywords))))]

    expected = run(module)
    for made in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        for a, b in zip(run(made), expected, strict=True):
            np.testing.assert_array_equal(a, b)


# ----------------------------------------------------------------------------------- documentation


DOCUMENTED = {
    **CLASSES,
    **{f"init.{name}": getattr(nn.init, name) for name in nn.init.__all__},
    **{f"utils.{name}": getattr(nn.utils, name) for name in nn.utils.__all__},
    **{
        f"Module.{name}": method
        for name, method in vars(nn.Module).items()
        if inspect.isfunction(method) and not name.startswith("_")
    },
}


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
def test_documentation(name):
    assert DOCUMENTED[name].__doc__, "has no docstring of its own"
    text = inspect.getdoc(DOCUMENTED[name])
    assert text.partition("\n\n")[0].rstrip().endswith(".")
    text = text.replace("\nExample ", "\n        ")
    examples = doctest.DocTestParser().get_doctest(text, {"mg": mg, "np": np}, name, None, None)
    report = []
    doctest.DocTestRunner(verbose=False).run(examples, out=report.append)
    assert not report, "".join(report)


# ---------------------------------------------------------------------------------- random modules


@pytest.mark.parametrize("name", ["Dropout", "Dropout1d", "Dropout2d"])
def test_dropout(name):
    mg.manual_seed(1)
    module = getattr(nn, name)(0.3)
    x = mg.ones(50, 40, 4, 5)[0] if name == "Dropout1d" else mg.ones(50, 40, 4, 5)
    out = module(x).numpy()
    kept = out != 0
    np.testing.assert_allclose(out[kept], 1 / 0.7, rtol=1e-6)
    if name == "Dropout2d":
        assert (kept.all((2, 3)) | ~kept.any((2, 3))).all()
        kept = kept[:, :, 0, 0]
    if name == "Dropout1d":
        assert (kept.all(-1) | ~kept.any(-1)).all()
        kept = kept[..., 0]
    assert abs(kept.mean() - 0.7) < 5 * np.sqrt(0.21 / kept.size)
    assert module.eval()(x) is x or np.array_equal(module(x).numpy(), x.numpy())


def test_alpha_dropout_keeps_mean_and_variance():
    mg.manual_seed(1)
    out = nn.AlphaDropout(0.2)(mg.randn(200, 500)).numpy()
    assert abs(out.mean()) < 0.02
    assert abs(out.std() - 1) < 0.02


def test_rrelu_draws_slopes_between_its_bounds():
    mg.manual_seed(1)
    x = -mg.ones(2000)
    slopes = -nn.RReLU(0.2, 0.4)(x).numpy()
    assert slopes.min() >= 0.2
    assert slopes.max() <= 0.4
    assert abs(slopes.mean() - 0.3) < 5 * 0.2 / np.sqrt(12 * 2000)


def test_dropout_between_recurrent_layers_depends_on_the_mode_and_the_seed():
    module = nn.LSTM(3, 4, num_layers=2, dropout=0.5)
    x = mg.ones(5, 2, 3)
    drawn = []
    for seed in (1, 1, 2):
        mg.manual_seed(seed)
        drawn.append(module(x)[0].detach().numpy())
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
    module.eval()
    np.testing.assert_array_equal(module(x)[0].detach().numpy(), module(x)[0].detach().numpy())


def test_dropout_with_one_recurrent_layer_warns():
    with pytest.warns(UserWarning, match="only one"):
        nn.GRU(2, 2, dropout=0.5)


# -------------------------------------------------------------------------------------- embeddings


def test_embedding_from_pretrained_and_padding():
    table = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    frozen = nn.Embedding.from_pretrained(table)
    assert not frozen.weight.requires_grad
    np.testing.assert_array_equal(frozen(mg.tensor([1, 0])).numpy(), [[3, 4], [1, 2]])
    assert nn.Embedding.from_pretrained(table, freeze=False).weight.requires_grad
    padded = nn.Embedding(4, 3, padding_idx=-1)
    assert not padded.weight.detach().numpy()[3].any()
    padded(mg.tensor([3, 1])).sum().backward()
    assert not padded.weight.grad.numpy()[3].any()
    assert padded.weight.grad.numpy()[1].all()


# -------------------------------------------------------------------------------- batch statistics


def test_batch_norm_does_not_learn_from_what_it_refuses():
    module = nn.BatchNorm1d(3)
    before = {name: t.numpy().copy() for name, t in module.state_dict().items()}
    for shape in [(1, 3), (4, 2), (3,), (2, 3, 4, 5)]:
        with pytest.raises(ValueError):
            module(mg.ones(*shape))
    for name, tensor in module.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), before[name])


def test_batch_norm_can_forget():
    module = nn.BatchNorm1d(3)
    module(mg.randn(5, 3))
    assert module.num_batches_tracked.item() == 1
    module.reset_running_stats()
    assert module.num_batches_tracked.item() == 0
    np.testing.assert_array_equal(module.running_var.numpy(), np.ones(3))


# --------------------------------------------------------------------------------------- attention


def test_causal_attention_sees_no_future():
    mg.manual_seed(0)
    layer = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2).eval()
    mask = mg.ones(5, 5, dtype=mg.bool).triu(1)
    x = mg.randn(1, 5, 8)
    changed = x.clone()
    changed[0, 3:] = 0.0
    a, b = (layer(each, mask, is_causal=True).detach().numpy() for each in (x, changed))
    np.testing.assert_allclose(a[0, :3], b[0, :3], atol=1e-6)
    assert not np.allclose(a[0, 3:], b[0, 3:], atol=1e-3)


def test_encoder_copies_its_layer():
    layer = nn.TransformerEncoderLayer(8, 2, 16)
    encoder = nn.TransformerEncoder(layer, 3, norm=nn.LayerNorm(8))
    assert len(list(encoder.parameters())) == 3 * len(list(layer.parameters())) + 2
    for made in encoder.layers:
        np.testing.assert_array_equal(
            made.linear1.weight.detach().numpy(), layer.linear1.weight.detach().numpy()
        )
    assert encoder(mg.randn(4, 2, 8)).shape == (4, 2, 8)


# ---------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("make", [
    lambda: nn.Conv2d(4, 6, 3, groups=3), lambda: nn.Conv2d(4, 6, (3, 3, 3)),
    lambda: nn.Conv2d(4, 6, 3, padding="same", stride=2),
    lambda: nn.Conv2d(4, 6, 3, padding="full"),
    lambda: nn.Conv2d(4, 6, 3, padding_mode="mirror"),
    lambda: nn.ConvTranspose2d(4, 6, 3, padding_mode="reflect"),
    lambda: nn.GroupNorm(3, 4), lambda: nn.Dropout(1.5), lambda: nn.MSELoss(reduction="median"),
    lambda: nn.Hardtanh(1, 0), lambda: nn.RNN(2, 2, nonlinearity="sin"), lambda: nn.LSTM(2, 0),
    lambda: nn.LSTM(2, 3, proj_size=3), lambda: nn.GRU(2, 2, dropout=2.0),
    lambda: nn.Embedding(3, 2, padding_idx=3), lambda: nn.Embedding(3, 2, sparse=True),
    lambda: nn.MultiheadAttention(5, 2), lambda: nn.ZeroPad2d((1, 2, 3)),
    lambda: nn.Bilinear(0, 1, 1),
    lambda: nn.TransformerEncoderLayer(4, 2, activation="tanh"),
])  # fmt: skip
def test_constructors_refuse(make):
    with pytest.raises(ValueError):
        make()


MULTIHEAD = nn.MultiheadAttention(4, 2)


@pytest.mark.parametrize(("module", "args"), [
    (nn.Linear(3, 2), ((2, 4),)), (nn.LSTM(3, 2), ((5, 2, 4),)), (nn.LSTM(3, 2), ((0, 2, 3),)),
    (nn.GRU(3, 2), ((5, 2, 3), (1, 3, 2))), (nn.GRUCell(3, 2), ((5, 4),)),
    (nn.RNNCell(3, 2), ((5, 3), (4, 2))), (nn.Softmax2d(), ((2, 3),)),
    (MULTIHEAD, ((5, 2, 3), (5, 2, 4), (5, 2, 4))), (MULTIHEAD, ((5, 2, 4), (6, 2, 4), (5, 2, 4))),
    (MULTIHEAD, ((5, 2, 4), (6, 4), (6, 4))), (nn.InstanceNorm1d(3, affine=True), ((2, 4, 5),)),
    (nn.ConvTranspose1d(2, 2, 3), ((1, 2, 4), 9)),
])  # fmt: skip
def test_calls_refuse(module, args):
    given = [mg.ones(*a) if isinstance(a, tuple) else (a,) for a in args]
    with pytest.raises(ValueError) as caught:
        module(*given)
    assert any(type(module).__name__ in note for note in caught.value.__notes__)


@pytest.mark.parametrize("masks", [
    {"attn_mask": np.zeros((5, 5), bool)}, {"attn_mask": np.zeros((3, 5, 6), bool)},
    {"key_padding_mask": np.zeros((6, 2), bool)}, {"is_causal": True},
])  # fmt: skip
def test_attention_refuses_masks(masks):
    with pytest.raises(ValueError):
        MULTIHEAD(mg.ones(5, 2, 4), mg.ones(6, 2, 4), mg.ones(6, 2, 4), **masks)
