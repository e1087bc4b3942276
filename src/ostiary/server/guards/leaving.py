"""Accounts that go for good, whoever wants it: their owner, or an administrator.

Number and address are free, who held them is told, sessions and refresh tokens are dead, the data is erased: one
transaction. The audit log keeps what it has, keyed hashes and the id, which is never given again.
"""

from collections.abc import Sequence

from ostiary.server.guards import audit, contacts, sign_in_limits
from ostiary.server.guards.entry import Visit
from ostiary.server.storage import guesses, management, user_counts
from ostiary.server.storage.users import UserRow


def erase(visit: Visit[object], rows: Sequence[UserRow], *, actor: str) -> None:
    """Forget these users, whose rows are locked."""
    user_counts.removed(visit.tx, visit.pool.id, [row.id for row in rows])
    for row in rows:
        contacts.free(visit, row.account, actor=actor)
        sign_in_limits.unlock(visit, row)
        guesses.forget_user(visit.tx, visit.pool.id, row.id)
        management.delete(visit.tx, row.id)
        audit.note(
            visit,
            "user_deleted",
            user_id=row.id,
            actor=actor,
            phone=audit.contact_hash(visit.ports, visit.pool.id, row.phone),
            email=audit.contact_hash(visit.ports, visit.pool.id, row.email),
        )
