"""What PyTorch refuses is refused here, with an error that a program written for PyTorch catches.

A shape or a value that does not fit is a ValueError in NumPy and mostly a RuntimeError in PyTorch:
here it is both.
"""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import minigrad as mg

torch = pytest.importorskip("torch")

ROWS = """
m.ones(2,3) @ m.ones(2,3)
m.ones(3) @ m.ones(2)
m.ones(2,3) + m.ones(2)
m.ones(2,3) * m.ones(4,3)
m.where(m.ones(2)>0, m.ones(3), m.ones(2))
m.cat([m.ones(2), m.ones(2,2)])
m.cat([m.ones(2,3), m.ones(2,2)])
m.stack([m.ones(2), m.ones(3)])
m.cat([])
m.stack([])
m.ones(2,3).view(5)
m.ones(2,3).reshape(-1, 4)
m.ones(2,3).reshape(-1, -1)
m.reshape(m.ones(2,3), (7,))
m.ones(2,3)[2]
m.ones(2,3)[0, 3]
m.ones(2,3)[0, 0, 0]
m.ones(2,3)[m.tensor([5])]
m.ones(2,3)[m.tensor([True, False, True])]
m.ones(2,3).sum(2)
m.ones(2,3).sum((0, 0))
m.ones(2,3).transpose(0, 2)
m.ones(2,3).permute(0)
m.ones(2,3).permute(0, 0)
m.ones(2,3).expand(4, 3)
m.ones(2,3).expand(3)
m.ones(2,3).broadcast_to((2, 4))
m.ones(2,3).repeat(2)
m.ones(2,3).squeeze(4)
m.ones(2,3).unsqueeze(4)
m.ones(2,3).item()
m.ones(2,3).backward()
m.ones(2).backward()
m.ones(2, requires_grad=True).backward()
bool(m.ones(2))
float(m.ones(2))
int(m.ones(2, 2))
m.zeros(-1)
m.ones(2, -1)
m.empty(-3)
m.full((-1,), 2.)
m.randn(-1)
m.arange(3, 1)
m.arange(0, 3, 0)
m.linspace(0, 1, -1)
m.eye(-1)
m.tensor([[1, 2], [3]])
m.zeros(2).copy_(m.ones(3))
m.zeros(2).add_(m.ones(3))
m.zeros(2).add_(m.ones(2, 2))
m.zeros(2).__setitem__(m.tensor([0, 1]), m.ones(3))
m.zeros(2).__setitem__(slice(0, 2), m.ones(3))
m.zeros(3).__setitem__(5, 1.0)
m.zeros(3).fill_(m.ones(2))
m.gather(m.ones(2, 3), 1, m.tensor([[4]]))
m.gather(m.ones(2, 3), 1, m.tensor([0]))
m.gather(m.ones(2, 3), 2, m.tensor([[0]]))
m.index_select(m.ones(2, 3), 0, m.tensor([4]))
m.index_select(m.ones(2, 3), 0, m.tensor([[0]]))
m.take(m.ones(3), m.tensor([5]))
m.zeros(3).scatter(0, m.tensor([4]), m.ones(1))
m.zeros(3).scatter_add(0, m.tensor([[0]]), m.ones(1))
m.zeros(3).index_add(0, m.tensor([0, 1]), m.ones(3))
m.masked_select(m.ones(3), m.ones(2) > 0)
m.chunk(m.ones(3), 0)
m.split(m.ones(3), [1, 1])
m.split(m.ones(3), -1)
m.einsum('ij,jk->ik', m.ones(2, 3), m.ones(2, 3))
m.einsum('ij', m.ones(2, 3, 4))
m.einsum('ij,jk', m.ones(2, 3))
m.bmm(m.ones(2, 3, 4), m.ones(3, 4, 5))
m.mm(m.ones(2), m.ones(2))
m.mv(m.ones(2, 3), m.ones(2))
m.dot(m.ones(2), m.ones(3))
m.outer(m.ones(2, 2), m.ones(3))
m.addmm(m.ones(4), m.ones(2, 3), m.ones(3, 2))
m.cross(m.ones(2), m.ones(2))
m.linalg.inv(m.ones(2, 3))
m.linalg.inv(m.ones(2, 2))
m.linalg.cholesky(-m.ones(2, 2))
m.linalg.solve(m.eye(2), m.ones(3))
m.linalg.det(m.ones(2, 3))
m.linalg.svd(m.ones(3))
m.linalg.qr(m.ones(3))
m.linalg.eigh(m.ones(2, 3))
m.nn.functional.linear(m.ones(2, 3), m.ones(4, 5))
m.nn.functional.conv2d(m.ones(1, 3, 8, 8), m.ones(4, 2, 3, 3))
m.nn.functional.conv2d(m.ones(1, 3, 2, 2), m.ones(4, 3, 3, 3))
m.nn.functional.conv2d(m.ones(8, 8), m.ones(4, 3, 3, 3))
m.nn.functional.max_pool2d(m.ones(1, 1, 2, 2), 3)
m.nn.functional.cross_entropy(m.ones(4, 3), m.tensor([0, 1]))
m.nn.functional.cross_entropy(m.ones(2, 3), m.tensor([0, 5]))
m.nn.functional.nll_loss(m.ones(2, 3), m.tensor([[0], [1]]))
m.nn.functional.binary_cross_entropy(m.ones(2), m.ones(3))
m.nn.functional.binary_cross_entropy_with_logits(m.ones(2, 1), m.ones(2))
m.nn.functional.mse_loss(m.ones(2), m.ones(3))
m.nn.functional.embedding(m.tensor([7]), m.ones(3, 2))
m.nn.functional.layer_norm(m.ones(2, 3), (4,))
m.nn.functional.batch_norm(m.ones(1, 3), None, None, training=True)
m.nn.functional.group_norm(m.ones(2, 3), 2)
m.nn.functional.one_hot(m.tensor([3]), 2)
m.nn.functional.one_hot(m.tensor([-1]))
m.nn.functional.pad(m.ones(2), (1, 1, 1, 1))
m.nn.functional.pad(m.ones(1, 2), (3, 3), mode='reflect')
m.nn.functional.softmax(m.ones(2), 1)
m.nn.functional.interpolate(m.ones(1, 1, 2), size=4, mode='bilinear')
m.nn.functional.dropout(m.ones(2), 2)
m.nn.functional.glu(m.ones(3), 0)
m.nn.functional.pixel_shuffle(m.ones(1, 3, 2, 2), 2)
m.nn.functional.scaled_dot_product_attention(m.ones(1, 2, 3), m.ones(1, 2, 4), m.ones(1, 2, 3))
m.nn.functional.cosine_similarity(m.ones(2, 3), m.ones(2, 4))
m.nn.Linear(3, 2)(m.ones(2, 4))
m.nn.Conv2d(3, 2, 3)(m.ones(1, 4, 8, 8))
m.nn.LSTM(3, 2)(m.ones(5, 4))
m.nn.GRU(3, 2)(m.ones(5, 1, 3), m.ones(1, 2, 2))
m.nn.RNN(3, 2)(m.ones(5))
m.nn.LSTMCell(3, 2)(m.ones(5, 4))
m.nn.MultiheadAttention(4, 3)
m.nn.MultiheadAttention(4, 2)(m.ones(3, 5), m.ones(3, 5), m.ones(3, 5))
m.nn.BatchNorm1d(3)(m.ones(2, 4))
m.nn.BatchNorm2d(3)(m.ones(2, 3))
m.nn.Linear(2, 2).load_state_dict({})
m.nn.Linear(2, 2).load_state_dict({'weight': m.ones(3, 3), 'bias': m.ones(2)})
m.nn.Conv2d(3, 4, 3, groups=2)
m.nn.Embedding(3, 2)(m.tensor([5]))
m.nn.Embedding(3, 2, padding_idx=5)
m.nn.Dropout(2)
m.nn.Softmax(dim=3)(m.ones(2))
m.autograd.grad(m.ones(2, requires_grad=True) * 2, m.ones(2))
m.autograd.grad(m.ones(2, requires_grad=True).sum(), m.ones(2, requires_grad=True))
m.optim.SGD([], lr=0.1)
m.optim.SGD([m.ones(2, requires_grad=True)], lr=-1)
m.optim.SGD([m.ones(2, requires_grad=True) * 2], lr=1)
m.distributions.Normal(0., -1.)
m.distributions.Categorical(m.tensor([-1., 2.]))
m.distributions.Normal(m.ones(2), m.ones(3))
m.utils.data.DataLoader([1], batch_size=0)
m.utils.data.TensorDataset(m.ones(2), m.ones(3))
m.quantile(m.ones(3), 2.0)
m.topk(m.ones(3), 4)
m.kthvalue(m.ones(3), 4)
m.multinomial(m.ones(2), 3)
m.multinomial(m.tensor([-1., 1]), 1)
m.histc(m.ones(3), 0)
m.bincount(m.tensor([-1]))
m.ones(3).unfold(0, 4, 1)
m.diag(m.ones(2, 2, 2))
m.tril(m.ones(2))
m.flatten(m.ones(2, 2), 1, 0)
m.unflatten(m.ones(4), 0, (3, 2))
m.movedim(m.ones(2, 2), 0, 3)
m.flip(m.ones(2), 1)
m.roll(m.ones(2), 1, 3)
m.narrow(m.ones(3), 0, 2, 2)
m.select(m.ones(3), 0, 5)
m.argmax(m.ones(0))
m.max(m.ones(0))
m.max(m.ones(0, 2), 0)
m.min(m.ones(2), 3)
m.nn.functional.conv1d(m.ones(1, 2, 3), m.ones(1, 2, 3), stride=0)
m.tensordot(m.ones(2, 3), m.ones(2, 3), dims=1)
m.kron(m.ones(2), 3)
m.nn.functional.kl_div(m.ones(2), m.ones(3))
m.searchsorted(m.ones(2, 3), m.ones(3, 2))
m.bucketize(m.ones(3), m.ones(2, 2))
m.func.vjp(lambda x: x, m.ones(2))[1](m.ones(3))
m.func.jvp(lambda x: x, (m.ones(2),), (m.ones(3),))
m.func.grad(lambda x: x)(m.ones(2))
m.nn.utils.rnn.pad_sequence([])
m.nn.utils.rnn.pack_padded_sequence(m.ones(3, 2, 1), m.tensor([1, 2]))
m.zeros(2).resize_(-1)
m.ones(2).to('nodevice')
m.combinations(m.ones(2, 2))
m.normal(0., -1., (2,))
m.bernoulli(m.tensor([2.0]))
m.randint(3, 2, (2,))
m.randperm(-1)
m.nn.functional.nll_loss(m.ones(2), m.tensor([0, 1]))
m.as_strided(m.ones(3), (2, 2), (2, 1))
m.argmin(m.ones(0, 3), 0)
m.amax(m.ones(0, 3), 0)
m.min(m.ones(0))
m.median(m.ones(0, 3), 0)
m.mode(m.ones(0))
m.kthvalue(m.ones(0, 3), 1, 0)
""".strip().splitlines()

