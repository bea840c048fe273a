"""Adapters for libraries that ask for more than NumPy's protocols.

einops       a backend for ``einops.rearrange`` and its kin, found by einops itself; its layers
treescope    how tensors are drawn in notebooks

What needs no adapter (pandas, xarray, SciPy's sparse products and ufuncs, Dask's tokens, DLPack)
works because tensors speak the protocols of these libraries.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

__all__ = ["introduce"]


class Introduction:
    """Imports our adapter for a library right after the library itself, whenever that may be.

    einops knows a backend if its class exists, but imports none; and to import einops for everybody
    who may need it one day would make ``import minigrad`` slow.  (So would ``importlib.abc``, the
    base class of finders: what Python asks of one is this method.)
    """

    def __init__(self, library: str, adapter: str) -> None:
        self.library = library
        self.adapter = adapter

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The usual spec of the library, whose loader imports the adapter at its end."""
        if fullname != self.library or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            execute = loader.exec_module

            def execute_both(module: ModuleType) -> None:
                execute(module)
                import_module(self.adapter)

            loader.exec_module = execute_both
        return spec


def introduce(library: str, adapter: str) -> None:
    """Import the module `adapter` now if `library` has been imported, or else after it."""
    if library in sys.modules:
        import_module(adapter)
    else:
        sys.meta_path.insert(0, Introduction(library, adapter))
