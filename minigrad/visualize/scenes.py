"""The frames of a film: what each snapshot of a model computes, packed as small images.

An image holds numbers, a byte for each entry: 128 is 0, and 255 the largest size of the series.
The images of all frames stand below each other in one PNG, which the page colours.
"""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.graph import wrap
from minigrad.modes import enable_grad, no_grad
from minigrad.visualize.names import shown

__all__ = ["mosaic", "png", "scenes"]

RESOLUTION = 72  # points of the plane along each axis
SURFACE = 31  # points of the loss surface along each axis
MARGIN = 0.1  # around the data, and around the way of the parameters
MOST_CLASSES = 10
LEVELS = 25  # of confidence in a class, in the byte of a point: class * 25 + level
LARGEST_SIDE = 40  # rows and columns of a map
EXAMPLES = 24  # rows of the map of an activation
MOST_EXAMPLES = 1024  # of the data, for losses and gradients
MOST_LAYERS = 16


def scenes(
    model: Any, X: Any, y: Any, loss: Callable[[Any, Any], Any], snapshots: list[tuple[int, Any]]
) -> dict[str, Any]:
    """All that the page shows."""
    few = evenly(X, y, MOST_EXAMPLES)
    parameters = [parameter for _, parameter in model.named_parameters()]
    with as_it_was(model):
        frames = Frames(model, few, loss)
        for _, numbers in snapshots:
            put(parameters, numbers)
            frames.look()
        vectors = np.stack([flat(numbers) for _, numbers in snapshots])
        surface = loss_surface(model, parameters, vectors, lambda: frames.loss_now())
    return {
        "title": f"The training of {type(model).__name__}",
        "steps": [step for step, _ in snapshots],
        "losses": [rounded(value) for value in frames.losses],
        "accuracies": [rounded(value) for value in frames.accuracies],
        "plane": frames.packed_plane(X, y),
        "surface": surface,
        "layers": [series.packed() for series in frames.layers.values()],
    }


class Series:
    """One array over the frames: a weight, an activation or a gradient."""

    def __init__(self, name: str, kind: str) -> None:
        self.name = name
        self.kind = kind
        self.maps: list[Any] = []
        self.shape: tuple[int, ...] = ()
        self.sizes: list[float] = []
        self.whole = True

    def add(self, array: Any) -> None:
        """The array of one more frame."""
        array = np.asarray(array)
        self.shape = array.shape
        finite = array[np.isfinite(array)].astype(np.float64)
        self.sizes.append(float(np.sqrt(np.mean(finite**2))) if finite.size else math.nan)
        found, self.whole = mosaic(array)
        self.maps.append(found)

    def packed(self) -> dict[str, Any]:
        maps = np.stack(self.maps)
        finite = np.abs(maps[np.isfinite(maps)])
        bound = float(finite.max(initial=0)) or 1.0
        return {
            "name": shown(self.name), "kind": self.kind, "shape": list(self.shape),
            "size": list(maps.shape[1:]), "bound": rounded(bound),
            "sizes": [rounded(size) for size in self.sizes], "image": image(maps, bound),
            "cut": not self.whole,
        }  # fmt: skip


