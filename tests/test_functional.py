"""nn.functional: what it refuses, the ends of the number range, randomness, in-place variants."""

import copy
import math
import warnings

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F


def tensor(values, requires_grad=False):
    return mg.tensor(np.asarray(values, np.float32), requires_grad=requires_grad)


def rng():
    return np.random.default_rng(0)


# ------------------------------------------------------------------------- shapes are not broadcast

PAIRS = [
    "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "kl_div", "poisson_nll_loss", "soft_margin_loss",
    "hinge_embedding_loss", "multilabel_soft_margin_loss",
]  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_a_column_against_a_vector_is_refused_with_a_remedy_that_works(name):
    x, y = tensor(np.full((4, 1), 0.5)), tensor(np.full(4, 0.5))
    with pytest.raises(ValueError, match=rf"{name}.*\(4, 1\).*\(4,\)") as refused:
        getattr(F, name)(x, y)
    assert "target.reshape(4, 1)" in str(refused.value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # kl_div's mean
        assert getattr(F, name)(x, y.reshape(4, 1)).shape == ()


@pytest.mark.parametrize("name", PAIRS)
def test_shapes_that_differ_are_refused(name):
    for shape in ((3, 2), (2,), ()):
        with pytest.raises(ValueError, match=name):
            getattr(F, name)(tensor(np.full((2, 3), 0.5)), tensor(np.full(shape, 0.5)))


def test_a_target_that_broadcasts_can_be_expanded():
    x, y = tensor(np.ones((2, 3))), tensor([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"target\.expand\(2, 3\)"):
        F.mse_loss(x, y)
    assert F.mse_loss(x, y.expand(2, 3)).item() == pytest.approx(5 / 3)


def test_a_number_is_no_target():
    with pytest.raises(TypeError, match="mse_loss compares tensors, got float"):
        F.mse_loss(tensor([1.0]), 0.0)


@pytest.mark.parametrize("name", ["mse_loss", "cross_entropy", "kl_div", "triplet_margin_loss"])
def test_an_unknown_reduction_is_refused(name):
    operands = {
        "cross_entropy": (tensor(np.ones((2, 3))), mg.tensor([0, 1])),
        "triplet_margin_loss": [tensor(np.ones((2, 3)))] * 3,
    }.get(name, [tensor(np.ones((2, 3)))] * 2)
    with pytest.raises(ValueError, match="reduction is"):
        getattr(F, name)(*operands, reduction="average")


# ------------------------------------------------------------------------------------------ classes


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss", "multi_margin_loss"])
@pytest.mark.parametrize("wrong", [-1, 3, -100])
def test_a_class_out_of_range_is_named(name, wrong):
    if wrong == -100 and name != "multi_margin_loss":
        wrong = -101  # -100 is the class to ignore
    with pytest.raises(IndexError, match=rf"class {wrong} is out of range, there are 3 classes"):
        getattr(F, name)(tensor(np.ones((2, 3))), mg.tensor([0, wrong]))


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_classes_that_are_not_integers_are_refused(name):
    with pytest.raises(TypeError, match="classes are integers"):
        getattr(F, name)(tensor(np.ones((2, 3))), tensor([0.0, 1.0]))
    with pytest.raises(TypeError, match="NaN"):
        getattr(F, name)(tensor(np.ones((2, 3))), tensor([0.0, math.nan]))
    with pytest.raises(TypeError, match="were they exchanged"):
        getattr(F, name)(mg.tensor([0, 1]), tensor(np.ones((2, 3))))


def test_probabilities_with_nan_are_refused():
    with pytest.raises(ValueError, match="NaN"):
        F.cross_entropy(tensor(np.ones((2, 3))), tensor(np.full((2, 3), math.nan)))


@pytest.mark.parametrize("shape", [(3,), (2, 1), (1, 2), ()])
def test_classes_of_a_wrong_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"go with classes of shape \(2,\)"):
        F.cross_entropy(tensor(np.ones((2, 3))), mg.tensor(np.zeros(shape, int)))


def test_what_cross_entropy_does_not_take():
    x, y = tensor(np.ones((2, 3))), mg.tensor([0, 1])
    with pytest.raises(ValueError, match="label_smoothing"):
        F.cross_entropy(x, y, label_smoothing=1.5)
    with pytest.raises(ValueError, match="one number for each of 3 classes"):
        F.cross_entropy(x, y, weight=tensor([1.0, 2.0]))
    with pytest.raises(ValueError, match="ignore_index"):
        F.cross_entropy(x, x, ignore_index=1)
    with pytest.raises(ValueError, match="got a number"):
        F.cross_entropy(tensor(1.0), mg.tensor(0))


def test_ignored_rows_get_no_gradient_even_where_scores_are_infinite():
    x = tensor([[-math.inf, 0.0, 1.0], [1.0, 2.0, 3.0]], requires_grad=True)
    loss = F.cross_entropy(x, mg.tensor([-100, 2]))
    loss.backward()
    assert math.isfinite(loss.item())
    np.testing.assert_array_equal(x.grad.numpy()[0], 0)
    assert np.abs(x.grad.numpy()[1]).sum() > 0


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64])
def test_classes_may_be_integers_of_any_size(dtype):
    x, y = tensor(rng().standard_normal((4, 3))), np.array([0, 2, 1, 1])
    assert F.cross_entropy(x, mg.tensor(y.astype(dtype))).item() == F.cross_entropy(x, y).item()


