"""However an account gets another password (its owner, a reset, an administrator), the same things happen.

The password is stored, and what was granted under the one before is over: codes, one-time tokens, sessions. One
transaction, all or nothing; the audit row is the caller's, which knows how it came to this.
"""

from typing import Literal

from ostiary.server.core.people import Session
from ostiary.server.guards import new_passwords, notices, sign_in_limits
from ostiary.server.guards.entry import Visit
from ostiary.server.storage import codes, sessions, tokens
from ostiary.server.storage.users import UserRow


def set_password(
    visit: Visit[object],
    user: UserRow,
    password_hash: str,
    *,
    keep: Session | None = None,
    unlock: bool = False,
    tell: Literal["password_changed", "password_reset"] | None = None,
) -> None:
    """Give a user another password. Their row is locked and `user` was read under that lock.

    `keep`: the session that the owner sets it in. It stays, and whether the others end is the pool's choice
    (`endOtherSessions`). None: whoever is signed in may be a stranger, so every session ends.
    `unlock`: the owner has just proven a number or an address, so wrong passwords of others lock them out no more. Only
    then: an old password and an administrator's word prove no contact.
    `tell`: the notice to every verified contact. None: the administrator, whose doing it is, tells people themselves.
    """
    new_passwords.store(visit.tx, user, password_hash, visit.pool.policy, visit.now)
    for contact in (user.phone, user.email):
        codes.void_all(visit.tx, visit.pool.id, user.id, contact, visit.now)
    tokens.void_all(visit.tx, user.id, visit.now)
    if keep is None or visit.pool.policy.end_other_sessions:
        kept = keep.id if keep is not None else ""
        sessions.raise_epoch(visit.tx, user.id, user.session_epoch, keep=kept)
    if unlock:
        sign_in_limits.unlock(visit, user)
    if tell is not None:
        notices.account_event(visit, tell, user.account)
