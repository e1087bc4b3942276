"""Databases to measure on: a template is filled once, every round works on a fresh copy of it."""

import contextlib
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import postgres_server
from tests.postgres_server import PostgresServer, PostgresUnavailableError


class Databases:
    """One kind of database, in a folder of this run."""

    dialect = ""

    def fresh(self) -> str:
        """The URL of a new, empty database."""
        raise NotImplementedError

    def copy(self, url: str) -> str:
        """The URL of a copy; nobody uses the original just now."""
        raise NotImplementedError

    def drop(self, url: str) -> None:
        """Remove one."""
        raise NotImplementedError

    def row(self, url: str, sql: str) -> tuple[Any, ...]:
        """The one row of a query, seen by somebody who is no server."""
        raise NotImplementedError

    def script(self, url: str, *statements: str) -> None:
        """Run statements and commit."""
        raise NotImplementedError

    def settle(self) -> None:
        """Have done with what was written so far, so that it is not paid for later."""

    pid: int | None = None
    """The database server's process; None: it lives in the product's own."""


class SqliteFiles(Databases):
    dialect = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fresh(self) -> str:
        return f"sqlite:///{self._folder}/{secrets.token_hex(6)}.db"

    def copy(self, url: str) -> str:
        self.script(url, "PRAGMA wal_checkpoint(TRUNCATE)")
        copy = self.fresh()
        shutil.copyfile(_path(url), _path(copy))
        _flush(_path(copy))
        return copy

    def drop(self, url: str) -> None:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{_path(url)}{suffix}").unlink(missing_ok=True)

    def row(self, url: str, sql: str) -> tuple[Any, ...]:
        with contextlib.closing(sqlite3.connect(_path(url))) as connection:
            row: tuple[Any, ...] = connection.execute(sql).fetchone()
            return row

    def script(self, url: str, *statements: str) -> None:
        with contextlib.closing(sqlite3.connect(_path(url))) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            for statement in statements:
                connection.execute(statement).fetchall()
            connection.commit()


class PostgresDatabases(Databases):
    dialect = "postgresql"

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self.log = server.log
        self.pid = int((server.data / "postmaster.pid").read_text().split()[0])

    def fresh(self) -> str:
        return self._server.fresh_database()

    def copy(self, url: str) -> str:
        copy = self._server.fresh_database(template=url.rpartition("/")[2])
        self.settle()
        return copy

    def drop(self, url: str) -> None:
        self._server.drop_database(url)

    def row(self, url: str, sql: str) -> tuple[Any, ...]:
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            row = connection.execute(sql.encode()).fetchone()
            assert row is not None
            return row

    def script(self, url: str, *statements: str) -> None:
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def settle(self) -> None:
        self.script(self._server.url, "CHECKPOINT")


@contextmanager
def databases(folder: Path) -> Iterator[tuple[list[Databases], str | None]]:
    """Both kinds, and why one of them is missing."""
    kinds: list[Databases] = [SqliteFiles(folder)]
    run_folder = postgres_server.new_run_folder()
    missing = None
    try:
        try:
            kinds.append(PostgresDatabases(postgres_server.shared_server(run_folder)))
        except PostgresUnavailableError as error:
            missing = str(error)
        yield kinds, missing
    finally:
        postgres_server.clean_up(run_folder)


def _path(url: str) -> str:
    return url.removeprefix("sqlite:///")


def _flush(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
