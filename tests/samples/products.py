"""Rows of products of vectors, matrices and tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from tests.samples.sample import Sample


def kron_of(x: Any, y: Any) -> Any:
    return np.kron(x, y)


def distances(p: float) -> Any:
    def reference(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.linalg.norm(x[..., :, None, :] - y[..., None, :, :], p, -1)

    return reference


def einsum(equation: str, *shapes: tuple[int, ...], case: str = "", **more: Any) -> Sample:
    """A row of einsum: NumPy's own is the reference, at both doors."""
    return Sample(
        "einsum",
        lambda *operands: np.einsum(equation, *operands),
        shapes,
        call=lambda *operands: mg.einsum(equation, *operands),
        case=case or equation,
        door=True,
        **more,
    )


SAMPLES: list[Sample] = [
    Sample(
        "matmul", np.matmul, ((2, 3), (3, 4)), door=True, empty=((0, 3), (3, 2)),
        broadcast=((2, 1, 3, 2), (4, 2, 3)),
    ),
    Sample("matmul", np.matmul, ((3,), (3,)), case="vectors", door=True, empty=((0,), (0,))),
    Sample("matmul", np.matmul, ((2, 3), (3,)), case="matrix-vector", door=True),
    Sample("matmul", np.matmul, ((3,), (3, 2)), case="vector-matrix", door=True),
    Sample("matmul", np.matmul, ((2, 4, 3), (3,)), case="batch-vector", door=True),
    Sample("matmul", np.matmul, ((3,), (2, 3, 4)), case="vector-batch", door=True),
    Sample("matmul", np.matmul, ((3, 3), (3, 3)), case="square", door=True),
    Sample("mm", np.matmul, ((2, 3), (3, 4)), empty=((2, 0), (0, 3))),
    Sample("mv", np.matmul, ((2, 3), (3,)), empty=((0, 3), (3,))),
    Sample("bmm", np.matmul, ((2, 2, 3), (2, 3, 2)), empty=((0, 2, 3), (0, 3, 2))),
    Sample("dot", np.dot, ((3,), (3,)), door=True, zero_d=((), ()), empty=((0,), (0,))),
    Sample("dot", np.dot, ((2, 3), (3, 2)), case="matrices", door=True),
    Sample("dot", np.dot, ((2, 3), (2, 3, 4)), case="tensors", door=True),
    Sample("dot", np.dot, ((2, 3, 2), (2,)), case="tensor-vector", door=True),
    Sample("vdot", np.vdot, ((3,), (3,)), door=True, empty=((0,), (0,))),
    Sample("vdot", np.vdot, ((2, 3), (3, 2)), case="flattened", door=True),
    Sample("inner", np.inner, ((3,), (3,)), door=True, zero_d=((), ())),
    Sample("inner", np.inner, ((2, 3), (4, 3)), case="matrices", door=True, empty=((0, 3), (2, 3))),
    Sample("outer", np.outer, ((3,), (2,)), door=True, empty=((0,), (2,))),
    Sample("outer", np.outer, ((2, 2), (3,)), case="flattened", door=True),
    einsum("ij,jk->ik", (2, 3), (3, 4), empty=((0, 3), (3, 2)), broadcast=((1, 3), (3, 2))),
    einsum("ii", (3, 3)),
    einsum("ii->i", (3, 3)),
    einsum("ij->ji", (2, 3)),
    einsum("ij->", (2, 3), empty=((0, 3),)),
    einsum("iij,jk->k", (2, 2, 3), (3, 2)),
    einsum("ij,k->ik", (2, 3), (2,), case="an index summed alone"),
    einsum("ij,jk,kl->il", (2, 3), (3, 2), (2, 3)),
    einsum("...ij,...jk", (2, 1, 2, 3), (3, 3, 2), case="broadcast ellipsis"),
    einsum("...ij->...", (2, 2, 3), case="ellipsis summed"),
    einsum("ba,cb", (2, 3), (4, 2), case="implicit output"),
    einsum("i,i,i->i", (3,), (3,), (3,)),
    einsum("ij,ij", (2, 3), (1, 3), case="size 1 broadcasts"),
    Sample(
        "einsum", lambda x, y: x @ y, ((2, 3), (3, 2)), case="lists of integers",
        call=lambda x, y: mg.einsum(x, [0, 1], y, [1, 2], [0, 2]),
    ),
    Sample(
        "tensordot", lambda x, y: np.tensordot(x, y, 2), ((2, 3, 2), (3, 2, 2)), door=True,
        empty=((0, 3, 2), (3, 2, 2)),
    ),
    Sample(
        "tensordot", lambda x, y: np.tensordot(x, y, ([1, 0], [0, 2])), ((2, 3, 2), (3, 2, 2)),
        call=lambda x, y: mg.tensordot(x, y, ([1, 0], [0, 2])), case="axes", door=True,
    ),
    Sample(
        "tensordot", lambda x, y: np.tensordot(x, y, 0), ((2,), (3,)),
        call=lambda x, y: mg.tensordot(x, y, 0), case="outer", door=True,
    ),
    Sample("kron", np.kron, ((2, 3), (3, 2)), door=True, empty=((0, 2), (2, 2)), zero_d=((), ())),
    Sample("kron", np.kron, ((2,), (2, 3)), case="vector", door=True),
    Sample("kron", np.kron, ((2, 1, 2), (3, 2)), case="three axes", door=True),
    Sample("cross", np.cross, ((2, 3), (2, 3)), door=True, broadcast=((2, 1, 3), (4, 3))),
    Sample(
        "cross", lambda x, y: np.cross(x, y, axis=0), ((3, 2), (3, 2)), case="first axis of size 3",
        door=True,
    ),
    Sample(
        "linalg.cross", np.linalg.cross, ((2, 3), (2, 3)), door=True, empty=((0, 3), (0, 3)),
        along=lambda x, y, dim: mg.linalg.cross(
            mg.movedim(x, -1, dim), mg.movedim(y, -1, dim), dim=dim
        ),
    ),
    Sample("linalg.vecdot", np.vecdot, ((2, 3), (2, 3)), door=True, broadcast=((2, 1, 3), (4, 3)),
           empty=((0, 3), (0, 3)), along=mg.linalg.vecdot),
    Sample(
        "addmm", lambda c, x, y: 2.0 * c + 3.0 * (x @ y), ((2,), (2, 3), (3, 2)),
        call=lambda c, x, y: mg.addmm(c, x, y, beta=2.0, alpha=3.0), empty=((0,), (2, 3), (3, 0)),
    ),
    Sample("addmv", lambda c, x, y: c + x @ y, ((2,), (2, 3), (3,))),
    Sample("addr", lambda c, x, y: c + np.outer(x, y), ((2, 3), (2,), (3,))),
    Sample("baddbmm", lambda c, x, y: c + x @ y, ((2, 2), (2, 2, 3), (2, 3, 2))),
    Sample("addbmm", lambda c, x, y: c + (x @ y).sum(0), ((2, 2), (2, 2, 3), (2, 3, 2))),
    Sample(
        "linalg.multi_dot", lambda *xs: np.linalg.multi_dot(xs), ((2, 5), (5, 3), (3, 4)),
        call=lambda *xs: mg.linalg.multi_dot(xs), door=True,
    ),
    Sample(
        "linalg.multi_dot", lambda *xs: np.linalg.multi_dot(xs), ((3,), (3, 2), (2, 4), (4,)),
        call=lambda *xs: mg.linalg.multi_dot(xs), door=True, case="vectors at the ends",
    ),
    Sample("cdist", distances(2), ((2, 3), (4, 3)), broadcast=((2, 1, 2, 3), (2, 4, 3)),
           empty=((0, 3), (2, 3))),
    Sample("cdist", distances(1), ((2, 3), (4, 3)), call=lambda x, y: mg.cdist(x, y, p=1.0),
           case="p=1", second=False),
    Sample("cdist", distances(3), ((2, 3), (4, 3)), call=lambda x, y: mg.cdist(x, y, p=3.0),
           case="p=3"),
    Sample("linear", lambda x, w, b: x @ w.T + b, ((2, 3), (4, 3), (4,)),
           empty=((0, 3), (4, 3), (4,)), broadcast=((2, 2, 3), (4, 3), (4,))),
    Sample("linear", lambda x, w: x @ w.T, ((2, 3), (4, 3)), case="no bias"),
    Sample("cov", np.cov, ((3, 4),), door=True),
    Sample("cov", np.cov, ((4,),), door=True, case="vector"),
    Sample(
        "cov",
        lambda x: np.cov(x, ddof=0, fweights=np.array([1, 2, 1, 3]), aweights=np.arange(1.0, 5.0)),
        ((3, 4),),
        call=lambda x: mg.cov(
            x, correction=0, fweights=np.array([1, 2, 1, 3]), aweights=np.arange(1.0, 5.0)
        ),
        door=True,
        case="weights",
    ),
    Sample("corrcoef", np.corrcoef, ((3, 4),), door=True),
]  # fmt: skip
