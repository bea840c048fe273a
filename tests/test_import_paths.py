"""What programs import by PyTorch's paths is there, and is what stands at the shorter path."""

from __future__ import annotations

import importlib

import pytest

import minigrad as mg

torch = pytest.importorskip("torch")

# module, and names that programs take from it
PATHS = {
    "autograd": ["Variable", "Function", "grad"],
    "autograd.function": ["Function", "once_differentiable"],
    "backends": ["cudnn", "mps", "cuda", "mkl", "mkldnn", "openmp", "cpu"],
    "backends.cuda": ["is_built", "matmul"],
    "backends.cudnn": ["benchmark", "deterministic", "enabled", "is_available", "version", "flags"],
    "backends.mps": ["is_available", "is_built"],
    "nn.functional": ["relu"],
    "nn.init": ["xavier_uniform_"],
    "nn.modules": ["Module", "Linear", "conv", "utils"],
    "nn.modules.activation": ["ReLU", "MultiheadAttention", "Softmax"],
    "nn.modules.batchnorm": ["BatchNorm1d", "_BatchNorm"],
    "nn.modules.container": ["Sequential", "ModuleList", "ParameterDict"],
    "nn.modules.conv": ["Conv2d", "ConvTranspose1d", "_ConvNd", "_ConvTransposeNd"],
    "nn.modules.distance": ["CosineSimilarity"],
    "nn.modules.dropout": ["Dropout", "_DropoutNd"],
    "nn.modules.flatten": ["Flatten"],
    "nn.modules.instancenorm": ["InstanceNorm2d", "_InstanceNorm"],
    "nn.modules.lazy": ["LazyModuleMixin"],
    "nn.modules.linear": ["Linear", "Identity", "Bilinear"],
    "nn.modules.loss": ["MSELoss", "_Loss", "_WeightedLoss"],
    "nn.modules.module": ["Module"],
    "nn.modules.normalization": ["LayerNorm"],
    "nn.modules.padding": ["ZeroPad2d"],
    "nn.modules.pixelshuffle": ["PixelShuffle"],
    "nn.modules.pooling": ["MaxPool2d"],
    "nn.modules.rnn": ["LSTM", "LSTMCell", "RNNBase", "RNNCellBase"],
    "nn.modules.sparse": ["Embedding"],
    "nn.modules.transformer": ["TransformerEncoder", "TransformerDecoderLayer", "Transformer"],
    "nn.modules.upsampling": ["Upsample"],
    "nn.modules.utils": ["_single", "_pair", "_triple", "_quadruple", "_ntuple"],
    "nn.parallel": ["DataParallel"],
    "nn.parameter": ["Parameter", "UninitializedParameter", "is_lazy"],
    "nn.utils": ["clip_grad_norm_"],
    "nn.utils.parametrizations": ["weight_norm", "spectral_norm"],
    "nn.utils.parametrize": ["register_parametrization", "is_parametrized", "cached"],
    "nn.utils.prune": ["l1_unstructured", "BasePruningMethod", "remove"],
    "nn.utils.rnn": ["pad_sequence", "PackedSequence", "pack_padded_sequence"],
    "optim": ["Adam"],
    "optim.lr_scheduler": ["StepLR"],
    "optim.optimizer": ["Optimizer"],
    "utils.data": ["DataLoader", "Dataset"],
    "utils.data.dataloader": ["DataLoader", "default_collate", "get_worker_info"],
    "utils.data.dataset": ["Dataset", "TensorDataset", "random_split"],
    "utils.data.distributed": ["DistributedSampler"],
    "utils.data.sampler": ["Sampler", "SubsetRandomSampler", "BatchSampler"],
}


@pytest.mark.parametrize("path", PATHS)
def test_a_path_can_be_imported(path):
    ours = importlib.import_module(f"minigrad.{path}")
    theirs = importlib.import_module(f"torch.{path}")
    package = importlib.import_module("minigrad." + path.split(".")[0])
    for name in PATHS[path]:
        assert hasattr(theirs, name), "PyTorch has it elsewhere"
        short = getattr(package, name, None) if path.startswith(("nn.modules", "nn.par")) else None
        assert not isinstance(short, type) or getattr(ours, name) is short


@pytest.mark.parametrize("name", ["BatchNorm2d", "Conv1d", "MSELoss", "LSTM", "GRUCell", "Dropout"])
def test_the_base_of_a_layer_is_its_base(name):
    homes = {"BatchNorm2d": "batchnorm._BatchNorm", "Conv1d": "conv._ConvNd",
             "MSELoss": "loss._Loss", "LSTM": "rnn.RNNBase", "GRUCell": "rnn.RNNCellBase",
             "Dropout": "dropout._DropoutNd"}  # fmt: skip
    for library in (mg, torch):
        home, base = homes[name].split(".")
        base = getattr(importlib.import_module(f"{library.__name__}.nn.modules.{home}"), base)
        assert issubclass(getattr(library.nn, name), base)


def test_one_number_for_every_axis():
    from minigrad.nn.modules.utils import _pair, _triple

    assert (_pair(3), _pair([1, 2]), _triple((1, 2, 3))) == ((3, 3), (1, 2), (1, 2, 3))


def test_switches_of_absent_libraries_can_be_set():
    assert not mg.backends.cudnn.is_available()
    before = mg.backends.cudnn.benchmark
    mg.backends.cudnn.benchmark = True
    assert mg.backends.cudnn.benchmark
    mg.backends.cudnn.benchmark = before
    with mg.backends.cudnn.flags(enabled=False), mg.backends.mkldnn.flags(enabled=False):
        assert mg.backends.cudnn.version() is None
    mg.set_float32_matmul_precision("high")
    assert mg.get_float32_matmul_precision() == "high"
    mg.set_float32_matmul_precision("highest")
    with pytest.raises(ValueError, match="low"):
        mg.set_float32_matmul_precision("low")


# ----------------------------------------------------------------------------------------- Variable


@pytest.mark.parametrize("library", [mg, torch])
def test_variable_is_a_tensor(library):
    Variable = library.autograd.Variable
    x = library.ones(2, requires_grad=True)
    assert isinstance(x, Variable)
    assert not isinstance(1.0, Variable)
    cut = Variable(x * 2)
    assert not cut.requires_grad
    assert cut.is_leaf
    data = library.zeros(2)
    v = Variable(data, requires_grad=True)
    assert type(v) is library.Tensor
    (v * v + v).sum().backward()
    assert v.grad.tolist() == [1, 1]
    data[0] = 3
    assert v.tolist() == [3, 0]
    assert Variable().shape == (0,)
    with pytest.warns(UserWarning, match="volatile"):
        Variable(data, volatile=True)
    with pytest.raises(TypeError, match="list"):
        Variable([1.0])


def test_data_parallel_runs_its_module():
    for library in (mg, torch):
        net = library.nn.DataParallel(library.nn.Linear(3, 2))
        assert net(library.ones(4, 3)).shape == (4, 2)
        assert list(net.state_dict()) == ["module.weight", "module.bias"]
