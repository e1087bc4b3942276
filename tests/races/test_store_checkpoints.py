"""The WAL of a SQLite store: carried over beside the writer, bounded under steady writing, never in a step's way."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ostiary.server.storage import sqlite_checkpoint, sqlite_writer
from ostiary.server.storage.sqlite_file import connect, path_of
from ostiary.server.storage.tx import Sql
from tests.stores import opened, put, stored

pytestmark = pytest.mark.anyio

PAGE = 4_096
BETWEEN = 50
"""Rows between two checkpoints here. A lone row takes a page or two."""


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(sqlite_checkpoint, "ROWS_BETWEEN", BETWEEN)


def pages(url: str) -> int:
    """How long the WAL ever was. The file keeps its length when its content begins anew."""
    path = path_of(url)
    return path.with_name(f"{path.name}-wal").stat().st_size // PAGE


async def write_steadily(store, name: str, count: int) -> None:
    """Rows from three writers who leave each other no pause: hardly any commit is shared."""
    numbers = iter(range(count))

    async def writer() -> None:
        for number in numbers:
            await store.write(put(f"{name}-{number:04}", "x" * 500))

    await asyncio.gather(*(writer() for _ in range(3)))


async def test_the_wal_is_bounded_under_steady_writing(sqlite_url):
    with opened(sqlite_url) as store:
        await write_steadily(store, "row", 4_500)
        assert pages(sqlite_url) < 1_500, (
            "6 700 without checkpoints, a hundred with them; a busy machine's come late"
        )
        assert len(stored(sqlite_url)) == 4_500
        assert await store.read(lambda tx: tx.one(Sql("PRAGMA integrity_check"))) == ("ok",)


async def test_commit_carries_nothing_over(sqlite_url):
    with opened(sqlite_url) as store:
        assert await store.write(lambda tx: tx.one(Sql("PRAGMA wal_autocheckpoint"))) == (0,)


async def test_another_process_that_comes_and_goes_leaves_the_wal(sqlite_url):
    """It deletes the WAL of a database that nobody else has open; who has, is told by a lock on the file itself."""
    path = path_of(sqlite_url)
    with opened(sqlite_url) as store:
        # A checkpoint opens the file once more, and closes it.
        await write_steadily(store, "row", 2 * BETWEEN)
        await asyncio.to_thread(_write_elsewhere, path)
        assert path.with_name(f"{path.name}-wal").exists()
        assert await store.write(
            lambda tx: tx.one(Sql("SELECT value FROM meta WHERE name = 'elsewhere'"))
        ) == ("here",)
        await store.write(put("later", "x"))
    assert {"elsewhere", "later"} <= set(stored(sqlite_url))


def _write_elsewhere(path: Path) -> None:
    """As a command does beside a running server."""
    code = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1])\n"
        "connection.execute(\"INSERT INTO meta (name, value) VALUES ('elsewhere', 'here')\")\n"
        "connection.commit()\n"
        "connection.close()\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


async def test_readers_that_come_and_go_stop_no_checkpoint(sqlite_url):
    async def read_on(store) -> None:
        while True:
            await store.read(lambda tx: tx.all(Sql("SELECT name FROM meta")))

    with opened(sqlite_url) as store:
        readers = [asyncio.ensure_future(read_on(store)) for _ in range(4)]
        await write_steadily(store, "row", 1_500)
        assert pages(sqlite_url) < 500
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)


async def test_an_old_state_is_kept_for_whoever_reads_it(sqlite_url):
    with opened(sqlite_url) as store, closing(connect(path_of(sqlite_url), read_only=True)) as backup:
        await write_steadily(store, "before", 10)
        backup.execute("BEGIN")
        [before] = backup.execute("SELECT count(*) FROM meta").fetchall()
        await write_steadily(store, "meanwhile", 600)
        assert backup.execute("SELECT count(*) FROM meta").fetchall() == [before]
        grown = pages(sqlite_url)
        assert grown > 500
        backup.execute("ROLLBACK")
        await write_steadily(store, "after", 1_000)
        assert pages(sqlite_url) < grown + 500


async def test_a_checkpoint_that_fails_fails_no_step(sqlite_url, monkeypatch, capsys):
    class Full(sqlite3.Connection):
        def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
            if "wal_checkpoint" in sql:
                raise sqlite3.OperationalError("database or disk is full")
            return super().execute(sql, *arguments)

    with opened(sqlite_url) as store:
        with monkeypatch.context() as patched:
            patched.setattr(sqlite_checkpoint, "connect", lambda path: sqlite3.connect(path, factory=Full))
            await write_steadily(store, "full", 300)
        lines = [line for line in capsys.readouterr().err.splitlines() if "store.checkpoint_failed" in line]
        assert lines
        assert "OperationalError" in lines[0]
        grown = pages(sqlite_url)
        assert grown > 300
        await write_steadily(store, "room", 1_000)
        assert pages(sqlite_url) < grown + 500
        assert len(stored(sqlite_url)) == 1_300


def test_the_count_of_changed_rows_begins_anew_below_zero(tmp_path):
    """SQLite's own has 32 bits; a checkpointer that waited for more would let the WAL grow from then on."""
    carried: list[object] = []
    checkpointer = sqlite_checkpoint.Checkpointer(tmp_path / "store.db", carried.append)
    for rows in (2**31 - BETWEEN, 2**31 - 1, -(2**31) + 1, -(2**31) + BETWEEN, -(2**31) + BETWEEN + 1):
        checkpointer.wrote(rows)
        checkpointer.close()
    assert len(carried) == 3


async def test_what_is_under_way_ends_with_the_store(sqlite_url):
    for turn in range(10):
        with opened(sqlite_url) as store:
            await write_steadily(store, f"turn-{turn}", BETWEEN + turn)
        path = path_of(sqlite_url)
        assert [file.name for file in path.parent.iterdir()] == [path.name]  # all in one file
    assert len(stored(sqlite_url)) == sum(BETWEEN + turn for turn in range(10))


async def test_the_writer_s_connection_is_the_last_to_close(sqlite_url, monkeypatch):
    """The last one carries everything over and takes the WAL away; of two that close at once, neither would."""
    closed: list[str] = []

    def closing_slowly(name: str) -> Any:
        class Slow(sqlite3.Connection):
            def close(self) -> None:
                time.sleep(0.05)
                super().close()
                closed.append(name)

        return lambda path: sqlite3.connect(path, factory=Slow, isolation_level=None, check_same_thread=False)

    monkeypatch.setattr(sqlite_checkpoint, "connect", closing_slowly("checkpoint"))
    monkeypatch.setattr(sqlite_writer, "connect", closing_slowly("writer"))
    with opened(sqlite_url) as store:
        await write_steadily(store, "row", BETWEEN)
    assert closed == ["checkpoint", "writer"]
