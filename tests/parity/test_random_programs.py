"""Random programs give PyTorch's numbers: values of every tensor, first and second gradients.

A program makes a few leaves and then takes three to eight steps: an op, a view, or a change in
place, of tensors drawn among all that exist so far.  So there is fan-out, there are views of views,
and some tensors are changed after others were computed from them.  The loss weighs every tensor by
random numbers.  What PyTorch refuses (some changes in place of views) is compared with finite
differences, unless minigrad refuses it as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import minigrad as mg

torch = pytest.importorskip("torch")

Generator = np.random.Generator
Shape = tuple[int, ...]

PROGRAMS = 600
# what refusals of a change in place speak of
REFUSED = ("in place", "in-place", "inplace", "written", "a view of a leaf")


# ------------------------------------------------------------------------------------- what to draw


def draw_shape(rng: Generator) -> Shape:
    return tuple(rng.integers(1, 5, size=rng.integers(0, 4)).tolist())


def draw_axis(rng: Generator, x: Any) -> int:
    return int(rng.integers(-x.ndim, x.ndim))


def draw_index(rng: Generator, shape: Shape, once: bool = False) -> Any:
    """Integers, slices, None and lists of integers; with `once`, no entry is taken twice."""
    index: list[Any] = []
    lists = 0
    for size in shape[: int(rng.integers(0, len(shape) + 1))]:
        kind = rng.integers(0, 3 if once or lists else 4)
        if kind == 0:
            start = int(rng.integers(0, size))
            index.append(slice(start, int(rng.integers(start + 1, size + 1))))
        elif kind == 1:
            index.append(slice(None, None, int(rng.integers(1, 3))))
        elif kind == 2:
            index += [None, slice(None)]
        else:
            index.append(rng.integers(-size, size, size=2).tolist())
            lists += 1
    if not lists and shape and rng.random() < 0.3:
        return int(rng.integers(-shape[0], shape[0]))
    return tuple(index)


def fits(x: Any, y: Any) -> bool:
    """Whether y broadcasts to the shape of x."""
    try:
        return np.broadcast_shapes(tuple(x.shape), tuple(y.shape)) == tuple(x.shape)
    except ValueError:
        return False


# --------------------------------------------------------------------------------------- the steps
#
# A step takes the library, two tensors, and a generator.  It returns a new tensor, or None.

STEPS: list[tuple[Callable[[Any, Any], bool], Callable[[Any, Any, Any, Generator], Any]]] = []
CHANGES: list[tuple[Callable[[Any, Any], bool], Callable[[Any, Any, Any, Generator], Any]]] = []


def always(x: Any, y: Any) -> bool:
    return True


def has_axes(number: int) -> Callable[[Any, Any], bool]:
    return lambda x, y: x.ndim >= number


def step(applies: Callable[[Any, Any], bool], *functions: Any) -> None:
    STEPS.extend((applies, function) for function in functions)


def change(applies: Callable[[Any, Any], bool], *functions: Any) -> None:
    CHANGES.extend((applies, function) for function in functions)


step(
    always,
    lambda m, x, y, rng: x.sin(),
    lambda m, x, y, rng: (x * 0.3).exp(),
    lambda m, x, y, rng: x.tanh(),
    lambda m, x, y, rng: x.sigmoid(),
    lambda m, x, y, rng: (x * x + 1).sqrt(),
    lambda m, x, y, rng: (x * x).log1p(),
    lambda m, x, y, rng: (x * 0.5) ** 3,
    lambda m, x, y, rng: 1.5 - x,
    lambda m, x, y, rng: x.cosh().reciprocal(),
    lambda m, x, y, rng: 1.3 ** x.tanh(),
    lambda m, x, y, rng: x.clone(),
    lambda m, x, y, rng: x.sum(),
    lambda m, x, y, rng: x.unsqueeze(int(rng.integers(-x.ndim - 1, x.ndim + 1))),
    lambda m, x, y, rng: x.squeeze(),
    lambda m, x, y, rng: x.reshape(1, -1),
    lambda m, x, y, rng: x.expand(2, *x.shape),
    lambda m, x, y, rng: x.permute(rng.permutation(x.ndim).tolist()),
    lambda m, x, y, rng: x[draw_index(rng, tuple(x.shape))],
    lambda m, x, y, rng: m.stack([x, x.sin()], int(rng.integers(0, x.ndim + 1))),
    lambda m, x, y, rng: m.outer(x.reshape(-1), y.reshape(-1)[:2]),
)
step(
    fits,
    lambda m, x, y, rng: x + y,
    lambda m, x, y, rng: y - x,
    lambda m, x, y, rng: x * y,
    # minigrad keeps the quotient for its gradient and refuses to change it; PyTorch keeps x, y
    lambda m, x, y, rng: x / (y * y + 1) + 0.5,
    lambda m, x, y, rng: m.maximum(x, y * 0.9 + 0.01),
    lambda m, x, y, rng: m.where(x.detach() > 0.3, x, y),
    lambda m, x, y, rng: m.addcmul(x, y, y, value=0.5),
    lambda m, x, y, rng: m.lerp(x, y, 0.3),
)
step(
    has_axes(1),
    lambda m, x, y, rng: x.sum(draw_axis(rng, x), keepdim=bool(rng.integers(2))),
    lambda m, x, y, rng: x.mean(draw_axis(rng, x)),
    lambda m, x, y, rng: x.prod(draw_axis(rng, x), keepdim=True),
    lambda m, x, y, rng: x.amax(draw_axis(rng, x)),
    lambda m, x, y, rng: x.logsumexp(draw_axis(rng, x)),
    lambda m, x, y, rng: (x * x + 1).norm(dim=draw_axis(rng, x)),
    lambda m, x, y, rng: x.softmax(draw_axis(rng, x)),
    lambda m, x, y, rng: x.log_softmax(draw_axis(rng, x)),
    lambda m, x, y, rng: x.cumsum(draw_axis(rng, x)),
    lambda m, x, y, rng: x.cumprod(draw_axis(rng, x)),
    lambda m, x, y, rng: x.flip((draw_axis(rng, x),)),
    lambda m, x, y, rng: x.roll(1, draw_axis(rng, x)),
    lambda m, x, y, rng: x.narrow(draw_axis(rng, x), 0, 1),
    lambda m, x, y, rng: x.chunk(2, draw_axis(rng, x))[-1],
    lambda m, x, y, rng: m.cat([x, x * 2], draw_axis(rng, x)),
)
step(
    has_axes(2),
    lambda m, x, y, rng: x.mT,
    lambda m, x, y, rng: x @ x.mT,
    lambda m, x, y, rng: x.tril(),
    lambda m, x, y, rng: x.diagonal(0, 0, -1),
    lambda m, x, y, rng: m.einsum("...ij,...kj->...ik", x, x.cos()),
)
change(
    always,
    lambda m, x, y, rng: x.mul_(0.7),
    lambda m, x, y, rng: x.sin_(),
    lambda m, x, y, rng: x.add_(1.5),
    lambda m, x, y, rng: x.__setitem__(draw_index(rng, tuple(x.shape), once=True), 0.25),
)
change(
    fits,
    lambda m, x, y, rng: x.sub_(y.clone()),
    lambda m, x, y, rng: x.mul_(y.clone()),
    lambda m, x, y, rng: x.copy_(y * 0.5),
    lambda m, x, y, rng: x.__setitem__(..., y * 0.5),
)
change(
    lambda x, y: x.ndim >= 1 and fits(x[0], y),
    lambda m, x, y, rng: x.__setitem__(0, y * 0.5),
    lambda m, x, y, rng: x[-1].mul_(y.sin()),
)


# -------------------------------------------------------------------------------------- a program


def run(m: Any, leaves: Sequence[Any], rng: Generator, changes: bool) -> list[Any]:
    """The tensors of the program that `rng` draws."""
    tensors = list(leaves)
    for _ in range(int(rng.integers(3, 9))):
        last = len(tensors) - 1
        position = last if rng.random() < 0.5 else int(rng.integers(0, last + 1))
        x, y = tensors[position], tensors[int(rng.integers(0, last + 1))]
        in_place = changes and position >= len(leaves) and rng.random() < 0.4
        table = CHANGES if in_place else STEPS
        applies, function = table[int(rng.integers(0, len(table)))]
        # every draw of a step is made by a generator of its own: both libraries make the same
        own = np.random.default_rng(int(rng.integers(0, 2**31)))
        if applies(x, y):
            result = function(m, x, y, own)
            if not in_place and np.prod(tuple(result.shape)) <= 500:
                tensors.append(result)
    return tensors


def leaves_of(seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng([seed, 1])
    return [rng.standard_normal(draw_shape(rng)) for _ in range(int(rng.integers(1, 4)))]


def loss_of(m: Any, tensors: Sequence[Any], seed: int) -> Any:
    rng = np.random.default_rng([seed, 2])
    weights = [rng.standard_normal(tuple(tensor.shape)) for tensor in tensors]
    return sum((tensor * m.tensor(weight)).sum() for tensor, weight in zip(tensors, weights))


def differentiate(m: Any, seed: int, changes: bool) -> tuple[list[Any], list[Any], list[Any]]:
    """Values of all tensors, gradients of the leaves, and second gradients along a direction."""
    leaves = [m.tensor(array, requires_grad=True) for array in leaves_of(seed)]
    tensors = run(m, leaves, np.random.default_rng(seed), changes)
    loss = loss_of(m, tensors, seed)
    first = m.autograd.grad(loss, leaves, create_graph=True, materialize_grads=True)
    along = sum((g * m.cos(leaf.detach())).sum() for g, leaf in zip(first, leaves))
    second = [0.0] * len(leaves)
    if along.requires_grad:
        second = m.autograd.grad(along, leaves, materialize_grads=True)
    return [
        [np.asarray(t.detach().tolist() if hasattr(t, "detach") else t) for t in results]
        for results in (tensors, first, second)
    ]


def unless_refused(m: Any, seed: int, changes: bool) -> Any:
    """What `differentiate` returns, or None if a change in place is refused."""
    try:
        return differentiate(m, seed, changes)
    except (RuntimeError, ValueError) as refusal:
        if changes and any(word in str(refusal) for word in REFUSED):
            return None
        raise


def loss_at(arrays: Sequence[np.ndarray], seed: int) -> float:
    with mg.no_grad():
        tensors = run(mg, [mg.tensor(a) for a in arrays], np.random.default_rng(seed), True)
        return float(loss_of(mg, tensors, seed))


def by_finite_differences(seed: int, h: float = 1e-5) -> list[np.ndarray]:
    arrays = leaves_of(seed)
    gradients = [np.zeros_like(array) for array in arrays]
    for array, gradient in zip(arrays, gradients):
        for place in np.ndindex(array.shape):
            before = array[place]
            array[place] = before + h
            above = loss_at(arrays, seed)
            array[place] = before - h
            gradient[place] = (above - loss_at(arrays, seed)) / (2 * h)
            array[place] = before
    return gradients


def compare(found: Sequence[Any], expected: Sequence[Any], tolerance: float, what: str) -> None:
    for i, (a, b) in enumerate(zip(found, expected, strict=True)):
        scale = max(1.0, float(np.max(np.abs(b), initial=0)))
        np.testing.assert_allclose(
            a, b, rtol=tolerance, atol=tolerance * scale, err_msg=f"{what} {i}"
        )


@pytest.mark.parametrize("changes", [False, True], ids=["pure", "in_place"])
@pytest.mark.parametrize("block", range(PROGRAMS // 50))
def test_a_random_program_gives_pytorch_s_numbers(block: int, changes: bool) -> None:
    compared = 0
    for seed in range(50 * block, 50 * (block + 1)):
        expected = unless_refused(torch, seed, changes)
        if expected is None:
            continue
        found = differentiate(mg, seed, changes)
        for what, a, b in zip(("value", "gradient", "second gradient"), found, expected):
            compare(a, b, 1e-9, f"program {seed}: {what}")
        compared += 1
    assert compared > 25


def test_what_pytorch_refuses_is_right_or_refused() -> None:
    right = 0
    for seed in range(200):
        if unless_refused(torch, seed, changes=True) is not None:
            continue
        found = unless_refused(mg, seed, changes=True)
        if found is not None:
            compare(found[1], by_finite_differences(seed), 1e-5, f"program {seed}: gradient")
            right += 1
    assert right
