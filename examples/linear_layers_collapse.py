"""Two linear layers without an activation are one linear layer; with a ReLU they are not.

W2 (W1 x + b1) + b2 = (W2 W1) x + (W2 b1 + b2), so depth alone adds nothing.

Prints how far two layers are from one, without and with a ReLU, and which maps are linear.

    python examples/linear_layers_collapse.py    # less than 1 s
"""

from __future__ import annotations

import numpy as np
from common import options

import minigrad as mg
from minigrad import nn


def collapse(first: nn.Linear, second: nn.Linear) -> nn.Linear:
    """The one layer that does what the two do, one after the other."""
    layer = nn.Linear(first.in_features, second.out_features, dtype=mg.float64)
    layer.load_state_dict(
        {
            "weight": (second.weight @ first.weight).detach(),
            "bias": (second.weight @ first.bias + second.bias).detach(),
        }
    )
    return layer


def linearity_error(f, x: mg.Tensor, y: mg.Tensor, a: float = 0.7, b: float = -1.9) -> float:
    """Largest entry of f(a x + b y) - a f(x) - b f(y): 0 for a linear map."""
    return (f(a * x + b * y) - a * f(x) - b * f(y)).abs().max().item()


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the weights and inputs")
    args = parser.parse_args()

    mg.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    x, y = mg.tensor(rng.standard_normal((2, 32, 10)))
    two = nn.Sequential(nn.Linear(10, 64), nn.Linear(64, 5)).double()
    relu = nn.Sequential(two[0], nn.ReLU(), two[1])
    one = collapse(two[0], two[1])
    with mg.no_grad():
        print(f"input {tuple(x.shape)}, output {tuple(two(x).shape)}")
        print(f"two layers against one: {(two(x) - one(x)).abs().max().item():.1e}")
        print(f"two layers and a ReLU against one: {(relu(x) - one(x)).abs().max().item():.1e}")
        # The best affine map, by least squares, does not reproduce the ReLU either.
        features = mg.cat([x, mg.ones(len(x), 1, dtype=mg.float64)], dim=1)
        fit = features @ mg.linalg.lstsq(features, relu(x)).solution
        print(f"best affine map against the two and a ReLU: {(relu(x) - fit).abs().max():.1e}")

        print("largest entry of f(a x + b y) - a f(x) - b f(y):")
        weight = one.weight
        for name, f in (
            ("x @ W.T", lambda x: x @ weight.T),
            ("x @ W.T + b", one),
            ("relu(x @ W.T)", lambda x: (x @ weight.T).relu()),
        ):
            print(f"  {name}: {linearity_error(f, x, y):.1e}")


if __name__ == "__main__":
    main()
