"""What scripts for PyTorch ask of the library beside networks: devices, factors, lengths."""

from __future__ import annotations

from typing import Any

import pytest

import minigrad as mg

GPU = [
    lambda: mg.device("cuda"),
    lambda: mg.device("cuda:0"),
    lambda: mg.device("mps"),
    lambda: mg.ones(2).to("cuda"),
    lambda: mg.ones(2).cuda(),
    lambda: mg.ones(2, device="cuda"),
    lambda: mg.tensor([1.0], device="cuda:1"),
    lambda: mg.nn.Linear(2, 3, device="cuda"),
    lambda: mg.nn.Linear(2, 3).to("cuda"),
    lambda: mg.nn.Linear(2, 3).cuda(),
    lambda: mg.set_default_device("cuda"),
    lambda: mg.load("absent.npz", map_location="cuda"),
]


@pytest.mark.parametrize("ask", GPU)
def test_a_gpu_is_refused_with_the_reason(ask: Any) -> None:
    with pytest.raises(ValueError, match=r"CPU library.* GPU, run the same code with PyTorch"):
        ask()


def test_a_compiled_model_computes_the_same() -> None:
    model, x = mg.nn.Linear(3, 2), mg.randn(4, 3)
    mg.testing.assert_close(mg.compile(model)(x), model(x))


def test_no_accelerator_is_found() -> None:
    assert not mg.cuda.is_available()
    assert mg.cuda.device_count() == 0
    assert not mg.backends.mps.is_available()
    assert not mg.accelerator.is_available()
    assert mg.accelerator.current_accelerator() is None


def test_a_factor_of_the_second_term() -> None:
    x, y = mg.randn(3, requires_grad=True), mg.randn(3, requires_grad=True)
    for function, sign in ((mg.add, 1), (mg.sub, -1), (mg.Tensor.add, 1), (mg.Tensor.sub, -1)):
        out = function(x, y, alpha=2.5)
        assert mg.allclose(out, x + sign * 2.5 * y)
        gradients = mg.autograd.grad(out.sum(), (x, y))
        assert gradients[0].tolist() == [1, 1, 1]
        assert gradients[1].tolist() == [sign * 2.5] * 3
    z = mg.ones(2)
    z.add_(mg.ones(2), alpha=3).sub_(1, alpha=0.5)
    assert z.tolist() == [3.5, 3.5]


@pytest.mark.parametrize("name", ["var", "std"])
def test_a_bool_in_the_place_of_dim_is_unbiased(name: str) -> None:
    x = mg.randn(3, 4, dtype=mg.float64)
    for unbiased in (False, True):
        expected = getattr(x.numpy(), name)(ddof=int(unbiased))
        assert getattr(x, name)(unbiased).item() == pytest.approx(expected, rel=1e-12)
        both = getattr(mg, f"{name}_mean")(x, unbiased)
        assert both[0].item() == pytest.approx(expected, rel=1e-12)
    assert getattr(x, name)(1, False).tolist() == pytest.approx(getattr(x.numpy(), name)(1))


def test_sequences_of_different_lengths() -> None:
    rnn = mg.nn.utils.rnn
    sequences = [mg.randn(n, 2, requires_grad=True) for n in (3, 5, 1)]
    for batch_first in (False, True):
        padded = rnn.pad_sequence(sequences, batch_first, padding_value=7.0)
        assert padded.shape == ((3, 5, 2) if batch_first else (5, 3, 2))
        assert (padded == 7.0).sum().item() == 2 * (2 + 0 + 4)
        back = rnn.unpad_sequence(padded, [3, 5, 1], batch_first)
        assert all(mg.equal(a, b) for a, b in zip(sequences, back))
    left = rnn.pad_sequence(sequences, padding_side="left")
    assert left[0, 2].tolist() == [0, 0]
    assert mg.equal(left[-1, 2], sequences[2][0])
    left.sum().backward()
    assert sequences[1].grad.sum().item() == 10
    for wrong in ([], [mg.ones(2), mg.ones(2, 1)], [mg.ones(())]):
        with pytest.raises(ValueError, match="pad_sequence"):
            rnn.pad_sequence(wrong)
