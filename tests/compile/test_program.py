"""Programs: the interpreter gives what the ops give, and the check finds what is out of order."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.compile.program import Builder, Program, run
from minigrad.ops import indexing, joining
from minigrad.ops.neural import cross_entropy

rng = np.random.default_rng(0)


def two_layers() -> tuple[Program, np.ndarray, np.ndarray]:
    x, labels = rng.standard_normal((5, 3)), np.array([0, 1, 1, 0, 1])
    b = Builder()
    given, target = b.input("x", x), b.input("target", labels)
    w = b.parameter("w", rng.standard_normal((4, 3)))
    v = b.parameter("v", rng.standard_normal((2, 4)))
    hidden = b(mg.tanh, b(mg.linear, given, w, None), name="hidden")
    loss = b(cross_entropy, b(mg.linear, hidden, v, None), target, name="loss")
    return b.program(loss, hidden, updates=[(w, b(mg.mul, w, 0.5))]), x, labels


def test_the_interpreter_gives_what_the_ops_give():
    program, x, labels = two_layers()
    w, v = [value.array for value in program.values() if value.kind == "parameter"]
    (loss, hidden), (new,) = run(program, [x, labels])
    expected = mg.tanh(mg.tensor(x) @ mg.tensor(w).T)
    np.testing.assert_array_equal(hidden, expected.numpy())
    scores = (expected @ mg.tensor(v).T).numpy()
    logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
    np.testing.assert_allclose(loss, -logs[np.arange(5), labels].mean(), rtol=1e-13)
    np.testing.assert_array_equal(new, w * 0.5)
    doubled = run(program, [x, labels], {program.updates[0][0]: 2 * w})
    np.testing.assert_array_equal(doubled[1][0], w)


def test_lists_of_tensors_and_values_in_statics():
    x, rows = rng.standard_normal((4, 2)), np.array([2, 0])
    b = Builder()
    given, index = b.input("x", x), b.input("rows", rows)
    joined = b(joining._cat, (given, given), 1, ((4, 2), (4, 2)))
    picked = b(indexing._getitem, joined, (index, slice(None)))
    program = b.program(picked)
    assert program.statements[1].reads() == [joined, index]
    np.testing.assert_array_equal(run(program, [x, rows])[0][0], np.hstack([x, x])[rows])
    np.testing.assert_array_equal(run(program, [x, rows + 1])[0][0], np.hstack([x, x])[rows + 1])


def test_check_refuses_a_value_before_its_statement():
    program, _, _ = two_layers()
    program.check()
    backwards = program.with_statements(reversed(program.statements))
    with pytest.raises(AssertionError, match="reads"):
        backwards.check()
    missing = program.with_statements(program.statements[:-1])
    with pytest.raises(AssertionError, match="never computed"):
        missing.check()
    twice = program.with_statements([*program.statements, program.statements[0]])
    with pytest.raises(AssertionError, match="computed twice"):
        twice.check()
