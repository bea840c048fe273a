"""Leaving with a trained network: `export` writes a model to an ONNX file.

The model runs once on an example, in a trace that writes down every call, and each call that
depends on an input is translated, by a function of `minigrad.onnx.translations`.  What does not
depend on the inputs (weights, what is computed of them) is stored as numbers.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.graph import Variable, wrap
from minigrad.modes import no_grad
from minigrad.modes import trace as tracing
from minigrad.onnx.translation import Translation
from minigrad.serialization import write_atomically
from minigrad.tape import Line, Tape, Value

__all__ = ["export"]

Array = Any


def export(
    model: Any,
    example: Any,
    path: str | os.PathLike[str],
    *,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    check: bool = True,
) -> None:
    """Write a model to an ONNX file, for inference elsewhere.

    model          a module; it is run in evaluation mode
    example        a tensor or array like those it will be called with, or a tuple of several
    path           where to write; the file appears complete or not at all
    input_names    names of the inputs in the file; None: input, or input_0, input_1, ...
    output_names   names of the outputs; None: output, or output_0, ...
    check          run the file with onnxruntime, where that is installed, on the example and on
                   other numbers, and compare the outputs with the model's

    The first axis may have any size in the file if every op treats it as a batch and the model
    computes the same at another size; otherwise the shapes are those of the example.  (Recurrent
    layers and attention have fixed shapes.)

    Raises    NotImplementedError for an op that has no translation, or a model that looks at
              numbers outside of ops; ImportError if onnx is not installed; RuntimeError if the
              file computes something else.
    Example   >>> mg.onnx.export(model, mg.zeros(1, 784), "model.onnx")  # doctest: +SKIP
    """
    onnx = require_onnx()
    examples = example if isinstance(example, (tuple, list)) else (example,)
    arrays = [e._array if isinstance(e, Variable) else np.asarray(e) for e in examples]
    tape = tape_of(model, arrays)
    translation = Translation(onnx, tape, numbered("input", input_names, len(arrays)))
    names = numbered("output", output_names, len(tape.outputs))
    file = translation.finish(names, lambda: is_batchwise(model, arrays, tape))
    onnx.checker.check_model(file, full_check=True)
    data = file.SerializeToString()
    if check:
        compare(data, translation.names, arrays, [value.array for value in tape.outputs])
        others = [other_numbers(array, translation.batched) for array in arrays]
        compare(data, translation.names, others, run(model, others))
    write_atomically(path, lambda stream: stream.write(data))


def require_onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise ImportError("ONNX files need a package: pip install onnx") from error
    return onnx


def numbered(what: str, names: Sequence[str] | None, number: int) -> list[str]:
    """The given names, or ``input``, or ``input_0``, ``input_1`` ..."""
    if names is None:
        return [what] if number == 1 else [f"{what}_{i}" for i in range(number)]
    if len(names) != number:
        raise ValueError(f"export: {len(names)} {what} names for {number} {what}s")
    return list(names)


def tape_of(model: Any, arrays: Sequence[Array]) -> Tape:
    """Every call of the model in evaluation mode, as a tape."""
    inputs = [wrap(array.copy(order="K")) for array in arrays]
    try:
        with no_grad(), tracing() as traced:
            for tensor in inputs:
                traced.watch(tensor._array)
            outputs = in_evaluation_mode(model, inputs)
    except RuntimeError as error:
        if "traced tensor" not in str(error):
            raise
        raise NotImplementedError(
            f"export: the model looks at numbers that depend on its inputs, which a file cannot "
            f"say: {error}"
        ) from error
    computed = {id(array) for call in traced.calls for array in call.results}
    if not all(isinstance(t, Variable) and id(t._array) in computed for t in outputs):
        raise NotImplementedError("export: the model returns something that no op computed")
    return Tape.of_trace(traced, outputs, inputs)


def in_evaluation_mode(model: Any, inputs: Sequence[Any]) -> list[Any]:
    """What the model returns in evaluation mode, as a list."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        output = model(*inputs)
    finally:
        for module, training in modes:
            module.training = training
    listed = output if isinstance(output, (tuple, list)) else [output]
    return [tensor for tensor in listed if tensor is not None]


def run(model: Any, arrays: Sequence[Array]) -> list[Array]:
    with no_grad():
        outputs = in_evaluation_mode(model, [wrap(array.copy(order="K")) for array in arrays])
    return [tensor._array for tensor in outputs]


def other_numbers(array: Array, batched: bool) -> Array:
    """An input of the same kind with other numbers, and another size of batch if that is free.

    Integers may be classes or places: they are those of the example in another order.
    """
    rng = np.random.default_rng(20)
    shape = (len(array) + 1, *array.shape[1:]) if batched else array.shape
    if array.dtype.kind == "f":
        return rng.standard_normal(shape).astype(array.dtype)
    if not array.size:
        return np.zeros(shape, array.dtype)
    return rng.choice(array.reshape(-1), shape).astype(array.dtype)


def is_batchwise(model: Any, arrays: Sequence[Array], tape: Tape) -> bool:
    """Whether the model makes the same calls, with the same numbers, for another size of batch."""
    try:
        again = tape_of(model, [other_numbers(array, True) for array in arrays])
    except Exception:  # the model refuses other sizes
        return False
    if len(again.lines) != len(tape.lines):
        return False
    return all(same_call(one, other) for one, other in zip(tape.lines, again.lines))


def same_call(one: Line, other: Line) -> bool:
    def same(a: Any, b: Any) -> bool:
        if isinstance(a, Value) and a.kind == "constant":
            return isinstance(b, Value) and np.array_equal(a.array, b.array)
        return isinstance(a, Value) or a is b or bool(a == b)

    return one.op is other.op and all(map(same, one.operands, other.operands))


def compare(data: bytes, names: list[str], arrays: list[Array], outputs: list[Array]) -> None:
    """Run the file with onnxruntime, if it is there.

    Windows with NaN are left out where the file is of float32: onnxruntime's pools drop NaN there.

    Raises    RuntimeError if the outputs differ by more than rounding; NotImplementedError if
              onnxruntime has no kernel for an op of this type.
    """
    try:
        import onnxruntime
    except ImportError:
        return
    try:
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented as error:
        raise NotImplementedError(
            f"export: onnxruntime cannot run an op of the model in this type: export "
            f"model.float(), or pass check=False for another runtime ({error})"
        ) from error
    found = session.run(None, dict(zip(names, arrays)))
    for i, (a, b) in enumerate(zip(found, outputs)):
        left_out = np.isnan(b) if b.dtype == np.float32 else False
        same = a.shape == b.shape and a.dtype == b.dtype
        if not same or not np.all(
            np.isclose(a, b, rtol=1e-4, atol=1e-5, equal_nan=True) | left_out
        ):
            raise RuntimeError(f"export: output {i} of the file is not that of the model")
