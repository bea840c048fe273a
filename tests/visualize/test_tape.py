"""The graph as text."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests.visualize.graphs import leaf, small_graph


def test_tape_before_backward() -> None:
    loss, _, _ = small_graph()
    assert str(mg.visualize.tape(loss)) == (
        "x              1×2     float32  leaf           gradient not computed yet\n"
        "W              2×2     float32  leaf           gradient not computed yet\n"
        "t1 = x @ W     1×2     float32  keeps 24 B     gradient not computed yet\n"
        "t2 = relu(t1)  1×2     float32  keeps 8 B      gradient not computed yet\n"
        "loss = Σ t2    scalar  float32  keeps nothing  gradient not computed yet"
    )


def test_tape_after_backward() -> None:
    with mg.visualize.record_values():
        loss, _, _ = small_graph()
    loss.backward()
    assert "freed" not in str(mg.visualize.tape(loss)), "its numbers are still there"
    lines = mg.visualize.tape(loss).lines
    assert lines[0].endswith("‖x̄‖ = 1")
    assert lines[1].endswith("‖W̄‖ = 2.236")
    assert lines[3].strip() == "↳ x̄ = t̄1 Wᵀ   W̄ = xᵀ t̄1"
    assert lines[5].strip().startswith("↳ t̄1 = ")


@pytest.mark.parametrize("slope", [-4.0, 0.0, 3.0])
def test_the_tape_shows_a_gradient_of_one_number_with_its_sign(slope: float) -> None:
    a = leaf(-3.0, "a")
    (a * slope).backward()
    assert mg.visualize.tape(a * slope).lines[0].endswith(f"ā = {slope:g}")


def test_the_tape_adds_up_what_several_ops_send() -> None:
    a, b = leaf(3.0, "a"), leaf(2.0, "b")
    with mg.visualize.record_values():
        loss = a * a + mg.exp(a) * b
    loss.backward()
    said = " ".join(mg.visualize.tape(loss).lines)
    assert said.count("ā += ") == 3
    assert "ā = " not in said.replace(mg.visualize.tape(loss).lines[0], "")
    assert said.count("b̄ = ") == 2, "the number, and the one formula"


def test_the_tape_says_what_was_overwritten_before_backward() -> None:
    x = leaf([1.0, 2.0], "x")
    loss = (mg.exp(x) * x).sum()
    with mg.no_grad():
        x += 1
    kept = {line.split(" = ")[0].strip(): line for line in mg.visualize.tape(loss).lines}
    assert "overwritten since" in kept["t2"]
    assert "overwritten" not in kept["t1"], "exp keeps its result"
    with pytest.raises(RuntimeError, match="in place"):
        loss.backward()
    assert "freed" not in str(mg.visualize.tape(loss))
    with pytest.raises(RuntimeError, match="changed in place"):
        mg.visualize.explain(loss, "page.html")


def test_long_tape_is_cut_and_says_so() -> None:
    x = leaf([1.0])
    y = x
    for _ in range(3_000):
        y = y * x
    lines = mg.visualize.tape(y).lines
    assert len(lines) == 401
    assert "2,601 lines left out: mul × 2,601" in lines[200]


@pytest.mark.parametrize("name", ["", " ", "\t"])
def test_a_blank_name_is_none(name: str) -> None:
    x = leaf([1.0], name)
    for names in ({}, {name: x}):
        lines = mg.visualize.tape((x * x).sum(), names=names).lines
        assert lines[1].startswith("t1 = x1 * x1")


@pytest.mark.parametrize(
    "number", [1.0001, 0.99999, 1.00001, -1.0001, 2.00001, np.float32(1.00002)]
)
def test_a_number_that_is_not_whole_does_not_read_so(number: float) -> None:
    x = leaf([1.0, 2.0], "x")
    for y in (x * number, x**number, x / number):
        formulas = [y_.formula for y_ in mg.visualize.describe(y).vertices if y_.formula]
        digits = re.findall(r"\d\.\d+", " ".join(formulas))
        assert [abs(np.float32(d)) for d in digits] == [abs(np.float32(number))]
        y.sum().backward()
    power = x**number
    power.sum().backward()
    said = mg.visualize.tape(power).lines[-1]
    assert re.search(r"x\^-?\d*\.?\d+(e-\d+)?$", said)
    assert not said.endswith(("^0", "^1"))


@pytest.mark.parametrize("retain", [False, True])
def test_the_tape_has_its_formulas_where_no_op_saves_anything(retain: bool) -> None:
    x = leaf([1.0, 2.0], "x")
    loss = (x + x).sum()
    loss.backward(retain_graph=retain)
    text = str(mg.visualize.tape(loss))
    assert "x̄ += t̄1" in text
    assert "freed" not in text, "there was nothing to free"


def test_a_function_is_written_without_its_context() -> None:
    class Square(mg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 2 * ctx.saved_tensors[0] * g

    x = mg.tensor([1.0, 2.0], requires_grad=True)
    assert "t1 = Square(x)" in str(mg.visualize.tape(Square.apply(x), names={"x": x}))
