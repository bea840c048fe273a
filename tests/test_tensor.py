"""Tensors as objects: construction, types, text, Python's protocols, copies, shared memory."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import numpy as np
import pytest

import minigrad as mg

# ------------------------------------------------------------------------------------- construction


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1.5, "float32"), (3, "int64"), (True, "bool"), ([1.0, 2.0], "float32"),
        ([1, 2.5], "float32"), ([True, False], "bool"), ([[1], [2]], "int64"), ([], "float32"),
        ((1.0, 2.0), "float32"), (range(3), "int64"), (np.float64(1), "float64"),
        (np.float32(1), "float32"), (np.int8(1), "int8"), (np.zeros(2), "float64"),
        (np.zeros(2, np.float16), "float16"), (np.zeros(2, np.int32), "int32"),
        (np.zeros(2, bool), "bool"), ([np.float64(1.0)], "float64"),
        ([np.zeros(2), np.zeros(2)], "float64"),
    ],
)  # fmt: skip
def test_types_of_new_tensors(data: Any, dtype: str) -> None:
    tensor = mg.tensor(data)
    assert tensor.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(tensor.numpy(), np.asarray(data))


def test_a_list_of_tensors_is_read_entry_by_entry() -> None:
    tensor = mg.tensor([mg.tensor(1.0), mg.tensor(2.0)])
    assert tensor.tolist() == [1, 2]
    with pytest.raises(TypeError, match="stack"):
        mg.tensor([mg.tensor(1.0, requires_grad=True)])


def test_the_default_type_can_be_set() -> None:
    mg.set_default_dtype(mg.float64)
    try:
        made = [
            mg.tensor(1.0),
            mg.zeros(2),
            mg.rand(2),
            mg.arange(0, 1, 0.5),
            mg.tensor([1, 2]) / 2,
        ]
        assert {t.dtype for t in made} == {mg.float64}
    finally:
        mg.set_default_dtype(mg.float32)
    with pytest.raises(TypeError, match="floating-point"):
        mg.set_default_dtype(mg.int64)


@pytest.mark.parametrize(
    "data", ["text", [["a"]], 1j, np.zeros(2, complex), {"a": 1}, None, [None]]
)
def test_what_is_no_tensor(data: Any) -> None:
    with pytest.raises(TypeError, match="real numbers"):
        mg.tensor(data)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ([[1.0], [1.0, 2.0]], r"data\[1\] has the shape \(2,\) and data\[0\] \(1,\)"),
        ([[[1.0], [2.0]], [[3.0], []]], r"data\[1\]\[1\] has the shape \(0,\)"),
        ([np.zeros(2), np.zeros(3)], r"data\[1\] has the shape \(3,\)"),
        ([1.0, [2.0]], r"data\[1\] has the shape \(1,\)"),
    ],
)
def test_ragged_lists_are_named(data: Any, place: str) -> None:
    with pytest.raises(ValueError, match="inhomogeneous") as caught:
        mg.tensor(data)
    assert re.search(place, "".join(caught.value.__notes__))


def test_tensor_copies_and_from_numpy_shares() -> None:
    array = np.zeros(3)
    copied, shared, also = mg.tensor(array), mg.from_numpy(array), mg.as_tensor(array)
    array[0] = 1.0
    assert [t[0].item() for t in (copied, shared, also)] == [0, 1, 1]
    shared += 1
    assert array.tolist() == [2, 1, 1]
    with pytest.raises(TypeError, match="NumPy array"):
        mg.from_numpy([1.0])


def test_as_tensor_and_asarray() -> None:
    x = mg.tensor([1.0], requires_grad=True)
    assert mg.as_tensor(x) is x
    converted = mg.as_tensor(x, mg.float64)
    converted.sum().backward()
    assert x.grad.dtype == mg.float32
    array = np.zeros(2, np.float32)
    assert np.shares_memory(mg.asarray(array).numpy(), array)
    assert not np.shares_memory(mg.asarray(array, copy=True).numpy(), array)
    with pytest.raises(ValueError, match="copy=False"):
        mg.asarray([1.0], copy=False)


def test_the_class_itself_makes_tensors() -> None:
    assert mg.Tensor([1, 2]).dtype == mg.float32
    assert mg.Tensor(2, 3).shape == (2, 3)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: mg.zeros(2, 3), np.zeros((2, 3))),
        (lambda: mg.zeros((2, 3)), np.zeros((2, 3))),
        (lambda: mg.zeros(()), np.zeros(())),
        (lambda: mg.ones([2]), np.ones(2)),
        (lambda: mg.full((2,), 3.5), np.full(2, 3.5)),
        (lambda: mg.eye(2, 3), np.eye(2, 3)),
        (lambda: mg.arange(5), np.arange(5)),
        (lambda: mg.arange(1, 4), np.arange(1, 4)),
        (lambda: mg.arange(5, 1, -2), np.arange(5, 1, -2)),
        (lambda: mg.arange(0.0, 1.0, 0.25), np.arange(0, 1, 0.25)),
        (lambda: mg.linspace(0, 1, 5), np.linspace(0, 1, 5)),
        (lambda: mg.linspace(0, 1, 1), np.linspace(0, 1, 1)),
        (lambda: mg.logspace(-2, 2, 5), np.logspace(-2, 2, 5)),
        (lambda: mg.logspace(0, 3, 4, base=2), np.logspace(0, 3, 4, base=2)),
        (lambda: mg.zeros_like(mg.ones(2, 2)), np.zeros((2, 2))),
        (lambda: mg.ones_like(mg.zeros(2)), np.ones(2)),
        (lambda: mg.full_like(mg.zeros(2), 7), np.full(2, 7)),
        (lambda: mg.ones(1).new_zeros(2, 2), np.zeros((2, 2))),
        (lambda: mg.ones(1).new_ones((2,)), np.ones(2)),
        (lambda: mg.ones(1).new_full((2,), 3), np.full(2, 3)),
        (lambda: mg.ones(1).new_tensor([1, 2]), np.array([1, 2])),
        (lambda: mg.tril_indices(3, 4, 1), np.stack(np.tril_indices(3, 1, 4))),
        (lambda: mg.triu_indices(3, 4, -1), np.stack(np.triu_indices(3, -1, 4))),
    ],
)  # fmt: skip
def test_creation(make: Any, expected: np.ndarray) -> None:
    tensor = make()
    assert tensor.shape == expected.shape
    np.testing.assert_allclose(tensor.numpy(), expected, 1e-6)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "bool"])
@pytest.mark.parametrize("function", [np.exp, np.sqrt, np.arctan, np.cosh])
def test_small_integers_become_floats_of_the_default_type(function, dtype: str) -> None:
    """NumPy's own float of an int8 is float16, in which exp(12) is infinite."""
    whole = np.array([12, 1]).astype(dtype)
    found = getattr(mg, {"arctan": "atan"}.get(function.__name__, function.__name__))(
        mg.tensor(whole)
    )
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.numpy(), function(whole.astype(np.float64)), rtol=1e-6)


