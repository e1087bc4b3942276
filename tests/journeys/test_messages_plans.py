"""A million messages behave like a thousand: every statement of the background finds its rows by an index."""

from contextlib import closing

import psycopg
import pytest

from ostiary.server.storage import audit_seal, codes, outbox
from ostiary.server.storage.janitor import RUBBISH
from tests.explain import explain
from tests.workbench import Workbench

EXPECTED = [
    (outbox._NEXT_DUE, "outbox_due"),
    (outbox._CLAIM, "outbox_due"),
    (outbox._SETTLE, "outbox_pkey|outbox_due"),
    (outbox._NEWEST, "outbox_pkey"),
    (outbox._NEWEST_TO, "outbox_by_recipient"),
    (audit_seal._ANY_UNSEALED, "audit_unsealed"),
    (audit_seal._UNSEALED, "audit_unsealed"),
    (audit_seal._SEALED_AFTER, "audit_by_place"),
    (audit_seal._SEAL, "audit_pkey|audit_unsealed"),
    (codes._LIVE_TARGETS, "codes_of_owner"),
    (codes._VOID_OWN, "codes_of_owner"),
    (codes._VOID_NOBODYS, "codes_pkey"),
    (RUBBISH["codes"].delete, "codes_by_end"),
    (RUBBISH["guess_counters"].delete, "guess_counters_by_end"),
    (RUBBISH["send_limits"].delete, "send_limits_by_end"),
    (RUBBISH["send_minutes"].delete, "send_minutes_by_minute"),
    (RUBBISH["sessions"].delete, "sessions_by_end"),
    (RUBBISH["refresh_tokens"].delete, "sessions_by_end"),
    (RUBBISH["messages"].delete, "outbox_pkey"),
]
VALUES = {"limit": 3, "rows": "[]", "states": "[]", "chain": b""}
VALUES |= dict.fromkeys(("now", "until", "place", "before", "before_second"), 1)
VALUES |= dict.fromkeys(
    ("after", "recipient", "id", "before_id", "pool_id", "owner", "target", "channel", "besides"), "x"
)
SMALL = {"audit_unsealed": "audit", "outbox_due": "outbox_due"}
"""Partial indexes over what waits, which may be read from end to end, and what `explain` then calls them."""


@pytest.mark.parametrize(("sql", "wanted"), EXPECTED, ids=lambda one: one if isinstance(one, str) else "")
async def test_rows_are_found_by_index(database, sql, wanted):
    await Workbench(database).close()
    named = {name: value for name, value in VALUES.items() if f":{name}" in sql.text}
    plan = explain(database, sql, **named)
    names = wanted.split("|")
    assert any(index in plan.indexes or (index in SMALL and index in plan.text) for index in names), plan.text
    # json_each: the statement's own list.
    assert plan.whole <= {"json_each", *(SMALL[index] for index in names if index in SMALL)}, plan.text


async def test_postgresql_reads_no_table_whole_while_it_grows(postgres_url):
    """After a quiet night it knows its tables to be empty; plans made then are kept while they fill."""
    bench = Workbench(postgres_url)
    with closing(psycopg.connect(postgres_url, autocommit=True)) as connection:
        connection.execute("VACUUM ANALYZE")

    async def change(place: int) -> None:
        ann, new = bench.person(f"+861380000{place:04}"), f"+861390000{place:04}"
        await bench.update(ann, await bench.ready_to_change(ann, new))
        assert bench.phone(ann.user_id) == new

    for place in range(30):  # one by one: on one connection, which soon keeps its plans
        await change(place)
    await bench.store.write(lambda tx: outbox.claim(tx, bench.ports.now(), 100, 1_000))
    await bench.store.write(lambda tx: audit_seal.seal(tx, bench.ports, 1_000))
    await bench.close()  # a session that ends tells what it read
    grows = ("audit", "codes", "one_time_tokens", "outbox", "phones", "send_limits", "send_minutes", "users")
    with closing(psycopg.connect(postgres_url)) as connection:
        looked = "SELECT relname, seq_tup_read, idx_scan FROM pg_stat_user_tables WHERE relname = ANY(%s)"
        counted = {name: scans for name, *scans in connection.execute(looked, (list(grows),))}
    assert {name: rows for name, (rows, _) in counted.items()} == dict.fromkeys(grows, 0)
    once = {"audit"}  # sealed in one statement
    assert all(by_index >= (1 if name in once else 30) for name, (_, by_index) in counted.items()), counted
