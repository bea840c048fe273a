"""Functions take their arguments in PyTorch's order, under PyTorch's names.

PyTorch's own functions hide their signatures; the schemas of its operators show them.
"""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import minigrad as mg
from minigrad.primitive import ALIASES

torch = pytest.importorskip("torch")

# PyTorch's Python functions differ from their schemas, or a schema has no good name
RENAMED = {
    "orgqr": {"self": "A", "input2": "tau"},
    "cholesky_inverse": {"self": "L"},
    "cholesky_solve": {"self": "B", "input2": "L"},
    "dsplit": {"indices": "indices_or_sections"},
    "heaviside": {"values": "y"},
    "hsplit": {"indices": "indices_or_sections"},
    "linalg_cholesky_ex": {"self": "A"},
    "linalg_cond": {"self": "A"},
    "linalg_eigvals": {"self": "A"},
    "linalg_householder_product": {"input": "A"},
    "linalg_lstsq": {"self": "A", "b": "B"},
    "linalg_matrix_norm": {"self": "A"},
    "linalg_matrix_power": {"self": "A"},
    "linalg_matrix_rank": {"self": "A"},
    "linalg_norm": {"self": "A"},
    "linalg_pinv": {"self": "A", "rcond": "rtol"},
    "linalg_solve_triangular": {"self": "A"},
    "linalg_tensorinv": {"self": "A"},
    "linalg_tensorsolve": {"self": "A", "other": "B"},
    "matrix_power": {"self": "A"},
    "linalg_ldl_factor": {"self": "A"},
    "linalg_ldl_factor_ex": {"self": "A"},
    "ormqr": {"input2": "tau", "input3": "other"},
    "pinverse": {"self": "A", "rcond": "rtol"},
    "split": {"split_size": "split_size_or_sections"},
    "split_with_sizes": {"split_sizes": "split_size_or_sections"},
    "swapaxes": {"axis0": "dim0", "axis1": "dim1"},
    "tensor_split": {"indices": "indices_or_sections"},
    "tensordot": {"self": "a", "other": "b", "dims_self": "dims", "dims_other": None},
    "unsafe_split": {"split_size": "split_size_or_sections"},
    "vsplit": {"indices": "indices_or_sections"},
}
# not functions of tensors: PyTorch has operators of these names that do something else
OTHERS = {"initial_seed", "save", "seed"}
# PyTorch's `generator` may be given by its place there, here only by its name
OTHERS |= {"poisson"}
# as torch.stft is documented; the operator of that name has not all of it
OTHERS |= {"stft"}
# takes numbers as well, each kind by a name of its own
OTHERS |= {"result_type"}
# the functions of nn.functional, with their documented arguments; PyTorch's operators of these
# names have switches of their own
OTHERS |= {
    "alpha_dropout", "cosine_embedding_loss", "dropout", "feature_alpha_dropout", "group_norm",
    "hinge_embedding_loss", "kl_div", "layer_norm", "margin_ranking_loss", "rrelu",
    "triplet_margin_loss",
}  # fmt: skip


def positional(schema: Any) -> list[str]:
    return [a.name for a in schema.arguments if not a.kwarg_only and not a.is_out]


def schemas(name: str) -> list[list[str]]:
    """The positional arguments of each overload of PyTorch's operator."""
    packet = getattr(torch.ops.aten, name)
    return [
        positional(getattr(packet, overload)._schema)
        for overload in packet.overloads()
        if not overload.endswith("out") and "dimname" not in overload.lower()
    ]


def common() -> list[Any]:
    rows = []
    for ours, theirs, prefix in ((mg, torch, ""), (mg.linalg, torch.linalg, "linalg_")):
        for name in sorted(set(dir(ours)) - OTHERS):
            function = getattr(ours, name)
            known = hasattr(theirs, name) and hasattr(torch.ops.aten, prefix + name)
            if name.startswith("_") or not known or not inspect.isfunction(function):
                continue
            if not takes_any_number(function):
                rows.append(pytest.param(prefix + name, function, id=prefix + name))
    return rows


def takes_any_number(function: Any) -> bool:
    """Whether sizes, or tensors, stand one after the other."""
    parameters = inspect.signature(function).parameters.values()
    return any(p.kind is p.VAR_POSITIONAL for p in parameters)


def agree(ours: str, theirs: str) -> bool:
    first = {"self", "input", "x"}
    same = ours == theirs or {ours, theirs} <= first or {ours, theirs} == {"y", "other"}
    return same or ALIASES.get(theirs) == ours or ALIASES.get(ours) == theirs


@pytest.mark.parametrize(("name", "function"), common())
def test_arguments_stand_in_pytorchs_order(name: str, function: Any) -> None:
    parameters = inspect.signature(function).parameters.values()
    ours = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    renamed = RENAMED.get(name, {})
    found = []
    for theirs in schemas(name):
        named = [renamed.get(each, each) for each in theirs]
        found.append([each for each in named if each is not None])
    assert any(len(theirs) <= len(ours) and all(map(agree, ours, theirs)) for theirs in found), (
        f"{ours} against {found}"
    )


def test_the_comparison_reaches_most_functions() -> None:
    assert len(common()) > 250
