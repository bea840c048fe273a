"""Programs of linear algebra as people write them, with the flops that the best form takes.

Each is built by hand; `n` is the number of rows of every square matrix.  The flops are those of the
hand-written form, counted on paper: a product of an (n, k) and a (k, m) matrix 2 n k m, with a
vector 2 n k, a call that goes through m entries m.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.compile.program import Builder, Program
from minigrad.ops.diagonals import _diagonal_into as diagonal_into
from minigrad.ops.indexing import _getitem as getitem
from minigrad.ops.indexing import _scatter_into as scatter_into
from minigrad.ops.products import _outer as outer
from minigrad.ops.solving import _solve as solve

__all__ = ["CASES", "Case", "built", "n"]

n = 90
mm, mt, inv, add, sub, mul = mg.matmul, mg.mT, mg.linalg.inv, mg.add, mg.sub, mg.mul
CUBE, SQUARE = 2 * n**3, 2 * n**2  # flops of a product of matrices, and of one with a vector


@dataclass(frozen=True)
class Case:
    """A program, the flops of its best form, and whether the form needs SciPy."""

    build: Callable[[Builder, Any], Any]
    flops: float
    scipy: bool = False


def built(case: Case, seed: int = 0, dtype: Any = np.float64) -> Program:
    """The program of a case; its matrices are random."""
    rng = np.random.default_rng(seed)

    def random(*shape: int) -> Any:
        return rng.standard_normal(shape).astype(dtype)

    b = Builder()
    out = case.build(b, random)
    return b.program(*(out if isinstance(out, tuple) else (out,)))


CASES: dict[str, Case] = {}


def case(flops: float, scipy: bool = False) -> Callable[[Any], Any]:
    def register(build: Any) -> Any:
        CASES[build.__name__] = Case(build, flops, scipy)
        return build

    return register


def inputs(b: Builder, random: Any, **shapes: Any) -> list[Any]:
    return [b.input(name, random(*shape)) for name, shape in shapes.items()]


# ---------------------------------------------------------------------------- common subexpressions


@case(CUBE + n * n)
def product_twice(b, random):
    A, B = inputs(b, random, A=(n, n), B=(n, n))
    return b(add, b(mm, b(mt, A), B), b(mm, b(mt, A), B))


@case(1.5 * CUBE)
def product_squared(b, random):
    A, B = inputs(b, random, A=(n, n), B=(n, n))
    m = b(mm, b(mt, A), B)
    return b(mm, b(mt, m), b(mm, b(mt, A), B))


@case(1.5 * CUBE)
def product_squared_without_parentheses(b, random):
    A, B = inputs(b, random, A=(n, n), B=(n, n))
    m = b(mm, b(mt, A), B)
    return b(mm, b(mm, b(mt, m), b(mt, A)), B)


@case(CUBE + 2 * n * n)
def product_and_its_transpose(b, random):
    A, B = inputs(b, random, A=(n, n), B=(n, n))
    return b(add, b(mm, A, B), b(mul, b(mm, b(mt, B), b(mt, A)), 3.0))


@case(2 * n * n)
def sum_and_its_transpose(b, random):
    A, B = inputs(b, random, A=(n, n), B=(n, n))
    return b(add, b(add, A, B), b(add, b(mt, A), b(mt, B)))


@case(SQUARE)
def vector_from_both_sides(b, random):
    A, x = inputs(b, random, A=(n, n), x=(n,))
    return b(mm, A, x), b(mm, x, b(mg.T, A))


@case(CUBE / 2 + n * n)
def gram_matrix_twice(b, random):
    (A,) = inputs(b, random, A=(n, n))
    gram = b(mm, A, b(mt, A))
    return b(add, b(mm, A, b(mt, A)), b(mt, gram))


@case(CUBE + 6 * n * n)
def loop(b, random):
    A, B, V = inputs(b, random, A=(n, n), B=(n, n), V=(3, n))
    rows = [b(getitem, V, i) for i in range(3)]
    return tuple([b(add, b(mm, A, B), b(outer, v, v)) for v in rows])


# -------------------------------------------------------------------------------------- orders


@case(2 * SQUARE)
def from_the_right(b, random):
    H, x = inputs(b, random, H=(n, n), x=(n,))
    return b(mm, b(mm, b(mt, H), H), x)


@case(2 * SQUARE)
def from_the_left(b, random):
    H, y = inputs(b, random, H=(n, n), y=(n,))
    return b(mm, y, b(mm, b(mt, H), H))


@case(3 * SQUARE)
def from_both_ends(b, random):
    H, x, y = inputs(b, random, H=(n, n), x=(n, 1), y=(n, 1))
    return b(mm, b(mm, b(mm, b(mt, H), y), b(mt, x)), H)


@case(2 * 8 * n * n + 2 * 64 * n + 16 * n * n)
def through_a_narrow_matrix(b, random):
    A, U, V, B = inputs(b, random, A=(n, n), U=(n, 8), V=(8, n), B=(n, 8))
    return b(mm, b(mm, b(mm, A, U), V), B)


@case(SQUARE + 3 * n)
def rank_one(b, random):
    H, u, v, x = inputs(b, random, H=(n, n), u=(n,), v=(n,), x=(n,))
    return b(mm, b(mm, H, b(outer, u, v)), x)


@case(SQUARE + 3 * n)
def rank_one_by_indexing(b, random):
    H, u, v, x = inputs(b, random, H=(n, n), u=(n,), v=(n,), x=(n,))
    column, row = b(getitem, u, (..., None)), b(getitem, v, (None, slice(None)))
    return b(mm, b(mm, H, b(mul, column, row)), x)


@case(2 * SQUARE + 2 * n)
def transpose_of_a_product(b, random):
    A, B, x = inputs(b, random, A=(n, n), B=(n, n), x=(n,))
    return b(mm, b(mg.neg, b(mul, b(mg.transpose, b(mm, A, B), 0, 1), 0.5)), x)


@case(4 * SQUARE)
def a_product_for_two_vectors(b, random):
    A, B, x, y = inputs(b, random, A=(n, n), B=(n, n), x=(n,), y=(n,))
    m = b(mm, A, B)
    return b(mm, m, x), b(mm, b(mt, m), y)


@case(CUBE + n * n + SQUARE)
def a_product_that_is_returned(b, random):
    A, B, x = inputs(b, random, A=(n, n), B=(n, n), x=(n,))
    m = b(mm, A, B)
    return b(mm, m, x), b(mul, m, 2.0)


@case(4 * (2 * 5 * SQUARE))
def stacks(b, random):
    A, B, x = inputs(b, random, A=(4, n, n), B=(4, n, n), x=(4, n, 5))
    return b(mm, b(mm, A, B), x)


@case(3 * SQUARE)
def linear_layers_without_bias(b, random):
    V, W, x = inputs(b, random, V=(n, n), W=(n, n), x=(1, n))
    return b(mm, b(mt, b(mm, V, W)), b(mt, b(mg.linear, x, W, None)))


# ---------------------------------------------------------------------------------- distributive


@case(CUBE + n * n)
def common_left_factor(b, random):
    A, B, C = inputs(b, random, A=(n, n), B=(n, n), C=(n, n))
    return b(add, b(mm, A, B), b(mm, A, C))


@case(CUBE + 2 * n * n)
def common_right_factor_of_three(b, random):
    A, B, C, D = inputs(b, random, A=(n, n), B=(n, n), C=(n, n), D=(n, n))
    return b(sub, b(add, b(mm, A, D), b(mm, B, D)), b(mm, C, D))


@case(3 * SQUARE + n)
def sum_with_a_product_times_vector(b, random):
    A, H, x = inputs(b, random, A=(n, n), H=(n, n), x=(n,))
    return b(mm, b(sub, A, b(mm, b(mt, H), H)), x)


@case(SQUARE + n * n + n)
def sum_times_vector_stays(b, random):
    A, B, x = inputs(b, random, A=(n, n), B=(n, n), x=(n,))
    return b(mm, b(add, A, B), x)


@case(SQUARE + 3 * 2 * n + n)
def sum_with_rank_one_times_vector(b, random):
    A, u, v, x = inputs(b, random, A=(n, n), u=(n,), v=(n,), x=(n,))
    return b(mm, b(add, A, b(outer, u, v)), x)


# ------------------------------------------------------------------------------- only what is read


@case(2 * n)
def entry_of_a_product(b, random):
    A, B = inputs(b, random, A=(n, n), B=(n, n))
    return b(getitem, b(mm, A, B), (2, -3))


@case(SQUARE)
def row_of_a_product(b, random):
    A, B = inputs(b, random, A=(n, n), B=(n, n))
    return b(getitem, b(mm, A, B), 2)


@case(SQUARE)
def column_of_a_product(b, random):
    A, B = inputs(b, random, A=(n, n), B=(n, n))
    return b(getitem, b(mt, b(mm, A, B)), 2)


@case(2 * 3 * n * 4)
def part_of_a_product(b, random):
    A, B = inputs(b, random, A=(n, n), B=(n, n))
    return b(getitem, b(mm, A, B), (slice(1, 4), slice(None, 8, 2)))


@case(2)
def entry_of_a_sum(b, random):
    A, B, C = inputs(b, random, A=(n, n), B=(n, n), C=(n, n))
    return b(getitem, b(sub, b(add, A, B), C), (2, 3))


@case(2 * n + 2)
def entry_of_a_sum_of_products(b, random):
    A, B, C = inputs(b, random, A=(n, n), B=(n, n), C=(n, n))
    return b(getitem, b(mul, b(add, b(mm, A, B), C), 2.0), (2, 3))


@case(2 * n * n)
def trace_of_a_product(b, random):
    A, B = inputs(b, random, A=(n, 2 * n), B=(2 * n, n))
    return b(mg.trace, b(mm, A, B)), b(mg.trace, b(mm, A, B))


CASES["trace_of_a_product"] = Case(trace_of_a_product, 4 * n * n)


@case(2 * n * n)
def diagonal_of_a_product(b, random):
    A, B = inputs(b, random, A=(n, n), B=(n, n))
    return b(mg.diagonal, b(mm, A, B))


@case(SQUARE + 2 * n)
def trace_of_rank_one(b, random):
    A, x, y = inputs(b, random, A=(n, n), x=(n,), y=(n,))
    return b(mg.trace, b(mm, b(outer, x, y), A))


@case(2 * n * n + 2 * n)
def sum_of_a_product(b, random):
    A, B = inputs(b, random, A=(n, n), B=(n, n))
    return b(mg.sum, b(mm, A, B))


@case(n * n + SQUARE)
def column_sums_of_a_product(b, random):
    A, B = inputs(b, random, A=(n, n), B=(n, n))
    return b(mg.sum, b(mm, A, B), 0)


# -------------------------------------------------------------------------------------- systems


@case(2 * n**3 / 3 + SQUARE)
def inverse_times_vector(b, random):
    A, x = inputs(b, random, A=(n, n), x=(n,))
    return b(mm, b(inv, A), x)


@case(2 * n**3 / 3 + SQUARE)
def vector_times_inverse(b, random):
    A, x = inputs(b, random, A=(n, n), x=(n,))
    return b(mm, x, b(inv, A))


@case(2 * n**3 / 3 + 3 * SQUARE)
def rows_times_transposed_inverse(b, random):
    A, X = inputs(b, random, A=(n, n), X=(3, n))
    return b(mm, X, b(mt, b(inv, A)))


@case(2 * n**3 / 3 + 2 * SQUARE, scipy=True)
def inverse_for_two_vectors(b, random):
    A, x, y = inputs(b, random, A=(n, n), x=(n,), y=(n,))
    return b(mm, b(inv, A), x), b(mm, y, b(inv, A))


@case(CUBE / 2 + n**3 / 3 + SQUARE, scipy=True)
def inverse_of_a_gram_matrix(b, random):
    A, x = inputs(b, random, A=(n, n), x=(n,))
    return b(mm, b(inv, b(mm, A, b(mt, A))), x)


@case(2 * n**3 / 3 + 2 * SQUARE)
def inverse_in_a_chain(b, random):
    A, B, x = inputs(b, random, A=(n, n), B=(n, n), x=(n,))
    return b(mm, b(mm, b(inv, A), B), x)


@case(SQUARE, scipy=True)
def system_of_a_constant(b, random):
    A, X = b.constant("A", random(n, n)), b.input("X", random(n, 1))
    return b(solve, (A, X))


# ------------------------------------------------------------------------------------- structure


def structured(name: str, make: Callable[[Any], Any], left: float, system: float | None) -> None:
    """Cases of a constant matrix: from the left, from the right transposed, and its inverse."""

    def from_left(b, random):
        return b(mm, b.constant("S", make(random)), b.input("B", random(n, n)))

    def from_right(b, random):
        S = b.constant("S", make(random))
        return b(mm, b.input("B", random(n, n)), b(mt, S)), b(mm, b.input("x", random(n)), S)

    def inverted(b, random):
        regular = 0 if name in ("identity", "permutation") else 9
        S = b.constant("S", of_type(random, make(random) + regular * np.eye(n)))
        return b(mm, b(inv, S), b.input("x", random(n)))

    CASES[f"{name}_from_the_left"] = Case(from_left, left)
    CASES[f"{name}_from_the_right"] = Case(from_right, left + SQUARE)  # a small vector: one call
    if system is not None:
        CASES[f"{name}_inverted"] = Case(inverted, system, scipy=True)


def of_type(random: Any, matrix: Any) -> Any:
    return matrix.astype(random(1).dtype)


structured("identity", lambda random: of_type(random, np.eye(n)), n * n, n)
structured("diagonal", lambda random: np.diag(random(n)), n * n, n)
structured("permutation", lambda random: of_type(random, np.roll(np.eye(n), 3, 0)), 0, 0)
structured("tridiagonal", lambda random: np.triu(np.tril(random(n, n), 1), -1), 6 * n * n, 50 * n)
structured("lower", lambda random: np.tril(random(n, n)), 0.57 * CUBE, n * n)
structured("upper", lambda random: np.triu(random(n, n)), 0.57 * CUBE, n * n)
structured(
    "blocks",
    lambda random: np.kron(np.eye(3), np.ones((n // 3, n // 3))).astype(random(1).dtype)
    * random(n, n),
    CUBE / 3, 3 * (2 * (n / 3) ** 3 / 3) + SQUARE / 3,
)  # fmt: skip


@case(n * n)
def diagonal_of_an_input(b, random):
    d, B = inputs(b, random, d=(n,), B=(n, n))
    return b(mm, b(diagonal_into, d, (n, n), 0, -2, -1), B)


@case(0.57 * CUBE + n * n)
def triangle_of_an_input(b, random):
    A, B = inputs(b, random, A=(n, n), B=(n, n))
    return b(mm, b(mg.tril, A), B)


# ------------------------------------------------------------------------------- backward passes


@case(n * n + 2 * n)
def gradient_of_an_entry(b, random):
    g, A, B = inputs(b, random, g=(), A=(n, n), B=(n, n))
    S = b(scatter_into, g, (n, n), (2, 3))
    return b(mm, S, b(mt, B)), b(mm, b(mt, A), S)


CASES["gradient_of_an_entry"] = Case(gradient_of_an_entry, 2 * (n * n + n))


@case(n * n + SQUARE)
def gradient_of_a_row(b, random):
    g, B = inputs(b, random, g=(n,), B=(n, n))
    return b(mm, b(scatter_into, g, (n, n), 2), b(mt, B))


@case(2 * n * n)
def gradient_of_a_column(b, random):
    g, B = inputs(b, random, g=(n,), B=(n, n))
    return b(mm, b(scatter_into, g, (n, n), (slice(None), 2)), b(mt, B))


@case(2 * (n * n + n))
def gradient_of_a_sum(b, random):
    g, A, B = inputs(b, random, g=(), A=(n, n), B=(n, n))
    S = b(mg.expand, g, n, n)
    return b(mm, S, b(mt, B)), b(mm, b(mt, A), S)


@case(n * n)
def gradient_of_a_trace(b, random):
    g, B = inputs(b, random, g=(), B=(n, n))
    eye = b.constant("eye", np.eye(n, dtype=bool))
    return b(mm, b(mul, g, eye), b(mt, B))


@case(6 * SQUARE + 3 * n)
def least_squares_and_its_gradient(b, random):
    """‖Hᵀ H x - y‖²: forward, and back to x."""
    H, x, y = inputs(b, random, H=(n, n), x=(n,), y=(n,))
    m = b(mm, b(mt, H), H)
    residual = b(sub, b(mm, m, x), y)
    loss = b(mm, residual, residual)
    return loss, b(mm, b(mt, m), b(mul, residual, 2.0))


@case(3 * SQUARE + n * n)
def gradient_of_a_matrix_in_a_chain(b, random):
    """The derivative by A of yᵀ A B x: the outer product of y and B x, not (y xᵀ) Bᵀ."""
    B, x, y = inputs(b, random, B=(n, n), x=(n,), y=(n,))
    return b(mm, b(mul, b(getitem, y, (..., None)), x), b(mt, B))
