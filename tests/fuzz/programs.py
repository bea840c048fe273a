"""Random programs, run by minigrad and by PyTorch from the same text.

A program is a list of lines over variables v0, v1, ...: ops, views, changes in place, modes, hooks,
types.  Then every number that is left goes into a loss, and the gradients of all leaves are
compared.  A line that only one of the two refuses ends the comparison there: the line is counted by
what was said, and left out.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import minigrad as mg

NEW = (
    "{a} + {b}", "{a} * {b}", "{a} - {b}", "{a} / ({b} * {b} + 1)", "m.maximum({a}, {b})",
    "m.where({a} > 0, {a}, {b})", "m.atan2({a}, {b})", "m.logaddexp({a}, {b})",
    "{a}.sin()", "{a}.tanh()", "{a}.sigmoid()", "{a}.relu()", "{a}.abs()", "-{a}", "{a} * 2",
    "{a}.clamp(-1, 1)", "{a}.square()", "({a} * {a} + 1).sqrt()", "{a}.exp().clamp(max=9.0)",
    "m.nn.functional.gelu({a})", "m.nn.functional.silu({a})", "m.nn.functional.softplus({a})",
    "{a}.sum()", "{a}.mean()", "{a}.sum(0)", "{a}.mean(-1, keepdim=True)", "{a}.amax()",
    "{a}.prod()", "{a}.logsumexp(0)", "{a}.cumsum(0)", "{a}.softmax(-1)", "{a}.max(0).values",
    "{a}.sort(0).values", "{a}.var(unbiased=False)", "{a}.norm()", "{a}.cumprod(-1)",
    "{a}.reshape(-1)", "{a}.unsqueeze(0)", "{a}.squeeze()", "{a}.transpose(0, -1)",
    "{a}[0]", "{a}[..., :1]", "{a}[::2]", "{a}[..., [0, 0]]", "{a}[{a} > 0]", "{a}.expand(2, 2, 3)",
    "{a}.diagonal()", "{a}.narrow(0, 0, 1)", "{a}.view(-1)", "{a}.permute(1, 0)", "{a}[1:1]",
    "m.cat([{a}.reshape(-1), {b}.reshape(-1)])", "m.stack([{a}, {a}])", "{a}.flip(0)",
    "{a} @ {b}", "m.outer({a}.reshape(-1), {b}.reshape(-1))", "{a}.tril()", "{a}.unbind(0)[-1]",
    "{a}.gather(0, m.zeros_like({a}, dtype=m.int64))", "{a}.index_select(0, m.tensor([0, 0]))",
    "{a}.masked_fill({b} > 0, 2.0)", "{a}.roll(1, 0)", "{a}.repeat(2)", "{a}.clone()",
    "{a}.detach()", "{a}.double()", "{a}.float()", "{a}.split(1)[0]", "{a}.chunk(2)[0]",
)  # fmt: skip
CHANGES = (
    "{a} += 1", "{a} *= 2", "{a}.mul_({b} * 1)", "{a}.add_({b} * 1)", "{a}.sub_(1.5)",
    "{a}.tanh_()", "{a}.relu_()", "{a}.sigmoid_()", "{a}[0] = 3.0", "{a}[..., :1] *= 2",
    "{a}[0] = {b} * 1", "{a}.copy_({b} * 1)", "{a}.fill_(0.5)", "{a}.zero_()", "{a}.clamp_(-1, 1)",
    "{a}[{a} > 0] = 0.25", "{a}.neg_()", "{a}.exp_()",
)  # fmt: skip
STATES = (
    "{a}.retain_grad()", "{a}.register_hook(lambda g: g * 2)", "{a}.requires_grad_()",
    "{a}.requires_grad_(False)", "{a}.detach_()",
    "{a}.sum().backward(retain_graph=True)", "m.autograd.grad({a}.sum(), {a}, retain_graph=True)",
)  # fmt: skip
# PyTorch lets a view made under no_grad require grad, and minigrad does not
VIEWS = (
    "reshape", "squeeze", "transpose", "[", "expand", "diagonal", "narrow", "view", "permute",
    "unbind", "split", "chunk", "detach", "flip", "requires_grad_",
)  # fmt: skip
SHAPES = ((), (3,), (2, 3), (3, 3), (1, 3), (2, 2, 3), (0, 3), (1,))


@dataclass
class Outcome:
    """What a program gave: numbers by name, or which line failed and why."""

    numbers: dict[str, Any] = field(default_factory=dict)
    failed: int | None = None
    error: Exception | None = None


def leaves_of(rng: np.random.Generator) -> list[tuple[np.ndarray, bool]]:
    """Numbers of the first variables, and whether they require grad."""
    made = []
    for _ in range(int(rng.integers(1, 4))):
        shape = SHAPES[int(rng.integers(len(SHAPES)))]
        dtype = np.float64 if rng.random() < 0.8 else np.float32
        x = rng.standard_normal(shape)
        made.append((np.asarray(np.where(x < 0, x - 0.1, x + 0.1), dtype), rng.random() < 0.85))
    return made


def draw_lines(rng: np.random.Generator, first: int, length: int) -> list[str]:
    """The lines of a program whose leaves are v0 ... v(first - 1).

    It has changes in place or hooks: PyTorch forgets hooks of views whose memory was changed.
    """
    lines, count = [], first
    changes = rng.random() < 0.6
    for _ in range(length):
        a, b = (f"v{int(rng.integers(count))}" for _ in range(2))
        kind = rng.random()
        if kind < 0.62:
            line = f"v{count} = " + NEW[int(rng.integers(len(NEW)))].format(a=a, b=b)
        elif changes:
            line = CHANGES[int(rng.integers(len(CHANGES)))].format(a=a, b=b)
        else:
            line = STATES[int(rng.integers(len(STATES)))].format(a=a, b=b)
        if rng.random() < 0.12 and not any(view in line for view in VIEWS):
            line = f"with m.no_grad(): {line}"
        if line.partition(" = ")[0].endswith(f"v{count}"):
            count += 1
        lines.append(line)
    return lines


def run(library: Any, leaves: list[tuple[np.ndarray, bool]], lines: list[str]) -> Outcome:
    """The numbers of all variables, and the gradients, as `library` has them."""
    torch = library is not mg
    scope: dict[str, Any] = {"m": library}
    for i, (numbers, requires_grad) in enumerate(leaves):
        t = library.tensor(numbers.copy()) if not torch else library.from_numpy(numbers.copy())
        scope[f"v{i}"] = t.requires_grad_(requires_grad)
    roots = dict(scope)
    for i, line in enumerate(lines):
        try:
            exec(line, scope)
        except Exception as error:
            return Outcome(failed=i, error=error)
    out = Outcome()
    names = [name for name in scope if re.fullmatch(r"v\d+", name)]
    try:
        loss = sum(
            (k + 1) * (scope[n].double() * weights(scope[n], library)).sum()
            for k, n in enumerate(names)
            if scope[n].dtype in (library.float32, library.float64)
        )
        if getattr(loss, "requires_grad", False):
            loss.backward()
    except Exception as error:
        return Outcome(failed=len(lines), error=error)
    if torch and any(is_late_view(scope[name]) for name in names):
        return Outcome(failed=len(lines), error=RuntimeError("a view became a leaf of its own"))
    for name in names:
        out.numbers[name] = scope[name].detach().numpy().copy()
    for name in names:
        t = roots.get(name, scope[name])  # a name may have been given to another tensor
        own = name in roots or all(t is not root for root in roots.values())
        if own and (t.is_leaf or t.retains_grad) and t.grad is not None:
            out.numbers[f"{name}.grad"] = t.grad.numpy().copy()
    return out


def is_late_view(t: Any) -> bool:
    """Whether a view was there before its base was told to require grad.

    In PyTorch it then is a leaf of its own, and in minigrad it stays a constant.
    """
    return bool(t.is_leaf and t.requires_grad and t._is_view() and t._base.requires_grad)


def weights(t: Any, library: Any) -> Any:
    """Numbers that tell the entries of a tensor apart."""
    n = int(np.prod(tuple(t.shape)))
    numbers = np.cos(np.arange(n, dtype=np.float64)).reshape(tuple(t.shape))
    return library.from_numpy(np.asarray(numbers))


def difference(mine: dict[str, Any], theirs: dict[str, Any], single: bool) -> str | None:
    """The first name whose numbers differ; `single`: some of them are of float32."""
    for name in sorted({*mine, *theirs}):
        if name not in mine or name not in theirs:
            return f"{name} is only in {'PyTorch' if name in theirs else 'minigrad'}"
        x, y = mine[name], theirs[name]
        if x.shape != y.shape:
            return f"{name} has shape {x.shape}, and {y.shape} in PyTorch"
        if not np.allclose(x, y, 2e-3 if single else 1e-7, 1e-4 if single else 1e-9, True):
            return f"{name} is {x.tolist()}, and {y.tolist()} in PyTorch"
    return None


def compare(
    torch: Any, leaves: list[tuple[np.ndarray, bool]], lines: list[str], refusals: Counter[str]
) -> tuple[list[str], str | None]:
    """The lines that both take, and how their numbers differ, if they do."""
    lines = list(lines)
    while True:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            mine, theirs = run(mg, leaves, lines), run(torch, leaves, lines)
        failed = [each.failed for each in (mine, theirs) if each.failed is not None]
        if not failed:
            single = any(x.dtype == np.float32 for x, _ in leaves) or ".float()" in str(lines)
            return lines, difference(mine.numbers, theirs.numbers, single)
        place = min(failed)
        if (mine.failed == place) != (theirs.failed == place):
            who, other = ("minigrad", mine) if mine.failed == place else ("PyTorch", theirs)
            refusals[f"{who} refuses: {reason(other.error)}"] += 1
        if place == len(lines):
            return lines, None
        name = re.match(r"(?:with m\.no_grad\(\): )?(v\d+) = ", lines[place])
        del lines[place]
        if name:  # what used its result goes, too
            lines = [line for line in lines if not re.search(rf"\b{name[1]}\b", line)]


def reason(error: Exception | None) -> str:
    """What an error says, without numbers and names."""
    text = str(error).strip().split("\n")[0]
    return re.sub(r"\d+", "N", f"{type(error).__name__}: {text}")[:100]


def shrunk(torch: Any, leaves: list[tuple[np.ndarray, bool]], lines: list[str]) -> list[str]:
    """As few of the lines as still give different numbers."""
    lines, i = list(lines), 0
    while i < len(lines):
        fewer = lines[:i] + lines[i + 1 :]
        kept, differs = compare(torch, leaves, fewer, Counter())
        if differs:
            lines = kept
        else:
            i += 1
    return lines


def try_program(torch: Any, seed: int, refusals: Counter[str]) -> str | None:
    """What is wrong with the program of a seed, as a text to run again; None if nothing is."""
    rng = np.random.default_rng(seed)
    leaves = leaves_of(rng)
    lines = draw_lines(rng, len(leaves), int(rng.integers(2, 9)))
    lines, differs = compare(torch, leaves, lines, refusals)
    if differs is None:
        return None
    lines = shrunk(torch, leaves, lines)
    _, differs = compare(torch, leaves, lines, Counter())
    head = [
        f"v{i} = m.tensor({x.tolist()}, dtype=m.{x.dtype}, requires_grad={needs})"
        for i, (x, needs) in enumerate(leaves)
    ]
    return "\n".join([f"# program {seed}: {differs}", *head, *lines])
