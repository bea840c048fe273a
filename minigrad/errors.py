"""What an error says beside NumPy's own words: the op, the full shapes, a remedy that was tried.

Nothing here runs unless something failed.
"""

from __future__ import annotations

import os
import re
import reprlib
import sys
from collections.abc import Sequence
from itertools import pairwise
from linecache import getline
from types import FrameType
from typing import Any

import numpy as np

from minigrad.sparse import is_sparse, refusal

HERE = os.path.dirname(__file__)
NUMPY = os.path.dirname(np.__file__)


class ArgumentError(ValueError, RuntimeError):
    """A shape or a value that does not fit: a ValueError, as in NumPy, and PyTorch's RuntimeError.

    Programs of both kinds catch it.  It prints as ``ValueError``, which is what NumPy's own are.
    """

    def __reduce__(self) -> Any:
        return restored, (ValueError, self.args, self.__dict__)


class PositionError(IndexError, RuntimeError):
    """An index out of range: an IndexError, and a RuntimeError, which PyTorch raises in some ops.

    It prints as ``IndexError``.
    """

    def __reduce__(self) -> Any:
        return restored, (IndexError, self.args, self.__dict__)


class EmptyError(ArgumentError, IndexError):
    """The extreme of no entries: NumPy's ValueError, PyTorch's IndexError or RuntimeError.

    It prints as ``ValueError``.
    """

    def __reduce__(self) -> Any:
        return restored, (LookupError, self.args, self.__dict__)


BOTH: dict[type[Exception], type[Exception]] = {
    ValueError: ArgumentError, IndexError: PositionError,
}  # fmt: skip
for builtin, kind in BOTH.items():
    kind.__name__ = kind.__qualname__ = builtin.__name__
    kind.__module__ = "builtins"
EmptyError.__name__ = EmptyError.__qualname__ = "ValueError"
EmptyError.__module__ = "builtins"
OF_NOTHING = re.compile("empty sequence|zero-size array to reduction|no entries|without entries")


def restored(
    builtin: type[Exception], args: tuple[Any, ...], attributes: dict[str, Any]
) -> Exception:
    """An error of both kinds that came from another process."""
    error: Exception = EmptyError(*args) if builtin is LookupError else BOTH[builtin](*args)
    error.__dict__.update(attributes)
    return error


def of_both_kinds(error: Exception) -> Exception:
    """A plain ValueError or IndexError as one that is a RuntimeError too; others as they are."""
    if type(error) not in BOTH:
        return error
    kind = BOTH[type(error)]
    if kind is ArgumentError and OF_NOTHING.search(str(error)):
        kind = EmptyError
    both = kind(*error.args)
    both.__dict__.update(error.__dict__)  # its notes
    both.__cause__, both.__suppress_context__ = error.__cause__, True
    return both.with_traceback(error.__traceback__)


def explain(error: Exception, op: Any, operands: Sequence[Any], statics: Sequence[Any]) -> None:
    """Add to `error` which op failed on which operands, and what would have worked."""
    if isinstance(error, (AttributeError, KeyError)):
        given = list(zip((*op.operand_names, *op.static_names), (*operands, *statics)))
        # beside None, NumPy asks the numbers of the other operand for the function
        asked = getattr(error, "obj", None)
        if isinstance(asked, (bool, int, float)) and op.promote:
            for name, value in given[: len(op.operand_names)]:
                if value is None:
                    raise TypeError(wrong_kind(op.name, name, value, "a tensor or an array"))
        complain_of_kind(error, op.name, given, "a tensor or an array")
    if isinstance(error, TypeError):
        kinds = op.forward.__annotations__
        values = (*operands, *statics)
        given = [
            (name, value)
            for name, value, default in zip(op.arguments, values, op.defaults)
            if default is not None and kinds.get(name) == "Array"
        ]
        complain_of_operands(error, op.name, given)
    refuse_sparse(error, op.name, (*operands, *statics))
    both = of_both_kinds(error)
    note_call(both, op, operands, statics)
    if both is not error:
        raise both


def refuse_sparse(error: Exception, function: str, values: Sequence[Any]) -> None:
    """Raise a TypeError with the remedy, if a sparse matrix is where NumPy wanted an array."""
    if isinstance(error, ArithmeticError) or function == "matmul" or "toarray" in str(error):
        return
    if any(is_sparse(value) for value in values):
        raise refusal(function) from None


def wrong_kind(function: str, name: str, value: Any, wanted: str = "a tensor") -> str:
    return f"{function}: {name} is {wanted}, got {type(value).__name__}"


