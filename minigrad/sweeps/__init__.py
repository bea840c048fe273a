"""Many models: one training function over hyperparameters and seeds, side by side.

    def train(lr, hidden, seed):
        ...
        return {"loss": 0.1, "accuracy": 0.97}

    table = mg.sweep(train, {"lr": [1e-3, 1e-2], "hidden": [16, 32]}, seeds=5, path="runs.jsonl")

trains twenty networks, by joblib on the cores of this machine, or by Dask on those of a cluster.
What came out is a table, a dict for each run.  It is kept in a file, run by run, so that a sweep
that was killed goes on where it was; a run that fails has its error in the table.
"""

from minigrad.sweeps.halving import SuccessiveHalving
from minigrad.sweeps.sweeping import sweep
from minigrad.sweeps.table import Table

__all__ = ["SuccessiveHalving", "Table", "sweep"]
