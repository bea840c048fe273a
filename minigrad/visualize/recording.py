"""Recording a graph with all its numbers, for pictures."""

from __future__ import annotations

from typing import Any

from minigrad.modes import Block, recording

__all__ = ["record_values"]


class record_values(Block):
    """Keep every number of the graphs recorded inside: ``with mg.visualize.record_values():``

    A graph usually keeps only what backward needs, and lets go of it in backward.  In this block
    ops also keep copies of their operands and results, and the line of the program that called
    them, so that pictures can show all of it, before and after backward.

    Example  >>> import minigrad as mg
             >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
             >>> with mg.visualize.record_values():
             ...     y = (x + 1).sum()
             >>> y.backward()
             >>> [v.value.tolist() for v in mg.visualize.describe(y).vertices]
             [[1.0, 2.0], [2.0, 3.0], 5.0]
    """

    def now(self) -> Any:
        return recording.detail

    def begin(self) -> None:
        recording.change(stack=True, values=True)

    def end(self, before: Any) -> None:
        recording.change(stack=before.stack, values=before.values)
