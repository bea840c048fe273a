"""Rows of sampling at positions, alignments, and rare poolings, by their definitions."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

import minigrad as mg
from tests.samples.convolution import call, function
from tests.samples.sample import Sample, between, distinct, positive

F = mg.nn.functional


# ------------------------------------------------------------------------------------- positions


def pixel_of(x: np.ndarray, i: int, j: int, padding_mode: str, align: bool) -> np.ndarray:
    """A pixel of all channels, or what lies outside."""
    h, w = x.shape[-2:]
    if padding_mode == "border":
        i, j = min(max(i, 0), h - 1), min(max(j, 0), w - 1)
    if padding_mode == "reflection":
        i, j = mirrored(i, h, align), mirrored(j, w, align)
    return x[:, i, j] if 0 <= i < h and 0 <= j < w else np.zeros(len(x))


def mirrored(i: int, n: int, align: bool) -> int:
    """The pixel that a mirror at either end shows: -1 shows 1 if the mirror is at a centre."""
    while not 0 <= i < n:
        if i < 0:
            i = -i if align else -1 - i
        else:
            i = 2 * (n - 1) - i if align else 2 * n - 1 - i
    return i


def cubic(d: float, a: float = -0.75) -> float:
    d = abs(d)
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * (d**3 - 5 * d**2 + 8 * d - 4) if d < 2 else 0.0


KERNELS: dict[str, tuple[Any, int]] = {"bilinear": (lambda d: max(0.0, 1 - abs(d)), 1),
                                       "bicubic": (cubic, 2)}  # fmt: skip


def sampled(
    x: np.ndarray, grid: np.ndarray, mode: str, padding_mode: str, align: bool
) -> np.ndarray:
    """Each pixel of the result is a sum over the pixels around its position."""
    h, w = x.shape[-2:]
    out = np.zeros((*x.shape[:2], *grid.shape[1:3]))
    for n, a, b in product(*map(range, grid.shape[:3])):
        place = [
            (p + 1) / 2 * (size - 1) if align else ((p + 1) * size - 1) / 2
            for p, size in zip(grid[n, a, b][::-1], (h, w))
        ]
        if mode == "nearest":
            i, j = (int(np.round(p)) for p in place)
            out[n, :, a, b] = pixel_of(x[n], i, j, padding_mode, align)
            continue
        kernel, reach = KERNELS[mode]
        first = [int(np.floor(p)) for p in place]
        for di, dj in product(range(1 - reach, reach + 1), repeat=2):
            i, j = first[0] + di, first[1] + dj
            weight = kernel(place[0] - i) * kernel(place[1] - j)
            out[n, :, a, b] += weight * pixel_of(x[n], i, j, padding_mode, align)
    return out


def positions(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Positions inside and outside, off the centres and edges of pixels, where slopes change."""
    pixels = rng.integers(-2, 5, shape) + rng.uniform(0.1, 0.4, shape)
    return (2 * pixels + 1) / 3 - 1  # of three pixels


def grid_row(mode: str, padding_mode: str, align: bool) -> Sample:
    """Three by three pixels."""
    options = {"mode": mode, "padding_mode": padding_mode, "align_corners": align}
    domain: Any = (distinct, positions)
    if align:  # positions of pixels -0.7 ... 2.7
        domain = (distinct, between(-1.7, 1.7))
    if mode == "nearest":
        return function("grid_sample", lambda x: sampled(x, GRID, mode, padding_mode, align),
                        ((1, 2, 3, 3),), case=f"{mode} {padding_mode} {align}", second=False,
                        call=lambda x: F.grid_sample(x, GRID.astype(x.dtype), **options),
                        domain=distinct)  # fmt: skip
    return function("grid_sample", lambda x, g: sampled(x, g, mode, padding_mode, align),
                    ((1, 2, 3, 3), (1, 2, 3, 2)), domain=domain,
                    case=f"{mode} {padding_mode} {align}",
                    call=call("grid_sample", **options))  # fmt: skip


GRID = positions(np.random.default_rng(0), (1, 2, 3, 2))
GRIDS = [
    grid_row(mode, padding_mode, align)
    for mode in ("bilinear", "nearest", "bicubic")
    for padding_mode in ("zeros", "border", "reflection")
    for align in (False, True)
    if mode != "bicubic" or align is (padding_mode == "border")
]


def affine(theta: np.ndarray, size: tuple[int, ...], align: bool) -> np.ndarray:
    out = np.zeros((size[0], *size[2:], len(size) - 2))
    for place in np.ndindex(*size[2:]):
        centre = [
            -1 + 2 * i / (n - 1) if align else -1 + (2 * i + 1) / n for i, n in zip(place, size[2:])
        ]
        for n in range(size[0]):
            out[(n, *place)] = theta[n] @ np.array([*centre[::-1], 1.0])
    return out


# -------------------------------------------------------------------------------------- alignments


