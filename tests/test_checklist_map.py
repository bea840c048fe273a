"""Where each item of five introductions to linear algebra is covered, and that none is missing.

An item is a concept, a formula, a code block or an exercise of one of the texts 000 to 004; W1 to
W25 are statements in them that are wrong or incomplete.  G1 to G10 are examples with their figures,
in the order of test_checklist.py; H1 to H4 are inverse problems of condition 1, 10, 100 and 1000,
and H5 is a deconvolution.  A target is a page (with the anchor of a
heading), an example, or a test: "checklist" is the item of the same id in test_checklist.py.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests import checklist_kit, test_checklist

ROOT = Path(__file__).parents[1]
TOTALS = {"000": 13, "001": 17, "002": 24, "003": 9, "004": 44}
IDS = [f"{text}-{n}" for text, total in TOTALS.items() for n in range(1, total + 1)]
OUTCOMES = [f"G{n}" for n in range(1, 11)] + [f"H{n}" for n in range(1, 6)]
SLIPS = [f"W{n}" for n in range(1, 26)]

COVERED: dict[str, list[str]] = {
    "000-1": ["checklist", "docs/ideas/tensor.md"],
    "000-2": ["checklist", "docs/ideas/layer.md", "examples/layer_by_hand.py"],
    "000-3": ["checklist", "docs/howto/shape_errors.md"],
    "000-4": ["checklist", "docs/ideas/matrix_product.md#dot-product"],
    "000-5": ["checklist", "docs/ideas/layer.md"],
    "000-6": ["checklist", "docs/ideas/tensor.md#transpose"],
    "000-7": ["checklist", "docs/ideas/reverse_mode.md#no-jacobian-is-ever-formed"],
    "000-8": ["checklist", "docs/ideas/least_squares.md"],
    "000-9": ["checklist", "examples/closed_form_vs_gd.py"],
    "000-10": [
        "docs/ideas/conditioning.md#squaring-squares-it",
        "docs/ideas/least_squares.md#gradient-descent-gets-there-too",
        "examples/least_squares.py",
        "examples/closed_form_vs_gd.py",
    ],
    "000-11": ["checklist", "docs/ideas/layer.md#two-conventions-for-the-weights"],
    "000-12": ["docs/ideas/training.md#what-networks-are-made-of", "docs/howto/shape_errors.md"],
    "000-13": ["examples/from_products.py", "docs/ideas/training.md"],
    "001-1": ["checklist", "docs/ideas/tensor.md#indices-start-at-0"],
    "001-2": [
        "checklist",
        "docs/ideas/tensor.md#a-vector-is-not-a-matrix",
        "docs/howto/shape_errors.md",
    ],
    "001-3": ["checklist", "docs/ideas/tensor.md#elementwise-arithmetic"],
    "001-4": ["checklist", "docs/reference/index.md"],
    "001-5": ["examples/gradient_descent.py", "docs/ideas/derivative.md#downhill"],
    "001-6": ["checklist", "docs/ideas/least_squares.md#a-system-of-equations"],
    "001-7": ["checklist", "docs/ideas/basis.md"],
    "001-8": ["checklist", "docs/ideas/basis.md#projection", "examples/factorizations.py"],
    "001-9": ["checklist", "docs/ideas/jacobian.md", "examples/polar_jacobian.py"],
    "001-10": ["docs/ideas/reverse_mode.md", "docs/ideas/graph.md"],
    "001-11": ["checklist", "docs/reference/index.md"],
    "001-12": ["checklist", "docs/ideas/svd.md#principal-components"],
    "001-13": ["checklist", "examples/factorizations.py"],
    "001-14": ["checklist", "examples/least_squares.py"],
    "001-15": ["docs/ideas/layer.md#two-linear-layers-are-one", "docs/ideas/training.md"],
    "001-16": ["examples/image_filter.py", "examples/similarity.py"],
    "001-17": ["checklist", "docs/ideas/eigen.md", "docs/ideas/svd.md"],
    "002-1": ["checklist", "docs/ideas/layer.md"],
    "002-2": ["checklist", "docs/ideas/layer.md#two-conventions-for-the-weights"],
    "002-3": ["checklist", "docs/ideas/basis.md#orthogonal-maps", "examples/orthogonal_maps.py"],
    "002-4": ["checklist", "examples/linear_layers_collapse.py"],
    "002-5": ["checklist", "docs/ideas/matrix_product.md#linear-maps"],
    "002-6": ["checklist", "docs/ideas/jacobian.md#the-chain-rule", "examples/chain_rule.py"],
    "002-7": ["checklist", "docs/ideas/jacobian.md#second-derivatives"],
    "002-8": ["docs/ideas/graph.md", "tests/test_graph_memory.py"],
    "002-9": [
        "docs/ideas/matrix_product.md#the-transpose-of-a-product",
        "docs/ideas/jacobian.md#the-chain-rule",
        "docs/ideas/reverse_mode.md#which-end-first",
        "docs/ideas/svd.md#principal-components",
        "docs/ideas/pseudoinverse.md#the-four-conditions-of-penrose",
        "docs/ideas/conditioning.md",
        "docs/ideas/training.md#how-fast-gradient-descent-converges",
    ],
    "002-10": ["checklist", "docs/ideas/matrix_product.md"],
    "002-11": [
        "checklist",
        "docs/ideas/tensor.md#elementwise-arithmetic",
        "docs/howto/shape_errors.md",
    ],
    "002-12": ["docs/start/from_pytorch.md#what-is-different-and-why"],
    "002-13": ["checklist", "docs/ideas/matrix_product.md#order-matters-for-the-cost"],
    "002-14": ["checklist", "docs/ideas/svd.md#principal-components"],
    "002-15": ["checklist", "examples/pca_three_ways.py"],
    "002-16": ["checklist", "examples/pca_before_training.py"],
    "002-17": ["checklist", "docs/ideas/pseudoinverse.md"],
    "002-18": ["checklist", "docs/ideas/least_squares.md#more-equations-than-unknowns"],
    "002-19": ["examples/pinv_init.py", "docs/ideas/pseudoinverse.md#where-it-is-used"],
    "002-20": ["examples/inverse_problem.py", "docs/ideas/inverse_problems.md"],
    "002-21": ["examples/inverse_problem.py", "examples/deconvolution.py"],
    "002-22": ["checklist", "docs/ideas/conditioning.md", "examples/conditioning.py"],
    "002-23": ["checklist", "examples/low_rank.py"],
    "002-24": ["docs/index.md#ideas"],
    "003-1": ["checklist", "docs/ideas/tensor.md", "docs/reference/index.md"],
    "003-2": ["checklist", "docs/ideas/tensor.md#indices-start-at-0"],
    "003-3": ["checklist", "docs/ideas/tensor.md#elementwise-arithmetic"],
    "003-4": ["checklist", "docs/howto/shape_errors.md"],
    "003-5": ["checklist", "docs/ideas/matrix_product.md#matrix-times-vector-matrix-times-matrix"],
    "003-6": ["checklist"],
    "003-7": ["checklist", "docs/ideas/matrix_product.md#matrix-times-vector-matrix-times-matrix"],
    "003-8": ["docs/ideas/layer.md"],
    "003-9": ["docs/howto/speed.md"],
    "004-1": ["checklist", "docs/ideas/tensor.md"],
    "004-2": ["docs/ideas/tensor.md"],
    "004-3": ["checklist", "docs/ideas/tensor.md#indices-start-at-0"],
    "004-4": ["checklist", "docs/ideas/tensor.md"],
    "004-5": ["checklist"],
    "004-6": ["checklist"],
    "004-7": ["checklist", "docs/ideas/tensor.md#transpose"],
    "004-8": ["checklist", "docs/ideas/tensor.md#transpose"],
    "004-9": ["tests/test_checklist_map.py::test_a_product_with_its_transpose_is_symmetric"],
    "004-10": ["checklist", "docs/ideas/tensor.md"],
    "004-11": ["checklist"],
    "004-12": ["checklist"],
    "004-13": ["checklist", "docs/ideas/matrix_product.md"],
    "004-14": ["examples/from_products.py"],
    "004-15": ["checklist"],
    "004-16": ["checklist", "docs/ideas/tensor.md#sums-along-an-axis"],
    "004-17": ["checklist", "docs/ideas/loss.md#for-classes-softmax-and-cross-entropy"],
    "004-18": ["checklist"],
    "004-19": ["checklist", "docs/ideas/tensor.md#sums-along-an-axis"],
    "004-20": ["checklist", "docs/howto/shape_errors.md"],
    "004-21": ["checklist"],
    "004-22": ["checklist", "docs/ideas/matrix_product.md#dot-product"],
    "004-23": ["checklist", "docs/ideas/derivative.md#the-gradient"],
    "004-24": ["checklist", "examples/similarity.py"],
    "004-25": ["checklist"],
    "004-26": ["checklist", "docs/start/from_numpy.md"],
    "004-27": ["checklist"],
    "004-28": ["checklist", "docs/ideas/layer.md"],
    "004-29": ["checklist", "docs/ideas/basis.md#norms"],
    "004-30": ["checklist", "docs/ideas/loss.md#keeping-weights-small"],
    "004-31": ["checklist", "examples/lasso.py"],
    "004-32": ["docs/ideas/loss.md#keeping-weights-small", "checklist"],
    "004-33": ["checklist", "examples/gradient_clipping.py"],
    "004-34": ["checklist"],
    "004-35": ["docs/reference/index.md#a-table-of-ideas"],
    "004-36": ["checklist", "examples/exercises.py"],
    "004-37": ["checklist", "examples/exercises.py"],
    "004-38": ["checklist", "examples/exercises.py"],
    "004-39": ["checklist", "examples/similarity.py"],
    "004-40": ["checklist", "examples/exercises.py"],
    "004-41": ["checklist", "examples/linear_layers_collapse.py"],
    "004-42": ["checklist", "docs/slips.md#zero-to-llm", "examples/exercises.py"],
    "004-43": ["docs/reference/index.md#can-you-say-it-without-looking"],
    "004-44": ["docs/reference/index.md#further-reading"],
}
COVERED_OUTCOMES: dict[str, list[str]] = {
    "G1": ["checklist", "examples/closed_form_vs_gd.py"],
    "G2": ["checklist", "tests/test_examples.py::test_closed_form_vs_gd"],
    "G3": ["checklist", "tests/test_examples.py::test_least_squares"],
    "G4": ["checklist", "tests/test_examples.py::test_conditioning"],
    "G5": ["checklist", "tests/test_examples.py::test_pca_three_ways"],
    "G6": ["checklist", "tests/test_examples.py::test_power_iteration"],
    "G7": ["checklist", "tests/test_examples.py::test_low_rank"],
    "G8": ["checklist", "tests/test_examples.py::test_gaussian_process"],
    "G9": ["checklist", "tests/test_examples.py::test_newton_logistic"],
    "G10": ["checklist", "tests/test_examples.py::test_orthogonal_maps"],
    "H1": [
        "tests/test_examples.py::test_inverse_problem_without_training",
        "tests/test_examples.py::test_inverse_problem",
    ],
    "H2": [
        "tests/test_examples.py::test_inverse_problem_without_training",
        "tests/test_examples.py::test_inverse_problem_in_short",
        "tests/test_examples.py::test_inverse_problem",
    ],
    "H3": [
        "tests/test_examples.py::test_inverse_problem_without_training",
        "tests/test_examples.py::test_inverse_problem",
    ],
    "H4": [
        "tests/test_examples.py::test_inverse_problem_without_training",
        "tests/test_examples.py::test_inverse_problem",
    ],
    "H5": ["tests/test_examples.py::test_deconvolution", "examples/deconvolution.py"],
}
CHECKED_SLIPS = {"W1", "W2", "W3", "W4", "W5", "W6", "W9", "W10", "W12", "W20", "W25"}


def slug(heading: str) -> str:
    """The anchor of a heading in Markdown."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def anchors(page: Path) -> set[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.M)}


