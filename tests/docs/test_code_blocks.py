"""What the documents show works.

- `python`: a page's blocks are one program, run in a folder whose `data` is a new service's; blocks with tests in
  them are run by pytest, with the plugin. "It prints `…`" in the page is looked for in what was printed.
- `sh`: blocks that read `data/dev.json` are run there; of all others each command is looked at: the target, the
  extra, the command with its options must exist.
- `json`, `toml`, `ini`: can be read.
"""

import configparser
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.exceptions import TyperException

from ostiary.cli.main import app
from ostiary.testing import start
from tests.docs.pages import ROOT, Block, Page, pages

PROSE = {"", "text", "mermaid", "diff", "nginx", "sql", "yaml", "http"}
"""Languages that nothing here can run or read."""
WELL_KNOWN = {
    ".",
    "cat",
    "cd",
    "chmod",
    "chown",
    "cp",
    "curl",
    "docker",
    "echo",
    "export",
    "git",
    "grep",
    "install",
    "jq",
    "journalctl",
    "ln",
    "ls",
    "mkdir",
    "mv",
    "openssl",
    "pg_dump",
    "pg_restore",
    "psql",
    "rm",
    "sudo",
    "sqlite3",
    "systemctl",
    "tar",
    "useradd",
}
"""Commands of the system, which are not ours to test."""

PAGES = pages()
RUN_BY_PYTEST = "def test_"
RUN_HERE = "data/dev.json"


def program_of(page: Page) -> str:
    blocks = [block.text for block in page.blocks_in("python") if RUN_BY_PYTEST not in block.text]
    return "\n".join(blocks)


def scripts_of(page: Page) -> list[Block]:
    return [block for block in page.blocks_in("sh") if RUN_HERE in block.text]


def run(folder: Path, *command: str, given: str | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OSTIARY_")}
    environment["NO_PROXY"] = environment["no_proxy"] = "127.0.0.1"
    done = subprocess.run(
        command,
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("page", [page for page in PAGES if program_of(page) or scripts_of(page)], ids=str)
def test_programs_and_scripts_run(page, tmp_path):
    with start() as service:
        (tmp_path / "data").symlink_to(service.folder)
        printed = ""
        if program := program_of(page):
            (tmp_path / "program.py").write_text(program)
            printed += run(tmp_path, sys.executable, "-W", "error", "program.py")
        for script in scripts_of(page):
            said = run(tmp_path, "bash", "-eu", "-o", "pipefail", "-s", given=script.text)
            codes = re.findall(r'"statusCode": ?(\d+)', said)
            assert set(codes) <= {"200"}, said
            printed += said
    for expected in re.findall(r"[Pp]rints\s+`([^`]+)`", page.prose):
        assert expected in printed.splitlines(), f"{page} promises {expected}: {printed}"


@pytest.mark.parametrize("order", [("README.md", "docs/quickstart.md"), ("docs/quickstart.md", "README.md")])
def test_a_reader_runs_one_page_s_program_after_the_other_s(order, tmp_path):
    programs = {str(page): program_of(page) for page in PAGES}
    with start() as service:
        (tmp_path / "data").symlink_to(service.folder)
        for name in order:
            (tmp_path / "program.py").write_text(programs[name])
            run(tmp_path, sys.executable, "-W", "error", "program.py")


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(RUN_BY_PYTEST in b.text for b in page.blocks_in("python"))],
    ids=str,
)
def test_tests_in_documents_pass(page, tmp_path):
    blocks = [block for block in page.blocks_in("python") if RUN_BY_PYTEST in block.text]
    for number, block in enumerate(blocks):
        (tmp_path / f"test_block_{number}.py").write_text(block.text)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    options = ["-p", "no:cacheprovider", "-p", "no:schemathesis"]
    # anyio would run each async test under trio as well, where that is installed: once is enough
    (tmp_path / "conftest.py").write_text(
        "import pytest\n\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n"
    )
    said = run(tmp_path, sys.executable, "-m", "pytest", "-q", *options)
    assert "passed" in said
    assert "skipped" not in said


# ── commands ────────────────────────────────────────────────────────────────────────────────

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE)) | {"help"}
EXTRAS = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])


