"""Values mean the same on both databases."""

import asyncio
from typing import Any

import pytest

from ostiary.server.storage import meta
from ostiary.server.storage.tx import Sql, Tx, UnavailableError, by_rows
from tests.stores import GET, MOVE, NAMES, PUT, opened, put

pytestmark = pytest.mark.anyio


@pytest.fixture
def store(database):
    with opened(database) as store:
        yield store


VALUES = Sql(
    "SELECT CAST(:whole AS INTEGER), CAST(:flag AS INTEGER), CAST(:text AS TEXT), CAST(:nothing AS TEXT)",
    postgresql="SELECT CAST(:whole AS BIGINT), CAST(:flag AS BIGINT), CAST(:text AS TEXT), CAST(:nothing AS TEXT)",
)
KEEP = Sql(
    "INSERT INTO signing_keys (kid, pool_id, alg, sealed, public, made_at)"
    " VALUES (:kid, '', '', :sealed, '', :made_at)"
)
KEPT = Sql("SELECT kid, sealed, made_at, retired_at FROM signing_keys WHERE kid = :kid")
SUM = Sql("SELECT SUM(made_at), COUNT(*), MAX(kid) FROM signing_keys")
SEAL = Sql(
    "UPDATE signing_keys SET sealed = :sealed, retired_at = :retired_at WHERE kid = :kid",
    postgresql="""
    UPDATE signing_keys SET sealed = decode(told.sealed, 'base64'), retired_at = told.retired_at
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS told (kid text, sealed text, retired_at bigint)
     WHERE signing_keys.kid = told.kid
    """,
)


async def test_one_statement_for_many_rows_counts_those_it_touched(store):
    rows: list[dict[str, Any]] = [
        {"kid": f"号{place}", "sealed": bytes([place] * 99), "retired_at": place or None}
        for place in range(3)
    ]

    def step(tx: Tx) -> list[object]:
        for row in [*rows[1:], {"kid": "other"}]:
            tx.must(KEEP, kid=row["kid"], sealed=b"", made_at=0)
        touched = [tx.each(SEAL, rows), tx.each(SEAL, [])]
        return [touched, *(tx.one(KEPT, kid=kid) for kid in ("号1", "号2", "other"))]

    one, two = ((row["kid"], row["sealed"], 0, row["retired_at"]) for row in rows[1:])
    assert await store.write(step) == [[2, 0], one, two, ("other", b"", 0, None)]
    with pytest.raises(TypeError):
        await store.read(lambda tx: tx.each(SEAL, rows))


MANY = by_rows(
    3,
    "(:name#, :value#)",
    "INSERT INTO meta (name, value)",
    "ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE meta.value <> excluded.value",
)


async def test_a_number_is_added_to_and_read_at_once(store):
    answers = await asyncio.gather(*(store.write(lambda tx: meta.add(tx, "number", 2)) for _ in range(16)))
    assert sorted(answers) == list(range(2, 34, 2))


async def test_many_rows_must_each_be_touched_or_nothing_is(store):
    """A row that is not touched is a conflict, and takes the others with it, on both databases."""
    await store.write(lambda tx: tx.must_each(MANY, [("b", "1"), ("a", "2"), ("c", "3")]))
    await store.write(lambda tx: tx.must_each(MANY, [("b", "4")]))
    await store.write(lambda tx: tx.must_each(MANY, [("a", "2"), ("d", "5")], expect=None))
    with pytest.raises(UnavailableError):
        await store.write(lambda tx: tx.must_each(MANY, [("d", "6"), ("a", "2")]))
    assert [await store.read(lambda tx, name=name: tx.one(GET, name=name)) for name in "abcd"] == [
        ("2",), ("4",), ("3",), ("5",)
    ]  # fmt: skip # one line
    with pytest.raises(TypeError):
        await store.read(lambda tx: tx.must_each(MANY, [("e", "7")]))


async def test_values_come_back_as_they_went(database, store):
    text = "号码 100% :name $1 'quoted' \\ \U0001f600"
    sealed = bytes(range(256))

    def step(tx: Tx) -> list[object]:
        tx.must(KEEP, kid=text, sealed=sealed, made_at=2**62)
        return [
            tx.one(VALUES, whole=-(2**63), flag=True, text=text, nothing=None),
            tx.one(KEPT, kid=text),
            tx.one(SUM),
            tx.one(KEPT, kid="nobody"),
            tx.all(KEPT, kid="nobody"),
        ]

    assert await store.write(step) == [
        (-(2**63), 1, text, None),
        (text, sealed, 2**62, None),
        (2**62, 1, text),
        None,
        [],
    ]


async def test_text_is_sorted_by_its_bytes(database, store):
    names = ["a", "B", "_", "Z", "é", "10", "9", "ä", "b"]
    for name in names:
        await store.write(put(name))
    assert await store.read(lambda tx: tx.all(NAMES)) == [(name,) for name in sorted(names, key=str.encode)]


async def test_a_look_foretold_answers_what_it_would_have_answered(database, store):
    def step(tx: Tx) -> list[object]:
        tx.must(PUT, name="a", value="1")
        tx.soon(GET, name="a")
        tx.soon(GET, name="never asked for")
        seen: list[object] = [tx.one(NAMES) is not None, tx.one(GET, name="a")]
        tx.soon(GET, name="a")
        tx.one(NAMES)
        tx.must(MOVE, name="a", old="1", new="2")
        seen.append(tx.one(GET, name="a"))
        tx.soon(GET, name="a")
        tx.one(NAMES)
        tx.run(MOVE, name="a", old="2", new="3")
        seen.append(tx.all(GET, name="a"))
        tx.soon(GET, name="a")
        return seen

    assert await store.write(step) == [True, ("1",), ("2",), [("3",)]]
    assert await store.read(lambda tx: (tx.soon(GET, name="a"), tx.one(NAMES), tx.one(GET, name="a"))[2]) == (
        "3",
    )
