"""Devices: there is one, the CPU, and its threads.  Another device is an error that says so."""

from __future__ import annotations

from typing import Any

__all__ = [
    "device", "get_default_device", "get_float32_matmul_precision", "get_num_interop_threads",
    "get_num_threads", "set_default_device", "set_float32_matmul_precision", "set_flush_denormal",
    "set_num_interop_threads", "set_num_threads", "use_deterministic_algorithms",
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
    """Set the device of new tensors; "cpu" is the only one.

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


def thread_pools() -> Any:
    """threadpoolctl, which knows the libraries that multiply matrices.

    Raises   ImportError that says what to install.
    """
    try:
        import threadpoolctl
    except ImportError as error:
        raise ImportError(
            "the number of threads is set by threadpoolctl: pip install threadpoolctl, or set "
            "OPENBLAS_NUM_THREADS before Python starts"
        ) from error
    return threadpoolctl


def set_num_threads(number: int) -> None:
    """Let matrix products and linear algebra use so many threads, in all of this process.

    Small networks train fastest on one: a product is over before another thread is awake, and on
    busy cores threads wait for each other.

    Raises   TypeError for what is not a whole number; ValueError below 1; ImportError without
             threadpoolctl.
    Example  >>> before = mg.get_num_threads()
             >>> mg.set_num_threads(1)
             >>> mg.get_num_threads()
             1
             >>> mg.set_num_threads(before)
    """
    if isinstance(number, bool) or not hasattr(number, "__index__"):
        raise TypeError(f"set_num_threads: a whole number, got {type(number).__name__}")
    number = int(number)
    if number < 1:
        raise ValueError(f"set_num_threads: at least 1, got {number}")
    thread_pools().threadpool_limits(limits=number, user_api="blas")


def get_num_threads() -> int:
    """How many threads matrix products and linear algebra may use.

    Raises   ImportError without threadpoolctl.
    Example  >>> mg.get_num_threads() >= 1
             True
    """
    pools = thread_pools().threadpool_info()
    return max((pool["num_threads"] for pool in pools if pool["user_api"] == "blas"), default=1)


def get_default_device() -> device:
    """The device of new tensors: the CPU.

    Example  >>> mg.get_default_device()
             device(type='cpu')
    """
    return CPU


def get_num_interop_threads() -> int:
    """1: operations run one after the other.

    Example  >>> mg.get_num_interop_threads()
             1
    """
    return 1


def set_num_interop_threads(number: int) -> None:
    """Nothing: operations run one after the other.

    Example  >>> mg.set_num_interop_threads(2)
    """


def set_flush_denormal(mode: bool) -> bool:
    """False: NumPy has no such switch.

    Example  >>> mg.set_flush_denormal(True)
             False
    """
    return False
