"""``gradcheck`` and ``gradgradcheck``: PyTorch's names for a check that passes or raises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.autograd.differentiate import grad
from minigrad.graph import Variable, wrap
from minigrad.modes import enable_grad
from minigrad.pytrees import flatten, leaves_of
from minigrad.testing.arguments import LISTED, argument_names, is_float, modules_of, undisturbed
from minigrad.testing.check import check_gradients
from minigrad.testing.report import Diagnosis, GradientError, Report

# PyTorch's options that change nothing here: every entry is compared, types are always checked,
# and two calls must give the same bits
WITHOUT_EFFECT = (
    "check_grad_dtypes", "check_undefined_grad", "fast_mode", "gen_non_contig_grad_outputs",
    "nondet_tol",
)  # fmt: skip
# PyTorch's options that ask for what is not checked here, and the value that does not
NOT_CHECKED = {
    "check_backward_ad": True, "check_batched_forward_grad": False, "check_batched_grad": False,
    "check_forward_ad": False, "check_fwd_over_rev": False, "check_rev_over_rev": True,
    "masked": False,
}  # fmt: skip


def refuse_options(name: str, options: dict[str, Any]) -> None:
    """Refuse what is not an option of PyTorch's, or asks for what minigrad does not have."""
    for option, value in options.items():
        if option not in WITHOUT_EFFECT and option not in NOT_CHECKED:
            raise TypeError(f"{name}() got an unexpected keyword argument {option!r}")
        if option in NOT_CHECKED and value is not None and bool(value) != NOT_CHECKED[option]:
            raise NotImplementedError(
                f"{name}: {option}={value} is not supported: gradients are checked by reverse "
                "mode, one cotangent at a time, of dense tensors"
            )


def gradcheck(
    fn: Callable[..., Any],
    inputs: Any,
    *,
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    raise_exception: bool = True,
    params: Any = None,
    **options: Any,
) -> bool:
    """Check the gradients of `fn` against finite differences, for all inputs and outputs.

    fn       a function of tensors that returns a tensor, or a tuple, list or dict of them
    inputs   a tensor or a tuple of them: those that require grad are checked; if none does, all
             floating-point ones are.  float32 is fine: differences are taken in float64.
    eps      the step of plain central differences; by default steps and extrapolation are chosen
             for each entry, with an error estimate
    atol, rtol  accepted absolute and relative difference; by default 0 and 1e-6, beside the
             estimated error, and PyTorch's 1e-5 and 1e-3 where `eps` is given
    raise_exception  raise if a gradient is wrong; else return False
    params   a Module, dict or list of tensors that `fn` uses, to be checked as well
    options  PyTorch's other arguments.  ``nondet_tol``, ``check_undefined_grad``, ``fast_mode``
             and ``check_grad_dtypes`` change nothing: every entry is compared, types are always
             checked, and two calls must give the same bits.  What would check forward mode,
             batches of cotangents or sparse tensors is refused.

    Returns  whether all gradients are right.
    Raises   GradientError (an AssertionError and a RuntimeError) that says which entry is worst,
             what is wrong, and has the whole comparison as ``error.report``; TypeError for an
             unknown option, NotImplementedError for one that asks for what is not checked here.
    Example  >>> import minigrad as mg
             >>> x = mg.tensor([0.5, 1.0], requires_grad=True)
             >>> mg.gradcheck(lambda x: mg.exp(x * x), x)
             True
    """
    __tracebackhide__ = True  # pytest shows the line of the test instead
    refuse_options("gradcheck", options)
    atol, rtol = tolerances(eps, atol, rtol)
    report = check_gradients(fn, inputs, params=params, eps=eps, atol=atol, rtol=rtol)
    if raise_exception and not report.ok:
        raise GradientError(report)
    return report.ok


def tolerances(eps: float | None, atol: float | None, rtol: float | None) -> tuple[float, float]:
    """`atol` and `rtol`; those not given are PyTorch's if the step is fixed, as it is there."""
    default = (0.0, 1e-6) if eps is None else (1e-5, 1e-3)
    return default[0] if atol is None else atol, default[1] if rtol is None else rtol