@pytest.mark.parametrize(
    "use",
    [lambda x: x + np.ones(2) * 1j, lambda x: np.add(np.ones(2) * 1j, x)],
    ids=["x + array", "np.add"],
)
@pytest.mark.parametrize("requires_grad", [False, True])
def test_complex_arrays_are_refused(use, requires_grad: bool) -> None:
    with pytest.raises(TypeError, match="complex numbers are not supported"):
        use(mg.ones(2, requires_grad=requires_grad))


def test_types_of_creation_functions() -> None:
    assert mg.zeros(2).dtype == mg.ones(2).dtype == mg.eye(2).dtype == mg.float32
    assert mg.full((2,), 1).dtype == mg.int64
    assert mg.full((2,), True).dtype == mg.bool
    assert mg.full((2,), 1.0).dtype == mg.float32
    assert mg.arange(3).dtype == mg.int64
    assert mg.arange(3.0).dtype == mg.float32
    assert mg.linspace(0, 1, 3, dtype=mg.float64).dtype == mg.float64
    assert mg.zeros_like(mg.arange(3)).dtype == mg.int64
    assert mg.ones(2, dtype=mg.double).new_zeros(2).dtype == mg.float64
    assert mg.zeros(2, requires_grad=True).is_leaf


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: mg.zeros(-1), ValueError, "negative"),
        (lambda: mg.zeros(1.5), TypeError, "integer"),
        (lambda: mg.arange(0, 1, 0), ValueError, "step is 0"),
        (lambda: mg.zeros(2, dtype=mg.int64, requires_grad=True), RuntimeError, "floating-point"),
        (lambda: mg.zeros(2, dtype=complex), TypeError, "complex"),
        (lambda: mg.zeros(2, device="cuda"), ValueError, "CPU"),
        (lambda: mg.tensor([1.0], device="cuda:0"), ValueError, "CPU"),
        (lambda: mg.zeros(2).cuda(), ValueError, "CPU"),
        (lambda: mg.zeros(2).to("mps"), ValueError, "CPU"),
        (lambda: mg.device("cuda"), ValueError, "CPU"),
        (lambda: mg.zeros_like(np.zeros(2)), TypeError, "tensor"),
    ],
)  # fmt: skip
def test_creation_refuses(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    text = str(caught.value) + "".join(getattr(caught.value, "__notes__", []))
    assert message in text


# --------------------------------------------------------------------------------------- conversion


def test_conversions() -> None:
    x = mg.tensor([1.75, -1.75])
    for method, dtype in (("double", mg.float64), ("half", mg.float16), ("long", mg.int64),
                          ("int", mg.int32), ("short", mg.int16), ("bool", mg.bool),
                          ("float", mg.float32)):  # fmt: skip
        converted = getattr(x, method)()
        assert converted.dtype == dtype
        np.testing.assert_array_equal(converted.numpy(), x.numpy().astype(dtype))
    assert x.float() is x
    assert x.to(mg.float32) is x.to("cpu") is x.cpu() is x
    assert x.to(mg.device("cpu"), mg.float64).dtype == mg.float64
    assert x.to(mg.zeros(1, dtype=mg.float64)).dtype == x.type(mg.double).dtype == mg.float64
    assert x.to(mg.float32, copy=True) is not x
    assert x.type_as(mg.arange(2)).dtype == mg.int64
    assert x.device == mg.device("cpu") == "cpu"
    assert not mg.cuda.is_available()


def test_gradients_come_back_in_the_type_of_the_tensor() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x.double()
    (y * mg.tensor(np.array([0.1, 0.2]))).sum().backward()
    assert x.grad.dtype == mg.float32
    np.testing.assert_allclose(x.grad.numpy(), [0.1, 0.2], 1e-6)
    assert not x.long().requires_grad


def test_questions() -> None:
    assert mg.is_tensor(mg.zeros(1))
    assert not mg.is_tensor(np.zeros(1))
    assert mg.is_floating_point(mg.zeros(1))
    assert not mg.arange(2).is_floating_point()
    assert mg.numel(mg.zeros(2, 3)) == mg.zeros(2, 3).nelement() == 6
    x = mg.zeros(2, 3)
    assert (x.ndim, x.dim(), x.size(), x.size(-1), len(x)) == (2, 2, (2, 3), 3, 2)
    assert (x.stride(), x.stride(0), x.T.stride()) == ((3, 1), 3, (1, 3))
    assert x.is_contiguous()
    assert not x.T.is_contiguous()
    assert x.T.contiguous().is_contiguous()
    assert x.contiguous() is x
    assert x.nbytes == x.element_size() * 6 == 24


# ---------------------------------------------------------------------------------------- protocols


def test_text() -> None:
    assert repr(mg.tensor([1.0, 2.0])) == "tensor([1., 2.])"
    assert repr(mg.tensor([1.0], requires_grad=True)) == "tensor([1.], requires_grad=True)"
    assert repr(mg.tensor([1, 2])) == "tensor([1, 2])"
    assert repr(mg.tensor(np.zeros(1))) == "tensor([0.], dtype=float64)"
    assert repr(mg.complex(mg.ones(1), mg.zeros(1))) == "tensor([1.+0.j])"
    double = mg.tensor(np.zeros((1, 2)))
    assert repr(mg.view_as_complex(double)) == "tensor([0.+0.j], dtype=complex128)"
    assert "grad_fn" in repr(mg.tensor([1.0], requires_grad=True) * 2)
    assert repr(mg.zeros(0, 3)) == "tensor([], size=(0, 3))"
    assert "..." in repr(mg.zeros(2000))
    mg.set_printoptions(precision=2, threshold=5)
    try:
        assert repr(mg.tensor([3.14159])) == "tensor([3.14])"
        assert "..." in repr(mg.zeros(10))
    finally:
        mg.set_printoptions(profile="default")
    with pytest.raises(ValueError, match="profile"):
        mg.set_printoptions(profile="nice")


def test_numbers() -> None:
    x = mg.tensor(2.5, requires_grad=True)
    assert (x.item(), float(x), int(x), bool(x), f"{x:.1f}") == (2.5, 2.5, 2, True, "2.5")
    assert [10, 20, 30][mg.tensor(1)] == 20
    assert list(range(mg.tensor(3))) == [0, 1, 2]
    with pytest.raises(ValueError, match="one entry"):
        mg.zeros(2).item()
    with pytest.raises(ValueError, match="any"):
        bool(mg.zeros(2))
    with pytest.raises(TypeError, match="integer"):
        [1, 2][mg.tensor(1.0)]
    with pytest.raises(TypeError, match="0-d"):
        len(mg.tensor(1.0))
    with pytest.raises(TypeError, match="0-d"):
        iter(mg.tensor(1.0))


def test_containers() -> None:
    x = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    assert x.tolist() == [[1, 2], [3, 4]]
    assert [row.tolist() for row in x] == [[1, 2], [3, 4]]
    assert 3.0 in x
    assert 5.0 not in x
    first, second = x
    (first * second).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[3, 4], [1, 2]])
    assert len({x, first, x}) == 2  # by identity


