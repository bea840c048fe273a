"""The pytest plugin: the fixture ``gradcheck``, the marker ``gradcheck``, reports in failures.

pytest finds it by itself once minigrad is installed.  Of the checker, only this file is imported
before a test uses it.

    def test_my_op(gradcheck):
        gradcheck(my_op, mg.randn(3, 4))

    @pytest.mark.gradcheck(seeds=3, dtypes=["float64", "float32"])
    def test_more(gradcheck, seed, dtype):
        rng = np.random.default_rng(seed)
        gradcheck(my_op, mg.tensor(rng.standard_normal((3, 4)).astype(dtype)))
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "gradcheck(seeds=1, dtypes=('float64',)): run the test for each seed and dtype, which it "
        "takes as arguments `seed` and `dtype`",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Seeds and dtypes of the marker, as arguments of the test."""
    marker = metafunc.definition.get_closest_marker("gradcheck")
    if marker is None:
        return
    seeds = marker.kwargs.get("seeds", 1)
    dtypes = marker.kwargs.get("dtypes", ("float64",))
    if "seed" in metafunc.fixturenames:
        listed = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
        metafunc.parametrize("seed", listed)
    if "dtype" in metafunc.fixturenames:
        metafunc.parametrize("dtype", [str(dtype) for dtype in dtypes])


@pytest.fixture(name="gradcheck")
def gradcheck_fixture() -> Any:
    """A function that checks gradients and fails the test with the report if one is wrong.

    It takes the arguments of `minigrad.testing.check_gradients`, and returns the report.
    """

    def check(fn: Any, inputs: Any = (), **options: Any) -> Any:
        __tracebackhide__ = True
        testing = import_module("minigrad.testing")
        options.setdefault("raise_exception", True)
        return testing.check_gradients(fn, inputs, **options)

    return check


def report_of(value: Any) -> Any:
    """The report that `value` is, or carries, if the checker was ever imported."""
    module = sys.modules.get("minigrad.testing.report")
    if module is None:
        return None
    if isinstance(value, module.GradientError):
        return value.report
    return value if isinstance(value, module.Report) else None


def pytest_assertrepr_compare(config: Any, op: str, left: Any, right: Any) -> list[str] | None:
    """``assert report == ...`` shows the report."""
    for side in (left, right):
        report = report_of(side)
        if report is not None:
            return str(report.to_text()).splitlines()
    return None


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Any:
    """A failure by a wrong gradient has the whole report as a section of its own."""
    outcome = yield
    if call.excinfo is None:
        return
    report = report_of(call.excinfo.value)
    if report is not None:
        outcome.get_result().sections.append(("gradient check", report.to_text()))