def commands(text: str) -> list[list[str]]:
    """The words of each command; a line that ends in a backslash goes on, a here-document does not count."""
    text = re.sub(
        r"<<-?\s*['\"]?(\w+)['\"]?([^\n]*)\n.*?^\s*\1$", r"\2", text, flags=re.DOTALL | re.MULTILINE
    )
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;")
        lexer.whitespace_split, lexer.commenters = True, "#"
        words: list[str] = []
        for word in [*lexer, ";"]:
            if set(word) <= set("|&;"):
                if words:
                    found.append(words)
                words = []
            else:
                words.append(word)
    return found


def problem(words: list[str]) -> str | None:
    """What is wrong with a command, or None."""
    while words and (re.match(r"\w+=", words[0]) or words[0] == "sudo"):
        words = words[3:] if words[0] == "sudo" and words[1:2] == ["-u"] else words[1:]
    if words[:2] and words[0] == "sudo":
        words = words[1:]
    if not words:
        return None
    name, *arguments = words
    name = name.removeprefix(".venv/bin/").rpartition("/")[2] or name
    match name:
        case "make":
            unknown = {word for word in arguments if "=" not in word} - TARGETS
            return f"no target {unknown}" if unknown else None
        case "pip" | "python" | "python3" if "install" in arguments:
            return _wrong_extra(arguments)
        case "python" | "python3" | "pytest":
            missing = [word for word in arguments if word.startswith(("tests/", "tools/", "bench/"))]
            missing = [word for word in missing if not (ROOT / word.partition("::")[0]).exists()]
            return f"no {missing}" if missing else None
        case "ostiary":
            return _wrong_options(arguments)
    return None if name in WELL_KNOWN else f"what is {name}?"


def _wrong_extra(arguments: list[str]) -> str | None:
    for word in arguments:
        if found := re.fullmatch(r"ostiary\[([\w,]+)\]", word):
            unknown = set(found[1].split(",")) - EXTRAS
            if unknown:
                return f"no extra {unknown}"
    return None


def _wrong_options(arguments: list[str]) -> str | None:
    words = [word for word in arguments if not re.match(r"\d?[<>]", word)]
    command: Any = typer.main.get_command(app)
    context = command.make_context("ostiary", [], resilient_parsing=True)
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        name, *words = words
        if name not in command.commands:
            return f"no command {name}"
        command = command.commands[name]
    if "--help" in words or "--version" in words:
        return None
    try:
        command.make_context("ostiary", words, parent=context)
    except TyperException as error:
        return str(error)
    return None


@pytest.mark.parametrize("page", [page for page in PAGES if page.blocks_in("sh")], ids=str)
def test_commands_exist(page):
    for block in page.blocks_in("sh"):
        if RUN_HERE in block.text:
            continue
        for words in commands(block.text):
            wrong = problem(words)
            assert not wrong, f"{block}: {' '.join(words)}: {wrong}"


@pytest.mark.parametrize(
    "bad",
    [
        "make dmeo",
        "pip install 'ostiary[sever]'",
        "ostiary srve",
        "ostiary serve --prot 80",
        "ostiary serve --port many",
        "pytest tests/nowhere",
        "frobnicate --now",
    ],
)
def test_a_command_that_does_not_exist_is_found(bad):
    [words] = commands(bad)
    assert problem(words)


@pytest.mark.parametrize(
    "good",
    [
        "make test ARGS='tests/rules -k budget'",
        "OSTIARY_PORT=1 ostiary serve --dev \\\n  --port 0  # a free one",
        "pip install 'ostiary[server,postgres]'",
        "cat > file <<'END'\nfrobnicate\nEND",
    ],
)
def test_good_commands_are_found_good(good):
    assert not [words for words in commands(good) if problem(words)]


# ── data ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("page", [page for page in PAGES if page.blocks], ids=str)
def test_languages_are_known_and_data_can_be_read(page):
    for block in page.blocks:
        try:
            match block.language:
                case "json":
                    json.loads(block.text)
                case "toml":
                    tomllib.loads(block.text)
                case "ini":
                    parser = configparser.ConfigParser(strict=False, interpolation=None)
                    parser.read_string(block.text)
                case "python" | "sh":
                    pass
                case other:
                    assert other in PROSE, f"{block}: what is {other}?"
        except ValueError as error:
            pytest.fail(f"{block}: {error}")
