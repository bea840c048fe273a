"""One table of all modules: how to make one, and what to feed it.

The tests of properties run over the whole table; a new module needs a row, not a test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


def normal(*shape: int) -> Callable[[np.random.Generator], Any]:
    """Standard normal entries, which require grad."""
    return lambda rng: rng.standard_normal(shape)


def signs(*shape: int) -> Callable[[np.random.Generator], Any]:
    """Entries of 1 and -1, as integers."""
    return lambda rng: rng.choice([-1, 1], shape)


def uniform(low: float, high: float, *shape: int) -> Callable[[np.random.Generator], Any]:
    return lambda rng: rng.uniform(low, high, shape)


def integers(high: int, *shape: int) -> Callable[[np.random.Generator], Any]:
    return lambda rng: rng.integers(0, high, shape)


def first_places(*shape: int) -> Callable[[np.random.Generator], Any]:
    """Positions of windows of size 2 along the last axis: no two of them are the same."""
    return lambda rng: np.broadcast_to(np.arange(shape[-1]) * 2, shape).copy()


def mask(*shape: int) -> Callable[[np.random.Generator], Any]:
    """A random boolean mask that leaves the first key visible to all."""

    def draw(rng: np.random.Generator) -> Any:
        hidden = rng.random(shape) < 0.4
        hidden[..., 0] = False
        return hidden

    return draw


@dataclass
class ModuleCase:
    """A module and inputs for it.

    name      of the class
    args      and `kwargs` of its constructor; a tuple of values that are callable is drawn
    inputs    a function of a generator for each positional argument; None stands for None
    call      the same for keyword arguments, or plain values
    random    whether training draws random numbers, so that only evaluation can be compared
    tolerance of the comparison with PyTorch, relative and absolute
    """

    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[Any, ...] = (normal(3, 4),)
    call: dict[str, Any] = field(default_factory=dict)
    random: bool = False
    tolerance: float = 1e-10

    @property
    def id(self) -> str:
        shown = [shown_as(a) for a in self.args]
        arguments = shown + [f"{k}={shown_as(v)}" for k, v in self.kwargs.items()]
        keywords = [key if callable(v) else f"{key}={v}" for key, v in self.call.items()]
        return f"{self.name}({', '.join(arguments)}){' ' if keywords else ''}{' '.join(keywords)}"

    def draw(self, rng: np.random.Generator) -> tuple[list[Any], dict[str, Any]]:
        """Arrays for the positional and the keyword arguments."""
        args = [None if make is None else make(rng) for make in self.inputs]
        kwargs = {k: make(rng) if callable(make) else make for k, make in self.call.items()}
        return args, kwargs


def shown_as(value: Any) -> str:
    """`value` in the name of a test: the same in every process, so no address of a function."""
    return "drawn" if callable(value) else repr(value)


def case(
    name: str, *args: Any, inputs: Any = None, call: Any = None, random: bool = False, **kwargs: Any
) -> ModuleCase:
    """A row, written like the call of the constructor."""
    if inputs is None:
        inputs = normal(3, 4)
    if not isinstance(inputs, tuple):
        inputs = (inputs,)
    return ModuleCase(name, args, kwargs, inputs, call or {}, random)


# ------------------------------------------------------------------------------------------ tables

PLAIN = [
    "ReLU", "ReLU6", "Sigmoid", "Tanh", "SiLU", "Mish", "Hardswish", "ELU", "CELU",
    "SELU", "GLU", "GELU", "Hardshrink", "LeakyReLU", "LogSigmoid", "Softplus", "Softshrink",
    "PReLU", "Softsign", "Tanhshrink", "Hardtanh", "Identity",
]  # fmt: skip

ACTIVATIONS = [
    *[case(name, inputs=normal(3, 4)) for name in PLAIN],
    # PyTorch multiplies by 1/6 in single precision here
    ModuleCase("Hardsigmoid", tolerance=1e-7),
    case("Threshold", 0.1, 20.0),
    case("RReLU", random=True),
    case("RReLU", 0.1, 0.3, random=True),
    case("Hardtanh", -0.5, 0.7),
    case("ELU", 0.7),
    case("CELU", alpha=0.5),
    case("LeakyReLU", 0.2),
    case("Softplus", 2.0, 1.0),
    case("Softshrink", 0.2),
    case("Hardshrink", 0.2),
    case("GELU", "tanh"),
    case("GLU", 0, inputs=normal(4, 3)),
    case("PReLU", 4, 0.1),
    case("PReLU", 3, inputs=normal(2, 3, 4)),
    case("Softmin", 1),
    case("Softmax", 0),
    case("Softmax", -1, inputs=normal(2, 3, 4)),
    case("LogSoftmax", dim=1),
    case("Softmax2d", inputs=normal(2, 3, 4, 2)),
    *[
        case(name, inplace=True, inputs=normal(3, 4))
        for name in ("ReLU", "ELU", "LeakyReLU", "SiLU")
    ],
]

PAIR = (normal(4, 5), normal(4, 5))
SMALL = {"reduction": "sum"}
LOSSES = [
    *[case(name, inputs=PAIR) for name in ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")],
    *[case(name, reduction="none", inputs=PAIR) for name in ("MSELoss", "L1Loss", "SmoothL1Loss")],
    case("MSELoss", reduction="sum", inputs=PAIR),
    case("SmoothL1Loss", beta=0.3, reduction="sum", inputs=PAIR),
    case("HuberLoss", delta=0.3, inputs=PAIR),
    case("PoissonNLLLoss", inputs=(normal(4), uniform(0.5, 5, 4))),
    case("PoissonNLLLoss", log_input=False, full=True,
         inputs=(uniform(0.5, 2, 4), uniform(0.5, 5, 4))),
    case("GaussianNLLLoss", inputs=(*PAIR, uniform(0.5, 2, 4, 5))),
    case("GaussianNLLLoss", full=True, reduction="sum", inputs=(*PAIR, uniform(0.5, 2, 4, 5))),
    case("CrossEntropyLoss", inputs=(normal(6, 4), integers(4, 6))),
    case("CrossEntropyLoss", reduction="none", inputs=(normal(6, 4), integers(4, 6))),
    case("CrossEntropyLoss", ignore_index=1, inputs=(normal(6, 4), integers(4, 6))),
    case("CrossEntropyLoss", label_smoothing=0.2, inputs=(normal(6, 4), integers(4, 6))),
    case("CrossEntropyLoss", weight=uniform(0.5, 2, 4), inputs=(normal(6, 4), integers(4, 6))),
    case("CrossEntropyLoss", weight=uniform(0.5, 2, 4), label_smoothing=0.1, ignore_index=2,
         inputs=(normal(6, 4), integers(4, 6))),
    case("CrossEntropyLoss", inputs=(normal(6, 4), uniform(0, 1, 6, 4))),
    case("CrossEntropyLoss", inputs=(normal(2, 4, 3), integers(4, 2, 3))),
    case("NLLLoss", inputs=(normal(6, 4), integers(4, 6))),
    case("NLLLoss", weight=uniform(0.5, 2, 4), reduction="sum",
         inputs=(normal(6, 4), integers(4, 6))),
    case("NLLLoss", ignore_index=1, inputs=(normal(2, 4, 3), integers(4, 2, 3))),
    case("BCELoss", inputs=(uniform(0.1, 0.9, 4, 5), uniform(0, 1, 4, 5))),
    case("BCELoss", weight=uniform(0.5, 2, 5),
         inputs=(uniform(0.1, 0.9, 4, 5), uniform(0, 1, 4, 5))),
    case("BCEWithLogitsLoss", inputs=(normal(4, 5), uniform(0, 1, 4, 5))),
    case("BCEWithLogitsLoss", weight=uniform(0.5, 2, 5), pos_weight=uniform(0.5, 2, 5),
         inputs=(normal(4, 5), uniform(0, 1, 4, 5))),
    case("KLDivLoss", reduction="batchmean", inputs=(normal(4, 5), uniform(0.1, 1, 4, 5))),
    case("KLDivLoss", log_target=True, reduction="sum", inputs=PAIR),
    case("HingeEmbeddingLoss", inputs=(normal(4, 5), signs(4, 5))),
    case("HingeEmbeddingLoss", margin=0.5, inputs=(normal(4, 5), signs(4, 5))),
    case("CosineEmbeddingLoss", inputs=(*PAIR, signs(4))),
    case("CosineEmbeddingLoss", margin=0.2, reduction="sum", inputs=(*PAIR, signs(4))),
    case("MarginRankingLoss", margin=0.3, inputs=(normal(4), normal(4), signs(4))),
    case("SoftMarginLoss", inputs=(normal(4, 5), signs(4, 5))),
    case("MultiMarginLoss", inputs=(normal(6, 4), integers(4, 6))),
    case("MultiMarginLoss", p=2, margin=0.7, weight=uniform(0.5, 2, 4),
         inputs=(normal(6, 4), integers(4, 6))),
    case("MultiLabelMarginLoss",
         inputs=(normal(2, 4), lambda rng: np.array([[2, 0, -1, 1], [3, -1, 0, 1]]))),
    case("MultiLabelSoftMarginLoss", inputs=(normal(4, 5), integers(2, 4, 5))),
    case("TripletMarginLoss", inputs=(*PAIR, normal(4, 5))),
    case("TripletMarginLoss", margin=0.5, p=1.5, swap=True, inputs=(*PAIR, normal(4, 5))),
    case("TripletMarginWithDistanceLoss", swap=True, inputs=(*PAIR, normal(4, 5))),
]  # fmt: skip

IMAGE, SEQUENCE = normal(2, 4, 7, 6), normal(2, 4, 9)
CONVOLUTIONS = [
    case("Conv1d", 4, 6, 3, inputs=SEQUENCE),
    case("Conv1d", 4, 6, 3, stride=2, padding=1, dilation=2, groups=2, inputs=SEQUENCE),
    case("Conv1d", 4, 2, 4, padding="same", bias=False, inputs=SEQUENCE),
    case("Conv1d", 4, 2, 3, padding=2, padding_mode="circular", inputs=SEQUENCE),
    case("Conv1d", 4, 2, 3, inputs=normal(4, 9)),
    case("Conv2d", 4, 6, 3, inputs=IMAGE),
    case("Conv2d", 4, 6, (3, 2), stride=(2, 1), padding=(1, 2), inputs=IMAGE),
    case("Conv2d", 4, 6, 3, dilation=2, groups=2, padding="valid", inputs=IMAGE),
    case("Conv2d", 4, 8, 3, groups=4, padding="same", inputs=IMAGE),
    case("Conv2d", 4, 2, 3, padding=1, padding_mode="reflect", inputs=IMAGE),
    case("Conv2d", 4, 2, 3, padding=(2, 1), padding_mode="replicate", inputs=IMAGE),
    case("Conv2d", 4, 2, (4, 2), padding="same", padding_mode="circular", inputs=IMAGE),
    case("Conv2d", 4, 2, 1, bias=False, inputs=normal(4, 7, 6)),
    case("ConvTranspose1d", 4, 6, 3, inputs=SEQUENCE),
    case("ConvTranspose1d", 4, 6, 3, stride=3, padding=1, output_padding=1, groups=2, dilation=2,
         inputs=SEQUENCE),
    case("ConvTranspose2d", 4, 6, 3, inputs=IMAGE),
    case("ConvTranspose2d", 4, 6, 2, stride=2, bias=False, inputs=normal(4, 3, 3)),
    case("ConvTranspose2d", 4, 6, (3, 2), stride=(3, 2), padding=1, output_padding=(1, 0),
         groups=2, inputs=IMAGE),
    case("ConvTranspose2d", 4, 6, 3, stride=2, inputs=IMAGE, call={"output_size": (16, 13)}),
]  # fmt: skip

POOLINGS = [
    case("MaxPool1d", 2, inputs=SEQUENCE),
    case("MaxPool1d", 3, stride=2, padding=1, dilation=2, inputs=SEQUENCE),
    case("MaxPool2d", 2, inputs=IMAGE),
    case("MaxPool2d", (3, 2), stride=(2, 1), padding=1, ceil_mode=True, inputs=IMAGE),
    case("MaxPool2d", 2, return_indices=True, inputs=normal(4, 7, 6)),
    case("AvgPool1d", 2, inputs=SEQUENCE),
    case("AvgPool1d", 3, stride=2, padding=1, count_include_pad=False, inputs=SEQUENCE),
    case("AvgPool2d", 2, inputs=IMAGE),
    case("AvgPool2d", (3, 2), stride=2, padding=1, ceil_mode=True, inputs=IMAGE),
    case("AvgPool2d", 3, divisor_override=2, inputs=IMAGE),
    case("AdaptiveAvgPool1d", 4, inputs=SEQUENCE),
    case("AdaptiveAvgPool2d", 1, inputs=IMAGE),
    case("AdaptiveAvgPool2d", (4, None), inputs=IMAGE),
    case("AdaptiveMaxPool1d", 4, inputs=SEQUENCE),
    case("AdaptiveMaxPool2d", (3, 4), inputs=IMAGE),
    case("AdaptiveMaxPool2d", 2, return_indices=True, inputs=IMAGE),
]

NORMS = [
    case("BatchNorm1d", 4, inputs=normal(5, 4)),
    case("BatchNorm1d", 4, momentum=None, inputs=SEQUENCE),
    case("BatchNorm1d", 4, eps=0.1, affine=False, inputs=SEQUENCE),
    case("BatchNorm1d", 4, track_running_stats=False, inputs=SEQUENCE),
    case("BatchNorm1d", 4, bias=False, inputs=SEQUENCE),
    case("BatchNorm2d", 4, momentum=0.3, inputs=IMAGE),
    case("InstanceNorm1d", 4, inputs=SEQUENCE),
    case("InstanceNorm1d", 4, affine=True, inputs=normal(4, 9)),
    case("InstanceNorm2d", 4, affine=True, track_running_stats=True, inputs=IMAGE),
    case("LayerNorm", 6, inputs=IMAGE),
    case("LayerNorm", (7, 6), eps=0.1, inputs=IMAGE),
    case("LayerNorm", 6, bias=False, inputs=IMAGE),
    case("LayerNorm", 6, elementwise_affine=False, inputs=IMAGE),
    case("GroupNorm", 2, 4, inputs=IMAGE),
    case("GroupNorm", 4, 4, affine=False, inputs=normal(3, 4)),
    case("GroupNorm", 1, 4, bias=False, inputs=SEQUENCE),
    case("RMSNorm", 6, inputs=IMAGE),
    case("RMSNorm", (7, 6), eps=0.1, elementwise_affine=False, inputs=IMAGE),
]

SHAPES = [
    case("Flatten", inputs=IMAGE),
    case("Flatten", 0, 2, inputs=IMAGE),
    case("Unflatten", 1, (2, -1), inputs=IMAGE),
    case("Unflatten", -1, (2, 3), inputs=IMAGE),
    case("ZeroPad1d", 2, inputs=SEQUENCE),
    case("ZeroPad2d", (1, 2, 0, 3), inputs=IMAGE),
    case("ConstantPad1d", (1, 2), 3.5, inputs=SEQUENCE),
    case("ConstantPad2d", 1, 3.5, inputs=IMAGE),
    *[case(f"{kind}Pad1d", (2, 3),
    inputs=SEQUENCE) for kind in ("Reflection", "Replication", "Circular")],
    *[case(f"{kind}Pad2d", (2, 3, 1, 0),
    inputs=IMAGE) for kind in ("Reflection", "Replication", "Circular")],
    case("PixelShuffle", 2, inputs=normal(2, 8, 3, 4)),
    case("PixelUnshuffle", 2, inputs=normal(2, 2, 6, 4)),
    case("Upsample", scale_factor=2, inputs=SEQUENCE),
    case("Upsample", scale_factor=2, inputs=IMAGE),
    case("Upsample", size=(9, 4), inputs=IMAGE),
    case("Upsample", scale_factor=(2.0, 1.5), mode="bilinear", inputs=IMAGE),
    case("Upsample", size=(9, 4), mode="bilinear", align_corners=True, inputs=IMAGE),
    case("Upsample", scale_factor=2, mode="linear", inputs=SEQUENCE),
    case("UpsamplingNearest2d", scale_factor=3, inputs=normal(1, 2, 3, 4)),
    case("UpsamplingBilinear2d", size=(5, 9), inputs=IMAGE),
    case("CosineSimilarity", inputs=PAIR),
    case("CosineSimilarity", dim=0, inputs=PAIR),
    case("PairwiseDistance", inputs=PAIR),
    case("PairwiseDistance", p=3.0, keepdim=True, inputs=PAIR),
]  # fmt: skip

LAYERS = [
    case("Linear", 4, 5),
    case("Linear", 4, 5, bias=False, inputs=normal(2, 3, 4)),
    case("Linear", 4, 5, inputs=normal(4)),
    case("Bilinear", 4, 3, 5, inputs=(normal(2, 4), normal(2, 3))),
    case("Bilinear", 4, 3, 5, bias=False, inputs=(normal(2, 6, 4), normal(2, 6, 3))),
    case("Embedding", 7, 3, inputs=integers(7, 2, 4)),
    case("Embedding", 7, 3, padding_idx=2, inputs=integers(7, 5, 4)),
    case("Embedding", 7, 3, padding_idx=-1, scale_grad_by_freq=True, inputs=integers(7, 5, 4)),
    case("Embedding", 7, 3, max_norm=1.0, norm_type=1.0, inputs=integers(7, 5, 4)),
    *[case(name, inputs=normal(3, 4, 5), random=True) for name in ("Dropout", "Dropout1d",
    "AlphaDropout", "FeatureAlphaDropout")],
    case("Dropout2d", 0.3, inputs=IMAGE, random=True),
    case("Dropout", 0.0),
    case("Dropout", 1.0),
]  # fmt: skip

STEPS = normal(4, 2, 3)
RECURRENT = [
    case("RNNCell", 4, 5, inputs=(normal(3, 4), normal(3, 5))),
    case("RNNCell", 4, 5, bias=False, nonlinearity="relu"),
    case("LSTMCell", 4, 5),
    case("LSTMCell", 4, 5, bias=False, inputs=normal(4)),
    case("GRUCell", 4, 5, inputs=(normal(3, 4), normal(3, 5))),
    case("GRUCell", 4, 5, bias=False),
    case("RNN", 3, 2, inputs=STEPS),
    case("RNN", 3, 2, 2, nonlinearity="relu", bias=False, inputs=(STEPS, normal(2, 2, 2))),
    case("RNN", 3, 2, batch_first=True, bidirectional=True, inputs=(STEPS, normal(2, 4, 2))),
    case("LSTM", 3, 2, inputs=STEPS),
    case("LSTM", 3, 2, num_layers=2, bidirectional=True, inputs=STEPS),
    case("LSTM", 3, 2, num_layers=2, bidirectional=True, proj_size=1, batch_first=True,
         inputs=STEPS),
    case("LSTM", 3, 2, bias=False, inputs=normal(4, 3)),
    case("LSTM", 3, 2, num_layers=2, dropout=0.3, inputs=STEPS, random=True),
    case("GRU", 3, 2, inputs=(STEPS, normal(1, 2, 2))),
    case("GRU", 3, 2, num_layers=2, bidirectional=True, batch_first=True, inputs=STEPS),
    case("GRU", 3, 2, bias=False, inputs=(normal(4, 3), normal(1, 2))),
]  # fmt: skip

QKV = (normal(3, 2, 4), normal(4, 2, 4), normal(4, 2, 4))
QKV_FIRST = (normal(2, 3, 4), normal(2, 4, 4), normal(2, 4, 4))
ATTENTION = [
    case("MultiheadAttention", 4, 2, inputs=QKV),
    case("MultiheadAttention", 4, 4, bias=False, batch_first=True, inputs=QKV_FIRST),
    case("MultiheadAttention", 4, 2, inputs=QKV, call={"need_weights": False}),
    case("MultiheadAttention", 4, 2, inputs=QKV, call={"average_attn_weights": False}),
    case("MultiheadAttention", 4, 2, inputs=QKV, call={"attn_mask": mask(3, 4)}),
    case("MultiheadAttention", 4, 2, inputs=QKV,
         call={"attn_mask": normal(3, 4), "need_weights": False}),
    case("MultiheadAttention", 4, 2, inputs=QKV,
         call={"attn_mask": mask(4, 3, 4), "key_padding_mask": mask(2, 4)}),
    case("MultiheadAttention", 4, 2, inputs=QKV,
         call={"key_padding_mask": mask(2, 4), "need_weights": False}),
    case("MultiheadAttention", 4, 2, kdim=3, vdim=2,
         inputs=(normal(3, 2, 4), normal(4, 2, 3), normal(4, 2, 2))),
    case("MultiheadAttention", 4, 2, add_bias_kv=True, add_zero_attn=True, inputs=QKV,
         call={"attn_mask": mask(3, 4)}),
    case("MultiheadAttention", 4, 2, inputs=(normal(3, 4), normal(4, 4), normal(4, 4)),
         call={"key_padding_mask": mask(4)}),
    case("MultiheadAttention", 4, 2, dropout=0.3, inputs=QKV, random=True),
    case("TransformerEncoderLayer", 4, 2, 5, 0.0, inputs=normal(3, 2, 4)),
    case("TransformerEncoderLayer", 4, 2, 5, dropout=0.0, activation="gelu", norm_first=True,
         batch_first=True,
         inputs=normal(2, 3, 4), call={"src_key_padding_mask": mask(2, 3)}),
    case("TransformerEncoderLayer", 4, 2, 5, dropout=0.0, bias=False, inputs=normal(3, 4),
         call={"src_mask": mask(3, 3)}),
    case("TransformerEncoderLayer", 4, 2, 5, inputs=normal(3, 2, 4), random=True),
    case("TransformerDecoderLayer", 4, 2, 5, 0.0, inputs=(normal(3, 2, 4), normal(5, 2, 4)),
         call={"tgt_mask": mask(3, 3), "memory_key_padding_mask": mask(2, 5)}),
    case("TransformerDecoderLayer", 4, 2, 5, 0.0, "gelu", norm_first=True, batch_first=True,
         bias=False, inputs=(normal(2, 3, 4), normal(2, 5, 4)),
         call={"memory_mask": mask(3, 5), "tgt_key_padding_mask": mask(2, 3)}),
    case("TransformerDecoderLayer", 4, 2, 5, inputs=(normal(3, 4), normal(5, 4)), random=True),
    case("Transformer", 4, 2, 1, 2, 5, 0.0, inputs=(normal(4, 2, 4), normal(3, 2, 4)),
         call={"src_mask": mask(4, 4), "tgt_mask": mask(3, 3), "memory_mask": mask(3, 4),
               "src_key_padding_mask": mask(2, 4), "tgt_key_padding_mask": mask(2, 3)}),
    case("Transformer", 4, 2, 1, 1, 5, 0.0, norm_first=True, batch_first=True,
         inputs=(normal(2, 4, 4), normal(2, 3, 4))),
]  # fmt: skip

VOLUME = normal(2, 4, 3, 4, 5)
VOLUMES = [
    case("Conv3d", 4, 2, 2, inputs=VOLUME),
    case("Conv3d", 4, 6, (2, 3, 1), stride=(2, 1, 2), padding=(1, 0, 1), groups=2, bias=False,
         inputs=VOLUME),
    case("Conv3d", 4, 2, 3, padding="same", dilation=(1, 2, 1), inputs=normal(4, 3, 4, 5)),
    case("Conv3d", 4, 2, 2, padding=1, padding_mode="replicate", inputs=VOLUME),
    case("ConvTranspose3d", 4, 2, 2, inputs=normal(2, 4, 2, 3, 2)),
    case("ConvTranspose3d", 4, 6, (2, 3, 1), stride=(2, 2, 3), padding=(1, 0, 0), groups=2,
         output_padding=(1, 0, 2), dilation=(1, 2, 1), inputs=normal(4, 3, 3, 2)),
    case("MaxPool3d", 2, inputs=VOLUME),
    case("MaxPool3d", (2, 3, 2), 2, (1, 1, 0), ceil_mode=True, inputs=normal(4, 3, 4, 5)),
    case("AvgPool3d", 2, inputs=VOLUME),
    case("AvgPool3d", (2, 3, 2), 1, (1, 1, 0), ceil_mode=True, count_include_pad=False,
         inputs=normal(4, 3, 4, 5)),
    case("AvgPool3d", 2, divisor_override=3, inputs=VOLUME),
    case("AdaptiveAvgPool3d", (2, None, 3), inputs=VOLUME),
    case("AdaptiveMaxPool3d", (2, 3, 2), inputs=VOLUME),
    case("BatchNorm3d", 4, inputs=VOLUME),
    case("InstanceNorm3d", 4, affine=True, track_running_stats=True, inputs=VOLUME),
    case("Dropout3d", 0.4, inputs=VOLUME, random=True),
    case("ConstantPad3d", (1, 2, 0, 1, 2, 0), 1.5, inputs=VOLUME),
    case("ZeroPad3d", 1, inputs=VOLUME),
    case("ReflectionPad3d", (1, 2, 0, 1, 2, 0), inputs=VOLUME),
    case("ReplicationPad3d", (1, 2, 0, 1, 2, 0), inputs=VOLUME),
    case("CircularPad3d", (1, 2, 0, 1, 2, 0), inputs=VOLUME),
]  # fmt: skip
PLACES = [
    case("Unfold", 2, inputs=normal(2, 3, 4, 5)),
    case("Unfold", (2, 3), 1, (1, 0), (2, 1), inputs=normal(3, 4, 5)),
    case("Fold", (4, 5), 2, inputs=normal(2, 8, 12)),
    case("Fold", (4, 5), (2, 3), padding=(1, 0), stride=(2, 1), inputs=normal(12, 9)),
    case("MaxUnpool1d", 2, inputs=(normal(2, 3, 2), first_places(2, 3, 2))),
    case("MaxUnpool2d", 2, inputs=(normal(1, 2, 1, 1), integers(4, 1, 2, 1, 1))),
    case("MaxUnpool3d", 2, inputs=(normal(2, 1, 1, 1), integers(8, 2, 1, 1, 1))),
    case("ChannelShuffle", 2, inputs=normal(2, 6, 3)),
    *[
        case("EmbeddingBag", 6, 3, mode=mode, inputs=integers(6, 4, 3))
        for mode in ("sum", "mean", "max")
    ],
    case("EmbeddingBag", 6, 3, padding_idx=2, inputs=integers(6, 4, 3)),
]  # fmt: skip

RARE = [
    case("LocalResponseNorm", 3, inputs=normal(2, 5, 3)),
    case("LocalResponseNorm", 2, alpha=0.1, beta=0.5, k=2.0, inputs=normal(2, 5, 3, 2)),
    case("CrossMapLRN2d", 3, 0.1, inputs=normal(2, 5, 3, 2)),
    case("LPPool1d", 2, 2, inputs=normal(2, 3, 5)),
    case("LPPool2d", 2.0, (2, 3), stride=(1, 2), inputs=normal(2, 3, 4, 7)),
    case("LPPool3d", 4, 2, ceil_mode=True, inputs=normal(1, 2, 3, 4, 3)),
    case("FractionalMaxPool2d", 2, output_size=(3, 2), inputs=normal(2, 3, 7, 6),
         _random_samples=uniform(0, 1, 2, 3, 2)),
    case("FractionalMaxPool3d", 2, output_ratio=(0.4, 0.5, 0.4), inputs=normal(2, 1, 7, 6, 6),
         _random_samples=uniform(0, 1, 2, 1, 3)),
    case("AdaptiveLogSoftmaxWithLoss", 8, 10, [3, 6], div_value=2.0,
         inputs=(normal(6, 8), integers(10, 6))),
    case("AdaptiveLogSoftmaxWithLoss", 8, 10, [4], head_bias=True,
         inputs=(normal(6, 8), integers(10, 6))),
]  # fmt: skip

CASES = [
    *ACTIVATIONS, *LOSSES, *CONVOLUTIONS, *POOLINGS, *NORMS, *SHAPES, *LAYERS, *RECURRENT,
    *ATTENTION, *VOLUMES, *PLACES, *RARE,
]  # fmt: skip
