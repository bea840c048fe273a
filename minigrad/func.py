"""Derivatives of functions: ``grad vjp jvp jacrev jacfwd hessian vmap``, with PyTorch's names.

The functions here take a function and return one, or return its value with a derivative.  Arguments
and results are tensors, or tuples, lists and dicts of them.  The function is called on fresh copies
of the tensors, so ``.grad`` of nothing is touched, and everything nests: ``grad(grad(f))`` works.

Forward mode is computed with reverse mode, twice: the VJP of f at a cotangent v, u = Jᵀ v, is
linear in v, so the VJP of *that* function of v, with the tangent t, is J t.  It costs a few times
f; no second set of derivative rules is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from minigrad import ops
from minigrad.autograd.differentiate import grad as gradients_of
from minigrad.graph import Leaf, Variable, ancestors, wrap
from minigrad.modes import enable_grad, recording
from minigrad.pytrees import describe, flatten, leaves_of, map_tree, paired
from minigrad.random import get_rng_state, set_rng_state

__all__ = [
    "functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize",
    "stack_module_state", "vjp", "vmap",
]  # fmt: skip

P = ParamSpec("P")
R = TypeVar("R")
Argnums = int | tuple[int, ...]


# ------------------------------------------------------------------------------------ the machinery


def is_float(value: Any) -> bool:
    return isinstance(value, Variable) and value._array.dtype.kind == "f"


def start_here(value: Any) -> Any:
    """A tensor with the value of `value`, at which differentiation with respect to it stops.

    If `value` is recorded (an outer `grad` is differentiating it), the new one is recorded after
    it.
    """
    if not is_float(value):
        return value
    if value._node is None:
        return wrap(value._array).requires_grad_()
    return ops.mul(value, 1.0)


def check_argnums(argnums: Argnums, count: int) -> tuple[int, ...]:
    """The positions that `argnums` names, among `count` arguments."""
    listed = argnums if isinstance(argnums, tuple) else (argnums,)
    for i in listed:
        if isinstance(i, bool) or not isinstance(i, (int, np.integer)):
            raise TypeError(f"argnums is an int or a tuple of ints, got {argnums!r}")
        if not -count <= i < count:
            raise ValueError(
                f"argnums {i} is out of range: the function was given {count} positional arguments"
            )
    chosen = tuple(i % count for i in listed)
    if not chosen:
        raise ValueError("argnums names no argument to differentiate")
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"argnums {argnums} names an argument twice")
    return chosen


def refuse_inputs(leaves: Sequence[Any]) -> None:
    """Raise the error that says why nothing among `leaves` can be differentiated."""
    text = "there is no floating-point tensor among the arguments to differentiate"
    if leaves:
        first = leaves[0]
        if isinstance(first, Variable):
            text += f", but an {first._array.dtype} one: convert it, x.float()"
        else:
            text += f", but {describe(first)}: make it a tensor, mg.tensor(x)"
    raise TypeError(text)


def split(returned: Any, has_aux: bool) -> tuple[Any, Any]:
    """The output of a function, and what it returned besides."""
    if not has_aux:
        return returned, None
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise TypeError(
            "with has_aux=True the function returns a pair (output, aux), it returned "
            f"{describe(returned)}"
        )
    return returned[0], returned[1]


def check_outputs(output: Any, name: str, only_floats: bool = False) -> None:
    """Refuse what a function returned if it has no derivative; None passes."""
    leaves = [y for y in leaves_of(output) if y is not None]
    for y in leaves or [None]:
        if not isinstance(y, Variable):
            raise TypeError(f"{name}: the function must return tensors, it returned {describe(y)}")
        if only_floats and not is_float(y):
            raise TypeError(
                f"{name}: the function returned a tensor of {y._array.dtype}, which has no "
                "derivative; return such results beside the output, with has_aux=True"
            )


class Call:
    """One call of a function with some arguments replaced by differentiable copies.

    inputs   the differentiable leaves, in order
    output   what the function returned
    nested   whether the derivative may be differentiated in turn, by someone outside
    """

    def __init__(
        self, fn: Callable[..., Any], args: Sequence[Any], kwargs: Any, argnums: Argnums
    ) -> None:
        recorded_before = any(
            is_float(x) and x._node is not None for x in leaves_of((args, kwargs))
        )
        self.argnums = argnums
        chosen = check_argnums(argnums, len(args))
        selected = [args[i] for i in chosen]
        leaves, self.rebuild = flatten(selected)
        with enable_grad():
            leaves = [start_here(x) for x in leaves]
            given = list(args)
            for i, argument in zip(chosen, self.rebuild(leaves)):
                given[i] = argument
            self.inputs = [x for x in leaves if is_float(x)]
            if not self.inputs:
                refuse_inputs(leaves)
            self.leaves = leaves
            self.output = fn(*given, **kwargs)
        self.nested = recording.enabled and (recorded_before or self.reaches_outside())

    def reaches_outside(self) -> bool:
        """Whether the output depends on other tensors that require grad (a closure's)."""
        outputs = [y._node for y in leaves_of(self.output) if isinstance(y, Variable)]
        before = ancestors(outputs, beyond=[x._node for x in self.inputs])
        return any(isinstance(edge, Leaf) for edge in before)

    def arrange(self, gradients: Sequence[Any]) -> Any:
        """Gradients of the inputs in the form of the arguments."""
        found = iter(gradients)
        tree = self.rebuild([next(found) if is_float(x) else None for x in self.leaves])
        return tree[0] if isinstance(self.argnums, int) else tuple(tree)

    def gradients(
        self, outputs: Sequence[Any], cotangents: Sequence[Any], create: bool
    ) -> list[Any]:
        """The VJP at all inputs; zeros where the outputs do not depend on one."""
        pairs = [(y, v) for y, v in zip(outputs, cotangents) if is_float(y) and y._node is not None]
        if not pairs:
            return [wrap(np.zeros_like(x._array)) for x in self.inputs]
        return list(
            gradients_of(
                [y for y, _ in pairs],
                self.inputs,
                [v for _, v in pairs],
                retain_graph=True,
                create_graph=create,
                materialize_grads=True,
            )
        )


def detached(tree: Any) -> Any:
    """Results without the graph, which served only the derivative."""
    return map_tree(lambda y: wrap(y._array) if isinstance(y, Variable) else y, tree)


# ---------------------------------------------------------------------------------------- gradients


def grad_and_value(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that returns the gradient of `func` and its value.

    func      returns a tensor of one entry, or, with `has_aux`, a pair of that and anything else
    argnums   the argument(s) to differentiate: an int, or a tuple of ints for a tuple of gradients
    has_aux   pass on what `func` returns beside the number: ``(gradient, (value, aux))``

    Raises   ValueError if `func` returns more than one number, or `argnums` names an argument that
             is not there, or one twice; TypeError if `func` returns no tensor, or the argument
             holds no floating-point tensor.
    Example  >>> import minigrad as mg
             >>> mg.func.grad_and_value(lambda x: (x * x).sum())(mg.tensor([1.0, 2.0]))
             (tensor([2., 4.]), tensor(5.))
    """

    @wraps(func)
    def derivative(*args: Any, **kwargs: Any) -> Any:
        call = Call(func, args, kwargs, argnums)
        value, aux = split(call.output, has_aux)
        if not isinstance(value, Variable):
            raise TypeError(
                "grad: the function must return a tensor of one entry, it returned "
                f"{describe(value)}"
            )
        if value._array.size != 1:
            raise ValueError(
                "grad: the function must return a tensor of one entry, it returned one of shape "
                f"{value._array.shape}; jacrev takes any shape, or reduce it (.sum(), .mean())"
            )
        one = wrap(np.ones_like(value._array))
        create = call.nested
        gradient = call.arrange(call.gradients([value], [one], create))
        if not create:
            value, aux = detached(value), detached(aux)
        return gradient, ((value, aux) if has_aux else value)

    return derivative


def grad(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that returns the gradient of `func`; with `has_aux`, ``(gradient, aux)``.

    The arguments and errors are those of `grad_and_value`.

    Example  >>> import minigrad as mg
             >>> mg.func.grad(mg.func.grad(lambda x: x * x * x))(mg.tensor(2.0))
             tensor(12.)
    """
    both = grad_and_value(func, argnums, has_aux)

    @wraps(func)
    def derivative(*args: Any, **kwargs: Any) -> Any:
        gradient, value = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return derivative


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of `func` at `primals`, and its vector-Jacobian product as a function.

    Returns  ``(output, vjp_fn)``, or ``(output, vjp_fn, aux)``; ``vjp_fn(cotangents)`` takes
             cotangents in the form of the output and returns a tuple with the gradient of each
             primal.
    Raises   TypeError if no primal holds a floating-point tensor; ValueError if the cotangents have
             another form than the output.
    Example  >>> import minigrad as mg
             >>> y, pull_back = mg.func.vjp(lambda x: x * x, mg.tensor([1.0, 2.0]))
             >>> pull_back(mg.tensor([1.0, 10.0]))
             (tensor([ 2., 40.]),)
    """
    if not primals:
        raise TypeError("vjp: there are no primals to differentiate for")
    call = Call(func, primals, {}, tuple(range(len(primals))))
    output, aux = split(call.output, has_aux)
    check_outputs(output, "vjp")
    outputs = leaves_of(output)

    def vjp_fn(cotangents: Any) -> tuple[Any, ...]:
        given = matched(cotangents, output, "vjp: the cotangents", "the output")
        recorded = call.nested or any(is_float(v) and v._node is not None for v in given)
        gradients = call.gradients(outputs, given, recording.enabled and recorded)
        return tuple(call.arrange(gradients))

    shown = output if call.nested else detached(output)
    return (shown, vjp_fn, detached(aux)) if has_aux else (shown, vjp_fn)


def matched(tree: Any, pattern: Any, what: str, of: str) -> list[Any]:
    """The leaves of `tree` in the order of `pattern`, whose form and shapes it must have."""
    try:
        pairs = paired(tree, pattern)
    except ValueError as error:
        raise ValueError(f"{what} have not the form of {of}: {error}") from None
    for path, v, y in pairs:
        if v is None or not is_float(y):
            continue
        shape, expected = getattr(v, "shape", ()), y._array.shape
        if shape != expected:
            at = f" at {path}" if path else ""
            raise ValueError(f"{what} have shape {shape}{at}, {of} shape {expected}")
    return [v for _, v, _ in pairs]


def jvp(
    func: Callable[..., Any], primals: Any, tangents: Any, *, has_aux: bool = False
) -> tuple[Any, ...]:
    """The value of `func` at `primals`, and its derivative in the direction `tangents`: J t.

    primals   a tuple of the arguments
    tangents  a tuple of the same form

    Returns  ``(output, tangent of the output)``, or with `has_aux` these and what it returned
             besides. Computed by reverse mode twice (see the module), so it costs about three calls
             of `func`.
    Raises   TypeError if primals and tangents are not tuples of tensors; ValueError if they have
             not the same form and shapes.
    Example  >>> import minigrad as mg
             >>> mg.func.jvp(lambda x: x * x, (mg.tensor([1.0, 2.0]),), (mg.tensor([1.0, 10.0]),))
             (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple) or not primals:
        raise TypeError("jvp: primals and tangents are tuples, one entry for each argument")
    result = linear_part(func, primals, has_aux)
    pushed = result.push(tangents)
    shown = result.output if result.call.nested else detached(result.output)
    return (shown, pushed, detached(result.aux)) if has_aux else (shown, pushed)


class linear_part:
    """A function at a point, ready to be pushed forward along any number of tangents."""

    def __init__(self, func: Callable[..., Any], primals: tuple[Any, ...], has_aux: bool) -> None:
        self.call = Call(func, primals, {}, tuple(range(len(primals))))
        self.output, self.aux = split(self.call.output, has_aux)
        check_outputs(self.output, "jvp")
        self.outputs, self.rebuild = flatten(self.output)
        with enable_grad():
            self.cotangents = [
                wrap(np.zeros_like(y._array)).requires_grad_() if is_float(y) else None
                for y in self.outputs
            ]
            # u = Jᵀ v, recorded as a function of v; it is linear, so v = 0 will do
            self.pulled = self.call.gradients(self.outputs, self.cotangents, True)

    def push(self, tangents: Any) -> Any:
        """J t, in the form of the output."""
        primals = tuple(self.call.rebuild(self.call.leaves))
        given = matched(tangents, primals, "jvp: the tangents", "the primals")
        directions = [t for t, x in zip(given, self.call.leaves) if is_float(x)]
        for t in directions:
            if not isinstance(t, Variable):
                raise TypeError(f"jvp: the tangents are tensors, one is {describe(t)}")
        wanted = [v for v in self.cotangents if v is not None]
        pairs = [(u, t) for u, t in zip(self.pulled, directions) if u._node is not None]
        recorded = any(t._node is not None for _, t in pairs)
        create = recording.enabled and (self.call.nested or recorded)
        if pairs:
            found = gradients_of(
                [u for u, _ in pairs],
                wanted,
                [t for _, t in pairs],
                retain_graph=True,
                create_graph=create,
                materialize_grads=True,
            )
        else:
            found = tuple(wrap(np.zeros_like(v._array)) for v in wanted)
        pushed = iter(found)
        return self.rebuild(
            [next(pushed) if v is not None else still(y)
             for v, y in zip(self.cotangents, self.outputs)]
        )  # fmt: skip


def still(y: Any) -> Any:
    """The tangent of a result that has no derivative: zeros for integers, None for None."""
    return wrap(np.zeros_like(y._array)) if isinstance(y, Variable) else None


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of `func` at `primals`, and the function that maps tangents to J t there.

    `func` runs once; each call of the returned function costs two backward passes at most.

    Example  >>> import minigrad as mg
             >>> y, push = mg.func.linearize(lambda x: x * x, mg.tensor([1.0, 2.0]))
             >>> push(mg.tensor([1.0, 10.0]))
             tensor([ 2., 40.])
    """
    result = linear_part(func, primals, False)
    shown = result.output if result.call.nested else detached(result.output)
    return shown, lambda *tangents: result.push(tangents)


# ---------------------------------------------------------------------------------------- Jacobians


def stacked(rows: Sequence[Any], shape: tuple[int, ...], like: Any) -> Any:
    """Rows, one for each entry of an array of `shape`, as a tensor (*shape, *row shape).

    like   a tensor of the shape and type of a row, for where there are none
    """
    if not rows:
        return wrap(np.zeros((*shape, *like._array.shape), like._array.dtype))
    if any(row._node is not None for row in rows):
        joined = ops.stack(list(rows))
        return ops.reshape(joined, *shape, *rows[0].shape)
    return wrap(np.stack([row._array for row in rows]).reshape((*shape, *rows[0].shape)))


def units(tensor: Any) -> Any:
    """The unit vectors of the shape and type of `tensor`, one after the other."""
    for i in range(tensor._array.size):
        unit = np.zeros_like(tensor._array, order="C")
        unit.reshape(-1)[i] = 1
        yield wrap(unit)


def jacrev(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """The function that returns the Jacobian of `func`, row by row by reverse mode.

    argnums   the argument(s) to differentiate: an int, or a tuple of ints
    has_aux   `func` returns a pair of the output and anything else, and so does the result
    chunk_size  accepted for PyTorch's sake: the rows are computed one by one

    Returns  for an output of shape (p...) and an argument of shape (q...) a tensor of shape (p...,
             q...); where outputs or arguments are trees, the tree of the outputs with trees of the
             arguments. One backward pass for each entry of the output: for few outputs and many
             inputs.
    Raises   TypeError if `func` returns anything but floating-point tensors; otherwise as `grad`.
    Example  >>> import minigrad as mg
             >>> mg.func.jacrev(lambda x: x * x)(mg.tensor([1.0, 2.0]))
             tensor([[2., 0.],
                     [0., 4.]])
    """

    @wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        call = Call(func, args, kwargs, argnums)
        output, aux = split(call.output, has_aux)
        check_outputs(output, "jacrev", only_floats=True)
        create = call.nested

        def of_output(y: Any) -> Any:
            if y is None:  # of an inner Jacobian: integers among the arguments have none
                return None
            rows = [call.gradients([y], [unit], create) for unit in units(y)]
            return call.arrange(
                [stacked([row[k] for row in rows], y.shape, x) for k, x in enumerate(call.inputs)]
            )

        result = map_tree(of_output, output)
        return (result, detached(aux)) if has_aux else result

    return jacobian


def jacfwd(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
) -> Callable[..., Any]:
    """The function that returns the Jacobian of `func`, column by column by forward mode.

    The same result as `jacrev`; `func` runs once, with one backward pass for each entry of the
    arguments: for few inputs and many outputs.

    randomness  accepted for PyTorch's sake: `func` runs once, so there is nothing to choose

    Example  >>> import minigrad as mg
             >>> mg.func.jacfwd(lambda x: x * x)(mg.tensor([1.0, 2.0]))
             tensor([[2., 0.],
                     [0., 4.]])
    """

    @wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        chosen = check_argnums(argnums, len(args))

        def of_chosen(*values: Any) -> Any:
            given = list(args)
            for i, value in zip(chosen, values):
                given[i] = value
            return func(*given, **kwargs)

        result = linear_part(of_chosen, tuple(args[i] for i in chosen), has_aux)
        check_outputs(result.output, "jacfwd", only_floats=True)
        call = result.call
        call.argnums = argnums
        columns: list[list[Any]] = []  # for each input, the pushed unit vectors
        for k, x in enumerate(call.inputs):
            pushed = []
            for unit in units(x):
                zeros = [wrap(np.zeros_like(other._array)) for other in call.inputs]
                zeros[k] = unit
                tangents = iter(zeros)
                tree = [next(tangents) if is_float(leaf) else leaf for leaf in call.leaves]
                pushed.append(leaves_of(result.push(call.rebuild(tree))))
            columns.append(pushed)

        def of_output(o: int) -> Any:
            y = result.outputs[o]
            if y is None:
                return None
            blocks = []
            for pushed, x in zip(columns, call.inputs):
                block = stacked([column[o] for column in pushed], x.shape, y)  # (q..., p...)
                q, p = len(x.shape), len(y.shape)
                blocks.append(block.permute(*range(q, q + p), *range(q)))
            return call.arrange(blocks)

        tree = result.rebuild([of_output(o) for o in range(len(result.outputs))])
        return (tree, detached(result.aux)) if has_aux else tree

    return jacobian


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that returns the Hessian of `func`: the Jacobian of its Jacobian.

    For products of the Hessian with a vector, without the Hessian, use
    `minigrad.autograd.functional.hvp`, or ``jvp(grad(f), (x,), (v,))``.

    Example  >>> import minigrad as mg
             >>> mg.func.hessian(lambda x: (x * x * x).sum())(mg.tensor([1.0, 2.0]))
             tensor([[ 6.,  0.],
                     [ 0., 12.]])
    """
    return jacrev(jacrev(func, argnums), argnums)


# ------------------------------------------------------------------------------------------ batches


def vmap(
    func: Callable[P, R],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[P, R]:
    """`func` applied to each slice of its arguments along a batch axis, the results stacked.

    It is a loop, for convenience and correctness, not for speed; it is recorded and differentiable.

    in_dims      the batch axis of each argument: an int for all, or a tuple with an int, None
                 (passed whole to each call) or a tree of these for each argument; what is no
                 tensor is passed whole
    out_dims     where the batch axis goes in the results: an int, or a tree; None for a result that
                 is the same for all slices, and is returned once
    randomness   what random numbers do, as in PyTorch: "error" refuses them, "different" draws new
                 ones for each slice, "same" repeats those of the first
    chunk_size   accepted for PyTorch's sake: slices run one by one

    Raises   ValueError if no argument has a batch axis, if the batch is empty, if sizes differ, or
             an axis is out of range; TypeError if `func` returns anything but tensors; RuntimeError
             if it draws random numbers and `randomness` is "error".
    Example  >>> import minigrad as mg
             >>> mg.func.vmap(lambda x: x.sum())(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))
             tensor([3., 7.])
    """
    if randomness not in ("error", "different", "same"):
        raise ValueError(f"vmap: randomness is error, different or same, got {randomness!r}")

    @wraps(func)
    def batched(*args: P.args, **kwargs: P.kwargs) -> R:
        leaves, rebuild = flatten(list(args))
        dims = in_dims if isinstance(in_dims, (tuple, list)) else (in_dims,) * len(args)
        axes = axes_for(dims, args, "in_dims")
        size = batch_size(leaves, axes)
        state = get_rng_state()
        results = []
        for i in range(size):
            if randomness == "same":
                set_rng_state(state)
            slices = [slice_along(x, a, i) for x, a in zip(leaves, axes)]
            results.append(func(*rebuild(slices), **kwargs))
        if randomness == "error" and get_rng_state() != state:
            raise RuntimeError(
                "vmap: the function draws random numbers; say whether each slice has its own, "
                'randomness="different", or all the same, randomness="same"'
            )
        stacked_results: R = joined(results, out_dims)
        return stacked_results

    return batched


def batch_size(leaves: Sequence[Any], axes: Sequence[int | None]) -> int:
    """The size of the batch axes, which must all be there and agree."""
    sizes = set()
    for x, axis in zip(leaves, axes):
        if axis is None:
            continue
        shape = x._array.shape
        if not -len(shape) <= axis < len(shape):
            raise ValueError(
                f"vmap: in_dims {axis} for a tensor of shape {shape}, which has no such axis "
                "(in_dims None passes a tensor whole)"
            )
        sizes.add(shape[axis])
    if len(sizes) != 1:
        found = "no argument has a batch axis" if not sizes else f"batch sizes {sorted(sizes)}"
        raise ValueError(f"vmap: {found}; in_dims must name axes of one size")
    size: int = sizes.pop()
    if size == 0:
        raise ValueError("vmap: the batch is empty, so the form of the result is not known")
    return size


def joined(results: Sequence[Any], out_dims: Any) -> Any:
    """The results of the slices, stacked leaf by leaf."""
    first = results[0]
    if isinstance(out_dims, tuple) and len(out_dims) == 1 and isinstance(first, Variable):
        out_dims = out_dims[0]
    check_outputs(first, "vmap")
    _, rebuild = flatten(first)
    columns = zip(*[[y for _, y, _ in paired(result, first)] for result in results])
    places = axes_for(out_dims, first, "out_dims")
    return rebuild([join(column, place) for column, place in zip(columns, places)])


def join(column: Sequence[Any], place: int | None) -> Any:
    """One result of all slices, along a new axis at `place`; None: they must all be the same."""
    first = column[0]
    for y in column:
        if not isinstance(y, Variable):
            raise TypeError(f"vmap: the function must return tensors, it returned {describe(y)}")
    if place is None:
        if not all(np.array_equal(first._array, y._array, equal_nan=True) for y in column):
            raise ValueError("vmap: out_dims is None for a result that differs between the slices")
        return first
    dims = first._array.ndim + 1
    if not -dims <= place < dims:
        raise ValueError(
            f"vmap: out_dims {place} is out of range for a result of {dims} axes, the batch "
            "included"
        )
    return ops.stack(list(column), place)


def axes_for(dim: Any, tree: Any, what: str) -> list[Any]:
    """A batch axis for each leaf of `tree`: one for all below it, or given by a tree of axes."""
    if isinstance(dim, dict) and isinstance(tree, dict) and set(dim) == set(tree):
        return [a for key in tree for a in axes_for(dim[key], tree[key], what)]
    branches = (tuple, list)
    if isinstance(dim, branches) and isinstance(tree, branches) and len(dim) == len(tree):
        return [a for d, branch in zip(dim, tree) for a in axes_for(d, branch, what)]
    if dim is None or (isinstance(dim, (int, np.integer)) and not isinstance(dim, bool)):
        return [dim if isinstance(leaf, Variable) else None for leaf in leaves_of(tree)]
    raise ValueError(
        f"vmap: {what} {dim!r} does not fit {describe(tree)}: it is an int, None, or a tree of them"
    )


def slice_along(x: Any, axis: int | None, i: int) -> Any:
    if axis is None or not isinstance(x, Variable):
        return x
    tensor: Any = x
    return tensor[(slice(None),) * (axis % tensor._array.ndim) + (i,)]


# ------------------------------------------------------------------------------------------ modules


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: Any = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call `module` with other parameters and buffers in place of its own.

    parameter_and_buffer_dicts  a dict from the names of named_parameters and named_buffers to
                                tensors,
                 or a tuple of such dicts; names that are left out keep the module's own
    args, kwargs  arguments of the call: a tuple (or one tensor), and a dict
    tie_weights  a tensor that the module holds under several names is replaced under all of them
    strict       every name must be given

    Returns  what the module returns; afterwards the module is as it was.
    Raises   KeyError for a name that the module does not have, or, with `strict`, one that is
             missing; ValueError for a name in two of the dicts; TypeError for anything but a
             module, dicts and tensors.
    Example  >>> import minigrad as mg
             >>> net = mg.nn.Linear(2, 1)
             >>> weights = {"weight": mg.tensor([[1.0, 2.0]]), "bias": mg.tensor([0.5])}
             >>> mg.func.functional_call(net, weights, mg.tensor([[3.0, 4.0]])).tolist()
             [[11.5]]
    """
    if not hasattr(module, "named_modules"):
        raise TypeError(f"functional_call: the first argument is a module, got {describe(module)}")
    given = merged(parameter_and_buffer_dicts)
    slots = slots_of(module)
    unknown = sorted(set(given) - set(slots))
    if unknown:
        raise KeyError(f"functional_call: {type(module).__name__} has no parameter {unknown[0]!r}")
    if strict and set(slots) - set(given):
        missing = sorted(set(slots) - set(given))[0]
        raise KeyError(f"functional_call: no value for {missing!r}, and strict=True")
    if tie_weights:
        shared = {id(slots[name].tensor): tensor for name, tensor in given.items()}
        for name, slot in slots.items():
            if id(slot.tensor) in shared and slot.tensor is not None:
                given.setdefault(name, shared[id(slot.tensor)])
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    try:
        for name, tensor in given.items():
            slots[name].put(tensor)
        return module(*arguments, **(kwargs or {}))
    finally:
        for name in given:
            slots[name].put(slots[name].tensor)


def merged(dicts: Any) -> dict[str, Any]:
    """One dict of several that share no name, their values all tensors."""
    found: dict[str, Any] = {}
    for each in dicts if isinstance(dicts, (tuple, list)) else (dicts,):
        if not isinstance(each, dict):
            raise TypeError(
                "functional_call: parameters and buffers come in a dict, or several, got "
                f"{describe(each)}"
            )
        for name, tensor in each.items():
            if name in found:
                raise ValueError(f"functional_call: {name!r} is in two of the dicts")
            if not isinstance(tensor, Variable):
                raise TypeError(f"functional_call: {name!r} is {describe(tensor)}, not a tensor")
            found[name] = tensor
    return found


class Slot:
    """Where a module keeps a parameter or buffer: in a table, and as an attribute."""

    def __init__(self, module: Any, table: dict[str, Any], key: str) -> None:
        self.module, self.table, self.key = module, table, key
        self.tensor = table[key]

    def put(self, tensor: Any) -> None:
        self.table[self.key] = tensor
        object.__setattr__(self.module, self.key, tensor)


def slots_of(module: Any) -> dict[str, Slot]:
    """Every slot of a module and those below it, by full name."""
    slots = {}
    for prefix, part in module.named_modules(remove_duplicate=False):
        for table in (part._parameters, part._buffers):
            for key in table:
                slots[f"{prefix}.{key}" if prefix else key] = Slot(part, table, key)
    return slots


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and buffers of models of one kind, each stacked along a new first axis.

    Returns  two dicts, for `vmap` over `functional_call`: an ensemble in one expression.
    Raises   ValueError if there is no model, or they are of different types, in different modes
             (``train()``, ``eval()``), or have tensors of different shapes.
    Example  >>> import minigrad as mg
             >>> nets = [mg.nn.Linear(2, 3) for _ in range(4)]
             >>> parameters, buffers = mg.func.stack_module_state(nets)
             >>> parameters["weight"].shape
             (4, 3, 2)
    """
    if not models:
        raise ValueError("stack_module_state: no models")
    if any(type(model) is not type(models[0]) for model in models):
        raise ValueError("stack_module_state: the models are of different types")
    if any(model.training != models[0].training for model in models):
        raise ValueError("stack_module_state: some models are in training mode, and some are not")

    def stack(tables: list[dict[str, Any]]) -> dict[str, Any]:
        stacks = {}
        for name, first in tables[0].items():
            arrays = [table[name]._array for table in tables]
            for array in arrays:
                if array.shape != arrays[0].shape:
                    raise ValueError(
                        f"stack_module_state: {name!r} has shape {arrays[0].shape} in one model, "
                        f"and {array.shape} in another"
                    )
            joined = wrap(np.stack(arrays))
            stacks[name] = joined.requires_grad_() if first._node is not None else joined
        return stacks

    parameters = [dict(model.named_parameters()) for model in models]
    return stack(parameters), stack([dict(model.named_buffers()) for model in models])
