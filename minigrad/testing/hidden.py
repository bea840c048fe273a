"""Hypotheses about what is inside of a network: hidden units, the other operand of a product.

The numbers of hidden units are not seen, but for those that a product of two inputs gives: then the
checker computes them, and looks for their activation's derivative in the Jacobian.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minigrad.testing.hypotheses import Case, Mistake
from minigrad.testing.verdicts import Jacobian

Array = Any


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


# name, the function, its derivative by the value, and what is written in the derivative's place
ACTIVATIONS: list[tuple[str, Callable[[Array], Array], Callable[[Array], Array]]] = [
    ("tanh", np.tanh, lambda t: 1 - t * t),
    ("sigmoid", sigmoid, lambda s: s * (1 - s)),
]
WRITTEN: list[tuple[str, Callable[[Array, Array], Array]]] = [
    ("nothing", lambda v, z: np.ones_like(v)),
    ("1 - a", lambda v, z: 1 - v),
    ("a", lambda v, z: v),
    ("a²", lambda v, z: v * v),
    ("1 + a²", lambda v, z: 1 + v * v),
    ("a (1 - a)", lambda v, z: v * (1 - v)),
    ("a (1 + a)", lambda v, z: v * (1 + v)),
    ("1 - a²", lambda v, z: 1 - v * v),
    ("1 - z²", lambda v, z: 1 - z * z),
    ("its square", lambda v, z: np.nan * v),  # see `written`
]


def hidden_mistakes(case: Case, jacobians: Sequence[Jacobian]) -> Iterator[Mistake]:
    """The hypotheses about the inside that explain all wrong entries."""
    if np.count_nonzero(case.wrong & case.known) < 3:
        return
    with np.errstate(all="ignore"):
        yield from activation_derivative(case)
        yield from tied(case, jacobians)
        yield from other_operand(case)
        yield from operand_of_rows(case)
        yield from operand_before(case)
        yield from own_values(case)
        yield from contributions(case, jacobians)
        yield from attention(case, jacobians)


def inputs_of(case: Case) -> dict[str, Array]:
    return {**case.jacobian.others, case.jacobian.input: case.x}


def hidden_units(case: Case) -> Iterator[tuple[str, Array]]:
    """Pre-activations of a first layer, with the text of how they come about."""
    inputs = inputs_of(case)
    for x_name, x in inputs.items():
        for w_name, w in inputs.items():
            if x.ndim != 2 or w.ndim != 2 or x is w or x.shape[1] != w.shape[0]:
                continue
            for b_name, b in inputs.items():
                if b.shape in ((w.shape[1],), (1, w.shape[1])):
                    yield f"{x_name} @ {w_name} + {b_name}", x @ w + b
            yield f"{x_name} @ {w_name}", x @ w


def beside(case: Case, z: Array) -> Array | None:
    """Numbers of (rows, hidden units), one for each entry of the Jacobian; None if they are not.

    The result must have a row for each row of z, and the input an entry for each unit, at its end.
    """
    if not case.y.ndim or not case.x.ndim or case.y.shape[0] != z.shape[0]:
        return None
    if case.x.shape[-1] != z.shape[1]:
        return None
    whole = z.reshape(z.shape[0], *(1,) * (case.y.ndim + case.x.ndim - 2), z.shape[1])
    shape = (*case.y.shape, *case.x.shape)
    return np.broadcast_to(whole, shape).reshape(case.n.shape)


def activation_derivative(case: Case) -> Iterator[Mistake]:
    """A hidden activation's derivative is missing, or another one stands in its place."""
    for text, units in hidden_units(case):
        z = beside(case, units)
        if z is None:
            continue
        off = z <= 0
        if np.all(off[case.wrong]) and not np.any(case.n[case.wrong]) and case.right.any():
            yield Mistake("hidden", f"the ReLU's mask ({text} > 0) is missing on the way back")
            return
        for name, function, derivative in ACTIVATIONS:
            value = function(z)
            right = derivative(value)
            for written, formula in WRITTEN:
                wrong = right * right if written == "its square" else formula(value, z)
                if case.fits(case.n * wrong / right):
                    yield Mistake("hidden", activation_text(name, text, written))
                    return


def activation_text(name: str, text: str, written: str) -> str:
    what = f"of {name}({text})"
    if written == "nothing":
        return f"the derivative {what} is missing on the way back"
    if written == "its square":
        return f"the derivative {what} is there twice"
    return f"{written} stands for the derivative {what}, where a is its value"


