"""Ops in mathematical notation: what a node computes, and the formulas of its gradients.

The first comes from the op's `notation`, the second from the Gradient section of its docstring.
There each operand has a formula of its own, and the formulas stand in the order of the operands:

    W̄ = ḡᵀ x     the letter on the left is this operand's name in all formulas of the section
    x̄ᵢ = ...     one formula for all operands of an op that takes a list; i is the place
    ḡ, out       the gradient of the result, and the result
    with Q, R = out     names for several results; Q̄ is the gradient of the first
    with t = ... other letters are explained where they are used
    `index`      an argument that is not a tensor; those that are numbers need no quotes
    size(x)      how many entries x has

A semicolon, or a full stop and two blanks, ends a formula: what follows is a remark.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from minigrad.primitive import MISSING, Op
from minigrad.pytrees import leaves_of
from minigrad.visualize.names import MACRON, bar, exact_text, static_text

SECTIONS = r"Forward|Gradient|Shapes|Raises|Source|Example|Note"
SHOWN_OF_PRIVATE = {"dim", "dims", "keepdim"}
HYPERPARAMETERS = {  # of layers: shown unless they are the usual ones, None: always
    "stride": "1", "padding": "0", "dilation": "1", "groups": "1", "kernel": None, "slope": None,
    "alpha": "1.0", "delta": None, "low": None, "high": None,
}  # fmt: skip
OVERLINE = "\u0305"  # over the last letter of a whole word: value̅
BARRED = rf"[A-Za-z][A-Za-z_]*[{MACRON}{OVERLINE}]'?"
EACH = "ᵢ"  # on the left side of one formula for all operands
STARTS = re.compile(rf"(?:^|(?<=\s{{3}})|(?<=\n))\s*({BARRED})({EACH}|\[[^\]]*\])?\s=\s")
LETTER = r"[A-Za-z_]+'?"
OF_RESULT = re.compile(rf"(?:,? with|,? and|,) ({LETTER}(?:, {LETTER})*) = out\b")
UNDONE = " (by the engine)"
LONGEST_LIST = 8  # entries of an index that are written out


def formula(op: Op, operands: Sequence[str | None], statics: Sequence[Any]) -> str:
    """What a node computes: ``relu(z)``.

    operands  how each operand is written; None where an optional one is absent
    """
    values = {n: static_text(v) for n, v in zip(op.static_names, statics)}
    notation = op.notation
    if notation is not None:
        try:
            return filled(op, notation, operands, values, statics)
        except (KeyError, IndexError, ValueError):
            pass  # a notation with a mistake is not worth a failure
    given = [o for o in operands if o is not None] + settings(op, values, statics, "")
    return f"{op.name}({', '.join(given)})"


def filled(
    op: Op,
    notation: str,
    operands: Sequence[str | None],
    values: dict[str, str],
    statics: Sequence[Any],
) -> str:
    """The notation with names in place of its fields, and arguments that it does not mention."""
    fields = {n: argument_text(v, n) for n, v in zip(op.static_names, statics)}
    if op.joint is not None:
        fields[op.operand_names[0]] = ", ".join([o or "?" for o in operands])
    else:
        for name, operand in zip(op.operand_names, operands):
            if operand is None:
                notation = re.sub(r"(\s*[-+*,;·]\s*)?(\w+=)?\{" + name + r"\}", "", notation)
            else:
                fields[name] = operand
    text = re.sub(r"=\((-[^()]+)\)", r"=\1", notation.format(**fields))
    rest = settings(op, values, statics, notation)
    return f"{text}, {', '.join(rest)}" if rest else text


def settings(op: Op, values: dict[str, str], statics: Sequence[Any], notation: str) -> list[str]:
    """The arguments that differ from their defaults and that `notation` does not mention."""
    defaults = op.defaults[op.arity :]
    private = op.forward.__name__.startswith("_")  # its sizes and layouts are of no interest
    found = []
    for name, value, default in zip(op.static_names, statics, defaults):
        if "{" + name in notation or (default is not MISSING and same(value, default)):
            continue
        text = values[name]
        if private and name in HYPERPARAMETERS:
            text = of_all_axes(value)
            if text == HYPERPARAMETERS[name]:
                continue
        elif private and name not in SHOWN_OF_PRIVATE:
            continue
        if hasattr(value, "dtype") or not text.startswith("<"):  # no object of Python's
            found.append(f"{name}={text}")
    return found


def of_all_axes(value: Any) -> str:
    """A setting of a layer; one that is the same along all axes once: ``((1, 1), (1, 1))`` is 1."""
    numbers = leaves_of(value)
    return static_text(numbers[0] if len(set(numbers)) == 1 else value)


@lru_cache(maxsize=512)
def cores(op: Op) -> tuple[tuple[int | None, ...], int | None]:
    """How many of the last axes of each operand and of the result take no part in broadcasting.

    Read from the Shapes section: ``(..., n, k), (..., k, m) -> (..., n, m)`` has 2, 2 and 2.  None
    for an operand without leading axes.
    """
    found = re.search(r"^\s*Shapes\s+(.*) -> (.*)", op.forward.__doc__ or "", re.M)
    if not found:
        return (), None
    given = re.sub(r"broadcastable to it", "(...)", found[1])
    groups = [re.findall(r"\([^()]*\)", side) for side in (given, found[2])]
    operands, results = [[core(group) for group in side] for side in groups]
    return tuple(operands), results[0] if results else None


def core(group: str) -> int | None:
    """``(..., n, k)`` has 2 axes behind its leading ones."""
    if not group.startswith("(...") or group.count("...") > 1:
        return None
    return group.count(",")


def is_stretched(op: Op, position: int, shapes: Sequence[Any], out: Any) -> bool:
    """Whether an operand was broadcast, so that its gradient is summed over the stretched axes.

    shapes   of the operands; None of one that is not known
    out      the shape of the result, or of the first of several
    """
    own, of_result = cores(op)
    if len(shapes) < 2 or position >= len(own):
        return False
    kept = own[position]
    if kept is None or of_result is None:
        return False
    for core, shape in zip(own, shapes):  # a vector in place of a matrix leaves out an axis
        if core is not None and shape is not None and len(shape) < core:
            of_result -= core - len(shape)
    leading, common = shapes[position], out
    if kept:
        leading = leading[:-kept]
    if of_result > 0:
        common = common[:-of_result]
    return math.prod(leading) < math.prod(common)


def is_entrywise(op: Op) -> bool:
    """Whether an op works entry by entry, with broadcasting."""
    return op.promote and cores(op)[1] in (0, None) and "@" not in (op.notation or "@")


def same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and bool(value == default))


class Gradient(NamedTuple):
    """One formula of a Gradient section: ``W̄[i] = right``, with W as `letter`."""

    letter: str
    place: str
    right: str


class Names(NamedTuple):
    """How the things that formulas speak of are written at one node.

    operands   the symbols of its operands; None where an optional one is absent
    out        the symbol of its result
    results    if it has several, the symbol of each; None where nobody used it
    statics    the arguments that are not tensors, by name
    sizes      numbers of entries, by symbol
    """

    operands: Sequence[str | None]
    out: str
    results: Sequence[str | None] = ()
    statics: Mapping[str, Any] = {}
    sizes: Mapping[str, int] = {}


@lru_cache(maxsize=512)
def gradient_section(op: Op) -> tuple[Gradient, ...]:
    """The formulas of the Gradient section of an op's docstring."""
    doc = unicodedata.normalize("NFD", op.forward.__doc__ or "")
    found = re.search(rf"^\s*Gradient\s+(.*?)(?=^\s*(?:{SECTIONS})\s|\Z)", doc, re.S | re.M)
    if not found:
        return ()
    text = found[1]
    starts = list(STARTS.finditer(text))
    ends = [start.start() for start in starts[1:]] + [len(text)]
    formulas = []
    for start, end in zip(starts, ends):
        formula = re.split(r";\s|\.\s\s|\n\s*\n", text[start.end() : end])[0]
        letter = re.sub(rf"[{MACRON}{OVERLINE}]", "", start[1])
        formulas.append(Gradient(letter, start[2] or "", " ".join(formula.split())))
    return tuple(formulas)


