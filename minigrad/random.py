"""Random tensors, all from one source: one call of `manual_seed` makes a program repeatable.

Everywhere: `generator` is a `Generator` of one's own; None means the common one.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import devices, dtypes, inplace, promotion
from minigrad.composition import composition
from minigrad.creation import creating, finish, floating, like, shape_of
from minigrad.errors import ArgumentError
from minigrad.graph import plain, wrap
from minigrad.modes import Call, caller, recording
from minigrad.primitive import Op
from minigrad.typed import Tensor

__all__ = [
    "Generator", "bernoulli", "binomial", "get_rng_state", "initial_seed", "manual_seed",
    "multinomial", "normal", "poisson", "rand", "rand_like", "randint", "randint_like", "randn",
    "randn_like", "randperm", "seed", "set_rng_state",
]  # fmt: skip

Array = Any


class Generator:
    """A source of random numbers: NumPy's generator, which is at ``.numpy``.

    seed     an integer that decides all numbers to come; None: a fresh one from the system
    Raises   ValueError if `device` is not the CPU.
    Example  >>> generator = mg.Generator().manual_seed(0)
             >>> a = mg.rand(2, generator=generator)
             >>> generator = generator.manual_seed(0)
             >>> mg.equal(a, mg.rand(2, generator=generator))
             True
    """

    def __init__(self, device: Any = None, *, seed: int | None = None) -> None:
        devices.check(device)
        self._numpy: np.random.Generator | None = None
        self._seed = 0
        if seed is not None:
            self.manual_seed(seed)

    @property
    def numpy(self) -> np.random.Generator:
        """NumPy's generator; made at the first use, for to import its module takes a while."""
        if self._numpy is None:
            self.seed()
        return self._numpy  # type: ignore[return-value]  # seed() made it

    def manual_seed(self, seed: int) -> Generator:
        """Start again from `seed`, any integer, and return this generator.

        Raises   TypeError if `seed` is not an integer.
        """
        if recording.trace is not None:
            recording.trace.unnoted = "a seed is set inside: do it before"
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise TypeError(f"a seed is an integer, got {type(seed).__name__}")
        self._seed = int(seed)
        self._numpy = np.random.default_rng(self._seed % 2**64)  # negative ones wrap around
        return self

    def seed(self) -> int:
        """Start again from a fresh seed of the system's, and return it."""
        return self.manual_seed(fresh_seed()).initial_seed()

    @property
    def device(self) -> Any:
        """The CPU."""
        return devices.device("cpu")

    def clone_state(self) -> Generator:
        """Another generator, which gives the same numbers from here on."""
        other = Generator()
        other._numpy, other._seed = copy.deepcopy(self.numpy), self._seed
        return other

    def initial_seed(self) -> int:
        """The seed that this generator last started from."""
        if self._numpy is None:
            self.seed()
        return self._seed

    def get_state(self) -> dict[str, Any]:
        """Where the generator stands, for `set_state` to return to."""
        state = self.numpy.bit_generator.state
        return {"seed": self._seed, "numpy": state}

    def set_state(self, state: dict[str, Any]) -> None:
        """Return to where the generator stood at `get_state`.

        Raises   TypeError if `state` did not come from `get_state`.
        """
        if not isinstance(state, dict) or set(state) != {"seed", "numpy"}:
            raise TypeError("set_state takes what get_state returned")
        self._seed = state["seed"]
        self.numpy.bit_generator.state = state["numpy"]


def fresh_seed() -> int:
    return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])


default_generator = Generator()


def source(generator: Any) -> np.random.Generator:
    """NumPy's generator behind `generator`, which may be one itself; None: the common one."""
    trace = recording.trace
    if trace is not None and not trace.drawing:
        trace.unnoted = (
            "only the random numbers of rand, randn and dropout are noted, and others are drawn "
            "inside: draw them before, and pass them as a tensor"
        )
    if generator is None:
        return default_generator.numpy
    if isinstance(generator, np.random.Generator):
        return generator
    if not isinstance(generator, Generator):
        raise TypeError(f"generator is a mg.Generator, got {type(generator).__name__}")
    return generator.numpy


drawing: dict[Any, Op] = {}  # functions that draw random numbers, as a trace notes them


