"""Every hard point: value, first and second derivative, in both modes and several types."""

from __future__ import annotations

import math
from operator import attrgetter
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests.samples.hard import CASES, Case
from tests.samples.hard_curves import CURVES, Curve

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of infinities on the way

TOLERANCE = {np.float64: 1e-12, np.float32: 3e-6, np.float16: 2e-3}


def points_of(curve: Curve, dtype: Any) -> np.ndarray:
    chosen = curve.points if dtype is np.float64 or curve.singles is None else curve.singles
    return np.array(chosen, dtype)


def derivative(function: Any, order: int, mode: str) -> Any:
    """The derivative of a function of each entry: the last by `mode`, those before in reverse."""
    if order == 0:
        return function
    before = derivative(function, order - 1, "reverse")
    if mode == "forward":
        return lambda x: mg.func.jvp(before, (x,), (mg.ones_like(x),))[1]
    return mg.func.grad(lambda x: before(x).sum())


def right_values(curve: Curve, points: np.ndarray, order: int) -> np.ndarray:
    """By finite differences with digits to spare."""
    mpmath = pytest.importorskip("mpmath")
    right = []
    for point in points.astype(float).tolist():
        digits = 6 * abs(math.log10(abs(point))) if point else 0
        with mpmath.workdps(200 + int(digits + min(abs(point), 1000))):
            found = mpmath.diff(lambda t: curve.formula(mpmath, t), mpmath.mpf(point), order)
            right.append(float(found) if abs(found) > mpmath.eps ** (2 / 3) else 0.0)
    return np.array(right)


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("curve", CURVES, ids=str)
def test_curves(curve: Curve, dtype: Any, mode: str) -> None:
    points = points_of(curve, dtype)
    function = curve.call or attrgetter(curve.name)(mg)
    for order in curve.orders:
        found = derivative(function, order, mode)(mg.tensor(points)).detach().numpy()
        assert found.dtype == dtype
        right = right_values(curve, points, order)
        limit = TOLERANCE[dtype] * (order + 1) * np.maximum(np.abs(points) / 8, 1)
        error = np.abs(found - right)
        allowed = limit * np.abs(right) + np.finfo(dtype).tiny
        assert (error <= allowed).all(), (order, points[error > allowed], found, right)


def tensors_of(case: Case, dtype: Any, requires_grad: bool = False) -> list[mg.Tensor]:
    return [mg.tensor(np.array(x, dtype), requires_grad=requires_grad) for x in case.operands]


def assert_close(found: Any, right: Any, dtype: Any, case: Case) -> None:
    tolerance = case.tolerance if dtype is np.float64 else TOLERANCE[dtype]
    found = found.detach().numpy()
    assert found.dtype == dtype
    right = np.array(right)
    size = np.abs(right, where=np.isfinite(right), out=np.zeros(right.shape)).max(initial=0)
    np.testing.assert_allclose(found, right, tolerance, tolerance * size)


IN_TYPES = [
    pytest.param(case, dtype, id=f"{case}-{np.dtype(dtype)}")
    for case in CASES
    for dtype in case.dtypes
]


@pytest.mark.parametrize(("case", "dtype"), IN_TYPES)
def test_values_and_gradients(case: Case, dtype: Any) -> None:
    operands = tensors_of(case, dtype, requires_grad=True)
    out = case.call(*operands)
    if case.value is not None:
        assert_close(out, case.value, dtype, case)
    if case.gradients:
        cotangent = np.ones(out.shape) if case.cotangent is None else np.array(case.cotangent)
        out.backward(mg.tensor(cotangent.astype(dtype)))
        for operand, right in zip(operands, case.gradients, strict=True):
            assert_close(operand.grad, right, dtype, case)


BOTH_MODES = [each for each in IN_TYPES if each.values[0].forward and each.values[0].gradients]