def test_arrays() -> None:
    x = mg.tensor([1.0, 2.0])
    assert np.shares_memory(x.numpy(), x.numpy())
    np.testing.assert_array_equal(np.asarray(x), [1, 2])
    assert np.asarray(x, np.float64).dtype == np.float64
    x.requires_grad_()
    for convert in (lambda: x.numpy(), lambda: np.asarray(x), lambda: np.array(x)):
        with pytest.raises(RuntimeError, match="detach"):
            convert()
    with pytest.raises(RuntimeError, match=r"np\.stack"):
        np.array([x, x])
    assert x.numpy(force=True).tolist() == [1, 2]


def test_a_numpy_function_without_counterpart_is_named() -> None:
    with pytest.raises(TypeError, match=r"np\.interp"):
        np.interp(mg.zeros(2), mg.zeros(2), mg.zeros(2))
    with pytest.raises(TypeError, match=r"np\.concatenate.* out"):
        np.concatenate([mg.zeros(2)], out=np.zeros(2))


# --------------------------------------------------------------------------------- copies, pickling


def leaf() -> Any:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    x.name = "x"
    (x * x).sum().backward()
    return x


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_leaves_can_be_copied_and_pickled(duplicate: Any) -> None:
    x = leaf()
    y = duplicate(x)
    assert type(y) is mg.Tensor
    assert y.requires_grad
    assert y.is_leaf
    assert y.name == "x"
    assert y.tolist() == x.tolist()
    assert y.grad.tolist() == x.grad.tolist()
    with mg.no_grad():
        y += 1
        y.grad += 1
    assert x.tolist() == [1, 2]
    assert x.grad.tolist() == [2, 4]
    (y * 2).sum().backward()
    assert y.grad.tolist() == [5, 7]
    constant = duplicate(mg.arange(3))
    assert not constant.requires_grad


