"""Properties that every op of the table has."""

from __future__ import annotations

import contextlib
import doctest
import inspect
import pkgutil
import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.graph import Leaf, Node, Output
from tests import numerical
from tests.samples import SAMPLES, Sample, non_contiguous

DIFFERENTIABLE = [s for s in SAMPLES if s.differentiable]


def over(samples: list[Sample]) -> Any:
    return pytest.mark.parametrize("sample", samples, ids=str)


# ------------------------------------------------------------------------------------------ helpers


def tensors_of(
    arrays: list[np.ndarray], requires_grad: bool = True, dtype: Any = None
) -> list[Any]:
    """Leaves that keep the memory layout of `arrays`."""
    leaves = []
    for array in arrays:
        leaf = mg.tensor(0.0, dtype=mg.float64)
        leaf._array = array if dtype is None else array.astype(dtype)
        leaves.append(leaf.requires_grad_() if requires_grad and leaf.dtype.kind == "f" else leaf)
    return leaves


def outputs_of(result: Any) -> list[Any]:
    """All results of an op, as a list."""
    if not isinstance(result, (tuple, list)):
        return [result]
    return [each for part in result for each in outputs_of(part)]


def plain(value: Any) -> Any:
    return value._array if isinstance(value, mg.Tensor) else np.asarray(value)


def cotangents_for(sample: Sample, outputs: list[Any]) -> list[Any]:
    rng = sample.rng()
    return [rng.standard_normal(out.shape) if out.requires_grad else None for out in outputs]


def weighted(outputs: list[Any], cotangents: list[Any]) -> Any:
    """One number: all outputs times their cotangents."""
    terms = [mg.sum(out * c) for out, c in zip(outputs, cotangents) if c is not None]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def gradients_of(total: Any, leaves: list[Any], create_graph: bool = False) -> list[Any]:
    """The gradients of one number, zeros where it does not depend on a leaf."""
    for leaf in leaves:
        leaf.grad = None
    total.backward(create_graph=create_graph)
    return [mg.tensor(np.zeros(x.shape)) if x.grad is None else x.grad for x in leaves]


def first_gradient_error(sample: Sample, arrays: list[np.ndarray]) -> tuple[float, str]:
    """The largest error of the first gradient, with random cotangents."""
    leaves = tensors_of(arrays)
    outputs = outputs_of(sample.run(*leaves))
    cotangents = cotangents_for(sample, outputs)
    analytic = gradients_of(weighted(outputs, cotangents), leaves)

    def function(*operands: np.ndarray) -> float:
        results = outputs_of(sample.run(*tensors_of(list(operands), requires_grad=False)))
        pairs = zip(results, cotangents, strict=True)
        return float(sum(np.sum(plain(out) * c) for out, c in pairs if c is not None))

    numeric = numerical.gradient(function, arrays)
    errors = [numerical.worst(plain(a), n) for a, n in zip(analytic, numeric, strict=True)]
    return max(errors)


def second_gradient_error(sample: Sample, arrays: list[np.ndarray]) -> tuple[float, str]:
    """The largest error of the gradient of the first gradient, for operands and cotangents."""
    rng = sample.rng()
    shapes = outputs_of(sample.run(*tensors_of(arrays)))
    given = [i for i, out in enumerate(shapes) if out.requires_grad]
    cotangents = [rng.standard_normal(shapes[i].shape) for i in given]
    directions = [rng.standard_normal(a.shape) for a in arrays]
    count = len(arrays)

    def once(leaves: list[Any], create_graph: bool) -> Any:
        outputs = outputs_of(sample.run(*leaves[:count]))
        total = weighted([outputs[i] for i in given], leaves[count:])
        gradients = gradients_of(total, leaves[:count], create_graph)
        return weighted(gradients, directions)

    def function(*operands: np.ndarray) -> float:
        leaves = tensors_of(list(operands[:count])) + tensors_of(list(operands[count:]), False)
        return once(leaves, create_graph=False).item()

    everything = [*arrays, *cotangents]
    leaves = tensors_of(everything)
    total = once(leaves, create_graph=True)
    if total.requires_grad:
        analytic = gradients_of(total, leaves)
    else:
        analytic = [mg.tensor(np.zeros(a.shape)) for a in everything]
    numeric = numerical.gradient(function, everything)
    errors = [numerical.worst(plain(a), n) for a, n in zip(analytic, numeric, strict=True)]
    return max(errors)


