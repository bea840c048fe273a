"""Activation functions: each acts on every entry on its own, but `glu`.

An op that is fused (`_elu`, `_gelu`, ...) stands above the function that documents it.  With
``inplace=True`` the memory of the input is changed, by the rules of every in-place operation.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import ops, random
from minigrad.calls import Array, op
from minigrad.composition import composition
from minigrad.inplace import update
from minigrad.nn.functional.reducing import as_given
from minigrad.ops.exponential import _sigmoid_slope, sigmoid, softplus
from minigrad.ops.masks import choose
from minigrad.ops.trigonometric import _tanh_slope, tanh
from minigrad.tensor import Tensor

__all__ = [
    "celu", "elu", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh",
    "leaky_relu", "logsigmoid", "mish", "prelu", "relu", "relu6", "rrelu", "selu", "sigmoid",
    "silu", "softplus", "softshrink", "softsign", "tanh", "tanhshrink", "threshold",
]  # fmt: skip


def apply(function: Any, input: Tensor, inplace: bool, *parameters: Any) -> Tensor:
    """``function(input, *parameters)``, in the memory of `input` if asked."""
    out: Tensor
    if inplace:
        out = update(input, f"{function.__name__.strip('_')}_", function, *parameters)
    else:
        out = function(input, *parameters)
    return out


# --------------------------------------------------------------------------------- piecewise linear


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Rectified linear unit.

    Forward    out = max(x, 0)
    Gradient   x̄ = ḡ where x > 0, else 0; at the kink x = 0 it is 0
    Shapes     (...) -> (...)
    Source     Glorot, Bordes and Bengio 2011
    Example    >>> mg.nn.functional.relu(mg.tensor([-1.0, 0.0, 2.0]))
               tensor([0., 0., 2.])
    """
    if inplace:
        return update(input, "relu_", ops.relu)
    return ops.relu(input)


@op(lambda g, x, low, high: choose((x > low) & (x < high), g, 0), notation="hardtanh({x})")
def _hardtanh(x: Array, low: float, high: float) -> Array:
    """The identity between two bounds: `hardtanh`, `relu6` and `hardsigmoid`.

    Forward    out = min(max(x, low), high)
    Gradient   x̄ = ḡ where low < x < high, else 0
    Shapes     (...) -> (...)
    """
    if x.dtype.kind in "iu":  # integers stay integers, as in PyTorch
        low, high = int(low), int(high)
    return np.clip(x, low, high)


@composition
def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """The identity, cut off at two bounds.

    Forward    out = min(max(x, min_val), max_val)
    Gradient   x̄ = ḡ where min_val < x < max_val, else 0; at both kinks it is 0
    Shapes     (...) -> (...)
    Raises     ValueError if min_val > max_val
    Example    >>> mg.nn.functional.hardtanh(mg.tensor([-3.0, 0.5, 3.0]))
               tensor([-1. ,  0.5,  1. ])
    """
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val {min_val} is larger than max_val {max_val}")
    return apply(_hardtanh, input, inplace, min_val, max_val)


@composition
def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Rectified linear unit, cut off at 6.

    Forward    out = min(max(x, 0), 6)
    Gradient   x̄ = ḡ where 0 < x < 6, else 0; at both kinks it is 0
    Shapes     (...) -> (...)
    Source     Howard et al. 2017 (MobileNets)
    Example    >>> mg.nn.functional.relu6(mg.tensor([-1.0, 3.0, 8.0]))
               tensor([0., 3., 6.])
    """
    return apply(_hardtanh, input, inplace, 0.0, 6.0)


def leaky_vjp(g: Any, x: Any, slope: Any) -> Any:
    """x̄ = ḡ where x > 0, else slope * ḡ."""
    return choose(x > 0, g, slope * g)


@op(leaky_vjp, notation="leaky_relu({x})")
def _leaky_relu(x: Array, slope: float) -> Array:
    """See `leaky_relu`.

    Forward    out = x where x > 0, else slope * x
    Gradient   x̄ = ḡ where x > 0, else slope * ḡ
    Shapes     (...) -> (...)
    """
    if 0 < slope <= 1:
        return np.maximum(x, slope * x)
    # one of the two terms is 0; np.where takes four times as long
    return np.maximum(x, 0) + slope * np.minimum(x, 0)


@composition
def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Rectified linear unit that lets a little through.

    Forward    out = x where x > 0, else negative_slope * x
    Gradient   x̄ = ḡ where x > 0, else negative_slope * ḡ (at the kink x = 0, too)
    Shapes     (...) -> (...)
    Source     Maas, Hannun and Ng 2013
    Example    >>> mg.nn.functional.leaky_relu(mg.tensor([-1.0, 2.0]), 0.1)
               tensor([-0.1,  2. ])
    """
    return apply(_leaky_relu, input, inplace, negative_slope)


