"""Every statement of the house is one that both databases understand."""

import importlib
import pkgutil
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

import ostiary.server.storage
from ostiary.server.storage import migrate
from ostiary.server.storage.libpq import Wire
from ostiary.server.storage.sqlite_file import path_of
from ostiary.server.storage.tx import Sql
from tests.explain import explain


def statements() -> Iterator[tuple[str, Sql]]:
    """Each `Sql` that a module of storage holds under a name of its own, alone or in a row."""
    for found in pkgutil.iter_modules(ostiary.server.storage.__path__):
        module = importlib.import_module(f"ostiary.server.storage.{found.name}")
        for name, value in vars(module).items():
            several = value if isinstance(value, tuple) else (value,)
            for place, one in enumerate(several):
                if isinstance(one, Sql):
                    yield f"{found.name}.{name}" + (f"[{place}]" if isinstance(value, tuple) else ""), one


ALL = dict(statements())
POSTGRESQL_ONLY = {
    "people._LOCK_USER",  # SQLite's one writer needs no row locks: not asked there
}


def test_there_are_statements():
    assert len(ALL) > 50


@pytest.mark.parametrize("name", [name for name, sql in ALL.items() if " FOR " in sql.postgresql])
def test_what_locks_rows_names_them(name):
    """Steps that share a transaction keep out of each other's way by these names only (`postgres_batch`)."""
    locks = re.search(r"\bFOR (NO KEY UPDATE|UPDATE|KEY SHARE|SHARE)\b(?! SKIP LOCKED)", ALL[name].postgresql)
    assert bool(ALL[name].holds) == bool(locks)


@pytest.fixture(scope="module")
def sqlite_tables(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('statements')}/ostiary.db"
    migrate.migrate(url)
    with closing(sqlite3.connect(path_of(url))) as connection:
        yield connection


@pytest.fixture(scope="module")
def postgres_tables(postgres_server_shared):
    url = postgres_server_shared.fresh_database()
    migrate.migrate(url)
    with closing(Wire(url)) as wire:
        yield wire
    postgres_server_shared.drop_database(url)


@pytest.mark.parametrize("name", [name for name in ALL if name not in POSTGRESQL_ONLY])
def test_sqlite_understands(sqlite_tables, name):
    sql = ALL[name]
    names = Sql(sql.text).names  # of its own spelling, which may have others (`Tx.each`)
    sqlite_tables.execute(f"EXPLAIN {sql.text}", dict.fromkeys(names)).fetchall()


@pytest.mark.parametrize("name", ALL)
def test_postgresql_understands(postgres_tables, name):
    sql = ALL[name]
    postgres_tables.trip((f"EXPLAIN {sql.postgresql}", [None] * len(sql.names)))


def test_explain_says_the_same_of_both_databases(database):
    migrate.migrate(database)
    by_key = Sql("SELECT u.name FROM meta AS u WHERE u.name = :name")
    assert explain(database, by_key, name="x").indexes == {"meta_pkey"}
    by_index = Sql("SELECT id FROM sessions WHERE user_id = :user_id AND opened_at > :at")
    assert explain(database, by_index, user_id="u", at=0).indexes == {"sessions_of_user"}
    whole = explain(database, Sql("SELECT name FROM meta WHERE value = :value"), value="x")
    assert not whole.indexes
    assert whole.whole == {"meta"}
    raised = Sql("UPDATE meta SET value = '1' WHERE name = :name")
    assert explain(database, raised, name="x").indexes == {"meta_pkey"}
