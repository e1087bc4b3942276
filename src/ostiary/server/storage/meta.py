"""The few facts of an installation that are not about anybody: name → text."""

from ostiary.server.storage.tx import Sql, Tx

CLOCK_OFFSET = "dev_clock_offset"
"""Milliseconds by which the dev clock was moved on, over all calls."""
DEV_POOL = "dev_pool"
"""The pool that dev mode made; only such databases are served in dev mode, and only there."""
DEV_INBOX_FROM = "dev_inbox_from"
"""The newest outbox id when the dev inbox was last emptied."""

_GET = Sql("SELECT value FROM meta WHERE name = :name")
_PUT = Sql(
    "INSERT INTO meta (name, value) VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_ADD = Sql(
    "INSERT INTO meta (name, value) VALUES (:name, CAST(CAST(:amount AS INTEGER) AS TEXT))"
    " ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(meta.value AS INTEGER) + CAST(:amount AS INTEGER) AS TEXT)"
    " RETURNING value",
    postgresql="INSERT INTO meta (name, value) VALUES (:name, CAST(CAST(:amount AS BIGINT) AS TEXT))"
    " ON CONFLICT (name) DO UPDATE"
    " SET value = CAST(CAST(meta.value AS BIGINT) + CAST(:amount AS BIGINT) AS TEXT)"
    " RETURNING value",
)
_NEWEST_MOMENT = Sql("SELECT at FROM audit ORDER BY id DESC LIMIT 1")


def get(tx: Tx, name: str) -> str | None:
    """One fact, or None."""
    row = tx.one(_GET, name=name)
    return None if row is None else str(row[0])


def put(tx: Tx, name: str, value: str) -> None:
    """Write one fact, over what was there."""
    tx.run(_PUT, name=name, value=value)


def get_int(tx: Tx, name: str) -> int:
    """One number, 0 where there is none."""
    return int(get(tx, name) or 0)


def add(tx: Tx, name: str, amount: int) -> int:
    """Add to a number (0 where there was none); what it is now."""
    row = tx.one(_ADD, name=name, amount=amount)
    assert row is not None
    return int(row[0])


def newest_moment(tx: Tx) -> int:
    """The newest moment that something was stored at, by the audit trail; 0 where there is nothing."""
    row = tx.one(_NEWEST_MOMENT)
    return int(row[0]) if row else 0
