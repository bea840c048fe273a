"""`mg.testing.check_vjp`: backward passes written by hand, in every form in which people do."""

from __future__ import annotations

import re
import tracemalloc
import warnings
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import Report, check_gradients, check_vjp, combinations

rng = np.random.default_rng(0)
X, W, B = rng.standard_normal((4, 3)), rng.standard_normal((3, 2)), rng.standard_normal(2)
V = np.array([0.5, -1.5, 2.0])


def kinds(report: Report) -> set[str]:
    return {diagnosis.kind for diagnosis in report.diagnoses}


def affine(x: Any, w: Any, b: Any) -> Any:
    return np.tanh(x @ w + b)


def affine_vjp(g: Any, x: Any, w: Any, b: Any) -> Any:
    u = g * (1 - np.tanh(x @ w + b) ** 2)
    return u @ w.T, x.T @ u, u.sum(0)


# -------------------------------------------------------------------------------------------- forms


def named(g: Any, x: Any, w: Any, b: Any) -> dict[str, Any]:
    return dict(zip("bwx", reversed(affine_vjp(g, x, w, b))))


def with_params(p: Any, x: Any) -> Any:
    return affine(x, p["w"], p["b"])


def with_params_vjp(g: Any, p: Any, x: Any) -> Any:
    dx, dw, db = affine_vjp(g, x, p["w"], p["b"])
    return {"b": db, "w": dw}, dx


def several(x: Any) -> dict[str, Any]:
    return {"y": x * x, "rest": (x.sum(), [np.sin(x)])}


def several_vjp(g: Any, x: Any) -> Any:
    total, (wave,) = g["rest"]
    return 2 * g["y"] * x + total + wave * np.cos(x)


class Layer:
    """Keeps what its backward needs, as layers written by hand do, and lets it go there."""

    def forward(self, x: Any, w: Any) -> Any:
        self.kept = [x, w]
        return np.tanh(x @ w)

    def backward(self, g: Any) -> Any:
        w, x = self.kept.pop(), self.kept.pop()
        u = g * (1 - np.tanh(x @ w) ** 2)
        return u @ w.T, x.T @ u


LAYER = Layer()


@pytest.mark.parametrize(
    ("f", "vjp", "inputs"),
    [
        (affine, affine_vjp, (X, W, B)),
        (affine, affine_vjp, [X, W, B]),
        (affine, affine_vjp, {"x": X, "w": W, "b": B}),
        (affine, named, {"x": X, "w": W, "b": B}),
        (with_params, with_params_vjp, ({"w": W, "b": B}, X)),
        (
            lambda p: with_params(p, X),
            lambda g, p: with_params_vjp(g, p, X)[0],
            ({"w": W, "b": B},),
        ),
        (lambda p: p[0] * p[1], lambda g, p: [g * p[1], g * p[0]], ([V, 2 * V],)),
        (lambda p: p[0] * p[1], lambda g, p: ([g * p[1], g * p[0]],), ([V, 2 * V],)),
        (several, several_vjp, V),
        (lambda x, i: x[i], lambda g, x, i: np.bincount(i, g, 3), (V, np.array([0, 0, 2]))),
        (lambda i, x: x[i], lambda g, i, x: (None, np.bincount(i, g, 3)), (np.array([1]), V)),
        (lambda x: float(x[0]) * x[1], lambda g, x: g * np.array([x[1], x[0]]), V[:2]),
        (lambda x: x * x, lambda g, x: 2 * g * x, (3.0,)),
        (lambda x: x * x, lambda g, x: (2 * g * x,), np.float32([1, 2])),
        (lambda x, y: x * x, lambda g, x, y: (2 * g * x, None), (V, V)),
        (LAYER.forward, lambda g, x, w: LAYER.backward(g), (X, W)),
    ],
)
def test_correct_passes_of_every_form(f: Any, vjp: Any, inputs: Any) -> None:
    report = check_vjp(f, vjp, inputs)
    assert report.ok, report
    assert len(report.jacobians) > 0


def test_gradients_in_a_dict_are_those_of_their_keys() -> None:
    def swapped(g: Any, p: Any, x: Any) -> Any:
        dp, dx = with_params_vjp(g, p, x)
        return {"b": dp["b"] * 2, "w": dp["w"]}, dx

    report = check_vjp(with_params, swapped, ({"w": W, "b": B}, X))
    (diagnosis,) = report.diagnoses
    assert diagnosis.kind == "factor"
    assert diagnosis.input == "p['b']"


