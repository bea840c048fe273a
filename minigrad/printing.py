"""How tensors print."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["set_printoptions", "text_of"]

DEFAULT = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80, "suppress": None}
PROFILES = {
    "default": DEFAULT,
    "short": {**DEFAULT, "precision": 2, "edgeitems": 2},
    "full": {**DEFAULT, "threshold": 10**15},
}
options: dict[str, Any] = dict(DEFAULT)


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Say how tensors print; what is left out stays as it is.

    precision  digits after the point (4 at first)
    threshold  number of entries beyond which the middle is left out (1000); inf: never
    edgeitems  entries at the beginning and end of each axis that stay then (3)
    linewidth  characters of a line (80)
    profile    "default", "short" or "full": set all of these at once, first
    sci_mode   False: no numbers with exponents
    Raises     ValueError for an unknown profile.
    Example    >>> mg.set_printoptions(precision=2)
               >>> mg.tensor([3.14159])
               tensor([3.14])
               >>> mg.set_printoptions(profile="default")
    """
    if profile is not None:
        if profile not in PROFILES:
            raise ValueError(
                f"set_printoptions: profile is one of {list(PROFILES)}, got {profile!r}"
            )
        options.update(PROFILES[profile])
    if threshold is not None:
        threshold = int(min(threshold, 10**15))
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems,
             "linewidth": linewidth}  # fmt: skip
    options.update({name: value for name, value in given.items() if value is not None})
    if sci_mode is not None:
        options["suppress"] = not sci_mode


def text_of(array: Any) -> str:
    """The entries of an array, as `Tensor.__repr__` shows them."""
    with np.printoptions(linewidth=options["linewidth"]):
        return np.array2string(
            array, separator=", ", prefix="tensor(", precision=options["precision"],
            threshold=options["threshold"], edgeitems=options["edgeitems"],
            suppress_small=options["suppress"],
        )  # fmt: skip
