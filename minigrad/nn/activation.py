"""Activation functions as modules; `minigrad.nn.functional` has their mathematics.

All of them keep the shape (...) of their input, except for `GLU`.
"""

from __future__ import annotations

from typing import Any

from minigrad import ops
from minigrad.errors import ArgumentError
from minigrad.nn import functional, init, parameter
from minigrad.nn.module import Module, shown
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
]  # fmt: skip

relu = ops.relu


class Activation(Module):
    """Base of activation functions: the repr shows the attributes that `arguments` names.

    Of those that take it, ``inplace=True`` overwrites the input.
    """

    arguments: tuple[str, ...] = ()
    inplace: bool = False

    def extra_repr(self) -> str:
        names = (*self.arguments, "inplace") if self.inplace else self.arguments
        return shown(self, *names)


class InplaceActivation(Activation):
    """Base of those whose only argument is `inplace`."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


# -------------------------------------------------------------------------------------- rectifiers


class ReLU(InplaceActivation):
    """max(x, 0).

    Example  >>> mg.nn.ReLU()(mg.tensor([-1.0, 2.0]))
             tensor([0., 2.])
    """

    def forward(self, input: Any) -> Tensor:
        return functional.relu(input, True) if self.inplace else relu(input)


class LeakyReLU(Activation):
    """x above 0, ``negative_slope * x`` below.

    Example  >>> mg.nn.LeakyReLU()(mg.tensor([-2.0, 0.0, 2.0]))
             tensor([-0.02,  0.  ,  2.  ])
    """

    arguments = ("negative_slope",)

    def __init__(self, negative_slope: float = 1e-2, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Any) -> Tensor:
        return functional.leaky_relu(input, self.negative_slope, self.inplace)


class PReLU(Activation):
    """x above 0, ``weight * x`` below, where the weight is learned.

    num_parameters  1, or one weight for each channel (axis 1 of the input)
    init            their first value

    Example  >>> mg.nn.PReLU()(mg.tensor([-2.0, 0.0, 2.0]))
             tensor([-0.5,  0. ,  2. ], grad_fn=prelu)
    """

    arguments = ("num_parameters",)
    weight: Parameter

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = parameter.empty(num_parameters, dtype=dtype, device=device)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Return to the first value."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Any) -> Tensor:
        return functional.prelu(input, self.weight)


class RReLU(Activation):
    """x above 0, ``a * x`` below, with a random slope in training and the mean one in evaluation.

    lower, upper   bounds of the slope

    Example  >>> mg.nn.RReLU().eval()(mg.tensor([-2.0, 0.0, 2.0]))
             tensor([-0.4583,  0.    ,  2.    ])
    """

    arguments = ("lower", "upper")

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        super().__init__()
        self.lower, self.upper = lower, upper
        self.inplace = inplace

    def forward(self, input: Any) -> Tensor:
        return functional.rrelu(input, self.lower, self.upper, self.training, self.inplace)


class Threshold(Activation):
    """x above `threshold`, `value` elsewhere.

    Example  >>> mg.nn.Threshold(1.0, -1.0)(mg.tensor([-2.0, 0.0, 2.0]))
             tensor([-1., -1.,  2.])
    """

    arguments = ("threshold", "value")

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold, self.value = threshold, value
        self.inplace = inplace

    def forward(self, input: Any) -> Tensor:
        return functional.threshold(input, self.threshold, self.value, self.inplace)


class Hardtanh(Activation):
    """x, clipped to min_val ... max_val.

    Raises   ValueError if the bounds are not in rising order.
    Example  >>> mg.nn.Hardtanh()(mg.tensor([-2.0, 0.0, 2.0]))
             tensor([-1.,  0.,  1.])
    """

    arguments: tuple[str, ...] = ("min_val", "max_val")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        if max_val <= min_val:
            raise ArgumentError(f"Hardtanh: min_val {min_val} is not below max_val {max_val}")
        self.min_val, self.max_val = min_val, max_val
        self.inplace = inplace

    def forward(self, input: Any) -> Tensor:
        return functional.hardtanh(input, self.min_val, self.max_val, self.inplace)


class ReLU6(Hardtanh):
    """x, clipped to 0 ... 6.

    Example  >>> mg.nn.ReLU6()(mg.tensor([-2.0, 0.0, 2.0]))
             tensor([0., 0., 2.])
    """

    arguments: tuple[str, ...] = ()

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)


# ------------------------------------------------------------------------------- smooth rectifiers


class ELU(Activation):
    """x above 0, α (eˣ - 1) below.

    Example  >>> mg.nn.ELU()(mg.tensor([-2.0, 0.0, 2.0]))
             tensor([-0.8647,  0.    ,  2.    ])
    """

    arguments = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Any) -> Tensor:
        return functional.elu(input, self.alpha, self.inplace)


class CELU(ELU):
    """x above 0, α (exp(x / α) - 1) below.

    Example  >>> mg.nn.CELU()(mg.tensor([-2.0, 0.0, 2.0]))
             tensor([-0.8647,  0.    ,  2.    ])
    """

    def forward(self, input: Any) -> Tensor:
        return functional.celu(input, self.alpha, self.inplace)


class SELU(InplaceActivation):
    """A scaled ELU that keeps mean 0 and variance 1 from layer to layer.

    Example  >>> mg.nn.SELU()(mg.tensor([-2.0, 0.0, 2.0]))
             tensor([-1.5202,  0.    ,  2.1014])
    """

    def forward(self, input: Any) -> Tensor:
        return functional.selu(input, self.inplace)


class GELU(Activation):
    """x Φ(x), with the normal distribution function Φ.

    approximate   "none", or "tanh" for an approximation of Φ by tanh

    Example  >>> mg.nn.GELU()(mg.tensor([-2.0, 0.0, 2.0]))
             tensor([-0.0455,  0.    ,  1.9545])
    """

    arguments = ("approximate",)

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Any) -> Tensor:
        return functional.gelu(input, self.approximate)


class SiLU(InplaceActivation):
    """x σ(x), also called swish.

    Example  >>> mg.nn.SiLU()(mg.tensor([-2.0, 0.0, 2.0]))
             tensor([-0.2384,  0.    ,  1.7616])
    """

    def forward(self, input: Any) -> Tensor:
        return functional.silu(input, self.inplace)


class Mish(InplaceActivation):
    """x tanh(softplus(x)).

    Example  >>> mg.nn.Mish()(mg.tensor([-2.0, 0.0, 2.0]))
             tensor([-0.2525,  0.    ,  1.944 ])
    """

    def forward(self, input: Any) -> Tensor:
        return functional.mish(input, self.inplace)


class Hardswish(InplaceActivation):
    """x times a piecewise linear σ: x clip(x + 3, 0, 6) / 6.

    Example  >>> mg.nn.Hardswish()(mg.tensor([-2.0, 0.0, 2.0]))
             tensor([-0.3333,  0.    ,  1.6667])
    """

    def forward(self, input: Any) -> Tensor:
        return functional.hardswish(input, self.inplace)

    def extra_repr(self) -> str:
        return ""


class Softplus(Activation):
    """log(1 + exp(β x)) / β; x itself where β x is above `threshold`.

    Example  >>> mg.nn.Softplus()(mg.tensor([-2.0, 0.0, 2.0]))
             tensor([0.1269, 0.6931, 2.1269])
    """

    arguments = ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Any) -> Tensor:
        return functional.softplus(input, self.beta, self.threshold)


# ---------------------------------------------------------------------------------------- sigmoids


class Sigmoid(Activation):
    """σ(x) = 1 / (1 + e⁻ˣ).

    Example  >>> mg.nn.Sigmoid()(mg.tensor([0.0]))
             tensor([0.5])
    """

    def forward(self, input: Any) -> Tensor:
        return ops.sigmoid(input)


class LogSigmoid(Activation):
    """log σ(x), without loss of accuracy far below 0.

    Example  >>> mg.nn.LogSigmoid()(mg.tensor([-2.0, 0.0, 2.0]))
             tensor([-2.1269, -0.6931, -0.1269])
    """

    def forward(self, input: Any) -> Tensor:
        return functional.logsigmoid(input)


class Hardsigmoid(InplaceActivation):
    """A piecewise linear σ: clip(x + 3, 0, 6) / 6.

    Example  >>> mg.nn.Hardsigmoid()(mg.tensor([-2.0, 0.0, 2.0]))
             tensor([0.1667, 0.5   , 0.8333])
    """

    def forward(self, input: Any) -> Tensor:
        return functional.hardsigmoid(input, self.inplace)

    def extra_repr(self) -> str:
        return ""


class Tanh(Activation):
    """tanh(x).

    Example  >>> mg.nn.Tanh()(mg.tensor([0.0]))
             tensor([0.])
    """

    def forward(self, input: Any) -> Tensor:
        return ops.tanh(input)


class Softsign(Activation):
    """x / (1 + |x|).

    Example  >>> mg.nn.Softsign()(mg.tensor([-2.0, 0.0, 2.0]))
             tensor([-0.6667,  0.    ,  0.6667])
    """

    def forward(self, input: Any) -> Tensor:
        return functional.softsign(input)


class GLU(Activation):
    """a σ(b), where a and b are the halves of the input.

    dim      the axis to halve
    Shapes   (..., 2n, ...) -> (..., n, ...)
    Example  >>> mg.nn.GLU()(mg.tensor([3.0, 4.0, 0.0, 100.0]))
             tensor([1.5, 4. ])
    """

    arguments = ("dim",)

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Tensor:
        return functional.glu(input, self.dim)


# ----------------------------------------------------------------------------------------- shrinks


class Softshrink(Activation):
    """x, moved towards 0 by `lambd`, and 0 where it would pass it.

    Raises   ValueError if `lambd` is negative.
    Example  >>> mg.nn.Softshrink()(mg.tensor([-2.0, 0.0, 2.0]))
             tensor([-1.5,  0. ,  1.5])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Any) -> Tensor:
        return functional.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)


