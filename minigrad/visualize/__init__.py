"""Pictures of graphs and of backpropagation: one description, several views.

`draw` makes a picture, `tape` a text, `explain` a page that steps through the backward pass, `lint`
finds common mistakes, and `plots` has pictures of training.
"""

from minigrad.visualize.description import Description, Vertex, describe
from minigrad.visualize.dot import draw
from minigrad.visualize.explain import explain
from minigrad.visualize.recording import record_values
from minigrad.visualize.tape import tape

__all__ = [
    "Description",
    "Vertex",
    "describe",
    "draw",
    "explain",
    "record_values",
    "tape",
]