def vjp_formula(op: Op, position: int, names: Names, stretched: bool = False) -> str:
    """How the gradient of operand `position` is computed: ``x̄ = z̄ Wᵀ``.

    stretched   the operand was broadcast: its gradient is summed over the stretched axes
    """
    target = bar(names.operands[position] or "?")
    formulas = assigned(op, gradient_section(op), len(names.operands))
    if position not in formulas:
        return f"{target} = vector-Jacobian product of {op.name} with {bar(names.out)}"
    formula = formulas[position]
    words = vocabulary(op, position, formulas, names)
    text = tidied(substituted(formula.right, words, names))
    if text.endswith(UNDONE):  # what the formula says itself is not said twice
        stretched = False
        text = text.removesuffix(UNDONE)
    place = "" if formula.place == EACH else substituted(formula.place, words, names)
    if stretched:
        text = f"Σ ({text})" if " " in text else f"Σ {text}"
    return f"{target}{place} = {text}"


def assigned(op: Op, formulas: Sequence[Gradient], operands: int) -> dict[int, Gradient]:
    """Which formula is that of which of so many operands."""
    if op.joint is not None:
        each = len(formulas) == 1 and formulas[0].place == EACH
        return dict(enumerate(list(formulas) * operands if each else formulas))
    differentiable = [i for i, vjp in enumerate(op.vjps) if vjp is not None]
    return dict(zip(differentiable, formulas))


