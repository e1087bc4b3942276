"""Every link leads somewhere: files, headings, tests by name, files named in passing."""

import ast
import re

import pytest

from tests.docs.pages import ROOT, Page, pages

PAGES = pages()
PLACES = [ROOT, ROOT / "src" / "ostiary", ROOT / "src" / "ostiary" / "server"]
"""Where a file that is named in passing may stand."""
_ELSEWHERE = re.compile(r"https?://|mailto:")
_TEST = re.compile(r"(tests/[\w/]+\.py)::(\w+)")
_FILE = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|sql|md|sh|json|toml|html))`")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page):
    lost = [link for link in page.links if not _ELSEWHERE.match(link) and not _is_there(page, link)]
    assert not lost


def _is_there(page: Page, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.path.parent / path).resolve() if path else page.path
    if not target.is_relative_to(ROOT) or not target.exists():
        return False
    return not anchor or (target.suffix == ".md" and anchor in Page(target).anchors)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_tests_that_are_named_exist(page):
    for path, name in _TEST.findall(page.text):
        file = ROOT / path
        assert file.is_file(), f"{page} names {path}"
        tree = ast.parse(file.read_text())
        names = {
            node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert name in names, f"{page} names {path}::{name}"


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_files_that_are_named_exist(page):
    lost = [
        path
        for path in _FILE.findall(page.prose)
        if not path.startswith("data/")  # a service's own folder, by its default name
        if not any((place / path).exists() for place in [page.path.parent, *PLACES])
    ]
    assert not lost


def test_the_trace_names_what_is_there():
    """A row of the trace: the symbol (`module.name` or a name) is defined in one of the row's files."""
    trace = Page(ROOT / "docs" / "trace.md").prose
    rows = re.findall(r"^\| \d+ \| (.+?) \| .+ \| (.+?) \|$", trace, re.MULTILINE)
    assert len(rows) > 10
    for symbols, files in rows:
        named = re.findall(r"`([\w./]+)`", files)
        found = [place / name for name in named for place in PLACES if (place / name).exists()]
        sources = [
            path.read_text()
            for file in found
            for path in (sorted(file.rglob("*.py")) if file.is_dir() else [file])
        ]
        for symbol in re.findall(r"`([\w.]+)`", symbols):
            name = symbol.rpartition(".")[2]
            known = any(re.search(rf"(?:def|class) {name}\b", source) for source in sources)
            assert known or any(file.stem == name for file in found), f"{symbol} is not in {files}"