class Hardshrink(Activation):
    """x where |x| > lambd, else 0.

    Example  >>> mg.nn.Hardshrink()(mg.tensor([-2.0, 0.0, 2.0]))
             tensor([-2.,  0.,  2.])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Any) -> Tensor:
        return functional.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)


class Tanhshrink(Activation):
    """x - tanh(x).

    Example  >>> mg.nn.Tanhshrink()(mg.tensor([-2.0, 0.0, 2.0]))
             tensor([-1.036,  0.   ,  1.036])
    """

    def forward(self, input: Any) -> Tensor:
        return functional.tanhshrink(input)


# ------------------------------------------------------------------------------- along a dimension


class AlongDim(Activation):
    """Base of those that act along the axis `dim`."""

    arguments = ("dim",)

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim


class Softmax(AlongDim):
    """Positive numbers that sum to 1 along `dim`: eˣ / Σ eˣ.

    Example  >>> mg.nn.Softmax(dim=1)(mg.tensor([[0.0, 0.0]]))
             tensor([[0.5, 0.5]])
    """

    def forward(self, input: Any) -> Tensor:
        return functional.softmax(input, self.dim)


class LogSoftmax(AlongDim):
    """log softmax(x) along `dim`, without loss of accuracy.

    Example  >>> mg.nn.LogSoftmax(dim=0)(mg.tensor([0.0, 0.0]))
             tensor([-0.6931, -0.6931])
    """

    def forward(self, input: Any) -> Tensor:
        return functional.log_softmax(input, self.dim)


class Softmin(AlongDim):
    """softmax(-x) along `dim`.

    Example  >>> mg.nn.Softmin(dim=0)(mg.tensor([0.0, 0.0, 1000.0]))
             tensor([0.5, 0.5, 0. ])
    """

    def forward(self, input: Any) -> Tensor:
        return functional.softmin(input, self.dim)


class Softmax2d(Activation):
    """softmax over the channels of images.

    Shapes   (n, channels, height, width) or without n, unchanged
    Raises   ValueError for another number of axes.
    Example  >>> mg.nn.Softmax2d()(mg.zeros(1, 2, 1, 1)).flatten()
             tensor([0.5, 0.5])
    """

    def forward(self, input: Any) -> Tensor:
        if input.ndim not in (3, 4):
            raise ArgumentError(f"Softmax2d takes 3 or 4 axes, got shape {input.shape}")
        return functional.softmax(input, -3)
