"""Common mistakes, found in the graph of a loss: each with the op and the module where it is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minigrad.graph import Node, Variable
from minigrad.memory import owner_of, writes
from minigrad.modes import is_grad_enabled
from minigrad.visualize import values
from minigrad.visualize.backprop import replay
from minigrad.visualize.builder import outermost
from minigrad.visualize.description import Description, Vertex, computed, described, needs_input
from minigrad.visualize.formulas import cores
from minigrad.visualize.names import number_text, shape_text, shown
from minigrad.visualize.recording import record_values

__all__ = ["Finding", "Findings", "lint"]

# What is tiny or huge is judged by the step that a gradient asks for: the root mean square of its
# entries over that of the parameter's; what is large, over the largest of all parameters, since the
# numbers of a bias may be small by chance.
HUGE = 1e5  # times the parameter: a learning rate of 0.00001 already replaces it
FADED = 1e-6  # of the largest step among the parameters: the others learn a million times faster
LOST = 1e-3  # of a rounding error of the parameter: no learning rate up to 1000 changes it
CANCELLED = 1e-4  # of what arrives at its op: the gradient of a vector that only adds up to nothing
FEWEST_EXAMPLES = 4  # a ReLU that is 0 for fewer is not dead
FAR_BELOW = 5  # times the size of a usual operand: a ReLU whose operands are all below that is dead
MOST_NAMES = 3  # parameters that one finding lists
MOST_DEAD = 0.75  # share of the units of a layer that may be 0 by chance: an untrained one has half


@dataclass(frozen=True)
class Finding:
    """One mistake.

    kind      "no graph", "several losses", "unreached", "zero gradient", "tiny gradient",
              "huge gradient", "not finite", "dead relu", "double softmax", "missing zero_grad" or
              "stretched shapes"
    message   what is wrong, and what to do
    op        the formula of the op; of a finding about a parameter, the op that uses it
    module    the module call, or the parameter's name; of many parameters, the first and the last
    """

    kind: str
    message: str
    op: str = ""
    module: str = ""

    def __str__(self) -> str:
        where = ", ".join([part for part in (self.op, self.module) if part])
        return f"{self.kind}: {self.message}" + (f" [{where}]" if where else "")


class Findings(list[Finding]):
    """What `lint` found: a list; printed, one line each.

    unchecked   what could not be looked for, and why; or nothing
    """

    unchecked = ""

    def __str__(self) -> str:
        lines = [str(finding) for finding in self] or ["nothing found"]
        return "\n".join(lines + ([self.unchecked] if self.unchecked else []))

    __repr__ = __str__


def lint(loss: Any, model: Any = None, *, names: Mapping[str, Any] | None = None) -> Findings:
    """Look for common mistakes in the graph of a loss, before or after backward.

    loss    a tensor; or a function that computes it, which is then called with all values recorded,
            so that every check can be made
    model   the module whose parameters the loss should reach; None: those that were called
    names   names of tensors: a mapping; None: those of the caller's variables

    It finds a loss without a graph (and whether no_grad was left on); parameters that the loss
    does not reach; gradients that are zero, tiny or huge; where NaN and infinity begin that spoil
    the loss or a gradient, in the data, in a parameter, or in an op; ReLU units that are 0 for
    every example; a softmax or sigmoid before a loss that applies its own; gradients to which a
    second backward was added; and shapes (N, 1) against (N,), which broadcast to (N, N).

    A gradient is *huge* if it is 100,000 times the size of the parameters; *tiny* if, relative to
    the size of its parameter, it is a millionth of the largest one, or less than a thousandth of a
    rounding error.  Units of a ReLU are *dead* if all their operands lie far below zero, or if more
    than three quarters of a layer are 0 for all of four or more examples.

    Raises   TypeError if the loss is neither a tensor nor a function that returns one, or if the
             model is not a module.
    Example  >>> import minigrad as mg
             >>> x = mg.ones(3, 1, requires_grad=True)
             >>> y = mg.ones(3)
             >>> found = mg.visualize.lint((x * y).sum(), names={"x": x, "y": y})
             >>> found[0].op, found[0].message
             ('x * y', '(3, 1) against (3,) gives (3, 3): use x.squeeze(1), or y[:, None]')
    """
    if model is not None and not hasattr(model, "named_parameters"):
        raise TypeError(f"model is a module with parameters, got {type(model).__name__}")
    found = Findings()
    watch, implied = None, {}
    if callable(loss) and not isinstance(loss, Variable):
        if needs_input(loss):
            raise TypeError(
                "lint takes a loss, not a module: pass lambda: criterion(model(x), target)"
            )
        with record_values() as block:
            loss = loss()
        watch = block.watch
        implied["loss"] = loss
    if isinstance(loss, Variable) and loss._node is None:
        found.append(without_graph(model))
        return found
    description = described(computed(loss, None)[0], implied, watch, names)
    gradients = replayed(description)
    if any(v.op == "relu" and v.value is None for v in description.vertices):
        found.unchecked = "(dead units were not looked for: numbers were freed; pass a function)"
    spoiled = list(not_finite(description, gradients))
    found.extend(not_single(description))
    found.extend(spoiled)
    found.extend(grouped(unreached(description, model)))
    found.extend(grouped(bad_gradients(description, gradients, told=bool(spoiled))))
    for vertex in description.vertices:
        if vertex.kind == "op":
            found.extend(stretched_shapes(vertex, description))
            found.extend(dead_relu(vertex, description))
            found.extend(double_softmax(vertex, description))
    found.extend(left_over(description, gradients))
    return found


def without_graph(model: Any) -> Finding:
    """Why a loss may have no graph."""
    parameters = [] if model is None else list(model.parameters())
    if not is_grad_enabled():
        message = (
            "nothing is recorded here: leave the no_grad block, or call set_grad_enabled(True), "
            "before the loss is computed"
        )
    elif parameters and not any(p.requires_grad for p in parameters):
        message = "no parameter of the model requires grad: call model.requires_grad_()"
    else:
        message = (
            "it depends on nothing that requires grad: it was computed inside no_grad, or from "
            "t.detach(), t.data or t.numpy(). Compute it from the tensors themselves"
        )
    return Finding("no graph", message, module="" if model is None else type(model).__name__)


def replayed(description: Description) -> dict[int, Any]:
    """Gradients of all vertices, as far as the graph still has the numbers."""
    root = description.vertices[description.roots[0]]
    if root.kind not in ("op", "output") or not is_single(root):
        return {}
    done = replay(description, [np.ones(root.shape, root.dtype)])
    return {} if done.missing else done.gradients


def is_single(vertex: Vertex) -> bool:
    """Whether a tensor has one entry, as a loss has."""
    return math.prod(vertex.shape) == 1


def not_single(description: Description) -> Iterator[Finding]:
    root = description.vertices[description.roots[0]]
    if not is_single(root):
        yield Finding(
            "several losses",
            f"the loss has shape {root.shape}, and backward starts from a single number: use its "
            ".mean() or .sum(). Nothing was said about gradients",
            written(root), module_of(root, description),
        )  # fmt: skip


def module_of(vertex: Vertex, description: Description) -> str:
    if vertex.call is None:
        return ""
    call = description.calls[vertex.call]
    return f"{call.name}: {call.kind}" if call.name else call.kind


def written(vertex: Vertex) -> str:
    """The op as a message names it."""
    return vertex.formula or vertex.symbol


def grouped(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Findings about parameters, those of one kind as one where they are many: the first of them"""
    kinds: dict[str, list[Finding]] = {}
    for finding in findings:
        kinds.setdefault(finding.kind, []).append(finding)
    for group in kinds.values():
        if len(group) <= MOST_NAMES:
            yield from group
            continue
        names = f"{group[0].module} … {group[-1].module}: {len(group)} parameters"
        yield replace(group[0], module=names)


