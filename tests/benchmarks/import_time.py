"""What ``import minigrad`` costs beside ``import numpy``, in milliseconds.

Each import runs in a process of its own, in turns; bytecode is cached, as it is for an installed
package.  The minimum of each and the difference are printed.

    python tests/benchmarks/import_time.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    root = str(Path(__file__).resolve().parents[2])
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "PYTHONPATH": root, "PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        best = {"numpy": float("inf"), "minigrad": float("inf")}
        for round_ in range(21):
            for module in best:
                start = time.perf_counter()
                subprocess.run(
                    [sys.executable, "-c", f"import {module}"], env=environment, check=True
                )
                if round_:  # the first compiles
                    best[module] = min(best[module], time.perf_counter() - start)
    for module, seconds in best.items():
        print(f"import {module:<9} {seconds * 1e3:6.1f} ms")
    print(f"difference       {(best['minigrad'] - best['numpy']) * 1e3:6.1f} ms")


if __name__ == "__main__":
    main()
