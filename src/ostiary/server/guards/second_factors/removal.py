"""Taking every second factor off an account, whoever decides it; the recovery code goes with its authenticator."""

from ostiary.server.core.people import Account
from ostiary.server.guards import audit, notices
from ostiary.server.guards.entry import Visit
from ostiary.server.storage import factors


def remove_all(
    visit: Visit[object], account: Account, *, actor: str = "user", by: notices.By = "user"
) -> list[str]:
    """The kinds that were removed; every verified address is told of each, and an audit row says so.

    The account's row is locked. Its sessions are the caller's to end.
    """
    rows = factors.of_user(visit.tx, account.user_id)
    for row in rows:
        factors.delete(visit.tx, row)
        notices.factor_event(visit, "factor_removed", account, row.kind, by=by)
        audit.note(visit, "factor_removed", user_id=account.user_id, actor=actor, factor=row.kind)
    return [row.kind for row in rows]
