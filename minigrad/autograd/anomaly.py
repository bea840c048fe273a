"""Anomaly detection: backward stops at the first NaN and says which line computed it."""

from __future__ import annotations

from types import TracebackType

from minigrad.modes import recording


class set_detect_anomaly:
    """Turn anomaly detection on or off, from here on, or until the end of a ``with`` block.

    While it is on, each op notes the line that called it, and backward raises a RuntimeError at the
    first VJP that returns NaN, naming the op and that line.  Recording is several times slower.

    Example  >>> import minigrad as mg
             >>> with mg.autograd.set_detect_anomaly(True):
             ...     y = mg.tensor([1.0], requires_grad=True) * 2
    """

    def __init__(self, mode: bool) -> None:
        self.before = recording.detail.stack
        self.mode = bool(mode)
        recording.change(stack=self.mode)

    def __enter__(self) -> None:
        recording.change(stack=self.mode)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        recording.change(stack=self.before)


class detect_anomaly(set_detect_anomaly):
    """Anomaly detection in a ``with`` block: the op and the line behind a NaN gradient.

    Example  >>> import minigrad as mg
             >>> with mg.autograd.detect_anomaly():
             ...     x = mg.tensor([1.0, 2.0], requires_grad=True)
             ...     (x * x).sum().backward()
    """

    def __init__(self) -> None:
        super().__init__(True)
        recording.change(stack=self.before)  # only inside the block

    def __enter__(self) -> None:
        self.before = recording.detail.stack
        super().__enter__()


def is_anomaly_enabled() -> bool:
    """Whether the current thread detects anomalies.

    Example  >>> mg.autograd.is_anomaly_enabled()
             False
    """
    return recording.detail.stack