class Frames:
    """What the model computes in each frame."""

    def __init__(self, model: Any, data: tuple[Any, Any], loss: Callable[[Any, Any], Any]) -> None:
        self.model, self.loss = model, loss
        self.X, self.y = data
        self.losses: list[float] = []
        self.accuracies: list[float] = []
        self.layers: dict[Any, Series] = {}
        self.planes: list[Any] = []
        self.grid = plane_of(self.X._array)

    def look(self) -> None:
        """Add a frame: the model as it is now."""
        self.model.zero_grad()
        outputs: dict[str, Any] = {}
        handles = [
            module.register_forward_hook(noting(outputs, name or type(module).__name__))
            for name, module in self.model.named_modules()
            if not any(True for _ in module.children())
        ]
        try:
            with enable_grad(), np.errstate(all="ignore"):
                output = self.model(self.X)
                loss = self.loss(output, self.y)
                loss.backward()
        finally:
            for handle in handles:
                handle.remove()
        self.losses.append(float(loss.item()))
        self.accuracies.append(accuracy(output._array, self.y._array))
        for name, array in list(outputs.items())[:MOST_LAYERS]:
            self.series(name, "activation").add(array[:EXAMPLES])
        for name, parameter in list(self.model.named_parameters())[: 2 * MOST_LAYERS]:
            if parameter._array.ndim < 2:
                continue
            self.series(name, "weight").add(parameter._array)
            grad = parameter.grad
            zero = np.zeros_like(parameter._array)
            self.series(name, "gradient").add(zero if grad is None else grad._array)
        if self.grid is not None:
            with no_grad():
                self.planes.append(np.asarray(self.model(wrap(self.grid[2]))._array))

    def series(self, name: str, kind: str) -> Series:
        return self.layers.setdefault((kind, name), Series(name, kind))

    def loss_now(self) -> float:
        with no_grad(), np.errstate(all="ignore"):
            return float(self.loss(self.model(self.X), self.y).item())

    def packed_plane(self, X: Any, y: Any) -> dict[str, Any] | None:
        """What the model answers in the plane, or on the line, and the data."""
        if self.grid is None:
            return None
        low, high, points = self.grid
        outputs = np.stack(self.planes).reshape(len(self.planes), len(points), -1)
        inputs, labels = evenly(X, y, 400)
        found: dict[str, Any] = {
            "low": rounded_all(low), "high": rounded_all(high),
            "points": rounded_all(inputs._array.reshape(len(inputs._array), -1)),
        }  # fmt: skip
        classes = outputs.shape[-1]
        targets = labels._array.reshape(len(labels._array), -1)[:, 0]
        if inputs._array.shape[1] == 1:
            return found | {
                "kind": "line", "targets": rounded_all(targets),
                "curves": rounded_all(outputs[:, :, 0]),
            }  # fmt: skip
        if classes > 1:
            codes = classes_of(outputs[:, :, :MOST_CLASSES])
            kind, bound = "classes", 0.0
        else:
            values = outputs[:, :, 0]
            binary = targets.dtype.kind in "iub" or set(np.unique(targets)) <= {0, 1}
            values = values - (0.5 if binary and values.min() >= 0 and values.max() <= 1 else 0)
            bound = float(np.abs(values[np.isfinite(values)]).max(initial=0)) or 1.0
            codes, kind = bytes_of(values, bound), "score"
        maps = codes.reshape(len(codes), RESOLUTION, RESOLUTION)
        return found | {
            "kind": kind, "size": [RESOLUTION, RESOLUTION], "bound": rounded(bound),
            "image": encoded(maps), "targets": rounded_all(targets),
        }  # fmt: skip


def noting(outputs: dict[str, Any], name: str) -> Callable[..., None]:
    """A forward hook that keeps what a module returns."""

    def hook(module: Any, inputs: Any, output: Any) -> None:
        array = getattr(output, "_array", None)
        if isinstance(array, np.ndarray) and array.dtype.kind == "f" and array.ndim > 1:
            outputs[name] = array

    return hook


@contextmanager
def as_it_was(model: Any) -> Iterator[None]:
    """Parameters, buffers, gradients and modes of a model, put back at the end; evaluation inside.

    Layers of chance do nothing in it, and running statistics stay.
    """
    state = {name: tensor._array.copy("K") for name, tensor in model.state_dict().items()}
    grads = [(parameter, parameter.grad) for parameter in model.parameters()]
    training = [module for module in model.modules() if module.training]
    try:
        for parameter, _ in grads:
            parameter.grad = None
        model.eval()
        yield
    finally:
        for module in training:
            module.training = True
        for name, tensor in model.state_dict().items():
            np.copyto(tensor._array, state[name])
        for parameter, grad in grads:
            parameter.grad = grad


def put(parameters: list[Any], numbers: list[Any]) -> None:
    """Give parameters the numbers of a snapshot."""
    with no_grad():
        for parameter, array in zip(parameters, numbers):
            parameter.copy_(wrap(array))


