"""What is drawn as one box: a vertex, a folded module call, a row of equal ones, or a summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from minigrad.visualize.description import Call, Description, Vertex
from minigrad.visualize.names import shape_text, shown
from minigrad.visualize.runs import Folded, find_runs, segments

MOST_VERTICES = 5_000  # from here on a graph is summarised
MOST_DRAWN = 2_500  # boxes of a picture: two seconds of Graphviz, and a minute for 5,000
MOST_BOXES = 60  # beyond this, modules and loops are folded unless the caller chose otherwise
SEGMENTS = 24  # boxes that the ops of long chains are folded into
FEWEST_FOR_STUBS = 40  # boxes from which long lines are cut: fewer can be followed
LONGEST_EDGE = 10  # ranks that a line may run through in a large picture
MOST_LINES = 2  # lines that may leave a leaf in a large picture


@dataclass(eq=False)
class Box:
    """One box of a picture: a vertex, or `members` folded into one with a `title` and `lines`.

    module   the module call that consists of this box alone, which needs no frame
    parts    of one that holds equal parts: a title and the members of each
    """

    name: str
    vertex: Vertex | None = None
    members: list[int] = field(default_factory=list)
    call: int | None = None  # the call that it is drawn inside
    title: str = ""
    lines: list[str] = field(default_factory=list)
    module: str = ""
    parts: list[tuple[str, list[int]]] = field(default_factory=list)


@dataclass(eq=False)
class Layout:
    """The boxes of a picture, and edges between them: (from, to) -> the vertices that pass.

    far    edges too long to be followed: their start is drawn once more, beside their end
    loops  boxes of steps of a loop, in which one module is called again and again
    """

    boxes: list[Box]
    edges: dict[tuple[str, str], list[int]]
    calls: list[Call]
    note: str = ""
    far: set[tuple[str, str]] = field(default_factory=set)
    loops: list[str] = field(default_factory=list)


def layout(
    description: Description, depth: int | None, fold: bool = True, most: int = MOST_VERTICES
) -> Layout:
    """Decide what is folded.

    depth   how many levels of modules are opened; None: all, as long as the picture stays readable
    fold    draw what repeats once; False: draw all of it
    most    tensors, from which on the graph is only summarised
    """
    if len(description) >= most:
        return summary(description)
    if not fold:
        owner = owners(description, depth, [])
        return boxes_of(description, owner) if drawable(owner) else summary(description)
    runs = find_runs(description)
    of_modules = [run for run in runs if run.calls]
    owner = owners(description, depth, of_modules)
    if depth is None and boxes_in(owner) > MOST_BOXES:
        for deepest in range(deepest_call(description) + 1, -1, -1):
            owner = owners(description, deepest, runs, above=True)
            if boxes_in(owner) <= MOST_BOXES:
                break
        if boxes_in(owner) > MOST_BOXES:
            free = {i for i, own in owner.items() if not isinstance(own, Folded)}
            for segment in segments(description, free, SEGMENTS):
                owner.update(dict.fromkeys(segment.ops, segment))
            owner = absorbed(description, owner)
    return boxes_of(description, owner) if drawable(owner) else summary(description)


def boxes_in(owner: dict[int, Any]) -> int:
    return len(set(owner.values()))


def drawable(owner: dict[int, Any]) -> bool:
    return boxes_in(owner) <= MOST_DRAWN


def level(call: Call, calls: list[Call]) -> int:
    depth = 0
    while call.parent is not None:
        call = calls[call.parent]
        depth += 1
    return depth


def deepest_call(description: Description) -> int:
    return max([level(call, description.calls) for call in description.calls], default=0)


def owners(
    description: Description, depth: int | None, runs: list[Folded], above: bool = False
) -> dict[int, Any]:
    """For each vertex, what it is folded into, or itself.

    above   fold runs on all levels, also in modules that are opened
    """
    calls = description.calls
    levels = [level(call, calls) for call in calls]
    of_call = {index: run for run in runs for index in run.calls}
    folded: dict[int | None, Folded] = {}
    for call in calls:  # parents come first
        if call.parent is not None and call.parent in folded:
            folded[call.index] = folded[call.parent]
        elif call.index in of_call and (depth is None or above or levels[call.index] >= depth - 1):
            folded[call.index] = of_call[call.index]
        elif depth is not None and levels[call.index] >= depth:
            folded[call.index] = Folded([call.index])
    owner: dict[int, Any] = {v.index: folded.get(v.call) for v in description.vertices}
    used = set(folded.values())
    for run in runs:
        if run in used or not run.calls:
            owner.update({i: run for i in run.ops if owner[i] is None})
    return absorbed(description, {i: o or ("vertex", i) for i, o in owner.items()})


def absorbed(description: Description, owner: dict[int, Any]) -> dict[int, Any]:
    """A parameter, or a constant without a name, that one folded box alone uses is folded in."""
    for vertex, users in zip(description.vertices, description.consumers()):
        inner = (vertex.kind == "leaf") == (vertex.name is not None)  # the input has a name
        if vertex.kind not in ("leaf", "constant") or not inner or not users:
            continue
        of_users = {owner[user] for user in users}
        into = of_users.pop()
        alone = not of_users and isinstance(into, Folded)
        if vertex.kind == "leaf" and alone and not into.calls:
            continue  # what a loop of the program's own uses is not a parameter inside of it
        if alone and vertex.index not in description.roots:
            owner[vertex.index] = into
    return owner


def boxes_of(description: Description, owner: dict[int, Any]) -> Layout:
    boxes: dict[Any, Box] = {}
    users = description.consumers()
    for vertex in description.vertices:
        key = owner[vertex.index]
        if key not in boxes:
            boxes[key] = Box(f"n{len(boxes)}")
        boxes[key].members.append(vertex.index)
    for key, box in boxes.items():
        if not isinstance(key, Folded):
            box.vertex = description.vertices[key[1]]
            box.call = (
                box.vertex.call
                if box.vertex.call is not None
                else home(box.vertex, users, description)
            )
        else:
            describe_folded(box, key, description, users)
    edges: dict[tuple[str, str], list[int]] = {}
    for vertex in description.vertices:
        to = boxes[owner[vertex.index]].name
        for i in vertex.inputs:
            start = boxes[owner[i]].name
            if start != to and i not in edges.setdefault((start, to), []):
                edges[start, to].append(i)
    far = far_edges(boxes.values(), edges)
    calls = framed_calls(list(boxes.values()), description)
    loops = [
        box.name for key, box in boxes.items()
        if isinstance(key, Folded) and is_loop(key, description)
    ]  # fmt: skip
    return Layout(list(boxes.values()), edges, calls, far=far, loops=loops)


def is_loop(folded: Folded, description: Description) -> bool:
    """Whether the same module, or no module at all, computes each of several parts."""
    modules = {id(description.calls[index].frame.module) for index in folded.calls}
    return folded.count > 1 and len(modules) * folded.count <= max(len(folded.calls), 1)


def framed_calls(boxes: list[Box], description: Description) -> list[Call]:
    """The calls that get a frame: a call of a single op is told in the op's own box."""
    inside: dict[int | None, list[Box]] = {}
    for box in boxes:
        inside.setdefault(box.call, []).append(box)
    parents = {call.parent for call in description.calls if call.index in inside}
    for call in description.calls:
        content = inside.get(call.index, [])
        if len(content) == 1 and content[0].vertex is not None and call.index not in parents:
            content[0].module, content[0].call = title_of(call), call.parent
    framed = {box.call for box in boxes if box.call is not None}
    for index in list(framed):
        parent = description.calls[index].parent
        while parent is not None:
            framed.add(parent)
            parent = description.calls[parent].parent
    return [call for call in description.calls if call.index in framed]