def test_a_wrong_layer_that_keeps_its_inputs_is_found() -> None:
    wrong = lambda g, x, w: tuple(2 * d for d in LAYER.backward(g))
    assert kinds(check_vjp(LAYER.forward, wrong, (X, W))) == {"factor"}


def test_none_says_that_an_input_needs_no_gradient() -> None:
    def loss(x: Any, w: Any, b: Any, y: Any) -> Any:
        return np.mean((affine(x, w, b) - y) ** 2)

    def loss_vjp(g: Any, x: Any, w: Any, b: Any, y: Any) -> Any:
        return (None, *affine_vjp(2 * g / y.size * (affine(x, w, b) - y), x, w, b)[1:], None)

    labels = rng.standard_normal((4, 2))
    report = check_vjp(loss, loss_vjp, (X, W, B, labels))
    assert report.ok
    assert [jacobian.input for jacobian in report.jacobians] == ["w", "b"]
    assert "None was returned for x and y, on which the result depends: not checked" in str(report)
    wrong = lambda *a: (None, 2 * loss_vjp(*a)[1], *loss_vjp(*a)[2:])
    assert kinds(check_vjp(loss, wrong, (X, W, B, labels))) == {"factor"}
    unused = check_vjp(lambda x, y: x * x, lambda g, x, y: (2 * g * x, None), (V, V))
    assert unused.ok
    assert unused.notes == []  # None is right there: finite differences are zero
    nothing = check_vjp(loss, lambda *a: (None,) * 4, (X, W, B, labels))
    assert not nothing.ok
    assert "None was returned for every input" in str(nothing)


# ------------------------------------------------------------------------------------ what is wrong


@pytest.mark.parametrize("reduce", [np.sum, np.tanh, lambda y: {"y": y, "sum": y.sum()}])
@pytest.mark.parametrize("forgotten", [(0,), (1, 2), (0, 1, 2)])
def test_a_backward_pass_that_forgets_its_g_is_told_so(reduce: Any, forgotten: Any) -> None:
    """Also where it hides: the gradient of a number is right for g = 1."""

    def forward(x: Any, w: Any, b: Any) -> Any:
        return reduce(x @ w + b)

    def backward(g: Any, x: Any, w: Any, b: Any) -> Any:
        def pulled(g: Any) -> Any:
            if isinstance(g, dict):
                u = g["y"] + g["sum"]
            else:
                u = np.full((4, 2), g) if np.ndim(g) == 0 else g * (1 - np.tanh(x @ w + b) ** 2)
            return u @ w.T, x.T @ u, u.sum(0)

        ones = {"y": np.ones((4, 2)), "sum": 1.0} if isinstance(g, dict) else np.ones_like(g)
        return [pulled(ones if k in forgotten else g)[k] for k in range(3)]

    report = check_vjp(forward, backward, (X, W, B))
    assert not report.ok
    assert report.outcome() == "the gradient is wrong"
    (diagnosis,) = report.diagnoses
    assert diagnosis.kind == "without g"
    concerned = re.search("of (.*) do(es)? not depend on g", diagnosis.text).group(1)
    assert re.split(", | and ", concerned) == ["xwb"[k] for k in forgotten]
    assert "for g = 1" in str(report)


def test_a_term_that_is_not_multiplied_by_g_is_named() -> None:
    f = lambda x: np.sum(x * x + np.sin(x))
    report = check_vjp(f, lambda g, x: 2 * g * x + np.cos(x), V)
    assert kinds(report) == {"without g"}
    assert "a term of the gradient of x is not multiplied by g" in str(report)