# ------------------------------------------------------------------------------------------ forward


@over(SAMPLES)
def test_forward_equals_the_reference(sample: Sample) -> None:
    for kind, arrays in sample.kinds():
        results = outputs_of(sample.run(*tensors_of(arrays)))
        expected = outputs_of(sample.reference(*arrays))
        assert len(results) == len(expected)
        for result, value in zip(results, expected, strict=True):
            assert isinstance(result, mg.Tensor)
            assert result.shape == np.shape(value), kind
            np.testing.assert_allclose(plain(result), value, 1e-10, 1e-12, err_msg=kind)


@over(SAMPLES)
def test_arrays_in_give_arrays_out(sample: Sample) -> None:
    results = outputs_of(sample.run(*sample.inputs()))
    expected = outputs_of(sample.run(*tensors_of(sample.inputs())))
    for result, tensor in zip(results, expected, strict=True):
        assert not isinstance(result, mg.Tensor)
        # LAPACK may add in another order where a matrix lies elsewhere in memory
        tolerance = 1e-14 if sample.name.startswith("linalg.") else 0
        np.testing.assert_allclose(result, plain(tensor), tolerance, tolerance)


@over([s for s in SAMPLES if s.empty])
def test_zero_size(sample: Sample) -> None:
    arrays = sample.inputs(sample.empty)
    leaves = tensors_of(arrays)
    outputs = outputs_of(sample.run(*leaves))
    for out, value in zip(outputs, outputs_of(sample.reference(*arrays)), strict=True):
        assert out.shape == np.shape(value)
        np.testing.assert_array_equal(plain(out), value)
    if sample.differentiable:
        gradients = gradients_of(weighted(outputs, cotangents_for(sample, outputs)), leaves)
        assert [g.shape for g in gradients] == [a.shape for a in arrays]
        assert all(np.isfinite(plain(g)).all() for g in gradients)


@over(SAMPLES)
def test_non_contiguous(sample: Sample) -> None:
    """Memory layout changes neither values nor gradients."""
    arrays = sample.inputs()
    before = [a.copy() for a in arrays]
    found = []
    for layout in (
        arrays,
        [non_contiguous(a) for a in arrays],
        [np.array(a, order="F") for a in arrays],
    ):
        leaves = tensors_of(layout)
        outputs = outputs_of(sample.run(*leaves))
        gradients = []
        if sample.differentiable:
            gradients = gradients_of(weighted(outputs, cotangents_for(sample, outputs)), leaves)
        found.append([plain(value).copy() for value in (*outputs, *gradients)])
    for values in found[1:]:
        for value, expected in zip(values, found[0], strict=True):
            np.testing.assert_allclose(value, expected, 1e-9, 1e-11)
    for array, original in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, original)  # neither forward nor backward wrote to it


@over(SAMPLES)
def test_float32_stays_float32(sample: Sample) -> None:
    for _, arrays in sample.kinds():
        leaves = tensors_of(arrays, dtype=np.float32)
        outputs = outputs_of(sample.run(*leaves))
        assert all(out.dtype == np.float32 for out in outputs if out.dtype.kind == "f")
        if sample.differentiable:
            total = weighted(outputs, [mg.tensor(c, dtype=mg.float32) if c is not None else None
                                       for c in cotangents_for(sample, outputs)])  # fmt: skip
            total.backward(create_graph=sample.second)
            assert all(x.grad is None or x.grad.dtype == np.float32 for x in leaves)