def complain_of_kind(
    error: Exception, function: str, given: Sequence[tuple[str, Any]], wanted: str = "a tensor"
) -> None:
    """Raise a TypeError instead of what an argument of a wrong kind led to inside.

    error   an AttributeError or a KeyError.  What somebody else's code raised is left alone.
    given   names and values of the arguments; the entries of lists and tuples are looked at, too

    If the error does not tell which one it was, all are described that are not tensors.
    """
    if not raised_here(error):
        return
    asked = getattr(error, "obj", error)
    everything = [*given, *within(given)]
    for name, value in everything:
        only_array = wanted == "a tensor" and isinstance(value, np.ndarray)
        if value is asked and (only_array or not is_array(value)):
            raise TypeError(wrong_kind(function, name, value, wanted)) from None
    others = [(name, value) for name, value in given if not is_array(value)]
    strange = [each for each in others if not isinstance(each[1], (int, float, type(None)))]
    if others and not is_array(asked):
        named = " or ".join([f"{name}={reprlib.repr(value)}" for name, value in strange or others])
        raise TypeError(f"{function}: {named} is not of a kind that fits here") from error


def complain_of_operands(error: TypeError, function: str, given: Sequence[tuple[str, Any]]) -> None:
    """Raise a TypeError that names the first operand that holds no numbers, unless `error` does.

    given   names and values of what has to be tensors
    """
    if function in str(error) or not raised_here(error):
        return
    for name, value in given:
        if value is None or type(value) is object or isinstance(value, NO_NUMBERS):
            raise TypeError(wrong_kind(function, name, value)) from None


NO_NUMBERS = (str, bytes, dict, set, slice, type)


def is_array(value: Any) -> bool:
    """Whether a value has what tensors and arrays have; NumPy's scalars and types do not count."""
    return hasattr(value, "dtype") and not isinstance(value, (type, np.dtype, np.generic))


