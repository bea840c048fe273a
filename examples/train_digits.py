"""Train a Linear/ReLU network on handwritten digits, and look at it.

The data are scikit-learn's 1,797 digits of 8 × 8 pixels, which come with the package: nothing is
downloaded.  The script checks the gradient of the loss against finite differences, trains, prints a
table of epochs and the accuracy on digits that were held back, and writes the loss curve and the
computation graph.

    python examples/train_digits.py    # about 3 s
    python examples/train_digits.py --epochs 30 --hidden 128 64 --seed 3 --out /tmp/digits
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from common import options, pyplot

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn
from minigrad.utils.data import DataLoader, TensorDataset


def load():
    """Pixels in 0 ... 1 and labels, 1,347 to train on and 450 to test on."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    x = (digits.data / 16).astype(np.float32)
    return train_test_split(x, digits.target, test_size=450, random_state=0, stratify=digits.target)


def network(hidden: list[int]) -> nn.Sequential:
    """Linear layers with a ReLU between each two: 64 pixels in, 10 scores out."""
    sizes = [64, *hidden, 10]
    layers: list[nn.Module] = []
    for n, m in zip(sizes, sizes[1:]):
        layers += [nn.Linear(n, m), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def accuracy(model: nn.Module, x: mg.Tensor, y: mg.Tensor) -> float:
    """Share of digits whose largest score is that of their class."""
    with mg.no_grad():
        return (model(x).argmax(dim=1) == y).float().mean().item()


def check_gradient(model: nn.Module, x: mg.Tensor, y: mg.Tensor) -> None:
    """Compare backward with finite differences, for every weight and three digits."""
    report = mg.testing.check_gradients(
        lambda x: F.cross_entropy(model(x), y[:3]), x[:3], params=model, raise_exception=True
    )
    print(f"loss of three digits: {report}")


def main() -> None:
    parser = options(__doc__, "sklearn", "matplotlib", "tqdm")
    parser.add_argument("--epochs", type=int, default=60, help="of training")
    parser.add_argument("--hidden", type=int, nargs="*", default=[64], help="sizes of the layers")
    parser.add_argument("--batch", type=int, default=32, help="digits in each step")
    parser.add_argument("--lr", type=float, default=2e-3, help="Adam's learning rate")
    parser.add_argument("--seed", type=int, default=0, help="of the weights and batches")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    args = parser.parse_args()

    from tqdm import tqdm

    mg.manual_seed(args.seed)
    x_train, x_test, y_train, y_test = (mg.tensor(a) for a in load())
    model = network(args.hidden)
    print(model)
    check_gradient(model, x_train, y_train)

    optimizer = mg.optim.Adam(model.parameters(), lr=args.lr)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=args.batch, shuffle=True)
    history = []
    print(f"{'epoch':>5} {'loss':>8} {'train':>7} {'test':>7}")
    # disable=None: no bar where the output goes to a file
    for epoch in tqdm(range(1, args.epochs + 1), unit="epoch", leave=False, disable=None):
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        history.append(total / len(x_train))
        if epoch % max(1, args.epochs // 10) == 0 or epoch == 1:
            train, test = accuracy(model, x_train, y_train), accuracy(model, x_test, y_test)
            tqdm.write(f"{epoch:5} {history[-1]:8.4f} {train:7.2%} {test:7.2%}")
    print(f"test accuracy {accuracy(model, x_test, y_test):.2%} on {len(x_test)} digits")

    args.out.mkdir(parents=True, exist_ok=True)
    write_curve(history, args.out / "digits_loss.png")
    optimizer.zero_grad()
    digits = x_train[:4]
    with mg.visualize.record_values():  # keep every number for the picture
        loss = F.cross_entropy(model(digits), y_train[:4])
        loss.backward()
    names = {"digits": digits, "loss": loss}
    drawn = mg.visualize.draw(loss, names=names).save(args.out / "digits_graph.svg")
    for path in (args.out / "digits_loss.png", drawn):
        print("wrote", path)


def write_curve(losses: list[float], path: Path) -> None:
    plt = pyplot()
    figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    axes.semilogy(range(1, len(losses) + 1), losses)
    axes.set(xlabel="epoch", ylabel="mean training loss", title="Digits: cross-entropy")
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
