"""What beginners write: each mistake gives an error, or a warning, that says what to write.

Integer inputs are no mistake: a layer computes with them in the type of its weights.
"""

import re
import warnings

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn

SCORES, CLASSES = mg.tensor([[2.0, 0.0, 1.0], [0.0, 1.0, 0.5]]), mg.tensor([0, 2])
ONE_HOT = F.one_hot(CLASSES, 3)
SEQUENCES = mg.arange(24.0).reshape(3, 2, 4)  # length, batch, features
MODEL = nn.Linear(4, 3)


class Plain(nn.Module):
    """Layers in a plain list, or another container, under the name `layers`."""

    def __init__(self, layers, head=None):
        super().__init__()
        self.layers = layers
        self.head = head


def adam(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the warning has a test of its own
        return mg.optim.Adam(model.parameters())


MISTAKES = {
    # a layer is made, and then called
    "CrossEntropyLoss(out, y)": (
        lambda: nn.CrossEntropyLoss(SCORES, CLASSES), TypeError,
        "loss_fn = CrossEntropyLoss(), then loss = loss_fn(input, target)",
    ),
    "MSELoss(out, y)": (
        lambda: nn.MSELoss(SCORES, SCORES), TypeError,
        "loss_fn = MSELoss(), then loss = loss_fn(input, target)",
    ),
    "MSELoss of arrays": (
        lambda: nn.MSELoss(SCORES.numpy(), SCORES.numpy()), TypeError, "loss_fn = MSELoss()",
    ),
    "HuberLoss(out, y)": (
        lambda: nn.HuberLoss(SCORES, SCORES), TypeError, "loss_fn = HuberLoss()",
    ),
    "ReLU(x)": (lambda: nn.ReLU(SCORES), TypeError, "layer = ReLU(...), then y = layer(x)"),
    "Softmax(x)": (lambda: nn.Softmax(SCORES), TypeError, "layer = Softmax(...)"),
    "Linear(x, 3)": (lambda: nn.Linear(SCORES, 3), TypeError, "layer = Linear(...)"),
    # what an optimizer takes
    "Adam(model)": (lambda: mg.optim.Adam(MODEL), TypeError, "Adam(model.parameters(), ...)"),
    "SGD(model, lr)": (
        lambda: mg.optim.SGD(MODEL, lr=0.1), TypeError, "SGD(model.parameters(), ...)",
    ),
    "Adam(model.parameters)": (
        lambda: mg.optim.Adam(MODEL.parameters), TypeError, "Adam(model.parameters(), ...)",
    ),
    "Adam([model])": (lambda: mg.optim.Adam([MODEL]), TypeError, "write model.parameters()"),
    "Adam of layers in a list": (
        lambda: adam(Plain([nn.Linear(4, 4)])), ValueError,
        "Layers are found in attributes, nn.ModuleList and nn.ModuleDict",
    ),
    # labels
    "one-hot labels": (
        lambda: F.cross_entropy(SCORES, ONE_HOT), ValueError, "target.argmax(1) gives the classes",
    ),
    "one-hot labels, nll_loss": (
        lambda: F.nll_loss(SCORES, ONE_HOT), ValueError, "target.argmax(1) gives the classes",
    ),
    "labels as a column": (
        lambda: F.cross_entropy(SCORES, CLASSES[:, None]), ValueError, "use target.reshape(2)",
    ),
    "labels as floats": (
        lambda: F.cross_entropy(SCORES, CLASSES.float()), TypeError,
        "classes are integers of shape (2,), got float32",
    ),
    "labels from 1": (
        lambda: F.cross_entropy(SCORES, CLASSES + 1), IndexError,
        "class 3 is out of range, there are 3 classes: 0 ... 2",
    ),
    "labels and scores exchanged": (
        lambda: F.cross_entropy(CLASSES, SCORES), TypeError, "were they exchanged?",
    ),
    "a vector against a column": (
        lambda: F.mse_loss(mg.ones(3, 1), mg.ones(3)), ValueError, "Use target.reshape(3, 1)",
    ),
    # modules
    "no super().__init__()": (
        lambda: type("Net", (nn.Module,), {"__init__": lambda s: setattr(s, "l", MODEL)})(),
        AttributeError, "call super().__init__() before",
    ),
    "a list in Sequential": (
        lambda: nn.Sequential([MODEL]), TypeError, "Sequential(*modules)",
    ),
    "a class in Sequential": (
        lambda: nn.Sequential(MODEL, nn.ReLU), TypeError, "did you mean ReLU(...)?",
    ),
    "no forward": (
        lambda: type("Net", (nn.Module,), {})()(SCORES), NotImplementedError,
        "define forward(self, ...)",
    ),
    # derivatives
    "backward of a vector": (
        lambda: MODEL(mg.ones(2, 4)).backward(), RuntimeError, "Reduce it (t.sum(), t.mean())",
    ),
    "an array of what requires grad": (
        lambda: MODEL(mg.ones(2, 4)).numpy(), RuntimeError, "use t.detach().numpy()",
    ),
    "integers that require grad": (
        lambda: mg.tensor([1, 2], requires_grad=True), RuntimeError, "t.float()",
    ),
    "a condition on many numbers": (
        lambda: bool(SCORES > 1), ValueError, "use t.any() or t.all()",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_what_to_write(name):
    mistake, kind, advice = MISTAKES[name]
    with pytest.raises(kind, match=re.escape(advice)):
        mistake()


# ------------------------------------------------------------------------- what is no mistake there


def test_a_weight_for_each_class_is_a_tensor_given_to_the_constructor():
    weight = mg.tensor([1.0, 2.0, 3.0])
    assert nn.CrossEntropyLoss(weight).weight is weight
    assert nn.MultiMarginLoss(1, 1.0, weight).weight is weight

    class Mine(nn.Module):
        def __init__(self, table):
            super().__init__()
            self.table = nn.Parameter(table)

    assert Mine(mg.ones(2, 3)).table.shape == (2, 3)


# --------------------------------------------------------------------- what returns several results


PASSED_ON = {
    "Linear": nn.Linear(6, 2),
    "ReLU": nn.ReLU(),
    "Dropout": nn.Dropout(),
    "BatchNorm1d": nn.BatchNorm1d(6),
    "LayerNorm": nn.LayerNorm(6),
    "Conv1d": nn.Conv1d(6, 2, 1),
    "Flatten": nn.Flatten(),
    "LSTM": nn.LSTM(6, 6),
    "Softmax": nn.Softmax(-1),
    "MSELoss": nn.MSELoss(),
}


@pytest.mark.parametrize("name", PASSED_ON)
@pytest.mark.parametrize("first", [nn.LSTM(4, 6), nn.GRU(4, 6), nn.MultiheadAttention(4, 2)])
def test_the_results_of_a_layer_with_several_are_not_passed_on_together(first, name):
    results = first(*[SEQUENCES] * (3 if isinstance(first, nn.MultiheadAttention) else 1))
    layer, more = PASSED_ON[name], [SEQUENCES] * (name == "MSELoss")
    with pytest.raises(Exception) as caught:  # which one is the layer's own affair
        layer(results, *more)
    notes = "\n".join(caught.value.__notes__)
    assert "pass on the first, as in out, _ = layer(x)" in notes
    assert "in " + type(layer).__name__ in notes


def test_the_advice_stands_once_where_several_modules_are_left():
    with pytest.raises(TypeError) as caught:
        nn.Sequential(nn.LSTM(4, 6), nn.Sequential(nn.Linear(6, 2)))(SEQUENCES)
    assert sum("out, _ = layer(x)" in note for note in caught.value.__notes__) == 1


# ----------------------------------------------------------------------- layers in plain containers


def test_layers_in_a_plain_list_are_warned_of():
    two = [nn.Linear(4, 4), nn.Linear(4, 2)]
    for layers, kind in (
        (two, "ModuleList"),
        (tuple(two), "ModuleList"),
        ({"a": two[0]}, "ModuleDict"),
    ):
        model = Plain(layers, head=nn.Linear(2, 2))
        with pytest.warns(UserWarning, match=re.escape(f"write self.layers = nn.{kind}(...)")):
            found = list(model.parameters())
        assert len(found) == 2
    nested = nn.Sequential(Plain(two))
    with pytest.warns(UserWarning, match="Plain.layers is a list"):
        list(nested.parameters())


def test_no_warning_where_nothing_is_forgotten():
    layers = nn.ModuleList([nn.Linear(4, 4)])
    registered = Plain(list(layers), head=layers)
    frozen = Plain([nn.Linear(4, 4).requires_grad_(False)])
    numbers = Plain([1, 2, 3])
    hidden = Plain(None)
    hidden._teacher = [nn.Linear(4, 4)]  # the underscore says that it is meant
    for model in (registered, frozen, numbers, hidden):
        list(model.parameters())  # a warning would be an error here


# ----------------------------------------------------------------------------------- integer inputs


LAYERS = {
    "Linear": (nn.Linear(4, 3), (2, 4)),
    "Conv1d": (nn.Conv1d(4, 2, 1), (1, 4, 5)),
    "Conv2d": (nn.Conv2d(4, 2, 1), (1, 4, 5, 5)),
    "Conv3d": (nn.Conv3d(4, 2, 1), (1, 4, 2, 2, 2)),
    "ConvTranspose2d": (nn.ConvTranspose2d(4, 2, 1), (1, 4, 5, 5)),
    "RNN": (nn.RNN(4, 3), (5, 2, 4)),
    "LSTM": (nn.LSTM(4, 3), (5, 2, 4)),
    "GRU": (nn.GRU(4, 3), (5, 2, 4)),
    "LSTMCell": (nn.LSTMCell(4, 3), (2, 4)),
    "TransformerEncoderLayer": (nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0), (5, 2, 4)),
    "BatchNorm1d": (nn.BatchNorm1d(4), (3, 4)),
    "InstanceNorm1d": (nn.InstanceNorm1d(4), (2, 4, 5)),
    "GroupNorm": (nn.GroupNorm(2, 4), (3, 4)),
    "LayerNorm": (nn.LayerNorm(4), (3, 4)),
    "RMSNorm": (nn.RMSNorm(4), (3, 4)),
    "PReLU": (nn.PReLU(), (3, 4)),
    "GELU": (nn.GELU(), (3, 4)),
    "GELU, by tanh": (nn.GELU("tanh"), (3, 4)),
    "Tanh": (nn.Tanh(), (3, 4)),
    "Softmax": (nn.Softmax(-1), (3, 4)),
}


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.bool_])
@pytest.mark.parametrize("name", LAYERS)
def test_integers_go_through_a_layer_as_floats_do(name, dtype):
    layer, shape = LAYERS[name]
    x = np.random.default_rng(0).integers(0, 2 if dtype is np.bool_ else 5, shape).astype(dtype)
    found, right = layer(mg.tensor(x)), layer(mg.tensor(x.astype(np.float32)))
    while isinstance(found, tuple):
        found, right = found[0], right[0]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.detach().numpy(), right.detach().numpy(), rtol=2e-5, atol=1e-5)
