"""``check_layer``: a layer written by hand, wherever it keeps its parameters and gradients."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.pytrees import describe, leaves_of, map_tree
from minigrad.testing.handwritten import Seed, check_vjp
from minigrad.testing.report import Diagnosis, Report
from minigrad.testing.wiring import (
    BACKWARD,
    FORWARD,
    Place,
    extra_arguments,
    fake_optimizers,
    gradient_place,
    is_array,
    method_of,
    places,
    zero_gradients,
)

Array = Any


def check_layer(
    layer: Any,
    *inputs: Any,
    params: Sequence[str] | None = None,
    grads: Sequence[str] | None = None,
    forward: str | None = None,
    backward: str | None = None,
    seed: Seed = None,
    atol: float = 0.0,
    rtol: float = 1e-6,
    accept_unverified: bool = False,
    raise_exception: bool = False,
) -> Report:
    """Check the backward pass of a layer that keeps its parameters, and their gradients, itself.

    layer    an object with a forward and a backward pass; or the two functions, as a pair, of which
             the first may return (result, cache) and the second is called with (g, cache); or one
             function that returns (loss, gradient)
    inputs   what the forward pass takes: floating-point arrays are checked, unless the backward
             pass returns nothing for them
    params   names of the parameters, as they stand after ``layer.``: ``"W"``, ``"params['W']"``,
             ``"layers[0].W"``. By default, all arrays of which a gradient is found, or that the
             backward pass updates
    grads    names of their gradients, in the same order; by default the usual ones, as ``dW``,
             ``grad_W`` or ``grads['W']`` for ``W``
    forward, backward  names of the two methods, where they have no usual ones
    seed     for layers that draw random numbers, as in `check_vjp`
    atol, rtol, accept_unverified, raise_exception  as in `check_vjp`

    A backward pass that updates parameters gets a learning rate of 1, or an optimizer made for the
    purpose, and the gradient is what the update took away.  Afterwards the parameters are as they
    were.

    Returns  a `Report`, as `check_vjp` does
    Raises   TypeError if there is no forward or backward pass, or no gradient of a parameter, with
             the names that were looked for
    Example  >>> import minigrad as mg
             >>> class Dense:
             ...     def __init__(self):
             ...         self.W, self.b = np.ones((3, 2)), np.zeros(2)
             ...     def forward(self, x):
             ...         self.cache = x
             ...         return x @ self.W + self.b
             ...     def backward(self, g):
             ...         self.dW, self.db = self.cache.T @ g, g
             ...         return g @ self.W.T
             >>> report = mg.testing.check_layer(Dense(), np.ones((4, 3)))
             >>> [(diagnosis.kind, diagnosis.input) for diagnosis in report.diagnoses]
             [('missing sum', 'b')]
    """
    __tracebackhide__ = True  # pytest shows the line of the test instead
    options: dict[str, Any] = {
        "seed": seed,
        "atol": atol,
        "rtol": rtol,
        "accept_unverified": accept_unverified,
    }
    if isinstance(layer, (tuple, list)) and len(layer) == 2 and all(map(callable, layer)):
        f, vjp = functions(*layer)
        return check_vjp(f, vjp, inputs, raise_exception=raise_exception, **options)
    if not any(hasattr(layer, name) for name in (backward, *BACKWARD) if name):
        if not callable(layer):
            method_of(layer, BACKWARD, "backward", backward)
        f, vjp = loss_and_gradient(layer, inputs)
        return check_vjp(f, vjp, inputs, raise_exception=raise_exception, **options)
    wired = Wired(layer, inputs, params, grads, forward, backward)
    try:
        report = check_vjp(
            wired.forward,
            wired.backward,
            wired.inputs(),
            raise_exception=raise_exception,
            **options,
        )
    finally:
        wired.restore()
    report.notes += wired.notes
    return report


def split(returned: Any) -> tuple[Any, list[Any]]:
    """What a forward pass returned: the result, and a cache if there is one.

    A tuple that begins with an array or a number is (result, cache, ...), unless all else are
    arrays of numbers that could be results as well.
    """
    if isinstance(returned, tuple) and len(returned) > 1:
        return returned[0], list(returned[1:])
    return returned, []


def functions(
    forward: Callable[..., Any], backward: Callable[..., Any]
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The passes of `check_vjp` from ``out, cache = forward(x)`` and ``backward(g, cache)``."""
    kept: list[Any] = []

    def f(*inputs: Any) -> Any:
        out, kept[:] = split(forward(*inputs))
        return out

    def vjp(g: Any, *inputs: Any) -> Any:
        return backward(g, *extra_arguments(backward, kept or list(inputs)))

    return f, vjp


