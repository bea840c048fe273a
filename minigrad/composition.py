"""Functions that are made of ops: they need no derivative of their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, ParamSpec, TypeVar

from minigrad.calls import written
from minigrad.errors import complain_of_kind, complain_of_operands, of_both_kinds
from minigrad.primitive import ALIASES

__all__ = ["composition"]

P = ParamSpec("P")
R = TypeVar("R")


def composition(function: Callable[P, R]) -> Callable[P, R]:
    """Let `function`, a composition of ops, take NumPy's names of arguments as ops do.

    ``axis`` stands for ``dim``, ``keepdims`` for ``keepdim``, ``ddof`` for ``correction``, and so
    on: the names are those that `op` translates.
    """
    code = function.__code__
    names = set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    tensors = {
        name for name, kind in function.__annotations__.items() if kind in ("Array", "Tensor")
    }
    known = {alias: name for alias, name in ALIASES.items() if name in names and alias not in names}

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if kwargs and "out" in kwargs and "out" not in names:
            out: Any = kwargs.pop("out")
            result: Any = call(*args, **kwargs)
            if out is None:
                return result
            arguments = [*args, *kwargs.values()]
            arguments += [x for each in arguments if isinstance(each, (list, tuple)) for x in each]
            return written(function.__name__, result, out, arguments)
        try:
            if kwargs and not known.keys().isdisjoint(kwargs):
                translated: Any = {known.get(name, name): value for name, value in kwargs.items()}
                if len(translated) < len(kwargs):
                    raise TypeError(
                        f"{function.__name__}() got an argument under two names: {kwargs}"
                    )
                return function(*args, **translated)
            return function(*args, **kwargs)
        except (AttributeError, KeyError) as error:
            given = arguments_given(function, args, kwargs)
            complain_of_kind(error, function.__name__, given)
            raise
        except TypeError as error:
            given = arguments_given(function, args, kwargs)
            wanted = [(name, value) for name, value in given if name in tensors]
            complain_of_operands(error, function.__name__, wanted)
            raise
        except (ValueError, IndexError) as error:
            both = of_both_kinds(error)
            if both is error:
                raise
            raise both  # noqa: B904  # it has the cause of the first one

    update_wrapper(call, function)
    return call


def arguments_given(function: Callable[..., Any], args: Any, kwargs: Any) -> list[tuple[str, Any]]:
    """The arguments of a call with their names."""
    code = function.__code__
    count = code.co_argcount
    given = [*zip(code.co_varnames[:count], args), *kwargs.items()]
    if code.co_flags & 0x04:  # it takes any number of tensors
        several = code.co_varnames[count + code.co_kwonlyargcount]
        given += [(f"{several}[{i}]", value) for i, value in enumerate(args[count:])]
    return given
