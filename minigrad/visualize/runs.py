"""What repeats in a graph: steps of a loop, equal modules in a row, and ops one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from minigrad.visualize.parts import Call, Description, Vertex

__all__ = ["Folded", "find_runs", "segments"]

FEWEST_REPEATS = 3  # equal parts in a row that are drawn as one
LONGEST_PERIOD = 16  # ops and module calls of one step of a loop
FEWEST_IN_A_LOOP = 20  # ops that repeat outside of modules and are worth a box of their own
FEWEST_IN_A_SEGMENT = 4  # ops one after another that are worth a box of their own


@dataclass(eq=False)
class Folded:
    """What is drawn as one box: `count` equal parts, of module calls and of ops outside of them."""

    calls: list[int] = field(default_factory=list)
    ops: list[int] = field(default_factory=list)
    count: int = 1

    @property
    def first(self) -> int | None:
        return self.calls[0] if self.calls else None


@dataclass(eq=False)
class Unit:
    """A module call, or an op outside of those around it: what a run consists of."""

    call: int | None
    members: list[Vertex]
    signature: Any


def find_runs(description: Description) -> list[Folded]:
    """The runs of equal parts, in each module call and outside of all: each part feeds the next."""
    found = []
    for units in units_of(description).values():
        k = 0
        while k < len(units):
            period, count = best_run(units, k)
            run = units[k : k + period * count]
            modules = any([unit.call is not None for unit in run])
            if count >= FEWEST_REPEATS and (modules or len(run) >= FEWEST_IN_A_LOOP):
                found.append(
                    Folded(
                        [unit.call for unit in run if unit.call is not None],
                        [v.index for unit in run if unit.call is None for v in unit.members],
                        count,
                    )
                )
            k += max(period * count, 1)
    return found


def units_of(description: Description) -> dict[int | None, list[Unit]]:
    """For each module call, and for None, the calls and ops right inside it, in order."""
    calls = description.calls
    units: dict[int | None, dict[Any, Unit]] = {}
    for vertex in description.vertices:
        if vertex.kind not in ("op", "output"):
            continue
        inner, at = None, vertex.call
        while True:  # a vertex is a part of a unit on each level
            key = ("call", inner) if inner is not None else ("op", op_of(vertex))
            group = units.setdefault(at, {})
            if key not in group:
                group[key] = Unit(inner, [], None)
            group[key].members.append(vertex)
            if at is None:
                break
            inner, at = at, calls[at].parent
    for group in units.values():
        for unit in group.values():
            unit.signature = signature(unit, calls)
    return {at: list(group.values()) for at, group in units.items()}


def op_of(vertex: Vertex) -> int:
    """The op that computed a vertex: itself, or of one of several results their op."""
    return vertex.inputs[0] if vertex.kind == "output" else vertex.index


def signature(unit: Unit, calls: Sequence[Call]) -> Any:
    """What equal units have in common."""
    ops = tuple([(v.op, v.shape) for v in unit.members if v.kind == "op"])
    return (None if unit.call is None else calls[unit.call].kind, ops)


def best_run(units: list[Unit], start: int) -> tuple[int, int]:
    """Period and number of repeats of the run from `start` that covers most; (1, 1) for none."""
    best = (1, 1)
    signatures = [unit.signature for unit in units[start : start + 2 * LONGEST_PERIOD]]
    for period in range(1, LONGEST_PERIOD + 1):
        if signatures[:period] != signatures[period : 2 * period]:
            continue
        count = 1
        while feeds(units, start + (count - 1) * period, period):
            count += 1
        if count >= FEWEST_REPEATS and period * count > best[0] * best[1]:
            best = period, count
    return best


def feeds(units: list[Unit], at: int, period: int) -> bool:
    """Whether the part at `at` is followed by an equal one that is computed from it."""
    part, following = units[at : at + period], units[at + period : at + 2 * period]
    if [unit.signature for unit in part] != [unit.signature for unit in following]:
        return False
    made = {v.index for unit in part for v in unit.members}
    return any(i in made for unit in following for v in unit.members for i in v.inputs)


def segments(description: Description, free: set[int], pieces: int) -> list[Folded]:
    """Ops one after another, each the only one that uses the one before, cut into `pieces`.

    free   the ops that are drawn by themselves
    """
    users = description.consumers()
    vertices = description.vertices
    chains: dict[int, list[int]] = {}  # last op -> the chain that it ends
    for vertex in vertices:
        if vertex.index not in free or vertex.kind != "op":
            continue
        before = [i for i in vertex.inputs if vertices[i].kind in ("op", "output")]
        follows = len(before) == 1 and before[0] in chains and len(users[before[0]]) == 1
        chain = []
        if follows and vertices[before[0]].call == vertex.call:
            chain = chains.pop(before[0])  # it is nobody else's
        chain.append(vertex.index)
        chains[vertex.index] = chain
    long = [chain for chain in chains.values() if len(chain) >= FEWEST_IN_A_SEGMENT]
    size = max(FEWEST_IN_A_SEGMENT, -(-sum(map(len, long)) // max(pieces, 1)))
    return [
        Folded(ops=chain[at : at + size])
        for chain in long
        for at in range(0, len(chain), size)
        if len(chain[at : at + size]) > 1
    ]