@over(SAMPLES)
def test_float32_is_accurate(sample: Sample) -> None:
    """Values and gradients are those of float64 within float32's rounding, well amplified."""
    inputs = [a.astype(np.float32) for a in sample.inputs()]
    found = []
    for dtype in (np.float32, np.float64):
        leaves = tensors_of(inputs, dtype=dtype)
        outputs = outputs_of(sample.run(*leaves))
        results = [plain(out) for out in outputs if out.dtype.kind == "f"]
        if sample.differentiable:
            cotangents = [
                None if c is None else mg.tensor(c.astype(dtype))
                for c in cotangents_for(sample, outputs)
            ]
            results += [plain(g) for g in gradients_of(weighted(outputs, cotangents), leaves)]
        found.append(results)
    for single, double in zip(*found, strict=True):
        largest = np.max(np.abs(double), initial=1e-2)
        np.testing.assert_allclose(single, double, atol=2e-5 * largest, rtol=0)


@over([s for s in SAMPLES if not s.differentiable])
def test_a_result_without_gradient_is_not_recorded(sample: Sample) -> None:
    outputs = outputs_of(sample.run(*tensors_of(sample.inputs())))
    assert not any(out.requires_grad for out in outputs)


# ---------------------------------------------------------------------------------------- gradients


@over(DIFFERENTIABLE)
def test_first_gradient(sample: Sample) -> None:
    for kind, arrays in sample.kinds():
        error, entry = first_gradient_error(sample, arrays)
        assert error < sample.tolerance, f"{kind}: {entry}"


@over([s for s in DIFFERENTIABLE if s.second])
def test_second_gradient(sample: Sample) -> None:
    error, entry = second_gradient_error(sample, sample.inputs())
    assert error < 10 * sample.tolerance, entry


@over([s for s in DIFFERENTIABLE if len(s.shapes) == 2 and s.shapes[0] == s.shapes[1]])
def test_the_same_operand_twice(sample: Sample) -> None:
    """f(x, x): the gradients of both operands arrive and add up."""
    array = sample.inputs()[0]
    separate = tensors_of([array, array.copy()])
    outputs = outputs_of(sample.run(*separate))
    cotangents = cotangents_for(sample, outputs)
    parts = [plain(g) for g in gradients_of(weighted(outputs, cotangents), separate)]
    leaf = tensors_of([array])[0]
    outputs = outputs_of(sample.run(leaf, leaf))
    joint = plain(gradients_of(weighted(outputs, cotangents), [leaf])[0])
    np.testing.assert_allclose(joint, parts[0] + parts[1], 1e-12, 1e-12)


# ------------------------------------------------------------------------------------- NumPy's door


@over([s for s in SAMPLES if s.door])
def test_both_doors_agree(sample: Sample) -> None:
    """NumPy's function on a tensor gives the values and gradients of the op."""
    for kind, arrays in sample.kinds():
        results = []
        for function in (sample.run, sample.reference):
            leaves = tensors_of(arrays)
            outputs = outputs_of(function(*leaves))
            assert all(isinstance(out, mg.Tensor) for out in outputs), kind
            found = [plain(out) for out in outputs]
            if sample.differentiable:
                cotangents = cotangents_for(sample, outputs)
                found += [plain(g) for g in gradients_of(weighted(outputs, cotangents), leaves)]
            results.append(found)
        for here, there in zip(*results, strict=True):
            np.testing.assert_allclose(here, there, 1e-12, 1e-14, err_msg=kind)


# ---------------------------------------------------------------------------------------------- dim


@over([s for s in SAMPLES if s.along])
def test_negative_dim_counts_from_the_end(sample: Sample) -> None:
    leaves = tensors_of(sample.inputs())
    n = leaves[0].ndim
    for dim in range(n):
        for a, b in zip(
            outputs_of(sample.along(*leaves, dim)),  # type: ignore[misc]
            outputs_of(sample.along(*leaves, dim - n)),  # type: ignore[misc]
            strict=True,
        ):
            np.testing.assert_array_equal(plain(a), plain(b))


@over([s for s in SAMPLES if s.along])
def test_a_dim_out_of_range_is_an_index_error(sample: Sample) -> None:
    leaves = tensors_of(sample.inputs())
    for dim in (leaves[0].ndim, -leaves[0].ndim - 1):
        with pytest.raises(IndexError):
            sample.along(*leaves, dim)  # type: ignore[misc]


# ----------------------------------------------------------------------------------- planted errors


