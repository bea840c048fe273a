"""``@op``: a function of arrays and its derivatives, made into a recorded operation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np

from minigrad import errors
from minigrad.graph import Array, Edge, Extras, Node, Output, Variable, new, recording, wrap
from minigrad.memory import clock, share_memory
from minigrad.promotion import are_small_integers, as_default_float, as_float, constant, weaken

if TYPE_CHECKING:
    from minigrad.tensor import Tensor

__all__ = ["Array", "Op", "Variable", "numpy_functions", "op"]

P = ParamSpec("P")
ndarray = np.ndarray
MISSING: Any = type("MISSING", (), {"__repr__": lambda self: "<missing>"})()

numpy_functions: dict[Any, Op] = {}  # NumPy function -> op of the same meaning

# NumPy's names of arguments, and PyTorch's, for each other
ALIASES = {"axis": "dim", "dim": "axis", "keepdims": "keepdim", "keepdim": "keepdims",
           "axes": "dims", "dims": "axes", "ddof": "correction", "correction": "ddof",
           "unbiased": "correction", "input": "x", "self": "x", "other": "y", "a": "x", "b": "y",
           "x1": "x", "x2": "y", "A": "x", "exponent": "y"}  # fmt: skip


# The decorator: what an author of ops sees -------------------------------------------------------


def op(
    *vjps: Callable[..., Any] | None,
    joint: Callable[..., Any] | None = None,
    keep: dict[str, Callable[..., Any]] | None = None,
    numpy: Any = (),
    promote: bool = False,
    view: bool = False,
    notation: str | None = None,
) -> Callable[[Callable[P, Any]], Callable[P, Tensor]]:
    """Turn a function of arrays into an op: recorded, differentiable, and documented in one place.

    vjps      one per leading argument: ``lambda g, out, x, dim: ...`` returns the gradient of that
              argument.  After ``g`` it names what it needs: ``out``, arguments,
              ``<argument>_shape``, or what `keep` holds.  None: no gradient.  A VJP is plain NumPy,
              never mutates, and uses only what means the same on an array and on a tensor.
              Broadcasting is undone by the engine.
    joint     instead of `vjps`, for an op whose first argument is a list of tensors: one function
              that returns a list of gradients.
    keep      intermediates that the forward returns after its result, for the VJPs to use: name ->
              a function of the op's arguments that computes the same differentiably.  It runs
              only for derivatives of derivatives.
    numpy     the NumPy function(s) of the same meaning and argument names: ``np.f(t)`` is this op.
    promote   operands follow PyTorch's type promotion (elementwise ops).
    view      the result may share memory with the first argument.
    notation  how the op is written in mathematics, for pictures: ``"{x} @ {y}"``.

    Raises   TypeError at once if a VJP names something that the op does not have.
    Example  >>> import numpy as np, minigrad as mg
             >>> @mg.op(lambda g, x: g * 3 * x * x)
             ... def cube(x):
             ...     return x * x * x
             >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
             >>> cube(x).sum().backward()
             >>> x.grad
             tensor([ 3., 12.])
    """

    def decorate(forward: Callable[P, Any]) -> Callable[P, Tensor]:
        operation = Op(forward, vjps, joint, keep, promote, view, notation)
        if joint is not None:
            call: Any = joining(operation)
        elif not any(vjps):
            call = unrecorded(operation)
        elif operation.arity == 1:
            call = leading(operation) if operation.static_names or keep else unary(operation)
        elif promote and operation.arity == 2 and not operation.static_names:
            call = binary(operation)
        elif operation.arity == 3 and not (operation.static_names or keep or promote):
            call = ternary(operation)
        else:
            call = general(operation) if operation.view else several(operation)
        update_wrapper(call, forward)
        call.op = operation
        for function in numpy if isinstance(numpy, tuple) else (numpy,):
            numpy_functions[function] = operation
        return call

    return decorate


# An op, and how it is recorded -------------------------------------------------------------------


def arguments_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of the positional arguments of a function."""
    code = function.__code__
    return code.co_varnames[: code.co_argcount]


