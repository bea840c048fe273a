"""Learn XOR, which no single linear layer can, with two.

Prints the loss, and what the trained network answers to the four inputs.

    python examples/xor.py    # less than 1 s
"""

from __future__ import annotations

from common import options

import minigrad as mg
from minigrad import nn


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--steps", type=int, default=500, help="of Adam")
    parser.add_argument("--seed", type=int, default=0, help="of the weights")
    args = parser.parse_args()

    mg.manual_seed(args.seed)
    x = mg.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = mg.tensor([[0.0], [1.0], [1.0], [0.0]])
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    loss_function = nn.BCEWithLogitsLoss()
    optimizer = mg.optim.Adam(model.parameters(), lr=0.05)
    for step in range(args.steps + 1):
        loss = loss_function(model(x), y)
        if step % max(1, args.steps // 5) == 0:
            print(f"step {step:4}   loss {loss.item():.4f}")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    probability = model(x).sigmoid()
    for inputs, p in zip(x.tolist(), probability.tolist()):
        print(f"{inputs[0]:.0f} xor {inputs[1]:.0f}  ->  {p[0]:.3f}")
    right = ((probability > 0.5) == (y > 0.5)).sum().item()
    print(f"{right} of 4 right")


if __name__ == "__main__":
    main()
