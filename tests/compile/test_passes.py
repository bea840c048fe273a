"""Each pass leaves the results as they are, and does what it is for; the text computes the same."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.compile.lowering import lower
from minigrad.compile.passes.common import merge_common
from minigrad.compile.passes.dead import remove_dead
from minigrad.compile.passes.fold import fold_constants
from minigrad.compile.passes.simplify import simplify
from minigrad.compile.program import Builder, Program, run

PASSES = [remove_dead, merge_common, fold_constants, simplify]


def random_program(seed: int) -> tuple[Program, list[np.ndarray]]:
    """A few dozen calls on matrices: views, products, sums, elementwise, some of them twice."""
    rng = np.random.default_rng(seed)
    b = Builder()
    arrays = [rng.uniform(0.5, 1.5, (3, 3)) for _ in range(2)]
    values = [b.input(f"x{i}", array) for i, array in enumerate(arrays)]
    state = [b.state(f"s{i}", rng.uniform(0.5, 1.5, (3, 3))) for i in range(2)]
    values += [*state, b.constant("c", rng.uniform(0.5, 1.5, (3, 3)))]
    values.append(b.constant("ones", np.ones((3, 3))))
    unary = [mg.tanh, mg.T, mg.relu, mg.sqrt, mg.ops.shaping.reshape]
    binary = [mg.add, mg.mul, mg.sub, mg.matmul, mg.maximum]
    for _ in range(25):
        pick = [values[i] for i in rng.integers(0, len(values), 2)]
        if rng.random() < 0.4:
            op = unary[rng.integers(len(unary))]
            extra = ((3, 3),) if op is mg.ops.shaping.reshape else ()
            if op is mg.sqrt:
                pick[0] = b(mg.abs, pick[0])
            values.append(b(op, pick[0], *extra))
        else:
            op = binary[rng.integers(len(binary))]
            values.append(b(mg.tanh, b(op, *pick)))
    outputs = [values[i] for i in rng.integers(7, len(values), 2)]
    updates = [(old, values[i]) for old, i in zip(state, rng.integers(0, len(values), 2))]
    return b.program(*outputs, updates=updates), arrays


def results(program: Program, arrays: list[np.ndarray]) -> list[np.ndarray]:
    outputs, updates = run(program, arrays)
    return [*outputs, *updates]


@pytest.mark.parametrize("apply", PASSES, ids=lambda f: f.__name__)
def test_passes_leave_the_results(apply):
    changed = 0
    for seed in range(60):
        program, arrays = random_program(seed)
        after = apply(program).check()
        for a, b in zip(results(after, arrays), results(program, arrays), strict=True):
            np.testing.assert_array_equal(a, b)
        changed += len(after.statements) < len(program.statements)
    assert changed > 5


def test_the_text_computes_what_the_interpreter_computes():
    for seed in range(150):
        program, arrays = random_program(seed)
        if seed % 2:
            for apply in PASSES:
                program = apply(program)
        memory = {old: old.array.copy() for old, _ in program.updates}
        function = lower(program, arrays=memory).function()
        for _ in range(3):  # the second call starts from what the first left
            outputs, updates = run(program, arrays, memory)
            outputs, updates = [x.copy() for x in outputs], [x.copy() for x in updates]
            found = function(*arrays)
            for a, b in zip(found, outputs, strict=True):
                np.testing.assert_array_equal(a, b)
            for (old, _), new in zip(program.updates, updates):
                np.testing.assert_array_equal(memory[old], new)


def test_what_each_pass_is_for():
    b = Builder()
    x = b.input("x", np.ones((2, 3)))
    once, twice = b(mg.exp, x), b(mg.exp, x)
    b(mg.sin, x)
    one = b.constant("one", np.ones(()))
    turned = b(mg.T, b(mg.T, b(mg.mul, b(mg.add, once, twice), one)))
    sum_of_constants = b(mg.add, one, one)
    program = b.program(turned, sum_of_constants)
    counts = [len(program.statements)]
    for apply in (remove_dead, merge_common, simplify, fold_constants):
        program = apply(program)
        counts.append(len(program.statements))
    assert counts == [8, 7, 6, 4, 3]  # the inner transpose is dead then
    assert len(program.notes) == 4


def test_buffers_are_used_again():
    b = Builder()
    x = b.input("x", np.ones((100, 100)))
    y = x
    for _ in range(20):
        y = b(mg.tanh, b(mg.matmul, y, x))
    program = b.program(b(mg.sum, y))
    assert lower(program).buffers <= 3 * 100 * 100 * 8
