"""Forty runs on a local Dask cluster, that note when they begin and end, and where.

python forty_runs.py FOLDER: the table goes to FOLDER/table.json.
"""

import json
import os
import sys
import time
from pathlib import Path

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import nn

SPACE = {"lr": [0.1, 0.03, 0.01, 0.003], "hidden": [4, 8]}
PAUSE = 0.05  # seconds that a run lasts at least, so that there is time to be killed


def train(lr, hidden, seed, notes):
    """A small network on a fixed problem; its start depends on the seed alone."""
    note(notes, f"begun {lr} {hidden} {seed}")
    time.sleep(PAUSE)
    if (lr, hidden, seed) == (0.03, 8, 3):
        raise ArithmeticError("this one fails")
    generator = mg.Generator().manual_seed(7)
    x = mg.randn(32, 2, generator=generator)
    y = (x[:, 0] * x[:, 1] > 0).long()
    model = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 2))
    optimizer = mg.optim.Adam(model.parameters(), lr=lr)
    for _ in range(20):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    note(notes, f"ended {lr} {hidden} {seed}")
    return {"loss": loss, "accuracy": (model(x).argmax(1) == y).float().mean()}


def note(path, line):
    """Append a line at once: runs of several processes write to one file."""
    with open(path, "a", encoding="utf-8") as file:
        file.write(line + "\n")


def main(folder, scheduler):
    table = mg.sweep(
        train,
        {**SPACE, "notes": str(folder / "notes.txt")},
        seeds=5,
        scheduler=scheduler,
        workers=2,
        path=folder / "runs.jsonl",
    )
    rows = [{k: v for k, v in row.items() if k not in ("notes", "seconds")} for row in table]
    (folder / "table.json").write_text(json.dumps(rows), encoding="utf-8")


if __name__ == "__main__":
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    main(Path(sys.argv[1]), sys.argv[2])
