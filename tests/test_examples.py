"""Every example runs, takes --help, and its numbers are the ones that mathematics says.

The expected figures come from formulas or from computations with other libraries, in float64; the
examples print both what they find and what they compare it with, and the tests read the output.
Settings are reduced where the full run takes long; set MINIGRAD_FULL_EXAMPLES=1 for the full ones.
"""

from __future__ import annotations

import os
import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
FULL = os.environ.get("MINIGRAD_FULL_EXAMPLES") == "1"
full = pytest.mark.skipif(not FULL, reason="takes long; set MINIGRAD_FULL_EXAMPLES=1")
NUMBER = re.compile(r"(?<![\w.])-?(?:\d+\.?\d*(?:e[+-]?\d+)?|inf|nan)(?![\w])", re.IGNORECASE)


class Output(str):
    """What an example printed."""

    def line(self, start: str) -> str:
        """The rest of the only line that starts so, whatever its indentation."""
        rests = [s.strip() for s in self.splitlines()]
        rests = [s.removeprefix(start) for s in rests if s.startswith(start)]
        assert len(rests) == 1, f"{len(rests)} lines start with {start!r} in:\n{self}"
        return rests[0]

    def numbers(self, start: str) -> list[float]:
        """All numbers in the rest of that line."""
        return [float(number) for number in NUMBER.findall(self.line(start))]

    def number(self, start: str) -> float:
        """The first number in the rest of that line."""
        return self.numbers(start)[0]


Run = Callable[..., Output]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run an example as a script, in an empty folder, and return what it printed."""

    def run(name: str, *arguments: str) -> Output:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *arguments])
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
        return Output(capsys.readouterr().out)

    return run


def pictures(folder: Path, *names: str) -> None:
    """Each picture is there, is a PNG, and has more than a blank page in it."""
    for name in names:
        data = (folder / "out" / name).read_bytes()
        assert data.startswith(b"\x89PNG")
        assert len(data) > 3000, name


def needs(*modules: str) -> None:
    for module in modules:
        pytest.importorskip(module, reason=f"{module} is not installed")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_help(path: Path, run: Run, monkeypatch, capsys) -> None:
    if "sklearn" in path.read_text(encoding="utf-8"):
        needs("sklearn", "tqdm")
    monkeypatch.setattr(sys, "argv", [path.name, "--help"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(path), run_name="__main__")
    text = capsys.readouterr().out
    assert end.value.code == 0
    assert text.startswith("usage:")
    documentation = path.read_text(encoding="utf-8").split('"""')[1]
    assert " ".join(documentation.splitlines()[0].split()) in " ".join(text.split())
    assert f"python examples/{path.name}" in documentation
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 160


def test_layer_by_hand(run: Run) -> None:
    out = run("layer_by_hand")
    assert out.numbers("dot products X[0] . W[:, j]:") == [1.5, 1.4]
    assert out.numbers("layer X @ W + b:") == [1.6, 1.2]
    first, second = out.split("loss = ")[1:]
    first, second = Output(first), Output(second)
    assert first.number("sum of Z:") == 2.8
    assert first.numbers("gradient of X:") == [1.0, 0.2, 0.5]
    assert first.numbers("gradient of W:") == [1, 1, 2, 2, 3, 3]
    assert first.numbers("gradient of b:") == [1, 1]
    assert second.number("sum of Z * Z:") == 4.0
    assert second.numbers("gradient of X:") == [2.56, 0.88, 1.28]
    assert second.numbers("gradient of W:") == [3.2, 2.4, 6.4, 4.8, 9.6, 7.2]
    assert second.numbers("gradient of b:") == [3.2, 2.4]
    for part in (first, second):
        assert part.number("largest difference from backward:") < 1e-15
    assert second.number("largest difference from X @ W + b:") < 1e-15
    assert "(2, 3)" in out.line("Linear(in_features=3, out_features=2, bias=True)")
    assert "(1, 3) @ (2, 3)" in out.line("X @ W.T is refused:")


def test_similarity(run: Run) -> None:
    out = run("similarity")
    for pair, cosine in {
        "A and B:": 0.997810, "A and C:": 0.419842, "B and C:": 0.420894,
        "king and queen:": 0.993818, "king and apple:": 0.355506, "queen and apple:": 0.442259,
    }.items():  # fmt: skip
        assert out.numbers(pair)[1] == cosine
    assert out.count("most alike by cosine: A and B") == 1
    assert out.count("most alike by cosine: king and queen") == 1
    assert out.numbers("gradient of cos(A, B) for A:") == [
        0.00104635, -0.00045783, -0.00074751, 0.00067642, -0.00059235,
    ]  # fmt: skip
    assert out.number("difference from (v - cos u) / |a|:") < 1e-15
    assert abs(out.number("gradient . A:")) < 1e-14


