"""What all transforms can do, and transforms that are made of others."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.utils import (
    sum_rightmost,
)
from minigrad.graph import wrap
from minigrad.tensor import Tensor

__all__ = [
    "ComposeTransform", "IndependentTransform", "ReshapeTransform", "Transform",
    "identity_transform",
]  # fmt: skip


class Transform:
    """A function y = f(x) of tensors; ``t(x)`` is y, ``t.inv(y)`` is x.

    A subclass says its `domain` and `codomain` (constraints), whether it is `bijective`, and
    defines ``_call(x)``, ``_inverse(y)`` and ``log_abs_det_jacobian(x, y)``.

    cache_size   1: the last x and y are kept, so that ``t.inv(t(x))`` is x itself; or 0

    Raises       ValueError for another cache_size
    Example      >>> t = mg.distributions.ExpTransform()
                 >>> t(mg.tensor(1.0)), t.inv(mg.tensor(1.0))
                 (tensor(2.7183), tensor(0.))
    """

    bijective = False
    domain: Any = constraints.real
    codomain: Any = constraints.real

    def __init__(self, cache_size: int = 0) -> None:
        if cache_size not in (0, 1):
            raise ValueError(f"{type(self).__name__}: cache_size is 0 or 1, got {cache_size}")
        self._cache_size = cache_size
        self._inv: Any = None
        self._cached: tuple[Any, Any] = (None, None)

    @property
    def event_dim(self) -> int:
        """How many axes a sample of both sides has.

        Raises   ValueError if that differs.
        """
        if self.domain.event_dim != self.codomain.event_dim:
            raise ValueError(f"{type(self).__name__}: samples of both sides have different axes")
        return int(self.domain.event_dim)

    @property
    def inv(self) -> Any:
        """The inverse transform."""
        if self._inv is None:
            self._inv = InverseTransform(self)
        return self._inv

    @property
    def sign(self) -> Any:
        """1 if the function rises, -1 if it falls.

        Raises   NotImplementedError if it does neither.
        """
        raise NotImplementedError(f"{type(self).__name__} neither rises nor falls")

    def with_cache(self, cache_size: int = 1) -> Any:
        """This transform, with another cache."""
        if cache_size == self._cache_size:
            return self
        made = copy.copy(self)
        made._cache_size, made._inv, made._cached = cache_size, None, (None, None)
        return made

    def __call__(self, x: Any) -> Any:
        """f(x)."""
        if not self._cache_size:
            return self._call(x)
        if self._cached[0] is not x:
            self._cached = (x, self._call(x))
        return self._cached[1]

    def _inverse_call(self, y: Any) -> Any:
        if not self._cache_size:
            return self._inverse(y)
        if self._cached[1] is not y:
            self._cached = (self._inverse(y), y)
        return self._cached[0]

    def _call(self, x: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no _call")

    def _inverse(self, y: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no inverse")

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """log |det ∂y / ∂x|, for y = f(x); one number for each sample.

        Raises   NotImplementedError if f is not bijective.
        """
        raise NotImplementedError(f"{type(self).__name__} has no log_abs_det_jacobian")

    def forward_shape(self, shape: Any) -> Any:
        """The shape of f(x) for an x of a shape."""
        return tuple(shape)

    def inverse_shape(self, shape: Any) -> Any:
        """The shape of x for an f(x) of a shape."""
        return tuple(shape)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._options() == other._options()

    def _options(self) -> Any:
        own = {"_inv", "_cached", "_cache_size"}
        return {k: plain(v) for k, v in vars(self).items() if k not in own}

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def plain(value: Any) -> Any:
    """A tensor as lists, which can be compared."""
    return value.tolist() if isinstance(value, Tensor) else value


class InverseTransform(Transform):
    """The inverse of another transform."""

    def __init__(self, transform: Transform) -> None:
        super().__init__()
        self._inv = transform
        self.domain, self.codomain = transform.codomain, transform.domain
        self.bijective = transform.bijective

    @property
    def sign(self) -> Any:
        return self._inv.sign

    def __call__(self, x: Any) -> Any:
        return self._inv._inverse_call(x)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -self._inv.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape: Any) -> Any:
        return self._inv.inverse_shape(shape)

    def inverse_shape(self, shape: Any) -> Any:
        return self._inv.forward_shape(shape)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, InverseTransform) and self._inv == other._inv

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._inv!r})"


class ComposeTransform(Transform):
    """Several transforms, the first applied first.

    Example   >>> t = mg.distributions.ComposeTransform(
              ...     [mg.distributions.AffineTransform(0.0, 2.0), mg.distributions.ExpTransform()]
              ... )
              >>> t(mg.tensor(1.0))
              tensor(7.3891)
    """

    def __init__(self, parts: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.parts = [part.with_cache(cache_size) if cache_size else part for part in parts]
        self.bijective = all(part.bijective for part in self.parts)

    @property
    def domain(self) -> Any:
        """Where the first is defined, with as many axes as the later ones need."""
        if not self.parts:
            return constraints.real
        axes = self.parts[-1].codomain.event_dim
        for part in reversed(self.parts):
            axes += part.domain.event_dim - part.codomain.event_dim
            axes = max(axes, part.domain.event_dim)
        return widened(self.parts[0].domain, axes)

    @property
    def codomain(self) -> Any:
        """Where the last leads, with as many axes as the earlier ones need."""
        if not self.parts:
            return constraints.real
        axes = self.parts[0].domain.event_dim
        for part in self.parts:
            axes += part.codomain.event_dim - part.domain.event_dim
            axes = max(axes, part.codomain.event_dim)
        return widened(self.parts[-1].codomain, axes)

    @property
    def sign(self) -> Any:
        sign: Any = 1
        for part in self.parts:
            sign = sign * part.sign
        return sign

    def _call(self, x: Any) -> Any:
        for part in self.parts:
            x = part(x)
        return x

    def _inverse(self, y: Any) -> Any:
        for part in reversed(self.parts):
            y = part.inv(y)
        return y

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        if not self.parts:
            return wrap(np.zeros_like(x._array))
        points = [x]
        for part in self.parts[:-1]:
            points.append(part(points[-1]))
        points.append(y)
        total, axes = 0.0, self.domain.event_dim
        for part, before, after in zip(self.parts, points, points[1:]):
            slope = part.log_abs_det_jacobian(before, after)
            total = total + sum_rightmost(slope, axes - part.domain.event_dim)
            axes += part.codomain.event_dim - part.domain.event_dim
        return total

    def forward_shape(self, shape: Any) -> Any:
        for part in self.parts:
            shape = part.forward_shape(shape)
        return tuple(shape)

    def inverse_shape(self, shape: Any) -> Any:
        for part in reversed(self.parts):
            shape = part.inverse_shape(shape)
        return tuple(shape)

    def __repr__(self) -> str:
        return f"ComposeTransform({self.parts!r})"


def widened(constraint: Any, axes: int) -> Any:
    """A set, of samples with so many axes."""
    missing = axes - constraint.event_dim
    return constraints.independent(constraint, missing) if missing > 0 else constraint


identity_transform = ComposeTransform([])


class IndependentTransform(Transform):
    """A transform whose last batch axes are taken as axes of a sample.

    Example   >>> t = mg.distributions.ExpTransform()
              >>> t = mg.distributions.IndependentTransform(t, 1)
              >>> x = mg.tensor([1.0, 2.0])
              >>> t.log_abs_det_jacobian(x, t(x))
              tensor(3.)
    """

    def __init__(
        self, base_transform: Any, reinterpreted_batch_ndims: int, cache_size: int = 0
    ) -> None:
        super().__init__(cache_size)
        self.base_transform = base_transform
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        self.bijective = base_transform.bijective
        n = reinterpreted_batch_ndims
        self.domain = constraints.independent(base_transform.domain, n)
        self.codomain = constraints.independent(base_transform.codomain, n)

    @property
    def sign(self) -> Any:
        return self.base_transform.sign

    def _call(self, x: Any) -> Any:
        return self.base_transform(x)

    def _inverse(self, y: Any) -> Any:
        return self.base_transform.inv(y)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        slope = self.base_transform.log_abs_det_jacobian(x, y)
        return sum_rightmost(slope, self.reinterpreted_batch_ndims)

    def forward_shape(self, shape: Any) -> Any:
        return self.base_transform.forward_shape(shape)

    def inverse_shape(self, shape: Any) -> Any:
        return self.base_transform.inverse_shape(shape)

    def _options(self) -> Any:
        return self.base_transform, self.reinterpreted_batch_ndims

    def __repr__(self) -> str:
        return f"IndependentTransform({self.base_transform!r}, {self.reinterpreted_batch_ndims})"


class ReshapeTransform(Transform):
    """The last axes in another shape.

    Example   >>> mg.distributions.ReshapeTransform((4,), (2, 2))(mg.zeros(3, 4)).shape
              (3, 2, 2)
    """

    bijective = True

    def __init__(self, in_shape: Any, out_shape: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.in_shape, self.out_shape = tuple(in_shape), tuple(out_shape)
        if math.prod(self.in_shape) != math.prod(self.out_shape):
            raise ValueError(
                f"ReshapeTransform: {self.in_shape} and {self.out_shape} have different sizes"
            )
        self.domain = constraints.independent(constraints.real, len(self.in_shape))
        self.codomain = constraints.independent(constraints.real, len(self.out_shape))

    def _call(self, x: Any) -> Any:
        return ops.reshape(x, self.forward_shape(x.shape))

    def _inverse(self, y: Any) -> Any:
        return ops.reshape(y, self.inverse_shape(y.shape))

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        lead = tuple(x.shape)[: x.ndim - len(self.in_shape)]
        return wrap(np.zeros(lead, x.dtype))

    def forward_shape(self, shape: Any) -> Any:
        return (*shape[: len(shape) - len(self.in_shape)], *self.out_shape)

    def inverse_shape(self, shape: Any) -> Any:
        return (*shape[: len(shape) - len(self.out_shape)], *self.in_shape)
