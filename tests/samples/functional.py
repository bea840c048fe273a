"""Rows of nn.functional, without convolution and pooling."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg
from tests.samples.sample import Domain, Sample, between, distinct, normal, positive, unary

F = mg.nn.functional
CLASSES = np.array([2, 0, 1, 2])
SIGNS = np.array([[1, -1, 1], [-1, -1, 1]])


def function(name: str, *args: Any, **more: Any) -> Sample:
    return Sample(f"nn.functional.{name}", *args, **more)


def elementwise(
    name: str, reference: Callable[..., Any], domain: Domain = normal, **more: Any
) -> Sample:
    return unary(f"nn.functional.{name}", reference, domain, **more)


def call(name: str, *before: Any, **options: Any) -> Callable[..., Any]:
    """The function with constant arguments after its operands."""
    return lambda *operands: getattr(F, name)(*operands, *before, **options)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def softplus(x: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(x))


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    return np.exp(x) / np.exp(x).sum(axis, keepdims=True)


def off_kinks(*kinks: float) -> Domain:
    """Numbers on both sides of some kinks, none closer than 0.05."""

    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        x = rng.uniform(min(kinks) - 1, max(kinks) + 1, shape)
        for kink in kinks:
            x = np.where(abs(x - kink) < 0.05, x + 0.1, x)
        return x

    return draw


cdf = np.vectorize(lambda x: 0.5 * math.erfc(-x / math.sqrt(2)), otypes=[float])


def gelu_tanh(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


ACTIVATIONS = [
    elementwise("relu", lambda x: np.maximum(x, 0)),
    elementwise("relu6", lambda x: np.clip(x, 0, 6), off_kinks(0, 6)),
    elementwise("hardtanh", lambda x: np.clip(x, -1, 1), off_kinks(-1, 1)),
    elementwise("hardtanh", lambda x: np.clip(x, 0.2, 2), off_kinks(0.2, 2),
                call=call("hardtanh", 0.2, 2.0), case="bounds"),
    elementwise("leaky_relu", lambda x: np.where(x > 0, x, 0.01 * x)),
    elementwise("leaky_relu", lambda x: np.where(x > 0, x, 2 * x),
                call=call("leaky_relu", 2.0), case="steep"),
    function("prelu", lambda x, w: np.where(x > 0, x, x * w[:, None]), ((2, 3, 4), (3,))),
    function("prelu", lambda x, w: np.where(x > 0, x, x * w[0]), ((5,), (1,)), case="one weight",
             zero_d=((), (1,))),
    elementwise("threshold", lambda x: np.where(x > 0.5, x, 7.0), off_kinks(0.5),
                call=call("threshold", 0.5, 7.0)),
    elementwise("hardshrink", lambda x: np.where(abs(x) > 0.5, x, 0), off_kinks(-0.5, 0.5)),
    elementwise("softshrink", lambda x: np.sign(x) * np.maximum(abs(x) - 0.5, 0),
                off_kinks(-0.5, 0.5)),
    elementwise("tanhshrink", lambda x: x - np.tanh(x)),
    elementwise("hardsigmoid", lambda x: np.clip(x + 3, 0, 6) / 6, off_kinks(-3, 3)),
    elementwise("hardswish", lambda x: x * np.clip(x + 3, 0, 6) / 6, off_kinks(-3, 3)),
    elementwise("elu", lambda x: np.where(x > 0, x, np.exp(x) - 1)),
    elementwise("elu", lambda x: np.where(x > 0, x, 0.3 * (np.exp(x) - 1)),
                call=call("elu", 0.3), case="alpha"),
    elementwise("selu", lambda x: 1.0507009873554805 * np.where(
        x > 0, x, 1.6732632423543773 * (np.exp(x) - 1))),
    elementwise("celu", lambda x: np.where(x > 0, x, 2 * (np.exp(x / 2) - 1)),
                call=call("celu", 2.0)),
    elementwise("logsigmoid", lambda x: np.log(sigmoid(x))),
    elementwise("softsign", lambda x: x / (1 + abs(x))),
    elementwise("silu", lambda x: x * sigmoid(x)),
    elementwise("mish", lambda x: x * np.tanh(softplus(x))),
    elementwise("gelu", lambda x: x * cdf(x)),
    elementwise("gelu", gelu_tanh, call=call("gelu", approximate="tanh"), case="tanh"),
    elementwise("glu", lambda x: x[:, :2] * sigmoid(x[:, 2:]), shapes=((3, 4),), zero_d=None,
                empty=((0, 4),)),
    elementwise("glu", lambda x: x[:2] * sigmoid(x[2:]), shapes=((4, 3),), zero_d=None,
                empty=None, call=call("glu", 0), case="first axis"),
    elementwise("softmax", lambda x: softmax(x, 1), call=call("softmax", 1), zero_d=None,
                along=F.softmax),
    elementwise("softmin", lambda x: softmax(-x, 1), call=call("softmin", 1), zero_d=None,
                along=F.softmin),
    elementwise("log_softmax", lambda x: np.log(softmax(x, 1)), call=call("log_softmax", 1),
                zero_d=None, along=F.log_softmax),
]  # fmt: skip


# ------------------------------------------------------------------------------------------- losses


def loss(name: str, each: Callable[..., Any], *shapes: Any, **more: Any) -> list[Sample]:
    """Three rows: the mean, the sum, and the losses of all entries, which `each` gives."""
    options = more.pop("options", {})
    constants = more.pop("constants", ())
    case = more.pop("case", "")
    shapes = shapes or ((3, 4), (3, 4))
    return [
        function(
            name,
            (lambda *operands, reduce=reduce: reduce(each(*operands))),
            shapes,
            call=call(name, *constants, **options, reduction=reduction),
            case=f"{case} {reduction}".strip(),
            **more,
        )
        for reduction, reduce in (("mean", np.mean), ("sum", np.sum), ("none", lambda x: x))
    ]


def huber(x: np.ndarray, y: np.ndarray, delta: float) -> np.ndarray:
    d = abs(x - y)
    return np.where(d < delta, d * d / 2, delta * (d - delta / 2))


def log_likelihood(x: np.ndarray) -> np.ndarray:
    return np.log(softmax(x, 1))


def with_probabilities(x: np.ndarray, p: np.ndarray) -> np.ndarray:
    return -(p * log_likelihood(x)).sum(1)


def smoothed(x: np.ndarray) -> np.ndarray:
    return with_probabilities(x, 0.8 * np.eye(3)[CLASSES] + 0.2 / 3)


LABELS = np.array([[2, 0, -1], [1, -1, 0], [-1, 0, 1], [2, 1, 0]])  # what follows -1 is unused


def multilabel_margin(x: np.ndarray) -> np.ndarray:
    losses = []
    for row, labels in zip(x, ([2, 0], [1], [], [2, 1, 0])):
        wrong = [k for k in range(3) if k not in labels]
        losses.append(sum(max(0, 1 - row[j] + row[k]) for j in labels for k in wrong) / 3)
    return np.array(losses, x.dtype)


def multi_margin(x: np.ndarray) -> np.ndarray:
    right = np.take_along_axis(x, CLASSES[:, None], 1)
    return np.where(np.eye(3)[CLASSES] > 0, 0, np.maximum(1 - right + x, 0)).sum(1) / 3


def cosine(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x * y).sum(-1) / np.sqrt((x * x).sum(-1) * (y * y).sum(-1))


def cosine_embedding(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.where(SIGNS[:, 0] > 0, 1 - cosine(x, y), np.maximum(cosine(x, y) + 1, 0))


def distance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.sqrt(((x - y + 1e-6) ** 2).sum(-1))


def triplet(a: np.ndarray, p: np.ndarray, n: np.ndarray) -> np.ndarray:
    return np.maximum(distance(a, p) - distance(a, n) + 5, 0)


def squared_distance(x: Any, y: Any) -> Any:
    return mg.sum((x - y) * (x - y), -1)


def triplet_of_squares(a: np.ndarray, p: np.ndarray, n: np.ndarray) -> np.ndarray:
    near, far = ((a - p) ** 2).sum(-1), np.minimum(((a - n) ** 2).sum(-1), ((p - n) ** 2).sum(-1))
    return np.maximum(near - far + 50, 0)


probability = between(0.1, 0.9)
LOSSES = [
    *loss("mse_loss", lambda x, y: (x - y) ** 2),
    function("mse_loss", lambda x, y, w: np.sum(w * (x - y) ** 2) / np.sum(w), ((3, 4),) * 3,
             domain=(normal, normal, positive), call=lambda x, y, w: F.mse_loss(x, y, weight=w),
             case="weights"),
    *loss("l1_loss", lambda x, y: abs(x - y)),
    *loss("smooth_l1_loss", lambda x, y: huber(x, y, 0.7) / 0.7, options={"beta": 0.7}),
    *loss("huber_loss", lambda x, y: huber(x, y, 0.7), options={"delta": 0.7}),
    *loss("poisson_nll_loss", lambda x, y: np.exp(x) - y * x, domain=(normal, positive)),
    function("poisson_nll_loss",
             lambda x, y: np.mean(x + y * np.log(y / x) - y + np.log(2 * np.pi * y) / 2),
             ((3, 4), (3, 4)), domain=(positive, between(1.5, 4)),
             call=call("poisson_nll_loss", log_input=False, full=True, eps=0.0), case="full"),
    *loss("gaussian_nll_loss", lambda x, y, v: (np.log(v) + (x - y) ** 2 / v) / 2,
          (3, 4), (3, 4), (3, 4), domain=(normal, normal, positive)),
    *loss("cross_entropy", lambda x: -log_likelihood(x)[np.arange(4), CLASSES], (4, 3),
          constants=(CLASSES,)),
    *loss("cross_entropy", with_probabilities, (4, 3), (4, 3), domain=(normal, positive),
          case="probabilities"),
    *loss("cross_entropy", smoothed, (4, 3), constants=(CLASSES,),
          options={"label_smoothing": 0.2}, case="smoothed"),
    Sample("ops.neural.cross_entropy", lambda x: -log_likelihood(x)[np.arange(4), CLASSES].mean(),
           ((4, 3),), call=lambda x: mg.ops.neural.cross_entropy(x, CLASSES)),
    *loss("nll_loss", lambda x: -x[np.arange(4), CLASSES], (4, 3), constants=(CLASSES,)),
    *loss("binary_cross_entropy", lambda x, y: -y * np.log(x) - (1 - y) * np.log(1 - x),
          domain=probability),
    *loss("binary_cross_entropy_with_logits",
          lambda x, y: y * softplus(-x) + (1 - y) * softplus(x), domain=(normal, probability)),
    function("binary_cross_entropy_with_logits",
             lambda x, y, w, p: np.mean(w * (p * y * softplus(-x) + (1 - y) * softplus(x))),
             ((3, 4), (3, 4), (4,), (4,)), domain=(normal, probability, positive, positive),
             call=lambda x, y, w, p: F.binary_cross_entropy_with_logits(x, y, w, pos_weight=p),
             case="weights"),
    *loss("kl_div", lambda x, y: y * (np.log(y) - x), domain=positive)[1:],
    function("kl_div", lambda x, y: np.sum(np.exp(y) * (y - x)) / 3, ((3, 4), (3, 4)),
             call=call("kl_div", reduction="batchmean", log_target=True), case="batchmean"),
    *loss("hinge_embedding_loss", lambda x: np.where(SIGNS > 0, x, np.maximum(1 - x, 0)), (2, 3),
          constants=(SIGNS,), domain=between(0.1, 0.9)),
    *loss("margin_ranking_loss", lambda x, y: np.maximum(-SIGNS * (x - y) + 3, 0), (2, 3), (2, 3),
          constants=(SIGNS,), options={"margin": 3.0}, second=False),
    *loss("multi_margin_loss", multi_margin, (4, 3), constants=(CLASSES,), second=False),
    *loss("multilabel_margin_loss", multilabel_margin, (4, 3), constants=(LABELS,), second=False),
    *loss("soft_margin_loss", lambda x: softplus(-SIGNS * x), (2, 3), constants=(SIGNS,)),
    *loss("multilabel_soft_margin_loss",
          lambda x, y: (y * softplus(-x) + (1 - y) * softplus(x)).mean(-1),
          domain=(normal, probability)),
    *loss("cosine_embedding_loss", cosine_embedding, (2, 4), (2, 4), constants=(SIGNS[:, 0],),
          options={"margin": -1.0}),
    *loss("triplet_margin_loss", triplet, (2, 4), (2, 4), (2, 4), options={"margin": 5.0}),
    *loss("triplet_margin_with_distance_loss", triplet_of_squares, (2, 4), (2, 4), (2, 4),
          options={"distance_function": squared_distance, "swap": True, "margin": 50.0}),
]  # fmt: skip


# -------------------------------------------------------------------------------- all other layers


def standardized(x: np.ndarray, axis: Any) -> np.ndarray:
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + 1e-5)


def lay(vector: np.ndarray) -> np.ndarray:
    return vector[:, None]


def grouped(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    parts = standardized(x.reshape(2, 2, 6), 2)
    return parts.reshape(x.shape) * lay(w) + lay(b)


def local_response(x: np.ndarray) -> np.ndarray:
    squares = np.pad(x * x, ((0, 0), (1, 1), (0, 0)))
    means = (squares[:, :-2] + squares[:, 1:-1] + squares[:, 2:]) / 3
    return x / (1.5 + 0.5 * means) ** 0.75


def attention(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    return softmax(q @ k.swapaxes(-2, -1) / np.sqrt(q.shape[-1]), -1) @ v


def causal(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    scores = q @ k.swapaxes(-2, -1) / np.sqrt(q.shape[-1])
    return softmax(np.where(np.tri(3, 4) > 0, scores, -1e30), -1) @ v


INDEX = np.array([[0, 2, 2], [3, 0, 0]])
BAGS = np.array([0, 2, 2])
TAKEN = np.array([1, 0, 3, 1])


def mask(shape: tuple[int, ...]) -> np.ndarray:
    """What dropout draws after `seeded`: true where an entry stays."""
    mg.manual_seed(3)
    return mg.random.default_generator.numpy.random(shape, np.float32) >= 0.4


def uniform(shape: tuple[int, ...]) -> np.ndarray:
    """What rrelu and gumbel_softmax draw after `seeded`."""
    mg.manual_seed(3)
    return mg.random.default_generator.numpy.random(shape)


def random_leaks(x: np.ndarray) -> np.ndarray:
    return np.where(x >= 0, x, x * (0.1 + 0.3 * uniform(x.shape)))


def with_gumbel_noise(x: np.ndarray) -> np.ndarray:
    return softmax((x - np.log(-np.log1p(-uniform(x.shape)))) / 0.7, -1)


def seeded(name: str, *arguments: Any) -> Callable[..., Any]:
    def run(x: Any) -> Any:
        mg.manual_seed(3)
        return getattr(F, name)(x, *(arguments or (0.4, True)))

    return run


def alpha_dropped(x: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Entries of mean 0 and variance 1 keep these when some become -1.758."""
    alpha = -1.0507009873554805 * 1.6732632423543773
    scale = (0.6 + alpha**2 * 0.6 * 0.4) ** -0.5
    return scale * (np.where(kept, x, alpha) - alpha * 0.4)


