"""An address is proven for the first time, by a code: its owner gets the account, and nobody else keeps a way in.

Whoever typed it at a sign-up may have been a stranger who waits for its owner to come (account pre-hijacking). What a
stranger can have left there goes: password, sessions, what waits for a second factor, one-time tokens, and the second
factors with their recovery code, which would keep the owner out of an account that is theirs.
"""

from ostiary.server.guards import audit, second_factors, sessions
from ostiary.server.guards.entry import Visit
from ostiary.server.storage import emails, tokens, users
from ostiary.server.storage.users import UserRow


def by_owner(visit: Visit[object], user: UserRow, address: str) -> UserRow:
    """Give the account to who has just proven its address, unproven until then; the user as they are from now on.

    The user's row is locked and `user` was read under that lock.
    """
    emails.verify(visit.tx, visit.pool.id, address, user.id)
    if user.password_hash is not None:
        users.drop_password(visit.tx, user.id, visit.now)
    sessions.end_all(visit, user.account)
    tokens.void_all(visit.tx, user.id, visit.now)
    audit.note(
        visit,
        "email_proven",
        user_id=user.id,
        password_dropped=user.password_hash is not None,
        contact=audit.contact_hash(visit.ports, visit.pool.id, address),
    )
    after = users.load(visit.tx, visit.pool.id, user.id)
    assert after is not None
    second_factors.remove_all(visit, after.account)
    return after
