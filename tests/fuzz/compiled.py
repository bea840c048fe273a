"""Random programs, compiled and as they are: the same numbers, and the same gradients.

The programs are those of `programs`, as functions of their first variables.  Each is called three
times, on other numbers: what the compiler takes for constant must be so.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.compile.capture import NotCompiled
from tests.fuzz import programs

Leaves = list[tuple[np.ndarray, bool]]
CALLS = 3
INSIDE = "    sum([(v * v.cos()).sum() for v in found if v.requires_grad]).backward()"


def function_of(lines: list[str], count: int, inside: bool) -> Any:
    """The program as a function of ``v0 ... v(count - 1)``; `inside`: with its backward pass."""
    names = sorted(
        {name for line in lines for name in re.findall(r"^(?:with .*: )?(v\d+) = ", line)}
    )
    arguments = ", ".join([f"v{i}" for i in range(count)])
    body = [f"    {line}" for line in lines]
    kept = f"[v for v in [{', '.join([*names, arguments])}] if v.dtype.kind == 'f']"
    found = "[v.detach() for v in found]" if inside else "found"
    last = [f"    found = {kept}", *[INSIDE] * inside, f"    return {found}"]
    scope: dict[str, Any] = {"m": mg}
    exec("\n".join([f"def program({arguments}):", *body, *last]), scope)
    return scope["program"]


def numbers_like(leaves: Leaves, seed: int, call: int) -> Leaves:
    """Leaves of the same shapes and types, with other numbers."""
    rng = np.random.default_rng([seed, call])
    fresh = [rng.standard_normal(x.shape) for x, _ in leaves]
    return [
        (np.asarray(np.where(y < 0, y - 0.1, y + 0.1), x.dtype), grad)
        for y, (x, grad) in zip(fresh, leaves)
    ]


def outcome(function: Any, leaves: Leaves, inside: bool) -> list[Any]:
    """What a call returns, what it leaves in its arguments, and all gradients."""
    given = [mg.tensor(x.copy(), requires_grad=grad) for x, grad in leaves]
    results = function(*given)
    if not inside:
        loss = sum([(v * v.cos()).sum() for v in results if v.requires_grad])
        if isinstance(loss, mg.Tensor):
            loss.backward()
    everything = [*results, *given, *[t.grad for t in given]]
    return [None if t is None else t.detach().numpy().copy() for t in everything]


def kept_lines(leaves: Leaves, lines: list[str], inside: bool) -> list[str]:
    """The lines without those that raise; what used their results goes, too."""
    lines = list(lines)
    while True:
        failed = programs.run(mg, leaves, lines).failed
        if failed is None or failed == len(lines):
            return lines
        name = re.match(r"(?:with m\.no_grad\(\): )?(v\d+) = ", lines[failed])
        del lines[failed]
        if name:
            lines = [line for line in lines if not re.search(rf"\b{name[1]}\b", line)]


def differs(mine: list[Any], compiled: list[Any], single: bool) -> str | None:
    """What differs between two outcomes."""
    for i, (a, b) in enumerate(zip(mine, compiled, strict=True)):
        if (a is None) != (b is None):
            return f"number {i}: one of the two is None"
        if a is None:
            continue
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"number {i}: {a.dtype} of shape {a.shape}, compiled {b.dtype} of {b.shape}"
        scale = np.abs(np.where(np.isfinite(a), a, 0)).max(initial=1.0)
        if not np.allclose(a, b, 0, (1e-5 if single else 1e-11) * scale, equal_nan=True):
            return f"number {i}: {a.tolist()}, compiled {b.tolist()}"
    return None


def compare(
    leaves: Leaves, lines: list[str], seed: int, inside: bool, counts: Counter[str]
) -> str | None:
    """How a program differs from itself compiled, or None."""
    function = function_of(lines, len(leaves), inside)
    compiled = mg.compile(function, algebra=bool(seed % 3))
    single = any(x.dtype == np.float32 for x, _ in leaves) or ".float()" in str(lines)
    for call in range(CALLS):
        drawn = numbers_like(leaves, seed, call)
        try:
            expected = outcome(function, drawn, inside)
        except Exception as error:
            counts[f"not run: {programs.reason(error)}"] += 1
            return None
        try:
            found = outcome(compiled, drawn, inside)
        except NotCompiled as error:
            counts[f"refused: {programs.reason(error)[:70]}"] += 1
            return None
        except Exception as error:
            return f"call {call}: {type(error).__name__}: {error}"
        text = differs(expected, found, single)
        if text is not None:
            return f"call {call}: {text}"
    counts["equal"] += 1
    return None


def shrunk(leaves: Leaves, lines: list[str], seed: int, inside: bool) -> list[str]:
    """As few of the lines as still give different numbers."""
    i = 0
    while i < len(lines):
        fewer = kept_lines(leaves, lines[:i] + lines[i + 1 :], inside)
        if compare(leaves, fewer, seed, inside, Counter()):
            lines = fewer
        else:
            i += 1
    return lines


def try_program(seed: int, counts: Counter[str]) -> str | None:
    """Compare one random program; what is wrong, with a program that is as short as can be."""
    rng = np.random.default_rng([seed, 7])
    leaves = programs.leaves_of(rng)
    drawn = programs.draw_lines(rng, len(leaves), int(rng.integers(2, 12)))
    inside = rng.random() < 0.4
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        lines = [
            line for line in drawn if not any(s.split("}")[-1] in line for s in programs.STATES)
        ]
        lines = kept_lines(leaves, lines, inside)
        text = compare(leaves, lines, seed, inside, counts)
        if text is None:
            return None
        lines = shrunk(leaves, lines, seed, inside)
        text = compare(leaves, lines, seed, inside, Counter()) or text
    given = ", ".join([f"{x.dtype}{list(x.shape)}{' grad' * grad}" for x, grad in leaves])
    program = "\n".join([f"    {line}" for line in lines])
    return f"seed {seed}, leaves {given}{', backward inside' * inside}\n{program}\n  {text}"
