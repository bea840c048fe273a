"""Training on real data follows NumPy written by hand, step by step."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

import minigrad as mg

if importlib.util.find_spec("sklearn") is None:
    pytest.skip("scikit-learn is not installed", allow_module_level=True)

from tests import digits


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_ten_epochs_give_the_losses_of_numpy_by_hand(optimizer):
    ours = digits.with_library(mg, optimizer)
    reference = digits.by_hand(optimizer)
    assert len(ours) == 290
    np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-9)
    assert np.mean(ours[-29:]) < 0.25 * np.mean(
        ours[:29]
    )  # and they are those of a network that learns
