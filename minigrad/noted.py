"""Plain computations beside the ops: positions, masks and checks, which have no derivative.

What they compute depends on the numbers of tensors.  Called by `noted`, they are calls that a trace
sees, so that a compiled function computes them anew for other numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.graph import Variable, wrap
from minigrad.modes import Call, caller, recording
from minigrad.primitive import Op

__all__ = ["noted"]


def arrays_of(value: Any) -> Any:
    """Arrays in the place of tensors, in tuples too."""
    if type(value) is tuple:
        return tuple([arrays_of(each) for each in value])
    return value._array if isinstance(value, Variable) else value


ops: dict[Any, Op] = {}  # plain functions, as a trace notes them


def noted(function: Callable[..., Any], *arguments: Any) -> Any:
    """``function(*arguments)`` with arrays in the place of tensors.

    The results are arrays; in a trace they are tensors, so that what is computed with them is seen.

    function    takes positional arguments, and returns an array, a tuple of arrays or, if it only
                looks whether to raise, None; how many does not depend on numbers
    """
    trace = recording.trace
    given = arrays_of(arguments)
    out = function(*given)
    if trace is None:
        return out
    several = isinstance(out, tuple)
    results = tuple(map(np.asarray, out)) if several else () if out is None else (np.asarray(out),)
    op = ops.setdefault(function, Op(function, (), names=False))
    assert recording.frame is not None
    trace.note(Call(op, (), arguments, results, recording.frame, caller()))
    made = tuple(map(wrap, results))
    return made if several else made[0] if made else None
