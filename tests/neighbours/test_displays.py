"""How tensors and models look in notebooks, and in matplotlib; numba inside ops."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.autograd import gradcheck
from tests.neighbours import need


@pytest.mark.parametrize("requires_grad", [False, True])
def test_treescope_shows_the_numbers(requires_grad):
    treescope = need("treescope")
    small = mg.tensor([1.5, 2.5], requires_grad=requires_grad)
    assert treescope.render_to_text(small) == repr(small)
    large = mg.tensor(np.arange(20.0).reshape(4, 5), requires_grad=requires_grad)
    text = treescope.render_to_text({"weights": large})
    assert repr(large).split("\n")[1].strip() in text
    assert "tensor" in text
    assert ("requires_grad=True" in text) is requires_grad
    for shape in ((0,), (), (2, 0, 3), (30, 40)):
        t = mg.zeros(*shape, requires_grad=requires_grad)
        assert hex(id(t)) not in treescope.render_to_text([t])
        assert "<" in treescope.render_to_html(t)


def test_treescope_draws_tensors_as_images_of_arrays():
    treescope = need("treescope")
    large = mg.tensor(np.arange(20.0).reshape(4, 5), requires_grad=True)
    of_array = treescope.render_array(large.detach().numpy())
    assert treescope.render_array(large).__class__ is of_array.__class__
    adapter = large.__treescope_ndarray_adapter__()
    numbers, mask = adapter.get_array_data_with_truncation(large, None, (None, None))
    np.testing.assert_array_equal(numbers, large.detach().numpy())
    assert mask.all()
    assert adapter.get_numpy_dtype(large) == np.float64


def test_ipython_shows_tensors_and_modules_as_their_text():
    shell = need("IPython.core.formatters").DisplayFormatter()
    for shown in (mg.tensor([1.0]), mg.ones(2, 2, requires_grad=True), mg.nn.Linear(2, 3)):
        data, _ = shell.format(shown)
        assert data["text/plain"] == repr(shown)
    pretty = need("IPython.lib.pretty").pretty
    assert "tensor([1.])" in pretty({"a": [mg.tensor([1.0])]})


def test_matplotlib_draws_tensors():
    pyplot = need("matplotlib.pyplot")
    figure, axes = pyplot.subplots()
    x = mg.linspace(0, 1, 5)
    (line,) = axes.plot(x, x**2)
    np.testing.assert_allclose(line.get_ydata(), x.numpy() ** 2)
    axes.scatter(x, x, c=x)
    axes.imshow(mg.ones(3, 3))
    axes.bar(x, x)
    axes.hist(x)
    with pytest.raises(RuntimeError, match=r"use t\.detach\(\)"):
        axes.plot(x.clone().requires_grad_())
    pyplot.close(figure)


def test_numba_compiles_the_body_of_an_op():
    numba = need("numba")

    @numba.njit
    def running_product(x):
        out = np.empty_like(x)
        total = 1.0
        for i in range(len(x)):
            total *= x[i]
            out[i] = total
        return out

    @numba.njit
    def running_product_vjp(g, x, out):
        grad = np.zeros_like(x)
        for i in range(len(x)):
            for j in range(i, len(x)):
                grad[i] += g[j] * out[j] / x[i]
        return grad

    @mg.op(lambda g, x, out: running_product_vjp(g, x, out))
    def running(x):
        return running_product(x)

    x = mg.tensor([1.5, -2.0, 0.5, 3.0], dtype=mg.float64, requires_grad=True)
    np.testing.assert_allclose(running(x).detach().numpy(), np.cumprod(x.detach().numpy()))
    assert gradcheck(running, (x,))


@pytest.mark.parametrize("requires_grad", [False, True])
def test_numba_functions_of_their_own_refuse_tensors_by_name(requires_grad):
    numba = need("numba")
    t = mg.tensor([1.0, 2.0], requires_grad=requires_grad)
    square = numba.njit(lambda x: x * x)
    with pytest.raises(numba.TypingError, match=r"minigrad\.tensor\.Tensor"):
        square(t)
    np.testing.assert_array_equal(square(t.detach().numpy()), [1, 4])
    ufunc = numba.vectorize(["float32(float32)"])(lambda x: x * x)
    with pytest.raises(TypeError, match="no differentiable counterpart"):
        ufunc(t)