def unreached(description: Description, model: Any) -> Iterator[Finding]:
    """Parameters that the loss does not reach: of the model, or of the modules that were called."""
    modules = [model] if model is not None else outermost([c.frame for c in description.calls])
    for name, parameter in [pair for module in modules for pair in parameters_of(module)]:
        if parameter.requires_grad and parameter._node not in description.by_edge:
            yield Finding(
                "unreached",
                "the loss does not depend on this parameter, so it is not trained: its module was "
                "not called, or what it returned was not used, or was detached",
                module=shown(name),
            )  # fmt: skip


def parameters_of(module: Any) -> list[tuple[str, Any]]:
    return list(module.named_parameters()) if hasattr(module, "named_parameters") else []


def user_of(vertex: Vertex, description: Description) -> str:
    """The op that uses a leaf first, as a message names it."""
    for each in description.vertices:
        if vertex.index in each.inputs:
            return written(each)
    return ""


def left_over(description: Description, gradients: dict[int, Any]) -> Iterator[Finding]:
    """Gradients that backward added to, of this loss or of those before it.

    A gradient that is there is no evidence: it stays after a correct step, too, until zero_grad.
    """
    ran = values.backward_ran(description)
    made = max([v.edge.sequence for v in description.vertices if type(v.edge) is Node], default=0)
    names = []
    for vertex in description.vertices:
        if vertex.kind != "leaf" or vertex.grad is None:
            continue
        mine = gradients.get(vertex.index) if ran else None
        alone = mine is not None and np.allclose(vertex.grad, mine, rtol=1e-3, equal_nan=True)
        if not alone and added_since(vertex.grad, made if ran else -1):
            names.append(shown(vertex.name or vertex.symbol))
    if names:
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        yield Finding(
            "missing zero_grad",
            "backward added to gradients that were there already. If that was not meant, call "
            "zero_grad() before each backward",
            module=", ".join(names[:MOST_NAMES]) + more,
        )  # fmt: skip


