"""The gradient checker as a function of PyTorch, its reports, assertions and strategies."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import GradientError, Verdict, check_gradients, check_vjp
from tests.gradcheck_cases import draw, op_with

ROOT = Path(__file__).parent.parent


# ----------------------------------------------------------------------- gradcheck, and its reports


def test_gradcheck_passes_or_raises_shortly() -> None:
    x = draw(3, 4).requires_grad_()
    assert mg.gradcheck(lambda x: mg.exp(x), x)
    assert mg.autograd.gradcheck(lambda x: mg.exp(x), x, eps=1e-6, atol=1e-5, rtol=1e-3)
    wrong = op_with(lambda g, x: -3 * g * x * x)
    assert not mg.gradcheck(wrong, x, raise_exception=False)
    with pytest.raises(GradientError, match="sign is flipped") as caught:
        mg.gradcheck(wrong, x)
    message = str(caught.value)
    worst = caught.value.report.worst()
    assert message.splitlines()[0].endswith(str(worst))
    assert "correct" in message
    assert "wrong" in message
    assert len(message.splitlines()) < 10
    assert isinstance(caught.value, RuntimeError)
    assert isinstance(caught.value, AssertionError)


def test_given_tolerances_are_used() -> None:
    x = draw(3).requires_grad_()
    wrong = op_with(lambda g, x: 3.03 * g * x * x)
    assert mg.gradcheck(wrong, x, rtol=0.05)
    assert not mg.gradcheck(wrong, x, rtol=0.001, raise_exception=False)
    assert mg.gradcheck(wrong, x, eps=1e-6, rtol=0.05)
    assert not mg.gradcheck(wrong, x, eps=1e-6, rtol=1e-3, raise_exception=False)


@mg.op(lambda g, x: g * 2 * np.where(x == x, x, x).copy() if type(x) is np.ndarray else g * x * x)
def _right_first_wrong_second(x):
    return x * x


def test_gradgradcheck_checks_the_second_derivative() -> None:
    x = draw(3).requires_grad_()
    assert mg.gradgradcheck(lambda x: mg.exp(x * x), x)
    assert mg.gradgradcheck(lambda x, y: x @ y, (draw(2, 3), draw(3, 2, seed=1)))
    assert mg.gradcheck(_right_first_wrong_second, x)
    assert not mg.gradgradcheck(_right_first_wrong_second, x, raise_exception=False)


class _CutOff(mg.autograd.Function):
    """A square whose gradient is right, and loses its own."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        return 2 * g * ctx.saved_tensors[0].detach()


@pytest.mark.parametrize(
    ("square", "outcome", "names"),
    [
        (
            _right_first_wrong_second,
            "could not be checked",
            "the gradient of rows that create_graph",
        ),
        (
            _CutOff.apply,
            "is wrong",
            "out[0] is the gradient of rows, out[1] is the gradient of col",
        ),
    ],
)
def test_a_failed_gradgradcheck_says_that_it_is_the_second_derivative(
    square, outcome: str, names: str
) -> None:
    def function(rows, columns):
        return mg.sin(columns) * square(rows)

    with pytest.raises(GradientError) as caught:
        mg.gradgradcheck(function, (draw(3), draw(3, seed=1)))
    words = str(caught.value)
    assert words.startswith(f"the second derivative {outcome}")
    assert f"the second derivative {outcome}" in caught.value.report.to_html()
    assert names in words
    assert "input 0" not in words
    with pytest.raises(GradientError, match=r"^the gradient is wrong"):
        mg.gradcheck(op_with(lambda g, x: g * x), draw(3))


def test_reports_read_well_as_text_and_as_a_page() -> None:
    wrong = op_with(lambda g, x: -3 * g * x * x)
    report = check_gradients(lambda x: wrong(x), mg.tensor([[0.5, 2.0]], dtype=mg.float64))
    text, page = report.to_text(), report.to_html()
    assert "-12" in text
    assert "sign is flipped" in text
    assert page.count("<table") == 3
    assert page == report._repr_html_()
    assert "sign is flipped" in page
    assert "WRONG" in repr(report)
    entry = report.worst()
    assert entry.numeric == pytest.approx(-entry.analytic)
    assert entry.verdict is Verdict.WRONG


