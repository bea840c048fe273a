"""Anomaly detection: backward stops at the first NaN and says which line computed it."""

from __future__ import annotations

from minigrad.modes import Block, recording


def refuse_blind(check_nan: bool) -> None:
    if not check_nan:
        raise NotImplementedError("anomaly detection checks for NaN: leave check_nan out")


class set_detect_anomaly(Block):
    """Turn anomaly detection on or off, from here on, or until the end of a ``with`` block.

    While it is on, each op notes the line that called it, and backward raises a RuntimeError at the
    first VJP that returns NaN, naming the op and that line.  Recording is several times slower.

    mode        on or off
    check_nan   True: to note lines without checking is of no use here

    Raises   NotImplementedError without check_nan.

    Example  >>> import minigrad as mg
             >>> with mg.autograd.set_detect_anomaly(True):
             ...     y = mg.tensor([1.0], requires_grad=True) * 2
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        refuse_blind(check_nan)
        self.before = recording.detail.stack
        self.mode = bool(mode)
        recording.change(stack=self.mode)

    def now(self) -> bool:
        return self.before

    def begin(self) -> None:
        recording.change(stack=self.mode)

    def end(self, before: bool) -> None:
        recording.change(stack=before)


class detect_anomaly(set_detect_anomaly):
    """Anomaly detection in a ``with`` block: the op and the line behind a NaN gradient.

    Example  >>> import minigrad as mg
             >>> with mg.autograd.detect_anomaly():
             ...     x = mg.tensor([1.0, 2.0], requires_grad=True)
             ...     (x * x).sum().backward()
    """

    def __init__(self, check_nan: bool = True) -> None:
        refuse_blind(check_nan)
        self.mode = True  # only inside the block

    def now(self) -> bool:
        return recording.detail.stack


def is_anomaly_enabled() -> bool:
    """Whether the current thread detects anomalies.

    Example  >>> mg.autograd.is_anomaly_enabled()
             False
    """
    return recording.detail.stack
