"""PostgreSQL: steps that share a transaction keep out of each other's rows, as if each had its own."""

import asyncio
import time
from contextlib import closing

import psycopg
import pytest

from ostiary.server.storage.postgres_batch import MOST_WAITING
from ostiary.server.storage.tx import Tx
from tests.stores import ADD, GET, HELD, PUT, add_one, connect, opened, put, stored

pytestmark = pytest.mark.anyio

CROWD = 64


@pytest.fixture
def store(postgres_url):
    with opened(postgres_url) as store:
        yield store


async def test_a_row_that_is_held_is_waited_for_in_the_batch(postgres_url, store):
    await asyncio.gather(*(store.write(put(f"count-{number}", "0")) for number in range(4)))
    before = store.counts.reruns
    answers = await asyncio.gather(*(store.write(add_one(f"count-{number % 4}")) for number in range(CROWD)))
    assert sorted(answers) == sorted([*range(1, CROWD // 4 + 1)] * 4)
    assert set(stored(postgres_url).values()) == {str(CROWD // 4)}
    assert store.counts.reruns == before  # nobody's batch was lost
    assert store.counts.biggest_batch == 4 * (1 + MOST_WAITING)


async def test_of_steps_that_wait_for_each_other_one_begins_anew(postgres_url, store):
    """Each holds a row and wants the other's: in one transaction nobody would ever notice."""
    for name in "ab":
        await store.write(put(name, "0"))
    for turn in range(1, 6):
        await asyncio.gather(store.write(add_one("a", "b")), store.write(add_one("b", "a")))
        assert stored(postgres_url) == {"a": str(2 * turn), "b": str(2 * turn)}
    assert store.counts.reruns == 0

    def wrote_before(name: str, other: str):
        def step(tx: Tx) -> None:
            tx.must(PUT, name=f"made-{name}-{tx.one(HELD, name=name)}", value="")
            tx.one(GET, name="another trip")
            add_one(other)(tx)

        return step

    await asyncio.gather(store.write(wrote_before("a", "b")), store.write(wrote_before("b", "a")))
    rows = stored(postgres_url)
    assert (rows["a"], rows["b"], len(rows)) == ("11", "11", 4)
    assert store.counts.reruns == 2  # who has written cannot leave: each alone


async def test_a_crowd_at_one_row_does_not_hold_up_who_stands_beside_it(postgres_url, store):
    for name in ("hot", *(f"row-{number}" for number in range(8))):
        await store.write(put(name, "0"))
    await connect(store)
    crowd = [asyncio.ensure_future(store.write(add_one("hot"))) for _ in range(200)]
    beside = [asyncio.ensure_future(store.write(add_one(f"row-{number}"))) for number in range(8)]
    await asyncio.gather(*beside)
    assert sum(one.done() for one in crowd) < 100
    answers = await asyncio.gather(*crowd)
    assert sorted(answers) == list(range(1, 201))
    assert max(abs(answer - place) for place, answer in enumerate(answers)) < CROWD  # nearly in their order
    assert store.counts.reruns == 0


async def test_batches_of_one_loop_do_not_wait_for_each_others_locks(postgres_url, store):
    """Rows are wanted over several trips, in any order."""
    for number in range(20):
        await store.write(put(f"count-{number}", "0"))

    def step(number: int):
        def looks_first(tx: Tx) -> None:
            for _ in range(number % 3):
                tx.one(GET, name="look")
            add_one(f"count-{number * 7 % 20}", f"count-{(number * 11 + 1) % 20}")(tx)

        return looks_first

    for _ in range(5):
        await asyncio.gather(*(store.write(step(number)) for number in range(150)))
    wanted = [(number * 7 % 20, (number * 11 + 1) % 20) for number in range(150)]
    for number in range(20):
        times = sum(number in pair for pair in wanted)
        assert stored(postgres_url)[f"count-{number}"] == str(5 * times)
    assert store.counts.reruns == 0


async def test_two_stores_lock_in_one_order(postgres_url):
    """Held rows in the order of their names, rows that everybody counts in at the end: nobody waits in a circle."""
    with opened(postgres_url) as one, opened(postgres_url) as other:
        for number in range(8):
            await one.write(put(f"count-{number}", "0"))

        def step(number: int):
            def both(tx: Tx) -> None:
                add_one(f"count-{number % 8}")(tx)
                tx.add_up(ADD, {(f"all-{number * 7 % 5}",): 1, (f"all-{number * 3 % 5}",): 2})

            return both

        for _ in range(10):
            await asyncio.gather(
                *(one.write(step(number)) for number in range(32)),
                *(other.write(step(number)) for number in reversed(range(32))),
            )
        rows = stored(postgres_url)
        assert sum(int(value) for name, value in rows.items() if name.startswith("count-")) == 10 * 64
        assert one.counts.reruns + other.counts.reruns == 0
    with closing(psycopg.connect(postgres_url)) as admin:
        row = admin.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
        assert row == (0,)


async def test_a_lock_of_somebody_else_holds_up_who_wants_it_and_hardly_others(postgres_url, store):
    await store.write(put("wanted", "0"))
    with closing(psycopg.connect(postgres_url)) as somebody:
        somebody.execute("SELECT 1 FROM meta WHERE name = 'wanted' FOR UPDATE")
        begun = time.monotonic()
        waits = asyncio.ensure_future(store.write(add_one("wanted")))
        rest = [asyncio.ensure_future(store.write(put(f"with-{number}"))) for number in range(CROWD - 1)]
        await asyncio.gather(*rest)
        assert time.monotonic() - begun < 2
        begun = time.monotonic()
        await asyncio.gather(*(store.write(put(f"behind-{number}")) for number in range(8)))
        assert time.monotonic() - begun < 0.5
        assert not waits.done()
        somebody.rollback()
        assert await waits == 1
