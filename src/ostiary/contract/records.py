"""What was done and what was sent: the audit trail and the outbox, to be looked at."""

from typing import Annotated, Literal

from msgspec import Meta

from ostiary.contract.common import Handle, Json, Moment, Wire

MessageState = Literal["queued", "sending", "sent", "withheld", "expired", "no_route", "dead"]
RecordId = Annotated[str, Meta(max_length=24, pattern="^[0-9a-f]*$")]
"""24 hexadecimal digits, the first 12 being the time in milliseconds: later rows have greater IDs."""
PageSize = Annotated[int, Meta(ge=1, le=100)]
Millis = Annotated[int, Meta(ge=0, le=2**47)]
"""Milliseconds since 1970, UTC."""


class ListAuditEvents(Wire, kw_only=True, frozen=True):
    """Which audit rows, newest first. All conditions must hold."""

    user_id: Handle | None = None
    event: Handle | None = None
    verdict: Handle | None = None
    """`done`, or the key of a refusal."""
    request_id: Handle | None = None
    start: Millis | None = None
    """From this time on."""
    end: Millis | None = None
    """Before this time."""
    before: RecordId | None = None
    """`next` of the previous page."""
    limit: PageSize | None = None
    """Default: 20."""


class AuditEventRecord(Wire, kw_only=True, frozen=True):
    """One audit row. In `facts`, numbers and addresses appear only as keyed hashes."""

    id: str
    at: Moment
    event: str
    verdict: str
    user_id: str
    """Empty if no user's account was concerned."""
    actor: str
    """`user`, `management:<access key id>` or `cli`."""
    session_id: str
    app_id: str
    request_id: str
    facts: Json
    place: int | None = None
    """Position in the sealed chain; absent for about a second."""


class AuditEventPaging(Wire, kw_only=True, frozen=True):
    """A page of audit rows."""

    list: list[AuditEventRecord]
    next: str | None = None
    """Pass this as `before` to get the next page. Absent: there are no more."""


class ListMessages(Wire, kw_only=True, frozen=True):
    """Which messages, newest first. All conditions must hold."""

    to: Handle | None = None
    """A complete phone number (E.164) or e-mail address."""
    state: MessageState | None = None
    purpose: Handle | None = None
    """A channel, or the name of a notice."""
    start: Millis | None = None
    """From this time on."""
    end: Millis | None = None
    """Before this time."""
    before: RecordId | None = None
    """`next` of the previous page."""
    limit: PageSize | None = None
    """Default: 20."""


class MessageRecord(Wire, kw_only=True, frozen=True):
    """One message. Its text and code are not included: they are not stored."""

    id: str
    """Sent to the gateway as `webhook-id`."""
    medium: Literal["sms", "email"]
    to: str
    """Masked."""
    purpose: str
    state: MessageState
    attempts: int
    made_at: Moment
    due_at: Moment
    """When the next attempt is due; while it is being sent, when another worker may take it over."""
    ends_at: Moment
    """Not sent at or after this time."""
    settled_at: Moment | None = None
    user_id: str | None = None
    """The user whose request or notice it is."""
    provider_id: str | None = None
    error: str | None = None
    """The last error, without digits."""


class MessagePaging(Wire, kw_only=True, frozen=True):
    """A page of messages."""

    list: list[MessageRecord]
    next: str | None = None
    """Pass this as `before` to get the next page. Absent: there are no more."""
