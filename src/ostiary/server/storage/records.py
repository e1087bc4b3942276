"""What was done and what was sent, for people who look: newest first, from a place on.

1. Ids begin with their moment (12 hex digits of ms), so the primary key is the order of time and a span of it.
2. One call looks at `MOST_LOOKED` rows at most, however rare what it filters for is, and says where to go on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from ostiary.server.storage.outbox import COLUMNS as MESSAGE_COLUMNS
from ostiary.server.storage.outbox import Stored, stored
from ostiary.server.storage.tx import Row, Sql, Tx

MOST_LOOKED = 20_000
FIRST, LAST = "", "g"
"""Before and behind every id there is: they are hex digits."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows, newest first."""

    rows: list[T]
    next: str | None
    """Where to go on (`before`); None: all was looked at."""


@dataclass(frozen=True, slots=True)
class Span:
    """Which ids: from `since` on, before `before`."""

    before: str = LAST
    since: str = FIRST


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """An audit row as it may be read. `facts` has numbers and addresses as keyed hashes only."""

    id: str
    at: int
    event: str
    verdict: str
    user_id: str
    actor: str
    session_id: str
    app_id: str
    request_id: str
    facts: Mapping[str, Any]
    place: int | None
    """In the sealed chain; None for about a second."""


def moment_id(moment: int) -> str:
    """The least id of what was made at this moment (ms)."""
    return f"{max(0, moment):012x}"


class _Walk:
    """Two statements over the same rows: those that fit, and how far they reach."""

    def __init__(self, table: str, columns: str, narrow: str, filters: tuple[str, ...]) -> None:
        looked = f"FROM {table} WHERE {narrow} id < :before AND id >= :since ORDER BY id DESC LIMIT :most"
        fits = " AND ".join(f"(:{name} = '' OR {name} = :{name})" for name in filters)
        self.page = Sql(
            f"SELECT {columns} FROM (SELECT * {looked}) AS looked WHERE pool_id = :pool_id AND {fits}"
            " ORDER BY id DESC LIMIT :limit"
        )
        self.reach = Sql(f"SELECT count(*), min(id) FROM (SELECT id {looked}) AS looked")

    def __call__(
        self, tx: Tx, span: Span, limit: int, narrow: Mapping[str, str], wanted: Mapping[str, str]
    ) -> Page[Row]:
        bounds = {"before": span.before, "since": span.since, "most": MOST_LOOKED, **narrow}
        rows = tx.all(self.page, limit=limit, **bounds, **wanted)
        if len(rows) == limit:
            return Page(rows, rows[-1][0])
        reach = tx.one(self.reach, **bounds)
        assert reach is not None
        return Page(rows, reach[1] if reach[0] == MOST_LOOKED else None)


_AUDIT = "id, at, event, verdict, user_id, actor, session_id, app_id, request_id, facts, place"
_AUDIT_FILTERS = ("event", "verdict", "request_id")
EVENTS = _Walk("audit", _AUDIT, "", _AUDIT_FILTERS)
EVENTS_OF_USER = _Walk("audit", _AUDIT, "user_id = :user_id AND", _AUDIT_FILTERS)
_MESSAGE_FILTERS = ("state", "purpose")
MESSAGES = _Walk("outbox", MESSAGE_COLUMNS, "", _MESSAGE_FILTERS)
MESSAGES_TO = _Walk("outbox", MESSAGE_COLUMNS, "recipient = :recipient AND", _MESSAGE_FILTERS)


def audit_events(
    tx: Tx,
    pool_id: str,
    span: Span,
    limit: int,
    *,
    user_id: str = "",
    event: str = "",
    verdict: str = "",
    request_id: str = "",
) -> Page[AuditEvent]:
    """A pool's audit rows; '' filters nothing."""
    wanted = {"pool_id": pool_id, "event": event, "verdict": verdict, "request_id": request_id}
    if user_id:
        found = EVENTS_OF_USER(tx, span, limit, {"user_id": user_id}, wanted)
    else:
        found = EVENTS(tx, span, limit, {}, wanted)
    return Page([_event(row) for row in found.rows], found.next)


def messages(
    tx: Tx, pool_id: str, span: Span, limit: int, *, recipient: str = "", state: str = "", purpose: str = ""
) -> Page[Stored]:
    """A pool's messages; '' filters nothing."""
    wanted = {"pool_id": pool_id, "state": state, "purpose": purpose}
    if recipient:
        found = MESSAGES_TO(tx, span, limit, {"recipient": recipient}, wanted)
    else:
        found = MESSAGES(tx, span, limit, {}, wanted)
    return Page([stored(row) for row in found.rows], found.next)


def _event(row: Row) -> AuditEvent:
    fields: Row = (*row[:9], msgspec.json.decode(row[9]), row[10])
    return AuditEvent(*fields)
