"""Damaged files: loading gives numbers or a ValueError, soon, and takes no more memory than memory
has."""

from __future__ import annotations

import io
import tracemalloc
import warnings
from functools import lru_cache

import numpy as np

import minigrad as mg
from tests.fuzz.calls import LIMIT, time_limit

MEMORY = 64 * 2**20  # the whole files are some kilobytes


@lru_cache(maxsize=1)
def good_files() -> list[bytes]:
    """One of each kind that can be loaded."""
    state = {"w": mg.ones(4, 3), "b": mg.zeros(3), "steps": mg.tensor([1, 2, 3])}
    nested = {"model": state, "epoch": 3, "rates": [0.1, 0.2], "none": None, "text": "äöü"}
    made = []
    for content in (state, nested):
        file = io.BytesIO()
        mg.save(content, file)
        made.append(file.getvalue())
    file = io.BytesIO()
    np.savez_compressed(file, a=np.arange(100.0), b=np.zeros((3, 3), np.float32))
    made.append(file.getvalue())
    try:
        import safetensors.numpy
    except ImportError:
        return made
    return [*made, safetensors.numpy.save({"w": np.ones((2, 3), np.float32), "i": np.arange(4)})]


def damaged(rng: np.random.Generator) -> bytes:
    """A good file with bytes changed, cut out, put in, moved, or made huge."""
    files = good_files()
    data = bytearray(files[int(rng.integers(len(files)))])
    for _ in range(int(rng.integers(1, 4))):
        place = int(rng.integers(len(data) + 1))
        length = int(rng.integers(1, 17))
        kind = rng.integers(6)
        if kind == 0 and place < len(data):
            data[place] = int(rng.integers(256))
        elif kind == 1:
            del data[place : place + length]
        elif kind == 2:
            data[place:place] = rng.bytes(length)
        elif kind == 3:
            data = data[: max(place, 1)]
        elif kind == 4:
            data[place : place + 8] = b"\xff" * 8
        else:
            other = int(rng.integers(len(data) + 1))
            data[place : place + length] = data[other : other + length]
    return bytes(data)


def try_file(seed: int) -> str | None:
    """What is wrong with loading the file of a seed, in words; None if nothing is."""
    data = damaged(np.random.default_rng(seed))
    wrong = None
    tracemalloc.start()
    try:
        with time_limit(LIMIT), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mg.load(io.BytesIO(data))
    except ValueError:
        pass
    except TimeoutError:
        wrong = f"runs longer than {LIMIT} s"
    except BaseException as error:
        wrong = f"{type(error).__name__}: {str(error)[:120]}"
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    if wrong is None and peak > MEMORY:
        wrong = f"takes {peak} bytes for a file of {len(data)}"
    return None if wrong is None else f"# file {seed}: {wrong}"