@composition
def rrelu(
    input: Tensor,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """Leaky rectified linear unit with random slopes in training, and the mean one otherwise.

    lower, upper   bounds of the slopes, which are uniform between them

    Forward    out = x where x ≥ 0, else a x, with one a for each entry
    Gradient   x̄ = ḡ where x ≥ 0, else a ḡ
    Shapes     (...) -> (...)
    Raises     ValueError if lower > upper; TypeError if the input holds integers
    Source     Xu, Wang, Chen and Li 2015
    Example    >>> mg.nn.functional.rrelu(mg.tensor([-8.0, 1.0]), 0.25, 0.5)
               tensor([-3.,  1.])
    """
    if lower > upper:
        raise ValueError(f"rrelu: lower {lower} is larger than upper {upper}")
    if input.dtype.kind != "f":
        raise TypeError(f"rrelu takes floating-point numbers, got {input.dtype}: use t.float()")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    slopes = random.drawn(random_slopes, input.shape, lower, upper, input.dtype)
    return apply(leak, input, inplace, as_given(slopes, input))


def random_slopes(shape: tuple[int, ...], lower: float, upper: float, dtype: Any) -> Array:
    return (uniform(shape) * (upper - lower) + lower).astype(dtype)


def uniform(shape: tuple[int, ...]) -> Array:
    """Numbers in [0, 1), in float64 whatever they are for: a seed means the same to all types."""
    return random.uniform_array(shape, np.dtype(np.float64), None)


def leak(x: Any, slopes: Any) -> Any:
    """x where x ≥ 0, slopes * x elsewhere."""
    return ops.where(x >= 0, x, x * slopes)


@op(
    lambda g, x, weight: leaky_vjp(g, x, weight),
    lambda g, x: choose(x < 0, g, 0) * np.minimum(x, 0),
    promote=True,
    notation="prelu({x})",
)
def _prelu(x: Array, weight: Array) -> Array:
    """See `prelu`; the weights broadcast against x.

    Forward    out = x where x > 0, else w * x
    Gradient   x̄ = ḡ where x > 0, else w * ḡ        w̄ = ḡ * min(x, 0)
    Shapes     (...), broadcastable to it -> (...)
    """
    return choose(x > 0, x, weight * x)


@composition
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Leaky rectified linear unit whose slope is learned.

    Forward    out = x where x > 0, else w * x, with one w, or one for each channel (axis 1)
    Gradient   x̄ = ḡ where x > 0, else w * ḡ        w̄ = Σ ḡ * x over the entries x < 0
    Shapes     (n, c, ...), (c,) or (1,) -> (n, c, ...)
    Raises     ValueError if the number of weights is neither 1 nor the number of channels
    Source     He, Zhang, Ren and Sun 2015
    Example    >>> mg.nn.functional.prelu(mg.tensor([-1.0, 2.0]), mg.tensor([0.25]))
               tensor([-0.25,  2.  ])
    """
    n = math.prod(weight.shape)
    if len(weight.shape) > 1:
        raise ValueError(f"prelu: the weights have one axis or none, got shape {weight.shape}")
    if n == 1:
        return _prelu(input, weight[0] if weight.shape else weight)
    channels = input.shape[1] if len(input.shape) > 1 else 1
    if n != channels:
        raise ValueError(
            f"prelu: {n} weights for an input of shape {input.shape} with {channels} channel(s); "
            "give 1, or one for each channel (axis 1)"
        )
    return _prelu(input, ops.reshape(weight, n, *[1] * (len(input.shape) - 2)))


@composition
def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """What is above a threshold, and a constant instead of the rest.

    Forward    out = x where x > threshold, else value
    Gradient   x̄ = ḡ where x > threshold, else 0
    Shapes     (...) -> (...)
    Example    >>> mg.nn.functional.threshold(mg.tensor([0.5, 2.0]), 1.0, -1.0)
               tensor([-1.,  2.])
    """
    return apply(_threshold, input, inplace, threshold, value)


@op(lambda g, x, threshold: choose(x <= threshold, 0, g), notation="threshold({x})")
def _threshold(x: Array, threshold: float, value: float) -> Array:
    """See `threshold`.

    Forward    out = x where x > threshold, else value
    Gradient   x̄ = ḡ where x > threshold, else 0
    Shapes     (...) -> (...)
    """
    low = x <= threshold  # a NaN is not, and stays
    return np.where(low, np.asarray(value).astype(x.dtype), x)


@op(lambda g, x, bound: choose(abs(x) > bound, g, 0), notation="hardshrink({x})")
def _hardshrink(x: Array, bound: float) -> Array:
    """See `hardshrink`.

    Forward    out = x where |x| > bound, else 0
    Gradient   x̄ = ḡ where |x| > bound, else 0
    Shapes     (...) -> (...)
    """
    return choose(abs(x) <= bound, 0, x)  # a NaN stays


@composition
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Zero for small entries.

    Forward    out = x where |x| > lambd, else 0
    Gradient   x̄ = ḡ where |x| > lambd, else 0
    Shapes     (...) -> (...)
    Example    >>> mg.nn.functional.hardshrink(mg.tensor([-1.0, 0.2, 0.6]))
               tensor([-1. ,  0. ,  0.6])
    """
    return _hardshrink(input, lambd)


@op(lambda g, x, bound: choose(abs(x) > bound, g, 0), notation="softshrink({x})")
def _softshrink(x: Array, bound: float) -> Array:
    """See `softshrink`.

    Forward    out = sign(x) max(|x| - bound, 0)
    Gradient   x̄ = ḡ where |x| > bound, else 0
    Shapes     (...) -> (...)
    """
    return x - np.minimum(np.maximum(x, -bound), bound)


@composition
def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Every entry drawn towards zero by `lambd`, at most to zero.

    Forward    out = sign(x) max(|x| - lambd, 0)
    Gradient   x̄ = ḡ where |x| > lambd, else 0
    Shapes     (...) -> (...)
    Raises     ValueError if lambd is negative
    Example    >>> mg.nn.functional.softshrink(mg.tensor([-1.0, 0.2, 0.6]))
               tensor([-0.5,  0. ,  0.1])
    """
    if lambd < 0:
        raise ValueError(f"softshrink: lambd is at least 0, got {lambd}")
    return _softshrink(input, lambd)


@op(lambda g, x: g * np.square(np.tanh(x)), promote=True, notation="tanhshrink({x})")
def tanhshrink(x: Array) -> Array:
    """What the hyperbolic tangent takes away.

    Forward    out = x - tanh(x)
    Gradient   x̄ = ḡ * tanh²(x)
    Shapes     (...) -> (...)
    Example    >>> mg.nn.functional.tanhshrink(mg.tensor([-1.0, 0.0, 2.0]))
               tensor([-0.2384,  0.    ,  1.036 ])
    """
    # not a composition: near 0 the gradient ḡ - ḡ (1 - tanh²) would cancel
    return x - np.tanh(x)


@composition
def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """A sigmoid made of straight lines.

    Forward    out = min(max(x + 3, 0), 6) / 6
    Gradient   x̄ = ḡ / 6 where -3 < x < 3, else 0
    Shapes     (...) -> (...)
    Source     Courbariaux, Bengio and David 2015, with the slope of Howard et al. 2019
    Example    >>> mg.nn.functional.hardsigmoid(mg.tensor([-4.0, 0.0, 1.5]))
               tensor([0.  , 0.5 , 0.75])
    """
    return apply(_hardsigmoid, input, inplace)


def _hardsigmoid(x: Tensor) -> Tensor:
    return _hardtanh(x + 3, 0.0, 6.0) / 6


@composition
def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """`silu` with the sigmoid made of straight lines.

    Forward    out = x * min(max(x + 3, 0), 6) / 6
    Gradient   x̄ = 0 where x ≤ -3, ḡ (2 x + 3) / 6 where -3 < x < 3, ḡ where x ≥ 3
    Shapes     (...) -> (...)
    Source     Howard et al. 2019 (MobileNetV3)
    Example    >>> mg.nn.functional.hardswish(mg.tensor([-4.0, 1.0, 4.0]))
               tensor([-0.    ,  0.6667,  4.    ])
    """
    return apply(_hardswish, input, inplace)


def hardswish_vjp(g: Any, x: Any) -> Any:
    """x̄ = 0 where x ≤ -3, ḡ where x ≥ 3, and ḡ (2 x + 3) / 6 between: an infinite ḡ meets no 0."""
    return np.where(x <= -3, 0, np.where(x >= 3, g, g * ((2 * x + 3) / 6)))


@op(hardswish_vjp, notation="hardswish({x})")
def _hardswish(x: Array) -> Array:
    """See `hardswish`.

    Forward    out = x * min(max(x + 3, 0), 6) / 6
    Gradient   x̄ = 0 where x ≤ -3, ḡ (2 x + 3) / 6 where -3 < x < 3, ḡ where x ≥ 3
    Shapes     (...) -> (...)
    """
    return x * (np.minimum(np.maximum(x + 3, 0), 6) / 6)


# -------------------------------------------------------------------------------------- exponential


def elu_vjp(g: Any, x: Any, alpha: float, scale: float, rate: float) -> Any:
    """x̄ = scale * ḡ where x > 0, else scale * alpha * rate * exp(rate * x) * ḡ."""
    positive = x > 0
    slope = np.exp(rate * np.minimum(x, 0))  # 1 where x > 0
    return g * (scale * ((alpha * rate) * (slope - positive) + positive))


@op(elu_vjp, notation="elu({x})")
def _elu(x: Array, alpha: float, scale: float, rate: float) -> Array:
    """`elu`, `selu` and `celu` in one.

    Forward    out = scale * x where x > 0, else scale * alpha * (exp(rate * x) - 1)
    Gradient   x̄ = scale * ḡ where x > 0, else scale * alpha * rate * exp(rate * x) * ḡ
    Shapes     (...) -> (...)
    """
    # one of the two terms is 0; np.where takes four times as long
    return scale * (np.maximum(x, 0) + alpha * np.expm1(rate * np.minimum(x, 0)))


@composition
def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Exponential linear unit.

    Forward    out = x where x > 0, else alpha (eˣ - 1)
    Gradient   x̄ = ḡ where x > 0, else alpha eˣ ḡ
    Shapes     (...) -> (...)
    Source     Clevert, Unterthiner and Hochreiter 2016
    Example    >>> mg.nn.functional.elu(mg.tensor([-1.0, 2.0]))
               tensor([-0.6321,  2.    ])
    """
    return apply(_elu, input, inplace, alpha, 1.0, 1.0)


SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


@composition
def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """`elu`, scaled so that mean 0 and variance 1 are kept from layer to layer.

    Forward    out = 1.0507 x where x > 0, else 1.0507 · 1.6733 (eˣ - 1)
    Gradient   x̄ = 1.0507 ḡ where x > 0, else 1.0507 · 1.6733 eˣ ḡ
    Shapes     (...) -> (...)
    Source     Klambauer, Unterthiner, Mayr and Hochreiter 2017, equation 2
    Example    >>> mg.nn.functional.selu(mg.tensor([-1.0, 2.0]))
               tensor([-1.1113,  2.1014])
    """
    return apply(_elu, input, inplace, SELU_ALPHA, SELU_SCALE, 1.0)


@composition
def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """`elu` with a continuous derivative for every alpha.

    Forward    out = x where x > 0, else alpha (exp(x / alpha) - 1)
    Gradient   x̄ = ḡ where x > 0, else exp(x / alpha) ḡ
    Shapes     (...) -> (...)
    Raises     ValueError if alpha is 0
    Source     Barron 2017
    Example    >>> mg.nn.functional.celu(mg.tensor([-1.0, 2.0]), 2.0)
               tensor([-0.7869,  2.    ])
    """
    if alpha == 0:
        raise ValueError("celu: alpha is not 0")
    return apply(_elu, input, inplace, alpha, 1.0, 1.0 / alpha)


@op(lambda g, x: g * ops.sigmoid(-x), notation="logsigmoid({x})")
def logsigmoid(x: Array) -> Array:
    """Logarithm of the logistic function, exact in both tails.

    Forward    out = log(1 / (1 + e⁻ˣ)) = min(x, 0) - log(1 + exp(-|x|))
    Gradient   x̄ = ḡ * sigmoid(-x)
    Shapes     (...) -> (...)
    Example    >>> mg.nn.functional.logsigmoid(mg.tensor([-1e4, 0.0, 1e4]))
               tensor([-1.0000e+04, -6.9315e-01,  0.0000e+00])
    """
    return np.minimum(x, 0) - np.log1p(np.exp(-abs(x)))


@op(lambda g, x: g / (abs(x) + 1) / (abs(x) + 1), promote=True, notation="softsign({x})")
def _softsign(x: Array) -> Array:
    """See `softsign`.  A composition would make its gradient of the rounded quotient.

    Forward    out = x / (1 + |x|)
    Gradient   x̄ = ḡ / (1 + |x|)²
    Shapes     (...) -> (...)
    """
    return x / (abs(x) + 1)


@composition
def softsign(input: Tensor) -> Tensor:
    """A sigmoid with slow tails.

    Forward    out = x / (1 + |x|)
    Gradient   x̄ = ḡ / (1 + |x|)²
    Shapes     (...) -> (...)
    Example    >>> mg.nn.functional.softsign(mg.tensor([-1.0, 0.0, 3.0]))
               tensor([-0.5 ,  0.  ,  0.75])
    """
    return _softsign(input)


@op(
    lambda g, x, s: g * (s + x * _sigmoid_slope(x)),
    keep={"s": lambda x: ops.sigmoid(x)},
    notation="silu({x})",
)
def _silu(x: Array) -> Array:
    """See `silu`; keeps s = sigmoid(x).

    Forward    out = x * s
    Gradient   x̄ = ḡ * (σ(x) + x * σ(x) * σ(-x))
    Shapes     (...) -> (...)
    """
    s = ops.sigmoid(x)
    return x * s, s


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Sigmoid linear unit, also called swish.

    Forward    out = x * sigmoid(x)
    Gradient   x̄ = ḡ * (s + x * s * sigmoid(-x)) with s = sigmoid(x)
    Shapes     (...) -> (...)
    Source     Hendrycks and Gimpel 2016; Ramachandran, Zoph and Le 2017
    Example    >>> mg.nn.functional.silu(mg.tensor([-1.0, 0.0, 2.0]))
               tensor([-0.2689,  0.    ,  1.7616])
    """
    return apply(_silu, input, inplace)


@composition
def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """A smooth, non-monotonic relative of `silu`.

    Forward    out = x * tanh(softplus(x))
    Gradient   x̄ = ḡ * (t + x * (1 - t²) * sigmoid(x)) with t = tanh(softplus(x))
    Shapes     (...) -> (...)
    Source     Misra 2019
    Example    >>> mg.nn.functional.mish(mg.tensor([-1.0, 0.0, 2.0]))
               tensor([-0.3034,  0.    ,  1.944 ])
    """
    return apply(_mish, input, inplace)


def mish_vjp(g: Any, x: Any) -> Any:
    """x̄ = ḡ (t + x t′ σ(x)) with t = tanh(s), t′ = 1 - tanh²(s), s = softplus(x)."""
    s = softplus(x, 1, math.inf)
    return g * (tanh(s) + x * _tanh_slope(s) * sigmoid(x))


@op(mish_vjp, promote=True, notation="mish({x})")
def _mish(x: Array) -> Array:
    """See `mish`.

    Forward    out = x * tanh(softplus(x))
    Gradient   x̄ = ḡ * (t + x * (1 - t²) * σ(x)) with t = tanh(softplus(x))
    Shapes     (...) -> (...)
    """
    return x * np.tanh(softplus(x, 1, math.inf))


NORMAL_PEAK = 1 / math.sqrt(2 * math.pi)


def normal_cdf(x: Any) -> Any:
    """Φ(x), the share of a standard normal distribution below x; exact in the lower tail, too."""
    return 0.5 * ops.erfc(x * -math.sqrt(0.5))


def gelu_vjp(g: Any, x: Any, cdf: Any) -> Any:
    """x̄ = ḡ (Φ(x) + x φ(x))."""
    with np.errstate(over="ignore"):  # of x², where the density is 0
        density = np.exp(-0.5 * x * x) * NORMAL_PEAK
    return g * (cdf + x * density)


@op(gelu_vjp, promote=True, keep={"cdf": normal_cdf}, notation="gelu({x})")
def _gelu(x: Array) -> Array:
    """See `gelu`; keeps Φ(x).

    Forward    out = x * Φ(x)
    Gradient   x̄ = ḡ * (Φ(x) + x * φ(x)) with Φ, φ the normal distribution and its density
    Shapes     (...) -> (...)
    """
    cdf = normal_cdf(x)
    return x * cdf, cdf


GELU_RATE = math.sqrt(2 / math.pi)
GELU_CUBE = 0.044715


def near(x: Any) -> Any:
    """x, cut off far behind where the share is 0 or 1: its cube cannot overflow."""
    return np.minimum(np.maximum(x, -100.0), 100.0)


def gelu_argument(x: Any) -> Any:
    x = near(x)
    return (2 * GELU_RATE) * (x + GELU_CUBE * x * x * x)


def gelu_share(x: Any) -> Any:
    return ops.sigmoid(gelu_argument(x))


def gelu_tanh_vjp(g: Any, x: Any, s: Any) -> Any:
    """x̄ = ḡ (s + x s′ u′) with s = σ(u), u = 2 √(2/π) (x + 0.044715 x³)."""
    x = near(x)
    steepness = (2 * GELU_RATE) * (1 + 3 * GELU_CUBE * x * x)
    return g * (s + x * _sigmoid_slope(gelu_argument(x)) * steepness)


@op(gelu_tanh_vjp, promote=True, keep={"s": gelu_share}, notation="gelu({x})")
def _gelu_tanh(x: Array) -> Array:
    """`gelu` with approximate="tanh"; keeps s = ½ (1 + tanh(u / 2)) = σ(u).

    Forward    out = x s with s = σ(u), u = 2 √(2/π) (x + 0.044715 x³)
    Gradient   x̄ = ḡ (s + x s (1 - s) 2 √(2/π) (1 + 3 · 0.044715 x²)) with
               s = σ(2 √(2/π) (x + 0.044715 x³))
    Shapes     (...) -> (...)
    """
    s = gelu_share(x)
    return x * s, s


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """Gaussian error linear unit: x times the probability that a normal number is below x.

    Forward    out = x * Φ(x);  with approximate="tanh":
               out = ½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))
    Gradient   x̄ = ḡ * (Φ(x) + x * φ(x)), with the density φ of the standard normal distribution
    Shapes     (...) -> (...)
    Raises     ValueError if approximate is neither "none" nor "tanh"
    Source     Hendrycks and Gimpel 2016
    Example    >>> mg.nn.functional.gelu(mg.tensor([-1.0, 0.0, 2.0]))
               tensor([-0.1587,  0.    ,  1.9545])
    """
    if approximate == "none":
        return _gelu(input)
    if approximate == "tanh":
        return _gelu_tanh(input)
    raise ValueError(f'gelu: approximate is "none" or "tanh", got {approximate!r}')


@composition
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """Gated linear unit: one half, as far as the other half lets it through.

    Forward    out = a * sigmoid(b), where a and b are the two halves of x along `dim`
    Gradient   ā = ḡ * sigmoid(b)        b̄ = ḡ * a * s * (1 - s) with s = sigmoid(b)
    Shapes     (..., 2 n, ...) -> (..., n, ...)
    Raises     IndexError if x has no axis `dim`; ValueError if its size is odd
    Source     Dauphin, Fan, Auli and Grangier 2017
    Example    >>> mg.nn.functional.glu(mg.tensor([1.0, 2.0, 0.0, 100.0]))
               tensor([0.5, 2. ])
    """
    axis = np.lib.array_utils.normalize_axis_index(dim, len(input.shape))
    n, odd = divmod(input.shape[axis], 2)
    if odd:
        raise ValueError(f"glu: axis {dim} of {input.shape} is odd, it cannot be halved")
    before = (slice(None),) * axis
    out: Tensor = input[(*before, slice(n))] * ops.sigmoid(input[(*before, slice(n, None))])
    return out
