"""Reading the data of the page that steps through backpropagation, as its script does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def read_array(index: int, arrays: list[dict[str, Any]]) -> Any:
    """The rows of one array, from whichever of its four ways it is written in."""
    array = arrays[index]
    shape = array["shape"]
    width = shape[-1] if shape else 1
    size = array.get("size", [math.prod(shape[:-1]), width])
    if "rows" in array:
        rows = [[float(n) for n in row.split()] for row in array["rows"].split(";")]
        return np.array(rows[: size[0]]).reshape(size)
    found = np.full(size, float(array.get("fill", 0)))
    if "bits" in array:
        digits = np.frombuffer(bytes.fromhex(array["bits"]), np.uint8)
        mask = np.unpackbits(digits)[: math.prod(size)].reshape(size)
        other = read_array(array["like"], arrays) if "like" in array else np.ones(size)
        found = np.where(mask, other, 0)
    for entry in filter(None, array.get("entries", "").split(";")):
        i, j, n = entry.split()
        found[int(i), int(j)] = float(n)
    return found