def loss_and_gradient(
    function: Callable[..., Any], inputs: Sequence[Any]
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The same from a function that returns (loss, gradient)."""
    returned = function(*inputs)
    if not isinstance(returned, tuple) or len(returned) < 2 or np.size(returned[0]) != 1:
        name = getattr(function, "__name__", type(function).__name__)
        raise TypeError(
            f"check_layer: {name} has no backward pass (looked for {', '.join(BACKWARD)}), and "
            f"returns {describe(returned)}, not (loss, gradient)"
        )

    def f(*given: Any) -> Any:
        return function(*given)[0]

    def vjp(g: Any, *given: Any) -> Any:
        found = function(*given)[1:]
        scaled = [
            map_tree(lambda d: None if d is None else np.asarray(d) * g, each) for each in found
        ]
        return scaled[0] if len(scaled) == 1 else tuple(scaled)

    return f, vjp


class Wired:
    """A layer object whose parameters are arguments, and whose gradients are results."""

    def __init__(
        self,
        layer: Any,
        inputs: Sequence[Any],
        params: Sequence[str] | None,
        grads: Sequence[str] | None,
        forward: str | None,
        backward: str | None,
    ) -> None:
        self.layer, self.given = layer, inputs
        self.run_forward = method_of(layer, FORWARD, "forward", forward)
        self.run_backward = method_of(layer, BACKWARD, "backward", backward)
        self.notes: list[Diagnosis] = []
        self.cache: list[Any] = []
        fake_optimizers(layer)
        held = list(places(layer))
        self.before = {place: place.get().copy() for place in held}
        self.find_parameters(held, params, grads)

    def find_parameters(
        self, held: list[Place], params: Sequence[str] | None, grads: Sequence[str] | None
    ) -> None:
        """Run both passes once, and see where gradients are, or which arrays were updated."""
        out = self.call(self.given)
        after_forward = {place: place.get() for place in held}
        kept = {place: np.array(value) for place, value in after_forward.items() if is_array(value)}
        self.returned = self.call_backward(
            map_tree(lambda y: np.ones_like(np.asarray(y, float)), out)
        )
        by_name = {place.name: place for place in places(self.layer)}
        if params is not None:
            missing = [name for name in params if name not in by_name]
            if missing:
                raise TypeError(
                    f"check_layer: there is no array {missing[0]!r} in the layer: it has "
                    f"{', '.join(by_name) or 'none'}"
                )
        chosen = held if params is None else [by_name[name] for name in params]
        self.params: list[Place] = []
        self.gradients: list[Place | None] = []  # None: the update tells the gradient
        self.state: list[Place] = []  # what the backward pass changes beside them
        changed = {
            place
            for place, value in kept.items()
            if not np.array_equal(place.get(), value, equal_nan=True)
        }
        found = {place: gradient_place(place, self.layer) for place in chosen}
        for i, place in enumerate(chosen):
            gradient = by_name.get(grads[i]) if grads is not None else None
            gradient, moved = gradient or found[place], place in changed
            if moved and params is None and not self.matters(place):
                self.state.append(place)  # of an optimizer, as the means of its gradients
                continue
            if gradient is not None and gradient.get() is not place.get():
                self.params.append(place)
                self.gradients.append(gradient)
            elif params is not None or (moved and self.same_shape(place)):
                self.params.append(place)
                self.gradients.append(None)
        used = {(id(g.owner), g.key) for g in self.gradients if g is not None}
        both = [*zip(self.params, self.gradients)]
        both = [(p, g) for p, g in both if (id(p.owner), p.key) not in used]
        self.params, self.gradients = [p for p, _ in both], [g for _, g in both]
        self.extra = self.returned_for_parameters()
        if not self.params and not self.extra and params is None and self.before:
            self.notes.append(Diagnosis("not checked", nothing_found(self.before)))
        self.restore()

    def matters(self, place: Place) -> bool:
        """Whether the forward pass uses an array."""
        self.restore()
        before = leaves_of(self.call(self.given))
        value = self.before_of(place)
        place.set(value + 1e-2 * (1 + abs(value)))
        with np.errstate(all="ignore"):
            after = leaves_of(self.call(self.given))
        self.restore()
        return not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, after))

    def same_shape(self, place: Place) -> bool:
        return place in self.before and np.shape(place.get()) == self.before[place].shape

    def returned_for_parameters(self) -> bool:
        """Whether the backward pass returns gradients of parameters behind those of the inputs."""
        if not isinstance(self.returned, tuple):
            return False
        rest = self.returned[len(self.given) :]
        if not rest or self.params:
            return False
        held = [place for place in self.before if place.get() is not None]
        for gradient in rest:
            fit = [
                p for p in held if p not in self.params and np.shape(p.get()) == np.shape(gradient)
            ]
            if not fit:
                return False
            self.params.append(fit[0])
            self.gradients.append(None)
        return True

    def inputs(self) -> dict[str, Any]:
        """The inputs and parameters, by name."""
        named = {"x" if len(self.given) == 1 else f"x{i}": v for i, v in enumerate(self.given)}
        return named | {place.name: self.before_of(place) for place in self.params}

    def before_of(self, place: Place) -> Any:
        return self.before[place] if place in self.before else place.get()

    def call(self, inputs: Sequence[Any]) -> Any:
        returned = self.run_forward(*inputs)
        out, self.cache = split(returned) if takes_cache(self.run_backward) else (returned, [])
        return out

    def call_backward(self, g: Any) -> Any:
        if takes_nothing(self.run_backward):  # the gradient of a loss, whose own is 1
            returned = self.run_backward()
            return map_tree(lambda d: None if d is None else np.asarray(d) * g, returned)
        return self.run_backward(g, *extra_arguments(self.run_backward, self.cache))

    def forward(self, *arguments: Any) -> Any:
        count = len(self.given)
        for place, value in zip(self.params, arguments[count:]):
            place.set(np.array(value))
        for place in self.state:
            place.set(self.before_of(place).copy())
        return self.call(arguments[:count])

    def backward(self, g: Any, *arguments: Any) -> list[Any]:
        zero_gradients(self.layer, [place for place in self.gradients if place is not None])
        returned = self.call_backward(g)
        if self.extra:
            return list(returned)
        count = len(self.given)
        several = isinstance(returned, (tuple, list)) and count > 1
        found = list(returned) if several else [returned] + [None] * (count - 1)
        for place, gradient, value in zip(self.params, self.gradients, arguments[count:]):
            if gradient is not None:
                kept = gradient.get()
                found.append(None if kept is None else np.array(kept))
                if not np.array_equal(place.get(), value, equal_nan=True):
                    place.set(np.array(value))  # it is updated as well
            else:  # by an update with a rate of 1
                found.append(np.asarray(value) - place.get())
                place.set(np.array(value))
        return found

    def restore(self) -> None:
        for place, value in self.before.items():
            place.set(value.copy())


def takes_nothing(backward: Callable[..., Any]) -> bool:
    try:
        return not inspect.signature(backward).parameters
    except (TypeError, ValueError):
        return False


def takes_cache(backward: Callable[..., Any]) -> bool:
    try:
        extra_arguments(backward, [])
    except TypeError:
        return True
    return False


def nothing_found(before: dict[Place, Any]) -> str:
    names = ", ".join(place.name for place in before)
    first = next(iter(before)).name
    return (
        f"no gradients of parameters were found, so only the inputs are checked: the layer holds "
        f"{names}; looked for names as d{first}, grad_{first}, {first}_grad, grads[{first!r}], and "
        "for arrays that the backward pass updates. Name them with params= and grads="
    )
