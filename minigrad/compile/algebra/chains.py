"""In which order a chain of matrix products is computed: the cheapest one, by dynamic programming.

The classical recurrence (Cormen et al. 2022, section 14.2), with three additions that matter in
programs: a part of the chain that is computed elsewhere in the program costs nothing, a part that
occurs twice in the chain, as it is or transposed, is computed once, and a product of a matrix and
its own transpose costs half.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from minigrad.compile.algebra.costs import product_flops, product_time

__all__ = ["Factor", "Group", "Key", "Order", "best_order", "left_to_right", "transposed_key"]


@dataclass(frozen=True)
class Factor:
    """A factor of a chain: what it is, its shape, and whether it stands there transposed.

    A vector at the left end is a row, one at the right end a column.
    """

    value: Hashable
    rows: int
    columns: int
    transposed: bool = False
    share: float = 1.0  # of its entries that a product reads: below 1 for a structured matrix

    @property
    def key(self) -> tuple[Hashable, bool]:
        return (self.value, self.transposed)


@dataclass(frozen=True)
class Group:
    """A product of two parts, each a factor (its position in the chain) or a group."""

    left: Group | int
    right: Group | int

    def __str__(self) -> str:
        return f"({self.left} {self.right})"


@dataclass(frozen=True)
class Order:
    """A way to compute a chain: its groups, its cost in estimated time, and its flops."""

    tree: Group | int
    time: float
    flops: float


Key = tuple[tuple[Hashable, bool], ...]


def transposed_key(key: Key) -> Key:
    """The key of the transpose of a product: the factors in reverse, each transposed."""
    return tuple([(value, not flag) for value, flag in reversed(key)])


def best_order(
    factors: Sequence[Factor], known: Callable[[Key], bool] = lambda key: False, batch: int = 1
) -> Order:
    """The cheapest order of a chain of two or more factors; of equal ones, the one from the left.

    known  tells whether a part of the chain, given by the keys of its factors, is computed anyway
    batch  how many such chains are computed at once (leading axes)

    Example  >>> h, x = Factor("H", 9, 9), Factor("x", 9, 1)
             >>> ht = Factor("H", 9, 9, transposed=True)
             >>> str(best_order([ht, h, x]).tree)
             '(0 (1 2))'
    """
    n = len(factors)
    keys = [factor.key for factor in factors]
    best: dict[tuple[int, int], Order] = {(i, i): Order(i, 0.0, 0.0) for i in range(n)}
    for length in range(2, n + 1):
        for start in range(n - length + 1):
            stop = start + length - 1
            part = tuple(keys[start : stop + 1])
            choices = [
                joined(factors, best, start, cut, stop, batch)
                for cut in range(stop - 1, start - 1, -1)  # the last cut is the order from the left
            ]
            order = min(choices, key=lambda choice: choice.time)
            if length < n and (known(part) or known(transposed_key(part))):
                order = Order(order.tree, 0.0, 0.0)
            best[start, stop] = order
    return best[0, n - 1]


def joined(
    factors: Sequence[Factor],
    best: dict[tuple[int, int], Order],
    start: int,
    cut: int,
    stop: int,
    batch: int,
) -> Order:
    """The best orders of two neighbouring parts, and the product of both."""
    left, right = best[start, cut], best[cut + 1, stop]
    left_key = tuple([factor.key for factor in factors[start : cut + 1]])
    right_key = tuple([factor.key for factor in factors[cut + 1 : stop + 1]])
    gram = right_key == transposed_key(left_key)
    sizes = factors[start].rows, factors[cut].columns, factors[stop].columns
    share = min(
        factors[start].share if start == cut else 1.0,
        factors[stop].share if stop == cut + 1 else 1.0,
    )
    time = left.time + product_time(*sizes, batch=batch, gram=gram, share=share)
    flops = left.flops + share * product_flops(*sizes, batch=batch, gram=gram)
    if not (gram or right_key == left_key):
        time, flops = time + right.time, flops + right.flops
    return Order(Group(left.tree, right.tree), time, flops)


def left_to_right(n: int) -> Group | int:
    """The order in which Python evaluates ``a @ b @ c``."""
    tree: Group | int = 0
    for i in range(1, n):
        tree = Group(tree, i)
    return tree
