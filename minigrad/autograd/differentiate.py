"""``grad`` and ``backward``: gradients of given tensors, returned or accumulated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import backward as backward_pass
from minigrad.backward import start, walk
from minigrad.errors import ArgumentError
from minigrad.graph import Variable, wrap
from minigrad.memory import own
from minigrad.modes import enable_grad, no_grad, recording
from minigrad.tensor import Tensor

Tensors = Any  # a tensor, or a sequence of tensors


def sequence_of(tensors: Any, argument: str) -> list[Any]:
    """One tensor or several as a list, each checked to be a tensor."""
    listed = list(tensors) if isinstance(tensors, (list, tuple)) else [tensors]
    for tensor in listed:
        if not isinstance(tensor, Variable):
            raise TypeError(f"{argument}: expected tensors, got {type(tensor).__name__}")
    return listed


def cotangents_of(gradients: Any, count: int, argument: str) -> list[Any]:
    """One cotangent for each of `count` outputs; None stands for 1."""
    if gradients is None:
        return [None] * count
    listed = list(gradients) if isinstance(gradients, (list, tuple)) else [gradients]
    if len(listed) != count:
        raise ArgumentError(f"{argument}: {len(listed)} given for {count} outputs")
    return listed


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    """Gradients of the sum of `outputs` with respect to `inputs`; no ``.grad`` is touched.

    outputs            a tensor or a sequence of tensors
    inputs             tensors that require grad: leaves, or results on the way to `outputs`
    grad_outputs       a cotangent of each output's shape; may be left out, or be None, for a single
                       number
    retain_graph       keep what the nodes saved, for a second backward; by default as
                       `create_graph`
    create_graph       record the backward pass, for derivatives of derivatives
    allow_unused       return None for an input that the outputs do not depend on, instead of
                       raising
    only_inputs        True, for older programs: other tensors get no gradient
    is_grads_batched   the cotangents have one axis more in front, and so have the gradients: one
                       for each of several cotangents
    materialize_grads  return zeros instead of None; implies allow_unused

    Returns  a tuple of gradients, one for each input, of its shape and type.
    Raises   RuntimeError if an input does not require grad or is not used, or if the graph was
             freed by an earlier backward; ValueError if a cotangent has another shape than its
             output.
    Example  >>> import minigrad as mg
             >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
             >>> mg.autograd.grad((x * x).sum(), x)
             (tensor([2., 4.]),)
    """
    if not only_inputs:
        raise ArgumentError(
            "grad: only_inputs is True; to fill .grad of the leaves, use backward()"
        )
    if is_grads_batched:
        options = {"allow_unused": allow_unused, "materialize_grads": materialize_grads}
        return batched_grad(outputs, inputs, grad_outputs, retain_graph, create_graph, options)
    if materialize_grads and allow_unused is False:
        raise ArgumentError(
            "materialize_grads=True returns zeros for unused inputs, and allow_unused=False raises "
            "for them: choose one"
        )
    outputs = sequence_of(outputs, "outputs")
    inputs = sequence_of(inputs, "inputs")
    if not inputs:
        raise RuntimeError("grad: inputs is empty: there is nothing to differentiate for")
    pairs = zip(outputs, cotangents_of(grad_outputs, len(outputs), "grad_outputs"))
    edges = [tensor._node for tensor in inputs]
    for i, edge in enumerate(edges):
        if edge is None:
            raise RuntimeError(f"grad: input {i} does not require grad")
    as_tensors = create_graph or recording.trace is not None
    roots = [start(tensor, gradient, as_tensors) for tensor, gradient in pairs]
    if create_graph:
        with enable_grad():
            arrived = walk(roots, True, retain_graph, edges)
    elif as_tensors:  # in a trace, which notes the calls that the VJPs make
        with no_grad():
            arrived = walk(roots, False, retain_graph, edges)
    else:
        arrived = walk(roots, False, retain_graph, edges)
    del roots  # it may hold an array that is returned, which would then be copied
    missing = [i for i, edge in enumerate(edges) if edge not in arrived]
    if missing and not (allow_unused or materialize_grads):
        raise RuntimeError(
            f"grad: the outputs do not depend on input {missing[0]}; pass allow_unused=True to get "
            "None for it, or materialize_grads=True to get zeros"
        )
    return tuple([take(arrived, edges, i, materialize_grads) for i in range(len(edges))])


def batched_grad(
    outputs: Any, inputs: Any, batches: Any, retain_graph: Any, create_graph: bool, options: Any
) -> tuple[Any, ...]:
    """`grad` for each cotangent of a batch, side by side along a new first axis."""
    cotangents = cotangents_of(batches, len(sequence_of(outputs, "outputs")), "grad_outputs")
    sizes = {len(each) for each in cotangents if each is not None and each.ndim}
    if len(sizes) != 1 or 0 in sizes:
        raise ArgumentError(
            "grad: with is_grads_batched grad_outputs have a first axis of one and the same size, "
            f"not 0; got {[getattr(each, 'shape', None) for each in cotangents]}"
        )
    (size,) = sizes
    kept = create_graph if retain_graph is None else retain_graph
    rows = []
    for i in range(size):
        row = [None if each is None else each[i] for each in cotangents]
        keep = kept or i < size - 1
        rows.append(grad(outputs, inputs, row, keep, create_graph, **options))
    return tuple(
        [None if column[0] is None else np.stack(column) for column in zip(*rows, strict=True)]
    )


def take(arrived: dict[Any, Any], edges: Sequence[Any], i: int, materialize: bool) -> Any:
    """The gradient of input `i` as a tensor of its own."""
    edge = edges[i]
    if edge not in arrived:
        return wrap(np.zeros(edge.shape, edge.dtype)) if materialize else None
    # the last one who asks for an edge takes the array; `own` copies what others still hold
    gradient = arrived[edge] if edge in edges[i + 1 :] else arrived.pop(edge)
    return gradient if isinstance(gradient, Variable) else wrap(own(gradient))


def backward(
    tensors: Tensors,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add the gradients of the sum of `tensors` to the ``.grad`` of the leaves.

    tensors       a tensor or a sequence of tensors
    grad_tensors  a cotangent of each tensor's shape; may be left out for single numbers
    retain_graph  keep what the nodes saved, for a second backward
    create_graph  record the backward pass itself
    inputs        only these leaves get a gradient

    Raises   RuntimeError as `Tensor.backward`; ValueError if a cotangent has another shape than its
             tensor.
    Example  >>> import minigrad as mg
             >>> x = mg.tensor([1.0, 2.0], requires_grad=True)
             >>> mg.autograd.backward([x.sum(), (x * x).sum()])
             >>> x.grad
             tensor([3., 5.])
    """
    listed = sequence_of(tensors, "tensors")
    cotangents = cotangents_of(grad_tensors, len(listed), "grad_tensors")
    backward_pass.backward(list(zip(listed, cotangents)), retain_graph, create_graph, inputs)
