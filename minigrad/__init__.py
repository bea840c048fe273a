"""minigrad: a micro-PyTorch on NumPy.

The names are PyTorch's, with ``mg`` in place of ``torch``; ``dir(mg)`` lists them, and each has a
help text with an example: ``help(mg.matmul)``.

mg.tensor, mg.zeros, mg.randn   make tensors; ``requires_grad=True`` records what is done to them
mg.Tensor                       what can be done: methods, operators, and NumPy's ``np.f(t)``
loss.backward(), mg.autograd    gradients; mg.func: gradients of functions, Jacobians, vmap
mg.nn, mg.nn.functional         layers, and the same as functions
mg.optim, mg.utils.data         optimizers, data loaders
mg.training                     `fit`, a training loop with callbacks; `accuracy`
mg.sweep                        train over hyperparameters and seeds, on all cores or a cluster
mg.save, mg.load                keep numbers in files
mg.distributions                random variables: samples, log-densities, transforms
mg.linalg, mg.random            linear algebra, random numbers (``mg.manual_seed``)
mg.op                           make an operation of your own, with its derivative
mg.visualize                    pictures of graphs and of backpropagation; mg.summary of a model
mg.testing                      checks of gradients that say why one is wrong
"""

import builtins as _builtins
from importlib import import_module as _import_module
from inspect import ismodule as _is_module
from math import e as e
from math import inf as inf
from math import nan as nan
from math import pi as pi
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from minigrad.tensor import Tensor as Tensor  # first: the function `tensor` takes the module's name

# isort: split

from minigrad import autograd as autograd
from minigrad import graph as graph
from minigrad import linalg as linalg
from minigrad import ops as ops
from minigrad import random as random
from minigrad import special as special
from minigrad.calls import algebras as _algebras
from minigrad.calls import op as op
from minigrad.creation import *
from minigrad.devices import *
from minigrad.dtypes import *
from minigrad.interchange import *
from minigrad.legacy import *
from minigrad.modes import enable_grad as enable_grad
from minigrad.modes import inference_mode as inference_mode
from minigrad.modes import is_grad_enabled as is_grad_enabled
from minigrad.modes import no_grad as no_grad
from minigrad.modes import set_grad_enabled as set_grad_enabled
from minigrad.neighbours import introduce as _introduce
from minigrad.ops.combining import *
from minigrad.ops.comparison import *
from minigrad.ops.contraction import *
from minigrad.ops.covariance import *
from minigrad.ops.diagonals import *
from minigrad.ops.elementwise import *
from minigrad.ops.exponential import *
from minigrad.ops.gamma import *
from minigrad.ops.gathering import *
from minigrad.ops.integers import *
from minigrad.ops.joining import *
from minigrad.ops.products import *
from minigrad.ops.ranking import *
from minigrad.ops.rearranging import *
from minigrad.ops.reduction import *
from minigrad.ops.renamed import *
from minigrad.ops.scans import *
from minigrad.ops.scattering import *
from minigrad.ops.selection import *
from minigrad.ops.shaping import *
from minigrad.ops.signs import *
from minigrad.ops.sorting import *
from minigrad.ops.special import *
from minigrad.ops.statistics import *
from minigrad.ops.trigonometric import *
from minigrad.printing import set_printoptions as set_printoptions
from minigrad.promotion import get_default_dtype as get_default_dtype
from minigrad.promotion import set_default_dtype as set_default_dtype
from minigrad.random import *

if _TYPE_CHECKING:
    from minigrad import accelerator as accelerator
    from minigrad import backends as backends
    from minigrad import cuda as cuda
    from minigrad import distributed as distributed
    from minigrad import distributions as distributions
    from minigrad import fft as fft
    from minigrad import func as func
    from minigrad import nn as nn
    from minigrad import onnx as onnx
    from minigrad import optim as optim
    from minigrad import sweeps as sweeps
    from minigrad import testing as testing
    from minigrad import training as training
    from minigrad import utils as utils
    from minigrad import visualize as visualize
    from minigrad.compile.front import compile as compile
    from minigrad.fft.complexes import *
    from minigrad.fft.spectrograms import *
    from minigrad.fft.windows import *
    from minigrad.model_summary import summary as summary
    from minigrad.serialization import load as load
    from minigrad.serialization import save as save
    from minigrad.sweeps import sweep as sweep
    from minigrad.testing import gradcheck as gradcheck
    from minigrad.testing import gradgradcheck as gradgradcheck

