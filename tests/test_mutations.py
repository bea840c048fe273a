"""The checker finds what is wrong: bugs planted in the VJP of every op of the table.

``python -m tests.mutations`` prints the results for every row of the table; here each op is tried
once.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.mutations import Target, judge, target_of, targets
from tests.planting import BUGS
from tests.samples import SAMPLES, some

TARGETS = targets(each_op_once=True)


@pytest.fixture(scope="module")
def named() -> Counter[str]:
    """Planted bugs and rightly named ones, over the tests of this module."""
    return Counter()


def name_of(target: Target) -> str:
    return f"{target.operation.name}-{'broadcast' if target.broadcast else 'plain'}"


@pytest.mark.parametrize("target", some(TARGETS, name_of), ids=name_of)
def test_every_planted_bug_that_changes_a_value_is_found(target, named: Counter[str]) -> None:
    results = judge(target)
    missed = [name for name, counts in results.items() if not counts["detected"]]
    assert not missed
    for counts in results.values():
        named.update(counts)


def test_nine_in_ten_diagnoses_are_right(named: Counter[str]) -> None:
    if not named:
        pytest.skip("the bugs were planted in another process")
    assert named["named"] >= 0.9 * named["planted"]


def test_bugs_are_of_many_kinds_and_reach_the_ops() -> None:
    assert len({bug.kinds for bug in BUGS}) >= 8
    rows = [sample for sample in SAMPLES if sample.differentiable]
    reached = [sample for sample in rows if target_of(sample) is not None]
    assert len(reached) >= 0.8 * len(rows)
