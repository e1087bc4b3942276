"""The operations table and the policies are the program: what they list exists, and is told.

``ostiary.contract.operations.OPERATIONS`` holds the operations. For each: an action of its name in a
feature, a place in the reference, a journey that calls it. For each setting of a pool or an app: a
place in the documents. The parts that are not built yet are named as skipped.
"""

import ast
import re
from functools import cache
from pathlib import Path

import msgspec
import pytest

from tests.house.walk import ROOT, modules

DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
JOURNEYS = ROOT / "tests" / "journeys"
FEATURES = "ostiary.server.features"

# Operation → why it has none. An entry that is no longer true is red.
WITHOUT_ACTION: dict[str, str] = {}
WITHOUT_JOURNEY: dict[str, str] = {}


def operations():
    table = pytest.importorskip("ostiary.contract.operations", reason="the operations table is not built yet")
    listed = table.OPERATIONS
    return list(listed.values()) if hasattr(listed, "values") else list(listed)


@cache
def actions() -> frozenset[str]:
    """The names of all public coroutines of features: an action bears its operation's name."""
    return frozenset(
        node.name
        for module in modules()
        if module.inside(FEATURES)
        for node in module.tree.body
        if isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith("_")
    )


def text_of(folder: Path, pattern: str) -> str:
    return "\n".join(path.read_text() for path in sorted(folder.rglob(pattern)))


def absent(names: set[str], text: str, excepted: dict[str, str]) -> list[str]:
    """Names that the text does not hold as a whole word, and exceptions that are not needed."""
    found = {name for name in names if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)}
    return sorted((names - found - set(excepted)) | (found & set(excepted)))


def test_operations_have_names_and_paths_of_their_own():
    listed = operations()
    assert listed
    names = [operation.name for operation in listed]
    assert len(set(names)) == len(names)
    doors = [
        (operation.method, path) for operation in listed for path in (operation.path, *operation.aliases)
    ]
    assert len(set(doors)) == len(doors)
    assert all(operation.summary.strip() for operation in listed)


def test_every_operation_has_an_action():
    names = {operation.name for operation in operations()}
    if not actions():
        pytest.skip("no feature is built yet")
    found = absent(names, "\n".join(actions()), WITHOUT_ACTION)
    assert not found, (
        f"a row has no coroutine of its name in a feature, or stands in WITHOUT_ACTION for nothing: {found}"
    )


def test_every_operation_has_its_place_in_the_reference():
    paths = {operation.path for operation in operations()}
    if not REFERENCE.is_dir():
        pytest.skip("docs/reference is not generated yet")
    found = absent(paths, text_of(REFERENCE, "*.*"), {})
    assert not found, f"the reference lacks paths (`make generate`): {found}"


def test_every_operation_has_a_journey():
    names = {operation.name for operation in operations()}
    if not JOURNEYS.is_dir():
        pytest.skip("tests/journeys is not written yet")
    found = absent(names, text_of(JOURNEYS, "*.py"), WITHOUT_JOURNEY)
    assert not found, (
        f"no journey in tests/journeys names it, or it stands in WITHOUT_JOURNEY for nothing: {found}"
    )


def setting_names(struct: type[msgspec.Struct]) -> set[str]:
    """The names on the wire, those of settings inside settings included."""
    names = set()
    for field in msgspec.structs.fields(struct):
        names.add(field.encode_name)
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            names |= setting_names(field.type)
    return names


def policies():
    module = pytest.importorskip("ostiary.server.core.policy", reason="policies are not built yet")
    structs = [value for value in vars(module).values() if isinstance(value, type)]
    return [
        struct for struct in structs if issubclass(struct, msgspec.Struct) and struct is not msgspec.Struct
    ]


def test_every_setting_is_documented():
    names = {name for struct in policies() for name in setting_names(struct)}
    assert names
    if not DOCS.is_dir():
        pytest.skip("docs are not written yet")
    found = absent(names, text_of(DOCS, "*.md"), {})
    assert not found, f"settings that no document names: {found}"


# ── the checkers' own tests ─────────────────────────────────────────────────────────────────


def test_what_is_not_told_is_found():
    assert absent({"signin", "signup"}, "def signup(): ...", {}) == ["signin"]
    assert absent({"/api/v3/signin"}, "POST /api/v3/signin-by-code", {}) == ["/api/v3/signin"]
    assert absent({"signin"}, "no such thing", {"signin": "a reason"}) == []


def test_an_exception_that_is_not_needed_is_found():
    assert absent({"signup"}, "def signup(): ...", {"signup": "once there was a reason"}) == ["signup"]


def test_settings_inside_settings_are_found():
    class Inner(msgspec.Struct, rename="camel"):
        verify_old_phone: bool = True

    class Outer(msgspec.Struct, rename="camel"):
        change_strategy: Inner

    assert setting_names(Outer) == {"changeStrategy", "verifyOldPhone"}
