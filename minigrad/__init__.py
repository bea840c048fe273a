"""minigrad: a micro-PyTorch on NumPy."""

# ruff: noqa: F401
import numpy as _np

from minigrad import autograd, graph, nn, ops, optim, utils
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.creation import tensor
from minigrad.graph import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from minigrad.operation import op
from minigrad.ops.elementwise import add, div, exp, mul, neg, relu, sub
from minigrad.ops.products import linear, matmul
from minigrad.ops.reduction import sum
from minigrad.ops.shaping import expand, mT, reshape
from minigrad.promotion import get_default_dtype, set_default_dtype
from minigrad.tensor import Tensor

float32, float64, int64, int32, bool = (
    _np.dtype(_np.float32), _np.dtype(_np.float64), _np.dtype(_np.int64), _np.dtype(_np.int32),
    _np.dtype(_np.bool_),
)  # fmt: skip