def test_the_page_prints_the_numbers_of_a_small_jacobian_and_says_what_colours_mean() -> None:
    x = draw(2, 3)
    page = check_gradients(lambda x: 3 * x, x).to_html()
    assert page.count("<td") == 3 * 36
    assert page.count(">3</td>") == 2 * 6  # by both methods
    assert page.count(">correct</td>") == 36
    assert page.count("<th>x[1, 2]</th>") == 3
    for word in ("negative", "positive", "correct", "wrong", "kink", "inconclusive"):
        assert word in page.split("<h3>")[0]
    large = check_gradients(lambda x: 3 * x, draw(30)).to_html()
    assert large.count("<svg") == 3
    assert large.count("<rect") == 3 * 900
    assert "<table" not in large


@pytest.mark.parametrize(("i", "j"), [(0, 0), (59, 3), (33, 49)])
def test_the_page_of_a_large_jacobian_shows_the_worst_entry_and_what_is_around_it(
    i: int, j: int
) -> None:
    a = np.random.default_rng(0).standard_normal((60, 50))

    def vjp(g: Any, x: Any) -> Any:
        out = a.T @ g.ravel()
        out[j] += g.ravel()[i]
        return out.reshape(x.shape)

    report = check_vjp(lambda x: (a @ x.ravel()).reshape(6, 10), vjp, np.zeros((5, 10)))
    worst, page = report.worst(), report.to_html()
    assert worst.output_index == divmod(i, 10)
    assert worst.input_index == divmod(j, 10)
    assert page.count(f"<title>{worst}</title>") == 3  # in each of the three maps
    assert page.count("<title>") == 3 * 40 * 40
    pattern = ", ".join([r"(\d+)"] * 2)
    ends = re.search(
        rf"out\[{pattern}\] to out\[{pattern}\] and x\[{pattern}\] to x\[{pattern}\], around", page
    )
    row, row_end, column, column_end = np.array(ends.groups(), int).reshape(4, 2) @ [10, 1]
    assert row <= i <= row_end == row + 39
    assert column <= j <= column_end == column + 39
    for x, y, size in re.findall(r'class="worst" x="(\d+)" y="(\d+)" width="(\d+)"', page):
        assert int(y) // int(size) == i - row
        assert int(x) // int(size) == j - column
    assert f'text-anchor="end" dominant-baseline="central">{row // 10},{row % 10}<' in page


def test_the_page_has_colours_for_dark_screens() -> None:
    page = check_gradients(lambda x: 3 * x, draw(2)).to_html()
    light, dark = re.search(r"(.*)@media \(prefers-color-scheme: dark\)(.*?)}", page, re.S).groups()
    used = set(re.findall(r"var\(--(\w+)\)", page))
    for part in (light, dark):
        assert used <= set(re.findall(r"--(\w+): #", part))


def test_the_page_has_the_colours_of_the_pages_of_explain() -> None:
    css = (ROOT / "minigrad" / "visualize" / "page" / "page.css").read_text(encoding="utf-8")
    shades = {
        sign: tuple(map(int, re.search(rf"--{sign}: (\d+), (\d+), (\d+);", css).groups()))
        for sign in ("positive", "negative")
    }
    page = check_gradients(lambda x: x * mg.tensor([2.0, -2.0]), draw(2)).to_html()
    for sign, shade in shades.items():
        (cell,) = {
            c
            for c, n in re.findall(r"background:rgb\(([\d,]+)\)\">(.?2)<", page)
            if (n == "2") == (sign == "positive")
        }
        found = np.array(cell.split(","), int) - 255
        np.testing.assert_allclose(found / (np.array(shade) - 255), 0.6, atol=0.02)


# --------------------------------------------------------------------------------------- assertions