@pytest.mark.parametrize(("case", "dtype"), BOTH_MODES)
def test_forward_mode_agrees(case: Case, dtype: Any) -> None:
    operands = tensors_of(case, dtype)
    rng = np.random.default_rng(0)
    tangents = [mg.tensor(rng.standard_normal(x.shape).astype(dtype)) for x in operands]
    out, tangent = mg.func.jvp(case.call, tuple(operands), tuple(tangents))
    cotangent = np.ones(out.shape) if case.cotangent is None else np.array(case.cotangent)
    found = np.sum(tangent.numpy().astype(float) * cotangent)
    right = sum(
        np.sum(np.array(g) * t.numpy().astype(float)) for g, t in zip(case.gradients, tangents)
    )
    tolerance = 10 * (case.tolerance if dtype is np.float64 else TOLERANCE[dtype])
    np.testing.assert_allclose(found, right, tolerance, tolerance)


SECOND = [
    pytest.param(case, dtype, id=f"{case}-{np.dtype(dtype)}")
    for case in CASES
    if case.second is not None
    for dtype in case.dtypes
]


@pytest.mark.parametrize("mode", ["reverse", "forward"])
@pytest.mark.parametrize(("case", "dtype"), SECOND)
def test_second_derivatives(case: Case, dtype: Any, mode: str) -> None:
    x, *others = tensors_of(case, dtype)
    direction = mg.tensor(np.array(case.direction, dtype))
    gradient = mg.func.grad(lambda x: case.call(x, *others).sum())
    if mode == "forward":
        found = mg.func.jvp(gradient, (x,), (direction,))[1]
    else:
        found = mg.func.grad(lambda x: (gradient(x) * direction).sum())(x)
    assert_close(found, case.second, dtype, case)


def test_there_are_enough() -> None:
    """150 points over 80 ops."""
    points = len(CASES) + sum(len(curve.points) for curve in CURVES)
    assert points >= 150
    assert len({row.name for row in (*CASES, *CURVES)}) >= 80


UNDEFINED = {
    "svd": lambda x: (lambda U, S, Vh: (U * S) @ Vh)(*mg.linalg.svd(x)),
    "svd, reduced": lambda x: (lambda U, S, Vh: (U * S) @ Vh)(*mg.linalg.svd(x, False)),
    "eigh": lambda x: (lambda w, V: (V * w) @ V.mT)(*mg.linalg.eigh(x)),
    "eig": lambda x: (lambda w, V: (V * w) @ mg.linalg.inv(V))(*mg.linalg.eig(x)),
    "gradient of the squares": mg.func.grad(lambda x: (mg.linalg.svdvals(x) ** 2).sum()),
    "gradient of the nuclear norm": mg.func.grad(lambda x: mg.linalg.matrix_norm(x, "nuc")),
}


@pytest.mark.parametrize("name", UNDEFINED)
def test_vectors_of_tied_values_are_nan_in_forward_mode(name: str) -> None:
    """There the cotangents are 0 when the rule runs, which is not to say that nobody uses them."""
    direction = mg.tensor([[0.3, 1.0], [2.0, -0.5]], dtype=mg.float64)
    point = mg.eye(2, dtype=mg.float64)
    moved = mg.func.jvp(UNDEFINED[name], (point,), (direction,))[1].numpy()
    assert np.isnan(moved).any()
    jacobian = mg.func.jacfwd(UNDEFINED[name])(point).numpy()
    assert np.isnan(jacobian).any()
    _, linear = mg.func.linearize(UNDEFINED[name], point)
    assert np.isnan(linear(direction).numpy()).any()


def test_a_tie_that_the_direction_keeps_is_no_tie() -> None:
    direction = mg.tensor([[0.25, 0.0], [0.0, -0.5]], dtype=mg.float64)
    moved = mg.func.jvp(UNDEFINED["svd"], (mg.eye(2, dtype=mg.float64),), (direction,))[1]
    np.testing.assert_array_equal(moved.numpy(), direction.numpy())


