"""The tree as the house tests see it: files, their syntax, and the names in them made whole.

A checker is a function from a ``Module`` to the findings in it. Each is run over the tree, and
over a bad snippet: a checker that can't find anything would otherwise look like a tidy house.
"""

import ast
import subprocess
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src"
GENERATED_HEADER = "# Generated"


@dataclass(frozen=True)
class Module:
    name: str  # ostiary.server.core.ports
    text: str
    tree: ast.Module
    path: Path

    def inside(self, *rooms: str) -> bool:
        return any(self.name == room or self.name.startswith(f"{room}.") for room in rooms)

    @property
    def generated(self) -> bool:
        return self.text.startswith(GENERATED_HEADER)


@dataclass(frozen=True)
class Finding:
    line: int
    what: str


Checker = Callable[[Module], Iterable[Finding]]


@cache
def modules() -> tuple[Module, ...]:
    """Every module under src."""
    return tuple(_load(path) for path in sorted(SOURCES.rglob("*.py")))


def snippet(text: str, name: str = "ostiary.server.features.bad.actions") -> Module:
    """A module that exists only here, for a checker's own test."""
    text = textwrap.dedent(text)
    return Module(name, text, ast.parse(text), Path(name.replace(".", "/") + ".py"))


def check_tree(checker: Checker) -> None:
    """Run a checker over every module; fail with every finding, as file:line."""
    findings = [
        f"{module.path.relative_to(ROOT)}:{finding.line}: {finding.what}"
        for module in modules()
        for finding in checker(module)
    ]
    assert not findings, "\n" + "\n".join(findings)


def imports(module: Module) -> Iterator[tuple[ast.stmt, str]]:
    """Every import with the full name of what it brings in: ``from a import b`` gives a.b."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node, f"{_base(module, node)}.{alias.name}"


def full_names(module: Module) -> Iterator[tuple[ast.expr, str]]:
    """Every dotted name used, with import aliases undone: ``dt.now`` gives datetime.datetime.now."""
    brought: dict[str, str] = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                local = alias.asname or alias.name.partition(".")[0]
                brought[local] = alias.name if alias.asname else local
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                brought[alias.asname or alias.name] = f"{_base(module, node)}.{alias.name}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute | ast.Name):
            first, _, rest = ast.unparse(node).partition(".")
            if first in brought:
                yield node, f"{brought[first]}.{rest}" if rest else brought[first]


def strings(module: Module) -> Iterator[tuple[int, str]]:
    """The line and text of every string literal, the parts of f-strings included, docstrings not."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def tracked_files() -> list[Path]:
    """Every file that git knows of and that is still there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def _load(path: Path) -> Module:
    text = path.read_text()
    parts = path.relative_to(SOURCES).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, text, ast.parse(text, str(path)), path)


def _base(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    # A package's own name counts as one level less than a module's in it.
    up = node.level - (module.path.name == "__init__.py")
    return ".".join([*parts[: len(parts) - up], *([node.module] if node.module else [])])
