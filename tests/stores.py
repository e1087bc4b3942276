"""A store alone, for its own tests: the table `meta` is all they need."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg

from ostiary.server.core.keyring import RootKeys
from ostiary.server.core.log import request_id
from ostiary.server.core.millis import Millis
from ostiary.server.core.ports import Clock, Ports
from ostiary.server.storage.db import Store
from ostiary.server.storage.sqlite_file import path_of
from ostiary.server.storage.tx import Sql, Tx, by_rows

PUT = Sql("INSERT INTO meta (name, value) VALUES (:name, :value)")
PUT_ONCE = Sql("INSERT INTO meta (name, value) VALUES (:name, :value) ON CONFLICT (name) DO NOTHING")
GET = Sql("SELECT value FROM meta WHERE name = :name")
GET_LOCKED = Sql(
    "SELECT value FROM meta WHERE name = :name",
    postgresql="SELECT value FROM meta WHERE name = :name FOR UPDATE",
)
MOVE = Sql("UPDATE meta SET value = :new WHERE name = :name AND value = :old")
RAISE = Sql("UPDATE meta SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE name = :name")
HELD = Sql(
    "SELECT value FROM meta WHERE name = :name",
    postgresql="SELECT value FROM meta WHERE name = :name FOR UPDATE",
    holds=("name",),
)
SET = Sql("UPDATE meta SET value = :value WHERE name = :name")
ADD = by_rows(
    4,
    "(:name#, CAST(:amount# AS BIGINT))",
    "INSERT INTO meta (name, value)",
    """
    ON CONFLICT (name) DO UPDATE
    SET value = CAST(CAST(meta.value AS BIGINT) + CAST(excluded.value AS BIGINT) AS TEXT)
    """,
)
SLEEP = Sql("SELECT pg_sleep(:seconds)::text")
NAMES = Sql("SELECT name FROM meta ORDER BY name")
MUCH = Sql(
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)"
    " INSERT INTO meta (name, value) SELECT 'much-' || i, hex(randomblob(500)) FROM n",
    postgresql="INSERT INTO meta (name, value)"
    " SELECT 'much-' || i, repeat('x', 1000) FROM generate_series(1, :count) AS n (i)",
)


class LeapingClock(Clock):
    """The real clock, which a test may push on: deadlines pass without anybody waiting."""

    leapt = 0

    def leap(self, milliseconds: int) -> None:
        self.leapt += milliseconds

    def undisturbed(self) -> Millis:
        return Millis(super().undisturbed() + self.leapt)


@contextmanager
def opened(url: str, **options: Any) -> Iterator[Store]:
    """A store on `url`, closed at the end."""
    ports = Ports(RootKeys({}), options.pop("clock", None) or Clock())
    store = Store.open(url, ports, **options)
    try:
        yield store
    finally:
        store.close_now()


def stored(url: str) -> dict[str, str]:
    """What `meta` holds, seen by somebody who is not the store."""
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(path_of(url))) as connection:
            return dict(connection.execute("SELECT name, value FROM meta").fetchall())
    with psycopg.connect(url) as connection:
        return dict(connection.execute("SELECT name, value FROM meta").fetchall())


def put(name: str, value: str = "") -> Any:
    """A step that adds a row."""

    def step(tx: Tx) -> str:
        tx.must(PUT, name=name, value=value)
        return name

    return step


def requests_seen(tx: Tx) -> list[str]:
    """A step that makes three trips: whose request it belonged to, before them and after each."""
    seen = [request_id.get()]
    for _ in range(3):
        tx.one(GET, name="row")
        seen.append(request_id.get())
    return seen


def count_once(counter: str, guess: str) -> Any:
    """A survivor as guards write them: it counts `guess` in `counter`, once however often it runs."""

    def fact(tx: Tx) -> None:
        if tx.run(PUT_ONCE, name=f"guess-{guess}", value=""):
            tx.run(PUT_ONCE, name=counter, value="0")
            tx.must(RAISE, name=counter)

    return fact


def add_one(name: str, *others: str):
    """Read a held row, look away, and write what was read plus one: only a lock keeps two of these apart."""

    def step(tx: Tx) -> int:
        values = []
        for one in (name, *others):
            row = tx.one(HELD, name=one)
            assert row is not None
            values.append((one, int(row[0])))
            tx.one(GET, name="another trip")
        for one, value in values:
            tx.must(SET, name=one, value=str(value + 1))
        return values[0][1] + 1

    return step


async def connect(store: Store) -> None:
    """Have it open its connections, so that what comes next begins in its order."""
    await asyncio.gather(*(store.read(lambda tx: tx.one(SLEEP, seconds=0)) for _ in range(40)))
