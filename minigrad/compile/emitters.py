"""How ops are written as NumPy calls with ``out=``: the fast variants, beside the ops' forwards.

An emitter is a function of the lowering and a statement that writes the lines of the statement, or
returns False where it does not apply; then the op's own forward is called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad import ops, sums
from minigrad.calls import Array, Op, numpy_functions
from minigrad.compile import layout, losses
from minigrad.compile.program import Statement, Value, substituted, values_in
from minigrad.ops import neural, products, reduction, selection, shaping
from minigrad.primitive import op_of

if TYPE_CHECKING:
    from minigrad.compile.lowering import Lowering

__all__ = [
    "elementwise_ufunc",
    "find",
    "inverse_view",
    "is_view",
    "may_change_type",
    "returns_tuple",
    "same_types",
]

Emitter = Callable[["Lowering", Statement], bool]


# ------------------------------------------------------------------------------------ kinds of ops

NOT_UFUNCS = {"reciprocal", "pow", "matmul", "deg2rad", "rad2deg", "positive"}
UFUNCS: dict[Op, Any] = {
    op: function
    for function, op in numpy_functions.items()
    if isinstance(function, np.ufunc) and op.name not in NOT_UFUNCS
}


def elementwise_ufunc(statement: Statement) -> Any:
    """The ufunc that a statement calls, or None."""
    return UFUNCS.get(statement.op)


def is_view(statement: Statement) -> bool:
    """Whether the results may share memory with the first operand."""
    return statement.op.view or statement.op is layout.PARTS


def returns_tuple(statement: Statement) -> bool:
    """Whether the forward returns a tuple of results, be it of one."""
    return (
        len(statement.results) > 1
        or statement.op.outputs_class is not None
        or (statement.op.view and returns_list(statement))
    )


def returns_list(statement: Statement) -> bool:
    """Whether a view that has one result is a list of one, as `unbind` of one row."""
    if any(value.dtype.kind not in "fc" for value in values_in(statement.statics)):
        return False  # an index, whose numbers matter
    arrays = {v: np.empty(v.shape, v.dtype) for v in statement.reads()}
    statics = substituted(statement.statics, arrays)
    if statement.op.varargs:
        statics = (*statics[:-1], *statics[-1])
    out = statement.op.forward(*substituted(statement.operands, arrays), *statics)
    return isinstance(out, (tuple, list))


def returns_tuple_of_one(statement: Statement) -> bool:
    """Whether the forward returns a tuple though it has one result."""
    return len(statement.results) - len(statement.op.keep) == 1 and (
        statement.op.outputs_class is not None
    )


def may_change_type(statement: Statement) -> bool:
    """Whether the forward may return another type than the recorded one."""
    dtypes = {v.dtype for v in statement.reads()}
    numbers = [x for x in statement.operands if isinstance(x, (int, float))]
    mixed = len(dtypes) > 1 or bool(numbers) or any(dtype.kind != "f" for dtype in dtypes)
    return statement.op.promote and mixed


TRANSPOSES = {op_of(shaping.T), op_of(shaping.mT), op_of(shaping.t)}


def inverse_view(statement: Statement, array: Array, shape: tuple[int, ...]) -> Array | None:
    """The array of `shape` that a view is `array` of; None if there is none."""
    op = statement.op
    if op in TRANSPOSES and len(shape) == 2:
        return array.T
    if op is op_of(shaping.transpose):
        return np.swapaxes(array, *statement.statics)
    if op in (op_of(shaping.reshape), op_of(shaping.flatten)) and array.flags.c_contiguous:
        return array.reshape(shape)
    return None


# ------------------------------------------------------------------------------------- elementwise


def same_types(statement: Statement) -> bool:
    """Whether a ufunc called as the op is computes in the type of the result."""
    arguments = (*statement.operands, *statement.statics)
    values = [each for each in arguments if isinstance(each, Value)]
    result = statement.result
    kinds = {value.dtype for value in values}
    if len(kinds) != 1 or not all(isinstance(x, (Value, float, int)) for x in arguments):
        return False
    if result.dtype.kind != "b" and result.dtype not in kinds:
        return False
    return len(values) == len(arguments) or next(iter(kinds)).kind == "f"


def ufunc_call(lowering: Lowering, statement: Statement) -> bool:
    """``multiply(a, b, out)``."""
    if not same_types(statement):
        return False
    ufunc, result = UFUNCS[statement.op], statement.result
    arguments = (*statement.operands, *statement.statics)
    texts = [lowering.text(each) for each in arguments]
    name = lowering.bind(ufunc, ufunc.__name__)
    out = lowering.destination(statement, result)
    if out is None:
        lowering.assign(result, f"{name}({', '.join(texts)})")
        return True
    keyword = "out=" if ufunc in (np.maximum, np.minimum) else ""
    lowering.emit(f"{name}({', '.join(texts)}, {keyword}{lowering.ref(result)})")
    return True


def relu_call(lowering: Lowering, statement: Statement) -> bool:
    """The maximum with zeros of the same shape: twice as fast as with a number."""
    (x,) = statement.operands
    zeros = ops.selection.zeros_cached(x.shape, x.dtype)
    text = f"{lowering.bind(np.maximum, 'maximum')}({lowering.text(x)}, " + lowering.bind(
        zeros, "zeros"
    )
    out = lowering.destination(statement, statement.result)
    if out is None:
        lowering.assign(statement.result, f"{text})")
    else:
        lowering.emit(f"{text}, out={lowering.ref(statement.result)})")
    return True


BITS = {np.dtype(np.float32): np.uint32, np.dtype(np.float64): np.uint64}


def where_call(lowering: Lowering, statement: Statement) -> bool:
    """``where(mask, x, 0)`` by the bits of x, as the op has it for large arrays: no branches."""
    x, y, mask = (*statement.operands, *statement.statics)
    array, chosen = lowering.array(x), lowering.array(mask)
    bits = BITS.get(statement.result.dtype)
    if array is None or chosen is None or bits is None or not (type(y) is int and y == 0):
        return False
    result = statement.result
    if not x.shape == mask.shape == result.shape or x.dtype != result.dtype:
        return False
    if chosen.dtype != np.bool_ or not array.flags.c_contiguous:
        return False
    out = lowering.destination(statement, result)
    if out is None or not out.flags.c_contiguous:
        return False
    pattern = lowering.passing(result.shape, bits, "bits")
    names = [lowering.bind(pattern, "bits")]
    names += [lowering.bind_array(a.view(bits), f"{x.name}_bits") for a in (array, out)]
    negative, both = lowering.bind(np.negative, "negative"), lowering.bind(np.bitwise_and, "both")
    lowering.emit(
        f"{negative}({lowering.ref(mask)}, {names[0]}, dtype={lowering.bind(bits, 'uint')})"
    )
    lowering.emit(f"{both}({names[1]}, {names[0]}, {names[2]})")
    return True


# ---------------------------------------------------------------------------------------- products


def dot_text(lowering: Lowering, a: str, a_array: Array | None, b: str) -> str:
    """The beginning of a call of ``a.dot``, bound beforehand if `a` is known."""
    if a_array is None:
        return f"{a}.dot({b}"
    return f"{lowering.bind_method(a_array, a)}({b}"


def product(lowering: Lowering, statement: Statement, a: Any, b: Any, result: Value) -> bool:
    """``a.dot(b, out)`` for matrices and vectors of one type.

    a, b   pairs of a text and, if it is known, the array
    """
    out = lowering.destination(statement, result, elementwise=False, contiguous=True)
    if out is None:
        lowering.assign(result, f"{dot_text(lowering, a[0], a[1], b[0])})")
    elif out.flags.c_contiguous:
        lowering.emit(f"{dot_text(lowering, a[0], a[1], b[0])}, {lowering.ref(result)})")
    else:  # the transposed product, into memory of the other order
        turned = lowering.bind_array(out.T, f"{result.name}_T")
        left, right = lowering.turned(b), lowering.turned(a)
        lowering.emit(f"{dot_text(lowering, left[0], left[1], right[0])}, {turned})")
    return True


def matmul_call(lowering: Lowering, statement: Statement) -> bool:
    x, y = statement.operands
    result = statement.result
    if not (isinstance(x, Value) and isinstance(y, Value)) or x.dtype != y.dtype:
        return False
    if result.dtype != x.dtype or x.dtype.kind != "f":
        return False
    if 0 < x.ndim <= 2 and 0 < y.ndim <= 2 and result.ndim:
        pair = [(lowering.text(v), lowering.array(v)) for v in (x, y)]
        return product(lowering, statement, pair[0], pair[1], result)
    if x.ndim > 1 and y.ndim > 1:
        texts = f"{lowering.bind(np.matmul, 'matmul')}({lowering.text(x)}, {lowering.text(y)}"
        out = lowering.destination(statement, result, elementwise=False)
        if out is None:
            lowering.assign(result, f"{texts})")
        else:
            lowering.emit(f"{texts}, {lowering.ref(result)})")
        return True
    return False


def linear_call(lowering: Lowering, statement: Statement) -> bool:
    """``x.dot(weight.T, out)``, then the bias."""
    x, weight, bias = statement.operands
    result = statement.result
    operands = [v for v in (x, weight, bias) if v is not None]
    if not all(isinstance(v, Value) and v.dtype == result.dtype for v in operands):
        return False
    if x.ndim != 2 or weight not in lowering.arrays:
        return False
    weight_T = lowering.arrays[weight].T
    name = lowering.bind_array(weight_T, f"{weight.name}_T")
    product(lowering, statement, (lowering.text(x), lowering.array(x)), (name, weight_T), result)
    if bias is not None:
        lowering.add_bias(result, bias)
    return True


# -------------------------------------------------------------------------------------- reductions


def sum_call(lowering: Lowering, statement: Statement) -> bool:
    """Sums over rows or columns of a matrix as products with ones, as the op's forward has them."""
    (x,) = statement.operands
    dim, keepdim, dtype = statement.statics
    result = statement.result
    if not isinstance(x, Value) or dtype is not None or x.dtype.kind != "f" or not x.size:
        return False
    if isinstance(dim, list):
        dim = tuple(dim)
    if not x.ndim or dim == ():
        return False
    text = f"{lowering.bind(np.add.reduce, 'add_reduce')}({lowering.text(x)}, {dim!r}"
    matrix = type(dim) is int and x.ndim == 2 and x.size > reduction.SMALL
    if matrix and x.shape[dim] <= reduction.SHORT:
        ones = sums.ones_cached(x.shape[dim], x.dtype)
        name = lowering.bind(ones, "ones")
        if dim % 2 == 0:
            text = dot_text(lowering, name, ones, lowering.text(x))
        else:
            text = dot_text(lowering, lowering.text(x), lowering.array(x), name)
        out = lowering.destination(statement, result, elementwise=False)
        if out is None or not out.flags.c_contiguous:
            lowering.local_or_copy(result, f"{text}).reshape({result.shape})", out)
            return True
        flat = out.reshape(-1)
        lowering.emit(f"{text}, {lowering.bind_array(flat, result.name)})")
        return True
    out = lowering.destination(statement, result, elementwise=False)
    if out is None:
        lowering.assign(result, f"{text}, None, None, {bool(keepdim)})")
    else:
        lowering.emit(f"{text}, None, {lowering.ref(result)}, {bool(keepdim)})")
    return True


EMITTERS: dict[Op, Emitter] = {
    **dict.fromkeys(UFUNCS, ufunc_call),
    op_of(ops.relu): relu_call,
    op_of(selection._where): where_call,
    op_of(products.matmul): matmul_call,
    op_of(products.linear): linear_call,
    op_of(reduction.sum): sum_call,
    op_of(neural.cross_entropy): losses.cross_entropy_call,
}


def find(statement: Statement) -> Emitter | None:
    """The emitter of a statement's op."""
    return EMITTERS.get(statement.op)
