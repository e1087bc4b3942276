"""Many writers at one store: nobody hears early, nobody hurts another, nothing is counted twice."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ostiary.server.storage.db import ClosedError, Store
from ostiary.server.storage.jobs import RERUNS
from ostiary.server.storage.tx import Lane, Sql, Tx, UnavailableError
from tests.counts import RACE_ROUNDS
from tests.stores import (
    GET,
    GET_LOCKED,
    MOVE,
    NAMES,
    PUT,
    PUT_ONCE,
    RAISE,
    count_once,
    opened,
    put,
    stored,
)

pytestmark = pytest.mark.anyio

CROWD = 64


@pytest.fixture
def store(database):
    with opened(database) as store:
        yield store


async def test_an_answer_comes_after_the_commit(database, store):
    async def write(name: str) -> bool:
        await store.write(put(name))
        return name in stored(database)  # another connection sees it

    assert all(await asyncio.gather(*(write(f"row-{number}") for number in range(CROWD))))


async def test_a_step_that_fails_hurts_nobody_else(database, store):
    def bad(tx: Tx) -> None:
        tx.run(PUT, name="bad", value="")
        tx.run(PUT, name="bad", value="")  # a primary key of the database says no

    def worse(tx: Tx) -> None:
        tx.run(PUT, name="worse", value="")
        raise LookupError("worse")

    steps = [put(f"row-{number}") for number in range(CROWD)]
    steps[10], steps[20], steps[30] = bad, worse, bad
    answers = await asyncio.gather(*(store.write(step) for step in steps), return_exceptions=True)

    assert [index for index, answer in enumerate(answers) if isinstance(answer, Exception)] == [10, 20, 30]
    assert isinstance(answers[20], LookupError)
    assert set(stored(database)) == {f"row-{number}" for number in range(CROWD)} - {
        "row-10",
        "row-20",
        "row-30",
    }


async def test_what_waits_is_committed_together(sqlite_url):
    with opened(sqlite_url) as store:
        entered, go = threading.Event(), threading.Event()

        def slow(tx: Tx) -> None:
            entered.set()
            go.wait(5)

        first = asyncio.ensure_future(asyncio.to_thread(store.write_now, slow))
        await asyncio.to_thread(entered.wait, 5)
        rest = [asyncio.ensure_future(store.write(put(f"row-{number}"))) for number in range(100)]
        await asyncio.sleep(0)
        go.set()
        await asyncio.gather(first, *rest)
        assert (store.counts.commits, store.counts.biggest_batch) == (3, 64)
        assert len(stored(sqlite_url)) == 100


@pytest.mark.parametrize("crowd", [1, CROWD])
async def test_what_must_survive_is_stored_once_before_the_error_is_answered(database, store, crowd):
    def guess(number: int):
        def step(tx: Tx) -> None:
            tx.run(PUT_ONCE, name=f"lost-{number}", value="")
            tx.survive(count_once(f"wrong-{number % 4}", f"{number}"))
            raise LookupError(f"after comparing {number}")

        return step

    async def ask(number: int) -> bool:
        with pytest.raises(LookupError, match="after comparing"):
            await store.write(guess(number))
        return f"guess-{number}" in stored(database)

    assert all(await asyncio.gather(*(ask(number) for number in range(crowd))))
    rows = stored(database)
    assert sum(int(value) for name, value in rows.items() if name.startswith("wrong-")) == crowd
    assert not [name for name in rows if name.startswith("lost-")]


async def test_what_would_survive_is_not_stored_where_nothing_failed(database, store):
    def step(tx: Tx) -> None:
        tx.survive(count_once("wrong", "1"))
        tx.run(PUT, name="fine", value="")

    await store.write(step)
    assert set(stored(database)) == {"fine"}


async def test_where_survivors_cannot_be_stored_the_answer_is_unavailable(database, store):
    def step(tx: Tx) -> None:
        tx.survive(lambda tx: tx.must(RAISE, name="nobody"))
        raise LookupError("the step's own error")

    with pytest.raises(UnavailableError):
        await store.write(step)


async def test_a_conflict_runs_the_step_again(database, store):
    await store.write(put("row", "old"))
    seen: list[str] = []

    def step(tx: Tx) -> int:
        tx.run(PUT_ONCE, name="trace", value="")
        seen.append("run")
        tx.must(MOVE, name="row", old="old" if len(seen) == 3 else "never", new="new")
        return len(seen)

    assert await store.write(step) == 3
    assert stored(database) == {"row": "new", "trace": ""}


async def test_a_conflict_that_stays_is_unavailable_and_leaves_what_survives(database, store):
    runs: list[int] = []

    def step(tx: Tx) -> None:
        runs.append(1)
        tx.survive(count_once("wrong", "g"))
        tx.run(PUT_ONCE, name="lost", value="")
        tx.must(MOVE, name="nobody", old="", new="")

    with pytest.raises(UnavailableError):
        await store.write(step)
    hopeful = 1 if database.startswith("sqlite:") else 0  # a batch's first run, in which nobody may fail
    assert len(runs) == hopeful + 1 + RERUNS
    assert stored(database) == {"guess-g": "", "wrong": "1"}


UNCHECKABLE = Sql(
    "UPDATE meta SET value = 'moved' WHERE name = :name",
    postgresql="WITH aim AS (SELECT CAST(:name AS text) AS name)"
    " UPDATE meta SET value = 'moved' FROM aim WHERE meta.name = aim.name",
)


@pytest.mark.parametrize("sql", [RAISE, UNCHECKABLE], ids=["checked by the server", "checked by us"])
async def test_a_last_statement_that_missed_its_rows_is_never_committed(database, store, sql):
    await store.write(put("there", "1"))

    def step(tx: Tx) -> None:
        tx.must(PUT, name="before", value="")
        tx.must(sql, name="there")
        tx.must(sql, name="nobody")  # goes out together with COMMIT

    with pytest.raises(UnavailableError):
        await store.write(step)
    assert stored(database) == {"there": "1"}

    await store.write(lambda tx: tx.must(sql, name="there"))
    await store.write(lambda tx: tx.must(sql, expect=0, name="nobody"))
    await store.write(lambda tx: tx.must(sql, expect=None, name="nobody"))
    assert stored(database)["there"] in {"2", "moved"}


async def test_guarded_counts_lose_nothing(database, store):
    """Read without a lock, write where unchanged: whoever was answered is counted, nobody else."""
    await store.write(put("count", "0"))

    def step(tx: Tx) -> None:
        row = tx.one(GET, name="count")
        assert row is not None
        tx.must(MOVE, name="count", old=row[0], new=str(int(row[0]) + 1))

    for _ in range(RACE_ROUNDS // 10):
        before = int(stored(database)["count"])
        answers = await asyncio.gather(*(store.write(step) for _ in range(CROWD)), return_exceptions=True)
        done = sum(answer is None for answer in answers)
        assert all(answer is None or isinstance(answer, UnavailableError) for answer in answers)
        assert int(stored(database)["count"]) == before + done > before


async def test_locked_counts_are_all_done(database, store):
    await store.write(put("count", "0"))

    def step(tx: Tx) -> None:
        row = tx.one(GET_LOCKED, name="count")
        assert row is not None
        tx.must(MOVE, name="count", old=row[0], new=str(int(row[0]) + 1))

    for turn in range(1, 1 + RACE_ROUNDS // 10):
        await asyncio.gather(*(store.write(step) for _ in range(CROWD)))
        assert stored(database)["count"] == str(turn * CROWD)


async def test_listeners_hear_of_commits_in_the_loops_thread(database, store):
    heard: list[tuple[str, threading.Thread, bool]] = []

    def hear(_given: list[object]) -> None:
        heard.append(("outbox", threading.current_thread(), "row" in stored(database)))

    off = store.on("outbox", hear)
    store.on("other", lambda _given: heard.append(("other", threading.current_thread(), True)))

    def tell(tx: Tx) -> None:
        tx.run(PUT, name="row", value="")
        tx.after_commit("outbox")

    def fail(tx: Tx) -> None:
        tx.after_commit("outbox")
        raise LookupError

    with pytest.raises(LookupError):
        await store.write(fail)
    await asyncio.sleep(0.05)
    assert heard == []
    await store.write(tell)
    await asyncio.sleep(0.05)
    assert heard == [("outbox", threading.current_thread(), True)]
    off()
    await store.write(lambda tx: tx.after_commit("outbox"))
    await asyncio.sleep(0.05)
    assert len(heard) == 1


async def test_people_go_before_jobs_and_jobs_get_their_turn(sqlite_url):
    with opened(sqlite_url) as store:
        entered, go = threading.Event(), threading.Event()
        order: list[str] = []

        def slow(tx: Tx) -> None:
            entered.set()
            go.wait(5)

        def note(kind: str):
            return lambda tx: order.append(kind)

        first = asyncio.ensure_future(asyncio.to_thread(store.write_now, slow))
        await asyncio.to_thread(entered.wait, 5)
        asked = [store.write(note("bulk"), Lane.BULK) for _ in range(3)]
        asked += [store.write(note("live")) for _ in range(128)]
        waiting = [asyncio.ensure_future(one) for one in asked]
        await asyncio.sleep(0)
        go.set()
        await asyncio.gather(first, *waiting)
        # Whose turn comes first depends on who went before; a job is never followed by another while people wait.
        runs = "".join(kind[0] for kind in order)
        assert runs.lstrip("b").startswith("l" * 64)
        assert "bb" not in runs.rstrip("b")


async def test_a_snapshot_stands_still(database, store):
    await store.write(put("row", "old"))

    def change() -> None:
        store.write_now(lambda tx: tx.must(MOVE, name="row", old="old", new="new"))

    with ThreadPoolExecutor(1) as elsewhere:

        def look(tx: Tx) -> tuple[object, object]:
            before = tx.one(GET, name="row")
            elsewhere.submit(change).result(5)
            return before, tx.one(GET, name="row")

        assert await store.read(look) == (("old",), ("old",))
    assert await store.read(lambda tx: tx.one(GET, name="row")) == ("new",)


async def test_a_reading_step_writes_nothing(database, store):
    for write in (
        lambda tx: tx.run(PUT, name="x", value=""),
        lambda tx: tx.must(PUT, name="x", value=""),
    ):
        with pytest.raises(TypeError, match="writes nothing"):
            await store.read(write)
    sneaky = Sql("INSERT INTO meta (name, value) VALUES (:name, '') RETURNING name")
    with pytest.raises(Exception, match=r"read-?only"):
        await store.read(lambda tx: tx.one(sneaky, name="x"))
    assert stored(database) == {}


async def test_an_error_a_step_hides_is_an_error_all_the_same(database, store):
    def step(tx: Tx) -> str:
        tx.run(PUT, name="row", value="")
        try:
            tx.run(PUT, name="row", value="")
        except Exception:  # noqa: BLE001 - what is tested
            return "nothing happened"
        raise AssertionError

    with pytest.raises(Exception, match=r"(?i)unique"):
        await store.write(step)
    assert stored(database) == {}


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, StopIteration, GeneratorExit])
async def test_whatever_a_step_raises_the_store_lives(database, store, error):
    def step(tx: Tx) -> None:
        raise error

    with pytest.raises(RuntimeError, match=error.__name__):
        await store.write(step)
    with pytest.raises(RuntimeError, match=error.__name__):
        await store.read(step)
    await store.write(put("alive"))


async def test_a_caller_that_leaves_changes_nothing_for_others(database, store):
    asked = [asyncio.ensure_future(store.write(put(f"row-{number}"))) for number in range(CROWD)]
    await asyncio.sleep(0)
    for one in asked[::2]:
        one.cancel()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert answers[1::2] == [f"row-{number}" for number in range(1, CROWD, 2)]
    assert {f"row-{number}" for number in range(1, CROWD, 2)} <= set(stored(database))


async def test_closing_finishes_what_was_asked_for(database):
    with opened(database) as store:
        asked = [asyncio.ensure_future(store.write(put(f"row-{number}"))) for number in range(CROWD)]
        await asyncio.sleep(0)
        await store.close()
        assert len(await asyncio.gather(*asked)) == CROWD == len(stored(database))
        with pytest.raises(ClosedError):
            await store.write(put("late"))
        with pytest.raises(ClosedError):
            await store.read(lambda tx: None)


def test_threads_without_a_loop_write_and_read(database):
    with opened(database) as store, ThreadPoolExecutor(8) as threads:
        names = list(threads.map(lambda number: store.write_now(put(f"row-{number:02}")), range(32)))
        assert store.read_now(lambda tx: tx.all(NAMES)) == [(name,) for name in names]
        with pytest.raises(LookupError):
            store.write_now(_raise)
        assert abs(store.check_now() - store._ports.now()) < 2_000


def _raise(tx: Tx) -> None:
    raise LookupError


def test_a_store_may_serve_one_loop_after_another(database):
    with opened(database) as store:
        for number in range(3):
            asyncio.run(_write(store, f"row-{number}"))
        assert len(stored(database)) == 3
        assert len(store._mailboxes) == 1


async def _write(store: Store, name: str) -> None:
    await store.write(put(name))
