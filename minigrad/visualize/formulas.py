"""Ops in mathematical notation: what a node computes, and the formulas of its gradients.

The first comes from the op's `notation`, the second from the Gradient section of its docstring.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from minigrad.operation import MISSING, Op
from minigrad.visualize.names import MACRON, bar, static_text

SECTIONS = r"Forward|Gradient|Shapes|Raises|Source|Example|Note"
SHOWN_OF_PRIVATE = {"dim", "dims", "keepdim"}
LETTERS = {"weight": "W", "bias": "b"}  # what docstrings call these operands


def formula(op: Op, operands: Sequence[str | None], statics: Sequence[Any]) -> str:
    """What a node computes: ``relu(z)``.

    operands  how each operand is written; None where an optional one is absent
    """
    values = {n: static_text(v) for n, v in zip(op.static_names, statics)}
    notation = op.notation
    if notation is not None:
        try:
            return filled(op, notation, operands, values, statics)
        except (
            KeyError,
            IndexError,
            ValueError,
        ):  # a notation with a mistake is not worth a failure
            pass
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
    fields = dict(values)
    if op.joint is not None:
        fields[op.operand_names[0]] = ", ".join([o or "?" for o in operands])
    else:
        for name, operand in zip(op.operand_names, operands):
            if operand is None:
                notation = re.sub(r"(\s*[-+*,;·]\s*)?\{" + name + r"\}", "", notation)
            else:
                fields[name] = operand
    text = notation.format(**fields)
    rest = settings(op, values, statics, notation)
    return f"{text}, {', '.join(rest)}" if rest else text


def settings(op: Op, values: dict[str, str], statics: Sequence[Any], notation: str) -> list[str]:
    """The arguments that differ from their defaults and that `notation` does not mention."""
    defaults = op.defaults[op.arity :]
    private = op.forward.__name__.startswith("_")  # its sizes and layouts are of no interest
    return [
        f"{name}={values[name]}"
        for name, value, default in zip(op.static_names, statics, defaults)
        if "{" + name not in notation
        and (default is MISSING or not same(value, default))
        and not (private and name not in SHOWN_OF_PRIVATE)
    ]


def is_entrywise(op: Op) -> bool:
    """Whether an op works entry by entry, with broadcasting."""
    return op.promote and "@" not in (op.notation or "@")


def same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and bool(value == default))


@lru_cache(maxsize=512)
def gradient_section(op: Op) -> tuple[str, ...]:
    """The formulas of the Gradient section of an op's docstring, one for each operand."""
    doc = op.forward.__doc__ or ""
    found = re.search(rf"^\s*Gradient\s+(.*?)(?=^\s*(?:{SECTIONS})\s|\Z)", doc, re.S | re.M)
    if not found:
        return ()
    text = re.split(r";\s", found[1])[0]
    parts = [part.strip() for part in re.split(r"\s{3,}|\n", text)]
    formulas = [re.sub(r"\s+", " ", part) for part in parts if " = " in part]
    return tuple([f"{f.split(' = ', 1)[0]} = {f.split(' = ', 1)[1]}" for f in formulas])


def vjp_formula(
    op: Op, position: int, operands: Sequence[str | None], out: str, stretched: bool = False
) -> str:
    """How the gradient of operand `position` is computed: ``x̄ = z̄ Wᵀ``.

    stretched   the operand was broadcast: its gradient is summed over the stretched axes
    """
    if op.joint is not None:
        position = 0
    target = operands[position] or "?"
    formulas = gradient_section(op)
    differentiable = [i for i, vjp in enumerate(op.vjps) if vjp is not None] or [0]
    rank = differentiable.index(position) if position in differentiable else 0
    if len(formulas) <= rank:
        return f"{bar(target)} = vector-Jacobian product of {op.name} with {bar(out)}"
    right = formulas[rank].split(" = ", 1)[1]
    text = tidied(substituted(op, right, operands, out))
    if stretched:
        text = f"Σ ({text})" if " " in text else f"Σ {text}"
    return f"{bar(target)} = {text}"


def tidied(text: str) -> str:
    """What is plain once numbers are put in: ``x^(3 - 1), 0 where 3 = 0`` is ``x^2``."""
    number = r"(-?\d+(?:\.\d+)?(?:e[-+]\d+)?)"
    text = re.sub(
        rf", 0 where {number} = 0$", lambda m: "" if float(m[1]) else ", which is 0", text
    )
    power = re.sub(rf"\^\({number} - 1\)", lambda m: f"^{float(m[1]) - 1:g}", text)
    return re.sub(r"\^1(?![\w.])", "", power)


def substituted(op: Op, text: str, operands: Sequence[str | None], out: str) -> str:
    """`text` of a docstring with the names of this node: ḡ becomes the gradient of `out`."""
    names = {"out": out, "out" + MACRON: bar(out)}
    names["g" + MACRON] = bar(out)
    for name, operand in zip(op.operand_names, operands):
        if operand is not None:
            names[name] = names[LETTERS.get(name, name)] = operand
    pattern = "|".join([re.escape(name) for name in sorted(names, key=len, reverse=True)])
    text = text.replace("ʸ⁻¹", "^(y - 1)")  # where y is a number, it is put in
    plain = re.sub(r"\b_(\w+\()", r"\1", unicodedata.normalize("NFD", text))
    replaced = re.sub(
        rf"(?<![\w{MACRON}])({pattern})(?![A-Za-z0-9_{MACRON}(])", lambda m: names[m[1]], plain
    )
    return unicodedata.normalize("NFC", replaced)
