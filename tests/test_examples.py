"""Every example runs, takes --help, and its numbers are the ones that mathematics says.

The expected figures come from formulas or from computations with other libraries, in float64; the
examples print both what they find and what they compare it with, and the tests read the output.
Settings are reduced where the full run takes long; set MINIGRAD_FULL_EXAMPLES=1 for the full ones.
"""

from __future__ import annotations

import os
import re
import runpy
import subprocess
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
    for module in re.findall(r"(?m)^(?:from|import) (sklearn|tqdm)", path.read_text("utf-8")):
        needs(module)
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


def test_the_list_of_examples_is_complete() -> None:
    listed = re.findall(r"\((\w+)\.py\)", (EXAMPLES / "README.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(path.stem for path in EXAMPLES.glob("*.py"))


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
    errors = [float(e) for e in re.findall(r"off by (\S+?)(?:,|$)", made.line("four points:"))]
    assert len(errors) == 4
    assert max(errors) < 1e-11
    assert made.number("det(X^T X)") == 486
    assert all(part in made for part in ("kappa(X) 18.4209", "kappa(X^T X) 339.33"))
    assert "singular" in made.line("one point:")
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
    steps = diabetes.number("steps to the same error of the largest entry:")
    assert steps == pytest.approx(2912, abs=2)  # rounding may move it by a step


def test_least_squares(run: Run, tmp_path: Path) -> None:
    needs("matplotlib")
    out = run("least_squares")
    rows = {n: out.line(f"50 x {n:<2}").split() for n in (8, 12, 15)}
    assert [rows[n][0] for n in rows] == ["1.1e+05", "1.2e+08", "2.3e+10"]
    assert rows[15][2] == "raises"  # Cholesky of a matrix that rounding has made indefinite
    for n, normal, orthogonal in ((8, 1e-9, 1e-10), (12, 1e-3, 1e-6), (15, 0.1, 1e-4)):
        by_inverse, by_cholesky, *others = rows[n][1:]
        for error in (by_inverse, by_cholesky):
            assert error == "raises" or float(error) > normal
        assert all(float(error) < orthogonal for error in others)
    pictures(tmp_path, "least_squares.png")


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


def test_newton_logistic(run: Run, tmp_path: Path) -> None:
    needs("sklearn", "matplotlib")
    out = run("newton_logistic")
    steps, loss, gradient = out.numbers("Newton:")
    assert steps == 10
    assert gradient < 2e-10
    assert out.numbers("cross-entropy") == [30.33736947, 0.987698]
    steps, descended, above = out.numbers("gradient descent:")
    assert 100 < steps < 20_000
    assert descended == pytest.approx(loss, abs=2e-8)
    assert above < 1e-8
    slopes = [float(line.split()[-1]) for line in out.splitlines() if line.startswith("step")]
    assert slopes[9] < slopes[8] ** 2 * 1e3  # near the minimum convergence is quadratic
    pictures(tmp_path, "newton_logistic.png")


def test_polar_jacobian(run: Run) -> None:
    out = run("polar_jacobian")
    assert out.numbers("(1, 1) has radius") == [1.414214, 0.785398]
    assert out.numbers("Jacobian of (radius, angle) for (x, y):") == [0.707107, 0.707107, -0.5, 0.5]
    assert out.number("largest difference from the formula:") < 1e-15
    assert out.number("largest entry of its product with the first, less I:") < 1e-14
    area, radius = out.numbers("determinant:")
    assert area == radius == 1.414214
    errors = [out.number(f"|d| = {h}:") for h in ("0.1", "0.01", "0.001")]
    for larger, smaller in zip(errors, errors[1:]):
        assert smaller == pytest.approx(larger / 10, rel=0.1)  # the error per step is of order |d|


def test_polar_jacobian_elsewhere(run: Run) -> None:
    out = run("polar_jacobian", "--x", "3", "--y", "-4")
    assert out.number("(3, -4) has radius") == 5.0
    assert out.number("largest difference from the formula:") < 1e-15


def test_chain_rule(run: Run) -> None:
    out = run("chain_rule")
    assert out.numbers("J_g(h(x)):") == [4, 8, 0.28224002]
    for name in ("J_g J_h:", "backward:"):
        assert out.numbers(name) == [16, 4, 7.7205845]
    assert out.number("largest difference:") < 1e-14
    hessian = Output(out.split("Hessian of f:")[1])
    rows = [[float(n) for n in NUMBER.findall(row)] for row in hessian.splitlines()[1:4]]
    assert rows == [[10, 8, 2], [8, 2, 0], [2, 0, 3.92034057]]
    assert out.number("largest difference from J_h^T H_g J_h + sum J_g H_h:") < 1e-14
    assert out.number("multiplications from the left, as backward goes:") == 110_000
    assert out.number("multiplications from the right:") == 10_100_000


def test_orthogonal_maps(run: Run) -> None:
    out = run("orthogonal_maps")
    low, high = out.numbers("orthogonal map: ratios of lengths from")
    assert max(1 - low, high - 1) < 5e-15
    low, high = out.numbers("general map: ratios of lengths from")
    assert low < 0.9
    assert high > 1.1
    assert out.number("largest change of a dot product by the orthogonal map:") < 1e-12
    assert out.number("polar decomposition Q P - W:") < 1e-14
    assert out.number("smallest eigenvalue of P:") > 0
    nearest, other = out.numbers("distance of W to this Q")
    assert nearest < other
    assert out.number("Procrustes: Q found again to") < 1e-14
    assert out.number("whitening: covariance - I") < 1e-11


def test_linear_layers_collapse(run: Run) -> None:
    out = run("linear_layers_collapse")
    assert out.line("input (32, 10), output") == " (32, 5)"
    assert out.number("two layers against one:") < 1e-14
    assert out.number("two layers and a ReLU against one:") > 0.1
    assert out.number("best affine map against the two and a ReLU:") > 0.05
    assert out.number("x @ W.T:") < 1e-14
    assert out.number("x @ W.T + b:") > 0.1
    assert out.number("relu(x @ W.T):") > 0.1


def test_lasso(run: Run, tmp_path: Path) -> None:
    needs("matplotlib")
    out = run("lasso")
    zeros, total = out.numbers("subgradient, weights:")[:2]
    exact, _, _, small, _ = out.numbers("soft threshold, weights:")
    assert zeros == 0  # the subgradient hops over 0
    assert exact == small == total - 4  # four features matter
    assert out.number("soft threshold: objective") < out.number("subgradient: objective")
    assert out.number("subgradient, distance from the conditions of a minimum:") > 0.01
    assert out.number("soft threshold, distance from the conditions of a minimum:") < 1e-10
    pictures(tmp_path, "lasso.png")


def test_gradient_clipping(run: Run) -> None:
    out = run("gradient_clipping")
    assert out.number("norm of a 4 x 9 matrix of ones:") == 6.0
    total, formula = out.numbers("norm over all parameters:")
    assert total == pytest.approx(formula, abs=2e-4)
    assert out.numbers("clipped over all:") == [1.0, 1.0]
    norm, cosine = out.numbers("clipped one by one:")
    assert norm > 1.0
    assert cosine < 0.99
    without = out.number("median error after 2000 steps without clipping:")
    clipped = out.number("median error after 2000 steps with clipping:")
    assert clipped < 0.1
    assert not without < 5 * clipped  # a NaN counts


def test_image_filter(run: Run, tmp_path: Path) -> None:
    needs("matplotlib")
    out = run("image_filter")
    for start in ("conv2d - M x:", "backward - M^T g:", "conv_transpose2d - M^T g:"):
        lines = [line for line in out.splitlines() if line.strip().startswith(start)]
        assert len(lines) == 3
        assert all(float(line.split()[-1]) < 1e-14 for line in lines)
    pictures(tmp_path, "image_filter.png")


def test_exercises_004(run: Run) -> None:
    out = run("exercises_004")
    answers = [part.split("\n", 1)[1].strip() for part in re.split(r"(?m)^\d+\. ", out)[1:]]
    assert answers[:7] == [
        "[4, 5, 6, 7] [2, 6, 10] 6", "(4,) (5,)", "2 24", "True", "True", "32.0 32.0",
        "[0.993818, 0.355506, 0.442259] king queen",
    ]  # fmt: skip
    assert answers[7].startswith("(4, 5)\n")
    assert "inner sizes 3 and 4 differ" in answers[7]
    assert answers[8] == "(32, 5)"
    assert float(answers[9]) < 1e-15
    assert answers[10].startswith("[3.0, -1.0, -1.0]")
    assert sum(float(p) for p in NUMBER.findall(answers[10])[3:]) == pytest.approx(1.0)
    assert answers[11] == "5.30 5.00"
    lengths, difference = answers[12].splitlines()
    expected = [6.28676331, 19.43151949, 32.70973992, 3.73252758, 15.54013757]
    assert [float(n) for n in NUMBER.findall(lengths)] == expected
    assert float(difference) < 1e-14


def test_from_products(run: Run) -> None:
    out = run("from_products")
    for name, right in (("AND", 4), ("OR", 4)):
        assert out.number(f"perceptron on {name}:") == right
    assert out.number("perceptron on XOR:") < 4
    assert out.numbers("two layers on XOR:") == [4, 4, 0, 1, 1, 0]
    assert out.number("LSTM cell: largest difference from nn.LSTMCell") < 1e-14
    assert out.number("largest entry of its output:") < 1
    for mask in ("without a mask", "with a causal mask"):
        assert out.number(f"attention head {mask}: largest difference from nn") < 1e-14
        assert out.numbers(f"sums of the weights {mask}:")[1] < 1e-14
    assert out.number("largest weight on a later row with the mask:") == 0.0


def test_pinv_init(run: Run, tmp_path: Path) -> None:
    needs("matplotlib")
    out = run("pinv_init")
    assert out.number("gradient for the last layer after pinv:") < 1e-10
    first, trained = out.numbers("random start:")[:2]
    solved, fine = out.numbers("last layer by pinv:")[:2]
    assert solved < 0.2 * first
    assert fine < min(solved, trained)
    assert fine > 0.8 * 0.05**2  # the variance of the noise stays
    assert out.number("steps that the random start needs to where pinv begins:") > 100
    pictures(tmp_path, "pinv_init.png")


ROUTES = {
    "pinv": "pseudoinverse:", "grid": "Tikhonov, best weight:",
    "tikhonov": "Tikhonov, learned weight:", "ista": "ISTA,  10 steps, best weight:",
    "ista 500": "ISTA, 500 steps, best weight:",
    "untrained": "LISTA, 10 layers, untrained:", "lista": "LISTA, 10 layers, trained:",
}  # fmt: skip


def decibels(out: Output) -> list[dict[str, float]]:
    """The errors of each kappa, by route."""
    parts = [Output(part) for part in re.split(r"(?m)^kappa ", out)[1:]]
    return [{name: part.number(start) for name, start in ROUTES.items()} for part in parts]


def test_inverse_problem_in_short(run: Run) -> None:
    (errors,) = decibels(run("inverse_problem", "--kappa", "10", "--steps", "300"))
    assert errors["pinv"] == pytest.approx(-3.0, abs=0.1)
    assert errors["tikhonov"] == pytest.approx(errors["grid"], abs=0.02)
    assert errors["grid"] <= errors["pinv"]
    assert errors["lista"] < errors["pinv"] - 2
    assert errors["lista"] < errors["ista"] - 2
    assert errors["lista"] < errors["untrained"] - 2


@full
def test_inverse_problem(run: Run) -> None:
    ten, hundred = decibels(run("inverse_problem"))
    assert ten["pinv"] == pytest.approx(-3.0, abs=0.1)
    assert hundred["pinv"] == pytest.approx(-2.4, abs=0.1)
    assert ten["lista"] < -11
    assert hundred["lista"] < -7
    for errors in (ten, hundred):
        assert errors["lista"] < errors["ista 500"] < errors["pinv"]
        assert errors["tikhonov"] == pytest.approx(errors["grid"], abs=0.02)


def test_deconvolution(run: Run, tmp_path: Path) -> None:
    needs("matplotlib")
    out = run("deconvolution")
    assert out.number("kappa of the blur:") == 1.5e8
    assert out.number("plain inverse:") > 80
    learned = out.numbers("learned weight")[1]
    best = out.numbers("best of a grid")[1]
    assert learned == pytest.approx(best, abs=0.01)
    assert learned < -15
    pictures(tmp_path, "deconvolution.png")


def test_parallel_seeds(tmp_path: Path) -> None:
    """In a process of its own: its workers import the script as their main module."""
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent)}
    arguments = [sys.executable, EXAMPLES / "parallel_seeds.py", "--workers", "2", "--steps", "500"]
    done = subprocess.run(
        arguments, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    out = Output(done.stdout)
    accuracies = [out.number(f"seed {seed}: test accuracy") for seed in range(8)]
    assert min(accuracies) > 0.94
    mean, deviation = out.numbers("over the seeds: mean")
    assert mean == pytest.approx(sum(accuracies) / 8, abs=1e-4)
    assert 0 < deviation < 0.01
    assert out.line("different seeds give the same weights:") == " False"
    assert out.line("seed 0 alone gives the same weights, bit by bit:") == " True"


def test_export(run: Run) -> None:
    out = run("export")
    assert out.numbers(".npz:")[1] == 0.0
    if ".safetensors: left out" not in out:
        assert out.numbers(".safetensors:")[1] == 0.0
    if ".onnx: left out" not in out:
        assert out.numbers(".onnx:")[1] < 1e-6
    assert "half.npz" in out.line("half of a file is refused:")


def test_xor(run: Run) -> None:
    out = run("xor")
    assert "4 of 4 right" in out


def test_spiral(run: Run, tmp_path: Path) -> None:
    needs("matplotlib")
    out = run("spiral", "--steps", "600")
    assert out.number("training accuracy") > 97
    pictures(tmp_path, "spiral.png")


def test_micrograd_scalars(run: Run) -> None:
    out = run("micrograd_scalars")
    for name in ("dg/da =", "dg/db ="):
        by_backward, by_differences = out.numbers(name)
        assert by_backward == pytest.approx(by_differences, rel=1e-6)


def test_check_my_backprop(run: Run) -> None:
    with pytest.raises(SystemExit) as end:
        run("check_my_backprop")
    assert end.value.code == 0


def test_train_digits(run: Run, tmp_path: Path) -> None:
    needs("sklearn", "matplotlib", "tqdm")
    out = run("train_digits", "--epochs", "8")
    assert "gradient of the loss agrees with finite differences" in out
    assert out.number("test accuracy") > 94
    pictures(tmp_path, "digits_loss.png")
    assert "<svg" in (tmp_path / "out" / "digits_graph.svg").read_text(encoding="utf-8")


def test_gradient_descent(run: Run, tmp_path: Path) -> None:
    needs("matplotlib")
    out = run("gradient_descent")
    limit = out.numbers("rates below")[-1]
    assert limit == pytest.approx(2 / (2 + 2**0.5), abs=1e-4)  # the eigenvalues are 2 ± √2
    for rate in (0.1, 0.5, 0.6):
        assert (
            out.numbers(f"rate {rate}, largest relative difference of the three paths:")[0] < 1e-15
        )
        first, last, _ = out.numbers(f"rate {rate}: loss from")
        assert (last < first) == (rate < limit)
    pictures(tmp_path, "gradient_descent.png")


def test_factorizations(run: Run) -> None:
    out = run("factorizations")
    products = [line for line in out.splitlines() if "product less matrix" in line]
    assert len(products) == 6
    assert all(float(line.split()[-1]) < 1e-12 for line in products)
    assert out.number("rank of 1 ... 9 as 3 x 3:") == 2
    values = out.numbers("eigenvalues of a symmetric 3 x 3:")
    assert values == [-2.2627721262, -0.598474437, 8.8612465632]
    assert out.numbers("their sum") == [6, 6]
    assert out.numbers("their product") == [12, 12]
    assert "Cholesky refuses it" in out
    assert out.numbers("projection of (3, 4) on the line of (1, 1):") == pytest.approx([3.5, 3.5])
    assert abs(out.number("P P - P:")) < 1e-15
    assert out.numbers("(3, 1) in the basis (1, 1), (1, -1):") == pytest.approx([2, 1])


def test_pca_before_training(run: Run) -> None:
    needs("sklearn")
    out = run("pca_before_training", "--epochs", "20")
    sizes = ("2 components:", "5 components:", "10 components:", "29 components:", "64 pixels:")
    kept, found = zip(*(out.numbers(size) for size in sizes))
    assert kept[3] == pytest.approx(0.95, abs=0.01)
    assert kept[4] == 1.0
    assert found[0] < found[1] < found[2] < found[4] + 0.01
    assert found[3] > found[4] - 0.015  # 29 components do as well as 64 pixels, or nearly
    assert found[4] > 0.96


def test_conv_digits(run: Run) -> None:
    needs("sklearn")
    out = run("conv_digits", "--epochs", "6")
    assert out.number("test accuracy") >= 97.5


@full
def test_conv_digits_in_full(run: Run) -> None:
    needs("sklearn")
    out = run("conv_digits", "--seeds", "0", "1", "2", "3", "4")
    assert out.number("mean of 5 runs") >= 98.5


def test_addition_learns(run: Run) -> None:
    out = run("addition", "--quick")
    losses = [float(line.split()[1]) for line in out.splitlines() if line.endswith(" s")]
    assert len(losses) == 10
    assert losses[-1] < 0.8 * losses[0]


@full
def test_addition_in_full(run: Run) -> None:
    out = run("addition")
    assert float(out.splitlines()[-1].split("%")[0]) > 99
