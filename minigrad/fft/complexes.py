"""Complex numbers, as pairs of real tensors: what Fourier transforms return."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad import numpy_protocol, ops
from minigrad.calls import algebras
from minigrad.composition import composition
from minigrad.creation import Size
from minigrad.graph import Variable, wrap
from minigrad.ops.fourier import _complex_product, turned
from minigrad.primitive import Op
from minigrad.promotion import get_default_dtype

__all__ = ["Complex", "complex", "imag", "polar", "view_as_complex", "view_as_real"]


class Complex:
    """Complex numbers whose real and imaginary parts are recorded like any tensor.

    ``mg.fft`` returns them, and `complex`, `polar` and `view_as_complex` make them.  Arithmetic,
    products, sums and changes of shape work as for tensors; ``z.abs()``, ``z.angle()``, ``z.real``
    and ``z.imag`` are tensors, and a loss is made of these.  A parameter is real: keep its pairs,
    and compute with ``mg.view_as_complex(pairs)``.

    Forward    z = real + i imag; `pairs` holds both in its last axis
    Gradient   of both parts, each as if it stood alone
    Shapes     pairs (..., 2) -> (...)
    Example    >>> z = mg.complex(mg.tensor([3.0, 0.0]), mg.tensor([4.0, 1.0]))
               >>> z * 1j
               tensor([-4.+3.j, -1.+0.j])
               >>> z.abs()
               tensor([5., 1.])
    """

    __slots__ = ("pairs",)
    __array_ufunc__ = numpy_protocol.array_ufunc
    __array_function__ = numpy_protocol.array_function
    __hash__ = object.__hash__

    def __init__(self, pairs: Any) -> None:
        self.pairs = pairs

    # ------------------------------------------------------------------------------ what it holds

    @property
    def real(self) -> Any:
        """The real parts: a view."""
        return self.pairs[..., 0]

    @property
    def imag(self) -> Any:
        """The imaginary parts: a view."""
        return self.pairs[..., 1]

    @property
    def shape(self) -> Size:
        return Size(self.pairs.shape[:-1])

    @property
    def ndim(self) -> int:
        return len(self.pairs.shape) - 1

    @property
    def dtype(self) -> np.dtype[Any]:
        """complex128 of pairs of float64, else complex64."""
        return np.result_type(self.pairs.dtype, np.complex64)

    @property
    def device(self) -> Any:
        return self.pairs.device

    @property
    def requires_grad(self) -> bool:
        return bool(self.pairs.requires_grad)

    @property
    def T(self) -> Any:
        return ops.permute(self, *range(self.ndim)[::-1])

    @property
    def mT(self) -> Any:
        return ops.transpose(self, -2, -1)

    @property
    def mH(self) -> Any:
        """The conjugate transpose of matrices."""
        return ops.transpose(conj(self), -2, -1)

    H = mH

    def dim(self) -> int:
        return self.ndim

    def size(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self.shape[dim]

    def numel(self) -> int:
        return math.prod(self.shape)

    def is_complex(self) -> bool:
        return True

    def is_floating_point(self) -> bool:
        return False

    def detach(self) -> Complex:
        return Complex(self.pairs.detach())

    def clone(self) -> Complex:
        return Complex(self.pairs.clone())

    def contiguous(self) -> Complex:
        return self

    def to(self, *args: Any, **kwargs: Any) -> Complex:
        """The same numbers; complex64 or complex128 if a type is given."""
        given = [a for a in (*args, *kwargs.values()) if isinstance(a, (type, np.dtype))]
        if not given:
            return self
        parts = {np.complex64: np.float32, np.complex128: np.float64}.get(np.dtype(given[0]).type)
        if parts is None:
            raise TypeError(
                f"complex numbers become complex64 or complex128, not {given[0]}: take .real first"
            )
        return Complex(ops.astype(self.pairs, parts))

    def cpu(self) -> Complex:
        return self

    def numpy(self) -> Any:
        """The numbers as an array of NumPy's complex type."""
        return as_array(self)

    def item(self) -> builtins.complex:
        return builtins.complex(as_array(self).item())

    def tolist(self) -> Any:
        return as_array(self).tolist()

    def __repr__(self) -> str:
        return repr(wrap(as_array(self.detach())))

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Any:
        return iter([self[i] for i in range(len(self))])

    def __bool__(self) -> bool:
        return bool(as_array(self))

    def backward(self, *args: Any, **kwargs: Any) -> None:
        """Raise a RuntimeError: a loss is real."""
        raise RuntimeError(
            "backward starts at a real number: make the loss of .abs(), .real or .imag"
        )

    # ------------------------------------------------------------------------ what is done to it

    __add__ = __radd__ = add = ops.add
    __sub__ = sub = ops.sub
    __mul__ = __rmul__ = mul = ops.mul
    __truediv__ = div = ops.true_divide
    __pow__ = pow = ops.pow
    __matmul__ = matmul = ops.matmul
    __neg__ = neg = ops.neg
    __pos__ = ops.positive
    __abs__ = abs = ops.abs
    __getitem__ = ops.getitem
    eq, ne = ops.eq, ops.ne

    def __eq__(self, other: Any) -> Any:
        return ops.eq(self, other)

    def __ne__(self, other: Any) -> Any:
        return ops.ne(self, other)

    def __rsub__(self, other: Any) -> Any:
        return ops.sub(other, self)

    def __rtruediv__(self, other: Any) -> Any:
        return ops.true_divide(other, self)

    def __rpow__(self, other: Any) -> Any:
        return ops.pow(other, self)

    def __rmatmul__(self, other: Any) -> Any:
        return ops.matmul(other, self)

    angle = ops.angle
    conj = conj_physical = ops.conj
    resolve_conj = resolve_neg = ops.resolve_conj
    exp, log, sqrt, square, reciprocal = ops.exp, ops.log, ops.sqrt, ops.square, ops.reciprocal
    sum, mean, cumsum = ops.sum, ops.mean, ops.cumsum
    reshape = view = ops.reshape
    permute, transpose, flatten = ops.permute, ops.transpose, ops.flatten
    squeeze, unsqueeze, expand = ops.squeeze, ops.unsqueeze, ops.expand
    flip, roll, chunk, split, unbind = ops.flip, ops.roll, ops.chunk, ops.split, ops.unbind
    select, narrow, index_select = ops.select, ops.narrow, ops.index_select


