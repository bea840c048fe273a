"""Devices: there is one, the CPU.  Asking for another is an error that says so."""

from __future__ import annotations

from typing import Any

__all__ = [
    "check", "device", "get_float32_matmul_precision", "set_default_device",
    "set_float32_matmul_precision", "use_deterministic_algorithms",
]  # fmt: skip


class device:
    """The place of a tensor's memory: always the CPU.

    type     "cpu"
    Raises   ValueError for any other device.
    Example  >>> import minigrad as mg
             >>> mg.device("cpu")
             device(type='cpu')
    """

    __slots__ = ("index", "type")

    def __init__(self, type: Any = "cpu", index: int | None = None) -> None:
        name = str(type)
        self.type, _, number = name.partition(":")
        self.index = int(number) if number.isdigit() else index
        if self.type != "cpu":
            raise ValueError(
                f"device {name!r}: minigrad is a CPU library, its only device is 'cpu'. For a GPU, "
                "run the same code with PyTorch"
            )

    def __repr__(self) -> str:
        return "device(type='cpu')"

    def __str__(self) -> str:
        return "cpu"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) or other == "cpu"

    def __hash__(self) -> int:
        return hash("cpu")


CPU = device()


def check(name: Any) -> None:
    """Refuse a device that is not the CPU; None stands for the CPU."""
    if name is not None and name is not CPU:
        device(name)


def set_default_device(device: Any) -> None:
    """Say where new tensors are: on the CPU, whose name is all that this takes.

    Raises   ValueError for any other device.
    Example  >>> mg.set_default_device("cpu")
    """
    check(device)


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Nothing: on a CPU the same program gives the same numbers, whatever `mode` asks.

    Example  >>> mg.use_deterministic_algorithms(True)
    """


matmul_precision = "highest"


def set_float32_matmul_precision(precision: str) -> None:
    """Nothing but to remember it: products of float32 are products of float32 here.

    precision   "highest", "high" or "medium"

    Raises   ValueError for another word.
    Example  >>> mg.set_float32_matmul_precision("highest")
    """
    global matmul_precision
    if precision not in ("highest", "high", "medium"):
        raise ValueError(
            f"set_float32_matmul_precision takes 'highest', 'high' or 'medium', got {precision!r}"
        )
    matmul_precision = precision


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was told.

    Example  >>> mg.get_float32_matmul_precision()
             'highest'
    """
    return matmul_precision
