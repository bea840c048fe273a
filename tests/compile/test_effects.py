"""Calls that raise for the numbers they get stay in the program, whether or not they are read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.compile.effects import forward_may_raise
from tests.samples import SAMPLES

F, linalg = mg.nn.functional, mg.linalg
rng = np.random.default_rng(0)


def positive(seed: int) -> mg.Tensor:
    a = np.random.default_rng(seed).standard_normal((3, 3))
    return mg.tensor(a @ a.T + np.eye(3))


@mg.op()
def checked(x: Any) -> Any:
    """The number itself, if it is positive."""
    if not (x > 0).all():
        raise ValueError("not positive")
    return x * 1


def unread(function: Any) -> Any:
    def program(x: Any, *more: Any) -> Any:
        function(x, *more)
        return x * 2

    return program


SINGULAR = mg.tensor(np.ones((3, 3)))
INDEFINITE = mg.tensor(np.diag([1.0, -1.0, 1.0]))
# what is called, arguments on which it works, and one set on which it raises
RAISING: dict[str, tuple[Any, Any, tuple[Any, ...]]] = {
    "inv": (unread(linalg.inv), lambda i: (positive(i),), (SINGULAR,)),
    "solve": (unread(lambda a: linalg.solve(a, a)), lambda i: (positive(i),), (SINGULAR,)),
    "inv, multiplied": (
        unread(lambda a: linalg.inv(a) @ a[0]), lambda i: (positive(i),), (SINGULAR,)),
    "cholesky": (unread(linalg.cholesky), lambda i: (positive(i),), (INDEFINITE,)),
    "inv in a loss": (
        lambda a: (linalg.inv(a), (a * a).sum())[1], lambda i: (positive(i),), (SINGULAR,)),
    "embedding": (
        unread(lambda x, i: F.embedding(i, x)),
        lambda i: (positive(i), mg.tensor([0, i])), (positive(0), mg.tensor([0, -1]))),
    "probabilities": (
        unread(lambda x: F.binary_cross_entropy(x, x)),
        lambda i: (positive(i).sigmoid(),), (INDEFINITE,)),
    "cross_entropy": (
        unread(F.cross_entropy),
        lambda i: (positive(i), mg.tensor([0, 1, i])), (positive(0), mg.tensor([0, 1, 3]))),
    "getitem": (
        unread(lambda x, i: x[i]),
        lambda i: (positive(i), mg.tensor([0, i])), (positive(0), mg.tensor([0, 3]))),
    "an op of the user's": (unread(checked), lambda i: (positive(i).abs(),), (INDEFINITE,)),
}  # fmt: skip


@pytest.mark.parametrize("algebra", [True, False])
@pytest.mark.parametrize("requires_grad", [True, False])
@pytest.mark.parametrize("name", RAISING)
def test_a_call_that_nobody_reads_raises_as_without_the_compiler(name, requires_grad, algebra):
    function, good, bad = RAISING[name]
    compiled = mg.compile(function, algebra=algebra)
    for i in range(3):
        x, *more = good(i)
        x = x.detach().requires_grad_(requires_grad)
        np.testing.assert_allclose(
            compiled(x, *more).detach().numpy(), function(x, *more).detach().numpy(), rtol=1e-12
        )
    x, *more = bad
    x = x.detach().requires_grad_(requires_grad)
    kinds = []
    for each in (function, compiled):
        with pytest.raises((ValueError, IndexError, np.linalg.LinAlgError)) as caught:
            each(x, *more)
        kinds.append(type(caught.value))
    assert issubclass(kinds[0], kinds[1])  # eager adds PyTorch's RuntimeError to some of NumPy's
    assert len(compiled.programs) == 1


def test_what_cannot_raise_is_left_out():
    def program(x: Any) -> Any:
        (x @ x).tanh().sum(), x.T, mg.stack([x, x]), F.softmax(x, 0), x[0, 1:]
        return x * 2

    compiled = mg.compile(program)
    compiled(positive(0))
    assert len(compiled.programs[0].program.statements) == 1


def test_the_ops_that_document_a_linalg_error_are_found():
    documented = set()
    for sample in SAMPLES:
        op = getattr(sample.op, "op", None)
        raises = (sample.op.__doc__ or "").partition("Raises")[2].partition("Source")[0]
        if op is not None and "LinAlgError" in raises.replace("LinAlgError in backward", ""):
            documented.add(op)
    assert {op.name for op in documented} > {"inv", "cholesky", "eig"}
    assert {op.name for op in documented if not forward_may_raise(op)} == set()
