"""Tensors in the hands of other libraries: each test runs the real package.

Where a package is not installed its tests skip; with MINIGRAD_NEIGHBOURS=1, as in CI, they fail.
"""

import importlib
import os

import pytest


def need(name: str):
    """The module `name`, or a skip; an error where all neighbours are to be there."""
    if os.environ.get("MINIGRAD_NEIGHBOURS") == "1":
        return importlib.import_module(name)
    return pytest.importorskip(name)
