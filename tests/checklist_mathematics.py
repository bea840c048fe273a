"""Items of the checklist: slips, operations, calculus, components, inverses, gradients by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests.checklist_kit import (
    A20,
    B004,
    BIAS,
    W32,
    X1,
    X43,
    F,
    L,
    close,
    digits,
    gradients,
    iris,
    item,
    plain,
    t64,
)

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
