"""The pytest plugin: the fixture ``gradcheck``, the marker ``gradcheck``, reports in failures.

    def test_my_op(gradcheck):
        gradcheck(my_op, mg.randn(3, 4))

    @pytest.mark.gradcheck(seeds=3, dtypes=["float64", "float32"])
    def test_more(gradcheck, seed, dtype):
        rng = np.random.default_rng(seed)
        gradcheck(my_op, mg.tensor(rng.standard_normal((3, 4)).astype(dtype)))

pytest finds it by itself once minigrad is installed, in the test runs of every project.  So it is
installed as a package of its own, beside minigrad: neither minigrad nor NumPy is imported before a
test uses them.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import pytest

DTYPES = ("float16", "float32", "float64")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "gradcheck(seeds=1, dtypes='float64'): run the test for each seed and dtype, which it "
        "takes as arguments `seed` (a number; seeds=3 means 0, 1, 2) and `dtype` (a string)",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Seeds and dtypes of the marker, as arguments of the test."""
    marker = metafunc.definition.get_closest_marker("gradcheck")
    if marker is None:
        return
    unknown = [repr(value) for value in marker.args] + [
        name for name in marker.kwargs if name not in ("seeds", "dtypes")
    ]
    if unknown:
        refuse(f"it takes seeds=... and dtypes=..., got {unknown[0]}")
    own = marker in metafunc.definition.own_markers  # and not that of a class or a file
    for keyword, argument in (("seeds", "seed"), ("dtypes", "dtype")):
        given = marker.kwargs.get(keyword)
        if argument in metafunc.fixturenames:
            if given is not None or not provided(metafunc, argument):
                values = seeds_of(given) if argument == "seed" else dtypes_of(given)
                metafunc.parametrize(argument, values)
        elif given is not None and own:
            refuse(f"it gives {keyword}, but the test has no argument `{argument}` to take them")


def provided(metafunc: pytest.Metafunc, argument: str) -> bool:
    """Whether the test suite itself gives the argument, by a fixture or by parametrize."""
    names = [mark.args[0] for mark in metafunc.definition.iter_markers("parametrize") if mark.args]
    listed = [name.split(",") if isinstance(name, str) else name for name in names]
    parametrized = {name.strip() for group in listed for name in group}
    return argument in parametrized or argument in getattr(metafunc, "_arg2fixturedefs", {})


def refuse(text: str) -> None:
    raise pytest.Collector.CollectError(f"marker gradcheck: {text}")


def seeds_of(given: Any) -> list[int]:
    """The seeds that `given` means: a number of them, or they themselves."""
    if given is None:
        return [0]
    listed = given if isinstance(given, (list, tuple, range)) else [given]
    if not listed or any(isinstance(n, bool) or not isinstance(n, int) or n < 0 for n in listed):
        refuse(f"seeds is how many, or a list of them, got {given!r}")
    if listed is given:
        return list(listed)
    if given == 0:
        refuse("seeds=0 would run no test; a seed of 0 alone is seeds=[0]")
    return list(range(given))


def dtypes_of(given: Any) -> list[str]:
    """The names of one or several dtypes: names, NumPy's or minigrad's types, or ``float``."""
    if given is None:
        return ["float64"]
    names = []
    for dtype in given if isinstance(given, (list, tuple)) else [given]:
        name = "float64" if dtype is float else getattr(dtype, "name", None)
        name = str(name or getattr(dtype, "__name__", dtype))
        if name not in DTYPES:
            refuse(f"dtypes are among {', '.join(DTYPES)}, got {dtype!r}")
        names.append(name)
    if not names:
        refuse("dtypes is empty, which would run no test")
    return names


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


def failed_reports(error: pytest.ExceptionInfo[BaseException]) -> list[Any]:
    """The reports behind a failure: that of the error, or those that the test holds."""
    report = report_of(error.value)
    if report is not None:
        return [report]
    if not isinstance(error.value, AssertionError):
        return []
    held = [report_of(value) for value in error.traceback[-1].locals.values()]
    return [report for report in held if report is not None and not report.ok]


@pytest.hookimpl(hookwrapper=True)  # the older form, for projects with an older pytest
def pytest_runtest_makereport(item: Any, call: Any) -> Any:
    """A failure by a wrong gradient has the whole report as a section of its own."""
    outcome = yield
    if call.excinfo is not None:
        for report in failed_reports(call.excinfo):
            outcome.get_result().sections.append(("gradient check", report.to_text()))
