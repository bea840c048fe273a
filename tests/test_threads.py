"""How many threads multiply matrices."""

import sys

import numpy as np
import pytest

import minigrad as mg

threadpoolctl = pytest.importorskip("threadpoolctl")


@pytest.fixture(autouse=True)
def as_before():
    number = mg.get_num_threads()
    yield
    mg.set_num_threads(number)


@pytest.mark.parametrize("number", [1, 2, np.int64(1)])
def test_the_number_is_that_of_the_library(number):
    mg.set_num_threads(number)
    assert mg.get_num_threads() == number
    blas = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    assert blas
    assert {pool["num_threads"] for pool in blas} == {number}


@pytest.mark.parametrize(
    ("number", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError)]
)
def test_what_is_no_number_of_threads(number, error):
    before = mg.get_num_threads()
    with pytest.raises(error, match="set_num_threads"):
        mg.set_num_threads(number)
    assert mg.get_num_threads() == before


def test_without_threadpoolctl_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    with pytest.raises(ImportError, match="pip install threadpoolctl"):
        mg.set_num_threads(1)
    monkeypatch.undo()