def added_since(grad: Any, time: int) -> bool:
    """Whether a backward added to the array of a gradient after `time`."""
    when, writer = writes.times.get(id(owner_of(grad)), (-1, ""))
    return when > time and writer.startswith("backward")


def bad_gradients(
    description: Description, gradients: dict[int, Any], told: bool
) -> Iterator[Finding]:
    """Gradients of leaves that are zero, tiny, huge, NaN or infinite.

    told   where numbers that are not finite begin was found: what follows from it is not said
    """
    leaves = [v for v in description.vertices if v.kind == "leaf"]
    found = {v.index: gradients.get(v.index, v.grad) for v in leaves}
    known = [v for v in leaves if found[v.index] is not None and np.size(found[v.index])]
    usual = max([size_of(v.value) for v in known], default=0.0) or 1.0
    steps = {v.index: size_of(found[v.index]) / (size_of(v.value) or usual) for v in known}
    large = {v.index: size_of(found[v.index]) / max(usual, size_of(v.value)) for v in known}
    fastest = max(filter(np.isfinite, large.values()), default=0.0)
    for vertex in known:
        grad, step = found[vertex.index], steps[vertex.index]
        bad = int(np.size(grad) - np.isfinite(grad).sum())
        rounding = np.finfo(vertex.dtype).eps
        if is_bad(vertex.value) or (bad and told):
            continue
        if bad:
            kind, message = "not finite", (
                f"{bad:,} of {np.size(grad):,} entries of its gradient are NaN or infinite: pass "
                "a function that computes the loss, and the place where they begin is named"
            )  # fmt: skip
        elif large[vertex.index] > HUGE:
            kind, message = "huge gradient", (
                f"{size_text(grad, step)}: gradients explode here. Scale the data and the targets, "
                "start from smaller weights, or clip: nn.utils.clip_grad_norm_"
            )  # fmt: skip
        elif cancels(vertex, grad, description, gradients) or (
            step == 0 and multiplies_zeros(vertex, description)
        ):
            continue
        elif step == 0:
            kind, message = "zero gradient", (
                "every entry of its gradient is 0, so it is not trained: look for dead units, a "
                "saturated or a piecewise constant function after it"
            )  # fmt: skip
        elif step < LOST * rounding or step < FADED * fastest:
            kind, message = "tiny gradient", (
                f"{size_text(grad, step)}: gradients vanish here. Use relu in place of sigmoid or "
                "tanh, nn.init.kaiming_normal_, normalization, or skip connections"
            )  # fmt: skip
        else:
            continue
        name = shown(vertex.name or vertex.symbol)
        yield Finding(kind, message, user_of(vertex, description), name)


def multiplies_zeros(vertex: Vertex, description: Description) -> bool:
    """Whether a leaf is only used beside zeros that were given, like the first state of an LSTM."""
    users = [each for each in description.vertices if vertex.index in each.inputs]
    return all(
        any(
            source.kind == "constant" and source.value is not None and not np.any(source.value)
            for source in [description.vertices[i] for i in user.inputs]
        )
        for user in users
    )


def size_text(grad: Any, step: float) -> str:
    size = number_text(size_of(grad))
    return f"its gradient has root mean square {size}, {number_text(step)} times its parameter's"


def size_of(array: Any) -> float:
    """Root mean square of the entries; 0 of what is not known."""
    if array is None or not np.size(array):
        return 0.0
    entries = np.abs(np.asarray(array)).astype(np.float64)
    return float(np.sqrt(np.mean(np.square(entries))))


def cancels(vertex: Vertex, grad: Any, description: Description, gradients: dict[int, Any]) -> bool:
    """Whether a bias gets no gradient only because what arrives at its op adds up to nothing.

    So it is with a bias before a normalization, and with that of the keys of attention.  Nothing
    vanishes there: the result does not depend on the bias.  What is left of it is rounding; of a
    graph whose numbers were freed one cannot tell, and nothing is said.
    """
    if len(vertex.shape) > 1:
        return False
    if not gradients:
        return size_of(grad) > 0
    arriving = [
        size_of(gradients.get(each.index))
        for each in description.vertices
        if vertex.index in each.inputs and each.kind == "op" and isinstance(each.shape, tuple)
        and each.shape != vertex.shape and isinstance(gradients.get(each.index), np.ndarray)
    ]  # fmt: skip
    return bool(arriving) and size_of(grad) < CANCELLED * max(arriving)