def test_assert_close_names_the_worst_entry() -> None:
    a = np.arange(6.0).reshape(2, 3)
    mg.testing.assert_close(mg.tensor(a), a + 1e-9)
    with pytest.raises(AssertionError, match=r"1 of 6 .* \(1, 2\).*5\.0.*expected.*5\.5"):
        mg.testing.assert_close(a, a + 0.5 * (a == 5))
    with pytest.raises(AssertionError, match="dtype"):
        mg.testing.assert_close(a, a.astype("float32"))
    with pytest.raises(AssertionError, match="shape"):
        mg.testing.assert_close(a, a.T)
    with pytest.raises(AssertionError):
        mg.testing.assert_close(np.array([np.nan]), np.array([np.nan]))
    mg.testing.assert_close(np.array([np.nan]), np.array([np.nan]), equal_nan=True)


def test_assert_gradients_close() -> None:
    x, w = draw(3).requires_grad_(), draw(3, seed=1).requires_grad_()
    y = (x * w).sum()
    want = w.detach().numpy(), x.detach().numpy()
    mg.testing.assert_gradients_close(y, [x, w], want)
    with pytest.raises(AssertionError, match="input 1"):
        mg.testing.assert_gradients_close(y, [x, w], (want[0], 2 * want[1]))
    with pytest.raises(AssertionError, match="is not None"):
        mg.testing.assert_gradients_close(y, [x, w], (want[0], None))


# ---------------------------------------------------------------------------- Hypothesis strategies


def test_strategies_draw_what_they_say() -> None:
    hypothesis = pytest.importorskip("hypothesis")
    strategies = mg.testing.strategies

    @hypothesis.settings(max_examples=50, deadline=None, database=None)
    @hypothesis.given(strategies.broadcastable_shapes(), strategies.well_spaced_arrays(scale=10.0))
    def check(pair: Any, array: np.ndarray) -> None:
        np.broadcast_shapes(*pair)
        flat = np.sort(np.append(array.ravel(), 0))
        assert np.all(np.diff(flat) >= 0.499)

    check()


# ------------------------------------------------------------------- found by trying to break it


def test_an_infinite_entry_is_inconclusive_and_ends() -> None:
    report = mg.testing.check_gradients(lambda x: x * x, mg.tensor(np.array([np.inf, 1.0])))
    verdicts = report.to_text()
    assert report.ok
    assert "inconclusive" in verdicts


@pytest.mark.parametrize("right", [True, False])
def test_a_backward_pass_may_edit_its_cotangent(right: bool) -> None:
    """``g *= ...; return g`` is how people write it; it is judged by its numbers alone."""

    def backward(g: np.ndarray, x: np.ndarray) -> np.ndarray:
        return np.multiply(g, (2 if right else 3) * x, out=g)

    report = mg.testing.check_vjp(lambda x: x * x, backward, (np.array([-1.0, 0.5, 2.0]),))
    assert report.ok == right
    assert "not linear" not in report.to_text()


@pytest.mark.parametrize("check", [mg.gradcheck, mg.gradgradcheck])
def test_pytorchs_other_options_are_taken_or_refused(check: Any) -> None:
    x = draw(3).requires_grad_()
    harmless = {"nondet_tol": 1e-8, "check_undefined_grad": False, "fast_mode": True}
    assert check(lambda x: mg.exp(x), x, check_batched_grad=False, masked=None, **harmless)
    for asked in ({"check_batched_grad": True}, {"masked": True}, {"check_forward_ad": True}):
        with pytest.raises(NotImplementedError, match="is not supported"):
            check(lambda x: mg.exp(x), x, **asked)
    with pytest.raises(TypeError, match="unexpected keyword argument 'tolerance'"):
        check(lambda x: mg.exp(x), x, tolerance=1e-3)


def test_gradgradcheck_refuses_what_has_no_derivative() -> None:
    for fn, x in ((lambda x: x * 2, mg.tensor([1, 2])), (lambda x: x.long(), draw(3))):
        with pytest.raises(TypeError, match="floating-point tensor"):
            mg.gradgradcheck(fn, x)
