"""Rows of reductions, scans, statistics and sorting."""

from __future__ import annotations

import numpy as np

import minigrad as mg
from tests.samples.sample import Sample, distinct, normal, reduction, unary


def both_forms(
    name: str, function: object, domain: object = normal, **more: object
) -> list[Sample]:
    """Rows of a reduction over all axes, over one, over two with keepdim."""
    op = getattr(mg, name)
    options = {"door": True, **more}
    return [
        unary(name, function, domain, **options),
        reduction(name, lambda x: function(x, axis=1), domain, call=lambda x: op(x, 1),
                  along=op, case="dim", **options),
        reduction(name, lambda x: function(x, axis=(0, -1), keepdims=True), domain,
                  call=lambda x: op(x, (0, -1), keepdim=True), case="dims", **options),
    ]  # fmt: skip


def logsumexp(x: np.ndarray, axis: object = None, keepdims: bool = False) -> np.ndarray:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


REDUCTIONS = [
    *both_forms("sum", np.sum),
    *both_forms("mean", np.mean, empty=None),
    *both_forms("prod", np.prod),
    *both_forms("nansum", np.nansum),
    *both_forms("nanmean", np.nanmean, empty=None),
    *both_forms("amax", np.max, distinct, empty=None),
    *both_forms("amin", np.min, distinct, empty=None),
    *both_forms("all", np.all, differentiable=False),
    *both_forms("any", np.any, differentiable=False),
    *both_forms("count_nonzero", np.count_nonzero, differentiable=False),
    *both_forms("logsumexp", logsumexp, empty=None),
    *both_forms("var", lambda x, **axes: np.var(x, ddof=1, **axes), zero_d=None, empty=None),
    *both_forms("std", lambda x, **axes: np.std(x, ddof=1, **axes), zero_d=None, empty=None),
    reduction("var", lambda x: np.var(x, 1), call=lambda x: mg.var(x, 1, correction=0),
              case="biased", door=True, empty=None),
    reduction("std", lambda x: np.std(x, 1), call=lambda x: mg.std(x, 1, correction=0),
              case="biased", door=True, empty=None),
    reduction("var_mean", lambda x: (np.var(x, 1, ddof=1), np.mean(x, 1)),
              call=lambda x: mg.var_mean(x, 1), along=mg.var_mean, empty=None, door=True),
    reduction("std_mean", lambda x: (np.std(x, 1, ddof=1), np.mean(x, 1)),
              call=lambda x: mg.std_mean(x, 1), along=mg.std_mean, empty=None, door=True),
    unary("max", np.max, distinct, door=True, empty=None),
    unary("min", np.min, distinct, door=True, empty=None),
    reduction("max", lambda x: (np.max(x, 1), np.argmax(x, 1)), distinct, case="dim",
              call=lambda x: mg.max(x, 1), along=mg.max, empty=None, zero_d=None),
    reduction("min", lambda x: (np.min(x, 1), np.argmin(x, 1)), distinct, case="dim",
              call=lambda x: mg.min(x, 1), along=mg.min, empty=None, zero_d=None),
    reduction("max", lambda x: (np.max(x, -1, keepdims=True), np.argmax(x, -1, keepdims=True)),
              distinct, case="keepdim", call=lambda x: mg.max(x, -1, keepdim=True), empty=None),
    Sample("max", np.maximum, ((2, 3), (2, 3)), (distinct, lambda r, s: distinct(r, s) + 0.07),
           case="two"),
    Sample("min", np.minimum, ((2, 3), (2, 3)), (distinct, lambda r, s: distinct(r, s) + 0.07),
           case="two"),
    unary("argmax", np.argmax, distinct, door=True, empty=None, differentiable=False),
    unary("argmin", np.argmin, distinct, door=True, empty=None, differentiable=False),
    reduction("argmax", lambda x: np.argmax(x, axis=1), distinct, call=lambda x: mg.argmax(x, 1),
              case="dim", along=mg.argmax, door=True, empty=None, differentiable=False),
    reduction("argmin", lambda x: np.argmin(x, axis=1), distinct, call=lambda x: mg.argmin(x, 1),
              case="dim", along=mg.argmin, door=True, empty=None, differentiable=False),
    reduction("softmax", lambda x: softmax(x, 1), call=lambda x: mg.softmax(x, 1),
              along=mg.softmax),
    reduction("log_softmax", lambda x: np.log(softmax(x, 1)), call=lambda x: mg.log_softmax(x, 1),
              along=mg.log_softmax),
    reduction("softmin", lambda x: softmax(-x, 1), call=lambda x: mg.softmin(x, 1),
              along=mg.softmin),
]  # fmt: skip


