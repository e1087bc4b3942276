"""PostgreSQL's steps wait inside the event loop that asked for them: no thread each, and no loop that stands still."""

import asyncio
import threading
import time
from contextlib import closing

import psycopg
import pytest

from ostiary.server.core.log import request_id
from ostiary.server.core.millis import SECOND
from ostiary.server.storage.tx import Lane, Sql, Tx, UnavailableError
from tests.faults.chaos import Chaos
from tests.stores import GET, MOVE, PUT, count_once, opened, put, requests_seen, stored

pytestmark = pytest.mark.anyio

SLEEP = Sql("SELECT CAST(pg_sleep(0.5) AS TEXT)")
TEXT = Sql("SELECT CAST(:text AS TEXT)")


def never(tx: Tx) -> None:
    """Runs again after a pause, several times."""
    tx.must(MOVE, name="nobody", old="", new="")


def ran_in(_tx: Tx) -> str:
    return threading.current_thread().name


async def test_a_step_runs_where_it_was_asked_for_and_a_job_in_a_thread(postgres_url):
    with opened(postgres_url) as store:
        here = threading.current_thread().name
        assert await store.write(ran_in) == here == await store.read(ran_in)
        assert await store.write(ran_in, Lane.BULK) == "store-bulk-1"
        assert await asyncio.to_thread(store.write_now, ran_in) == "store-1"


async def test_steps_wait_side_by_side_and_the_loop_goes_on(postgres_url):
    with opened(postgres_url) as store:
        await asyncio.gather(*(store.read(lambda tx: tx.one(SLEEP)) for _ in range(12)))  # connected
        threads, begun, turns = threading.active_count(), time.monotonic(), 0
        steps = asyncio.gather(*(store.read(lambda tx: tx.one(SLEEP)) for _ in range(12)))
        while not steps.done():
            await asyncio.sleep(0.01)
            turns += 1
            assert threading.active_count() <= threads
        assert time.monotonic() - begun < 0.5 * 12
        assert turns > 10


async def test_a_step_sees_the_request_that_asked_for_it(postgres_url):
    with opened(postgres_url, connections=4) as store:

        async def ask(number: int) -> None:
            request_id.set(f"request-{number}")
            assert await store.read(requests_seen) == [f"request-{number}"] * 4
            assert request_id.get() == f"request-{number}"

        await asyncio.gather(*(ask(number) for number in range(32)))


async def test_more_than_a_socket_takes(postgres_url):
    text = "x" * 20_000_000
    with opened(postgres_url) as store:
        big = store.write(lambda tx: tx.one(TEXT, text=text))
        small = [store.write(put(f"row-{number}")) for number in range(32)]
        assert (await asyncio.gather(big, *small))[0] == (text,)


@pytest.mark.parametrize("connected", [True, False])
async def test_the_store_is_closed_by_the_loop_that_waits_for_it(postgres_url, connected):
    with opened(postgres_url, connections=4) as store:
        if connected:
            await asyncio.gather(*(store.write(put(f"first-{number}")) for number in range(4)))
        asked = [asyncio.ensure_future(store.write(put(f"row-{number}"))) for number in range(16)]
        asked.append(asyncio.ensure_future(store.write(lambda tx: tx.one(SLEEP))))
        asked.append(asyncio.ensure_future(store.write(never)))
        await asyncio.sleep(0)
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(answers.pop(), UnavailableError)
    assert not [one for one in answers if isinstance(one, Exception)]
    assert {f"row-{number}" for number in range(16)} <= set(stored(postgres_url))


def test_a_loop_that_ended_leaves_no_connection_behind(postgres_url):
    def sessions() -> int:
        with closing(psycopg.connect(postgres_url, autocommit=True)) as admin:
            row = admin.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'ostiary'"
            ).fetchone()
        assert row is not None
        return int(row[0])

    async def use(number: int) -> None:
        await asyncio.gather(*(store.write(put(f"row-{number}-{at}")) for at in range(8)))
        left.append(asyncio.ensure_future(store.write(lambda tx: tx.one(SLEEP))))
        await asyncio.sleep(0)

    left: list[asyncio.Future[object]] = []
    with opened(postgres_url, connections=6) as store:
        for number in range(5):
            asyncio.run(use(number))
        assert sessions() <= 2 * 6
    deadline = time.monotonic() + 5
    while sessions():
        assert time.monotonic() < deadline


async def test_a_network_that_swallows_is_noticed(postgres_url, monkeypatch):
    monkeypatch.setattr("ostiary.server.storage.libpq.ANSWER_LIMIT", SECOND // 2)
    with closing(Chaos(postgres_url)) as chaos, opened(chaos.url) as store:

        def step(tx: Tx) -> None:
            tx.one(GET, name="row")
            chaos.swallows.set()
            tx.one(GET, name="row")

        begun = time.monotonic()
        with pytest.raises(UnavailableError, match="in time"):
            await store.write(step)
        assert 0.4 < time.monotonic() - begun < 5
        chaos.swallows.clear()
        await store.write(put("alive"))


@pytest.mark.parametrize("anyio_backend", [("asyncio", {"use_uvloop": True})], ids=["uvloop"])
async def test_a_reset_just_behind_an_answer_is_noticed(postgres_url, anyio_backend):
    """uvloop, which serves us, tells of both at once, and of nothing later."""
    with closing(Chaos(postgres_url)) as chaos, opened(chaos.url) as store:
        await store.write(put("row"))

        def step(tx: Tx) -> None:
            tx.one(GET, name="row")
            tx.one(GET, name="row")

        asked = asyncio.ensure_future(store.read(step))
        await asyncio.sleep(0)
        time.sleep(0.2)  # noqa: ASYNC251 - the loop is busy while the answer comes,
        chaos.cut()
        time.sleep(0.2)  # noqa: ASYNC251 - and the reset
        begun = time.monotonic()
        with pytest.raises(UnavailableError):
            await asked
        assert time.monotonic() - begun < 5
        await store.write(put("alive"))


async def test_a_run_after_a_conflict_waits_without_the_loop(postgres_url):
    twice = Sql(
        "INSERT INTO meta (name, value) VALUES ('twice', '') ON CONFLICT (name) DO UPDATE SET value = ''"
    )
    with opened(postgres_url) as store:
        runs: list[int] = []

        def step(tx: Tx) -> None:
            runs.append(1)
            tx.survive(count_once("wrong", "g"))
            tx.must(twice, expect=2)

        asked = asyncio.ensure_future(store.write(step))
        turns = 0
        while not asked.done():
            await asyncio.sleep(0)
            turns += 1
        with pytest.raises(UnavailableError):
            await asked
        assert len(runs) == 4
        assert turns > 4
        assert stored(postgres_url) == {"guess-g": "", "wrong": "1"}
        await store.write(lambda tx: tx.run(PUT, name="alive", value=""))
