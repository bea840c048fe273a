"""nn.functional gives PyTorch's values and gradients, for arguments that Hypothesis makes up."""

import inspect
import math
import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import minigrad as mg
import minigrad.nn.functional as F

torch = pytest.importorskip("torch")

seeds = st.integers(0, 2**32 - 1)
reductions = st.sampled_from(["none", "mean", "sum"])
several = settings(max_examples=40, deadline=None)
few = settings(max_examples=15, deadline=None)


def close(ours, theirs, tolerance=1e-10):
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)


def leaves(arguments, library):
    """The arguments with arrays as tensors, those of floats requiring grad."""
    made = []
    for argument in arguments:
        if isinstance(argument, np.ndarray):
            tensor = library.tensor(argument)
            argument = tensor.requires_grad_() if argument.dtype.kind == "f" else tensor
        made.append(argument)
    return made


def compare(name, *arguments, seed=0, tolerance=1e-10, **options):
    """Values and gradients of ``F.name``; arrays among `options` are without gradient.

    PyTorch computes a few constants in float32: celu's 1 / alpha (so alpha is a power of 2 here),
    hardsigmoid's 1 / 6 in its derivative, and the smallest denominator in the derivative of
    binary_cross_entropy.  For these two `tolerance` allows for that.
    """
    ours, theirs = leaves(arguments, mg), leaves(arguments, torch)
    constants = {k: v for k, v in options.items() if isinstance(v, np.ndarray)}
    our_options = {**options, **{k: mg.tensor(v) for k, v in constants.items()}}
    their_options = {**options, **{k: torch.tensor(v) for k, v in constants.items()}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        their_out = getattr(torch.nn.functional, name)(*theirs, **their_options)
        our_out = getattr(F, name)(*ours, **our_options)
    if isinstance(their_out, tuple):
        np.testing.assert_array_equal(our_out[1].numpy(), their_out[1].numpy())
        our_out, their_out = our_out[0], their_out[0]
    assert our_out.shape == tuple(their_out.shape)
    assert our_out.dtype == np.float64
    close(our_out.detach().numpy(), their_out.detach().numpy())
    cotangent = np.random.default_rng(seed).standard_normal(our_out.shape)
    our_out.backward(mg.tensor(cotangent))
    their_out.backward(torch.tensor(cotangent))
    for our, their in zip(ours, theirs):
        if isinstance(our, mg.Tensor) and our.requires_grad:
            if their.grad is None:
                assert our.grad is None or not our.grad.numpy().any()
            else:
                close(our.grad.numpy(), their.grad.numpy(), tolerance)


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def some_optional(seed, wanted, *shape):
    """A positive array, or None."""
    return np.random.default_rng(seed).uniform(0.2, 2, shape) if wanted else None


# ------------------------------------------------------------------------------------- signatures


def shows_its_arguments(function):
    """Whether PyTorch does not dispatch by a wrapper that hides them."""
    return inspect.isfunction(function) and "args" not in inspect.signature(function).parameters


NAMES = [
    name
    for name, function in vars(F).items()
    if inspect.isfunction(function)
    and shows_its_arguments(getattr(torch.nn.functional, name, None))
    and not hasattr(function, "op")
    and name != "pad"
]


@pytest.mark.parametrize("name", NAMES)
def test_arguments_have_the_names_order_and_defaults_of_pytorch(name):
    theirs = list(inspect.signature(getattr(torch.nn.functional, name)).parameters.values())
    ours = list(inspect.signature(getattr(F, name)).parameters.values())
    names = [p.name for p in theirs]
    if name == "upsample":  # an older name of `interpolate`: what that has more is taken as well
        ours = ours[: len(theirs)]
    if "size_average" in names:  # given up, as PyTorch advises: what stood after it goes by name
        first = names.index("size_average")
        given_up = ("size_average", "reduce")
        theirs = [
            p.replace(kind=p.KEYWORD_ONLY) if i > first else p
            for i, p in enumerate(theirs)
            if p.name not in given_up
        ]
    assert [(p.name, p.default, p.kind) for p in ours] == [
        (p.name, p.default, p.kind) for p in theirs
    ]


# ------------------------------------------------------------------------------------- activations

KINKS = [0.0, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 6.0, 2.0]
numbers = st.floats(0.1, 2.0)
ACTIVATIONS = {
    "celu": st.fixed_dictionaries({"alpha": st.sampled_from([0.5, 1.0, 2.0])}),
    "elu": st.fixed_dictionaries({"alpha": numbers}),
    "gelu": st.fixed_dictionaries({"approximate": st.sampled_from(["none", "tanh"])}),
    "glu": st.fixed_dictionaries({"dim": st.sampled_from([-1, 0])}),
    "hardshrink": st.fixed_dictionaries({"lambd": st.sampled_from([0.5, 1.0])}),
    "hardsigmoid": st.just({}),
    "hardswish": st.just({}),
    "hardtanh": st.fixed_dictionaries({"min_val": st.just(-0.5), "max_val": numbers}),
    "leaky_relu": st.fixed_dictionaries({"negative_slope": st.floats(-0.5, 2.0)}),
    "log_softmax": st.fixed_dictionaries({"dim": st.sampled_from([-1, 0, 1])}),
    "logsigmoid": st.just({}),
    "mish": st.just({}),
    "relu": st.just({}),
    "relu6": st.just({}),
    "selu": st.just({}),
    "sigmoid": st.just({}),
    "silu": st.just({}),
    "softmax": st.fixed_dictionaries({"dim": st.sampled_from([-1, 0, 1])}),
    "softmin": st.fixed_dictionaries({"dim": st.sampled_from([-1, 0, 1])}),
    "softplus": st.fixed_dictionaries({"beta": numbers, "threshold": st.sampled_from([2.5, 20])}),
    "softshrink": st.fixed_dictionaries({"lambd": st.sampled_from([0.0, 0.5])}),
    "softsign": st.just({}),
    "tanh": st.just({}),
    "tanhshrink": st.just({}),
    "threshold": st.fixed_dictionaries({"threshold": numbers, "value": st.floats(-2, 2)}),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
@few
@given(data=st.data(), seed=seeds)
def test_activation(name, data, seed):
    x = normal(seed, 4, 6) * 3
    if "soft" not in name or name == "softshrink":
        x.flat[: len(KINKS)] = KINKS  # the conventions at kinks are PyTorch's, too
    tolerance = 1e-7 if name == "hardsigmoid" else 1e-10
    compare(name, x, seed=seed, tolerance=tolerance, **data.draw(ACTIVATIONS[name]))


@few
@given(seed=seeds, shape=st.sampled_from([(3,), (4, 3), (2, 3, 4)]), single=st.booleans())
def test_prelu(seed, shape, single):
    weights = 1 if single or len(shape) == 1 else shape[1]
    compare("prelu", normal(seed, *shape), normal(seed + 1, weights), seed=seed)


# ------------------------------------------------------------------------------------------- losses

LOSSES = {
    "mse_loss": st.just({}),
    "l1_loss": st.just({}),
    "smooth_l1_loss": st.fixed_dictionaries({"beta": st.sampled_from([0.0, 0.3, 1.0, 2.5])}),
    "huber_loss": st.fixed_dictionaries({"delta": numbers}),
    "poisson_nll_loss": st.fixed_dictionaries({"full": st.booleans()}),
}


@pytest.mark.parametrize("name", LOSSES)
@few
@given(data=st.data(), seed=seeds, reduction=reductions)
def test_loss_of_numbers(name, data, seed, reduction):
    x, y = normal(seed, 3, 4), normal(seed + 1, 3, 4) * 2
    options = data.draw(LOSSES[name])
    if name == "poisson_nll_loss":
        compare(name, x, seed=seed, target=np.floor(abs(y) * 2), reduction=reduction, **options)
        return
    if name in ("mse_loss", "l1_loss", "huber_loss"):
        options["weight"] = some_optional(seed, data.draw(st.booleans()), 3, 4)
    compare(name, x, y, seed=seed, reduction=reduction, **options)


@few
@given(seed=seeds, reduction=reductions, full=st.booleans())
def test_poisson_of_counts(seed, reduction, full):
    x, y = abs(normal(seed, 3, 4)), np.floor(abs(normal(seed + 1, 3, 4)) * 3)
    options = {"log_input": False, "full": full, "reduction": reduction, "eps": 1e-3}
    compare("poisson_nll_loss", x, seed=seed, target=y, **options)


@few
@given(
    seed=seeds,
    reduction=reductions,
    full=st.booleans(),
    var_shape=st.sampled_from([(3, 4), (3, 1), (3,)]),
)
def test_gaussian(seed, reduction, full, var_shape):
    variance = abs(normal(seed + 2, *var_shape))
    variance.flat[0] = 1e-9  # below eps
    x, y = normal(seed, 3, 4), normal(seed + 1, 3, 4)
    compare("gaussian_nll_loss", x, y, variance, seed=seed, full=full, reduction=reduction)


@several
@given(
    seed=seeds,
    lead=st.sampled_from([(), (4,), (3, 2), (2, 3, 2)]),
    classes=st.integers(1, 5),
    weighted=st.booleans(),
    ignore=st.sampled_from([-100, -1, 0, 1]),
    smoothing=st.sampled_from([0.0, 0.1, 1.0]),
    reduction=reductions,
)
def test_cross_entropy_of_classes(seed, lead, classes, weighted, ignore, smoothing, reduction):
    rng = np.random.default_rng(seed)
    shape = (*lead[:1], classes, *lead[1:]) if lead else (classes,)
    target = rng.integers(0, classes, lead)
    ignored = rng.random(lead) < 0.3
    if ignore < 0:
        target = np.asarray(np.where(ignored, ignore, target))
    weight = some_optional(seed, weighted, classes)
    assume(reduction != "mean" or (target != ignore).any())  # else both give NaN
    options = {"ignore_index": ignore, "reduction": reduction, "weight": weight}
    x = rng.standard_normal(shape) * 3
    compare("cross_entropy", x, target, seed=seed, label_smoothing=smoothing, **options)
    compare("nll_loss", x, target, seed=seed, **options)


@several
@given(
    seed=seeds,
    shape=st.sampled_from([(3,), (4, 3), (4, 3, 2), (2, 3, 2, 2)]),
    weighted=st.booleans(),
    smoothing=st.sampled_from([0.0, 0.2]),
    reduction=reductions,
)
def test_cross_entropy_of_probabilities(seed, shape, weighted, smoothing, reduction):
    axis = min(len(shape) - 1, 1)
    p = abs(normal(seed + 1, *shape))
    weight = some_optional(seed, weighted, 3)
    compare(
        "cross_entropy", normal(seed, *shape), p / p.sum(axis, keepdims=True), seed=seed,
        weight=weight, label_smoothing=smoothing, reduction=reduction,
    )  # fmt: skip


def test_the_mean_over_no_class_is_nan_as_in_pytorch():
    x, target = np.ones((2, 3)), np.array([-100, -100])
    theirs = torch.nn.functional.cross_entropy(torch.tensor(x), torch.tensor(target))
    assert math.isnan(theirs.item())
    assert math.isnan(F.cross_entropy(mg.tensor(x), mg.tensor(target)).item())


@few
@given(seed=seeds, reduction=reductions, weighted=st.booleans(), certain=st.booleans())
def test_binary_cross_entropy(seed, reduction, weighted, certain):
    rng = np.random.default_rng(seed)
    x, y = rng.random((3, 4)), rng.random((3, 4))
    if certain:
        x[0], y[1] = [0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 0.0, 1.0]
    options = {"weight": some_optional(seed, weighted, 4), "reduction": reduction}
    tolerance = 1e-7 if certain else 1e-10
    compare("binary_cross_entropy", x, seed=seed, target=y, tolerance=tolerance, **options)


@few
@given(seed=seeds, reduction=reductions, weighted=st.booleans(), positive=st.booleans())
def test_binary_cross_entropy_with_logits(seed, reduction, weighted, positive):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((3, 4)) * 5, rng.random((3, 4))
    weight = some_optional(seed, weighted, 4)
    pos_weight = some_optional(seed + 1, positive, 4)
    options = {"weight": weight, "pos_weight": pos_weight, "reduction": reduction}
    compare("binary_cross_entropy_with_logits", x, y, seed=seed, **options)


@few
@given(
    seed=seeds,
    reduction=st.sampled_from(["none", "mean", "sum", "batchmean"]),
    log_target=st.booleans(),
)
def test_kl_div(seed, reduction, log_target):
    y = abs(normal(seed + 1, 3, 4)) + 0.1
    y /= y.sum(1, keepdims=True)
    y = np.log(y) if log_target else y
    compare("kl_div", normal(seed, 3, 4), y, seed=seed, reduction=reduction, log_target=log_target)


@few
@given(seed=seeds, reduction=reductions, margin=st.floats(0.05, 2.0))
def test_margin_losses(seed, reduction, margin):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((5, 4)), rng.standard_normal((5, 4))
    signs = np.where(rng.random((5, 4)) < 0.5, -1.0, 1.0)
    options = {"reduction": reduction, "seed": seed}
    compare("hinge_embedding_loss", abs(x), target=signs, margin=margin, **options)
    compare("margin_ranking_loss", x, y, target=signs, margin=margin, **options)
    compare("soft_margin_loss", x, target=signs, **options)
    compare("cosine_embedding_loss", x, y, target=signs[:, 0], margin=margin / 3, **options)
    compare("multilabel_soft_margin_loss", x, target=(signs + 1) / 2, **options)
    weight = rng.random(4)
    compare("multilabel_soft_margin_loss", x, target=(signs + 1) / 2, weight=weight, **options)


@few
@given(
    seed=seeds,
    reduction=reductions,
    margin=st.floats(0.1, 2.0),
    p=st.sampled_from([1, 2]),
    weighted=st.booleans(),
    single=st.booleans(),
)
def test_multi_margin(seed, reduction, margin, p, weighted, single):
    shape = (4,) if single else (3, 4)
    target = np.random.default_rng(seed).integers(0, 4, shape[:-1])
    options = {"weight": some_optional(seed, weighted, 4), "reduction": reduction}
    x = normal(seed, *shape)
    compare("multi_margin_loss", x, np.asarray(target), p=p, margin=margin, seed=seed, **options)


@few
@given(
    seed=seeds,
    reduction=reductions,
    margin=st.floats(0.1, 2.0),
    p=st.sampled_from([1.0, 2.0, 3.0]),
    swap=st.booleans(),
)
def test_triplets(seed, reduction, margin, p, swap):
    rows = [normal(seed + i, 4, 3) for i in range(3)]
    options = {"margin": margin, "swap": swap, "reduction": reduction, "seed": seed}
    compare("triplet_margin_loss", *rows, p=p, **options)
    compare("triplet_margin_with_distance_loss", *rows, **options)


# ----------------------------------------------------------------------- distances, lookups, layers


@few
@given(seed=seeds, dim=st.sampled_from([0, 1, -1]), p=st.sampled_from([1.0, 2.0, 3.0, math.inf]))
def test_distances(seed, dim, p):
    x, y = normal(seed, 3, 4), normal(seed + 1, 3, 4)
    compare("cosine_similarity", x, y, dim=dim, seed=seed)
    compare("cosine_similarity", x, y[:1], dim=dim, seed=seed)
    compare("pairwise_distance", x, y, p=p, seed=seed, keepdim=dim == 0)
    compare("normalize", x, p=p, dim=dim, seed=seed)


@few
@given(
    seed=seeds,
    shape=st.sampled_from([(), (5,), (2, 3), (0,)]),
    padding=st.sampled_from([None, 0, -1]),
    frequency=st.booleans(),
)
def test_embedding(seed, shape, padding, frequency):
    index = np.asarray(np.random.default_rng(seed).integers(0, 4, shape))
    options = {"padding_idx": padding, "scale_grad_by_freq": frequency}
    compare("embedding", index, normal(seed, 4, 3), seed=seed, **options)


@few
@given(seed=seeds, max_norm=st.floats(0.5, 2.0), p=st.sampled_from([1.0, 2.0]))
def test_embedding_shortens_rows_in_place(seed, max_norm, p):
    table, index = normal(seed, 4, 3), np.array([0, 2, 2])
    ours, theirs = mg.tensor(table), torch.tensor(table)
    out = F.embedding(mg.tensor(index), ours, max_norm=max_norm, norm_type=p)
    expected = torch.nn.functional.embedding(
        torch.tensor(index), theirs, max_norm=max_norm, norm_type=p
    )
    close(out.numpy(), expected.numpy())
    close(ours.numpy(), theirs.numpy())


@several
@given(
    seed=seeds,
    mode=st.sampled_from(["sum", "mean", "max"]),
    sizes=st.lists(st.integers(0, 3), min_size=1, max_size=4),
    padding=st.sampled_from([None, 1]),
    weighted=st.booleans(),
    last=st.booleans(),
)
def test_embedding_bag(seed, mode, sizes, padding, weighted, last):
    rng = np.random.default_rng(seed)
    ends = np.cumsum(sizes)
    index = rng.integers(0, 5, ends[-1])
    offsets = np.concatenate([[0], ends if last else ends[:-1]])
    weights = rng.random(ends[-1]) if weighted and mode == "sum" else None
    options = {"mode": mode, "padding_idx": padding, "include_last_offset": last}
    compare(
        "embedding_bag", index, normal(seed, 5, 3), seed=seed, offsets=offsets,
        per_sample_weights=weights, **options,
    )  # fmt: skip
    rows = rng.integers(0, 5, (3, 4))
    compare("embedding_bag", rows, normal(seed, 5, 3), seed=seed, mode=mode, padding_idx=padding)


@few
@given(seed=seeds, lead=st.sampled_from([(), (3,), (2, 3)]), biased=st.booleans())
def test_linear_layers(seed, lead, biased):
    x, y, bias = normal(seed, *lead, 4), normal(seed + 1, *lead, 3), normal(seed + 2, 2)
    bias = bias if biased else None
    compare("linear", x, normal(seed, 2, 4), bias, seed=seed)
    if lead:
        compare("bilinear", x, y, normal(seed, 2, 4, 3), bias, seed=seed)


@several
@given(
    seed=seeds,
    lead=st.sampled_from([(), (2,), (2, 4)]),
    mask=st.sampled_from([None, "bool", "number", "causal", "dead"]),
    scale=st.sampled_from([None, 0.3]),
)
def test_attention(seed, lead, mask, scale):
    rng = np.random.default_rng(seed)
    q, k, v = (normal(seed + i, *lead, n, d) for i, (n, d) in enumerate([(3, 4), (5, 4), (5, 2)]))
    options = {"scale": scale, "is_causal": mask == "causal"}
    if mask in ("bool", "dead"):
        allowed = rng.random((3, 5)) < 0.5
        allowed[:, 0] = True
        allowed[0] &= mask != "dead"
        options["attn_mask"] = allowed
    elif mask == "number":
        options["attn_mask"] = rng.standard_normal((3, 5))
    compare("scaled_dot_product_attention", q, k, v, seed=seed, **options)


@few
@given(seed=seeds)
def test_attention_with_shared_heads(seed):
    q, k, v = normal(seed, 2, 4, 3, 5), normal(seed + 1, 2, 2, 6, 5), normal(seed + 2, 2, 2, 6, 5)
    compare("scaled_dot_product_attention", q, k, v, seed=seed, enable_gqa=True)


# ---------------------------------------------------------------------------------- normalisation


@several
@given(
    seed=seeds,
    rest=st.sampled_from([(), (4,), (2, 3)]),
    training=st.booleans(),
    affine=st.booleans(),
    tracked=st.booleans(),
    momentum=st.sampled_from([0.1, 0.7]),
)
def test_batch_norm(seed, rest, training, affine, tracked, momentum):
    assume(training or tracked)
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((5, 3, *rest)) * 2 + 1
    vectors = [rng.random(3) + 0.5 for _ in range(4)]
    results = []
    for library, functional in ((mg, F), (torch, torch.nn.functional)):
        tensor = library.tensor(x).requires_grad_()
        mean, var, weight, bias = (library.tensor(vector) for vector in vectors)
        parameters = [weight.requires_grad_(), bias.requires_grad_()] if affine else [None, None]
        running = [mean, var] if tracked else [None, None]
        out = functional.batch_norm(tensor, *running, *parameters, training, momentum, 1e-3)
        cotangent = np.random.default_rng(seed).standard_normal(x.shape)
        out.backward(library.tensor(cotangent))
        results.append([out.detach(), tensor.grad, mean, var])
        results[-1] += [weight.grad, bias.grad] if affine else []
    for ours, theirs in zip(*results):
        close(ours.numpy(), theirs.numpy())


@few
@given(seed=seeds, rest=st.sampled_from([(4,), (2, 3)]), stats=st.booleans(), affine=st.booleans())
def test_instance_norm(seed, rest, stats, affine):
    rng = np.random.default_rng(seed)
    x, vectors = rng.standard_normal((2, 3, *rest)), [rng.random(3) + 0.5 for _ in range(4)]
    results = []
    for library, functional in ((mg, F), (torch, torch.nn.functional)):
        tensor = library.tensor(x).requires_grad_()
        mean, var, weight, bias = (library.tensor(vector) for vector in vectors)
        parameters = [weight, bias] if affine else [None, None]
        out = functional.instance_norm(tensor, mean, var, *parameters, stats, 0.3, 1e-3)
        out.backward(library.tensor(np.random.default_rng(seed).standard_normal(x.shape)))
        results.append([out.detach(), tensor.grad, mean, var])
    for ours, theirs in zip(*results):
        close(ours.numpy(), theirs.numpy())


@few
@given(seed=seeds, affine=st.booleans(), axes=st.integers(1, 2))
def test_norms_of_layers_and_groups(seed, affine, axes):
    shape = (2, 4, 3)
    x, own = normal(seed, *shape), shape[-axes:]
    weight = normal(seed + 1, *own) if affine else None
    bias = normal(seed + 2, *own) if affine else None
    compare("layer_norm", x, own, weight, bias, seed=seed, eps=1e-4)
    compare("rms_norm", x, own, weight, seed=seed)
    weight = normal(seed + 1, 4) if affine else None
    bias = normal(seed + 2, 4) if affine else None
    compare("group_norm", x, 2 * axes, weight, bias, seed=seed)
    compare("local_response_norm", x, 1 + axes, seed=seed, alpha=0.5, beta=0.6, k=1.5)


# ------------------------------------------------------------------------- convolution and pooling


@several
@given(
    seed=seeds,
    axes=st.integers(1, 2),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.integers(1, 3),
    padding=st.sampled_from([0, 1, 3, "same", "valid"]),
    dilation=st.integers(1, 2),
    groups=st.sampled_from([1, 2]),
    batched=st.booleans(),
    biased=st.booleans(),
)
def test_convolution(seed, axes, kernel, stride, padding, dilation, groups, batched, biased):
    stride = 1 if padding == "same" else stride
    size = (7, 6)[:axes]
    x = normal(seed, 3, 4, *size) if batched else normal(seed, 4, *size)
    weight = normal(seed + 1, 6, 4 // groups, *kernel[:axes])
    bias = normal(seed + 2, 6) if biased else None
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    compare(f"conv{axes}d", x, weight, bias, seed=seed, **options)


@several
@given(
    seed=seeds,
    axes=st.integers(1, 2),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    output_padding=st.integers(0, 2),
    dilation=st.integers(1, 3),
    groups=st.sampled_from([1, 2]),
    batched=st.booleans(),
    biased=st.booleans(),
)
def test_transposed_convolution(
    seed, axes, kernel, stride, padding, output_padding, dilation, groups, batched, biased
):
    assume(output_padding < max(stride, dilation))
    size = (5, 6)[:axes]
    x = normal(seed, 3, 4, *size) if batched else normal(seed, 4, *size)
    weight = normal(seed + 1, 4, 3, *kernel[:axes])
    sizes = [
        (n - 1) * stride - 2 * padding + dilation * (k - 1) + output_padding + 1
        for n, k in zip(size, kernel)
    ]
    assume(min(sizes) > 0)
    bias = normal(seed + 2, 3 * groups) if biased else None
    compare(
        f"conv_transpose{axes}d", x, weight, bias, seed=seed, stride=stride, padding=padding,
        output_padding=output_padding, dilation=dilation, groups=groups,
    )  # fmt: skip


@several
@given(
    seed=seeds,
    axes=st.integers(1, 2),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.sampled_from([None, 1, 2, 3]),
    padding=st.integers(0, 1),
    dilation=st.integers(1, 2),
    ceil_mode=st.booleans(),
    ties=st.booleans(),
)
def test_max_pool(seed, axes, kernel, stride, padding, dilation, ceil_mode, ties):
    kernel = kernel[:axes]
    assume(2 * padding <= min(kernel))
    x = normal(seed, 2, 3, *(7, 6)[:axes])
    x = x.round() if ties else x
    for return_indices in (False, True):
        compare(
            f"max_pool{axes}d", x, kernel, seed=seed, stride=stride, padding=padding,
            dilation=dilation, ceil_mode=ceil_mode, return_indices=return_indices,
        )  # fmt: skip


@several
@given(
    seed=seeds,
    axes=st.integers(1, 2),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.sampled_from([None, 1, 2, 3]),
    padding=st.integers(0, 1),
    ceil_mode=st.booleans(),
    count_include_pad=st.booleans(),
    divisor=st.sampled_from([None, 5]),
)
def test_avg_pool(seed, axes, kernel, stride, padding, ceil_mode, count_include_pad, divisor):
    kernel = kernel[:axes]
    assume(2 * padding <= min(kernel))
    options = {"ceil_mode": ceil_mode, "count_include_pad": count_include_pad}
    if axes == 2:
        options["divisor_override"] = divisor
    x = normal(seed, 2, 3, *(7, 6)[:axes])
    compare(f"avg_pool{axes}d", x, kernel, stride, padding, seed=seed, **options)


@several
@given(
    seed=seeds,
    sizes=st.tuples(st.integers(1, 9), st.one_of(st.none(), st.integers(1, 9))),
    ties=st.booleans(),
)
def test_adaptive_pool(seed, sizes, ties):
    x = normal(seed, 2, 3, 7, 6)
    x = x.round() if ties else x
    compare("adaptive_avg_pool2d", x, sizes, seed=seed)
    compare("adaptive_max_pool2d", x, sizes, seed=seed, return_indices=True)
    compare("adaptive_avg_pool1d", x[0], sizes[0], seed=seed)
    compare("adaptive_max_pool1d", x[0], sizes[0], seed=seed, return_indices=True)


@several
@given(
    seed=seeds,
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
)
def test_unfold_and_fold(seed, kernel, stride, padding, dilation):
    options = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    x = normal(seed, 2, 3, 6, 5)
    compare("unfold", x, seed=seed, **options)
    columns = torch.nn.functional.unfold(torch.tensor(x), **options).numpy()
    compare("fold", columns, (6, 5), seed=seed, **options)


@few
@given(seed=seeds, mode=st.sampled_from(["constant", "reflect", "replicate", "circular"]))
def test_pad(seed, mode):
    compare("pad", normal(seed, 2, 3, 4, 5), (1, 2, 3, 0), mode=mode, seed=seed)


@few
@given(seed=seeds, factor=st.integers(1, 3))
def test_pixel_shuffle(seed, factor):
    compare("pixel_shuffle", normal(seed, 2, 2 * factor**2, 2, 3), factor, seed=seed)
    compare("pixel_unshuffle", normal(seed, 2, 2, 2 * factor, 3 * factor), factor, seed=seed)


@several
@given(
    seed=seeds,
    mode=st.sampled_from(["nearest", "nearest-exact", "linear", "bilinear", "area"]),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    factor=st.one_of(st.none(), st.sampled_from([0.5, 1.5, 2.0, 2.3])),
    align=st.booleans(),
    recompute=st.booleans(),
)
def test_interpolate(seed, mode, size, factor, align, recompute):
    axes = 1 if mode == "linear" else 2
    options = {"align_corners": align} if "linear" in mode else {}
    if factor is None:
        options["size"] = size[:axes]
    else:
        options |= {"scale_factor": factor, "recompute_scale_factor": recompute}
    compare("interpolate", normal(seed, 2, 3, *(5, 6)[:axes]), mode=mode, seed=seed, **options)


@few
@given(seed=seeds, reduction=reductions, single=st.booleans())
def test_multilabel_margin(seed, reduction, single):
    rng = np.random.default_rng(seed)
    rows = [rng.permutation(5) for _ in range(3)]
    for row in rows:
        row[rng.integers(0, 5) :] = rng.integers(-1, 5)  # a repeated class, or the end
    target = rows[0] if single else np.array(rows)
    compare(
        "multilabel_margin_loss", normal(seed, *target.shape), target, reduction=reduction,
        seed=seed,
    )  # fmt: skip


def test_gumbel_softmax_draws_with_the_probabilities_of_the_softmax():
    logits = np.log([0.1, 0.2, 0.7])
    drawn = mg.nn.functional.gumbel_softmax(mg.tensor(logits).expand(20000, 3), hard=True)
    np.testing.assert_allclose(drawn.mean(0).numpy(), [0.1, 0.2, 0.7], atol=0.015)
    many = torch.tensor(logits).expand(20000, 3)
    theirs = torch.nn.functional.gumbel_softmax(many, tau=0.5).numpy()
    ours = mg.nn.functional.gumbel_softmax(mg.tensor(logits).expand(20000, 3), tau=0.5).numpy()
    np.testing.assert_allclose(ours.mean(0), theirs.mean(0), atol=0.02)
    np.testing.assert_allclose(ours.std(0), theirs.std(0), atol=0.02)
