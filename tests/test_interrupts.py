"""Ctrl-C at any moment: a ``with`` block that it ends leaves the recording as it was before."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import random, signal, sys
import minigrad as mg
from minigrad.modes import OUTERMOST, recording, trace

x = mg.ones(2, requires_grad=True)
net = mg.nn.Sequential(mg.nn.Linear(2, 2), mg.nn.ReLU())
shared = mg.no_grad()

@mg.no_grad()
def decorated():
    return x * 2

@mg.no_grad()
def generator():
    yield x * 2
    yield x * 3

class Naive:
    def __enter__(self):
        recording.frame = None

    def __exit__(self, *error):
        recording.frame = OUTERMOST

def run():
    BLOCK

def interrupt(*_):
    raise KeyboardInterrupt

signal.signal(signal.SIGALRM, interrupt)
random.seed(0)
left = 0
kept = []  # tracebacks keep what was running alive, as they do in an interactive session
for _ in range(int(sys.argv[1])):
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 8e-5))
        for _ in range(10_000):  # Python drops an interrupt inside the callback of a weak reference
            run()
    except KeyboardInterrupt as error:
        kept = [error, *kept[:99]]
    frame = recording.frame
    if frame is None or frame.detail is not None or frame.module is not None:
        left += 1
        recording.frame = recording.suspended = OUTERMOST
print(left)
"""

BLOCKS = {
    "no_grad": "with mg.no_grad(): pass",
    "shared": "with shared: pass",
    "nested": "with mg.no_grad():\n        with mg.enable_grad(), shared, shared: pass",
    "inference": "with mg.inference_mode(): net(x)",
    "decorated": "decorated()",
    "generator": "list(generator())",
    "anomalies": "with mg.autograd.detect_anomaly(): pass",
    "values": "with mg.visualize.record_values(): pass",
    "trace": "with trace(): pass",
    "module": "net(x)",
}


def left_behind(block: str, interrupts: int) -> int:
    """After how many of so many interrupts something else was recorded than before."""
    program = PROGRAM.replace("BLOCK", block)
    command = [sys.executable, "-c", program, str(interrupts)]
    return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no such timers")
@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_an_interrupt_leaves_the_recording_as_it_was(block: str) -> None:
    assert left_behind(block, 1000) == 0


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no such timers")
def test_a_block_that_restores_in_python_would_be_found() -> None:
    assert left_behind("with Naive(): pass", 1000) > 0