__version__ = "0.1.0"
newaxis = None
strided, contiguous_format, preserve_format = "strided", "contiguous_format", "preserve_format"
channels_last, channels_last_3d = (
    "channels_last",
    "channels_last_3d",
)  # accepted: NumPy's order stays

# What a program may need none of is imported when it is first used: `import minigrad` stays quick.
_MODULES = {
    "accelerator", "backends", "cuda", "distributed", "distributions", "fft", "func", "nn", "onnx",
    "optim", "sweeps", "testing", "training", "utils", "visualize",
}  # fmt: skip
_PUBLIC = {*_MODULES, "autograd", "graph", "linalg", "ops", "random", "special"}
_NAMES = {
    "compile": "compile.front",
    "gradcheck": "testing",
    "gradgradcheck": "testing",
    "vmap": "func",
    "complex": "fft.complexes",
    "imag": "fft.complexes",
    "polar": "fft.complexes",
    "view_as_complex": "fft.complexes",
    "view_as_real": "fft.complexes",
    "istft": "fft.spectrograms",
    "stft": "fft.spectrograms",
    "bartlett_window": "fft.windows",
    "blackman_window": "fft.windows",
    "hamming_window": "fft.windows",
    "hann_window": "fft.windows",
    "kaiser_window": "fft.windows",
    "pca_lowrank": "lowrank",
    "svd_lowrank": "lowrank",
    "load": "serialization",
    "save": "serialization",
    "summary": "model_summary",
    "sweep": "sweeps",
}
# functions that PyTorch has here as well as in `nn.functional`
_FUNCTIONAL = {
    "adaptive_avg_pool1d", "adaptive_max_pool1d", "alpha_dropout", "avg_pool1d", "bilinear", "celu",
    "celu_", "channel_shuffle", "conv1d", "conv2d", "conv3d", "conv_transpose1d",
    "conv_transpose2d", "conv_transpose3d", "cosine_embedding_loss", "cosine_similarity", "dropout",
    "feature_alpha_dropout", "group_norm", "hardshrink", "hinge_embedding_loss", "kl_div",
    "layer_norm", "margin_ranking_loss", "max_pool1d", "max_pool2d",
    "max_pool3d", "pairwise_distance", "pdist", "pixel_shuffle", "pixel_unshuffle", "prelu",
    "rms_norm", "rrelu", "rrelu_", "selu", "selu_", "threshold", "threshold_",
    "triplet_margin_loss",
}  # fmt: skip


_introduce("einops", "minigrad.neighbours.einops")


def _compute_complex(*call: _Any) -> _Any:
    """An op of a tensor and a complex number of Python's."""
    return _import_module("minigrad.fft.complexes").compute(*call)


_algebras[_builtins.complex] = _compute_complex


def __getattr__(name: str) -> _Any:
    if name == "__all__":  # for ``from minigrad import *``: all but the modules of the engine
        names = {each for each in __dir__() if not each.startswith("_")} - _FUNCTIONAL
        engine = {each for each in names - _PUBLIC if _is_module(globals().get(each))}
        return sorted(names - engine)
    if name in _MODULES:
        return _import_module(f"minigrad.{name}")
    if name in _NAMES:
        return getattr(_import_module(f"minigrad.{_NAMES[name]}"), name)
    if name in _FUNCTIONAL:
        return getattr(_import_module("minigrad.nn.functional"), name)
    if name.endswith("_") and not name.startswith("_") and hasattr(Tensor, name):
        return getattr(Tensor, name)  # in place: `mg.relu_(t)` is `t.relu_()`
    raise AttributeError(f"module 'minigrad' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES, *_NAMES, *_FUNCTIONAL})
