"""Initial values: bounds, moments and structure; and the utilities for many parameters."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import init

SHAPE = (120, 40, 5)  # 24,000 entries; fan_in 200, fan_out 600
N = math.prod(SHAPE)


@pytest.fixture(autouse=True)
def _seeded():
    mg.manual_seed(3)


def check_moments(values, mean, std):
    """Mean and standard deviation within five standard errors, whatever the distribution here."""
    assert abs(values.mean() - mean) < 5 * std / math.sqrt(values.size)
    assert abs(values.std() / std - 1) < 5 / math.sqrt(values.size)


def filled(function, *args, shape=SHAPE, **kwargs):
    tensor = mg.empty(*shape, dtype=mg.float64)
    assert function(tensor, *args, **kwargs) is tensor
    return tensor.numpy()


@pytest.mark.parametrize(
    ("function", "args", "bound"),
    [
        (init.uniform_, (-0.3, 0.3), 0.3),
        (init.xavier_uniform_, (), math.sqrt(6 / 800)),
        (init.xavier_uniform_, (2.0,), 2 * math.sqrt(6 / 800)),
        (init.kaiming_uniform_, (), math.sqrt(6 / 200)),
        (init.kaiming_uniform_, (math.sqrt(5),), 1 / math.sqrt(200)),
        (init.kaiming_uniform_, (0, "fan_out", "relu"), math.sqrt(6 / 600)),
        (init.kaiming_uniform_, (0, "fan_in", "tanh"), 5 / 3 * math.sqrt(3 / 200)),
    ],
)
def test_uniform_distributions(function, args, bound):
    values = filled(function, *args)
    assert np.abs(values).max() <= bound
    assert np.abs(values).max() > 0.999 * bound
    check_moments(values, 0, bound / math.sqrt(3))


@pytest.mark.parametrize(
    ("function", "args", "mean", "std"),
    [
        (init.normal_, (2.0, 0.5), 2.0, 0.5),
        (init.xavier_normal_, (), 0, math.sqrt(2 / 800)),
        (init.kaiming_normal_, (), 0, math.sqrt(2 / 200)),
        (init.kaiming_normal_, (0.3, "fan_out"), 0, math.sqrt(2 / (1 + 0.09) / 600)),
    ],
)
def test_normal_distributions(function, args, mean, std):
    values = filled(function, *args)
    check_moments(values, mean, std)
    # a normal distribution, not another of the same moments: 4.55 % lie beyond two deviations
    beyond = (np.abs(values - mean) > 2 * std).mean()
    assert abs(beyond - 0.0455) < 5 * math.sqrt(0.0455 * 0.9545 / N)


def phi(x):
    """The normal distribution function."""
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [(0, 1, -2, 2), (1, 0.5, 0, 1.2), (0, 1, 3, 4), (0, 1, 6, 100), (0, 0.02, -2, 2),
     (0, 1, 0, 0.01), (6, 1, -9, 0)],
)  # fmt: skip
def test_truncated_normal(mean, std, a, b):
    values = filled(init.trunc_normal_, mean, std, a, b)
    assert values.min() >= a
    assert values.max() <= b
    if a > mean + 5 * std or b < mean - 5 * std:
        # far out the tail is nearly exponential, and its exact probabilities are lost to rounding
        nearest = a if a > mean else b
        assert np.abs(values - nearest).mean() < std**2 / abs(nearest - mean)
        return
    low, high = phi((a - mean) / std), phi((b - mean) / std)
    for x in np.linspace(max(a, mean - 3 * std), min(b, mean + 3 * std), 7)[1:-1]:
        expected = (phi((x - mean) / std) - low) / (high - low)
        error = 5 * math.sqrt(expected * (1 - expected) / N) + 1e-12
        assert abs((values <= x).mean() - expected) < error


def test_constants():
    assert (filled(init.constant_, 0.3) == 0.3).all()
    assert (filled(init.ones_) == 1).all()
    assert (filled(init.zeros_) == 0).all()
    np.testing.assert_array_equal(filled(init.eye_, shape=(3, 5)), np.eye(3, 5))


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("kernel", [(3,), (3, 5), (1, 3, 3)])
def test_dirac_passes_channels_through(groups, kernel):
    weight = filled(init.dirac_, groups, shape=(8, 3, *kernel))
    centre = tuple(size // 2 for size in kernel)
    middle = weight[(slice(None), slice(None), *centre)]
    per_group = 8 // groups
    for group in range(groups):
        rows = middle[group * per_group : (group + 1) * per_group]
        np.testing.assert_array_equal(rows, np.eye(per_group, 3))
    assert weight.sum() == middle.sum()


def test_dirac_is_the_identity_of_a_convolution():
    layer = nn.Conv2d(3, 3, 3, padding=1, bias=False)
    init.dirac_(layer.weight)
    x = mg.randn(2, 3, 5, 6)
    np.testing.assert_allclose(layer(x).detach().numpy(), x.numpy(), rtol=1e-6)


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (5, 5), (4, 2, 3)])
def test_orthogonal(shape):
    matrix = filled(init.orthogonal_, 2.0, shape=shape).reshape(shape[0], -1)
    small = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-12)


def test_orthogonal_is_uniform_over_signs():
    determinants = [np.linalg.det(filled(init.orthogonal_, shape=(3, 3))) for _ in range(200)]
    assert 60 < sum(d > 0 for d in determinants) < 140
    corner = np.array([filled(init.orthogonal_, shape=(3, 3))[0, 0] for _ in range(400)])
    assert abs(corner.mean()) < 5 / math.sqrt(3 * 400)


def test_sparse():
    values = filled(init.sparse_, 0.3, 2.0, shape=(50, 200))
    assert ((values == 0).sum(0) == 15).all()
    check_moments(values[values != 0], 0, 2.0)


@pytest.mark.parametrize(
    ("name", "param", "gain"),
    [("linear", None, 1), ("conv2d", None, 1), ("conv_transpose1d", None, 1), ("sigmoid", None, 1),
     ("tanh", None, 5 / 3), ("relu", None, math.sqrt(2)), ("selu", None, 0.75),
     ("leaky_relu", None, math.sqrt(2 / 1.0001)), ("leaky_relu", 1, 1)],
)  # fmt: skip
def test_gains(name, param, gain):
    assert init.calculate_gain(name, param) == pytest.approx(gain)


def test_relu_gain_keeps_the_spread():
    """The property that the gain is for: ten layers neither grow nor shrink their signal."""
    x = mg.randn(2000, 100)
    start = x.numpy().std()
    for _ in range(10):
        x = mg.relu(x) @ init.kaiming_normal_(mg.empty(100, 100), nonlinearity="relu").T
    assert 0.5 < x.numpy().std() / start < 2


@pytest.mark.parametrize("call", [
    lambda: init.xavier_uniform_(mg.empty(3)), lambda: init.kaiming_normal_(mg.empty(3)),
    lambda: init.kaiming_uniform_(mg.empty(3, 3), mode="fan"),
    lambda: init.kaiming_uniform_(mg.empty(3, 3), nonlinearity="step"),
    lambda: init.calculate_gain("leaky_relu", "x"), lambda: init.eye_(mg.empty(3)),
    lambda: init.dirac_(mg.empty(3, 3)), lambda: init.dirac_(mg.empty(3, 3, 3), 2),
    lambda: init.orthogonal_(mg.empty(3)), lambda: init.sparse_(mg.empty(3), 0.1),
    lambda: init.sparse_(mg.empty(3, 3), 2.0), lambda: init.uniform_(mg.empty(3), 1, 0),
    lambda: init.trunc_normal_(mg.empty(3), a=1, b=0),
    lambda: init.trunc_normal_(mg.empty(3), std=0),
])  # fmt: skip
def test_refusals(call):
    with pytest.raises(ValueError):
        call()


def test_only_tensors_are_filled():
    with pytest.raises(TypeError, match="uniform_"):
        init.uniform_(np.zeros(3))


@pytest.mark.parametrize(
    "function",
    [init.uniform_, init.normal_, init.trunc_normal_, init.orthogonal_, init.xavier_normal_],
)
def test_generators_repeat_and_leaves_keep_their_memory(function):
    layer = nn.Linear(4, 3)
    memory = layer.weight.detach().numpy()
    function(layer.weight, generator=mg.Generator(seed=5))
    first = memory.copy()
    other = function(mg.empty(3, 4), generator=mg.Generator(seed=5))
    np.testing.assert_array_equal(first, other.numpy())
    assert layer.weight.requires_grad
    assert layer.weight.is_leaf
    assert np.shares_memory(layer.weight.detach().numpy(), memory)
    assert layer.weight.dtype == np.float32


def test_two_networks_of_one_seed_are_equal():
    made = []
    for _ in range(2):
        mg.manual_seed(11)
        made.append(nn.Sequential(nn.Linear(4, 3), nn.Conv2d(2, 3, 3), nn.GRU(3, 4)))
    for a, b in zip(*[net.parameters() for net in made], strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


# --------------------------------------------------------------------------------------- utilities


def with_gradients():
    parameters = [
        nn.Parameter(mg.zeros(2, 3)),
        nn.Parameter(mg.zeros(4)),
        nn.Parameter(mg.zeros(1)),
    ]
    rng = np.random.default_rng(0)
    for parameter in parameters[:2]:
        parameter.grad = mg.tensor(rng.standard_normal(parameter.shape).astype(np.float32) * 3)
    return parameters


@pytest.mark.parametrize("norm_type", [1, 2, 3.0, math.inf])
def test_clip_grad_norm(norm_type):
    parameters = with_gradients()
    before = [p.grad.numpy().copy() for p in parameters[:2]]
    both = np.concatenate([g.ravel() for g in before])
    total = nn.utils.clip_grad_norm_(parameters, 1.5, norm_type)
    assert total.dtype == np.float32
    assert total.item() == pytest.approx(np.linalg.norm(both, norm_type), rel=1e-6)
    for parameter, gradient in zip(parameters, before):
        np.testing.assert_allclose(parameter.grad.numpy(), gradient * 1.5 / total.item(), rtol=1e-5)
    assert nn.utils.clip_grad_norm_(parameters, 100.0, norm_type).item() == pytest.approx(
        1.5, rel=1e-5
    )
    after = nn.utils.get_total_norm([p.grad for p in parameters[:2]], norm_type)
    assert after.item() == pytest.approx(1.5, rel=1e-5)
    assert parameters[2].grad is None


def test_clip_grad_norm_of_one_or_no_gradients():
    parameter = with_gradients()[0]
    nn.utils.clip_grad_norm_(parameter, 1.0)
    assert np.linalg.norm(parameter.grad.numpy()) == pytest.approx(1, rel=1e-5)
    assert nn.utils.clip_grad_norm_([nn.Parameter(mg.zeros(1))], 1.0).item() == 0


def test_clip_grad_norm_that_is_not_finite():
    parameters = with_gradients()
    parameters[1].grad[0] = math.inf
    before = [p.grad.numpy().copy() for p in parameters[:2]]
    with pytest.raises(RuntimeError, match="finite"):
        nn.utils.clip_grad_norm_(parameters, 1.0, error_if_nonfinite=True)
    for parameter, gradient in zip(parameters, before):
        np.testing.assert_array_equal(parameter.grad.numpy(), gradient)


def test_clip_grad_value():
    parameters = with_gradients()
    before = [p.grad.numpy().copy() for p in parameters[:2]]
    nn.utils.clip_grad_value_(parameters, 0.5)
    for parameter, gradient in zip(parameters, before):
        np.testing.assert_array_equal(parameter.grad.numpy(), np.clip(gradient, -0.5, 0.5))
    with pytest.raises(ValueError):
        nn.utils.clip_grad_value_(parameters, -1.0)


def test_parameters_as_a_vector_and_back():
    net, other = nn.Linear(3, 2), nn.Linear(3, 2)
    vector = nn.utils.parameters_to_vector(net.parameters())
    np.testing.assert_array_equal(vector.detach().numpy()[:6], net.weight.detach().numpy().ravel())
    (vector * mg.arange(8.0)).sum().backward()
    np.testing.assert_array_equal(net.weight.grad.numpy(), np.arange(6.0).reshape(2, 3))
    kept = other.weight
    nn.utils.vector_to_parameters(vector, other.parameters())
    assert other.weight is kept
    np.testing.assert_array_equal(kept.detach().numpy(), net.weight.detach().numpy())
    np.testing.assert_array_equal(other.bias.detach().numpy(), net.bias.detach().numpy())
    for wrong in (mg.zeros(7), mg.zeros(9), mg.zeros(2, 4)):
        with pytest.raises(ValueError, match="8"):
            nn.utils.vector_to_parameters(wrong, other.parameters())
    with pytest.raises(TypeError):
        nn.utils.vector_to_parameters(np.zeros(8), other.parameters())
