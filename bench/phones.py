"""Where the driver reads codes, as the phone's owner would: after the answer, and outside of the server's process.

Ostiary's codes are derived from the seed in its database and the root keys' file, which costs the server nothing.
A peer's message sink writes each code into a named pipe.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol


class Phones(Protocol):
    """Everybody's phones."""

    async def code(self, number: str, *, channel: str = "", owner: str = "") -> str:
        """The code that was sent to this number."""


class Nobodys:
    """For journeys without codes."""

    async def code(self, number: str, *, channel: str = "", owner: str = "") -> str:
        raise NotImplementedError


class Pipe:
    """A named pipe with a line `number code` for every message."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_NONBLOCK)  # also for writing: it never ends
        self._rest = b""
        self._arrived: dict[str, str] = {}
        self._waiting: dict[str, asyncio.Future[str]] = {}
        asyncio.get_running_loop().add_reader(self._file, self._read)

    async def code(self, number: str, *, channel: str = "", owner: str = "") -> str:  # noqa: ARG002 - a peer's message has neither
        if number not in self._arrived:
            waiter = self._waiting[number] = asyncio.get_running_loop().create_future()
            return await asyncio.wait_for(waiter, 10)
        return self._arrived.pop(number)

    def _read(self) -> None:
        *lines, self._rest = (self._rest + os.read(self._file, 65_536)).split(b"\n")
        for line in lines:
            number, _, code = line.decode().partition(" ")
            waiter = self._waiting.pop(number, None)
            if waiter is not None:
                waiter.set_result(code)
            else:
                self._arrived[number] = code


class Derived:
    """Ostiary's codes, from its database and its keys. All that are asked for in one turn of the loop are one query."""

    def __init__(self, url: str, keys: str, pool_id: str) -> None:
        from ostiary.server import keyfile
        from ostiary.server.guards.passcodes import derive

        ring = keyfile.read(Path(keys)).ring("codes")
        self._digits: Callable[..., str | None] = lambda *facts: derive.digits(ring, *facts)
        self._pool_id = pool_id
        self._rows = _sqlite_rows(url) if url.startswith("sqlite:") else _postgresql_rows(url)
        self._asked: list[tuple[str, str, str, asyncio.Future[str]]] = []

    async def code(self, number: str, *, channel: str = "", owner: str = "") -> str:
        loop = asyncio.get_running_loop()
        if not self._asked:
            loop.call_soon(self._look)
        waiter = loop.create_future()
        self._asked.append((number, channel, owner, waiter))
        code: str = await waiter
        return code

    def _look(self) -> None:
        asked, self._asked = self._asked, []
        found = {
            tuple(row[:3]): row[3:] for row in self._rows(self._pool_id, [number for number, *_ in asked])
        }
        for number, channel, owner, waiter in asked:
            seed, key_id, length = found[number, channel, owner]
            digits = self._digits(bytes(seed), key_id, self._pool_id, channel, number, owner, length)
            assert digits is not None
            waiter.set_result(digits)


_COLUMNS = "SELECT target, channel, owner, seed, key_id, length FROM codes WHERE pool_id = "


def _sqlite_rows(url: str) -> Callable[[str, list[str]], list[Any]]:
    connection = sqlite3.connect(
        f"file:{url.removeprefix('sqlite:///')}?mode=ro", uri=True, isolation_level=None
    )

    def rows(pool_id: str, numbers: list[str]) -> list[Any]:
        holes = ", ".join("?" * len(numbers))
        return connection.execute(f"{_COLUMNS}? AND target IN ({holes})", (pool_id, *numbers)).fetchall()

    return rows


def _postgresql_rows(url: str) -> Callable[[str, list[str]], list[Any]]:
    import psycopg

    connection = psycopg.connect(
        url, autocommit=True, options="-c enable_seqscan=off -c enable_bitmapscan=off"
    )
    # Each number by itself: `target = ANY(…)` walks all codes of a table that nobody analyzed yet, and the server of
    # the database is measured.
    asked = "SELECT code.* FROM unnest(CAST(%s AS text[])) AS asked (number), LATERAL"
    by_number = f"{asked} ({_COLUMNS}%s AND target = asked.number OFFSET 0) AS code"

    def rows(pool_id: str, numbers: list[str]) -> list[Any]:
        return connection.execute(by_number, (numbers, pool_id), prepare=True).fetchall()

    return rows


def phones(facts: dict[str, Any]) -> Phones:
    """The phones that a plan names: `{"pipe": path}`, `{"url", "keys", "pool_id"}`, or none."""
    if "pipe" in facts:
        return Pipe(facts["pipe"])
    return Derived(**facts) if facts else Nobodys()
