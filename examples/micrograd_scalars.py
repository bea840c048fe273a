"""Backpropagation on single numbers: 0-d tensors, one node an operation.

Each number below is a tensor without axes, so the graph is the expression itself; its derivatives
are compared with central differences.

Prints the graph, a line for each operation with what it sends back, and both derivatives.

    python examples/micrograd_scalars.py    # less than 1 s
"""

from __future__ import annotations

from common import options

import minigrad as mg


def expression(a, b):
    """A made-up expression with sums, products, powers, a ReLU, and numbers used twice."""
    c = a * b + b**3
    d = c + (a - b).relu() * 2
    e = (d - c) ** 2 + d / (1 + a * a)
    return e + 3 / (b * b)


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--a", type=float, default=-1.5, help="first number")
    parser.add_argument("--b", type=float, default=2.0, help="second number")
    args = parser.parse_args()

    a = mg.tensor(args.a, dtype=mg.float64, requires_grad=True)
    b = mg.tensor(args.b, dtype=mg.float64, requires_grad=True)
    g = expression(a, b)
    g.backward()
    print(mg.visualize.tape(g, names={"a": a, "b": b, "g": g}))

    h = 1e-6
    for name, x, up, down in (
        ("a", a, expression(args.a + h + 0 * b, b), expression(args.a - h + 0 * b, b)),
        ("b", b, expression(a, args.b + h + 0 * a), expression(a, args.b - h + 0 * a)),
    ):
        difference = (up - down).item() / (2 * h)
        print(f"dg/d{name} = {x.grad.item():.6f}   by differences {difference:.6f}")


if __name__ == "__main__":
    main()
