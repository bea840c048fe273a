"""What an op is, before any graph: its forward, its VJPs, and how its arguments are laid out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad import errors

ndarray = np.ndarray
MISSING: Any = type("MISSING", (), {"__repr__": lambda self: "<missing>"})()

# NumPy's names of arguments, and PyTorch's, for each other
ALIASES = {"axis": "dim", "dim": "axis", "keepdims": "keepdim", "keepdim": "keepdims",
           "axes": "dims", "dims": "axes", "ddof": "correction", "correction": "ddof",
           "unbiased": "correction", "input": "x", "self": "x", "other": "y", "a": "x", "b": "y",
           "x1": "x", "x2": "y", "A": "x", "exponent": "y"}  # fmt: skip


def arguments_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of the positional arguments of a function."""
    code = function.__code__
    return code.co_varnames[: code.co_argcount]


class Op:
    """An op: its forward, its VJPs, and how the arguments of a call are laid out.

    The leading arguments, one for each VJP, are tensors; the others are static.
    """

    call: Callable[..., Any]  # written out by `calls` at the first call, from the text `source`
    call_from_numpy: Callable[..., Any]  # the same, with NumPy's rules of types
    source: str

    def __init__(
        self,
        forward: Callable[..., Any],
        vjps: Sequence[Callable[..., Any] | None],
        joint: Callable[..., Any] | None = None,
        keep: dict[str, Callable[..., Any]] | None = None,
        promote: bool = False,
        view: bool = False,
        notation: str | None = None,
        names: bool = True,
    ) -> None:
        self.name = forward.__name__.strip("_")
        self.forward = forward
        self.vjps = tuple(vjps)
        self.joint = joint
        self.keep = keep or {}
        self.promote = promote
        self.view = view
        self.notation = notation
        self.arity = 1 if joint else len(self.vjps)
        self.outputs_class: Any = None  # the named tuple of an op with several results
        self.plans: dict[tuple[bool, ...], Plan] = {}

        positional = arguments_of(forward)
        code = forward.__code__
        self.varargs = code.co_varnames[len(positional)] if code.co_flags & 0x04 else None
        self.arguments = (*positional, self.varargs) if self.varargs else positional
        self.operand_names = self.arguments[: self.arity]
        self.static_names = self.arguments[self.arity :]
        given = forward.__defaults__ or ()
        defaults = [MISSING] * (len(positional) - len(given)) + list(given)
        if self.varargs:
            defaults.append(())
        self.defaults = tuple(defaults)
        self.index = {name: i for i, name in enumerate(self.arguments)}
        special = {"out", *self.keep, *[f"{name}_shape" for name in self.operand_names]}
        ambiguous = special.intersection(self.arguments)
        if ambiguous and names:
            raise TypeError(
                f"{self.name}: {min(ambiguous)!r} means something else to a VJP than the argument "
                "of that name; give the argument another name"
            )
        known = special.union(self.arguments)
        self.wants: dict[Any, tuple[str, ...]] = {}
        for vjp in (joint, *self.vjps):
            if vjp is not None:
                self.wants[vjp] = self.wanted_by(vjp, known)

    @classmethod
    def of_vjp(cls, vjp: Callable[..., Any]) -> Op:
        """An op whose forward is a VJP, and whose arguments are all static."""
        return cls(vjp, (), names=False)

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    @property
    def kind(self) -> str:
        """The name, of an op of this library or a NumPy function; "" for an op of somebody else's.

        What knows ops by their meaning looks here: another op of the same name means another thing.
        """
        module = getattr(self.forward, "__module__", None) or "numpy"
        return self.name if module.split(".")[0] in ("minigrad", "numpy") else ""

    def wanted_by(self, vjp: Callable[..., Any], known: set[str]) -> tuple[str, ...]:
        """The names that a VJP takes after g, each of them known."""
        first, *names = arguments_of(vjp)
        if first != "g" or not known.issuperset(names):
            raise TypeError(
                f"{self.name}: a VJP takes g first, and then any of {sorted(known)}; "
                f"this one takes {', '.join(arguments_of(vjp))}"
            )
        return tuple(names)

    def plan(self, needs: tuple[bool, ...]) -> Plan:
        """How to record a call whose operands need gradients where `needs` is true."""
        plan = self.plans.get(needs)
        if plan is None:
            plan = self.plans[needs] = Plan(self, needs)
        return plan

    def bind(self, values: Sequence[Any], names: dict[str, Any]) -> list[Any]:
        """The arguments in the order of the forward's signature, all of them given.

        values   by position; those that a call left out have their defaults, or are `MISSING`
        names    others, by name

        This is the one place that translates NumPy's names of arguments into PyTorch's and back.
        """
        if self.varargs:
            fixed = len(self.arguments) - 1
            rest = values[fixed:]
            if len(rest) == 1 and isinstance(rest[0], (tuple, list)):
                rest = tuple(rest[0])
            values = (*values[:fixed], *([rest] if rest else []))
        if len(values) > len(self.arguments):
            raise TypeError(
                f"{self.name}() takes at most {len(self.arguments)} arguments "
                f"({', '.join(self.arguments)}), got {len(values)}"
            )
        bound = [*values, *self.defaults[len(values) :]]
        for name, value in names.items():
            position = self.index.get(name, self.index.get(ALIASES.get(name, name)))
            if position is None:
                raise TypeError(
                    f"{self.name}() got an unexpected keyword argument {name!r}; "
                    f"it takes {', '.join(self.arguments)}"
                )
            if bound[position] is not self.defaults[position]:
                raise TypeError(
                    f"{self.name}() got two values for its argument {self.arguments[position]!r}"
                )
            if self.arguments[position] == self.varargs and not isinstance(value, (tuple, list)):
                value = (value,)
            bound[position] = value
        for name, value in zip(self.arguments, bound):
            if value is MISSING:
                raise TypeError(f"{self.name}() is missing its argument {name!r}")
        return bound

    def run(self, operands: Sequence[Any], arrays: Sequence[Any], statics: Sequence[Any]) -> Any:
        """The forward, with errors explained."""
        try:
            if self.joint is not None:
                arrays = (tuple(arrays),)
            if self.varargs:
                return self.forward(*arrays, *statics[:-1], *statics[-1])
            return self.forward(*arrays, *statics)
        except Exception as error:
            errors.explain(error, self, operands, statics)
            raise