LAYERS = [
    function("batch_norm", lambda x, w, b: standardized(x, 0) * w + b, ((5, 3), (3,), (3,)),
             call=lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True)),
    function("batch_norm", lambda x, w, b: standardized(x, (0, 2)) * lay(w) + lay(b),
             ((2, 3, 4), (3,), (3,)),
             call=lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
             case="signals"),
    function("batch_norm", lambda x, m, v, w, b: (x - m) / np.sqrt(v + 1e-5) * w + b,
             ((5, 3), (3,), (3,), (3,), (3,)), domain=(normal, normal, positive, normal, normal),
             case="evaluation", call=F.batch_norm),
    function("instance_norm", lambda x, w, b: standardized(x, 2) * lay(w) + lay(b),
             ((2, 3, 4), (3,), (3,)),
             call=lambda x, w, b: F.instance_norm(x, None, None, w, b)),
    function("layer_norm", lambda x, w, b: standardized(x, (1, 2)) * w + b,
             ((2, 3, 4), (3, 4), (3, 4)), call=lambda x, w, b: F.layer_norm(x, (3, 4), w, b)),
    function("rms_norm",
             lambda x, w: x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * w,
             ((2, 4), (4,)), call=lambda x, w: F.rms_norm(x, 4, w, 1e-5)),
    function("group_norm", grouped, ((2, 4, 3), (4,), (4,)),
             call=lambda x, w, b: F.group_norm(x, 2, w, b)),
    function("local_response_norm", local_response, ((2, 4, 3),),
             call=call("local_response_norm", 3, alpha=0.5, k=1.5)),
    function("scaled_dot_product_attention", attention, ((2, 3, 5), (2, 4, 5), (2, 4, 2))),
    function("scaled_dot_product_attention", causal, ((2, 3, 5), (2, 4, 5), (2, 4, 2)),
             call=call("scaled_dot_product_attention", is_causal=True), case="causal"),
    function("bilinear", lambda x, y, w, b: np.einsum("ni,oij,nj->no", x, w, y) + b,
             ((3, 2), (3, 4), (5, 2, 4), (5,))),
    function("cosine_similarity", cosine, ((3, 4), (3, 4))),
    function("pairwise_distance", distance, ((3, 4), (3, 4))),
    function("normalize", lambda x: x / np.sqrt((x * x).sum(1, keepdims=True)), ((3, 4),),
             along=lambda x, dim: F.normalize(x, dim=dim)),
    function("normalize", lambda x: x / abs(x).sum(0), ((3, 4),),
             call=call("normalize", p=1.0, dim=0), case="order 1"),
    function("embedding", lambda w: w[INDEX], ((4, 2),), call=lambda w: F.embedding(INDEX, w)),
    function("embedding_bag", lambda w: np.stack([w[1] + w[0], 0 * w[0], w[3] + w[1]]), ((4, 2),),
             call=lambda w: F.embedding_bag(TAKEN, w, BAGS, mode="sum")),
    function("embedding_bag", lambda w: w[INDEX].mean(1), ((4, 2),),
             call=lambda w: F.embedding_bag(INDEX, w), case="mean"),
    function("embedding_bag", lambda w: w[INDEX].max(1), ((4, 2),), domain=distinct,
             call=lambda w: F.embedding_bag(INDEX, w, mode="max"), case="max"),
    function("embedding_bag", lambda w, s: (w[INDEX] * s[..., None]).sum(1), ((4, 2), (2, 3)),
             call=lambda w, s: F.embedding_bag(INDEX, w, mode="sum", per_sample_weights=s),
             case="weights"),
    elementwise("dropout", lambda x: x * mask(x.shape) / 0.6, call=seeded("dropout")),
    elementwise("dropout1d", lambda x: x * mask((*x.shape[:2], 1)) / 0.6, shapes=((2, 3, 4),),
                zero_d=None, empty=None, call=seeded("dropout1d")),
    elementwise("dropout2d", lambda x: x * mask((*x.shape[:2], 1, 1)) / 0.6, zero_d=None,
                shapes=((2, 3, 4, 2),), empty=None, call=seeded("dropout2d")),
    elementwise("dropout3d", lambda x: x * mask((*x.shape[:2], 1, 1, 1)) / 0.6, zero_d=None,
                shapes=((2, 3, 2, 1, 2),), empty=None, call=seeded("dropout3d")),
    elementwise("rrelu", random_leaks, off_kinks(0), call=seeded("rrelu", 0.1, 0.4, True)),
    elementwise("rrelu", lambda x: np.where(x >= 0, x, x * 0.25), off_kinks(0), case="evaluation",
                call=call("rrelu", 0.1, 0.4)),
    elementwise("gumbel_softmax", with_gumbel_noise, call=seeded("gumbel_softmax", 0.7),
                zero_d=None, empty=None),
    elementwise("alpha_dropout", lambda x: alpha_dropped(x, mask(x.shape)),
                call=seeded("alpha_dropout")),
    elementwise("feature_alpha_dropout", lambda x: alpha_dropped(x, mask((*x.shape[:2], 1))),
                shapes=((2, 3, 4),), zero_d=None, empty=None,
                call=seeded("feature_alpha_dropout")),
]  # fmt: skip