def evenly(X: Any, y: Any, most: int) -> tuple[Any, Any]:
    """At most so many examples, spread over all of them."""
    n = len(X._array)
    if n <= most:
        return X, y
    chosen = np.linspace(0, n - 1, most).round().astype(int)
    return wrap(X._array[chosen]), wrap(y._array[chosen])


def plane_of(points: Any) -> tuple[Any, Any, Any] | None:
    """Corners and points of a grid around data of one or two numbers; None for other data."""
    if points.ndim != 2 or points.shape[1] > 2 or points.dtype.kind != "f" or not points.size:
        return None
    low, high = points.min(0), points.max(0)
    room = MARGIN * np.maximum(high - low, 1e-6)
    low, high = low - room, high + room
    axes = [np.linspace(a, b, RESOLUTION) for a, b in zip(low, high)]
    if len(axes) == 2:
        axes[1] = axes[1][::-1]  # an image begins at its top
    grid = np.stack(np.meshgrid(*axes), -1).reshape(-1, len(axes))
    return low, high, grid.astype(points.dtype)


def accuracy(output: Any, y: Any) -> float:
    """The share of examples whose class has the largest score; NaN where there are no classes."""
    if output.ndim != 2 or output.shape[1] < 2 or y.dtype.kind not in "iub" or y.ndim != 1:
        return math.nan
    return float(np.mean(output.argmax(1) == y))


def classes_of(scores: Any) -> Any:
    """The class of the largest score, and how sure it is, in a byte."""
    with np.errstate(all="ignore"):
        exponentials = np.exp(scores - scores.max(-1, keepdims=True))
        share = exponentials.max(-1) / exponentials.sum(-1)
    n = scores.shape[-1]
    sure = np.nan_to_num((share - 1 / n) / (1 - 1 / n))
    return (scores.argmax(-1) * LEVELS + np.rint(sure * (LEVELS - 1))).astype(np.uint8)


# ------------------------------------------------------------------------------------ loss surface


def flat(numbers: list[Any]) -> Any:
    return np.concatenate([np.asarray(array, np.float64).reshape(-1) for array in numbers])


def loss_surface(
    model: Any, parameters: list[Any], vectors: Any, loss: Callable[[], float]
) -> dict[str, Any]:
    """The loss along the two directions in which the parameters moved most, and their way."""
    end = vectors[-1]
    directions, way = principal(vectors - end)
    low, high = way.min(0), way.max(0)
    room = np.maximum(0.25 * (high - low), 0.05 * max(float(np.ptp(way, 0).max()), 1e-3))
    low, high = low - room, high + room
    across = np.linspace(low[0], high[0], SURFACE)
    up = np.linspace(high[1], low[1], SURFACE)
    values = np.array([[at(parameters, end, directions, (a, b), loss) for a in across] for b in up])
    put(parameters, split(end, parameters))
    finite = values[np.isfinite(values)]
    range_of = [float(finite.min()), float(finite.max())] if finite.size else [0.0, 0.0]
    with np.errstate(all="ignore"):
        heights = np.log10(values) if range_of[0] > 0 else values
    good = heights[np.isfinite(heights)]
    least, most = (float(good.min()), float(good.max())) if good.size else (0.0, 1.0)
    codes = np.nan_to_num((heights - least) / max(most - least, 1e-12), nan=1.0, posinf=1.0)
    return {
        "image": encoded(np.rint(255 * codes.clip(0, 1)).astype(np.uint8)[None]),
        "size": [SURFACE, SURFACE], "low": rounded_all(low), "high": rounded_all(high),
        "way": rounded_all(way), "range": rounded_all(range_of), "log": range_of[0] > 0,
        "share": rounded(explained(vectors - end, way)),
    }  # fmt: skip


def principal(moves: Any) -> tuple[Any, Any]:
    """The two directions in which `moves` are longest, and the coordinates of each move."""
    gram = moves @ moves.T
    values, vectors = np.linalg.eigh(gram)
    found: list[Any] = []
    for k in (-1, -2):
        long = len(values) >= -k and values[k] > 1e-12 * max(values[-1], 1e-30)
        direction = moves.T @ vectors[:, k] if long else np.zeros(moves.shape[1])
        size = np.linalg.norm(direction)
        found.append(direction / size if size else other_than(found, moves.shape[1]))
    directions = np.stack(found)
    return directions, moves @ directions.T


