"""The order of products: every chain of matrices and vectors in the program, forward and backward.

A chain goes through transposes (``(A B)ᵀ`` is ``Bᵀ Aᵀ``), through outer products (which are of rank
one), and through multiplication by numbers (done where there are fewest entries).  A product that
is used in several chains is computed on its own if that is cheaper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.compile.algebra.chains import (
    Factor,
    Group,
    Key,
    best_order,
    transposed_key,
)
from minigrad.compile.algebra.costs import elementwise_time, product_time
from minigrad.compile.algebra.rewriting import (
    MATMUL,
    MT,
    MUL,
    NEG,
    OUTER,
    Writer,
    is_vector_or_matrix,
    note,
    number,
    readers,
    removed_dead,
    statement_cost,
    transposes_of,
)
from minigrad.compile.algebra.structure import structure_of
from minigrad.compile.program import Program, Statement, Value

__all__ = ["ordered"]

MOST_TRIALS = 24  # products used in several chains that are looked at, so that compiling stays fast
WORTH = 0.98  # a chain is rewritten if its estimated time falls below this share


@dataclass
class Chain:
    """A product of factors, and numbers to multiply it by.

    root      the statement whose result it is
    absorbed  the statements of the products inside it
    tree      the order in which the program computes it
    """

    root: Statement
    factors: list[tuple[Value, bool]]
    scales: list[Any]
    absorbed: list[Statement]
    tree: Group | int


def ordered(program: Program) -> Program:
    """The program with each chain of products in its cheapest order."""
    if not any_nested(program):
        return program
    chains = Chains(program)
    plan = chains.plan(set())
    shared = chains.used_by_several()
    for value in shared[:MOST_TRIALS]:
        trial = chains.plan({*plan.leaves, value})
        if trial.time < plan.time:
            plan = trial
    return written(program, chains, plan)


def any_nested(program: Program) -> bool:
    """Whether any product is a factor of another."""
    products: set[Value] = set()
    for statement in program.statements:
        inner = any([isinstance(x, Value) and x in products for x in statement.operands])
        if statement.op in (MATMUL, OUTER):
            if inner:
                return True
            products.update(statement.results)
        elif inner and (statement.op is MT or is_scale(statement)):
            products.update(statement.results)
    return False


def is_scale(statement: Statement) -> bool:
    """Whether a statement is a negation, or a product of an array and a number."""
    if statement.op is NEG:
        return is_vector_or_matrix(statement.operands[0])
    if statement.op is not MUL or not is_vector_or_matrix(statement.result):
        return False
    x, y = statement.operands
    return number(x) != number(y)


def scaled(statement: Statement) -> tuple[Value, Any]:
    """What a scale multiplies, and by which number."""
    if statement.op is NEG:
        return statement.operands[0], -1.0
    x, y = statement.operands
    return (y, x) if number(x) else (x, y)


@dataclass
class Plan:
    """For each chain an order and whether it is a new one; and what all of them take."""

    leaves: set[Value]
    chains: list[tuple[Chain, Group | int, bool]] = field(default_factory=list)
    time: float = 0.0


class Chains:
    """The chains of a program, for any choice of products that are computed on their own."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.makers = program.makers()
        self.readers = readers(program)
        self.results = set(program.results())
        self.transposes = transposes_of(program)
        self.shares: dict[Value, float] = {}
        self.inner = dict.fromkeys([v for v in self.makers if self.is_inner(v)])  # in order

    def is_product(self, value: Value) -> bool:
        maker = self.makers.get(value)
        if maker is None or maker.effect or value.dtype.kind != "f":
            return False
        if maker.op in (MATMUL, OUTER):
            return all([is_vector_or_matrix(x) and x.dtype == value.dtype for x in maker.operands])
        return maker.op is MT or (is_scale(maker) and scaled(maker)[0].dtype == value.dtype)

    def is_inner(self, value: Value) -> bool:
        """Whether nothing but products reads a product, through transposes and scales too."""
        if value in self.results or not self.is_product(value) or value not in self.readers:
            return False
        if value.ndim == 0:
            return False
        for reader in self.readers[value]:
            if reader.effect or reader.op not in (MATMUL, OUTER):
                passes = (reader.op is MT or is_scale(reader)) and value in reader.operands
                if not passes or not self.is_inner(reader.result):
                    return False
            elif not self.is_product(reader.result):
                return False
        return True

    def uses(self, value: Value) -> int:
        """How often products read a value, through transposes and scales too."""
        count = 0
        for reader in self.readers.get(value, []):
            if reader.op in (MATMUL, OUTER):
                count += sum([x is value for x in reader.operands])
            else:
                count += self.uses(reader.result)
        return count

    def used_by_several(self) -> list[Value]:
        """Products inside chains that occur more than once, in the order of computation."""
        found = [v for v in self.inner if self.makers[v].op in (MATMUL, OUTER)]
        return [v for v in found if self.uses(v) > 1]

    def roots(self, leaves: set[Value]) -> list[Statement]:
        """The statements at the top of chains."""
        return [
            s for s in self.program.statements
            if s.op in (MATMUL, OUTER) and self.is_product(s.result)
            and (s.result not in self.inner or s.result in leaves)
        ]  # fmt: skip

    def chain(self, root: Statement, leaves: set[Value]) -> Chain:
        """The chain whose result is that of `root`."""
        chain = Chain(root, [], [], [], 0)
        batch = root.result.shape[:-2] if root.result.ndim > 2 else ()

        def flatten(value: Value, flag: bool, top: bool = False) -> Group | int:
            maker = self.makers.get(value)
            open_ = top or (value in self.inner and value not in leaves)
            if maker is None or not open_ or not fits(value, batch):
                chain.factors.append((value, flag))
                return len(chain.factors) - 1
            if not top:
                chain.absorbed.append(maker)
            if maker.op is MT:
                return flatten(maker.operands[0], not flag)
            if maker.op not in (MATMUL, OUTER):
                x, factor = scaled(maker)
                chain.scales.append(factor)
                return flatten(x, flag)
            x, y = maker.operands
            if not all([fits(each, batch) for each in (x, y)]):
                if top:
                    raise NoChain
                chain.absorbed.pop()
                chain.factors.append((value, flag))
                return len(chain.factors) - 1
            if maker.op is OUTER:
                pair = [(x, False), (y, True)]
            else:
                row = x.ndim == 1  # of a vector as left factor; the product then is a row, too
                pair = [(x, row), (y, False)]
                flag = flag != (row and value.ndim == 1)
            if flag:
                pair = [(each, not turned) for each, turned in reversed(pair)]
            left = flatten(*pair[0])
            return Group(left, flatten(*pair[1]))

        row_vector = root.op is MATMUL and root.operands[0].ndim == 1 and root.result.ndim == 1
        chain.tree = flatten(root.result, row_vector, top=True)
        return chain

    def plan(self, leaves: set[Value]) -> Plan:
        """An order for each chain, if `leaves` are computed on their own."""
        plan = Plan(leaves)
        chains = []
        for root in self.roots(leaves):
            try:
                chains.append(self.chain(root, leaves))
            except NoChain:
                continue
        whole = {tuple(self.keys(chain.factors)) for chain in chains if not chain.scales}
        computed: set[Key] = set()

        def known(key: Key) -> bool:
            return key in whole or key in computed

        for chain in chains:
            factors = [self.factor(*each) for each in chain.factors]
            batch = int(np.prod(chain.root.result.shape[:-2]))
            tree, moved = chain.tree, False
            time = self.time(tree, factors, computed, batch) + self.scale_time(chain, False)
            if len(factors) > 2 or chain.scales:
                best = best_order(factors, known, batch).tree
                better = self.time(best, factors, computed, batch) + self.scale_time(chain, True)
                if better < WORTH * time:
                    tree, time, moved = best, better, True
            plan.time += time
            if not chain.scales:
                computed.update(self.parts(tree, factors))
            plan.chains.append((chain, tree, moved))
        return plan

    def scale_time(self, chain: Chain, moved: bool) -> float:
        """What multiplying by numbers takes: where the program does, or where it is cheapest."""
        if not chain.scales:
            return 0.0
        if moved:
            sizes = [v.size for v, _ in chain.factors if v.kind != "constant"]
            return elementwise_time((min([*sizes, chain.root.result.size]),), 1)
        scales = [s for s in chain.absorbed if is_scale(s)]
        return sum([elementwise_time(s.result.shape, 1) for s in scales])

    def keys(self, factors: Iterable[tuple[Value, bool]]) -> list[tuple[Value, bool]]:
        """Factors with each matrix that is the transpose of another written as that."""
        return [self.base(value, flag) for value, flag in factors]

    def base(self, value: Value, flag: bool) -> tuple[Value, bool]:
        maker = self.makers.get(value)
        if maker is not None and maker.op is MT and value.ndim > 1:
            return self.base(maker.operands[0], not flag)
        return value, flag

    def factor(self, value: Value, flag: bool) -> Factor:
        """A factor of a chain with its sizes."""
        if value.ndim == 1:
            rows, columns = (1, value.size) if flag else (value.size, 1)
        else:
            rows, columns = value.shape[-2:][:: -1 if flag else 1]
        return Factor(*self.base(value, flag)[:1], rows, columns, self.base(value, flag)[1],
                      self.share(value))  # fmt: skip

    def share(self, value: Value) -> float:
        """The share of a factor that a product reads."""
        if value not in self.shares:
            origin = self.base(value, False)[0]
            found = structure_of(origin.array) if origin.kind == "constant" else None
            self.shares[value] = 1.0 if found is None else found.fraction
        return self.shares[value]

    def parts(self, tree: Group | int, factors: list[Factor]) -> list[Key]:
        """The keys of all products that an order computes, and of their transposes."""
        found: list[Key] = []
        for part in groups(tree):
            key = tuple([factors[i].key for i in positions(part)])
            found += [key, transposed_key(key)]
        return found

    def time(
        self, tree: Group | int, factors: list[Factor], computed: set[Key], batch: int
    ) -> float:
        """The estimated time of an order; what is computed before, or twice in it, counts once."""
        seen: set[Key] = set()
        total = 0.0
        for part in groups(tree):
            left, right = positions(part.left), positions(part.right)
            key = tuple([factors[i].key for i in [*left, *right]])
            if key in computed or key in seen:
                continue
            seen.update((key, transposed_key(key)))
            left_key = tuple([factors[i].key for i in left])
            gram = transposed_key(left_key) == tuple([factors[i].key for i in right])
            ends = [factors[i].share for side in (left, right) if len(side) == 1 for i in side]
            total += product_time(
                factors[left[0]].rows, factors[left[-1]].columns, factors[right[-1]].columns,
                batch=batch, gram=gram, share=min(ends, default=1.0),
            )  # fmt: skip
        return total


