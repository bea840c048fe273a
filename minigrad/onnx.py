"""Leaving with a trained network: `export` writes a model to an ONNX file.

The model runs once on an example, and every op that the graph recorded between the inputs and the
output is translated.  What does not depend on the inputs (weights, masks, what is computed of them)
is stored as numbers.  A translation is a function of this file, with the name of the op::

    def tanh(to, node, x):
        return to.add("Tanh", x)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

import numpy as np

from minigrad.graph import Node, Output, Variable, recorded_before, wrap
from minigrad.modes import enable_grad, recording
from minigrad.serialization import write_atomically

__all__ = ["export"]

Array = Any
OPSET = 17
IR_VERSION = 8  # the format of the file that this opset came with


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
    check          run the file with onnxruntime, where that is installed, and compare the outputs

    The first axis may have any size in the file if every op treats it as a batch; otherwise the
    shapes are those of the example.  (Recurrent layers and attention have fixed shapes.)

    Raises    NotImplementedError for an op that has no translation; ImportError if onnx is not
              installed; RuntimeError if the file computes something else.
    Example   >>> mg.onnx.export(model, mg.zeros(1, 784), "model.onnx")  # doctest: +SKIP
    """
    onnx = require_onnx()
    examples = example if isinstance(example, (tuple, list)) else (example,)
    arrays = [e._array if isinstance(e, Variable) else np.asarray(e) for e in examples]
    inputs = [wrap(array.copy(order="K")) for array in arrays]
    for tensor in inputs:
        if tensor._array.dtype.kind == "f":
            tensor.requires_grad_()
    outputs = trace(model, inputs)
    translation = Translation(onnx, inputs, numbered("input", input_names, len(inputs)))
    file = translation.finish(outputs, numbered("output", output_names, len(outputs)))
    onnx.checker.check_model(file)
    data = file.SerializeToString()
    if check:
        compare(data, translation.names, arrays, [tensor._array for tensor in outputs])
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


def trace(model: Any, inputs: list[Any]) -> list[Any]:
    """Run the model in evaluation mode, with all operands kept by the nodes."""
    modes = [(module, module.training) for module in model.modules()]
    frozen = [p for p in model.parameters() if p._node is None and p._array.dtype.kind == "f"]
    before = recording.detail
    model.eval()
    try:
        for p in frozen:  # ops are recorded only if a gradient could be wanted
            p.requires_grad_()
        recording.change(stack=True, values=True)
        with enable_grad():
            output = model(*inputs)
    finally:
        recording.change(stack=before.stack, values=before.values)
        for p in frozen:
            p.requires_grad_(False)
        for module, training in modes:
            module.training = training
    outputs = [
        t for t in (output if isinstance(output, (tuple, list)) else [output]) if t is not None
    ]
    if not all(isinstance(t, Variable) and t._node is not None for t in outputs):
        raise NotImplementedError("export: the model returns something that no op computed")
    return outputs


def compare(data: bytes, names: list[str], arrays: list[Array], outputs: list[Array]) -> None:
    """Run the file with onnxruntime, if it is there.

    Raises    RuntimeError if the outputs differ by more than rounding.
    """
    try:
        import onnxruntime
    except ImportError:
        return
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    found = session.run(None, dict(zip(names, arrays)))
    for i, (a, b) in enumerate(zip(found, outputs)):
        if a.shape != b.shape or not np.allclose(a, b, rtol=1e-4, atol=1e-5):
            raise RuntimeError(f"export: output {i} of the file is not that of the model")