def gradgradcheck(
    fn: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    raise_exception: bool = True,
    **options: Any,
) -> bool:
    """Check second derivatives: `gradcheck` of the gradient of `fn`, for inputs and cotangents.

    grad_outputs   the cotangents of the outputs; by default random ones
    The other arguments are those of `gradcheck`.

    Returns  whether all second derivatives are right, and the gradient that ``create_graph=True``
             records is the one that is computed without it.
    Raises   GradientError as `gradcheck`.
    Example  >>> import minigrad as mg
             >>> x = mg.tensor([0.5, 1.0], requires_grad=True)
             >>> mg.gradgradcheck(lambda x: mg.exp(x * x), x)
             True
    """
    __tracebackhide__ = True  # pytest shows the line of the test instead
    refuse_options("gradgradcheck", options)
    with undisturbed(modules_of(fn, inputs)):
        gradient, points, cotangents = recorded_gradient(fn, inputs, grad_outputs)
        names = [point.name for point in points]
        points += cotangents
        report = compare_recorded(gradient, points)
        if report.ok:
            atol, rtol = tolerances(eps, atol, rtol)
            report = check_gradients(gradient, points, eps=eps, atol=atol, rtol=rtol)
            report.notes.insert(0, meaning(names))
    report.subject = "second derivative"
    if raise_exception and not report.ok:
        raise GradientError(report)
    return report.ok


def meaning(inputs: Sequence[str]) -> Diagnosis:
    """What the names in a check of second derivatives mean: they are those of the gradient."""
    told = [f"out[{k}] is the gradient of {name}" for k, name in enumerate(inputs[:LISTED])]
    told += ["and so on"] if len(inputs) > LISTED else []
    text = f"{', '.join(told)}; g is the gradient of the result"
    return Diagnosis("second derivative", text)


def recorded_gradient(
    fn: Callable[..., Any], inputs: Any, grad_outputs: Any
) -> tuple[Callable[..., Any], list[Any], list[Any]]:
    """The gradient of `fn` as a function of inputs and cotangents, and both where it is checked."""
    arguments = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    leaves, rebuild = flatten(arguments)
    asked = [i for i, x in enumerate(leaves) if is_float(x) and x._node is not None]
    positions = asked or [i for i, x in enumerate(leaves) if is_float(x)]
    start = list(leaves)
    for i in positions:
        start[i] = leaves[i].detach().requires_grad_()
    with enable_grad():
        outputs = [y for y in leaves_of(fn(*rebuild(start))) if is_float(y)]
    if not positions or not outputs:
        raise TypeError(
            "gradgradcheck: there must be a floating-point tensor among the inputs, and one among "
            "the results"
        )
    if grad_outputs is None:
        rng = np.random.default_rng(1)
        draws = [rng.standard_normal(y._array.shape).astype(y.dtype) for y in outputs]
        cotangents = [wrap(v) for v in draws]
    else:
        cotangents = [v for v in leaves_of(grad_outputs) if isinstance(v, Variable)]
        shapes = [v._array.shape for v in cotangents], [y._array.shape for y in outputs]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"gradgradcheck: grad_outputs have shapes {shapes[0]}, the outputs {shapes[1]}"
            )
    cotangents = [v.detach().requires_grad_() for v in cotangents]

    def gradient(*given: Any, create_graph: bool = True) -> Any:
        moved, cotangent = given[: len(positions)], given[len(positions) :]
        now = list(leaves)
        for i, x in zip(positions, moved):
            now[i] = x
        with enable_grad():
            results = [y for y in leaves_of(fn(*rebuild(now))) if is_float(y)]
            pairs = [(y, v) for y, v in zip(results, cotangent) if y._node is not None]
            return grad(
                [y for y, _ in pairs], moved, [v for _, v in pairs],
                create_graph=create_graph, materialize_grads=True,
            )  # fmt: skip

    points = [leaves[i].detach().requires_grad_() for i in positions]
    names = argument_names(fn, arguments)
    for i, point in zip(positions, points):
        point.name = names[i]
    for k, cotangent in enumerate(cotangents):
        cotangent.name = f"g[{k}]" if len(cotangents) > 1 else "g"
    return gradient, points, cotangents


def compare_recorded(gradient: Callable[..., Any], given: Sequence[Any]) -> Report:
    """Does a VJP compute on tensors what it computes on arrays?"""
    report = Report()
    with np.errstate(all="ignore"):
        for i, (a, b) in enumerate(zip(gradient(*given), gradient(*given, create_graph=False))):
            size = np.max(abs(b._array[np.isfinite(b._array)]), initial=0.0)
            eps = float(np.finfo(b.dtype).eps)
            if not np.allclose(a._array, b._array, 1e4 * eps, 1e3 * eps * size, equal_nan=True):
                text = (
                    f"the gradient of {given[i].name} that create_graph=True records differs from "
                    "the one computed without it: a VJP treats tensors unlike arrays"
                )
                report.problems.append(Diagnosis("recorded", text))
    report.diagnoses += report.problems
    return report