class NoChain(Exception):  # noqa: N818  # not an error: a product whose stacks broadcast
    """A product is not part of a chain."""


def fits(value: Value, batch: tuple[int, ...]) -> bool:
    """Whether a value may be a factor of a chain: of matrices, or of stacks of equal length."""
    return value.shape[:-2] == batch if batch else value.ndim <= 2


def positions(tree: Group | int) -> list[int]:
    """The positions of the factors in a part of a chain, from the left."""
    if isinstance(tree, int):
        return [tree]
    return [*positions(tree.left), *positions(tree.right)]


def groups(tree: Group | int) -> list[Group]:
    """The products of an order, inner ones first."""
    if isinstance(tree, int):
        return []
    return [*groups(tree.left), *groups(tree.right), tree]


# ------------------------------------------------------------------------------------ writing it


def written(program: Program, chains: Chains, plan: Plan) -> Program:
    """The program with the orders of a plan."""
    by_root = {chain.root.result: (chain, tree, new) for chain, tree, new in plan.chains}
    if not any([new for *_, new in plan.chains]):
        return program
    writer = Writer(program)
    emitter = Emitter(writer, chains)
    notes = []
    for statement in program.statements:
        chain, tree, new = by_root.get(statement.results[0], (None, 0, False))
        if chain is None:
            writer.keep(statement)
            continue
        if not new and not emitter.can_share(chain):
            writer.keep(statement)
            emitter.learn(chain)
            continue
        start = len(writer.statements)
        emitter.emit(chain, tree)
        if new:
            before = sum([flops_of(s, chains) for s in [*chain.absorbed, statement]])
            after = sum([flops_of(s, chains) for s in writer.statements[start:]])
            text = order_text(tree, chain)
            notes.append(note(statement, f"order {text}", before, after, "may round differently"))
    return removed_dead(writer.done(*notes))


