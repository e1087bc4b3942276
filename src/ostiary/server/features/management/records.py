"""Looking at what was done and what was sent."""

from ostiary.contract.records import (
    AuditEventPaging,
    AuditEventRecord,
    ListAuditEvents,
    ListMessages,
    MessagePaging,
    MessageRecord,
)
from ostiary.server.core.call import Call
from ostiary.server.core.masking import mask_contact
from ostiary.server.core.moments import iso
from ostiary.server.core.refused import Refused
from ostiary.server.features.management import records_rules as rules
from ostiary.server.features.management.errands import look
from ostiary.server.features.management.records_rules import Wanted
from ostiary.server.guards.entry import Errand
from ostiary.server.guards.service import Service
from ostiary.server.storage import records
from ostiary.server.storage.outbox import Stored
from ostiary.server.storage.records import AuditEvent, Span


async def list_audit_events(
    service: Service, call: Call, form: ListAuditEvents | Refused
) -> AuditEventPaging | Refused:
    """Read the pool's audit trail."""
    return await look(service, call, form, rules.read_events, _events)


async def list_messages(
    service: Service, call: Call, form: ListMessages | Refused
) -> MessagePaging | Refused:
    """Read what the pool sent, or could not send."""
    return await look(service, call, form, rules.read_messages, _messages)


def _events(errand: Errand[Wanted]) -> AuditEventPaging:
    ask = errand.ask
    page = records.audit_events(errand.tx, errand.pool.id, _span(ask), ask.limit, **ask.having)
    return AuditEventPaging(list=[_event(row) for row in page.rows], next=page.next)


def _messages(errand: Errand[Wanted]) -> MessagePaging:
    ask = errand.ask
    page = records.messages(errand.tx, errand.pool.id, _span(ask), ask.limit, **ask.having)
    return MessagePaging(list=[_message(row) for row in page.rows], next=page.next)


def _span(ask: Wanted) -> Span:
    """The ids between the two moments, and before the place where the last page ended."""
    ends = [records.LAST if ask.end is None else records.moment_id(ask.end), ask.before or records.LAST]
    return Span(before=min(ends), since=records.FIRST if ask.start is None else records.moment_id(ask.start))


def _event(row: AuditEvent) -> AuditEventRecord:
    return AuditEventRecord(
        id=row.id,
        at=iso(row.at),
        event=row.event,
        verdict=row.verdict,
        user_id=row.user_id,
        actor=row.actor,
        session_id=row.session_id,
        app_id=row.app_id,
        request_id=row.request_id,
        facts=dict(row.facts),
        place=row.place,
    )


def _message(row: Stored) -> MessageRecord:
    return MessageRecord(
        id=row.id,
        medium=row.medium,
        to=mask_contact(row.recipient),
        purpose=row.purpose,
        state=row.state,
        attempts=row.attempts,
        made_at=iso(row.made_at),
        due_at=iso(row.due_at),
        ends_at=iso(row.ends_at),
        settled_at=iso(row.settled_at) if row.settled_at is not None else None,
        user_id=row.user_id,
        provider_id=row.provider_id or None,
        error=row.error,
    )
