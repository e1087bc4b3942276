"""Bringing a database to its revision: twice at once, interrupted, too new, and for free when there is nothing to do."""

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from ostiary.server.storage import migrate
from ostiary.server.storage.migrate import HEAD, KNOWN, MigrationError
from ostiary.server.storage.sqlite_file import path_of
from tests.stores import opened, put, stored

TABLES = sorted(re.findall(r"CREATE TABLE (\w+)", (migrate.HERE / "schema.sql").read_text()))


def run(url: str, *statements: str) -> None:
    connect = (
        (lambda: sqlite3.connect(path_of(url)))
        if url.startswith("sqlite")
        else (lambda: psycopg.connect(url))
    )
    with closing(connect()) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def tables(url: str) -> list[str]:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(path_of(url))) as connection:
            rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    else:
        with psycopg.connect(url) as connection:
            rows = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            ).fetchall()
    return sorted(row[0] for row in rows)


def test_an_empty_database_gets_every_table(database):
    assert migrate.stored(database) is None
    assert migrate.migrate(database) == (None, HEAD)
    assert tables(database) == sorted([*TABLES, "alembic_version"])
    assert migrate.migrate(database) == (HEAD, HEAD)


def test_the_known_revisions_are_the_ones_there_are():
    files = sorted(Path(migrate.HERE, "migrations/versions").glob("0*.py"))
    assert tuple(file.name.partition("_")[0] for file in files) == KNOWN
    assert KNOWN[-1] == HEAD


START = "import sys; from ostiary.server.storage.migrate import migrate; print(*migrate(sys.argv[1]))"


def test_several_may_start_at_once(database):
    command = [sys.executable, "-c", START, database]
    starters = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]
    for starter in starters:
        output, errors = starter.communicate(timeout=60)
        assert starter.returncode == 0, errors
        assert output.split()[1] == HEAD
    assert tables(database) == sorted([*TABLES, "alembic_version"])


def test_a_migration_that_fails_leaves_nothing(database):
    run(database, f"CREATE VIEW {TABLES[-1]} AS SELECT 1")  # in the way
    before = tables(database)
    with pytest.raises(Exception, match="already exists"):
        migrate.migrate(database)
    assert tables(database) == before
    run(database, f"DROP VIEW {TABLES[-1]}")
    assert migrate.migrate(database) == (None, HEAD)


def test_a_newer_database_is_refused_and_left_alone(database):
    migrate.migrate(database)
    run(database, "UPDATE alembic_version SET version_num = '9999'", "DROP TABLE audit")
    before = tables(database)
    with pytest.raises(MigrationError, match=r"9999.*newer"), opened(database):
        pass
    assert tables(database) == before


def test_without_leave_to_migrate_the_revision_must_fit(database):
    with pytest.raises(MigrationError, match="missing or empty"), opened(database, migrate=False):
        pass
    migrate.migrate(database)
    with opened(database, migrate=False) as store:
        store.write_now(put("row"))
    assert stored(database) == {"row": ""}


WARM = """
import sys
from tests.stores import opened, put
with opened(sys.argv[1]) as store:
    store.write_now(put(sys.argv[2]))
print(sorted({"alembic", "sqlalchemy", "psycopg"} & set(sys.modules)))
"""


def test_a_warm_start_imports_no_alembic(sqlite_url):
    def start(name: str) -> str:
        command = [sys.executable, "-c", WARM, sqlite_url, name]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()

    migrate.migrate(sqlite_url)
    assert "alembic" not in start("warm")
