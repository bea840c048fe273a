"""Shape, order and joining: values and gradients are PyTorch's, for any arguments."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
import minigrad.nn.functional as mg_functional

torch = pytest.importorskip("torch")

SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4)
Draw = Any


def flat(result: Any) -> list[Any]:
    """All tensors of a result."""
    if isinstance(result, (tuple, list)):
        return [each for part in result for each in flat(part)]
    return [result]


def compare(shapes: list[tuple[int, ...]], function: Callable[..., Any]) -> None:
    """`function`, of a library and its tensors, gives the same values and gradients in both."""
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape) for shape in shapes]
    found = []
    for library in (mg, torch):
        tensors = [library.tensor(array, requires_grad=True) for array in arrays]
        outputs = flat(function(library, *tensors))
        weights = np.random.default_rng(1)
        total = sum(x.sum() * 0 for x in tensors)  # each has a gradient, if only zeros
        for out in outputs:
            total = total + (out * library.tensor(weights.standard_normal(tuple(out.shape)))).sum()
        total.backward()
        values = [out.detach().numpy() for out in outputs]
        found.append(values + [tensor.grad.numpy() for tensor in tensors])
    assert [a.shape for a in found[0]] == [a.shape for a in found[1]]
    for ours, theirs in zip(*found):
        np.testing.assert_allclose(ours, theirs, 1e-10, 1e-10)


def dims(draw: Draw, shape: tuple[int, ...], several: bool = False) -> Any:
    """An axis of `shape`, or some different ones, counted from either end."""
    n = len(shape)
    if not several:
        return draw(st.integers(-n, n - 1))
    chosen = draw(st.lists(st.integers(0, n - 1), unique=True, min_size=1))
    return tuple([d - n if draw(st.booleans()) else d for d in chosen])


def factors(draw: Draw, n: int) -> tuple[int, ...]:
    """Sizes whose product is n."""
    sizes = []
    while n > 1 and draw(st.booleans()):
        factor = draw(st.sampled_from([d for d in range(1, n + 1) if n % d == 0]))
        sizes.append(factor)
        n //= factor
    return (*sizes, n)


Program = Callable[[Any, tuple[int, ...]], Callable[..., Any]]


def with_dim(name: str) -> Program:
    def choose(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
        d = dims(draw, shape)
        return lambda m, x: getattr(m, name)(x, d)

    return choose


def with_dims(name: str) -> Program:
    def choose(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
        d = dims(draw, shape, several=True)
        return lambda m, x: getattr(m, name)(x, d)

    return choose


def reshape(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
    sizes = factors(draw, math.prod(shape))
    return lambda m, x: x.reshape(*sizes)


def flatten(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
    start = draw(st.integers(0, len(shape) - 1))
    end = draw(st.integers(start, len(shape) - 1))
    return lambda m, x: m.flatten(x, start - len(shape), end)


def unflatten(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
    d = dims(draw, shape)
    sizes = factors(draw, shape[d])
    return lambda m, x: m.unflatten(x, d, sizes)


def unsqueeze(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
    d = draw(st.integers(-len(shape) - 1, len(shape)))
    return lambda m, x: m.unsqueeze(x, d)


def permute(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
    order = tuple(draw(st.permutations(range(len(shape)))))
    return lambda m, x: x.permute(*order)


def two_dims(name: str) -> Program:
    def choose(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
        a, b = dims(draw, shape), dims(draw, shape)
        return lambda m, x: getattr(m, name)(x, a, b)

    return choose


def movedim(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
    source = dims(draw, shape, several=True)
    target = tuple(draw(st.permutations(range(len(shape))))[: len(source)])
    return lambda m, x: m.movedim(x, source, target)


def expand(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
    lead = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
    sizes = tuple([draw(st.sampled_from([n, -1] if n != 1 else [1, 3, -1])) for n in shape])
    return lambda m, x: x.expand(*lead, *sizes)


def repeat(name: str) -> Program:
    def choose(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
        least = len(shape) if name == "repeat" else 1
        sizes = tuple(draw(st.lists(st.integers(1, 3), min_size=least, max_size=len(shape) + 1)))
        return lambda m, x: getattr(x, name)(sizes)

    return choose


def repeat_interleave(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
    d = draw(st.none() | st.integers(-len(shape), len(shape) - 1))
    n = math.prod(shape) if d is None else shape[d]
    counts = draw(st.integers(0, 3) | st.lists(st.integers(0, 3), min_size=n, max_size=n))
    return lambda m, x: m.repeat_interleave(
        x, m.tensor(counts) if isinstance(counts, list) else counts, d
    )


def roll(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
    if draw(st.booleans()):
        shift = draw(st.integers(-9, 9))
        return lambda m, x: m.roll(x, shift)
    d = dims(draw, shape, several=True)
    shifts = tuple([draw(st.integers(-9, 9)) for _ in d])
    return lambda m, x: m.roll(x, shifts, d)


def rot90(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
    if len(shape) < 2:
        return lambda m, x: x * 1
    plane = draw(st.permutations(range(len(shape))))[:2]
    k = draw(st.integers(-5, 5))
    return lambda m, x: m.rot90(x, k, plane)


def split(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
    d = dims(draw, shape)
    sizes: Any = draw(st.integers(1, 5))
    if draw(st.booleans()):
        first = draw(st.integers(0, shape[d]))
        sizes = [first, shape[d] - first]
    return lambda m, x: m.split(x, sizes, d)


def chunk(name: str) -> Program:
    def choose(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
        n, d = draw(st.integers(1, 5)), dims(draw, shape)
        return lambda m, x: getattr(m, name)(x, n, d)

    return choose


def tensor_split_at(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
    d = dims(draw, shape)
    at = tuple(sorted(draw(st.lists(st.integers(0, 6), max_size=3))))
    return lambda m, x: m.tensor_split(x, at, d)


def pad(mode: str) -> Program:
    def choose(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
        functional = {mg: mg_functional, torch: torch.nn.functional}
        if mode == "constant":
            count = draw(st.integers(1, len(shape)))
            widths = tuple(draw(st.lists(st.integers(-1, 3), min_size=2 * count,
                                         max_size=2 * count)))  # fmt: skip
            sizes = [n for n in reversed(shape[-count:]) for _ in (0, 1)]
            widths = tuple([max(w, 0) if n < 2 else w for w, n in zip(widths, sizes)])
            return lambda m, x: functional[m].pad(x, widths, value=1.5)
        n = shape[-1]
        most = {"reflect": n - 1, "replicate": 5, "circular": n}[mode]
        widths = (draw(st.integers(0, most)), draw(st.integers(0, most)))
        # PyTorch pads the last axis of two or three only
        return lambda m, x: functional[m].pad(x.reshape(1, -1, n), widths, mode)

    return choose


PROGRAMS: dict[str, Program] = {
    "reshape": reshape, "flatten": flatten, "unflatten": unflatten, "squeeze": with_dims("squeeze"),
    "squeeze one": with_dim("squeeze"), "unsqueeze": unsqueeze, "permute": permute,
    "transpose": two_dims("transpose"), "swapaxes": two_dims("swapaxes"), "movedim": movedim,
    "moveaxis": two_dims("moveaxis"), "expand": expand, "repeat": repeat("repeat"),
    "tile": repeat("tile"), "repeat_interleave": repeat_interleave, "flip": with_dims("flip"),
    "roll": roll, "rot90": rot90, "split": split, "chunk": chunk("chunk"),
    "tensor_split": chunk("tensor_split"), "tensor_split at": tensor_split_at,
    "unbind": with_dim("unbind"), "pad": pad("constant"), "reflect": pad("reflect"),
    "replicate": pad("replicate"), "circular": pad("circular"),
    "ravel": lambda draw, shape: lambda m, x: m.ravel(x),
    "atleast": lambda draw, shape: lambda m, x: [m.atleast_1d(x), m.atleast_2d(x), m.atleast_3d(x)],
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(PROGRAMS))
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_one_tensor(name: str, data: Any) -> None:
    shape = data.draw(SHAPES)
    compare([shape], PROGRAMS[name](data.draw, shape))


@given(data=st.data(), name=st.sampled_from(["cat", "concat"]))
@settings(max_examples=40, deadline=None)
def test_cat(data: Any, name: str) -> None:
    shape = data.draw(SHAPES)
    d = dims(data.draw, shape)
    axis = d % len(shape)
    sizes = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))
    shapes = [(*shape[:axis], n, *shape[axis + 1 :]) for n in sizes]
    compare(shapes, lambda m, *tensors: getattr(m, name)(tensors, d))


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_stack(data: Any) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
    d = data.draw(st.integers(-len(shape) - 1, len(shape)))
    count = data.draw(st.integers(1, 4))
    compare([shape] * count, lambda m, *tensors: m.stack(tensors, d))


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("hstack", [(2,), (3,)]), ("hstack", [(2, 1), (2, 3)]), ("hstack", [(), ()]),
        ("vstack", [(3,), (2, 3)]), ("vstack", [(), ()]), ("dstack", [(2,), (2,)]),
        ("dstack", [(2, 3), (2, 3, 2)]), ("column_stack", [(2,), (2, 3)]),
        ("column_stack", [(), ()]), ("row_stack", [(3,), (2, 3)]),
    ],
)  # fmt: skip
def test_stacks(name: str, shapes: list[tuple[int, ...]]) -> None:
    compare(shapes, lambda m, *tensors: getattr(m, name)(tensors))


@pytest.mark.parametrize("indexing", ["ij", "xy"])
@pytest.mark.parametrize("shapes", [[(2,)], [(2,), (3,)], [(2,), (), (3,)]])
def test_meshgrid(indexing: str, shapes: list[tuple[int, ...]]) -> None:
    compare(shapes, lambda m, *tensors: m.meshgrid(*tensors, indexing=indexing))


def test_block_diag_and_broadcast_tensors() -> None:
    compare([(2, 3), (3,), ()], lambda m, *tensors: m.block_diag(*tensors))
    compare([(2, 1, 3), (4, 1)], lambda m, *tensors: m.broadcast_tensors(*tensors))


@pytest.mark.parametrize("name", ["hsplit", "vsplit", "dsplit"])
@pytest.mark.parametrize("where", [2, (1,), [0, 3]])
def test_splits(name: str, where: Any) -> None:
    compare([(2, 4, 2)], lambda m, x: getattr(m, name)(x, where))


TYPES = ["bool", "uint8", "int8", "int64", "float16", "float32", "float64"]


@given(a=st.sampled_from(TYPES), b=st.sampled_from(TYPES))
@settings(max_examples=49, deadline=None)
def test_type_of_joined_tensors(a: str, b: str) -> None:
    found = []
    for m in (mg, torch):
        parts = [m.ones(2, dtype=getattr(m, a)), m.ones(2, dtype=getattr(m, b))]
        found.append([str(f(parts).dtype).removeprefix("torch.") for f in (m.cat, m.stack)])
    assert found[0] == found[1]


CREATED: list[Callable[[Any], Any]] = [
    lambda m: m.zeros(2, 3), lambda m: m.ones((2,)), lambda m: m.full((2,), 3),
    lambda m: m.eye(3, 2), lambda m: m.full((2,), 2.5), lambda m: m.full((2,), True),
    lambda m: m.arange(5),
    lambda m: m.arange(2, 9, 3), lambda m: m.arange(0, 1, 0.1), lambda m: m.arange(5.0, 0, -1.5),
    lambda m: m.linspace(-1, 1, 7), lambda m: m.linspace(3, 3, 1), lambda m: m.linspace(0, 1, 0),
    lambda m: m.logspace(0, 2, 5), lambda m: m.logspace(0, 3, 4, base=2.0),
    lambda m: m.zeros_like(m.arange(3)), lambda m: m.full_like(m.zeros(2), 3),
    lambda m: m.ones(2, dtype=m.float64).new_zeros(3), lambda m: m.arange(2).new_tensor([1.5]),
    lambda m: m.tensor([[1, 2], [3, 4]]), lambda m: m.tensor([1, 2.5]), lambda m: m.tensor(True),
    lambda m: m.tensor([[], []]), lambda m: m.tril_indices(3, 4, -1), lambda m: m.arange(0),
    lambda m: m.triu_indices(4, 3, 1), lambda m: m.tensor([1.5, -1.5]).long(),
    lambda m: m.tensor([0.0, 0.5]).bool(), lambda m: m.tensor([1, 2]).double(),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(CREATED)))
def test_creation(case: int) -> None:
    ours, theirs = CREATED[case](mg), CREATED[case](torch)
    assert str(ours.dtype) == str(theirs.dtype).removeprefix("torch.")
    assert ours.shape == tuple(theirs.shape)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), 1e-6, 1e-6)
