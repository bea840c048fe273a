"""``mg.compile``: a function of tensors as one NumPy program.

The package and the function have one name: the package can be called, and is then the function.

Example  >>> import minigrad as mg
         >>> square = mg.compile(lambda x: x * x)
         >>> square(mg.tensor([3.0])), square(mg.tensor([4.0]))
         (tensor([9.]), tensor([16.]))
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class CallablePackage(ModuleType):
    """This package, as which ``mg.compile(f)`` is `front.compile`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from minigrad.compile import front

        return front.compile(*args, **kwargs)


sys.modules[__name__].__class__ = CallablePackage
