"""One table of all distributions: how to make one, what SciPy calls it, and values for it.

The tests of properties run over the whole table; a new distribution needs a row, not a test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import stats


@dataclass
class Row:
    """A distribution.

    name        of the class
    parameters  by name: arrays of numbers, which become tensors
    scipy       SciPy's distribution of the parameters, each an array; None: it has none
    fixed       other arguments
    """

    name: str
    parameters: dict[str, Any]
    scipy: Callable[..., Any] | None = None
    fixed: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name}({', '.join([*self.parameters, *self.fixed])})"

    def tensors(self, library: Any, grad: bool = False) -> dict[str, Any]:
        """The parameters as tensors of a library; floating-point ones may require grad."""
        given = {name: np.asarray(value) for name, value in self.parameters.items()}
        return {
            name: library.tensor(array, requires_grad=grad and array.dtype.kind == "f")
            for name, array in given.items()
        }

    def make(self, library: Any, tensors: dict[str, Any] | None = None) -> Any:
        """The distribution of a library."""
        given = self.tensors(library) if tensors is None else tensors
        return getattr(library.distributions, self.name)(**given, **self.fixed)

    def reference(self) -> Any:
        """SciPy's distribution."""
        return self.scipy(**{k: np.asarray(v) for k, v in self.parameters.items()}, **self.fixed)


def odds(p: Any) -> Any:
    """The logits of probabilities."""
    return np.log(p) - np.log1p(-np.asarray(p))


LOC = {"loc": [0.5, -1.0], "scale": [0.7, 2.0]}
SIMPLEX = np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]])
COVARIANCE = np.array([[2.0, 0.5, 0.1], [0.5, 1.0, -0.3], [0.1, -0.3, 1.5]])
P = np.array([0.2, 0.7])

