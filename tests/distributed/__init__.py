"""Programs that run in several processes, started by mpiexec, as users start theirs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"


def mpiexec() -> str:
    """The command that mpich's wheel installs beside Python, or the system's."""
    beside = Path(sysconfig.get_path("scripts")) / "mpiexec"
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    if found is None or find_spec("mpi4py") is None:
        if os.environ.get("MINIGRAD_NEIGHBOURS") == "1":
            raise RuntimeError("mpi4py and mpiexec are to be there: pip install '.[mpi]'")
        pytest.skip("mpi4py and mpiexec are not installed")
    return found


class Ended(NamedTuple):
    """How a program ended."""

    code: int
    output: str
    seconds: float


def launch(processes: int, program: str | Path, *arguments: str, limit: float = 120) -> Ended:
    """Run a program in so many processes."""
    environment = {
        **os.environ,
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }
    command = [mpiexec(), "-n", str(processes), sys.executable, str(PROGRAMS / program)]
    begun = time.monotonic()
    run = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=limit,
                         env=environment)  # fmt: skip
    return Ended(run.returncode, run.stdout + run.stderr, time.monotonic() - begun)
