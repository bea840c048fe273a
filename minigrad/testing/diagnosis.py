"""What is wrong with a gradient: hypotheses, each tested against the numeric Jacobian.

A hypothesis says what a mistaken backward pass would have returned, had the Jacobian been the
numeric
one.  Those that reproduce the analytic Jacobian in every entry that can be judged are named.  The
first group explains the whole; the second explains where the errors are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.testing.report import Diagnosis
from minigrad.testing.verdicts import Jacobian, Verdict

Array = Any


class Mistake(NamedTuple):
    kind: str
    text: str


FIT = 1e-5  # relative difference up to which a hypothesis reproduces the gradient


class Case:
    """One wrong Jacobian, and how well a supposed one fits it."""

    def __init__(self, jacobian: Jacobian) -> None:
        self.jacobian = jacobian
        self.a, self.n = jacobian.analytic, jacobian.numeric
        self.x, self.y = jacobian.x, jacobian.y
        self.wrong = jacobian.verdict == Verdict.WRONG
        self.known = self.wrong | (jacobian.verdict == Verdict.CORRECT)
        self.known &= np.isfinite(self.a) & np.isfinite(self.n)
        self.typical = float(np.max(abs(self.n[self.known]), initial=0.0))
        self.error = np.where(np.isfinite(jacobian.error), jacobian.error, 0.0)

    def fits(self, supposed: Array, where: Array | None = None) -> bool:
        """Whether `supposed` is the analytic Jacobian, in all judged entries or in `where`."""
        judged = self.known if where is None else self.known & where
        judged = judged & np.isfinite(supposed)
        if not np.any(judged & self.wrong) or np.any(
            self.wrong & self.known & ~judged & (True if where is None else where)
        ):
            return False
        a, s = self.a[judged], supposed[judged]
        allowed = FIT * np.fmax(abs(a), abs(s)) + 40 * self.error[judged] + 1e-9 * self.typical
        return bool(np.all(abs(a - s) <= allowed))


def diagnose(jacobians: Sequence[Jacobian]) -> list[Diagnosis]:
    """The diagnoses for every Jacobian that has wrong entries."""
    found = []
    for jacobian in jacobians:
        case = Case(jacobian)
        if not case.wrong.any():
            continue
        mistakes = list(explain(case, jacobians)) or [Mistake("unknown", describe(case))]
        name = f"gradient of {jacobian.input}"
        if jacobian.output != "out":
            name += f" from {jacobian.output}"
        for kind, text in mistakes:
            found.append(Diagnosis(kind, f"{name}: {text}", jacobian.input, jacobian.output))
    return found


def explain(case: Case, jacobians: Sequence[Jacobian]) -> Iterator[Mistake]:
    """The mistakes that fit: those of the whole Jacobian, or those of a part and where it is."""
    if not np.isfinite(case.a[case.wrong]).all():
        yield Mistake("non-finite", "it is not finite where finite differences are")
        return
    whole = list(whole_mistakes(case, jacobians))
    yield from whole
    if any(mistake.kind != "missing sum" for mistake in whole):
        return  # a lost slice of the input can look like a missing sum: then the place is told, too
    for kind, text, where in places_of(case):
        within = [m for m in (zero(case, where), factor(case, where)) if m is not None]
        within = within or list(chain_factors(case, where))
        there = f"; there {within[0].text}" if within else ""
        yield Mistake(kind, f"wrong only {text}{there}")


def whole_mistakes(case: Case, jacobians: Sequence[Jacobian]) -> Iterator[Mistake]:
    for mistake in (zero(case), factor(case)):
        if mistake is not None:
            yield mistake
            if mistake.kind == "zero":
                return
    yield from of_another_input(case, jacobians)
    yield from rearranged(case)
    yield from missing_sum(case)
    yield from chain_factors(case)
    yield from cross_terms(case)


# ----------------------------------------------------------------------------------- simple factors


def zero(case: Case, where: Array | None = None) -> Mistake | None:
    inside = case.known if where is None else case.known & where
    if np.any(inside & case.wrong) and not np.any(case.a[inside]):
        return Mistake("zero", "it is zero: nothing is propagated")
    return None


def factor(case: Case, where: Array | None = None) -> Mistake | None:
    """A constant factor, the sign included."""
    inside = case.known if where is None else case.known & where
    a, n = case.a[inside], case.n[inside]
    weight = abs(n) > 1e-3 * np.max(abs(n), initial=0.0)
    if not weight.any():
        return None
    c = float(np.median(a[weight] / n[weight]))
    if c == 0 or not case.fits(c * case.n, where):
        return None
    nice = nearest_simple(c, counts(case))
    c = nice if nice is not None else c
    if c == -1:
        return Mistake("sign", "the sign is flipped")
    return Mistake("factor", factor_text(c, case))


def counts(case: Case) -> list[int]:
    """Numbers that a mean or a sum may have to do with: sizes of axes and of the whole."""
    x, y = case.x, case.y
    sizes = {2, 3, 4, x.size, y.size, *x.shape, *y.shape}
    sizes.update(size for other in case.jacobian.others.values() for size in other.shape)
    if y.size and x.size % y.size == 0:
        sizes.add(x.size // y.size)
    for shape in (x.shape, y.shape):
        for i in range(len(shape)):
            for j in range(i + 1, len(shape)):
                sizes.add(shape[i] * shape[j])
    return sorted(size for size in sizes if size > 1)


def nearest_simple(c: float, sizes: list[int]) -> float | None:
    candidates = [1.0, *map(float, sizes), *(1 / s for s in sizes)]
    for value in candidates:
        for signed in (value, -value):
            if abs(c - signed) <= 1e-5 * abs(signed):
                return signed
    return None


def factor_text(c: float, case: Case) -> str:
    sign = " and the sign is flipped" if c < 0 else ""
    c = abs(c)
    if abs(c - 1) < 0.05:
        return f"it is {abs(c - 1):.2g} of its value too {'large' if c > 1 else 'small'}{sign}"
    n, m = round(c), round(1 / c)
    sizes = counts(case)
    if n > 1 and abs(c - n) < 1e-6 * n:
        text = f"it is {n} times too large{sign}"
        if n in sizes and n > 2:
            text += f": a mean over {n} is missing its 1/{n}, or a sum is taken {n} times"
        return text
    if m > 1 and abs(1 / c - m) < 1e-6 * m:
        text = f"it is 1/{m} of what it should be{sign}"
        if m == 2:
            text += ": a factor 2 is missing, or one of two contributions of an input used twice"
        elif m in sizes:
            text += f": a mean over {m} is taken where a sum belongs, or a factor {m} is missing"
        return text
    return f"it is {c:.6g} times what it should be{sign}"


# ---------------------------------------------------------------------- right numbers, wrong places


def of_another_input(case: Case, jacobians: Sequence[Jacobian]) -> Iterator[Mistake]:
    here = case.jacobian
    for other in jacobians:
        if other is here or other.output != here.output or other.x.size != here.x.size:
            continue
        for sign, words in ((1.0, "is"), (-1.0, "is minus")):
            if np.any(other.numeric) and case.fits(sign * other.numeric):
                text = f"it {words} the gradient of {other.input}: the two are swapped"
                yield Mistake("other input", text)


def rearranged(case: Case) -> Iterator[Mistake]:
    """Transposed, or shifted along an axis of the input."""
    shape, m = case.x.shape, len(case.n)
    grid = case.n.reshape(m, *shape)
    if len(shape) >= 2:
        flipped = np.swapaxes(grid, -1, -2)
        if flipped.shape == grid.shape and case.fits(flipped.reshape(m, -1)):
            yield Mistake("transposed", "it is transposed")
        elif flipped.shape != grid.shape and case.fits(flipped.reshape(m, -1)):
            yield Mistake("transposed", "it is transposed, and read back into the input's shape")
        elif len(shape) > 2 and case.fits(
            grid.transpose(0, *range(len(shape), 0, -1)).reshape(m, -1)
        ):
            yield Mistake("transposed", "all its axes are reversed")
    yield from transposed_operand(case)
    for shift in (1, -1):
        for axis, size in enumerate(shape):
            if size > 1 and case.fits(np.roll(grid, shift, axis + 1).reshape(m, -1)):
                way = "one place down" if shift == 1 else "one place up"
                yield Mistake("shifted", f"it is off by one along axis {axis} ({way}, cyclically)")
                return
            if size > 2 and case.fits(moved(grid, shift, axis + 1).reshape(m, -1)):
                yield Mistake(
                    "shifted", f"it is off by one along axis {axis}, the end filled with 0"
                )
                return
    for axis, size in enumerate(shape):
        if size > 1 and case.fits(np.flip(grid, axis + 1).reshape(m, -1)):
            yield Mistake("reversed", f"it is reversed along axis {axis}")
            return


def transposed_operand(case: Case) -> Iterator[Mistake]:
    """``g @ w`` for ``g @ w.T``: an axis of the output and one of the input change places."""
    y_shape, x_shape = case.y.shape, case.x.shape
    whole = case.n.reshape(*y_shape, *x_shape)
    for i, size in enumerate(y_shape):
        for j, other in enumerate(x_shape):
            swapped = np.swapaxes(whole, i, len(y_shape) + j)
            if size == other > 1 and case.fits(swapped.reshape(case.n.shape)):
                text = "a matrix that it is multiplied by must be transposed (g @ w or g @ w.T?)"
                yield Mistake("transposed", text)
                return


def moved(grid: Array, shift: int, axis: int) -> Array:
    out = np.roll(grid, shift, axis)
    edge = [slice(None)] * grid.ndim
    edge[axis] = slice(0, 1) if shift == 1 else slice(-1, None)
    out[tuple(edge)] = 0
    return out


def missing_sum(case: Case) -> Iterator[Mistake]:
    """A broadcast input gets the gradient of one slice, or the mean, instead of the sum."""
    x_shape, y_shape = case.x.shape, case.y.shape
    n = case.n.reshape(*y_shape, -1) if y_shape else None
    if n is None:
        return
    lead = len(y_shape) - len(x_shape)
    for axis, size in enumerate(y_shape):
        stretched = axis < lead or (lead >= 0 and x_shape[axis - lead] == 1)
        if size < 2 or not stretched:
            continue
        for k, which in ((0, "first"), (size - 1, "last")):
            only = np.zeros_like(n)
            here = (slice(None),) * axis + (k,)
            only[here] = n[here]
            if case.fits(only.reshape(case.n.shape)):
                text = (
                    f"the sum over the broadcast axis {axis} (of size {size}) is missing: only the "
                    f"{which} slice arrives"
                )
                yield Mistake("missing sum", text)


def cross_terms(case: Case) -> Iterator[Mistake]:
    """A square Jacobian of which only the diagonal is there, or an identity."""
    if case.a.shape[0] != case.a.shape[1] or case.a.shape[0] < 2:
        return
    diagonal = np.eye(len(case.a), dtype=bool)
    if case.fits(np.eye(len(case.a))):
        text = "the cotangent is passed on as it is: the derivative of the op itself is missing"
        yield Mistake("identity", text)
    elif case.fits(np.where(diagonal, case.n, 0)):
        text = "only the effect of an entry on its own place is there; the cross terms are missing"
        yield Mistake("cross terms", text)


# ------------------------------------------------------------------------------- chain-rule factors


def chain_factors(case: Case, where: Array | None = None) -> Iterator[Mistake]:
    """A factor that is missing, or that is there once too often: x, out, 1 - out², ..."""
    found = 0
    for text, values in factor_candidates(case):
        with np.errstate(all="ignore"):
            usable = np.isfinite(values) & (values != 0)
            if not usable.any() or np.ptp(values[usable]) <= 1e-9 * np.max(abs(values[usable])):
                continue  # a constant: `factor` has said so
            if case.fits(np.where(usable, case.n / values, np.nan), joined(where, usable)):
                yield Mistake("chain", f"a factor {text} is missing (chain rule)")
                found += 1
            elif case.fits(case.n * values, where):
                yield Mistake("chain", f"there is a factor {text} too many")
                found += 1
        if found == 2:
            return


def joined(where: Array | None, usable: Array) -> Array | None:
    if usable.all():
        return where
    return usable if where is None else where & usable


FUNCTIONS: list[tuple[str, Callable[[Array], Array]]] = [
    ("{0}", lambda v: v),
    ("1 - {0}²", lambda v: 1 - v * v),
    ("{0} (1 - {0})", lambda v: v * (1 - v)),
    ("1 - {0}", lambda v: 1 - v),
    ("1 + {0}²", lambda v: 1 + v * v),
    ("{0}²", lambda v: v * v),
    ("cos({0})", np.cos),
    ("sin({0})", np.sin),
    ("exp({0})", np.exp),
    ("sign({0})", np.sign),
]


def factor_candidates(case: Case) -> Iterator[tuple[str, Array]]:
    """Named factors, each as an array that broadcasts to the Jacobian."""
    m, n = case.n.shape
    sources: list[tuple[str, Array]] = [
        (case.jacobian.input, np.broadcast_to(case.x.reshape(1, n), (m, n))),
        (case.jacobian.output, np.broadcast_to(case.y.reshape(m, 1), (m, n))),
    ]
    for name, other in case.jacobian.others.items():
        if other.shape == case.x.shape:
            sources.append((name, np.broadcast_to(other.reshape(1, n), (m, n))))
        try:
            along_output = np.broadcast_to(other, case.y.shape).reshape(m, 1)
            sources.append((name, np.broadcast_to(along_output, (m, n))))
        except ValueError:
            pass
    for text, function in FUNCTIONS:
        for name, values in sources:
            with np.errstate(all="ignore"):
                yield text.format(name), function(values)


# -------------------------------------------------------------------------------- where it is wrong


def places_of(case: Case) -> Iterator[tuple[str, str, Array]]:
    """Where all the wrong entries are, and none of the right ones that matter."""
    m, n = case.n.shape
    x = np.broadcast_to(case.x.reshape(1, n), (m, n))
    y = np.broadcast_to(case.y.reshape(m, 1), (m, n))
    flat = case.x.reshape(-1)
    tied = (flat[:, None] == flat[None, :]).sum(axis=0) > 1
    named = [
        ("where negative", f"where {case.jacobian.input} is negative", x < 0),
        ("where positive", f"where {case.jacobian.input} is positive", x > 0),
        ("where zero", f"where {case.jacobian.input} is zero", x == 0),
        ("where tied", f"where entries of {case.jacobian.input} are equal", x * 0 + tied > 0),
        ("where negative", f"where {case.jacobian.output} is negative", y < 0),
        ("where positive", f"where {case.jacobian.output} is positive", y > 0),
    ]
    for axis, size in enumerate(case.x.shape):
        place = np.indices(case.x.shape)[axis].reshape(1, n)
        for k in sorted({0, size - 1}):
            if size > 1:
                text = f"at position {k} of axis {axis} of {case.jacobian.input}"
                named.append(("one slice", text, np.broadcast_to(place == k, (m, n))))
    for kind, text, where in named:
        if not where.all() and explains_place(case, where):
            yield kind, text, where


def explains_place(case: Case, where: Array) -> bool:
    """Whether entries are wrong in `where` and nowhere else, and mostly wrong in it."""
    if np.any(case.wrong & ~where):
        return False
    matters = case.known & where & (abs(case.n) > 1e-6 * case.typical)
    return bool(np.count_nonzero(case.wrong & where) >= 0.9 * np.count_nonzero(matters))


def describe(case: Case) -> str:
    """No hypothesis fits: how many entries are wrong, and where they are."""
    m, n = case.wrong.shape
    columns, rows = case.wrong.any(axis=0).sum(), case.wrong.any(axis=1).sum()
    return (
        f"{np.count_nonzero(case.wrong)} of {m * n} entries are wrong, for {columns} of {n} input "
        f"entries and {rows} of {m} output entries; none of the usual mistakes explains them"
    )
