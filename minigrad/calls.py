"""``@op``: a function of arrays and its derivatives, made into a recorded operation.

The call of each op is written out as text from one template, `write_call`, by its signature, and
compiled when the op is called first: what a call does stands in one place and costs no loop over
arguments.  ``mg.matmul.op.source`` shows the text, and tracebacks show its lines.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import cache, update_wrapper
from types import CodeType, FunctionType
from typing import Any, ParamSpec

import numpy as np

from minigrad import errors
from minigrad.graph import Array, Extras, Node, Output, Variable, new, wrap
from minigrad.memory import clock, share_memory
from minigrad.modes import Call, Frame, caller, recording
from minigrad.primitive import MISSING, Op
from minigrad.promotion import are_small_integers, as_default_float, as_float, constant, weaken
from minigrad.sparse import Sparse
from minigrad.typed import Tensor

__all__ = ["Array", "Op", "Variable", "numpy_functions", "op"]

P = ParamSpec("P")
ndarray = np.ndarray

numpy_functions: dict[Any, Op] = {}  # NumPy function -> op of the same meaning
# types of operands that are not real arrays -> what computes an op of them: complex numbers
algebras: dict[type, Callable[[Op, Sequence[Any], Sequence[Any]], Any]] = {}


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
        call: Any = compiled_later(operation, promote)
        update_wrapper(call, forward)
        call.op = operation
        operation.call = call
        operation.call_from_numpy = compiled_later(operation, False) if promote else call
        for function in numpy if isinstance(numpy, tuple) else (numpy,):
            numpy_functions[function] = operation
        return call

    return decorate


# From the text to a function ---------------------------------------------------------------------


def compiled_later(operation: Op, promote: bool) -> Any:
    """A function that becomes the call of `operation` when it is called first."""

    def compile_and_call(*args: Any, **kwargs: Any) -> Any:
        become_call(function, operation, promote)
        return function(*args, **kwargs)

    # a function of its own, whose code can be replaced: the stub has no free variables
    space = {"compile_and_call": compile_and_call}
    function: Any = FunctionType(STUB, space, operation.name)
    return function


STUB: CodeType = (lambda *args, **kwargs: compile_and_call(*args, **kwargs)).__code__  # type: ignore[name-defined]  # noqa: F821  # the function's own global


def become_call(function: Any, operation: Op, promote: bool) -> None:
    """Give `function` the code, the defaults and the names of a call of `operation`."""
    text = write_call(operation, promote)
    operation.source = text.replace("def call(", f"def {operation.name}(", 1)
    code = compiled(text, f"<minigrad call> {operation.name}")
    arity = operation.arity
    function.__globals__.update(
        ENGINE,
        ENGINE=ENGINE,
        __name__=f"{__name__}.{operation.name}",
        __loader__=Text(text),
        Tensor=Variable.result_class,
        op=operation,
        forward=operation.forward,
        plan_all=operation.plan((True,) * arity),
        plan_0=operation.plan((True, *[False] * (arity - 1))),
        plan_1=operation.plan((False, *[True] * (arity - 1))),
    )
    given = operation.defaults[:-1] if operation.varargs else operation.defaults
    function.__defaults__ = tuple(given)
    function.__code__ = code.replace(co_name=operation.name, co_qualname=operation.name)


class Text:
    """Where tracebacks and debuggers find the lines of a call: a loader as of PEP 302."""

    def __init__(self, text: str) -> None:
        self.text = text

    def get_source(self, name: str) -> str:
        return self.text


@cache
def compiled(text: str, filename: str) -> CodeType:
    """The code of the function `call` in `text`."""
    module = compile(text, filename, "exec")
    return next(each for each in module.co_consts if isinstance(each, CodeType))


# The template ------------------------------------------------------------------------------------


def write_call(op: Op, promote: bool) -> str:
    """The text of a call of `op`: look at the operands, run the forward, record, wrap.

    Operands that are tensors (of one floating-point type, where types are promoted), or numbers
    beside them, go straight through.  Whatever is odd is made usual by `prepare` first.
    """
    t = Names(op)
    lines = [f"def call({', '.join([*t.parameters, '**names'])}):", *t.renamed]
    if op.varargs:
        v = t.arguments[-1]
        lines += [
            f"if len({v}) == 1 and isinstance({v}[0], (tuple, list)):",
            f"    {v} = tuple({v}[0])",
        ]
    lines += [
        f"if {' or '.join(['names', *t.missing])}:",
        "    if 'out' in names and isinstance(names['out'], RESULTS):",
        f"        return into(op, {tuple_of(t.arguments)}, names)",
        f"    {tuple_of(t.arguments)} = op.bind({tuple_of(t.arguments)}, names)",
        "frame = recording.frame",
        "odd = frame is not None and frame.detail is not None",
        *(look_at_list(t, promote) if op.joint else look_at_operands(op, t, promote)),
        "if odd:",
        f"    arrays, edges = prepare(op, {t.given}, {t.statics}, frame, {promote})",
        "    if edges is None:",
        f"        return run_plain(op, arrays, {t.statics})",
    ]
    if not op.joint and op.arity:
        lines += [f"    {t.arrays} = arrays", f"    {t.edges} = edges"]
    for name in t.arguments[op.arity : len(t.arguments) - bool(op.varargs)]:
        lines += [f"if type({name}) is ndarray or isinstance({name}, Tensor):"]
        lines += [f"    {name} = own_array({name})"]
    lines += [
        "try:",
        f"    out = forward({', '.join(t.passed)})",
        "except Exception as error:",
        f"    explain(error, op, {t.given}, {t.statics})",
        "    raise",
        *([f"out, {', '.join(t.kept)} = out"] if t.kept else []),
        "if type(out) is not ndarray:",
        "    if isinstance(out, (tuple, list)):",
        f"        return conclude(op, frame, out, {tuple_of(t.kept)}, {t.given}, {t.arrays}, "
        f"{t.edges}, {t.statics})",
        "    out = as_array(out)",
        "dtype = out.dtype",
        "if odd or (dtype is not float32 and dtype is not float64):",
        f"    out = checked(op, out, {t.arrays}, {promote})",
        *[f"    {name} = no_scalar({name})" for name in t.kept],
        "    dtype = out.dtype",
        "result = new(Tensor)",
        "result._array = out",
        "result._alias = None",
        "result._node = None",
        *record_list(t) * bool(op.joint),
        *(record_operands(op, t) if any(op.vjps) else []),
    ]
    if op.view:
        x = t.arguments[0]
        lines += [f"if isinstance({x}, Tensor):", f"    share_memory({x}, result)"]
    lines += [
        "if odd and frame is not None and frame.detail is not None:",
        f"    annotate(op, frame, result._node, out, {tuple_of(t.kept)}, {t.arrays}, {t.statics})",
        "return result",
    ]
    return "\n    ".join(lines) + "\n"


class Names:
    """What the text of a call names things, for the arguments of one op.

    An argument that has the name of something in the template goes by another one in the body.
    """

    def __init__(self, op: Op) -> None:
        clashes = [name for name in op.arguments if name in ENGINE or name in LOCALS]
        self.renamed = [f"{name}_argument = {name}" for name in clashes]
        self.renamed += [f"{name} = ENGINE[{name!r}]" for name in clashes if name in ENGINE]
        self.parameters = [f"*{name}" if name == op.varargs else name for name in op.arguments]
        self.arguments = [f"{n}_argument" if n in clashes else n for n in op.arguments]
        self.operands = self.arguments[: op.arity]
        statics = self.arguments[op.arity :]
        self.statics = tuple_of(statics)
        required = zip(statics, op.defaults[op.arity :])
        self.missing = [f"{name} is MISSING" for name, value in required if value is MISSING]
        self.kept = [f"{name}_kept" for name in op.keep]
        if op.joint:
            self.given, self.arrays, self.edges = self.operands[0], "arrays", "edges"
            self.passed = ["arrays"]
        else:
            self.given = tuple_of(self.operands)
            self.arrays = tuple_of([f"{name}_array" for name in self.operands])
            self.edges = tuple_of([f"{name}_edge" for name in self.operands])
            self.passed = [f"{name}_array" for name in self.operands]
        self.saved = ["out", *self.passed, *self.kept]
        self.passed += statics[: len(statics) - bool(op.varargs)]
        self.passed += [f"*{statics[-1]}"] if op.varargs else []


def tuple_of(names: Sequence[str]) -> str:
    return f"({names[0]},)" if len(names) == 1 else f"({', '.join(names)})"


def look_at_operands(op: Op, t: Names, promote: bool) -> list[str]:
    """Take arrays and edges out of the operands, and see whether any is odd."""
    lines = ["dtype = None"] * promote
    for i, name in enumerate(t.operands):
        edge = f"{name}._node" if op.vjps[i] is not None else "None"
        lines += [
            f"if isinstance({name}, Tensor):",
            f"    {name}_array = {name}._array",
            f"    {name}_edge = {edge}",
        ]
        if promote and i == 0:
            lines += [f"    dtype = {name}_array.dtype"]
        elif promote:
            lines += [
                "    if dtype is None:",
                f"        dtype = {name}_array.dtype",
                f"    elif dtype is not {name}_array.dtype:",
                "        odd = True",
            ]
        number = i > 0 or (promote and op.arity > 1)
        needed = op.promote and op.defaults[i] is MISSING
        plain = "NUMBERS" if needed else "NUMBERS_OR_NONE"
        lines += [
            "else:",
            f"    {name}_array = {name}",
            f"    {name}_edge = None",
            f"    odd = odd or type({name}) not in {plain}" if number else "    odd = True",
        ]
    if promote:
        lines += ["if dtype is not float32 and dtype is not float64:", "    odd = True"]
    return lines if op.arity else ["odd = True"]


def look_at_list(t: Names, promote: bool) -> list[str]:
    """The same of an op on a list of tensors."""
    return [
        "try:",
        f"    arrays = tuple([x._array for x in {t.given}])",
        f"    edges = tuple([x._node for x in {t.given}])",
        "except (AttributeError, TypeError):  # arrays among them",
        "    arrays = edges = ()",
        f"if not arrays{' or len({a.dtype for a in arrays}) > 1' if promote else ''}:",
        "    odd = True",
    ]


FLOATING = " and (dtype is float32 or dtype is float64 or dtype.kind == 'f')"


def record_operands(op: Op, t: Names) -> list[str]:
    """Leave a node, if an operand needs a gradient."""
    wanted = [name for name, vjp in zip(t.operands, op.vjps) if vjp is not None]
    some = " or ".join(f"{name}_edge is not None" for name in wanted)
    lines = [f"if frame is not None and ({some}){FLOATING}:"]
    if op.arity == 1:
        lines += ["    plan = plan_all", f"    saved = {saved(op, t, (True,))}"]
        sources = t.edges
    elif op.arity == 2 and len(wanted) == 2:
        x, y = t.operands
        lines += [
            f"    if {y}_edge is None:",
            "        plan = plan_0",
            f"        saved = {saved(op, t, (True, False))}",
            f"        {y}_edge = {y}_array",
            f"    elif {x}_edge is None:",
            "        plan = plan_1",
            f"        saved = {saved(op, t, (False, True))}",
            f"        {x}_edge = {x}_array",
            "    else:",
            "        plan = plan_all",
            f"        saved = {saved(op, t, (True, True))}",
        ]
        sources = t.edges
    else:
        sources = tuple_of([f"{n}_array if {n}_edge is None else {n}_edge" for n in t.operands])
        needs = tuple_of([f"{name}_edge is not None" for name in t.operands])
        look_up = [f"plan = op.plan({needs})", f"saved = plan.save({', '.join(t.saved)})"]
        if len(wanted) < op.arity:
            lines += [f"    {line}" for line in look_up]
        else:  # the two usual cases of a layer, deep in a net and at its input, are written out
            first, *others = [f"{name}_edge is not None" for name in wanted]
            whole = (True,) * op.arity
            lines += [
                f"    if {' and '.join(others)}:",
                f"        if {first}:",
                "            plan = plan_all",
                f"            saved = {saved(op, t, whole)}",
                "        else:",
                "            plan = plan_1",
                f"            saved = {saved(op, t, (False, *whole[1:]))}",
                "    else:",
                *[f"        {line}" for line in look_up],
            ]
    return [*lines, *record(t.statics, sources)]


def record_list(t: Names) -> list[str]:
    """The same of an op on a list of tensors."""
    return [
        "if frame is not None and any([e is not None for e in edges])" + FLOATING + ":",
        "    plan = plan_all",
        f"    saved = plan.save({', '.join(t.saved)})",
        "    edges = tuple([a if e is None else e for a, e in zip(arrays, edges)])",
        *record(t.statics, "edges"),
    ]


def saved(op: Op, t: Names, needs: tuple[bool, ...]) -> str:
    """What the node saves if the operands need gradients where `needs` is true."""
    layout = dict(zip(("out", *op.operand_names, *op.keep), t.saved))
    return tuple_of([layout[name] for name in op.plan(needs).names])


def record(statics: str, sources: str) -> list[str]:
    return [
        "    node = result._node = new(Node)",
        "    node.plan = plan",
        f"    node.operands = {sources}",
        "    node.saved = saved",
        f"    node.statics = {statics}",
        "    node.shape = out.shape",
        "    node.dtype = dtype",
        "    node.frame = frame",
        "    node.extras = None",
        "    node.sequence = next(clock)",
    ]


# What the template calls where something is odd ---------------------------------------------------


def prepare(
    op: Op, operands: Sequence[Any], statics: Sequence[Any], frame: Frame | None, promote: bool
) -> tuple[Any, Any]:
    """Arrays and edges of the operands, as a usual call has them; no edges without a tensor.

    Other kinds of operands become arrays, types are promoted, and plain arrays that the node would
    save are copied: of those that their owner writes to later, nobody would know.
    """
    if not op.arity:
        refuse_no_numbers(op, statics)
    arrays: list[Any] = []
    edges: list[Any] = []
    tensors = any([isinstance(static, Variable) for static in statics])
    for i, operand in enumerate(operands):
        if isinstance(operand, Variable):
            tensors = True
            arrays.append(operand._array)
            edges.append(operand._node if op.joint or op.vjps[i] is not None else None)
        elif type(operand) in algebras:
            return Elsewhere(algebras[type(operand)], operands), None
        elif operand is MISSING:
            raise TypeError(f"{op.name}() is missing its argument {op.operand_names[i]!r}")
        else:
            arrays.append(constant(operand))
            edges.append(None)
            needed = i == 0 or (op.promote and not op.joint)
            missing = operand is None and needed and op.defaults[i] is MISSING
            if missing or isinstance(arrays[-1], NOT_NUMBERS) or not is_operand(arrays[-1]):
                raise TypeError(
                    f"{op.name}: {op.operand_names[0 if op.joint else i]} is a tensor, an array or "
                    f"a number, got {type(operand).__name__}"
                )
    if not tensors:
        return tuple(arrays), None
    if frame is None or (frame.detail is not None and not frame.detail.grad):
        edges = [None] * len(edges)
    before = list(arrays)
    if promote:
        arrays = weaken(arrays)
        if are_small_integers(arrays):
            with np.errstate(all="ignore"):  # NumPy's float of int8 is float16: too narrow
                out = op.run(operands, arrays, plain_statics(statics))
            first = out[0] if isinstance(out, (tuple, list)) else out
            if getattr(first, "dtype", np.dtype(bool)).kind == "f":
                arrays = [as_float(array) for array in arrays]
    if frame is not None and frame.detail is not None and frame.detail.trace is not None:
        note_casts(before, arrays, frame)
    needs = tuple([edge is not None for edge in edges])
    if True in needs and False in needs:
        names = op.plan((True,) if op.joint else needs).names
        for i, array in enumerate(arrays):
            name = op.operand_names[0 if op.joint else i]
            # made of an operand, or by np.asarray of it, which may be on the same memory
            plain = type(array) is ndarray or type(array) is Sparse
            if plain and not isinstance(operands[i], Variable) and name in names:
                arrays[i] = copied_for_node(array, "K")
    return tuple(arrays), tuple(edges)


def refuse_no_numbers(op: Op, statics: Sequence[Any]) -> None:
    """Raise a TypeError if an op without derivatives got no numbers for its array."""
    if statics and op.forward.__annotations__.get(op.arguments[0]) == "Array":
        x = statics[0]
        if x is None or isinstance(x, NOT_NUMBERS) or type(x) is object:
            raise TypeError(errors.wrong_kind(op.name, op.arguments[0], x))


def is_operand(value: Any) -> bool:
    """Whether NumPy may compute with what `constant` made: it takes any object for a number."""
    known = value is None or hasattr(value, "dtype") or isinstance(value, (int, float, complex))
    return known or hasattr(value, "__array_function__")


NOT_NUMBERS = (str, bytes, dict, set, type, slice, np.dtype)


def own_array(value: Any) -> Any:
    """The array of an argument; a copy if an array outside is on the same memory.

    Of a later write to that nobody would know.  A trace takes the array itself: it knows values by
    their arrays.
    """
    array = value._array if isinstance(value, Variable) else value
    frame = recording.frame
    if frame is None or recording.trace is not None:
        return array
    alias = value._alias if isinstance(value, Variable) else None
    outside = array is value or (alias is not None and alias.detached)
    return copied_for_node(array, "C") if outside else array


def copied_for_node(array: Any, order: Any) -> Any:
    """A copy of what a node keeps; one who watches is told of what."""
    copy = array.copy(order)
    if recording.watch is not None:
        recording.watch.note_copy(array, copy)
    return copy


def plain_statics(statics: Sequence[Any]) -> list[Any]:
    return [s._array if isinstance(s, Variable) else s for s in statics]


def into(op: Op, values: Sequence[Any], names: dict[str, Any]) -> Any:
    """A call with ``out=``: the result is written there; see `written`."""
    out = names.pop("out")
    bound = op.bind(values, names)
    arguments = [a for each in bound for a in (each if isinstance(each, (list, tuple)) else [each])]
    rest = bound[-1] if op.varargs else ()
    result = op.call(*(bound[:-1] if op.varargs else bound), *rest)
    if out is None:
        return result
    return written(op.name, result, out, arguments)


def written(name: str, result: Any, out: Any, arguments: Sequence[Any]) -> Any:
    """Write results into the tensors `out`, and return these.

    Raises   RuntimeError if an argument requires grad: `out` would have no derivative; or if the
             type of `out` cannot hold the result
    """
    if isinstance(result, tuple):
        if not isinstance(out, (tuple, list)) or len(out) != len(result):
            raise TypeError(f"{name}: out is a tuple of {len(result)} tensors")
        pairs = [written(name, *pair, arguments) for pair in zip(result, out)]
        return type(result)(*pairs) if hasattr(result, "_fields") else tuple(pairs)
    if isinstance(out, (tuple, list)) and len(out) == 1:
        (out,) = out
    if recording.enabled:
        for each in (*arguments, out):
            if isinstance(each, Variable) and each._node is not None:
                raise RuntimeError(
                    f"{name}: out= has no derivative, but an argument requires grad; leave it out, "
                    "or call inside mg.no_grad()"
                )
    array = result._array if isinstance(result, Variable) else np.asarray(result)
    if not np.can_cast(array.dtype, out._array.dtype, "same_kind"):
        raise RuntimeError(f"{name}: a result of {array.dtype} cannot be cast to {out.dtype}")
    if out._array.shape != array.shape:
        if out._array.size:
            warnings.warn(
                f"{name}: out= of shape {out._array.shape} was resized to {array.shape}; give one "
                "of that shape, or an empty one",
                UserWarning,
                stacklevel=4,
            )
        out.resize_(array.shape)
    return out.copy_(wrap(array))


class Elsewhere(tuple[Any, Any]):
    """What computes an op in another algebra, and its operands."""

    __slots__ = ()

    def __new__(cls, compute: Any, operands: Sequence[Any]) -> Elsewhere:
        return tuple.__new__(cls, (compute, operands))


def run_plain(op: Op, arrays: Sequence[Any], statics: Sequence[Any]) -> Any:
    """The op of arrays is an array: so VJPs use ops."""
    if type(arrays) is Elsewhere:
        compute, operands = arrays
        return compute(op, operands, statics)
    out = op.run(arrays, arrays, plain_statics(statics))
    return out[0] if op.keep else out


def as_array(out: Any) -> Any:
    """What a forward returned, if it is not an array of NumPy's: a scalar becomes one."""
    return out if hasattr(out, "dtype") and not isinstance(out, np.generic) else np.asarray(out)


