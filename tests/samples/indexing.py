"""Rows of ops that take entries by position and put them there."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from tests.samples.sample import Sample, unary

MATRIX = ((3, 4),)
ROWS = np.array([2, 0, 2])
CHOICE = np.array([[1, 0, 1, 2], [2, 2, 0, 1]])  # for each entry of the result, its row
MASK = np.array([[True, False, True, False], [False] * 4, [True] * 4])
UNIQUE = np.array([[1, 0, 2, 2], [2, 1, 0, 1]])
rows = range(3)


def with_rows(x: np.ndarray, source: np.ndarray, index: Any, add: bool = False) -> np.ndarray:
    """A copy of x with `source` written or added at `index`."""
    out = x.copy()
    if add:
        np.add.at(out, index, source)
    else:
        out[index] = source
    return out


def put_along(x: np.ndarray, index: np.ndarray, source: np.ndarray, add: bool) -> np.ndarray:
    """A copy of x with entries written or added along axis 0, one after the other."""
    out = x.copy()
    for i, j in np.ndindex(index.shape):
        out[index[i, j], j] = source[i, j] + (out[index[i, j], j] if add else 0)
    return out


def windows(x: np.ndarray) -> np.ndarray:
    return np.stack([x[:, 0:2], x[:, 2:4]], 1)


def getitem(case: str, index: Any, shapes: Any = MATRIX, **more: Any) -> Sample:
    plain = index
    return Sample("ops.getitem", lambda x: x[plain], shapes, case=case, **more,
                  call=lambda x: mg.ops.getitem(x, index))  # fmt: skip


SAMPLES: list[Sample] = [
    getitem("integer", 1),
    getitem("slices", (slice(None, None, 2), slice(3, 0, -1))),
    getitem("new axes", (None, ..., 1, None)),
    getitem("integer arrays", (ROWS, np.array([1, 1, 1]))),
    getitem("an integer array and a slice", (slice(1, None), np.array([[0, -1], [0, 1]]))),
    getitem("integer arrays around a slice", (np.array([1, 1]), slice(None), np.array([0, 0])),
            ((2, 3, 2),)),
    getitem("mask", MASK),
    getitem("mask of rows", np.array([True, False, True])),
    getitem("everything", ..., zero_d=((),), empty=((0, 3),)),
    Sample("ops.setitem", lambda x, v: with_rows(x, v, (slice(None), 1)), ((3, 4), (3,)),
           call=lambda x, v: mg.ops.setitem(x, v, (slice(None), 1))),
    Sample("ops.setitem", lambda x, v: with_rows(x, v, MASK), ((3, 4), ()), case="mask",
           call=lambda x, v: mg.ops.setitem(x, v, MASK)),
    Sample("ops.setitem", lambda x, v: with_rows(x, v, ROWS), ((3, 4), (3, 4)), case="a row twice",
           call=lambda x, v: mg.ops.setitem(x, v, ROWS)),
    Sample("index_put", lambda x, v: with_rows(x, v, (ROWS, ROWS)), ((3, 4), (3,)),
           call=lambda x, v: mg.index_put(x, (ROWS, ROWS), v)),
    Sample("index_put", lambda x, v: with_rows(x, v, (ROWS, ROWS), True), ((3, 4), (3,)),
           case="accumulate", call=lambda x, v: mg.index_put(x, (ROWS, ROWS), v, accumulate=True)),
    Sample("take", lambda x: np.take(x, [5, 0, 5]), MATRIX, door=True,
           call=lambda x: mg.take(x, np.array([5, 0, 5]))),
    Sample("put", lambda x, v: with_rows(x.ravel(), v, [5, 0]).reshape(3, 4), ((3, 4), (2,)),
           call=lambda x, v: mg.put(x, np.array([5, 0]), v)),
    Sample("put", lambda x, v: with_rows(x.ravel(), v, [5, 5], True).reshape(3, 4), ((3, 4), (2,)),
           case="accumulate", call=lambda x, v: mg.put(x, np.array([5, 5]), v, accumulate=True)),
    Sample("select", lambda x: x[:, -1], MATRIX, call=lambda x: mg.select(x, 1, -1),
           along=lambda x, dim: mg.select(x, dim, 0)),
    Sample("narrow", lambda x: x[:, 1:3], MATRIX, call=lambda x: mg.narrow(x, 1, 1, 2),
           along=lambda x, dim: mg.narrow(x, dim, 1, 2)),
    unary("nonzero", np.argwhere, door=True, differentiable=False, zero_d=None),
    # ------------------------------------------------------------------------- along one axis
    Sample("index_select", lambda x: np.take(x, ROWS, 1), MATRIX, door=True,
           call=lambda x: mg.index_select(x, 1, ROWS),
           along=lambda x, dim: mg.index_select(x, dim, ROWS)),
    Sample("index_add", lambda x, v: with_rows(x, 2 * v, ROWS, True), ((3, 4), (3, 4)),
           call=lambda x, v: mg.index_add(x, 0, ROWS, v, alpha=2)),
    Sample("index_copy", lambda x, v: with_rows(x, v, [2, 0]), ((3, 4), (2, 4)),
           call=lambda x, v: mg.index_copy(x, 0, np.array([2, 0]), v)),
    Sample("index_fill", lambda x, v: with_rows(x, v.sum(), ROWS), ((3, 4), (2,)),
           call=lambda x, v: mg.index_fill(x, 0, ROWS, mg.sum(v))),
    Sample("gather", lambda x: np.take_along_axis(x, CHOICE, 0), MATRIX, door=True,
           call=lambda x: mg.gather(x, 0, CHOICE)),
    Sample("gather", lambda x: x[:2, :3][np.arange(2)[:, None], CHOICE[:, :1]], MATRIX,
           case="a smaller index", call=lambda x: mg.gather(x, 1, CHOICE[:, :1])),
    Sample("take_along_dim", lambda x: np.take_along_axis(x, CHOICE[:, :1], 0), MATRIX,
           call=lambda x: mg.take_along_dim(x, CHOICE[:, :1], 0), door=True),
    Sample("take_along_dim", lambda x: np.take_along_axis(x, ROWS, None), MATRIX, case="flat",
           call=lambda x: mg.take_along_dim(x, ROWS), door=True),
    Sample("scatter", lambda x, v: put_along(x, UNIQUE, v, False), ((3, 4), (2, 4)),
           call=lambda x, v: mg.scatter(x, 0, UNIQUE, v)),
    Sample("scatter", lambda x, v: put_along(x, CHOICE, v, False), ((3, 4), (3, 5)),
           case="a larger source, positions twice", call=lambda x, v: mg.scatter(x, 0, CHOICE, v)),
    Sample("scatter", lambda x: put_along(x, UNIQUE, np.full((2, 4), 5.0), False), MATRIX,
           case="a number", call=lambda x: mg.scatter(x, 0, UNIQUE, 5.0)),
    Sample("scatter_add", lambda x, v: put_along(x, CHOICE, v, True), ((3, 4), (2, 4)),
           call=lambda x, v: mg.scatter_add(x, 0, CHOICE, v)),
    Sample("masked_scatter", lambda x, v: with_rows(x, v.ravel()[:6], MASK), ((3, 4), (2, 4)),
           call=lambda x, v: mg.masked_scatter(x, MASK, v)),
    Sample("ops.unfold", windows, ((2, 5),), call=lambda x: mg.ops.unfold(x, 1, 2, 2),
           along=lambda x, dim: mg.ops.unfold(x, dim, 2, 1)),
    Sample("ops.unfold", lambda x: np.stack([x[i : i + 3] for i in rows], 0), ((5,),),
           case="overlapping", call=lambda x: mg.ops.unfold(x, 0, 3, 1)),
    # ------------------------------------------------------------------ diagonals and triangles
    Sample("diagonal", np.diagonal, MATRIX, empty=((0, 3),), door=True),
    Sample("diagonal", lambda x: np.diagonal(x, 1, 2, 0), ((2, 3, 4),), case="other axes",
           door=True, call=lambda x: mg.diagonal(x, 1, 2, 0)),
    Sample("diag", np.diag, MATRIX, door=True),
    Sample("diag", lambda x: np.diag(x, -1), ((3,),), case="of a vector", door=True,
           call=lambda x: mg.diag(x, -1), empty=((0,),)),
    Sample("diag_embed", lambda x: np.stack([np.diag(row, 1) for row in x]), ((2, 3),),
           call=lambda x: mg.diag_embed(x, 1)),
    Sample("diag_embed", lambda x: np.stack([np.diag(row) for row in x], 1), ((2, 3),),
           case="other axes", call=lambda x: mg.diag_embed(x, 0, 0, 2)),
    unary("diagflat", np.diagflat, door=True),
    Sample("trace", np.trace, MATRIX, empty=((0, 3),), door=True),
    Sample("tril", np.tril, ((2, 3, 4),), empty=((0, 3),), door=True),
    Sample("tril", lambda x: np.tril(x, -1), MATRIX, case="below", door=True,
           call=lambda x: mg.tril(x, -1)),
    Sample("triu", np.triu, ((2, 3, 4),), empty=((0, 3),), door=True),
    Sample("triu", lambda x: np.triu(x, 2), MATRIX, case="above", door=True,
           call=lambda x: mg.triu(x, 2)),
    Sample("ops.one_hot", lambda x: np.eye(4, dtype=int)[x.astype(int)], ((2, 3),),
           domain=lambda rng, shape: rng.integers(0, 4, shape).astype(float),
           call=lambda x: mg.ops.one_hot(mg.ops.astype(x, mg.int64), 4), empty=((0, 3),),
           zero_d=((),), differentiable=False),
]  # fmt: skip
