"""What one does with the gradients and the values of many parameters at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad import inplace, ops
from minigrad.errors import ArgumentError
from minigrad.graph import Variable, wrap
from minigrad.memory import writes
from minigrad.modes import no_grad, recording
from minigrad.nn.utils import parametrizations as parametrizations
from minigrad.nn.utils import parametrize as parametrize
from minigrad.nn.utils import prune as prune
from minigrad.nn.utils import rnn as rnn
from minigrad.nn.utils.reparametrize import (
    remove_spectral_norm,
    remove_weight_norm,
    spectral_norm,
    weight_norm,
)
from minigrad.noted import noted
from minigrad.tensor import Tensor

__all__ = [
    "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm",
    "parameters_to_vector", "parametrizations", "parametrize", "prune", "remove_spectral_norm",
    "remove_weight_norm", "rnn", "spectral_norm", "vector_to_parameters", "weight_norm",
]  # fmt: skip


def as_list(parameters: Any) -> list[Any]:
    return [parameters] if isinstance(parameters, Variable) else list(parameters)


def gradients_of(parameters: Any) -> tuple[Any, ...]:
    """The gradients that there are."""
    return tuple([p.grad for p in as_list(parameters) if p.grad is not None])


def norm(arrays: tuple[Any, ...], norm_type: float, error_if_nonfinite: bool) -> Any:
    """The norm of all entries together, in the type of the arrays."""
    norms = [np.linalg.norm(array.ravel(order="K"), norm_type) for array in arrays]
    total = np.asarray(np.linalg.norm(np.array(norms), norm_type)) if norms else np.asarray(0.0)
    if error_if_nonfinite and not np.isfinite(total):
        raise RuntimeError(
            f"the norm of the gradients is {total}: one of them is not finite. Find where with "
            "mg.autograd.detect_anomaly(), or pass error_if_nonfinite=False"
        )
    return total


def clip_factor(total: Any, max_norm: float, dtype: Any) -> Any:
    """By what gradients are multiplied, at most 1."""
    # the small number keeps the division legal, and is PyTorch's
    factor = float(max_norm) / (float(total) + 1e-6)
    return np.asarray(1.0 if factor >= 1 else factor, dtype)


def get_total_norm(
    tensors: Any,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of the entries of all tensors together.

    norm_type   p of the p-norm; ``float("inf")`` for the largest magnitude
    foreach     accepted for PyTorch's sake; it changes nothing

    Raises      RuntimeError if the norm is not finite and `error_if_nonfinite`.
    Example     >>> mg.nn.utils.get_total_norm([mg.tensor([3.0]), mg.tensor([4.0])])
                tensor(5.)
    """
    return as_tensor(noted(norm, tuple(as_list(tensors)), float(norm_type), error_if_nonfinite))


def as_tensor(total: Any) -> Any:
    return total if isinstance(total, Variable) else wrap(total)


def clip_grads_with_norm_(
    parameters: Any, max_norm: float, total_norm: Any, foreach: bool | None = None
) -> None:
    """Scale the gradients in place by max_norm / total_norm, if that is less than 1.

    total_norm   what `get_total_norm` returned of the gradients

    Example  >>> w = mg.nn.Parameter(mg.tensor([1.0, 1.0]))
             >>> (w * mg.tensor([3.0, 4.0])).sum().backward()
             >>> mg.nn.utils.clip_grads_with_norm_([w], 1.0, 5.0)
             >>> w.grad
             tensor([0.6, 0.8])
    """
    for gradient in gradients_of(parameters):
        factor = noted(clip_factor, total_norm, max_norm, gradient.dtype)
        if recording.trace is not None:  # a program looks for itself
            with no_grad():
                inplace.update(gradient, "clip_grad_norm_", ops.mul, factor)
        elif factor != 1:
            np.multiply(gradient._array, factor, out=gradient._array)
            writes.note(gradient._array, "clip_grad_norm_")


def clip_grad_norm_(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients in place by one factor, so that their common norm is at most `max_norm`.

    parameters   an iterable of tensors, or one; those without a gradient are left out
    norm_type    p of the p-norm; ``float("inf")`` for the largest magnitude

    Returns  the norm before, a 0-d tensor
    Raises   RuntimeError if it is not finite and `error_if_nonfinite`; then nothing was changed.
    Source   Pascanu, Mikolov and Bengio 2013, section 3.2
    Example  >>> w = mg.nn.Parameter(mg.tensor([1.0, 1.0]))
             >>> (w * mg.tensor([3.0, 4.0])).sum().backward()
             >>> mg.nn.utils.clip_grad_norm_([w], 1.0)
             tensor(5.)
             >>> w.grad
             tensor([0.6, 0.8])
    """
    parameters = as_list(parameters)
    total = noted(norm, gradients_of(parameters), float(norm_type), error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return as_tensor(total)


def clip_grad_value_(parameters: Any, clip_value: float, foreach: bool | None = None) -> None:
    """Clip every entry of the gradients, in place, to -clip_value ... clip_value.

    Raises   ValueError if `clip_value` is negative.
    Example  >>> w = mg.nn.Parameter(mg.tensor([1.0, 1.0]))
             >>> (w * mg.tensor([3.0, 4.0])).sum().backward()
             >>> mg.nn.utils.clip_grad_value_([w], 3.5)
             >>> w.grad
             tensor([3. , 3.5])
    """
    if clip_value < 0:
        raise ArgumentError(f"clip_grad_value_: clip_value is not negative, got {clip_value}")
    low, high = -float(clip_value), float(clip_value)
    for gradient in gradients_of(parameters):
        if recording.trace is not None:
            with no_grad():
                inplace.update(gradient, "clip_grad_value_", ops.clamp, low, high)
            continue
        np.clip(gradient._array, low, high, out=gradient._array)
        writes.note(gradient._array, "clip_grad_value_")


def parameters_to_vector(parameters: Iterable[Any]) -> Any:
    """All parameters as one vector, in row-major order; differentiable.

    Example  >>> mg.nn.utils.parameters_to_vector(mg.nn.Linear(3, 2).parameters()).shape
             (8,)
    """
    return ops.cat([ops.reshape(parameter, -1) for parameter in parameters])


def vector_to_parameters(vec: Any, parameters: Iterable[Any]) -> None:
    """Fill the parameters from one vector, in place: the opposite of `parameters_to_vector`.

    Raises   TypeError if `vec` is not a tensor; ValueError if it has not as many entries as all
             parameters together.
    Example  >>> layer = mg.nn.Linear(2, 1)
             >>> mg.nn.utils.vector_to_parameters(mg.tensor([1.0, 2.0, 3.0]), layer.parameters())
             >>> layer(mg.ones(2)).item()
             6.0
    """
    if not isinstance(vec, Variable):
        raise TypeError(f"vector_to_parameters takes a tensor, got {type(vec).__name__}")
    parameters = list(parameters)
    size = sum(parameter._array.size for parameter in parameters)
    if vec._array.shape != (size,):
        raise ArgumentError(
            f"vector_to_parameters: the parameters have {size} entries, the vector has shape "
            f"{vec._array.shape}"
        )
    start = 0
    for parameter in parameters:
        end = start + parameter._array.size
        with no_grad():
            part: Any = vec[start:end]  # type: ignore[index]  # a tensor
            piece = ops.reshape(part, parameter._array.shape)
        inplace.write(parameter, piece._array, "vector_to_parameters")
        start = end