def other_operand(case: Case) -> Iterator[Mistake]:
    """``u @ V.T`` where ``u @ W.T`` belongs: u, found from the right values, explains the wrong."""
    if case.x.ndim < 1:
        return
    size = case.x.shape[-1]
    right = case.n.reshape(-1, size)
    matrices = [(k, v) for k, v in case.jacobian.others.items() if v.ndim == 2 and size in v.shape]
    forms = [(f"{k}.T", v) for k, v in matrices if v.shape[0] == size]
    forms += [(k, v.T) for k, v in matrices if v.shape[1] == size]
    for name, w in forms:  # right = u @ w.T, with w of shape (size, units)
        if w.shape[1] > size or np.linalg.cond(w) > 1e6:
            continue
        u = right @ np.linalg.pinv(w.T)
        if not np.all(abs(u @ w.T - right) <= 1e-5 * case.typical + 10 * case.slack.max()):
            continue
        for other, v in forms:
            if other != name and v.shape == w.shape and case.fits((u @ v.T).reshape(case.n.shape)):
                same = other.removesuffix(".T") == name.removesuffix(".T")
                kind = "transposed" if same else "operand"
                yield Mistake(kind, f"it is multiplied by {other} where {name} belongs")
                return


def operand_of_rows(case: Case) -> Iterator[Mistake]:
    """The gradient of a matrix is made of rows of another input than the layer's own."""
    if case.x.ndim != 2 or case.y.ndim < 1 or case.x.shape[0] < 3:
        return
    rows, units = case.x.shape
    shape = (case.y.shape[0], -1, rows, units)
    if case.y.size % case.y.shape[0]:
        return
    a, n = case.a.reshape(shape), case.n.reshape(shape)
    if np.any(np.linalg.svd(n, compute_uv=False)[..., 1:] > 1e-4 * case.typical):
        return  # not the product of one vector with another
    for name, x in {**case.jacobian.others, case.jacobian.output: case.y}.items():
        if x.shape != (case.y.shape[0], rows) or not case.known.all():
            continue
        along = x[:, None, :, None]
        made = []
        for grid in (a, n):
            size = (grid * along).sum(2, keepdims=True) / (along * along).sum(2, keepdims=True)
            off = abs(grid - size * along)
            made.append(bool(np.all(off <= 1e-5 * case.typical + 10 * case.slack.max())))
        if made == [True, False]:
            text = f"it is made of the rows of {name}: the layer's own input belongs there"
            yield Mistake("operand", text)
            return


