"""Setting a password, whoever sets it: opened, judged, compared with the account's last ones, hashed, stored.

Before the step: `hashed`. In the step: `store`. In between the account may have got yet another password; that
one is then the newest of its history, which is right.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ostiary.contract.keys import Key
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.refused import Refused
from ostiary.server.guards.new_passwords import common, rules
from ostiary.server.guards.password_keys import PasswordKeys
from ostiary.server.guards.passwords import Passwords
from ostiary.server.storage import old_passwords, users
from ostiary.server.storage.tx import Tx
from ostiary.server.storage.users import UserRow

__all__ = ["Wanted", "before", "hashed", "store"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A password as a form brings it. `names`: what its account is known by; `before`: its last hashes."""

    text: str = field(repr=False)
    encrypt_type: str | None = None
    """none, rsa, sm2 (`passwordEncryptType`)."""
    names: Sequence[str | None] = field(default=(), repr=False)
    before: Sequence[str] = field(default=(), repr=False)
    field: str = "password"
    """What the form calls it."""


def before(tx: Tx, user: UserRow, policy: PoolPolicy) -> tuple[str, ...]:
    """The hashes that a new password must not match: today's and as many more as the pool remembers."""
    if policy.password_history == 0 or user.password_hash is None:
        return ()
    return (user.password_hash, *old_passwords.newest(tx, user.id, policy.password_history - 1))


async def hashed(
    passwords: Passwords, password_keys: PasswordKeys, policy: PoolPolicy, wanted: Wanted
) -> str | Refused:
    """What `store` stores. Outside of every step: 20 ms of a core for it and for each hash of `before`.

    Refused: `password_not_decrypted`, `password_too_short`, `bad_request`, `password_common`,
    `password_used_before`, `unavailable`.
    """
    password = await password_keys.open(wanted.text, wanted.encrypt_type)
    if isinstance(password, Refused):
        return password
    if password is None:
        return Refused(Key.PASSWORD_NOT_DECRYPTED, data={"field": wanted.field})
    refused = rules.judge(policy, password, wanted.names, common.passwords(), wanted.field)
    if refused is not None:
        return refused
    for old in wanted.before:
        same = await passwords.verify(old, password)
        if isinstance(same, Refused):
            return same
        if same:
            return Refused(Key.PASSWORD_USED_BEFORE, data={"field": wanted.field})
    return await passwords.hash(password)


def store(tx: Tx, user: UserRow, password_hash: str, policy: PoolPolicy, now: int) -> None:
    """Give a user, whose row is locked, this password; the one before joins the history as far as the pool wants it."""
    users.set_password(tx, user.id, password_hash, now)
    if user.password_hash is not None:
        old_passwords.keep(tx, user.id, user.password_hash, policy.password_history - 1, now)
