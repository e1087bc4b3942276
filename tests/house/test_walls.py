"""Who may know what. The floors themselves are import-linter's (pyproject.toml)."""

import ast
import re
import subprocess
import sys

import pytest

from tests.house.walk import Finding, Module, check_tree, imports, snippet, strings

STORAGE = "ostiary.server.storage"
DRIVERS = {"sqlite3", "psycopg", "psycopg_pool", "aiosqlite", "apsw", "asyncpg"}
MIGRATORS = {"alembic", "sqlalchemy"}

# ── SQL stands in storage ───────────────────────────────────────────────────────────────────

_SQL = re.compile(
    r"^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|PRAGMA|SAVEPOINT)\s"
    r"|(?i:^\s*select\s.+\sfrom\s|\binsert\s+into\s+\w|\bupdate\s+\w+\s+set\s|\bdelete\s+from\s+\w)"
    r"|(?i:\b(create|alter|drop)\s+(unique\s+)?(table|index)\s+\w)",
    re.DOTALL,
)


def sql_outside_storage(module: Module):
    if module.inside(STORAGE):
        return
    for line, text in strings(module):
        if _SQL.search(text):
            yield Finding(line, f"SQL outside storage: {text.strip()[:60]!r}")


def test_sql_stands_in_storage():
    check_tree(sql_outside_storage)


@pytest.mark.parametrize(
    "bad",
    [
        'tx.run("SELECT 1")',
        'tx.run("update users set phone = ? where id = ?")',
        'tx.run(f"""\n  INSERT INTO {table} VALUES (?)""")',
        'DELETE = "DELETE FROM codes WHERE id = ?"',
    ],
)
def test_sql_is_found(bad):
    assert list(sql_outside_storage(snippet(bad)))


@pytest.mark.parametrize(
    "good", ['"""Select a number from the list."""', 'text = "Update your number"', 'verb = "DELETE"']
)
def test_prose_is_not_sql(good):
    assert not list(sql_outside_storage(snippet(good)))


# ── only storage knows a driver ─────────────────────────────────────────────────────────────


def drivers_outside_storage(module: Module):
    if module.inside(STORAGE):
        return
    for node, name in imports(module):
        if name.partition(".")[0] in DRIVERS | MIGRATORS:
            yield Finding(node.lineno, f"only storage may import {name}")


def test_only_storage_knows_a_driver():
    check_tree(drivers_outside_storage)


@pytest.mark.parametrize(
    "bad", ["import sqlite3", "from psycopg import errors", "def f():\n  import alembic"]
)
def test_a_driver_is_found(bad):
    assert list(drivers_outside_storage(snippet(bad)))


# ── rules can do nothing ────────────────────────────────────────────────────────────────────

PURE = {
    "__future__",
    "collections",
    "dataclasses",
    "enum",
    "functools",
    "itertools",
    "math",
    "operator",
    "re",
    "string",
    "types",
    "typing",
}
PURE_LIBRARIES = {"msgspec", "phonenumbers"}
PURE_ROOMS = ("ostiary.contract", "ostiary.server.core")
IMPURE_IN_CORE = ("ostiary.server.core.ports",)


def is_rules(name: str) -> bool:
    last = name.rpartition(".")[2]
    return last == "rules" or last.endswith("_rules")


def impure_rules(module: Module):
    if not is_rules(module.name):
        return
    for node, name in imports(module):
        of_ours = name == "ostiary" or name.startswith("ostiary.")
        pure = name.partition(".")[0] in PURE | PURE_LIBRARIES
        if of_ours:
            pure = name.startswith(PURE_ROOMS) and not name.startswith(IMPURE_IN_CORE)
            pure = pure or is_rules(name) or is_rules(name.rpartition(".")[0])
        if not pure:
            yield Finding(node.lineno, f"rules only decide: no import of {name}")
    for part in ast.walk(module.tree):
        if isinstance(part, ast.AsyncFunctionDef | ast.Await):
            yield Finding(part.lineno, "rules only decide: nothing to wait for")
        if isinstance(part, ast.Call) and ast.unparse(part.func) in {"open", "print", "input"}:
            yield Finding(part.lineno, f"rules only decide: no {ast.unparse(part.func)}()")