def title_of(call: Call) -> str:
    """``net.2: Linear``; the outermost module has no name."""
    return f"{shown(call.name)}: {shown(call.kind)}" if call.name else shown(call.kind)


def far_edges(
    boxes: Iterable[Box], edges: Mapping[tuple[str, str], list[int]]
) -> set[tuple[str, str]]:
    """Edges of a large picture that run through many ranks, and most of those of a busy leaf.

    Nobody can follow such lines, and Graphviz takes minutes to route a thousand of them.  The
    shortest edge of each box stays, so that the picture does not fall apart.
    """
    boxes = list(boxes)
    if len(boxes) <= FEWEST_FOR_STUBS:
        return set()
    ranks = ranks_of(boxes, edges)
    leaves = {box.name for box in boxes if box.vertex is not None and not box.vertex.inputs}
    leaving: dict[str, list[tuple[str, str]]] = {}
    for edge in edges:
        leaving.setdefault(edge[0], []).append(edge)
    far: set[tuple[str, str]] = set()
    for start, group in leaving.items():
        spans = {(start, end): ranks[end] - ranks[start] for start, end in group}
        nearest = min(group, key=lambda edge: spans[edge])
        busy = start in leaves and len(group) > MOST_LINES
        far.update(e for e in group if e != nearest and (busy or spans[e] > LONGEST_EDGE))
    return far