@pytest.mark.parametrize(
    ("f", "vjp", "kind"),
    [
        (np.tanh, lambda g, x: 1 - np.tanh(x) ** 2, "without g"),
        (lambda x: np.maximum(x, 0), lambda g, x: g * (g > 0), "nonlinear"),
        (lambda x: x - np.log(np.exp(x).sum()), lambda g, x: g - np.exp(x), "without g"),
        (lambda x: x * x, lambda g, x: 2 * x * g * g, "nonlinear"),
    ],
)
def test_a_gradient_that_is_not_linear_in_g_is_not_explained_by_anything_else(
    f: Any, vjp: Any, kind: str
) -> None:
    """The numbers for single entries of g may look like some other mistake."""
    report = check_vjp(f, vjp, V)
    assert not report.ok
    assert kinds(report) == {kind}


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_a_gradient_of_rounding_errors_alone_is_linear(size: float) -> None:
    def vjp(g: Any, x: Any) -> Any:
        s = softmax(x)
        g = size * np.repeat(g[:, None], x.shape[1], 1)
        return s * (g - (g * s).sum(1, keepdims=True))

    x = np.random.default_rng(3).standard_normal((4, 5))
    assert check_vjp(lambda x: size * softmax(x).sum(1), vjp, x).ok


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0), (0, 2, 1), (1, 2, 0), (2, 0, 1)])
@pytest.mark.parametrize("form", [list, tuple])
def test_gradients_in_a_wrong_order_are_told_by_their_shapes(order: Any, form: Any) -> None:
    exchanged = lambda *a: form(affine_vjp(*a)[k] for k in order)
    report = check_vjp(affine, exchanged, (X, W, B))
    (diagnosis,) = report.diagnoses
    assert diagnosis.kind == "other input"
    concerned = ["xwb"[k] for k in range(3) if order[k] != k]
    assert re.match(r"the gradients of (.*) seem", diagnosis.text).group(1) == (
        ", ".join(concerned[:-1]) + " and " + concerned[-1]
    )
    assert "in this order" in diagnosis.text
    assert [jacobian.input for jacobian in report.jacobians] == sorted({*"xwb"} - {*concerned})


def test_swapped_gradients_are_told_beside_another_mistake() -> None:
    def backward(g: Any, x: Any, w: Any, b: Any) -> Any:
        dx, dw, _ = affine_vjp(g, x, w, b)
        return dw, dx, g

    report = check_vjp(affine, backward, (X, W, B))
    assert [d.kind for d in report.diagnoses] == ["other input", "missing sum"]


def mutates(x: Any) -> Any:
    x += 1
    return x * 2


def mutates_index(x: Any, i: Any) -> Any:
    i[0] = 1
    return x[i]


@pytest.mark.parametrize(
    ("f", "vjp", "inputs", "kind", "words"),
    [
        (mutates, lambda g, x: 2 * g, (V,), "in-place", "forward pass changes its input x"),
        (mutates_index, lambda g, x, i: g, (V, np.array([0, 2])), "in-place", "forward pass"),
        (
            lambda x: x * x,
            lambda g, x: np.multiply(x, 2 * g, out=x),
            (V,),
            "in-place",
            "backward pass changes x",
        ),
        (lambda x: x * rng.random(), lambda g, x: g, (V,), "non-deterministic", "seed"),
        (lambda x: x * 1, lambda g, x: g.astype(int), (V,), "dtype", "int64.*whole numbers"),
        (lambda x: x * 1, lambda g, x: g + 0j, (V,), "dtype", r"complex128.*\.real"),
        (lambda x: x * 1, lambda g, x: g[:2], (V,), "shape", r"\(2,\), x has shape \(3,\)"),
    ],
)
def test_a_pass_of_a_wrong_kind_is_reported(
    f: Any, vjp: Any, inputs: Any, kind: str, words: str
) -> None:
    before = [x.copy() for x in inputs]
    report = check_vjp(f, vjp, inputs)
    assert kinds(report) == {kind}
    assert not report.ok
    assert re.search(words, str(report))
    for x, old in zip(inputs, before):
        np.testing.assert_array_equal(x, old)