def checked(op: Op, out: Array, arrays: Sequence[Any], promote: bool) -> Array:
    """A result in the type that it should have."""
    if out.dtype.kind == "c":
        raise TypeError(f"{op.name}: complex numbers are not supported")
    return as_default_float(out, list(arrays)) if promote else out


def conclude(
    op: Op,
    frame: Frame | None,
    out: Any,
    kept: tuple[Any, ...],
    operands: Sequence[Any],
    arrays: Sequence[Any],
    edges: Sequence[Any],
    statics: tuple[Any, ...],
) -> Any:
    """Record a call, and put tensors around its results: of several, in the op's kind of tuple."""
    together = isinstance(out, (tuple, list))
    outputs = [as_array(each) for each in (out if together else [out])]
    for each in outputs:
        checked(op, each, (), False)
    named: Any = outputs[0]  # VJPs see the arrays that a trace knows, never NumPy's scalars
    if together:
        named = type(out)(*outputs) if hasattr(out, "_fields") else tuple(outputs)
    node = None
    needs = tuple([edge is not None for edge in edges])
    floating = together or outputs[0].dtype.kind == "f"
    if frame is not None and True in needs and floating:
        node = new(Node)
        node.plan = plan = op.plan((True,) if op.joint else needs)
        node.operands = tuple([a if e is None else e for a, e in zip(arrays, edges)])
        node.saved = plan.save(named, *([tuple(arrays)] if op.joint else arrays), *kept)
        node.statics = statics
        node.shape = tuple([each.shape for each in outputs]) if together else outputs[0].shape
        node.dtype = outputs[0].dtype
        node.frame = frame
        node.extras = None
        node.sequence = next(clock)
    if frame is not None and frame.detail is not None:
        annotate(op, frame, node, named, kept, arrays, statics)
    if not together:
        return wrap(outputs[0], node)
    results = [
        wrap(each, Output(node, i, each) if node is not None and each.dtype.kind == "f" else None)
        for i, each in enumerate(outputs)
    ]
    if op.view and isinstance(operands[0], Variable):
        for result in results:
            share_memory(operands[0], result)
    if hasattr(out, "_fields"):
        op.outputs_class = type(out)
        return type(out)(*results)
    return tuple(results)


