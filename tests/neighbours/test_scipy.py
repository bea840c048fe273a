"""SciPy: special functions, sparse products, and minimize on minigrad functions."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.autograd import gradcheck, gradgradcheck
from tests.neighbours import need

scipy = need("scipy")
from scipy import optimize, sparse, special  # noqa: E402 - after the check that it is there

rng = np.random.default_rng(0)


# ------------------------------------------------------------------------------- special functions

SPECIAL = [
    (special.erf, 1, -2, 2), (special.erfc, 1, -2, 2), (special.exp2, 1, -2, 2),
    (special.expit, 1, -40, 40), (special.expm1, 1, -1, 1), (special.log1p, 1, -0.5, 2),
    (special.log_expit, 1, -60, 60), (special.logit, 1, 0.05, 0.95), (special.ndtr, 1, -3, 3),
    (special.xlogy, 2, 0.1, 3), (special.xlog1py, 2, 0.1, 3), (special.entr, 1, 0.1, 3),
    (special.erfcx, 1, -2, 30), (special.erfinv, 1, -0.9, 0.9), (special.gammaln, 1, 0.3, 30),
    (special.psi, 1, 0.3, 30), (special.digamma, 1, -0.9, -0.1), (special.log_ndtr, 1, -40, 3),
    (special.ndtri, 1, 0.05, 0.95), (special.i0, 1, -3, 3), (special.i0e, 1, -30, 30),
    (special.i1, 1, -3, 3), (special.i1e, 1, 1, 30), (special.j0, 1, -9, 9),
    (special.j1, 1, -9, 9), (special.y0, 1, 0.5, 9), (special.y1, 1, 0.5, 9),
    (special.k0, 1, 0.5, 9), (special.k1, 1, 0.5, 9), (special.k0e, 1, 0.5, 30),
    (special.k1e, 1, 0.5, 30), (special.round, 1, 0.6, 1.4),
]  # fmt: skip


@pytest.mark.parametrize("function", [special.gammainc, special.gammaincc], ids=str)
def test_incomplete_gamma_functions_are_differentiated_in_their_second_argument(function):
    a, x = rng.uniform(0.5, 3, (2, 3, 4))
    t = mg.tensor(x, requires_grad=True)
    np.testing.assert_allclose(function(a, t).detach().numpy(), function(a, x), rtol=1e-12)
    assert gradcheck(lambda t: function(a, t), (t,))


def test_every_ufunc_that_shares_its_name_with_an_op_reaches_it():
    """But SciPy's kl_div, which is another function than the loss."""
    for name in set(mg.special.__all__) | set(mg.__all__):
        ufunc = getattr(special, name, None)
        if isinstance(ufunc, np.ufunc) and name != "kl_div":
            t = mg.full((2,), 0.3, dtype=mg.float64)
            assert isinstance(ufunc(*[t] * ufunc.nin), mg.Tensor), name


@pytest.mark.parametrize(("function", "arity", "low", "high"), SPECIAL, ids=lambda x: str(x))
def test_special_functions_have_scipys_values_and_right_gradients(function, arity, low, high):
    arrays = [rng.uniform(low, high, (3, 4)) for _ in range(arity)]
    tensors = [mg.tensor(a, requires_grad=True) for a in arrays]
    np.testing.assert_allclose(
        function(*tensors).detach().numpy(), function(*arrays), rtol=1e-12, atol=1e-300
    )
    assert function(*[mg.tensor(a) for a in arrays]).requires_grad is False
    assert gradcheck(function, tensors)


def test_softplus_where_scipy_has_it():
    softplus = getattr(special, "softplus", None)
    if softplus is None:
        pytest.skip("this SciPy has no softplus")
    x = mg.tensor(rng.uniform(-50, 50, 9), requires_grad=True)
    np.testing.assert_allclose(
        softplus(x).detach().numpy(), np.logaddexp(x.detach().numpy(), 0), rtol=1e-12
    )
    assert gradcheck(softplus, (x,))


@pytest.mark.parametrize("requires_grad", [False, True])
def test_a_special_function_without_an_op_is_refused_by_its_own_name(requires_grad):
    t = mg.tensor([0.5], requires_grad=requires_grad)
    with pytest.raises(TypeError, match=r"^scipy\.special\.gamma has no differentiable"):
        special.gamma(t)
    with pytest.raises(TypeError, match=r"^scipy\.special\.expit of a tensor takes neither out="):
        special.expit(t, where=np.ones(1, bool))
    with pytest.raises(TypeError, match=r"^np\.sin of a tensor takes neither out="):
        np.sin(t, out=mg.empty(1))


# --------------------------------------------------------------------------------- sparse products

