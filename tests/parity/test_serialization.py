"""Files that PyTorch reads, and files of PyTorch's that are read."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

torch = pytest.importorskip("torch")


def ours():
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def theirs():
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))


def test_safetensors_both_ways(tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    x = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    model, reference = ours(), theirs()
    mg.save(model.state_dict(), tmp_path / "a.safetensors")
    reference.load_state_dict(safetensors.load_file(tmp_path / "a.safetensors"))
    found = model(mg.tensor(x)).detach().numpy()
    np.testing.assert_allclose(found, reference(torch.tensor(x)).detach().numpy(), atol=1e-6)
    reference = theirs()
    safetensors.save_file(reference.state_dict(), tmp_path / "b.safetensors")
    model.load_state_dict(mg.load(tmp_path / "b.safetensors"))
    found = model(mg.tensor(x)).detach().numpy()
    np.testing.assert_allclose(found, reference(torch.tensor(x)).detach().numpy(), atol=1e-6)


def test_a_pickle_of_pytorch_is_refused_with_a_remedy(tmp_path):
    torch.save(theirs().state_dict(), tmp_path / "a.pt")
    with pytest.raises(ValueError, match="safetensors"):
        mg.load(tmp_path / "a.pt")
