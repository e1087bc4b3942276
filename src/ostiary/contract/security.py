"""A user pool's security settings: those that are served, and those that only have their documented default.

Ranges of the served ones are those of `server/core/policy.PoolPolicy` (phone-change.md §2); a test compares them.
A setting that is not served is read as its default, and asking for anything else is answered 501.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from ostiary.contract.common import Text, Wire

CodeLength = Annotated[int, Meta(ge=4, le=10)]
CodeAttempts = Annotated[int, Meta(ge=1, le=10)]
CodeTtl = Annotated[int, Meta(ge=60, le=600)]
WrongCodes = Annotated[int, Meta(ge=3, le=20)]
TokenTtl = Annotated[int, Meta(ge=30, le=600)]
PasswordLength = Annotated[int, Meta(ge=8, le=64)]
PasswordHistory = Annotated[int, Meta(ge=0, le=24)]
HistoryDays = Annotated[int, Meta(ge=1, le=730)]
StepUpAge = Annotated[int, Meta(ge=60, le=86_400)]
FailLimit = Annotated[int, Meta(ge=1, le=1_000)]
FailInterval = Annotated[int, Meta(ge=1, le=86_400)]
FailUnit = Annotated[str, Meta(pattern="^(Second|Minute|Hour|Day)$")]
RobotVerify = Annotated[str, Meta(pattern="^(disable|condition_set|always_enable)$")]
AccountLock = Annotated[str, Meta(pattern="^(disable|condition_set)$")]
LockTime = Annotated[int, Meta(ge=60, le=86_400)]
SendShare = Annotated[int, Meta(ge=0, le=1_000_000_000)]
SecondFactor = Literal["OTP", "SMS", "EMAIL"]
CountryCode = Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{0,3}$", max_length=5)]


class Settings(Wire, kw_only=True, frozen=True, omit_defaults=False):
    """Base of settings: a default is shown, too."""


class ChangeEmailStrategy(Settings, kw_only=True, frozen=True):
    """Whether a change of address also requires a code sent to the old one."""

    verify_old_email: bool


class ChangePhoneStrategy(Settings, kw_only=True, frozen=True):
    """Whether a change of number also requires a code sent to the old one."""

    verify_old_phone: bool


# --- documented, not served -------------------------------------------------------------------


class CookieSettings(Settings, kw_only=True, frozen=True):
    """How long a browser stays signed in."""

    cookie_expires_in: int = 1_209_600
    cookie_expires_on_browser_session: bool = False


class RegisterAnomalyDetectionConfig(Settings, kw_only=True, frozen=True):
    """Limit on sign-ups per IP address."""

    enabled: bool = False
    limit: FailLimit = 50
    time_interval: FailInterval = 300
    """Seconds."""


class LoginFailCheckConfig(Settings, kw_only=True, frozen=True):
    """How many failures are allowed within a time."""

    enabled: bool = False
    limit: FailLimit = 50
    time_interval: FailInterval = 300
    unit: FailUnit = "Second"
    """Second, Minute, Hour or Day. No failure counts for longer than a day."""


class LoginIpWhitelistCheckConfig(Settings, kw_only=True, frozen=True):
    """Addresses that are exempt from the captcha."""

    enabled: bool = False
    ip_whitelist: Text = ""
    """Addresses and networks in CIDR notation, one per line."""


class LoginAnomalyDetectionConfig(Settings, kw_only=True, frozen=True):
    """What happens after wrong passwords."""

    login_fail_strategy: Literal["captcha", "block-account"] = "captcha"
    robot_verify: RobotVerify = "disable"
    """When a captcha is required: disable, condition_set, always_enable."""
    account_lock: AccountLock = "condition_set"
    """Whether wrong passwords lock the account for `accountLockTime`: disable, condition_set."""
    login_fail_check: LoginFailCheckConfig = LoginFailCheckConfig()
    """Per IP address; leads to a captcha if `loginFailStrategy` is `captcha`."""
    login_password_fail_check: LoginFailCheckConfig = LoginFailCheckConfig()
    """Per account; leads to a lock if `loginFailStrategy` is `block-account`."""
    account_lock_login_password_fail_check: LoginFailCheckConfig = LoginFailCheckConfig(enabled=True)
    robot_verify_login_password_fail_check: LoginFailCheckConfig = LoginFailCheckConfig()
    robot_verify_login_ip_whitelist_check: LoginIpWhitelistCheckConfig = LoginIpWhitelistCheckConfig()
    robot_verify_login_time_check_enable: bool = False
    robot_verifylogin_week_start_end_time: list[str] = msgspec.field(default_factory=list)


class SelfUnlockAccountConfig(Settings, kw_only=True, frozen=True):
    """How locked users can unlock their account."""

    enabled: bool = False
    strategy: Literal["captcha", "password-captcha"] = "captcha"


class QrcodeLoginStrategy(Settings, kw_only=True, frozen=True):
    """Signing in by a QR code."""

    qrcode_expires_in: int = 120
    qrcode_expires_in_unit: str = "Second"
    ticket_expires_in: int = 300
    ticket_expires_in_unit: str = "Second"
    allow_exchange_user_info_from_browser: bool = False
    return_full_user_info: bool = False


class Unserved(Settings, kw_only=True, frozen=True):
    """Every documented setting that has no effect yet, at its default."""

    authing_token_expires_in: int = 129_600
    genauth_token_expires_in: int = 129_600
    cookie_settings: CookieSettings = CookieSettings()
    complete_password_after_pass_code_login: bool = False
    login_require_email_verified: bool = False
    enable_login_account_switch: bool = False
    qrcode_login_strategy: QrcodeLoginStrategy = QrcodeLoginStrategy()


# --- the two forms ----------------------------------------------------------------------------


class SecuritySettings(Unserved, kw_only=True, frozen=True):
    """The pool's settings. All lifetimes are in seconds."""

    allowed_origins: str
    """Origins whose scripts may call the API from a browser, one per line. Empty: none."""
    verify_code_length: int
    verify_code_max_attempts: int
    change_email_strategy: ChangeEmailStrategy
    change_phone_strategy: ChangePhoneStrategy
    register_disabled: bool
    register_anomaly_detection: RegisterAnomalyDetectionConfig
    login_anomaly_detection: LoginAnomalyDetectionConfig
    self_unlock_account: SelfUnlockAccountConfig
    account_lock_time: int
    password_min_length: int
    password_history: int
    login_history_days: int
    refuse_common_passwords: bool
    verify_code_ttl: int
    wrong_codes_per_day: int
    update_token_ttl: int
    step_up_max_age: int
    end_other_sessions: bool
    require_bound_codes: bool
    allowed_countries: list[str]
    enabled_factors: list[SecondFactor]
    """Second factors in use: users who have enrolled one are asked for it at sign-in. Empty: nobody is."""
    send_per_address_per_minute: int
    send_per_address_per_day: int
    send_per_app_per_day: int


