"""Steps of optimizers that no program can contain: they run after it, as they are.

Such a step calculates with Python numbers that it reads from its state, or was written by the user.
Forward and backward are compiled; the step takes the gradients that the program has left, so
nothing in the function may need what it changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.compile.program import NotCompiled, Value
from minigrad.compile.updates import number_names, update_statements
from minigrad.graph import Variable
from minigrad.memory import clock, owner_of, writes
from minigrad.modes import Call, recording, untraced
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.recorder import recorder
from minigrad.pytrees import flatten

__all__ = ["Afterwards", "check_order", "gradients_of", "is_traceable", "run_untraced"]


@dataclass
class Afterwards:
    """A step that runs after the program.

    position   before which call of the trace it ran
    grads      leaf -> the array of its gradient at that time
    """

    optimizer: Optimizer
    position: int
    grads: dict[Any, Any]


def gradients_of(optimizer: Optimizer) -> dict[Any, Any]:
    """The arrays of the gradients that a step is about to use, by leaf."""
    leaves = [p._get_leaf() for group in optimizer.param_groups for p in group["params"]]
    return {leaf: leaf.grad._array for leaf in leaves if leaf.grad is not None}


def run_untraced(run: Callable[[], Any]) -> tuple[Any, set[int]]:
    """Run a step outside of the trace: what it returns, and the memory that it wrote to."""
    begin, enabled, before = next(clock), recording.enabled, recorder.record
    recorder.record = None
    try:
        with untraced():
            recording.enabled = enabled
            result = run()
    finally:
        recorder.record = before
    return result, {key for key, (time, _) in writes.times.copy().items() if time > begin}


def is_traceable(optimizer: Optimizer) -> bool:
    """Whether `update` computes with NumPy's functions alone, so that statements tell of it."""
    for block in optimizer._blocks:
        dtype = block.arrays[0].dtype
        p, g, *state = [Value(name, (2,), dtype) for name in ("p", "g", *block.state)]
        names = number_names(optimizer, len(block.numbers))
        numbers = [Value(name, (), array.dtype) for name, array in zip(names, block.numbers)]
        decay = Value("decay", (), dtype) if block.group["weight_decay"] else None
        try:
            update_statements(optimizer, block, p, g, state, numbers, decay, [])
        except (TypeError, ValueError, AttributeError):
            return False
    return True


def check_order(
    steps: list[Afterwards],
    calls: list[Call],
    written: set[int],
    outputs: list[Value],
    own: set[Value],
) -> None:
    """Raise if anything that follows the steps needs what they change.

    written  the memory that they wrote to
    own      parameters, state and views of them: as results they would show the step
    """
    for step in steps:
        name = step.optimizer.name
        for call in calls[step.position :]:
            given = flatten((call.operands, call.statics))[0]
            arrays = [each._array if isinstance(each, Variable) else each for each in given]
            if any(id(owner_of(a)) in written for a in arrays if isinstance(a, np.ndarray)):
                raise NotCompiled(
                    f"{name} reads numbers, so it runs after the program, and {call.op.name} "
                    f"({call.line[0].rpartition('/')[2]}, line {call.line[1]}) needs what it "
                    "changed: compute that outside of the compiled function"
                )
        for leaf, array in step.grads.items():
            if leaf.grad is None or leaf.grad._array is not array:
                raise NotCompiled(
                    f"the gradients are gone after {name}, which reads numbers and so runs after "
                    "the program: call zero_grad before backward, not after the step"
                )
        if any(value in own for value in outputs):
            raise NotCompiled(
                f"a parameter is returned that {name} changes after the program: return a clone of "
                "it, or read it outside"
            )
