"""The audit chain shows what was changed, taken out, put in or moved; the janitor forgets only what is long over."""

import asyncio

import pytest

from ostiary.server.core.millis import SECOND
from ostiary.server.delivery.janitor import Janitor
from ostiary.server.delivery.sealer import Sealer
from ostiary.server.storage import audit_seal, leases
from ostiary.server.storage.audit_seal import Head
from ostiary.server.storage.db import Store
from ostiary.server.storage.tx import Sql
from tests.front_door import FrontDoor
from tests.workbench import BIND, LOGIN, Workbench

NUMBERS = [f"+86138001380{last:02}" for last in range(10, 40)]


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def bench(database):
    bench = Workbench(database)
    yield bench
    await bench.close()


async def log_something(bench, changes=2):
    """A few changes of number: each leaves audit rows."""
    for old, new in zip(NUMBERS[: 2 * changes : 2], NUMBERS[1 : 2 * changes : 2], strict=True):
        someone = bench.person(old)
        token = await bench.ready_to_change(someone, new)
        await bench.update(someone, token)


async def sealed(bench):
    await log_something(bench)
    sealer = Sealer(bench.store, bench.ports)
    await sealer.loop.turn()
    return sealer


def verify(bench):
    return bench.store.read_now(lambda tx: audit_seal.verify(tx, bench.ports, Head(), 1_000))


def unsealed(bench):
    return bench.store.read_now(lambda tx: audit_seal.verify_unsealed(tx, bench.ports, 1_000))


def tamper(bench, text, **params):
    assert bench.store.write_now(lambda tx: tx.run(Sql(text), **params)) > 0


def faults(bench):
    return [(found.fault, found.place) for found in verify(bench).breaks]


async def test_rows_get_places_in_a_row_and_an_untouched_chain_holds(bench):
    await log_something(bench)
    rows = bench.one("SELECT count(*) FROM audit")
    assert rows >= 4
    assert unsealed(bench).checked == rows
    assert unsealed(bench).breaks == ()
    await Sealer(bench.store, bench.ports).loop.turn()
    assert [row[0] for row in bench.all("SELECT place FROM audit ORDER BY place")] == list(range(1, rows + 1))
    report = verify(bench)
    assert (report.checked, report.breaks, report.head.place) == (rows, (), rows)
    assert unsealed(bench).checked == 0


async def test_the_chain_goes_on_where_it_ended(bench):
    sealer = await sealed(bench)
    middle = verify(bench).head
    someone = bench.person(NUMBERS[20])
    await bench.update(someone, await bench.ready_to_change(someone, NUMBERS[21]))
    await sealer.loop.turn()
    report = bench.store.read_now(lambda tx: audit_seal.verify(tx, bench.ports, middle, 1_000))
    assert report.checked > 0
    assert report.breaks == ()
    assert faults(bench) == []


async def test_a_changed_row_is_found(bench):
    await sealed(bench)
    tamper(bench, "UPDATE audit SET verdict = 'done!' WHERE place = 2")
    assert faults(bench) == [("row", 2)]


async def test_a_row_with_a_new_mac_breaks_the_chain(bench):
    await sealed(bench)
    tamper(bench, "UPDATE audit SET mac = (SELECT mac FROM audit WHERE place = 1) WHERE place = 2")
    assert faults(bench) == [("row", 2), ("chain", 2)]


async def test_a_row_taken_out_is_found(bench):
    await sealed(bench)
    tamper(bench, "DELETE FROM audit WHERE place = 2")
    assert faults(bench) == [("gap", 3)]


async def test_a_row_under_a_key_that_is_not_ours_is_found_and_stops_nothing(bench):
    await log_something(bench)
    tamper(bench, "UPDATE audit SET key_id = 'theirs' WHERE id = (SELECT min(id) FROM audit)")
    await Sealer(bench.store, bench.ports).loop.turn()
    assert unsealed(bench).checked == 0
    assert faults(bench) == [("key", 1)]


async def test_a_tail_cut_off_shows_against_a_head_kept_elsewhere(bench):
    await sealed(bench)
    kept = verify(bench).head
    tamper(bench, "DELETE FROM audit WHERE place = :place", place=kept.place)
    assert faults(bench) == []
    assert verify(bench).head != kept


async def test_of_two_sealers_one_works_and_the_chain_holds(bench):
    await log_something(bench, changes=5)
    second = Store.open(bench.url, bench.ports)
    try:
        sealers = [Sealer(store, bench.ports) for store in (bench.store, second) for _ in range(2)]
        await asyncio.gather(*(sealer.loop.turn() for sealer in sealers))
    finally:
        await second.close()
    assert unsealed(bench).checked == 0
    assert faults(bench) == []


async def test_a_lease_is_its_holder_s_until_it_ends(bench):
    def hold(holder, now):
        return bench.store.write_now(lambda tx: leases.hold(tx, "job", holder, now, 5 * SECOND))

    assert hold("a", 1_000)
    assert not hold("b", 2_000)
    assert hold("a", 3_000), "its holder prolongs it"
    assert not hold("b", 7_999)
    assert hold("b", 8_000)
    assert not hold("a", 8_001)


async def test_the_janitor_forgets_what_is_long_over_and_nothing_else(bench):
    tables = ("codes", "send_limits", "send_minutes", "outbox", "sessions")
    someone = bench.person(NUMBERS[0])
    await bench.send(someone, BIND, NUMBERS[1])
    await bench.send(bench.stranger(), LOGIN, NUMBERS[0])
    bench.store.write_now(
        lambda tx: tx.run(Sql("UPDATE outbox SET state = 'sent' WHERE id = (SELECT min(id) FROM outbox)"))
    )
    janitor = Janitor(bench.store, bench.ports)

    def counts():
        return {table: bench.one(f"SELECT count(*) FROM {table}") for table in tables}

    before = counts()
    await janitor.round()
    assert counts() == before
    bench.clock.advance(days=8)
    await janitor.round()
    assert counts() == {"codes": 0, "send_limits": 0, "send_minutes": 0, "outbox": 1, "sessions": 1}
    bench.clock.advance(days=8)
    await janitor.round()
    assert counts()["sessions"] == 0
    assert bench.one("SELECT state FROM outbox") == "queued", "what was never sent is not forgotten"


async def test_a_sign_in_is_remembered_as_long_as_the_pool_says_and_as_long_as_it_lives(bench):
    door = FrontDoor(bench)
    bench.policy(login_history_days=20)
    await door.sign_up(username="alice")
    await door.sign_in(username="alice", scope="openid")  # lives 14 days
    bench.clock.advance(days=1)
    await door.sign_in(username="alice")  # lives 30 days
    janitor = Janitor(bench.store, bench.ports)
    left = []
    for days in (19, 2, 9, 2):
        bench.clock.advance(days=days)
        await janitor.round()
        left.append(bench.one("SELECT count(*) FROM logins"))
    assert left == [2, 1, 1, 0]
    bench.service.signer.close()


async def test_the_janitor_goes_on_until_all_is_gone(bench):
    bench.store.write_now(
        lambda tx: [
            tx.run(Sql("INSERT INTO send_limits (key, ends_at) VALUES (:key, 0)"), key=f"k{place}")
            for place in range(450)
        ]
    )
    await Janitor(bench.store, bench.ports).round()
    assert bench.one("SELECT count(*) FROM send_limits") == 0