def not_finite(description: Description, gradients: dict[int, Any]) -> Iterator[Finding]:
    """Where NaN and infinity begin that spoil the loss or a gradient.

    Those that spoil nothing are not a mistake: a mask of -inf before a softmax, say.
    """
    vertices = description.vertices
    spoiled = {i for i in description.roots if is_bad(vertices[i].value)}
    spoiled |= {v.index for v in vertices if v.kind == "leaf" and is_bad(v.value)}
    turning = turning_point(description, gradients)
    if turning is not None:
        spoiled |= {i for i in (*turning.inputs, turning.index) if is_bad(vertices[i].value)}
    for index in beginnings(spoiled, description):
        yield beginning(vertices[index], description)
    if turning is not None and not spoiled.intersection([*turning.inputs, turning.index]):
        target = next(i for i in turning.inputs if is_bad(gradients.get(i)))
        yield Finding(
            "not finite",
            f"its backward sends NaN or infinity to {vertices[target].symbol}: its derivative is "
            "infinite there. Add a small number to its operand, or clamp it",
            written(turning), module_of(turning, description),
        )  # fmt: skip


def turning_point(description: Description, gradients: dict[int, Any]) -> Vertex | None:
    """The first op of the backward pass that gets finite gradients, and sends others."""
    for vertex in reversed(description.vertices):
        sent = any(is_bad(gradients.get(i)) for i in vertex.inputs)
        if vertex.kind == "op" and sent and not is_bad(gradients.get(vertex.index)):
            return vertex
    return None


def beginnings(spoiled: set[int], description: Description) -> list[int]:
    """What the numbers of `spoiled` vertices come from: the last ones whose inputs are finite."""
    vertices = description.vertices
    found = []
    stack, seen = list(spoiled), set(spoiled)
    while stack:
        index = stack.pop()
        given = [i for i in vertices[index].inputs if is_bad(vertices[i].value)]
        if not given:
            found.append(index)
        stack += [i for i in given if i not in seen]
        seen.update(given)
    return sorted(found)


def beginning(vertex: Vertex, description: Description) -> Finding:
    """A vertex that is not finite, and is computed from nothing that is known to be so."""
    if vertex.kind == "leaf":
        message = (
            "the parameter itself has numbers that are NaN or infinite: an earlier step "
            "destroyed it. Start again, with a smaller learning rate"
        )
        name = shown(vertex.name or vertex.symbol)
        return Finding("not finite", message, user_of(vertex, description), name)
    if vertex.kind == "constant":
        message = (
            f"{bad_entries(vertex.value)}: the data itself is not finite. Leave such examples "
            "out, or fill the gaps, before it is used"
        )
        name = f"{shown(vertex.symbol)} (constant)"
        return Finding("not finite", message, user_of(vertex, description), name)
    unknown = [i for i in vertex.inputs if description.vertices[i].value is None]
    if unknown:
        symbols = ", ".join([description.vertices[i].symbol for i in unknown])
        message = (
            f"its result is NaN or infinite, and the numbers of {symbols} were not kept: pass a "
            "function that computes the loss, and the place where they begin is named"
        )
    elif overflows(vertex, description):
        message = (
            "its result is too large to be a number, and its operands nearly so: numbers grew "
            "from step to step, or the data needs scaling. Lower the learning rate"
        )
    else:
        message = (
            "its result is NaN or infinite, and its operands are finite: keep log, sqrt and "
            "division away from 0, and exp from large numbers"
        )
    return Finding("not finite", message, written(vertex), module_of(vertex, description))


def overflows(vertex: Vertex, description: Description) -> bool:
    """Whether operands so large were given that a product of two of them has no number."""
    if vertex.dtype is None or vertex.dtype.kind != "f":
        return False
    limit = np.sqrt(np.finfo(vertex.dtype).max) / 1e3
    operands = [description.vertices[i].value for i in vertex.inputs]
    return any(isinstance(a, np.ndarray) and np.abs(a).max(initial=0) > limit for a in operands)


