"""One row of the table of ops: an op, what it should give, and inputs to try it on."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np

import minigrad as mg

Shape = tuple[int, ...]
Shapes = tuple[Shape, ...]
Domain = Callable[[np.random.Generator, Shape], np.ndarray]


# ------------------------------------------------------------------------------------------ domains


def normal(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Normal numbers, at least 0.1 away from 0, where many ops have a kink."""
    x = rng.standard_normal(shape)
    return x + 0.1 * np.where(x < 0, -1.0, 1.0)


def between(low: float, high: float) -> Domain:
    """Uniform numbers between two bounds."""
    return lambda rng, shape: rng.uniform(low, high, shape)


positive = between(0.5, 2.0)


def distinct(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Numbers that differ by 0.1 or more, none within 0.04 of 0: no ties for max or sort."""
    n = int(np.prod(shape))
    return rng.permutation(0.15 * (np.arange(n) - n // 2) + 0.05).reshape(shape)


def outside(low: float, high: float) -> Domain:
    """Numbers beyond two bounds, on either side, up to one away."""

    def draw(rng: np.random.Generator, shape: Shape) -> np.ndarray:
        x = rng.uniform(0.1, 1.0, shape)
        return np.where(rng.random(shape) < 0.5, low - x, high + x)

    return draw


# --------------------------------------------------------------------------------------------- rows


@dataclass(frozen=True)
class Sample:
    """An op with its parameters, a reference, and shapes of inputs.

    name            where the op is under `minigrad`: "exp", "linalg.inv", "nn.functional.gelu"
    reference       the same in plain NumPy, on float64 arrays
    shapes          shapes of the differentiable operands
    domain          draws an operand within the op's domain, off its kinks; one for all, or one each
    call            the op with its other arguments, on tensors; left out: the op alone
    case            tells apart several rows of one op
    zero_d          shapes where operands are 0-d; None where the op takes none
    empty           shapes without entries
    broadcast       shapes that broadcast against each other
    along           the op with `dim` as a last argument, if it has one
    door            whether `reference` runs on tensors as well, recorded: NumPy's door
    differentiable  whether the result has a gradient
    second          whether the second derivative is tested (False: it is 0 or not defined)
    tolerance       of gradients against finite differences, relative
    """

    name: str
    reference: Callable[..., Any]
    shapes: Shapes
    domain: Domain | tuple[Domain, ...] = normal
    call: Callable[..., Any] | None = None
    case: str = ""
    zero_d: Shapes | None = None
    empty: Shapes | None = None
    broadcast: Shapes | None = None
    along: Callable[..., Any] | None = None
    door: bool = False
    differentiable: bool = True
    second: bool = True
    tolerance: float = 1e-6

    def __str__(self) -> str:
        return f"{self.name}-{self.case}" if self.case else self.name

    @property
    def op(self) -> Any:
        """The op itself."""
        return attrgetter(self.name)(mg)

    def run(self, *operands: Any) -> Any:
        """The op with the parameters of this row."""
        return (self.call or self.op)(*operands)

    def rng(self) -> np.random.Generator:
        """Random numbers that are this row's own, the same at every run."""
        return np.random.default_rng(zlib.crc32(str(self).encode()))

    def inputs(self, shapes: Shapes | None = None) -> list[np.ndarray]:
        """Float64 arrays of `shapes`, or of the ordinary shapes."""
        rng = self.rng()
        shapes = self.shapes if shapes is None else shapes
        domains = self.domain if isinstance(self.domain, tuple) else (self.domain,) * len(shapes)
        return [np.asarray(draw(rng, shape)) for draw, shape in zip(domains, shapes, strict=True)]

    def kinds(self) -> Iterator[tuple[str, list[np.ndarray]]]:
        """Ordinary, 0-d and broadcasting inputs, by name."""
        for kind, shapes in (
            ("ordinary", self.shapes),
            ("0-d", self.zero_d),
            ("broadcast", self.broadcast),
        ):
            if shapes is not None:
                yield kind, self.inputs(shapes)


def unary(
    name: str,
    reference: Callable[..., Any],
    domain: Any = normal,
    call: Callable[..., Any] | None = None,
    **more: Any,
) -> Sample:
    """A row of an op with one operand of any shape."""
    shapes = {"shapes": ((2, 3),), "zero_d": ((),), "empty": ((0, 3),)}
    return Sample(name, reference, domain=domain, call=call, **{**shapes, **more})


def binary(
    name: str,
    reference: Callable[..., Any],
    domain: Any = normal,
    call: Callable[..., Any] | None = None,
    **more: Any,
) -> Sample:
    """A row of an op with two operands that broadcast."""
    shapes = {
        "shapes": ((2, 3), (2, 3)),
        "zero_d": ((), ()),
        "empty": ((0, 3), (3,)),
        "broadcast": ((2, 1, 3), (2, 1)),
    }
    return Sample(name, reference, domain=domain, call=call, **{**shapes, **more})


def reduction(
    name: str,
    reference: Callable[..., Any],
    domain: Any = normal,
    call: Callable[..., Any] | None = None,
    **more: Any,
) -> Sample:
    """A row of an op that takes entries along an axis together; `call` gives it the axis 1."""
    shapes = {"shapes": ((2, 3, 2),), "empty": ((2, 0, 3),)}
    return Sample(name, reference, domain=domain, call=call, **{**shapes, **more})


# ---------------------------------------------------------------------------- inputs, other layouts


def non_contiguous(array: np.ndarray) -> np.ndarray:
    """The same numbers in memory with gaps and in reversed axis order."""
    if array.ndim == 0:
        return array
    spread = np.repeat(array.T, 2, axis=-1)[..., ::2]
    return spread.T
