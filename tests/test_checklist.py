"""What introductions to linear algebra for deep learning ask of the library, item by item.

Each test has an item's id in its own id.  The figures were computed independently of this
library, in float64.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg

L = mg.linalg
F = mg.nn.functional


def t64(data: Any, requires_grad: bool = False) -> Any:
    return mg.tensor(np.asarray(data, dtype=np.float64), requires_grad=requires_grad)


def plain(value: Any) -> Any:
    return value.numpy(force=True) if isinstance(value, mg.Tensor) else np.asarray(value)


def gradients(function: Callable[..., Any], *data: Any) -> list[np.ndarray]:
    leaves = [t64(d, requires_grad=True) for d in data]
    function(*leaves).sum().backward()
    return [x.grad.numpy() for x in leaves]


def close(found: Any, expected: Any, rtol: float = 1e-12, atol: float = 1e-12) -> None:
    np.testing.assert_allclose(plain(found), expected, rtol, atol)


def iris() -> np.ndarray:
    datasets = pytest.importorskip("sklearn.datasets")
    return datasets.load_iris().data  # type: ignore[no-any-return]


def digits() -> np.ndarray:
    datasets = pytest.importorskip("sklearn.datasets")
    return datasets.load_digits().data / 16.0  # type: ignore[no-any-return]


# The layer of several items: one row, three inputs, two outputs
X1, W32, BIAS = [[1.0, 2.0, 3.0]], [[0.2, 0.8], [0.5, -0.3], [0.1, 0.4]], [0.1, -0.2]
B004 = np.array([[1.0, 2.0, 3.0], [2.0, 0.0, 4.0], [3.0, 4.0, 5.0]])
A20 = np.arange(20).reshape(5, 4)
X43 = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0], [1.0, 0.0, 2.0]])

CHECKS: dict[str, Callable[[], None]] = {}


def item(name: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    def register(check: Callable[[], None]) -> Callable[[], None]:
        assert name not in CHECKS
        CHECKS[name] = check
        return check

    return register


# ------------------------------------------------------------------------------ A: where texts slip


@item("W1 000-2 a layer by hand")
def layer_by_hand() -> None:
    X, W, b = t64(X1), t64(W32), t64(BIAS)
    close(X @ W, [[1.5, 1.4]])
    close(X @ W + b, [[1.6, 1.2]])
    found = gradients(lambda X, W, b: X @ W + b, X1, W32, BIAS)
    for g, expected in zip(
        found, ([[1.0, 0.2, 0.5]], [[1, 1], [2, 2], [3, 3]], [1, 1]), strict=True
    ):
        close(g, expected)
    squares = gradients(lambda X, W, b: (X @ W + b) ** 2, X1, W32, BIAS)
    expected = ([[2.56, 0.88, 1.28]], [[3.2, 2.4], [6.4, 4.8], [9.6, 7.2]], [3.2, 2.4])
    for g, value in zip(squares, expected, strict=True):
        close(g, value)
    close(((X @ W + b) ** 2).sum(), 4.0)


@item("W2 000-9 the normal matrix of one example is singular")
def one_example() -> None:
    X = t64(X1)
    with pytest.raises(np.linalg.LinAlgError, match=r"singular \(rank 1 of 3\).*lstsq.*pinv"):
        np.linalg.inv(X.T @ X)


@item("W3 W4 004-24 cosine similarity")
def cosine() -> None:
    A, B, C = [t64(u) for u in ([25, 10, 30, 3, 2], [26, 9, 28, 4, 1], [60, 1, 5, 0, 90])]

    def similarity(a: Any, b: Any) -> Any:
        return np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b))

    pairs = ((A, B, 0.9978095165464245), (A, C, 0.41984204559179805), (B, C, 0.42089376448791166))
    for a, b, value in pairs:
        close(similarity(a, b), value)
        close(F.cosine_similarity(a, b, dim=0), value)
    expected = [0.00104635, -0.00045783, -0.00074751, 0.00067642, -0.00059235]
    close(gradients(lambda a: similarity(a, B), plain(A))[0], expected, 1e-4, 1e-8)


@item("W5 004-32 the norms of a vector with one large entry")
def norms_of_difference() -> None:
    w = [0.1, 0.1, 0.1, 5.0]
    close(np.linalg.norm(t64(w)), 5.002999100539595)
    assert f"{np.linalg.norm(t64(w)).item():.2f}" == "5.00"
    close(np.abs(t64(w)).sum(), 5.3)
    expected = [0.01998801, 0.01998801, 0.01998801, 0.99940054]
    close(gradients(np.linalg.norm, w)[0], expected, 1e-6)
    close(gradients(lambda x: np.linalg.norm(x, 1), w)[0], np.ones(4))


@item("W6 002-11 004-20 a division without keepdims")
def without_keepdims() -> None:
    A = t64(A20)
    with pytest.raises(ValueError, match=r"broadcast") as error:
        A / A.sum(1)
    note = "".join(error.value.__notes__)
    assert "axis" in note
    assert "4 and 5" in note
    assert "keepdims=True" in note
    square = t64(np.arange(16.0).reshape(4, 4) + 1)
    wrong, right = square / square.sum(1), square / square.sum(1, keepdims=True)
    close(right.sum(1), np.ones(4))
    assert not np.allclose(plain(wrong.sum(1)), 1)


@item("W10 000-11 the weight of a layer is (out, in)")
def convention() -> None:
    layer = mg.nn.Linear(3, 2)
    assert layer.weight.shape == (2, 3)
    x = mg.tensor(X1)
    close(layer(x), plain(x @ layer.weight.T + layer.bias), 1e-6)


@item("W12 001-9 polar coordinates")
def polar() -> None:
    def coordinates(p: Any) -> Any:
        return np.stack([np.hypot(p[0], p[1]), np.arctan2(p[1], p[0])])

    close(coordinates(t64([1.0, 1.0])), [1.41421356, 0.78539816], 1e-8)
    J = mg.autograd.functional.jacobian(coordinates, t64([1.0, 1.0]))
    close(J, [[0.70710678, 0.70710678], [-0.5, 0.5]], 1e-8)


@item("W25 004-27 dot and matmul agree on matrices and differ on tensors")
def dot_and_matmul() -> None:
    A, B = t64(np.arange(24.0).reshape(2, 3, 4)), t64(np.arange(24.0).reshape(2, 4, 3))
    assert np.dot(A, B).shape == (2, 3, 2, 3)
    assert (A @ B).shape == (2, 3, 3)
    close(np.dot(A, B), np.dot(plain(A), plain(B)))
    close(np.dot(A[0], B[0]), plain(A[0] @ B[0]))


# ------------------------------------------------------------------------------ B: five operations


@item("000-1 tensors of numbers, lists and matrices")
def building_blocks() -> None:
    data = (0.001, [1.0, 2.0, 3.0], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert [mg.tensor(d).shape for d in data] == [(), (3,), (2, 3)]


@item("000-3 004-40 inner sizes that differ")
def shape_message() -> None:
    with pytest.raises(ValueError, match=r"not aligned") as error:
        mg.ones(1, 3) @ mg.ones(2, 3)
    note = "".join(error.value.__notes__)
    for part in ("matmul", "(1, 3) @ (2, 3)", "inner sizes 3 and 2 differ", "did you mean B.mT"):
        assert part in note
    with pytest.raises(ValueError, match=r"not aligned") as error:
        mg.nn.Linear(3, 2)(mg.ones(4, 5))
    assert "has 5 features" in "".join(error.value.__notes__)
    with pytest.raises(ValueError, match=r"broadcast") as error:
        mg.ones(1, 2) + mg.ones(3)
    assert "(1, 2) + (3,)" in "".join(error.value.__notes__)
    with pytest.raises(ValueError, match=r"not aligned"):
        mg.ones(4, 3) @ mg.ones(4, 3)
    assert (mg.ones(4, 3) @ mg.ones(3, 5)).shape == (4, 5)


@item("000-4 000-5 neurons are dot products")
def neuron() -> None:
    x, W = t64(X1[0]), t64(W32)
    close(mg.dot(x, W[:, 0]), 1.5)
    close(np.dot(x, W[:, 0]), 1.5)
    for a, b in zip(
        gradients(mg.dot, X1[0], [0.2, 0.5, 0.1]), ([0.2, 0.5, 0.1], X1[0]), strict=True
    ):
        close(a, b)
    for j, value in enumerate((1.5, 1.4)):
        close((t64(X1) @ W)[0, j], value)
        close(mg.dot(x, W[:, j]), value)


@item("000-6 transposes")
def transposes() -> None:
    W = t64(W32)
    assert W.T.shape == (2, 3)
    assert np.shares_memory(W.T.numpy(), W.numpy())
    close(t64(X1[0]).T, X1[0])
    close(gradients(lambda W: W.T * np.arange(6.0).reshape(2, 3), W32)[0],
          np.arange(6.0).reshape(2, 3).T)  # fmt: skip


@item("000-7 gradients of a product are products with transposes")
def product_rule() -> None:
    G = np.array([[0.3, -0.7]])
    dX, dW = gradients(lambda X, W: (X @ W) * G, X1, W32)
    close(dX, G @ np.array(W32).T, 1e-15)
    close(dW, np.array(X1).T @ G, 1e-15)


@item("000-8 004-8 001-17 inverse, determinant and eigenvalues of a symmetric matrix")
def symmetric_matrix() -> None:
    B = t64(B004)
    close(np.linalg.inv(B) * 12, [[-16, 2, 8], [2, -4, 2], [8, 2, -4]], 1e-10, 1e-10)
    close(B @ np.linalg.inv(B), np.eye(3), 1e-10, 1e-12)
    assert bool(np.all(B == B.T))
    with pytest.raises(ValueError, match="ambiguous"):
        bool(B == B.T)
    close(np.trace(B), 6.0)
    close(np.linalg.det(B), 12.0)
    with pytest.raises(np.linalg.LinAlgError, match="minor of order 2"):
        np.linalg.cholesky(B)
    w = np.linalg.eigvalsh(B)
    close(w, [-2.2627721262, -0.5984744370, 8.8612465632], 1e-9)
    close(w.sum(), 6.0)
    close(np.prod(w), 12.0)


@item("000-9 001-14 regression in closed form")
def regression() -> None:
    X, w = t64(X43), [1.0, -2.0, 0.5]
    y = t64([-1.5, -3.0, -4.5, 2.0])
    close(X @ t64(w), plain(y))
    normal = X.T @ X
    close(normal, [[67, 78, 92], [78, 93, 108], [92, 108, 130]])
    close(np.linalg.det(normal), 486.0, 1e-10)
    close(np.linalg.cond(X), 18.4209, 1e-5)
    close(np.linalg.cond(normal), 339.33, 1e-4)
    Q, R = np.linalg.qr(X)
    U, s, Vh = np.linalg.svd(X, full_matrices=False)
    routes = (
        np.linalg.inv(normal) @ X.T @ y, np.linalg.solve(normal, X.T @ y),
        np.linalg.lstsq(X, y, rcond=None)[0], np.linalg.pinv(X) @ y,
        L.solve_triangular(R, (Q.T @ y)[:, None], upper=True)[:, 0],
        Vh.T @ ((U.T @ y) / s),
        mg.cholesky_solve((X.T @ y)[:, None], L.cholesky(normal))[:, 0],
    )  # fmt: skip
    for route in routes:
        close(route, w, 1e-9, 1e-9)


# ---------------------------------------------------------------------------------- C: fundamentals


@item("001-1 001-2 003-2 004-3 indices and axes")
def indices() -> None:
    x, M = mg.tensor([1, 2, 3]), mg.tensor([[0, 0, 0], [0, 0, 8]])
    assert x[0].item() == 1
    assert M[1, 2].item() == 8
    assert [v.shape for v in (x, x[:, None], x[None, :])] == [(3,), (3, 1), (1, 3)]
    assert [v.shape for v in (x.unsqueeze(0), x.unsqueeze(1))] == [(1, 3), (3, 1)]
    assert x[:, None].squeeze(1).tolist() == x.tolist()
    y = mg.arange(4)
    assert (y[0].item(), y[-1].item(), y[1:3].tolist()) == (0, 3, [1, 2])
    with pytest.raises(IndexError, match=r"index 3 .* axis 0 .* size 3"):
        x[3]
    close(gradients(lambda v: v[np.array([0, 0, 2])], [1.0, 2.0, 3.0])[0], [2.0, 0.0, 1.0])


@item("001-3 arithmetic with numbers and vectors")
def arithmetic() -> None:
    close(mg.tensor([1, 2, 3]) / 2, [0.5, 1.0, 1.5], 1e-7)
    close(2 - t64([1, 2, 3]), [1, 0, -1])
    close(np.float64(2) * t64([1, 2, 3]), [2, 4, 6])


@item("001-4 dot and cross products")
def cross() -> None:
    a, b = t64([1, 2, 3]), t64([4, 5, 6])
    close(L.cross(a, b), [-3, 6, -3])
    close(np.cross(a, b), [-3, 6, -3])
    close(np.dot(a, b), 32)


@item("001-6 a system of equations")
def system() -> None:
    A, b = [[2.0, 1, -1], [-3, -1, 2], [-2, 1, 2]], [8.0, -11, -3]
    close(np.linalg.solve(t64(A), t64(b)), [2, 3, -1], 1e-10)
    close(np.linalg.solve(t64(A), t64(b)[:, None]), [[2], [3], [-1]], 1e-10)
    close(np.linalg.solve(t64([A, A]), t64(b)), [[2, 3, -1]] * 2, 1e-10)
    close(np.linalg.inv(t64(A)) @ t64(b), [2, 3, -1], 1e-10)
    with pytest.raises(ValueError, match="square"):
        np.linalg.solve(t64(A[:2]), t64(b))
    with pytest.raises(ValueError, match="3 rows"):
        np.linalg.solve(t64(A), t64(b[:2]))


@item("001-7 independence")
def independence() -> None:
    assert np.linalg.matrix_rank(t64(np.arange(1.0, 10).reshape(3, 3))).item() == 2
    assert np.linalg.matrix_rank(t64(B004)).item() == 3


@item("001-8 coordinates and projections")
def projections() -> None:
    close(np.linalg.solve(t64([[1, 1], [1, -1]]), t64([3, 1])), [2, 1])
    A = t64([[1.0], [1.0]])
    P = A @ np.linalg.inv(A.T @ A) @ A.T
    close(P @ P, plain(P))
    close(P @ t64([3, 4]), [3.5, 3.5])


@item("001-11 products in several notations")
def notations() -> None:
    A, B = t64(np.arange(6.0).reshape(2, 3)), t64(np.arange(12.0).reshape(3, 4))
    for product in (np.einsum("ij,jk->ik", A, B), np.tensordot(A, B, 1), np.dot(A, B)):
        close(product, plain(A @ B))
    blocks = [[plain(a * B) for a in row] for row in plain(A).tolist()]
    close(np.kron(A, B), np.block(blocks))
    every_pair = [[a * b for b in plain(B).ravel()] for a in plain(A).ravel()]
    close(np.outer(A, B), every_pair)


@item("001-12 a spread of zero has the derivative zero")
def zero_spread() -> None:
    for spread in (np.std, lambda x: np.std(x, ddof=1), np.var):
        close(gradients(spread, np.full(4, 2.0))[0], np.zeros(4))


@item("002-14 002-15 covariance and principal components of iris")
def covariance() -> None:
    X = t64(iris())
    C = np.cov(X, rowvar=False)
    centred = X - X.mean(0)
    close(C, plain(centred.T @ centred / 149.0), 1e-12)
    w, V = np.linalg.eigh(C)
    close(np.flip(w, 0), [4.22824171, 0.24267075, 0.07820950, 0.02383509], 1e-6)
    close(np.flip(w, 0) / w.sum(), [0.9246187, 0.0530665, 0.0171026, 0.0052122], 1e-5)
    top = plain(V[:, -1])
    close(top * np.sign(top[0]), [0.361387, -0.084523, 0.856671, 0.358289], 1e-5)
    s = np.linalg.svdvals(centred)
    close(s**2 / 149.0, plain(np.flip(w, 0)), 1e-12)


@item("001-13 factorizations multiply back")
def factorizations() -> None:
    A = np.random.default_rng(0).standard_normal((4, 4))
    S, X = t64(A @ A.T + np.eye(4)), t64(A)
    Q, R = L.qr(X)
    P, low, up = L.lu(X)
    U, s, Vh = L.svd(X)
    w, V = L.eigh(S)
    C = L.cholesky(S)
    for product, whole in ((Q @ R, X), (P @ low @ up, X), ((U * s) @ Vh, X), ((V * w) @ V.T, S),
                           (C @ C.T, S)):  # fmt: skip
        close(product, plain(whole), 1e-12, 1e-12)


# ------------------------------------------------------- D: roles, calculus, components, inverses


@item("002-1 002-2 one vector and a batch")
def batch_of_vectors() -> None:
    rng = np.random.default_rng(1)
    W, b, X = t64(rng.standard_normal((4, 3))), t64(rng.standard_normal(4)), t64(X43)
    assert (W @ X[0] + b).shape == (4,)
    close(X @ W.T + b, np.stack([plain(W @ x + b) for x in X]), 1e-13)
    layer, sequences = mg.nn.Linear(3, 4).double(), t64(rng.standard_normal((2, 5, 3)))
    each = [[plain(layer.weight @ x + layer.bias) for x in sequence] for sequence in sequences]
    close(layer(sequences), each, 1e-13)


@item("002-3 an orthogonal map keeps lengths")
def orthogonal() -> None:
    rng = np.random.default_rng(2)
    Q, _ = np.linalg.qr(t64(rng.standard_normal((6, 6))))
    x = t64(rng.standard_normal(6))
    close(np.linalg.norm(Q @ x), np.linalg.norm(plain(x)), 1e-14)


@item("002-5 a product is linear, a sum with b and a ReLU are not")
def linear_maps() -> None:
    rng = np.random.default_rng(3)
    W, b = t64(rng.standard_normal((4, 3))), t64(rng.standard_normal(4))
    x, y = t64(rng.standard_normal((2, 5, 3)))
    for f, linear in (
        (lambda x: x @ W.T, True), (lambda x: x @ W.T + b, False),
        (lambda x: mg.relu(x @ W.T), False),
    ):  # fmt: skip
        off = np.abs(f(2 * x - 3 * y) - (2 * f(x) - 3 * f(y))).max().item()
        assert (off < 1e-13) == linear


@item("002-13 the order of a chain of products")
def chain() -> None:
    rng = np.random.default_rng(3)
    A, B, x = (t64(rng.standard_normal(shape)) for shape in ((30, 40), (40, 50), 50))
    close(L.multi_dot([A, B, x]), plain(A @ (B @ x)), 1e-11)
    close(np.linalg.multi_dot([A, B, x]), plain((A @ B) @ x), 1e-11)


@item("002-6 002-7 chain rule, Jacobian and Hessian")
def chain_rule() -> None:
    def h(x: Any) -> Any:
        return np.stack([x[0] * x[1], x[0] + x[2], np.sin(x[2])])

    def f(x: Any) -> Any:
        return (h(x) ** 2).sum()

    x = t64([1.0, 2.0, 3.0])
    outer = mg.autograd.functional.jacobian(lambda z: (z**2).sum(), h(x))
    inner = mg.autograd.functional.jacobian(h, x)
    close(outer, [4, 8, 0.28224002], 1e-7)
    close(outer @ inner, [16, 4, 7.72058450], 1e-8)
    close(gradients(f, [1.0, 2.0, 3.0])[0], [16, 4, 7.72058450], 1e-8)
    close(mg.autograd.functional.hessian(f, x), [[10, 8, 2], [8, 2, 0], [2, 0, 3.92034057]], 1e-8)


@item("002-10 a batch of products broadcasts")
def batched() -> None:
    A, B = mg.ones(2, 1, 3, 4, requires_grad=True), mg.ones(5, 4, 2, requires_grad=True)
    out = A @ B
    assert out.shape == (2, 5, 3, 2)
    out.sum().backward()
    close(A.grad, np.full((2, 1, 3, 4), 10.0))
    close(B.grad, np.full((5, 4, 2), 6.0))


@item("002-16 components of the digits")
def components_of_digits() -> None:
    X = t64(digits())
    X = X - X.mean(0)
    w, V = np.linalg.eigh(np.cov(X, rowvar=False))
    shares = plain(np.flip(w, 0) / w.sum())
    close(shares[:10].sum(), 0.738227, 1e-5)
    assert int(np.searchsorted(shares.cumsum(), 0.95)) + 1 == 29
    kept = V[:, -10:]
    error = ((X - X @ kept @ kept.T) ** 2).sum() / len(X)
    close(error, 1.22857411, 1e-8)


@item("002-17 002-18 pseudoinverse and least squares")
def pseudoinverse() -> None:
    A = t64([[1.0, 1], [1, 2], [1, 3]])
    P = np.linalg.pinv(A)
    close(P, [[4 / 3, 1 / 3, -2 / 3], [-1 / 2, 0, 1 / 2]], 1e-12, 1e-14)
    for left, right in ((A @ P @ A, A), (P @ A @ P, P), ((A @ P).T, A @ P), ((P @ A).T, P @ A)):
        close(left, plain(right), 1e-13, 1e-14)
    b = t64([1.0, 2, 2])
    x = P @ b
    close(x, [2 / 3, 1 / 2])
    close(((A @ x - b) ** 2).sum(), 1 / 6)
    close(A.T @ (A @ x - b), [0, 0], 0, 1e-13)
    close(np.linalg.lstsq(A, b, rcond=None)[0], [2 / 3, 1 / 2])


@item("W20 002-22 conditioning")
def conditioning() -> None:
    A = t64([[1.0, 1.0], [1.0, 1.0001]])
    kappa = np.linalg.cond(A)
    close(kappa, 40002.000075, 1e-8)
    x, moved = [np.linalg.solve(A, t64([2.0, b])) for b in (2.0001, 2.0002)]
    close(x, [1, 1], 1e-9, 1e-9)
    close(moved, [0, 2], 1e-9, 1e-9)
    change = np.linalg.norm(moved - x) / np.linalg.norm(x)
    cause = np.linalg.norm(t64([0, 0.0001])) / np.linalg.norm(t64([2.0, 2.0001]))
    close(cause, 3.5e-5, 0.02)
    close(change, 1.0, 1e-6)
    assert change.item() <= kappa.item() * cause.item() * (1 + 1e-9)
    for p in ("fro", 1, np.inf):
        close(np.linalg.cond(A, p), np.linalg.cond(plain(A), p), 1e-9)


@item("002-23 low rank: what is left is the sum of the other squared singular values")
def low_rank() -> None:
    A = np.random.default_rng(3).standard_normal((30, 20))
    U, s, Vh = np.linalg.svd(t64(A), full_matrices=False)
    rest = ((t64(A) - (U[:, :3] * s[:3]) @ Vh[:3]) ** 2).sum()
    close(rest, plain(s[3:] ** 2).sum(), 1e-12)


# --------------------------------------------------------------------------------------- E: by hand


@item("003-1 003-3 shapes, and arithmetic with a number")
def by_number() -> None:
    A, B = mg.tensor([[1.0, 2.0], [3.0, 4.0]]), mg.tensor([[1, 2], [3, 4], [5, 6]])
    assert (A.shape, B.shape) == ((2, 2), (3, 2))
    for found, expected in (
        (A + 2, [[3, 4], [5, 6]]), (A - 2, [[-1, 0], [1, 2]]),
        (A * 2, [[2, 4], [6, 8]]), (A / 2, [[0.5, 1], [1.5, 2]]),
    ):  # fmt: skip
        assert found.tolist() == expected


@item("003-4 shapes that do not broadcast")
def no_broadcast() -> None:
    with pytest.raises(ValueError, match=r"broadcast") as error:
        mg.ones(2, 2) + mg.ones(3, 2)
    assert "(2, 2) + (3, 2)" in "".join(error.value.__notes__)


@item("003-5 003-6 003-7 products by hand")
def by_hand() -> None:
    A, v = mg.tensor([[1, 3], [2, 4]]), mg.tensor([1, 5])
    assert mg.dot(A, v)[0].item() == 16
    assert (A @ v)[0].item() == 16
    assert ((A @ v).shape, (A @ v[:, None]).shape) == ((2,), (2, 1))
    for i in range(2):
        for j in range(2):
            assert (A @ A)[i, j].item() == np.dot(A[i], A[:, j]).item()


# ------------------------------------------------- F: code blocks, arrays wrapped once in mg.tensor


@item("004-1 004-4 numbers and lengths")
def scalars() -> None:
    close(mg.tensor(np.array(2.31)) * mg.tensor(np.array(0.01)), 0.0231)
    x = mg.tensor(np.array([10, 20, 30, 40]))
    assert (len(x), x.shape, x.ndim) == (4, (4,), 1)
    with pytest.raises(TypeError):
        len(mg.tensor(1.0))


@item("004-5 004-6 004-7 matrices")
def matrices() -> None:
    table = mg.tensor(np.array([[25, 45000, 720, 0], [42, 82000, 650, 1], [33, 60000, 700, 0]]))
    assert table.shape == (3, 4)
    assert table[1, 2].item() == 650
    assert table[:, 0].tolist() == [25, 42, 33]
    A = mg.tensor(np.arange(20)).reshape(5, 4)
    assert A[2, 1].item() == 9
    assert A.T.shape == (4, 5)
    assert A.T[0].tolist() == [0, 4, 8, 12, 16]


@item("004-10 004-11 tensors")
def tensors() -> None:
    X = mg.tensor(np.arange(24)).reshape(2, 3, 4)
    assert (len(X), X[0, 1, 2].item(), np.size(X), X.numel()) == (2, 6, 24, 24)
    assert mg.ones(2, 3, 8, 8).sum((2, 3)).shape == (2, 3)


@item("004-12 004-13 004-15 elementwise")
def elementwise() -> None:
    A = mg.tensor(np.arange(20)).reshape(5, 4)
    B = A.clone()
    assert (A + B)[:2].tolist() == [[0, 2, 4, 6], [8, 10, 12, 14]]
    assert (A * B)[:2].tolist() == [[0, 1, 4, 9], [16, 25, 36, 49]]
    X = mg.tensor(np.arange(24)).reshape(2, 3, 4)
    assert ((2 + X).shape, (2 * X).shape) == ((2, 3, 4), (2, 3, 4))


@item("004-16 sums")
def sums() -> None:
    assert mg.tensor(np.arange(4)).sum().item() == 6
    A = mg.tensor(A20)
    assert A.sum(axis=0).tolist() == [40, 45, 50, 55]
    assert A.sum(axis=1).tolist() == [6, 22, 38, 54, 70]
    assert np.sum(A).item() == 190


@item("004-17 class probabilities")
def classes() -> None:
    logits = [[2.1, 0.3, -1.2], [0.5, 3.4, 0.1]]
    x = t64(logits)
    assert x.argmax(axis=1).tolist() == [0, 1]
    assert np.argmax(x, axis=1).tolist() == [0, 1]
    rows = [[0.83182077, 0.13749905, 0.03068018], [0.05039188, 0.91582943, 0.03377869]]
    close(F.softmax(x, 1), rows, 1e-6)
    target = mg.tensor([0, 1])
    close(F.cross_entropy(x, target), 0.1360317165526988)
    found = gradients(lambda z: F.cross_entropy(z, target), logits)[0]
    close(found[0], [-0.08408962, 0.06874952, 0.01534009], 1e-6)


@item("004-18 means of integers")
def means() -> None:
    A = mg.tensor(A20)
    close(A.mean(), 9.5)
    close(np.mean(A, axis=0), [8, 9, 10, 11])
    close(gradients(np.mean, A20)[0], np.full((5, 4), 0.05))


@item("004-19 rows that sum to 1")
def rows() -> None:
    A = t64(A20)
    shares = A / A.sum(axis=1, keepdims=True)
    close(shares.sum(1), np.ones(5))
    close(shares[0], [0, 1 / 6, 1 / 3, 1 / 2])
    found = gradients(lambda A: (A / A.sum(axis=1, keepdims=True))[0, 0], A20)[0]
    close(found[0], [1 / 6, 0, 0, 0])


@item("W9 004-42 rows scaled to the sum 1 are probabilities only without negative entries")
def scaled_rows() -> None:
    C = t64([[3.0, -1.0, -1.0]])
    shares, probabilities = C / C.sum(axis=1, keepdims=True), F.softmax(C, 1)
    close(shares.sum(1), [1.0])
    assert plain(shares).min() < 0
    close(probabilities.sum(1), [1.0])
    assert plain(probabilities).min() > 0


@item("004-21 running sums")
def running() -> None:
    assert mg.tensor(A20).cumsum(axis=0)[-1].tolist() == [40, 45, 50, 55]
    found = gradients(lambda A: np.cumsum(A, axis=0), A20)[0]
    close(found, np.repeat([[5.0], [4], [3], [2], [1]], 4, 1))


@item("004-22 004-23 a neuron and its gradients")
def weighted_sum() -> None:
    w, x = [0.5, 0.3, -0.2], [1.0, 4.0, 2.0]
    close(np.dot(t64(w), t64(x)), 1.3)
    dw, dx = gradients(lambda w, x: mg.relu(np.dot(w, x)), w, x)
    close(dw, x)
    close(dx, w)


@item("004-25 a matrix times a vector of other type")
def matrix_vector() -> None:
    A, x = mg.tensor(A20), t64([1.0, 2, 3, 4])
    close(np.dot(A, x), [20, 60, 100, 140, 180])
    close(A @ x, [20, 60, 100, 140, 180])
    close(gradients(lambda x: np.dot(A, x), [1.0, 2, 3, 4])[0], [40, 45, 50, 55])


@item("004-26 004-28 layers through NumPy's door")
def numpy_layer() -> None:
    rng = np.random.default_rng(4)
    W, x = mg.tensor(rng.standard_normal((128, 64)), requires_grad=True), rng.standard_normal(64)
    output = np.maximum(0, np.dot(W, x))
    assert output.shape == (128,)
    assert (plain(output) >= 0).all()
    output.sum().backward()
    close(W.grad, np.outer(plain(output) > 0, x))
    X = mg.tensor(rng.standard_normal((32, 64)))
    close(X @ W.T, np.stack([plain(W @ row) for row in X]), 1e-12)


@item("004-27 a matrix times ones")
def matrix_matrix() -> None:
    C = np.dot(mg.tensor(A20), mg.tensor(np.ones((4, 3))))
    close(C, np.repeat([[6.0], [22], [38], [54], [70]], 3, 1))


@item("004-29 axioms of norms")
def axioms() -> None:
    rng = np.random.default_rng(5)
    for p in (1, 2, np.inf, "fro", "nuc"):
        A, B = t64(rng.standard_normal((3, 4))), t64(rng.standard_normal((3, 4)))
        a, b = np.linalg.norm(A, p).item(), np.linalg.norm(B, p).item()
        close(np.linalg.norm(-2.5 * A, p), 2.5 * a)
        assert np.linalg.norm(A + B, p).item() <= a + b + 1e-12
        assert a > 0
        assert np.linalg.norm(A * 0.0, p).item() == 0


@item("004-30 004-31 004-33 norms and their gradients")
def norms() -> None:
    u = [3.0, -4.0]
    close(np.linalg.norm(t64(u)), 5.0)
    close(gradients(np.linalg.norm, u)[0], [0.6, -0.8])
    close(gradients(lambda u: np.linalg.norm(u) ** 2, u)[0], [6.0, -8.0])
    close(gradients(np.linalg.norm, [0.0, 0.0])[0], [0.0, 0.0])
    close(np.abs(t64(u)).sum(), 7.0)
    close(gradients(lambda u: np.abs(u).sum(), u)[0], [1.0, -1.0])
    close(np.linalg.norm(mg.tensor(np.ones((4, 9)))), 6.0)
    close(gradients(lambda A: np.linalg.norm(A, "fro"), np.ones((4, 9)))[0], np.full((4, 9), 1 / 6))


@item("004-34 all of it together")
def together() -> None:
    W = mg.tensor(np.random.RandomState(0).randn(2, 3), requires_grad=True)
    X, b = mg.tensor(X43), mg.tensor(np.zeros(2))
    norms = np.linalg.norm(np.maximum(0, X @ W.T + b), axis=1)
    close(norms, [6.28676331, 19.43151949, 32.70973992, 3.73252758], 1e-8)
    close(norms.mean(), 15.54013757, 1e-8)
    norms.mean().backward()
    assert np.isfinite(W.grad.numpy()).all()


@item("004-36 004-37 exercises on shapes and transposes")
def shapes() -> None:
    A = mg.tensor(np.arange(12)).reshape(3, 4)
    assert A[1].tolist() == [4, 5, 6, 7]
    assert A[:, 2].tolist() == [2, 6, 10]
    assert A[1, 2].item() == 6
    B = mg.tensor(A20)
    assert (B.sum(axis=0).shape, B.sum(axis=1).shape) == ((4,), (5,))
    assert bool(np.all(A.T.T == A))
    S = mg.tensor(np.arange(9)).reshape(3, 3)
    assert bool(np.all((S + S.T) == (S + S.T).T))


@item("004-38 004-39 exercises on dot products")
def words() -> None:
    a, b = t64([1, 2, 3]), t64([4, 5, 6])
    close(np.dot(a, b), 32.0)
    close((a * b).sum(), 32.0)
    king, queen, apple = [
        t64(v) for v in ([0.3, 0.9, 0.1, 0.7], [0.3, 0.8, 0.2, 0.6], [0.9, 0.1, 0.8, 0.1])
    ]
    pairs = ((king, queen, 0.993818), (king, apple, 0.355506), (queen, apple, 0.442259))
    for x, y, value in pairs:
        close(F.cosine_similarity(x, y, dim=0), value, 2e-6)


@item("002-4 004-41 two layers without activation are one")
def two_layers() -> None:
    net = mg.nn.Sequential(mg.nn.Linear(10, 64), mg.nn.Linear(64, 5))
    x = mg.randn(32, 10)
    W, b = net[1].weight @ net[0].weight, net[1].weight @ net[0].bias + net[1].bias
    assert net(x).shape == (32, 5)
    close(net(x), plain(x @ W.T + b), 1e-4, 1e-5)


# -------------------------------------------------------------------------- G: outcomes of examples


def numbers_of_one_generator() -> dict[str, np.ndarray]:
    """The random numbers of three of the figures, which were drawn one after the other."""
    rng = np.random.default_rng(0)
    shapes = {"U": (200, 5), "V": (5, 5), "noise": 200, "4": 4, "8": 8, "12": 12, "A": (30, 20)}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


@item("G1 gradient descent with a known spectrum")
def known_spectrum() -> None:
    drawn = numbers_of_one_generator()
    U, V = (np.linalg.qr(t64(drawn[name]))[0] for name in "UV")
    X = U * t64(np.geomspace(10, 1, 5)) @ V.T
    y = X @ t64(np.arange(1.0, 6.0)) + 0.1 * t64(drawn["noise"])
    solution = np.linalg.lstsq(X, y, rcond=None)[0]
    eigenvalues = np.linalg.eigvalsh(X.T @ X)
    largest, smallest = eigenvalues[-1].item(), eigenvalues[0].item()
    close(largest / smallest, 100.0, 1e-9)
    rate = 99 / 101
    close(rate, 0.980198, 1e-6)
    assert int(np.ceil(np.log(1e-6) / np.log(rate))) == 691
    w, errors = t64(np.zeros(5)), [1.0]
    while errors[-1] >= 1e-6:
        (gradient,) = gradients(lambda w: 0.5 * ((X @ w - y) ** 2).sum(), plain(w))
        w = w - 2 / (largest + smallest) * t64(gradient)
        errors.append((np.linalg.norm(w - solution) / np.linalg.norm(solution)).item())
    assert len(errors) - 1 == 679
    close((errors[-1] / errors[-101]) ** 0.01, rate, 1e-4)


@item("G2 the diabetes data in closed form")
def diabetes() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    data, target = datasets.load_diabetes(return_X_y=True)
    X, y = t64(np.column_stack([data / data.std(0), np.ones(442)])), t64(target)
    close(np.linalg.cond(X.T @ X), 470.08, 2e-5)
    w = np.linalg.solve(X.T @ X, X.T @ y)
    residual = y - X @ w
    close((residual**2).mean(), 2859.696348, 1e-9)
    close(1 - (residual**2).sum() / ((y - y.mean()) ** 2).sum(), 0.517748, 1e-6)
    close(w[-1], 152.1335, 1e-6)


@item("G3 least squares on ill-conditioned Vandermonde matrices")
def vandermonde() -> None:
    """The sizes of the errors; their digits depend on the order of operations in the processor."""
    for n, kappa, by_inverse, by_qr, by_pinv in (
        (8, 1.1e5, 1e-6, 5e-12, 5e-12), (12, 1.2e8, 2.6, 8e-9, 6e-9), (15, 2.3e10, 489, 8e-7, 7e-7),
    ):  # fmt: skip
        A = L.vander(t64(np.linspace(0, 1, 50)), n)
        close(np.linalg.cond(A), kappa, 0.05)
        x = t64(np.ones((n, 1)))
        y = A @ x
        Q, R = L.qr(A)
        routes = (
            (by_inverse, np.linalg.inv(A.T @ A) @ (A.T @ y)),
            (by_qr, L.solve_triangular(R, Q.T @ y, upper=True)),
            (by_pinv, L.pinv(A) @ y),
            (by_pinv, L.lstsq(A, y).solution),
        )
        for size, found in routes:
            error = (np.linalg.norm(found - x) / np.linalg.norm(x)).item()
            assert size / 30 < error < size * 30
    with pytest.raises(np.linalg.LinAlgError):
        L.cholesky(A.T @ A)


@item("G4 condition numbers of Hilbert matrices and their bound")
def hilbert() -> None:
    drawn = numbers_of_one_generator()
    for n, kappa, moved, near in (
        (4, 1.55e4, 4.9e-7, 0.01), (8, 1.53e10, 0.28, 0.02), (12, 1.6e16, 1.9e5, 0.5),
    ):  # fmt: skip
        H = t64(1.0 / (np.arange(n)[:, None] + np.arange(n) + 1.0))
        close(np.linalg.cond(H), kappa, near)
        b, noise = H @ t64(np.ones(n)), t64(1e-10 * drawn[str(n)])
        x = np.linalg.solve(H, b)
        change = np.linalg.norm(np.linalg.solve(H, b + noise) - x) / np.linalg.norm(x)
        close(change, moved, near)
        bound = np.linalg.cond(H) * np.linalg.norm(noise) / np.linalg.norm(b)
        assert change.item() < bound.item()


@item("G5 components of the digits by eigh and by the SVD")
def components_two_ways() -> None:
    X = t64(digits())
    X = X - X.mean(0)
    w, s = np.linalg.eigvalsh(np.cov(X, rowvar=False)), np.linalg.svdvals(X)
    close(np.flip(w, 0), plain(s**2 / (len(X) - 1)), 1e-12, 1e-14)
    close((s[10:] ** 2).sum() / len(X), 1.22857411, 1e-8)


@item("G6 the largest eigenvalue by power iteration and its gradient")
def power_iteration() -> None:
    C = t64(np.cov(digits(), rowvar=False))
    v = t64(np.ones(64) / 8.0)
    for _ in range(190):
        v = C @ v
        v = v / np.linalg.norm(v)
    close(v @ C @ v, 0.6992458207, 1e-9)
    close(np.linalg.eigvalsh(C)[-1], 0.6992458207, 1e-9)

    def unrolled(A: Any) -> Any:
        v = t64(np.ones(3))
        for _ in range(60):
            v = A @ v
            v = v / np.linalg.norm(v)
        return v @ A @ v

    S = np.array([[4.0, 1.0, 0.5], [1.0, 2.0, 0.3], [0.5, 0.3, 1.0]])
    top = np.linalg.eigh(S)[1][:, -1]
    close(gradients(unrolled, S)[0], np.outer(top, top), 1e-9, 1e-10)


@item("G7 a matrix of rank 3: what is left is the sum of the other squared singular values")
def eckart_young() -> None:
    A = t64(numbers_of_one_generator()["A"])
    U, s, Vh = np.linalg.svd(A, full_matrices=False)
    close((s[3:] ** 2).sum(), 391.12761991, 1e-11)
    close(((A - (U[:, :3] * s[:3]) @ Vh[:3]) ** 2).sum(), 391.12761991, 1e-11)
    cut_on_the_left = gradients(lambda P: (A - P @ Vh[:3]) ** 2, plain(U[:, :3] * s[:3]))[0]
    close(cut_on_the_left, np.zeros((30, 3)), 0, 1e-12)  # a minimum over one factor


@item("G8 gradient of the marginal likelihood of a Gaussian process")
def gaussian_process() -> None:
    """Backward against the formula; the data of the figures (6.458887, ...) are not known."""
    rng = np.random.default_rng(6)
    x, y = np.sort(rng.uniform(0, 5, 12)), rng.standard_normal(12)
    squares = (x[:, None] - x) ** 2

    def minus_likelihood(parameters: Any) -> Any:
        size, length, noise = parameters[0], parameters[1], parameters[2]
        K = size**2 * mg.exp(-squares / (2.0 * length**2)) + noise**2 * np.eye(12)
        factor = L.cholesky(K)
        alpha = mg.cholesky_solve(t64(y)[:, None], factor)
        return 0.5 * (t64(y) @ alpha[:, 0]) + mg.log(L.diagonal(factor)).sum()

    point = np.array([1.2, 0.8, 0.3])
    found = gradients(minus_likelihood, point)[0]
    correlation = np.exp(-squares / (2 * point[1] ** 2))
    K = point[0] ** 2 * correlation + point[2] ** 2 * np.eye(12)
    inverse = np.linalg.inv(K)
    alpha = inverse @ y
    slopes = (
        2 * point[0] * correlation,
        point[0] ** 2 * correlation * squares / point[1] ** 3,
        2 * point[2] * np.eye(12),
    )
    expected = [0.5 * np.trace((inverse - np.outer(alpha, alpha)) @ slope) for slope in slopes]
    close(found, expected, 1e-9, 1e-9)


@item("G9 ten steps of Newton's method for logistic regression")
def newton() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    data, target = datasets.load_breast_cancer(return_X_y=True)
    X = t64(np.column_stack([(data - data.mean(0)) / data.std(0), np.ones(len(data))]))
    y = t64(2.0 * target - 1.0)

    def cross_entropy(w: Any) -> Any:
        return F.softplus(-y * (X @ w)).sum()

    def loss(w: Any) -> Any:
        return cross_entropy(w) + 0.5 * (w**2).sum()

    w, g = t64(np.zeros(31)), mg.func.grad(loss)(t64(np.zeros(31)))
    for _ in range(10):
        w = w - np.linalg.solve(mg.func.hessian(loss)(w), g)
        g = mg.func.grad(loss)(w)
    assert np.linalg.norm(g).item() < 2e-10
    close(cross_entropy(w), 30.33736947, 1e-9)
    close(np.mean((X @ w > 0) == (y > 0)), 0.987698, 1e-6)


@item("G10 orthogonal Procrustes and whitening")
def procrustes() -> None:
    rng = np.random.default_rng(7)
    A = rng.standard_normal((20, 4))
    Q = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    U, _, Vh = np.linalg.svd(t64(A).T @ t64(A @ Q))
    close(U @ Vh, Q, 1e-12, 1e-13)
    X = t64(A - A.mean(0))
    white = X @ L.spectral_fn(np.cov(X, rowvar=False), lambda w: w**-0.5)
    close(np.cov(white, rowvar=False), np.eye(4), 1e-12, 1e-12)


@pytest.mark.parametrize("name", CHECKS)
def test_item(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CHECKS[name]()