def test_the_fused_cross_entropy_is_the_mean_of_the_composed_one():
    values, y = rng().standard_normal((5, 3)), np.array([0, 2, 1, 1, 0])
    results = []
    for reduction in ("mean", "none"):
        x = mg.tensor(values, requires_grad=True)
        loss = F.cross_entropy(x, y, reduction=reduction).mean()
        loss.backward()
        results.append((loss.item(), x.grad.numpy()))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-14)
    np.testing.assert_allclose(results[0][1], results[1][1], 1e-12, 1e-15)


# ------------------------------------------------------------------------------- ends of the range


def value_and_gradient(function, *arrays):
    """In float32: all that comes out must be finite, unless the test says otherwise."""
    leaves = [tensor(array, requires_grad=True) for array in arrays]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = function(*leaves)
        out.sum().backward()
    return out.detach().numpy(), [leaf.grad.numpy() for leaf in leaves]


FAR = np.array([-1e30, -1e4, -100.0, -20.0, 0.0, 20.0, 100.0, 1e4, 1e30], np.float32)


@pytest.mark.parametrize(
    "name",
    ["celu", "elu", "gelu", "hardsigmoid", "hardtanh", "leaky_relu", "logsigmoid", "mish", "relu",
     "relu6", "selu", "sigmoid", "silu", "softplus", "softsign", "tanh", "tanhshrink"],
)  # fmt: skip
def test_activations_are_finite_far_out(name):
    out, (gradient,) = value_and_gradient(getattr(F, name), FAR)
    assert np.isfinite(out).all()
    assert np.isfinite(gradient).all()


def test_activations_far_out_have_their_limits():
    out, (gradient,) = value_and_gradient(F.logsigmoid, FAR)
    np.testing.assert_allclose(out[[0, 1, -2, -1]], [-1e30, -1e4, 0, 0])
    np.testing.assert_allclose(gradient[[0, 1, -2, -1]], [1, 1, 0, 0])
    for name in ("gelu", "silu", "mish", "softplus", "elu"):
        out, (gradient,) = value_and_gradient(getattr(F, name), FAR)
        np.testing.assert_allclose(out[-2:], FAR[-2:])
        np.testing.assert_allclose(gradient[-2:], 1)


def test_small_tails_keep_their_digits():
    """log sigmoid(20) and gelu(-10) are tiny, not 0."""
    assert F.logsigmoid(tensor(20.0)).item() == pytest.approx(-math.exp(-20), rel=1e-6)
    assert F.gelu(mg.tensor(np.float64(-10))).item() == pytest.approx(
        -5 * math.erfc(10 / math.sqrt(2)), rel=1e-10
    )
    for x, y in ((20.0, 1.0), (-20.0, 0.0)):
        loss, (gradient, _) = value_and_gradient(F.binary_cross_entropy_with_logits, [x], [y])
        assert loss == pytest.approx(math.exp(-20), rel=1e-6)
        assert abs(gradient) == pytest.approx(math.exp(-20), rel=1e-6)


