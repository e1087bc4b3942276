"""Whose turn it is with SQLite's one write connection: loops run their steps, a thread does what may block."""

import asyncio
import sqlite3
import threading

import pytest

from ostiary.server.storage.jobs import Job, Mailbox
from ostiary.server.storage.turns import Turns
from ostiary.server.storage.tx import Lane, Tx
from tests.stores import opened, put, stored

pytestmark = pytest.mark.anyio


def ran_in(tx: Tx) -> str:
    return threading.current_thread().name


async def test_a_step_runs_where_it_was_asked_for_and_a_job_in_the_stores_thread(sqlite_url):
    with opened(sqlite_url) as store:
        here = threading.current_thread().name
        assert await store.write(ran_in) == here
        assert await store.write(ran_in, Lane.BULK) == "store-writer"
        assert await asyncio.to_thread(store.write_now, ran_in) == "store-writer"


async def test_a_lock_of_another_process_is_waited_for_without_the_loop(sqlite_url):
    with opened(sqlite_url) as store:
        other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.ensure_future(store.write(put("late")))
        for _ in range(20):  # the loop goes on meanwhile
            await asyncio.sleep(0.01)
        assert not writing.done()
        other.execute("ROLLBACK")
        other.close()
        await writing
        assert set(stored(sqlite_url)) == {"late"}


async def test_while_one_batch_is_committed_the_next_one_gathers(sqlite_url):
    with opened(sqlite_url) as store:
        await asyncio.gather(*(store.write(put(f"row-{number}")) for number in range(300)))
        assert len(stored(sqlite_url)) == 300
        assert store.counts.biggest_batch == 64
        assert store.counts.commits == 5


async def test_the_thread_that_was_told_comes_before_the_loop_that_told_it():
    """It wakes when it gets the interpreter; a loop that never lets go of that took turn after turn, for seconds."""
    loop, turns = asyncio.get_running_loop(), Turns[object](64)
    mailbox = Mailbox(loop)

    def job(of: Mailbox | None) -> Job:
        return Job(ran_in, loop.create_future(), of, 0)

    first, bulk, second = job(mailbox), job(None), job(mailbox)
    assert turns.put(first, Lane.LIVE) is mailbox
    assert turns.take(mailbox) == [first]
    turns.put(bulk, Lane.BULK)
    assert turns.put(second, Lane.LIVE) is None
    assert turns.let_go_of_loop() == [], "the thread is told, and rings the loop after it"
    assert turns.take(mailbox) == []
    assert turns.next() == [bulk]
    assert turns.let_go(after_own=True) == [mailbox]
    turns.put(job(None), Lane.BULK)
    assert turns.take(mailbox) == [second], "in turns: the next job does not come before the loop"


def test_a_stopped_loop_holds_nobody_up_and_loses_nothing(sqlite_url):
    """Its steps were asked for, its turn never comes: others write, and closing does what was asked for."""
    with opened(sqlite_url) as store:
        stopped = asyncio.new_event_loop()
        stopped.run_until_complete(_ask_and_leave(store, "of the stopped loop"))
        store.write_now(put("of a thread"))
        store.write_now(put("of a job"), Lane.BULK)
        asyncio.run(_written(store, "of another loop"))
        assert set(stored(sqlite_url)) == {"of a thread", "of a job", "of another loop"}
        store.close_now()
        assert "of the stopped loop" in stored(sqlite_url)
        stopped.close()


async def _ask_and_leave(store, name):
    asyncio.get_running_loop().call_soon(asyncio.ensure_future, _written(store, name))
    await asyncio.sleep(0)


async def _written(store, name):
    await store.write(put(name))


def test_two_loops_and_threads_write_side_by_side(sqlite_url):
    with opened(sqlite_url) as store:

        async def many(kind: str) -> None:
            await asyncio.gather(*(store.write(put(f"{kind}-{number}")) for number in range(100)))

        def jobs() -> None:
            for number in range(30):
                store.write_now(put(f"job-{number}"), Lane.BULK if number % 2 else Lane.LIVE)

        hands = [threading.Thread(target=asyncio.run, args=(many(kind),)) for kind in ("left", "right")]
        hands.append(threading.Thread(target=jobs))
        for hand in hands:
            hand.start()
        for hand in hands:
            hand.join(30)
        assert len(stored(sqlite_url)) == 230
