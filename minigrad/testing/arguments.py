"""What goes into a check: names of inputs, parameters of modules, and what must not change."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn

from minigrad.graph import Variable
from minigrad.pytrees import describe, leaves_of, paths_of
from minigrad.random import get_rng_state, set_rng_state
from minigrad.testing.report import Diagnosis

LISTED = 4  # names in a note


def is_float(value: Any) -> bool:
    return isinstance(value, Variable) and value._array.dtype.kind == "f"


def is_module(value: Any) -> bool:
    return all(hasattr(value, name) for name in ("named_modules", "named_parameters", "_buffers"))


def argument_names(fn: Callable[..., Any], tree: Sequence[Any]) -> list[str]:
    """A name for each leaf of the arguments: that of the parameter it is passed to."""
    try:
        called = fn.forward if is_module(fn) else fn  # type: ignore[attr-defined]  # a Module
        parameters = list(inspect.signature(called).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names = []
    for i, argument in enumerate(tree):
        plain = i < len(parameters) and parameters[i].kind in (
            inspect.Parameter.POSITIONAL_ONLY,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
        )
        name = parameters[i].name if plain else f"input {i}"
        if not isinstance(argument, (tuple, list, dict)):
            name = getattr(argument, "name", None) or name
        names += paths_of(argument, name)
    return names


def check_tolerances(name: str, atol: float, rtol: float) -> None:
    for what, value in (("atol", atol), ("rtol", rtol)):
        if not value >= 0:
            raise ValueError(f"{name}: {what}={value} is not a tolerance")


def parameters_of(params: Any) -> tuple[list[str], list[Any], list[Diagnosis]]:
    """Names and tensors of a module, a dict, a list, or one tensor; and what is left out.

    Of a module, the parameters that require grad; of a dict or a list, all.  A tensor that is named
    twice is one parameter.
    """
    if params is None:
        return [], [], []
    frozen: list[str] = []
    if is_module(params):
        named = list(params.named_parameters())
        frozen = [name for name, p in named if not p.requires_grad]
        named = [(name, p) for name, p in named if p.requires_grad]
    elif isinstance(params, dict):
        named = list(params.items())
    else:
        listed = leaves_of(list(params) if inspect.isgenerator(params) else params)
        named = [(f"params[{i}]", p) for i, p in enumerate(listed)]
        named = [(getattr(p, "name", None) or n if is_float(p) else n, p) for n, p in named]
    for name, p in named:
        if not is_float(p):
            kind = f"a tensor of {p._array.dtype}" if isinstance(p, Variable) else describe(p)
            raise TypeError(f"params: {name} is {kind}, not a floating-point tensor")
    once: dict[int, tuple[str, Any]] = {}
    for name, p in named:
        once.setdefault(id(p), (name, p))
    names, tensors = [name for name, _ in once.values()], [p for _, p in once.values()]
    return names, tensors, left_out(frozen)


def left_out(frozen: Sequence[str]) -> list[Diagnosis]:
    if not frozen:
        return []
    more = f" and {len(frozen) - LISTED} more" if len(frozen) > LISTED else ""
    verb = "is" if len(frozen) == 1 else "are"
    text = f"{', '.join(frozen[:LISTED])}{more} {verb} frozen (requires_grad is False): not checked"
    return [Diagnosis("not checked", text)]


def distinct(names: Sequence[str]) -> list[str]:
    """The names, numbered where one occurs twice."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def refuse(fn: Any, names: Sequence[str], leaves: Sequence[Any], frozen: bool) -> NoReturn:
    """Raise the error that says why nothing can be checked, and what would help."""
    text = "check_gradients: there is nothing to check, no input is a floating-point tensor"
    arrays = [n for n, x in zip(names, leaves) if hasattr(x, "dtype") or isinstance(x, float)]
    arrays = [n for n, x in zip(names, leaves) if n in arrays and not isinstance(x, Variable)]
    if frozen:
        text += ", and all parameters are frozen (requires_grad is False)"
    elif arrays:
        text += f". Make {arrays[0]} one, mg.tensor({arrays[0]})"
    elif leaves:
        listed = [x._array.dtype if isinstance(x, Variable) else describe(x) for x in leaves]
        text += f" ({', '.join(f'{n}: {kind}' for n, kind in zip(names, listed))})"
    if not frozen and any(is_module(m) for m in modules_of(fn)):
        text += ". The parameters of a module are checked with params=module"
    raise TypeError(text)


# ------------------------------------------------------------------------- what must stay as it was


def modules_of(fn: Any, *given: Any) -> list[Any]:
    """The modules that a check may run: `fn` or what it refers to, and those among `given`."""
    reached = list(given)
    if isinstance(fn, partial):
        reached += [*fn.args, *fn.keywords.values()]
        fn = fn.func
    for holder in (fn, getattr(fn, "__self__", None)):  # an object may hold the module
        reached += [holder, *getattr(holder, "__dict__", {}).values()]
    try:
        variables = inspect.getclosurevars(inspect.unwrap(fn))
        reached += [*variables.nonlocals.values(), *variables.globals.values()]
    except (TypeError, ValueError):  # no function of Python
        pass
    for value in list(reached):  # layers are kept in lists and dicts, too
        if isinstance(value, (list, tuple)):
            reached += value
        elif isinstance(value, dict):
            reached += value.values()
    return [value for value in reached if is_module(value)]


@contextmanager
def undisturbed(modules: Sequence[Any]) -> Iterator[None]:
    """Modules run on copies of their buffers; afterwards these and random numbers are as before.

    Buffers are what a module changes when it runs, like the running means of a batch norm.
    """
    parts = {id(part): part for module in modules for part in module.modules()}
    tables = [(part, dict(part._buffers)) for part in parts.values() if part._buffers]
    buffers = {id(b): b for _, table in tables for b in table.values() if b is not None}
    state = [(b, b._array, b._node, b._alias) for b in buffers.values()]
    random = get_rng_state()
    try:
        for b in buffers.values():
            b._array, b._alias = b._array.copy(), None
        yield
    finally:
        set_rng_state(random)
        for b, array, node, alias in state:
            b._array, b._node, b._alias = array, node, alias
        for part, table in tables:
            for key, b in table.items():
                part._buffers[key] = b
                object.__setattr__(part, key, b)


def random_modules(modules: Sequence[Any]) -> list[str]:
    """Names of the modules that draw random numbers in training, and are training."""
    return [
        f"{name} ({part})" if name else str(part)
        for module in modules
        for name, part in module.named_modules()
        if part.training and draws(part)
    ]


def draws(part: Any) -> bool:
    """Whether a module drops numbers at random; recurrent ones and attention have a rate of it."""
    rate = getattr(part, "dropout", 0.0)
    return "Dropout" in type(part).__name__ or (isinstance(rate, float) and rate > 0)
