"""Positions, alignments and Fourier transforms: values and gradients are PyTorch's."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests.parity.comparing import agree, torch

rng = np.random.default_rng(3)
IMAGES, GRID = rng.standard_normal((2, 3, 4, 5)), rng.uniform(-1.7, 1.7, (2, 3, 6, 2))
VOLUMES, PLACES = rng.standard_normal((2, 2, 3, 4, 5)), rng.uniform(-1.7, 1.7, (2, 2, 3, 2, 3))
WAYS = list(product(("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection"),
                    (True, False)))  # fmt: skip


def sample(m: Any, x: Any, grid: Any, way: Any) -> Any:
    return m.nn.functional.grid_sample(x, grid, *way)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_grid_sample(way: Any) -> None:
    agree(lambda m, x, g: sample(m, x, g, way), [IMAGES, GRID])
    if way[0] != "bicubic":
        agree(lambda m, x, g: sample(m, x, g, way), [VOLUMES, PLACES])


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_grid_sample_at_the_corners_and_far_away(way: Any) -> None:
    """Where positions are exactly those of pixels, or so far outside that integers overflow."""
    if way[0] == "nearest" and not way[2]:
        pytest.skip("between two pixels: either is the nearest")
    places = np.array([-1.0, 1.0, 0.0, -3.0, 5.0])
    grid = np.stack(np.meshgrid(places, places), -1)[None].repeat(2, 0)
    agree(lambda m, x: sample(m, x, m.tensor(grid), way), [IMAGES[..., :4]])
    far = np.array([[[[1e9, 0.1], [-1e9, 1e9]]]] * 2)
    if way[1] != "reflection":
        agree(lambda m, x: sample(m, x, m.tensor(far), way), [IMAGES])
    nan = np.array([[[[np.nan, 0.1]]]] * 2)
    out = sample(mg, mg.tensor(IMAGES), mg.tensor(nan), way)
    assert out.shape == (2, 3, 1, 1)


@pytest.mark.parametrize("align", [True, False])
@pytest.mark.parametrize("size", [(2, 3, 4, 5), (2, 1, 2, 3, 4)], ids=str)
def test_affine_grid(size: tuple[int, ...], align: bool) -> None:
    theta = rng.standard_normal((2, len(size) - 2, len(size) - 1))
    agree(lambda m, t: m.nn.functional.affine_grid(t, size, align), [theta])


SCORES = rng.standard_normal((7, 3, 4))
LABELS = rng.integers(1, 4, (3, 3))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("lengths", [([7, 7, 7], [3, 2, 1]), ([7, 6, 4], [3, 3, 0])], ids=str)
@pytest.mark.parametrize("joined", [False, True])
def test_ctc_loss(reduction: str, lengths: Any, joined: bool) -> None:
    times, sizes = lengths
    rows = [row[:n] for row, n in zip(LABELS, sizes)]
    labels = np.concatenate(rows) if joined else LABELS

    def loss(m: Any, x: Any) -> Any:
        scores = m.nn.functional.log_softmax(x, 2)
        each = m.nn.CTCLoss(reduction=reduction)
        return each(scores, m.tensor(labels), m.tensor(times), m.tensor(sizes))

    agree(loss, [SCORES])


def test_ctc_loss_of_labels_that_do_not_fit() -> None:
    def loss(m: Any, x: Any, zero: bool = True) -> Any:
        scores = m.nn.functional.log_softmax(x, 2)
        return m.nn.functional.ctc_loss(
            scores, m.tensor(LABELS), (2, 2, 7), (3, 3, 3), zero_infinity=zero
        )

    agree(loss, [SCORES])
    assert loss(mg, mg.tensor(SCORES), False).item() == np.inf
    single = lambda m, x: m.nn.functional.ctc_loss(  # a row of its own
        m.log_softmax(x, 1), m.tensor(LABELS[0]), m.tensor(7), m.tensor(3)
    )
    agree(single, [SCORES[:, 0]])


# ------------------------------------------------------------------------------- Fourier transforms

X = rng.standard_normal((3, 6))
SIGNAL = rng.standard_normal((2, 32))
ROWS = """
m.fft.fft(x)
m.fft.fft(x, n=9, norm="ortho")
m.fft.fft(x, 4, 0, "forward")
m.fft.ifft(x, n=3)
m.fft.rfft(x)
m.fft.rfft(x, n=9, norm="ortho")
m.fft.rfft(x, n=5, dim=0)
m.fft.irfft(x)
m.fft.irfft(x, n=9, dim=0)
m.fft.irfft(m.fft.rfft(x), n=5)
m.fft.hfft(x)
m.fft.ihfft(x, norm="forward")
m.fft.fft2(x)
m.fft.ifft2(x, s=(2, 8))
m.fft.rfft2(x, s=(4, 5))
m.fft.irfft2(m.fft.rfft2(x))
m.fft.irfft2(x, s=(4, 5), norm="ortho")
m.fft.fftn(x, dim=(0,))
m.fft.ifftn(x, s=(3,))
m.fft.rfftn(x, dim=(1, 0))
m.fft.irfftn(x)
m.fft.hfft2(x)
m.fft.hfftn(x, s=(4, 6), norm="ortho")
m.fft.ihfft2(x)
m.fft.ihfftn(x)
m.fft.fftshift(m.fft.fft(x))
m.fft.ifftshift(x, dim=1)
m.fft.fftfreq(5, 0.1, dtype=m.float64)
m.fft.rfftfreq(6, dtype=m.float64)
m.fft.fft(x).abs()
m.fft.fft(x).angle()
m.abs(m.fft.rfft(x)) ** 2
m.fft.irfft(m.fft.rfft(x) * m.fft.rfft(x[:1]))
m.fft.fft(x) / (m.fft.fft(x) + 3)
m.fft.fft(x) @ m.fft.fft(x).mT
m.einsum("ij,kj->ik", m.fft.fft(x), m.fft.fft(x))
m.exp(1j * x)
(x * 1j + 2) ** 3
(x + 2j) ** 0.5
1 / (m.fft.fft(x) + 4)
2 - m.fft.fft(x) * x
m.cat([m.fft.fft(x), m.fft.rfft(x)], 1)
m.stack([m.fft.fft(x)] * 2).reshape(-1, 2).permute(1, 0)
m.fft.fft(x)[0, 1:4].conj().sum()
m.fft.fft(x).mean(0)
m.polar(x.abs(), x)
m.complex(x, x ** 2)
m.view_as_complex(x.reshape(3, 3, 2))
m.view_as_real(m.fft.fft(x)).flatten(1)
m.real(m.fft.fft(x)) + m.imag(m.fft.fft(x))
m.log(m.fft.fft(x) + 9)
m.fft.fft(x).sum((0, 1)).abs()
m.nn.functional.pad(m.fft.fft(x), (1, 2))
m.view_as_real(m.view_as_complex(x.reshape(3, 3, 2)) * m.polar(m.ones(3, dtype=m.float64), x[:, 0]))
""".strip().splitlines()


def as_pairs(m: Any, z: Any) -> Any:
    return m.view_as_real(z.resolve_conj()) if m.is_complex(z) else z


@pytest.mark.parametrize("row", ROWS)
def test_fourier_transforms_and_complex_numbers(row: str) -> None:
    agree(lambda m, x: as_pairs(m, eval(row, {"m": m, "x": x})), [X])


@pytest.mark.parametrize(
    "options",
    [{}, {"hop_length": 3}, {"win_length": 6, "normalized": True}, {"onesided": False}],
    ids=str,
)
def test_short_time_transforms(options: dict[str, Any]) -> None:
    def window(m: Any) -> Any:
        return m.hann_window(options.get("win_length", 8), dtype=m.float64)

    def there(m: Any, x: Any, **more: Any) -> Any:
        return m.stft(x, 8, window=window(m), return_complex=True, **options, **more)

    agree(lambda m, x: as_pairs(m, there(m, x)), [SIGNAL])
    agree(lambda m, x: as_pairs(m, there(m, x, center=False)), [SIGNAL])
    agree(lambda m, x: m.istft(there(m, x), 8, window=window(m), length=30, **options), [SIGNAL])


@pytest.mark.parametrize(
    "name", ["hann_window", "hamming_window", "blackman_window", "bartlett_window", "kaiser_window"]
)
def test_windows(name: str) -> None:
    for n, periodic in product((0, 1, 2, 5, 8), (True, False)):
        ours, theirs = getattr(mg, name)(n, periodic), getattr(torch, name)(n, periodic)
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), 1e-5, 1e-6)


def test_numpys_transforms_of_tensors() -> None:
    x = mg.tensor(X, requires_grad=True)
    for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "fft2", "rfft2", "fftn",
                 "ifftn", "fftshift", "ifftshift"):  # fmt: skip
        function = getattr(np.fft, name)
        found = function(x)
        pairs = as_pairs(mg, found)
        assert pairs.requires_grad
        np.testing.assert_allclose(found.detach().numpy(), function(X), 1e-12, 1e-12)
    np.testing.assert_allclose(np.abs(np.fft.rfft(x, axis=0)).detach(), abs(np.fft.rfft(X, axis=0)))


def test_complex_numbers_are_refused_where_they_have_no_meaning() -> None:
    z = mg.fft.fft(mg.tensor(X, requires_grad=True))
    with pytest.raises(RuntimeError, match="real number"):
        z.backward()
    for call in (mg.relu, mg.sort, mg.fft.rfft, lambda z: z > 1, mg.floor):
        with pytest.raises(TypeError):
            call(z)
    with pytest.raises(TypeError, match="complex"):
        mg.zeros(2, dtype=mg.complex64)
    assert z.dtype == mg.complex128
    assert z.to(mg.cfloat).dtype == mg.complex64
