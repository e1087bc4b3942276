"""However a number changes (update, bind, unbind, administrator, import, deletion), the same things happen.

The number moves, the account's version rises, every code and one-time token of the account dies, the addresses
are told, and an audit row says so: one transaction, all or nothing (phone-change.md §6, I3, I5).
"""

from typing import Literal

from ostiary.server.core.people import Account
from ostiary.server.guards import audit, notices
from ostiary.server.guards.entry import Visit
from ostiary.server.storage import codes, phones, tokens

Event = Literal["phone_changed", "phone_bound", "phone_unbound"]


def move(
    visit: Visit[object],
    account: Account,
    new: str | None,
    *,
    verified: bool = True,
    actor: str = "user",
    by: notices.By = "user",
) -> bool:
    """Make `new` (None: no number) the account's number; False where it is taken, and then nothing has happened.

    `actor` is who did it for the audit log, `by` for the people who are told. The account's row is locked and
    `account.phone` was read under that lock.
    """
    old = account.phone
    if new is not None and not phones.claim(
        visit.tx,
        visit.pool.id,
        new,
        account.user_id,
        verified=verified,
        version=account.phone_version + 1,
        now=visit.now,
    ):
        return False
    if old is not None:
        phones.release(visit.tx, visit.pool.id, old, account.user_id)
    phones.raise_version(visit.tx, account.user_id, account.phone_version, visit.now)
    codes.void_all(visit.tx, visit.pool.id, account.user_id, old, visit.now)
    tokens.void_all(visit.tx, account.user_id, visit.now)
    event = event_of(old, new)
    notices.number_moved(visit, event, account, old, new, by)
    audit.note(
        visit,
        event,
        user_id=account.user_id,
        actor=actor,
        old=audit.contact_hash(visit.ports, visit.pool.id, old),
        new=audit.contact_hash(visit.ports, visit.pool.id, new),
        version=account.phone_version + 1,
    )
    return True


def event_of(old: str | None, new: str | None) -> Event:
    """What the move is called, in notices and in the audit log."""
    if old is None:
        return "phone_bound"
    return "phone_unbound" if new is None else "phone_changed"