def drawn(function: Callable[..., Array], *arguments: Any) -> Array:
    """``function(*arguments)``, an array of random numbers; in a trace the call is noted."""
    trace = recording.trace
    if trace is None:
        return function(*arguments)
    trace.drawing = True
    try:
        array = function(*arguments)
    finally:
        trace.drawing = False
    op = drawing.setdefault(function, Op(function, ()))
    assert recording.frame is not None
    trace.note(Call(op, (), arguments, (array,), recording.frame, caller()))
    return array


def manual_seed(seed: int) -> Generator:
    """Make all that is random repeatable, from here on: the common generator starts from `seed`.

    Raises   TypeError if `seed` is not an integer.
    Example  >>> generator = mg.manual_seed(0)
             >>> a = mg.rand(3)
             >>> generator = mg.manual_seed(0)
             >>> mg.equal(a, mg.rand(3))
             True
    """
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Start the common generator from a fresh seed of the system's, and return it.

    Example  >>> mg.seed() == mg.initial_seed()
             True
    """
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the common generator last started from.

    Example  >>> mg.manual_seed(3).initial_seed() == mg.initial_seed()
             True
    """
    return default_generator.initial_seed()


def get_rng_state() -> dict[str, Any]:
    """Where the common generator stands, for `set_rng_state`.

    Example  >>> state = mg.get_rng_state()
             >>> a = mg.rand(2)
             >>> mg.set_rng_state(state)
             >>> mg.equal(a, mg.rand(2))
             True
    """
    return default_generator.get_state()


def set_rng_state(new_state: dict[str, Any]) -> None:
    """Return the common generator to where it stood at `get_rng_state`; see there.

    Raises   TypeError if `new_state` did not come from `get_rng_state`.
    Example  >>> state = mg.get_rng_state()
             >>> mg.set_rng_state(state)
             >>> a = mg.rand(2)
             >>> mg.set_rng_state(state)
             >>> mg.equal(a, mg.rand(2))
             True
    """
    default_generator.set_state(new_state)


# ---------------------------------------------------------------------------------------- as arrays


def uniform_array(shape: Any, dtype: np.dtype[Any], generator: Any) -> Array:
    """Uniform numbers in [0, 1) of a floating-point type."""
    refuse_integers("rand", dtype)
    drawn = np.float32 if dtype.itemsize <= 4 else np.float64
    array = np.asarray(source(generator).random(shape, drawn))
    if dtype.itemsize < 4:  # rounding to half precision may reach 1
        return np.minimum(array.astype(dtype), np.nextafter(dtype.type(1), dtype.type(0)))
    return array


def normal_array(shape: Any, dtype: np.dtype[Any], generator: Any) -> Array:
    """Standard normal numbers of a floating-point type."""
    refuse_integers("randn", dtype)
    drawn = np.float32 if dtype.itemsize <= 4 else np.float64
    return np.asarray(source(generator).standard_normal(shape, drawn)).astype(dtype, copy=False)


def refuse_integers(name: str, dtype: np.dtype[Any]) -> None:
    if dtype.kind != "f":
        raise TypeError(f"{name}: the type is a floating-point one, got {dtype}; see randint")


# -------------------------------------------------------------------------------- of a given shape