def within(given: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """The entries of the lists and tuples among arguments, with names."""
    lists = [(name, value) for name, value in given if isinstance(value, (list, tuple, str))]
    return [(f"{name}[{i}]", each) for name, value in lists for i, each in enumerate(value)]


def raised_here(error: BaseException) -> bool:
    """Whether an error was raised by this package or NumPy, and not by code that it called."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return False
    file = trace.tb_frame.f_code.co_filename
    return file.startswith((HERE, "<minigrad", NUMPY, "numpy/"))


def note_call(error: Exception, op: Any, operands: Sequence[Any], statics: Sequence[Any]) -> None:
    """Note the call on `error`, unless an op inside of it did so."""
    if getattr(error, "__notes__", None):
        return
    described = ", ".join(describe(operand) for operand in operands)
    if op.joint is not None:
        described = f"[{described}]"
    names = op.arguments[len(op.arguments) - len(statics) :]
    parameters = "".join(
        f", {name}={value!r}"
        for name, value in zip(names, statics)
        if not isinstance(value, np.ndarray)
    )
    shapes = [np.shape(array_of(operand)) for operand in operands]
    remedy = remedy_for(op.name, shapes, str(error)) if isinstance(error, ValueError) else ""
    error.add_note(f"{op.name}({described}{parameters}){remedy}")


def remedy_for(op: str, shapes: Sequence[tuple[int, ...]], message: str) -> str:
    """What would have worked, where that can be told from the shapes."""
    if op == "linear":
        return linear_remedy(shapes)
    if op == "matmul":
        return matmul_remedy(shapes)
    shapes = [shape for shape in shapes if shape]  # a number broadcasts against everything
    if len(shapes) == 2 and message.startswith("operands could not be broadcast together"):
        return broadcast_remedy(op, shapes)
    return ""


def ragged(data: Any, place: str = "data") -> str:
    """A message that says where nested lists differ in shape; "" if they form an array."""
    if not isinstance(data, (list, tuple)):
        return ""
    shapes = [shape_of_lists(item) for item in data]
    for i, shape in enumerate(shapes):
        if shape != shapes[0]:
            return (
                f"{place}[{i}] has the shape {shape} and {place}[0] {shapes[0]}: "
                "the lists of one level must have the same shape"
            )
    found = (ragged(item, f"{place}[{i}]") for i, item in enumerate(data))
    return next(filter(None, found), "")


def shape_of_lists(data: Any) -> tuple[int, ...]:
    """The shape that nested lists have along their first entries."""
    if not isinstance(data, (list, tuple)):
        return np.shape(data)
    return (len(data), *(shape_of_lists(data[0]) if data else ()))


SYMBOLS = {"add": " +", "sub": " -", "mul": " *", "div": " /", "pow": " **"}


def array_of(operand: Any) -> Any:
    return getattr(operand, "_array", operand)


def describe(operand: Any) -> str:
    """A tensor as ``name (2, 3) float32``, anything else as Python prints it."""
    array = array_of(operand)
    if not isinstance(array, np.ndarray):
        return repr(operand) if np.size(operand) <= 1 else f"{type(operand).__name__}"
    name = getattr(operand, "name", None)
    return f"{name + ' ' if name else ''}{array.shape} {array.dtype}"


def linear_remedy(shapes: Sequence[tuple[int, ...]]) -> str:
    x, weight, *_ = shapes
    if not x or len(weight) != 2 or x[-1] == weight[1]:
        return ""
    taken = weight[1]
    text = f": the last axis of x has {x[-1]} features, a weight of shape {weight} takes {taken}"
    if taken == 1 and len(x) == 1:
        text += f"; did you mean x[:, None], {x[0]} rows of one feature?"
    return text


def matmul_remedy(shapes: Sequence[tuple[int, ...]]) -> str:
    a, b = shapes
    if not a or not b:
        return ": a 0-d operand has no axis to multiply along; use * instead"
    inner_a, inner_b = a[-1], b[-2] if len(b) > 1 else b[-1]
    if inner_a == inner_b:
        return f": batch axes {a[:-2]} and {b[:-2]} do not broadcast"
    text = f": {a} @ {b}: inner sizes {inner_a} and {inner_b} differ"
    swapped_a, swapped_b = (*a[:-2], *a[-2:][::-1]), (*b[:-2], *b[-2:][::-1])
    if works(np.matmul, a, swapped_b) and len(b) > 1:
        return f"{text}; did you mean B.mT, of shape {swapped_b}?"
    if works(np.matmul, swapped_a, b) and len(a) > 1:
        return f"{text}; did you mean A.mT, of shape {swapped_a}?"
    if works(np.matmul, b, a):
        return f"{text}; did you mean B @ A?"
    return text


def broadcast_remedy(op: str, shapes: Sequence[tuple[int, ...]]) -> str:
    a, b = shapes
    clash = [
        (-i, m, n)
        for i, (m, n) in enumerate(zip(reversed(a), reversed(b)), start=1)
        if m != n and 1 not in (m, n)
    ]
    if not clash:
        return ""
    axes = " and ".join(f"axis {axis} has {m} and {n}" for axis, m, n in clash)
    text = f": {a}{SYMBOLS.get(op, ',')} {b}: {axes}"
    longer, shorter, which = (a, b, "second") if len(a) > len(b) else (b, a, "first")
    if len(longer) == len(shorter) + 1 and len(shorter):
        kept = (*shorter, 1)
        if works(np.add, longer, kept):
            return (
                f"{text}; did you mean keepdims=True where the {which} was reduced, "
                f"or {which}[..., None], of shape {kept}?"
            )
    if len(a) == len(b) >= 2:
        transposed = (*b[:-2], *b[-2:][::-1])
        if works(np.add, a, transposed):
            return f"{text}; did you mean second.mT, of shape {transposed}?"
    return text


def works(rule: Any, a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Whether NumPy accepts operands of these shapes."""
    if rule is np.matmul:
        if not a or not b or a[-1] != b[-2 if len(b) > 1 else -1]:
            return False
        a, b = a[:-2], b[:-2]
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True


def module_path(frame: Any) -> str:
    """The module call `frame` as ``Net.hidden.2: Linear(in_features=4, out_features=3)``."""
    modules = []
    while frame is not None and frame.module is not None:
        modules.append(frame.module)
        frame = frame.parent
    return path_of(modules)


def path_of(modules: Sequence[Any]) -> str:
    """The dotted path of nested module calls, innermost first, and the innermost module."""
    if not modules:
        return ""
    names = [type(modules[-1]).__name__]
    for child, parent in reversed(list(pairwise(modules))):
        found = (name for name, module in parent.named_modules() if module is child and name)
        names.append(next(found, type(child).__name__))
    innermost = modules[0]
    return f"{'.'.join(names)}: {type(innermost).__name__}({innermost.extra_repr()})"


def note_module(error: BaseException, module: Any, args: Sequence[Any] = ()) -> None:
    """Note that `error` left `module`, called with `args`.

    The modules it left so far make one note, ``in <path>``.
    """
    modules, note = getattr(error, "modules_left", ((), None))
    if note is not None:
        error.__notes__.remove(note)
    elif any(isinstance(value, tuple) for value in args):
        error.add_note(SEVERAL_RESULTS)
    modules = (*modules, module)
    note = f"in {path_of(modules)}"
    error.add_note(note)
    error.modules_left = (modules, note)  # type: ignore[attr-defined]  # an error takes notes of ours


SEVERAL_RESULTS = (
    "the input is a tuple: LSTM, GRU, RNN and MultiheadAttention return two results; pass on the "
    "first, as in out, _ = layer(x)"
)


def user_stack() -> str:
    """The three innermost calls outside this package, the last one at the end."""
    lines: list[str] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and len(lines) < 3:
        code = frame.f_code
        if not code.co_filename.startswith((HERE, "<minigrad")):
            where = f'  File "{code.co_filename}", line {frame.f_lineno}, in {code.co_name}'
            lines.append(f"{where}\n    {getline(code.co_filename, frame.f_lineno).strip()}")
        frame = frame.f_back
    return "\n".join(reversed(lines))
