"""The SQLite engine when the machine fails it: disk full, interrupt, a lock held elsewhere."""

import asyncio
import resource
import signal
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from ostiary.server.storage import sqlite_file
from ostiary.server.storage.sqlite_file import path_of
from ostiary.server.storage.sqlite_writer import Writer
from ostiary.server.storage.tx import Sql, Tx, UnavailableError
from tests.stores import GET, MUCH, NAMES, LeapingClock, count_once, opened, put, stored

pytestmark = pytest.mark.anyio

ENDLESS = Sql(
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    " INSERT INTO meta (name, value) SELECT 'endless-' || i, '' FROM n WHERE i < 0"
)
ENDLESS_LOOK = Sql(
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0"
)


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """No file of this process grows beyond `room` bytes: the kernel refuses the write, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


class Gate:
    """A step that holds the writer until enough others wait behind it: they become one batch."""

    def __init__(self) -> None:
        self._entered, self._open = threading.Event(), threading.Event()

    def __call__(self, tx: Tx) -> None:
        self._entered.set()
        assert self._open.wait(10)

    async def batch(self, store, *steps):
        """The answers of `steps`, run in one batch."""
        held = asyncio.ensure_future(asyncio.to_thread(store.write_now, self))
        await asyncio.to_thread(self._entered.wait, 10)
        asked = [asyncio.ensure_future(store.write(step)) for step in steps]
        await asyncio.sleep(0)
        self._open.set()
        await held
        return await asyncio.gather(*asked, return_exceptions=True)


def guess(name: str):
    """A step that compared a wrong code and then fails."""

    def step(tx: Tx) -> None:
        tx.survive(count_once("wrong", name))
        tx.must(MUCH, expect=None, count=1)
        raise LookupError(name)

    return step


async def test_when_a_commit_fails_every_step_is_run_again_alone(sqlite_url):
    with opened(sqlite_url) as store:
        runs: list[str] = []

        def counted(step, name):
            def again(tx: Tx):
                runs.append(name)
                return step(tx)

            return again

        room = path_of(sqlite_url).with_name("ostiary.db-wal").stat().st_size
        steps = [counted(put(f"row-{number}"), f"row-{number}") for number in range(8)]
        with full_disk(room):
            answers = await Gate().batch(store, *steps, counted(guess("g"), "guess"))
        assert [type(answer) for answer in answers] == [UnavailableError] * 9
        # In the hope that nobody fails, then in savepoints, then alone.
        assert sorted(runs) == sorted([f"row-{number}" for number in range(8)] * 3 + ["guess"] * 3)
        assert stored(sqlite_url) == {}

        answers = await Gate().batch(store, *steps, guess("g"))
        assert [type(answer) for answer in answers] == [str] * 8 + [LookupError]
        assert stored(sqlite_url) == {f"row-{n}": "" for n in range(8)} | {"guess-g": "", "wrong": "1"}
        assert store.read_now(lambda tx: tx.one(Sql("PRAGMA integrity_check"))) == ("ok",)


async def test_a_step_too_big_for_the_disk_is_the_only_one_that_fails(sqlite_url):
    with opened(sqlite_url) as store:
        pages = await store.write(lambda tx: tx.one(Sql("PRAGMA page_count")))

        def big(tx: Tx) -> None:
            tx.survive(count_once("wrong", "big"))
            tx.run(MUCH, count=1_000)

        assert pages is not None
        await store.write(lambda tx: tx.one(Sql(f"PRAGMA max_page_count = {pages[0] + 20}")))
        answers = await Gate().batch(store, put("before"), big, put("after"))
        assert [type(answer) for answer in answers] == [str, UnavailableError, str]
        assert stored(sqlite_url) == {"before": "", "after": "", "guess-big": "", "wrong": "1"}


async def test_an_interrupt_ends_the_batch_and_each_step_runs_alone(sqlite_url):
    clock = LeapingClock()
    with opened(sqlite_url, clock=clock) as store:

        def slow(tx: Tx) -> None:
            tx.survive(count_once("wrong", "slow"))
            clock.leap(sqlite_file.STEP_LIMIT)
            tx.run(ENDLESS)

        answers = await Gate().batch(store, put("before"), guess("g"), slow, put("after"))
        assert [type(answer) for answer in answers] == [str, LookupError, UnavailableError, str]
        assert set(stored(sqlite_url)) == {"before", "after", "guess-g", "guess-slow", "wrong"}
        assert stored(sqlite_url)["wrong"] == "2"


async def test_a_reading_step_has_a_deadline(sqlite_url):
    clock = LeapingClock()
    with opened(sqlite_url, clock=clock) as store:

        def slow(tx: Tx) -> None:
            clock.leap(sqlite_file.STEP_LIMIT)
            tx.one(ENDLESS_LOOK)

        with pytest.raises(UnavailableError):
            await store.read(slow)
        assert await store.read(lambda tx: tx.one(GET, name="x")) is None


async def test_who_waited_too_long_for_a_turn_is_told(sqlite_url):
    clock = LeapingClock()
    with opened(sqlite_url, clock=clock) as store:
        gate = Gate()

        def late(tx: Tx) -> None:
            raise AssertionError("run after its time")

        held = asyncio.ensure_future(asyncio.to_thread(store.write_now, gate))
        await asyncio.to_thread(gate._entered.wait, 10)
        asked = asyncio.ensure_future(store.write(late))
        await asyncio.sleep(0)
        clock.leap(6_000)
        gate._open.set()
        await held
        with pytest.raises(UnavailableError, match="waited"):
            await asked


async def test_a_lock_held_elsewhere_is_waited_for_and_then_unavailable(sqlite_url, monkeypatch):
    monkeypatch.setattr(sqlite_file, "BUSY_WAIT", 300)  # nothing but the wait is shorter
    with opened(sqlite_url) as store, closing(sqlite3.connect(path_of(sqlite_url))) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match="locked"):
            await store.write(put("row"))
        answers = await asyncio.gather(
            *(store.write(put(f"r-{n}")) for n in range(3)), return_exceptions=True
        )
        assert {type(answer) for answer in answers} == {UnavailableError}
        assert await store.read(lambda tx: tx.all(NAMES)) == []  # readers are not kept out
        waiting = asyncio.ensure_future(store.write(put("patient")))
        await asyncio.sleep(0.1)
        other.execute("COMMIT")
        assert await waiting == "patient"


async def test_what_was_never_stored_is_told_to_nobody(sqlite_url, monkeypatch):
    """Else its messages, which are given to the worker with the topic, would be sent all the same."""
    monkeypatch.setattr(sqlite_file, "BUSY_WAIT", 100)
    with opened(sqlite_url) as store, closing(sqlite3.connect(path_of(sqlite_url))) as other:
        given: list[object] = []
        store.on("outbox", given.extend)
        rolled_back = Writer._roll_back

        def overtaken(writer: Writer) -> None:  # by another process, before the batch begins again
            rolled_back(writer)
            if not other.in_transaction:
                other.execute("BEGIN IMMEDIATE")

        def queued(tx: Tx) -> None:
            put("message")(tx)
            tx.after_commit("outbox", "a message")

        def fails(_tx: Tx) -> None:
            raise LookupError

        monkeypatch.setattr(Writer, "_roll_back", overtaken)
        answers = await Gate().batch(store, queued, fails)
        assert [type(answer) for answer in answers] == [UnavailableError, UnavailableError]
        other.execute("ROLLBACK")
        monkeypatch.setattr(Writer, "_roll_back", rolled_back)
        await asyncio.sleep(0.05)
        assert stored(sqlite_url) == {}
        assert given == []
        await store.write(queued)
        await asyncio.sleep(0.05)
        assert given == ["a message"]


ADDING = """
import asyncio, sys
from tests.stores import opened, GET, MOVE
def step(tx):
    old = int(tx.one(GET, name="count")[0])
    tx.must(MOVE, name="count", old=str(old), new=str(old + 1))
