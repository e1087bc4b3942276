"""The settings of pools and applications, one by one: name, value, range, meaning; and changing one from text. Pure.

Names are the wire's, with a dot where a setting stands inside another (`changePhoneStrategy.verifyOldPhone`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from ostiary.contract.ranges import allowed
from ostiary.contract.security import UpdateSecuritySettings
from ostiary.server.core.near import did_you_mean
from ostiary.server.core.people import Facts, Pool
from ostiary.server.core.policy import AppPolicy, PoolPolicy
from ostiary.server.core.refused import Refused
from ostiary.server.features.management import settings_rules

P = TypeVar("P", PoolPolicy, AppPolicy)


def _fail_check(name: str, what: str) -> dict[str, str]:
    at = f"loginAnomalyDetection.{name}"
    return {
        f"{at}.enabled": f"Whether wrong passwords are counted {what}.",
        f"{at}.limit": "How many failures are allowed.",
        f"{at}.timeInterval": "Length of the counting window, in `unit`.",
        f"{at}.unit": "Unit of `timeInterval`.",
    }


POOL_TEXTS: Mapping[str, str] = {
    "changePhoneStrategy.verifyOldPhone": "Whether a change of phone number also requires a code sent to the old number.",
    "changeEmailStrategy.verifyOldEmail": "Whether a change of e-mail address also requires a code sent to the old address.",
    "verifyCodeLength": "Number of digits in a code. 4 and 5 require `wrongCodesPerDay` to be 5 or less.",
    "verifyCodeMaxAttempts": "Number of wrong guesses after which a code stops working.",
    "verifyCodeTtl": "Lifetime of a code, in seconds.",
    "wrongCodesPerDay": "Wrong guesses allowed in 24 hours, per user (or number) and channel; requesting a new code does "
    "not reset the count.",
    "updateTokenTtl": "How long a change may be completed after the codes were verified, in seconds.",
    "stepUpMaxAge": "Where the old number is not verified: maximum age of the session's last credential check, in "
    "seconds.",
    "endOtherSessions": "Whether a change of phone number ends all other sessions of the user.",
    "requireBoundCodes": "Whether codes that were requested without signing in are refused where users change their own "
    "account.",
    "allowedCountries": "Calling codes of the countries to which codes may be sent.",
    "enabledFactors": "Second factors in use: users who have enrolled one are asked for it. Empty: nobody is asked.",
    "sendPerAddressPerMinute": "Codes that one IP address may request per minute without signing in. 0: no limit.",
    "sendPerAddressPerDay": "Codes that one IP address may request in 24 hours without signing in. 0: no limit.",
    "sendPerAppPerDay": "Codes that may be requested through one application in 24 hours. 0: no limit.",
    "registerDisabled": "Whether signing up is disabled.",
    "registerAnomalyDetection.enabled": "Whether sign-ups from one IP address are limited.",
    "registerAnomalyDetection.limit": "How many sign-ups are allowed.",
    "registerAnomalyDetection.timeInterval": "Length of the counting window, in seconds.",
    "loginAnomalyDetection.loginFailStrategy": "What too many wrong passwords lead to: a captcha (`captcha`, counted by "
    "`loginFailCheck`) or a locked account (`block-account`, counted by `loginPasswordFailCheck`).",
    "loginAnomalyDetection.robotVerify": "When a captcha is required before a password is checked: never (`disable`), "
    "after too many wrong passwords (`condition_set`), always (`always_enable`).",
    "loginAnomalyDetection.accountLock": "Whether too many wrong passwords lock an account for `accountLockTime`.",
    **_fail_check("loginFailCheck", "per IP address, for `loginFailStrategy` `captcha`"),
    **_fail_check("loginPasswordFailCheck", "per account, for `loginFailStrategy` `block-account`"),
    **_fail_check("accountLockLoginPasswordFailCheck", "per account, for `accountLock`"),
    **_fail_check("robotVerifyLoginPasswordFailCheck", "per login name, for `robotVerify`"),
    "loginAnomalyDetection.robotVerifyLoginIpWhitelistCheck.enabled": "Whether the networks below are exempt from the "
    "captcha.",
    "loginAnomalyDetection.robotVerifyLoginIpWhitelistCheck.ipWhitelist": "Exempt networks in CIDR notation, one per "
    "line.",
    "selfUnlockAccount.enabled": "Whether signing in with a code unlocks a locked account early.",
    "selfUnlockAccount.strategy": "What unlocks the account: a code (`captcha`).",
    "accountLockTime": "How long an account stays locked after too many wrong passwords, in seconds.",
    "passwordMinLength": "Minimum length of a new password, in characters.",
    "passwordHistory": "Number of recent passwords, the current one included, that may not be chosen again.",
    "refuseCommonPasswords": "Whether to refuse passwords that are on the bundled list of common passwords or resemble "
    "the account's own names.",
    "loginHistoryDays": "Days for which a sign-in appears in its user's history; it is deleted after that, or when its "
    "session ends if that is later.",
    "allowedOrigins": "Origins whose scripts may call the API from a browser (CORS), one per line. Empty: none.",
}
APP_TEXTS: Mapping[str, str] = {
    "selfService": "Whether tokens of this application may be used to manage the user's own account.",
    "refreshTokenRotation": "Whether each refresh issues a new refresh token; reusing an old one then ends the session.",
    "tokenEndpointAuthMethod": "How the application authenticates; `none`: a public client, which has no secret.",
    "redirectUris": "URIs to which the application may have browsers redirected.",
    "accessTokenLife": "Lifetime of an access token, in seconds.",
    "refreshTokenLife": "Lifetime of a session with `offline_access`, in seconds.",
    "sessionLife": "Lifetime of any other session, in seconds.",
    "requiredFactors": "Second factors of which every user of this application must verify one when signing in. Empty: "
    "only users who have enrolled one are asked.",
    "signingAlg": "Signature algorithm of its tokens. `HS256`, which uses its secret, applies to ID tokens only; access "
    "tokens are then signed with RS256.",
    "clientCredentialsScopes": "Scopes the application may request for itself (`client_credentials`). Empty: none.",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `allowed` is its type and range in words."""

    name: str
    value: Any
    default: Any
    allowed: str
    text: str