def vocabulary(
    op: Op, position: int, formulas: Mapping[int, Gradient], names: Names
) -> dict[str, str]:
    """What to write for the letters and names of an op's Gradient section."""
    words = {"out": names.out}
    words.update(dict.fromkeys(("g" + MACRON, "out" + MACRON, "out" + OVERLINE), cotangent(names)))
    letters: dict[str, str] = {}  # a weight that was left out is 1
    if op.joint is None:
        letters.update({n: o or "1" for n, o in zip(op.operand_names, names.operands)})
    if formulas[position].place == EACH:
        letters[formulas[position].letter + EACH] = names.operands[position] or "?"
        letters["i"] = str(position)
    else:
        own = {f.letter: names.operands[k] for k, f in formulas.items() if k < len(names.operands)}
        letters.update({letter: symbol or "1" for letter, symbol in own.items()})
    for letter, symbol, gradient in results_by_name(op, formulas[position].right, names):
        letters[letter] = symbol
        words[barred(letter)] = gradient
    for letter, symbol in letters.items():
        words[letter] = symbol
        words.setdefault(barred(letter), bar(symbol))
    return words


def results_by_name(op: Op, text: str, names: Names) -> list[tuple[str, str, str]]:
    """(name, symbol, gradient) of results, by the op's names and by those of ``with ... = out``.

    A result that nobody used has no vertex, and its gradient is 0.
    """
    given = OF_RESULT.search(text)
    letters = given[1].split(", ") if given else []
    if not names.results:
        return [(letter, names.out, bar(names.out)) for letter in letters]
    fields = getattr(op.outputs_class, "_fields", ())
    parts = [f".{field}" for field in fields] or [f"[{k}]" for k in range(len(names.results))]
    found = []
    for called in (letters, fields):
        for name, symbol, part in zip(called, names.results, parts):
            found.append((name, symbol or names.out + part, bar(symbol) if symbol else "0"))
    return found


def barred(letter: str) -> str:
    """How docstrings write the gradient of a letter or of a word."""
    return letter[0] + MACRON + letter[1:] if len(letter.strip("'ᵢ")) == 1 else letter + OVERLINE


def cotangent(names: Names) -> str:
    """ḡ: the gradient of the result, or of each of the results that were used."""
    if not names.results:
        return bar(names.out)
    return f"({', '.join([bar(symbol) if symbol else '0' for symbol in names.results])})"


def substituted(text: str, words: Mapping[str, str], names: Names) -> str:
    """`text` of a docstring with the names of one node."""
    known = {n: exact_text(v) for n, v in names.statics.items() if isinstance(v, (int, float))}
    known.update(words)
    pattern = "|".join([re.escape(name) for name in sorted(known, key=len, reverse=True)])
    text = OF_RESULT.sub("", text)
    text = re.sub(r"\b_(\w+\()", r"\1", text)
    text = re.sub(
        rf"`(\w+)`|(?<![\w.])({pattern})(?![A-Za-z0-9_'({EACH}{MACRON}{OVERLINE}])",
        lambda m: argument_text(names.statics.get(m[1]), m[1]) if m[1] else known[m[2]],
        text,
    )
    text = re.sub(r"size\(([^()]+)\)", lambda m: str(names.sizes.get(m[1], m[0])), text)
    return unicodedata.normalize("NFC", text)


def argument_text(value: Any, name: str) -> str:
    """An argument that is not a tensor; an array with many entries is called by its name."""
    if name == "index" and isinstance(value, tuple):
        return ", ".join([argument_text(part, name) for part in value]) or "()"
    if hasattr(value, "tolist"):
        return str(value.tolist()) if value.ndim < 2 and value.size <= LONGEST_LIST else name
    return static_text(value)


def tidied(text: str) -> str:
    """What is plain once numbers are put in: ``x^(3 - 1), 0 where 3 = 0`` is ``x^2``."""
    number = r"(-?\d+(?:\.\d+)?(?:e[-+]\d+)?)"
    before, after = rf"(?<![-\w.{MACRON}])", r"(?![\w.])"
    text = re.sub(
        rf", 0 where {number} = 0$", lambda m: "" if float(m[1]) else ", which is 0", text
    )
    text = re.sub(rf"\^\({number} - 1\)", lambda m: f"^{exact_text(float(m[1]) - 1)}", text)
    text = re.sub(rf"\^1{after}", "", text)
    text = re.sub(rf"{before}(\d+) / (\d+){after}", quotient, text)
    text = re.sub(rf"/ \({number}\)", r"/ \1", text)
    return re.sub(rf"{before}(?:1 \*|0 \+) | [*/] 1{after}", "", text)


def quotient(found: re.Match[str]) -> str:
    """12 / 4 is 3."""
    n, d = int(found[1]), int(found[2])
    return str(n // d) if d and n % d == 0 else found[0]
