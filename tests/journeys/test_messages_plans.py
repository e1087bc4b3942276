"""A million messages behave like a thousand: every statement of the background finds its rows by an index."""

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
VALUES = {"limit": 3, "outcomes": "[]", "states": "[]", "chain": b""}
VALUES |= dict.fromkeys(("now", "until", "place", "before", "before_second"), 1)
VALUES |= dict.fromkeys(
    ("after", "recipient", "id", "before_id", "pool_id", "owner", "target", "channel", "besides"), "x"
)
SMALL = {"audit_unsealed": "audit", "outbox_due": "outbox_due"}
"""Partial indexes over what waits, which may be read from end to end, and what `explain` then calls them."""


@pytest.mark.parametrize(("sql", "wanted"), EXPECTED, ids=lambda one: one if isinstance(one, str) else "")
async def test_rows_are_found_by_index(database, sql, wanted):
    await Workbench(database).close()
    named = {name: value for name, value in VALUES.items() if f":{name}" in sql.sqlite}
    plan = explain(database, sql, **named)
    names = wanted.split("|")
    assert any(index in plan.indexes or (index in SMALL and index in plan.text) for index in names), plan.text
    # json_each: the statement's own list.
    assert plan.whole <= {"json_each", *(SMALL[index] for index in names if index in SMALL)}, plan.text