def operand_before(case: Case) -> Iterator[Mistake]:
    """What arrives at a hidden layer came through another matrix than that of the next layer."""
    if not case.y.ndim or not case.x.ndim:
        return
    outs, units = case.y.shape[-1], case.x.shape[-1]
    inputs = {k: v for k, v in inputs_of(case).items() if v.ndim == 2}
    forms = [(k, v) for k, v in inputs.items() if v.shape == (units, outs)]
    forms += [(f"{k}.T", v.T) for k, v in inputs.items() if v.shape == (outs, units)]
    whole = case.n.reshape(-1, outs, case.x.size // units, units)
    for name, w in forms:
        for other, v in forms:
            if other == name:
                continue
            supposed = whole * (v / w).T[:, None, :]
            if case.fits(supposed.reshape(case.n.shape)):
                same = other.removesuffix(".T") == name.removesuffix(".T")
                text = f"on its way through the next layer, g met {other} where {name} belongs"
                yield Mistake("transposed" if same else "operand", f"{text} (each transposed)")
                return


def row_by_row(case: Case) -> bool:
    """Whether each row of the input has its row of the result: it is an example, not a weight."""
    if not case.y.ndim or case.x.shape[0] != case.y.shape[0]:
        return False
    rows = case.x.shape[0]
    blocks = case.n.reshape(rows, -1, rows, case.x.size // rows)
    return not np.any(blocks.transpose(0, 2, 1, 3)[~np.eye(rows, dtype=bool)])


def tied(case: Case, jacobians: Sequence[Jacobian]) -> Iterator[Mistake]:
    """Weights that are used twice, and one of the uses only is differentiated."""
    if case.x.ndim != 2 or row_by_row(case):
        return
    y, close = case.y.reshape(-1), 1e-4
    along = [(j @ case.x.reshape(-1)) for j in (case.a, case.n)]
    size = float(np.max(abs(y), initial=0.0))
    linear = [bool(np.all(abs(slope - y) <= close * size + 1e-9)) for slope in along]
    if linear == [True, False] and size:
        text = (
            f"only the use in which {case.jacobian.output} is linear in it is differentiated: it "
            "is used twice (tied weights), add both gradients"
        )
        yield Mistake("tied", text)
        return
    for other in jacobians:
        x = other.x
        if other is case.jacobian or other.output != case.jacobian.output:
            continue
        if x.ndim != 2 or x.shape[1] != case.x.shape[0]:
            continue
        back = other.numeric.reshape(-1, *x.shape)
        want = np.einsum("nd,one->ode", x, back)  # x.T @ (gradient of x)
        made = []
        for grid in (case.a, case.n):
            got = grid.reshape(-1, *case.x.shape) @ case.x.T
            made.append(np.all(abs(got - want) <= close * np.nanmax(abs(want)) + 1e-9))
        if made == [True, False]:
            text = (
                f"only its use in {other.input} @ {case.jacobian.input} is differentiated: it is "
                "used twice (tied weights), add both gradients"
            )
            yield Mistake("tied", text)
            return


def contributions(case: Case, jacobians: Sequence[Jacobian]) -> Iterator[Mistake]:
    """Of several products with the input, what comes back through one is missing, or transposed.

    The gradient of ``x @ W`` follows from that of W, where x has no more rows than columns.
    """
    x = case.x
    if x.ndim != 2 or x.shape[0] > x.shape[1] or np.linalg.cond(x) > 1e5:
        return
    for other in jacobians:
        w = other.x
        if other is case.jacobian or w.ndim != 2 or w.shape[0] != x.shape[1]:
            continue
        if other.output != case.jacobian.output:
            continue
        u = np.linalg.pinv(x.T) @ other.numeric.reshape(-1, *w.shape)
        back = (u @ w.T).reshape(case.n.shape)
        product = f"{case.jacobian.input} @ {other.input}"
        if np.any(back) and case.fits(case.n - back):
            yield Mistake("contribution", f"what comes back through {product} is missing")
            return
        if np.any(back) and case.fits(case.n + back):
            yield Mistake("contribution", f"what comes back through {product} is there twice")
            return
        if w.shape[0] == w.shape[1] and case.fits(case.n - back + (u @ w).reshape(case.n.shape)):
            text = f"what comes back through {product} is multiplied by {other.input}, not its .T"
            yield Mistake("transposed", text)
            return


def own_values(case: Case) -> Iterator[Mistake]:
    """The gradient of a gain holds the numbers of an input, where others belong."""
    for name, x in case.jacobian.others.items():
        if x.shape != case.y.shape or x.size < 3:
            continue
        if case.fits(np.where(case.n != 0, x.reshape(-1, 1), 0.0)):
            text = f"it is made of the numbers of {name}: what it is multiplied by belongs there"
            yield Mistake("operand", text)
            return


def attention(case: Case, jacobians: Sequence[Jacobian]) -> Iterator[Mistake]:
    """The softmax of an attention, whose weights the gradient of the values shows."""
    for other in jacobians:
        v, x, y = other.x, case.x, case.y
        if other is case.jacobian or v.ndim != 2 or x.ndim != 2 or y.ndim != 2:
            continue
        if other.output != case.jacobian.output or v.shape[1] != y.shape[1]:
            continue
        weights = other.numeric.reshape(*y.shape, *v.shape)[:, 0, :, 0]
        if not np.allclose(weights.sum(1), 1, atol=1e-3) or not np.allclose(weights @ v, y, 1e-3):
            continue
        for k in case.jacobian.others.values():
            if k.ndim != 2 or k.shape[1] != x.shape[1]:
                continue
            found = softmax_of_attention(case, weights, v, k)
            if found:
                yield Mistake("attention", found)
                return


def softmax_of_attention(case: Case, weights: Array, v: Array, k: Array) -> str | None:
    """What the softmax in an attention was differentiated as, for queries or keys."""
    rows = weights[:, None, :]  # (queries, entries of a value, keys)
    centred = v.T[None] - case.y[:, :, None]
    right = scores_back(case, rows * centred, k)
    if right is None:
        return None
    big = abs(right) > 1e-2 * np.max(abs(right))
    scale = float(np.median(case.n[big] / right[big]))
    if not np.allclose(scale * right, case.n, atol=1e-3 * case.typical):
        return None
    for text, back in (
        ("the sum over the row is missing: A * (dA - (A * dA).sum(axis))", rows * v.T[None]),
        ("only the diagonal of its Jacobian is there", rows * (1 - rows) * v.T[None]),
        ("it is not differentiated at all", 0 * rows + v.T[None]),
    ):
        supposed = scores_back(case, back, k)
        if supposed is not None and case.fits(scale * supposed):
            return f"the softmax of the attention: {text}"
    return None


def scores_back(case: Case, back: Array, other: Array) -> Array | None:
    """The Jacobian for the queries, or the keys, from that for the scores."""
    queries, entries, keys = back.shape
    if (len(case.x), len(other)) == (queries, keys):
        full = np.einsum("iej,jd,il->ield", back, other, np.eye(queries))
    elif (len(case.x), len(other)) == (keys, queries):
        full = np.einsum("iej,id->iejd", back, other)
    else:
        return None
    return full.reshape(queries * entries, -1)