def test_a_zero_singular_value_in_forward_mode() -> None:
    direction = mg.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]], dtype=mg.float64)
    tall = mg.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]], dtype=mg.float64)
    moved = mg.func.jvp(UNDEFINED["svd, reduced"], (tall,), (direction,))[1].numpy()
    assert np.isnan(moved).any()
    # whether the second value is 0 or 1e-17 depends on the processor
    tall = mg.ones(3, 2, dtype=mg.float64)
    moved = mg.func.jvp(UNDEFINED["svd, reduced"], (tall,), (direction,))[1].numpy()
    assert np.isnan(moved).all() or np.allclose(moved, direction.numpy())


def test_the_condition_number_of_a_singular_matrix_has_no_forward_derivative() -> None:
    A = mg.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=mg.float64)
    with pytest.raises(np.linalg.LinAlgError, match="no gradient"):
        mg.func.jvp(mg.linalg.cond, (A,), (mg.ones_like(A),))


def test_attention_to_a_sample_that_is_masked_altogether() -> None:
    """The loss leaves the sample out: the gradient is that without it, weights asked for or not."""
    mg.manual_seed(0)
    layer = mg.nn.MultiheadAttention(4, 2, batch_first=True)
    x = mg.randn(2, 3, 4)
    hidden = mg.tensor([[False, False, True], [True, True, True]])
    gradients = []
    for need_weights in (False, True):
        layer.zero_grad()
        out, _ = layer(x, x, x, key_padding_mask=hidden, need_weights=need_weights)
        out[0].square().sum().backward()
        gradients.append(layer.in_proj_weight.grad.numpy().copy())
    assert np.isfinite(gradients[0]).all()
    np.testing.assert_allclose(*gradients, 1e-5, 1e-6)


@pytest.mark.parametrize("name", ["svd", "svdvals", "pinv", "matrix_norm", "lstsq", "cond"])
@pytest.mark.parametrize("strange", [np.nan, np.inf])
def test_lapack_is_not_given_what_it_may_not_return_from(name: str, strange: float) -> None:
    A = mg.tensor([[strange, 1.0], [1.0, 2.0]])
    others = {"lstsq": (mg.ones(2, 1),), "matrix_norm": (2,)}.get(name, ())
    with pytest.raises(np.linalg.LinAlgError, match="NaN or inf"):
        getattr(mg.linalg, name)(A, *others)


def test_eigenvalues_that_numpy_returns_as_complex_numbers(monkeypatch: Any) -> None:
    """NumPy 2.5 does so always."""
    original = np.linalg.eig

    def as_complex(x: Any) -> Any:
        w, V = original(x)
        return type(original(x))(w.astype(complex), V.astype(complex))

    monkeypatch.setattr(np.linalg, "eig", as_complex)
    A = mg.tensor([[2.0, 1.0], [0.0, 3.0]], dtype=mg.float64, requires_grad=True)
    w = mg.linalg.eigvals(A)
    assert w.dtype == np.float64
    np.testing.assert_allclose(np.sort(w.detach().numpy()), [2.0, 3.0])
    w.sum().backward()
    np.testing.assert_allclose(A.grad.numpy(), np.eye(2), atol=1e-12)
    turn = mg.tensor([[0.0, -1.0], [1.0, 0.0]])
    with pytest.raises(np.linalg.LinAlgError, match="eigvals_pairs"):
        mg.linalg.eigvals(turn)


def test_complex_eigenvalues_are_pairs() -> None:
    """A rotation by φ, scaled by r, has r cos φ ± i r sin φ."""
    x = mg.tensor([3.0, 4.0], dtype=mg.float64, requires_grad=True)
    J = mg.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=mg.float64)
    A = x[0] * mg.eye(2, dtype=mg.float64) + x[1] * J
    real, imag = mg.linalg.eigvals_pairs(A)
    np.testing.assert_allclose(real.detach().numpy(), [3.0, 3.0])
    np.testing.assert_allclose(np.sort(imag.detach().numpy()), [-4.0, 4.0])
    (real.sum() + (imag * imag).sum()).backward()
    np.testing.assert_allclose(x.grad.numpy(), [2.0, 16.0], rtol=1e-12)
