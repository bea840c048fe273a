"""Pictures of graphs and of backpropagation.

    draw(loss)                   a picture of the graph: formulas, shapes, numbers, gradients.
                                 In a notebook it shows itself; .save("graph.svg") writes it
    draw(model, x)               the same of a module and its input; equal blocks are folded
    draw(loss, backward=True)    the backward pass, each edge with its product: X̄ = Ȳ Wᵀ
    tape(loss)                   the graph as text, a line for each op: print it
    explain(loss, "page.html")   a page that steps through backpropagation, matrix by matrix
    lint(loss, model)            common mistakes: each with the op, the module, and what to do

    with record_values():        a loss computed here keeps all its numbers and what ran beside
                                 it, so that pictures show it before and after backward
    describe(loss)               what all of these show, as data

    plot_decision_boundary(model, X, y)    what a classifier answers in the plane
    plot_weights(model)                    weights as heat maps
    plot_activations(model, x)             the results of all ops as heat maps
    film(model, X, y)                      a page with a slider: the training, frame by frame
    GradientNorms(model)                   norms of the gradients per layer, over the steps

Tensors are called what the calling function calls them, or as ``names=`` says.  Pictures need
Graphviz or ``pip install graphviz-pure``, and plots need matplotlib; the rest needs nothing.
"""

from minigrad.visualize.description import describe
from minigrad.visualize.dot import draw
from minigrad.visualize.explain import explain
from minigrad.visualize.film import film
from minigrad.visualize.lint import lint
from minigrad.visualize.plots import (
    GradientNorms,
    plot_activations,
    plot_decision_boundary,
    plot_weights,
)
from minigrad.visualize.recording import record_values
from minigrad.visualize.tape import tape

__all__ = [
    "GradientNorms",
    "describe",
    "draw",
    "explain",
    "film",
    "lint",
    "plot_activations",
    "plot_decision_boundary",
    "plot_weights",
    "record_values",
    "tape",
]


def __dir__() -> list[str]:
    """What users call; the modules that it is made of are not offered for completion."""
    return __all__
