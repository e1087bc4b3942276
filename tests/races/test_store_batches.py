"""PostgreSQL: writing steps that come at the same time share a transaction, and nobody can tell by what is stored."""

import asyncio
import threading
import time
from contextlib import closing

import psycopg
import pytest

from ostiary.server.core.log import request_id
from ostiary.server.storage.db import Store
from ostiary.server.storage.fiber_crew import AT_ONCE
from ostiary.server.storage.libpq import Answer, Statement, Wire
from ostiary.server.storage.tx import Tx, UnavailableError
from tests.faults.chaos import Chaos
from tests.stores import (
    GET,
    HELD,
    MOVE,
    PUT,
    RAISE,
    SLEEP,
    LeapingClock,
    count_once,
    opened,
    put,
    requests_seen,
    stored,
)

pytestmark = pytest.mark.anyio

CROWD = 64


@pytest.fixture
def store(postgres_url):
    with opened(postgres_url) as store:
        yield store


async def test_who_comes_together_shares_a_commit(postgres_url, store):
    await asyncio.gather(*(store.write(put(f"row-{number}")) for number in range(CROWD + 36)))
    assert len(stored(postgres_url)) == CROWD + 36
    assert store.counts.commits == store.counts.batches == 2
    assert (store.counts.steps, store.counts.biggest_batch, store.counts.reruns) == (100, CROWD, 0)


async def test_a_batch_makes_as_many_trips_as_its_longest_step(store, monkeypatch):
    trips: list[int] = []
    trip = Wire.trip

    def counted(wire: Wire, *asks: Statement) -> list[Answer]:
        trips.append(len(asks))
        return trip(wire, *asks)

    monkeypatch.setattr(Wire, "trip", counted)
    await store.write(put("connected"))

    def looks(times: int):
        def step(tx: Tx) -> None:
            for _ in range(times):
                tx.one(GET, name="connected")
            tx.must(PUT, name=f"after-{times}", value="")

        return step

    trips.clear()
    await asyncio.gather(*(store.write(looks(times)) for times in (4, 5, 6)))
    # With BEGIN and its lock limit; of three, two and one; the last PUT with COMMIT.
    assert trips == [2 + 3, 3, 3, 3, 3, 2, 2]


async def test_a_step_that_fails_late_takes_nothing_with_it(postgres_url, store):
    """Its rows went out in trips that others shared."""

    def fails(tx: Tx) -> None:
        tx.must(PUT, name="lost", value="")
        tx.one(GET, name="lost")
        tx.survive(count_once("wrong", "1"))
        raise LookupError

    def caught(tx: Tx) -> None:
        try:
            tx.run(MOVE, name="no\0text", old="", new="")
        except ValueError:
            tx.must(PUT, name="lost, too", value="")

    answers = await asyncio.gather(
        store.write(fails),
        store.write(caught),
        *(store.write(put(f"row-{number}")) for number in range(10)),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers[:2]] == [LookupError, ValueError]
    assert stored(postgres_url) == {f"row-{number}": "" for number in range(10)} | {
        "guess-1": "",
        "wrong": "1",
    }


@pytest.mark.parametrize("way", ["raises", "by a statement", "by the last statement", "waits"])
async def test_only_who_loses_a_batch_runs_alone(postgres_url, store, way):
    def bad(tx: Tx) -> None:
        tx.one(GET, name="look")
        if way == "raises":
            raise LookupError
        if way == "waits":
            tx.one(HELD, name="locked")
        tx.must(PUT, name="locked", value="a second time")
        if way == "by a statement":
            tx.one(GET, name="look")

    await store.write(put("locked"))
    before = store.counts.commits
    with closing(psycopg.connect(postgres_url)) as somebody:
        if way == "waits":
            somebody.execute("SELECT 1 FROM meta WHERE name = 'locked' FOR UPDATE")
        steps = [put(f"row-{number}") for number in range(20)]
        steps[7] = bad
        asked = [asyncio.ensure_future(store.write(step)) for step in steps]
        await asyncio.wait([one for number, one in enumerate(asked) if number != 7])
        assert (store.counts.commits - before, store.counts.biggest_batch) == (1, 19)
        somebody.rollback()
        answers = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(answers[7], LookupError if way == "raises" else UnavailableError)
    assert set(stored(postgres_url)) == {"locked", *(f"row-{number}" for number in range(20) if number != 7)}