def flops_of(statement: Statement, chains: Chains) -> float:
    return statement_cost(statement, chains.transposes)[0]


def order_text(tree: Group | int, chain: Chain) -> str:
    """An order as a formula, ``Hᵀ (H x)``."""
    if isinstance(tree, int):
        value, flag = chain.factors[tree]
        return value.name + ("ᵀ" if flag else "")
    left, right = order_text(tree.left, chain), order_text(tree.right, chain)
    return " ".join([
        f"({text})" if isinstance(side, Group) else text
        for side, text in ((tree.left, left), (tree.right, right))
    ])  # fmt: skip


class Emitter:
    """Writes chains; remembers the products written, so that none is computed twice."""

    def __init__(self, writer: Writer, chains: Chains) -> None:
        self.writer = writer
        self.chains = chains
        self.known: dict[Key, tuple[Value, bool]] = {}

    def remember(self, key: Key, value: Value, flag: bool) -> None:
        self.known.setdefault(key, (value, flag))
        self.known.setdefault(transposed_key(key), (value, not flag))

    def can_share(self, chain: Chain) -> bool:
        """Whether a proper part of a chain has been written for another one."""
        keys = self.chains.keys(chain.factors)
        return any([tuple([keys[i] for i in positions(p)]) in self.known
                    for p in groups(chain.tree)[:-1]])  # fmt: skip

    def learn(self, chain: Chain) -> None:
        """Note what a chain computes that stays as it is."""
        if not chain.scales:
            key = tuple(self.chains.keys(chain.factors))
            row = chain.root.op is MATMUL and chain.root.operands[0].ndim == 1
            self.remember(key, chain.root.result, row and chain.root.result.ndim == 1)

    def emit(self, chain: Chain, tree: Group | int) -> None:
        """Write the statements of a chain; the last one computes the result of its root."""
        factors = list(chain.factors)
        scales = chain.scales
        result: Value | None = chain.root.result
        if scales:
            movable = [i for i, (v, _) in enumerate(factors) if v.kind != "constant"]
            smallest = min(movable, key=lambda i: factors[i][0].size, default=None)
            if smallest is None or factors[smallest][0].size >= chain.root.result.size:
                value = self.turned(*self.part(tree, factors, chain.root, None), chain.root)
                self.scale(value, scales, chain.root, chain.root.result)
                return
            value, flag = factors[smallest]
            factors[smallest] = (self.scale(value, scales, chain.root, None), flag)
        self.part(tree, factors, chain.root, result)

    def scale(
        self, value: Value, scales: list[Any], like: Statement, result: Value | None
    ) -> Value:
        """A value times numbers."""
        negative = False
        steps: list[tuple[Any, list[Any]]] = []
        for each in scales:
            if isinstance(each, Value) or each != -1:
                steps.append((MUL, [each]))
            else:
                negative = not negative
        if negative or not steps:
            steps += [(NEG, [])] if negative else [(MUL, [1.0])]
        for i, (op, factor) in enumerate(steps):
            last = result if i == len(steps) - 1 else None
            value = self.writer.call(op, [value, *factor], value.shape, like=like, result=last)
        return value

    def part(
        self,
        tree: Group | int,
        factors: list[tuple[Value, bool]],
        root: Statement,
        result: Value | None,
    ) -> tuple[Value, bool]:
        """The value of a part of a chain, and whether it is to be read as its transpose."""
        if isinstance(tree, int):
            return factors[tree]
        key = tuple(self.chains.keys([factors[i] for i in positions(tree)]))
        found = self.known.get(key)
        if found is not None and result is None:
            return found
        left = self.part(tree.left, factors, root, None)
        right = self.part(tree.right, factors, root, None)
        value, flag = self.product(left, right, root, result)
        self.remember(key, value, flag)
        return value, flag

    def product(
        self,
        left: tuple[Value, bool],
        right: tuple[Value, bool],
        root: Statement,
        result: Value | None,
    ) -> tuple[Value, bool]:
        """The product of two parts, each a matrix, a column, a row or a number."""
        (x, x_row), (y, y_row) = left, right
        call: Callable[..., Value] = self.writer.call
        if x.ndim == 0 or y.ndim == 0:
            (other, flag), factor = (right, x) if x.ndim == 0 else (left, y)
            other, flag = self.turned(other, flag, root), flag and other.ndim == 1
            return call(MUL, [other, factor], other.shape, like=root, result=result), flag
        if x.ndim == 1 and y.ndim == 1 and not x_row and y_row:
            return call(OUTER, [x, y], (x.size, y.size), like=root, result=result), False
        x, y = self.turned(x, x_row, root), self.turned(y, y_row, root)
        value = self.writer.matmul(x, y, root, result)
        return value, x.ndim == 1 and value.ndim == 1

    def turned(self, value: Value, flag: bool, like: Statement) -> Value:
        """A matrix or its transpose; a vector as it is."""
        return self.writer.transpose(value, like) if flag and value.ndim > 1 else value
