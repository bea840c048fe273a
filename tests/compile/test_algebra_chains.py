"""The order of chains, the structure of constants, and the kernels: pure functions of arrays."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from minigrad.compile.algebra import chains, costs, kernels
from minigrad.compile.algebra.chains import Factor, Group, best_order
from minigrad.compile.algebra.structure import structure_of

rng = np.random.default_rng(0)


# ------------------------------------------------------------------------------------------ orders


def all_orders(start: int, stop: int) -> list[Group | int]:
    """Every way to put parentheses around factors start...stop."""
    if start == stop:
        return [start]
    return [
        Group(left, right)
        for cut in range(start, stop)
        for left in all_orders(start, cut)
        for right in all_orders(cut + 1, stop)
    ]


def flops(tree: Group | int, sizes: list[int]) -> tuple[float, int, int]:
    """The flops of an order, and the first and last factor of it."""
    if isinstance(tree, int):
        return 0.0, tree, tree
    left, first, middle = flops(tree.left, sizes)
    right, _, last = flops(tree.right, sizes)
    here = 2.0 * sizes[first] * sizes[middle + 1] * sizes[last + 1]
    return left + right + here, first, last


@pytest.mark.parametrize("length", [2, 3, 4, 5, 6])
def test_the_order_is_the_cheapest_of_all(length, monkeypatch):
    """With flops alone as cost, no way to set parentheses costs less."""
    monkeypatch.setattr(
        chains, "product_time", lambda n, k, m, batch, gram, share: 2.0 * n * k * m * batch
    )
    for _ in range(20):
        sizes = rng.choice([1, 2, 5, 30, 200], length + 1).tolist()
        factors = [Factor(i, *sizes[i : i + 2]) for i in range(length)]
        order = best_order(factors)
        cheapest = min([flops(tree, sizes)[0] for tree in all_orders(0, length - 1)])
        assert flops(order.tree, sizes)[0] == cheapest == order.time


H, HT = Factor("H", 500, 500), Factor("H", 500, 500, transposed=True)
X, XT = Factor("x", 500, 1), Factor("x", 1, 500, transposed=True)
Y, YT = Factor("y", 500, 1), Factor("y", 1, 500, transposed=True)
B, BT = Factor("B", 500, 500), Factor("B", 500, 500, transposed=True)


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        ([HT, H, X], "(0 (1 2))"),
        ([YT, HT, H], "((0 1) 2)"),
        ([HT, Y, XT, H], "((0 1) (2 3))"),
        ([Y, XT, H, X], "(0 ((1 2) 3))"),  # the number xᵀ H x comes before the column
        ([BT, H, HT, B], "((0 1) (2 3))"),  # the second half is the transpose of the first
    ],
)
def test_orders_of_known_chains(factors, expected):
    order = best_order(factors)
    assert str(order.tree).replace("(1 (2 3))", "((1 2) 3)") == expected


def test_a_part_that_is_known_costs_nothing():
    """``H B x`` goes from the right, unless ``H B`` is there."""
    known = (("H", False), ("B", False))
    assert str(best_order([H, B, X]).tree) == "(0 (1 2))"
    assert str(best_order([H, B, X], known=lambda key: key == known).tree) == "((0 1) 2)"
    turned = [Factor("x", 1, 500, True), BT, HT]
    assert str(best_order(turned, known=lambda key: key == known).tree) == "(0 (1 2))"


def test_costs_rank_what_matters():
    """A product of matrices costs more than one with a vector; a Gram matrix half."""
    assert costs.product_time(500, 500, 500) > 50 * costs.product_time(500, 500, 1)
    assert costs.product_flops(9, 9, 9, gram=True) == 729
    assert costs.inverse_flops(10) == pytest.approx(2 * 1000 * (1 / 3 + 1))


# --------------------------------------------------------------------------------------- structure


def dense(n: int) -> Any:
    return rng.standard_normal((n, n))


def block_diagonal(*sizes: int) -> Any:
    out = np.zeros((sum(sizes), sum(sizes)))
    start = 0
    for size in sizes:
        out[start : start + size, start : start + size] = dense(size)
        start += size
    return out


STRUCTURES = {
    "identity": lambda n: np.eye(n),
    "diagonal": lambda n: np.diag(rng.standard_normal(n)),
    "permutation": lambda n: np.eye(n)[np.roll(np.arange(n), 3)],
    "tridiagonal": lambda n: np.triu(np.tril(dense(n), 1), -1),
    "banded (0 below, 2 above the diagonal)": lambda n: np.triu(np.tril(dense(n), 2)),
    "lower triangular": lambda n: np.tril(dense(n)),
    "upper triangular": lambda n: np.triu(dense(n)),
    "block diagonal (2 blocks)": lambda n: block_diagonal(n // 2, n - n // 2),
    "block diagonal (3 blocks)": lambda n: block_diagonal(5, n - 12, 7),
    "symmetric": lambda n: (lambda a: a + a.T)(dense(n)),
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_structure_is_found(name):
    assert str(structure_of(STRUCTURES[name](40))) == name


@pytest.mark.parametrize(
    "matrix",
    [
        dense(40), dense(40)[:20], np.zeros((40, 40)), np.ones((40, 30)), np.ones(40),
        np.eye(40, dtype=int), np.eye(3), np.eye(2)[:0],
    ],
)  # fmt: skip
def test_no_structure(matrix):
    found = structure_of(matrix)
    assert found is None or (found.kind == "symmetric" and np.array_equal(matrix, matrix.T))


def test_nan_is_not_zero():
    matrix = np.eye(40)
    matrix[0, -1] = np.nan
    assert structure_of(matrix).kind == "upper"


def test_many_small_blocks_are_joined():
    """Two hundred blocks of two would need two hundred calls."""
    blocks = structure_of(block_diagonal(*[20] * 30)).blocks
    assert len(blocks) <= 16
    assert blocks[0][0] == 0
    assert blocks[-1][1] == 600
    assert all([a[1] == b[0] for a, b in zip(blocks, blocks[1:])])


# ----------------------------------------------------------------------------------------- kernels


@pytest.fixture(params=["scipy", "numpy"])
def library(request, monkeypatch):
    """The kernels with SciPy's BLAS and LAPACK, and without."""
    if request.param == "scipy":
        pytest.importorskip("scipy")
    else:
        monkeypatch.setattr(kernels, "blas", None)
    return request.param