class Translation:
    """An ONNX graph in the making: its nodes, its constants, and the name of each result."""

    def __init__(self, onnx: Any, inputs: list[Any], names: list[str]) -> None:
        self.onnx = onnx
        self.names = names
        self.nodes: list[Any] = []
        self.constants: dict[str, Array] = {}
        self.results: dict[int, str] = {}  # id of an edge -> name
        self.indices = {id(t._array): name for t, name in zip(inputs, names) if t._node is None}
        for tensor, name in zip(inputs, names):
            if tensor._node is not None:
                self.results[id(tensor._node)] = name
        self.inputs = inputs
        self.batched = {t._array.shape[:1] for t in inputs} != {()} and all(
            t._array.ndim > 0 and len(t._array) == len(inputs[0]._array) for t in inputs
        )

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """A node of the file with one result; returns the result's name."""
        return self.add_several(1, kind, *inputs, **attributes)[0]

    def add_several(self, number: int, kind: str, *inputs: str, **attributes: Any) -> list[str]:
        """A node of the file with so many results; returns their names."""
        names = [f"v{len(self.nodes)}_{i}" for i in range(number)]
        node = self.onnx.helper.make_node(kind, list(inputs), names, **attributes)
        self.nodes.append(node)
        return names

    def constant(self, value: Any) -> str:
        """Numbers that are stored in the file."""
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(value)
        return name

    def finish(self, outputs: list[Any], names: list[str]) -> Any:
        """The model, all that the outputs depend on translated."""
        order = recorded_before([tensor._node for tensor in outputs])
        depends = self.dependent(order)
        for node in order:
            if node in depends:
                self.translate(node, depends)
        for tensor, name in zip(outputs, names):
            result = self.results.get(id(tensor._node))
            if result is None:
                result = self.constant(tensor._array)
            self.nodes.append(self.onnx.helper.make_node("Identity", [result], [name]))
        helper = self.onnx.helper
        graph = helper.make_graph(
            self.nodes,
            "minigrad",
            [self.described(name, t._array) for name, t in zip(self.names, self.inputs)],
            [self.described(name, t._array) for name, t in zip(names, outputs)],
            [self.onnx.numpy_helper.from_array(v, name) for name, v in self.constants.items()],
        )
        opset = [helper.make_opsetid("", OPSET)]
        return helper.make_model(
            graph, opset_imports=opset, ir_version=IR_VERSION, producer_name="minigrad"
        )

    def described(self, name: str, array: Array) -> Any:
        """The declaration of an input or output."""
        helper = self.onnx.helper
        shape = list(array.shape)
        if self.batched and shape and shape[0] == len(self.inputs[0]._array):
            shape[0] = "batch"
        return helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(array.dtype), shape
        )

    def dependent(self, order: list[Node]) -> set[Any]:
        """The nodes that depend on an input; the others are constants."""
        found: set[Any] = set()
        for node in order:
            of_input = any(
                edge is not None and (id(edge) in self.results or edge in found)
                for edge in node.inputs
            )
            looked_up = any(id(static) in self.indices for static in node.statics)
            if of_input or looked_up:
                found.add(node)
        return found

    def translate(self, node: Node, depends: set[Any]) -> None:
        """Add the nodes for one op."""
        if type(node) is Output:
            parent = node.inputs[0]
            self.results[id(node)] = self.results[id(parent)][node.position]
            return
        translate = TRANSLATIONS.get(node.name())
        if translate is None:
            raise NotImplementedError(
                f"export: the op {node.name()} has no translation to ONNX; in minigrad/onnx.py, "
                "write one"
            )
        if node.name() not in BATCHWISE:
            self.batched = False
        extras: Any = node.extras
        operands = extras.values[1] if node.op.joint is not None else extras.values[1:]
        names = []
        for edge, value in zip(node.inputs, operands):
            if edge is not None and id(edge) in self.results:
                names.append(self.results[id(edge)])
            elif value is None:
                names.append("")
            elif isinstance(value, (bool, int, float)):
                names.append(self.constant(np.array(value, node.dtype)))
            else:
                if edge is None and np.ndim(value) == len(node.shape) and len(value) > 1:
                    self.batched = False
                names.append(self.constant(np.asarray(value)))
        self.results[id(node)] = translate(self, node, *names)


# --------------------------------------------------------------------------------- the translations

TRANSLATIONS: dict[str, Callable[..., Any]] = {}
BATCHWISE: set[str] = set()  # the ops that do the same whatever the size of the first axis