# ------------------------------------------------------------------------------- making them


def of(real: Any, imag: Any) -> Complex:
    """Complex numbers of these parts."""
    return Complex(ops.stack([real, imag], -1))


@composition
def complex(real: Any, imag: Any) -> Complex:
    """Complex numbers of real and imaginary parts.

    Forward    z = real + i imag
    Gradient   of each part, its own
    Shapes     (...), (...) -> broadcast (...)
    Raises     TypeError unless both are floating-point numbers of one type
    Example    >>> mg.complex(mg.tensor([1.0]), mg.tensor([2.0]))
               tensor([1.+2.j])
    """
    if real.dtype != imag.dtype or real.dtype.kind != "f":
        raise TypeError(
            f"complex: both parts are floating-point numbers of one type, got {real.dtype} and "
            f"{imag.dtype}"
        )
    return of(*ops.broadcast_tensors(real, imag))


@composition
def polar(abs: Any, angle: Any) -> Complex:
    """Complex numbers of magnitudes and angles.

    Forward    z = r cos φ + i r sin φ
    Gradient   r̄ = real̅ cos φ + imag̅ sin φ        φ̄ = r (imag̅ cos φ - real̅ sin φ)
    Shapes     (...), (...) -> broadcast (...)
    Example    >>> mg.polar(mg.tensor([2.0]), mg.tensor([0.0]))
               tensor([2.+0.j])
    """
    return of(abs * ops.cos(angle), abs * ops.sin(angle))


