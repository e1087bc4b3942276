"""Removing the second factors of somebody who has lost them all: the one thing that only an operator can do."""

from ostiary.server.guards import second_factors, sessions
from ostiary.server.storage import people, users
from ostiary.server.storage.pools import PoolRow
from ostiary.server.storage.tx import ConflictError, Tx
from ostiary.server.storage.users import UserRow
from ostiary.server.upkeep.named import named
from ostiary.server.upkeep.site import NotDoneError, Site


def reset(site: Site, pool: PoolRow, name: str) -> list[str]:
    """Remove every factor of the user of this name; their kinds. Sessions end, every address is told, audit is written.

    `name`: user id, number, address or user name. Raises `NotDoneError` where there is no such user, or no factor.
    """

    def step(tx: Tx) -> list[str]:
        user = _held(tx, pool, name)
        errand = site.errand(tx, pool)
        kinds = second_factors.remove_all(errand, user.account, actor=errand.actor, by="administrator")
        if kinds:
            sessions.end_all(errand, user.account)
        return kinds

    removed = site.store.write_now(step)
    if not removed:
        raise NotDoneError("this user has no second factor")
    return removed


def _held(tx: Tx, pool: PoolRow, name: str) -> UserRow:
    """The user, read again under the lock of the row."""
    seen = named(tx, pool, name)
    if seen is None:
        raise NotDoneError("there is no such user in this pool")
    people.lock_user(tx, seen.id)
    held = users.load(tx, pool.id, seen.id)
    if held is None:
        raise ConflictError("deleted a moment ago")
    return held