def no_scalar(kept: Any) -> Any:
    """What a forward kept, as an array that a trace can know again."""
    return as_array(kept) if isinstance(kept, np.generic) else kept


def annotate(
    op: Op,
    frame: Frame,
    node: Node | None,
    out: Any,
    kept: tuple[Any, ...],
    arrays: Sequence[Any],
    statics: tuple[Any, ...],
) -> None:
    """Note what the modes that are on want to know of a call: its line, its numbers, the call."""
    detail: Any = frame.detail
    if node is not None and detail.stack:
        node.extras = Extras()
        node.extras.stack = errors.user_stack()
        if detail.values:
            node.extras.values = copied((out, *([tuple(arrays)] if op.joint else arrays), *kept))
    if detail.trace is not None:
        if node is not None:
            detail.trace.made[node] = out
        results = (*out, *kept) if isinstance(out, tuple) else (out, *kept)
        detail.trace.note(Call(op, tuple(arrays), statics, results, frame, caller()))


def copied(values: Any) -> Any:
    """Arrays, in nested tuples, as they are now."""
    if isinstance(values, (tuple, list)):
        copies = [copied(value) for value in values]
        return type(values)(*copies) if hasattr(values, "_fields") else tuple(copies)
    return np.array(values) if hasattr(values, "dtype") else values


