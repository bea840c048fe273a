"""Initial values of parameters, with PyTorch's names and distributions.

Every function fills its tensor in place, records nothing, and returns the tensor.  `generator`
draws the numbers; None stands for the common one, which `minigrad.manual_seed` seeds.

A weight of shape (out, in, ...) feeds every output from ``fan_in = in * ...`` inputs, and every
input goes to ``fan_out = out * ...`` outputs; ``...`` are the sizes of a convolution's kernel.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad import inplace, random
from minigrad.errors import ArgumentError
from minigrad.graph import Variable

__all__ = [
    "calculate_gain", "constant_", "dirac_", "eye_", "kaiming_normal_", "kaiming_uniform_",
    "normal_", "ones_", "orthogonal_", "sparse_", "trunc_normal_", "uniform_", "xavier_normal_",
    "xavier_uniform_", "zeros_",
]  # fmt: skip


def fill(tensor: Any, values: Any, name: str) -> Any:
    """Give `tensor` these values, in its own type and memory."""
    if not isinstance(tensor, Variable):
        raise TypeError(f"{name} fills a tensor, got {type(tensor).__name__}")
    inplace.write(tensor, np.broadcast_to(values, tensor._array.shape), name)
    return tensor


def shape_of(tensor: Any, name: str) -> tuple[int, ...]:
    if not isinstance(tensor, Variable):
        raise TypeError(f"{name} fills a tensor, got {type(tensor).__name__}")
    return tensor._array.shape


# ---------------------------------------------------------------------------- simple distributions


def uniform_(tensor: Any, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Any:
    """Uniform numbers, a <= x < b.

    Raises   ValueError if b < a.
    Example  >>> w = mg.nn.init.uniform_(mg.empty(3, 5), -1.0, 1.0)
             >>> bool((w.abs() <= 1).all())
             True
    """
    if b < a:
        raise ArgumentError(f"uniform_: the bounds are in falling order, {a} and {b}")
    draws = random.source(generator).uniform(a, b, shape_of(tensor, "uniform_"))
    return fill(tensor, draws, "uniform_")


def normal_(tensor: Any, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Any:
    """Normal numbers.

    Raises   ValueError if `std` is negative.
    Example  >>> mg.nn.init.normal_(mg.empty(3, 5), std=0.1).shape
             (3, 5)
    """
    draws = random.source(generator).normal(mean, std, shape_of(tensor, "normal_"))
    return fill(tensor, draws, "normal_")


def trunc_normal_(
    tensor: Any,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Any = None,
) -> Any:
    """Normal numbers, of which those outside a <= x <= b are drawn again.

    Raises   ValueError if `std` is not positive, or if b < a.
    Example  >>> w = mg.nn.init.trunc_normal_(mg.empty(100), std=3.0)
             >>> bool((w.abs() <= 2).all())
             True
    """
    if std <= 0 or b < a:
        raise ArgumentError(
            f"trunc_normal_: std is positive and a <= b, got std={std}, a={a}, b={b}"
        )
    rng = random.source(generator)
    shape = shape_of(tensor, "trunc_normal_")
    draws = truncated_normal(math.prod(shape), (a - mean) / std, (b - mean) / std, rng)
    # rounding may step over a bound
    return fill(tensor, np.clip(draws * std + mean, a, b).reshape(shape), "trunc_normal_")


def truncated_normal(size: int, low: float, high: float, rng: np.random.Generator) -> Any:
    """Standard normal numbers between `low` and `high`.

    Uniform proposals are accepted in proportion to the density, which is greatest at `nearest`.
    Beyond `reach` the density is below exp(-40) of that, less than the generator can resolve.
    """
    nearest = min(max(0.0, low), high)
    reach = math.sqrt(nearest**2 + 80)
    low, high = max(low, -reach), min(high, reach)
    draws, count = np.empty(size), 0
    while count < size:
        proposed = rng.uniform(low, high, 2 * (size - count) + 16)
        accepted = rng.random(proposed.size) < np.exp((nearest**2 - proposed**2) / 2)
        kept = proposed[accepted][: size - count]
        draws[count : count + kept.size] = kept
        count += kept.size
    return draws


def constant_(tensor: Any, val: float) -> Any:
    """The number `val` everywhere.

    Example  >>> mg.nn.init.constant_(mg.empty(2), 0.5)
             tensor([0.5, 0.5])
    """
    return fill(tensor, val, "constant_")


def ones_(tensor: Any) -> Any:
    """Ones.

    Example  >>> mg.nn.init.ones_(mg.empty(2))
             tensor([1., 1.])
    """
    return fill(tensor, 1, "ones_")


def zeros_(tensor: Any) -> Any:
    """Zeros.

    Example  >>> mg.nn.init.zeros_(mg.empty(2))
             tensor([0., 0.])
    """
    return fill(tensor, 0, "zeros_")


# ----------------------------------------------------------------------------- scaled to the layer


def fans(tensor: Any, name: str) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight.

    Raises   ValueError if the tensor has fewer than two axes.
    """
    shape = shape_of(tensor, name)
    if len(shape) < 2:
        raise ArgumentError(
            f"{name}: a weight has at least two axes (out, in), this tensor is {shape}"
        )
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


