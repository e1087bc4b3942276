"""Reading the audit trail: page by page in the order of its ids, which is the order of time; and single places."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ostiary.server.storage.audit_seal import Head
from ostiary.server.storage.tx import Row, Sql, Tx


@dataclass(frozen=True, slots=True)
class Entry:
    """One row, whole. `place` and `chain` are None while it is not sealed."""

    id: str
    pool_id: str
    at: int
    event: str
    verdict: str
    user_id: str
    actor: str
    session_id: str
    app_id: str
    request_id: str
    facts: dict[str, Any]
    key_id: str
    mac: bytes
    place: int | None
    chain: bytes | None


_COLUMNS = "id, pool_id, at, event, verdict, user_id, actor, session_id, app_id, request_id, facts, key_id, mac, place, chain"
_PAGE = Sql(
    f"""
    SELECT {_COLUMNS} FROM audit
    WHERE id > :after AND id < :until
      AND (:pool_id = '' OR pool_id = :pool_id) AND (:user_id = '' OR user_id = :user_id)
      AND (:event = '' OR event = :event)
    ORDER BY id LIMIT :limit
    """
)
_AT = Sql("SELECT place, chain FROM audit WHERE place = :place")
_LAST_UNSEALED = Sql(
    "SELECT max(id) FROM (SELECT id FROM audit WHERE place IS NULL AND id > :after ORDER BY id LIMIT :limit) AS page"
)
_UNSEALED_BEFORE = Sql("SELECT count(*) FROM audit WHERE place IS NULL AND at < :before")


def page(
    tx: Tx,
    after: str,
    limit: int,
    *,
    until: str = "g",
    pool_id: str = "",
    user_id: str = "",
    event: str = "",
) -> Sequence[Entry]:
    """Up to `limit` rows behind an id; ids begin with their moment (12 hex digits of ms). '' filters nothing."""
    rows = tx.all(_PAGE, after=after, until=until, pool_id=pool_id, user_id=user_id, event=event, limit=limit)
    return [_entry(row) for row in rows]


def at(tx: Tx, place: int) -> Head | None:
    """The chain as it stood when it had this many rows; None where it never had, or the row is gone."""
    row = tx.one(_AT, place=place)
    return None if row is None else Head(row[0], bytes(row[1]))


def last_unsealed(tx: Tx, after: str, limit: int) -> str | None:
    """The last id of the next `limit` rows behind an id that are not sealed; None where there are no more."""
    row = tx.one(_LAST_UNSEALED, after=after, limit=limit)
    return None if row is None else row[0]


def unsealed_before(tx: Tx, moment: int) -> int:
    """How many rows that are older than a moment have not been sealed."""
    row = tx.one(_UNSEALED_BEFORE, before=moment)
    return int(row[0]) if row else 0


def _entry(row: Row) -> Entry:
    chain = None if row[14] is None else bytes(row[14])
    fields: Row = (*row[:10], msgspec.json.decode(row[10]), row[11], bytes(row[12]), row[13], chain)
    return Entry(*fields)
