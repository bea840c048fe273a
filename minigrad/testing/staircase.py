"""In which type a function computes inside, whatever the type of what it takes and returns.

A function of float64 numbers that computes in float32 inside is a staircase: a change far below the
last bit of a float32 number leaves it as it is, or makes it jump.  A change far above that bit sees
the slope.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Array = Any

EPS = float(np.finfo(np.float64).eps)
DIRECTIONS = 9  # in which the inputs are changed, at most: a result may hardly change in some
ENOUGH = 3  # of them that show the steps
POINTS = 16  # along one of them, at which the width of the steps is looked at
DECIMALS = 6  # numbers with fewer were rounded on purpose
AGREE = 0.25  # relative difference of two slopes that are taken for the same


class Precision(NamedTuple):
    """A floating-point type, and the relative changes that tell it from a longer one.

    below   a change that its numbers do not notice
    above   two changes that they do, so that both see the same slope
    """

    name: str
    eps: float
    below: float
    above: tuple[float, float]


PRECISIONS = (
    Precision("float32", float(np.finfo(np.float32).eps), 1e-10, (1e-4, 4e-4)),
    Precision("float16", float(np.finfo(np.float16).eps), 1e-5, (2e-2, 5e-2)),
)


def precision_inside(
    evaluate: Callable[[], Array], arrays: list[Array], base: Array
) -> Precision | None:
    """The type in which a function of float64 arrays computes, if that is a shorter one.

    evaluate   the outputs at the present contents of `arrays`, which are changed and restored
    base       the outputs

    Returns    None where it computes in float64, or where this cannot be told
    """
    before = [x.copy() for x in arrays]

    def at(amplitude: float, seed: int) -> Array:
        """The outputs for inputs that are changed, relative, by up to `amplitude`."""
        rng = np.random.default_rng(seed)
        for x, values in zip(arrays, before):
            sides = rng.choice([-1.0, 1.0], x.shape) * rng.uniform(0.5, 1.0, x.shape)
            x[...] = values * (1 + amplitude * sides)
        try:
            outputs = evaluate()
        except (ArithmeticError, ValueError, np.linalg.LinAlgError):
            return np.full(base.shape, np.nan)
        if outputs.size != base.size:
            return np.full(base.shape, np.nan)
        return outputs

    try:
        for kind in reversed(PRECISIONS):
            seen: dict[str, list[int]] = {"steps": [], "smooth": [], "rough": [], "flat": []}
            for seed in range(DIRECTIONS):
                seen[looks(at, base, kind, seed)].append(seed)
                if seen["smooth"] or len(seen["steps"]) == ENOUGH:
                    break
            steps = seen["steps"]
            found = len(steps) >= 2 and len(steps) > 2 * len(seen["rough"]) and not seen["smooth"]
            if found and not has_treads(at, base, kind, steps[0]):
                return kind
    finally:
        for x, values in zip(arrays, before):
            x[...] = values
    return None


def looks(at: Callable[[float, int], Array], base: Array, kind: Precision, seed: int) -> str:
    """What most outputs are along a direction.

    Returns    "steps": they have a slope that changes below the last bit do not see; "smooth": such
               changes see it as well; "rough": no slope stays the same; "flat": they hardly change
    """
    below, above, beyond = (
        (at(amplitude, seed) - base) / amplitude for amplitude in (kind.below, *kind.above)
    )
    size = np.fmax(abs(above), abs(beyond))
    enough = size > 1e-2 * np.fmax(abs(base), 1e-3 * np.nanmax(abs(base), initial=0.0))
    smooth = enough & (abs(above - beyond) <= AGREE * size)
    if not smooth.any() or 2 * np.count_nonzero(smooth) < np.count_nonzero(enough):
        return "rough" if enough.any() else "flat"
    missed = abs(below - above) > 2 * AGREE * size
    steps = 2 * np.count_nonzero(missed & smooth) > np.count_nonzero(smooth)
    return "steps" if steps else "smooth"


def has_treads(at: Callable[[float, int], Array], base: Array, kind: Precision, seed: int) -> bool:
    """Whether the steps are those of a function like `np.round`, wider than those of the type.

    On the way to where the slope was seen, numbers of the type take other values at each point.
    """
    points = np.array([at(kind.above[1] * k / POINTS, seed) for k in range(1, POINTS + 1)])
    moving = points[-1] != base
    rounded = any(np.array_equal(points, np.round(points, k)) for k in range(DECIMALS))
    if rounded or not moving.any():
        return True
    distinct = np.array([len(np.unique(column)) for column in points.T[moving]])
    return bool(np.count_nonzero(distinct > POINTS / 2) < len(distinct) / 2)
