"""How names are written: short, on one line, and never read as anything but text."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import numpy as np

MACRON = "\u0304"
LARGEST_WHOLE = 1000  # whole numbers below this have a meaning in formulas: 1 says "unchanged"
LONGEST = 48  # characters of a name that are shown
LONGEST_FORMULA = 72  # of what an op computes: a stack of a hundred tensors names them all


def shown(name: object, limit: int = LONGEST) -> str:
    """`name` on one line: control characters are written as escapes, and a long name is cut.

    Example  >>> from minigrad.visualize.names import shown
             >>> shown("two" + chr(10) + "lines")
             'two\\\\nlines'
             >>> shown("a" * 10_000, limit=10)
             'aaaaaaaaa…'
    """
    text = str(name)
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join([c if is_printable(c) else escaped(c) for c in cut])


def is_printable(character: str) -> bool:
    """Whether a character stands on the line and leaves the direction of writing alone."""
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def escaped(character: str) -> str:
    """A control character as Python writes it."""
    return ascii(character)[1:-1]


def bar(symbol: str) -> str:
    """The gradient of `symbol`: ``x̄``; a name of several letters is written ``grad(name)``.

    Example  >>> from minigrad.visualize.names import bar
             >>> bar("W2"), bar("net.0.weight")
             ('W̄2', 'grad(net.0.weight)')
    """
    if re.fullmatch(r"[^\W\d_][\d₀-₉']*", symbol):
        return unicodedata.normalize("NFC", symbol[0] + MACRON) + symbol[1:]
    return f"grad({symbol})"


def shape_text(shape: Any) -> str:
    """A shape as it is read: ``3×4``; a single number is a ``scalar``.

    Example  >>> from minigrad.visualize.names import shape_text
             >>> shape_text((3, 4)), shape_text(()), shape_text((5,))
             ('3×4', 'scalar', '5')
    """
    if shape is None:
        return "not kept"
    if shape and isinstance(shape[0], tuple):
        return ", ".join([shape_text(each) for each in shape])
    return "×".join([str(n) for n in shape]) if shape else "scalar"


def bytes_text(n: int) -> str:
    """A number of bytes in the largest unit that leaves at least one.

    Example  >>> from minigrad.visualize.names import bytes_text
             >>> bytes_text(512), bytes_text(4096), bytes_text(3_000_000)
             ('512 B', '4 KiB', '2.9 MiB')
    """
    if n < 1024:
        return f"{n} B"
    size = float(n)
    for unit in ("KiB", "MiB", "GiB"):
        size /= 1024
        if size < 1024 or unit == "GiB":
            break
    return f"{size:.2g} {unit}" if size < 100 else f"{size:.0f} {unit}"


def number_text(value: Any) -> str:
    """One entry of an array, to four digits.

    Example  >>> from minigrad.visualize.names import number_text
             >>> number_text(0.123456), number_text(2.0), number_text(True)
             ('0.1235', '2', '1')
    """
    text = f"{float(value):.4g}"
    return "0" if text == "-0" else text.replace("e+0", "e").replace("e-0", "e-")


def exact_text(value: Any) -> str:
    """A number in a formula: to four digits, unless it would read as a whole number that it is not.

    Example  >>> from minigrad.visualize.names import exact_text
             >>> exact_text(0.123456), exact_text(2.0), exact_text(1.00001)
             ('0.1235', '2', '1.00001')
    """
    text = number_text(value)
    read = float(text)
    if read == value or not read.is_integer() or abs(read) >= LARGEST_WHOLE:
        return text
    return np.format_float_positional(value, trim="-")


def static_text(value: Any) -> str:
    """An argument that is not a tensor, in a few characters."""
    if hasattr(value, "dtype") and hasattr(value, "shape") and value.shape:
        return f"<{value.dtype} {shape_text(value.shape)}>"
    if isinstance(value, slice):
        parts = [value.start, value.stop] + ([] if value.step is None else [value.step])
        return ":".join(["" if part is None else str(part) for part in parts])
    if value is Ellipsis:
        return "..."
    if isinstance(value, tuple):
        return (
            "("
            + ", ".join([static_text(v) for v in value])
            + ("," if len(value) == 1 else "")
            + ")"
        )
    if callable(value) and hasattr(value, "__name__"):
        return shown(value.__name__)
    own: Any = type(value).__repr__
    if own is object.__repr__:  # an address in memory says nothing
        return f"<{shown(type(value).__name__, 24)}>"
    return shown(value if isinstance(value, str) else repr(value), 24)
