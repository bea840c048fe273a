"""Hypotheses about a wrong Jacobian: what a mistaken backward pass would have returned.

Each turns the numeric Jacobian into what the mistake makes of it.  One that reproduces the analytic
Jacobian, the entries that are right included, fits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from minigrad.testing.verdicts import Jacobian, Verdict

Array = Any


class Mistake(NamedTuple):
    kind: str
    text: str


WHOLE = 100  # whole numbers, up to which a factor is called by one
FIT = 1e-5  # relative difference up to which a hypothesis reproduces the gradient
EXPLAINED = 0.1  # of the difference between both values, which is what there is to explain


class Case:
    """One wrong Jacobian, and how well a supposed one fits it.

    wrong      the wrong entries
    known      the entries that hypotheses must reproduce: those with a derivative, and a verdict
    right      those of them that are right, and not just zero
    """

    def __init__(self, jacobian: Jacobian) -> None:
        self.jacobian = jacobian
        self.a, self.n = jacobian.analytic, jacobian.numeric
        self.x, self.y = jacobian.x, jacobian.y
        self.wrong = jacobian.verdict == Verdict.WRONG
        correct = jacobian.verdict == Verdict.CORRECT
        self.known = (self.wrong | correct) & np.isnan(jacobian.left)
        self.known &= np.isfinite(self.a) & np.isfinite(self.n)
        self.typical = float(np.max(abs(self.n[self.known]), initial=0.0))
        error = np.where(np.isfinite(jacobian.error), jacobian.error, 0.0)
        size = np.fmax(abs(self.n), abs(self.a))
        self.right = self.known & correct & (size > 1e-6 * self.typical)
        self.slack = 40 * error + 1e-9 * self.typical
        with np.errstate(all="ignore"):
            self.difference = abs(self.a - self.n)
        judged = np.where(self.known & self.wrong, self.difference, -1.0)
        self.worst = np.unravel_index(int(np.argmax(judged)), judged.shape)

    def fits(self, supposed: Array, where: Array | None = None) -> bool:
        """Whether `supposed` is the analytic Jacobian, in all judged entries or in `where`."""
        judged = self.known if where is None else self.known & where
        told = judged & self.wrong
        judged = judged & np.isfinite(supposed)
        if not judged[self.worst] and where is None:
            return False
        if judged[self.worst] and not self.near(supposed, self.worst):
            return False  # most hypotheses end here
        return bool(
            np.any(told) and not np.any(told & ~judged) and np.all(self.near(supposed, judged))
        )

    def near(self, supposed: Array, at: Any) -> Any:
        """Where both are the same; a wrong entry must be explained, beyond being nearly right."""
        a, s = self.a[at], supposed[at]
        allowed = FIT * np.fmax(abs(a), abs(s)) + self.slack[at]
        to_explain = np.where(self.wrong[at], EXPLAINED * self.difference[at], np.inf)
        return abs(a - s) <= np.fmin(allowed, to_explain)


def whole_mistakes(case: Case, jacobians: Sequence[Jacobian]) -> Iterator[Mistake]:
    """The hypotheses that explain all wrong entries, and leave the right ones right."""
    simple = zero(case) or factor(case)
    if simple is not None and simple.kind == "zero":
        yield simple
        return
    if simple is not None:
        same = [*identity(case), *of_another_input(case, jacobians)]
        yield from [*same, simple] if simple.kind == "factor" else [simple, *same]
        if np.count_nonzero(case.wrong & case.known) > 1:
            return  # what else fits would need coincidences
    else:
        yield from of_another_input(case, jacobians)
    yield from rearranged(case)
    yield from missing_sum(case)
    chain = list(chain_factors(case))
    yield from chain
    yield from identity(case)
    yield from cross_terms(case)
    if not chain:
        yield from mixed_up(case)


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
    near = min(1e-3, max(1e-5, float(np.median(case.slack[inside] / abs(case.typical)))))
    simple = nearest_simple(c, counts(case), near)
    if simple is not None and case.fits(float(simple) * case.n, where):
        if simple == -1:
            return Mistake("sign", "the sign is flipped")
        return Mistake("factor", ratio_text(simple, counts(case)))
    if abs(c) < 1e-5 and np.all(abs(a) <= case.slack[inside]):
        return Mistake("contribution", "almost nothing of it is there: a contribution is missing")
    if np.median(case.slack[inside]) > 1e-3 * np.max(abs(n)):
        return None  # such numbers have many factors
    return Mistake("factor", factor_text(c, counts(case)))


def counts(case: Case) -> list[int]:
    """Numbers that a mean or a sum may have to do with: sizes of axes and of the whole."""
    x, y = case.x, case.y
    sizes = {x.size, y.size, *x.shape, *y.shape}
    sizes.update(size for other in case.jacobian.others.values() for size in other.shape)
    if y.size and x.size % y.size == 0:
        sizes.add(x.size // y.size)
    for shape in (x.shape, y.shape):
        for i in range(len(shape)):
            for j in range(i + 1, len(shape)):
                sizes.add(shape[i] * shape[j])
    return sorted(size for size in sizes if size > 1)


def nearest_simple(c: float, sizes: list[int], near: float = 1e-5) -> Fraction | None:
    """The whole number, or one part of it, or ratio of two sizes that `c` is; with its sign."""
    numbers = {*sizes, 1, 2, 3, 4}
    ratios = sorted({Fraction(p, q) for p in numbers for q in numbers}, key=complexity)
    ratios += [Fraction(n) for n in range(5, WHOLE)] + [Fraction(1, n) for n in range(5, WHOLE)]
    ratios += [Fraction(n, n - 1) for n in sizes] + [Fraction(n - 1, n) for n in sizes]
    for ratio in ratios:
        if abs(abs(c) - ratio) <= near * ratio and (ratio != 1 or c < 0):
            return ratio if c > 0 else -ratio
    return None


def complexity(ratio: Fraction) -> int:
    return max(ratio.numerator, ratio.denominator)


def plain_ratio(ratio: Fraction) -> str:
    n, m = abs(ratio.numerator), ratio.denominator
    text = f"it is {n}/{m} of what it should be"
    if m == 1:
        text = "it is twice what it should be" if n == 2 else f"it is {n} times too large"
    if n == m:
        return "the sign is flipped"
    return text + (", and the sign is flipped" if ratio < 0 else "")


def ratio_text(ratio: Fraction, sizes: list[int]) -> str:
    n, m = abs(ratio.numerator), ratio.denominator
    text = plain_ratio(ratio)
    readings = readings_of(n, sizes) if m == 1 else inverse_readings(m, sizes) if n == 1 else []
    if readings:
        return f"{text}: {', or '.join(readings)}"
    if n in sizes and m in sizes:
        other = "n - 1 for n, or the" if abs(n - m) == 1 else "the"
        return f"{text}: a mean divides by {m} instead of {n} ({other} size of another axis?)"
    if abs(n - m) == 1 and max(n, m) > 3 and max(n, m) in sizes:
        return f"{text}: {m} where {n} belongs (the n - 1 of an unbiased variance?)"
    return text


def readings_of(n: int, sizes: list[int]) -> list[str]:
    """What may have made a gradient n times too large."""
    found = []
    if n in sizes:
        found += [f"a mean over {n} is missing its 1/{n}", f"a sum is taken {n} times"]
    if n > 1 and n * n in sizes:
        found.append(f"the 1/√{n * n} of an attention is missing")
    if n == 2:
        found.append("a ½ is forgotten")
    return found


def inverse_readings(m: int, sizes: list[int]) -> list[str]:
    """What may have made a gradient one part in m of what it should be."""
    found = []
    if m == 2:
        found += ["a factor 2 is missing", "one of two contributions of an input used twice"]
    if m in sizes:
        found.append(f"a mean over {m} is taken where a sum belongs")
        found += [f"a factor {m} is missing"] if m != 2 else []
    if m * m in sizes:
        found.append(f"the 1/√{m * m} of an attention is there twice")
    return found


def factor_text(c: float, sizes: list[int]) -> str:
    sign = ", and the sign is flipped" if c < 0 else ""
    off = abs(abs(c) - 1)
    if off < 0.05:
        return f"it is {100 * off:.2g} % too {'large' if abs(c) > 1 else 'small'}{sign}"
    for name, value in constants(sizes).items():
        for formula, number in ((name, value), (f"1/{name}", 1 / value)):
            if abs(abs(c) - number) <= 1e-5 * number:
                text = f"it is {formula} = {abs(c):.6g} times what it should be{sign}"
                if name.startswith("√") and name[1:].isdigit():
                    where = "is missing" if formula == name else "is there twice"
                    text += f": the 1/{name} of an attention {where}?"
                return text
    return f"it is {abs(c):.6g} times what it should be{sign}"


def constants(sizes: list[int]) -> dict[str, float]:
    """Numbers with a name that formulas contain."""
    roots = {f"√{n}": math.sqrt(n) for n in sorted({2, 3, *sizes}) if math.isqrt(n) ** 2 != n}
    pi = {
        "π": math.pi,
        "2π": 2 * math.pi,
        "√π": math.sqrt(math.pi),
        "√(2π)": math.sqrt(2 * math.pi),
    }
    return {**roots, "ln 2": math.log(2), "ln 10": math.log(10), **pi}


# ---------------------------------------------------------------------- right numbers, wrong places


def of_another_input(case: Case, jacobians: Sequence[Jacobian]) -> Iterator[Mistake]:
    here = case.jacobian
    for other in jacobians:
        if other is here or other.output != here.output or other.x.size != here.x.size:
            continue
        for sign, words in ((1.0, "is"), (-1.0, "is minus")):
            if np.any(other.numeric) and case.fits(sign * other.numeric):
                text = f"it {words} the gradient of {other.input}: are the two swapped?"
                yield Mistake("other input", text)
    for other in jacobians:
        same = other.input == here.input and other.y.shape == here.y.shape
        if same and other is not here and np.any(other.numeric) and case.fits(other.numeric):
            yield Mistake("other output", f"it is the gradient from {other.output}")


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
        for k in range(1, len(shape)) if len(shape) > 2 else ():
            rows = math.prod(shape[:k])
            flat = case.n.reshape(m, rows, -1).swapaxes(1, 2).reshape(m, -1)
            if case.fits(flat):
                text = f"as a matrix of {rows} rows it is transposed, and read back into its shape"
                yield Mistake("transposed", text)
                break
    yield from transposed_operand(case)
    if np.count_nonzero(case.known & ((case.n != 0) | (case.a != 0))) > 2:  # fewer fit any order
        yield from shifted(case)


def shifted(case: Case) -> Iterator[Mistake]:
    """Shifted along an axis of the input or of the result, or reversed."""
    shape, m = case.x.shape, len(case.n)
    grid = case.n.reshape(m, *shape)
    for shift in (1, -1):
        for axis, size in enumerate(shape):
            if size > 1 and case.fits(np.roll(grid, shift, axis + 1).reshape(m, -1)):
                way = "one place down" if shift == 1 else "one place up"
                text = f"it is off by one along axis {axis} ({way}, cyclically)"
                if size == 2:
                    text = f"its two slices along axis {axis} are exchanged"
                yield Mistake("shifted", text)
                return
            if size > 2 and case.fits(moved(grid, shift, axis + 1).reshape(m, -1)):
                yield Mistake(
                    "shifted", f"it is off by one along axis {axis}, the end filled with 0"
                )
                return
    rows = case.n.reshape(*case.y.shape, -1)
    for axis, size in enumerate(case.y.shape):
        for shift in (1, -1):
            rolled = np.roll(rows, shift, axis).reshape(m, -1)
            if size > 1 and case.fits(rolled):
                text = f"the cotangent is off by one along axis {axis} of {case.jacobian.output}"
                if size == 2:
                    text = f"the two slices of the cotangent along its axis {axis} are exchanged"
                yield Mistake("shifted", text)
                return
            if size > 1 and case.y.shape == shape:
                both = np.roll(rolled.reshape(grid.shape), shift, axis + 1)
                if case.fits(both.reshape(m, -1)):
                    text = f"it is computed from numbers that are off by one along axis {axis}"
                    yield Mistake("shifted", text)
                    return
    for axis, size in enumerate(shape):
        if size > 1 and case.fits(np.flip(grid, axis + 1).reshape(m, -1)):
            yield Mistake("reversed", f"it is reversed along axis {axis}")
            return
    for axis, size in enumerate(case.y.shape):
        if size > 1 and case.fits(np.flip(rows, axis).reshape(m, -1)):
            yield Mistake("reversed", f"the cotangent is reversed along its axis {axis}")
            return


def transposed_operand(case: Case) -> Iterator[Mistake]:
    """``g @ w`` for ``g @ w.T``: an axis of the output and one of the input change places."""
    y_shape, x_shape = case.y.shape, case.x.shape
    whole = case.n.reshape(y_shape + x_shape)
    for i, size in enumerate(y_shape):
        for j, other in enumerate(x_shape):
            swapped = np.swapaxes(whole, i, len(y_shape) + j)
            if size == other > 1 and case.fits(swapped.reshape(case.n.shape)):
                text = "a matrix that it is multiplied by must be transposed (g @ w or g @ w.T?)"
                yield Mistake("transposed", text)
                return
    if y_shape == x_shape and case.fits(case.n.T):
        text = "the cotangent is multiplied by the Jacobian, and not by its transpose"
        yield Mistake("transposed", text)


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


def identity(case: Case) -> Iterator[Mistake]:
    if case.a.shape[0] == case.a.shape[1] >= 2 and case.fits(np.eye(len(case.a))):
        text = "the cotangent is passed on as it is: the derivative of the op itself is missing"
        yield Mistake("identity", text)


def cross_terms(case: Case) -> Iterator[Mistake]:
    """A square Jacobian of which only the diagonal is there."""
    square = case.a.shape[0] == case.a.shape[1] >= 2
    if square and case.fits(np.where(np.eye(len(case.a), dtype=bool), case.n, 0)):
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
    ("1 + {0}", lambda v: 1 + v),
    ("1 + {0}²", lambda v: 1 + v * v),
    ("{0}²", lambda v: v * v),
    ("cos({0})", np.cos),
    ("sin({0})", np.sin),
    ("exp({0})", np.exp),
    ("sign({0})", np.sign),
    ("sqrt({0})", np.sqrt),
    ("|{0}|", np.abs),
    ("σ({0}) (1 - σ({0}))", lambda v: np.exp(-v) / (1 + np.exp(-v)) ** 2),
    ("1 - tanh²({0})", lambda v: 1 - np.tanh(v) ** 2),
]


def mixed_up(case: Case) -> Iterator[Mistake]:
    """Formulas with `x` for `out`, one term of a product, a factor beside a wrong constant."""
    m, n = case.n.shape
    x, y = case.x.reshape(1, n), case.y.reshape(m, 1)
    name, output = case.jacobian.input, case.jacobian.output
    with np.errstate(all="ignore"):
        if np.count_nonzero(case.wrong) > 2 and case.fits(case.n * abs(case.n)):
            yield Mistake("chain", "the derivative is there twice: it is squared")
            return
        if m == n and case.fits(np.where(np.eye(m, dtype=bool), y / x, 0)):
            text = f"it is {output}/{name}: of a product only one factor is differentiated"
            yield Mistake("product", text)
            return
        for text, function in FUNCTIONS:
            ratio = function(x) / function(y)
            for used, belongs, supposed in (
                (name, output, case.n * ratio),
                (output, name, case.n / ratio),
            ):
                if case.fits(supposed):
                    formula = text.format(used)
                    also = "" if formula == used else f", with {used}"
                    yield Mistake("mixed up", f"it uses {formula}{also} where {belongs} belongs")
                    return
        yield from with_constant(case)
        off = (case.a - case.n)[case.wrong & case.known]
        if off.size > 2 and case.fits(case.n + np.where(case.wrong, np.median(off), 0)):
            text = f"it is off by the same {abs(np.median(off)):.4g} in each wrong entry"
            yield Mistake("offset", text)


def with_constant(case: Case) -> Iterator[Mistake]:
    """A factor that is missing, or there once too often, and a constant that is wrong as well."""
    told = case.known & case.wrong
    if np.count_nonzero(told) < 3:
        return  # two numbers fit too much
    for text, values in factor_candidates(case):
        for words, supposed in (
            (f"a factor {text} is missing", case.n / values),
            (f"there is a factor {text} too many", case.n * values),
        ):
            ratios = case.a[told] / supposed[told]
            c = float(np.median(ratios)) if np.isfinite(ratios).all() else 0.0
            simple = nearest_simple(c, counts(case)) if c else None
            if simple is not None and case.fits(float(simple) * supposed):
                yield Mistake("chain", f"{words}, and beside that {plain_ratio(simple)}")
                return


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
            difference = np.broadcast_to((case.x - other).reshape(1, n), (m, n))
            sources.append((f"({case.jacobian.input} - {name})", difference))
        for shape in dict.fromkeys(shapes_beside(other.shape, case.y.shape)):
            along_output = np.broadcast_to(other.reshape(shape), case.y.shape).reshape(m, 1)
            sources.append((name, np.broadcast_to(along_output, (m, n))))
    for text, function in FUNCTIONS:
        for name, values in sources:
            with np.errstate(all="ignore"):
                yield text.format(name), function(values)


def shapes_beside(shape: tuple[int, ...], y_shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Shapes in which an input broadcasts to the result; a vector goes along any of its axes."""
    try:
        if np.broadcast_shapes(shape, y_shape) == y_shape:
            yield shape
    except ValueError:
        pass
    for axis, size in enumerate(y_shape) if len(shape) == 1 and shape[0] > 1 else ():
        if size == shape[0]:
            yield (size, *(1,) * (len(y_shape) - axis - 1))