def translation(
    *names: str, batchwise: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The decorated function translates the ops of these names, or of its own."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names or (function.__name__,):
            TRANSLATIONS[name] = function
            if batchwise:
                BATCHWISE.add(name)
        return function

    return register


SAME = {
    "add": "Add", "sub": "Sub", "mul": "Mul", "true_divide": "Div", "divide": "Div", "neg": "Neg",
    "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "abs": "Abs", "pow": "Pow", "relu": "Relu",
    "tanh": "Tanh", "sigmoid": "Sigmoid", "sin": "Sin", "cos": "Cos", "erf": "Erf",
    "reciprocal": "Reciprocal",
}  # fmt: skip
for op_name, kind in SAME.items():
    TRANSLATIONS[op_name] = lambda to, node, *x, kind=kind: to.add(kind, *x)
    BATCHWISE.add(op_name)


@translation(batchwise=True)
def square(to: Translation, node: Node, x: str) -> str:
    return to.add("Mul", x, x)


@translation(batchwise=True)
def rsqrt(to: Translation, node: Node, x: str) -> str:
    return to.add("Reciprocal", to.add("Sqrt", x))


@translation(batchwise=True)
def gelu(to: Translation, node: Node, x: str) -> str:
    def number(value: float) -> str:
        return to.constant(np.array(value, node.dtype))

    share = to.add("Add", to.add("Erf", to.add("Mul", x, number(1 / sqrt(2)))), number(1.0))
    return to.add("Mul", to.add("Mul", x, share), number(0.5))


@translation(batchwise=True)
def silu(to: Translation, node: Node, x: str) -> str:
    return to.add("Mul", x, to.add("Sigmoid", x))


@translation(batchwise=True)
def softplus(to: Translation, node: Node, x: str) -> str:
    beta = to.constant(np.array(node.statics[0], node.dtype))
    return to.add("Div", to.add("Softplus", to.add("Mul", x, beta)), beta)


@translation(batchwise=True)
def logsigmoid(to: Translation, node: Node, x: str) -> str:
    return to.add("Neg", to.add("Softplus", to.add("Neg", x)))


@translation(batchwise=True)
def elu(to: Translation, node: Node, x: str) -> str:
    alpha, scale, input_scale = node.statics
    if input_scale != 1:
        return to.add("Celu", x, alpha=1 / input_scale)
    out = to.add("Elu", x, alpha=alpha)
    return to.add("Mul", out, to.constant(np.array(scale, node.dtype)))


@translation(batchwise=True)
def leaky_relu(to: Translation, node: Node, x: str) -> str:
    return to.add("LeakyRelu", x, alpha=node.statics[0])


@translation(batchwise=True)
def hardtanh(to: Translation, node: Node, x: str) -> str:
    lowest, highest = (to.constant(np.array(bound, node.dtype)) for bound in node.statics)
    return to.add("Clip", x, lowest, highest)


@translation("softmax", "log_softmax", batchwise=True)
def softmax(to: Translation, node: Node, x: str) -> str:
    if node.statics[0] % len(node.shape) == 0:
        to.batched = False
    return to.add("Softmax" if node.name() == "softmax" else "LogSoftmax", x, axis=node.statics[0])


@translation(batchwise=True)
def linear(to: Translation, node: Node, x: str, weight: str, bias: str = "") -> str:
    out = to.add("MatMul", x, to.add("Transpose", weight, perm=[1, 0]))
    return to.add("Add", out, bias) if bias else out


@translation()
def matmul(to: Translation, node: Node, x: str, y: str) -> str:
    return to.add("MatMul", x, y)


@translation(batchwise=True)
def embedding(to: Translation, node: Node, weight: str) -> str:
    index = node.statics[0]
    name = to.indices.get(id(index))
    return to.add("Gather", weight, to.constant(index) if name is None else name, axis=0)


# ----------------------------------------------------------------------------------------- windows


def pads(padding: Sequence[tuple[int, int]]) -> list[int]:
    return [before for before, _ in padding] + [after for _, after in padding]


@translation(batchwise=True)
def convolve(to: Translation, node: Node, x: str, weight: str, bias: str = "") -> str:
    stride, padding, dilation, groups = node.statics
    operands = (x, weight, bias) if bias else (x, weight)
    return to.add(
        "Conv", *operands, strides=stride, pads=pads(padding), dilations=dilation, group=groups
    )


@translation(batchwise=True)
def convolve_back(to: Translation, node: Node, y: str, weight: str) -> str:
    size, stride, padding, dilation, groups = node.statics
    operands: Any = node.extras
    image, kernel = (value.shape[2:] for value in operands.values[1:3])
    covered = [
        s * (n - 1) + d * (k - 1) + 1 - sum(p)
        for s, n, d, k, p in zip(stride, image, dilation, kernel, padding)
    ]
    missing = [wanted - got for wanted, got in zip(size, covered)]
    return to.add(
        "ConvTranspose", y, weight, strides=stride, pads=pads(padding), dilations=dilation,
        group=groups, output_padding=missing,
    )  # fmt: skip


@translation(batchwise=True)
def max_pool(to: Translation, node: Node, x: str) -> str:
    kernel, stride, padding, dilation = node.statics
    return to.add(
        "MaxPool", x, kernel_shape=kernel, strides=stride, pads=pads(padding), dilations=dilation
    )


@translation(batchwise=True)
def avg_pool(to: Translation, node: Node, x: str) -> str:
    kernel, stride, padding, divisor = node.statics
    out = to.add(
        "AveragePool", x, kernel_shape=kernel, strides=stride, pads=pads(padding),
        count_include_pad=1,
    )  # fmt: skip
    # a divisor for each window does not count what lies outside of the image
    scale = np.asarray(np.prod(kernel) / divisor, node.dtype)
    return to.add("Mul", out, to.constant(scale)) if np.any(scale != 1) else out


# ------------------------------------------------------------------------ reductions and statistics


@translation("mean", "sum", batchwise=True)
def mean(to: Translation, node: Node, x: str) -> str:
    dim, keepdim = node.statics[:2]
    rank = len(node.operand_shape(0))
    axes = list(range(rank)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    if any(axis % rank == 0 for axis in axes):
        to.batched = False
    if node.name() == "mean":
        return to.add("ReduceMean", x, axes=axes, keepdims=int(bool(keepdim)))
    return to.add("ReduceSum", x, to.constant(np.array(axes)), keepdims=int(bool(keepdim)))


@translation(batchwise=True)
def standardize(to: Translation, node: Node, x: str) -> str:
    axes, eps = list(node.statics[0]), node.statics[1]
    if 0 in axes:
        to.batched = False
    rest = to.add("Sub", x, to.add("ReduceMean", x, axes=axes, keepdims=1))
    variance = to.add("ReduceMean", to.add("Mul", rest, rest), axes=axes, keepdims=1)
    shifted = to.add("Add", variance, to.constant(np.array(eps, node.dtype)))
    return to.add("Div", rest, to.add("Sqrt", shifted))


# ------------------------------------------------------------------------------- shape and joining


@translation(batchwise=True)
def flatten(to: Translation, node: Node, x: str) -> str:
    start = node.statics[0] % max(len(node.operand_shape(0)), 1)
    # a zero stands for the size that is there
    shape = [0] * start + [-1] + list(node.shape[start + 1 :])
    if start == 0:
        to.batched = False
    return to.add("Reshape", x, to.constant(np.array(shape)))


@translation("reshape", "view", "unflatten")
def reshape(to: Translation, node: Node, x: str) -> str:
    return to.add("Reshape", x, to.constant(np.array(node.shape, np.int64)))


@translation()
def transpose(to: Translation, node: Node, x: str) -> str:
    rank = len(node.shape)
    order = list(range(rank))
    a, b = (axis % rank for axis in node.statics[:2])
    order[a], order[b] = order[b], order[a]
    return to.add("Transpose", x, perm=order)


@translation("mT", "T")
def mT(to: Translation, node: Node, x: str) -> str:
    order = list(range(len(node.shape)))
    order = order[::-1] if node.name() == "T" else [*order[:-2], order[-1], order[-2]]
    return to.add("Transpose", x, perm=order)


@translation()
def permute(to: Translation, node: Node, x: str) -> str:
    rank = len(node.shape)
    return to.add("Transpose", x, perm=[axis % rank for axis in node.statics[0]])


@translation("cat", "concat")
def cat(to: Translation, node: Node, *tensors: str) -> str:
    return to.add("Concat", *tensors, axis=node.statics[0])


@translation()
def stack(to: Translation, node: Node, *tensors: str) -> str:
    axis = node.statics[0] % len(node.shape)
    axes = to.constant(np.array([axis]))
    return to.add("Concat", *[to.add("Unsqueeze", t, axes) for t in tensors], axis=axis)


@translation()
def unbind(to: Translation, node: Node, x: str) -> list[str]:
    axis = node.statics[0]
    number = node.operand_shape(0)[axis]
    parts = to.add_several(number, "Split", x, to.constant(np.ones(number, np.int64)), axis=axis)
    axes = to.constant(np.array([axis]))
    return [to.add("Squeeze", part, axes) for part in parts]


@translation()
def split(to: Translation, node: Node, x: str) -> list[str]:
    sizes, axis = node.statics[:2]
    return to.add_several(len(sizes), "Split", x, to.constant(np.array(sizes)), axis=axis)


@translation()
def getitem(to: Translation, node: Node, x: str) -> str:
    index = node.statics[0]
    index = index if isinstance(index, tuple) else (index,)
    rank = len(node.operand_shape(0))
    used = sum(part is not None and part is not Ellipsis for part in index)
    if not any(part is Ellipsis for part in index):
        index = (*index, Ellipsis)
    axis = 0
    dropped: list[int] = []
    added: list[int] = []
    for part in index:
        if part is None:
            added.append(axis - len(dropped) + len(added))
        elif part is Ellipsis:
            axis += rank - used
        elif isinstance(part, (int, slice)):
            if part != slice(None):
                positions = range(node.operand_shape(0)[axis])
                if isinstance(part, int):
                    chosen = [positions[part]]
                    dropped.append(axis)
                else:
                    chosen = list(positions[part])
                steps = to.constant(np.array(chosen, np.int64))
                x = to.add("Gather", x, steps, axis=axis)
            axis += 1
        else:
            raise NotImplementedError(f"export: indexing with {type(part).__name__}")
    if dropped:
        x = to.add("Squeeze", x, to.constant(np.array(dropped)))
    return to.add("Unsqueeze", x, to.constant(np.array(added))) if added else x


# ---------------------------------------------------------------------------------- recurrent cells


def parts_of(to: Translation, x: str, number: int, size: int, rank: int) -> list[str]:
    """`x`, cut into so many parts of one size along its last axis."""
    sizes = to.constant(np.full(number, size))
    return to.add_several(number, "Split", x, sizes, axis=rank - 1)


@translation()
def lstm_cell(to: Translation, node: Node, gates: str, cell: str) -> list[str]:
    shape: Any = node.shape[0]
    i, f, g, o = parts_of(to, gates, 4, shape[-1], len(shape))
    kept = to.add("Mul", to.add("Sigmoid", f), cell)
    cell = to.add("Add", kept, to.add("Mul", to.add("Sigmoid", i), to.add("Tanh", g)))
    return [to.add("Mul", to.add("Sigmoid", o), to.add("Tanh", cell)), cell]


@translation()
def gru_cell(to: Translation, node: Node, a: str, u: str, hidden: str) -> str:
    size, rank = node.shape[-1], len(node.shape)
    a_r, a_z, a_n = parts_of(to, a, 3, size, rank)
    u_r, u_z, u_n = parts_of(to, u, 3, size, rank)
    r = to.add("Sigmoid", to.add("Add", a_r, u_r))
    z = to.add("Sigmoid", to.add("Add", a_z, u_z))
    n = to.add("Tanh", to.add("Add", a_n, to.add("Mul", r, u_n)))
    return to.add("Add", n, to.add("Mul", z, to.add("Sub", hidden, n)))