def test_cross_entropy_of_extreme_scores():
    for scale in (1e4, 1e30, 1e38):
        x = np.array([[scale, -scale, 0.0], [-scale, scale, 0.0]], np.float32)
        x /= 2
        out, (gradient,) = value_and_gradient(lambda t: F.cross_entropy(t, np.array([0, 1])), x)
        assert out == 0
        np.testing.assert_array_equal(gradient, 0)
        out, (gradient,) = value_and_gradient(
            lambda t: F.cross_entropy(t, np.array([1, 0]), reduction="sum"), x
        )
        assert out == np.float32(2 * np.float64(np.float32(scale)))
        np.testing.assert_array_equal(gradient, [[1, -1, 0], [-1, 1, 0]])


def test_binary_cross_entropy_of_extreme_scores():
    x = np.array([1e4, -1e4, 1e4, -1e4], np.float32)
    y = np.array([1.0, 0.0, 0.0, 1.0], np.float32)
    out, (gradient, _) = value_and_gradient(
        lambda t, u: F.binary_cross_entropy_with_logits(t, u, reduction="none"), x, y
    )
    np.testing.assert_array_equal(out, [0, 0, 1e4, 1e4])
    np.testing.assert_array_equal(gradient, [0, 0, 1, -1])


def test_binary_cross_entropy_of_certain_probabilities_is_finite():
    x, y = [0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]
    out, (gradient, _) = value_and_gradient(
        lambda t, u: F.binary_cross_entropy(t, u, reduction="none"), x, y
    )
    np.testing.assert_array_equal(out, [0, 0, 100, 100])
    assert np.isfinite(gradient).all()
    for wrong in (1.5, -0.1, math.nan):
        with pytest.raises(ValueError, match="within 0"):
            F.binary_cross_entropy(tensor([wrong]), tensor([1.0]))


def test_divergence_from_a_certain_answer():
    x = tensor([[-math.inf, 0.0]], requires_grad=True)
    loss = F.kl_div(x, tensor([[0.0, 1.0]]), reduction="sum")
    loss.backward()
    assert loss.item() == 0
    np.testing.assert_array_equal(x.grad.numpy(), [[0, -1]])


def test_large_errors_do_not_overflow_where_the_loss_is_linear():
    x, y = np.array([1e30, -3e38], np.float32), np.zeros(2, np.float32)
    for name in ("huber_loss", "smooth_l1_loss"):
        out, (gradient, _) = value_and_gradient(
            lambda t, u, name=name: getattr(F, name)(t, u, reduction="none"), x, y
        )
        np.testing.assert_allclose(out, abs(x), 1e-6)
        np.testing.assert_array_equal(gradient, np.sign(x))


def test_soft_margins_are_finite():
    for name in ("soft_margin_loss", "multilabel_soft_margin_loss"):
        out, (gradient, _) = value_and_gradient(getattr(F, name), [[1e4, -1e4]], [[1.0, 1.0]])
        assert np.isfinite(out)
        assert np.isfinite(gradient).all()


def test_norms_of_constant_rows_are_zero_with_finite_gradient():
    row = np.full((2, 4), 3.0)
    out, (gradient,) = value_and_gradient(lambda t: F.layer_norm(t, 4), row)
    np.testing.assert_array_equal(out, 0)
    assert np.isfinite(gradient).all()
    out, (gradient,) = value_and_gradient(F.normalize, np.zeros((2, 4)))
    np.testing.assert_array_equal(out, 0)
    assert np.isfinite(gradient).all()


def test_attention_of_a_query_that_may_look_nowhere_is_zero():
    q, k, v = (rng().standard_normal(shape) for shape in ((2, 3), (4, 3), (4, 5)))
    allowed = np.array([[False] * 4, [True] * 4])
    out, gradients = value_and_gradient(
        lambda *t: F.scaled_dot_product_attention(*t, attn_mask=allowed), q, k, v
    )
    np.testing.assert_array_equal(out[0], 0)
    assert np.abs(out[1]).sum() > 0
    assert all(np.isfinite(g).all() for g in gradients)


# ---------------------------------------------------------------------------- convolution, pooling