class UpdateSecuritySettings(Wire, kw_only=True, frozen=True):
    """The settings to change; those that are absent stay as they are."""

    allowed_origins: list[Text] | Text | None = None
    """A list, or text with one origin per line."""
    verify_code_length: CodeLength | None = None
    """4 and 5 require `wrongCodesPerDay` to be 5 or less."""
    verify_code_max_attempts: CodeAttempts | None = None
    change_email_strategy: ChangeEmailStrategy | None = None
    change_phone_strategy: ChangePhoneStrategy | None = None
    register_disabled: bool | None = None
    account_lock_time: LockTime | None = None
    """How long an account stays locked after too many wrong passwords, in seconds."""
    password_min_length: PasswordLength | None = None
    """Minimum length, in characters."""
    password_history: PasswordHistory | None = None
    """Number of recent passwords, the current one included, that may not be chosen again."""
    refuse_common_passwords: bool | None = None
    """Refuses passwords on the bundled list and those that resemble the account's own names."""
    login_history_days: HistoryDays | None = None
    """Days for which a sign-in appears in its user's history."""
    verify_code_ttl: CodeTtl | None = None
    wrong_codes_per_day: WrongCodes | None = None
    update_token_ttl: TokenTtl | None = None
    step_up_max_age: StepUpAge | None = None
    end_other_sessions: bool | None = None
    require_bound_codes: bool | None = None
    allowed_countries: list[CountryCode] | None = None
    enabled_factors: list[SecondFactor] | None = None
    """An empty list turns second factors off."""
    send_per_address_per_minute: SendShare | None = None
    send_per_address_per_day: SendShare | None = None
    send_per_app_per_day: SendShare | None = None

    authing_token_expires_in: int | None = None
    genauth_token_expires_in: int | None = None
    cookie_settings: CookieSettings | None = None
    register_anomaly_detection: RegisterAnomalyDetectionConfig | None = None
    complete_password_after_pass_code_login: bool | None = None
    login_anomaly_detection: LoginAnomalyDetectionConfig | None = None
    login_require_email_verified: bool | None = None
    self_unlock_account: SelfUnlockAccountConfig | None = None
    enable_login_account_switch: bool | None = None
    qrcode_login_strategy: QrcodeLoginStrategy | None = None


def unserved_defaults() -> dict[str, Any]:
    """Dotted wire path → the one value that may be asked for, of every leaf that is not served."""
    found: dict[str, Any] = {}

    def walk(prefix: str, node: msgspec.Struct) -> None:
        for info in msgspec.structs.fields(node):
            value = getattr(node, info.name)
            path = prefix + info.encode_name
            if isinstance(value, msgspec.Struct):
                walk(f"{path}.", value)
            else:
                found[path] = value

    walk("", Unserved())
    return found | dict(_UNSERVED_PARTS)


_UNSERVED_PARTS: Mapping[str, Any] = MappingProxyType(
    {
        "loginAnomalyDetection.robotVerifyLoginTimeCheckEnable": False,
        "loginAnomalyDetection.robotVerifyloginWeekStartEndTime": [],
        "selfUnlockAccount.strategy": "captcha",
    }
)
"""Parts of served settings that have no effect yet."""
