"""However a number or an address changes (update, bind, unbind, administrator, deletion), the same things happen.

The contact moves, the account's version of it rises, every code and one-time token of the account dies, the other
contacts are told, and an audit row says so: one transaction, all or nothing (phone-change.md §6, I3, I5).
"""

from collections.abc import Sequence
from typing import Literal

from ostiary.contract.keys import Key
from ostiary.server.core.audit_events import AuditEvent
from ostiary.server.core.contact import Medium, medium_of
from ostiary.server.core.people import Account, Session
from ostiary.server.core.refused import Refused
from ostiary.server.core.second_factor import Kind
from ostiary.server.guards import audit, notices, passcodes
from ostiary.server.guards.entry import Step, Visit
from ostiary.server.guards.passcodes import Proof, Typed
from ostiary.server.guards.sessions import judge_second_factor
from ostiary.server.storage import codes, factors, sessions, tokens
from ostiary.server.storage.contacts import BOOKS

Event = Literal[
    "phone_changed", "phone_bound", "phone_unbound", "email_changed", "email_bound", "email_unbound"
]
_CALLED: dict[Medium, tuple[Event, Event, Event]] = {
    "sms": ("phone_bound", "phone_changed", "phone_unbound"),
    "email": ("email_bound", "email_changed", "email_unbound"),
}
KIND_OF: dict[Medium, Kind] = {"sms": "SMS", "email": "EMAIL"}
"""Which kind of second factor has its codes sent there."""
TAKEN: dict[Medium, Key] = {"sms": Key.PHONE_TAKEN, "email": Key.EMAIL_TAKEN}


def move(
    visit: Visit[object],
    account: Account,
    medium: Medium,
    new: str | None,
    *,
    verified: bool = True,
    actor: str = "user",
    by: notices.By = "user",
    tell: bool = True,
    keep: Session | None = None,
    spent: str = "",
) -> bool:
    """Make `new` (None: none) the account's number or address; False where it is taken, and nothing has happened then.

    With `keep`, every other session of the account ends. `spent`: the kind of the one-time token that this spends.
    `actor` is who did it for the audit log, `by` for the people who are told (`tell`: unless they are told already).
    The account's row is locked and `account` was read under that lock.
    """
    old, version = (
        (account.phone, account.phone_version) if medium == "sms" else (account.email, account.email_version)
    )
    book, pool_id = BOOKS[medium], visit.pool.id
    if new is not None and not book.claim(
        visit.tx, pool_id, new, account.user_id, verified=verified, version=version + 1, now=visit.now
    ):
        return False
    if old is not None:
        book.release(visit.tx, pool_id, old, account.user_id)
    if keep is None:
        book.raise_version(visit.tx, account.user_id, version, visit.now)
    else:
        book.raise_version(visit.tx, account.user_id, version, visit.now, epoch=account.session_epoch)
        sessions.take_along(visit.tx, account.user_id, account.session_epoch, keep.id)
    codes.void_all(visit.tx, pool_id, account.user_id, old, visit.now)
    tokens.void_all(visit.tx, account.user_id, visit.now, spent=spent)
    event = event_of(medium, old, new)
    if tell:
        notices.contact_moved(visit, event, account, old, new, by, proven=verified)
    audit.note(
        visit,
        event,
        user_id=account.user_id,
        actor=actor,
        old=audit.contact_hash(visit.ports, pool_id, old),
        new=audit.contact_hash(visit.ports, pool_id, new),
        version=version + 1,
    )
    return True


def move_own(step: Step[object], medium: Medium, new: str | None, *, spent: str = "") -> bool:
    """The signed-in user's own move: every other session ends with it, where the pool says so.

    A second factor whose codes went to the old contact goes along.
    `spent`: the kind of the one-time token it was granted with, looked at in this transaction; it is used up with the
    move, while all others of the user are voided, and a retry is told that it is done.
    """
    keep = step.session if step.pool.policy.end_other_sessions else None
    moved = move(step, step.account, medium, new, keep=keep, spent=spent)
    if moved and new is not None:
        _take_factor_along(step, medium, new)
    return moved


def _take_factor_along(step: Step[object], medium: Medium, new: str) -> None:
    """Move an SMS or e-mail factor with the contact, so that the old contact's next holder gets no codes.

    Only if this session has used a second factor: such a session could have enrolled the new contact itself.
    """
    old = step.account.phone if medium == "sms" else step.account.email
    kind = KIND_OF[medium]
    if old is None or kind not in step.account.factors or judge_second_factor(step) is not None:
        return  # known since the account was read: a change without such a factor asks nothing
    if factors.follow(step.tx, step.account.user_id, kind, old, new):
        audit.note(
            step,
            "factor_followed",
            user_id=step.account.user_id,
            factor=kind,
            old=audit.contact_hash(step.ports, step.pool.id, old),
            new=audit.contact_hash(step.ports, step.pool.id, new),
        )


def prove(step: Step[object], typed: Sequence[Typed], new: str) -> tuple[Proof, ...] | Refused:
    """Rows 6 to 10: `passcodes.prove`, the first code being that of the contact that is to become the user's.

    Refused also: `phone_taken`, `email_taken`. A taken contact uses the code that proved it up, and leaves the old one's.
    """
    book = BOOKS[medium_of(new)]
    book.holder_soon(step.tx, step.pool.id, new)
    proofs = passcodes.prove(step, typed)
    if isinstance(proofs, Refused) or book.holder(step.tx, step.pool.id, new) is None:
        return proofs
    passcodes.use(step, proofs[0])
    return Refused(TAKEN[medium_of(new)])


def note(
    step: Step[object], event: AuditEvent, verdict: Refused | str, medium: Medium, new: str | None = None
) -> None:
    """An audit row about the signed-in user's contact: which it is, and which it was to become."""
    old = step.account.phone if medium == "sms" else step.account.email
    audit.note(
        step,
        event,
        verdict,
        user_id=step.account.user_id,
        old=audit.contact_hash(step.ports, step.pool.id, old),
        new=audit.contact_hash(step.ports, step.pool.id, new),
    )


def mark(visit: Visit[object], account: Account, medium: Medium, *, verified: bool) -> None:
    """An administrator says whether the account's number or address is proven: what was granted before is over.

    An address whose proof is taken back counts as another one, set by the administrator: one of the first version may
    be a stranger's word (`guards/first_proof`). The account's row is locked.
    """
    contact = account.phone if medium == "sms" else account.email
    assert contact is not None
    book = BOOKS[medium]
    book.mark(visit.tx, visit.pool.id, contact, account.user_id, verified=verified)
    if medium == "email" and not verified:
        book.raise_version(visit.tx, account.user_id, account.email_version, visit.now)
    tokens.void_all(visit.tx, account.user_id, visit.now)


def free(visit: Visit[object], account: Account, *, actor: str, by: notices.By = "deletion") -> None:
    """Take both contacts off an account that goes; who held them is told once."""
    if account.phone is not None:
        move(visit, account, "sms", None, actor=actor, by=by)
    if account.email is not None:
        move(visit, account, "email", None, actor=actor, by=by, tell=account.phone is None)


def event_of(medium: Medium, old: str | None, new: str | None) -> Event:
    """What the move is called, in notices and in the audit log."""
    bound, changed, unbound = _CALLED[medium]
    if old is None:
        return bound
    return unbound if new is None else changed