@pytest.mark.parametrize(
    ("f", "vjp", "inputs", "kind", "words"),
    [
        (
            lambda x: x,
            lambda x: 2 * x,
            (V,),
            TypeError,
            r"<lambda>\(x\), .*vjp\(g, x\), where g is",
        ),
        (lambda x: x, lambda g, x: g, (V, V), TypeError, r"forward pass is .*f\(x, inputs\[1\]\)"),
        (lambda x: x, lambda g, x: None, (V,), TypeError, "backward pass returned None.*return"),
        (lambda x: None, lambda g, x: g, (V,), TypeError, "forward pass returned None.*return"),
        (lambda x: x + 1j, lambda g, x: g, (V,), TypeError, "returned complex128 array"),
        (lambda x: "no", lambda g, x: g, (V,), TypeError, "forward pass returned str"),
        (lambda x: x, lambda g, x: "no", (V,), TypeError, "gradient of x is str"),
        (lambda x: x, lambda g, x: g, (np.arange(3),), TypeError, "x: int64 array.*np.array"),
        (lambda x: x, lambda g, x: (g, g), (V,), ValueError, "2 gradients for 1 input:"),
        (np.multiply, lambda g, x, y: g, (V, V), ValueError, "1 gradients for 2 inputs.*tuple"),
        (affine, lambda *a: {"z": 0}, {"x": X, "w": W, "b": B}, ValueError, "'z'.*'x', 'w', 'b'"),
        (
            affine,
            lambda *a: {"x": X, "w": W},
            {"x": X, "w": W, "b": B},
            ValueError,
            "no gradient for 'b'; return None",
        ),
        (
            with_params,
            lambda g, p, x: ({"w": W}, X),
            ({"w": W, "b": B}, X),
            ValueError,
            r"\['w'\], expected .*\['w', 'b'\]",
        ),
    ],
)
def test_what_is_not_a_gradient_is_refused(
    f: Any, vjp: Any, inputs: Any, kind: Any, words: str
) -> None:
    with pytest.raises(kind, match=words):
        check_vjp(f, vjp, inputs)


def test_a_forward_pass_that_refuses_complex_numbers_is_checked_in_silence() -> None:
    def real_only(x: Any) -> Any:
        assert x.dtype == np.float64
        return x * float(x[0])

    def warns(x: Any) -> Any:
        out = np.zeros(3)
        out[:] = x * x  # of complex numbers, only the real part, with a warning
        return out

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        vjp = lambda g, x: np.array([g @ x + g[0] * x[0], g[1] * x[0], g[2] * x[0]])
        assert check_vjp(real_only, vjp, V).ok
        assert check_vjp(warns, lambda g, x: 2 * g * x, V).ok
    assert caught == []


# ------------------------------------------------------------------- mistakes in how entries couple

A = rng.standard_normal((3, 3))


def softmax(x: Any, axis: int = 1) -> Any:
    return np.exp(x) / np.exp(x).sum(axis, keepdims=True)


def normalised(x: Any) -> Any:
    return (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)


def gated(z: Any) -> Any:
    i, o = np.split(z, 2, axis=1)
    return np.tanh(i) * np.exp(o)


def gated_vjp(g: Any, z: Any, exchanged: bool = True) -> Any:
    i, o = np.split(z, 2, axis=1)
    parts = [g * (1 - np.tanh(i) ** 2) * np.exp(o), g * np.tanh(i) * np.exp(o)]
    return np.concatenate(parts[::-1] if exchanged else parts, axis=1)


def convolved(x: Any, k: Any) -> Any:
    return np.convolve(x, k, "valid")


def convolved_vjp(g: Any, x: Any, k: Any, flip: bool = True) -> Any:
    return np.convolve(g, k if flip else k[::-1]), np.correlate(x, g, "valid")[::-1]


@pytest.mark.parametrize(
    ("f", "vjp", "inputs", "kind", "words"),
    [
        (
            softmax,
            lambda g, x: g * softmax(x),
            (X,),
            "cross terms",
            "out · sum.g · out. over axis 1",
        ),
        (
            softmax,
            lambda g, x: softmax(x) * (g - (g * softmax(x)).sum(0)),
            (X,),
            "axis",
            "couples entries along axis 0, the function does along axis 1",
        ),
        (normalised, lambda g, x: g / x.std(1, keepdims=True), (X,), "cross terms", "by itself"),
        (
            normalised,
            lambda g, x: (g - g.mean(1, keepdims=True)) / x.std(1, keepdims=True),
            (X,),
            "cross terms",
            "out · sum",
        ),
        (
            lambda x: 3 * (x - x.mean(1, keepdims=True)),
            lambda g, x: 3 * g,
            (X,),
            "cross terms",
            "the mean over axis 1 is not differentiated",
        ),
        (lambda x: x @ x.T, lambda g, x: g @ x, (X,), "contribution", "g . g.T"),
        (lambda x: x @ x.T, lambda g, x: 2 * g @ x, (X,), "contribution", "g . g.T"),
        (lambda b: A + b, lambda g, b: g.sum(1), (V,), "transposed", "summed over the wrong one"),
        (gated, gated_vjp, (rng.standard_normal((2, 6)),), "blocks", "2 blocks of 3 along axis 1"),
        (convolved, convolved_vjp, (rng.standard_normal(6), V), "flipped", "kernel flipped"),
        (lambda x: x.max(1), lambda g, x: g[:, None] + 0 * x, (X,), "chosen", "not depend"),
        (lambda x: x / np.sqrt(7), lambda g, x: g / 7, (rng.standard_normal(7),), "factor", "1/√7"),
        (np.log10, lambda g, x: g / x, (abs(X),), "factor", "ln 10"),
    ],
)
def test_terms_between_entries_are_named(
    f: Any, vjp: Any, inputs: Any, kind: str, words: str
) -> None:
    (diagnosis,) = check_vjp(f, vjp, inputs).diagnoses
    assert diagnosis.kind == kind
    assert re.search(words, diagnosis.text)


