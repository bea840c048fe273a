"""Sums of products over named indices: einsum, and what is written with it.

Every contraction here is a chain of steps with one or two operands.  A step is a node of its own,
and its gradients are contractions again: the cotangent with the other operand, the output indices
being those of the operand.  So einsum is closed under differentiation, to any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.calls import Array, op
from minigrad.composition import composition
from minigrad.ops.diagonals import _diagonal_into
from minigrad.sums import MANY, is_half, sum_of
from minigrad.typed import Tensor

__all__ = ["einsum", "inner", "kron", "tensordot", "vdot"]

ascii_letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

LARGE = 4096  # products in a step from which on it pays to hand it to a matrix product


# -------------------------------------------------------------------------------------------- steps


def product_sum(subscripts: str, arrays: Sequence[Array]) -> Array:
    """``np.einsum``, by way of matrix products (BLAS) where the sizes make it worth it."""
    work = 1
    if len(arrays) == 2:
        work = arrays[0].size * arrays[1].size
    if work > LARGE:
        return np.einsum(subscripts, *arrays, optimize=["einsum_path", (0, 1)])
    return np.einsum(subscripts, *arrays)


def gradient_step(
    g: Array, output: str, shape: tuple[int, ...], indices: str, others: Sequence[tuple[Array, str]]
) -> Array:
    """The gradient of an operand with `indices` in a contraction to `output`.

    An index that only this operand has was summed alone: its gradient is repeated, a product with
    ones.  An index that the operand has twice took a diagonal: its gradient is put back there.
    Not by a product with the identity matrix: 0 times an infinite gradient is NaN.
    """
    if len(others) == 1 and is_plain(indices, output + others[0][1]):
        other, other_indices = others[0]
        result = chain((output, other_indices), indices, (g, other))
        if result.shape == shape:
            return result
    operands: list[Array] = [g]
    inputs = [output]
    for other, other_indices in others:
        operands.append(other)
        inputs.append(other_indices)
    known = sizes_of((letters, x.shape) for letters, x in zip(inputs, operands))
    target = "".join(dict.fromkeys(indices))
    for letter in target:
        size = shape[indices.index(letter)]
        if letter not in known or known[letter] == 1 != size:
            operands.append(np.ones(size, dtype=g.dtype))
            inputs.append(letter)
    result = g
    if len(operands) > 1 or output != target:
        result = chain(tuple(inputs), target, operands)
    return onto_diagonals(result, indices)


def onto_diagonals(x: Array, indices: str) -> Array:
    """x has an axis for each index; one that is named again gets an axis more, and a diagonal."""
    for place, letter in enumerate(indices):
        first = indices.index(letter)
        if first < place:
            shape = (*x.shape[:place], x.shape[first], *x.shape[place:])
            x = _diagonal_into(np.moveaxis(x, first, -1), shape, 0, first, place)
    return x


@op(
    lambda g, x_shape, indices, output: gradient_step(g, output, x_shape, indices, ()),
    notation="einsum({indices}->{output}, {x})",
)
def _sum_indices(x: Array, indices: str, output: str) -> Array:
    """Sums, diagonals and transposes of one operand, as in ``einsum("iij->j", x)``.

    Forward    out[output] = Σ x[indices] over the indices that are not in the output
    Gradient   x̄ = ḡ, repeated along summed indices, on the diagonal of repeated ones
    Shapes     one axis for each letter of `indices` -> one for each letter of `output`
    """
    if x.size > MANY or is_half(x):  # einsum adds one after the other
        axes = [i for i, each in enumerate(indices) if each not in output]
        axes = [i for i in axes if indices.count(indices[i]) == 1]
        if axes:
            x = sum_of(x, tuple(axes))
            indices = "".join([each for i, each in enumerate(indices) if i not in axes])
    return np.einsum(f"{indices}->{output}", x)


@op(
    lambda g, x_shape, y, x_indices, y_indices, output: gradient_step(
        g, output, x_shape, x_indices, [(y, y_indices)]
    ),
    lambda g, x, y_shape, x_indices, y_indices, output: gradient_step(
        g, output, y_shape, y_indices, [(x, x_indices)]
    ),
    promote=True,
    notation="einsum({x_indices},{y_indices}->{output}, {x}, {y})",
)
def _contract(x: Array, y: Array, x_indices: str, y_indices: str, output: str) -> Array:
    """One step of a contraction: ``einsum("ij,jk->ik", x, y)``.

    Forward    out[output] = Σ x[x_indices] y[y_indices] over the indices not in the output
    Gradient   x̄ = einsum(`output`,`y_indices`->`x_indices`) of ḡ and y
               ȳ = einsum(`output`,`x_indices`->`y_indices`) of ḡ and x
    Shapes     one axis for each letter of x_indices and y_indices -> one for each of `output`
    """
    return product_sum(f"{x_indices},{y_indices}->{output}", (x, y))


@lru_cache(maxsize=512)
def is_plain(indices: str, known: str) -> bool:
    """Whether an operand has no index twice, and none that nobody else has."""
    return len(set(indices)) == len(indices) and set(indices) <= set(known)


def sizes_of(operands: Iterable[tuple[str, tuple[int, ...]]]) -> dict[str, int]:
    """The size of each index, which is 1 in an operand that broadcasts along it."""
    sizes: dict[str, int] = {}
    for indices, shape in operands:
        for letter, size in zip(indices, shape):
            if sizes.get(letter, 1) == 1:
                sizes[letter] = size
    return sizes


def chain(inputs: tuple[str, ...], output: str, operands: Sequence[Array]) -> Array:
    """A contraction of any number of operands with explicit indices, in steps of two."""
    # NumPy's scalars are taken for numbers elsewhere; here they are operands with no axes
    operands = [np.asarray(x) if isinstance(x, np.generic) else x for x in operands]
    if len(operands) == 1:
        return _sum_indices(operands[0], inputs[0], output)
    if len(operands) == 2:
        if type(operands[0]) is type(operands[1]) is np.ndarray:
            return product_sum(f"{inputs[0]},{inputs[1]}->{output}", operands)
        return _contract(operands[0], operands[1], inputs[0], inputs[1], output)
    remaining = list(zip(operands, inputs))
    for first, second in pairs(inputs, output, tuple(tuple(x.shape) for x in operands)):
        y, y_indices = remaining.pop(second)
        x, x_indices = remaining.pop(first)
        needed = set(output).union(*[set(indices) for _, indices in remaining])
        if remaining:
            step = "".join(dict.fromkeys(i for i in x_indices + y_indices if i in needed))
        else:
            step = output
        remaining.append((_contract(x, y, x_indices, y_indices, step), step))
    return remaining[0][0]


@lru_cache(maxsize=256)
def pairs(
    inputs: tuple[str, ...], output: str, shapes: tuple[tuple[int, ...], ...]
) -> tuple[tuple[int, int], ...]:
    """Which two operands to contract at each step; the result goes to the end of the list.

    Each step takes the pair whose result grows least over its operands, the greedy rule.
    """
    sizes = sizes_of(zip(inputs, shapes))
    remaining = list(inputs)
    steps = []
    while len(remaining) > 1:
        best: Any = None
        for i in range(len(remaining)):
            for j in range(i + 1, len(remaining)):
                others = remaining[:i] + remaining[i + 1 : j] + remaining[j + 1 :]
                needed = set(output).union(*[set(each) for each in others])
                both = set(remaining[i]) | set(remaining[j])
                result = volume(both & needed, sizes)
                growth = (
                    result - volume(set(remaining[i]), sizes) - volume(set(remaining[j]), sizes)
                )
                cost = (growth, volume(both, sizes), i, j)
                if best is None or cost < best[0]:
                    best = (cost, i, j, "".join(sorted(both & needed)))
        _, i, j, indices = best
        remaining.pop(j)
        remaining.pop(i)
        remaining.append(indices)
        steps.append((i, j))
    return tuple(steps)


def volume(letters: set[str], sizes: dict[str, int]) -> int:
    """How many entries an array with these indices has."""
    n = 1
    for letter in letters:
        n *= sizes[letter]
    return n


# ------------------------------------------------------------------------------------------- einsum


def parse(equation: str, ndims: tuple[int, ...]) -> tuple[tuple[str, ...], str]:
    """The indices of each operand and of the result, with ``...`` and ``->`` made explicit."""
    text = equation.replace(" ", "")
    left, arrow, output = text.partition("->")
    parts = left.split(",")
    if len(parts) != len(ndims):
        raise ValueError(
            f"einsum: {equation!r} names {len(parts)} operands, but {len(ndims)} were given"
        )
    used = {c for c in text if c.isalpha()}
    bad = set(text) - used - set(",.->")
    if bad or any(not c.isascii() for c in used):
        raise ValueError(f"einsum: {equation!r}: an index is a letter a-z or A-Z, got {min(bad)!r}")
    spare = [c for c in ascii_letters if c not in used]
    leading = []
    for part, ndim in zip(parts, ndims):
        if part.count(".") not in (0, 3) or (part.count(".") == 3 and "..." not in part):
            raise ValueError(f"einsum: {equation!r}: axes without a name are written '...', once")
        count = ndim - len(part.replace("...", ""))
        if count < 0 or (count and "..." not in part):
            raise ValueError(
                f"einsum: {equation!r}: {part!r} names {len(part.replace('...', ''))} axes, "
                f"its operand has {ndim}"
            )
        leading.append(count)
    batch = "".join(spare[: max(leading)])
    inputs = tuple(
        part.replace("...", batch[len(batch) - count :]) for part, count in zip(parts, leading)
    )
    return inputs, parse_output(equation, inputs, batch, output if arrow else None)


def parse_output(equation: str, inputs: tuple[str, ...], batch: str, output: str | None) -> str:
    """The indices of the result: as given, or by the rule for equations without an arrow."""
    everything = "".join(inputs)
    if output is None:
        once = sorted(c for c in set(everything) - set(batch) if everything.count(c) == 1)
        return batch + "".join(once)
    explicit = output.replace("...", batch)
    unknown = [c for c in explicit if c not in everything]
    repeated = [c for c in explicit if explicit.count(c) > 1]
    if "." in explicit or unknown or repeated:
        what = "is in no operand" if unknown else "is there twice"
        raise ValueError(
            f"einsum: {equation!r}: index {(unknown or repeated or '.')[0]!r} of the result {what}"
        )
    return explicit


def interleaved(operands: Sequence[Any]) -> tuple[str, list[Any]]:
    """``einsum(x, [0, 1], y, [1, 2], [0, 2])`` as an equation and operands."""
    output = operands[-1] if len(operands) % 2 else None
    pairs_of = operands[: len(operands) - len(operands) % 2]

    def letters(indices: Any) -> str:
        if not isinstance(indices, (list, tuple)):
            raise TypeError(
                "einsum takes an equation and operands, or operands each followed by a list of "
                f"integers; got {type(indices).__name__} where a list was expected"
            )
        bad = [i for i in indices if i is not Ellipsis and not (isinstance(i, int) and 0 <= i < 52)]
        if bad:
            raise ValueError(f"einsum: an index is an integer from 0 to 51, or ..., got {bad[0]!r}")
        # capitals sort before small letters; einsum's order of indices is that of the integers
        order = sorted(ascii_letters)
        return "".join("..." if i is Ellipsis else order[i] for i in indices)

    equation = ",".join(letters(indices) for indices in pairs_of[1::2])
    if output is not None:
        equation += "->" + letters(output)
    return equation, list(pairs_of[0::2])


@composition
def einsum(equation: Any, *operands: Any) -> Tensor:
    """Sum of products over named indices.

    The equation names the axes of each operand and of the result: ``"ij,jk->ik"`` is the matrix
    product.  Without an arrow the result has the indices that occur once, in alphabetical
    order.  ``...`` stands for axes that broadcast.  An index twice in one operand takes its
    diagonal.  Operands and lists of integers in turn are the other form:
    ``einsum(x, [0, 1], y, [1, 2], [0, 2])``.

    Forward    out[result indices] = Σ x[its indices] y[its indices] ..., over all other indices
    Gradient   x̄[its indices] = Σ ḡ[result indices] y[its indices] ...: an einsum again
    Shapes     as the equation says; sizes of one index are equal, or 1
    Raises     ValueError if the equation does not fit the operands
    Example    >>> x = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
               >>> mg.einsum("ij,kj->ik", x, x)
               tensor([[ 5., 11.],
                       [11., 25.]])
               >>> mg.einsum("ii", x)
               tensor(5.)
    """
    if not isinstance(equation, str):
        equation, found = interleaved((equation, *operands))
        operands = tuple(found)
    elif len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    if not operands:
        raise ValueError("einsum: at least one operand is needed")
    operands = tuple(x if hasattr(x, "ndim") else np.asarray(x) for x in operands)
    inputs, output = checked(equation, tuple([x.shape for x in operands]))
    if len(operands) == 1 and operands[0].dtype.kind in "biu" and set(inputs[0]) - set(output):
        operands = (operands[0].astype(np.int64),)  # what is summed, as in `sum`
    return chain(inputs, output, operands)


@lru_cache(maxsize=512)
def checked(equation: str, shapes: tuple[tuple[int, ...], ...]) -> tuple[tuple[str, ...], str]:
    """What `parse` returns, if every index has one size where it is not 1."""
    inputs, output = parse(equation, tuple([len(shape) for shape in shapes]))
    sizes: dict[str, int] = {}
    for indices, sizes_here in zip(inputs, shapes):
        for letter, size in zip(indices, sizes_here):
            if sizes.setdefault(letter, size) != size:
                if sizes[letter] != 1 and size != 1:
                    text = ", ".join(str(shape) for shape in shapes)
                    raise ValueError(
                        f"einsum: {equation!r} on {text}: index {letter!r} has sizes "
                        f"{sizes[letter]} and {size}"
                    )
                sizes[letter] = max(size, sizes[letter])
    return inputs, output


# ------------------------------------------------------------------------ what einsum can spell out


@composition
def tensordot(a: Array, b: Array, dims: Any = 2) -> Tensor:
    """Sum of products over pairs of axes.

    Forward    out = Σ a b over the last `dims` axes of a and the first `dims` of b, in order; or
               over the axes in the two lists ``dims = (axes of a, axes of b)``
    Gradient   ā = ḡ contracted with b over b's other axes, and the same for b
    Shapes     (..., k...), (k..., ...) -> (..., ...)
    Raises     ValueError if paired sizes differ; IndexError if there is no such axis
    Example    >>> mg.tensordot(mg.ones(2, 3, 4), mg.ones(3, 4, 5), dims=2).shape
               (2, 5)
    """
    if dims == 1 and a.ndim == 2 == b.ndim and a.shape[1] == b.shape[0]:
        return a @ b
    a_axes, b_axes = axes_in_pairs(a, b, dims)
    letters = iter(ascii_letters)
    a_indices = [next(letters) for _ in a.shape]
    b_indices = [next(letters) for _ in b.shape]
    for i, j in zip(a_axes, b_axes):
        if a.shape[i] != b.shape[j]:
            raise ValueError(
                f"tensordot: axis {i} of {tuple(a.shape)} and axis {j} of {tuple(b.shape)} have "
                f"sizes {a.shape[i]} and {b.shape[j]}"
            )
        b_indices[j] = a_indices[i]
    output = [c for i, c in enumerate(a_indices) if i not in a_axes]
    output += [c for j, c in enumerate(b_indices) if j not in b_axes]
    return chain(("".join(a_indices), "".join(b_indices)), "".join(output), (a, b))


def axes_in_pairs(a: Array, b: Array, dims: Any) -> tuple[list[int], list[int]]:
    """The axes that `tensordot` sums over, non-negative."""
    if isinstance(dims, (int, np.integer)):
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise ValueError(f"tensordot: dims={dims} of operands with {a.ndim} and {b.ndim} axes")
        return list(range(a.ndim - dims, a.ndim)), list(range(dims))
    a_axes, b_axes = [[i] if isinstance(i, (int, np.integer)) else list(i) for i in dims]
    if len(a_axes) != len(b_axes):
        raise ValueError(f"tensordot: {len(a_axes)} axes of a with {len(b_axes)} axes of b")
    return (
        [np.lib.array_utils.normalize_axis_index(int(i), a.ndim) for i in a_axes],
        [np.lib.array_utils.normalize_axis_index(int(j), b.ndim) for j in b_axes],
    )


@composition
def inner(input: Array, other: Array) -> Tensor:
    """Sum of products over the last axes.

    Forward    out[..., ~~~] = Σₖ input[..., k] other[~~~, k]; of 0-d operands the product
    Gradient   x̄ = ḡ contracted with y over y's leading axes, and the same for y
    Shapes     (..., k), (~~~, k) -> (..., ~~~)
    Raises     ValueError if the last sizes differ
    Example    >>> mg.inner(mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0]))
               tensor(11.)
    """
    if input.ndim == 0 or other.ndim == 0:
        return input * other
    if input.ndim == 1 == other.ndim:
        return vdot(input, other)
    return tensordot(input, other, ([-1], [-1]))


@composition
def vdot(input: Array, other: Array) -> Tensor:
    """Sum of all products of corresponding entries; operands with several axes are flattened.

    Forward    out = Σ xᵢ yᵢ
    Gradient   x̄ = ḡ y        ȳ = ḡ x
    Shapes     (n,), (n,) -> ()
    Raises     ValueError if the numbers of entries differ
    Example    >>> mg.vdot(mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0]))
               tensor(11.)
    """
    x = input if input.ndim == 1 else input.reshape(-1)
    y = other if other.ndim == 1 else other.reshape(-1)
    return x @ y


@composition
def kron(input: Array, other: Array) -> Tensor:
    """Kronecker product: each entry of the first operand times the whole second.

    Forward    out[i n + k, j m + l] = input[i, j] other[k, l], for an other of shape (n, m)
    Gradient   x̄[i, j] = Σₖₗ ḡ[i n + k, j m + l] y[k, l]; ȳ[k, l] = Σᵢⱼ ḡ[i n + k, j m + l] x[i, j]
    Shapes     (a, b), (n, m) -> (a n, b m); with other numbers of axes, the sizes multiplied axis
               by axis, and missing leading axes of size 1
    Example    >>> mg.kron(mg.eye(2), mg.tensor([[1.0, 2.0]]))
               tensor([[1., 2., 0., 0.],
                       [0., 0., 1., 2.]])
    """
    ndim = max(input.ndim, other.ndim)
    x = ascii_letters[ndim - input.ndim : ndim]
    y = ascii_letters[2 * ndim - other.ndim : 2 * ndim]
    pairs_of_axes = zip(ascii_letters[:ndim], ascii_letters[ndim : 2 * ndim])
    output = "".join(c for pair in pairs_of_axes for c in pair if c in x or c in y)
    apart = chain((x, y), output, (input, other))
    x_shape = (1,) * (ndim - input.ndim) + tuple(input.shape)
    y_shape = (1,) * (ndim - other.ndim) + tuple(other.shape)
    return apart.reshape(*[m * n for m, n in zip(x_shape, y_shape)])
