"""Each public name of PyTorch 2.13 exists here, or stands in the documentation with a reason."""

from __future__ import annotations

import re

import pytest

from tests.parity import names


def test_what_is_missing_stands_in_the_documentation() -> None:
    page = names.PAGE.read_text(encoding="utf-8")
    listed = page.partition("<!-- missing -->")[2].partition("<!-- end of missing -->")[0]
    rows = {}
    for line in listed.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[0].startswith("`torch"):
            rows.setdefault(cells[0].strip("`"), set()).update(re.findall(r"`([^`]+)`", cells[1]))
            assert len(cells[2]) > 10, "a reason"
    found = names.missing()
    assert found, "nothing was compared"
    for module, groups in found.items():
        absent = {name for group in groups.values() for name in group}
        assert absent == rows[module], f"{module}: {sorted(absent ^ rows[module])}"


def test_the_reasons_are_specific() -> None:
    """The last reason, which takes any name, explains few."""
    groups = [group for found in names.missing().values() for group in found.items()]
    rest = sum(len(found) for reason, found in groups if reason == names.REASONS[-1][0])
    assert rest < 100


def test_the_list_of_names_is_that_of_the_installed_pytorch() -> None:
    torch = pytest.importorskip("torch")
    if not torch.__version__.startswith("2.13"):
        pytest.skip("the list is of PyTorch 2.13")
    import json

    stored = json.loads(names.FILE.read_text())
    assert stored == {module: names.public_names(module) for module in names.MODULES}
