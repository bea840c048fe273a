"""Training on real data follows PyTorch, step by step."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

from tests import digits  # noqa: E402 - after the checks that decide whether to skip


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_ten_epochs_give_the_losses_of_pytorch(optimizer):
    ours = digits.with_library(mg, optimizer)
    theirs = digits.with_library(torch, optimizer)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)
