"""Pictures of training, drawn with matplotlib, which is imported when it is used."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from minigrad.graph import Variable, wrap
from minigrad.modes import no_grad
from minigrad.promotion import get_default_dtype
from minigrad.visualize.description import describe
from minigrad.visualize.names import shown

__all__ = ["GradientNorms", "plot_activations", "plot_decision_boundary", "plot_weights"]


def pyplot() -> Any:
    """matplotlib's pyplot.

    Raises   ImportError that says what to install.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("plots need matplotlib: pip install matplotlib") from error
    return plt


def plain(array: Any) -> Any:
    return array._array if isinstance(array, Variable) else np.asarray(array)


def parameters_of(model: Any) -> list[tuple[str, Any]]:
    """The parameters of a module, with their names."""
    if not hasattr(model, "named_parameters"):
        raise TypeError(f"model is a module with parameters, got {type(model).__name__}")
    return list(model.named_parameters())


def whole(name: str, number: Any, least: int) -> int:
    """`number`, if it is a whole number of at least `least`."""
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)):
        raise TypeError(f"{name} is a whole number, got {type(number).__name__}")
    if number < least:
        raise ValueError(f"{name} is at least {least}, got {number}")
    return int(number)


def plot_decision_boundary(
    model: Any,
    X: Any,
    y: Any,
    *,
    ax: Any = None,
    resolution: int = 200,
    margin: float = 0.1,
    threshold: float | None = None,
) -> Any:
    """Colour the plane by what a model answers there, with the data on top.

    model       a function of a tensor (n, 2), giving scores of classes (n, c), or one score (n,) or
                (n, 1) that is above a threshold for the class 1
    X, y        points (n, 2), and their classes (n,): numbers from 0 on, or as many labels as the
                model tells classes apart, in sorted order
    ax          matplotlib's axes to draw on; None: new ones
    resolution  points of the grid along each axis
    margin      how far the picture goes beyond the data, as a share of its extent, 0 or more
    threshold   of a model with one score; None: 0.5 if all its scores here lie between 0 and 1, as
                after a sigmoid, else 0

    Returns  the axes.
    Raises   TypeError if model cannot be called, or a number is of another kind; ValueError if X
             does not have two columns or is not finite, if y has another length or labels that the
             model does not tell apart, if the model does not answer once for each point, or if a
             number is out of range; ImportError without matplotlib.
    Example  >>> X = np.array([[0.0, 1.0], [1.0, 0.0]], "f")
             >>> ax = mg.visualize.plot_decision_boundary(lambda x: x[:, 0] - x[:, 1], X, [0, 1])
             >>> ax.get_title()
             'decision boundary'
    """
    if not callable(model):
        raise TypeError(f"model is a module or a function of points, got {type(model).__name__}")
    resolution = whole("resolution", resolution, 2)
    if isinstance(margin, bool) or not isinstance(margin, (int, float, np.number)):
        raise TypeError(f"margin is a number, got {type(margin).__name__}")
    if not 0 <= margin < np.inf:
        raise ValueError(f"margin is 0 or more, got {margin}")
    points, labels = points_of(X, y)
    plt = pyplot()
    axes, grid = plane(points, resolution, margin)
    scores = answers_of(model, grid)
    if scores.shape[1] > 1:
        answers = scores.argmax(1)
    else:
        answers = (scores[:, 0] > threshold_of(scores, threshold)).astype(int)
    names, classes = numbered(labels, max(scores.shape[1], 2))
    ax = plt.subplots()[1] if ax is None else ax
    colours, image = colours_of(len(names)), answers.reshape(resolution, resolution)
    ax.imshow(
        image, origin="lower", cmap=listed(colours), vmin=-0.5, vmax=len(names) - 0.5, alpha=0.3,
        extent=(axes[0][0], axes[0][-1], axes[1][0], axes[1][-1]), aspect="auto",
    )  # fmt: skip
    for k in np.unique(answers)[1:]:  # the first is beyond the others' boundaries
        ax.contour(*axes, image == k, levels=[0.5], colors=plt.rcParams["text.color"], linewidths=1)
    for k, name in enumerate(names):
        ax.scatter(
            *points[classes == k].T, s=18, color=[colours[k]], edgecolor="white", linewidth=0.5,
            label=f"class {name}",
        )  # fmt: skip
    ax.legend(loc="best", ncols=-(-len(names) // 10))
    ax.set_title("decision boundary")
    ax.set_xlabel("X[:, 0]")
    ax.set_ylabel("X[:, 1]")
    return ax


def points_of(X: Any, y: Any) -> tuple[Any, Any]:
    """Points of the plane and their labels."""
    points, labels = plain(X), plain(y).reshape(-1)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ValueError(
            f"X has shape (n, 2), a row for each point of the plane, got {points.shape}"
        )
    if len(labels) != len(points):
        raise ValueError(f"X has {len(points)} points and y {len(labels)} classes")
    if points.dtype.kind != "f":
        points = points.astype(get_default_dtype())
    if not np.isfinite(points).all():
        raise ValueError("X has NaN or infinite coordinates, which have no place in the plane")
    return points, labels


def threshold_of(scores: Any, threshold: float | None) -> float:
    """Between the classes of a model with one score: half a probability, or zero."""
    if threshold is not None:
        return float(threshold)
    return 0.5 if scores.min() >= 0 and scores.max() <= 1 else 0.0


def colours_of(n: int) -> list[Any]:
    """Colours of `n` classes, all different."""
    get = pyplot().get_cmap
    for name, size in (("tab10", 10), ("tab20", 20)):
        if n <= size:
            return [get(name)(k) for k in range(n)]
    return list(get("turbo")(np.linspace(0.02, 0.98, n)))


def listed(colours: Any) -> Any:
    """A colour map of these colours."""
    from matplotlib.colors import ListedColormap

    return ListedColormap(colours)


def plane(points: Any, resolution: int, margin: float) -> tuple[list[Any], Any]:
    """The coordinates along both axes of a grid around `points`, and its points, row by row."""
    low, high = points.min(0), points.max(0)
    room = margin * np.maximum(high - low, 1e-6)
    axes = [np.linspace(a, b, resolution) for a, b in zip(low - room, high + room)]
    return axes, np.stack(np.meshgrid(*axes), -1).reshape(-1, 2).astype(points.dtype)


def answers_of(model: Any, points: Any) -> Any:
    """What a model, as it is in evaluation, or a function says of points: (n, scores)."""
    modules = list(model.modules()) if hasattr(model, "modules") else []
    training = [module for module in modules if module.training]
    try:
        for module in training:
            module.training = False
        with no_grad():
            scores = plain(model(wrap(points)))
    finally:
        for module in training:
            module.training = True
    if scores.ndim == 0 or len(scores) != len(points):
        raise ValueError(
            f"the model answers {len(points)} points of shape {points.shape} with scores of shape "
            f"{scores.shape}: it should return (n, classes), (n, 1) or (n,)"
        )
    return scores.reshape(len(points), -1)


def numbered(labels: Any, classes: int) -> tuple[list[Any], Any]:
    """The names of classes, and the number of each label: numbers of classes stay as they are."""
    found = np.unique(labels)
    whole_numbers = found.dtype.kind in "biuf" and np.array_equal(found, found.astype(int))
    if whole_numbers and found.min() >= 0 and found.max() < classes:
        return list(range(classes)), labels.astype(int)
    names = [f"{name:g}" if found.dtype.kind == "f" else name for name in found.tolist()]
    if len(found) != classes:
        raise ValueError(
            f"y has the labels {shown(', '.join(map(str, names)), 60)}, and the model tells "
            f"{classes} classes apart: give numbers from 0 to {classes - 1}, or {classes} labels"
        )
    return names, np.searchsorted(found, labels)


def plot_weights(model: Any, *, columns: int = 4) -> Any:
    """The weights of a model as heat maps: blue is positive, red negative, white 0.

    model    a module; of each parameter with two or more axes one map is drawn (more axes than
             two are laid out as rows)
    columns  maps in a row

    Returns  matplotlib's figure.
    Raises   TypeError if model is not a module; ValueError if no parameter has two axes, or if
             columns is not at least 1; ImportError without matplotlib.
    Example  >>> figure = mg.visualize.plot_weights(mg.nn.Linear(3, 2))
             >>> figure.axes[0].get_title()
             'weight 2×3'
    """
    found = [(name, plain(p)) for name, p in parameters_of(model) if plain(p).ndim >= 2]
    if not found:
        raise ValueError("this model has no parameter with two or more axes")
    return heat_maps(found, columns)


def plot_activations(x: Any, input: Any = None, *, columns: int = 4) -> Any:
    """The results of all ops as heat maps, rows being the examples of a batch.

    x, input  what to look at, as for `describe`: a module and its input, or a function, shows
              all results; of a tensor, those that the graph still has
    columns   maps in a row

    Returns  matplotlib's figure.
    Raises   ValueError if no result is known, or if columns is not at least 1; ImportError without
             matplotlib.
    Example  >>> model = mg.nn.Sequential(mg.nn.Linear(3, 2), mg.nn.ReLU())
             >>> figure = mg.visualize.plot_activations(model, mg.ones(4, 3))
             >>> len([ax for ax in figure.axes if ax.get_title()])
             2
    """
    found = [
        (f"{v.symbol} = {shown(v.formula, 24)}", v.value)
        for v in describe(x, input).vertices
        if v.kind == "op" and isinstance(v.value, np.ndarray) and v.value.ndim >= 1
    ]
    if not found:
        raise ValueError("no result is known: pass a function, or compute it in record_values()")
    return heat_maps(found, columns)


def heat_maps(arrays: Sequence[tuple[str, Any]], columns: int) -> Any:
    """A figure with one map for each named array, each with its own scale around 0."""
    plt = pyplot()
    columns = min(whole("columns", columns, 1), len(arrays))
    rows = -(-len(arrays) // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(3.2 * columns, 2.8 * rows), squeeze=False, layout="constrained",
        FigureClass=shown_once(),
    )  # fmt: skip
    for ax in grid.flat[len(arrays) :]:
        ax.axis("off")
    for ax, (name, array) in zip(grid.flat, arrays):
        matrix = np.atleast_2d(array.reshape(array.shape[0], -1) if array.ndim > 2 else array)
        finite = np.abs(matrix[np.isfinite(matrix)])
        bound = float(finite.max(initial=0)) or 1.0
        image = ax.imshow(matrix, cmap="RdBu", vmin=-bound, vmax=bound, aspect="auto")
        figure.colorbar(image, ax=ax, shrink=0.8)
        ax.set_title(f"{shown(name, 28)} {'×'.join(map(str, array.shape))}", fontsize=9)
        ax.set_xticks([])
        ax.set_yticks([])
    return figure


@cache
def shown_once() -> type:
    """A class of figures that a notebook does not show twice.

    pyplot shows every open figure at the end of a cell, and the cell shows its last value.
    """
    plt = pyplot()

    class Figure(plt.Figure):  # type: ignore[misc, name-defined]  # matplotlib has no types
        def _ipython_display_(self) -> None:
            if not plt.fignum_exists(getattr(self, "number", None)):
                pylabtools: Any = import_module("IPython.core.pylabtools")
                display: Any = import_module("IPython.display")
                display.display(display.Image(pylabtools.print_figure(self)))

    return Figure


class GradientNorms:
    """Norms of the gradients of each parameter, step by step: vanishing and exploding at a glance.

    model    a module with parameters

    Raises   TypeError if model is not a module; ValueError if it has no parameters.
    Example  >>> model = mg.nn.Linear(2, 1)
             >>> norms = mg.visualize.GradientNorms(model)
             >>> for step in range(3):
             ...     model(mg.ones(4, 2)).sum().backward()
             ...     norms.record()
             >>> norms.table["bias"]
             [4.0, 8.0, 12.0]
    """

    def __init__(self, model: Any) -> None:
        self.parameters = parameters_of(model)
        if not self.parameters:
            raise ValueError("this model has no parameters")
        self.table: dict[str, list[float]] = {name: [] for name, _ in self.parameters}

    def record(self) -> None:
        """Note the norms as they are now: after backward, before the optimizer's step."""
        for name, parameter in self.parameters:
            grad = parameter.grad
            norm = float("nan") if grad is None else float(np.linalg.norm(plain(grad).reshape(-1)))
            self.table[name].append(norm)

    def plot(self, *, kind: str = "lines", ax: Any = None) -> Any:
        """Draw the norms over the steps.

        kind  "lines", one for each parameter, or "map": a heat map with a row for each, so that
              many layers can be seen together
        ax    matplotlib's axes to draw on; None: new ones

        Returns  the axes.
        Raises   ValueError for another kind, or before the first `record`.
        """
        if kind not in ("lines", "map"):
            raise ValueError(f"kind is 'lines' or 'map', got {kind!r}")
        norms = np.array(list(self.table.values()))
        if norms.shape[1] == 0:
            raise ValueError("nothing was recorded: call record() after each backward")
        beside = {"loc": "upper left", "bbox_to_anchor": (1.01, 1)} if ax is None else {}
        ax = pyplot().subplots(layout="constrained")[1] if ax is None else ax
        names = [shown(name, 32) for name in self.table]
        if kind == "map":
            with np.errstate(divide="ignore", invalid="ignore"):
                logs = np.log10(norms)
            image = ax.imshow(logs, aspect="auto", cmap="viridis", interpolation="nearest")
            ax.figure.colorbar(image, ax=ax, label="log10 of the norm")
            ax.set_yticks(range(len(names)), names)
        else:
            colours = shades(len(names), ax)
            for name, line, colour in zip(names, norms, colours):
                ax.plot(np.where(line > 0, line, np.nan), label=name, color=colour, linewidth=1.4)
            ax.set_yscale("log")
            ax.set_ylabel("norm of the gradient")
            if len(names) <= 16:
                ax.legend(fontsize=8, **beside)
            else:
                scale = pyplot().Normalize(0, len(names) - 1)
                shown_shades = pyplot().cm.ScalarMappable(scale, listed(colours))
                bar = ax.figure.colorbar(shown_shades, ax=ax, ticks=[0, len(names) - 1])
                bar.ax.set_yticklabels([names[0], names[-1]])
        ax.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        ax.set_xlabel("step")
        ax.set_title("gradient norms")
        return ax


def shades(n: int, ax: Any) -> Any:
    """Colours from the first to the last of `n` lines, which stand out from the ground of `ax`."""
    from matplotlib.colors import to_rgb

    is_dark = np.dot(to_rgb(ax.get_facecolor()), [0.2126, 0.7152, 0.0722]) < 0.5
    darkest, lightest = (0.35, 1.0) if is_dark else (0.0, 0.85)
    return pyplot().get_cmap("viridis")(np.linspace(darkest, lightest, n))