DENSE = np.array([[0.0, 1.5, 0.0], [2.0, 0.0, -1.0], [0.0, 0.0, 0.0], [0.0, 4.0, 0.0]])
# a dok_array is a dict, too, and calls.py refuses dicts before it asks what they became
FORMATS = ["csr", "csc", "coo", "bsr", "dia", "lil", "dok"]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("shape", [(3,), (3, 1), (3, 5), (3, 0), (2, 3, 5), (2, 0, 3, 5)])
def test_sparse_at_tensor_is_the_dense_product_and_its_gradient(format, shape):
    matrix = sparse.coo_array(DENSE).asformat(format)
    x = rng.standard_normal(shape)
    t = mg.tensor(x, requires_grad=True)
    out = matrix @ t
    np.testing.assert_allclose(out.detach().numpy(), np.matmul(DENSE, x), rtol=1e-13, atol=1e-300)
    g = rng.standard_normal(out.shape)
    out.backward(mg.tensor(g))
    expected = DENSE.T @ g
    np.testing.assert_allclose(t.grad.numpy(), expected, rtol=1e-13, atol=1e-300)
    np.testing.assert_array_equal((matrix @ t.detach()).numpy(), out.detach().numpy())


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("shape", [(4,), (1, 4), (5, 4), (0, 4), (2, 5, 4)])
def test_tensor_at_sparse_is_the_dense_product_and_its_gradient(format, shape):
    matrix = sparse.coo_array(DENSE).asformat(format)
    x = rng.standard_normal(shape)
    t = mg.tensor(x, requires_grad=True)
    out = t @ matrix
    np.testing.assert_allclose(out.detach().numpy(), x @ DENSE, rtol=1e-13, atol=1e-300)
    g = rng.standard_normal(out.shape)
    out.backward(mg.tensor(g))
    np.testing.assert_allclose(t.grad.numpy(), g @ DENSE.T, rtol=1e-13, atol=1e-300)


def test_old_sparse_matrices_and_every_spelling():
    t = mg.tensor(rng.standard_normal((3, 2)), requires_grad=True)
    for matrix in (sparse.csr_array(DENSE), sparse.csr_matrix(DENSE)):
        for out in (matrix @ t, np.matmul(matrix, t), mg.matmul(matrix, t), matrix.dot(t),
                    mg.mm(matrix, t)):  # fmt: skip
            assert out.requires_grad
            np.testing.assert_allclose(out.detach().numpy(), DENSE @ t.detach().numpy())


def test_sparse_products_have_derivatives_of_every_order():
    matrix = sparse.csr_array(DENSE)
    x = mg.tensor(rng.standard_normal((3, 2)), requires_grad=True)
    assert gradgradcheck(lambda x: (matrix @ x) ** 3, (x,))
    y = mg.tensor(rng.standard_normal(4), requires_grad=True)
    assert gradgradcheck(lambda y: (y @ matrix).exp(), (y,))


@pytest.mark.parametrize(
    ("of_matrix", "of_tensor", "expected"),
    [("float32", "float32", "float32"), ("float64", "float32", "float64"),
     ("int64", "float32", "float32"), ("bool", "float32", "float32"),
     ("int64", "int64", "int64"), ("float32", "int64", "float32")],
)  # fmt: skip
def test_types_of_sparse_products(of_matrix, of_tensor, expected):
    matrix = sparse.csr_array(DENSE.astype(of_matrix))
    t = mg.tensor(np.ones((3, 2), of_tensor))
    dense = mg.tensor(matrix.toarray())
    assert (matrix @ t).dtype == (dense @ t).dtype == expected
    np.testing.assert_array_equal((matrix @ t).numpy(), (dense @ t).numpy())
    if t.is_floating_point():
        t.requires_grad_()
        (matrix @ t).sum().backward()
        assert t.grad.dtype == of_tensor


@pytest.mark.parametrize("requires_grad", [False, True])
def test_what_is_not_a_sparse_product_is_refused_with_the_way_out(requires_grad):
    matrix = sparse.csr_array(DENSE)
    t = mg.tensor(np.ones((4, 3)), requires_grad=requires_grad)
    for wrong in (
        lambda: t * matrix, lambda: t + matrix, lambda: matrix + t, lambda: t - matrix,
        lambda: t / matrix, lambda: t == matrix, lambda: mg.maximum(t, matrix),
        lambda: np.add(t, matrix),
    ):  # fmt: skip
        with pytest.raises(TypeError, match=r"A\.toarray\(\) is a dense array"):
            wrong()
    with pytest.raises(ValueError, match=r"inner sizes differ in \(4, 3\) @ \(4, 3\)"):
        matrix @ t
    with pytest.raises(ValueError, match="a sparse operand has two axes"):
        t.T @ sparse.coo_array(np.ones(4))
    with pytest.raises(TypeError, match="holds real numbers, got dtype complex128"):
        t.T @ sparse.csr_array(DENSE * 1j)
    with pytest.raises(TypeError, match=r"A\.toarray"):
        mg.tensor(matrix)


