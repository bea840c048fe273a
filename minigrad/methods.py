"""The methods of tensors that are ops: Python's operators, and one line for each name.

Functions are descriptors, so ``exp = ops.exp`` is a method with the op's signature and docstring,
for type checkers as well.
"""

from __future__ import annotations

from typing import Any

from minigrad import creation, dtypes, inplace, legacy, ops, random
from minigrad.calls import is_operand
from minigrad.promotion import constant
from minigrad.typed import Tensor


def is_comparable(other: Any) -> bool:
    """Whether ``t == other`` is for tensors to say; others have their own word."""
    return other is not None and is_operand(constant(other))


class Methods:
    """What `Tensor` has of ops; it is not a tensor itself."""

    __slots__ = ()
    __hash__ = object.__hash__

    # --------------------------------------------------------------------------------- arithmetic

    __add__ = __radd__ = ops.add
    __sub__ = ops.sub
    __mul__ = __rmul__ = ops.mul
    __truediv__ = ops.true_divide
    __floordiv__ = ops.floor_divide
    __mod__ = ops.remainder
    __pow__ = ops.pow
    __matmul__ = ops.matmul
    __neg__ = ops.neg
    __pos__ = ops.positive
    __abs__ = ops.abs

    def __rsub__(self, other: Any) -> Tensor:
        return ops.sub(other, self)

    def __rtruediv__(self, other: Any) -> Tensor:
        return ops.true_divide(other, self)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return ops.floor_divide(other, self)

    def __rmod__(self, other: Any) -> Tensor:
        return ops.remainder(other, self)

    def __rpow__(self, other: Any) -> Tensor:
        return ops.pow(other, self)

    def __rmatmul__(self, other: Any) -> Tensor:
        return ops.matmul(other, self)

    # ----------------------------------------------------------------------- comparison and logic

    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override]  # as NumPy
        """Whether entries are equal, each on its own; a tensor is hashed by its identity."""
        return ops.eq(self, other) if is_comparable(other) else NotImplemented

    def __ne__(self, other: Any) -> Tensor:  # type: ignore[override]  # as NumPy
        """Whether entries differ, each on its own."""
        return ops.ne(self, other) if is_comparable(other) else NotImplemented

    __lt__ = ops.lt
    __le__ = ops.le
    __gt__ = ops.gt
    __ge__ = ops.ge
    __and__ = __rand__ = ops.bitwise_and
    __or__ = __ror__ = ops.bitwise_or
    __xor__ = __rxor__ = ops.bitwise_xor
    __invert__ = ops.bitwise_not

    def __round__(self, decimals: int = 0) -> Tensor:
        return ops.round(self, decimals)

    def __floor__(self) -> Tensor:
        return ops.floor(self)

    def __ceil__(self) -> Tensor:
        return ops.ceil(self)

    def __trunc__(self) -> Tensor:
        return ops.trunc(self)

    # ----------------------------------------------------------------------------------- in place

    __iadd__ = inplace.method(ops.add, "+=")
    __isub__ = inplace.method(ops.sub, "-=")
    __imul__ = inplace.method(ops.mul, "*=")
    __itruediv__ = inplace.method(ops.true_divide, "/=")
    __ifloordiv__ = inplace.method(ops.floor_divide, "//=")
    __imod__ = inplace.method(ops.remainder, "%=")
    __ipow__ = inplace.method(ops.pow, "**=")

    # --------------------------------------------------------------------------------- elementwise

    add = ops.plus
    sub = ops.minus
    subtract = ops.subtract
    mul = ops.mul
    multiply = ops.multiply
    div = ops.div
    divide = ops.divide
    true_divide = ops.true_divide
    floor_divide = ops.floor_divide
    remainder = ops.remainder
    fmod = ops.fmod
    addcmul = ops.addcmul
    addcdiv = ops.addcdiv
    lerp = ops.lerp
    neg = ops.neg
    negative = ops.negative
    positive = ops.positive
    abs = ops.abs
    absolute = ops.absolute
    sign = ops.sign
    reciprocal = ops.reciprocal
    square = ops.square
    sqrt = ops.sqrt
    rsqrt = ops.rsqrt
    pow = ops.pow
    hypot = ops.hypot
    floor = ops.floor
    ceil = ops.ceil
    round = ops.round
    trunc = ops.trunc
    fix = ops.fix
    frac = ops.frac
    exp = ops.exp
    exp2 = ops.exp2
    expm1 = ops.expm1
    log = ops.log
    log2 = ops.log2
    log10 = ops.log10
    log1p = ops.log1p
    logaddexp = ops.logaddexp
    logaddexp2 = ops.logaddexp2
    xlogy = ops.xlogy
    sigmoid = ops.sigmoid
    logit = ops.logit
    softplus = ops.softplus
    sin = ops.sin
    cos = ops.cos
    tan = ops.tan
    asin = ops.asin
    acos = ops.acos
    atan = ops.atan
    atan2 = ops.atan2
    sinh = ops.sinh
    cosh = ops.cosh
    tanh = ops.tanh
    asinh = ops.asinh
    acosh = ops.acosh
    atanh = ops.atanh
    sinc = ops.sinc
    deg2rad = ops.deg2rad
    rad2deg = ops.rad2deg
    digamma = ops.digamma
    lgamma = ops.lgamma
    mvlgamma = ops.mvlgamma
    erf = ops.erf
    erfc = ops.erfc
    arcsin = ops.arcsin
    arccos = ops.arccos
    arctan = ops.arctan
    arctan2 = ops.arctan2
    arcsinh = ops.arcsinh
    arccosh = ops.arccosh
    arctanh = ops.arctanh
    maximum = ops.maximum
    minimum = ops.minimum
    fmax = ops.fmax
    fmin = ops.fmin
    relu = ops.relu
    clamp = ops.clamp
    clamp_min = ops.clamp_min
    clamp_max = ops.clamp_max
    clip = ops.clip
    nan_to_num = ops.nan_to_num
    masked_fill = ops.masked_fill
    masked_select = ops.masked_select
    eq = ops.eq
    ne = ops.ne
    lt = ops.lt
    le = ops.le
    gt = ops.gt
    ge = ops.ge
    greater = ops.greater
    greater_equal = ops.greater_equal
    less = ops.less
    less_equal = ops.less_equal
    not_equal = ops.not_equal
    logical_and = ops.logical_and
    logical_or = ops.logical_or
    logical_xor = ops.logical_xor
    logical_not = ops.logical_not
    bitwise_and = ops.bitwise_and
    bitwise_or = ops.bitwise_or
    bitwise_xor = ops.bitwise_xor
    bitwise_not = ops.bitwise_not
    isnan = ops.isnan
    isinf = ops.isinf
    isfinite = ops.isfinite
    signbit = ops.signbit
    isclose = ops.isclose
    allclose = ops.allclose
    equal = ops.equal

    def where(self, condition: Any, other: Any) -> Tensor:
        """This tensor where `condition` is true, elsewhere `other`."""
        return ops.where(condition, self, other)

    add_ = inplace.method(ops.plus)
    sub_ = inplace.method(ops.minus)
    mul_ = inplace.method(ops.mul)
    div_ = inplace.method(ops.div)
    true_divide_ = inplace.method(ops.true_divide)
    floor_divide_ = inplace.method(ops.floor_divide)
    remainder_ = inplace.method(ops.remainder)
    fmod_ = inplace.method(ops.fmod)
    addcmul_ = inplace.method(ops.addcmul)
    addcdiv_ = inplace.method(ops.addcdiv)
    lerp_ = inplace.method(ops.lerp)
    neg_ = inplace.method(ops.neg)
    abs_ = inplace.method(ops.abs)
    sign_ = inplace.method(ops.sign)
    reciprocal_ = inplace.method(ops.reciprocal)
    square_ = inplace.method(ops.square)
    sqrt_ = inplace.method(ops.sqrt)
    rsqrt_ = inplace.method(ops.rsqrt)
    pow_ = inplace.method(ops.pow)
    floor_ = inplace.method(ops.floor)
    ceil_ = inplace.method(ops.ceil)
    round_ = inplace.method(ops.round)
    trunc_ = inplace.method(ops.trunc)
    frac_ = inplace.method(ops.frac)
    exp_ = inplace.method(ops.exp)
    exp2_ = inplace.method(ops.exp2)
    expm1_ = inplace.method(ops.expm1)
    log_ = inplace.method(ops.log)
    log2_ = inplace.method(ops.log2)
    log10_ = inplace.method(ops.log10)
    log1p_ = inplace.method(ops.log1p)
    sigmoid_ = inplace.method(ops.sigmoid)
    logit_ = inplace.method(ops.logit)
    sin_ = inplace.method(ops.sin)
    cos_ = inplace.method(ops.cos)
    tan_ = inplace.method(ops.tan)
    asin_ = inplace.method(ops.asin)
    acos_ = inplace.method(ops.acos)
    atan_ = inplace.method(ops.atan)
    sinh_ = inplace.method(ops.sinh)
    cosh_ = inplace.method(ops.cosh)
    tanh_ = inplace.method(ops.tanh)
    erf_ = inplace.method(ops.erf)
    erfc_ = inplace.method(ops.erfc)
    relu_ = inplace.method(ops.relu)
    clamp_ = inplace.method(ops.clamp)
    clamp_min_ = inplace.method(ops.clamp_min)
    clamp_max_ = inplace.method(ops.clamp_max)
    nan_to_num_ = inplace.method(ops.nan_to_num)
    masked_fill_ = inplace.method(ops.masked_fill)

    # ---------------------------------------------------------------------------------- reductions

    sum = ops.sum
    mean = ops.mean
    prod = ops.prod
    nansum = ops.nansum
    nanmean = ops.nanmean
    amax = ops.amax
    amin = ops.amin
    max = ops.max
    min = ops.min
    argmax = ops.argmax
    argmin = ops.argmin
    all = ops.all
    any = ops.any
    count_nonzero = ops.count_nonzero
    logsumexp = ops.logsumexp
    softmax = ops.softmax
    log_softmax = ops.log_softmax
    var = ops.var
    std = ops.std
    var_mean = ops.var_mean
    std_mean = ops.std_mean
    median = ops.median
    quantile = ops.quantile
    dist = ops.dist
    cumsum = ops.cumsum
    cumprod = ops.cumprod
    logcumsumexp = ops.logcumsumexp
    diff = ops.diff
    sort = ops.sort
    argsort = ops.argsort
    topk = ops.topk
    unique = ops.unique
    bincount = ops.bincount

    # ------------------------------------------------------------------------- shape and joining

    reshape = ops.reshape
    reshape_as = ops.reshape_as
    view = ops.view
    view_as = ops.view_as
    flatten = ops.flatten
    unflatten = ops.unflatten
    ravel = ops.ravel
    squeeze = ops.squeeze
    unsqueeze = ops.unsqueeze
    permute = ops.permute
    transpose = ops.transpose
    t = ops.t
    movedim = ops.movedim
    moveaxis = ops.moveaxis
    swapaxes = ops.swapaxes
    swapdims = ops.swapdims
    expand = ops.expand
    expand_as = ops.expand_as
    broadcast_to = ops.broadcast_to
    repeat = ops.repeat
    tile = ops.tile
    repeat_interleave = ops.repeat_interleave
    flip = ops.flip
    fliplr = ops.fliplr
    flipud = ops.flipud
    roll = ops.roll
    rot90 = ops.rot90
    clone = ops.copied
    contiguous = ops.contiguous
    split = ops.split
    chunk = ops.chunk
    tensor_split = ops.tensor_split
    hsplit = ops.hsplit
    vsplit = ops.vsplit
    dsplit = ops.dsplit
    unbind = ops.unbind

    @property
    def T(self) -> Tensor:
        """All axes reversed; of a matrix, its transpose."""
        return ops.T(self)

    @property
    def mT(self) -> Tensor:
        """The last two axes swapped: the transpose of each matrix of a stack."""
        return ops.mT(self)

    @property
    def real(self) -> Tensor:
        """This tensor: its numbers are real."""
        return ops.conj(self)

    @property
    def mH(self) -> Tensor:
        """The last two axes swapped, as `mT`: numbers are real."""
        return ops.mT(self)

    @property
    def H(self) -> Tensor:
        """A matrix transposed: numbers are real."""
        return ops.t(self)

    # ------------------------------------------------------------------------------------ indexing

    __getitem__ = ops.getitem
    __setitem__ = inplace.assign
    select = ops.select
    narrow = ops.narrow
    nonzero = ops.nonzero
    index_select = ops.index_select
    index_add = ops.index_add
    index_copy = ops.index_copy
    index_fill = ops.index_fill
    index_put = ops.index_put
    gather = ops.gather
    take = ops.take
    take_along_dim = ops.take_along_dim
    put = ops.put
    scatter = ops.scatter
    scatter_add = ops.scatter_add
    masked_scatter = ops.masked_scatter
    unfold = ops.unfold
    diag = ops.diag
    diag_embed = ops.diag_embed
    diagflat = ops.diagflat
    diagonal = ops.diagonal
    trace = ops.trace
    tril = ops.tril
    triu = ops.triu

    index_add_ = inplace.method(ops.index_add)
    index_copy_ = inplace.method(ops.index_copy)
    index_fill_ = inplace.method(ops.index_fill)
    index_put_ = inplace.method(ops.index_put)
    scatter_ = inplace.method(ops.scatter)
    scatter_add_ = inplace.method(ops.scatter_add)
    masked_scatter_ = inplace.method(ops.masked_scatter)
    put_ = inplace.method(ops.put)
    tril_ = inplace.method(ops.tril)
    triu_ = inplace.method(ops.triu)
    zero_ = inplace.zero_
    fill_ = inplace.fill_
    copy_ = inplace.copy_

    # ------------------------------------------------------------------------------------ products

    matmul = ops.matmul
    mm = ops.mm
    mv = ops.mv
    bmm = ops.bmm
    dot = ops.dot
    vdot = ops.vdot
    inner = ops.inner
    outer = ops.outer
    kron = ops.kron
    cross = ops.cross
    addmm = ops.addmm
    addmv = ops.addmv
    addr = ops.addr
    addbmm = ops.addbmm
    baddbmm = ops.baddbmm
    cov = ops.cov
    corrcoef = ops.corrcoef

    # ------------------------------------------------------------------------------ linear algebra

    norm = ops.norm
    inverse = ops.inv
    pinverse = ops.pinv
    det = ops.det
    logdet = ops.logdet
    slogdet = ops.slogdet
    cholesky = ops.cholesky
    cholesky_solve = ops.cholesky_solve
    cholesky_inverse = ops.cholesky_inverse
    matrix_power = ops.matrix_power
    matrix_exp = ops.matrix_exp

    # ------------------------------------------------------------ more functions, and in place

    aminmax = ops.aminmax
    angle = ops.angle
    argwhere = ops.argwhere
    as_strided = ops.as_strided
    bitwise_left_shift = ops.bitwise_left_shift
    bitwise_right_shift = ops.bitwise_right_shift
    conj = ops.conj
    conj_physical = ops.conj_physical
    copysign = ops.copysign
    cummax = ops.cummax
    cummin = ops.cummin
    diagonal_scatter = ops.diagonal_scatter
    erfinv = ops.erfinv
    float_power = ops.float_power
    frexp = ops.frexp
    gcd = ops.gcd
    heaviside = ops.heaviside
    histc = ops.histc
    histogram = ops.histogram
    i0 = ops.i0
    igamma = ops.igamma
    igammac = ops.igammac
    index_reduce = ops.index_reduce
    is_nonzero = ops.is_nonzero
    is_same_size = ops.is_same_size
    isneginf = ops.isneginf
    isposinf = ops.isposinf
    isreal = ops.isreal
    kthvalue = ops.kthvalue
    lcm = ops.lcm
    ldexp = ops.ldexp
    mode = ops.mode
    msort = ops.msort
    nanmedian = ops.nanmedian
    nanquantile = ops.nanquantile
    nextafter = ops.nextafter
    renorm = ops.renorm
    resolve_conj = ops.resolve_conj
    resolve_neg = ops.resolve_neg
    scatter_reduce = ops.scatter_reduce
    select_scatter = ops.select_scatter
    sgn = ops.sgn
    slice_scatter = ops.slice_scatter
    sum_to_size = ops.sum_to_size
    unique_consecutive = ops.unique_consecutive
    geqrf = ops.geqrf
    orgqr = ops.householder_product
    ormqr = ops.ormqr
    lu = ops.lu_older
    qr = ops.qr_older
    svd = ops.svd_older
    ger = ops.outer
    adjoint = ops.mT
    narrow_copy = ops.narrow_copy
    split_with_sizes = ops.split
    unsafe_split = ops.split
    unsafe_chunk = ops.chunk
    unsafe_split_with_sizes = ops.split

    def polygamma(self, n: int) -> Tensor:
        """A derivative of the digamma function; see `minigrad.polygamma`."""
        return ops.polygamma(n, self)

    __lshift__ = ops.bitwise_left_shift
    __rshift__ = ops.bitwise_right_shift

    def __rlshift__(self, other: Any) -> Tensor:
        return ops.bitwise_left_shift(other, self)

    def __rrshift__(self, other: Any) -> Tensor:
        return ops.bitwise_right_shift(other, self)

    __ilshift__ = inplace.method(ops.bitwise_left_shift, "<<=")
    __irshift__ = inplace.method(ops.bitwise_right_shift, ">>=")

    absolute_ = inplace.method(ops.absolute)
    acosh_ = inplace.method(ops.acosh)
    addbmm_ = inplace.method(ops.addbmm)
    addmm_ = inplace.method(ops.addmm)
    addmv_ = inplace.method(ops.addmv)
    addr_ = inplace.method(ops.addr)
    arccos_ = inplace.method(ops.arccos)
    arccosh_ = inplace.method(ops.arccosh)
    arcsin_ = inplace.method(ops.arcsin)
    arcsinh_ = inplace.method(ops.arcsinh)
    arctan2_ = inplace.method(ops.arctan2)
    arctan_ = inplace.method(ops.arctan)
    arctanh_ = inplace.method(ops.arctanh)
    asinh_ = inplace.method(ops.asinh)
    atan2_ = inplace.method(ops.atan2)
    atanh_ = inplace.method(ops.atanh)
    baddbmm_ = inplace.method(ops.baddbmm)
    bitwise_and_ = inplace.method(ops.bitwise_and)
    bitwise_left_shift_ = inplace.method(ops.bitwise_left_shift)
    bitwise_not_ = inplace.method(ops.bitwise_not)
    bitwise_or_ = inplace.method(ops.bitwise_or)
    bitwise_right_shift_ = inplace.method(ops.bitwise_right_shift)
    bitwise_xor_ = inplace.method(ops.bitwise_xor)
    clip_ = inplace.method(ops.clip)
    copysign_ = inplace.method(ops.copysign)
    cumprod_ = inplace.method(ops.cumprod)
    cumsum_ = inplace.method(ops.cumsum)
    deg2rad_ = inplace.method(ops.deg2rad)
    digamma_ = inplace.method(ops.digamma)
    divide_ = inplace.method(ops.divide)
    erfinv_ = inplace.method(ops.erfinv)
    fix_ = inplace.method(ops.fix)
    float_power_ = inplace.method(ops.float_power)
    gcd_ = inplace.method(ops.gcd)
    heaviside_ = inplace.method(ops.heaviside)
    hypot_ = inplace.method(ops.hypot)
    i0_ = inplace.method(ops.i0)
    igamma_ = inplace.method(ops.igamma)
    igammac_ = inplace.method(ops.igammac)
    index_reduce_ = inplace.method(ops.index_reduce)
    lcm_ = inplace.method(ops.lcm)
    ldexp_ = inplace.method(ops.ldexp)
    lgamma_ = inplace.method(ops.lgamma)
    multiply_ = inplace.method(ops.multiply)
    mvlgamma_ = inplace.method(ops.mvlgamma)
    negative_ = inplace.method(ops.negative)
    nextafter_ = inplace.method(ops.nextafter)
    rad2deg_ = inplace.method(ops.rad2deg)
    renorm_ = inplace.method(ops.renorm)
    scatter_reduce_ = inplace.method(ops.scatter_reduce)
    sgn_ = inplace.method(ops.sgn)
    sinc_ = inplace.method(ops.sinc)
    subtract_ = inplace.method(ops.subtract)
    xlogy_ = inplace.method(ops.xlogy)

    squeeze_ = inplace.reshaping(ops.squeeze)
    unsqueeze_ = inplace.reshaping(ops.unsqueeze)
    transpose_ = inplace.reshaping(ops.transpose)
    swapaxes_ = inplace.reshaping(ops.transpose)
    swapdims_ = inplace.reshaping(ops.transpose)
    t_ = inplace.reshaping(ops.t)
    as_strided_ = inplace.reshaping(ops.as_strided)
    resize_ = inplace.resize_
    resize_as_ = inplace.resize_as_
    fill_diagonal_ = inplace.fill_diagonal_
    conj_physical_ = inplace.reshaping(ops.conj)
    eq_ = inplace.comparison(ops.eq)
    ne_ = inplace.comparison(ops.ne)
    lt_ = inplace.comparison(ops.lt)
    le_ = inplace.comparison(ops.le)
    gt_ = inplace.comparison(ops.gt)
    ge_ = inplace.comparison(ops.ge)
    greater_ = inplace.comparison(ops.greater)
    greater_equal_ = inplace.comparison(ops.greater_equal)
    less_ = inplace.comparison(ops.less)
    less_equal_ = inplace.comparison(ops.less_equal)
    not_equal_ = inplace.comparison(ops.not_equal)
    logical_and_ = inplace.comparison(ops.logical_and)
    logical_or_ = inplace.comparison(ops.logical_or)
    logical_xor_ = inplace.comparison(ops.logical_xor)
    logical_not_ = inplace.comparison(ops.logical_not)

    # ------------------------------------------------------------------------ new tensors, in place

    new_tensor = creation.new_tensor
    new_zeros = creation.new_zeros
    new_ones = creation.new_ones
    new_full = creation.new_full
    new_empty = creation.new_empty

    normal_ = random.normal_
    uniform_ = random.uniform_
    bernoulli_ = random.bernoulli_
    bernoulli = random.bernoulli
    multinomial = random.multinomial
    cauchy_ = random.cauchy_
    exponential_ = random.exponential_
    geometric_ = random.geometric_
    log_normal_ = random.log_normal_
    random_ = random.random_

    # ----------------------------------------------------------------- types: last, for these names
    # are those of Python's types, which the annotations above mean

    astype = ops.astype
    to = ops.to
    type_as = ops.type_as
    is_floating_point = creation.is_floating_point
    is_complex = creation.is_complex
    is_signed = creation.is_signed
    type = legacy.type_of
    cpu = ops.cpu
    cuda = ops.cuda
    pin_memory = ops.pin_memory
    half = ops.to_type(dtypes.float16)
    float = ops.to_type(dtypes.float32)
    double = ops.to_type(dtypes.float64)
    short = ops.to_type(dtypes.int16)
    int = ops.to_type(dtypes.int32)
    long = ops.to_type(dtypes.int64)
    bool = ops.to_type(dtypes.bool)
    byte = ops.to_type(dtypes.uint8)
    char = ops.to_type(dtypes.int8)
    bfloat16 = ops.to_type(dtypes.bfloat16)
