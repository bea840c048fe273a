"""Evaluate one expression in PyTorch and here, over types, shapes and layouts of its inputs.

A row is an expression, such as ``m.lerp(x, y, 0.3)``.  Its inputs go by the letters that it uses,
``m`` is the library, ``F`` its ``nn.functional``.  What PyTorch refuses, a row does not ask of us.
"""

from __future__ import annotations

import ast
import warnings
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

import minigrad as mg

torch = pytest.importorskip("torch")

TYPES = ("float32", "int64", "int32", "uint8", "bool")
SHAPES = ("0-d", "empty", "gaps", "stack")
VARIANTS = ("float64", *TYPES, *SHAPES)

# letter -> ordinary shape; what it is when 0-d, empty, stacked
ENTRIES = {"shape": (2, 3), "0-d": (), "empty": (0, 3), "stack": (2, 1, 3)}
VECTOR = {"shape": (4,), "0-d": (), "empty": (0,), "stack": (2, 4)}
MATRIX = {"shape": (3, 3), "0-d": (), "empty": (0, 0), "stack": (2, 3, 3)}
TALL = {"shape": (4, 2), "0-d": (), "empty": (0, 2), "stack": (2, 4, 2)}
IMAGE = {"shape": (2, 4, 5, 6), "0-d": (), "empty": (0, 4, 5, 6), "stack": (2, 4, 5, 6)}
SIGNAL = {"shape": (2, 4, 7), "0-d": (), "empty": (0, 4, 7), "stack": (2, 4, 7)}

LETTERS: dict[str, tuple[dict[str, Any], Any]] = {
    "x": (ENTRIES, lambda rng, s: rng.normal(0, 1.5, s)),
    "y": (ENTRIES, lambda rng, s: rng.normal(0, 1.5, s)),
    "z": (ENTRIES, lambda rng, s: rng.normal(0, 1.5, s)),
    "p": (ENTRIES, lambda rng, s: rng.uniform(0.3, 3, s)),
    "q": (ENTRIES, lambda rng, s: rng.uniform(0.3, 3, s)),
    "u": (ENTRIES, lambda rng, s: rng.uniform(-0.9, 0.9, s)),
    "r": (ENTRIES, lambda rng, s: rng.uniform(0.05, 0.95, s)),
    "v": (VECTOR, lambda rng, s: rng.normal(0, 1.5, s)),
    "w": (VECTOR, lambda rng, s: rng.normal(0, 1.5, s)),
    "A": (MATRIX, lambda rng, s: rng.normal(0, 1, s)),
    "B": (MATRIX, lambda rng, s: rng.normal(0, 1, s)),
    "P": (MATRIX, lambda rng, s: symmetric(rng.normal(0, 1, s))),
    "H": (TALL, lambda rng, s: rng.normal(0, 1, s)),
    "K": (TALL, lambda rng, s: rng.normal(0, 1, s)),
    "X": (IMAGE, lambda rng, s: rng.normal(0, 1, s)),
    "S": (SIGNAL, lambda rng, s: rng.normal(0, 1, s)),
}
FIXED: dict[str, Any] = {  # inputs that have one type
    "b": (ENTRIES, lambda rng, s: rng.random(s) < 0.5),
    "i": (ENTRIES, lambda rng, s: rng.integers(-9, 9, s)),
    "j": (ENTRIES, lambda rng, s: rng.integers(1, 9, s)),
}


def symmetric(a: np.ndarray) -> np.ndarray:
    """A positive definite matrix."""
    return a @ a.swapaxes(-1, -2) + 2 * np.eye(a.shape[-1]) if a.ndim > 1 else np.abs(a) + 1


def letters_of(expression: str) -> list[str]:
    nodes = [node for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Name)]
    names = {node.id for node in nodes} - {n.id for n in nodes if isinstance(n.ctx, ast.Store)}
    return [letter for letter in (*LETTERS, *FIXED) if letter in names]


def inputs(expression: str, variant: str) -> dict[str, np.ndarray]:
    """The arrays of a row, in one of its variants."""
    found = {}
    for letter in letters_of(expression):
        shapes, draw = LETTERS.get(letter) or FIXED[letter]
        rng = np.random.default_rng(zlib.crc32((letter + expression).encode()))
        array = np.asarray(draw(rng, shapes.get(variant, shapes["shape"])))
        if letter in LETTERS and variant in TYPES:
            if variant != "float32":
                array = np.abs(np.round(2 * array)) if variant == "uint8" else np.round(2 * array)
            array = array.astype(variant)
        if variant == "gaps" and array.ndim:
            array = np.repeat(array.T, 2, axis=-1)[..., ::2].T
        found[letter] = array
    return found