def test_rules_can_do_nothing():
    check_tree(impure_rules)


@pytest.mark.parametrize(
    "bad",
    [
        "import time",
        "from ostiary.server.core import ports",
        "from ostiary.server.storage import codes",
        "from ..limits import spend",
        "async def judge(): ...",
        "def judge(): print(1)",
    ],
)
def test_impure_rules_are_found(bad):
    assert list(impure_rules(snippet(bad, "ostiary.server.features.bad.rules")))
    assert list(impure_rules(snippet(bad, "ostiary.server.guards.limit_rules")))


# ── the SDK stands alone ────────────────────────────────────────────────────────────────────

SDK = ("ostiary.contract", "ostiary.client", "ostiary.compat")
SDK_LIBRARIES = {
    "msgspec",
    "httpx2",
    "anyio",  # httpx2 stands on it
    "httpcore2",  # likewise: how long a connection reads is said there
    "joserfc",  # the extra "offline"
}


def strangers_in_the_sdk(module: Module):
    if not (module.inside(*SDK) or module.name == "ostiary"):
        return
    for node, name in imports(module):
        top = name.partition(".")[0]
        allowed = top in sys.stdlib_module_names or top in SDK_LIBRARIES
        if top == "ostiary":
            allowed = name == "ostiary" or name.startswith(SDK) or "." not in name.removeprefix("ostiary.")
            allowed = allowed and not name.startswith(("ostiary.server", "ostiary.cli"))
            allowed = allowed or name.startswith("ostiary.client")  # "ostiary.cli" begins it
        if not allowed:
            yield Finding(node.lineno, f"the SDK may not import {name}")


def test_the_sdk_stands_alone():
    check_tree(strangers_in_the_sdk)


@pytest.mark.parametrize(
    "bad", ["import uvicorn", "from ostiary.server.core import phone", "import ostiary.cli"]
)
def test_a_stranger_in_the_sdk_is_found(bad):
    assert list(strangers_in_the_sdk(snippet(bad, "ostiary.client._core")))


def test_importing_the_sdk_loads_nothing_of_the_service():
    loaded = modules_loaded_by("import ostiary, ostiary.client, ostiary.contract")
    strangers = {"uvicorn", "typer", "phonenumbers", "argon2"} & loaded
    assert not strangers
    assert not {name for name in loaded if name.startswith(("ostiary.server", "ostiary.cli."))}


# ── the dev inbox is never there by accident ────────────────────────────────────────────────

SERVER = "ostiary.server"


def is_dev_only(name: str) -> bool:
    parts = name.removeprefix(f"{SERVER}.").split(".")
    return name.startswith(f"{SERVER}.") and any(part == "dev" or "inbox" in part for part in parts)


def careless_inbox_imports(module: Module):
    """Dev-only modules are imported by each other, and by app.py inside a function: nowhere else."""
    if is_dev_only(module.name):
        return
    at_the_top = {id(node) for node in module.tree.body}
    for node, name in imports(module):
        if not is_dev_only(name):
            continue
        if module.name != f"{SERVER}.app":
            yield Finding(node.lineno, f"only app.py may import {name}")
        elif id(node) in at_the_top:
            yield Finding(node.lineno, f"{name} may be imported only in dev mode: inside a function")


def test_the_inbox_is_imported_only_in_dev_mode():
    check_tree(careless_inbox_imports)


def test_a_careless_inbox_import_is_found():
    bad = "from ostiary.server.delivery.providers import dev_inbox"
    assert list(careless_inbox_imports(snippet(bad)))
    assert list(careless_inbox_imports(snippet(bad, "ostiary.server.app")))
    lazy = f"def develop():\n    {bad}"
    assert not list(careless_inbox_imports(snippet(lazy, "ostiary.server.app")))


def test_importing_the_service_does_not_load_the_inbox():
    pytest.importorskip("ostiary.server.app", reason="the composition root is not built yet")
    assert not {name for name in modules_loaded_by("import ostiary.server.app") if is_dev_only(name)}


def modules_loaded_by(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())
