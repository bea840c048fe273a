"""Statements as loops that numba compiles: chains of elementwise ops, sums, small products.

Sizes, strides and offsets stand in the text as numbers; the memory comes in as addresses.  Numbers
have the type of the array they meet: a Python float would turn a loop of float32 into one of
float64.  Comparisons with NaN are NumPy's.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.calls import Array
from minigrad.compile.program import Statement, Value

__all__ = ["LARGEST_PRODUCT", "Place", "Text", "is_elementwise", "turned"]

LARGEST_PRODUCT = 4096  # multiplications; of larger matrices BLAS is quicker than a loop


class Place:
    """Where an array lies: a piece of memory, and offset and strides in it, in entries."""

    def __init__(self, memory: int, array: Array, start: int) -> None:
        size = array.itemsize
        self.memory = memory
        self.offset = (array.__array_interface__["data"][0] - start) // size
        self.strides = tuple([stride // size for stride in array.strides])
        self.shape, self.dtype = array.shape, array.dtype

    def address(self) -> str:
        """The address of the first entry."""
        offset = self.offset * self.dtype.itemsize
        return f"p[{self.memory}] + {offset}" if offset else f"p[{self.memory}]"

    def at(self, indices: list[str]) -> str:
        """The entry at these indices, one for each axis."""
        return f"m{self.memory}[{self.start(indices)}]"

    def start(self, indices: list[str]) -> str:
        """Where the entry at these indices is in the piece of memory."""
        terms = [str(self.offset)] if self.offset else []
        for index, stride, n in zip(indices, self.strides, self.shape):
            if stride and n > 1 and index != "0":
                terms.append(index if stride == 1 else f"{index} * {stride}")
        return " + ".join(terms) or "0"

    def broadcast(self, indices: list[str]) -> str:
        """The same for more indices than axes: the last ones count, as in broadcasting."""
        return self.at(indices[len(indices) - len(self.shape) :])

    def orders(self) -> str:
        """The orders in which the entries lie one after another, of "C" and "F"."""
        found = self.contiguous()
        if found == "C" and turned(self).contiguous() == "C":
            return "CF"  # a vector, or a matrix of one row
        return found

    def contiguous(self) -> str:
        """ "C" or "F" if the array is a contiguous matrix or vector of that order, else ""."""
        for order, sizes in (("C", self.shape[::-1]), ("F", self.shape)):
            strides = self.strides[::-1] if order == "C" else self.strides
            step, fits = 1, True
            for n, stride in zip(sizes, strides):
                fits = fits and (n == 1 or stride == step)
                step *= n
            if fits:
                return order
        return ""


class Text:
    """The lines of one function of loops.

    places   where values lie; a value that has none lives in a loop only
    """

    def __init__(self, places: dict[Value, Place]) -> None:
        self.places = places
        self.lines: list[str] = []
        self.memories: dict[int, np.dtype[Any]] = {}

    def emit(self, depth: int, line: str) -> None:
        self.lines.append("    " * (depth + 1) + line)

    def place(self, value: Value) -> Place:
        place = self.places[value]
        self.memories[place.memory] = place.dtype
        return place

    # --------------------------------------------------------------------------------- elementwise

    def elementwise(self, statements: list[Statement], stored: list[Value]) -> None:
        """Statements of one shape in one loop; only results in `stored` go to memory."""
        shape = statements[0].result.shape
        read = {v for s in statements for v in s.reads() if v in self.places}
        read -= {s.result for s in statements} - set(stored)
        places = [self.place(v) for v in [*stored, *read]]
        flat = self.flat_order(shape, places)
        if flat:
            depth, indices = self.flat_loop(shape, flat)
        else:
            depth, indices = self.loops(shape, [self.place(v) for v in stored])
        names: dict[Value, str] = {}
        for number, statement in enumerate(statements):
            result = statement.result
            parts = [self.operand(x, indices, names) for x in operands_of(statement)]
            names[result] = f"v{number}"
            self.emit(depth, f"v{number} = {expression(statement, parts)}")
            if result in stored:
                self.emit(depth, f"{self.place(result).broadcast(indices)} = v{number}")

    def loops(self, shape: tuple[int, ...], places: list[Place]) -> tuple[int, list[str]]:
        """Loops over a shape, the axis with the smallest stride innermost: depth and indices."""
        axes = list(range(len(shape)))
        if places:
            axes.sort(key=lambda axis: (-abs(places[0].strides[axis]), axis))
        depth = 0
        for axis in axes:
            if shape[axis] != 1:
                self.emit(depth, f"for i{axis} in range({shape[axis]}):")
                depth += 1
        return depth, [f"i{axis}" if n != 1 else "0" for axis, n in enumerate(shape)]

    def flat_order(self, shape: tuple[int, ...], places: list[Place]) -> str:
        """The order of memory in which one loop goes through all entries, "" if there is none."""
        whole = [place for place in places if math.prod(place.shape) > 1]
        for order in ("C", "F"):
            if all([place.shape == shape and order in place.orders() for place in whole]):
                return order
        return ""

    def flat_loop(self, shape: tuple[int, ...], order: str) -> tuple[int, list[str]]:
        """One loop over all entries: depth and indices."""
        size = math.prod(shape)
        axis = len(shape) - 1 if order == "C" else 0
        if size == 1:
            return 0, ["0"] * len(shape)
        # the index along the axis without gaps counts through the whole array
        self.emit(0, f"for i in range({size}):")
        long = [each for each, n in enumerate(shape) if n != 1]
        axis = long[-1] if order == "C" else long[0]
        return 1, ["i" if each == axis else "0" for each in range(len(shape))]

    def operand(self, x: Any, indices: list[str], names: dict[Value, str]) -> tuple[str, Any]:
        """An operand in a loop, and its type; numbers get the type of the floats beside them."""
        if isinstance(x, Value):
            return names.get(x) or self.place(x).broadcast(indices), x.dtype
        return number_text(x), None

    # ------------------------------------------------------------------------------------- products

    def product(self, a: Place, b: Place, out: Place) -> None:
        """``out = a @ b`` of small matrices or vectors, by a loop along what lies in one piece."""
        for place in (a, b, out):
            self.memories[place.memory] = place.dtype
        n, k, m, a, b, out = matrices(a, b, out)
        ways = [(n, m, a, b, out), (m, n, turned(b), turned(a), turned(out))]
        for rows, columns, left, right, result in ways:
            if columns > 1 and right.strides[1] == 1 == result.strides[1]:
                self.emit(0, f"rows({text(left)}, {text(right, 1)}, {text(result, 1)}, "
                             f"{rows}, {k}, {columns})")  # fmt: skip
                return
        self.emit(0, f"dots({text(a)}, {text(b)}, {text(out)}, {n}, {k}, {m})")

    def blas(self, a: Place, b: Place, out: Place) -> bool:
        """``np.dot`` into the result, if all three are contiguous; whether they are."""
        if out.contiguous() == "F" and len(out.shape) == 2 and min(out.shape) > 1:
            a, b, out = turned(b), turned(a), turned(out)  # the transposed product, in C order
        if not (a.contiguous() and b.contiguous() and out.contiguous() == "C"):
            return False
        for place in (a, b, out):
            self.memories[place.memory] = place.dtype
        n, k, m, a, b, _ = matrices(a, b, out)
        orders = a.contiguous() + b.contiguous()
        self.emit(0, f"{orders}_{out.dtype}({a.address()}, {b.address()}, {out.address()}, "
                     f"{n}, {k}, {m})")  # fmt: skip
        return True

    # ---------------------------------------------------------------------------------------- sums

    def total(self, x: Place, out: Place, axes: tuple[int, ...], divide: bool) -> bool:
        """The sum or mean along axes; whether it is one that is written here."""
        self.memories.update({x.memory: x.dtype, out.memory: out.dtype})
        count = math.prod([x.shape[axis] for axis in axes])
        scale = typed(repr(1.0 * count), out.dtype)
        kept = [axis for axis in range(len(x.shape)) if axis not in axes]
        flat = x.contiguous() == "C" and len(axes) == len(x.shape)
        finish = f" / {scale}" if divide else ""
        target = squeezed(out)
        if flat or len(x.shape) == 0:
            place = flattened(x)
            total = f"total(m{place.memory}, {place.offset}, {count}, 1)"
            self.emit(0, f"{target.at(['0'] * len(target.shape))} = {total}{finish}")
            return True
        if len(axes) != 1 or len(kept) != len(target.shape) or count > 2**20:
            return False
        (axis,) = axes
        outer = [f"i{each}" for each in kept]
        if x.strides[axis] == 1 or not kept:  # the sum runs along memory
            for depth, each in enumerate(kept):
                self.emit(depth, f"for i{each} in range({x.shape[each]}):")
            first = ["0" if a == axis else f"i{a}" for a in range(len(x.shape))]
            total = f"total(m{x.memory}, {x.start(first)}, {count}, {x.strides[axis]})"
            self.emit(len(kept), f"{target.at(outer)} = {total}{finish}")
            return True
        self.nest(kept, x.shape, f"{target.at(outer)} = {typed('0.0', out.dtype)}")
        indices = [f"i{a}" for a in range(len(x.shape))]
        self.nest([axis, *kept], x.shape, f"{target.at(outer)} += {x.at(indices)}")
        if divide:
            self.nest(kept, x.shape, f"{target.at(outer)} /= {scale}")
        return True

    def nest(self, axes: list[int], shape: tuple[int, ...], line: str) -> None:
        """A line in loops over axes."""
        for depth, axis in enumerate(axes):
            self.emit(depth, f"for i{axis} in range({shape[axis]}):")
        self.emit(len(axes), line)

    # ------------------------------------------------------------------------------- cross-entropy

    def cross_entropy(
        self, x: Place, target: Place, loss: Place, slope: Place, ignored: int
    ) -> None:
        """Mean cross-entropy of scores and classes, and (softmax - onehot) / n."""
        for place in (x, target, loss, slope):
            self.memories[place.memory] = place.dtype
        n, c = x.shape
        given = f"{text(x)}, {text(target)}, {text(slope)}, {n}, {c}, {ignored}"
        self.emit(0, f"loss = cross_entropy({given})")
        self.emit(0, "if loss < 0:")
        self.emit(1, "return 1")
        self.emit(0, f"{loss.at([])} = loss")


# --------------------------------------------------------------------------------- places, turned


def text(place: Place, without: int = 0) -> str:
    """Memory, offset and strides, as arguments; without the last ones, which are 1."""
    strides = place.strides[: len(place.strides) - without]
    return ", ".join([f"m{place.memory}", str(place.offset), *[str(each) for each in strides]])


def changed(place: Place, shape: tuple[int, ...], strides: tuple[int, ...]) -> Place:
    """The same memory in another shape."""
    other = object.__new__(Place)
    other.__dict__.update(place.__dict__, shape=shape, strides=strides)
    return other


def turned(place: Place) -> Place:
    """The transpose."""
    return changed(place, place.shape[::-1], place.strides[::-1])


def flattened(place: Place) -> Place:
    """A contiguous array as a vector."""
    return changed(place, (math.prod(place.shape),), (1,))


def squeezed(place: Place) -> Place:
    """The array without axes of size 1."""
    kept = [i for i, n in enumerate(place.shape) if n != 1]
    return changed(
        place, tuple([place.shape[i] for i in kept]), tuple([place.strides[i] for i in kept])
    )


def matrices(a: Place, b: Place, out: Place) -> tuple[int, int, int, Place, Place, Place]:
    """Rows, inner size and columns of a product, and its factors and result as matrices."""
    column, row = len(b.shape) == 1, len(a.shape) == 1
    if row:
        a = changed(a, (1, *a.shape), (0, *a.strides))
    if column:
        b = changed(b, (*b.shape, 1), (*b.strides, 0))
    shape, strides = out.shape, out.strides
    if row:
        shape, strides = (1, *shape), (0, *strides)
    if column:
        shape, strides = (*shape, 1), (*strides, 0)
    return (*a.shape, b.shape[1], a, b, changed(out, shape, strides))


# ------------------------------------------------------------------------------------ expressions


def typed(text: str, dtype: Any) -> str:
    """A number of a type."""
    return f"np.{dtype}({text})"


def number_text(x: Any) -> str:
    """A number that Python and numba read as the same."""
    x = float(x)
    if math.isnan(x):
        return "np.nan"
    if math.isinf(x):
        return "np.inf" if x > 0 else "-np.inf"
    return repr(x)


FORMULAS: dict[str, str] = {
    "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "true_divide": "{0} / {1}",
    "neg": "-{0}", "exp": "np.exp({0})", "log": "np.log({0})", "sqrt": "np.sqrt({0})",
    "tanh": "np.tanh({0})", "sin": "np.sin({0})", "cos": "np.cos({0})", "square": "{0} * {0}",
    "abs": "abs({0})", "expm1": "np.expm1({0})", "log1p": "np.log1p({0})",
    "reciprocal": "{one} / {0}", "relu": "({0} if {0} > {zero} or {0} != {0} else {zero})",
    "maximum": "({0} if {0} >= {1} or {0} != {0} else {1})",
    "minimum": "({0} if {0} <= {1} or {0} != {0} else {1})", "clone": "{0}",
    "where": "({0} if {2} else {1})",
}  # fmt: skip
COMPARISONS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<=", "eq": "==", "ne": "!="}


def operands_of(statement: Statement) -> tuple[Any, ...]:
    """The operands and static arguments of an elementwise statement."""
    return (*statement.operands, *statement.statics)


def is_elementwise(statement: Statement) -> bool:
    """Whether a statement is one that loops can compute, entry by entry, as NumPy does."""
    if len(statement.results) != 1 or statement.effect:
        return False
    name, result = statement.op.kind, statement.result
    operands = operands_of(statement)
    values = [x for x in operands if isinstance(x, Value)]
    if not values or not all([isinstance(x, (Value, float, int)) for x in operands]):
        return False
    floats = {v.dtype for v in values if v.dtype.kind == "f"}
    if len(floats) != 1 or not floats <= {np.dtype(np.float32), np.dtype(np.float64)}:
        return False
    if any([v.dtype.kind not in "fb" for v in values]):
        return False
    if name in COMPARISONS:
        return len(operands) == 2 and result.dtype.kind == "b"
    if name == "where":
        return result.dtype in floats and getattr(operands[2], "dtype", None) == np.bool_
    return name in FORMULAS and result.dtype in floats


def expression(statement: Statement, parts: list[tuple[str, Any]]) -> str:
    """The formula of an elementwise statement; operands of other types are converted."""
    values = [x for x in operands_of(statement) if isinstance(x, Value)]
    kind = next(v.dtype for v in values if v.dtype.kind == "f")
    chooses = statement.op.kind == "where"  # the last of three is a condition, and stays one
    texts = [
        text if dtype == kind or (chooses and i == 2) else typed(text, kind)
        for i, (text, dtype) in enumerate(parts)
    ]
    name = statement.op.kind
    if name in COMPARISONS:
        return f"{texts[0]} {COMPARISONS[name]} {texts[1]}"
    formula = FORMULAS[name]
    return formula.format(*texts, zero=typed("0.0", kind), one=typed("1.0", kind))