async def main():
    with opened(sys.argv[1]) as store:
        for _ in range(20):
            await asyncio.gather(*(store.write(step) for _ in range(10)))
asyncio.run(main())
"""


async def test_two_processes_share_the_file(sqlite_url):
    with opened(sqlite_url) as store:
        await store.write(put("count", "0"))
        command = [sys.executable, "-c", ADDING, sqlite_url]
        others = [await asyncio.create_subprocess_exec(*command) for _ in range(2)]
        assert [await other.wait() for other in others] == [0, 0]
    assert stored(sqlite_url) == {"count": "400"}


def test_the_file_is_its_owners_alone(sqlite_url):
    with opened(sqlite_url) as store:
        store.write_now(put("row"))
        path = path_of(sqlite_url)
        for file in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            assert file.stat().st_mode & 0o077 == 0, file


def test_a_link_may_stand_where_the_file_is_to_be(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "store.db").symlink_to(tmp_path / "disk" / "real.db")
    url = f"sqlite:///{tmp_path}/store.db"
    with opened(url) as store:
        store.write_now(put("row"))
    assert stored(url) == {"row": ""}
    assert (tmp_path / "disk" / "real.db").stat().st_mode & 0o077 == 0


def test_commits_are_flushed(sqlite_url):
    with opened(sqlite_url) as store:
        pragmas = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "trusted_schema": 0}
        for name, value in pragmas.items():
            assert store.write_now(_pragma(name)) == (value,), name


def _pragma(name: str):
    return lambda tx: tx.one(Sql(f"PRAGMA {name}"))


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "mysql://x", "ostiary.db"])
def test_a_url_that_names_no_database_is_refused(url):
    with pytest.raises(ValueError, match=r"sqlite:///|postgresql"), opened(url):
        pass