def test_what_a_convolution_does_not_take():
    x, w = mg.ones(2, 4, 5, 5), mg.ones(6, 4, 3, 3)
    with pytest.raises(ValueError, match=r"has 4 channels, a weight .* takes 8"):
        F.conv2d(x, w, groups=2)
    with pytest.raises(ValueError, match="does not divide"):
        F.conv2d(x, w, groups=5)
    with pytest.raises(ValueError, match="does not fit"):
        F.conv2d(x, mg.ones(6, 4, 7, 3))
    with pytest.raises(ValueError, match="bias has one number for each of 6"):
        F.conv2d(x, w, mg.ones(4))
    with pytest.raises(ValueError, match=r"takes \(n, c, h, w\)"):
        F.conv2d(mg.ones(5, 5), w)
    with pytest.raises(ValueError, match="weight has 4 axes"):
        F.conv2d(x, mg.ones(6, 4, 3))
    with pytest.raises(ValueError, match="stride is at least 1"):
        F.conv2d(x, w, stride=0)
    with pytest.raises(ValueError, match="one number for each of 2 axes"):
        F.conv2d(x, w, padding=(1, 1, 1))
    with pytest.raises(TypeError, match="stride is an integer"):
        F.conv2d(x, w, stride=1.5)
    with pytest.raises(ValueError, match='"same" goes with stride 1'):
        F.conv2d(x, w, stride=2, padding="same")
    with pytest.raises(ValueError, match="output_padding is smaller"):
        F.conv_transpose2d(x, mg.ones(4, 2, 3, 3), output_padding=1)
    with pytest.raises(ValueError, match="more than half of a window"):
        F.max_pool2d(x, 2, padding=2)
    with pytest.raises(ValueError, match="does not fit into 5 entries"):
        F.avg_pool2d(x, 6)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_convolution_and_its_transposes_are_one_trilinear_form(stride, dilation):
    """⟨conv(x, w), g⟩ = ⟨x, conv_transpose(g, w)⟩, for all sizes that lead to the same result."""
    numbers = rng()
    w = numbers.standard_normal((6, 2, 3, 2))
    for size in range(7, 7 + stride):
        x = mg.tensor(numbers.standard_normal((2, 4, size, size)))
        options = {"stride": stride, "padding": 1, "dilation": dilation, "groups": 2}
        out = F.conv2d(x, mg.tensor(w), **options)
        g = mg.tensor(numbers.standard_normal(out.shape))
        smallest = F.conv_transpose2d(g, mg.tensor(w), **options).shape[2:]
        extra = tuple(size - n for n in smallest)
        back = F.conv_transpose2d(g, mg.tensor(w), output_padding=extra, **options)
        assert (out * g).sum().item() == pytest.approx((x * back).sum().item(), rel=1e-12)


def test_a_batch_larger_than_one_piece_is_the_same_as_its_parts():
    """The batch goes through in pieces of half a megabyte: none may be lost or mixed up."""
    numbers = rng()
    x = mg.tensor(numbers.standard_normal((13, 8, 40, 40)), requires_grad=True)
    w = mg.tensor(numbers.standard_normal((3, 8, 3, 3)), requires_grad=True)
    g = mg.tensor(numbers.standard_normal((13, 3, 19, 19)))
    F.conv2d(x, w, stride=2).backward(g)
    whole = [x.grad.numpy().copy(), w.grad.numpy().copy()]
    x.grad = w.grad = None
    for i in range(13):
        F.conv2d(x[i], w, stride=2).backward(g[i])
    for a, b in zip(whole, [x.grad.numpy(), w.grad.numpy()]):
        np.testing.assert_allclose(a, b, 1e-9, 1e-9)


def test_max_pool_takes_the_first_of_equals_and_never_the_padding():
    x = mg.tensor([[[1.0, 1.0, 0.0, 1.0]]], requires_grad=True)
    F.max_pool1d(x, 4).backward(mg.tensor([[[5.0]]]))
    np.testing.assert_array_equal(x.grad.numpy(), [[[5, 0, 0, 0]]])
    lowest = mg.tensor([[[-math.inf, -math.inf]]], requires_grad=True)
    out, where = F.max_pool1d(lowest, 2, stride=1, padding=1, return_indices=True)
    np.testing.assert_array_equal(where.numpy(), [[[0, 0, 1]]])
    out.backward(mg.ones(1, 1, 3))
    np.testing.assert_array_equal(lowest.grad.numpy(), [[[2, 1]]])