def checked() -> set[str]:
    """The ids that test_checklist.py has a check for."""
    return {word for name in test_checklist.CHECKS for word in name.split()}


def test_no_item_is_missing() -> None:
    assert len(IDS) == 107
    assert list(COVERED) == IDS
    assert list(COVERED_OUTCOMES) == OUTCOMES
    assert all({**COVERED, **COVERED_OUTCOMES}.values())


def test_every_figure_is_asserted() -> None:
    """A row of figures leads to a test, not only to a page that tells of it."""
    for targets in COVERED_OUTCOMES.values():
        assert any("::" in target or target == "checklist" for target in targets)


@pytest.mark.parametrize("item", IDS + OUTCOMES)
def test_targets_exist(item: str) -> None:
    for target in {**COVERED, **COVERED_OUTCOMES}[item]:
        if target == "checklist":
            assert item in checked()
            continue
        path, _, name = target.partition("::" if "::" in target else "#")
        assert (ROOT / path).is_file(), target
        if "::" in target:
            assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")
        elif name:
            assert name in anchors(ROOT / path), f"{path} has no heading {name}"


def test_every_slip_stands_on_its_page() -> None:
    page = (ROOT / "docs" / "slips.md").read_text(encoding="utf-8")
    found = re.findall(r"^(?:\| |\*\*)(W\d+)\b", page, re.M)
    assert sorted(found) == sorted(SLIPS)
    assert checked() >= CHECKED_SLIPS


def test_a_product_with_its_transpose_is_symmetric() -> None:
    """Exactly, not nearly: 004-9 compares a covariance with its transpose by ==."""
    data = np.random.default_rng(0).standard_normal((50, 7))
    X = checklist_kit.t64(data - data.mean(0))
    C = X.T @ X / 49
    assert (C == C.T).all()


LINK = re.compile(r"\]\(([^)\s]+)\)")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_resolve(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for link in LINK.findall(re.sub(r"\s*\n\s*", " ", text)):
        if link.startswith(("http", "api/")) or "reference/api/" in link:
            continue  # the reference is made when the site is built
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {link}"
        if anchor:
            assert anchor in anchors(target), f"{page.name} links to {link}"
    for example in re.findall(r"`(?:examples|minigrad|tests)/[\w/]+\.py`", text):
        assert (ROOT / example.strip("`")).is_file(), f"{page.name} names {example}"