GAINS = {
    "linear": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4,
    **{f"conv{kind}{n}d": 1.0 for n in (1, 2, 3) for kind in ("", "_transpose")},
}  # fmt: skip


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor on the spread of weights that makes up for an activation function.

    nonlinearity   "linear", "conv1d" ..., "sigmoid", "tanh", "relu", "leaky_relu" or "selu"
    param          of "leaky_relu" the slope below zero, 0.01 by default

    Raises   ValueError for another name or a `param` that is not a number.
    Source   He et al. 2015, equation 14, for relu and leaky_relu: √(2 / (1 + slope²))
    Example  >>> mg.nn.init.calculate_gain("leaky_relu", 0.2)
             1.3867504905630728
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ArgumentError(
                f"calculate_gain: the slope of leaky_relu is a number, got {param!r}"
            )
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity not in GAINS:
        known = ", ".join([*GAINS, "leaky_relu"])
        raise ArgumentError(
            f"calculate_gain: no gain is known for {nonlinearity!r}, only for {known}"
        )
    return GAINS[nonlinearity]


def xavier_uniform_(tensor: Any, gain: float = 1.0, generator: Any = None) -> Any:
    """Uniform in ±gain √(6 / (fan_in + fan_out)), the standard deviation of `xavier_normal_`.

    Raises   ValueError if the tensor has fewer than two axes.
    Source   Glorot and Bengio 2010, equation 16
    Example  >>> w = mg.nn.init.xavier_uniform_(mg.empty(3, 3))
             >>> bool((w.abs() <= 1).all())
             True
    """
    bound = gain * math.sqrt(6 / positive(sum(fans(tensor, "xavier_uniform_"))))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Any, gain: float = 1.0, generator: Any = None) -> Any:
    """Normal of standard deviation gain √(2 / (fan_in + fan_out)).

    Raises   ValueError if the tensor has fewer than two axes.
    Source   Glorot and Bengio 2010, equation 12
    Example  >>> mg.nn.init.xavier_normal_(mg.empty(3, 5)).shape
             (3, 5)
    """
    std = gain * math.sqrt(2 / positive(sum(fans(tensor, "xavier_normal_"))))
    return normal_(tensor, 0.0, std, generator)


