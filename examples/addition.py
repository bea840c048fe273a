"""Teach a network to add: a small transformer reads "47+85=" and writes "231" for 132.

The digits of the sum come out from the last to the first, as one adds on paper: each digit then
needs only two digits of the question and a carry, which the answer so far shows.  The network is
one layer of self-attention and a feed-forward layer, and is tested on sums that it has never seen.

Prints the loss and the share of unseen sums with every digit right, and some of the answers.

    python examples/addition.py    # about 15 s
    python examples/addition.py --steps 60 --batch 64    # in short: far too few
"""

from __future__ import annotations

import numpy as np
from common import options

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn

PLUS, EQUALS, SYMBOLS = 10, 11, 12  # the digits are their own symbols


def digits_of(numbers: np.ndarray, count: int) -> np.ndarray:
    """The decimal digits of each number, the first one first: (n, count)."""
    return numbers[:, None] // 10 ** np.arange(count - 1, -1, -1) % 10


def sums(pairs: np.ndarray, digits: int) -> mg.Tensor:
    """Sums as symbols, a + b = c with c from its last digit: (n, 3 digits + 3)."""
    plus, equals = (np.full((len(pairs), 1), symbol) for symbol in (PLUS, EQUALS))
    question = [digits_of(pairs[:, 0], digits), plus, digits_of(pairs[:, 1], digits), equals]
    return mg.tensor(np.hstack([*question, digits_of(pairs.sum(axis=1), digits + 1)[:, ::-1]]))


class Adder(nn.Module):
    """One transformer layer: each symbol sees those before it, and predicts the next one."""

    def __init__(self, length: int, width: int = 64, heads: int = 4) -> None:
        super().__init__()
        self.symbol = nn.Embedding(SYMBOLS, width)
        self.position = nn.Embedding(length, width)
        self.layer = nn.TransformerEncoderLayer(
            width, heads, 2 * width, dropout=0.0, batch_first=True, norm_first=True
        )
        self.norm = nn.LayerNorm(width)
        self.read = nn.Linear(width, 10)
        self.register_buffer("later", mg.triu(mg.ones(length, length), 1).bool())

    def forward(self, symbols: mg.Tensor) -> mg.Tensor:
        """Scores of the next digit after each of the symbols: (n, length) -> (n, length, 10)."""
        n = symbols.shape[1]
        x = self.symbol(symbols) + self.position(mg.arange(n))
        return self.read(self.norm(self.layer(x, src_mask=self.later[:n, :n])))


def answers(model: Adder, questions: mg.Tensor, count: int) -> mg.Tensor:
    """The symbols that the model writes after the questions, one at a time."""
    symbols = questions
    with mg.no_grad():
        for _ in range(count):
            following = model(symbols)[:, -1].argmax(dim=-1, keepdim=True)
            symbols = mg.cat([symbols, following], dim=1)
    return symbols[:, questions.shape[1] :]


def exactly_right(model: Adder, test: mg.Tensor, digits: int) -> float:
    """Share of the sums of which every digit is right."""
    right = answers(model, test[:, : -digits - 1], digits + 1) == test[:, -digits - 1 :]
    return right.all(dim=1).float().mean().item()


def train(digits: int, steps: int, batch: int, seed: int) -> float:
    """Train from scratch, print how it goes, and return the share of right test sums."""
    mg.manual_seed(seed)
    rng = np.random.default_rng(seed)
    pairs = np.stack(divmod(rng.permutation(10 ** (2 * digits)), 10**digits), axis=1)
    held_back = min(2000, len(pairs) // 5)
    test, pairs = sums(pairs[:held_back], digits), pairs[held_back:]
    model = Adder(3 * digits + 2)
    optimizer = mg.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.0)
    schedule = mg.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=steps)
    for step in range(1, steps + 1):
        symbols = sums(pairs[rng.integers(len(pairs), size=batch)], digits)
        scores = model(symbols[:, :-1])[:, -digits - 1 :]
        optimizer.zero_grad()
        loss = F.cross_entropy(scores.reshape(-1, 10), symbols[:, -digits - 1 :].reshape(-1))
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % max(1, steps // 10) == 0:
            right = exactly_right(model, test[:500], digits)
            print(f"{step:6} {loss.item():8.4f} {right:8.2%}", flush=True)
    show(model, test[:5], digits)
    return exactly_right(model, test, digits)


def show(model: Adder, test: mg.Tensor, digits: int) -> None:
    """Print a few sums with the answers of the model."""
    questions = test[:, : -digits - 1]
    for question, answer in zip(questions.tolist(), answers(model, questions, digits + 1).tolist()):
        text = "".join("0123456789+="[symbol] for symbol in question)
        print(text, "".join(str(digit) for digit in reversed(answer)))


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--digits", type=int, default=2, help="of each number")
    parser.add_argument("--steps", type=int, default=1500, help="of training")
    parser.add_argument("--batch", type=int, default=128, help="sums in each step")
    parser.add_argument("--seed", type=int, default=0, help="of the sums and the weights")
    args = parser.parse_args()
    print(f"{'step':>6} {'loss':>8} {'right':>8}")
    right = train(args.digits, args.steps, args.batch, args.seed)
    print(f"{right:.2%} of the sums that were held back are right in every digit")


if __name__ == "__main__":
    main()