async def test_a_commit_that_nobody_answered_is_not_made_again(postgres_url):
    """Whether the rows are there is not known: nobody is told that they are, and nothing runs twice."""
    with closing(Chaos(postgres_url)) as chaos, opened(chaos.url) as store:
        await store.write(put("count", "0"))

        def guess(number: int):
            def step(tx: Tx) -> None:
                tx.survive(count_once("wrong", str(number)))
                tx.must(RAISE, name="count")

            return step

        chaos.loses_commits = 1.0
        asked = [asyncio.ensure_future(store.write(guess(number))) for number in range(8)]
        asked += [
            asyncio.ensure_future(store.write(lambda tx: tx.must(RAISE, name="count"))) for _ in range(8)
        ]
        while not chaos.lost:  # noqa: ASYNC110 - a thread counts
            await asyncio.sleep(0.01)
        chaos.calm()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(answer) for answer in answers} == {UnavailableError}
        rows = stored(postgres_url)
        assert rows["count"] == "16"
        assert rows["wrong"] == "8"  # survivors are stored, once
        await store.write(put("alive"))


async def test_slow_batches_are_not_waited_for(store):
    await store.write(put("connected"))
    slow = []
    for _ in range(AT_ONCE):
        slow.append(asyncio.ensure_future(store.write(lambda tx: tx.one(SLEEP, seconds=2))))
        await asyncio.sleep(0.01)
    begun = time.monotonic()
    await asyncio.gather(*(store.write(put(f"row-{number}")) for number in range(CROWD)))
    assert time.monotonic() - begun < 1.5
    assert not slow[0].done()
    await asyncio.gather(*slow)


async def test_readers_leave_room_for_writers(store):
    readers = [asyncio.ensure_future(store.read(lambda tx: tx.one(SLEEP, seconds=1))) for _ in range(40)]
    await asyncio.sleep(0.1)
    begun = time.monotonic()
    await store.write(put("row"))
    assert time.monotonic() - begun < 0.9
    await asyncio.gather(*readers)


async def test_each_step_of_a_batch_sees_its_own_request(store):
    async def ask(store: Store, number: int) -> None:
        request_id.set(f"request-{number}")
        assert await store.write(requests_seen) == [f"request-{number}"] * 4

    await asyncio.gather(*(ask(store, number) for number in range(CROWD)))
    assert store.counts.biggest_batch == CROWD


async def test_who_left_is_not_served(postgres_url, store):
    asked = [asyncio.ensure_future(store.write(put(f"row-{number}"))) for number in range(8)]
    await asyncio.sleep(0)
    for one in asked[::2]:
        one.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    assert set(stored(postgres_url)) == {f"row-{number}" for number in range(1, 8, 2)}


async def test_what_has_begun_is_brought_to_its_end(postgres_url):
    """It compared a code, say, in a batch that was lost: neither that nobody waits any more nor its age undoes that."""
    clock = LeapingClock()
    with opened(postgres_url, clock=clock) as store:

        def guess(number: int):
            def step(tx: Tx) -> None:
                tx.survive(count_once("wrong", str(number)))
                tx.one(SLEEP, seconds=1)
                raise LookupError

            return step

        asked = [asyncio.ensure_future(store.write(guess(number))) for number in range(2)]
        await asyncio.sleep(0.1)
        asked[0].cancel()
        clock.leap(10_000)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(answer) for answer in answers] == [asyncio.CancelledError, LookupError]
        await store.close()
        assert stored(postgres_url)["wrong"] == "2"


async def test_what_must_survive_a_lost_batch_does_even_if_the_next_run_gets_nowhere(postgres_url, store):
    runs = []

    def guess(tx: Tx) -> None:
        runs.append(1)
        if len(runs) > 1:
            raise UnavailableError("the second run does not get so far")
        tx.survive(count_once("wrong", "1"))
        tx.must(PUT, name="lost", value="")

    def loses(_tx: Tx) -> None:
        raise LookupError

    answers = await asyncio.gather(store.write(guess), store.write(loses), return_exceptions=True)
    assert [type(answer) for answer in answers] == [UnavailableError, LookupError]
    assert stored(postgres_url) == {"guess-1": "", "wrong": "1"}


async def test_steps_that_ask_nothing_ask_nothing(store):
    threads = threading.active_count()
    assert await asyncio.gather(*(store.write(lambda _tx, n=n: n) for n in range(8))) == list(range(8))
    assert store.counts.statements == 0
    assert threading.active_count() <= threads + 1