def kaiming_uniform_(
    tensor: Any,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Any:
    """Uniform in ±gain √(3 / fan), the standard deviation of `kaiming_normal_`.

    a             slope below zero of "leaky_relu"
    mode          "fan_in" keeps the spread of activations, "fan_out" that of gradients
    nonlinearity  what follows the layer; see `calculate_gain`

    Raises   ValueError if the tensor has fewer than two axes, or for an unknown mode.
    Source   He et al. 2015, section 2.2
    Example  >>> w = mg.nn.init.kaiming_uniform_(mg.empty(3, 6), nonlinearity="relu")
             >>> bool((w.abs() <= 1).all())
             True
    """
    bound = math.sqrt(3.0) * kaiming_std(tensor, a, mode, nonlinearity, "kaiming_uniform_")
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Any,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Any:
    """Normal of standard deviation gain / √fan; the arguments are those of `kaiming_uniform_`.

    Raises   ValueError if the tensor has fewer than two axes, or for an unknown mode.
    Source   He et al. 2015, section 2.2
    Example  >>> mg.nn.init.kaiming_normal_(mg.empty(3, 5), mode="fan_out").shape
             (3, 5)
    """
    std = kaiming_std(tensor, a, mode, nonlinearity, "kaiming_normal_")
    return normal_(tensor, 0.0, std, generator)


def kaiming_std(tensor: Any, a: float, mode: str, nonlinearity: str, name: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError(f"{name}: mode is 'fan_in' or 'fan_out', got {mode!r}")
    fan = fans(tensor, name)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(positive(fan))


def positive(fan: int) -> int:
    """A fan to divide by: that of a tensor without entries counts as 1."""
    return max(fan, 1)


# ----------------------------------------------------------------------------- structured matrices


def matrix_shape(tensor: Any, name: str) -> tuple[int, int]:
    shape = shape_of(tensor, name)
    if len(shape) != 2:
        raise ArgumentError(f"{name} fills a matrix, this tensor is {shape}")
    return shape[0], shape[1]


def eye_(tensor: Any) -> Any:
    """The identity matrix.

    Raises   ValueError if the tensor is not a matrix.
    Example  >>> mg.nn.init.eye_(mg.empty(2, 2))
             tensor([[1., 0.],
                     [0., 1.]])
    """
    return fill(tensor, np.eye(*matrix_shape(tensor, "eye_")), "eye_")


def dirac_(tensor: Any, groups: int = 1) -> Any:
    """A convolution kernel that passes as many channels as it can through unchanged.

    groups   the same for each of so many groups of output channels

    Raises   ValueError if the tensor has not 3 to 5 axes, or its output channels do not divide.
    Example  >>> w = mg.nn.init.dirac_(mg.empty(2, 2, 3))
             >>> x = mg.randn(1, 2, 5)
             >>> mg.nn.functional.conv1d(x, w, padding=1).equal(x)
             True
    """
    shape = shape_of(tensor, "dirac_")
    if not 3 <= len(shape) <= 5:
        raise ArgumentError(
            f"dirac_ fills a kernel (out, in, ...) of 3 to 5 axes, this tensor is {shape}"
        )
    if shape[0] % groups:
        raise ArgumentError(
            f"dirac_: {shape[0]} output channels do not divide into {groups} groups"
        )
    per_group = shape[0] // groups
    centre = tuple(size // 2 for size in shape[2:])
    values = np.zeros(shape)
    for group in range(groups):
        for channel in range(min(per_group, shape[1])):
            values[(group * per_group + channel, channel, *centre)] = 1
    return fill(tensor, values, "dirac_")


def orthogonal_(tensor: Any, gain: float = 1, generator: Any = None) -> Any:
    """A random matrix of orthonormal rows or columns, times `gain`; further axes count as columns.

    The Q of a normal matrix, with the signs that make it uniform over all such matrices.

    Raises   ValueError if the tensor has fewer than two axes.
    Source   Saxe, McClelland and Ganguli 2014; Mezzadri 2007 for the signs
    Example  >>> w = mg.nn.init.orthogonal_(mg.empty(2, 2))
             >>> bool(((w @ w.T - mg.eye(2)).abs() < 1e-6).all())
             True
    """
    shape = shape_of(tensor, "orthogonal_")
    if len(shape) < 2:
        raise ArgumentError(f"orthogonal_ fills a tensor of two or more axes, this one is {shape}")
    if not math.prod(shape):
        return tensor
    rows, columns = shape[0], math.prod(shape[1:])
    draws = random.source(generator).normal(size=(rows, columns))
    q, r = np.linalg.qr(draws.T if rows < columns else draws)
    q *= np.where(np.diag(r) < 0, -1.0, 1.0)
    return fill(tensor, gain * (q.T if rows < columns else q).reshape(shape), "orthogonal_")


def sparse_(tensor: Any, sparsity: float, std: float = 0.01, generator: Any = None) -> Any:
    """Normal numbers, of which a fraction `sparsity` of each column is zero.

    Raises   ValueError if the tensor is not a matrix, or the fraction is not in 0 ... 1.
    Source   Martens 2010, section 5
    Example  >>> w = mg.nn.init.sparse_(mg.empty(4, 3), 0.5)
             >>> mg.sum(w == 0, 0)
             tensor([2, 2, 2])
    """
    rows, columns = matrix_shape(tensor, "sparse_")
    if not 0 <= sparsity <= 1:
        raise ArgumentError(f"sparse_: sparsity is a fraction from 0 to 1, got {sparsity}")
    rng = random.source(generator)
    values = rng.normal(0.0, std, (rows, columns))
    for column in values.T:
        column[rng.permutation(rows)[: math.ceil(sparsity * rows)]] = 0
    return fill(tensor, values, "sparse_")