@creating
def rand(
    *size: Any,
    generator: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Uniform random numbers in [0, 1).

    Raises   ValueError if a size is negative; TypeError if `dtype` is not a floating-point type.
    Example  >>> mg.rand(2, 3).shape
             (2, 3)
    """
    array = drawn(uniform_array, shape_of("rand", size), floating(dtype), generator)
    return finish(array, requires_grad, device)


@creating
def randn(
    *size: Any,
    generator: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random numbers of the standard normal distribution.

    Raises   ValueError if a size is negative; TypeError if `dtype` is not a floating-point type.
    Example  >>> mg.randn(2, 3).shape
             (2, 3)
    """
    array = drawn(normal_array, shape_of("randn", size), floating(dtype), generator)
    return finish(array, requires_grad, device)


@creating
def randint(
    low: Any,
    high: Any = None,
    size: Any = None,
    *,
    generator: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random integers from `low` to `high` - 1; ``randint(high, size)`` starts at 0.

    Returns  int64 unless `dtype` says otherwise
    Raises   ValueError if there is no integer between; TypeError if a size is missing.
    Example  >>> t = mg.randint(1, 7, (100,))
             >>> bool(((t >= 1) & (t <= 6)).all())
             True
    """
    if isinstance(high, (tuple, list)):
        low, high, size = 0, low, high
    if size is None:
        raise TypeError(
            "randint: the size is missing; call randint(high, size) or (low, high, size)"
        )
    if high is None:
        low, high = 0, low
    shape = shape_of("randint", tuple(size) if isinstance(size, (tuple, list)) else (size,))
    if int(low) >= int(high):
        raise ArgumentError(f"randint: no integer is at least {low} and less than {high}")
    array = np.asarray(source(generator).integers(int(low), int(high), shape))
    kind = np.dtype(np.int64) if dtype is None else dtypes.resolve(dtype)
    return finish(array.astype(kind, copy=False), requires_grad, device)


@creating
def randperm(
    n: int,
    *,
    generator: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The numbers 0 to n - 1 in random order.

    Raises   ValueError if `n` is negative.
    Example  >>> mg.randperm(4).sort().values
             tensor([0, 1, 2, 3])
    """
    (n,) = shape_of("randperm", (n,))
    array = source(generator).permutation(n)
    kind = np.dtype(np.int64) if dtype is None else dtypes.resolve(dtype)
    return finish(array.astype(kind, copy=False), requires_grad, device)


@creating
def rand_like(
    input: Tensor,
    *,
    generator: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Uniform random numbers in [0, 1), in the shape and type of another tensor.

    Example  >>> mg.rand_like(mg.zeros(2, 3)).shape
             (2, 3)
    """
    kind = like(input, dtype)
    return finish(drawn(uniform_array, input.shape, kind, generator), requires_grad, device)


@creating
def randn_like(
    input: Tensor,
    *,
    generator: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Standard normal random numbers, in the shape and type of another tensor.

    Example  >>> mg.randn_like(mg.zeros(2, 3)).shape
             (2, 3)
    """
    kind = like(input, dtype)
    return finish(drawn(normal_array, input.shape, kind, generator), requires_grad, device)


@creating
def randint_like(
    input: Tensor,
    low: Any,
    high: Any = None,
    *,
    generator: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random integers from `low` to `high` - 1 (or 0 to `low` - 1), in another's shape and type.

    Example  >>> mg.randint_like(mg.zeros(2), 1)
             tensor([0., 0.])
    """
    kind = like(input, dtype)
    if high is None:
        low, high = 0, low
    return randint(low, high, input.shape, generator=generator, dtype=kind, device=device,
                   requires_grad=requires_grad)  # fmt: skip


# ------------------------------------------------------------------- with parameters for each entry


@creating
def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random numbers of normal distributions.

    mean, std  numbers, together with `size`, or tensors, one distribution for each entry
    Raises     ValueError if a standard deviation is negative, or if mean and std do not broadcast.
    Example    >>> mg.normal(mg.arange(3.0), 0.0)
               tensor([0., 1., 2.])
    """
    mean, std = plain(mean), plain(std)
    if np.any(np.asarray(std) < 0):
        raise ArgumentError("normal: a standard deviation is not negative")
    if size is None:
        shape = np.broadcast_shapes(np.shape(mean), np.shape(std))
    else:
        shape = shape_of("normal", tuple(size) if isinstance(size, (tuple, list)) else (size,))
    if dtype is None:
        given = [a.dtype for a in (mean, std) if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
        kind = np.result_type(*given) if given else promotion.default_dtype
    else:
        kind = dtypes.resolve(dtype)
    array = normal_array(shape, kind, generator) * std + mean
    return finish(np.asarray(array).astype(kind, copy=False), requires_grad, device)


@composition
def bernoulli(input: Tensor, p: float | None = None, *, generator: Any = None) -> Tensor:
    """Ones and zeros: 1 with the probability at each entry.

    input    probabilities from 0 to 1, floating-point; with `p` given, only its shape and type
             count
    p        one probability for all
    Raises   ValueError if a probability is outside 0 ... 1.
    Example  >>> mg.bernoulli(mg.tensor([0.0, 1.0]))
             tensor([0., 1.])
    """
    probabilities = plain(input) if p is None else np.asarray(p)
    if not np.all((probabilities >= 0) & (probabilities <= 1)):
        raise ArgumentError("bernoulli: a probability is between 0 and 1")
    draws = source(generator).random(input.shape)
    return finish(np.asarray(draws < probabilities).astype(input.dtype))


@composition
def poisson(input: Tensor, *, generator: Any = None) -> Tensor:
    """Random counts of Poisson distributions, with the rate at each entry.

    Raises   ValueError if a rate is negative.
    Example  >>> mg.poisson(mg.zeros(2))
             tensor([0., 0.])
    """
    return finish(np.asarray(source(generator).poisson(plain(input))).astype(input.dtype))


@composition
def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Any = None
) -> Tensor:
    """Random positions, drawn with the weights of each row.

    input        weights, at least 0, of any sum above 0: (n,) or (m, n)
    num_samples  how many to draw from each row
    replacement  whether a position may be drawn again
    Returns      int64, (num_samples,) or (m, num_samples)
    Raises       ValueError for weights that are negative, not finite or all 0, or if there are
                 fewer positions of positive weight than samples without replacement.
    Example      >>> mg.multinomial(mg.tensor([0.0, 1.0, 0.0]), 2, replacement=True)
                 tensor([1, 1])
    """
    weights = np.asarray(plain(input), np.float64)
    if weights.ndim not in (1, 2):
        raise ArgumentError(f"multinomial: weights are a vector or a matrix, got {weights.shape}")
    if num_samples < 1:
        raise ArgumentError(f"multinomial: num_samples is at least 1, got {num_samples}")
    if not (np.isfinite(weights).all() and (weights >= 0).all() and (weights.sum(-1) > 0).all()):
        raise ArgumentError("multinomial: weights are finite, at least 0, and not all 0 in a row")
    rng = source(generator)
    if replacement:
        cumulative = np.cumsum(weights, -1)
        totals = cumulative[..., -1:]
        draws = rng.random((*weights.shape[:-1], num_samples)) * totals
        draws = np.minimum(draws, np.nextafter(totals, 0))  # rounding may reach the total
        rows = zip(np.atleast_2d(cumulative), np.atleast_2d(draws))
        found = [np.searchsorted(row, drawn, side="right") for row, drawn in rows]
        drawn = np.stack(found).reshape(draws.shape)
    else:
        if ((weights > 0).sum(-1) < num_samples).any():
            raise ArgumentError(
                f"multinomial: cannot draw {num_samples} without replacement from fewer positions "
                "of positive weight; pass replacement=True"
            )
        # the positions of the smallest of exponential waiting times, one clock for each position
        waiting = np.full(weights.shape, np.inf)
        np.divide(rng.standard_exponential(weights.shape), weights, out=waiting, where=weights > 0)
        drawn = np.argsort(waiting, -1)[..., :num_samples]
    return finish(drawn.astype(np.int64, copy=False))


# ----------------------------------------------------------------------------- in place, as methods


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Any = None
) -> Tensor:
    """Fill this tensor with normal random numbers, and return it.

    Raises   ValueError if `std` is negative.
    Example  >>> mg.zeros(2).normal_(mean=1.0, std=0.0)
             tensor([1., 1.])
    """
    if std < 0:
        raise ArgumentError(f"normal_: std is not negative, got {std}")
    array = normal_array(tensor.shape, tensor.dtype, generator) * std + mean
    inplace.overwrite(tensor, "normal_", array)
    return tensor


def uniform_(
    tensor: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Any = None
) -> Tensor:
    """Fill this tensor with uniform random numbers in [from_, to), and return it.

    Raises   ValueError if the bounds are in falling order.
    Example  >>> mg.zeros(2).uniform_(3.0, 3.0)
             tensor([3., 3.])
    """
    if from_ > to:
        raise ArgumentError(f"uniform_: the bounds are in falling order, {from_} and {to}")
    array = uniform_array(tensor.shape, tensor.dtype, generator) * (to - from_) + from_
    inplace.overwrite(tensor, "uniform_", array)
    return tensor


def bernoulli_(tensor: Tensor, p: Any = 0.5, *, generator: Any = None) -> Tensor:
    """Fill this tensor with ones (with probability `p`) and zeros, and return it.

    Example  >>> mg.zeros(2).bernoulli_(1.0)
             tensor([1., 1.])
    """
    draws = source(generator).random(tensor.shape) < plain(p)
    inplace.overwrite(tensor, "bernoulli_", np.asarray(draws).astype(tensor.dtype))
    return tensor


def exponential_(tensor: Tensor, lambd: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fill this tensor with random numbers of density lambd exp(-lambd x), and return it.

    Example  >>> bool((mg.zeros(9).exponential_() >= 0).all())
             True
    """
    if not lambd > 0:
        raise ArgumentError(f"exponential_: lambd is positive, got {lambd}")
    array = source(generator).standard_exponential(tensor.shape) / lambd
    inplace.overwrite(tensor, "exponential_", np.asarray(array).astype(tensor.dtype))
    return tensor


def cauchy_(
    tensor: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Any = None
) -> Tensor:
    """Fill this tensor with random numbers of density σ / (π (σ² + (x - median)²)), and return it.

    Example  >>> mg.zeros(2).cauchy_(3.0, 0.0)
             tensor([3., 3.])
    """
    array = median + sigma * source(generator).standard_cauchy(tensor.shape)
    inplace.overwrite(tensor, "cauchy_", np.asarray(array).astype(tensor.dtype))
    return tensor


def log_normal_(
    tensor: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Any = None
) -> Tensor:
    """Fill this tensor with numbers whose logarithms are normally distributed, and return it.

    Raises   ValueError if `std` is not positive.
    Example  >>> bool((mg.zeros(9).log_normal_() > 0).all())
             True
    """
    if not std > 0:
        raise ArgumentError(f"log_normal_: std is positive, got {std}")
    array = np.exp(mean + std * source(generator).standard_normal(tensor.shape))
    inplace.overwrite(tensor, "log_normal_", np.asarray(array).astype(tensor.dtype))
    return tensor


def geometric_(tensor: Tensor, p: float, *, generator: Any = None) -> Tensor:
    """Fill this tensor with the number of trials up to the first success, and return it.

    p        the probability of success
    Raises   ValueError unless 0 < p ≤ 1
    Example  >>> mg.zeros(2).geometric_(1.0)
             tensor([1., 1.])
    """
    if not 0 < p <= 1:
        raise ArgumentError(f"geometric_: 0 < p ≤ 1, got {p}")
    array = source(generator).geometric(p, tensor.shape)
    inplace.overwrite(tensor, "geometric_", np.asarray(array).astype(tensor.dtype))
    return tensor


@composition
def binomial(count: Tensor, prob: Tensor, generator: Any = None) -> Tensor:
    """The number of successes in `count` trials of probability `prob`.

    Raises   ValueError for counts below 0 or probabilities outside of 0 ... 1
    Example  >>> mg.binomial(mg.tensor([3.0]), mg.tensor([1.0]))
             tensor([3.])
    """
    trials, share = np.asarray(plain(count)), np.asarray(plain(prob))
    if (trials < 0).any() or (share < 0).any() or (share > 1).any():
        raise ArgumentError("binomial: counts are not negative, and probabilities within 0 ... 1")
    drawn = source(generator).binomial(trials.astype(np.int64), share)
    found: Tensor = wrap(np.asarray(drawn).astype(trials.dtype))
    return found


def random_(
    tensor: Tensor, from_: int = 0, to: int | None = None, *, generator: Any = None
) -> Tensor:
    """Fill this tensor with random integers in [from_, to), and return it.

    ``random_(to)`` starts at 0, and ``random_()`` goes as far as the type holds integers exactly.

    Raises   ValueError if there is no integer between.
    Example  >>> mg.zeros(2).random_(5, 6)
             tensor([5., 5.])
    """
    if to is None:
        from_, to = (0, from_) if from_ else (0, largest_integer(tensor.dtype) + 1)
    array = source(generator).integers(from_, to, tensor.shape)
    inplace.overwrite(tensor, "random_", np.asarray(array).astype(tensor.dtype))
    return tensor


def largest_integer(dtype: np.dtype[Any]) -> int:
    """The largest n such that `dtype` holds all integers up to n, and below NumPy's limit."""
    if dtype.kind == "b":
        return 1
    if dtype.kind == "f":
        return int(2 ** (math.frexp(1 / np.finfo(dtype).eps)[1]))
    return min(int(np.iinfo(dtype).max), 2**63 - 2)
