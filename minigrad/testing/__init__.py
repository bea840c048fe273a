"""Checks of gradients: of minigrad's functions, and of backward passes written by hand."""

from minigrad.testing.assertions import assert_close, assert_gradients_close
from minigrad.testing.check import check_gradients
from minigrad.testing.gradcheck import gradcheck, gradgradcheck
from minigrad.testing.handwritten import check_vjp
from minigrad.testing.report import Diagnosis, GradientError, Report
from minigrad.testing.verdicts import Entry, Jacobian, Verdict

__all__ = [
    "Diagnosis",
    "Entry",
    "GradientError",
    "Jacobian",
    "Report",
    "Verdict",
    "assert_close",
    "assert_gradients_close",
    "check_gradients",
    "check_vjp",
    "gradcheck",
    "gradgradcheck",
]
