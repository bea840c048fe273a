"""Shape and joining: what is a view, and what is refused; values are in the table of ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg

VIEWS: list[Callable[[Any], Any]] = [
    lambda x: x.unfold(2, 2, 1),
    lambda x: x.reshape(6, 4), lambda x: x.view(-1), lambda x: x.flatten(1), lambda x: x.ravel(),
    lambda x: x.unflatten(2, (2, 2)), lambda x: x[:1].squeeze(0), lambda x: x.unsqueeze(1),
    lambda x: x.T, lambda x: x.mT, lambda x: x.permute(2, 0, 1), lambda x: x.transpose(0, 2),
    lambda x: x.movedim(0, -1), lambda x: x.expand(5, 2, 3, 4), lambda x: x.split(2, 1)[1],
    lambda x: x.chunk(2)[0], lambda x: x.unbind(1)[2], lambda x: x.select(1, 0),
    lambda x: x.narrow(2, 1, 2), lambda x: x.diagonal(0, 1, 2), lambda x: x[0, :, ::-1],
    lambda x: mg.broadcast_tensors(x, x[0])[1], lambda x: mg.atleast_2d(x), lambda x: x.detach(),
    lambda x: x.contiguous(), lambda x: x.to(mg.float64), lambda x: x.data,
]  # fmt: skip
COPIES: list[Callable[[Any], Any]] = [
    lambda x: x.clone(), lambda x: x.flip(0), lambda x: x.roll(1), lambda x: x.roll(1, 2),
    lambda x: x.rot90(), lambda x: x.repeat(1, 1, 1), lambda x: x.tile(1),
    lambda x: x.repeat_interleave(1), lambda x: x.T.reshape(-1), lambda x: x.T.contiguous(),
    lambda x: x[[0, 1]], lambda x: x[x > 0], lambda x: mg.cat([x]), lambda x: mg.stack([x]),
    lambda x: x.tril(), lambda x: mg.diag(x[0]), lambda x: x.to(mg.float64, copy=True),
    lambda x: x.index_select(0, mg.tensor([0, 1])),
]  # fmt: skip


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("case", range(len(VIEWS)))
def test_a_view_looks_at_the_same_memory(case: int, recorded: bool) -> None:
    x = mg.tensor(np.arange(24.0).reshape(2, 3, 4), requires_grad=recorded)
    assert np.shares_memory(VIEWS[case](x).detach().numpy(), x.detach().numpy())


@pytest.mark.parametrize("case", range(len(COPIES)))
def test_a_copy_does_not(case: int) -> None:
    x = mg.tensor(np.arange(24.0).reshape(2, 3, 4))
    before = x.tolist()
    copied = COPIES[case](x)
    assert not np.shares_memory(copied.numpy(), x.numpy())
    copied += 1
    assert x.tolist() == before


def test_a_copy_of_a_leaf_may_be_changed_in_place() -> None:
    """It is no view of the leaf, even where NumPy gives a view of the copy."""
    x = mg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    for copied in (x.T.reshape(-1), x[:, [0, 2]], x.flip(0)):
        copied += 1
        x.grad = None
        (copied * copied.detach()).sum().backward()
        before = x.detach().numpy()
        taken = np.isin(before, copied.detach().numpy() - 1)  # whose gradient is their copy
        np.testing.assert_array_equal(x.grad.numpy(), (before + 1) * taken)


REFUSED: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda x: x.reshape(5), ValueError, "size 6"),
    (lambda x: x.flatten(1, 0), ValueError, "behind"),
    (lambda x: x.flatten(2), IndexError, "axis 2"),
    (lambda x: x.unflatten(1, (2, 2)), ValueError, "size 3"),
    (lambda x: x.unsqueeze(3), IndexError, "axis 3"),
    (lambda x: x.squeeze(2), IndexError, "axis 2"),
    (lambda x: x.permute(0, 0), ValueError, "repeated"),
    (lambda x: x.permute(0), ValueError, "axes"),
    (lambda x: x[None].t(), ValueError, "mT"),
    (lambda x: x[0].mT, ValueError, "ndim < 2"),
    (lambda x: x.movedim((0, 1), 0), ValueError, "same number"),
    (lambda x: x.expand(3), ValueError, "fewer axes"),
    (lambda x: x.expand(-1, 2, 3), ValueError, "new axis"),
    (lambda x: x.expand(4, 3), ValueError, "broadcast"),
    (lambda x: mg.broadcast_tensors(x, mg.zeros(2)), ValueError, "broadcast"),
    (lambda x: x.repeat(2), ValueError, "one for each"),
    (lambda x: x.tile(-1), ValueError, "negative"),
    (lambda x: x.repeat_interleave(mg.tensor([1, 2]), 1), ValueError, "size 3"),
    (lambda x: x.repeat_interleave(-1), ValueError, "negative"),
    (lambda x: x.repeat_interleave(0.5), TypeError, "integers"),
    (lambda x: x.flip(2), IndexError, "axis 2"),
    (lambda x: x.roll((1, 2), 0), ValueError, "each axis"),
    (lambda x: mg.cat([]), ValueError, "empty"),
    (lambda x: mg.cat(x), TypeError, "list"),
    (lambda x: mg.cat([x, 1.0]), TypeError, "tensors"),
    (lambda x: mg.cat([mg.tensor(1.0)]), ValueError, "stack"),
    (lambda x: mg.cat([x, mg.zeros(2, 4)]), ValueError, r"axis 0.*\(2, 4\)"),
    (lambda x: mg.cat([x, mg.zeros(2)]), ValueError, r"axis 0.*\(2,\)"),
    (lambda x: mg.cat([x], 2), IndexError, "axis 2"),
    (lambda x: mg.stack([]), ValueError, "empty"),
    (lambda x: mg.stack([x, mg.zeros(3)]), ValueError, "one shape"),
    (lambda x: mg.stack([x], 4), IndexError, "axis 4"),
    (lambda x: mg.hstack([]), ValueError, "empty"),
    (lambda x: mg.block_diag(mg.zeros(1, 1, 1)), ValueError, "matrices"),
    (lambda x: mg.meshgrid(x), ValueError, "vectors"),
    (lambda x: mg.meshgrid(x[0], indexing="yx"), ValueError, "'ij' or 'xy'"),
    (lambda x: x.split(0), ValueError, "positive"),
    (lambda x: x.split([1, 3], 1), ValueError, "size 3"),
    (lambda x: x.chunk(0), ValueError, "positive"),
    (lambda x: x.tensor_split(0), ValueError, "positive"),
    (lambda x: x.tensor_split((2, 1), 1), ValueError, "rise"),
    (lambda x: x.hsplit(2), ValueError, "equal parts"),
    (lambda x: x.dsplit(1), ValueError, "3 axes"),
    (lambda x: x.unbind(2), IndexError, "axis 2"),
    (lambda x: mg.nn.functional.pad(x, (1,)), ValueError, "pairs"),
    (lambda x: mg.nn.functional.pad(x, (1, 1), "edge"), ValueError, "mode"),
    (lambda x: mg.nn.functional.pad(x, (3, 0), "reflect"), ValueError, "cannot add 3"),
    (lambda x: mg.nn.functional.pad(x, (-2, -2)), ValueError, "take more"),
    (lambda x: mg.nn.functional.pad(x, (1, 1), "reflect", 1.0), ValueError, "constant"),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(REFUSED)))
def test_refusals(case: int) -> None:
    call, kind, message = REFUSED[case]
    x = mg.zeros(2, 3, requires_grad=True)
    with pytest.raises(kind, match=message):
        call(x)


def test_sizes_of_zero() -> None:
    x = mg.zeros(0, 3, requires_grad=True)
    for out, shape in (
        (x.reshape(3, 0), (3, 0)), (x.expand(2, 0, 3), (2, 0, 3)), (x.tile(2, 1), (0, 3)),
        (mg.cat([x, x], 1), (0, 6)), (x.split(2)[0], (0, 3)), (x.chunk(2)[1], (0, 3)),
        (mg.zeros(1, 3, requires_grad=True).expand(0, 3), (0, 3)), (x.roll(1, 1), (0, 3)),
        (x.roll(1, 0), (0, 3)), (mg.nn.functional.pad(x, (1, 1)), (0, 5)),
    ):  # fmt: skip
        assert out.shape == shape
        out.sum().backward()
    assert x.grad.shape == (0, 3)
    assert mg.unbind(x) == ()


def test_numpy_names_of_arguments() -> None:
    x = mg.zeros(2, 1, 3)
    assert mg.squeeze(x, axis=1).shape == (2, 3)
    assert mg.cat([x, x], axis=2).shape == (2, 1, 6)
    assert mg.stack([x], axis=1).shape == (2, 1, 1, 3)
    assert mg.permute(x, axes=(2, 0, 1)).shape == (3, 2, 1)
    assert mg.split(x, 1, axis=2)[0].shape == (2, 1, 1)
    assert mg.select(x, axis=2, index=0).shape == (2, 1)
    assert mg.reshape(x, shape=(6,)).shape == (6,)
