"""What steps leave for the end of their transaction: rows nobody asks for again, and what is added up. On both databases."""

import asyncio

import pytest

from ostiary.server.storage.tx import Sql, Tx, by_rows
from tests.stores import ADD, GET, count_once, opened, put, stored

pytestmark = pytest.mark.anyio

CROWD = 64

NOTE = by_rows(4, "(:name#, :value#)", "INSERT INTO meta (name, value)")
TOTAL = Sql(
    "SELECT COALESCE(SUM(CAST(value AS BIGINT)), 0) FROM meta WHERE name = :name",
    postgresql="SELECT COALESCE(SUM(CAST(value AS BIGINT)), 0)::bigint FROM meta WHERE name = :name",
)


def notes(*names: str):
    def step(tx: Tx) -> None:
        tx.append(NOTE, *[(name, "noted") for name in names])

    return step


async def test_rows_of_many_steps_are_put_there_together(database):
    with opened(database) as store:
        await asyncio.gather(*(store.write(notes(f"{n}-a", f"{n}-b", f"{n}-c")) for n in range(CROWD)))
        await store.write(notes("alone"))
        expected = {f"{n}-{name}" for n in range(CROWD) for name in "abc"} | {"alone"}
        assert stored(database) == dict.fromkeys(expected, "noted")
        with pytest.raises(TypeError, match="writes nothing"):
            await store.read(notes("a reader"))


async def test_a_step_that_fails_leaves_nothing_for_the_end(database):
    """Nor does it take with it what others left; what survives it may leave something itself."""

    def fails(tx: Tx) -> None:
        notes("lost")(tx)
        tx.add_up(ADD, {("lost, too",): 1})
        tx.survive(count_once("wrong", "1"))
        tx.survive(notes("survived"))
        raise LookupError

    with opened(database) as store:
        asked = [*(store.write(notes(f"row-{n}")) for n in range(10)), store.write(fails)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(answers.pop(), LookupError)
    assert answers == [None] * 10
    rows = {f"row-{n}": "noted" for n in range(10)}
    assert stored(database) == rows | {"guess-1": "", "wrong": "1", "survived": "noted"}


async def test_a_row_that_cannot_be_put_there_loses_its_own_step_alone(database):
    with opened(database) as store:
        await store.write(put("taken", "before"))
        steps = [notes("mine", "taken"), *(notes(f"row-{n}") for n in range(10))]
        answers = await asyncio.gather(*map(store.write, steps), return_exceptions=True)
    assert isinstance(answers[0], Exception)
    assert answers[1:] == [None] * 10
    assert stored(database) == {"taken": "before"} | {f"row-{n}": "noted" for n in range(10)}


async def test_what_everybody_counts_is_added_up(database):
    with opened(database) as store:

        def step(number: int):
            def adds(tx: Tx) -> None:
                tx.add_up(ADD, {("all",): 1, (f"by-{number % 10}",): number})
                tx.add_up(ADD, {("all",): -3})

            return adds

        await asyncio.gather(*(store.write(step(number)) for number in range(CROWD)))
        await store.write(step(7))
        rows = {name: int(value) for name, value in stored(database).items()}
        assert rows.pop("all") == -2 * (CROWD + 1)
        assert rows == {f"by-{digit}": sum(range(digit, CROWD, 10)) + 7 * (digit == 7) for digit in range(10)}
        with pytest.raises(TypeError, match="writes nothing"):
            await store.read(step(1))


async def test_what_is_being_added_is_known_before_it_can_be_seen(database):
    """A limit of ten a name holds in a crowd, in batch after batch, with steps that think between look and count."""

    def ask(tx: Tx) -> bool:
        row = tx.one(TOTAL, name="limited")
        assert row is not None
        if row[0] + tx.adding(ADD, lambda key: key == ("limited",)) >= 10:
            return False
        tx.add_up(ADD, {("limited",): 1})
        tx.one(GET, name="another trip")
        return True

    def never(tx: Tx) -> bool:
        tx.add_up(ADD, {("limited",): 1})
        raise LookupError

    with opened(database) as store:
        asked = [store.write(ask) for _ in range(2 * CROWD)]
        asked += [store.write(never), *(store.write(ask) for _ in range(2 * CROWD))]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(answer is True for answer in answers) == 10
        assert stored(database) == {"limited": "10"}
        await asyncio.gather(store.write(never), store.write(never), return_exceptions=True)
        assert await store.write(lambda tx: tx.adding(ADD, lambda _key: True)) == 0
