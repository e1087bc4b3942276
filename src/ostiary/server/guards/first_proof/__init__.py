"""The first right code at an address that nobody had proven: at a sign-in, or at the end of a password reset.

Whoever typed the address at a sign-up may have been a stranger who waits for its owner to come (account pre-hijacking).
What a stranger can have left there goes: password, sessions, what waits for a second factor, one-time tokens, and the
second factors with their recovery code, which would keep the owner out of an account that is theirs. `rules`: when.
"""

from dataclasses import replace

from ostiary.server.guards import audit, second_factors, sessions
from ostiary.server.guards.entry import Visit
from ostiary.server.guards.first_proof import rules
from ostiary.server.guards.first_proof.rules import Worth
from ostiary.server.storage import emails, tokens, users
from ostiary.server.storage.users import UserRow


def settle(visit: Visit[object], user: UserRow, address: str) -> UserRow:
    """Do what the proof is worth; the user as they are from now on.

    The user's row is locked and `user` was read under that lock.
    """
    worth = rules.judge(
        set_by_administrator=user.email_version > 0,  # every other road that changes an address proves it
        asked_of_everybody=second_factors.wanted_by_app(visit),
        has_factors=bool(second_factors.enrolled(visit, user.account)),
    )
    if worth is Worth.NOTHING:
        return user
    emails.verify(visit.tx, visit.pool.id, address, user.id)
    drops_password = worth is Worth.OWNERS and user.password_hash is not None
    audit.note(
        visit,
        "email_proven",
        user_id=user.id,
        password_dropped=drops_password,
        contact=audit.contact_hash(visit.ports, visit.pool.id, address),
    )
    if worth is Worth.PROVEN:
        return replace(user, email_verified=True)
    if drops_password:
        users.drop_password(visit.tx, user.id, visit.now)
    return _without_strangers(visit, user)


def _without_strangers(visit: Visit[object], user: UserRow) -> UserRow:
    sessions.end_all(visit, user.account)
    tokens.void_all(visit.tx, user.id, visit.now)
    after = users.must_load(visit.tx, visit.pool.id, user.id)
    second_factors.remove_all(visit, after.account)
    return after