def test_deepcopy_keeps_identity_inside_a_structure() -> None:
    x = leaf()
    a, b = copy.deepcopy([x, x])
    assert a is b


@pytest.mark.parametrize("duplicate", [copy.deepcopy, pickle.dumps])
def test_results_are_not_copied_silently(duplicate: Any) -> None:
    with pytest.raises(RuntimeError, match="detach"):
        duplicate(leaf() * 2)


# ------------------------------------------------------------------------------- detach, data, grad


def test_detach_and_data_share_memory() -> None:
    x = leaf()
    for other in (x.detach(), x.data):
        assert not other.requires_grad
        before = x.tolist()
        other += 1
        assert x.tolist() == [n + 1 for n in before]
    x.data = mg.tensor([7.0])
    assert x.tolist() == [7]
    assert x.requires_grad
    x.grad = None
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2]
    with pytest.raises(TypeError, match="tensor"):
        x.data = np.zeros(2)


def test_data_of_a_tensor_that_requires_grad_stays_floating_point() -> None:
    x = mg.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="floating-point, got int64"):
        x.data = mg.tensor([1, 2])
    assert x.tolist() == [1.0, 1.0]


def test_requires_grad() -> None:
    x = mg.zeros(2)
    assert x.requires_grad_() is x
    assert x.requires_grad
    x.requires_grad = False
    assert not x.requires_grad
    for kind in (mg.arange(2), mg.tensor([True])):
        with pytest.raises(RuntimeError, match="floating-point"):
            kind.requires_grad_()
    y = leaf() * 2
    y.requires_grad_()
    with pytest.raises(RuntimeError, match="detach"):
        y.requires_grad_(False)
    assert y.detach_() is y
    assert y.is_leaf


