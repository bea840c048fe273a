"""Pictures of training, drawn with matplotlib, which is imported when it is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.graph import Variable, no_grad, wrap
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


def plot_decision_boundary(
    model: Any,
    X: Any,
    y: Any,
    *,
    ax: Any = None,
    resolution: int = 200,
    margin: float = 0.1,
) -> Any:
    """Colour the plane by what a model answers there, with the data on top.

    model       a function of a tensor (n, 2), giving scores of classes (n, c), or one score (n,) or
                (n, 1) that is positive for the class 1
    X, y        points (n, 2), and their classes (n,): numbers of classes, or any two or more labels
    ax          matplotlib's axes to draw on; None: new ones
    resolution  points of the grid along each axis
    margin      how far the picture goes beyond the data, as a share of its extent

    Returns  the axes.
    Raises   ValueError if X does not have two columns, if y has another length, or if the model
             does not answer once for each point; ImportError without matplotlib.
    Example  >>> X = np.array([[0.0, 1.0], [1.0, 0.0]], "f")
             >>> ax = mg.visualize.plot_decision_boundary(lambda x: x[:, 0] - x[:, 1], X, [0, 1])
             >>> ax.get_title()
             'decision boundary'
    """
    points, labels = plain(X), plain(y).reshape(-1)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ValueError(
            f"X has shape (n, 2), a row for each point of the plane, got {points.shape}"
        )
    if len(labels) != len(points):
        raise ValueError(f"X has {len(points)} points and y {len(labels)} classes")
    if points.dtype.kind != "f":
        points = points.astype(get_default_dtype())
    plt = pyplot()
    ax = plt.subplots()[1] if ax is None else ax
    axes, grid = plane(points, resolution, margin)
    scores = answers_of(model, grid)
    answers = scores.argmax(1) if scores.shape[1] > 1 else (scores[:, 0] > 0).astype(int)
    names, classes = numbered(labels)
    shape = (resolution, resolution)
    colours = plt.get_cmap("tab10")
    ax.imshow(
        answers.reshape(shape), origin="lower", cmap=colours, vmin=0, vmax=10, alpha=0.3,
        extent=(axes[0][0], axes[0][-1], axes[1][0], axes[1][-1]), aspect="auto",
    )  # fmt: skip
    if scores.shape[1] == 1 and scores.min() < 0 < scores.max():
        ax.contour(*axes, scores.reshape(shape), levels=[0], colors="0.3", linewidths=1.2)
    for k in range(max(int(answers.max()) + 1, len(names))):
        ax.scatter(
            *points[classes == k].T, s=18, color=colours(k % 10), edgecolor="white", linewidth=0.5,
            label=f"class {names[k] if k < len(names) else k}",
        )  # fmt: skip
    ax.legend(loc="best")
    ax.set_title("decision boundary")
    return ax


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


def numbered(labels: Any) -> tuple[list[Any], Any]:
    """The names of classes, and the number of each label: numbers of classes stay as they are."""
    found = np.unique(labels)
    if found.dtype.kind in "biuf" and found.min() >= 0 and np.array_equal(found, found.astype(int)):
        return list(range(int(found.max()) + 1)), labels.astype(int)
    names = [f"{name:g}" if found.dtype.kind == "f" else name for name in found.tolist()]
    return names, np.searchsorted(found, labels)


def plot_weights(model: Any, *, columns: int = 4) -> Any:
    """The weights of a model as heat maps: red is positive, blue negative, white 0.

    model    a module; of each parameter with two or more axes one map is drawn (more axes than
             two are laid out as rows)
    columns  maps in a row

    Returns  matplotlib's figure.
    Raises   TypeError if model is no module; ValueError if no parameter has two axes; ImportError
             without matplotlib.
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
    Raises   ValueError if no result is known; ImportError without matplotlib.
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
    columns = min(columns, len(arrays))
    rows = -(-len(arrays) // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(3.2 * columns, 2.8 * rows), squeeze=False, layout="constrained"
    )
    for ax in grid.flat[len(arrays) :]:
        ax.axis("off")
    for ax, (name, array) in zip(grid.flat, arrays):
        matrix = np.atleast_2d(array.reshape(array.shape[0], -1) if array.ndim > 2 else array)
        finite = np.abs(matrix[np.isfinite(matrix)])
        bound = float(finite.max(initial=0)) or 1.0
        image = ax.imshow(matrix, cmap="RdBu_r", vmin=-bound, vmax=bound, aspect="auto")
        figure.colorbar(image, ax=ax, shrink=0.8)
        ax.set_title(f"{shown(name, 28)} {'×'.join(map(str, array.shape))}", fontsize=9)
        ax.set_xticks([])
        ax.set_yticks([])
    return figure


class GradientNorms:
    """Norms of the gradients of each parameter, step by step: vanishing and exploding at a glance.

    model    a module with parameters

    Raises   TypeError if model is no module; ValueError if it has no parameters.
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
            colours = pyplot().get_cmap("viridis")(np.linspace(0, 0.95, len(names)))
            for name, line, colour in zip(names, norms, colours):
                ax.plot(np.where(line > 0, line, np.nan), label=name, color=colour, linewidth=1.4)
            ax.set_yscale("log")
            ax.set_ylabel("norm of the gradient")
            if len(names) <= 16:
                ax.legend(fontsize=8, **beside)
        ax.set_xlabel("step")
        ax.set_title("gradient norms")
        return ax
