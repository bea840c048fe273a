"""Points where a plausible formula gives a wrong number: tails, ties, singular points, infinities.

`CASES` have operands of any shape; their right values are written out, with the reason.  Functions
of one number stand in `hard_curves`.  `tests/test_hard.py` tries each in both modes and in several
types.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, nan
from typing import Any

import numpy as np

import minigrad as mg

F = mg.nn.functional
f32, f64 = np.float32, np.float64


@dataclass(frozen=True)
class Case:
    """An op at operands where it is hard, with its right result and gradients.

    name       where the op is under `minigrad`
    why        what goes wrong with a plausible formula, or where the right numbers come from
    call       the op with its other arguments
    operands   nested lists
    value      the right result; None: not compared
    gradients  the right gradient of each operand for the cotangent; empty: not compared
    cotangent  of the result; None: ones
    second     the right derivative of the gradient of the first operand along `direction`
    dtypes     types that are tried
    tolerance  relative, in float64; in float32 and float16 that of the type
    forward    whether forward mode gives the same (0 times inf is NaN in the one and not the other)
    """

    name: str
    why: str
    call: Callable[..., Any]
    operands: tuple[Any, ...]
    value: Any = None
    gradients: tuple[Any, ...] = ()
    cotangent: Any = None
    direction: Any = None
    second: Any = None
    dtypes: tuple[Any, ...] = (f64, f32)
    tolerance: float = 1e-12
    forward: bool = True

    def __str__(self) -> str:
        return f"{self.name}: {self.why}"


half = np.float16
HALF = (half,)
E = float(np.e)
thousand = np.full(1000, 100.0)
ramp = np.linspace(-300.0, 300.0, 1000)
# the standard deviation of n evenly spaced numbers from -a to a is a sqrt((n + 1) / (3 (n - 1)))
RAMP_STD = 300.0 * (1001 / (3 * 999)) ** 0.5
root = 1.5**0.5

SUMS = [
    Case("mean", "the sum leaves float16, the mean does not", lambda x: x.mean(), (thousand,),
         100.0,
         (np.full(1000, 1e-3),), dtypes=(f64, f32, half)),
    Case("sum", "4096 ones: in float16 2048 + 1 is 2048", lambda x: x.sum(0), (np.ones((4096, 2)),),
         [4096.0, 4096.0], (np.ones((4096, 2)),), dtypes=(f64, f32, half), forward=False),
    Case("nanmean", "the count leaves float16 as well", lambda x: x.nanmean(),
         (np.full(70000, 0.5),), 0.5, dtypes=(f32, half), forward=False),
    Case("var", "squares leave float16", lambda x: x.var(correction=0), (ramp / 3,),
         (RAMP_STD / 3) ** 2, (2 * ramp / 3 / 1000,), dtypes=(f64, f32, half), forward=False,
         tolerance=1e-11),
    Case("std", "squares leave float16", lambda x: x.std(correction=0), (ramp,), RAMP_STD,
         (ramp / RAMP_STD / 1000,), dtypes=(f64, f32, half), forward=False, tolerance=1e-11),
    Case("linalg.vector_norm", "squares leave float16", lambda x: mg.linalg.vector_norm(x),
         ([300.0, 400.0],), 500.0, ([0.6, 0.8],), dtypes=(f64, f32, half)),
    Case("norm", "squares leave every type", lambda x: mg.norm(x), ([3e-30, 4e-30],), 5e-30,
         ([0.6, 0.8],)),
    Case("dist", "squares leave float16", lambda x: mg.dist(x, x * 0.0), ([300.0, 400.0],), 500.0,
         dtypes=(f64, half)),
    Case("nn.functional.mse_loss", "sum of squares leaves float16",
         lambda x: F.mse_loss(x, x.detach() * 0.0), (np.full(1000, 10.0),), 100.0,
         (np.full(1000, 0.02),), dtypes=(f64, f32, half)),
    Case("nn.functional.l1_loss", "the sum leaves float16", lambda x: F.l1_loss(x,
         x.detach() * 0.0),
         (thousand,), 100.0, (np.full(1000, 1e-3),), dtypes=(f64, f32, half)),
    Case("nn.functional.cross_entropy", "rows of equal scores: log of the number of classes",
         lambda x: F.cross_entropy(x, mg.zeros(3, dtype=mg.int64)), (np.full((3, 4096), 9.0),),
         np.log(4096.0), dtypes=(f64, f32, half), forward=False),
    Case("softmax", "a sum of 4096 equal numbers", lambda x: x.softmax(0)[:2], (np.full(4096,
         9.0),),
         [1 / 4096, 1 / 4096], dtypes=(f64, f32, half), forward=False),
    Case("log_softmax", "a sum of 4096 equal numbers", lambda x: x.log_softmax(0)[:2],
         (np.full(4096, 9.0),), [-np.log(4096)] * 2, dtypes=(f64, f32, half), forward=False),
    Case("logsumexp", "a sum of 4096 equal numbers", lambda x: x.logsumexp(0), (np.full(4096,
         9.0),),
         9 + np.log(4096), dtypes=(f64, f32, half), forward=False),
    Case("nn.functional.layer_norm", "squares leave float16",
         lambda x: F.layer_norm(x, (1000,), eps=0.0)[[0, 499, 999]], (ramp,),
         [-300 / RAMP_STD, ramp[499] / RAMP_STD, 300 / RAMP_STD], dtypes=(f64, f32, half),
         forward=False, tolerance=1e-11),
    Case("nn.functional.rms_norm", "squares leave float16",
         lambda x: F.rms_norm(x, (2,), eps=0.0), ([300.0, 400.0],),
         [0.6 * 2**0.5, 0.8 * 2**0.5], dtypes=(f64, f32, half)),
    Case("nn.functional.avg_pool1d", "the sum of a window leaves float16",
         lambda x: F.avg_pool1d(x, 2), ([[[40000.0, 40000.0]]],), [[[40000.0]]], ([[[0.5, 0.5]]],),
         dtypes=(f64, f32, half)),
    Case("cumsum", "in float16 2048 + 1 is 2048", lambda x: x.cumsum(0)[-1], (np.ones(4096),),
         4096.0,
         (np.ones(4096),), dtypes=(f64, f32, half), forward=False),
    Case("scatter_add", "4096 ones at one place",
         lambda x: mg.scatter_add(x[:1] * 0.0, 0, mg.zeros(4096, dtype=mg.int64), x),
         (np.ones(4096),), [4096.0], dtypes=(f64, f32, half), forward=False),
    Case("index_add", "4096 ones at one place",
         lambda x: mg.index_add(x[:1] * 0.0, 0, mg.zeros(4096, dtype=mg.int64), x),
         (np.ones(4096),), [4096.0], dtypes=(f64, f32, half), forward=False),
    Case("nn.functional.embedding", "gradients of 4096 equal rows add up",
         lambda w: F.embedding(mg.zeros(4096, dtype=mg.int64), w), ([[1.0, 2.0]],), None,
         ([[4096.0, 4096.0]],), dtypes=(f64, f32, half), forward=False),
    Case("linear", "the bias gets the sum of 4096 rows",
         lambda b: mg.linear(mg.ones(4096, 1, dtype=b.dtype), mg.ones(2, 1, dtype=b.dtype), b),
         ([0.0, 0.0],), None, ([4096.0, 4096.0],), dtypes=(f64, f32, half), forward=False),
    Case("nn.functional.scaled_dot_product_attention", "the scores leave float16",
         lambda q: F.scaled_dot_product_attention(q, q, q), (np.full((2, 64), 200.0),),
         np.full((2, 64), 200.0), dtypes=(f64, f32, half), forward=False),
    Case("mean", "a million rows, one after the other, lose digits", lambda x: x.mean(0),
         (np.full((10**6, 2), 0.1),), [0.1, 0.1], dtypes=(f32,), forward=False),
    Case("sum", "rows of three axes", lambda x: x.sum((0, 2)) / 4e5, (np.full((10**5, 2, 4), 0.1),),
         [0.1, 0.1], dtypes=(f32,), forward=False),
    Case("var", "a million rows", lambda x: x.var(0, correction=0),
         (np.tile([[0.1, 0.2], [0.3, 0.4]], (500000, 1)),), [0.01, 0.01], dtypes=(f32,),
         forward=False),
    Case("linear", "the bias gets the sum of a million rows",
         lambda b: mg.linear(mg.ones(10**6, 1), mg.ones(2, 1), b) * 0.1, ([0.0, 0.0],), None,
         ([1e5, 1e5],), dtypes=(f32,), forward=False),
]  # fmt: skip

eye = np.eye(2)
TIES = [
    Case("logaddexp", "a tie: the slope of the share is a quarter", mg.logaddexp, (0.4, 0.4),
         0.4 + np.log(2), (0.5, 0.5), direction=1.0, second=0.25),
    Case("logaddexp2", "a tie: the slope of the share is log(2) / 4", mg.logaddexp2, (0.4, 0.4),
         1.4,
         (0.5, 0.5), direction=1.0, second=np.log(2) / 4),
    Case("nn.functional.prelu", "an infinite slope is that of what is below 0 alone", F.prelu,
         ([[1.0, -2.0]], [inf, 0.5]), [[1.0, -1.0]], ([[1.0, 0.5]], [0.0, -2.0]), forward=False),
    Case("nn.functional.hardshrink", "a NaN stays", F.hardshrink, ([nan, 0.2, 2.0],),
         [nan, 0.0, 2.0]),
    Case("digamma", "-1/x near the pole", mg.digamma, ([-1e-15],), [1e15], ([1e30],)),
    Case("special.scaled_modified_bessel_k0", "slopes far out, from mpmath with 60 digits",
         mg.special.scaled_modified_bessel_k0, ([1000.0],), [0.039628321600754217],
         ([-1.9809212205993365e-5],), direction=[1.0], second=[2.970640097347964e-8]),
    Case("special.scaled_modified_bessel_k1", "slopes far out, from mpmath with 60 digits",
         mg.special.scaled_modified_bessel_k1, ([1000.0],), [0.03964813081296021],
         ([-1.9838918606966845e-5],), direction=[1.0], second=[2.9780648446447415e-8]),
    Case("linalg.vector_norm", "a 0 decides alone", lambda x: mg.linalg.vector_norm(x, -1),
         ([0.0, 3.0],), 0.0, ([0.0, 0.0],)),
    Case("linalg.vector_norm", "at 0 the gradient stays 0", lambda x: mg.linalg.vector_norm(x),
         ([0.0, 0.0],), 0.0, ([0.0, 0.0],), direction=[1.0, 2.0], second=[0.0, 0.0]),
    Case("std", "of equal numbers the gradient stays 0", lambda x: x.std(), ([1.0, 1.0],), 0.0,
         ([0.0, 0.0],), direction=[1.0, 2.0], second=[0.0, 0.0]),
    Case("maximum", "a tie: one half each", mg.maximum, ([1.0], [1.0]), [1.0], ([0.5], [0.5])),
    Case("minimum", "a tie: one half each", mg.minimum, ([1.0], [1.0]), [1.0], ([0.5], [0.5])),
    Case("amax", "two largest entries", mg.amax, ([2.0, 1.0, 2.0],), 2.0, ([0.5, 0.0, 0.5],)),
    Case("amin", "two smallest entries", mg.amin, ([2.0, 1.0, 1.0],), 1.0, ([0.0, 0.5, 0.5],)),
    Case("amax", "NaN is the largest", mg.amax, ([nan, 1.0],), nan, ([1.0, 0.0],), forward=False),
    Case("max", "NaN is the largest", lambda x: x.max(), ([1.0, nan],), nan, ([0.0, 1.0],),
         forward=False),
    Case("max", "NaN is the largest along an axis", lambda x: x.max(0).values, ([1.0, nan],), nan,
         ([0.0, 1.0],), forward=False),
    Case("amin", "NaN is the smallest", mg.amin, ([nan, 1.0],), nan, ([1.0, 0.0],), forward=False),
    Case("linalg.det", "a singular matrix: cofactors", mg.linalg.det, ([[1.0, 2.0], [2.0, 4.0]],),
         0.0,
         ([[4.0, -2.0], [-2.0, 1.0]],), direction=[[1.0, 2.0], [3.0, 5.0]],
         second=[[5.0, -3.0], [-2.0, 1.0]]),
    Case("linalg.det", "the zero matrix", mg.linalg.det, (np.zeros((2, 2)),), 0.0,
         (np.zeros((2, 2)),), direction=[[1.0, 2.0], [3.0, 5.0]], second=[[5.0, -3.0], [-2.0,
         1.0]]),
    Case("linalg.det", "rank 1 of 3: all cofactors are 0, their derivatives are not", mg.linalg.det,
         (np.diag([1.0, 0.0, 0.0]),), 0.0, (np.zeros((3, 3)),), direction=np.diag([0.0, 1.0, 0.0]),
         second=np.diag([0.0, 0.0, 1.0])),
    Case("linalg.svdvals", "the sum of squares at a tie: twice the matrix",
         lambda x: (mg.linalg.svdvals(x) ** 2).sum(), (eye,), 2.0, (2 * eye,)),
    Case("linalg.matrix_norm", "the nuclear norm at a tie: U V", lambda x: mg.linalg.matrix_norm(x,
         "nuc"),
         (eye,), 2.0, (eye,)),
    Case("linalg.eigvalsh", "the trace at a tie", lambda x: mg.linalg.eigvalsh(x).sum(), (eye,),
         2.0,
         (eye,)),
    Case("linalg.eigvalsh", "NaN in, NaN out", mg.linalg.eigvalsh, ([[nan, 0.0], [0.0, 1.0]],),
         [nan, nan], forward=False),
    Case("linalg.matrix_exp", "at 0: the identity", lambda x: mg.linalg.matrix_exp(x).sum(),
         (np.zeros((2, 2)),), 2.0, (np.ones((2, 2)),)),
    Case("sort", "equal entries keep their order", lambda x: x.sort().values, ([2.0, 1.0, 1.0],),
         [1.0, 1.0, 2.0], ([3.0, 1.0, 2.0],), cotangent=[1.0, 2.0, 3.0]),
]  # fmt: skip

INFINITIES = [
    Case("relu", "an infinite cotangent meets 0", lambda x: mg.relu(x).sqrt(), ([-1.0, 4.0],),
         [0.0, 2.0], ([0.0, 0.25],), forward=False),
    Case("nn.functional.leaky_relu", "an infinite cotangent on the other side",
         lambda x: F.leaky_relu(x, 0.5), ([-2.0, 2.0],), [-1.0, 2.0], ([0.5, inf],),
         cotangent=[1.0, inf], forward=False),
    Case("nn.functional.hardtanh", "an infinite cotangent meets 0", lambda x: F.hardtanh(x),
         ([-2.0, 0.5],), [-1.0, 0.5], ([0.0, 3.0],), cotangent=[inf, 3.0], forward=False),
    Case("nn.functional.relu6", "an infinite cotangent meets 0", lambda x: F.relu6(x), ([7.0,
         0.5],),
         [6.0, 0.5], ([0.0, 3.0],), cotangent=[inf, 3.0], forward=False),
    Case("nn.functional.threshold", "an infinite cotangent meets 0", lambda x: F.threshold(x, 1.0,
         0.0),
         ([0.5, 2.0],), [0.0, 2.0], ([0.0, 3.0],), cotangent=[inf, 3.0], forward=False),
    Case("nn.functional.hardshrink", "an infinite cotangent meets 0", lambda x: F.hardshrink(x),
         ([0.1, 2.0],), [0.0, 2.0], ([0.0, 3.0],), cotangent=[inf, 3.0], forward=False),
    Case("nn.functional.prelu", "an infinite cotangent meets 0", F.prelu, ([[2.0]], [0.5]), [[2.0]],
         ([[inf]], [0.0]), cotangent=[[inf]], forward=False),
    Case("where", "an infinite cotangent of what was not chosen",
         lambda x: mg.where(x > 0, x.clamp(min=0.0).sqrt(), 0.0), ([-1.0, 4.0],), [0.0, 2.0],
         ([0.0, 0.25],), forward=False),
    Case("clamp", "an infinite cotangent meets 0", lambda x: mg.clamp(x, min=0.0), ([-1.0, 2.0],),
         [0.0, 2.0], ([0.0, 3.0],), cotangent=[inf, 3.0], forward=False),
    Case("tril", "an infinite cotangent above the diagonal", mg.tril, ([[1.0, 2.0], [3.0, 4.0]],),
         [[1.0, 0.0], [3.0, 4.0]], ([[1.0, 0.0], [1.0, 1.0]],), cotangent=[[1.0, inf], [1.0, 1.0]],
         forward=False),
    Case("trace", "an infinite cotangent off the diagonal", mg.trace, (eye,), 2.0,
         ([[inf, 0.0], [0.0, inf]],), cotangent=inf, forward=False),
    Case("einsum", "an infinite cotangent off the diagonal", lambda x: mg.einsum("ii->i", x),
         (eye,),
         [1.0, 1.0], ([[inf, 0.0], [0.0, 2.0]],), cotangent=[inf, 2.0], forward=False),
    Case("linalg.vector_norm", "an infinite cotangent of what is not the largest",
         lambda x: mg.linalg.vector_norm(x, inf), ([1.0, -3.0],), 3.0, ([0.0, -inf],),
         cotangent=inf,
         forward=False),
    Case("quantile", "an infinity that is not read", lambda x: mg.quantile(x, 0.5), ([1.0, 2.0,
         inf],),
         2.0, ([0.0, 1.0, 0.0],), forward=False),
    Case("quantile", "halfway to infinity", lambda x: mg.quantile(x, 0.75), ([1.0, 2.0, inf],), inf,
         forward=False),
    Case("quantile", "halfway from minus infinity", lambda x: mg.quantile(x, 0.25), ([-inf, 2.0,
         3.0],),
         -inf, forward=False),
    Case("median", "an infinity that is not read", lambda x: np.median(x), ([0.5, 3.0, inf],), 3.0,
         forward=False),
    Case("logcumsumexp", "nothing flows back from behind an infinity",
         lambda x: x.logcumsumexp(0)[:2], ([1.0, 2.0, inf, 3.0],), [1.0, 2 + np.log1p(1 / E)],
         ([1 + 1 / (1 + E), E / (1 + E), 0.0, 0.0],), forward=False),
    Case("logcumsumexp", "infinite entries share what comes from behind",
         lambda x: x.logcumsumexp(0)[-1], ([1.0, inf, 3.0, inf],), inf, ([0.0, 0.5, 0.0, 0.5],),
         forward=False),
    Case("logsumexp", "an infinite entry takes all", lambda x: x.logsumexp(0), ([inf, 1.0],), inf,
         ([1.0, 0.0],), forward=False),
    Case("logsumexp", "nothing but minus infinities", lambda x: x.logsumexp(0), ([-inf, -inf],),
         -inf,
         ([0.0, 0.0],), forward=False),
    Case("cumprod", "nothing flows back from behind an infinity", lambda x: x.cumprod(0)[:2],
         ([2.0, 3.0, inf, 4.0],), [2.0, 6.0], ([4.0, 2.0, 0.0, 0.0],), forward=False),
    Case("prod", "an infinite product", mg.prod, ([2.0, inf],), inf, ([inf, 2.0],), forward=False),
    Case("prod", "one zero: the product of the others", mg.prod, ([2.0, 0.0, 3.0],), 0.0,
         ([0.0, 6.0, 0.0],)),
    Case("cumprod", "a zero inside", lambda x: x.cumprod(0), ([2.0, 0.0, 3.0],), [2.0, 0.0, 0.0],
         ([1.0, 8.0, 0.0],)),
    Case("nn.functional.adaptive_avg_pool1d", "NaN stays in its window",
         lambda x: F.adaptive_avg_pool1d(x, 2), ([[[nan, 1.0, 2.0, 3.0]]],), [[[nan, 2.5]]],
         ([[[0.5, 0.5, 0.5, 0.5]]],), forward=False),
    Case("nn.functional.adaptive_avg_pool2d", "an infinite cotangent stays in its window",
         lambda x: F.adaptive_avg_pool2d(x, (1, 2)), ([[[1.0, 2.0]]],), [[[1.0, 2.0]]],
         ([[[inf, 3.0]]],), cotangent=[[[inf, 3.0]]], forward=False),
    Case("nn.functional.interpolate", "an infinity reaches as far as it is looked at",
         lambda x: F.interpolate(x, 6, mode="linear"), ([[[inf, 1.0, 2.0]]],),
         [[[inf, inf, inf, 1.25, 1.75, 2.0]]], forward=False),
    Case("nn.functional.interpolate", "bilinear", lambda x: F.interpolate(x, (1, 4),
         mode="bilinear"),
         ([[[[nan, 1.0]]]],), [[[[nan, nan, nan, 1.0]]]], forward=False),
    Case("nn.functional.interpolate", "area", lambda x: F.interpolate(x, 2, mode="area"),
         ([[[nan, 1.0, 2.0, 4.0]]],), [[[nan, 3.0]]], forward=False),
    Case("nn.functional.layer_norm", "squares overflow", lambda x: F.layer_norm(x, (3,)),
         ([-1e30, 0.0, 1e30],), [-root, 0.0, root], dtypes=(f32,), forward=False),
    Case("nn.functional.group_norm", "squares overflow", lambda x: F.group_norm(x, 1),
         ([[-1e30, 0.0, 1e30]],), [[-root, 0.0, root]], dtypes=(f32,), forward=False),
    Case("nn.functional.batch_norm", "squares overflow",
         lambda x: F.batch_norm(x, None, None, training=True), ([[-1e30], [0.0], [1e30]],),
         [[-root], [0.0], [root]], dtypes=(f32,), forward=False),
    Case("nn.functional.instance_norm", "squares overflow", lambda x: F.instance_norm(x),
         ([[[-1e30, 0.0, 1e30]]],), [[[-root, 0.0, root]]], dtypes=(f32,), forward=False),
    Case("nn.functional.rms_norm", "squares overflow", lambda x: F.rms_norm(x, (3,)),
         ([-1e30, 0.0, 1e30],), [-root, 0.0, root], dtypes=(f32,), forward=False),
    Case("nan_to_num", "NaN has no gradient", mg.nan_to_num, ([nan, 1.0, inf],), None,
         ([0.0, 1.0, 0.0],), forward=False),
    Case("nansum", "NaN counts as 0", mg.nansum, ([nan, 1.0, 2.0],), 3.0, ([0.0, 1.0, 1.0],),
         forward=False),
    Case("hypot", "the origin: 0 by convention", mg.hypot, (0.0, 0.0), 0.0, (0.0, 0.0)),
    Case("abs", "the kink: 0 by convention", mg.abs, ([0.0, -2.0],), [0.0, 2.0], ([0.0, -1.0],)),
    Case("std", "equal numbers: 0 by convention", lambda x: x.std(), ([2.0, 2.0],), 0.0,
         ([0.0, 0.0],)),
    Case("linalg.norm", "the zero vector: 0 by convention", mg.linalg.norm, ([0.0, 0.0],), 0.0,
         ([0.0, 0.0],)),
    Case("pow", "0 to the power of 0", mg.pow, ([0.0], [0.0]), [1.0], ([0.0], [0.0])),
]  # fmt: skip

million = 10**6
scores = [[[-6.0, -1.0, 0.25, 7.0]]]


def behind(name: str, why: str, call: Any, x: Any, kept: Any, value: Any = None) -> Case:
    """A case whose cotangents are infinite: they go where `kept` is 1, and leave the rest at 0."""
    slopes = np.array(kept, float)
    gradient = np.where(slopes == 0, 0.0, np.where(slopes > 0, inf, -inf))
    return Case(name, f"an infinite cotangent {why}", call, (x,), value, (gradient,),
                cotangent=np.full(np.shape(x), inf), forward=False)  # fmt: skip


MASKS = [
    Case("relu", "a NaN of either sign passes the cotangent on", mg.relu,
         ([nan, -nan, -0.0, 0.0, 2.0],), [nan, nan, 0.0, 0.0, 2.0], ([1.0, 1.0, 0.0, 0.0, 1.0],),
         dtypes=(f64, f32, half), forward=False),
    Case("relu", "and so it does among many", lambda x: mg.relu(x) * 1.1,
         (np.tile([nan, -nan, -0.0, 0.0, 2.0], 1000),), None,
         (np.tile([1.1, 1.1, 0.0, 0.0, 1.1], 1000),), dtypes=(f64, f32, half), forward=False),
    behind("relu", "meets no 0", lambda x: x.relu(), scores, [[[0, 0, 1, 1]]]),
    behind("nn.functional.relu6", "meets no 0", F.relu6, scores, [[[0, 0, 1, 0]]]),
    behind("nn.functional.hardtanh", "meets no 0", F.hardtanh, scores, [[[0, 0, 1, 0]]]),
    behind("nn.functional.hardsigmoid", "meets no 0", F.hardsigmoid, scores, [[[0, 1, 1, 0]]]),
    behind("nn.functional.hardswish", "meets no 0", F.hardswish, scores, [[[0, 1, 1, 1]]]),
    behind("nn.functional.hardshrink", "meets no 0", F.hardshrink, scores, [[[1, 1, 0, 1]]]),
    behind("nn.functional.softshrink", "meets no 0", F.softshrink, scores, [[[1, 1, 0, 1]]]),
    behind("nn.functional.threshold", "meets no 0", lambda x: F.threshold(x, 0.0, 5.0), scores,
           [[[0, 0, 1, 1]]]),
    behind("nn.functional.leaky_relu", "goes to both sides", F.leaky_relu, scores, [[[1] * 4]]),
    behind("nn.functional.elu", "goes to both sides", F.elu, scores, [[[1] * 4]]),
    behind("nn.functional.mish", "is not lost at 0 times inf far out", F.mish, [200.0, 20.0, 3.0],
           [1, 1, 1]),
    behind("clamp", "meets no 0", lambda x: x.clamp(-2.0, 2.0), scores, [[[0, 1, 1, 0]]]),
    behind("where", "meets no 0", lambda x: mg.where(x > 0, x, 0.0), scores, [[[0, 0, 1, 1]]]),
    behind("maximum", "meets no 0", lambda x: mg.maximum(x, x.detach() * 0.0), scores,
           [[[0, 0, 1, 1]]]),
    behind("minimum", "meets no 0", lambda x: mg.minimum(x, x.detach() * 0.0), scores,
           [[[1, 1, 0, 0]]]),
    behind("masked_fill", "meets no 0", lambda x: x.masked_fill(x < 0, 9.0), scores,
           [[[0, 0, 1, 1]]]),
    behind("triu", "meets no 0", mg.triu, [[1.0, 2.0], [3.0, 4.0]], [[1, 1], [0, 1]]),
    behind("tril", "meets no 0", mg.tril, [[1.0, 2.0], [3.0, 4.0]], [[1, 0], [1, 1]]),
    Case("trace", "an infinite cotangent stays on the diagonal", mg.trace,
         ([[1.0, 2.0], [3.0, 4.0]],), 5.0, ([[inf, 0.0], [0.0, inf]],), cotangent=inf,
         forward=False),
    Case("einsum", "an infinite cotangent stays on the diagonal",
         lambda x: mg.einsum("ii->i", x), ([[1.0, 2.0], [3.0, 4.0]],), [1.0, 4.0],
         ([[inf, 0.0], [0.0, 5.0]],), cotangent=[inf, 5.0], forward=False),
    Case("diagonal", "an infinite cotangent stays on the diagonal", mg.diagonal,
         ([[1.0, 2.0], [3.0, 4.0]],), [1.0, 4.0], ([[inf, 0.0], [0.0, 5.0]],),
         cotangent=[inf, 5.0], forward=False),
    Case("nn.functional.max_pool1d", "an infinite cotangent goes to the largest",
         lambda x: F.max_pool1d(x, 2), (scores,), [[[-1.0, 7.0]]], ([[[0.0, inf, 0.0, inf]]],),
         cotangent=[[[inf, inf]]], forward=False),
    Case("gradient", "an infinity reaches its neighbours", lambda x: np.gradient(x),
         ([inf, 1.0, 2.0, 4.0, 7.0],), [-inf, -inf, 1.5, 2.5, 3.0], forward=False),
    Case("nn.functional.huber_loss", "far away the slope is the rate of the line",
         lambda x: F.huber_loss(x, x.detach() * 0.0, reduction="none"), ([1e30, -1e30],),
         [1e30, 1e30], ([1.0, -1.0],), forward=False),
    Case("logcumsumexp", "nothing flows back from behind a NaN",
         lambda x: x.logcumsumexp(0)[:2], ([1.0, 2.0, nan, 3.0],), [1.0, 2 + np.log1p(1 / E)],
         ([1 + 1 / (1 + E), E / (1 + E), 0.0, 0.0],), forward=False),
    Case("cummax", "nothing flows back from behind a NaN", lambda x: x.cummax(0).values[:2],
         ([1.0, 2.0, nan, 3.0],), [1.0, 2.0], ([1.0, 1.0, 0.0, 0.0],), forward=False),
    Case("cumsum", "nothing flows back from behind a NaN", lambda x: x.cumsum(0)[:2],
         ([1.0, 2.0, nan, 3.0],), [1.0, 3.0], ([2.0, 1.0, 0.0, 0.0],), forward=False),
]  # fmt: skip

EXTREMES = [
    Case("lerp", "the step leaves float16, the middle does not", lambda x, y: mg.lerp(x, y, 0.5),
         ([-6e4], [6e4]), [0.0], ([0.5], [0.5]), dtypes=(f64, f32, half)),
    Case("lerp", "the step leaves float32", lambda x, y: mg.lerp(x, y, 0.75),
         ([-2e38], [2e38]), [1e38], ([0.25], [0.75]), dtypes=(f32,)),
    Case("quantile", "the step leaves float16", lambda x: mg.quantile(x, 0.5), ([-6e4, 6e4],), 0.0,
         ([0.5, 0.5],), dtypes=(f64, f32, half)),
    Case("nn.functional.lp_pool1d", "squares leave float32, large and small",
         lambda x: F.lp_pool1d(x, 2, 2), ([[[3e30, 4e30, 3e-30, 4e-30]]],), [[[5e30, 5e-30]]],
         ([[[0.6, 0.8, 0.6, 0.8]]],)),
    Case("nn.functional.lp_pool1d", "squares leave float16", lambda x: F.lp_pool1d(x, 2, 2),
         ([[[300.0, 400.0]]],), [[[500.0]]], ([[[0.6, 0.8]]],), dtypes=(half,)),
    Case("nn.functional.local_response_norm", "squares leave float16: 1 + 1e-4 · 300² = 10",
         lambda x: F.local_response_norm(x, 1, beta=1.0), ([[[300.0]]],), [[[30.0]]],
         dtypes=(f64, f32, half)),
    Case("nn.functional.local_response_norm", "squares leave float32",
         lambda x: F.local_response_norm(x, 1, beta=0.5), ([[[1e30]]],), [[[100.0]]],
         dtypes=(f64, f32)),
    Case("corrcoef", "squares leave float32: that of (-1, 0, 1) and (-1, 1, 0)", mg.corrcoef,
         ([[-1e30, 0.0, 1e30], [-1.0, 1.0, 0.0]],), [[1.0, 0.5], [0.5, 1.0]]),
    Case("corrcoef", "squares leave float16", mg.corrcoef,
         ([[-3e4, 0.0, 3e4], [-1.0, 1.0, 0.0]],), [[1.0, 0.5], [0.5, 1.0]], dtypes=(half,)),
    Case("cov", "sums of squares leave float16", mg.cov,
         ([np.tile([-10.0, 10.0], 2000)],), 100.0 * 4000 / 3999, dtypes=(f64, f32, half)),
    Case("nn.functional.cosine_embedding_loss", "squares leave the type: 1 - 0.6",
         lambda x, y: F.cosine_embedding_loss(x, y, mg.ones(1)), ([[3e30, 4e30]], [[1e30, 0.0]]),
         0.4, tolerance=1e-11),
    Case("nn.functional.cosine_embedding_loss", "squares leave float16: 1 - 0.6",
         lambda x, y: F.cosine_embedding_loss(x, y, mg.ones(1, dtype=x.dtype)),
         ([[300.0, 400.0]], [[1000.0, 0.0]]), 0.4, dtypes=(half,)),
    Case("nn.functional.cosine_similarity", "squares leave the type", F.cosine_similarity,
         ([[3e30, 4e30]], [[1e30, 0.0]]), [0.6]),
    Case("nn.functional.normalize", "squares leave the type", F.normalize, ([[3e30, 4e30]],),
         [[0.6, 0.8]]),
    Case("nn.functional.normalize", "squares leave float16", F.normalize, ([[300.0, 400.0]],),
         [[0.6, 0.8]], dtypes=(half,)),
    Case("cdist", "squares leave float32", mg.cdist, ([[3e30, 4e30]], [[0.0, 0.0]]), [[5e30]],
         ([[0.6, 0.8]], [[-0.6, -0.8]])),
    Case("nn.functional.pairwise_distance", "squares leave float16", F.pairwise_distance,
         ([[300.0, 400.0]], [[0.0, 0.0]]), [500.0], ([[0.6, 0.8]], [[-0.6, -0.8]]),
         dtypes=(half,)),
    Case("mul", "what was broadcast gets the sum of 4096 rows",
         lambda w: w * mg.ones(4096, 2, dtype=w.dtype), ([1.0, 2.0],), None,
         ([4096.0, 4096.0],), dtypes=(f64, f32, half), forward=False),
    Case("add", "what was broadcast gets the sum of a million rows",
         lambda w: (w + mg.zeros(million, 2, dtype=w.dtype)) * 0.1, ([1.0, 2.0],), None,
         ([1e5, 1e5],), dtypes=(f32,), forward=False),
    Case("nn.functional.layer_norm", "weight and bias get the sums of a million rows",
         lambda w: F.layer_norm(mg.tensor([[-1.0, 1.0]]).expand(million, 2), (2,), w, w, 0.0) * 0.1,
         ([1.0, 1.0],), None, ([0.0, 2e5],), dtypes=(f32,), forward=False),
    Case("einsum", "a million rows", lambda x: mg.einsum("ij->j", x), (np.full((million, 2), 0.1),),
         [1e5, 1e5], dtypes=(f32,), forward=False),
    Case("einsum", "4096 ones", lambda x: mg.einsum("i->", x), (np.ones(4096),), 4096.0,
         (np.ones(4096),), dtypes=(half,), forward=False),
    Case("cumsum", "a million numbers", lambda x: x.cumsum(0)[-1], (np.full(million, 0.1),), 1e5,
         dtypes=(f32,), forward=False),
    Case("scatter_add", "a million numbers at one place",
         lambda x: mg.scatter_add(x[:1] * 0.0, 0, mg.zeros(million, dtype=mg.int64), x),
         (np.full(million, 0.1),), [1e5], dtypes=(f32,), forward=False),
    Case("index_add", "a million rows at one place",
         lambda x: mg.index_add(x[:1] * 0.0, 0, mg.zeros(million, dtype=mg.int64), x),
         (np.full((million, 2), 0.1),), [[1e5, 1e5]], dtypes=(f32,), forward=False),
    Case("index_put", "a million numbers at one place",
         lambda x: mg.index_put(x[:1] * 0.0, (mg.zeros(million, dtype=mg.int64),), x, True),
         (np.full(million, 0.1),), [1e5], dtypes=(f32,), forward=False),
    Case("scatter_reduce", "a million numbers at one place",
         lambda x: (x[:1] * 0.0).scatter_reduce(0, mg.zeros(million, dtype=mg.int64), x, "sum"),
         (np.full(million, 0.1),), [1e5], dtypes=(f32,), forward=False),
    Case("nn.functional.embedding", "gradients of a million equal rows",
         lambda w: F.embedding(mg.zeros(million, dtype=mg.int64), w) * 0.1, ([[1.0, 2.0]],), None,
         ([[1e5, 1e5]],), dtypes=(f32,), forward=False),
    Case("trapezoid", "a million rows", lambda x: mg.trapezoid(x, dim=0),
         (np.full((million, 2), 0.1),), [99999.9, 99999.9], dtypes=(f32,), forward=False),
]  # fmt: skip

CASES = [*SUMS, *TIES, *INFINITIES, *MASKS, *EXTREMES]