def every_alignment(
    x: np.ndarray, labels: list[list[int]], times: list[int], mean: bool = False
) -> np.ndarray:
    """-log of the sum over all paths that show the labels once repeats and blanks are left out."""
    losses = []
    for n, wanted in enumerate(labels):
        total = 0.0
        for path in product(range(x.shape[2]), repeat=times[n]):
            shown = [c for i, c in enumerate(path) if c and (i == 0 or c != path[i - 1])]
            if shown == wanted:
                total += np.exp(sum(x[t, n, c] for t, c in enumerate(path)))
        losses.append(-np.log(total))
    if mean:
        return np.mean([loss / max(len(w), 1) for loss, w in zip(losses, labels)])
    return np.array(losses)


def ctc(x: Any) -> Any:
    return F.ctc_loss(x, mg.tensor([[1, 1], [2, 0]]), [4, 3], [2, 1], reduction="none")


# ----------------------------------------------------------------------------------- rare poolings


def norms(x: np.ndarray, p: float, axes: int) -> np.ndarray:
    """Windows of 2 along each of the last axes."""
    for axis in range(x.ndim - axes, x.ndim):
        shape = (*x.shape[:axis], x.shape[axis] // 2, 2, *x.shape[axis + 1 :])
        x = (x.reshape(shape) ** p).sum(axis + 1) ** (1 / p)
    return x


STARTS = np.array([[[0.3, 0.8], [0.6, 0.1]]])
STARTS3 = np.array([[[0.3, 0.8, 0.5]]])


def fractional(x: np.ndarray, starts: np.ndarray, count: int, kernel: int = 2) -> np.ndarray:
    """Windows from ⌊(i + u) α⌋ - ⌊u α⌋ on, the last one at the end; an image's last axis has u₀."""
    axes = starts.shape[-1]
    out = np.zeros((*x.shape[:2], *[count] * axes))
    for n, c in np.ndindex(*x.shape[:2]):
        order = starts[n, c] if axes == 3 else starts[n, c][::-1]
        first = []
        for size, u in zip(x.shape[2:], order):
            step = (size - kernel) / (count - 1)
            each = [int((i + u) * step) - int(u * step) for i in range(count - 1)]
            first.append([*each, size - kernel])
        for place in np.ndindex(*[count] * axes):
            window = tuple(slice(f[i], f[i] + kernel) for f, i in zip(first, place))
            out[(n, c, *place)] = x[n, c][window].max()
    return out


def fractional_rows(name: str, shape: Any, starts: np.ndarray, count: int) -> list[Sample]:
    def run(suffix: str) -> Any:
        return lambda x: getattr(F, name + suffix)(
            x, 2, output_size=count, _random_samples=mg.tensor(starts)
        )

    def where(x: np.ndarray) -> np.ndarray:
        found = fractional(x, starts, count)
        flat = x.reshape(*x.shape[:2], -1)
        return np.array([
            [[np.flatnonzero(flat[n, c] == v)[0] for v in found[n, c].ravel()]
             for c in range(x.shape[1])]
            for n in range(len(x))
        ]).reshape(found.shape)  # fmt: skip

    return [
        function(name, lambda x: fractional(x, starts, count), (shape,), domain=distinct,
                 call=run("")),
        function(f"{name}_with_indices", lambda x: (fractional(x, starts, count), where(x)),
                 (shape,), domain=distinct, call=run("_with_indices")),
    ]  # fmt: skip


SAMPLES: list[Sample] = [
    *GRIDS,
    function("affine_grid", lambda t: affine(t, (2, 1, 3, 2), False), ((2, 2, 3),),
             call=call("affine_grid", (2, 1, 3, 2))),
    function("affine_grid", lambda t: affine(t, (1, 1, 2, 3, 2), True), ((1, 3, 4),),
             call=call("affine_grid", (1, 1, 2, 3, 2), align_corners=True), case="volume"),
    function("ctc_loss", lambda x: every_alignment(x, [[1, 1], [2]], [4, 3]), ((4, 2, 3),),
             call=ctc),
    function("ctc_loss", lambda x: every_alignment(x, [[], [2, 1]], [2, 3], True), ((3, 2, 3),),
             call=lambda x: F.ctc_loss(x, mg.tensor([2, 1]), [2, 3], [0, 2]), case="mean"),
    function("lp_pool1d", lambda x: norms(x, 2, 1), ((2, 4),), domain=positive,
             call=call("lp_pool1d", 2, 2)),
    function("lp_pool2d", lambda x: norms(x, 3, 2), ((2, 4, 2),), domain=positive,
             call=call("lp_pool2d", 3, 2)),
    function("lp_pool3d", lambda x: norms(x, 1.5, 3), ((1, 2, 4, 2),), domain=positive,
             call=call("lp_pool3d", 1.5, 2)),
    *fractional_rows("fractional_max_pool2d", (1, 2, 5, 4), STARTS, 2),
    *fractional_rows("fractional_max_pool3d", (1, 1, 5, 4, 3), STARTS3, 2),
]  # fmt: skip
