"""Principal components of the digits by eigh, by the SVD, and by a linear autoencoder.

No linear map through k numbers reconstructs centred data better than projection to the k
eigenvectors of the covariance with the largest eigenvalues.  A network 64 -> k -> 64 without
activations, trained by Adam, comes down to exactly that error and that subspace.

Prints how far the three are apart, and the errors per digit; draws components and reconstructions.

    python examples/pca_three_ways.py    # about 4 s
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from common import need, options, pyplot

import minigrad as mg
from minigrad import nn

L = mg.linalg


def pixels() -> tuple[mg.Tensor, mg.Tensor]:
    """1797 x 64 pixels in 0 ... 1, with the mean of each subtracted, and these means."""
    need("sklearn")
    from sklearn.datasets import load_digits

    x = mg.tensor(load_digits().data / 16)
    return x - x.mean(dim=0), x.mean(dim=0)


def train_autoencoder(x: mg.Tensor, k: int, steps: int) -> tuple[nn.Sequential, float]:
    """Minimise the squared error per sample with Adam on all the data at once."""
    n = x.shape[1]
    model = nn.Sequential(nn.Linear(n, k, bias=False), nn.Linear(k, n, bias=False)).double()
    optimizer = mg.optim.Adam(model.parameters(), lr=0.05)
    # The step shrinks to 1 % over the run: Adam's steps do not become small by themselves.
    scheduler = mg.optim.lr_scheduler.ExponentialLR(optimizer, 0.01 ** (1 / steps))
    for _ in range(steps):
        optimizer.zero_grad()
        loss = ((model(x) - x) ** 2).sum() / len(x)
        loss.backward()
        optimizer.step()
        scheduler.step()
    with mg.no_grad():
        return model, (((model(x) - x) ** 2).sum() / len(x)).item()


def largest_angle(A: mg.Tensor, B: mg.Tensor) -> float:
    """Largest principal angle, in degrees, between the column spaces of A and B."""
    Q, P = L.qr(A).Q, L.qr(B).Q
    # by its sine, the length of what P has outside of Q: an arccosine near 1 has few digits
    sine = L.svdvals(P - Q @ (Q.T @ P))[0].item()
    return float(np.degrees(np.arcsin(min(1.0, sine))))


def picture(images: dict[str, mg.Tensor], path: Path) -> None:
    plt = pyplot()
    columns = len(next(iter(images.values())))
    figure, axes = plt.subplots(len(images), columns, figsize=(columns * 0.8, len(images)))
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.95, wspace=0.1, hspace=0.3)
    for row, (name, rows) in zip(axes, images.items()):
        for cell, image in zip(row, rows.numpy()):
            cell.imshow(image.reshape(8, 8), cmap="gray")
            cell.set_axis_off()
        row[0].set_title(name, loc="left", fontsize=9)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    parser = options(__doc__, "matplotlib")
    parser.add_argument("--components", type=int, default=10, help="how many are kept")
    parser.add_argument("--steps", type=int, default=1500, help="of Adam")
    parser.add_argument("--seed", type=int, default=0, help="of the weights")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    args = parser.parse_args()

    mg.manual_seed(args.seed)
    (x, mean), k = pixels(), args.components
    values, vectors = L.eigh(x.T @ x / (len(x) - 1))
    values, vectors = values.flip(0), vectors.flip(1)  # eigh gives the smallest first
    _, s, Vh = L.svd(x, full_matrices=False)
    difference = (values - s**2 / (len(x) - 1)).abs().max().item()
    print(f"largest difference of eigh's values and s^2 / (n - 1): {difference:.1e}")
    angle = largest_angle(vectors[:, :k], Vh[:k].T)
    print(f"angle between the components of eigh and of svd: {angle:.4f} degrees")

    share = (values.cumsum(dim=0) / values.sum()).numpy()
    needed = int(np.searchsorted(share, 0.95)) + 1
    print(f"{k} components keep {share[k - 1]:.6f} of the variance, {needed} keep 95 %")

    best = (s[k:] ** 2).sum().item() / len(x)
    model, loss = train_autoencoder(x, k, args.steps)
    decoder = model[1].weight.detach()
    print(f"least error of any {k} components: {best:.8f} per sample")
    print(f"error of the autoencoder:          {loss:.8f}, above it by {loss - best:.1e}")
    print(f"angle between its decoder and PCA: {largest_angle(decoder, Vh[:k].T):.4f} degrees")

    args.out.mkdir(parents=True, exist_ok=True)
    projected = x[:k] @ Vh[:k].T @ Vh[:k]
    picture(
        {
            "principal components": Vh[:k],
            "columns of the decoder": decoder.T,
            "digits": mean + x[:k],
            "digits by PCA": mean + projected,
            "digits by the autoencoder": mean + model(x[:k]).detach(),
        },
        args.out / "pca_three_ways.png",
    )
    print("wrote", args.out / "pca_three_ways.png")


if __name__ == "__main__":
    main()
