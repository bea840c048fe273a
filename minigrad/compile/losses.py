"""The cross-entropy as NumPy calls with ``out=``: what its op computes, in the same order."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.compile.program import Statement, Value
from minigrad.ops import neural
from minigrad.sums import ones_cached

if TYPE_CHECKING:
    from minigrad.compile.lowering import Lowering

__all__ = ["cross_entropy_call"]

MOST_CLASSES = 256  # up to so many a table of one-hot rows is quicker than an index


@lru_cache(maxsize=16)
def one_hot_rows(classes: int, rows: int, dtype: Any) -> np.ndarray:
    """The rows that are subtracted from the softmax: 1 / rows at the class, else 0."""
    return np.eye(classes, dtype=dtype) * dtype.type(1 / rows)


def check_classes(target: np.ndarray, classes: int, ignored: int) -> None:
    """Raise an IndexError for a class that is out of range, as the function does."""
    wrong = ((target < 0) & (target != ignored)) | (target >= classes)
    if wrong.any():
        raise IndexError(
            f"cross_entropy: class {target[wrong][0]} is out of range, there are {classes} "
            f"classes: 0 ... {classes - 1}"
        )


def with_ignored(x: np.ndarray, target: np.ndarray, ignored: int, slope: np.ndarray) -> np.ndarray:
    """Loss and slope where a class is negative: of a row to ignore, or wrong."""
    check_classes(target, x.shape[1], ignored)
    loss, slope[...] = neural.cross_entropy_of_some(x, target, target != ignored)
    return loss


def cross_entropy_call(lowering: Lowering, statement: Statement) -> bool:
    """Loss and slope; by the op itself where the lines below do not apply."""
    if fused_lines(lowering, statement):
        return True
    (x,), (target, ignored) = statement.operands, statement.statics
    check = lowering.bind(check_classes, "check_classes")
    lowering.emit(f"{check}({lowering.text(target)}, {x.shape[-1]}, {ignored})")
    return False


def fused_lines(lowering: Lowering, statement: Statement) -> bool:
    """Loss and slope, (softmax(x) - onehot(target)) / n, in one buffer."""
    (x,), (target, ignored) = statement.operands, statement.statics
    array = lowering.array(x)
    if array is None or not array.flags.c_contiguous or len(statement.results) != 2:
        return False
    loss, slope = statement.results
    n, c = x.shape
    fits = isinstance(target, Value) and target.dtype == np.int64 and target.shape == (n,)
    if not fits or not n or c > MOST_CLASSES:
        return False
    starts = neural.row_starts(n, c)
    scores, labels = lowering.ref(x), lowering.text(target)
    out_array = lowering.destination(statement, slope)
    if out_array is None or not out_array.flags.c_contiguous:
        return False
    out = lowering.ref(slope)
    bind, bind_array = lowering.bind, lowering.bind_array
    total = np.empty(n, x.dtype)
    sums, logs = bind(total, "sums"), bind(np.empty(n, x.dtype), "logs")
    column = bind_array(total[:, None], "sums_column")
    largest, position = lowering.unused("largest"), lowering.unused("position")
    rows, ones = bind(starts, "row_starts"), bind(ones_cached(n, x.dtype), "ones")
    one_hot = bind(one_hot_rows(c, n, x.dtype).take, "one_hot")
    subtract, divide = bind(np.subtract, "subtract"), bind(np.divide, "divide")
    result = lowering.local[loss] = lowering.unused(loss.name)
    given = f"{scores}, {labels}, {ignored}, {out}"
    lowering.emit(f"if {labels}.item({labels}.argmin()) < 0:")
    lowering.emit(f"    {result} = {bind(with_ignored, 'with_ignored')}({given})")
    lowering.emit("else:")
    start = len(lowering.lines)
    lowering.emit(f"{largest} = {scores}.take({scores}.argmax(1) + {rows})")
    lowering.emit(f"{subtract}({scores}, {largest}[:, None], {out})")
    lowering.emit(f"{position} = {out}.take({rows} + {labels})")
    lowering.emit(f"{bind(np.exp, 'exp')}({out}, {out})")
    lowering.emit(f"{out}.dot({bind(ones_cached(c, x.dtype), 'ones')}, {sums})")
    lowering.emit(f"{bind(np.log, 'log')}({sums}, {logs})")
    lowering.emit(f"{subtract}({logs}, {position}, {logs})")
    lowering.emit(f"{result} = {logs}.dot({ones}) / {n}")
    lowering.emit(
        f"{bind(np.multiply, 'multiply')}({sums}, {bind(np.array(n, x.dtype), 'n')}, {sums})"
    )
    lowering.emit(f"{divide}({out}, {column}, {out})")
    lowering.emit(f"{subtract}({out}, {one_hot}({labels}, 0), {out})")
    lowering.lines[start:] = [f"    {line}" for line in lowering.lines[start:]]
    return True