def test_grad_is_a_tensor_of_the_same_shape() -> None:
    x = leaf()
    with pytest.raises(ValueError, match="shape"):
        x.grad = mg.zeros(3)
    with pytest.raises(TypeError, match="tensor"):
        x.grad = np.zeros(2)
    del x.grad
    assert x.grad is None


# ----------------------------------------------------------------------------------- random numbers

DRAWS: dict[str, Any] = {
    "rand": lambda g: mg.rand(5, generator=g),
    "rand float64": lambda g: mg.rand(2, 3, dtype=mg.float64, generator=g),
    "rand float16": lambda g: mg.rand(1000, dtype=mg.float16, generator=g),
    "randn": lambda g: mg.randn(5, generator=g),
    "randint": lambda g: mg.randint(1, 7, (100,), generator=g),
    "randperm": lambda g: mg.randperm(10, generator=g),
    "normal": lambda g: mg.normal(mg.zeros(3), mg.ones(3), generator=g),
    "normal of a size": lambda g: mg.normal(5.0, 0.1, (3,), generator=g),
    "bernoulli": lambda g: mg.bernoulli(mg.full((20,), 0.5), generator=g),
    "poisson": lambda g: mg.poisson(mg.full((20,), 3.0), generator=g),
    "multinomial": lambda g: mg.multinomial(mg.ones(2, 5), 3, generator=g),
    "multinomial again": lambda g: mg.multinomial(mg.ones(5), 30, replacement=True, generator=g),
    "rand_like": lambda g: mg.rand_like(mg.zeros(5), generator=g),
    "randn_like": lambda g: mg.randn_like(mg.zeros(5), generator=g),
    "randint_like": lambda g: mg.randint_like(mg.zeros(5), 10, generator=g),
    "normal_": lambda g: mg.zeros(5).normal_(generator=g),
    "uniform_": lambda g: mg.zeros(5).uniform_(-1, 1, generator=g),
    "bernoulli_": lambda g: mg.zeros(20).bernoulli_(0.5, generator=g),
    "exponential_": lambda g: mg.zeros(5).exponential_(generator=g),
    "random_": lambda g: mg.zeros(5).random_(0, 100, generator=g),
}


