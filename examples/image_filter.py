"""A picture filter as a convolution and as a matrix, and its transpose as the backward pass.

A 3 x 3 filter is linear, so there is a matrix that maps the flattened picture to the flattened
result.  Its transpose is what backward applies, and what conv_transpose2d computes.

Prints, for three filters, how far the two forms are apart, forward and backward; draws the results.

    python examples/image_filter.py    # less than 1 s
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from common import options, pyplot

import minigrad as mg
import minigrad.nn.functional as F

FILTERS = {
    "blur": [[1 / 16, 2 / 16, 1 / 16], [2 / 16, 4 / 16, 2 / 16], [1 / 16, 2 / 16, 1 / 16]],
    "edges, left to right": [[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]],
    "sharpen": [[0.0, -1.0, 0.0], [-1.0, 5.0, -1.0], [0.0, -1.0, 0.0]],
}


def draw_picture(n: int) -> mg.Tensor:
    """A disc, a bar and a slope, in 0 ... 1."""
    y, x = np.mgrid[:n, :n] / n
    disc = ((x - 0.35) ** 2 + (y - 0.4) ** 2 < 0.07) * 0.7
    bar = (abs(x - 0.8) < 0.06) * 0.9
    return mg.tensor(np.clip(0.25 * y + disc + bar, 0, 1))


def apply_filter(image: mg.Tensor, kernel: mg.Tensor) -> mg.Tensor:
    """Convolution as networks have it (without a flip of the kernel), with zeros at the border."""
    return F.conv2d(image[None, None], kernel[None, None], padding=1)[0, 0]


def as_matrix(kernel: np.ndarray, n: int) -> mg.Tensor:
    """The matrix of the filter for n x n pictures, entry by entry."""
    M = np.zeros((n, n, n, n))
    for i in range(n):
        for j in range(n):
            for a in range(-1, 2):
                for b in range(-1, 2):
                    if 0 <= i + a < n and 0 <= j + b < n:
                        M[i, j, i + a, j + b] = kernel[a + 1, b + 1]
    return mg.tensor(M.reshape(n * n, n * n))


def compare(name: str, kernel: mg.Tensor, image: mg.Tensor, rng: np.random.Generator) -> mg.Tensor:
    """Print how far the two forms are apart, forward and backward."""
    n = image.shape[0]
    M = as_matrix(kernel.numpy(), n)
    image = image.clone().requires_grad_()
    out = apply_filter(image, kernel)
    cotangent = mg.tensor(rng.standard_normal((n, n)))
    out.backward(cotangent)
    by_transpose = (M.T @ cotangent.flatten()).reshape(n, n)
    transposed = F.conv_transpose2d(cotangent[None, None], kernel[None, None], padding=1)[0, 0]
    out = out.detach()
    filled = (M != 0).double().mean().item()
    print(f"{name}: matrix {M.shape[0]} x {M.shape[1]}, {filled:.2%} of it not 0")
    print(f"  conv2d - M x: {(out.flatten() - M @ image.detach().flatten()).abs().max():.1e}")
    print(f"  backward - M^T g: {(image.grad - by_transpose).abs().max().item():.1e}")
    print(f"  conv_transpose2d - M^T g: {(transposed - by_transpose).abs().max().item():.1e}")
    return out


def picture(images: dict[str, mg.Tensor], path: Path) -> None:
    plt = pyplot()
    figure, axes = plt.subplots(1, len(images), figsize=(9, 2.6), layout="constrained")
    for cell, (name, image) in zip(axes, images.items()):
        cell.imshow(image.numpy(), cmap="gray")
        cell.set_title(name, fontsize=10)
        cell.set_axis_off()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    parser = options(__doc__, "matplotlib")
    parser.add_argument("--size", type=int, default=24, help="pixels of a side")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    args = parser.parse_args()

    image = draw_picture(args.size)
    images = {"picture": image}
    for name, values in FILTERS.items():
        kernel = mg.tensor(np.array(values))
        images[name] = compare(name, kernel, image, np.random.default_rng(0))
    args.out.mkdir(parents=True, exist_ok=True)
    picture(images, args.out / "image_filter.png")
    print("wrote", args.out / "image_filter.png")


if __name__ == "__main__":
    main()