@composition
def view_as_complex(input: Any) -> Complex:
    """Pairs as complex numbers, on the same memory.

    Forward    z = x[..., 0] + i x[..., 1]
    Gradient   x̄ = the gradients of both parts
    Shapes     (..., 2) -> (...)
    Raises     ValueError unless the last axis has two entries
    Example    >>> mg.view_as_complex(mg.tensor([[1.0, 2.0]]))
               tensor([1.+2.j])
    """
    if not input.shape or input.shape[-1] != 2 or input.dtype.kind != "f":
        raise ValueError(
            f"view_as_complex takes floating-point numbers (..., 2), got {tuple(input.shape)} "
            f"of {input.dtype}"
        )
    return Complex(input)


@composition
def view_as_real(input: Any) -> Any:
    """Complex numbers as pairs, on the same memory.

    Forward    out[..., 0] = the real parts, out[..., 1] = the imaginary parts
    Gradient   of both parts: ḡ
    Shapes     (...) -> (..., 2)
    Raises     TypeError if the numbers are real
    Example    >>> mg.view_as_real(mg.complex(mg.ones(1), mg.zeros(1)))
               tensor([[1., 0.]])
    """
    if not isinstance(input, Complex):
        raise TypeError("view_as_real: the numbers are real already")
    return input.pairs


@composition
def imag(input: Any) -> Any:
    """The imaginary parts of complex numbers.

    Forward    out = Im z
    Gradient   of the imaginary part: ḡ
    Shapes     (...) -> (...)
    Raises     TypeError if the numbers are real
    Example    >>> mg.imag(mg.complex(mg.ones(1), mg.zeros(1)))
               tensor([0.])
    """
    if not isinstance(input, Complex):
        raise TypeError("imag: the numbers are real; their imaginary part is 0")
    return input.imag


# ---------------------------------------------------------------- what an op makes of them


def as_array(value: Any) -> Any:
    """Complex numbers as NumPy's."""
    pairs = value.pairs
    if isinstance(pairs, Variable):
        pairs = pairs.numpy()  # type: ignore[attr-defined]  # all of them are Tensors
    pairs = np.ascontiguousarray(pairs)
    if pairs.itemsize == 2:
        pairs = pairs.astype(np.float32)
    return pairs.view(value.dtype)[..., 0]


def real_part(value: Any) -> Any:
    return value.real if isinstance(value, (Complex, builtins.complex)) else value


def imag_part(value: Any) -> Any:
    """The imaginary part; zeros of a real tensor."""
    if isinstance(value, (Complex, builtins.complex)):
        return value.imag
    return None if value is None else 0.0 * value


def as_number(value: Any, like: Any) -> Any:
    """Python's and NumPy's complex numbers, in the type of the other operand."""
    if not isinstance(value, (builtins.complex, np.complexfloating)):
        return value
    kind = like.pairs.dtype if isinstance(like, Complex) else getattr(like, "dtype", None)
    if kind is None or kind.kind != "f":
        kind = get_default_dtype()
    return Complex(np.array([value.real, value.imag], kind))


def compute(op: Op, operands: Sequence[Any], statics: Sequence[Any]) -> Any:
    """An op of complex numbers.

    Raises   TypeError for an op that is not defined here
    """
    if op.joint is None and len(operands) == 2:
        x, y = operands
        operands = (as_number(x, y), as_number(y, x))
    rule = RULES.get(op.name)
    if rule is not None:
        return rule(*operands)
    if op.name in BILINEAR:
        x, y = operands
        return bilinear(op, x, y, statics)
    if op.name not in OF_EACH_PART:
        raise TypeError(
            f"{op.name} of complex numbers is not known: compute with .real and .imag, or .abs()"
        )
    if op.joint is not None:
        given = [([real_part(x) for x in operands],), ([imag_part(x) for x in operands],)]
    else:
        given = [tuple(map(real_part, operands)), tuple(map(imag_part, operands))]
    rest = (*statics[:-1], *statics[-1]) if op.varargs else statics
    real, imag = [op.call(*each, *rest) for each in given]
    if isinstance(real, tuple):
        return tuple(map(of, real, imag))
    return of(real, imag)


