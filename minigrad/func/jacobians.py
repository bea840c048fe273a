"""Jacobians and Hessians, all rows or columns side by side: ``jacrev jacfwd hessian``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.func.batched import batched
from minigrad.func.calls import (
    Argnums,
    Call,
    check_argnums,
    check_outputs,
    detached,
    is_float,
    split,
)
from minigrad.func.derivatives import linear_part
from minigrad.graph import wrap
from minigrad.pytrees import leaves_of, map_tree


def in_shape(rows: Any, shape: tuple[int, ...], like: Any) -> Any:
    """Rows, one for each entry of an array of `shape`, as a tensor (*shape, *row shape).

    like   a tensor of the shape and type of a row, for where there are none
    """
    if 0 in shape:
        return wrap(np.zeros((*shape, *like._array.shape), like._array.dtype))
    return ops.reshape(rows, *shape, *like.shape)


def of_units(function: Callable[[Any], Any], like: Any, chunk_size: int | None) -> list[Any]:
    """`function` of each unit vector of the shape and type of a tensor.

    function  returns a list of tensors, or None among them
    Returns   for each entry of the list a tensor (size of `like`, ...) with all of them
    """
    size = like._array.size
    all_units = wrap(np.eye(size, dtype=like._array.dtype).reshape(size, *like._array.shape))
    found = batched(function, [all_units], chunk_size)
    if found is None:
        columns = zip(*[function(all_units[i]) for i in range(size)])
        return [None if column[0] is None else ops.stack(list(column), 0) for column in columns]
    return [
        value if value is None or is_batch else ops.stack([value] * size, 0)
        for value, is_batch in found[0]
    ]


def jacrev(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """The function that returns the Jacobian of `func`, by reverse mode.

    argnums   the argument(s) to differentiate: an int, or a tuple of ints
    has_aux   `func` returns a pair of the output and anything else, and so does the result
    chunk_size  how many rows are computed at once; None: as many as fit into moderate memory

    Returns  for an output of shape (p...) and an argument of shape (q...) a tensor of shape (p...,
             q...); where outputs or arguments are trees, the tree of the outputs with trees of the
             arguments. A backward pass with all unit vectors of an output side by side: for few
             outputs and many inputs.
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
            rows = of_units(lambda v: call.gradients([y], [v], create), y, chunk_size)
            return call.arrange(
                [in_shape(each, y.shape, x) for each, x in zip(rows or call.inputs, call.inputs)]
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
    """The function that returns the Jacobian of `func`, by forward mode.

    The same result as `jacrev`; `func` runs once, and all columns for an argument are computed side
    by side: for few inputs and many outputs.

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

        def push(k: int, unit: Any) -> list[Any]:
            """J t for the tangent t that is `unit` in input k, and zero in the others."""
            tangents = [wrap(np.zeros_like(other._array)) for other in call.inputs]
            tangents[k] = unit
            rest = iter(tangents)
            tree = [next(rest) if is_float(leaf) else leaf for leaf in call.leaves]
            return leaves_of(result.push(call.rebuild(tree)))

        columns = [of_units(partial(push, k), x, None) for k, x in enumerate(call.inputs)]

        def of_output(o: int) -> Any:
            y = result.outputs[o]
            if y is None:
                return None
            blocks = []
            for pushed, x in zip(columns, call.inputs):
                block = in_shape(pushed[o] if pushed else None, x.shape, y)  # (q..., p...)
                q, p = len(x.shape), len(y.shape)
                blocks.append(block.permute(*range(q, q + p), *range(q)))
            return call.arrange(blocks)

        tree = result.rebuild([of_output(o) for o in range(len(result.outputs))])
        return (tree, detached(result.aux)) if has_aux else tree

    return jacobian


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that returns the Hessian of `func`, by forward mode over reverse mode.

    For products of the Hessian with a vector, without the Hessian, use
    `minigrad.autograd.functional.hvp`, or ``jvp(grad(f), (x,), (v,))``.

    Example  >>> import minigrad as mg
             >>> mg.func.hessian(lambda x: (x * x * x).sum())(mg.tensor([1.0, 2.0]))
             tensor([[ 6.,  0.],
                     [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)