def pool_settings(policy: PoolPolicy) -> list[Setting]:
    """A pool's settings, in the order of the reference."""
    return _settings(policy, PoolPolicy(), POOL_TEXTS)


def app_settings(policy: AppPolicy) -> list[Setting]:
    """An application's settings."""
    return _settings(policy, AppPolicy(), APP_TEXTS)


def change_pool(pool: Pool, name: str, text: str) -> PoolPolicy | str:
    """A pool's settings after one was changed, or why it can't be, in words."""
    found = _find(name, pool_settings(pool.policy))
    if isinstance(found, str):
        return found
    try:
        asked = _nested(name, _value(found, text), msgspec.to_builtins(pool.policy))
        form = msgspec.convert(asked, UpdateSecuritySettings, strict=False)
    except msgspec.ValidationError:
        return _misfit(found, text)
    changes = settings_rules.read_update(form, Facts(pool, None))
    after = changes if isinstance(changes, Refused) else settings_rules.judge(pool.policy, changes)
    if not isinstance(after, Refused):
        return after
    if name in {"verifyCodeLength", "wrongCodesPerDay"}:
        return f"{name}: codes of 4 or 5 digits require wrongCodesPerDay to be 5 or less"
    return _misfit(found, text)


def change_app(policy: AppPolicy, name: str, text: str) -> AppPolicy | str:
    """An application's settings after one was changed, or why it can't be, in words."""
    found = _find(name, app_settings(policy))
    if isinstance(found, str):
        return found
    values = {**msgspec.to_builtins(policy), name: _value(found, text)}
    try:
        after = msgspec.convert(values, AppPolicy, strict=False)
    except msgspec.ValidationError:
        return _misfit(found, text)
    return f"{name}: {after.contradiction}" if after.contradiction else after


def _settings(policy: P, default: P, texts: Mapping[str, str]) -> list[Setting]:
    values, defaults, kinds = _flat(policy), _flat(default), _kinds(type(policy))
    return [Setting(name, values[name], defaults[name], kinds[name], texts[name]) for name in values]


def _flat(struct: msgspec.Struct, prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for info in msgspec.structs.fields(struct):
        value = getattr(struct, info.name)
        if isinstance(value, msgspec.Struct):
            found |= _flat(value, f"{prefix}{info.encode_name}.")
        else:
            found[prefix + info.encode_name] = list(value) if isinstance(value, tuple) else value
    return found


def _kinds(struct: type[msgspec.Struct], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for info in msgspec.structs.fields(struct):
        kind = inspect.type_info(info.type)
        if isinstance(kind, inspect.StructType):
            found |= _kinds(kind.cls, f"{prefix}{info.encode_name}.")
        else:
            found[prefix + info.encode_name] = allowed(kind)
    return found


def _find(name: str, settings: list[Setting]) -> Setting | str:
    found = next((setting for setting in settings if setting.name == name), None)
    if found is not None:
        return found
    return f"there is no setting {name!r}{did_you_mean(name, (setting.name for setting in settings))}"


def _value(setting: Setting, text: str) -> Any:
    if isinstance(setting.default, list):
        return [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(setting.default, bool):
        return text.lower()
    return text


def _nested(name: str, value: Any, before: Mapping[str, Any]) -> dict[str, Any]:
    """The setting as a form; one that stands inside another comes with what is beside it."""
    first, dot, rest = name.partition(".")
    if not dot:
        return {first: value}
    inner = before[first]
    return {first: {**inner, **_nested(rest, value, inner)}}


def _misfit(setting: Setting, text: str) -> str:
    """Why the text can't be the setting's value."""
    return f"{setting.name}: {text!r} can't be used; allowed: {setting.allowed}"