def flat(result: Any) -> Iterator[Any]:
    """All results of a call, one after the other."""
    if isinstance(result, (tuple, list)) and not isinstance(result, torch.Size):
        for part in result:
            yield from flat(part)
    else:
        yield result


class Outcome(NamedTuple):
    """What a call returned, and its derivatives."""

    values: list[Any]
    derivatives: list[Any]


def run(library: Any, expression: str, arrays: dict[str, np.ndarray], orders: int) -> Outcome:
    """Results, gradients and second derivatives, with the same random cotangents everywhere."""
    leaves = {letter: leaf_of(library, array, orders) for letter, array in arrays.items()}
    names = {"m": library, "F": library.nn.functional, **leaves}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        outputs = list(flat(evaluate(expression, names)))
        found = Outcome([plain(out) for out in outputs], [])
        wanted = [leaf for leaf in leaves.values() if leaf.requires_grad]
        for order in range(orders):
            total = weighted(library, outputs)
            if total is None and not order:
                break
            slopes: Any = [None] * len(wanted)
            if total is not None:
                slopes = library.autograd.grad(
                    total, wanted, create_graph=order + 1 < orders, allow_unused=True
                )
            for slope, leaf in zip(slopes, wanted, strict=True):
                # a derivative that is zero may be zeros or None
                zeros = np.zeros(tuple(leaf.shape))
                found.derivatives.append(zeros if slope is None else plain(slope))
            outputs = [slope for slope in slopes if slope is not None]
    return found


def evaluate(expression: str, names: dict[str, Any]) -> Any:
    """The value of an expression; of statements, what they leave in ``z``."""
    if ";" not in expression:
        return eval(expression, names)
    exec(expression, names)
    return names["z"]


def leaf_of(library: Any, array: np.ndarray, orders: int) -> Any:
    # made from memory, for `tensor` would make the layout contiguous
    shared = library.from_numpy(array) if array.ndim else library.tensor(array)
    return shared.requires_grad_() if orders and array.dtype.kind == "f" else shared


def weighted(library: Any, outputs: list[Any]) -> Any:
    """One number: all outputs, times numbers that only their positions decide."""
    total = None
    for position, out in enumerate(outputs):
        if getattr(out, "requires_grad", False) and out.dtype in (library.float32, library.float64):
            cotangent = np.random.default_rng(position).normal(0, 1, tuple(out.shape))
            term = (out * library.tensor(cotangent, dtype=out.dtype)).sum()
            total = term if total is None else total + term
    return total


def plain(value: Any) -> Any:
    """A tensor as an array; anything else as it is."""
    return np.asarray(value.detach().numpy()) if hasattr(value, "detach") else value


def orders_of(variant: str) -> int:
    """How often a row is differentiated."""
    return {"float64": 2, "0-d": 2, "stack": 2, "empty": 1, "gaps": 1}.get(variant, 0)


def difference(expression: str, variant: str, tolerance: float = 1e-8) -> str:
    """What differs between the libraries, in words; "" if nothing does."""
    arrays = inputs(expression, variant)
    for orders in range(orders_of(variant), -1, -1):
        try:
            theirs = run(torch, expression, arrays, orders)
            break
        except Exception:  # PyTorch refuses: the call, or only its derivative
            continue
    else:
        return ""
    try:
        ours = run(mg, expression, arrays, orders)
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]
    tolerance = 3e-5 if variant in TYPES else tolerance
    words = compared("result", ours.values, theirs.values, tolerance)
    if theirs.derivatives and not words:  # where PyTorch has none, ours may be any
        zeros = [np.zeros_like(each) for each in theirs.derivatives]
        words = compared("slope", ours.derivatives or zeros, theirs.derivatives, tolerance)
    return words


def compared(what: str, ours: list[Any], theirs: list[Any], tolerance: float) -> str:
    if len(ours) != len(theirs):
        return f"{len(ours)} {what}s, {len(theirs)} there"
    for place, (here, there) in enumerate(zip(ours, theirs, strict=True)):
        if not isinstance(there, np.ndarray):
            if not np.isclose(here, there) if isinstance(there, float) else here != there:
                return f"{what} {place} is {here!r}, there {there!r}"
            continue
        if not isinstance(here, np.ndarray):
            return f"{what} {place} is {here!r}, there an array"
        if here.shape != there.shape or here.dtype != there.dtype:
            return f"{what} {place} is {here.dtype} {here.shape}, there {there.dtype} {there.shape}"
        close = max(tolerance, 3e-5) if there.dtype == np.float32 else tolerance
        if not np.allclose(here, there, close, close, equal_nan=True):
            return f"{what} {place} is {here.tolist()}, there {there.tolist()}"[:300]
    return ""
