"""What is known of a call that was traced: its program, and what ties that to tensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.compile.afterwards import Afterwards
from minigrad.compile.program import Program, Value
from minigrad.compile.surroundings import Surroundings
from minigrad.compile.updates import Truth
from minigrad.graph import Variable, wrap
from minigrad.optim.blocks import Block
from minigrad.optim.optimizer import Optimizer
from minigrad.pytrees import flatten

__all__ = ["Captured", "Stepped"]


@dataclass
class Stepped:
    """One step of an optimizer in a call.

    position   before which call of the trace it ran
    grads      the array of each leaf's gradient at that time
    blocks     the optimizer's blocks, as they were after the step
    """

    optimizer: Optimizer
    position: int
    grads: dict[Any, Any]
    blocks: list[Block] = field(default_factory=list)
    before: dict[int, Any] = field(default_factory=dict)


@dataclass
class Captured:
    """A program, and what ties it to tensors.

    results    how many outputs the call returns; the others are gradients
    leaves     of the arguments of the call
    inputs     for each input of the program, which leaf of the arguments it is, or the `Leaf` of
               whose `.grad` it is the array
    sources    parameters and state -> the tensor whose array they are, or the array itself
    grads      leaf tensor -> the value that its `.grad` has after the call (None: it is None);
               those of arguments come first
    entered    leaf tensor -> whether it must have a `.grad` before the call
    steps      the optimizers' steps, and the numbers that the statements of them depend on
    result     what the traced call returned
    afterwards steps that follow the program
    written    memory that nothing was known of, and that the call changed in place
    outputs    leaves of the result: a position among the program's outputs, or a plain value
    """

    program: Program
    results: int
    leaves: list[Any]
    inputs: list[Any]
    sources: dict[Value, Any]
    grads: list[tuple[Any, Value | None]]
    entered: list[tuple[Any, bool]]
    steps: list[Stepped]
    truths: list[Truth]
    placed: dict[Value, Any]
    result: Any
    outputs: list[Any]
    rebuild: Callable[[list[Any]], Any]
    surroundings: Surroundings
    parameters: list[Any]
    cotangents: list[Value]
    places: list[Any]
    rebuild_arguments: Callable[[list[Any]], Any]
    examples: list[Any]
    afterwards: list[Afterwards]
    written: list[Any]

    def result_tensors(self, result: Any) -> list[Any]:
        """The tensors of a result, in the order of the program's outputs."""
        return [leaf for leaf in flatten(result)[0] if isinstance(leaf, Variable)]

    def take_result(self) -> Any:
        """What the traced call returned; from now on its form is known only, and not its history.

        So the memory of a call does not live as long as the program that was made of it.
        """
        result = self.result
        self.result = self.rebuild([
            leaf if not isinstance(leaf, Variable) or self.position(leaf) is not None
            else wrap(np.empty(0, leaf._array.dtype))
            for leaf in flatten(result)[0]
        ])  # fmt: skip
        return result

    def position(self, tensor: Any) -> int | None:
        """Which leaf of the arguments a tensor is, or None."""
        for i, leaf in enumerate(self.leaves):
            if leaf is tensor:
                return i
        return None

    def tensors(self) -> list[tuple[Any, Any, Any]]:
        """The tensors beside the arguments: each with its array and what it stands for."""
        given = {id(leaf) for leaf in self.leaves}
        found = {id(t): t for t in self.sources.values() if isinstance(t, Variable)}
        found.update({id(t): t for t in self.parameters if id(t) not in given})
        return [(t, t._array, t._node) for t in found.values()]
