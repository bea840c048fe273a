"""A minigrad function as ``scipy.optimize`` wants it: a flat vector in, value and gradient out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import func
from minigrad.creation import as_array
from minigrad.graph import Variable, wrap
from minigrad.modes import no_grad
from minigrad.pytrees import flatten, map_tree

__all__ = ["ScipyObjective", "scipy_objective"]


class ScipyObjective:
    """What `scipy_objective` returns: a function of one flat float64 vector.

    x0       the start, flat
    jac      give it to ``minimize`` as ``jac=objective.jac``, or call the objective with
             ``jac=True``
    hess     the Hessian, a matrix: for trust-exact, trust-ncg, Newton-CG
    hessp    the Hessian times a vector, without the matrix
    """

    def __init__(self, function: Callable[[Any], Any], start: Any) -> None:
        leaves, self.rebuild = flatten(start)
        arrays = []
        for i, leaf in enumerate(leaves):
            array = as_array(leaf)
            if array.dtype.kind != "f":
                raise TypeError(
                    f"scipy_objective: what is optimized is floating-point; leaf {i} of the start "
                    f"is {array.dtype}"
                )
            arrays.append(array)
        self.function = function
        self.shapes = [array.shape for array in arrays]
        self.cuts = np.cumsum([array.size for array in arrays])[:-1]
        self.x0 = np.concatenate([np.empty(0), *[a.astype(np.float64).ravel() for a in arrays]])

    def unflatten(self, x: Any) -> Any:
        """The tree of tensors, shaped as the start was, that a flat vector stands for."""
        vector = np.asarray(x, dtype=np.float64)
        parts = np.split(vector.reshape(-1), self.cuts) if self.shapes else []
        tensors = [wrap(part.reshape(shape)) for part, shape in zip(parts, self.shapes)]
        return self.rebuild(tensors)

    def of_tensor(self, flat: Any) -> Any:
        """The value as a function of one flat tensor, for derivatives."""
        parts, start = [], 0
        for shape in self.shapes:
            size = int(np.prod(shape, dtype=int))
            parts.append(flat[start : start + size].reshape(shape))
            start += size
        return self.checked(self.function(self.rebuild(parts)))

    def checked(self, value: Any) -> Any:
        """The value, if it is one number that was computed from tensors."""
        if not isinstance(value, Variable) or value._array.size != 1:
            what = getattr(value, "shape", type(value).__name__)
            raise TypeError(
                f"scipy_objective: the function returns one number, a tensor, got {what}"
            )
        scalar: Any = value
        return scalar.reshape(())

    def __call__(self, x: Any) -> tuple[float, np.ndarray]:
        """Value and gradient, for ``minimize(objective, objective.x0, jac=True)``."""
        gradient, value = func.grad_and_value(self.of_tensor)(self.vector(x))
        return float(value), gradient._array.astype(np.float64)

    def vector(self, x: Any) -> Any:
        """SciPy's vector as a tensor of its own: SciPy writes into the one it hands out."""
        return wrap(np.array(x, dtype=np.float64))

    def value(self, x: Any) -> float:
        """The value alone."""
        with no_grad():
            return float(self.of_tensor(self.vector(x)))

    def jac(self, x: Any) -> np.ndarray:
        """The gradient alone, flat."""
        return self(x)[1]

    def hess(self, x: Any) -> np.ndarray:
        """The Hessian at `x`, a matrix."""
        return func.hessian(self.of_tensor)(self.vector(x))._array.astype(np.float64)

    def hessp(self, x: Any, p: Any) -> np.ndarray:
        """The Hessian at `x` times the vector `p`: the gradient of (gradient · p)."""
        direction = self.vector(p)

        def slope(flat: Any) -> Any:
            return (func.grad(self.of_tensor)(flat) * direction).sum()

        return func.grad(slope)(self.vector(x))._array.astype(np.float64)


def scipy_objective(function: Callable[[Any], Any], start: Any) -> ScipyObjective:
    """A function of tensors, made ready for ``scipy.optimize.minimize``.

    SciPy passes one flat vector of float64 and wants numbers in float64 back; with float32, or with
    tensors in place of arrays, several of its methods stop at the start or fail.

    function   takes what `start` is (a tensor, or a list, tuple or dict of them) and returns one
               number; it runs in float64
    start      where to begin: tensors, arrays or numbers

    Returns  a callable ``objective(x) -> (value, gradient)``, with the flat start ``objective.x0``,
             ``value``, ``jac``, ``hess``, ``hessp``, and ``unflatten(result.x)`` for the answer.
    Raises   TypeError if the start is not floating-point, or `function` does not return one number.
    Example  >>> from scipy.optimize import minimize
             >>> objective = mg.optim.scipy_objective(
             ...     lambda p: ((p["a"] - 3) ** 2).sum() + p["b"] ** 2,
             ...     {"a": mg.zeros(2), "b": mg.tensor(1.0)},
             ... )
             >>> result = minimize(objective, objective.x0, jac=True, method="L-BFGS-B")
             >>> objective.unflatten(result.x)["a"].round(4)
             tensor([3., 3.], dtype=float64)
    """
    detached = map_tree(lambda x: x._array if isinstance(x, Variable) else x, start)
    return ScipyObjective(function, detached)