ASSERTION = "PyTorch asserts, and no program catches that"
EXCEPT = {
    "m.arange(3, 1)": "empty, as in NumPy",
    "m.outer(m.ones(2, 2), m.ones(3))": "of the entries, as in NumPy",
    "m.index_select(m.ones(2, 3), 0, m.tensor([[0]]))": "not an index that is out of range",
    "m.flip(m.ones(2), 1)": "an IndexError, as for every other axis that does not exist",
    "m.ones(2).to('nodevice')": "a name of neither a type nor a device",
    "m.nn.MultiheadAttention(4, 3)": ASSERTION,
    "m.nn.MultiheadAttention(4, 2)(m.ones(3, 5), m.ones(3, 5), m.ones(3, 5))": ASSERTION,
    "m.nn.Embedding(3, 2, padding_idx=5)": ASSERTION,
    "m.utils.data.TensorDataset(m.ones(2), m.ones(3))": ASSERTION,
}


def error_of(row: str, module: Any) -> Exception | None:
    try:
        eval(row, {"m": module, "np": np})
    except Exception as error:
        return error
    return None


def kind_of(error: Exception) -> type[Exception]:
    """The built-in kind that a program would name."""
    named = (np.linalg.LinAlgError, IndexError, TypeError, AssertionError, ValueError)
    return next((kind for kind in named if isinstance(error, kind)), RuntimeError)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("row", ROWS)