def test_closed_form_vs_gd(run: Run) -> None:
    needs("sklearn")
    out = run("closed_form_vs_gd")
    made, diabetes = (Output(part) for part in out.split("diabetes: "))
    assert made.numbers("known spectrum:")[-1] == 100.0
    assert diabetes.numbers("442 x 11,")[-1] == 470.08
    for part, rate, bound in ((made, 0.980198, 691), (diabetes, 0.995754, 3248)):
        assert part.number("largest difference between inv, solve, lstsq and pinv:") < 1e-9
        measured, *_, formula = part.numbers("rate per step:")
        assert formula == rate
        assert abs(measured - formula) < 1e-4
        steps, printed = part.numbers("steps to an error of 1e-06:")
        assert printed == bound
        assert 0.7 * bound < steps <= bound
    assert diabetes.numbers("mean squared error:")[0] == 2859.696348
    assert diabetes.line("mean squared error:").endswith("R^2 0.517748")
    assert diabetes.number("intercept:") == 152.1335


def test_least_squares(run: Run) -> None:
    out = run("least_squares")
    rows = {n: out.line(f"50 x {n:<2}").split() for n in (8, 12, 15)}
    assert [rows[n][0] for n in rows] == ["1.1e+05", "1.2e+08", "2.3e+10"]
    assert rows[15][2] == "raises"  # Cholesky of a matrix that rounding has made indefinite
    for n, normal, orthogonal in ((8, 1e-9, 1e-10), (12, 1e-3, 1e-6), (15, 0.1, 1e-4)):
        inverse, cholesky, *others = rows[n][1:]
        assert float(inverse) > normal
        assert cholesky == "raises" or float(inverse) >= float(cholesky) > normal
        assert all(float(error) < orthogonal for error in others)


def test_conditioning(run: Run, tmp_path: Path) -> None:
    needs("matplotlib")
    out = run("conditioning")
    assert out.number("[[1, 1], [1, 1.0001]]: kappa") == 40002.000075
    assert out.line("b = [2.0, 2.0001]: x =") == " [1.0, 1.0]"
    assert out.line("b = [2.0, 2.0002000000000004]: x =") == " [0.0, 2.0]"
    change, moved, bound = out.numbers("|db| / |b|")
    assert (change, moved, bound) == (3.5e-5, 1.0, 1.41)
    for n, kappa, moved in ((4, 1.55e4, 5e-7), (8, 1.53e10, 0.28), (12, 1.6e16, 2e5)):
        row = out.line(f"{n} ").split()
        assert float(row[0]) == pytest.approx(kappa, rel=0.05)
        assert moved / 4 < float(row[2]) < 4 * moved
    assert out.count("True") == 5
    assert "False" not in out
    pictures(tmp_path, "conditioning.png")


def test_pca_three_ways(run: Run, tmp_path: Path) -> None:
    needs("sklearn", "matplotlib")
    out = run("pca_three_ways")
    assert out.number("largest difference of eigh's values and s^2 / (n - 1):") < 1e-13
    assert out.number("angle between the components of eigh and of svd:") == 0.0
    assert out.numbers("10 components keep") == [0.738227, 29, 95]
    assert out.number("least error of any 10 components:") == 1.22857411
    error, above = out.numbers("error of the autoencoder:")
    assert error == 1.22857411
    assert abs(above) < 1e-8
    assert out.number("angle between its decoder and PCA:") < 0.001
    pictures(tmp_path, "pca_three_ways.png")


def test_power_iteration(run: Run) -> None:
    needs("sklearn")
    out = run("power_iteration")
    assert out.numbers("lambda_1 by 190 steps:") == [0.6992458207, 0.6992458207]
    assert out.line("rate per step:") == " measured 0.9146, lambda_2 / lambda_1 0.9146"
    assert out.number("largest difference from v v^T:") < 1e-12


def test_low_rank(run: Run) -> None:
    out = run("low_rank")
    least = out.number("sum of the squares of the other singular values:")
    assert out.number("squared distance of the truncated SVD:") == pytest.approx(least, abs=2e-8)
    trained = out.number("squared distance after training two factors:")
    assert trained == pytest.approx(least, abs=2e-8)
    assert out.number("largest difference of the two matrices:") < 1e-5


def test_gaussian_process(run: Run, tmp_path: Path) -> None:
    needs("matplotlib")
    out = run("gaussian_process")
    assert out.number("largest difference:") < 1e-10
    losses = [float(line.split()[-1]) for line in out.splitlines() if line.startswith("step")]
    assert losses == sorted(losses, reverse=True)
    assert abs(out.number("fitted noise:") - 0.1) < 0.02
    pictures(tmp_path, "gaussian_process.png")
