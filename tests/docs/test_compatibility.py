"""The page about the incumbent's methods tells the truth about both sides."""

import inspect
import re

import genauth
import pytest

from ostiary import compat
from ostiary.contract.operations import BY_NAME, LATER
from ostiary.contract.unserved import find
from tests.docs.pages import ROOT
from tools.compatibility import ASKS_FOR, CLASSES, NOTES, instead, is_served, methods, page, works


@pytest.mark.parametrize("side", CLASSES)
def test_the_facts_are_the_installed_library_s(side):
    found = {
        name: _call(inspect.getsource(function))
        for name, function in vars(getattr(genauth, side)).items()
        if inspect.isfunction(function) and not name.startswith("_")
    }
    assert methods(side) == found


def _call(source):
    url = re.search(r"""url=['"](/[^'"]+)['"]""", source)
    verb = re.search(r"""method=['"](\w+)['"]""", source)
    return f"{verb[1]} {url[1]}" if url and verb else ""


@pytest.mark.parametrize("side", CLASSES)
def test_what_is_served_is_a_method_and_what_is_not_is_none(side):
    calls = {name: call for name, call in methods(side).items() if call}
    assert {name for name in calls if works(side, name)} == {
        n for n, call in calls.items() if is_served(call)
    }


@pytest.mark.parametrize("side", CLASSES)
def test_what_does_not_work_says_what_to_use_instead(side):
    for name in methods(side):
        if not works(side, name):
            assert instead(side, name).en, f"{name} has no row in contract/unserved.py"
        else:
            assert find(side, name) is None, f"{name} works: take its row out of contract/unserved*.py"


def test_conveniences_name_real_options_and_go_when_those_are_built():
    for operation, option in ASKS_FOR.values():
        assert operation in BY_NAME
        assert option in {later.path for later in LATER[operation]}, (
            f"{option} is built: take it off the list"
        )


def test_notes_are_about_methods_and_paths_that_are_not_served_are_not():
    assert all(hasattr(compat.AuthenticationClient, name) for name in NOTES)
    for note in NOTES.values():
        unserved = re.search(r"`(/\S+)` answers 501", note)
        assert not unserved or not is_served(f"GET {unserved[1]}")


def test_every_method_is_on_the_page_once():
    text = page()
    for side in CLASSES:
        part = text[text.index(f"## {side}") :].partition("\n## ")[0]
        cells = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
        assert sorted(re.findall(r"`(\w+)`", "".join(cells))) == sorted(methods(side))


def test_the_readme_counts_right():
    assert f"Each of its {len(methods('AuthenticationClient'))} methods" in (ROOT / "README.md").read_text()