def test_the_right_passes_of_these_are_right() -> None:
    z = rng.standard_normal((2, 6))
    assert check_vjp(gated, lambda g, z: gated_vjp(g, z, exchanged=False), (z,)).ok
    right = lambda g, x, k: convolved_vjp(g, x, k, flip=False)
    assert check_vjp(convolved, right, (rng.standard_normal(6), V)).ok


@pytest.mark.parametrize(
    ("vjp", "names_the_place"),
    [(lambda g, x: g, True), (lambda g, x: g * 1.5 * (abs(x) < 0.5), False)],
)
def test_where_an_input_is_clipped_one_mistake_is_told_once(
    vjp: Any, names_the_place: bool
) -> None:
    x = np.random.default_rng(1).standard_normal((4, 3))
    report = check_vjp(lambda x: np.clip(x, -0.5, 0.5), vjp, (x,))
    assert "offset" not in kinds(report)
    assert ("beyond a bound" in kinds(report)) == names_the_place


@pytest.mark.parametrize("shape", [(1, 2), (2, 1), (1, 2, 1)])
def test_axes_of_size_one_too_many_are_no_missing_sum(shape: Any) -> None:
    vjp = lambda *a: (*affine_vjp(*a)[:2], affine_vjp(*a)[2].reshape(shape))
    (diagnosis,) = check_vjp(affine, vjp, (X, W, B)).diagnoses
    assert diagnosis.kind == "shape"
    assert ".reshape((2,))" in diagnosis.text


# ------------------------------------------------------------------------------------ large results


@pytest.mark.parametrize(
    ("vjp", "kind"),
    [
        (affine_vjp, None),
        (lambda g, x, w, b: [2 * d for d in affine_vjp(g, x, w, b)], "factor"),
        (lambda g, x, w, b: affine_vjp(1 + 0 * g, x, w, b), "without g"),
        (lambda g, x, w, b: affine_vjp(abs(g), x, w, b), "nonlinear"),
    ],
)
@pytest.mark.parametrize("by_hand", [True, False])
def test_of_large_results_random_combinations_are_checked(
    vjp: Any, kind: str | None, by_hand: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(combinations, "LIMIT", 10)
    if by_hand:
        report = check_vjp(affine, vjp, (X, W, B))
    else:
        op = mg.op(
            lambda g, x, w, b: vjp(g, x, w, b)[0],
            lambda g, x, w, b: vjp(g, x, w, b)[1],
            lambda g, x, w, b: vjp(g, x, w, b)[2],
        )
        forward = op(lambda x, w, b: affine(x, w, b))
        report = check_gradients(forward, tuple(mg.tensor(x) for x in (X, W, B)))
    assert {jacobian.y.shape for jacobian in report.jacobians} == {(combinations.COMBINATIONS,)}
    assert report.ok == (kind is None)
    assert kinds(report) == ({kind} if kind else set())
    assert "0 elsewhere" not in str(report)


def test_memory_is_not_asked_for_the_square_of_the_size_of_the_result() -> None:
    x = np.random.default_rng(2).standard_normal((2000, 2))
    tracemalloc.start()
    try:
        assert check_vjp(lambda w: x @ w, lambda g, w: x.T @ g, V[:2]).ok
        assert tracemalloc.get_traced_memory()[1] < 2000**2
    finally:
        tracemalloc.stop()