CONTINUOUS = [
    Row("Normal", LOC, lambda loc, scale: stats.norm(loc, scale)),
    Row("Laplace", LOC, lambda loc, scale: stats.laplace(loc, scale)),
    Row("Cauchy", LOC, lambda loc, scale: stats.cauchy(loc, scale)),
    Row("Gumbel", LOC, lambda loc, scale: stats.gumbel_r(loc, scale)),
    Row("LogNormal", LOC, lambda loc, scale: stats.lognorm(scale, scale=np.exp(loc))),
    Row("HalfNormal", {"scale": [0.7, 2.0]}, lambda scale: stats.halfnorm(scale=scale)),
    Row("HalfCauchy", {"scale": [0.7, 2.0]}, lambda scale: stats.halfcauchy(scale=scale)),
    Row("Uniform", {"low": [-1.0, 0.0], "high": [2.0, 0.5]},
        lambda low, high: stats.uniform(low, high - low)),
    Row("Exponential", {"rate": [0.5, 3.0]}, lambda rate: stats.expon(scale=1 / rate)),
    Row("Gamma", {"concentration": [0.7, 4.0], "rate": [2.0, 0.5]},
        lambda concentration, rate: stats.gamma(concentration, scale=1 / rate)),
    Row("InverseGamma", {"concentration": [2.5, 4.0], "rate": [2.0, 0.5]},
        lambda concentration, rate: stats.invgamma(concentration, scale=rate)),
    Row("Chi2", {"df": [1.5, 6.0]}, lambda df: stats.chi2(df)),
    Row("Beta", {"concentration1": [0.7, 3.0], "concentration0": [2.0, 1.5]},
        lambda concentration1, concentration0: stats.beta(concentration1, concentration0)),
    Row("StudentT", {"df": [3.5, 6.0], **LOC},
        lambda df, loc, scale: stats.t(df, loc, scale)),
    Row("FisherSnedecor", {"df1": [3.0, 6.0], "df2": [5.0, 9.0]},
        lambda df1, df2: stats.f(df1, df2)),
    Row("Pareto", {"scale": [0.5, 2.0], "alpha": [2.5, 4.0]},
        lambda scale, alpha: stats.pareto(alpha, scale=scale)),
    Row("Weibull", {"scale": [0.5, 2.0], "concentration": [0.8, 3.0]},
        lambda scale, concentration: stats.weibull_min(concentration, scale=scale)),
    Row("Kumaraswamy", {"concentration1": [0.8, 3.0], "concentration0": [2.0, 1.5]}),
    Row("Dirichlet", {"concentration": [[0.7, 2.0, 3.0], [1.0, 1.5, 0.6]]}),
    Row("LogisticNormal", {"loc": [0.5, -1.0], "scale": [0.7, 1.2]}),
    Row("MultivariateNormal", {"loc": [1.0, 0.0, -1.0], "covariance_matrix": COVARIANCE},
        lambda loc, covariance_matrix: stats.multivariate_normal(loc, covariance_matrix)),
    Row("MultivariateNormal",
        {"loc": [[1.0, 0.0, -1.0], [0.0, 0.0, 2.0]],
         "precision_matrix": np.linalg.inv(COVARIANCE)}),
    Row("MultivariateNormal", {"loc": [1.0, 0.0, -1.0], "scale_tril": np.tril(COVARIANCE + 0.4)}),
    Row("LowRankMultivariateNormal",
        {"loc": [1.0, 0.0, -1.0], "cov_factor": [[1.0], [0.5], [-1.0]],
         "cov_diag": [0.5, 1.0, 0.7]}),
    Row("ContinuousBernoulli", {"probs": P}),
    Row("ContinuousBernoulli", {"logits": [-3.0, 0.02]}),
    Row("GeneralizedPareto", {"loc": [0.5, -1.0], "scale": [0.7, 2.0],
                              "concentration": [0.3, -0.5]},
        lambda loc, scale, concentration: stats.genpareto(concentration, loc, scale)),
    Row("GeneralizedPareto", {"loc": [0.5, -1.0], "scale": [0.7, 2.0],
                              "concentration": [0.0, -1.0]},
        lambda loc, scale, concentration: stats.genpareto(concentration, loc, scale)),
    Row("VonMises", {"loc": [0.5, -1.0], "concentration": [0.7, 4.0]},
        lambda loc, concentration: stats.vonmises(concentration, loc)),
    Row("LKJCholesky", {"concentration": [0.7, 2.0]}, fixed={"dim": 3}),
    Row("Wishart", {"df": [4.5, 6.0], "covariance_matrix": COVARIANCE}),
    Row("Wishart", {"df": 3.5, "precision_matrix": np.linalg.inv(COVARIANCE)}),
    Row("Wishart", {"df": [4.5, 6.0], "scale_tril": np.tril(COVARIANCE + 0.4)}),
    Row("RelaxedBernoulli", {"temperature": 0.7, "probs": P}),
    Row("RelaxedOneHotCategorical", {"temperature": 0.7, "logits": np.log(SIMPLEX)}),
]  # fmt: skip
DISCRETE = [
    Row("Bernoulli", {"probs": P}, lambda probs: stats.bernoulli(probs)),
    Row("Bernoulli", {"logits": odds(P)}),
    Row("Geometric", {"probs": P}, lambda probs: stats.geom(probs, -1)),
    Row("Geometric", {"logits": odds(P)}),
    Row(
        "Binomial",
        {"total_count": [5, 3], "probs": P},
        lambda total_count, probs: stats.binom(total_count, probs),
    ),
    Row("Binomial", {"logits": odds(P)}, fixed={"total_count": 4}),
    Row(
        "NegativeBinomial",
        {"total_count": [2.5, 3.0], "probs": P},
        lambda total_count, probs: stats.nbinom(total_count, 1 - probs),
    ),
    Row("Poisson", {"rate": [0.7, 4.0]}, lambda rate: stats.poisson(rate)),
    Row("Categorical", {"probs": SIMPLEX * 3}),
    Row("Categorical", {"logits": np.log(SIMPLEX) + 1}),
    Row("OneHotCategorical", {"probs": SIMPLEX}),
    Row("OneHotCategorical", {"logits": np.log(SIMPLEX)}),
    Row("OneHotCategoricalStraightThrough", {"probs": SIMPLEX}),
    Row("Multinomial", {"probs": SIMPLEX}, fixed={"total_count": 5}),
    Row("Multinomial", {"logits": np.log(SIMPLEX)}, fixed={"total_count": 5}),
]
ROWS = CONTINUOUS + DISCRETE
