"""An address is proven for the first time, by a code: its owner gets the account, and nobody else keeps a way in.

Whoever typed it at a sign-up may have been a stranger who waits for its owner to come (account pre-hijacking). What a
stranger can have left there goes: password, sessions, what waits for a second factor, one-time tokens, and the second
factors with their recovery code, which would keep the owner out of an account that is theirs.
"""

from dataclasses import replace

from ostiary.server.guards import audit, second_factors, sessions
from ostiary.server.guards.entry import Visit
from ostiary.server.storage import emails, tokens, users
from ostiary.server.storage.users import UserRow


def by_owner(visit: Visit[object], user: UserRow, address: str) -> UserRow:
    """Who holds an unproven address has typed its code: the user as they are from now on.

    The account is theirs, but in two cases. An address that an administrator set (its version is not the first one) was
    typed by no stranger: it is proven, and nothing goes. And where the application asks everybody for a second factor
    and the account has one, the code proves nothing yet: without that factor nobody would get in here any more.

    The user's row is locked and `user` was read under that lock.
    """
    if user.email_version > 0:
        emails.verify(visit.tx, visit.pool.id, address, user.id)
        _note(visit, user, address, password_dropped=False)
        return replace(user, email_verified=True)
    if second_factors.wanted_by_app(visit) and second_factors.enrolled(visit, user.account):
        return user
    return _taken_over(visit, user, address)


def _taken_over(visit: Visit[object], user: UserRow, address: str) -> UserRow:
    emails.verify(visit.tx, visit.pool.id, address, user.id)
    if user.password_hash is not None:
        users.drop_password(visit.tx, user.id, visit.now)
    sessions.end_all(visit, user.account)
    tokens.void_all(visit.tx, user.id, visit.now)
    _note(visit, user, address, password_dropped=user.password_hash is not None)
    after = users.load(visit.tx, visit.pool.id, user.id)
    assert after is not None
    second_factors.remove_all(visit, after.account)
    return after


def _note(visit: Visit[object], user: UserRow, address: str, *, password_dropped: bool) -> None:
    audit.note(
        visit,
        "email_proven",
        user_id=user.id,
        password_dropped=password_dropped,
        contact=audit.contact_hash(visit.ports, visit.pool.id, address),
    )
