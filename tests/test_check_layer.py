"""`mg.testing.check_layer`: layers with parameters and gradients wherever people keep them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad.testing import check_layer

X = np.random.default_rng(0).standard_normal((4, 3))


def weights() -> Any:
    rng = np.random.default_rng(1)
    return rng.standard_normal((3, 2)), rng.standard_normal(2)


class Attributes:
    factor = 1.0  # 2 in wrong versions

    def __init__(self) -> None:
        self.W, self.b = weights()

    def forward(self, x: Any) -> Any:
        self.cache = x
        return x @ self.W + self.b

    def backward(self, g: Any) -> Any:
        self.dW, self.db = self.factor * self.cache.T @ g, g.sum(0)
        return g @ self.W.T


class Short(Attributes):
    def __init__(self) -> None:
        super().__init__()
        self.W, self.b = self.W.astype("f"), self.b.astype("f")


class Dicts(Attributes):
    key = "d{}"

    def __init__(self) -> None:
        self.params, self.grads = dict(zip("Wb", weights())), {}

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, g: Any) -> Any:
        self.grads[self.key.format("W")] = self.factor * self.x.T @ g
        self.grads[self.key.format("b")] = g.sum(0)
        return g @ self.params["W"].T


class SameKeys(Dicts):
    key = "{}"


class Lists(Attributes):
    def __init__(self) -> None:
        self.params, self.grads = list(weights()), [None, None]

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.params[0] + self.params[1]

    def backward(self, g: Any) -> Any:
        self.grads[0], self.grads[1] = self.factor * self.x.T @ g, g.sum(0)
        return g @ self.params[0].T


class LearningRate(Attributes):
    def backward(self, g: Any, lr: float) -> Any:
        dx = g @ self.W.T
        self.W -= lr * self.factor * self.cache.T @ g
        self.b = self.b - lr * g.sum(0)
        return dx


class Optimizers(Attributes):
    W_opt: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.W_opt = self.b_opt = None

    def forward_pass(self, x: Any, training: bool = True) -> Any:
        return super().forward(x)

    def backward_pass(self, g: Any) -> Any:
        dx = g @ self.W.T
        self.W = self.W_opt.update(self.W, self.factor * self.cache.T @ g)
        self.b = self.b_opt.update(self.b, g.sum(0))
        return dx

    forward = backward = None


class Accumulating(Attributes):
    def __init__(self) -> None:
        super().__init__()
        self.zero_grad()

    def zero_grad(self) -> None:
        self.grad_W, self.grad_b = np.zeros((3, 2)), np.zeros(2)

    def backward(self, g: Any) -> Any:
        self.grad_W += self.factor * self.cache.T @ g
        self.grad_b += g.sum(0)
        return g @ self.W.T


class WithCache(Attributes):
    def forward(self, x: Any) -> Any:
        return x @ self.W + self.b, (x, self.W)

    def backward(self, g: Any, cache: Any) -> Any:
        x, W = cache
        self.dW, self.db = self.factor * x.T @ g, g.sum(0)
        return g @ W.T


class Returning(Attributes):
    def backward(self, g: Any) -> Any:
        return g @ self.W.T, self.factor * self.cache.T @ g, g.sum(0)


class Two(Attributes):
    def __init__(self) -> None:
        self.layers = [Attributes(), Attributes()]
        self.layers[1].W = self.layers[1].W[:2]
        self.layers[0].factor = self.factor

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, g: Any) -> Any:
        for layer in reversed(self.layers):
            g = layer.backward(g)
        return g


KINDS = [
    Attributes, Short, Dicts, SameKeys, Lists, LearningRate, Optimizers, Accumulating, WithCache,
    Returning, Two,
]  # fmt: skip


def held(layer: Any) -> list[Any]:
    if isinstance(layer, Two):
        return [a for inside in layer.layers for a in held(inside)]
    params = getattr(layer, "params", None)
    if params is None:
        return [layer.W, layer.b]
    return list(params.values()) if isinstance(params, dict) else list(params)


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_are_found_checked_and_left_as_they_were(kind: Any) -> None:
    layer = kind()
    before = [array.copy() for array in held(layer)]
    report = check_layer(layer, X)
    assert report.ok, report
    names = [jacobian.input for jacobian in report.jacobians]
    assert names[0] == "x"
    assert len(names) == (5 if kind is Two else 3)
    for array, old in zip(held(layer), before):
        np.testing.assert_array_equal(array, old)


@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_gradient_of_a_parameter_is_named(kind: Any) -> None:
    layer = type("Wrong", (kind,), {"factor": 2.0})()
    (diagnosis,) = check_layer(layer, X).diagnoses
    assert diagnosis.kind == "factor"
    assert diagnosis.input in ("W", "params['W']", "params[0]", "layers[0].W")


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_pairs_of_functions_and_losses_with_gradients(factor: float) -> None:
    W, _ = weights()
    forward = lambda x, w: (x @ w, (x, w))
    backward = lambda g, cache: (g @ cache[1].T, factor * cache[0].T @ g)
    assert check_layer((forward, backward), X, W).ok == (factor == 1)
    assert check_layer(lambda x: (np.sum(x**2), factor * 2 * x), X).ok == (factor == 1)
    params = {"w": W}
    loss = lambda p: (np.sum((X @ p["w"]) ** 2), {"w": factor * 2 * X.T @ (X @ p["w"])})
    report = check_layer(loss, params)
    assert report.ok == (factor == 1)
    assert [jacobian.input for jacobian in report.jacobians] == ["input 0['w']"]


def test_names_can_be_given() -> None:
    class Odd(Attributes):
        def forth(self, x: Any) -> Any:
            return Attributes.forward(self, x)

        def back(self, g: Any) -> Any:
            self.slope = 2 * self.cache.T @ g
            return g @ self.W.T

        forward = backward = None

    layer = Odd()
    report = check_layer(layer, X, params=["W"], grads=["slope"], forward="forth", backward="back")
    assert [(d.kind, d.input) for d in report.diagnoses] == [("factor", "W")]


class Dropout:
    def forward(self, x: Any) -> Any:
        self.mask = np.random.rand(*x.shape) > 0.5  # noqa: NPY002
        return x * self.mask

    def backward(self, g: Any) -> Any:
        return g * self.mask


def test_random_layers_need_a_seed() -> None:
    assert check_layer(Dropout(), X, seed=0).ok
    assert "seed=" in str(check_layer(Dropout(), X))


def test_a_result_that_lacks_an_axis_is_compared_all_the_same() -> None:
    class Row(Attributes):
        def __init__(self) -> None:
            super().__init__()
            self.b = self.b[None]

        def backward(self, g: Any) -> Any:
            dx = super().backward(g)
            self.db = self.factor * g.sum(0)
            return dx

    (remark,) = check_layer(Row(), X).diagnoses
    assert (remark.kind, remark.input) == ("shape", "b")
    wrong = type("Wrong", (Row,), {"factor": 3.0})()
    found = check_layer(wrong, X).diagnoses
    assert [(d.kind, d.input) for d in found] == [
        ("shape", "b"), ("factor", "W"), ("factor", "b"),
    ]  # fmt: skip


def test_a_layer_whose_gradients_are_nowhere_is_told_what_was_looked_for() -> None:
    class Nowhere(Attributes):
        def backward(self, g: Any) -> Any:
            return g @ self.W.T

    text = str(check_layer(Nowhere(), X))
    for name in ("W, b", "dW", "grad_W", "W_grad", "params="):
        assert name in text


@pytest.mark.parametrize(
    ("layer", "options", "words"),
    [
        (object(), {}, "no backward pass: looked for backward, backward_pass"),
        (Attributes(), {"backward": "back"}, "looked for 'back'"),
        (Attributes(), {"params": ["V"]}, "no array 'V' in the layer: it has W, b"),
        (lambda x: x, {}, "no backward pass"),
    ],
)
def test_what_cannot_be_wired_says_what_was_looked_for(
    layer: Any, options: Any, words: str
) -> None:
    with pytest.raises(TypeError, match=words):
        check_layer(layer, X, **options)
