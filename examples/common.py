"""What the examples share: their options, and the packages that only some of them need."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from typing import Any

import minigrad as mg

PROJECTS = {"sklearn": "scikit-learn"}  # where the name to install is not the name to import


class Format(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """The description as it is written, and the default of each option beside it."""


class Options(argparse.ArgumentParser):
    """Asks for the packages before anything is computed, but after --help, which needs none."""

    packages: tuple[str, ...] = ()

    def parse_args(self, *arguments: Any, **named: Any) -> Any:
        parsed = super().parse_args(*arguments, **named)
        need(*self.packages)
        one_thread()
        return parsed


def one_thread() -> None:
    """Keep matrix products on one core, unless a variable says otherwise: they are all small."""
    chosen = any(name in os.environ for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"))
    if not chosen and importlib.util.find_spec("threadpoolctl") is not None:
        mg.set_num_threads(1)


def options(documentation: str | None, *packages: str) -> Options:
    """A parser whose --help shows the documentation of the example, which uses the packages."""
    parser = Options(description=documentation, formatter_class=Format)
    parser.packages = packages
    return parser


def need(*packages: str) -> None:
    """End the program with one line that says what to install, where a package is missing."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        names = " ".join(PROJECTS.get(name, name) for name in missing)
        extras = "examples" if names != "optuna" else "examples,neighbours"
        everything = f'pip install ".[{extras}]"'
        sys.exit(f"Not found: {names}.  pip install {names}, or for all examples {everything}")


def pyplot() -> Any:
    """matplotlib's pyplot, which draws into files and opens no window."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    return pyplot
