"""What was done and what was sent: the audit trail and the outbox, to be looked at."""

from typing import Annotated, Literal

from msgspec import Meta

from ostiary.contract.common import Handle, Json, Moment, Wire

MessageState = Literal["queued", "sending", "sent", "withheld", "expired", "no_route", "dead"]
RecordId = Annotated[str, Meta(max_length=24, pattern="^[0-9a-f]*$")]
"""24 hex digits, the first 12 of them the moment in milliseconds: later rows have greater ids."""
PageSize = Annotated[int, Meta(ge=1, le=100)]
Millis = Annotated[int, Meta(ge=0, le=2**47)]
"""Milliseconds since 1970, UTC."""


class ListAuditEvents(Wire, kw_only=True, frozen=True):
    """Which audit rows, newest first. Conditions hold together."""

    user_id: Handle | None = None
    event: Handle | None = None
    verdict: Handle | None = None
    """`done`, or the key of a refusal."""
    request_id: Handle | None = None
    start: Millis | None = None
    """From this moment on."""
    end: Millis | None = None
    """Before this moment."""
    before: RecordId | None = None
    """`next` of the page before."""
    limit: PageSize | None = None
    """20 where absent."""


class AuditEventRecord(Wire, kw_only=True, frozen=True):
    """One audit row. Numbers and addresses stand in `facts` as keyed hashes only."""

    id: str
    at: Moment
    event: str
    verdict: str
    user_id: str
    """Empty where nobody's account was meant."""
    actor: str
    """`user`, `management:<access key id>` or `cli`."""
    session_id: str
    app_id: str
    request_id: str
    facts: Json
    place: int | None = None
    """In the sealed chain; absent for about a second."""


class AuditEventPaging(Wire, kw_only=True, frozen=True):
    """A page of audit rows."""

    list: list[AuditEventRecord]
    next: str | None = None
    """Ask again with `before` = this; absent: that was all."""


class ListMessages(Wire, kw_only=True, frozen=True):
    """Which messages, newest first. Conditions hold together."""

    to: Handle | None = None
    """A whole number (E.164) or address."""
    state: MessageState | None = None
    purpose: Handle | None = None
    """A channel, or the name of a notice."""
    start: Millis | None = None
    """From this moment on."""
    end: Millis | None = None
    """Before this moment."""
    before: RecordId | None = None
    """`next` of the page before."""
    limit: PageSize | None = None
    """20 where absent."""


class MessageRecord(Wire, kw_only=True, frozen=True):
    """One message. Its text and its code are not told: they stand nowhere."""

    id: str
    """The gateway got it as `webhook-id`."""
    medium: Literal["sms", "email"]
    to: str
    """Masked."""
    purpose: str
    state: MessageState
    attempts: int
    made_at: Moment
    due_at: Moment
    """When it is tried next; while it is being sent, when another worker may take it."""
    ends_at: Moment
    """Not sent at or after this moment."""
    settled_at: Moment | None = None
    user_id: str | None = None
    """Whose request, or whose notice."""
    provider_id: str | None = None
    error: str | None = None
    """What went wrong last, without digits."""


class MessagePaging(Wire, kw_only=True, frozen=True):
    """A page of messages."""

    list: list[MessageRecord]
    next: str | None = None
    """Ask again with `before` = this; absent: that was all."""