def op_of(function: Any) -> Op:
    """The op that a public function calls."""
    found: Op = function.op
    return found


class Plan:
    """How one op is recorded when a given set of its operands needs gradients.

    names   the arrays that are saved, in order: "out", operands, what the forward keeps
    save    picks these from its arguments, ``out, *operands, *kept``
    steps   for each operand that needs a gradient: its position (-1: all, by a joint VJP), its VJP,
            and where the VJP's arguments are: None, all that was saved; a number, that one of the
            saved; else a function that picks them from ``(saved, node)``

    They are laid out at the first use: a program calls few of the library's ops.
    """

    save: Callable[..., tuple[Any, ...]]
    __slots__ = ("names", "needs", "op", "save", "steps")

    def __init__(self, op: Op, needs: Sequence[bool]) -> None:
        self.op = op
        self.needs = needs

    def __getattr__(self, name: str) -> Any:
        if name not in Plan.__slots__:
            raise AttributeError(name)
        self.lay_out()
        return object.__getattribute__(self, name)

    def lay_out(self) -> None:
        op, needs = self.op, self.needs
        if op.joint is not None:
            used: list[tuple[int, Any]] = [(-1, op.joint)]
        else:
            used = [(i, vjp) for i, vjp in enumerate(op.vjps) if needs[i] and vjp is not None]
        arrays = {"out", *op.operand_names, *op.keep}
        names = [name for _, vjp in used for name in op.wants[vjp] if name in arrays]
        for name in [name for name in names if name in op.keep]:
            names += [a for a in arguments_of(op.keep[name]) if a in arrays]
        self.names = tuple(dict.fromkeys(names))
        layout = ("out", *op.operand_names, *op.keep)
        positions = tuple([layout.index(name) for name in self.names])
        self.save = lambda *values: tuple([values[i] for i in positions])
        self.steps = tuple([(i, vjp, self.argument_picker(op.wants[vjp])) for i, vjp in used])

    def argument_picker(self, wants: tuple[str, ...]) -> Callable[[Any, Any], Any] | int | None:
        """What finds the arguments of a VJP: among the saved, the statics, the shapes of inputs."""
        op, names = self.op, self.names
        if op.joint is None and wants == names:
            return None
        if op.joint is None and len(wants) == 1 and wants[0] in names:
            return names.index(wants[0])
        if not wants:
            return lambda saved, node: ()

        def source(name: str) -> tuple[int, int]:
            if name in names:
                return 0, names.index(name)
            if name in op.static_names:
                return 1, op.static_names.index(name)
            return 2, op.operand_names.index(name.removesuffix("_shape"))

        sources = [source(name) for name in wants]

        def pick(saved: Any, node: Any) -> list[Any]:
            return [
                saved[i] if kind == 0 else node.statics[i] if kind == 1 else node.operand_shape(i)
                for kind, i in sources
            ]

        return pick
