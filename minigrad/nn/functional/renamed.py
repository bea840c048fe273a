"""Functions in place, and functions under further names."""

from functools import partial

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
from minigrad.nn.functional.vision import interpolate
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

# in place
celu_ = inplace.method(celu)
elu_ = inplace.method(elu)
hardtanh_ = inplace.method(hardtanh)
leaky_relu_ = inplace.method(leaky_relu)
relu_ = inplace.method(relu)
rrelu_ = inplace.method(rrelu)
selu_ = inplace.method(selu)
threshold_ = inplace.method(threshold)

# the same under other names, or with a fixed argument
upsample = interpolate
upsample_nearest = partial(interpolate, mode="nearest")
upsample_bilinear = partial(interpolate, mode="bilinear", align_corners=True)
max_pool1d_with_indices = partial(max_pool1d, return_indices=True)
max_pool2d_with_indices = partial(max_pool2d, return_indices=True)
max_pool3d_with_indices = partial(max_pool3d, return_indices=True)
adaptive_max_pool1d_with_indices = partial(adaptive_max_pool1d, return_indices=True)
adaptive_max_pool2d_with_indices = partial(adaptive_max_pool2d, return_indices=True)
adaptive_max_pool3d_with_indices = partial(adaptive_max_pool3d, return_indices=True)