def test_a_nan_comes_through_max_pool_and_gets_the_gradient():
    x = tensor([[[1.0, math.nan, 3.0, 4.0]]], requires_grad=True)
    out = F.max_pool1d(x, 2)
    out.backward(mg.ones(1, 1, 2))
    np.testing.assert_array_equal(out.detach().numpy(), [[[math.nan, 4.0]]])
    np.testing.assert_array_equal(x.grad.numpy(), [[[0, 1, 0, 1]]])


def test_max_pool_of_integers():
    out, where = F.max_pool1d(mg.tensor([[[1, 5, -2, -7]]]), 2, return_indices=True)
    assert out.tolist() == [[[5, -2]]]
    assert where.tolist() == [[[1, 2]]]


# ------------------------------------------------------------------------------ running statistics


def test_running_statistics_move_only_in_training():
    mean, var = mg.zeros(3), mg.ones(3)
    x = tensor(rng().standard_normal((8, 3)) + 5)
    F.batch_norm(x, mean, var, training=False)
    np.testing.assert_array_equal(mean.numpy(), 0)
    F.batch_norm(x, mean, var, training=True, momentum=1.0)
    np.testing.assert_allclose(mean.numpy(), x.numpy().mean(0), 1e-5)
    np.testing.assert_allclose(var.numpy(), x.numpy().var(0, ddof=1), 1e-5)


def test_what_batch_norm_refuses_it_refuses_before_anything_is_changed():
    mean, var = mg.zeros(3), mg.ones(3)
    for shape, options, message in (
        ((1, 3), {}, "a variance needs 2"),
        ((4, 3), {"weight": mg.ones(2)}, "weight has one number for each of 3"),
        ((4, 3), {"eps": 0.0}, "eps is positive"),
        ((4, 2), {}, "running_mean has one number"),
    ):
        with pytest.raises(ValueError, match=message):
            F.batch_norm(mg.ones(*shape), mean, var, training=True, **options)
    np.testing.assert_array_equal(mean.numpy(), 0)
    with pytest.raises(ValueError, match="needed outside training"):
        F.batch_norm(mg.ones(4, 3), None, None)
    for name, arguments in (("layer_norm", (4,)), ("rms_norm", ((2, 3),)), ("group_norm", (2,))):
        with pytest.raises(ValueError, match=name):
            getattr(F, name)(mg.ones(5, 3), *arguments)


def test_moving_statistics_that_were_used_leaves_their_gradient_right():
    mean, var = mg.zeros(3, dtype=mg.float64), mg.ones(3, dtype=mg.float64)
    x = mg.tensor(rng().standard_normal((8, 3)), requires_grad=True)
    weight = mg.ones(3, requires_grad=True)
    out = F.batch_norm(x, mean, var, weight)
    F.batch_norm(x, mean, var, weight, training=True)
    out.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 1 / np.sqrt(1 + 1e-5), 1e-12)


# ------------------------------------------------------------------------------ random, in place


@pytest.mark.parametrize("name", ["dropout", "alpha_dropout"])
def test_dropout_keeps_the_mean_and_repeats_with_the_seed(name):
    x = mg.tensor(rng().standard_normal((200, 200)))
    mg.manual_seed(5)
    first = getattr(F, name)(x, 0.3, True).numpy()
    mg.manual_seed(5)
    np.testing.assert_array_equal(first, getattr(F, name)(x, 0.3, True).numpy())
    assert abs(first.mean()) < 0.02
    if name == "dropout":
        assert (first == 0).mean() == pytest.approx(0.3, abs=0.01)
    else:
        assert first.std() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(("name", "axes"), [("dropout1d", 3), ("dropout2d", 4)])
def test_whole_channels_are_dropped(name, axes):
    shape = (50, 20, 3, 2)[:axes]
    out = getattr(F, name)(mg.ones(*shape), 0.4).numpy().reshape(50, 20, -1)
    assert (out == out[..., :1]).all()
    assert (out[..., 0] == 0).mean() == pytest.approx(0.4, abs=0.06)


def test_dropout_outside_training_is_the_identity():
    x = tensor([1.0, 2.0])
    assert F.dropout(x, training=False) is x
    assert F.dropout(x, 0.0) is x
    np.testing.assert_array_equal(F.dropout(x, 1.0).numpy(), 0)
    for p in (-0.1, 1.1):
        with pytest.raises(ValueError, match="probability"):
            F.dropout(x, p)
        with pytest.raises(ValueError, match="probability"):
            F.dropout(x, p, training=False)
    with pytest.raises(TypeError, match="floating-point"):
        F.dropout(mg.tensor([1, 2]))


