"""How ops take a batch: one rule for each family of ops.

A rule gets the operands of one call, of which some have one axis more in front, the batch, and
calls the op so that all samples are computed at once.  It returns the result with the batch in
front, or None where it does not cover the case: the op is then called sample by sample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.modes import recording
from minigrad.ops import (
    contraction,
    convolution,
    diagonals,
    factorizations,
    indexing,
    joining,
    matrix_functions,
    neural,
    norms,
    pooling,
    products,
    ranking,
    rearranging,
    reduction,
    shaping,
    solving,
    spectral,
    statistics,
)
from minigrad.primitive import Op, op_of


@dataclass(frozen=True, slots=True)
class Operand:
    """What a rule is given for an operand or an array among the static arguments.

    value    a tensor, an array or a number; of a batch, a tensor whose first axis is the batch
    batched  whether it is one for each sample
    ndim     the number of axes of one sample
    """

    value: Any
    batched: bool
    ndim: int

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return tuple(self.value.shape[1:] if self.batched else np.shape(self.value))


Given = Sequence[Operand]
Statics = Sequence[Any]  # in the order of the op's signature; arrays among them are operands, too
Rule = Callable[[Op, Given, Statics, int], Any]  # the last is the size of the batch
RULES: dict[Op, Rule] = {}


def rule_of(op: Any) -> Rule | None:
    """The rule for `op`, or None if it has none."""
    if not hasattr(op, "call"):  # a VJP that looked at numbers
        return None
    found = RULES.get(op)
    if found is None and op.forward.__module__.removeprefix("minigrad.") in ENTRYWISE:
        return entrywise
    return found


def rule(*functions: Any) -> Callable[[Rule], Rule]:
    """Make what is decorated the rule of some ops."""

    def register(made: Rule) -> Rule:
        for function in functions:
            RULES[op_of(function)] = made
        return made

    return register


def spread(x: Any, ndim: int) -> Any:
    """The value of an operand; between the batch and a sample come axes of size 1, up to `ndim`."""
    if not isinstance(x, Operand):
        return x
    if not x.batched or x.ndim >= ndim:
        return x.value
    return ops.reshape(x.value, x.value.shape[0], *[1] * (ndim - x.ndim), *x.shape)


def is_batched(x: Any) -> bool:
    """Whether an argument is one for each sample, or holds such a one."""
    if isinstance(x, (tuple, list)):
        return any([is_batched(each) for each in x])
    return isinstance(x, Operand) and x.batched


# ----------------------------------------------------------------------------------- entry by entry

ENTRYWISE = {
    "ops.bessel", "ops.comparison", "ops.conversion", "ops.elementwise", "ops.exponential",
    "ops.gamma", "ops.incomplete", "ops.integers", "ops.probabilities", "ops.selection",
    "ops.special", "ops.trigonometric", "nn.functional.activations", "nn.functional.regression",
}  # fmt: skip


@rule(
    ops.clone, shaping._contiguous, ops.copysign, ops.heaviside, ops.nextafter, ops.cbrt,
    ops.isposinf, ops.isneginf, ops.angle, norms._euclidean, norms._only_finite,
    norms._infinite_where, neural._bce, neural._bce_with_logits, spectral._over_nothing,
)  # fmt: skip
def entrywise(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    arguments = [*operands, *statics]
    if any([isinstance(x, (tuple, list)) and is_batched(x) for x in statics]):
        return None
    ndim = max([x.ndim for x in arguments if isinstance(x, Operand)])
    return op.call(*[spread(x, ndim) for x in arguments])


# ------------------------------------------------------------------------------------ along an axis


def moved(dim: Any) -> Any:
    """An axis, or axes, of a sample as those of the batch; they may be counted from the end."""
    if isinstance(dim, (tuple, list)):
        return tuple([moved(each) for each in dim])
    return dim if dim < 0 else int(dim) + 1


def named(op: Op, statics: Statics) -> dict[str, Any]:
    """Static arguments by their names."""
    return dict(zip(op.arguments[len(op.arguments) - len(statics) :], statics))


def with_axes(op: Op, statics: Statics, names: Sequence[str]) -> dict[str, Any]:
    """Static arguments by their names, with the axes among them moved past the batch."""
    given = named(op, statics)
    for name in names:
        if given[name] is not None:
            given[name] = moved(given[name])
    return given


@rule(
    ops.softmax, ops.log_softmax, ops.cumsum, ops.cumprod, ops.logcumsumexp, ops.sort, ops.argsort,
    ops.cummax, ops.cummin, ranking._kthvalue, ops.mode, statistics._median_along,
    rearranging._repeat_each, joining._split, joining._unbind, products._cross, ops.unflatten,
)  # fmt: skip
def along_one(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    """The axis is the argument `dim`."""
    ndim = max([x.ndim for x in operands])
    given = with_axes(op, statics, ["dim"]) if ndim and not is_batched(statics) else {}
    if given.get("dim") is None:
        return None
    return op.call(*[spread(x, ndim) for x in operands], **given)


@rule(
    ops.sum,
    ops.mean,
    reduction.prod,
    ops.amax,
    ops.amin,
    ops.all,
    ops.any,
    ops.count_nonzero,
    ops.var,
    ops.std,
    ops.logsumexp,
    norms.vector_norm,
    reduction._max,
    reduction._min,
    ops.argmax,
    ops.argmin,
    ops.squeeze,
    statistics._median,
)
def reduced(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    """`dim` may be None: all axes."""
    (x,) = operands
    given = named(op, statics)
    dim = given.get("dim")
    if dim == () or (not x.ndim and (dim is not None or given.get("keepdim"))):
        return None
    if dim is not None:
        return op.call(x.value, **with_axes(op, statics, ["dim"]))
    if given.get("keepdim"):
        return op.call(x.value, **{**given, "dim": tuple(range(1, x.ndim + 1))})
    if op is op_of(ops.squeeze):
        axes = tuple([i + 1 for i, n in enumerate(x.shape) if n == 1])
        return op.call(x.value, axes) if axes else op.call(x.value, 1) if x.ndim else x.value
    rows = ops.reshape(x.value, size, prod(x.shape))
    return op.call(rows, **{**given, "dim": 1}) if "dim" in given else None


# ---------------------------------------------------------------------------------- axes and shapes


@rule(ops.mT, ops.tril, ops.triu)
def last_axes(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    """Ops on the last two axes."""
    return op.call(operands[0].value, *statics)


@rule(ops.T, ops.t)
def turned(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    (x,) = operands
    return ops.permute(x.value, 0, *range(x.ndim, 0, -1))


@rule(ops.reshape)
def reshaped(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    (shape,) = statics
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        (shape,) = shape
    if -1 in shape:
        rest = prod([n for n in shape if n != -1])
        shape = [prod(operands[0].shape) // max(rest, 1) if n == -1 else n for n in shape]
    return ops.reshape(operands[0].value, size, *shape)


@rule(ops.expand)
def expanded(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    (shape,) = statics
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        (shape,) = shape
    return ops.expand(spread(operands[0], len(shape)), -1, *shape)


@rule(ops.permute)
def permuted(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    (dims,) = statics
    if len(dims) == 1 and isinstance(dims[0], (tuple, list)):
        (dims,) = dims
    return ops.permute(operands[0].value, 0, *moved(tuple(dims)))


AXES = {
    ops.transpose: ["dim0", "dim1"], ops.movedim: ["source", "destination"],
    ops.flatten: ["start_dim", "end_dim"], diagonals.diagonal: ["dim1", "dim2"],
    ops.rot90: ["dims"],
}  # fmt: skip


@rule(*AXES)
def with_named_axes(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    (x,) = operands
    names = next(names for function, names in AXES.items() if op_of(function) is op)
    if not x.ndim:
        return None
    given = with_axes(op, statics, names)
    return op.call(x.value, **given)


@rule(ops.unsqueeze)
def unsqueezed(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    (x,) = operands
    return op.call(x.value, moved(statics[0]))


@rule(ops.flip)
def flipped(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    (dims,) = statics
    if len(dims) == 1 and isinstance(dims[0], (tuple, list)):
        (dims,) = dims
    return op.call(operands[0].value, *moved(tuple(dims)))


@rule(diagonals._diagonal_into)
def onto_diagonal(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    shape, offset, dim1, dim2 = statics
    return op.call(operands[0].value, (size, *shape), offset, moved(dim1), moved(dim2))


@rule(diagonals.trace)
def trace(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    return ops.sum(ops.diagonal(operands[0].value, 0, 1, 2), 1)


@rule(joining._cat)
def concatenated(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    dim, _ = statics
    ndim = operands[0].ndim
    return ops.cat([repeated(x, size) for x in operands], moved(dim)) if ndim else None


@rule(ops.stack)
def stacked(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    dim = moved(statics[0])
    return ops.stack([repeated(x, size) for x in operands], dim)


def repeated(x: Operand, size: int) -> Any:
    """An operand with a batch axis; if it is the same for all samples, that is stretched."""
    if x.batched:
        return x.value
    value: Any = x.value
    return ops.expand(ops.unsqueeze(value, 0), size, *np.shape(value))


# ---------------------------------------------------------------------------------------- positions


def index_of(index: Any) -> Any:
    """An index of a sample as one of the batch; None where the axes would end up elsewhere."""
    if is_batched(index):
        return None
    parts = list(index) if isinstance(index, tuple) else [index]
    parts = [part.value if isinstance(part, Operand) else part for part in parts]
    arrays = [i for i, part in enumerate(parts) if isinstance(part, (np.ndarray, list, np.integer))]
    numbers = [i for i, part in enumerate(parts) if isinstance(part, int)]
    if arrays:
        together = sorted(arrays + numbers)
        if together != list(range(together[0], together[-1] + 1)) or together[0] == 0 < len(
            numbers
        ):
            return None
    return (slice(None), *parts)


@rule(indexing._getitem)
def taken(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    index = index_of(statics[0])
    return None if index is None else op.call(operands[0].value, index)


@rule(indexing._scatter_into)
def scattered(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    shape, index = statics
    index = index_of(index)
    return None if index is None else op.call(operands[0].value, (size, *shape), index)


def positions(index: Any, size: int, count: int) -> Any:
    """Row-major positions in samples of `count` entries as positions in the whole batch."""
    within = index.value if isinstance(index, Operand) else index
    ndim = index.ndim if isinstance(index, Operand) else np.ndim(within)
    starts = count * np.arange(size).reshape(size, *[1] * ndim)
    return ops.where(within < 0, within + count, within) + starts


@rule(indexing._take)
def taken_flat(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    (x,) = operands
    return op.call(x.value, positions(statics[0], size, prod(x.shape)))


@rule(indexing._put_zeros)
def put_flat(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    index, shape = statics
    return op.call(operands[0].value, positions(index, size, prod(shape)), (size, *shape))


@rule(indexing._put)
def replaced_flat(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    x, value = operands
    index = positions(statics[0], size, prod(x.shape))
    return op.call(repeated(x, size), spread(value, index.ndim - 1), index)


@rule(indexing._setitem, indexing._add_at)
def put(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    x, value = operands
    index = index_of(statics[0])
    if index is None:
        return None
    at = np.empty(x.shape, bool)[index[1:]]
    return op.call(repeated(x, size), spread(value, at.ndim), index)


# ----------------------------------------------------------------------------------------- products


@rule(ops.matmul)
def product(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    """Vectors become a row or a column, and are vectors again afterwards."""
    x, y = operands
    left = as_matrices(x, 0, max(x.ndim, y.ndim, 2))
    right = as_matrices(y, 1, max(x.ndim, y.ndim, 2))
    if (
        x.batched and not y.batched and x.ndim == y.ndim == 2
    ):  # the rows of all samples times one matrix
        rows = ops.reshape(left, -1, left.shape[-1])
        out = ops.reshape(ops.matmul(rows, right), size, -1, right.shape[-1])
    else:
        out = ops.matmul(left, right)
    if y.ndim == 1:
        out = out[..., 0]
    return out[..., 0, :] if x.ndim == 1 and y.ndim > 1 else out[..., 0] if x.ndim == 1 else out


def as_matrices(x: Operand, vector_axis: int, ndim: int) -> Any:
    """An operand of a product with matrices for samples: a vector is a row (0) or a column (1)."""
    value: Any = x.value
    if x.ndim == 1:
        value = ops.unsqueeze(value, -2 if vector_axis == 0 else -1)
    if not x.batched:
        return value
    return spread(Operand(value, True, max(x.ndim, 2)), ndim)


@rule(products._outer)
def outer(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    x, y = operands
    return ops.mul(ops.unsqueeze(x.value, -1), ops.unsqueeze(y.value, -2))


@rule(products.linear)
def linear(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    x, weight, bias = operands
    if not weight.batched and not bias.batched:
        return op.call(*[each.value for each in operands])
    out = product(op_of(ops.matmul), [x, transposed(weight)], (), size)
    return out if bias.value is None else ops.add(out, spread(bias, x.ndim))


def transposed(x: Operand) -> Operand:
    return Operand(ops.mT(x.value), x.batched, x.ndim)


@rule(contraction._contract)
def contracted(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    """The batch is one letter more."""
    letter = unused_letter(statics)
    marks = [letter if x.batched else "" for x in operands]
    x_indices, y_indices, output = statics
    values = [x.value for x in operands]
    return op.call(*values, marks[0] + x_indices, marks[1] + y_indices, letter + output)


@rule(contraction._sum_indices)
def summed_indices(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    letter = unused_letter(statics)
    return op.call(operands[0].value, letter + statics[0], letter + statics[1])


def unused_letter(texts: Sequence[str]) -> str:
    return next(c for c in contraction.ascii_letters if not any([c in text for text in texts]))


# ----------------------------------------------------------------------------------- linear algebra


@rule(
    ops.inv, ops.det, ops.slogdet, solving._pinv, ops.cholesky, factorizations._qr, ops.logdet,
    matrix_functions.matrix_exp, solving._cofactors, spectral.eigh, spectral.eigvalsh,
    spectral.svd, spectral.svdvals, matrix_functions._zeroth_power,
)  # fmt: skip
def of_matrices(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    """Ops that take stacks of matrices already."""
    return op.call(operands[0].value, *statics)


@rule(solving._solve, solving._solve_triangular)
def solved(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    a, b = operands
    if a.ndim != b.ndim or a.shape[:-2] != b.shape[:-2]:
        return None
    return op.call([repeated(a, size), repeated(b, size)], *statics)


# ----------------------------------------------------------- samples with a batch axis of their own


def folded(x: Operand) -> Any:
    """A batch of batches as one batch."""
    value: Any = x.value
    return ops.reshape(value, -1, *x.shape[1:])


@rule(convolution._convolve)
def convolved(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    x, weight, bias = operands
    if weight.batched or bias.batched:
        return None
    out = op.call(folded(x), weight.value, bias.value, *statics)
    return ops.reshape(out, size, x.shape[0], *out.shape[1:])


@rule(pooling._max_pool, pooling._avg_pool)
def pooled(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    (x,) = operands
    if op.keep:
        return None
    out = op.call(folded(x), *statics)
    return ops.reshape(out, size, x.shape[0], *out.shape[1:])


@rule(neural.cross_entropy)
def cross_entropy(op: Op, operands: Given, statics: Statics, size: int) -> Any:
    """The loss, and the slope that its derivative uses."""
    (x,) = operands
    target, ignored = statics
    n, c = x.shape
    if not isinstance(target, Operand) or ignored >= 0 or recording.trace is not None:
        return None
    labels: Any = target.value._array if target.batched else target.value
    if labels.min() < 0 or labels.max() >= c:
        return None
    hot = (np.arange(c) == labels[..., None]).astype(x.value.dtype)
    logs = ops.log_softmax(x.value, -1)
    loss = ops.neg(ops.div(ops.sum(ops.mul(logs, hot), (-2, -1)), n))
    return loss, ops.div(ops.sub(ops.exp(logs), hot), n)