@pytest.mark.parametrize("name", sorted(DRAWS))
def test_one_seed_makes_all_of_it_repeatable(name: str) -> None:
    draw = DRAWS[name]
    for generator in (None, mg.Generator()):
        seed = mg.manual_seed if generator is None else generator.manual_seed
        seed(3)
        first, second = draw(generator), draw(generator)
        seed(3)
        again = draw(generator)
        assert first.tolist() == again.tolist()
        assert first.dtype == again.dtype
        if first.numel() > 3:
            assert first.tolist() != second.tolist()


def test_ranges_and_moments() -> None:
    mg.manual_seed(0)
    uniform = mg.rand(20000)
    assert 0 <= uniform.numpy().min() <= uniform.numpy().max() < 1
    assert mg.rand(5000, dtype=mg.float16).numpy().max() < 1
    normal = mg.normal(3.0, 2.0, (20000,)).numpy()
    assert abs(normal.mean() - 3) < 0.1
    assert abs(normal.std() - 2) < 0.1
    dice = mg.randint(1, 7, (6000,)).numpy()
    assert set(dice) == {1, 2, 3, 4, 5, 6}
    assert sorted(mg.randperm(50).tolist()) == list(range(50))
    assert set(mg.bernoulli(mg.tensor([0.0, 1.0])).tolist()) == {0, 1}
    shares = np.bincount(mg.multinomial(mg.tensor([1.0, 0.0, 3.0]), 8000, True).numpy()) / 8000
    np.testing.assert_allclose(shares, [0.25, 0, 0.75], atol=0.03)
    without = mg.multinomial(mg.tensor([[1.0, 0.0, 3.0, 1.0]]), 3).tolist()
    assert sorted(without[0]) == [0, 2, 3]


def test_states() -> None:
    state = mg.get_rng_state()
    first = mg.rand(3).tolist()
    mg.set_rng_state(state)
    assert mg.rand(3).tolist() == first
    assert mg.manual_seed(7).initial_seed() == mg.initial_seed() == 7
    generator = mg.Generator().manual_seed(7)
    mg.manual_seed(7)
    assert mg.rand(3, generator=generator).tolist() == mg.rand(3).tolist()
    with pytest.raises(TypeError, match="get_state"):
        mg.set_rng_state({})


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda: mg.manual_seed(0.5), TypeError),
        (lambda: mg.rand(2, dtype=mg.int64), TypeError),
        (lambda: mg.randint(3, 3, (2,)), ValueError),
        (lambda: mg.randint(3), TypeError),
        (lambda: mg.normal(0.0, -1.0, (2,)), ValueError),
        (lambda: mg.bernoulli(mg.tensor([1.5])), ValueError),
        (lambda: mg.multinomial(mg.tensor([0.0, 0.0]), 1), ValueError),
        (lambda: mg.multinomial(mg.tensor([1.0, 0.0]), 2), ValueError),
        (lambda: mg.multinomial(mg.tensor([1.0, -1.0]), 1), ValueError),
        (lambda: mg.rand(2, generator=3), TypeError),
        (lambda: mg.zeros(2).uniform_(1, 0), ValueError),
        (lambda: mg.zeros(2).exponential_(0), ValueError),
    ],
)  # fmt: skip
def test_random_refuses(call: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        call()


def test_an_argument_under_both_its_names_is_refused() -> None:
    with pytest.raises(TypeError, match="two values for its argument 'dim'"):
        mg.sum(mg.ones(2, 3), dim=0, axis=1)
