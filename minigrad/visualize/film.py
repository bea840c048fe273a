"""The film of a training: what a network did, frame by frame, as one page with a slider.

While the network is trained only its parameters are copied, now and then.  The pictures are
computed afterwards, when the film is saved: what the network answers in the plane, the surface of
the loss around the way that the parameters took, and the weights, activations and gradients of
each layer.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import minigrad.nn.functional as F
from minigrad.graph import Variable, wrap
from minigrad.promotion import get_default_dtype
from minigrad.visualize.pages import assembled
from minigrad.visualize.plots import parameters_of, plain, whole
from minigrad.visualize.scenes import scenes

__all__ = ["Film", "film"]

EARLY = 32  # steps that are all noted; later ones farther and farther apart: less happens
MOST_NUMBERS = 2**24  # of all snapshots together: 64 MiB


def film(
    model: Any,
    X: Any,
    y: Any,
    loss: Callable[[Any, Any], Any] | None = None,
    *,
    frames: int = 60,
) -> Film:
    """Film a training: pass the result to `fit` as a callback, or call its `record` in each step.

    model   a module
    X, y    data on which the film looks at the network: a few hundred examples are enough
    loss    called with what the model returns and y; None: `cross_entropy` if y holds classes and
            the model gives a score for each, else `mse_loss`
    frames  how many frames the film has at most

    Recording copies the parameters in each of the first 32 steps, and then less and less often, as
    less happens: 160 times in 1,500 steps.  The pictures are computed by `save`.

    Raises   TypeError if model is not a module or frames is not a whole number; ValueError if X and
             y have different lengths, or frames is less than 2.
    Example  >>> import os, tempfile
             >>> X, y = mg.randn(20, 2), mg.zeros(20, dtype=mg.int64)
             >>> model = mg.nn.Sequential(mg.nn.Linear(2, 4), mg.nn.ReLU(), mg.nn.Linear(4, 2))
             >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
             >>> film = mg.visualize.film(model, X, y)
             >>> history = mg.training.fit(
             ...     model, "cross_entropy", optimizer, (X, y), epochs=3, callbacks=[film],
             ...     progress=False,
             ... )
             >>> film.save(os.path.join(tempfile.mkdtemp(), "film.html")).name
             'film.html'
    """
    return Film(model, X, y, loss, frames)


class Film:
    """Snapshots of a model while it is trained; see `film`."""

    def __init__(self, model: Any, X: Any, y: Any, loss: Any, frames: int) -> None:
        self.parameters = [parameter for _, parameter in parameters_of(model)]
        if not self.parameters:
            raise ValueError("this model has no parameters: nothing of it is trained")
        self.model = model
        self.frames = whole("frames", frames, 2)
        self.X, self.y = tensor_of(X), tensor_of(y)
        if len(self.X) != len(self.y):
            raise ValueError(f"X has {len(self.X)} examples and y {len(self.y)}")
        self.loss = usual_loss if loss is None else loss
        self.steps = 0  # that were recorded
        self.next = 0  # the step that is noted next
        self.every = 1  # the least distance of two
        self.snapshots: list[tuple[int, list[Any]]] = []
        self.handle: Any = None
        size = sum([parameter._array.size for parameter in self.parameters])
        self.most = max(self.frames, MOST_NUMBERS // max(size, 1))

    def record(self, *_: Any) -> None:
        """Note the parameters as they are now; call it after each step of the optimizer."""
        if self.steps >= self.next:
            copies = [parameter._array.copy("K") for parameter in self.parameters]
            self.snapshots.append((self.steps, copies))
            if len(self.snapshots) > self.most:  # every other one goes
                self.snapshots = self.snapshots[::2]
                self.every *= 2
            self.next = self.steps + max(self.every, self.steps // EARLY)
        self.steps += 1

    # what `fit` calls of a callback

    def start(self, run: Any) -> None:
        """Before the first epoch: from here on each step of the optimizer is recorded."""
        if not self.snapshots:
            self.record()
        self.handle = run.optimizer.register_step_post_hook(self.record)

    def epoch_end(self, run: Any) -> None:
        """After each epoch: nothing."""

    def end(self, run: Any) -> None:
        """After the last epoch."""
        if self.handle is not None:
            self.handle.remove()
            self.handle = None

    def state_dict(self) -> dict[str, Any]:
        """What a `Checkpoint` keeps of the film: nothing, it begins again."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from where `state_dict` was taken."""

    # the page

    def save(self, filename: Any = "film.html") -> Path:
        """Write the film: one page, which needs no network.

        Returns  its path.
        Raises   RuntimeError if nothing was recorded.
        """
        if not self.snapshots:
            raise RuntimeError(
                "nothing was recorded: pass the film to fit in callbacks=[film], or call its "
                "record() after each step"
            )
        path = Path(os.fspath(filename))
        data = scenes(self.model, self.X, self.y, self.loss, self.chosen())
        path.write_text(
            assembled("film/film", ["film/film"], ["film/film"], data), encoding="utf-8"
        )
        return path

    def chosen(self) -> list[tuple[int, list[Any]]]:
        """The snapshots that become frames, and the model as it is now."""
        now = max(self.steps - 1, 0), [parameter._array.copy("K") for parameter in self.parameters]
        every = [each for each in self.snapshots if each[0] < now[0]] + [now]
        places = np.unique(np.linspace(0, len(every) - 1, self.frames).round().astype(int))
        return [every[i] for i in places]


def tensor_of(values: Any) -> Any:
    """Data as a tensor; floating-point numbers in the default type."""
    if isinstance(values, Variable):
        return values
    array = np.asarray(plain(values))
    return wrap(array.astype(get_default_dtype()) if array.dtype.kind == "f" else array)


def usual_loss(output: Any, y: Any) -> Any:
    """Cross-entropy of scores and classes, else the mean square of the difference."""
    if y._array.dtype.kind in "iub" and output._array.ndim == 2 and output._array.shape[1] > 1:
        return F.cross_entropy(output, y.long())
    target = y.to(output.dtype).reshape(output.shape)
    return F.mse_loss(output, target)
