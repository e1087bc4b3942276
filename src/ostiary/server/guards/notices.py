"""Telling people what happened to their account, at every address that is theirs (phone-change.md §6).

Notices are refused by no limit and no country list, retried for 72 hours, and outlive the sessions they tell of.
"""

from collections.abc import Mapping
from typing import Any, Literal

from ostiary.server.core.contact import Medium, medium_of
from ostiary.server.core.masking import mask_contact
from ostiary.server.core.millis import HOUR
from ostiary.server.core.people import Account
from ostiary.server.guards.entry import Visit
from ostiary.server.storage import outbox
from ostiary.server.storage.outbox import Message

NOTICE_LIFE = 72 * HOUR

By = Literal["user", "administrator", "deletion"]
"""Whose doing it was, as the text says it: with "user", it names the device instead."""


def language_for_asker(visit: Visit[object], account: Account | None) -> str:
    """In which language to write to who has just asked for it: the request's choice, else the user's, else the pool's."""
    if visit.call.lang_given:
        return visit.call.lang
    return (account.locale if account else None) or visit.pool.locale


def contact_moved(
    visit: Visit[object],
    event: str,
    account: Account,
    old: str | None,
    new: str | None,
    by: By = "user",
    *,
    proven: bool = True,
) -> None:
    """Tell the old contact, the new one, and the account's verified contact of the other medium.

    `event`: phone_changed, _bound, _unbound, and the same of `email`. An address that nobody has proven is not
    believed to be its owner's, and is told nothing (ADR 0012); `proven` says it of the new one.
    """
    facts = {"old": old and mask_contact(old), "new": new and mask_contact(new), "event": event, "by": by}
    moved = next(medium_of(contact) for contact in (new, old) if contact is not None)
    told: list[Message] = []
    for contact, believed in ((old, account.email_verified), (new, proven)):
        if contact is not None and (believed or moved == "sms"):
            to = "old" if contact == old else "new"
            told.append(_notice(visit, event, account, moved, contact, facts | {"to": to}))
    if moved == "sms" and account.email is not None and account.email_verified:
        told.append(_notice(visit, event, account, "email", account.email, facts | {"to": "email"}))
    if moved == "email" and account.phone is not None and account.phone_verified:
        told.append(_notice(visit, event, account, "sms", account.phone, facts | {"to": "phone"}))
    if told:
        outbox.queue(visit.tx, *told)


def factor_event(visit: Visit[object], event: str, account: Account, kind: str, by: By = "user") -> None:
    """Tell, at every verified address, what became of a second factor. `event`: factor_enrolled, factor_removed."""
    account_event(visit, event, account, factor=kind, by=by)


def account_event(visit: Visit[object], event: str, account: Account, **more: str) -> None:
    """Tell, at every verified address, what was done to the account: password_changed, password_reset, guesses_half.

    `more`: facts that the event's text names (`channel`, `factor`, `by`).
    """
    facts = {"event": event, **more}
    if account.phone is not None and account.phone_verified:
        _queue(visit, event, account, "sms", account.phone, facts)
    if account.email is not None and account.email_verified:
        _queue(visit, event, account, "email", account.email, facts)


def language_for_recipient(visit: Visit[object], account: Account) -> str:
    """In which language to tell somebody, who need not be who asks: their own first, else the request's, else the pool's."""
    return account.locale or (visit.call.lang if visit.call.lang_given else visit.pool.locale)


def _queue(
    visit: Visit[object],
    purpose: str,
    account: Account,
    medium: Medium,
    recipient: str,
    facts: Mapping[str, Any],
) -> None:
    outbox.queue(visit.tx, _notice(visit, purpose, account, medium, recipient, facts))


def _notice(
    visit: Visit[object],
    purpose: str,
    account: Account,
    medium: Medium,
    recipient: str,
    facts: Mapping[str, Any],
) -> Message:
    return Message(
        id=outbox.new_id(visit.ports, visit.now),
        pool_id=visit.pool.id,
        user_id=account.user_id,
        medium=medium,
        recipient=recipient,
        purpose=purpose,
        facts={**facts, "at": visit.now, "device": visit.call.device},
        lang=language_for_recipient(visit, account),
        state="queued",
        made_at=visit.now,
        due_at=visit.now,
        ends_at=visit.now + NOTICE_LIFE,
    )
