"""The pytest plugin, as a test suite meets it: run by pytest in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

ROOT = Path(__file__).parent.parent
PLUGIN = ROOT / "minigrad" / "testing" / "plugin"


def run_pytest(folder: Path, *options: str) -> str:
    installed = any(point.name == "minigrad" for point in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "minigrad_pytest"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *plugin, *options]
    path = {"PYTHONPATH": f"{ROOT}{os.pathsep}{PLUGIN}", "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*command, str(folder)], capture_output=True, text=True, env=path, cwd=folder, check=False
    )
    return done.stdout + done.stderr


SUITE = """
import numpy as np, pytest
import minigrad as mg

@mg.op(lambda g, x: -g * 2 * x)
def wrong(x):
    return x * x

def test_right(gradcheck):
    assert gradcheck(lambda x: x * x, mg.tensor([1.0, 2.0])).ok

def test_wrong(gradcheck):
    gradcheck(wrong, mg.tensor([1.0, 2.0]))

def test_held():
    held = mg.testing.check_gradients(wrong, mg.tensor([1.0, 2.0]))
    assert held.ok

def test_not_held():
    assert mg.testing.check_gradients(wrong, mg.tensor([1.0, 2.0]))

def test_close():
    mg.testing.assert_close(mg.ones(2), mg.zeros(2))

@pytest.mark.gradcheck(seeds=2, dtypes=["float64", "float32"])
def test_many(gradcheck, seed, dtype):
    x = np.random.default_rng(seed).standard_normal(3).astype(dtype)
    assert mg.tensor(x).dtype == dtype
    gradcheck(lambda x: mg.exp(x), mg.tensor(x))

@pytest.mark.gradcheck(dtypes=[np.float32, mg.float64, np.dtype("float16"), float])
def test_types(dtype):
    assert dtype in ("float16", "float32", "float64")

@pytest.mark.gradcheck(dtypes=np.float32)
def test_one_type(dtype):
    assert dtype == "float32"

@pytest.mark.gradcheck(seeds=[3, 5])
def test_seeds(seed):
    assert seed in (3, 5)

@pytest.mark.gradcheck
def test_usual(seed, dtype, gradcheck):
    assert (seed, dtype) == (0, "float64")
"""


def test_the_plugin_brings_fixture_marker_and_report(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    shown = run_pytest(tmp_path, "--strict-markers", "-v")
    assert "4 failed, 13 passed" in shown
    assert shown.count("PASSED") == 13
    for test in ("test_many[1-float32]", "test_types[float16]", "test_seeds[5]"):
        assert f"{test} PASSED" in shown
    # each of the three checks that failed has its report as a section of its own
    assert shown.count("- gradient check -") == 3
    assert shown.count("sign is flipped") >= 4
    # what is shown of the code is the test, not the library
    assert "raise GradientError" not in shown
    assert "raise AssertionError" not in shown


REFUSED = {
    "dtype='float32'": "takes seeds=... and dtypes=..., got dtype",
    "3": "takes seeds=... and dtypes=..., got 3",
    "seeds='many'": "seeds is how many, or a list of them, got 'many'",
    "seeds=0": "seeds=0 would run no test",
    "seeds=[]": "seeds is how many, or a list of them, got []",
    "dtypes='float31'": "dtypes are among float16, float32, float64, got 'float31'",
    "dtypes=[]": "dtypes is empty",
}


def test_a_marker_that_cannot_be_followed_is_an_error_of_one_line(tmp_path: Path) -> None:
    for i, arguments in enumerate(REFUSED):
        (tmp_path / f"test_{i}.py").write_text(
            "import pytest\n"
            f"@pytest.mark.gradcheck({arguments})\n"
            "def test_marked(seed, dtype):\n"
            "    pass\n"
        )
    (tmp_path / "test_argument.py").write_text(
        "import pytest\n"
        "@pytest.mark.gradcheck(seeds=3)\n"
        "def test_without_seed(gradcheck):\n"
        "    pass\n"
    )
    shown = run_pytest(tmp_path)
    assert f"{len(REFUSED) + 1} errors" in shown
    for words in REFUSED.values():
        assert f"marker gradcheck: {words}" in shown.replace("it takes", "takes")
    assert "it gives seeds, but the test has no argument `seed`" in shown
    assert "Traceback" not in shown


def test_what_the_test_suite_gives_itself_is_left_to_it(tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text(
        "import pytest\n"
        "@pytest.fixture\n"
        "def seed():\n"
        "    return 7\n"
        "@pytest.mark.gradcheck(dtypes='float32')\n"
        "def test_fixture(seed, dtype):\n"
        "    assert (seed, dtype) == (7, 'float32')\n"
        "@pytest.mark.gradcheck\n"
        "@pytest.mark.parametrize('dtype, n', [('float16', 1), ('float64', 2)])\n"
        "def test_parametrized(dtype, n):\n"
        "    assert dtype in ('float16', 'float64')\n"
        "@pytest.mark.gradcheck(dtypes=['float32', 'float64'])\n"
        "class TestMarked:\n"
        "    def test_with(self, dtype):\n"
        "        assert dtype in ('float32', 'float64')\n"
        "    def test_without(self):\n"
        "        pass\n"
    )
    shown = run_pytest(tmp_path)
    assert "6 passed" in shown, shown


def test_nothing_is_imported_before_a_test_uses_it(tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text(
        "import sys\n"
        "def test_nothing():\n"
        "    assert 'minigrad_pytest' in sys.modules\n"
        "    assert 'minigrad' not in sys.modules\n"
        "    assert 'numpy' not in sys.modules\n"
    )
    assert "1 passed" in run_pytest(tmp_path, "-p", "no:hypothesispytest")


def test_the_entry_point_is_the_plugin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["entry-points"]["pytest11"] == {"minigrad": "minigrad_pytest"}
    found = project["tool"]["setuptools"]["packages"]["find"]
    assert PLUGIN in [ROOT / folder for folder in found["where"]]
    assert (PLUGIN / "minigrad_pytest" / "__init__.py").is_file()
