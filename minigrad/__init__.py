"""minigrad: a micro-PyTorch on NumPy.

The names are PyTorch's, with ``mg`` in place of ``torch``; ``dir(mg)`` lists them, and each has a
help text with an example: ``help(mg.matmul)``.

mg.tensor, mg.zeros, mg.randn   make tensors; ``requires_grad=True`` records what is done to them
mg.Tensor                       what can be done: methods, operators, and NumPy's ``np.f(t)``
loss.backward(), mg.autograd    gradients; mg.func: gradients of functions, Jacobians, vmap
mg.nn, mg.nn.functional         layers, and the same as functions
mg.optim, mg.utils.data         optimizers, data loaders
mg.training                     `fit`, a training loop with callbacks; `accuracy`
mg.save, mg.load                keep numbers in files
mg.distributions                random variables: samples, log-densities, transforms
mg.linalg, mg.random            linear algebra, random numbers (``mg.manual_seed``)
mg.op                           make an operation of your own, with its derivative
mg.visualize                    pictures of graphs and of backpropagation; mg.summary of a model
mg.testing                      checks of gradients that say why one is wrong
"""

# ruff: noqa: F401 - what is imported here is the public namespace
from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from minigrad.tensor import Tensor  # first: the function `tensor` takes the module's name

# isort: split

from minigrad import autograd, graph, linalg, ops, random
from minigrad.creation import (
    BoolTensor,
    DoubleTensor,
    FloatTensor,
    IntTensor,
    LongTensor,
    Size,
    arange,
    as_tensor,
    asarray,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    is_floating_point,
    is_tensor,
    linspace,
    logspace,
    numel,
    ones,
    ones_like,
    tensor,
    tril_indices,
    triu_indices,
    zeros,
    zeros_like,
)
from minigrad.devices import (
    device,
    get_float32_matmul_precision,
    set_default_device,
    set_float32_matmul_precision,
    use_deterministic_algorithms,
)
from minigrad.dtypes import (
    bool,
    double,
    dtype,
    finfo,
    float,
    float16,
    float32,
    float64,
    half,
    iinfo,
    int,
    int8,
    int16,
    int32,
    int64,
    long,
    short,
    uint8,
)
from minigrad.graph import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from minigrad.interchange import from_dlpack
from minigrad.neighbours import introduce as _introduce
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
from minigrad.ops.contraction import einsum, inner, kron, tensordot, vdot
from minigrad.ops.covariance import corrcoef, cov
from minigrad.ops.diagonals import diag, diag_embed, diagflat, diagonal, trace, tril, triu
from minigrad.ops.elementwise import (
    abs,
    absolute,
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
    subtract,
    true_divide,
    trunc,
)
from minigrad.ops.elementwise import minus as sub
from minigrad.ops.elementwise import plus as add
from minigrad.ops.exponential import (
    exp,
    exp2,
    expm1,
    log,
    log1p,
    log2,
    log10,
    logaddexp,
    logaddexp2,
    logit,
    sigmoid,
    softplus,
    xlogy,
)
from minigrad.ops.factorizations import cholesky, cholesky_inverse, cholesky_solve
from minigrad.ops.gamma import digamma, lgamma, mvlgamma, polygamma
from minigrad.ops.gathering import (
    gather,
    index_add,
    index_copy,
    index_fill,
    index_select,
    masked_scatter,
    scatter,
    scatter_add,
    take_along_dim,
)
from minigrad.ops.indexing import index_put, narrow, nonzero, put, select, take
from minigrad.ops.joining import (
    block_diag,
    cat,
    chunk,
    column_stack,
    concat,
    concatenate,
    dsplit,
    dstack,
    hsplit,
    hstack,
    meshgrid,
    row_stack,
    split,
    stack,
    tensor_split,
    unbind,
    vsplit,
    vstack,
)
from minigrad.ops.matrix_functions import matrix_exp, matrix_power
from minigrad.ops.norms import cdist, norm
from minigrad.ops.products import (
    addbmm,
    addmm,
    addmv,
    addr,
    baddbmm,
    bmm,
    cross,
    dot,
    linear,
    matmul,
    mm,
    mv,
    outer,
)
from minigrad.ops.reduction import (
    all,
    amax,
    amin,
    any,
    argmax,
    argmin,
    count_nonzero,
    log_softmax,
    logsumexp,
    max,
    mean,
    min,
    nanmean,
    nansum,
    prod,
    softmax,
    softmin,
    sum,
)
from minigrad.ops.scans import cumprod, cumsum, diff, logcumsumexp, trapezoid, trapz
from minigrad.ops.selection import (
    clamp,
    clamp_max,
    clamp_min,
    clip,
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
from minigrad.ops.shaping import (
    T,
    atleast_1d,
    atleast_2d,
    atleast_3d,
    broadcast_tensors,
    broadcast_to,
    clone,
    expand,
    flatten,
    flip,
    fliplr,
    flipud,
    moveaxis,
    movedim,
    mT,
    permute,
    ravel,
    repeat_interleave,
    reshape,
    roll,
    rot90,
    squeeze,
    swapaxes,
    swapdims,
    t,
    tile,
    transpose,
    unflatten,
    unsqueeze,
)
from minigrad.ops.solving import det, logdet, slogdet
from minigrad.ops.solving import inv as inverse
from minigrad.ops.solving import pinv as pinverse
from minigrad.ops.sorting import argsort, sort, topk, unique
from minigrad.ops.special import erf, erfc
from minigrad.ops.statistics import bincount, dist, median, quantile, std, std_mean, var, var_mean
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
from minigrad.printing import set_printoptions
from minigrad.promotion import get_default_dtype, set_default_dtype
from minigrad.random import (
    Generator,
    bernoulli,
    get_rng_state,
    initial_seed,
    manual_seed,
    multinomial,
    normal,
    poisson,
    rand,
    rand_like,
    randint,
    randint_like,
    randn,
    randn_like,
    randperm,
    seed,
    set_rng_state,
)

if _TYPE_CHECKING:
    from minigrad import (
        accelerator,
        backends,
        cuda,
        distributions,
        func,
        nn,
        onnx,
        optim,
        testing,
        training,
        utils,
        visualize,
    )
    from minigrad.model_summary import summary
    from minigrad.serialization import load, save
    from minigrad.testing import gradcheck, gradgradcheck

# What a program may need none of is imported when it is first used: `import minigrad` stays quick.
_MODULES = {
    "accelerator", "backends", "cuda", "distributions", "func", "nn", "onnx", "optim", "testing",
    "training", "utils", "visualize",
}  # fmt: skip
_NAMES = {
    "gradcheck": "testing",
    "gradgradcheck": "testing",
    "load": "serialization",
    "save": "serialization",
    "summary": "model_summary",
}


_introduce("einops", "minigrad.neighbours.einops")


def __getattr__(name: str) -> _Any:
    if name in _MODULES:
        return _import_module(f"minigrad.{name}")
    if name in _NAMES:
        return getattr(_import_module(f"minigrad.{_NAMES[name]}"), name)
    if name == "compile":
        raise AttributeError(
            "minigrad compiles nothing: remove mg.compile(model), or use PyTorch for it"
        )
    raise AttributeError(f"module 'minigrad' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES, *_NAMES})