class Op:
    """An op: its forward, its VJPs, and how the arguments of a call are laid out.

    The leading arguments, one for each VJP, are tensors; the others are static.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        vjps: Sequence[Callable[..., Any] | None],
        joint: Callable[..., Any] | None = None,
        keep: dict[str, Callable[..., Any]] | None = None,
        promote: bool = False,
        view: bool = False,
        notation: str | None = None,
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
        self.required = defaults.count(MISSING)
        self.index = {name: i for i, name in enumerate(self.arguments)}
        special = {"out", *self.keep, *[f"{name}_shape" for name in self.operand_names]}
        ambiguous = special.intersection(self.arguments)
        if ambiguous:
            raise TypeError(
                f"{self.name}: {min(ambiguous)!r} means something else to a VJP than the argument "
                "of that name; give the argument another name"
            )
        known = special.union(self.arguments)
        self.wants: dict[Any, tuple[str, ...]] = {}
        for vjp in (joint, *self.vjps):
            if vjp is not None:
                self.wants[vjp] = self.wanted_by(vjp, known)

    def __repr__(self) -> str:
        return f"<op {self.name}>"

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

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """The arguments in the order of the forward's signature, defaults filled in.

        This is the one place that translates NumPy's names of arguments into PyTorch's and back,
        and that reads ``reshape(2, 3)`` as ``reshape((2, 3))``.
        """
        if self.varargs:
            fixed = len(self.arguments) - 1
            rest = args[fixed:]
            if len(rest) == 1 and isinstance(rest[0], (tuple, list)):
                rest = tuple(rest[0])
            if rest:
                args = (*args[:fixed], rest)
        elif len(args) == len(self.arguments) and not kwargs:
            return list(args)
        if len(args) > len(self.arguments):
            raise TypeError(
                f"{self.name}() takes at most {len(self.arguments)} arguments "
                f"({', '.join(self.arguments)}), got {len(args)}"
            )
        bound = [*args, *self.defaults[len(args) :]]
        named: set[int] = set()
        for name, value in kwargs.items():
            position = self.index.get(name)
            if position is None:
                position = self.index.get(ALIASES.get(name, name))
            if position is None:
                raise TypeError(
                    f"{self.name}() got an unexpected keyword argument {name!r}; "
                    f"it takes {', '.join(self.arguments)}"
                )
            if position < len(args) or position in named:
                raise TypeError(
                    f"{self.name}() got two values for its argument {self.arguments[position]!r}"
                )
            if self.arguments[position] == self.varargs and not isinstance(value, (tuple, list)):
                value = (value,)
            bound[position] = value
            named.add(position)
        if kwargs or len(args) < self.required:
            for name, value in zip(self.arguments, bound):
                if value is MISSING:
                    raise TypeError(f"{self.name}() is missing its argument {name!r}")
        return bound

    def run(self, operands: Sequence[Any], arrays: Sequence[Any], statics: Sequence[Any]) -> Any:
        """The forward, with errors explained."""
        try:
            if self.varargs:
                return self.forward(*arrays, *statics[:-1], *statics[-1])
            return self.forward(*arrays, *statics)
        except Exception as error:
            errors.explain(error, self, operands, statics)
            raise

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any], numpy_door: bool = False) -> Any:
        """Run the op on tensors and arrays, and record it if an operand needs a gradient."""
        bound = self.bind(args, kwargs)
        operands = bound[: self.arity] if self.joint is None else bound[0]
        statics = bound[self.arity :]
        arrays = []
        inputs = []
        given_tensor = False
        for operand in operands:
            if isinstance(operand, Variable):
                given_tensor = True
                arrays.append(operand._array)
                inputs.append(operand._node)
            else:
                arrays.append(constant(operand))
                inputs.append(None)
        for i, static in enumerate(statics):
            if isinstance(static, Variable):
                given_tensor = True
                statics[i] = static._array
        promote = self.promote and given_tensor and not numpy_door
        if promote:
            arrays = weaken(arrays)
        if None in inputs:
            self.settle(bound, inputs, arrays)
        leading = arrays if self.joint is None else [tuple(arrays)]
        if promote and are_small_integers(arrays):
            with np.errstate(all="ignore"):  # NumPy's float of int8 is float16: too narrow
                out = self.run(operands, leading, statics)
            if getattr(out, "dtype", np.dtype(bool)).kind == "f":
                arrays = leading = [as_float(array) for array in arrays]
                out = self.run(operands, leading, statics)
        else:
            out = self.run(operands, leading, statics)
        kept: Sequence[Any] = ()
        if self.keep:
            out, *kept = out
        if not given_tensor:
            return out
        if promote:
            out = as_default_float(out, arrays)
        result = self.conclude(out, kept, tuple(inputs), leading, tuple(statics))
        if self.view and isinstance(operands[0], Variable):
            for each in result if isinstance(result, tuple) else (result,):
                share_memory(operands[0], each)
        return result

    def settle(
        self,
        bound: Sequence[Any],
        inputs: Sequence[Edge | None],
        arrays: list[Any],
    ) -> None:
        """Put copies in the place of plain arrays that a node is about to save.

        Writes to the memory of a tensor are noted and complained of.  Of an array that the caller
        writes to later, nobody would know.
        """
        needs = tuple([edge is not None for edge in inputs])
        if recording.frame is None or True not in needs:
            return
        saved = self.plan((True,) if self.joint else needs).names
        operands = bound[0] if self.joint else bound
        for i, array in enumerate(arrays):
            name = self.operand_names[0 if self.joint else i]
            if type(array) is ndarray and array is operands[i] and name in saved:
                arrays[i] = array.copy(order="K")

    def conclude(
        self,
        out: Any,
        kept: Sequence[Any],
        inputs: tuple[Edge | None, ...],
        arrays: Sequence[Any],
        statics: tuple[Any, ...],
    ) -> Any:
        """Record the call, if an operand needs a gradient, and put tensors around its results."""
        node = None
        frame = recording.frame
        if frame is not None and any([edge is not None for edge in inputs]):
            needs = (True,) if self.joint else tuple([edge is not None for edge in inputs])
            node = record(self.plan(needs), inputs, statics)
            if isinstance(out, np.generic):
                out = np.asarray(out)
            node.saved = node.plan.save(out, *arrays, *kept)
            if frame.detailed or None in inputs:
                note_values(node, out, arrays, kept)
        return self.finish(out, node)

    def finish(self, out: Any, node: Node | None) -> Any:
        """Tensors around what a forward returned: one array, or a tuple of them."""
        if not isinstance(out, (tuple, list)):
            if type(out) is not ndarray and (
                isinstance(out, np.generic) or not hasattr(out, "dtype")
            ):
                out = np.asarray(out)
            if out.dtype.kind == "c":
                raise TypeError(f"{self.name}: complex numbers are not supported")
            if node is not None:
                node.shape = out.shape
                node.dtype = out.dtype
                if out.dtype.kind != "f":  # integers have no gradient
                    node = None
            return wrap(out, node)
        outputs = [np.asarray(o) if isinstance(o, np.generic) else o for o in out]
        if node is not None:
            node.shape = tuple([o.shape for o in outputs])
            node.dtype = outputs[0].dtype
        tensors = [
            wrap(o, Output(node, i, o) if node is not None and o.dtype.kind == "f" else None)
            for i, o in enumerate(outputs)
        ]
        if hasattr(out, "_fields"):
            self.outputs_class = type(out)
            return type(out)(*tensors)
        return tuple(tensors)


class Plan:
    """How one op is recorded when a given set of its operands needs gradients.

    names   the arrays that are saved, in order: "out", operands, what the forward keeps
    save    picks these from its arguments, ``out, *operands, *kept``
    steps   for each operand that needs a gradient: its position (-1: all, by a joint VJP), its VJP,
            and where the VJP's arguments are: None, all that was saved; a number, that one of the
            saved; else a function that picks them from ``(saved, node)``

    They are laid out at the first use: a program calls few of the library's ops.
    """

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
        self.save = SAVE.get(positions) or saver(positions)
        self.steps = tuple([(i, vjp, self.argument_picker(op.wants[vjp])) for i, vjp in used])

    def argument_picker(self, wants: tuple[str, ...]) -> Callable[[Any, Node], Any] | int | None:
        """What finds the arguments of a VJP: among the saved, the statics, the shapes of inputs."""
        op, names = self.op, self.names
        if op.joint is None and wants == names:
            return None
        if op.joint is None and len(wants) == 1 and wants[0] in names:
            return names.index(wants[0])

        def source(name: str) -> tuple[int, int]:
            if name in names:
                return 0, names.index(name)
            if name in op.static_names:
                return 1, op.static_names.index(name)
            return 2, op.operand_names.index(name.removesuffix("_shape"))

        sources = [source(name) for name in wants]

        def pick(saved: Any, node: Node) -> list[Any]:
            return [
                saved[i] if kind == 0 else node.statics[i] if kind == 1 else node.input_shape(i)
                for kind, i in sources
            ]

        return pick


# The usual choices of what to save, written out: a call costs half of what `saver`'s costs.
SAVE: dict[tuple[int, ...], Callable[..., tuple[Any, ...]]] = {
    (): lambda *values: (),
    (0,): lambda out, *rest: (out,),
    (1,): lambda out, x, *rest: (x,),
    (2,): lambda out, x, y, *rest: (y,),
    (1, 2): lambda out, x, y, *rest: (x, y),
    (2, 1): lambda out, x, y, *rest: (y, x),
}


def saver(positions: tuple[int, ...]) -> Callable[..., tuple[Any, ...]]:
    return lambda *values: tuple([values[i] for i in positions])


def without_tensors(statics: tuple[Any, ...]) -> tuple[Any, ...]:
    """Static arguments, tensors among them as arrays."""
    if len(statics) == 1:
        return (statics[0]._array,)
    return tuple([s._array if isinstance(s, Variable) else s for s in statics])


def note_values(node: Node, out: Any, arrays: Sequence[Any], kept: Sequence[Any]) -> None:
    """What pictures show and backward may not need: numbers, and with `recording.values` all."""
    operands = arrays if node.op.joint is None else arrays[0]
    numbers = {
        i: a
        for i, a in enumerate(operands)
        if node.inputs[i] is None and (a is None or not np.ndim(a))
    }
    if numbers:
        node.constants = numbers
    if recording.values and node.extras is not None:
        node.extras.values = copied((out, *arrays, *kept))


def copied(values: Any) -> Any:
    """Arrays, in nested tuples, as they are now."""
    if isinstance(values, (tuple, list)):
        copies = [copied(value) for value in values]
        return type(values)(*copies) if hasattr(values, "_fields") else tuple(copies)
    return np.array(values) if hasattr(values, "dtype") else values


def record(plan: Plan, inputs: tuple[Edge | None, ...], statics: tuple[Any, ...]) -> Node:
    """A new node, all but what it saves and the shape of its result."""
    node: Node = new(Node)
    node.plan = plan
    node.inputs = inputs
    node.statics = statics
    node.frame = frame = recording.frame
    node.extras = None
    if frame is not None and frame.detailed:
        node.extras = Extras()
        node.extras.stack = errors.user_stack()
    node.sequence = next(clock)
    return node


def general(operation: Op) -> Callable[..., Any]:
    """Calls of any op."""
    return lambda *args, **kwargs: operation.call(args, kwargs)


# The hot path ------------------------------------------------------------------------------------
#
# These do what `Op.call` does for the calls that training consists of, and hand everything else to
# it.  Each line was measured: a node should cost half a microsecond.


def given(*arguments: Any) -> tuple[Any, ...]:
    """Those that have no name in the call: ``mg.exp(input=t)`` gives its operand by name."""
    return tuple([argument for argument in arguments if argument is not MISSING])


def unary(operation: Op) -> Callable[..., Any]:
    """Calls of an op with one operand and no other argument."""
    forward = operation.forward
    plan = operation.plan((True,))
    view = operation.view

    def call(x: Any = MISSING, **kwargs: Any) -> Any:
        if not isinstance(x, Variable) or kwargs:
            if type(x) is ndarray and not kwargs:  # in a VJP
                return operation.run((x,), (x,), ())
            return operation.call(given(x), kwargs)
        frame = recording.frame
        edge = x._node
        array = x._array
        if edge is None:
            if array.dtype.kind != "f":
                return operation.call((x,), kwargs)
        elif frame is not None and frame.detailed:
            return operation.call((x,), kwargs)
        try:
            out = forward(array)
        except Exception as error:
            errors.explain(error, operation, (x,), ())
            raise
        if type(out) is not ndarray:
            if isinstance(out, (tuple, list)):
                return operation.conclude(out, (), (edge,), (array,), ())
            out = np.asarray(out)
        result = new(Variable.result_class)
        result._array = out
        result._alias = None
        if frame is not None and edge is not None:
            result._node = node = new(Node)
            node.plan = plan
            node.inputs = (edge,)
            node.saved = plan.save(out, array)
            node.statics = ()
            node.shape = out.shape
            node.dtype = out.dtype
            node.frame = frame
            node.extras = None
            node.sequence = next(clock)
        else:
            result._node = None
        if view:
            share_memory(x, result)
        return result

    return call


def binary(operation: Op) -> Callable[..., Any]:
    """Calls of an op with two operands and no other argument."""
    forward = operation.forward
    both = operation.plan((True, True))
    first = operation.plan((True, False))
    second = operation.plan((False, True))
    numbers = {float, int}

    def call(x: Any = MISSING, y: Any = MISSING, **kwargs: Any) -> Any:
        frame = recording.frame
        if kwargs or y is MISSING or (frame is not None and frame.detailed):
            return operation.call(given(x, y), kwargs)
        if not isinstance(x, Variable):
            if type(x) not in numbers or not isinstance(y, Variable):
                return operation.call((x, y), kwargs)
            x_node: Any = None
            x_array = x
            y_node: Any = y._node
            y_array = y._array
            plan: Any = None if y_node is None else second
            if y_array.dtype.kind != "f":
                return operation.call((x, y), kwargs)
        elif isinstance(y, Variable):
            x_node = x._node
            x_array = x._array
            y_node = y._node
            y_array = y._array
            if x_node is not None:
                plan = first if y_node is None else both
            else:
                plan = None if y_node is None else second
            if x_array.dtype is not y_array.dtype or x_array.dtype.kind != "f":
                return operation.call((x, y), kwargs)
        else:
            x_node = x._node
            x_array = x._array
            if type(y) not in numbers or x_array.dtype.kind != "f":
                return operation.call((x, y), kwargs)
            y_node = None
            y_array = y
            plan = None if x_node is None else first
        try:
            out = forward(x_array, y_array)
        except Exception as error:
            errors.explain(error, operation, (x, y), ())
            raise
        if type(out) is not ndarray:
            out = np.asarray(out)
        result = new(Variable.result_class)
        result._array = out
        result._alias = None
        if frame is not None and plan is not None:
            result._node = node = new(Node)
            node.plan = plan
            node.inputs = (x_node, y_node)
            node.saved = plan.save(out, x_array, y_array)
            node.statics = ()
            node.shape = out.shape
            node.dtype = out.dtype
            node.frame = frame
            node.extras = None
            node.sequence = next(clock)
            if y_array is y:
                node.constants = {1: y}
            elif x_array is x:
                node.constants = {0: x}
        else:
            result._node = None
        return result

    return call


def unrecorded(operation: Op) -> Callable[..., Any]:
    """Calls of an op without derivatives: comparisons, tests, places."""
    forward = operation.forward
    plain = {float, int, bool, type(None), tuple}

    def call(*args: Any, **kwargs: Any) -> Any:
        arrays = []
        dtype = None
        for value in operation.bind(args, kwargs) if kwargs else args:
            if isinstance(value, Variable):
                array = value._array
                arrays.append(array)
                if dtype is None:
                    dtype = array.dtype
                elif dtype is not array.dtype:
                    return operation.call(args, kwargs)
            elif type(value) in plain:
                arrays.append(value)
            else:
                return operation.call(args, kwargs)
        if dtype is None or operation.varargs:
            return operation.call(args, kwargs)
        try:
            out = forward(*arrays)
        except Exception as error:
            errors.explain(error, operation, args, ())
            raise
        return wrap(out) if type(out) is ndarray else operation.finish(out, None)

    return call


def leading(operation: Op) -> Callable[..., Any]:
    """Calls of an op with one operand and static arguments."""
    forward = operation.forward
    plan = operation.plan((True,))
    view, keep, varargs = operation.view, bool(operation.keep), operation.varargs
    promote = operation.promote
    defaults = operation.defaults[1:]
    complete = MISSING not in defaults
    expected = len(defaults)

    def call(x: Any = MISSING, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(x, Variable) or (promote and x._array.dtype.kind != "f"):
            if type(x) is ndarray and len(args) == expected and not (kwargs or varargs or keep):
                for value in args:
                    if isinstance(value, Variable):
                        break
                else:  # in a VJP
                    return operation.run((x,), (x,), args)
            return operation.call(given(x, *args), kwargs)
        frame = recording.frame
        if frame is not None and frame.detailed:
            return operation.call((x, *args), kwargs)
        if kwargs or (varargs and expected > 1):
            statics = tuple(operation.bind((x, *args), kwargs)[1:])
        elif varargs:
            only = len(args) == 1 and isinstance(args[0], (tuple, list))
            statics = (tuple(args[0]),) if only else (args,)
        elif not args and complete:
            statics = defaults
        elif len(args) == expected:
            statics = args
        else:
            statics = tuple(operation.bind((x, *args), kwargs)[1:])
        if args or kwargs:
            for value in statics:
                if isinstance(value, Variable):
                    statics = without_tensors(statics)
                    break
        array = x._array
        try:
            if varargs:
                out = forward(array, *statics[:-1], *statics[-1])
            else:
                out = forward(array, *statics)
        except Exception as error:
            errors.explain(error, operation, (x,), statics)
            raise
        kept: Any = ()
        if keep:
            out, *kept = out
        if type(out) is not ndarray:
            if isinstance(out, (tuple, list)):
                results = operation.conclude(out, kept, (x._node,), (array,), statics)
                if view:
                    for each in results:
                        share_memory(x, each)
                return results
            out = np.asarray(out)
        result = new(Variable.result_class)
        result._array = out
        result._alias = None
        if frame is not None and x._node is not None and out.dtype.kind == "f":
            result._node = node = new(Node)
            node.plan = plan
            node.inputs = (x._node,)
            node.saved = plan.save(out, array, *kept)
            node.statics = statics
            node.shape = out.shape
            node.dtype = out.dtype
            node.frame = frame
            node.extras = None
            node.sequence = next(clock)
        else:
            result._node = None
        if view:
            share_memory(x, result)
        return result

    return call


def ternary(operation: Op) -> Callable[..., Any]:
    """Calls of an op with three operands, the last of which may be None: a layer and its bias."""
    forward = operation.forward
    default = operation.defaults[2]
    plans = [operation.plan((bool(i & 4), bool(i & 2), bool(i & 1))) for i in range(8)]

    def call(x: Any = MISSING, y: Any = MISSING, z: Any = MISSING, **kwargs: Any) -> Any:
        frame = recording.frame
        if kwargs or not (isinstance(x, Variable) and isinstance(y, Variable)):
            return operation.call(given(x, y, z), kwargs)
        if z is MISSING:
            z = default
        if frame is not None and frame.detailed:
            return operation.call((x, y, z), kwargs)
        x_node = x._node
        y_node = y._node
        if z is None:
            z_node = z_array = None
        elif isinstance(z, Variable):
            z_node = z._node
            z_array = z._array
        else:
            return operation.call((x, y, z), kwargs)
        x_array = x._array
        y_array = y._array
        try:
            out = forward(x_array, y_array, z_array)
        except Exception as error:
            errors.explain(error, operation, (x, y, z), ())
            raise
        if type(out) is not ndarray:
            out = np.asarray(out)
        result = new(Variable.result_class)
        result._array = out
        result._alias = None
        plan = plans[
            (4 if x_node is not None else 0)
            + (2 if y_node is not None else 0)
            + (1 if z_node is not None else 0)
        ]
        if frame is not None and plan.steps:
            result._node = node = new(Node)
            node.plan = plan
            node.inputs = (x_node, y_node, z_node)
            node.saved = plan.save(out, x_array, y_array, z_array)
            node.statics = ()
            node.shape = out.shape
            node.dtype = out.dtype
            node.frame = frame
            node.extras = None
            node.sequence = next(clock)
            if z is None:
                node.constants = {2: None}
        else:
            result._node = None
        return result

    return call


def several(operation: Op) -> Callable[..., Any]:
    """Calls of an op with several operands, numbers among them, and static arguments."""
    arity = operation.arity
    expected = len(operation.arguments)
    defaults = operation.defaults
    required = operation.required
    plain = {float, int, type(None)}

    def call(*args: Any, **kwargs: Any) -> Any:
        frame = recording.frame
        given = len(args)
        if kwargs or not required <= given <= expected or operation.varargs:
            return operation.call(args, kwargs)
        if frame is not None and frame.detailed:
            return operation.call(args, kwargs)
        if given < expected:
            args = (*args, *defaults[given:])
        dtype = None
        arrays = []
        inputs = []
        for operand in args[:arity]:
            if isinstance(operand, Variable):
                array = operand._array
                if dtype is None:
                    dtype = array.dtype
                elif dtype is not array.dtype:
                    return operation.call(args, kwargs)
                arrays.append(array)
                inputs.append(operand._node)
            elif type(operand) in plain:
                arrays.append(operand)
                inputs.append(None)
            else:
                return operation.call(args, kwargs)
        if dtype is None or dtype.kind != "f":
            return operation.call(args, kwargs)
        statics = args[arity:]
        for value in statics:
            if isinstance(value, Variable):
                statics = without_tensors(statics)
                break
        out = operation.run(args[:arity], arrays, statics)
        kept: Any = ()
        if operation.keep:
            out, *kept = out
        if type(out) is not ndarray:
            return operation.conclude(out, kept, tuple(inputs), arrays, statics)
        result = new(Variable.result_class)
        result._array = out
        result._alias = None
        result._node = None
        if frame is not None and out.dtype.kind == "f":
            plan = operation.plan(tuple([edge is not None for edge in inputs]))
            if plan.steps:
                result._node = node = new(Node)
                node.plan = plan
                node.inputs = tuple(inputs)
                node.saved = plan.save(out, *arrays, *kept)
                node.statics = statics
                node.shape = out.shape
                node.dtype = out.dtype
                node.frame = frame
                node.extras = None
                node.sequence = next(clock)
                if None in inputs:
                    numbers = {
                        i: array
                        for i, array in enumerate(arrays)
                        if inputs[i] is None and (type(array) is not ndarray or not array.ndim)
                    }
                    if numbers:
                        node.constants = numbers
        return result

    return call


def joining(operation: Op) -> Callable[..., Any]:
    """Calls of an op on a list of tensors, all of one type."""
    forward = operation.forward
    plan = operation.plan((True,))
    defaults = operation.defaults[1:]
    complete = MISSING not in defaults
    expected = len(defaults)

    def call(*args: Any, **kwargs: Any) -> Any:
        frame = recording.frame
        given = len(args) - 1
        whole = given == expected or (complete and 0 <= given < expected)
        if kwargs or not whole or operation.keep or frame is None or frame.detailed:
            return operation.call(args, kwargs)
        tensors, *rest = args
        statics = (*rest, *defaults[given:])
        try:
            arrays = tuple([x._array for x in tensors])
            inputs = tuple([x._node for x in tensors])
        except AttributeError:  # arrays among them
            return operation.call(args, kwargs)
        if len({array.dtype for array in arrays}) != 1:
            return operation.call(args, kwargs)
        for value in statics:
            if isinstance(value, Variable):
                return operation.call(args, kwargs)
        try:
            out = forward(arrays, *statics)
        except Exception as error:
            errors.explain(error, operation, tensors, statics)
            raise
        if type(out) is not ndarray or None in inputs:
            return operation.conclude(out, (), inputs, (arrays,), statics)
        result = new(Variable.result_class)
        result._array = out
        result._alias = None
        result._node = None
        if out.dtype.kind == "f":
            result._node = node = new(Node)
            node.plan = plan
            node.inputs = inputs
            node.saved = plan.save(out, arrays)
            node.statics = statics
            node.shape = out.shape
            node.dtype = out.dtype
            node.frame = frame
            node.extras = None
            node.sequence = next(clock)
        return result

    return call