def bad_entries(array: Any) -> str:
    """``1 of 3 entries is NaN``"""
    n = int(np.size(array) - np.isfinite(array).sum())
    nan = int(np.isnan(array).sum())
    what = "NaN" if nan == n else "infinite" if not nan else "NaN or infinite"
    return f"{n:,} of {np.size(array):,} entries {'is' if n == 1 else 'are'} {what}"


def is_bad(array: Any) -> bool:
    return (
        isinstance(array, np.ndarray) and array.dtype.kind == "f" and not np.isfinite(array).all()
    )


def stretched_shapes(vertex: Vertex, description: Description) -> Iterator[Finding]:
    """(N, 1) against (N,): an elementwise op that makes a square of two columns."""
    node = vertex.edge
    if not isinstance(node, Node) or cores(node.op) != ((0, 0), 0):
        return
    vertices = description.vertices
    first, second = vertex.operands
    for column, row in ((first, second), (second, first)):
        tall, wide = (None if o.vertex is None else vertices[o.vertex] for o in (column, row))
        if tall is None or wide is None or tall.shape is None or made_a_column(tall, vertices):
            continue
        n = tall.shape[0] if tall.shape else 0
        if tall.shape != (n, 1) or n == 1:
            continue
        if wide.shape == (n,) or (wide.shape is None and vertex.shape == (n, n)):
            other = str((n,)) if wide.shape is not None else "a constant"
            unnamed = wide.kind == "constant" and wide.name is None
            cure = "[:, None] on the other" if unnamed else f"{wide.symbol}[:, None]"
            yield Finding(
                "stretched shapes",
                f"{tall.shape} against {other} gives {vertex.shape}: use "
                f"{tall.symbol}.squeeze(1), or {cure}",
                written(vertex), module_of(vertex, description),
            )  # fmt: skip


def made_a_column(column: Vertex, vertices: list[Vertex]) -> bool:
    """Whether a column was made of a vector on purpose, as in ``x[:, None] - x``."""
    if column.op not in ("getitem", "unsqueeze", "reshape"):
        return False
    return len(vertices[column.inputs[0]].shape or ()) == 1


def dead_relu(vertex: Vertex, description: Description) -> Iterator[Finding]:
    """Units of a ReLU that are 0 for every example: no gradient passes through them."""
    out = vertex.value
    if vertex.op != "relu" or not isinstance(out, np.ndarray) or out.ndim < 2 or is_bad(out):
        return
    units = out.ndim - 1 if out.ndim < 4 else 1  # images have their channels second
    others = tuple([axis for axis in range(out.ndim) if axis != units])
    if out.shape[0] < FEWEST_EXAMPLES or out.size == 0:
        return
    off = (out == 0).all(others)
    z = description.vertices[vertex.inputs[0]].value
    if off.mean() <= MOST_DEAD and isinstance(z, np.ndarray):
        sizes = np.sqrt(np.mean(np.square(z, dtype=np.float64), others))
        usual = np.median(sizes[~off])
        off = z.max(others) < -FAR_BELOW * usual
    elif off.mean() <= MOST_DEAD:
        return
    if off.any():
        message = (
            f"{int(off.sum())} of {off.size} units are 0 for all {out.shape[0]} examples "
            f"of shape {shape_text(out.shape)}, so nothing before them is trained. Use a smaller "
            "learning rate, biases that start at 0, or leaky_relu"
        )
        yield Finding("dead relu", message, written(vertex), module_of(vertex, description))


NORMALIZED = {  # what a loss does itself: op -> what must not come before it
    "cross_entropy": ("softmax", "log_softmax", "sigmoid"),
    "bce_with_logits": ("sigmoid", "softmax"),
}
ONLY_SHAPES = ("reshape", "flatten", "squeeze", "unsqueeze", "transpose", "permute")


def double_softmax(vertex: Vertex, description: Description) -> Iterator[Finding]:
    """A softmax or sigmoid before a loss that applies its own, or a softmax where its logarithm
    belongs: nll_loss takes entries and negates them."""
    vertices = description.vertices
    if not vertex.inputs:
        return
    source = vertices[vertex.inputs[0]]
    if vertex.op == "neg" and source.op == "take":
        if vertices[source.inputs[0]].op == "softmax":
            cure = "nll_loss of a softmax: it expects log-probabilities; use log_softmax"
            yield Finding("double softmax", cure, written(source), module_of(source, description))
        return
    while source.op in ONLY_SHAPES:
        source = vertices[source.inputs[0]]
    if source.op in NORMALIZED.get(vertex.op, ()):
        yield Finding(
            "double softmax",
            f"{vertex.op} of a {source.op}: it expects scores, and applies its own; leave out the "
            f"{source.op}",
            written(source), module_of(source, description) or module_of(vertex, description),
        )  # fmt: skip
