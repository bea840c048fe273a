"""``minigrad.fft``: Fourier transforms, under the names of ``torch.fft``.

Complex results are of the class `Complex`: ``.abs()``, ``.real`` and their kin are tensors, and
gradients of every order go through them.

    >>> import minigrad as mg
    >>> x = mg.tensor([0.0, 1.0, 0.0, -1.0], requires_grad=True)
    >>> mg.fft.rfft(x).abs()
    tensor([0., 2., 0.], grad_fn=hypot)
"""

from minigrad.fft.transforms import (
    fft,
    fft2,
    fftfreq,
    fftn,
    fftshift,
    hfft,
    hfft2,
    hfftn,
    ifft,
    ifft2,
    ifftn,
    ifftshift,
    ihfft,
    ihfft2,
    ihfftn,
    irfft,
    irfft2,
    irfftn,
    rfft,
    rfft2,
    rfftfreq,
    rfftn,
)

__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "hfft2", "hfftn", "ifft", "ifft2",
    "ifftn", "ifftshift", "ihfft", "ihfft2", "ihfftn", "irfft", "irfft2", "irfftn", "rfft", "rfft2",
    "rfftfreq", "rfftn",
]  # fmt: skip
