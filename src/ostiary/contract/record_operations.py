"""Rows of the operations table: looking at what was done and what was sent.

The incumbent's `get-admin-audit-logs` and `get-user-action-logs` promise an avatar, a place on the map and a parsed
User-Agent in each row. None of that is stored here, so these are operations of our own.
"""

from ostiary.contract.operation import Operation, Who
from ostiary.contract.records import AuditEventPaging, ListAuditEvents, ListMessages, MessagePaging

_WALK = (
    "Newest first, 20 rows unless `limit` says otherwise, at most 100. One call examines at most 20 000 rows, so a "
    "page may be short or empty and still have a `next`: repeat with `before` = `next` until there is none."
)

RECORDS: tuple[Operation, ...] = (
    Operation(
        name="list_audit_events",
        method="GET",
        path="/api/v3/list-audit-events",
        who=Who.MANAGEMENT,
        group="Management",
        summary="Read the pool's audit trail.",
        description="What was done or refused, by whom, in which request. Numbers and addresses appear as keyed "
        "hashes: equal values have equal hashes. `start` and `end` are in milliseconds since 1970. "
        f"{_WALK}",
        request=ListAuditEvents,
        data=AuditEventPaging,
    ),
    Operation(
        name="list_messages",
        method="GET",
        path="/api/v3/list-messages",
        who=Who.MANAGEMENT,
        group="Management",
        summary="List the messages that the pool sent or could not send.",
        description="`state` is `queued` (waiting for its first or next attempt), `sending`, `sent` (accepted by the "
        "gateway), `withheld` (deliberately never sent, though it looks sent from outside), `expired` "
        "(the code expired before it could be sent), `no_route` (no gateway for its medium) or `dead` "
        f"(refused for good, or given up). `start` and `end` are in milliseconds since 1970. {_WALK}",
        request=ListMessages,
        data=MessagePaging,
    ),
)
