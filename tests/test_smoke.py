"""The three uses of minigrad, each in a few lines: what fails here fails for everybody."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn.functional import cross_entropy


@pytest.mark.parametrize("optimizer", [mg.optim.SGD, mg.optim.Adam])
def test_a_network_learns_xor(optimizer):
    mg.manual_seed(0)
    x = mg.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = mg.tensor([0, 1, 1, 0])
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
    update = optimizer(model.parameters(), lr=0.5 if optimizer is mg.optim.SGD else 0.05)
    for _ in range(300):
        update.zero_grad()
        cross_entropy(model(x), y).backward()
        update.step()
    assert model(x).argmax(dim=1).tolist() == [0, 1, 1, 0]


def test_gradients_of_a_layer_by_hand():
    rng = np.random.default_rng(0)
    x, W, b, g = (rng.standard_normal(shape) for shape in [(5, 3), (3, 2), (2,), (5, 2)])
    W_, b_ = (mg.tensor(array, requires_grad=True) for array in (W, b))
    out = np.maximum(mg.tensor(x) @ W_ + b_, 0.0)
    out.backward(mg.tensor(g))
    ga = g * (x @ W + b > 0)
    np.testing.assert_allclose(W_.grad.numpy(), x.T @ ga)
    np.testing.assert_allclose(b_.grad.numpy(), ga.sum(0))


def test_a_wrong_gradient_is_found_and_a_right_one_passes():
    right = mg.op(lambda g, x: g * 3 * x * x)(lambda x: x**3)
    wrong = mg.op(lambda g, x: g * 3 * x)(lambda x: x**3)
    x = mg.tensor(np.array([0.5, 2.0]), requires_grad=True)
    assert mg.testing.check_gradients(right, (x,)).ok
    assert not mg.testing.check_gradients(wrong, (x,)).ok


def test_a_graph_can_be_drawn():
    w = mg.ones(3, requires_grad=True)
    loss = ((w * 2.0).tanh() - 1.0).square().mean()
    text = str(mg.visualize.draw(loss))
    assert "tanh" in text
    assert "mean" in text
