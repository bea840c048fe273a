"""What type checkers find in a user's program: no error, and the types that its comments say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "typing" / "user_program.py"
COMMENT = re.compile(r"reveal_type\(.*\)  # (.*)$")
ANY = re.compile(r"\b(Any|Unknown)\b")


def expected() -> dict[int, str]:
    """Line -> the type that its comment says."""
    lines = PROGRAM.read_text(encoding="utf-8").splitlines()
    found = {number: COMMENT.search(line) for number, line in enumerate(lines, 1)}
    return {number: match[1] for number, match in found.items() if match is not None}


def revealed_by(command: list[str], pattern: str) -> dict[int, str]:
    """Line -> the type that a checker reveals there, without the names of modules."""
    root = PROGRAM.parents[2]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    errors = [line for line in done.stdout.splitlines() if " error: " in line]
    assert not errors, "\n".join(errors)
    found = re.findall(pattern, done.stdout)
    return {int(line): re.sub(r"\b(?:\w+\.)+(?=\w)", "", text) for line, text in found}


def by_mypy() -> dict[int, str]:
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", str(PROGRAM)]  # strict: pyproject.toml says so
    return revealed_by(command, r':(\d+): note: Revealed type is "(.*)"')


def by_pyright() -> dict[int, str]:
    pytest.importorskip("pyright")
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, str(PROGRAM)]
    found = revealed_by(command, r':(\d+):\d+ - information: Type of ".*" is "(.*)"')
    if not found:
        pytest.skip("pyright could not be run here: it fetches its program when it first runs")
    return found


@pytest.mark.parametrize("checker", [by_mypy, by_pyright])
def test_a_checker_finds_what_the_comments_say(checker):
    found = checker()
    wanted = expected()
    assert len(wanted) > 60
    assert set(found) == set(wanted)
    wrong = {
        line: (found[line], text)
        for line, text in wanted.items()
        if text not in (found[line], found[line].split("[")[0])
    }
    assert not wrong, "\n".join(f"line {n}: {a}, not {b}" for n, (a, b) in wrong.items())
    vague = [line for line, text in found.items() if ANY.fullmatch(text)]
    assert len(vague) <= 2, vague
