"""How many wrong passwords are looked at, and what is asked for then. Pure.

Rule 1: what is counted is what was typed, so an unknown name is counted, asked and locked like a known one.
Rule 2: an account's failures are one count under whatever name it was tried; a captcha is asked for by the name that
was typed, because asking is seen, and would tell which names are one person's.
Rule 3: a lock has an end, and never shuts out the address that the account was signed in from last: whoever guesses
elsewhere spends a count of their own.
Rule 4: behind a lock nothing is judged: right and wrong are the same answer, and neither is counted.
"""

from dataclasses import dataclass, replace

from ostiary.server.core.address import is_inside, read_networks
from ostiary.server.core.failures import Failures
from ostiary.server.core.millis import SECOND, Millis
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.sign_in_policy import FailCheck


@dataclass(frozen=True, slots=True)
class Checks:
    """Which counts a pool keeps, and for what; None: not that one."""

    lock: FailCheck | None
    """By account."""
    captcha_by_name: FailCheck | None
    captcha_by_address: FailCheck | None
    captcha_always: bool

    @property
    def may_ask(self) -> bool:
        """Whether a captcha can be asked for at all."""
        return self.captcha_always or self.captcha_by_name is not None or self.captcha_by_address is not None


def checks(policy: PoolPolicy) -> Checks:
    """The pool's settings as they take effect: where two say the same thing, the stricter one does."""
    said = policy.login_anomaly_detection
    locks = [
        check
        for check, on in (
            (said.account_lock_login_password_fail_check, said.account_lock == "condition_set"),
            (said.login_password_fail_check, said.login_fail_strategy == "block-account"),
        )
        if on and check.enabled
    ]
    by_name = said.robot_verify_login_password_fail_check
    by_address = said.login_fail_check
    return Checks(
        lock=min(locks, key=lambda check: check.limit, default=None),
        captcha_by_name=by_name if said.robot_verify == "condition_set" and by_name.enabled else None,
        captcha_by_address=by_address
        if said.login_fail_strategy == "captcha" and by_address.enabled
        else None,
        captcha_always=said.robot_verify == "always_enable",
    )


def registrations(policy: PoolPolicy) -> FailCheck | None:
    """How many accounts may be made from one address; None: as many as they like."""
    said = policy.register_anomaly_detection
    return (
        FailCheck(enabled=True, limit=said.limit, time_interval=said.time_interval) if said.enabled else None
    )


def is_spent(row: Failures, check: FailCheck, now: int) -> bool:
    """Whether as many failures as the check takes lie inside its window. One from the future counts as made now."""
    return sum(moment > now - check.window for moment in row.moments) >= check.limit


def is_locked(row: Failures, now: int) -> bool:
    """Whether the account takes no password now."""
    return row.locked_until is not None and now < row.locked_until


def counted(row: Failures, check: FailCheck, now: Millis) -> Failures:
    """The row with one more failure, as far back as the check looks."""
    kept = tuple(moment for moment in row.moments if moment > now - check.window)
    return replace(row, moments=(*kept, now)[-check.limit :])


def locked(row: Failures, check: FailCheck, now: Millis, seconds: int) -> Failures:
    """The row once the limit is reached: locked for so long, and empty after it."""
    if not is_spent(row, check, now):
        return row
    return replace(row, moments=(), locked_until=now + seconds * SECOND)


def whitelisted(policy: PoolPolicy, address: str) -> bool:
    """Whether a captcha is never asked for there."""
    check = policy.login_anomaly_detection.robot_verify_login_ip_whitelist_check
    if not check.enabled or not address:
        return False
    return is_inside(address, read_networks(check.ip_whitelist) or ())
