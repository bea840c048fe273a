"""A network whose last layer starts at its least-squares solution, by the pseudoinverse.

The hidden layer keeps its random weights; the last layer is linear in its own weights, so the best
ones are pinv(hidden) @ targets.  From there gradient descent trains all layers.

Prints the errors of both starts before and after training, also on new data; draws the training.

    python examples/pinv_init.py    # about 1 s
"""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
from common import options, pyplot

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn


def make_data(rng: np.random.Generator, n: int) -> tuple[mg.Tensor, mg.Tensor]:
    """A smooth function of two numbers, with noise 0.05."""
    x = rng.uniform(-1, 1, (n, 2))
    y = np.sin(4 * x[:, :1]) * np.cos(3 * x[:, 1:]) + 0.05 * rng.standard_normal((n, 1))
    return mg.tensor(x), mg.tensor(y)


def network(hidden: int) -> nn.Sequential:
    """One hidden layer, with weights large enough that its units bend inside of the data."""
    model = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 1)).double()
    nn.init.normal_(model[0].weight, std=2.0)
    nn.init.uniform_(model[0].bias, -2.0, 2.0)
    return model


def solve_last_layer(model: nn.Sequential, x: mg.Tensor, y: mg.Tensor) -> None:
    """Set weight and bias of the last layer to the least-squares solution."""
    with mg.no_grad():
        hidden = model[:-1](x)
        features = mg.cat([hidden, mg.ones(len(x), 1, dtype=mg.float64)], dim=1)
        solution = mg.linalg.pinv(features) @ y
        model[-1].weight.copy_(solution[:-1].T)
        model[-1].bias.copy_(solution[-1])


def gradient_norm(model: nn.Sequential, x, y, parameters) -> float:
    """Norm of the gradient of the loss for some of the parameters."""
    gradients = mg.autograd.grad(F.mse_loss(model(x), y), list(parameters))
    return mg.linalg.norm(mg.cat([g.flatten() for g in gradients])).item()


def train(model: nn.Sequential, x, y, steps: int) -> list[float]:
    """The loss at every step of Adam on all the data, and at the end."""
    optimizer = mg.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return [*losses, F.mse_loss(model(x), y).item()]


def picture(curves: dict[str, list[float]], path: Path) -> None:
    plt = pyplot()
    figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    for name, losses in curves.items():
        axes.semilogy(losses, label=name)
    axes.axhline(0.05**2, color="gray", linestyle=":", label="variance of the noise")
    axes.set(xlabel="step", ylabel="mean squared error", title="Two starts of the same network")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    parser = options(__doc__, "matplotlib")
    parser.add_argument("--hidden", type=int, default=30, help="units of the hidden layer")
    parser.add_argument("--steps", type=int, default=1000, help="of Adam")
    parser.add_argument("--seed", type=int, default=0, help="of the data and the weights")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the picture")
    args = parser.parse_args()

    mg.manual_seed(args.seed)
    x, y = make_data(np.random.default_rng(args.seed), 400)
    new_x, new_y = make_data(np.random.default_rng(args.seed + 1), 400)
    plain = network(args.hidden)
    solved = copy.deepcopy(plain)
    solve_last_layer(solved, x, y)
    slope = gradient_norm(solved, x, y, solved[-1].parameters())
    print(f"gradient for the last layer after pinv: {slope:.1e}, so no other values are better")

    curves = {}
    for name, model in (("random start", plain), ("last layer by pinv", solved)):
        curves[name] = train(model, x, y, args.steps)
        print(
            f"{name}: error {curves[name][0]:.6f} at first, {curves[name][-1]:.6f} after training"
        )
        with mg.no_grad():
            print(f"  error on new data, {name}: {F.mse_loss(model(new_x), new_y).item():.6f}")
    below = next((i for i, v in enumerate(curves["random start"]) if v < curves[name][0]), None)
    print(f"steps that the random start needs to where pinv begins: {below}")

    args.out.mkdir(parents=True, exist_ok=True)
    picture(curves, args.out / "pinv_init.png")
    print("wrote", args.out / "pinv_init.png")


if __name__ == "__main__":
    main()
