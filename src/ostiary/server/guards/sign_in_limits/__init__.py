"""Counting wrong passwords. Every door that looks at one asks here first what it may say.

A password is checked between two steps (`guards/passwords`), and the second one decides: under the lock of the counts,
`look` says whether the check's outcome may be told at all. So of two hundred guesses at once exactly as many are
answered by their merit as the pool takes; the others are checked for nothing, and their outcome is thrown away.
"""

from dataclasses import dataclass

from ostiary.contract.keys import Key
from ostiary.server.core.credentials import Names
from ostiary.server.core.failures import Failures
from ostiary.server.core.millis import DAY, seconds_until
from ostiary.server.core.refused import Refused
from ostiary.server.core.sign_in_policy import FailCheck
from ostiary.server.guards import audit
from ostiary.server.guards.entry import Visit
from ostiary.server.guards.sign_in_limits import rules
from ostiary.server.storage import failures
from ostiary.server.storage.users import UserRow

_OWN_ADDRESS = "@own"


@dataclass(frozen=True, slots=True)
class Counts:
    """What is known about failures under this name, of this account, from this address."""

    account: tuple[Failures, FailCheck] | None
    name: tuple[Failures, FailCheck] | None
    address: tuple[Failures, FailCheck] | None
    asks: bool
    """Whether a captcha must be solved before a password is looked at."""
    locked: bool
    """Whether the account takes no password now: the outcome of the check must not be told."""


def look(visit: Visit[object], user: UserRow | None, names: Names, *, lock: bool) -> Counts:
    """The counts, `lock`ed where they are about to decide. `names`: what was typed."""
    checks = rules.checks(visit.pool.policy)
    name = audit.contact_hash(visit.ports, visit.pool.id, names.any or "")
    typed = f"name:{visit.pool.id}:{names.kind}:{name}"
    wanted = {
        "account": (_account_key(visit, user) or typed.replace("name:", "nobody:", 1), checks.lock),
        "name": (typed, checks.captcha_by_name),
        "address": (
            f"address:{visit.pool.id}:{visit.call.address}",
            checks.captcha_by_address if visit.call.address else None,
        ),
    }
    keys = [key for key, check in wanted.values() if check is not None]
    rows = failures.load(visit.tx, keys, lock=lock) if keys else {}
    kept = {kind: (rows[key], check) for kind, (key, check) in wanted.items() if check is not None}
    spent = [
        rules.is_spent(row, check, visit.now) for kind, (row, check) in kept.items() if kind != "account"
    ]
    asks = (checks.captcha_always or any(spent)) and not rules.whitelisted(
        visit.pool.policy, visit.call.address
    )
    account = kept.get("account")
    return Counts(
        account,
        kept.get("name"),
        kept.get("address"),
        asks,
        account is not None and rules.is_locked(account[0], visit.now),
    )


def failed(visit: Visit[object], counts: Counts) -> bool:
    """Count a wrong password; true where it locked the account.

    While the account is locked, the rows are written as they are: as much work, and nothing is counted.
    """
    shut = False
    for kind in (counts.account, counts.name, counts.address):
        if kind is None:
            continue
        row, check = kind
        after = row if counts.locked else rules.counted(row, check, visit.now)
        if kind is counts.account and not counts.locked:
            seconds = visit.pool.policy.account_lock_time
            after = rules.locked(after, check, visit.now, seconds)
            shut = rules.is_locked(after, visit.now)
        failures.store(visit.tx, after, visit.now + DAY)  # no window and no lock is longer
    return shut


def succeeded(visit: Visit[object], counts: Counts) -> None:
    """A right password ends the failures of its account and name; those of the address stay (others guess there)."""
    kept = [kind[0] for kind in (counts.account, counts.name) if kind is not None]
    keys = [row.key for row in kept if row.version >= 0]
    if keys:
        failures.forget(visit.tx, keys)


def judge_sign_up(visit: Visit[object]) -> Refused | None:
    """Whether one more account may be made from this address, under the lock of its count. Nothing is counted yet.

    Refused: `sign_up_too_often` (data.retryAfter).
    """
    check = rules.registrations(visit.pool.policy)
    if check is None or not visit.call.address:
        return None
    row = _registrations(visit)
    if not rules.is_spent(row, check, visit.now):
        return None
    free_at = sorted(row.moments)[-check.limit] + check.window
    return Refused(Key.SIGN_UP_TOO_OFTEN, retry_after=seconds_until(free_at, visit.now))


def signed_up(visit: Visit[object]) -> None:
    """Count an account that was made."""
    check = rules.registrations(visit.pool.policy)
    if check is not None and visit.call.address:
        failures.store(visit.tx, rules.counted(_registrations(visit), check, visit.now), visit.now + DAY)


def _registrations(visit: Visit[object]) -> Failures:
    key = f"register:{visit.pool.id}:{visit.call.address}"
    return failures.load(visit.tx, [key], lock=True)[key]


def unlock(visit: Visit[object], user: UserRow) -> None:
    """The owner proved a number or an address: the account takes passwords again, wherever they come from."""
    key = f"account:{user.id}"
    failures.forget(visit.tx, [key, key + _OWN_ADDRESS])


def _account_key(visit: Visit[object], user: UserRow | None) -> str | None:
    """The key of an account's count; the address of its last sign-in has one of its own, which no stranger can spend."""
    if user is None:
        return None
    own = bool(visit.call.address) and visit.call.address == user.last_ip
    return f"account:{user.id}{_OWN_ADDRESS if own else ''}"