def ranks_of(boxes: list[Box], edges: Mapping[tuple[str, str], list[int]]) -> dict[str, int]:
    """How far down each box may stand: below its inputs, and just above its first user.

    Graphviz makes the sum of all lengths as small as it can, so it is at most that of these ranks.
    """
    before: dict[str, list[str]] = {box.name: [] for box in boxes}
    after: dict[str, list[str]] = {box.name: [] for box in boxes}
    for start, end in edges:
        before[end].append(start)
        after[start].append(end)
    order = [box.name for box in sorted(boxes, key=lambda box: box.members[-1])]
    ranks: dict[str, int] = {}
    for name in order:  # what is not ranked yet is folded, and returns to where it came from
        ranks[name] = 1 + max([ranks[each] for each in before[name] if each in ranks], default=0)
    for name in reversed(order):
        later = [ranks[each] for each in after[name] if ranks[each] > ranks[name]]
        ranks[name] = min(later, default=ranks[name] + 1) - 1
    return ranks


def home(vertex: Vertex, users: list[list[int]], description: Description) -> int | None:
    """The module call that a parameter is drawn in: the one that uses it, if it is the only one.

    So are constants that have no name: they were made inside.
    """
    if vertex.kind not in ("leaf", "constant") or (vertex.kind == "leaf") != bool(vertex.name):
        return None
    calls = {description.vertices[user].call for user in users[vertex.index]}
    return calls.pop() if len(calls) == 1 else None