RIGHT = {
    "vector": lambda n: rng.standard_normal(n),
    "matrix": lambda n: rng.standard_normal((n, 7)),
    "transposed": lambda n: rng.standard_normal((7, n)).T,
    "no column": lambda n: np.empty((n, 0)),
}


@pytest.mark.parametrize("right", RIGHT)
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_products_of_structured_matrices(library, right, order, dtype):
    n = 70
    x = RIGHT[right](n).astype(dtype, order="K")

    def matrix(name: str) -> Any:
        return np.asarray(STRUCTURES[name](n), dtype, order=order)

    band, upper, lower = (
        matrix("tridiagonal"),
        matrix("upper triangular"),
        matrix("lower triangular"),
    )
    blocks = matrix("block diagonal (3 blocks)")
    d = rng.standard_normal(n).astype(dtype)
    cases = [
        (band, kernels.banded_product(band, x, 1, 1)),
        (upper, kernels.triangular_product(upper, x, False)),
        (lower, kernels.triangular_product(lower, x, True)),
        (blocks, kernels.blocks_product(blocks, x, structure_of(blocks).blocks)),
        (np.diag(d), kernels.diagonal_product(d, x)),
    ]
    for a, out in cases:
        assert out.dtype == dtype
        np.testing.assert_allclose(out, a @ x, rtol=0, atol=2e4 * np.finfo(dtype).eps)
    if x.ndim == 2:
        np.testing.assert_allclose(kernels.product_diagonal(x.T, d), x.T @ np.diag(d), rtol=1e-6)


def test_traces_and_diagonals_of_products():
    x, y = rng.standard_normal((5, 9)), rng.standard_normal((9, 5))
    np.testing.assert_allclose(kernels.trace_of_product(x, y), np.trace(x @ y))
    np.testing.assert_allclose(kernels.diagonal_of_product(x, y), np.diagonal(x @ y))


@pytest.mark.parametrize("right", ["vector", "matrix", "transposed"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_systems(right, dtype):
    pytest.importorskip("scipy")
    n = 40
    x = RIGHT[right](n).astype(dtype)

    def regular(name: str) -> Any:
        return (STRUCTURES[name](n) + 9 * np.eye(n)).astype(dtype)

    band, lower = regular("tridiagonal"), regular("lower triangular")
    blocks, full = regular("block diagonal (3 blocks)"), regular("symmetric")
    positive = (full @ full.T).astype(dtype)
    factors = kernels.decomposition(full)
    cases = [
        (band, kernels.banded_solution(band, x, 1, 1)),
        (lower, kernels.triangular_solution(lower, x, True)),
        (lower.T, kernels.triangular_solution(lower.T, x, False)),
        (blocks, kernels.blocks_solution(blocks, x, structure_of(blocks).blocks)),
        (full, kernels.decomposed_solution(*factors, x, False)),
        (full.T, kernels.decomposed_solution(*factors, x, True)),
        (full, kernels.matrix_solution(full, x)),
        (positive, kernels.positive_solution(positive, x)),
        (full, kernels.positive_solution(full, x)),  # symmetric, not positive definite: by LU
    ]
    for a, out in cases:
        assert out.dtype == dtype
        assert out.shape == x.shape
        scale = np.abs(a).max() * np.abs(out).max()
        np.testing.assert_allclose(a @ out, x, rtol=0, atol=1e3 * scale * np.finfo(dtype).eps)


@pytest.mark.parametrize("b", [np.ones(6), np.ones((6, 2))])
def test_singular_matrices_raise(b):
    zero = np.zeros((6, 6))
    calls = [lambda: kernels.matrix_solution(zero, b),
             lambda: kernels.blocks_solution(zero, b, ((0, 3), (3, 6)))]  # fmt: skip
    if kernels.HAS_SCIPY:
        calls += [
            lambda: kernels.decomposition(zero),
            lambda: kernels.positive_solution(zero, b),
            lambda: kernels.banded_solution(zero, b, 1, 1),
        ]
    for call in calls:
        with pytest.raises(np.linalg.LinAlgError):
            call()


def test_every_kernel_has_a_cost():
    module = importlib.import_module("minigrad.compile.algebra.kernels")
    ops = {each.name for each in vars(module).values() if isinstance(each, kernels.Op)}
    assert ops == set(kernels.COSTS)
