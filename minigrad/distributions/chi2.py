"""The chi-squared distribution."""

from __future__ import annotations

from typing import Any

from minigrad import ops
from minigrad.distributions import constraints
from minigrad.distributions.gamma import Gamma
from minigrad.distributions.utils import (
    broadcast_all,
)

__all__ = ["Chi2"]


class Chi2(Gamma):
    """The distribution of the sum of df squared standard normal numbers.

    df   degrees of freedom, positive

    Forward    as `Gamma` with concentration df / 2 and rate ½
    Raises     ValueError if a df is not positive
    Example    >>> mg.distributions.Chi2(2.0).log_prob(mg.tensor(2.0))
               tensor(-1.6931)
    """

    arg_constraints = {"df": constraints.positive}

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        (df,) = broadcast_all(df)
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    @property
    def df(self) -> Any:
        """Degrees of freedom."""
        return 2 * self.concentration

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return Chi2(ops.expand(self.df, tuple(batch_shape)), self._validate_args)
