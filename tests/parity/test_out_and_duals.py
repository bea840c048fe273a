"""``out=`` in any function, and forward mode: PyTorch's results and refusals."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import minigrad as mg

torch = pytest.importorskip("torch")

# results go into tensors of these shapes
OUT = """
m.add(m.ones(3), 2, out=o(3))
m.matmul(m.ones(2, 3), m.ones(3, 2), out=o(0))
m.exp(m.ones(2, 3).T, out=o(3, 2))
m.cat([m.ones(2), m.zeros(1)], out=o(3))
m.stack([m.ones(2)], out=o(1, 2))
m.sum(m.ones(2, 3), dim=0, out=o(3))
m.mean(m.ones(2, 3), 1, out=o(2))
m.clamp(m.arange(4.0), max=2.5, out=o(4))
m.mul(m.ones(2, 3), m.ones(3), out=o(2, 3))
m.where(m.ones(2) > 0, m.ones(2), m.zeros(2), out=o(2))
m.index_select(m.ones(2, 2), 0, m.tensor([0]), out=o(1, 2))
m.bmm(m.ones(1, 2, 2), m.ones(1, 2, 2), out=o(1, 2, 2))
m.std(m.arange(4.0), out=o())
m.norm(m.ones(4), out=o())
m.cumsum(m.ones(4), 0, out=o(4))
m.linalg.solve(m.eye(2), m.ones(2), out=o(2))
m.linalg.inv(2 * m.eye(2), out=o(2, 2))
m.arange(3, out=o(3))
m.add(m.ones(3), 2, out=o(2, 3)[1])
m.sort(m.tensor([3.0, 1.0, 2.0]), out=(o(3), i(3)))
m.max(m.arange(6.0).reshape(2, 3), 1, out=(o(2), i(2)))
""".strip().splitlines()


def maker(m: Any, made: list[Any], dtype: Any) -> Any:
    def make(*shape: int) -> Any:
        made.append(m.zeros(shape, dtype=dtype))
        return made[-1]

    return make


def run(row: str, m: Any) -> tuple[Any, list[Any]]:
    made: list[Any] = []
    names = {"m": m, "o": maker(m, made, m.float32), "i": maker(m, made, m.int64)}
    return eval(row, names), made


@pytest.mark.parametrize("row", OUT)
def test_results_are_written_and_returned(row: str) -> None:
    ours, here = run(row, mg)
    theirs, there = run(row, torch)
    for a, b in zip(here, there, strict=True):
        assert tuple(a.shape) == tuple(b.shape)
        assert a.dtype == b.numpy().dtype
        np.testing.assert_allclose(a.numpy(), b.numpy(), 1e-6)
    if isinstance(ours, tuple):
        assert all(a is b for a, b in zip(ours, here))
    elif "[1]" not in row:
        assert ours is here[0]
    else:
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_another_shape_is_resized_with_a_warning() -> None:
    out = mg.zeros(2)
    with pytest.warns(UserWarning, match="resized"):
        mg.exp(mg.zeros(3), out=out)
    assert out.tolist() == [1, 1, 1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert mg.exp(mg.zeros(3), out=mg.empty(0)).shape == (3,)
        assert mg.exp(mg.zeros(3), out=None).shape == (3,)


REFUSED = [
    lambda m: m.add(m.ones(3, requires_grad=True), 1, out=m.zeros(3)),
    lambda m: m.cat([m.ones(1, requires_grad=True)], out=m.zeros(1)),
    lambda m: m.add(m.ones(3), 1, out=m.zeros(3, requires_grad=True)),
    lambda m: m.norm(m.ones(3, requires_grad=True), out=m.zeros(())),
    lambda m: m.exp(m.ones(2), out=m.zeros(2, dtype=m.int64)),
]


@pytest.mark.parametrize("call", REFUSED)
@pytest.mark.parametrize("module", [mg, torch], ids=["here", "there"])
def test_what_would_lose_a_gradient_or_numbers_is_refused(call: Any, module: Any) -> None:
    with pytest.raises(RuntimeError):
        call(module)


def test_without_recording_it_is_allowed() -> None:
    with mg.no_grad():
        out = mg.add(mg.ones(3, requires_grad=True), 1, out=mg.zeros(3))
    assert out.tolist() == [2, 2, 2]
    with pytest.raises(TypeError):
        mg.exp(mg.ones(2), out=np.zeros(2))


# ----------------------------------------------------------------------------------- forward mode


def tangents(m: Any) -> list[Any]:
    fw = m.autograd.forward_ad
    x, t = m.tensor([1.0, 2.0, 3.0]).double(), m.tensor([1.0, -1.0, 0.5]).double()
    W = m.tensor(np.arange(9.0).reshape(3, 3) / 5)
    with fw.dual_level():
        d = fw.make_dual(x, t)
        found = [*fw.unpack_dual(m.tanh(W @ d) * d.sum()), fw.unpack_dual(d).tangent]
        z = fw.make_dual(x, 2 * t)
        found.append(fw.unpack_dual((d * z).sum()).tangent)
        found.append(fw.unpack_dual(m.relu(W @ d - 2)).tangent)
        found.append(fw.unpack_dual(m.linalg.inv(W + m.diag(d))).tangent)
        assert fw.unpack_dual(x).tangent is None
        assert fw.unpack_dual(W * 2).tangent is None
    return [each.detach().numpy() for each in found]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of PyTorch's own import
def test_forward_mode() -> None:
    from torch.autograd import forward_ad  # noqa: F401  # a module that is imported by name

    for ours, theirs in zip(tangents(mg), tangents(torch), strict=True):
        np.testing.assert_allclose(ours, theirs, 1e-12, 1e-12)


def test_dual_numbers_of_parameters_that_require_grad() -> None:
    x = mg.tensor([2.0], requires_grad=True)
    fw = mg.autograd.forward_ad
    with fw.dual_level():
        d = fw.make_dual(x, mg.tensor([3.0]))
        y = d**3
        assert fw.unpack_dual(y).tangent.tolist() == [36.0]
        y.backward()
    assert x.grad.tolist() == [12.0]


def test_dual_numbers_live_within_a_level() -> None:
    fw = mg.autograd.forward_ad
    with pytest.raises(RuntimeError):
        fw.make_dual(mg.ones(1), mg.ones(1))
    with fw.dual_level():
        with pytest.raises(RuntimeError, match="nest"):
            fw.enter_dual_level()
        with pytest.raises(ValueError, match="shape"):
            fw.make_dual(mg.ones(1), mg.ones(2))
        with pytest.raises(TypeError):
            fw.make_dual(mg.tensor([1]), mg.tensor([1]))
    with pytest.raises(RuntimeError):
        fw.unpack_dual(mg.ones(1))
