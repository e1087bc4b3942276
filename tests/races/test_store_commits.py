"""Where SQLite's COMMIT waits for the disk: in the event loop while the disk is quick, in the writer's thread while not."""

import asyncio
import sqlite3
import threading
import time
from functools import partial
from typing import Any, ClassVar

import pytest

from ostiary.server.storage.sqlite_writer import BATCH, GATHERING, QUICK_COMMIT
from ostiary.server.storage.tx import Lane, Tx, UnavailableError
from tests.stores import PUT, opened, put, stored

pytestmark = pytest.mark.anyio

SETTLED = 40
"""Commits after which an average has moved."""


class Disk(sqlite3.Connection):
    """A database file on a disk as quick, and as whole, as the test says."""

    delay = 0.0
    breaks = False
    seen: ClassVar[list[int]] = []
    """The thread of every COMMIT."""

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(factory or Head)


class Head(sqlite3.Cursor):
    """Where every statement of such a connection passes, its own `execute` included."""

    def execute(self, sql: str, *arguments: Any) -> Any:
        if sql.startswith("PRAGMA synchronous"):
            sql = "PRAGMA synchronous = OFF"  # this machine's own disk has no part in the story
        if sql == "COMMIT":
            Disk.seen.append(threading.get_ident())
            time.sleep(Disk.delay)
            if Disk.breaks:
                raise sqlite3.OperationalError("disk I/O error")
        return super().execute(sql, *arguments)


@pytest.fixture
def url(tmp_path, monkeypatch):
    monkeypatch.setattr(Disk, "seen", [])
    monkeypatch.setattr(Disk, "delay", 0.0)
    monkeypatch.setattr(Disk, "breaks", False)
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Disk))
    return f"sqlite:///{tmp_path}/store.db"


async def several(store, name: str, count: int = SETTLED) -> set[int]:
    """The threads that committed, one step after the other."""
    Disk.seen.clear()
    for number in range(count):
        await store.write(put(f"{name}-{number}"))
    return set(Disk.seen)


async def comes_here(store, name: str) -> bool:
    """Whether commits come to the loop's thread, at last: a busy machine is a slow disk for a while."""
    for turn in range(20):
        if threading.get_ident() in await several(store, f"{name}-{turn}"):
            return True
    return False


async def test_the_commit_moves_with_the_disk(url):
    here = {threading.get_ident()}
    with opened(url) as store:
        assert await comes_here(store, "quick")
        Disk.delay = 10 * QUICK_COMMIT
        await several(store, "slower", 3)
        assert here.isdisjoint(await several(store, "slow", 5))
        Disk.delay = 0.0
        assert await comes_here(store, "quick again")


async def test_a_batch_that_kept_the_loop_for_long_may_keep_it_for_its_commit(url):
    """A quarter of the time again, at most. On a busy machine anything may take longer for once: of five, one is enough."""
    here = {threading.get_ident()}

    def thinks(name: str):
        def step(tx: Tx) -> None:
            time.sleep(QUICK_COMMIT)
            tx.must(PUT, name=name, value="")

        return step

    async def together(name: str, count: int) -> set[int]:
        Disk.seen.clear()
        await asyncio.gather(*(store.write(thinks(f"{name}-{number}")) for number in range(count)))
        return set(Disk.seen)

    with opened(url) as store:
        await store.write(put("first"))
        Disk.delay = 3 * QUICK_COMMIT
        await several(store, "slow", SETTLED)
        assert any([here.isdisjoint(await together(f"few-{turn}", 2)) for turn in range(5)])
        assert here in [await together(f"many-{turn}", BATCH) for turn in range(5)]


@pytest.mark.parametrize("known", [True, False])
async def test_long_steps_do_not_send_a_long_commit_through_the_loop(url, known):
    """However long they were, and least of all where nobody knows the disk yet."""
    Disk.delay = 0.2

    def thinks(tx: Tx) -> None:
        time.sleep(5 * Disk.delay)
        tx.must(PUT, name="thought", value="")

    with opened(url) as store:
        if known:
            await several(store, "slow", 2)
        Disk.seen.clear()
        await store.write(thinks)
        assert threading.get_ident() not in Disk.seen


async def test_who_comes_in_the_same_turns_of_the_loop_shares_a_commit(url):
    """A request that was read in this turn asks in the next one. Nobody is waited for longer than that."""

    async def comes(turn: int, name: str) -> None:
        for _ in range(turn):
            await asyncio.sleep(0)
        await store.write(put(f"{name}-{turn}"))

    with opened(url) as store:
        await store.write(put("first"))
        before = store.counts.batches
        await asyncio.gather(*(comes(turn, "one") for turn in range(1 + GATHERING)))
        assert store.counts.batches == before + 1
        await asyncio.gather(*(comes(turn, "another") for turn in range(20)))
        assert store.counts.biggest_batch < 20, "it is not put off while others come"


async def test_a_slow_disk_stops_nobody_in_the_loop(url):
    Disk.delay = 0.2
    with opened(url) as store:
        await store.write(put("first"))
        waiting = asyncio.ensure_future(store.write(put("second")))
        ticks = 0
        while not waiting.done():
            await asyncio.sleep(0.01)
            ticks += 1
        assert ticks > 5


async def test_a_commit_that_fails_in_the_loop_is_tried_again_step_by_step(url):
    with opened(url) as store:
        await several(store, "at first")
        Disk.breaks = True
        asked = [store.write(put(f"lost-{number}")) for number in range(5)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(answer, UnavailableError) for answer in answers)
        Disk.breaks = False
        await store.write(put("found"))
    assert "found" in stored(url)
    assert not any(name.startswith("lost") for name in stored(url))


async def test_people_and_jobs_take_turns(url):
    """Neither a loop that never rests nor a job in many pieces keeps the other waiting."""
    order: list[str] = []

    def noted(name: str, kind: str):
        def step(tx: Tx) -> None:
            order.append(kind)
            tx.run(PUT, name=name, value="")

        return step

    with opened(url) as store:
        await several(store, "at first")
        order.clear()
        live = [store.write(noted(f"live-{number}", "live")) for number in range(300)]
        bulk = [store.write(noted(f"bulk-{number}", "bulk"), Lane.BULK) for number in range(4)]
        await asyncio.gather(*live, *bulk)
    last_bulk = len(order) - order[::-1].index("bulk")
    assert order.count("bulk") == 4
    assert last_bulk < len(order), "every job waited for all people"
