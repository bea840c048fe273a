"""minigrad: a micro-PyTorch on NumPy."""

# ruff: noqa: F401
import numpy as _np

from minigrad import autograd, graph, nn, ops, optim, testing, utils
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.creation import tensor
from minigrad.graph import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from minigrad.operation import op
from minigrad.ops.comparison import (
    allclose,
    bitwise_and,
    bitwise_not,
    bitwise_or,
    bitwise_xor,
    eq,
    equal,
    ge,
    greater,
    greater_equal,
    gt,
    isclose,
    isfinite,
    isinf,
    isnan,
    le,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    lt,
    ne,
    not_equal,
    signbit,
)
from minigrad.ops.elementwise import (
    abs,
    absolute,
    add,
    addcdiv,
    addcmul,
    ceil,
    div,
    divide,
    fix,
    floor,
    floor_divide,
    fmod,
    frac,
    hypot,
    lerp,
    mul,
    multiply,
    neg,
    negative,
    positive,
    pow,
    reciprocal,
    remainder,
    round,
    rsqrt,
    sign,
    sqrt,
    square,
    sub,
    subtract,
    true_divide,
    trunc,
)
from minigrad.ops.exponential import (
    exp,
    exp2,
    expm1,
    log,
    log10,
    log1p,
    log2,
    logaddexp,
    logaddexp2,
    logit,
    sigmoid,
    softplus,
    xlogy,
)
from minigrad.ops.products import linear, matmul
from minigrad.ops.reduction import sum
from minigrad.ops.selection import (
    clamp,
    clamp_max,
    clamp_min,
    fmax,
    fmin,
    masked_fill,
    masked_select,
    maximum,
    minimum,
    nan_to_num,
    relu,
    where,
)
from minigrad.ops.shaping import expand, mT, reshape
from minigrad.ops.special import erf, erfc
from minigrad.ops.trigonometric import (
    acos,
    acosh,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cos,
    cosh,
    deg2rad,
    rad2deg,
    sin,
    sinc,
    sinh,
    tan,
    tanh,
)
from minigrad.promotion import get_default_dtype, set_default_dtype
from minigrad.tensor import Tensor

float32, float64, int64, int32, bool = (
    _np.dtype(_np.float32), _np.dtype(_np.float64), _np.dtype(_np.int64), _np.dtype(_np.int32),
    _np.dtype(_np.bool_),
)  # fmt: skip
