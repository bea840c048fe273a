"""The checker on layers as people write them: a part of the table, and the table itself.

``python -m tests.student_mistakes`` prints the results for all layers, in float32 inside as well.
"""

from __future__ import annotations

import pytest

from tests.student_mistakes import all_layers
from tests.student_mistakes.__main__ import outcome

LAYERS = all_layers()
SOME = LAYERS[::16]


@pytest.mark.parametrize("layer", SOME, ids=str)
def test_right_layers_are_right_and_wrong_versions_found(layer) -> None:
    right = outcome(layer, None, "float64")
    assert right.found, right.told
    for wrong in layer.wrongs:
        assert outcome(layer, wrong, "float64").found, wrong


@pytest.mark.parametrize("layer", LAYERS[1::32], ids=str)
def test_float32_inside_makes_no_false_alarm(layer) -> None:
    right = outcome(layer, None, "hidden float32")
    assert right.found, right.told


def test_the_table_is_large_and_every_layer_has_wrong_versions() -> None:
    assert len(LAYERS) >= 120
    assert len({str(layer) for layer in LAYERS}) == len(LAYERS)
    for layer in LAYERS:
        assert len(layer.wrongs) >= 3
        assert len(set(layer.wrongs)) == len(layer.wrongs)