def other_than(found: list[Any], n: int) -> Any:
    """A direction at a right angle to those found, for parameters that moved along a line."""
    direction = np.random.default_rng(len(found)).standard_normal(n)
    for each in found:
        direction -= each * (each @ direction)
    size = np.linalg.norm(direction)
    return direction / size if size > 1e-9 else np.zeros(n)


def explained(moves: Any, way: Any) -> float:
    """Which share of the moves' squares lies in the plane of the picture."""
    return float((way**2).sum() / max((moves**2).sum(), 1e-30))


def at(
    parameters: list[Any], end: Any, directions: Any, place: Any, loss: Callable[[], float]
) -> float:
    """The loss at a place of the plane."""
    put(parameters, split(end + place[0] * directions[0] + place[1] * directions[1], parameters))
    return loss()


def split(vector: Any, parameters: list[Any]) -> list[Any]:
    """A vector as the arrays of parameters."""
    arrays, begin = [], 0
    for parameter in parameters:
        array = parameter._array
        piece = vector[begin : begin + array.size]
        arrays.append(piece.reshape(array.shape).astype(array.dtype))
        begin += array.size
    return arrays


# ----------------------------------------------------------------------------------------- packing


def mosaic(array: Any) -> tuple[Any, bool]:
    """An array as a map of limited size, and whether all of it is there.

    Kernels of a convolution, and channels of images, are tiles beside each other.  Other arrays
    are rows of their last axis.
    """
    array = np.asarray(array, np.float64)
    if array.ndim == 4:
        return tiled(array)
    rows = array.reshape(-1, array.shape[-1]) if array.ndim > 1 else array.reshape(1, -1)
    found = rows[:LARGEST_SIDE, :LARGEST_SIDE]
    return found, found.size == array.size


def tiled(kernels: Any) -> tuple[Any, bool]:
    """Images (rows, columns, h, w) beside and below each other, with a gap of NaN between them."""
    h, w = kernels.shape[2:]
    down = max(1, 2 * LARGEST_SIDE // (h + 1))
    across = max(1, 2 * LARGEST_SIDE // (w + 1))
    size = kernels.size
    kernels = kernels[:down, :across, : 2 * LARGEST_SIDE, : 2 * LARGEST_SIDE]
    rows, columns, h, w = kernels.shape
    found = np.full((rows * (h + 1) - 1, columns * (w + 1) - 1), np.nan)
    for i in range(rows):
        for j in range(columns):
            top, left = i * (h + 1), j * (w + 1)
            found[top : top + h, left : left + w] = kernels[i, j]
    return found, kernels.size == size


def bytes_of(values: Any, bound: float) -> Any:
    """Numbers between -bound and bound as bytes: 128 is 0, and 0 is none at all."""
    with np.errstate(all="ignore"):
        codes = np.rint(127 * np.clip(values / bound, -1, 1)) + 128
    return np.where(np.isnan(values), 0, codes).astype(np.uint8)


def image(maps: Any, bound: float) -> str:
    return encoded(bytes_of(maps, bound))


def encoded(frames: Any) -> str:
    """Frames of bytes, below each other, as a PNG in base64."""
    return base64.b64encode(png(frames.reshape(-1, frames.shape[-1]))).decode()


def png(pixels: Any) -> bytes:
    """A grey PNG of bytes: rows and columns."""
    height, width = pixels.shape
    rows = np.zeros((height, width + 1), np.uint8)
    rows[:, 1:] = pixels
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(content)) + kind + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts
    ]  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def rounded(value: Any) -> float | None:
    """A number with four digits; None, which JSON has, for one that is not finite."""
    value = float(value)
    return float(f"{value:.4g}") if math.isfinite(value) else None


def rounded_all(array: Any) -> Any:
    array = np.asarray(array)
    if array.ndim > 1:
        return [rounded_all(each) for each in array]
    return [rounded(each) for each in array]
