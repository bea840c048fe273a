"""What each op becomes in an ONNX file.

A translation names the op that it is for by its place under `minigrad`, and adds nodes::

    @translation("ops.tanh", batchwise=True)
    def tanh(to, call, x):
        return to.add("Tanh", x)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

import numpy as np

from minigrad.onnx.translation import BATCHWISE, TRANSLATIONS, Step, Translation, translation
from minigrad.tape import Value

SAME = {
    "add": "Add", "sub": "Sub", "mul": "Mul", "true_divide": "Div", "neg": "Neg", "exp": "Exp",
    "log": "Log", "sqrt": "Sqrt", "abs": "Abs", "pow": "Pow", "relu": "Relu", "tanh": "Tanh",
    "sigmoid": "Sigmoid", "sin": "Sin", "cos": "Cos", "tan": "Tan", "erf": "Erf", "sinh": "Sinh",
    "cosh": "Cosh", "atan": "Atan", "asin": "Asin", "acos": "Acos", "reciprocal": "Reciprocal",
    "floor": "Floor", "ceil": "Ceil", "round": "Round", "sign": "Sign", "gt": "Greater",
    "ge": "GreaterOrEqual", "lt": "Less", "le": "LessOrEqual", "eq": "Equal", "isnan": "IsNaN",
    "isinf": "IsInf", "maximum": "Max", "minimum": "Min",
}  # fmt: skip
LOGICAL = {"and": "And", "or": "Or", "xor": "Xor", "not": "Not"}


def entrywise(kind: str) -> Callable[..., str]:
    """The translation of an op that ONNX has under another name."""

    def translate(to: Translation, call: Step, *x: str) -> str:
        return to.add(kind, *x)

    BATCHWISE.add(translate)
    return translate


def logical(kind: str) -> Callable[..., str]:
    """The same of an op that ONNX has for booleans only."""

    def translate(to: Translation, call: Step, *x: str) -> str:
        if any(isinstance(v, Value) and v.dtype != np.bool_ for v in call.operands):
            raise NotImplementedError(f"export: {call.op.name} of numbers; compare them first")
        return to.add(kind, *x)

    BATCHWISE.add(translate)
    return translate


TRANSLATIONS |= {f"ops.{name}": entrywise(kind) for name, kind in SAME.items()}
TRANSLATIONS["nn.functional.activations._softsign"] = entrywise("Softsign")
TRANSLATIONS |= {f"ops.logical_{name}": logical(kind) for name, kind in LOGICAL.items()}
TRANSLATIONS |= {f"ops.bitwise_{name}": logical(kind) for name, kind in LOGICAL.items()}


@translation("ops.ne", batchwise=True)
def ne(to: Translation, call: Step, x: str, y: str) -> str:
    return to.add("Not", to.add("Equal", x, y))


@translation("ops.conversion._astype", batchwise=True)
def astype(to: Translation, call: Step, x: str) -> str:
    return to.add("Cast", x, to=to.onnx.helper.np_dtype_to_tensor_dtype(call.dtype))


@translation("ops.selection._where", batchwise=True, takes_values=True)
def where(to: Translation, call: Step, x: str, y: str, *condition: str) -> str:
    mask = condition[0] if condition else to.name_of(call.statics[0])
    return to.add("Where", mask, x, y)


@translation("ops.clamp", batchwise=True, takes_values=True)
def clamp(to: Translation, call: Step, x: str, *bounds: str) -> str:
    for bound, kind in zip((*call.operands[1:], *call.statics), ("Max", "Min")):
        if bound is not None:
            number = bound if isinstance(bound, Value) else np.array(bound, call.dtype)
            x = to.add(kind, x, to.name_of(number))
    return x


@translation("ops.square", batchwise=True)
def square(to: Translation, call: Step, x: str) -> str:
    return to.add("Mul", x, x)


@translation("ops.rsqrt", batchwise=True)
def rsqrt(to: Translation, call: Step, x: str) -> str:
    return to.add("Reciprocal", to.add("Sqrt", x))


@translation("nn.functional.activations._gelu", batchwise=True)
def gelu(to: Translation, call: Step, x: str) -> str:
    def number(value: float) -> str:
        return to.constant(np.array(value, call.dtype))

    share = to.add("Add", to.add("Erf", to.add("Mul", x, number(1 / sqrt(2)))), number(1.0))
    return to.add("Mul", to.add("Mul", x, share), number(0.5))


@translation("nn.functional.activations._gelu_tanh", batchwise=True)
def gelu_tanh(to: Translation, call: Step, x: str) -> str:
    def number(value: float) -> str:
        return to.constant(np.array(value, call.dtype))

    cube = to.add("Mul", to.add("Mul", to.add("Mul", x, x), x), number(0.044715))
    inner = to.add("Mul", to.add("Add", x, cube), number(sqrt(8 / np.pi)))
    return to.add("Mul", x, to.add("Sigmoid", inner))


@translation("nn.functional.activations._prelu", batchwise=True)
def prelu(to: Translation, call: Step, x: str, weight: str) -> str:
    return to.add("PRelu", x, weight)


@translation("nn.functional.activations._silu", batchwise=True)
def silu(to: Translation, call: Step, x: str) -> str:
    return to.add("Mul", x, to.add("Sigmoid", x))


@translation("ops.softplus", batchwise=True)
def softplus(to: Translation, call: Step, x: str) -> str:
    beta = to.constant(np.array(call.statics[0], call.dtype))
    return to.add("Div", to.add("Softplus", to.add("Mul", x, beta)), beta)


@translation("nn.functional.logsigmoid", batchwise=True)
def logsigmoid(to: Translation, call: Step, x: str) -> str:
    return to.add("Neg", to.add("Softplus", to.add("Neg", x)))


@translation("nn.functional.activations._elu", batchwise=True)
def elu(to: Translation, call: Step, x: str) -> str:
    alpha, scale, input_scale = call.statics
    if input_scale != 1:
        return to.add("Celu", x, alpha=1 / input_scale)
    out = to.add("Elu", x, alpha=alpha)
    return to.add("Mul", out, to.constant(np.array(scale, call.dtype)))


@translation("nn.functional.activations._leaky_relu", batchwise=True)
def leaky_relu(to: Translation, call: Step, x: str) -> str:
    return to.add("LeakyRelu", x, alpha=call.statics[0])


@translation("nn.functional.activations._hardtanh", batchwise=True)
def hardtanh(to: Translation, call: Step, x: str) -> str:
    lowest, highest = (to.constant(np.array(bound, call.dtype)) for bound in call.statics)
    return to.add("Clip", x, lowest, highest)


@translation("nn.functional.activations._hardswish", batchwise=True)
def hardswish(to: Translation, call: Step, x: str) -> str:
    three, zero, six = (to.constant(np.array(number, call.dtype)) for number in (3, 0, 6))
    share = to.add("Div", to.add("Clip", to.add("Add", x, three), zero, six), six)
    return to.add("Mul", x, share)


@translation("nn.functional.activations._mish", batchwise=True)
def mish(to: Translation, call: Step, x: str) -> str:
    return to.add("Mul", x, to.add("Tanh", to.add("Softplus", x)))


@translation("ops.softmax", "ops.log_softmax", batchwise=True)
def softmax(to: Translation, call: Step, x: str) -> str:
    if call.statics[0] % len(call.shape) == 0:
        to.batched = False
    return to.add("Softmax" if call.op.name == "softmax" else "LogSoftmax", x, axis=call.statics[0])


@translation("ops.linear", batchwise=True)
def linear(to: Translation, call: Step, x: str, weight: str, bias: str = "") -> str:
    out = to.add("MatMul", x, to.add("Transpose", weight, perm=[1, 0]))
    return to.add("Add", out, bias) if bias else out


@translation("ops.matmul")
def matmul(to: Translation, call: Step, x: str, y: str) -> str:
    return to.add("MatMul", x, y)


@translation("ops.neural._embedding", batchwise=True, takes_values=True)
def embedding(to: Translation, call: Step, weight: str) -> str:
    return to.add("Gather", weight, to.name_of(call.statics[0]), axis=0)


@translation("ops.diagonals._one_hot", batchwise=True, takes_values=True)
def one_hot(to: Translation, call: Step, *operands: str) -> str:
    index = operands[0] if operands else to.name_of(call.statics[0])
    classes = to.constant(np.array([call.shape[-1]]))
    values = to.constant(np.array([0, 1], call.dtype))
    return to.add("OneHot", index, classes, values, axis=-1)


# ----------------------------------------------------------------------------------------- windows


def pads(padding: Sequence[tuple[int, int]]) -> list[int]:
    return [before for before, _ in padding] + [after for _, after in padding]


@translation("ops.convolution._convolve", batchwise=True)
def convolve(to: Translation, call: Step, x: str, weight: str, bias: str = "") -> str:
    stride, padding, dilation, groups = call.statics
    operands = (x, weight, bias) if bias else (x, weight)
    return to.add(
        "Conv", *operands, strides=stride, pads=pads(padding), dilations=dilation, group=groups
    )


@translation("ops.convolution._convolve_back", batchwise=True)
def convolve_back(to: Translation, call: Step, y: str, weight: str) -> str:
    size, stride, padding, dilation, groups = call.statics
    image, kernel = (call.operand_shape(i)[2:] for i in (0, 1))
    covered = [
        s * (n - 1) + d * (k - 1) + 1 - sum(p)
        for s, n, d, k, p in zip(stride, image, dilation, kernel, padding)
    ]
    missing = [wanted - got for wanted, got in zip(size, covered)]
    return to.add(
        "ConvTranspose", y, weight, strides=stride, pads=pads(padding), dilations=dilation,
        group=groups, output_padding=missing,
    )  # fmt: skip


@translation("ops.pooling._max_pool", batchwise=True)
def max_pool(to: Translation, call: Step, x: str) -> str:
    kernel, stride, padding, dilation = call.statics
    return to.add(
        "MaxPool", x, kernel_shape=kernel, strides=stride, pads=pads(padding), dilations=dilation
    )


@translation("ops.pooling._avg_pool", batchwise=True)
def avg_pool(to: Translation, call: Step, x: str) -> str:
    kernel, stride, padding, divisor = call.statics
    out = to.add(
        "AveragePool", x, kernel_shape=kernel, strides=stride, pads=pads(padding),
        count_include_pad=1,
    )  # fmt: skip
    # a divisor for each window does not count what lies outside of the image
    scale = np.asarray(np.prod(kernel) / divisor, call.dtype)
    return to.add("Mul", out, to.constant(scale)) if np.any(scale != 1) else out


@translation("ops.padding._pad", batchwise=True)
def pad(to: Translation, call: Step, x: str) -> str:
    widths, value = call.statics
    if tuple(widths[0]) != (0, 0):
        to.batched = False
    frame = to.constant(np.array(pads(widths), np.int64))
    return to.add("Pad", x, frame, to.constant(np.array(value, call.dtype)))


# ------------------------------------------------------------------------ reductions and statistics


@translation("ops.mean", "ops.sum", batchwise=True)
def mean(to: Translation, call: Step, x: str) -> str:
    dim, keepdim = call.statics[:2]
    rank = len(call.operand_shape(0))
    axes = list(range(rank)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    if any(axis % rank == 0 for axis in axes):
        to.batched = False
    if call.op.name == "mean":
        return to.add("ReduceMean", x, to.constant(np.array(axes)), keepdims=int(bool(keepdim)))
    return to.add("ReduceSum", x, to.constant(np.array(axes)), keepdims=int(bool(keepdim)))


def reduced(to: Translation, call: Step, dim: Any) -> list[int]:
    """The axes that a reduction takes together; none is the batch if that is to stay free."""
    rank = len(call.operand_shape(0))
    axes = range(rank) if dim is None else [dim] if isinstance(dim, int) else dim
    found = [axis % rank for axis in axes]
    if 0 in found:
        to.batched = False
    return found


EXTREMES = {"amax": "ReduceMax", "amin": "ReduceMin", "logsumexp": "ReduceLogSumExp",
            "prod": "ReduceProd"}  # fmt: skip


@translation("ops.amax", "ops.amin", "ops.logsumexp", "ops.prod", batchwise=True)
def extreme(to: Translation, call: Step, x: str) -> str:
    dim, keepdim = call.statics[:2]
    axes = to.constant(np.array(reduced(to, call, dim)))
    return to.add(EXTREMES[call.op.name], x, axes, keepdims=int(bool(keepdim)))


@translation("ops.argmax", "ops.argmin", batchwise=True)
def place_of(to: Translation, call: Step, x: str) -> str:
    dim, keepdim = call.statics[:2]
    if dim is None:
        to.batched = False
        x, dim = to.add("Reshape", x, to.constant(np.array([-1]))), 0
    elif dim % len(call.operand_shape(0)) == 0:
        to.batched = False
    kind = "ArgMax" if call.op.name == "argmax" else "ArgMin"
    return to.add(kind, x, axis=dim, keepdims=int(bool(keepdim)))


@translation("ops.reduction._max", "ops.reduction._min", batchwise=True)
def value_and_place(to: Translation, call: Step, x: str) -> list[str]:
    dim, keepdim = call.statics[:2]
    largest = call.op.name == "max"
    axes = to.constant(np.array(reduced(to, call, dim)))
    value = to.add("ReduceMax" if largest else "ReduceMin", x, axes, keepdims=int(bool(keepdim)))
    kind = "ArgMax" if largest else "ArgMin"
    return [value, to.add(kind, x, axis=dim, keepdims=int(bool(keepdim)))]


@translation("ops.var", "ops.std", batchwise=True)
def spread(to: Translation, call: Step, x: str) -> str:
    dim, correction, keepdim = call.statics[:3]
    axes = reduced(to, call, dim)
    places, shape = to.constant(np.array(axes)), call.operand_shape(0)
    rest = to.add("Sub", x, to.add("ReduceMean", x, places, keepdims=1))
    total = to.add("ReduceSumSquare", rest, places, keepdims=int(bool(keepdim)))
    count = np.prod([shape[axis] for axis in axes]) - (1 if correction is None else correction)
    out = to.add("Div", total, to.constant(np.array(count, call.dtype)))
    return to.add("Sqrt", out) if call.op.name == "std" else out


@translation("ops.norms.vector_norm", batchwise=True)
def vector_norm(to: Translation, call: Step, x: str) -> str:
    order, dim, keepdim = call.statics[:3]
    if order not in (1, 2):
        raise NotImplementedError(f"export: the norm of order {order}")
    axes = to.constant(np.array(reduced(to, call, dim)))
    return to.add(f"ReduceL{order:.0f}", x, axes, keepdims=int(bool(keepdim)))


@translation("ops.cumsum", batchwise=True)
def cumsum(to: Translation, call: Step, x: str) -> str:
    if call.statics[0] % max(len(call.shape), 1) == 0:
        to.batched = False
    return to.add("CumSum", x, to.constant(np.array(call.statics[0])))


@translation("ops.contraction._contract")
def contract(to: Translation, call: Step, x: str, y: str) -> str:
    x_indices, y_indices, output = call.statics
    return to.add("Einsum", x, y, equation=f"{x_indices},{y_indices}->{output}")


@translation("ops.contraction._sum_indices")
def sum_indices(to: Translation, call: Step, x: str) -> str:
    return to.add("Einsum", x, equation="->".join(call.statics))


# the moments that it may be given are those of x, and are computed again here
@translation("ops.neural._standardize", batchwise=True, recomputes=True)
def standardize(to: Translation, call: Step, x: str) -> str:
    axes, eps = list(call.statics[0]), call.statics[1]
    if 0 in axes:
        to.batched = False
    rest = to.add("Sub", x, to.add("ReduceMean", x, to.constant(np.array(axes)), keepdims=1))
    variance = to.add(
        "ReduceMean", to.add("Mul", rest, rest), to.constant(np.array(axes)), keepdims=1
    )
    shifted = to.add("Add", variance, to.constant(np.array(eps, call.dtype)))
    return to.add("Div", rest, to.add("Sqrt", shifted))


# ------------------------------------------------------------------------------- shape and joining


@translation("ops.flatten", batchwise=True)
def flatten(to: Translation, call: Step, x: str) -> str:
    start = call.statics[0] % max(len(call.operand_shape(0)), 1)
    # a zero stands for the size that is there
    shape = [0] * start + [-1] + list(call.shape[start + 1 :])
    if start == 0:
        to.batched = False
    return to.add("Reshape", x, to.constant(np.array(shape)))


@translation("ops.reshape", "ops.unflatten")
def reshape(to: Translation, call: Step, x: str) -> str:
    return to.add("Reshape", x, to.constant(np.array(call.shape, np.int64)))


@translation("ops.squeeze", "ops.unsqueeze", batchwise=True)
def squeeze(to: Translation, call: Step, x: str) -> str:
    before, after = call.operand_shape(0), call.shape
    if before[:1] != after[:1]:
        to.batched = False
    # a zero stands for the size that is there
    shape = [0 if i == 0 and before[:1] == after[:1] else n for i, n in enumerate(after)]
    return to.add("Reshape", x, to.constant(np.array(shape, np.int64)))


@translation("ops.expand")
def expand(to: Translation, call: Step, x: str) -> str:
    return to.add("Expand", x, to.constant(np.array(call.shape, np.int64)))


@translation("ops.transpose")
def transpose(to: Translation, call: Step, x: str) -> str:
    rank = len(call.shape)
    order = list(range(rank))
    a, b = (axis % rank for axis in call.statics[:2])
    order[a], order[b] = order[b], order[a]
    return to.add("Transpose", x, perm=order)


@translation("ops.mT", "ops.T")
def mT(to: Translation, call: Step, x: str) -> str:
    order = list(range(len(call.shape)))
    order = order[::-1] if call.op.name == "T" else [*order[:-2], order[-1], order[-2]]
    return to.add("Transpose", x, perm=order)


@translation("ops.permute")
def permute(to: Translation, call: Step, x: str) -> str:
    rank = len(call.shape)
    return to.add("Transpose", x, perm=[axis % rank for axis in call.statics[0]])


@translation("ops.joining._cat")
def cat(to: Translation, call: Step, *tensors: str) -> str:
    return to.add("Concat", *tensors, axis=call.statics[0])


@translation("ops.stack")
def stack(to: Translation, call: Step, *tensors: str) -> str:
    axis = call.statics[0] % len(call.shape)
    axes = to.constant(np.array([axis]))
    return to.add("Concat", *[to.add("Unsqueeze", t, axes) for t in tensors], axis=axis)


@translation("ops.joining._unbind")
def unbind(to: Translation, call: Step, x: str) -> list[str]:
    axis = call.statics[0]
    number = call.operand_shape(0)[axis]
    ones = to.constant(np.ones(number, np.int64))
    parts = to.add_several(number, "Split", x, ones, axis=axis)
    axes = to.constant(np.array([axis]))
    return [to.add("Squeeze", part, axes) for part in parts]


@translation("ops.joining._split")
def split(to: Translation, call: Step, x: str) -> list[str]:
    sizes, axis = call.statics[:2]
    return to.add_several(len(sizes), "Split", x, to.constant(np.array(sizes)), axis=axis)


def is_places(part: Any) -> bool:
    """Whether an index is an array of places, rather than a mask."""
    return getattr(part, "dtype", np.dtype(bool)).kind in "iu"


@translation("ops.indexing._getitem", takes_values=True)
def getitem(to: Translation, call: Step, x: str) -> str:
    index = call.statics[0]
    index = index if isinstance(index, tuple) else (index,)
    rank = len(call.operand_shape(0))
    used = sum(part is not None and part is not Ellipsis for part in index)
    if not any(part is Ellipsis for part in index):
        index = (*index, Ellipsis)
    axis = 0
    dropped: list[int] = []
    added: list[int] = []
    for part in index:
        if part is None:
            added.append(axis - len(dropped) + len(added))
        elif part is Ellipsis:
            axis += rank - used
        elif isinstance(part, (int, slice)):
            if part != slice(None):
                positions = range(call.operand_shape(0)[axis])
                if isinstance(part, int):
                    chosen = [positions[part]]
                    dropped.append(axis)
                else:
                    chosen = list(positions[part])
                steps = to.constant(np.array(chosen, np.int64))
                x = to.add("Gather", x, steps, axis=axis)
            axis += 1
        elif len(index) <= 2 and axis == 0 and is_places(part):
            x = to.add("Gather", x, to.name_of(part), axis=0)
            axis += 1
        else:
            raise NotImplementedError(f"export: indexing with {type(part).__name__}")
    if dropped:
        x = to.add("Squeeze", x, to.constant(np.array(dropped)))
    return to.add("Unsqueeze", x, to.constant(np.array(added))) if added else x


# ---------------------------------------------------------------------------------- recurrent cells


def parts_of(to: Translation, x: str, number: int, size: int, rank: int) -> list[str]:
    """`x`, cut into so many parts of one size along its last axis."""
    sizes = to.constant(np.full(number, size))
    return to.add_several(number, "Split", x, sizes, axis=rank - 1)


@translation("ops.recurrent._lstm_cell")
def lstm_cell(to: Translation, call: Step, gates: str, cell: str) -> list[str]:
    shape: Any = call.shape[0]
    i, f, g, o = parts_of(to, gates, 4, shape[-1], len(shape))
    kept = to.add("Mul", to.add("Sigmoid", f), cell)
    cell = to.add("Add", kept, to.add("Mul", to.add("Sigmoid", i), to.add("Tanh", g)))
    return [to.add("Mul", to.add("Sigmoid", o), to.add("Tanh", cell)), cell]


@translation("ops.recurrent._gru_cell")
def gru_cell(to: Translation, call: Step, a: str, u: str, hidden: str) -> str:
    size, rank = call.shape[-1], len(call.shape)
    a_r, a_z, a_n = parts_of(to, a, 3, size, rank)
    u_r, u_z, u_n = parts_of(to, u, 3, size, rank)
    r = to.add("Sigmoid", to.add("Add", a_r, u_r))
    z = to.add("Sigmoid", to.add("Add", a_z, u_z))
    n = to.add("Tanh", to.add("Add", a_n, to.add("Mul", r, u_n)))
    return to.add("Add", n, to.add("Mul", z, to.add("Sub", hidden, n)))
