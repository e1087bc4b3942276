"""Rows of the operations table: looking at what was done and what was sent.

The incumbent's `get-admin-audit-logs` and `get-user-action-logs` promise an avatar, a place on the map and a parsed
User-Agent in each row. None of that is stored here, so these are operations of our own.
"""

from ostiary.contract.operation import Operation, Who
from ostiary.contract.records import AuditEventPaging, ListAuditEvents, ListMessages, MessagePaging

_WALK = (
    "Newest first, 20 rows unless `limit` says otherwise, 100 at most. One call looks at 20 000 rows at most, so a "
    "page may be short or empty and still have a `next`: ask again with `before` = `next` until there is none."
)

RECORDS: tuple[Operation, ...] = (
    Operation(
        name="list_audit_events",
        method="GET",
        path="/api/v3/list-audit-events",
        who=Who.MANAGEMENT,
        group="Management",
        summary="Read the pool's audit trail.",
        description="What was done or refused, by whom, at which request. Numbers and addresses appear as keyed "
        f"hashes: equal ones are equal. `start` and `end` are milliseconds since 1970. {_WALK}",
        request=ListAuditEvents,
        data=AuditEventPaging,
    ),
    Operation(
        name="list_messages",
        method="GET",
        path="/api/v3/list-messages",
        who=Who.MANAGEMENT,
        group="Management",
        summary="Read what the pool sent, or could not send.",
        description="`state` is `queued` (waits, or waits to be tried again), `sending`, `sent` (the gateway took "
        "it), `withheld` (looks from outside as if it were sent, and never is), `expired` (its code ended before it "
        "could be sent), `no_route` (no sender for its medium) or `dead` (refused for good, or tried until its end). "
        f"`start` and `end` are milliseconds since 1970. {_WALK}",
        request=ListMessages,
        data=MessagePaging,
    ),
)
