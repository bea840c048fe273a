"""Arrays of other libraries beside tensors: pandas, xarray, PyTorch, JAX, the array API."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from tests.neighbours import need

X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
W = np.array([[0.5, 2.0], [-1.0, 3.0], [4.0, -2.0]])


def foreign(kind: str, array):
    """`array` as an object of another library."""
    if kind == "pandas":
        return need("pandas").DataFrame(array, columns=list("ab"), index=list("xyz"))
    if kind == "xarray":
        return need("xarray").DataArray(array, dims=("sample", "feature"))
    if kind == "torch":
        return need("torch").as_tensor(array)
    if kind == "jax":
        return need("jax").numpy.asarray(array)
    return array.tolist()


KINDS = ["pandas", "xarray", "torch", "list"]


def tensor_of(value):
    """The tensor inside a DataArray, or the tensor itself."""
    return value if mg.is_tensor(value) else value.data


# ------------------------------------------------------------------------------------- arithmetic

OPERATIONS = {
    "add": (lambda a, b: a + b, lambda g: g),
    "mul": (lambda a, b: a * b, lambda g: g * W),
    "sub": (lambda a, b: a - b, lambda g: g),
    "div": (lambda a, b: a / b, lambda g: g / W),
    "np.multiply": (np.multiply, lambda g: g * W),
    "where": (lambda a, b: mg.where(mg.tensor(W > 0), a, b), lambda g: g * (W > 0)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OPERATIONS)
def test_foreign_operands_on_the_right_are_constants_of_the_gradient(kind, name):
    function, vjp = OPERATIONS[name]
    other = foreign(kind, W)
    plain = function(mg.tensor(X), mg.tensor(W))
    assert mg.allclose(function(mg.tensor(X), other), plain)
    t = mg.tensor(X, requires_grad=True)
    out = function(t, other)
    assert mg.is_tensor(out)
    assert mg.allclose(out.detach(), plain)
    g = np.arange(6.0).reshape(3, 2)
    out.backward(mg.tensor(g))
    np.testing.assert_allclose(t.grad.numpy(), vjp(g))


@pytest.mark.parametrize("kind", ["pandas", "xarray", "list"])
@pytest.mark.parametrize("requires_grad", [False, True])
def test_foreign_operands_on_the_left(kind, requires_grad):
    other = foreign(kind, W)
    t = mg.tensor(X, requires_grad=requires_grad)
    for function, expected, slope in (
        (lambda: other * t, W * X, W),
        (lambda: other - t, W - X, -np.ones_like(X)),
        (lambda: other / t, W / X, -W / X**2),
    ):
        out = tensor_of(function())
        np.testing.assert_allclose(out.detach().numpy(), expected)
        assert out.requires_grad is requires_grad
        if requires_grad:
            t.grad = None
            out.sum().backward()
            np.testing.assert_allclose(t.grad.numpy(), slope, rtol=1e-12)


def test_pandas_in_and_out():
    pandas = need("pandas")
    frame = foreign("pandas", X)
    for made in (mg.tensor(frame), mg.as_tensor(frame), mg.asarray(frame)):
        assert made.dtype == np.float64
        np.testing.assert_array_equal(made.numpy(), X)
    ints = pandas.Series([3, 1, 2], dtype="int32")
    assert mg.tensor(ints).dtype == np.int32
    assert mg.tensor(frame, dtype=mg.float32).dtype == np.float32
    t = mg.tensor(X, requires_grad=True)
    assert (t @ frame.T).shape == (3, 3)
    assert (frame.T.to_numpy() @ t).requires_grad
    np.testing.assert_array_equal((pandas.Series([1.0, 2.0]) * mg.tensor(X)).numpy(), X * [1, 2])
    back = pandas.DataFrame(t.detach(), columns=["a", "b"])
    np.testing.assert_array_equal(back.to_numpy(), X)
    assert list(pandas.Series(mg.tensor([1.0, 2.0]))) == [1, 2]
    for lost in (lambda: pandas.DataFrame(t), lambda: pandas.Series(t[:, 0])):
        with pytest.raises(RuntimeError, match=r"use t\.detach\(\)\.numpy\(\)"):
            lost()
    with pytest.raises(TypeError, match="a tensor holds real numbers"):
        mg.tensor(pandas.DataFrame({"a": ["x", "y"]}))


def test_xarray_holds_tensors_with_their_gradient():
    xarray = need("xarray")
    t = mg.tensor(X, requires_grad=True)
    labelled = xarray.DataArray(t, dims=("sample", "feature"))
    total = (labelled * 2).sum("sample").isel(feature=1)
    total.data.backward()
    np.testing.assert_array_equal(t.grad.numpy(), [[0, 2], [0, 2], [0, 2]])
    np.testing.assert_array_equal(mg.tensor(foreign("xarray", X)).numpy(), X)
    np.testing.assert_array_equal(mg.tensor(xarray.DataArray(mg.tensor(X)).data).numpy(), X)


# ------------------------------------------------------------------------------------------ DLPack

TYPES = ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"]
LAYOUTS = {
    "C": lambda a: a,
    "F": lambda a: np.asfortranarray(a),
    "strided": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "empty": lambda a: a[:0],
    "0-d": lambda a: np.array(a[0, 0]),
}


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_dlpack_shares_memory_with_torch_both_ways(dtype, layout):
    torch = need("torch")
    array = LAYOUTS[layout](np.arange(6).reshape(2, 3).astype(dtype))
    t = mg.from_numpy(array)
    there = torch.from_dlpack(t)
    assert tuple(there.shape) == t.shape
    assert str(there.dtype).removeprefix("torch.") == dtype
    back = mg.from_dlpack(there)
    assert back.dtype == t.dtype
    np.testing.assert_array_equal(back.numpy(), array)
    if array.size:
        there.fill_(1)
        assert np.all(t.numpy() == 1)
        back.zero_()
        assert not there.any()


def test_dlpack_by_every_door():
    torch = need("torch")
    t = mg.tensor(X)
    for there in (torch.from_dlpack(t), torch.as_tensor(t), torch.asarray(t), torch.tensor(t)):
        assert there.dtype == torch.float64
        np.testing.assert_array_equal(there.numpy(), X)
    np.testing.assert_array_equal(np.from_dlpack(t), X)
    copied = mg.from_dlpack(torch.ones(3), copy=True)
    assert copied.tolist() == [1, 1, 1]
    assert t.__dlpack_device__() == (1, 0)
    saved = mg.tensor(X, requires_grad=True)
    doubled = saved * 1
    y = doubled * doubled
    torch.from_dlpack(doubled.detach()).fill_(3.0)  # a write that the graph cannot see ...
    assert y.shape == (3, 2)  # ... as in PyTorch


def test_dlpack_with_jax():
    jax = need("jax")
    np.testing.assert_array_equal(jax.dlpack.from_dlpack(mg.tensor([1.0, 2.0])), [1, 2])
    there = jax.numpy.asarray([3.0, 4.0])
    t = mg.from_dlpack(there)
    np.testing.assert_array_equal(t.numpy(), [3, 4])
    assert not t.numpy().flags.writeable  # JAX's arrays never change
    with pytest.raises(ValueError, match="read-only"):
        t += 1


def test_dlpack_keeps_read_only_memory_read_only():
    array = X.copy()
    array.flags.writeable = False
    t = mg.from_numpy(array)
    if np.lib.NumpyVersion(np.__version__) >= "2.1.0":
        assert not np.from_dlpack(t).flags.writeable
        assert not mg.from_dlpack(t).numpy().flags.writeable
    else:  # it speaks a DLPack that has no word for it
        with pytest.raises(BufferError, match=r"[Rr]eadonly"):
            np.from_dlpack(t)
    with pytest.raises(BufferError, match=r"[Rr]eadonly"):
        t.__dlpack__()  # a consumer that cannot be told


def test_what_dlpack_refuses():
    torch = need("torch")
    t = mg.ones(2, requires_grad=True)
    for consume in (torch.from_dlpack, np.from_dlpack, mg.from_dlpack, torch.as_tensor):
        with pytest.raises(BufferError, match=r"lose its graph in another library: use t\.detach"):
            consume(t)
    with pytest.raises(Exception, match=r"gradient|require"):
        mg.from_dlpack(torch.ones(2, requires_grad=True))
    with pytest.raises(TypeError, match="an object with __dlpack__, got list"):
        mg.from_dlpack([1.0])
    with pytest.raises(ValueError, match="the only device is the CPU, got 'cuda'"):
        mg.from_dlpack(np.ones(2), device="cuda")
    with pytest.raises(TypeError, match="complex"):
        mg.from_dlpack(np.ones(2, complex))


# ------------------------------------------------------------------------- the array API and names


def test_array_api_functions_of_a_tensor_are_recorded():
    compat = need("array_api_compat")
    t = mg.tensor(X, requires_grad=True)
    xp = compat.array_namespace(t)
    out = xp.sum(xp.exp(xp.permute_dims(t, (1, 0))), axis=0)
    out.sum().backward()
    np.testing.assert_allclose(t.grad.numpy(), np.exp(X))
    assert compat.device(t.detach()) is not None
    assert compat.size(t) == 6
    assert compat.is_array_api_obj(t)
    assert compat.to_device(t, "cpu") is t
    with pytest.raises(ValueError, match="cuda"):
        compat.to_device(t, "cuda")
    assert xp.astype(t, np.float64, copy=False) is t
    copied = t.astype(np.float64, copy=True)
    assert copied is not t
    assert copied.requires_grad


def test_numbers_of_tensors_go_into_arrays_in_place():
    for function in (np.ndarray.__iadd__, np.ndarray.__imul__, np.ndarray.__isub__):
        t, array, expected = mg.tensor(X), np.full(X.shape, 2.0), np.full(X.shape, 2.0)
        assert function(array, t) is array
        np.testing.assert_array_equal(array, function(expected, X))
        with pytest.raises(RuntimeError, match="would lose its graph as an array"):
            function(array, mg.tensor(X, requires_grad=True))
        np.testing.assert_array_equal(array, expected)
    out = np.empty(X.shape, np.float32)
    assert np.multiply(mg.tensor(X, dtype=mg.float32), 2.0, out=out) is out
    np.testing.assert_array_equal(out, X.astype(np.float32) * 2)
    assert np.add.reduce(mg.tensor(X), axis=0, out=np.empty(X.shape[1])).tolist() == list(X.sum(0))
    with pytest.raises(TypeError, match="takes neither out= nor where="):
        np.add(mg.tensor(X), 1.0, out=mg.tensor(X))
    with pytest.raises(TypeError, match="takes neither out= nor where="):
        np.add(mg.tensor(X), 1.0, out=out, where=X > 0)
    step = mg.compile(lambda t: t + np.add(t, 1.0, out=np.empty(X.shape)))
    with pytest.raises(RuntimeError, match="conversion to an array"):
        step(mg.tensor(X))


def test_jaxtyping_reads_shapes_and_types():
    jaxtyping = need("jaxtyping")
    t = mg.zeros(2, 3)
    assert isinstance(t, jaxtyping.Float[mg.Tensor, "a b"])
    assert isinstance(t, jaxtyping.Float32[mg.Tensor, "2 3"])
    assert not isinstance(t, jaxtyping.Float[mg.Tensor, "a"])
    assert not isinstance(t, jaxtyping.Int[mg.Tensor, "a b"])
    assert isinstance(mg.tensor([True]), jaxtyping.Bool[mg.Tensor, "n"])
    assert isinstance(mg.nn.Linear(2, 3).weight, jaxtyping.Float[mg.Tensor, "3 2"])


def test_optree_takes_tensors_for_leaves():
    optree = need("optree")
    tree = {"a": mg.ones(2, requires_grad=True), "b": [mg.zeros(3)]}
    doubled = optree.tree_map(lambda x: x * 2, tree)
    assert doubled["a"].requires_grad
    assert optree.tree_leaves(tree)[1].shape == (3,)
    leaves, structure = optree.tree_flatten(tree)
    assert optree.tree_unflatten(structure, leaves)["b"][0] is tree["b"][0]
