"""What a pool does about wrong passwords: how many it takes, from whom, and what then. Names are the incumbent's."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ostiary.server.core.millis import DAY, HOUR, MINUTE, SECOND

_UNITS = {"Second": SECOND, "Minute": MINUTE, "Hour": HOUR, "Day": DAY}
LONGEST_WINDOW = DAY


class FailCheck(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """So many failures in so long a time."""

    enabled: bool = False
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 50
    time_interval: Annotated[int, Meta(ge=1, le=86_400)] = 300
    unit: Literal["Second", "Minute", "Hour", "Day"] = "Second"

    @property
    def window(self) -> int:
        """Milliseconds that a failure counts for, a day at most."""
        return min(self.time_interval * _UNITS[self.unit], LONGEST_WINDOW)


class IpWhitelistCheck(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Networks whose sign-ins are never asked for a captcha; one a line."""

    enabled: bool = False
    ip_whitelist: str = ""


class LoginAnomalyDetection(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Two answers to wrong passwords: a captcha before the next one is looked at, and a lock for some time."""

    login_fail_strategy: Literal["captcha", "block-account"] = "captcha"
    """What `login_fail_check` and `login_password_fail_check` lead to: the first to a captcha, the second to a lock."""
    robot_verify: Literal["disable", "condition_set", "always_enable"] = "disable"
    account_lock: Literal["disable", "condition_set"] = "condition_set"
    login_fail_check: FailCheck = FailCheck()
    """Failures from one address."""
    login_password_fail_check: FailCheck = FailCheck()
    """Failures of one account."""
    account_lock_login_password_fail_check: FailCheck = FailCheck(enabled=True)
    """Failures of one account, for `account_lock`. On, where the incumbent has it off: guesses without an end are none."""
    robot_verify_login_password_fail_check: FailCheck = FailCheck()
    """Failures under one name, for `robot_verify`."""
    robot_verify_login_ip_whitelist_check: IpWhitelistCheck = IpWhitelistCheck()


class RegisterAnomalyDetection(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """How many accounts may be made from one address in so many seconds."""

    enabled: bool = False
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 50
    time_interval: Annotated[int, Meta(ge=1, le=86_400)] = 300


class SelfUnlockAccount(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Whether signing in by a code lifts a lock before its time."""

    enabled: bool = False
    strategy: Literal["captcha", "password-captcha"] = "captcha"
