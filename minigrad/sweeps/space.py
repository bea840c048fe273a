"""Which runs a sweep has: settings of hyperparameters, seeds, and a name for each run."""

from __future__ import annotations

import inspect
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from minigrad import random
from minigrad.pytrees import describe

__all__ = ["RESERVED", "Run", "check_signature", "runs_of", "settings_of"]

RESERVED = ("run", "rung", "seed", "seconds", "error", "folder")  # columns of our own


@dataclass(frozen=True)
class Run:
    """One call of the training function.

    number    its row in the table
    settings  hyperparameters by name
    seed      what random numbers start from
    budget    what it may spend: the name and the number of a successive halving, or None
    rung      which rung of the halving it belongs to
    """

    number: int
    settings: dict[str, Any]
    seed: int
    budget: tuple[str, int] | None = None
    rung: int = 0

    @property
    def arguments(self) -> dict[str, Any]:
        """The settings, and the budget under its name."""
        return {**self.settings, **dict([self.budget] if self.budget else [])}

    @property
    def key(self) -> str:
        """A text that is the same in every process for the same run, and for no other."""
        named = {name: label(name, value) for name, value in sorted(self.arguments.items())}
        return json.dumps({"settings": named, "seed": self.seed})

    @property
    def training(self) -> str:
        """The same for one setting and seed, whatever the budget."""
        return replace(self, budget=None).key


def label(name: str, value: Any) -> Any:
    """A value of a hyperparameter as it stands in a file."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return label(name, value.item())
    if isinstance(value, (list, tuple)):
        return [label(name, entry) for entry in value]
    if isinstance(value, Mapping):
        return {str(k): label(name, v) for k, v in value.items()}
    if hasattr(value, "__qualname__") and "<" not in value.__qualname__:
        return f"{value.__module__}.{value.__qualname__}"
    text = repr(value)
    if " at 0x" in text:
        raise TypeError(
            f"sweep: {name} has the value {text}, which has no name that lasts from one process to "
            "the next; take a string, and let the function look up what it stands for"
        )
    return text


# --------------------------------------------------------------------------------------- settings


def settings_of(space: Any, samples: int | None, sample_seed: int) -> list[dict[str, Any]]:
    """Every setting of a grid, or so many drawn from it."""
    grids = [space] if isinstance(space, Mapping) else list(space)
    for grid in grids:
        check_grid(grid)
    if samples is None:
        drawn = [name for grid in grids for name, values in grid.items() if is_random(values)]
        if drawn:
            raise ValueError(
                f"sweep: {drawn[0]} is a distribution; say how many settings to draw, samples=20"
            )
        found = [setting for grid in grids for setting in every_setting(grid)]
    else:
        if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
            raise ValueError(f"sweep: samples is a number of settings, got {samples!r}")
        found = drawn_settings(grids, samples, sample_seed)
    if not found:
        raise ValueError("sweep: the space is empty")
    return found


def check_grid(grid: Any) -> None:
    if not isinstance(grid, Mapping):
        raise TypeError(f"sweep: a space is a dict, or a list of dicts, got {describe(grid)}")
    for name, values in grid.items():
        if not isinstance(name, str):
            raise TypeError(f"sweep: hyperparameters have names, got {name!r}")
        if name in RESERVED:
            hint = "; give seeds= instead" if name == "seed" else ""
            raise ValueError(f"sweep: {name!r} is a column of the table{hint}")
        if not is_random(values) and not choices(values):
            raise ValueError(f"sweep: {name} has no value to try")


def is_random(values: Any) -> bool:
    """Whether values are drawn: SciPy's distributions, and those of minigrad.distributions."""
    return hasattr(values, "rvs") or hasattr(values, "log_prob")


def choices(values: Any) -> list[Any]:
    """The values to try; one that is not a list is the same for every run."""
    if isinstance(values, np.ndarray):
        return list(values.tolist()) if values.ndim else [values.item()]
    if isinstance(values, (list, tuple, range, set, frozenset)):
        return sorted(values, key=repr) if isinstance(values, (set, frozenset)) else list(values)
    return [values.item() if isinstance(values, np.generic) else values]


def every_setting(grid: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All combinations, the last name changing fastest."""
    for values in itertools.product(*map(choices, grid.values())):
        yield dict(zip(grid, values))


def drawn_settings(
    grids: Sequence[Mapping[str, Any]], samples: int, sample_seed: int
) -> list[dict[str, Any]]:
    """Settings at random: without repetition from a grid, else each name by itself."""
    generator = np.random.default_rng(sample_seed)
    if not any(is_random(values) for grid in grids for values in grid.values()):
        every = [setting for grid in grids for setting in every_setting(grid)]
        if samples > len(every):
            raise ValueError(
                f"sweep: {samples} samples of a space that has {len(every)} settings; leave "
                "samples out to try all"
            )
        chosen = generator.choice(len(every), samples, replace=False)
        return [every[i] for i in sorted(chosen.tolist())]
    state = random.get_rng_state()
    random.manual_seed(sample_seed)
    try:
        which = generator.integers(len(grids), size=samples)
        return [{name: draw(values, generator) for name, values in grids[i].items()} for i in which]
    finally:
        random.set_rng_state(state)


def draw(values: Any, generator: np.random.Generator) -> Any:
    """One value, a Python number."""
    if hasattr(values, "rvs"):
        drawn = values.rvs(random_state=generator)
    elif hasattr(values, "log_prob"):
        drawn = values.sample()
    else:
        every = choices(values)
        return every[int(generator.integers(len(every)))]
    return drawn.item() if hasattr(drawn, "item") else drawn


# ------------------------------------------------------------------------------------------- runs


def runs_of(settings: Sequence[dict[str, Any]], seeds: int | Iterable[int]) -> list[Run]:
    """A run for each setting and seed."""
    if isinstance(seeds, (int, np.integer)) and not isinstance(seeds, bool):
        if seeds < 1:
            raise ValueError(f"sweep: seeds is a number of seeds, or a list of them, got {seeds}")
        chosen = list(range(seeds))
    else:
        chosen = [int(seed) for seed in seeds]  # type: ignore[union-attr]  # not an int here
    pairs = itertools.product(settings, chosen)
    runs = [Run(number, setting, seed) for number, (setting, seed) in enumerate(pairs)]
    keys: dict[str, Run] = {}
    for run in runs:
        if run.key in keys:
            raise ValueError(f"sweep: the run {run.settings}, seed {run.seed}, is there twice")
        keys[run.key] = run
    if not runs:
        raise ValueError("sweep: there are no seeds")
    return runs


def check_signature(
    train: Callable[..., Any], run: Run, seed_wanted: bool, folder: Path | None
) -> None:
    """Raise an error now if `train` cannot be called like this."""
    try:
        signature = inspect.signature(train)
    except ValueError:  # a function of C
        return
    given = {**run.arguments, **({"seed": run.seed} if seed_wanted else {})}
    given |= {} if folder is None else {"folder": folder}
    try:
        signature.bind(**given)
    except TypeError as error:
        raise TypeError(
            f"sweep: {getattr(train, '__name__', 'the function')}{signature} cannot be called with "
            f"{', '.join(given)}: {error}"
        ) from None


def takes(train: Callable[..., Any], name: str) -> bool:
    """Whether a function has a parameter of this name, or takes any."""
    try:
        parameters = inspect.signature(train).parameters
    except ValueError:
        return False
    return name in parameters or (
        name == "seed" and any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    )
