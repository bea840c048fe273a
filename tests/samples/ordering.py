"""Rows of order statistics, running extremes, histograms, and scattering with a reduction."""

from __future__ import annotations

from itertools import combinations

import numpy as np

import minigrad as mg
from tests.samples.sample import (
    Sample,
    binary,
    distinct,
    normal,
    outside,
    positive,
    reduction,
    unary,
)

off_zero = outside(-0.2, 0.2)


def places_of_running(ufunc: np.ufunc, x: np.ndarray) -> np.ndarray:
    """The last place at which each running extreme along axis 1 was reached, one by one."""
    out = np.zeros(x.shape, int)
    for i in np.ndindex(x.shape):
        line = x[i[0], : i[1] + 1, i[2]]
        out[i] = np.flatnonzero(line == ufunc.reduce(line))[-1]
    return out


def without_nan(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Distinct numbers, of which the first is NaN."""
    x = distinct(rng, shape)
    if x.ndim > 1:
        x[:, 0] = np.nan
    return x


EXTREMES = [
    reduction("cummax", lambda x: (np.maximum.accumulate(x, 1), places_of_running(np.maximum, x)),
              distinct, call=lambda x: mg.cummax(x, 1), along=mg.cummax, zero_d=None),
    reduction("cummin", lambda x: (np.minimum.accumulate(x, 1), places_of_running(np.minimum, x)),
              distinct, call=lambda x: mg.cummin(x, 1), along=mg.cummin, zero_d=None),
    unary("aminmax", lambda x: (np.min(x), np.max(x)), distinct, empty=None),
    reduction("aminmax", lambda x: (np.min(x, 1), np.max(x, 1)), distinct,
              call=lambda x: mg.aminmax(x, dim=1), case="dim", empty=None),
    reduction("kthvalue", lambda x: (np.sort(x, 1)[:, 1], np.argsort(x, 1)[:, 1]), distinct,
              call=lambda x: mg.kthvalue(x, 2, 1), along=lambda x, dim: mg.kthvalue(x, 1, dim),
              empty=None),
    reduction("mode", lambda x: (np.min(x, 1), np.argmin(x, 1)), distinct,
              call=lambda x: mg.mode(x, 1), along=mg.mode, empty=None),
    unary("nanmedian", lambda x: np.sort(x.ravel())[(np.isfinite(x).sum() - 1) // 2], without_nan,
          empty=None),
    reduction("nanmedian", lambda x: (np.sort(x, 1)[:, 0], np.argsort(x, 1)[:, 0]), without_nan,
              call=lambda x: mg.nanmedian(x, 1), case="dim", empty=None),
    unary("nanquantile", lambda x: np.nanquantile(x, 0.3), without_nan,
          call=lambda x: mg.nanquantile(x, 0.3), empty=None),
    reduction("nanquantile", lambda x: np.nanquantile(x, [0.3, 0.9], axis=1, keepdims=True),
              without_nan, call=lambda x: mg.nanquantile(x, [0.3, 0.9], 1, keepdim=True),
              case="dim", empty=None),
    *[reduction("nanquantile", lambda x, m=method: np.nanquantile(x, 0.3, axis=1, method=m),
                without_nan, call=lambda x, m=method: mg.nanquantile(x, 0.3, 1, interpolation=m),
                case=method, empty=None)
      for method in ("lower", "higher", "nearest", "midpoint")],
    unary("msort", lambda x: np.sort(x, 0), distinct, zero_d=None),
]  # fmt: skip


def repeated(x: np.ndarray) -> np.ndarray:
    return np.repeat(np.sign(x), 2)


COUNTS = [
    unary("argwhere", lambda x: np.argwhere(x > 0), differentiable=False, zero_d=None,
          call=lambda x: mg.argwhere(x > 0)),
    unary("unique_consecutive", lambda x: np.ravel(x), distinct, differentiable=False),
    unary("unique_consecutive", lambda x: (np.ravel(x), 2 + 0 * np.arange(x.size)), distinct,
          differentiable=False, case="counts",
          call=lambda x: mg.unique_consecutive(mg.repeat_interleave(x, 2), return_counts=True)),
    unary("searchsorted", lambda x: np.searchsorted([-1.0, 0.0, 2.0], x), differentiable=False,
          call=lambda x: mg.searchsorted(np.array([-1.0, 0.0, 2.0]), x)),
    unary("bucketize", lambda x: np.digitize(x, [-1.0, 0.0, 2.0]), differentiable=False,
          call=lambda x: mg.bucketize(x, np.array([-1.0, 0.0, 2.0]))),
    unary("histc", lambda x: np.histogram(x, 4, (-1.0, 1.0))[0].astype(float),
          differentiable=False, call=lambda x: mg.histc(x, 4, -1.0, 1.0)),
    unary("histogram", lambda x: tuple(np.asarray(a, float) for a in np.histogram(x, 3, (-2, 2))),
          differentiable=False, call=lambda x: mg.histogram(x, 3, range=(-2.0, 2.0))),
]  # fmt: skip

INDEX = np.array([[0, 1, 0], [1, 1, 0], [1, 1, 1]])


def scattered(ufunc: np.ufunc, include_self: bool = True) -> object:
    """``ufunc`` of the entries that INDEX sends along axis 0, one after the other."""

    def reference(x: np.ndarray, source: np.ndarray) -> np.ndarray:
        out = x.copy()
        fresh = np.full(x.shape, not include_self)
        for i, j in np.ndindex(INDEX.shape):
            k = INDEX[i, j]
            out[k, j] = source[i, j] if fresh[k, j] else ufunc(out[k, j], source[i, j])
            fresh[k, j] = False
        return out

    return reference


def mean_scattered(x: np.ndarray, source: np.ndarray) -> np.ndarray:
    count = 1.0 + np.array([[(INDEX[:, j] == k).sum() for j in range(3)] for k in range(2)])
    return scattered(np.add)(x, source) / count


def scatter_row(reduce: str, reference: object, include_self: bool = True) -> Sample:
    domain = (distinct, lambda r, s: distinct(r, s) + 0.07)
    return Sample("scatter_reduce", reference, ((2, 3), (3, 3)), domain,
                  lambda x, y: mg.scatter_reduce(x, 0, mg.tensor(INDEX), y, reduce,
                                                 include_self=include_self),
                  case=f"{reduce} {include_self}", second=reduce == "prod")  # fmt: skip


SCATTERING = [
    scatter_row("sum", scattered(np.add)),
    scatter_row("prod", scattered(np.multiply)),
    scatter_row("amax", scattered(np.maximum)),
    scatter_row("amin", scattered(np.minimum)),
    scatter_row("mean", mean_scattered),
    scatter_row("sum", scattered(np.add, False), False),
    scatter_row("prod", scattered(np.multiply, False), False),
    scatter_row("amax", scattered(np.maximum, False), False),
    Sample("index_reduce", lambda x, y: np.stack([x[0] * y[0] * y[2], x[1] * y[1]]),
           ((2, 3), (3, 3)), (off_zero, off_zero),
           lambda x, y: mg.index_reduce(x, 0, mg.tensor([0, 1, 0]), y, "prod")),
    Sample("select_scatter", lambda x, y: np.stack([x[:, 0], y, x[:, 2]], 1), ((2, 3), (2,)),
           call=lambda x, y: mg.select_scatter(x, y, 1, 1)),
    Sample("slice_scatter", lambda x, y: np.stack([y[:, 0], x[:, 1], y[:, 1]], 1),
           ((2, 3), (2, 2)), call=lambda x, y: mg.slice_scatter(x, y, 1, 0, None, 2)),
    Sample("diagonal_scatter",
           lambda x, y: x * (1 - np.eye(2, 3, 1)) + np.eye(2, 3, 1) * y[:, None],
           ((2, 3), (2,)), call=lambda x, y: mg.diagonal_scatter(x, y, 1)),
    unary("as_strided", lambda x: np.stack([x.ravel()[:2], x.ravel()[1:3], x.ravel()[2:4]]),
          call=lambda x: mg.as_strided(mg.reshape(x, (-1,)), (3, 2), (1, 1)), zero_d=None,
          empty=None),
]  # fmt: skip


def differences(x: np.ndarray, axis: int) -> np.ndarray:
    return np.gradient(x, axis=axis)


COMBINING = [
    Sample("chain_matmul", lambda x, y, z: x @ y @ z, ((2, 3), (3, 2), (2, 4))),
    Sample("cartesian_prod", lambda x, y: np.array([[a, b] for a in x for b in y]), ((2,), (3,))),
    Sample("combinations", lambda x: np.array(list(combinations(x, 2))), ((4,),)),
    Sample("gradient", lambda x: tuple(np.gradient(x)), ((3, 4),)),
    Sample("gradient", lambda x: (np.gradient(x, [0.0, 0.5, 1.5, 2.0], axis=1, edge_order=2),),
           ((3, 4),), case="places",
           call=lambda x: mg.gradient(x, spacing=[np.array([0.0, 0.5, 1.5, 2.0])], dim=1,
                                      edge_order=2)),
    Sample("cumulative_trapezoid", lambda y: np.cumsum((y[:, 1:] + y[:, :-1]) / 2, 1), ((2, 4),)),
    Sample("cumulative_trapezoid",
           lambda y, x: np.cumsum((y[1:] + y[:-1]) / 2 * np.diff(x)[:, None], 0), ((4, 2), (4,)),
           call=lambda y, x: mg.cumulative_trapezoid(y, x, dim=0), case="places"),
    Sample("vander", np.vander, ((3,),)),
    Sample("vander", lambda x: np.vander(x, 4, increasing=True), ((3,),),
           call=lambda x: mg.vander(x, 4, True), case="increasing"),
    Sample("renorm", lambda x: x * np.minimum(1, 0.5 / (np.linalg.norm(x, axis=1) + 1e-7))[:, None],
           ((2, 3),), positive, lambda x: mg.renorm(x, 2, 0, 0.5)),
    Sample("narrow_copy", lambda x: x[:, 1:3], ((2, 3),),
           call=lambda x: mg.narrow_copy(x, 1, 1, 2)),
    Sample("unravel_index", lambda x: tuple(np.unravel_index(np.argsort(x), (2, 2))), ((4,),),
           distinct, lambda x: mg.unravel_index(mg.argsort(x), (2, 2)), differentiable=False),
    Sample("ops.sum_to_size", lambda x: np.sum(x, (0, 2), keepdims=True)[0], ((2, 3, 4),),
           call=lambda x: mg.ops.sum_to_size(x, 3, 1)),
]  # fmt: skip

SIGNS = [
    binary("copysign", np.copysign, (normal, off_zero), door=True, second=False),
    binary("heaviside", np.heaviside, door=True, differentiable=False),
    binary("nextafter", np.nextafter, door=True, second=False),
    binary("ldexp", lambda x, y: x * 2.0**y),
    binary("float_power", np.power, (positive, normal),
           lambda x, y: mg.ops.astype(mg.float_power(x, y), x.dtype)),
    binary("rsub", lambda x, y: y - x),
    binary("rsub", lambda x, y: y - 3 * x, call=lambda x, y: mg.rsub(x, y, alpha=3), case="alpha"),
    unary("frexp", lambda x: np.frexp(x), second=False),
    unary("ops.cbrt", np.cbrt, door=True),
    unary("angle", np.angle, second=False),
    unary("fill", lambda x: np.full_like(x, 3.0), call=lambda x: mg.fill(x, 3.0),
          differentiable=False),
    unary("conj", lambda x: x),
    unary("isposinf", np.isposinf, door=True, differentiable=False),
    unary("isneginf", np.isneginf, door=True, differentiable=False),
    unary("isreal", np.isreal, differentiable=False),
    unary("isin", lambda x: np.sign(x) == 1, differentiable=False,
          call=lambda x: mg.isin(mg.sign(x), np.array([1.0, 5.0]))),
]  # fmt: skip


def whole(function: object) -> object:
    return lambda x, y: function(np.rint(4 * x).astype(int), np.rint(4 * np.abs(y)).astype(int))


def of_whole(function: object) -> object:
    def call(x: object, y: object) -> object:
        numbers = [mg.round(4 * x), mg.round(4 * mg.abs(y))]
        return function(*[mg.ops.astype(each, np.int64) for each in numbers])

    return call


INTEGERS = [
    binary(name, whole(function), differentiable=False, call=of_whole(getattr(mg, name)))
    for name, function in (
        ("bitwise_left_shift", np.left_shift), ("bitwise_right_shift", np.right_shift),
        ("gcd", np.gcd), ("lcm", np.lcm),
    )
]  # fmt: skip

SAMPLES: list[Sample] = [
    *EXTREMES, *COUNTS, *SCATTERING, *COMBINING, *SIGNS, *INTEGERS,
]  # fmt: skip
