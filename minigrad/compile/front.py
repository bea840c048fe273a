"""``mg.compile``: a function that runs as a NumPy program from its second call on."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from minigrad import random
from minigrad.compile.capture import Captured, NotCompiled, capture
from minigrad.compile.comparing import difference
from minigrad.compile.module import CompiledModule
from minigrad.compile.saving import save
from minigrad.compile.specialised import MISS, Specialised
from minigrad.modes import recording
from minigrad.nn.module import Module
from minigrad.pytrees import flatten

__all__ = ["Compiled", "compile"]

MOST_PROGRAMS = 16


def compile(
    function: Callable[..., Any] | None = None,
    *,
    algebra: bool | None = None,
    backend: str = "numpy",
    fallback: bool = False,
    limit: int = MOST_PROGRAMS,
) -> Any:
    """A function of tensors, compiled to one NumPy program: a loss, or a whole training step.

    The first call runs as ever, and is watched; what it did becomes a program, and later calls run
    that.  For each combination of shapes, types, train or eval mode and Python values there is a
    program of its own.  A compiled module is a module: its parameters are those of the model.

    function   what to compile; without it, a decorator
    algebra    rewrite linear algebra as well; None: where results agree to rounding (float64)
    backend    "numpy", or "numba" where it is installed
    fallback   run what cannot be compiled as it is, with one warning, instead of raising
    limit      how many programs there may be

    Raises   `NotCompiled`, a RuntimeError, where the function does what a program cannot.
    Example  >>> import minigrad as mg
             >>> square = mg.compile(lambda x: x * x)
             >>> square(mg.tensor([3.0])), square(mg.tensor([4.0]))
             (tensor([9.]), tensor([16.]))
             >>> len(square.programs)
             1
    """
    if function is None:
        return lambda given: compile(
            given, algebra=algebra, backend=backend, fallback=fallback, limit=limit
        )
    if backend not in ("numpy", "numba"):
        raise ValueError(f"backend is 'numpy' or 'numba', got {backend!r}")
    compiled = Compiled(function, algebra, backend, fallback, limit)
    return CompiledModule(compiled) if isinstance(function, Module) else compiled


class Compiled:
    """What `compile` returns.

    programs   the programs so far, each with the reason why it was made
    source     the last one as readable NumPy
    """

    def __init__(
        self,
        function: Callable[..., Any],
        algebra: bool | None,
        backend: str,
        fallback: bool,
        limit: int,
    ) -> None:
        self.function = function
        self.algebra, self.backend = algebra, backend
        self.fallback, self.limit = fallback, limit
        self.programs: list[Specialised] = []
        self.entry: Callable[..., Any] | None = None
        self.gave_up = False
        if hasattr(function, "__name__"):
            update_wrapper(self, function)

    def copied(self, function: Callable[..., Any]) -> Compiled:
        """The same for another function, with no programs yet."""
        return Compiled(function, self.algebra, self.backend, self.fallback, self.limit)

    def __reduce__(self) -> Any:
        options = (self.algebra, self.backend, self.fallback, self.limit)
        return Compiled, (self.function, *options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        entry = self.entry
        if entry is not None and not kwargs:
            result = entry(args)
            if result is not MISS:
                return result
        return self.slow(args, kwargs)

    def slow(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Look for a program that fits; else make one."""
        if self.gave_up or (recording.frame or recording.suspended).detail is not None:
            return self.function(*args, **kwargs)  # inside a trace, or detect_anomaly
        leaves = flatten((args, kwargs))[0]
        for program in reversed(self.programs):
            if program.same_form(args, kwargs) and program.fits(leaves):
                if not program.verified and not program.same_inputs(leaves):
                    return self.verify(program, args, kwargs)
                if program.is_flat:
                    self.entry = program.entry
                return program.entry(leaves)
        return self.make(args, kwargs)

    def verify(self, program: Specialised, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Watch a second call, on other numbers: what the program takes for constant must be so."""
        captured = self.capture(args, kwargs)
        if captured is None:
            return self.function(*args, **kwargs)
        text = difference(program.captured, captured)
        if text is None:
            program.accept()
        else:
            self.programs.remove(program)
            if program.replaced:
                return self.give_up(NotCompiled(text), captured)
            self.specialise(captured, args, kwargs, program.reason).replaced = True
        return captured.take_result()

    def give_up(self, error: NotCompiled, captured: Captured) -> Any:
        if not self.fallback:
            raise error
        warnings.warn(f"not compiled, runs as it is: {error}", stacklevel=5)
        self.gave_up = True
        return captured.take_result()

    def make(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run the function, and keep a program of what it did."""
        if len(self.programs) >= self.limit:
            reasons = "\n".join([f"  {program.reason}" for program in self.programs[-3:]])
            raise NotCompiled(
                f"{self.limit} programs were made of one function, the last because of\n{reasons}\n"
                "Pass what changes at each call as a tensor, or raise `limit`"
            )
        before = self.programs[-1] if self.programs else None
        reason = "first call" if before is None else before.why_not(args, kwargs)
        captured = self.capture(args, kwargs)
        if captured is None:
            return self.function(*args, **kwargs)
        self.specialise(captured, args, kwargs, reason)
        return captured.take_result()

    def capture(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Captured | None:
        """Run the function, watched; None if it cannot be watched, and is to run as it is."""
        state = random.get_rng_state()
        try:
            return capture(self.function, args, kwargs)
        except NotCompiled as error:
            if not self.fallback:
                raise
            warnings.warn(f"not compiled, runs as it is: {error}", stacklevel=5)
            self.gave_up = True
            random.set_rng_state(state)
            return None

    def specialise(
        self, captured: Captured, args: tuple[Any, ...], kwargs: dict[str, Any], reason: str
    ) -> Specialised:
        made = Specialised(
            self.function, captured, args, kwargs, reason, self.algebra, self.backend
        )
        self.programs.append(made)
        return made

    @property
    def source(self) -> str:
        """The last program as NumPy that a person reads, helper functions first."""
        if not self.programs:
            raise RuntimeError("nothing is compiled yet: call the function once")
        source = self.programs[-1].source()
        helpers = source.helpers.text()
        return f"{helpers}\n\n\n{source.text}" if helpers else source.text

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the last program as a Python file that needs NumPy alone, and its numbers.

        path   of the file, such as ``step.py``; the numbers go to ``step.npz``
        """
        if not self.programs:
            raise RuntimeError("nothing is compiled yet: call the function once")
        save(self.programs[-1], path)

    def explain(self) -> str:
        """What was rewritten in the last program, and what that saved."""
        if not self.programs:
            raise RuntimeError("nothing is compiled yet: call the function once")
        return self.programs[-1].explain()

    def __str__(self) -> str:
        return self.source if self.programs else repr(self)
