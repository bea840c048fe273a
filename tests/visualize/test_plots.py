"""Plots of what is trained."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests.visualize.graphs import deep_net, small_graph


@pytest.mark.parametrize("columns", [1, 3])
def test_decision_boundary_shows_each_class(matplotlib: Any, columns: int) -> None:
    X = np.random.default_rng(0).normal(size=(30, 2)).astype("f")
    y = np.arange(30) % max(columns, 2)
    model = mg.nn.Linear(2, columns)
    ax = mg.visualize.plot_decision_boundary(model, X, y, resolution=20)
    assert len(ax.get_legend().get_texts()) == max(columns, 2)
    image = ax.images[0]
    left, right, bottom, top = image.get_extent()
    row, column = 3, 16
    point = [
        left + (right - left) * column / 19,
        bottom + (top - bottom) * row / 19,
    ]
    scores = model(mg.tensor([point])).detach().numpy()[0]
    expected = scores.argmax() if columns > 1 else scores[0] > 0
    assert image.get_array()[row, column] == expected


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([-1.0, 1.0], ["class -1", "class 1"]),
        (["cat", "dog"], ["class cat", "class dog"]),
        ([True, False], ["class 0", "class 1"]),
        ([2, 0], ["class 0", "class 2"]),
    ],
)
def test_decision_boundary_shows_points_of_all_labels(
    matplotlib: Any, labels: Any, names: list[str]
) -> None:
    X = [[0, 1], [1, 0], [2, 2], [3, 1]]  # whole numbers, between which the plane is coloured
    y = np.array(labels * 2)
    ax = mg.visualize.plot_decision_boundary(lambda x: x[:, 0] - 1.5, X, y, resolution=20)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == names
    assert sum(len(c.get_offsets()) for c in ax.collections if c.get_label() in names) == len(X)
    assert np.unique(ax.images[0].get_array()[0]).size == 2
    assert np.diff(ax.images[0].get_array()[0]).argmax() == 9


@pytest.mark.parametrize("given", [None, 0.5])
def test_decision_boundary_of_probabilities_is_at_one_half(matplotlib: Any, given: Any) -> None:
    X, y = np.random.default_rng(0).normal(size=(30, 2)).astype("f"), np.arange(30) % 2
    linear = mg.nn.Linear(2, 1)
    images = [
        mg.visualize.plot_decision_boundary(model, X, y, resolution=20, threshold=limit).images[0]
        for model, limit in ((linear, None), (mg.nn.Sequential(linear, mg.nn.Sigmoid()), given))
    ]
    assert np.array_equal(images[0].get_array(), images[1].get_array())
    assert np.unique(images[0].get_array()).size == 2


@pytest.mark.parametrize("classes", [3, 12, 30])
def test_decision_boundary_has_a_colour_for_each_class(matplotlib: Any, classes: int) -> None:
    X = np.random.default_rng(0).normal(size=(90, 2)).astype("f")
    labels = 5 * (np.arange(90) % classes)  # not numbers of classes
    model = mg.nn.Linear(2, classes)
    ax = mg.visualize.plot_decision_boundary(model, X, labels, resolution=20)
    points = {c.get_label(): c for c in ax.collections if c.get_label().startswith("class")}
    assert list(points) == [f"class {5 * k}" for k in range(classes)]
    colours = [tuple(c.get_facecolor()[0][:3]) for c in points.values()]
    assert len(set(colours)) == classes
    ground = ax.images[0]
    for k, colour in enumerate(colours):
        assert ground.cmap(ground.norm(k))[:3] == pytest.approx(colour)
    assert all([ax.get_xlabel(), ax.get_ylabel()])


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"y": [0, 5, 10]}, ValueError, "0, 5, 10, and the model tells 2"),
        ({"resolution": 0}, ValueError, "resolution is at least 2"),
        ({"resolution": 2.5}, TypeError, "resolution is a whole number"),
        ({"margin": "a"}, TypeError, "margin is a number"),
        ({"margin": -1}, ValueError, "margin is 0 or more"),
        ({"X": [[0, np.nan], [1, 1], [2, 0]]}, ValueError, "NaN"),
        ({"model": 3}, TypeError, "got int"),
    ],
)
def test_decision_boundary_names_what_is_wrong(
    matplotlib: Any, change: dict[str, Any], error: type[Exception], said: str
) -> None:
    given = {"model": mg.nn.Linear(2, 1), "X": [[0, 1], [1, 0], [2, 2]], "y": [0, 1, 1], **change}
    with pytest.raises(error, match=said):
        mg.visualize.plot_decision_boundary(**given)


def test_maps_need_a_column(matplotlib: Any) -> None:
    with pytest.raises(ValueError, match="columns is at least 1, got 0"):
        mg.visualize.plot_weights(mg.nn.Linear(2, 1), columns=0)


def test_decision_boundary_leaves_modules_as_they_were(matplotlib: Any) -> None:
    model = mg.nn.Sequential(mg.nn.BatchNorm1d(2), mg.nn.Dropout(0.5), mg.nn.Linear(2, 1))
    model[0].eval()
    X, y = np.zeros((2, 2), "f"), np.arange(2)
    mg.visualize.plot_decision_boundary(model, X, y, resolution=3)
    with pytest.raises(ValueError, match="scores of shape"):
        mg.visualize.plot_decision_boundary(lambda x: model(x).sum(), X, y, resolution=3)
    assert [module.training for module in model.modules()] == [True, False, True, True]


@pytest.mark.parametrize("plot", [mg.visualize.plot_weights, mg.visualize.GradientNorms])
def test_plots_of_parameters_need_a_module(plot: Any) -> None:
    with pytest.raises(TypeError, match="got Tensor"):
        plot(mg.ones(2, 2))


@pytest.mark.parametrize(
    "plot",
    [
        lambda: mg.visualize.plot_weights(mg.nn.Linear(2, 1)),
        lambda: mg.visualize.plot_decision_boundary(mg.nn.Linear(2, 1), np.ones((1, 2)), [0]),
    ],
    ids=["weights", "boundary"],
)
def test_without_matplotlib_a_plot_says_what_to_install(plot: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="pip install"):
        plot()


def test_lint_needs_a_module_as_its_model() -> None:
    with pytest.raises(TypeError, match="got int"):
        mg.visualize.lint(small_graph()[0], 3)
    with pytest.raises(TypeError, match="not a module"):
        mg.visualize.lint(mg.nn.Linear(2, 1))


def test_a_history_without_epochs_has_no_plot() -> None:
    with pytest.raises(ValueError, match="no epoch"):
        mg.training.History().plot()


def test_decision_boundary_refuses_points_in_space(matplotlib: Any) -> None:
    with pytest.raises(ValueError, match="shape"):
        mg.visualize.plot_decision_boundary(mg.nn.Linear(3, 1), np.ones((4, 3), "f"), np.ones(4))


def test_weights_and_activations_are_heat_maps(matplotlib: Any) -> None:
    model = mg.nn.Sequential(mg.nn.Linear(3, 4), mg.nn.ReLU(), mg.nn.Linear(4, 2))
    maps = [ax for ax in mg.visualize.plot_weights(model).axes if ax.get_title()]
    assert np.array_equal(maps[0].images[0].get_array(), model[0].weight.detach().numpy())
    x = mg.ones(5, 3)
    maps = [ax for ax in mg.visualize.plot_activations(model, x).axes if ax.get_title()]
    hidden = model[1](model[0](x))
    assert np.allclose(maps[1].images[0].get_array(), hidden.detach().numpy())


@pytest.mark.parametrize("kind", ["lines", "map"])
def test_gradient_norms_over_time(matplotlib: Any, kind: str) -> None:
    model = deep_net(3)
    norms = mg.visualize.GradientNorms(model)
    for _ in range(2):
        model(mg.ones(2, 3)).sum().backward()
        norms.record()
    weight = model[0].weight
    assert norms.table["0.weight"][-1] == pytest.approx(np.linalg.norm(weight.grad.numpy()))
    ax = norms.plot(kind=kind)
    assert ax.get_xlabel() == "step"


@pytest.mark.parametrize("style", ["default", "dark_background"])
@pytest.mark.parametrize("layers", [2, 12])
def test_lines_of_gradient_norms_are_told_apart(matplotlib: Any, style: str, layers: int) -> None:
    model = mg.nn.Sequential(*[mg.nn.Linear(2, 2) for _ in range(layers)])
    norms = mg.visualize.GradientNorms(model)
    for _ in range(5):
        model(mg.ones(2, 2)).sum().backward()
        norms.record()
    with matplotlib.style.context(style):
        ax = norms.plot()
        ground = np.array(ax.get_facecolor()[:3])
    assert (ax.get_legend() is None) == (len(ax.figure.axes) == 2)  # or else a colour bar
    colours = [np.array(line.get_color()[:3]) for line in ax.lines]
    assert min(np.abs(colour - ground).max() for colour in colours) > 0.4
    assert all(tick == round(tick) for tick in ax.get_xticks())
