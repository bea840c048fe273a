"""Rows of ops that join tensors and take them apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import block_diag as scipy_block_diag

import minigrad as mg
from tests.samples.sample import Sample

PAIR = ((2, 3), (2, 3))
THREE = ((2, 3), (1, 3), (4, 3))
WIDE = ((2, 1), (2, 3))
LONG = ((5, 3),)


def joined(function: Any, *more: Any) -> Any:
    """`function` of a list, as a function of its entries."""
    return lambda *tensors: function(list(tensors), *more)


SAMPLES: list[Sample] = [
    Sample("cat", joined(np.concatenate), THREE, call=joined(mg.cat), empty=((0, 3), (2, 3)),
           door=True, along=lambda x, *rest: mg.cat([x, x], rest[-1])),
    Sample("cat", joined(np.concatenate, -1), WIDE, call=joined(mg.cat, -1), case="last axis",
           door=True),
    Sample("cat", lambda x, y: y, ((0,), (2, 3)), call=joined(mg.cat), case="an empty vector"),
    Sample("stack", joined(np.stack), PAIR, call=joined(mg.stack), zero_d=((), ()),
           empty=((0, 3), (0, 3)), door=True),
    Sample("stack", joined(np.stack, -1), PAIR, call=joined(mg.stack, -1), case="last axis",
           door=True),
    Sample("hstack", joined(np.hstack), WIDE, call=joined(mg.hstack), zero_d=((), ()),
           empty=((0, 3), (0, 2)), door=True),
    Sample("hstack", joined(np.hstack), ((2,), (3,)), call=joined(mg.hstack), case="vectors",
           door=True),
    Sample("vstack", joined(np.vstack), THREE, call=joined(mg.vstack), zero_d=((), ()),
           empty=((0, 3), (0, 3)), door=True),
    Sample("vstack", joined(np.vstack), ((3,), (2, 3)), call=joined(mg.vstack), case="a vector",
           door=True),
    Sample("dstack", joined(np.dstack), PAIR, call=joined(mg.dstack), zero_d=((), ()),
           empty=((0, 3), (0, 3)), door=True),
    Sample("column_stack", joined(np.column_stack), ((2,), (2, 3)), call=joined(mg.column_stack),
           zero_d=((), ()), empty=((0,), (0, 2)), door=True),
    Sample("block_diag", scipy_block_diag, ((2, 3), (1, 2), (2,)), zero_d=((), ())),
    Sample("meshgrid", lambda x, y: np.meshgrid(x, y, indexing="ij"), ((2,), (3,)), door=True,
           empty=((0,), (3,))),
    Sample("meshgrid", np.meshgrid, ((2,), (3,)), case="xy", door=True,
           call=lambda x, y: mg.meshgrid(x, y, indexing="xy")),
    # ------------------------------------------------------------------------------ taking apart
    Sample("split", lambda x: np.split(x, [2, 4]), LONG, call=lambda x: mg.split(x, 2), door=True,
           along=lambda x, dim: mg.split(x, 2, dim)),
    Sample("split", lambda x: np.split(x, [1], 1), LONG, case="sizes", door=True,
           call=lambda x: mg.split(x, [1, 2], 1), empty=((0, 3),)),
    Sample("split", lambda x: np.split(x, [2, 4])[1], LONG, case="one part used",
           call=lambda x: mg.split(x, 2)[1]),
    Sample("chunk", lambda x: np.split(x, [2, 4]), LONG, call=lambda x: mg.chunk(x, 3), door=True,
           along=lambda x, dim: mg.chunk(x, 2, dim)),
    Sample("tensor_split", lambda x: np.array_split(x, 3), LONG, door=True, empty=((0, 2),),
           call=lambda x: mg.tensor_split(x, 3), along=lambda x, dim: mg.tensor_split(x, 2, dim)),
    Sample("tensor_split", lambda x: np.array_split(x, [1, -1]), LONG, case="positions", door=True,
           call=lambda x: mg.tensor_split(x, (1, -1))),
    Sample("hsplit", lambda x: np.hsplit(x, 2), ((3, 4),), call=lambda x: mg.hsplit(x, 2),
           door=True),
    Sample("vsplit", lambda x: np.vsplit(x, [1]), LONG, call=lambda x: mg.vsplit(x, [1]),
           door=True),
    Sample("dsplit", lambda x: np.dsplit(x, 2), ((2, 3, 4),), call=lambda x: mg.dsplit(x, 2),
           door=True),
    Sample("unbind", lambda x: tuple(x.T), ((2, 3),), call=lambda x: mg.unbind(x, 1),
           empty=((0, 2),), along=mg.unbind),
    Sample("unbind", lambda x: x[:, 1], ((2, 3),), call=lambda x: mg.unbind(x, 1)[1],
           case="one part used"),
]  # fmt: skip
