"""Pictures of graphs and of backpropagation: one description, several views.

`draw` makes a picture, `tape` a text, `explain` a page that steps through the backward pass, `lint`
finds common mistakes, and the plots show training.
"""

from minigrad.visualize.description import Call, Description, Operand, Vertex, describe
from minigrad.visualize.dot import draw
from minigrad.visualize.explain import explain
from minigrad.visualize.lint import Finding, Findings, lint
from minigrad.visualize.picture import Picture
from minigrad.visualize.plots import (
    GradientNorms,
    plot_activations,
    plot_decision_boundary,
    plot_weights,
)
from minigrad.visualize.recording import record_values
from minigrad.visualize.tape import Tape, tape

__all__ = [
    "Call",
    "Description",
    "Finding",
    "Findings",
    "GradientNorms",
    "Operand",
    "Picture",
    "Tape",
    "Vertex",
    "describe",
    "draw",
    "explain",
    "lint",
    "plot_activations",
    "plot_decision_boundary",
    "plot_weights",
    "record_values",
    "tape",
]