def test_an_error_is_caught_by_what_catches_that_of_pytorch(row: str) -> None:
    theirs, ours = error_of(row, torch), error_of(row, mg)
    assert theirs is not None
    caught = ours is not None and isinstance(ours, kind_of(theirs))
    assert caught != (row in EXCEPT), f"PyTorch: {theirs!r}; here: {ours!r}"


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ("m.ones(2, 3) @ m.ones(2, 3)", ValueError),
        ("m.ones(2, 3).reshape(5)", ValueError),
        ("m.stack([m.ones(2), m.ones(3)])", ValueError),
        ("m.nn.functional.mse_loss(m.ones(2), m.ones(3))", ValueError),
        ("m.zeros(2).copy_(m.ones(3))", ValueError),
        ("m.gather(m.ones(2), 0, m.tensor([5]))", IndexError),
        ("m.argmax(m.ones(0))", ValueError),
        ("np.argmax(m.ones(0))", ValueError),
        ("np.add(m.ones(2), m.ones(3))", ValueError),
        ("np.concatenate([m.ones(2), m.ones(3, 2)])", ValueError),
    ],
)
def test_it_is_the_error_of_numpy_too_and_survives_another_process(
    row: str, kind: type[Exception]
) -> None:
    error = error_of(row, mg)
    assert isinstance(error, kind)
    assert isinstance(error, RuntimeError)
    assert type(error).__name__ == kind.__name__
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert getattr(again, "__notes__", None) == getattr(error, "__notes__", None)


def test_an_axis_that_does_not_exist_is_an_index_error() -> None:
    for row in ("m.ones(2).sum(1)", "m.ones(2)[2]", "m.ones(2).unsqueeze(5)"):
        assert isinstance(error_of(row, mg), IndexError)


def test_errors_of_the_users_own_functions_stay_as_they_are() -> None:
    @mg.op(lambda g: g)
    def own(x: Any) -> Any:
        raise KeyError("own")

    with pytest.raises(KeyError, match="own"):
        own(mg.ones(2))

    class Net(mg.nn.Module):
        def forward(self, x: Any) -> Any:
            raise ValueError("of the user")

    with pytest.raises(ValueError, match="of the user") as caught:
        Net()(mg.ones(2))
    assert not isinstance(caught.value, RuntimeError)
