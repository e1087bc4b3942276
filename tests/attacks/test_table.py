"""docs/security-tests.md against the tests: every row has one or says why not, and every one that is named is there."""

import ast
import re

from tests.house.walk import ROOT

PAGE = ROOT / "docs" / "security-tests.md"
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
ADVISORY = re.compile(r"test_(?:cve|ghsa|supabase|keycloak|gitlab)_")


def rows() -> list[tuple[int, str]]:
    """Number and last cell."""
    return [(int(number), cell) for number, _, _, cell in ROW.findall(PAGE.read_text())]


def functions() -> dict[str, str]:
    """Every test function → the file it stands in."""
    found = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found[node.name] = str(path.relative_to(ROOT))
    return found


def test_there_are_a_hundred_rows():
    assert [number for number, _ in rows()] == list(range(1, 101))


def test_every_row_has_a_test_or_a_reason():
    there = functions()
    for number, cell in rows():
        named = re.findall(r"`(test_\w+)`", cell)
        assert named or cell.startswith("– "), number
        assert not [name for name in named if name not in there], number


def test_every_test_that_is_called_like_an_advisory_has_its_row():
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text()))
    assert {name for name in functions() if ADVISORY.match(name)} <= named