# ----------------------------------------------------------------------------------------- minimize


def bananas(p):
    x, y = p["x"], p["y"]
    return ((1 - x) ** 2 + 100 * (y - x * x) ** 2).sum()


METHODS = ["L-BFGS-B", "BFGS", "CG", "Newton-CG", "SLSQP", "TNC", "trust-exact", "trust-ncg",
           "trust-krylov", "trust-constr"]  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_methods_of_minimize_find_the_valley(method):
    start = {"x": mg.tensor([0.9, 1.1]), "y": mg.tensor([0.9, 1.2])}  # float32, as usual
    objective = mg.optim.scipy_objective(bananas, start)
    second = {}
    if method in ("Newton-CG", "trust-ncg", "trust-krylov"):
        second = {"hessp": objective.hessp}
    elif method in ("trust-exact", "trust-constr"):
        second = {"hess": objective.hess}
    result = optimize.minimize(objective, objective.x0, jac=True, method=method, **second)
    found = objective.unflatten(result.x)
    np.testing.assert_allclose(found["x"].numpy(), 1, atol=2e-3)
    np.testing.assert_allclose(found["y"].numpy(), 1, atol=4e-3)
    assert result.fun == pytest.approx(0, abs=1e-5)


def test_objective_is_flat_float64_and_leaves_alone_what_it_was_given():
    start = [mg.tensor([[1.0, 2.0]], requires_grad=True), mg.tensor(3.0), np.zeros((0, 2))]
    objective = mg.optim.scipy_objective(lambda p: (p[0] * p[1]).sum() ** 2, start)
    assert objective.x0.dtype == np.float64
    np.testing.assert_array_equal(objective.x0, [1, 2, 3])
    value, gradient = objective(objective.x0)
    assert type(value) is float
    assert value == 81.0
    assert gradient.dtype == np.float64
    # s = (a + b) c = 9;  d s²/da = 2 s c, and the same for b;  d s²/dc = 2 s (a + b)
    np.testing.assert_array_equal(gradient, [54, 54, 54])
    np.testing.assert_array_equal(objective.jac(objective.x0), gradient)
    assert objective.value(objective.x0) == 81.0
    hessian = objective.hess(objective.x0)
    direction = rng.standard_normal(3)
    np.testing.assert_allclose(objective.hessp(objective.x0, direction), hessian @ direction)
    np.testing.assert_array_equal(hessian, hessian.T)
    np.testing.assert_array_equal(objective.x0, [1, 2, 3])
    assert start[0].grad is None
    assert optimize.check_grad(objective.value, objective.jac, objective.x0) < 1e-4


def test_a_model_is_fitted_by_minimize():
    mg.manual_seed(0)
    net = mg.nn.Sequential(mg.nn.Linear(1, 8), mg.nn.Tanh(), mg.nn.Linear(8, 1))
    x = mg.linspace(-2, 2, 40)[:, None]
    y = mg.sin(2 * x)
    before = net.state_dict()

    def loss(p):
        return mg.nn.functional.mse_loss(mg.func.functional_call(net, p, x), y.double())

    objective = mg.optim.scipy_objective(loss, dict(net.named_parameters()))
    result = optimize.minimize(objective, objective.x0, jac=True, method="L-BFGS-B")
    assert result.fun < 0.01 * objective.value(objective.x0)
    for name, value in net.state_dict().items():
        assert mg.equal(value, before[name])


def test_what_an_objective_refuses():
    with pytest.raises(TypeError, match="leaf 1 of the start is int64"):
        mg.optim.scipy_objective(lambda p: p[0].sum(), [mg.ones(2), mg.tensor([1])])
    objective = mg.optim.scipy_objective(lambda p: p * 2, mg.ones(2))
    with pytest.raises(TypeError, match=r"returns one number, a tensor, got \(2,\)"):
        objective(objective.x0)
    objective = mg.optim.scipy_objective(lambda p: 1.0, mg.ones(2))
    with pytest.raises(TypeError, match="returns one number, a tensor, got float"):
        objective(objective.x0)


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
@pytest.mark.parametrize("right", [False, True])
def test_a_sparse_matrix_counts_as_it_was_at_the_call(form: str, right: bool) -> None:
    A = scipy.sparse.coo_array(np.array([[1.0, 0.0], [2.0, 3.0]])).asformat(form)
    x = mg.tensor(np.array([[1.0], [1.0]]).T if right else np.array([[1.0], [1.0]]))
    x.requires_grad_()
    y = x @ A if right else A @ x
    A.data[:] = 100
    y.sum().backward()
    # the sums of the rows of A for x @ A, of its columns for A @ x
    assert x.grad.reshape(-1).tolist() == ([1, 5] if right else [3, 3])
