"""Functions in place, and functions under further names."""

from collections.abc import Callable
from functools import partial
from typing import Any

from minigrad import inplace
from minigrad.nn.functional.activations import (
    celu,
    elu,
    hardtanh,
    leaky_relu,
    relu,
    rrelu,
    selu,
    threshold,
)
from minigrad.nn.functional.pooling import (
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    max_pool1d,
    max_pool2d,
)
from minigrad.nn.functional.resizing import interpolate
from minigrad.nn.functional.volumes import adaptive_max_pool3d, max_pool3d

__all__ = [
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d_with_indices",
    "celu_",
    "elu_",
    "hardtanh_",
    "leaky_relu_",
    "max_pool1d_with_indices",
    "max_pool2d_with_indices",
    "max_pool3d_with_indices",
    "relu_",
    "rrelu_",
    "selu_",
    "threshold_",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
]


def in_place(function: Callable[..., Any], arguments: str = "") -> Callable[..., Any]:
    """The function that gives its first argument the result of `function`."""
    changed = inplace.method(function)
    changed.__doc__ = (
        f"{changed.__doc__}\n\nExample  >>> x = mg.tensor([-1.0, 2.0])\n"
        f"         >>> mg.nn.functional.{function.__name__}_(x{arguments}) is x\n         True"
    )
    return changed


celu_ = in_place(celu)
elu_ = in_place(elu)
hardtanh_ = in_place(hardtanh)
leaky_relu_ = in_place(leaky_relu)
relu_ = in_place(relu)
rrelu_ = in_place(rrelu)
selu_ = in_place(selu)
threshold_ = in_place(threshold, ", 0.5, 0.0")


def fixed(name: str, function: Any, **arguments: Any) -> Any:
    """A function with some arguments given, under a name of its own."""
    found = partial(function, **arguments)
    given = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
    vars(found).update(
        __name__=name,
        __module__=__name__,
        __doc__=f"`{function.__name__}` with {given}.\n\n"
        f"Example  >>> mg.nn.functional.{name}.func.__name__\n         {function.__name__!r}",
    )
    return found


WHERE = {"return_indices": True}
upsample = interpolate
upsample_nearest = fixed("upsample_nearest", interpolate, mode="nearest")
upsample_bilinear = fixed("upsample_bilinear", interpolate, mode="bilinear", align_corners=True)
max_pool1d_with_indices = fixed("max_pool1d_with_indices", max_pool1d, **WHERE)
max_pool2d_with_indices = fixed("max_pool2d_with_indices", max_pool2d, **WHERE)
max_pool3d_with_indices = fixed("max_pool3d_with_indices", max_pool3d, **WHERE)
adaptive_max_pool1d_with_indices = fixed(
    "adaptive_max_pool1d_with_indices", adaptive_max_pool1d, **WHERE
)
adaptive_max_pool2d_with_indices = fixed(
    "adaptive_max_pool2d_with_indices", adaptive_max_pool2d, **WHERE
)
adaptive_max_pool3d_with_indices = fixed(
    "adaptive_max_pool3d_with_indices", adaptive_max_pool3d, **WHERE
)
