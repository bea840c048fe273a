"""Training runs that are killed at random moments, and go on to the weights of a whole run."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from functools import lru_cache
from pathlib import Path

import numpy as np

import minigrad as mg

PROGRAM = """
import sys
import numpy as np
import minigrad as mg
from minigrad.utils.data import DataLoader, TensorDataset
from sklearn.datasets import load_digits

path, epochs = sys.argv[1], int(sys.argv[2])
mg.manual_seed(0)
X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
loader = DataLoader(TensorDataset(mg.tensor(X[:400]), mg.tensor(y[:400])), 32, shuffle=True)
model = mg.nn.Sequential(
    mg.nn.Linear(64, 32), mg.nn.ReLU(), mg.nn.Dropout(0.2), mg.nn.Linear(32, 10)
)
optimizer = mg.optim.Adam(model.parameters(), 1e-2)
scheduler = mg.optim.lr_scheduler.ExponentialLR(optimizer, 0.95)
mg.training.fit(
    model, mg.nn.CrossEntropyLoss(), optimizer, loader, epochs=epochs, scheduler=scheduler,
    callbacks=[mg.training.Checkpoint(path)], progress=False,
)
"""
EPOCHS = 40


def start(path: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", PROGRAM, str(path), str(EPOCHS)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def weights(path: Path) -> np.ndarray:
    model = mg.load(path)["model"]
    return np.concatenate([model[name].numpy().ravel() for name in sorted(model)])


@lru_cache(maxsize=1)
def whole_run() -> tuple[np.ndarray, float]:
    """The weights of a run that nobody kills, and how long it takes."""
    with tempfile.TemporaryDirectory() as folder:
        path, begin = Path(folder) / "run.npz", time.monotonic()
        process = start(path)
        _, said = process.communicate()
        if process.returncode:
            raise RuntimeError(said.decode()[-2000:])
        return weights(path), time.monotonic() - begin


def try_run(seed: int, kills: int = 4) -> str | None:
    """What is wrong with a run that is killed `kills` times, in words; None if nothing is."""
    right, seconds = whole_run()
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.npz"
        for _ in range(kills):
            process = start(path)
            try:
                process.wait(float(rng.uniform(0.3, 1.0)) * seconds)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else 15)
            process.communicate()
        process = start(path)
        _, said = process.communicate()
        if process.returncode:
            return f"# run {seed}: it does not go on: {said.decode()[-500:]}"
        if not np.array_equal(weights(path), right):
            return f"# run {seed}: the weights differ from those of a whole run"
        if len(list(Path(folder).iterdir())) > 1:
            return f"# run {seed}: files are left: {sorted(p.name for p in Path(folder).iterdir())}"
    return None