def test_dropout2d_of_three_axes_warns():
    with pytest.warns(UserWarning, match="dropout1d"):
        F.dropout2d(mg.ones(2, 3, 4))


@pytest.mark.parametrize(
    "name",
    ["relu", "relu6", "hardtanh", "leaky_relu", "hardsigmoid", "hardswish", "elu", "selu", "celu",
     "silu", "mish"],
)  # fmt: skip
def test_in_place_is_the_same_in_the_memory_of_the_input(name):
    values = rng().standard_normal((3, 4)) * 3
    leaf = mg.tensor(values, requires_grad=True)
    x = leaf * 1.0
    out = getattr(F, name)(x, inplace=True)
    assert out is x
    out.backward(mg.ones(3, 4))
    other = mg.tensor(values, requires_grad=True)
    expected = getattr(F, name)(other)
    expected.backward(mg.ones(3, 4))
    np.testing.assert_array_equal(out.detach().numpy(), expected.detach().numpy())
    np.testing.assert_array_equal(leaf.grad.numpy(), other.grad.numpy())
    plain = mg.tensor(values)
    memory = plain.numpy()
    getattr(F, name)(plain, inplace=True)
    np.testing.assert_array_equal(memory, expected.detach().numpy())


def test_in_place_on_a_leaf_is_refused():
    x = mg.tensor([1.0, -1.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        F.relu(x, inplace=True)
    np.testing.assert_array_equal(x.detach().numpy(), [1, -1])


@pytest.mark.parametrize("name", ["softmax", "softmin", "log_softmax"])
def test_an_implicit_dim_warns_and_is_pytorchs(name):
    for ndim, dim in ((1, 0), (2, 1), (3, 0), (4, 1)):
        x = mg.tensor(rng().standard_normal((2, 3, 4, 2)[:ndim]))
        with pytest.warns(UserWarning, match="dim"):
            guessed = getattr(F, name)(x)
        np.testing.assert_array_equal(guessed.numpy(), getattr(F, name)(x, dim).numpy())


def test_softmax_in_another_type():
    assert F.softmax(mg.tensor([1, 2, 3]), dim=0, dtype=mg.float64).dtype == np.float64


def test_kl_div_says_that_its_mean_is_not_the_divergence():
    with pytest.warns(UserWarning, match="batchmean"):
        F.kl_div(tensor([[0.0]]), tensor([[1.0]]))


# ------------------------------------------------------------------------------- other refusals


def test_rows_that_do_not_exist_are_named():
    table = mg.tensor(rng().standard_normal((4, 2)))
    before = copy.deepcopy(table)
    for row in (-1, 4):
        for name in ("embedding", "embedding_bag"):
            with pytest.raises(IndexError, match=rf"row {row} is out of range, the table has 4"):
                getattr(F, name)(mg.tensor([[0, row]]), table, max_norm=0.1)
    np.testing.assert_array_equal(table.numpy(), before.numpy())
    with pytest.raises(TypeError, match="integers"):
        F.embedding(tensor([1.0]), table)
    with pytest.raises(IndexError, match="padding_idx"):
        F.embedding(mg.tensor([1]), table, padding_idx=4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"offsets": [1, 2]}, "begin with 0"),
        ({"offsets": [0, 3, 2]}, "begin with 0"),
        ({"offsets": [0, 9]}, "begin with 0"),
        ({"offsets": [0, 2], "include_last_offset": True}, "last offset"),
        ({}, "offsets"),
        ({"offsets": [0], "mode": "median"}, "mode is"),
        ({"offsets": [0], "per_sample_weights": [1.0, 1.0, 1.0]}, "per_sample_weights"),
    ],
)
def test_bags_that_make_no_sense_are_refused(arguments, message):
    arguments = {
        name: mg.tensor(value) if isinstance(value, list) else value
        for name, value in arguments.items()
    }
    with pytest.raises(ValueError, match=message):
        F.embedding_bag(mg.tensor([0, 1, 1]), mg.ones(4, 2), **arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("glu", (mg.ones(3),), "odd"),
        ("gelu", (mg.ones(3), "exact"), "approximate"),
        ("hardtanh", (mg.ones(3), 1.0, 0.0), "larger than"),
        ("softshrink", (mg.ones(3), -1.0), "at least 0"),
        ("celu", (mg.ones(3), 0.0), "not 0"),
        ("prelu", (mg.ones(2, 3), mg.ones(2)), "2 weights"),
        ("huber_loss", (mg.ones(3), mg.ones(3), "mean", 0.0), "positive"),
        ("gaussian_nll_loss", (mg.ones(3), mg.ones(3), -mg.ones(3)), "negative"),
        ("gaussian_nll_loss", (mg.ones(3), mg.ones(3), mg.ones(2)), "does not go with"),
        ("multi_margin_loss", (mg.ones(2, 3), mg.tensor([0, 1]), 3), "p is 1 or 2"),
        ("cosine_embedding_loss", (mg.ones(2, 3), mg.ones(2, 3), mg.ones(3)), "one target"),
        ("pixel_shuffle", (mg.ones(1, 3, 2, 2), 2), "pixel_shuffle takes"),
        ("pixel_unshuffle", (mg.ones(1, 3, 3, 2), 2), "pixel_unshuffle takes"),
        ("unfold", (mg.ones(1, 1, 2, 2), 3), "does not fit"),
        ("fold", (mg.ones(1, 5, 4), (3, 3), 2), "fold: windows"),
        ("bilinear", (mg.ones(2, 3), mg.ones(2, 4), mg.ones(5, 4, 3)), "bilinear takes"),
        ("interpolate", (mg.ones(1, 1, 2, 2),), "either size or scale_factor"),
        ("interpolate", (mg.ones(1, 1, 2, 2), 3, None, "linear"), "bilinear"),
        ("interpolate", (mg.ones(1, 1, 2, 2), 3, None, "cubic"), "mode is one of"),
        ("local_response_norm", (mg.ones(2, 3), 2), "local_response_norm takes"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(F, name)(*arguments)


def test_a_negative_beta_is_refused():
    with pytest.raises(ValueError, match="at least 0"):
        F.smooth_l1_loss(mg.ones(3), mg.ones(3), beta=-1.0)


def test_attention_refuses_what_does_not_go_together():
    q, k = mg.ones(2, 3), mg.ones(4, 3)
    with pytest.raises(ValueError, match="takes queries"):
        F.scaled_dot_product_attention(q, k, mg.ones(3, 2))
    with pytest.raises(ValueError, match="itself a mask"):
        F.scaled_dot_product_attention(q, k, k, attn_mask=mg.ones(2, 4), is_causal=True)
    heads = mg.ones(2, 4, 3)
    with pytest.raises(ValueError, match="cannot serve"):
        F.scaled_dot_product_attention(mg.ones(3, 2, 3), heads, heads, enable_gqa=True)


def test_a_hard_sample_has_the_gradient_of_the_soft_one():
    x, weight = rng().normal(size=(4, 5)), rng().normal(size=(4, 5))
    leaves = [mg.tensor(x, requires_grad=True) for _ in range(2)]
    outs = []
    for leaf, hard in zip(leaves, (False, True)):
        mg.manual_seed(5)
        outs.append(F.gumbel_softmax(leaf, 0.7, hard))
        (outs[-1] * mg.tensor(weight)).sum().backward()
    soft, hard = (out.detach().numpy() for out in outs)
    np.testing.assert_array_equal(hard.sum(-1), 1)
    np.testing.assert_array_equal(hard.argmax(-1), soft.argmax(-1))
    np.testing.assert_array_equal(leaves[0].grad.numpy(), leaves[1].grad.numpy())
    with pytest.raises(ValueError, match="tau is positive"):
        F.gumbel_softmax(leaves[0], 0)


def test_multilabel_margin_loss_refuses():
    x = mg.ones(2, 3)
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(3,\)"):
        F.multilabel_margin_loss(x, mg.tensor([0, 1, -1]))
    with pytest.raises(TypeError, match="classes are integers"):
        F.multilabel_margin_loss(x, mg.zeros(2, 3))
    with pytest.raises(IndexError, match=r"0 \.\.\. 2"):
        F.multilabel_margin_loss(x, mg.tensor([[0, 3, -1], [0, 1, 2]]))


def test_linear_refuses_a_number() -> None:
    with pytest.raises(ValueError, match="got a 0-d tensor"):
        mg.nn.Linear(3, 2)(mg.tensor(1.0))
