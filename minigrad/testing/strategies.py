"""Hypothesis strategies for tests of gradients; needs ``pip install hypothesis``.

Well-spaced arrays keep off what finite differences cannot judge: no entry near zero and no two near
each other, so that there is no kink of abs or relu, and no tie of max or sort, within a step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

try:
    from hypothesis import strategies as st
except ImportError as error:  # pragma: no cover
    raise ImportError(
        "minigrad.testing.strategies needs Hypothesis: pip install hypothesis"
    ) from error

from minigrad.creation import tensor

Shape = tuple[int, ...]


def shapes(min_dims: int = 0, max_dims: int = 3, min_side: int = 1, max_side: int = 4) -> Any:
    """Shapes: tuples of `min_dims` to `max_dims` sizes, each `min_side` to `max_side`.

    Example  >>> from hypothesis import given
             >>> @given(mg.testing.strategies.shapes(min_dims=1))
             ... def test_sum(shape):
             ...     assert mg.ones(shape).sum() == np.prod(shape)
             >>> test_sum()
    """
    side = st.integers(min_side, max_side)
    return st.lists(side, min_size=min_dims, max_size=max_dims).map(tuple)


@st.composite
def broadcastable_shapes(draw: Any, max_dims: int = 3, max_side: int = 4) -> tuple[Shape, Shape]:
    """Pairs of shapes that broadcast: sizes replaced by 1, leading axes left out.

    Example  >>> from hypothesis import given
             >>> @given(mg.testing.strategies.broadcastable_shapes())
             ... def test_add(pair):
             ...     a, b = pair
             ...     assert (mg.ones(a) + mg.ones(b)).shape == np.broadcast_shapes(a, b)
             >>> test_add()
    """
    whole = draw(shapes(0, max_dims, 1, max_side))
    pair = []
    for _ in range(2):
        kept = whole[draw(st.integers(0, len(whole))) :]
        pair.append(tuple(1 if draw(st.booleans()) else size for size in kept))
    return pair[0], pair[1]


@st.composite
def well_spaced_arrays(
    draw: Any, shape: Any = None, dtype: Any = np.float64, scale: float = 1.0, spacing: float = 0.1
) -> Any:
    """Arrays whose entries are at least ``scale * spacing`` apart, and half of that from zero.

    shape    a shape, or a strategy of shapes; by default `shapes()`
    dtype    a floating-point type
    scale    the size of the numbers: about ``scale * spacing * size / 2`` for `size` entries
    spacing  the least distance, relative to `scale`

    Raises   TypeError if `dtype` is not a floating-point type; ValueError if `scale` or `spacing`
             is not positive.
    Example  >>> from hypothesis import given
             >>> @given(mg.testing.strategies.well_spaced_arrays((2, 3)))
             ... def test_abs(array):
             ...     mg.gradcheck(mg.abs, mg.tensor(array))
             >>> test_abs()
    """
    if np.dtype(dtype).kind != "f":
        raise TypeError(f"well_spaced_arrays: dtype is a floating-point type, got {dtype}")
    if not (scale > 0 and spacing > 0):
        raise ValueError("well_spaced_arrays: scale and spacing are positive")
    size = draw(shapes() if shape is None else shape if hasattr(shape, "map") else st.just(shape))
    n = int(np.prod(size))
    order = np.array(draw(st.permutations(range(n))), dtype=np.float64)
    values = (order - n // 2 + 0.5) * spacing * scale
    return values.reshape(size).astype(dtype)


@st.composite
def tensors(draw: Any, /, shape: Any = None, requires_grad: bool = True, **options: Any) -> Any:
    """Tensors with the entries of `well_spaced_arrays`, whose arguments it takes.

    Example  >>> from hypothesis import given
             >>> @given(mg.testing.strategies.tensors((3,), dtype="float32"))
             ... def test_relu(x):
             ...     mg.gradcheck(mg.relu, x)
             >>> test_relu()
    """
    return tensor(draw(well_spaced_arrays(shape, **options)), requires_grad=requires_grad)
