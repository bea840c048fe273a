"""Backward passes that keep something from one call to the next: named for what it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad.testing import Verdict, check_vjp

X = np.random.default_rng(0).standard_normal((3, 2))


class Square:
    """``w * x**2``, and backward passes of several kinds."""

    def __init__(self) -> None:
        self.w, self.calls = 1.0, 0
        self.dx = np.zeros_like(X)
        self.rng = np.random.default_rng(0)

    def forward(self, x: Any) -> Any:
        self.x = x.copy()
        return self.w * x**2

    def right(self, g: Any, x: Any) -> Any:
        return 2 * self.w * self.x * g

    def accumulates(self, g: Any, x: Any) -> Any:
        self.dx += self.right(g, x)
        return self.dx

    def updates(self, g: Any, x: Any) -> Any:
        dx = self.right(g, x)
        self.w -= 0.1 * float((g * x**2).sum())
        return dx

    def reads_garbage(self, g: Any, x: Any) -> Any:
        dx = np.empty_like(x)
        dx[:2] = self.right(g, x)[:2]
        return dx

    def draws(self, g: Any, x: Any) -> Any:
        return self.right(g, x) * (np.random.rand(*x.shape) > 0.5)  # noqa: NPY002

    def draws_its_own(self, g: Any, x: Any) -> Any:
        return self.right(g, x) * (self.rng.random(x.shape) > 0.5)

    def spoils_its_cache(self, g: Any, x: Any) -> Any:
        self.x *= 2
        return self.w * self.x * g

    def reads_the_call_before(self, g: Any, x: Any) -> Any:
        self.calls += 1
        return self.right(g, x) * (1 + self.calls % 2)


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("accumulates", "accumulates", "the gradient of x accumulates: each call adds"),
        ("updates", "changes forward", "changes what the forward pass uses"),
        ("reads_garbage", "uninitialised", "memory that nothing was written to"),
        ("draws", "random", "a mask drawn again"),
        ("draws_its_own", "non-deterministic", "draws random numbers, or reads"),
        ("spoils_its_cache", "changes cache", "a second call after one forward pass"),
        ("reads_the_call_before", "non-deterministic", "what a call before has left"),
    ],
)
def test_what_a_call_leaves_behind_is_named(name: str, kind: str, words: str) -> None:
    layer = Square()
    report = check_vjp(layer.forward, getattr(layer, name), X)
    assert not report.ok
    assert {diagnosis.kind for diagnosis in report.diagnoses} == {kind}
    assert words in str(report)


def test_a_layer_without_hidden_state_is_right() -> None:
    layer = Square()
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    assert check_vjp(layer.forward, layer.right, X).ok
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def masked(x: Any) -> Any:
    masked.mask = np.random.rand(*x.shape) > 0.5  # noqa: NPY002
    return x * masked.mask


@pytest.mark.parametrize("seed", [3, lambda: np.random.seed(3)])  # noqa: NPY002
def test_random_passes_are_checked_with_a_seed(seed: Any) -> None:
    kept = lambda g, x: g * masked.mask
    assert [d.kind for d in check_vjp(masked, kept, X).diagnoses] == ["non-deterministic"]
    assert check_vjp(masked, kept, X, seed=seed).ok
    again = lambda g, x: g * (np.random.rand(*x.shape) > 0.5)  # noqa: NPY002
    assert [d.kind for d in check_vjp(masked, again, X, seed=seed).diagnoses] == ["random"]


def test_what_could_mostly_not_be_judged_is_not_ok_unless_that_is_accepted() -> None:
    """Of four entries that are not zero, three are infinite."""
    f = lambda x: np.array([x[0], *np.sqrt(x[1:])])
    vjp = lambda g, x: np.where((x == 0) & (g != 0), np.inf, g)
    x = np.array([0.5, 0.0, 0.0, 0.0])
    report = check_vjp(f, vjp, x)
    assert report.count(Verdict.INCONCLUSIVE) == 3
    assert not report.ok
    assert "d out[1] / d x[1]" in str(report)
    assert check_vjp(f, vjp, x, accept_unverified=True).ok


def test_entries_that_pass_only_because_they_are_equal_are_named() -> None:
    ranks = lambda x: np.argsort(np.argsort(x, kind="stable"))
    report = check_vjp(np.sort, lambda g, x: g[ranks(x)], np.array([1.0, 1.0, 1.0, 0.0, 2.0]))
    assert "a[1]" in " ".join(note.text for note in report.notes if note.kind == "tie")
