"""Let Optuna choose hyperparameters, and end hopeless runs early.

A network with one hidden layer separates two moons.  Optuna proposes its learning rate and width,
sees the loss on other points after each epoch, and ends runs that are worse than most were at that
epoch.  `minigrad.sweep` then draws as many settings at random and trains each to its end.

Prints the best setting of both, the loss of each, and how many epochs were trained.

    python examples/optuna_search.py    # about 10 s
    python examples/optuna_search.py --trials 60
"""

from __future__ import annotations

import numpy as np
from common import options

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn

RATES, WIDTHS = (1e-4, 1.0), (2, 64)


def two_moons(n: int, seed: int) -> tuple[mg.Tensor, mg.Tensor]:
    """Two half circles that reach into each other, with noise."""
    rng = np.random.default_rng(seed)
    label = np.arange(n) % 2
    angle = rng.uniform(0, np.pi, n) + np.pi * label
    x = np.column_stack([np.cos(angle) + label, np.sin(angle) + 0.5 * label])
    x = x + 0.2 * rng.standard_normal(x.shape)
    return mg.tensor(x, dtype=mg.float32), mg.tensor(label)


def losses(lr: float, hidden: int, epochs: int):
    """Train; after each epoch yield the loss on points that were not trained on."""
    (x, y), (x_test, y_test) = two_moons(256, seed=0), two_moons(512, seed=1)
    model = nn.Sequential(nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, 2))
    optimizer = mg.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    for _ in range(epochs):
        for rows in mg.randperm(len(x)).split(32):
            optimizer.zero_grad()
            F.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
        with mg.no_grad():
            yield F.cross_entropy(model(x_test), y_test).item()


def by_optuna(trials: int, epochs: int):
    """The study, and how many epochs it took."""
    import optuna

    def objective(trial: optuna.Trial) -> float:
        mg.manual_seed(0)
        lr = trial.suggest_float("lr", *RATES, log=True)
        hidden = trial.suggest_int("hidden", *WIDTHS, log=True)
        loss = float("inf")
        for epoch, loss in enumerate(losses(lr, hidden, epochs)):
            trial.report(loss, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return loss

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=0),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1),
    )
    study.optimize(objective, n_trials=trials)
    return study, sum(len(trial.intermediate_values) for trial in study.trials)


def train(lr: float, hidden: float, epochs: int) -> float:
    """The loss at the end."""
    return list(losses(lr, round(hidden), epochs))[-1]


def main() -> None:
    parser = options(__doc__, "optuna")
    parser.add_argument("--trials", type=int, default=20, help="settings to try")
    parser.add_argument("--epochs", type=int, default=10, help="of training, for each")
    args = parser.parse_args()

    study, epochs = by_optuna(args.trials, args.epochs)
    best = study.best_params
    print(f"Optuna: loss {study.best_value:.4f} with lr {best['lr']:.3g}, hidden {best['hidden']}")
    pruned = sum(trial.state.name == "PRUNED" for trial in study.trials)
    print(f"epochs trained by Optuna: {epochs}, since {pruned} runs were ended early")

    mg.manual_seed(0)
    logs = [mg.distributions.Uniform(np.log(low), np.log(high)) for low, high in (RATES, WIDTHS)]
    space = [
        {"lr": float(np.exp(a.item())), "hidden": float(np.exp(b.item())), "epochs": args.epochs}
        for a, b in zip(*(log.sample((args.trials,)) for log in logs))
    ]
    table = mg.sweep(train, space, scheduler="serial", progress=False)
    found = table.ranking()[0]
    print(
        f"random: loss {found['loss']:.4f} with lr {found['lr']:.3g}, hidden {found['hidden']:.0f}"
    )
    print(f"epochs trained at random: {args.epochs * args.trials}")


if __name__ == "__main__":
    main()