def describe_folded(
    box: Box, folded: Folded, description: Description, users: list[list[int]]
) -> None:
    """Title and lines of a folded box: ``Block × 12``, the ops and parameters of each."""
    members = [description.vertices[i] for i in box.members]
    inside = set(box.members)
    count = folded.count
    ops = Counter([v.op for v in members if v.kind == "op"])
    box.call = call_around(folded, description)
    box.title = title_of_folded(folded, description, ops)
    if folded.calls:
        first, last = (description.calls[folded.calls[i]].name for i in (0, -1))
        if is_loop(folded, description):
            box.lines.append(f"{shown(first)}: {count} steps" if first else f"{count} steps")
        elif first:
            box.lines.append(shown(first) + (f" … {shown(last)}" if first != last else ""))
    elif count == 1:
        box.lines.append(f"{members[0].formula} … {members[-1].formula}")
    if count > 1 and not any([n % count for n in ops.values()]):
        each = Counter({op: n // count for op, n in ops.items()})
        if folded.calls:
            box.lines.append(f"each: {op_counts(each)}")
    else:
        box.lines.append(op_counts(ops))
    numbers = sum([size(v) for v in members if v.kind == "leaf"])
    if numbers:
        box.lines.append(f"{numbers:,} parameters")
    outputs = [
        v for v in members
        if v.kind in ("op", "output")
        and (v.index in description.roots or not inside.issuperset(users[v.index]))
    ]  # fmt: skip
    if outputs:
        box.lines.append(f"result {outputs[-1].symbol}: {shape_text(outputs[-1].shape)}")
    box.parts = parts_of(folded, members, users, description)
    cuts = [cut for cut in description.cuts if cut.source in inside]
    box.lines += [f"✂ {cut.what}" for cut in cuts if inside.issuperset(cut.targets)]


def parts_of(
    folded: Folded, members: list[Vertex], users: list[list[int]], description: Description
) -> list[tuple[str, list[int]]]:
    """The equal parts that something folded consists of, each with a title."""
    count, calls = folded.count, folded.calls
    ops = [v.index for v in members if v.kind == "op"]
    if count == 1 or len(ops) % count:
        return []
    size = len(ops) // count
    part = {index: k // size for k, index in enumerate(ops)}
    for vertex in members:
        if vertex.kind == "output":
            part[vertex.index] = part[vertex.inputs[0]]
    for vertex in members:
        if vertex.index not in part:
            part[vertex.index] = min([part[user] for user in users[vertex.index] if user in part])
    found = []
    for k in range(count):
        first = description.calls[calls[k * len(calls) // count]] if calls else None
        loop = first is None or is_loop(folded, description)
        title = f"step {k + 1}" if loop or first is None else title_of(first)
        found.append((title, [v.index for v in members if part[v.index] == k]))
    return found


def call_around(folded: Folded, description: Description) -> int | None:
    """The module call that something folded is drawn inside of."""
    if folded.calls:
        return description.calls[folded.calls[0]].parent
    return description.vertices[folded.ops[0]].call


def title_of_folded(folded: Folded, description: Description, ops: Counter[str]) -> str:
    """``Block × 12``; of ops outside of modules, what they are."""
    calls = folded.calls[: len(folded.calls) // folded.count]
    kinds = list(dict.fromkeys([shown(description.calls[index].kind) for index in calls]))
    if not kinds and folded.count == 1:
        return f"{sum(ops.values())} ops"
    kinds = kinds or [shown(op) for op in ops]
    title = ", ".join(kinds[:3]) + (", …" if len(kinds) > 3 else "")
    return title + (f" × {folded.count:,}" if folded.count > 1 else "")


def size(vertex: Vertex) -> int:
    n = 1
    for each in vertex.shape or ():
        n *= each
    return n


def op_counts(ops: Counter[str], most: int = 6) -> str:
    """``linear × 12, relu × 12``."""
    common = ops.most_common(most)
    text = ", ".join([shown(op) + (f" × {n:,}" if n > 1 else "") for op, n in common])
    rest = sum(ops.values()) - sum([n for _, n in common])
    return text + (f", {rest:,} others" if rest else "")


def summary(description: Description, most: int = 8) -> Layout:
    """A graph too large to draw: some leaves, one box for all ops, the roots."""
    vertices = description.vertices
    roots = set(description.roots)
    leaves = [v for v in vertices if v.kind == "leaf" and v.index not in roots]
    inner = [v for v in vertices if v.kind != "leaf" and v.index not in roots]
    boxes = [Box(f"n{i}", v, [v.index]) for i, v in enumerate(leaves[:most])]
    if len(leaves) > most:
        rest = leaves[most:]
        title = f"{len(rest):,} more leaves"
        numbers = sum([size(v) for v in rest])
        box = Box(
            f"n{len(boxes)}", None, [v.index for v in rest], None, title, [f"{numbers:,} numbers"]
        )
        boxes.append(box)
    ops = Counter([v.op for v in inner if v.kind == "op"])
    title = f"{sum(ops.values()):,} ops"
    center = Box(
        f"n{len(boxes)}", None, [v.index for v in inner], None, title, [op_counts(ops, 12)]
    )
    ends = [Box(f"n{len(boxes) + 1 + i}", vertices[r], [r]) for i, r in enumerate(roots)]
    edges = {(box.name, center.name): box.members[:1] for box in boxes}
    edges.update({(center.name, end.name): end.vertex.inputs[:1] for end in ends if end.vertex})
    note = f"{len(description):,} tensors: too many to draw, so this is a summary"
    return Layout([*boxes, center, *ends], edges, [], note)