def cast(x: Array, dtype: Any) -> Array:
    """`x` in another type."""
    return x.astype(dtype)


CAST = Op(cast, ())  # what a trace shows where types were promoted


def note_casts(before: Sequence[Any], after: Sequence[Any], frame: Frame) -> None:
    """Write into the trace that operands were converted to the type of the result."""
    trace: Any = frame.detail and frame.detail.trace
    for old, array in zip(before, after):
        if array is not old and isinstance(array, ndarray) and id(old) in trace.known:
            trace.note(Call(CAST, (old,), (array.dtype,), (array,), frame, caller()))


ENGINE: dict[str, Any] = {
    "MISSING": MISSING, "NUMBERS": {float, int}, "NUMBERS_OR_NONE": {float, int, type(None)},
    "Node": Node,
    "RESULTS": (Variable, tuple, list, type(None)), "annotate": annotate,
    "as_array": as_array, "checked": checked, "clock": clock,
    "conclude": conclude, "explain": errors.explain,
    "float32": np.dtype(np.float32), "float64": np.dtype(np.float64), "into": into,
    "ndarray": ndarray, "new": new, "no_scalar": no_scalar, "own_array": own_array,
    "prepare": prepare, "recording": recording, "run_plain": run_plain,
    "share_memory": share_memory,
}  # fmt: skip
LOCALS = {"Tensor", "arrays", "dtype", "edges", "error", "forward", "frame", "node", "odd", "op",
          "out", "plan", "result", "saved"}  # fmt: skip
