"""A password, checked between two steps: the first reads its hash, the second decides what may be told of the outcome.

1. A wrong password, an unknown name and a locked account come through here alike: the same statements, one check by
   argon2id, the same answer. What did not decrypt is a wrong password, too.
2. The second step decides under the lock of the counts (`guards/sign_in_limits`): of many guesses at once exactly as
   many are judged as the pool takes.
3. A captcha, where one is asked for, is answered before anything is checked, and used up by its answer.
"""

from collections.abc import Callable
from typing import TypeVar

from ostiary.contract.keys import Key
from ostiary.server.core.refused import Refused
from ostiary.server.features.sign_in import rules
from ostiary.server.features.sign_in.rules import ByPassword
from ostiary.server.guards import audit, captcha, sign_in_limits
from ostiary.server.guards.entry import Visit
from ostiary.server.guards.service import Service
from ostiary.server.storage import people, users
from ostiary.server.storage.tx import Tx
from ostiary.server.storage.users import UserRow

NOBODY = ""
"""In place of a user's id where there is none: statements run alike whether there is one or not."""

T = TypeVar("T")
Came = Visit[ByPassword]
Come = Callable[[Tx], Came | Refused]


async def checked(service: Service, come: Come, then: Callable[[Came, UserRow, int], T]) -> T | Refused:
    """Check the password; where it is right, what `then` makes of it in the second step.

    `then` is given the account as it is now, and its session epoch as it was when the hash was read: a change of
    number in between ends a session of that epoch before its first use. Refused: what `come` says,
    `captcha_required`, `wrong_credentials`, `user_locked`, `unavailable`.
    """

    def look(tx: Tx) -> tuple[ByPassword, UserRow | None, bool] | Refused:
        came = come(tx)
        if isinstance(came, Refused):
            return came
        found = users.find(tx, came.pool.id, came.ask.names)
        return came.ask, found, sign_in_limits.look(came, found, came.ask.names, lock=False).asks

    looked = await service.store.read(look)
    if isinstance(looked, Refused):
        return looked
    ask, found, asks = looked
    if asks and not await _solved(service, come):
        return Refused(Key.CAPTCHA_REQUIRED)
    compared = await _compared(service, ask, found.password_hash if found is not None else None)
    if isinstance(compared, Refused):
        return compared
    right, better = compared

    def step(tx: Tx) -> T | Refused:
        came = come(tx)
        if isinstance(came, Refused):
            return came
        user = _judged(came, found, right=right, solved=asks)
        if isinstance(user, Refused):
            return user
        assert found is not None
        if better is not None and found.password_hash is not None:
            users.rehash(came.tx, user.id, better, found.password_hash)
        return then(came, user, found.session_epoch)

    return await service.store.write(step)


async def _solved(service: Service, come: Come) -> bool:
    """Whether the captcha was solved. Its answer uses it up, in a step of its own; without one nothing is stored."""

    def step(tx: Tx) -> bool:
        came = come(tx)
        return not isinstance(came, Refused) and captcha.spend(
            tx, came.ports, came.pool.id, came.ask.captcha_token, came.ask.captcha_code
        )

    return await service.store.write(step)


async def _compared(
    service: Service, ask: ByPassword, stored: str | None
) -> tuple[bool, str | None] | Refused:
    """Whether the password is right; and its hash under today's settings, where it was stored under others."""
    password = await service.password_keys.open(ask.password, ask.encrypt_type)
    if isinstance(password, Refused):
        return password
    right = await service.passwords.verify(stored if password is not None else None, password or "")
    if isinstance(right, Refused):
        return right
    if not right or stored is None or password is None or not service.passwords.needs_rehash(stored):
        return right, None
    better = await service.passwords.hash(password)
    return right, None if isinstance(better, Refused) else better  # no room to hash it now: another time


def _judged(came: Came, found: UserRow | None, *, right: bool, solved: bool) -> UserRow | Refused:
    """The second step, up to its verdict: the account as it is now, or the refusal, noted and counted."""
    people.lock_user(came.tx, found.id if found is not None else NOBODY)
    there = users.find(came.tx, came.pool.id, came.ask.names)
    counts = sign_in_limits.look(came, there, came.ask.names, lock=True)
    if counts.asks and not solved:  # others have failed meanwhile: the outcome is not told
        return Refused(Key.CAPTCHA_REQUIRED)
    unchanged = (
        found is not None
        and there is not None
        and there.id == found.id
        and there.password_hash == found.password_hash
    )
    right = right and unchanged and not counts.locked
    refused = rules.judge_password(right=right, active=there is not None and there.account.active)
    if not right:
        locks = sign_in_limits.failed(came, counts)
        return _noted(came, Refused(Key.WRONG_CREDENTIALS), there, locks=locks, locked=counts.locked)
    if refused is not None:
        return _noted(came, refused, there)
    assert there is not None
    sign_in_limits.succeeded(came, counts)
    return there


def _noted(
    came: Came, refused: Refused, user: UserRow | None, *, locks: bool = False, locked: bool = False
) -> Refused:
    """Leave an audit row of a refusal, account or none. `locks`: this guess locked it; `locked`: it was locked before."""
    audit.note(
        came,
        "sign_in",
        refused,
        user_id=user.id if user is not None else NOBODY,
        method="password",
        contact=audit.contact_hash(came.ports, came.pool.id, came.ask.names.any),
        locks=locks or None,
        locked=locked or None,
    )
    return refused
