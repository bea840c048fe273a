"""L-BFGS, with a line search for the strong Wolfe conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from minigrad.graph import wrap
from minigrad.memory import writes
from minigrad.modes import enable_grad
from minigrad.optim.blocks import Array, Group
from minigrad.optim.optimizer import Optimizer, require
from minigrad.optim.saved import to_array


class Point(NamedTuple):
    """A place on the line x + t d: the loss f there, its gradient g, and the slope g·d."""

    t: float
    f: float
    g: Array
    slope: float


class LBFGS(Optimizer):
    """Limited-memory BFGS: Newton's method with a Hessian known from the last few steps only.

    With gradient g, s the last changes of the parameters and y those of the gradient::

        d = -H g             H is built from the pairs (s, y) by the two-loop recursion,
                             starting from the identity times (s·y) / (y·y) of the last pair
        x ← x + t d          t = lr, or found by the line search

    One call of `step` takes up to `max_iter` such steps, each of which computes the loss at least
    once: `closure` is needed.

    params             tensors, one group
    lr                 t, or the first t that the line search tries; the very first step is min(1,
                       1/Σ|g|) lr
    max_iter           steps taken by a call
    max_eval           losses computed by a call; None: 1.25 max_iter
    tolerance_grad     stop when no entry of g is larger
    tolerance_change   stop when neither the parameters nor the loss change by more
    history_size       pairs (s, y) that are kept
    line_search_fn     "strong_wolfe", or None

    Raises    ValueError for several groups or another line search
    Source    Nocedal and Wright 2006, algorithms 7.4, 7.5, 3.5 and 3.6; the safeguards of the line
              search are those of Schmidt's minFunc, which PyTorch uses, too
    Example   >>> x = mg.tensor([3.0, -2.0], requires_grad=True)
              >>> optimizer = mg.optim.LBFGS([x], line_search_fn="strong_wolfe")
              >>> def closure():
              ...     optimizer.zero_grad()
              ...     loss = ((x - 1) * (x - 1)).sum()
              ...     loss.backward()
              ...     return loss
              >>> _ = optimizer.step(closure)
              >>> [round(value, 4) for value in x.tolist()]
              [1.0, 1.0]
    """

    keeps_own_state = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        super().__init__(
            params, lr=lr, max_iter=max_iter,
            max_eval=max_iter * 5 // 4 if max_eval is None else max_eval,
            tolerance_grad=tolerance_grad, tolerance_change=tolerance_change,
            history_size=history_size, line_search_fn=line_search_fn,
        )  # fmt: skip
        self._memory: dict[str, Any] = {}

    def check(self, group: Group) -> None:
        super().check(group)
        require(not self.param_groups, "LBFGS: all parameters are in one group")
        search = group["line_search_fn"]
        require(
            search in (None, "strong_wolfe"),
            f'LBFGS: line_search_fn is "strong_wolfe" or None, got {search!r}',
        )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take up to ``max_iter`` steps.

        closure   computes the loss anew: zeroes the gradients, calls backward, returns the loss
        Returns   the first loss that `closure` returned.
        Raises    TypeError without a closure.
        """
        if closure is None:
            raise TypeError("LBFGS.step needs a closure that computes the loss again")
        if self._before:
            self._call(self._before)
        group, memory = self.param_groups[0], self._memory
        with enable_grad():
            first_loss = closure()
        evaluations = 1
        f, g = float(first_loss), self._gradient()
        memory["func_evals"] = memory.get("func_evals", 0) + 1
        for iteration in range(1, group["max_iter"] + 1):
            if np.abs(g).max(initial=0) <= group["tolerance_grad"]:
                break
            d = self._direction(g)
            newest = memory["n_iter"] == 1
            t = group["lr"] * (min(1.0, 1.0 / float(np.abs(g).sum())) if newest else 1.0)
            memory["prev_flat_grad"], memory["d"], memory["t"] = g, d, t
            f_before = memory["prev_loss"] = f
            slope = float(g @ d)
            if slope > -group["tolerance_change"]:
                break
            start = Point(0.0, f, g, slope)
            last = iteration == group["max_iter"]
            x = [p._array.copy() for p in group["params"]]
            if group["line_search_fn"] is not None:
                found, taken = strong_wolfe(self._line(closure, x, d), start, t, np.abs(d).max())
                t, f, g = found.t, found.f, found.g
                memory["t"] = t
                self._move(x, t, d)
            else:
                taken = 0 if last else 1
                self._move(x, t, d)
                if not last:
                    with enable_grad():
                        f, g = float(closure()), self._gradient()
            evaluations += taken
            memory["func_evals"] += taken
            settled = np.abs(t * d).max() <= group["tolerance_change"]
            if evaluations >= group["max_eval"] or settled:
                break
            if abs(f - f_before) < group["tolerance_change"]:
                break
        self.steps_taken += 1
        if self._after:
            self._call(self._after)
        return first_loss

    def _direction(self, g: Array) -> Array:
        """-H g by the two-loop recursion, after the last pair (s, y) was added to the history."""
        memory = self._memory
        memory["n_iter"] = memory.get("n_iter", 0) + 1
        if memory["n_iter"] == 1:
            memory.update(old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
            return -g
        ys, steps, inverses = memory["old_dirs"], memory["old_stps"], memory["ro"]
        y = g - memory["prev_flat_grad"]
        s = memory["d"] * memory["t"]
        curvature = float(y @ s)
        if curvature > 1e-10:
            if len(ys) == self.param_groups[0]["history_size"]:
                for kept in (ys, steps, inverses):
                    kept.pop(0)
            ys.append(y)
            steps.append(s)
            inverses.append(1.0 / curvature)
            memory["H_diag"] = curvature / float(y @ y)
        q = -g
        weights = []
        for y, s, inverse in zip(reversed(ys), reversed(steps), reversed(inverses)):
            weight = inverse * float(s @ q)
            q = q - weight * y
            weights.append(weight)
        d = q * memory["H_diag"]
        for y, s, inverse, weight in zip(ys, steps, inverses, reversed(weights)):
            d = d + s * (weight - inverse * float(y @ d))
        return d

    def _gradient(self) -> Array:
        """All gradients as one vector; zeros where there is none."""
        parts = [
            np.zeros_like(p._array).ravel() if p.grad is None else p.grad._array.ravel()
            for p in self.param_groups[0]["params"]
        ]
        return np.concatenate(parts)

    def _move(self, start: list[Array], t: float, d: Array) -> None:
        """Set the parameters to ``start + t d``."""
        arrays = [p._array for p in self.param_groups[0]["params"]]
        position = 0
        for array, x in zip(arrays, start):
            part = d[position : position + array.size].reshape(array.shape)
            position += array.size
            np.add(x, t * part, out=array)
        writes.note_all(writes.watch(arrays), self.name)

    def _line(
        self, closure: Callable[[], Any], x: list[Array], d: Array
    ) -> Callable[[float], Point]:
        """The loss at ``x + t d``, as a function of t that moves the parameters there."""

        def at(t: float) -> Point:
            self._move(x, t, d)
            with enable_grad():
                f = float(closure())
            g = self._gradient()
            return Point(t, f, g, float(g @ d))

        return at

    @property
    def state(self) -> dict[Any, dict[str, Any]]:
        """The history, under the first parameter: the pairs (s, y), and the last direction."""
        if not self._memory:
            return {}
        shared = {
            name: [wrap(v) if isinstance(v, np.ndarray) else v for v in value]
            if isinstance(value, list)
            else wrap(value) if isinstance(value, np.ndarray) else value
            for name, value in self._memory.items()
        }  # fmt: skip
        return {self.param_groups[0]["params"][0]: shared}

    def _read_state(self, saved: dict[Any, dict[str, Any]], parameters: list[Any]) -> None:
        memory: dict[str, Any] = {}
        for name, value in saved.get(0, {}).items():
            if name == "al" or value is None:  # the weights of the last recursion: not needed
                continue
            many = isinstance(value, (list, tuple))
            arrays = [to_array(v) for v in value] if many else [to_array(value)]
            values = [a.copy() if a.ndim else a.item() for a in arrays]
            memory[name] = values if many else values[0]
        self._memory = memory


# ---------------------------------------------------------------------------------- the line search


def strong_wolfe(
    at: Callable[[float], Point],
    start: Point,
    t: float,
    length: float,
    decrease: float = 1e-4,
    curvature: float = 0.9,
    smallest: float = 1e-9,
    most: int = 25,
) -> tuple[Point, int]:
    """A point where the strong Wolfe conditions hold: the loss fell enough, the slope is small.

    at         computes the point at t
    start      the point at t = 0
    t          the first guess
    length     the largest entry of the direction
    decrease   c₁: f(t) ≤ f(0) + c₁ t f'(0)
    curvature  c₂: |f'(t)| ≤ c₂ |f'(0)|
    smallest   give up when the parameters would change by less
    most       how many points are tried at most

    Returns    the point, or the best one found, and how many were computed.
    """

    def too_high(point: Point) -> bool:
        return point.f > start.f + decrease * point.t * start.slope

    def flat_enough(point: Point) -> bool:
        return abs(point.slope) <= -curvature * start.slope

    # go further until a minimum must lie between two points
    before, point = start, at(t)
    tried = 1
    while True:
        if tried > most:
            bracket = [start, point]
            break
        if too_high(point) or (tried > 2 and point.f >= before.f):
            bracket = [before, point]
            break
        if flat_enough(point):
            return point, tried
        if point.slope >= 0:
            bracket = [before, point]
            break
        t = point.t
        bounds = (t + 0.01 * (t - before.t), 10 * t)
        before, point = point, at(lowest_of_cubic(before, point, bounds))
        tried += 1

    # close in on it
    stuck = False
    low, high = (0, 1) if bracket[0].f <= bracket[1].f else (1, 0)
    while tried <= most:
        left, right = sorted(p.t for p in bracket)
        if (right - left) * length < smallest:
            break
        t = lowest_of_cubic(bracket[0], bracket[1], (left, right))
        margin = 0.1 * (right - left)
        if min(right - t, t - left) < margin:  # too close to an end, twice: stay away from it
            if stuck or t >= right or t <= left:
                t = right - margin if abs(t - right) < abs(t - left) else left + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        point = at(t)
        tried += 1
        if too_high(point) or point.f >= bracket[low].f:
            bracket[high] = point
            low, high = (0, 1) if bracket[0].f <= bracket[1].f else (1, 0)
            continue
        if flat_enough(point):
            return point, tried
        if point.slope * (bracket[high].t - bracket[low].t) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = point
    return bracket[low], tried


def lowest_of_cubic(a: Point, b: Point, bounds: tuple[float, float]) -> float:
    """The minimum, within `bounds`, of the cubic with the values and slopes of two points."""
    if a.t > b.t:
        a, b = b, a
    mean = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t)
    square = mean**2 - a.slope * b.slope
    root = sqrt(square) if square >= 0 else 0.0
    if not square >= 0 or b.slope - a.slope + 2 * root == 0:
        return (bounds[0] + bounds[1]) / 2
    lowest = b.t - (b.t - a.t) * ((b.slope + root - mean) / (b.slope - a.slope + 2 * root))
    return min(max(lowest, bounds[0]), bounds[1])