def recorded_steps(outputs: list[Any]) -> Iterator[tuple[Any, int]]:
    """Each plan in the graph of `outputs`, with the position of each of its VJPs."""
    stack = [out._node for out in outputs if out.requires_grad]
    seen = set()
    while stack:
        node = stack.pop()
        if node is None or node in seen or type(node) is Leaf:
            continue
        seen.add(node)
        stack.extend(node.inputs)
        if isinstance(node, Node) and type(node) is not Output:
            for i in range(len(node.plan.steps)):
                yield node.plan, i


@contextlib.contextmanager
def planted(plan: Any, step: int) -> Iterator[None]:
    """One VJP wrong by 0.1 %, or by 0.001 where it is 0."""

    def spoil(gradient: Any) -> Any:
        if isinstance(gradient, (list, tuple)):
            return [spoil(each) for each in gradient]
        if gradient is None:
            return None
        return gradient * 1.001 if np.any(gradient) else gradient + 0.001

    before = plan.steps
    position, vjp, pick = before[step]
    wrong = (position, lambda *args: spoil(vjp(*args)), pick)
    plan.steps = (*before[:step], wrong, *before[step + 1 :])
    try:
        yield
    finally:
        plan.steps = before


@over(DIFFERENTIABLE)
def test_a_planted_error_is_caught(sample: Sample) -> None:
    arrays = sample.inputs()
    outputs = outputs_of(sample.run(*tensors_of(arrays)))
    steps = list(dict.fromkeys(recorded_steps(outputs)))
    assert steps, "nothing was recorded"
    for plan, step in steps:
        with planted(plan, step):
            error, _ = first_gradient_error(sample, arrays)
        assert error > sample.tolerance, f"VJP {step} of {plan.op.name}"


# ------------------------------------------------------------------------------- the table is whole


def public_functions() -> dict[str, Any]:
    """Every op and every function of the namespaces that hold ops, by where it was defined."""
    found = {}
    packages = ["minigrad.ops", "minigrad.linalg", "minigrad.nn.functional"]
    for place in (
        mg,
        getattr(mg, "linalg", None),
        getattr(getattr(mg, "nn", None), "functional", None),
    ):
        for name, value in vars(place).items() if place is not None else ():
            home = getattr(value, "__module__", "") or ""
            public = inspect.isfunction(value) and not name.startswith("_")
            if public and value.__annotations__.get("return") == "bool":
                continue  # an answer, no op: it has tests of its own
            if public and any(home.startswith(package) for package in packages):
                found[f"{home}.{value.__name__}"] = value
    for module in pkgutil.walk_packages(mg.ops.__path__, "minigrad.ops."):
        for name, value in vars(import_module(module.name)).items():
            if hasattr(value, "op") and not name.startswith("_"):
                found[f"{value.__module__}.{value.__name__}"] = value
    return found


PUBLIC = public_functions()
GLOBALS = {"mg": mg, "np": np}  # what an example may use


def test_every_public_op_is_in_the_table() -> None:
    covered = {id(sample.op) for sample in SAMPLES}
    # recorded, and without a gradient that is defined: the row of ldl_solve goes through them
    covered |= {id(mg.linalg.ldl_factor), id(mg.linalg.ldl_factor_ex)}
    missing = sorted(name for name, function in PUBLIC.items() if id(function) not in covered)
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_documentation_has_its_sections(name: str) -> None:
    text = inspect.getdoc(PUBLIC[name]) or ""
    first, _, rest = text.partition("\n\n")
    assert first.rstrip().endswith(".")
    for section in ("Forward", "Gradient", "Shapes", "Example"):
        assert f"\n{section}  " in rest or rest.startswith(f"{section}  "), section


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_the_example_runs(name: str) -> None:
    text = (inspect.getdoc(PUBLIC[name]) or "").replace("\nExample ", "\n        ")
    example = doctest.DocTestParser().get_doctest(text, {**GLOBALS}, name, None, None)
    assert example.examples
    report: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        doctest.DocTestRunner(verbose=False).run(example, out=report.append)
    assert not report, "".join(report)
