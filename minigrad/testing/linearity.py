"""Whether gradients depend on the gradient of the result as they must: linearly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.testing.report import Diagnosis

Array = Any


class NotMultiplied(NamedTuple):
    """Names of the inputs whose gradients are not zero where the gradient g of the result is.

    wholly   those that do not depend on g at all
    partly   those of which a term does not
    """

    wholly: list[str]
    partly: list[str]

    def diagnoses(self) -> list[Diagnosis]:
        found = []
        if self.wholly:
            verb = "does" if len(self.wholly) == 1 else "do"
            text = (
                f"{gradients_of(self.wholly)} {verb} not depend on g, the gradient of the result: "
                "multiply by g"
            )
            found.append(Diagnosis("without g", text, self.wholly[0]))
        for name in self.partly:
            text = (
                f"a term of {gradients_of([name])} is not multiplied by g, the gradient of the "
                "result: it is still there where g is zero"
            )
            found.append(Diagnosis("without g", text, name))
        return found


def not_multiplied(
    names: Sequence[str], without: Sequence[Array], given: Sequence[Array]
) -> NotMultiplied:
    """Which gradients are not multiplied by the gradient of the result.

    without  the gradients where that is zero
    given    those where it is not
    """
    found = NotMultiplied([], [])
    for name, at_zero, gradient in zip(names, without, given):
        if np.any(at_zero) and np.isfinite(at_zero).all():
            same = np.array_equal(at_zero, gradient)
            (found.wholly if same else found.partly).append(name)
    return found


def not_additive(name: str) -> Diagnosis:
    text = (
        f"{gradients_of([name])} is not linear in g, the gradient of the result: for the sum of "
        "two g it is not the sum of both gradients (is something asked of g that should be asked "
        "of the inputs?)"
    )
    return Diagnosis("nonlinear", text, name)


def typical_size(y: Array, x: Array) -> float:
    """The size of derivatives of y for x, told by that of both."""
    largest = [float(np.max(abs(a[np.isfinite(a)]), initial=0.0)) for a in (y, x)]
    return largest[0] / largest[1] if largest[1] else 0.0


def gradients_of(names: Sequence[str]) -> str:
    """``the gradients of x, w and b``."""
    return f"the gradient{'s' if len(names) > 1 else ''} of {join(names)}"


def join(names: Sequence[str]) -> str:
    """``x, w and b``."""
    return " and ".join([", ".join(names[:-1])] * (len(names) > 1) + [names[-1]])