# ------------------------------------------------------------------------------------------- images


def windows(x: np.ndarray) -> np.ndarray:
    """Windows of 2 by 3 of an image of 3 by 4, as columns."""
    seen = [x[:, :, i : i + 2, j : j + 3] for i in range(2) for j in range(2)]
    return np.stack([window.reshape(len(x), -1) for window in seen], -1)


def laid_back(columns: np.ndarray) -> np.ndarray:
    out = np.zeros((len(columns), columns.shape[1] // 6, 3, 4))
    for n, (i, j) in enumerate((i, j) for i in range(2) for j in range(2)):
        out[:, :, i : i + 2, j : j + 3] += columns[:, :, n].reshape(len(columns), -1, 2, 3)
    return out


def shuffled(x: np.ndarray) -> np.ndarray:
    out = np.empty((1, 2, 4, 6))
    for a in range(2):
        for b in range(2):
            out[:, :, a::2, b::2] = x[:, 2 * a + b :: 4]
    return out


def unshuffled(x: np.ndarray) -> np.ndarray:
    return np.stack([x[:, c, a::2, b::2] for c in range(2) for a in range(2) for b in range(2)], 1)


def resized(x: np.ndarray) -> np.ndarray:
    """Twice as high and wide, by linear interpolation between the centres of pixels."""
    for axis in (2, 3):
        n = x.shape[axis]
        where = np.clip((np.arange(2 * n) + 0.5) / 2 - 0.5, 0, n - 1)
        x = np.apply_along_axis(
            lambda row, at=where: np.interp(at, np.arange(len(row)), row), axis, x
        )
    return x


def keys(distance: np.ndarray, a: float) -> np.ndarray:
    """The weights of cubic convolution: Keys 1981, equation 4 with its parameter a."""
    d = np.abs(distance)
    near, far = np.array([a + 2, -(a + 3), 0, 1]), np.array([a, -5 * a, 8 * a, -4 * a])
    return np.where(d <= 1, np.polyval(near, d), np.where(d < 2, np.polyval(far, d), 0.0))


def looked_through(weights: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The last two axes of x, multiplied by the same matrix of weights."""
    return np.einsum("ip,jq,ncpq->ncij", weights, weights, x)


def cubed(x: np.ndarray) -> np.ndarray:
    """Twice as high and wide, by cubics; beyond the edge every pixel is as at the edge."""
    where = (np.arange(6) + 0.5) / 2 - 0.5
    outside_too = keys(where[:, None] - np.arange(-2, 5), -0.75)
    weights = outside_too[:, 2:5]
    weights[:, 0] += outside_too[:, :2].sum(1)
    weights[:, -1] += outside_too[:, 5:].sum(1)
    return looked_through(weights, x)


def thinned(x: np.ndarray) -> np.ndarray:
    """Two pixels of three, each through a triangle of 1.5 old pixels to either side."""
    distance = np.abs(np.array([[0.25], [1.75]]) - np.arange(3)) / 1.5
    weights = np.maximum(1 - distance, 0)
    return looked_through(weights / weights.sum(1, keepdims=True), x)


IMAGES = [
    function("unfold", windows, ((2, 2, 3, 4),), call=call("unfold", (2, 3))),
    function("fold", laid_back, ((2, 12, 4),), call=call("fold", (3, 4), (2, 3))),
    function("pixel_shuffle", shuffled, ((1, 8, 2, 3),), call=call("pixel_shuffle", 2)),
    function("pixel_unshuffle", unshuffled, ((1, 2, 4, 6),), call=call("pixel_unshuffle", 2)),
    function("interpolate", lambda x: x.repeat(2, 2).repeat(2, 3), ((1, 2, 2, 3),),
             call=call("interpolate", scale_factor=2)),
    function("interpolate", resized, ((1, 2, 2, 3),), case="bilinear",
             call=call("interpolate", scale_factor=2, mode="bilinear")),
    function("interpolate", cubed, ((1, 2, 3, 3),), case="bicubic",
             call=call("interpolate", scale_factor=2, mode="bicubic")),
    function("interpolate", thinned, ((1, 2, 3, 3),), case="antialias",
             call=call("interpolate", size=2, mode="bilinear", antialias=True)),
    function("interpolate", lambda x: x.repeat(2, 2).repeat(2, 3).repeat(2, 4), ((1, 1, 2, 1, 3),),
             case="volume", call=call("interpolate", scale_factor=2)),
]  # fmt: skip

SAMPLES: list[Sample] = [*ACTIVATIONS, *LOSSES, *LAYERS, *IMAGES]