def zeros_among(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers of which every third is 0."""
    x = normal(rng, shape)
    return x * (np.arange(x.size).reshape(shape) % 3 > 0)


SCANS = [
    reduction("cumsum", lambda x: np.cumsum(x, axis=1), call=lambda x: mg.cumsum(x, 1),
              along=mg.cumsum, door=True),
    reduction("cumprod", lambda x: np.cumprod(x, axis=1), call=lambda x: mg.cumprod(x, 1),
              along=mg.cumprod, door=True),
    reduction("cumprod", lambda x: np.cumprod(x, axis=1), zeros_among,
              call=lambda x: mg.cumprod(x, 1), case="zeros"),
    reduction("prod", lambda x: np.prod(x, axis=1), zeros_among, call=lambda x: mg.prod(x, 1),
              case="zeros"),
    reduction("logcumsumexp", lambda x: np.log(np.cumsum(np.exp(x), axis=1)), door=True,
              call=lambda x: mg.logcumsumexp(x, 1), along=mg.logcumsumexp),
    reduction("diff", np.diff, door=True),
    reduction("diff", lambda x: np.diff(x, 2, axis=1), call=lambda x: mg.diff(x, 2, 1), case="n",
              along=lambda x, dim: mg.diff(x, 1, dim), door=True, empty=None),
    Sample("diff", lambda x, y: np.diff(x, prepend=y, append=0.0), ((2, 3), (2, 1)),
           call=lambda x, y: mg.diff(x, prepend=y, append=0.0), case="joined", door=True),
    reduction("trapezoid", lambda y: np.trapezoid(y, dx=0.5, axis=1), door=True,
              call=lambda y: mg.trapezoid(y, dx=0.5, dim=1),
              along=lambda y, dim: mg.trapezoid(y, dim=dim)),
    Sample("trapezoid", lambda y, x: np.trapezoid(y, x, axis=0), ((3, 2), (3,)), door=True,
           call=lambda y, x: mg.trapezoid(y, x, dim=0), case="places"),
]  # fmt: skip

ORDER = [
    reduction("sort", lambda x: (np.sort(x, 1), np.argsort(x, 1)), distinct,
              call=lambda x: mg.sort(x, 1), along=mg.sort),
    unary("sort", lambda x: (np.sort(x)[..., ::-1], np.argsort(x)[..., ::-1]), distinct,
          call=lambda x: mg.sort(x, descending=True), case="falling", zero_d=None),
    reduction("argsort", lambda x: np.argsort(x, 1), distinct, call=lambda x: mg.argsort(x, 1),
              along=mg.argsort, door=True, differentiable=False),
    reduction("topk", lambda x: (np.sort(x, 1)[:, :0:-1], np.argsort(x, 1)[:, :0:-1]), distinct,
              call=lambda x: mg.topk(x, 2, 1), along=lambda x, dim: mg.topk(x, 1, dim), empty=None),
    unary("unique", np.unique, distinct, second=False, zero_d=((),), door=True),
    unary("unique", lambda x: np.unique(x, return_inverse=True, return_counts=True), distinct,
          call=lambda x: mg.unique(x, return_inverse=True, return_counts=True), case="all",
          second=False),
    unary("bincount", lambda x: np.bincount(np.ravel(x > 0), minlength=3), differentiable=False,
          call=lambda x: mg.bincount(mg.reshape(x > 0, (-1,)), minlength=3), door=True),
    Sample("dist", lambda x, y: np.linalg.norm((x - y).ravel()), ((2, 3), (2, 3)),
           (normal, distinct), zero_d=((), ()), empty=((0, 3), (3,)), broadcast=((2, 3), (3,))),
    Sample("dist", lambda x, y: np.sum(np.abs(x - y) ** 3) ** (1 / 3), ((2, 3), (2, 3)),
           (normal, distinct), lambda x, y: mg.dist(x, y, 3), case="p"),
    unary("median", lambda x: np.sort(x.ravel())[2], distinct, zero_d=None, empty=None),
    reduction("median", lambda x: (np.median(x, 1), np.argsort(x, 1)[:, 1]), distinct,
              call=lambda x: mg.median(x, 1), along=mg.median, case="dim", empty=None),
    unary("quantile", lambda x: np.quantile(x, 0.3), distinct, call=lambda x: mg.quantile(x, 0.3),
          empty=None, door=True),
    reduction("quantile", lambda x: np.quantile(x, [0.3, 0.9], axis=1, keepdims=True), distinct,
              call=lambda x: mg.quantile(x, [0.3, 0.9], 1, keepdim=True), case="dim", empty=None,
              along=lambda x, dim: mg.quantile(x, 0.5, dim), door=True),
    *[reduction("quantile", lambda x, m=method: np.quantile(x, 0.3, axis=1, method=m), distinct,
                call=lambda x, m=method: mg.quantile(x, 0.3, 1, interpolation=m), case=method,
                empty=None, door=True)
      for method in ("lower", "higher", "nearest", "midpoint")],
]  # fmt: skip

SAMPLES: list[Sample] = [*REDUCTIONS, *SCANS, *ORDER]