def multiply(x: Any, y: Any) -> Complex:
    if isinstance(x, Complex) and isinstance(y, Complex):
        return Complex(_complex_product(x.pairs, y.pairs))
    z, scale = (x, y) if isinstance(x, Complex) else (y, x)
    return Complex(z.pairs * (scale[..., None] if np.ndim(scale) else scale))


def divide(x: Any, y: Any) -> Complex:
    if not isinstance(y, Complex):
        return multiply(x, 1 / y)
    return multiply(x, multiply(conj(y), 1 / (ops.square(y.real) + ops.square(y.imag))))


def conj(z: Complex) -> Complex:
    return Complex(turned(z.pairs))


def magnitude(z: Complex) -> Any:
    return ops.hypot(z.real, z.imag)


def argument(z: Complex) -> Any:
    return ops.atan2(z.imag, z.real)


def exponential(z: Complex) -> Complex:
    return polar(ops.exp(z.real), z.imag)


def logarithm(z: Complex) -> Complex:
    return of(ops.log(magnitude(z)), argument(z))


def power(z: Any, exponent: Any) -> Complex:
    """zᵖ: by products for a whole number p, else by its logarithm."""
    if isinstance(exponent, int) and 0 < exponent < 64:
        half = power(z, exponent // 2) if exponent > 1 else None
        square = None if half is None else multiply(half, half)
        if square is None:
            return Complex(z.pairs + 0.0)
        return multiply(square, z) if exponent % 2 else square
    if isinstance(z, Complex) and not isinstance(exponent, Complex):
        return polar(magnitude(z) ** exponent, argument(z) * exponent)
    logs = logarithm(z) if isinstance(z, Complex) else math.log(z)
    return exponential(multiply(exponent, logs))


def bilinear(op: Op, x: Any, y: Any, statics: Sequence[Any]) -> Complex:
    """A product of whatever kind."""
    if not isinstance(x, Complex):
        return of(op.call(x, y.real, *statics), op.call(x, y.imag, *statics))
    if not isinstance(y, Complex):
        return of(op.call(x.real, y, *statics), op.call(x.imag, y, *statics))
    real = op.call(x.real, y.real, *statics) - op.call(x.imag, y.imag, *statics)
    return of(real, op.call(x.real, y.imag, *statics) + op.call(x.imag, y.real, *statics))


def equal(x: Any, y: Any) -> Any:
    return ops.logical_and(ops.eq(real_part(x), real_part(y)), ops.eq(imag_part(x), imag_part(y)))


RULES: dict[str, Callable[..., Any]] = {
    "mul": multiply, "true_divide": divide, "conj": conj, "abs": magnitude,
    "angle": argument, "exp": exponential, "log": logarithm, "pow": power,
    "sqrt": lambda z: power(z, 0.5), "square": lambda z: multiply(z, z),
    "reciprocal": lambda z: divide(1.0, z), "eq": equal,
    "ne": lambda x, y: ops.logical_not(equal(x, y)),
}  # fmt: skip
BILINEAR = {"matmul", "outer", "contract", "dot", "kron", "tensordot", "vecdot", "vdot", "inner"}
# linear in all operands together: the result's real part is made of their real parts
OF_EACH_PART = {
    "add", "sub", "neg", "positive", "sum", "mean", "cumsum", "reshape", "permute", "transpose",
    "getitem", "broadcast_to", "expand", "cat", "stack", "flip", "roll", "squeeze", "unsqueeze",
    "index_select", "gather", "diagonal", "tril", "triu", "split", "unbind", "select", "narrow",
    "pad", "flatten", "moveaxis", "movedim", "repeat", "tile", "clone", "view", "take", "trace",
    "unfold", "diag", "slice", "where",
}  # fmt: skip

algebras[Complex] = algebras[builtins.complex] = compute
