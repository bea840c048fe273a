"""A function of one sample, run once for a whole batch.

The function is traced on the first sample: that tells which ops it calls, and on what.  Then each
call is made again, once for all samples: the rules (rules.py) say how an op takes a batch.  An op
without a rule is called sample by sample, and what does not depend on the samples is not computed
again.  Where a trace cannot tell what the function does (a branch on a number, random draws, a
change in place), `batched` returns None, and the caller runs a loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from minigrad import ops, random
from minigrad.backward import arrays_of
from minigrad.calls import CAST
from minigrad.func.rules import Operand, rule_of
from minigrad.graph import KINDS, Leaf, Output, Variable, wrap
from minigrad.memory import clock, writes
from minigrad.modes import WRITE, Call, NotTraced, Trace, recording, trace
from minigrad.primitive import Op
from minigrad.pytrees import flatten, leaves_of, map_tree

FEW = 4  # samples: up to so many a loop is as quick
ENTRIES = 2**23  # a batch is cut into pieces in which no array has more
TOLERANCE = {"float16": 1e-2, "float32": 1e-4, "float64": 1e-9}


class NotBatched(Exception):  # noqa: N818 - what is wrong is in the name
    """A traced program cannot be run for a batch."""


def batched(
    function: Callable[..., Any], inputs: Sequence[Any], chunk_size: int | None = None
) -> tuple[list[tuple[Any, bool]], Callable[[list[Any]], Any]] | None:
    """`function` of each sample along the first axis of the inputs, or None if that takes a loop.

    The last sample is compared with what `function` itself returns for it, so that nothing that a
    trace overlooks goes unseen.

    inputs      tensors (n, ...)
    chunk_size  how many samples are computed at once; None: as many as fit into moderate memory

    Returns  the leaves of what `function` returns, each with whether the batch is its first axis
             (one that does not depend on the samples has none), and the function that builds the
             tree of them.
    """
    size = inputs[0].shape[0]
    if size <= FEW:
        return None
    started = next(clock)
    written = writes.latest
    state = random.get_rng_state()
    first = [sample(x, 0) for x in inputs]
    try:
        with trace() as traced:
            traced.pure = True
            for x in first:
                traced.watch(x._array)
            output = function(*first)
        leaves, rebuild = flatten(output)
        if traced.unnoted or writes.latest != written:
            raise NotBatched
        largest = max([a.size for call in traced.calls for a in arrays_in(call.results)] or [1])
        piece = chunk_size or max(2, ENTRIES // max(largest, 1))
        parts = []
        for start in range(0, size, piece):
            some = [x if size <= piece else x[start : start + piece] for x in inputs]
            parts.append(Replay(traced, first, some, started).run(leaves))
        results = parts[0] if len(parts) == 1 else [joined(column) for column in zip(*parts)]
        if recording.trace is None:  # else the trace around this one is compared
            compare(results, function, inputs)
    except (NotBatched, NotTraced):
        random.set_rng_state(state)
        return None
    return results, rebuild


def joined(column: Sequence[tuple[Any, bool]]) -> tuple[Any, bool]:
    """One result of all pieces of a batch."""
    if not column[0][1]:
        return column[0]
    return ops.cat([value for value, _ in column], 0), True


def sample(x: Any, i: int) -> Any:
    """A copy of sample `i`, differentiable if `x` is."""
    made = wrap(np.array(x._array[i]))
    return made if x._node is None else made.requires_grad_()


def compare(results: list[Any], function: Callable[..., Any], inputs: Sequence[Any]) -> None:
    """Raise NotBatched if the last sample is not what `function` returns for it."""
    last = len(inputs[0]) - 1
    expected, _ = flatten(function(*[sample(x, last) for x in inputs]))
    if len(expected) != len(results):
        raise NotBatched
    for (value, is_batch), other in zip(results, expected):
        if not isinstance(value, Variable) or not isinstance(other, Variable):
            if value is not other and not np.array_equal(value, other):
                raise NotBatched
            continue
        got = value._array[last] if is_batch else value._array
        if not agree(got, other._array, value._array):
            raise NotBatched


def agree(x: Any, y: Any, all_samples: Any) -> bool:
    """Whether two results are equal up to rounding."""
    if x.shape != y.shape or x.dtype != y.dtype:
        return False
    if x.dtype.kind != "f":
        return bool(np.array_equal(x, y))
    size = np.abs(all_samples[np.isfinite(all_samples)]).max(initial=0)
    tolerance = TOLERANCE[x.dtype.name]
    return bool(np.allclose(x, y, rtol=tolerance, atol=tolerance * size, equal_nan=True))


class Replay:
    """The calls of a trace, made again for a batch of samples.

    size      how many samples there are
    values    id of an array of the trace -> the tensor (size, ...) that stands for it now
    """

    def __init__(
        self, traced: Trace, first: Sequence[Any], inputs: Sequence[Any], started: int
    ) -> None:
        self.traced = traced
        self.started = started
        self.size = inputs[0].shape[0]
        self.values: dict[int, Any] = {id(x._array): t for x, t in zip(first, inputs)}
        self.nodes: dict[int, Any] = {}  # id of a result -> the node that computed it
        for node, out in traced.made.items():
            self.nodes[id(out[0] if isinstance(out, (tuple, list)) else out)] = node
        self.attached: set[Any] = set()  # nodes of the trace that lead to tensors from outside

    def run(self, leaves: Sequence[Any]) -> list[tuple[Any, bool]]:
        """What stands for the results `leaves` of the function: each with whether it is a batch."""
        outside = recording.trace
        drawing = random.drawing.values()
        for call in self.traced.calls:
            if call.op is WRITE or call.op in drawing:
                raise NotBatched
            node = self.nodes.get(id(call.results[0])) if call.results else None
            if node is not None and any([self.reaches_outside(e) for e in node.operands]):
                self.attached.add(node)
            arrays = [*call.operands, *arrays_in(call.statics)]
            if any([id(array) in self.values for array in arrays]):
                self.call(call, node)
            elif outside is not None:
                outside.note(call)
        return [self.result(leaf) for leaf in leaves]

    def reaches_outside(self, edge: Any) -> bool:
        """Whether an edge leads to a tensor that required grad before the trace began."""
        if type(edge) not in KINDS:
            return False
        if edge.sequence < self.started:
            return True
        if type(edge) is Output:
            edge = edge.operands[0]
        return type(edge) is not Leaf and edge in self.attached

    def value(self, array: Any, edge: Any) -> Any:
        """What stands for an array that had its place at `edge`; None: it needed no gradient."""
        batch = self.values.get(id(array))
        if batch is not None:
            return batch if edge is not None or batch._node is None else wrap(batch._array)
        return wrap(array, edge) if self.reaches_outside(edge) else array

    def result(self, leaf: Any) -> tuple[Any, bool]:
        if not isinstance(leaf, Variable):
            return leaf, False
        value = self.value(leaf._array, leaf._node)
        return value if isinstance(value, Variable) else wrap(value), id(leaf._array) in self.values

    def operand(self, array: Any, edge: Any = None) -> Operand:
        return Operand(self.value(array, edge), id(array) in self.values, np.ndim(array))

    def call(self, call: Call, node: Any) -> None:
        """Make one call for all samples."""
        if call.op is CAST:
            (array,) = call.operands
            self.values[id(call.results[0])] = ops.astype(self.values[id(array)], *call.statics)
            return
        edges = [None] * len(call.operands) if node is None else node.operands
        operands = [
            self.operand(array, edge if type(edge) in KINDS else None)
            for array, edge in zip(call.operands, edges)
        ]
        statics = map_tree(self.static, list(call.statics))
        arrays = arrays_in(call.results)
        results = self.at_once(call.op, operands, statics)
        if len(results) < len(arrays):  # no rule, or not for what the op keeps
            results = self.one_by_one(call, operands, statics)
        for array, result in zip(arrays, results, strict=True):
            if result.shape != (self.size, *array.shape):
                raise NotBatched
            if result.dtype != array.dtype:
                result = ops.astype(result, array.dtype)
            self.values[id(array)] = result

    def static(self, value: Any) -> Any:
        """A leaf of the static arguments, with an operand in the place of an array."""
        if isinstance(value, np.ndarray) or id(value) in self.values:
            return self.operand(value)
        return value

    def at_once(self, op: Op, operands: Sequence[Operand], statics: Sequence[Any]) -> Sequence[Any]:
        """The results by the rule of an op; none if it has no rule, or not for this case."""
        rule = rule_of(op)
        if rule is None:
            return ()
        count = leading_arrays(statics) if op.arity == 0 else 0
        try:
            made = rule(op, [*operands, *statics[:count]], statics[count:], self.size)
        except Exception:  # a case that the rule does not foresee; the op itself will say more
            return ()
        return () if made is None else made if isinstance(made, (tuple, list)) else (made,)

    def one_by_one(self, call: Call, operands: Sequence[Operand], statics: Sequence[Any]) -> Any:
        """The results of an op that has no rule for this case: computed sample by sample."""
        rows = []
        for i in range(self.size):
            of_sample = partial(at, i)
            rows.append(results_of(call.op, *map_tree(of_sample, (list(operands), statics))))
        stacks = []
        for column in zip(*rows, strict=True):
            if any([y.shape != column[0].shape for y in column]):  # as many as a sample has
                raise NotBatched
            stacks.append(ops.stack(list(column), 0))
        return stacks


def arrays_in(values: Any) -> list[Any]:
    """The arrays among values, in nested tuples too."""
    return [x for x in leaves_of(values) if isinstance(x, (np.ndarray, np.generic))]


def leading_arrays(statics: Sequence[Any]) -> int:
    """How many arrays an op without derivatives has in front: its operands, all but in name."""
    flags = [isinstance(value, Operand) for value in statics]
    return flags.index(False) if False in flags else len(flags)


def at(i: int, value: Any) -> Any:
    """An argument, or an entry of one, of the call for sample `i`."""
    if not isinstance(value, Operand):
        return value
    return value.value[i] if value.batched else value.value


def results_of(op: Any, operands: list[Any], statics: list[Any]) -> list[Any]:
    """The results of one call as tensors, and after them what the forward keeps for its VJPs."""
    recorded = any([is_recorded(x) for x in operands])
    if not op.arity and any([is_recorded(x) for x in leaves_of(statics)]):
        raise NotBatched  # a VJP that looks at numbers, whose own derivative is asked for
    results = []
    if recorded:
        rest = [*statics[:-1], *statics[-1]] if op.varargs else statics
        out = op.call(*([operands] if op.joint is not None else operands), *rest)
        results = list(out) if isinstance(out, (tuple, list)) else [out]
    if recorded and not op.keep:
        return results
    out = op.run(operands, arrays_of(operands), arrays_of(statics))
    arrays = list(out) if isinstance(out, (tuple, list)) else [out]
    if recorded:
        arrays = arrays[-len(op.keep) :]
    return [*results, *[wrap(np.asarray(each)) for each in arrays_in(arrays)]]


def is_recorded(value: Any) -> bool:
    return isinstance(value, Variable) and value._node is not None
