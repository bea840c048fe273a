"""Items of the checklist: code blocks, with arrays wrapped once, and outcomes of examples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests.checklist_kit import (
    A20,
    X43,
    F,
    L,
    close,
    digits,
    gradients,
    item,
    plain,
    t64,
)

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
