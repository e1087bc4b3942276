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
        f"{at}.enabled": f"Wrong passwords {what}, are counted.",
        f"{at}.limit": "So many of them.",
        f"{at}.timeInterval": "In so long a time.",
        f"{at}.unit": "What the time is counted in.",
    }


POOL_TEXTS: Mapping[str, str] = {
    "changePhoneStrategy.verifyOldPhone": "The old number must be proven, too, before it is changed.",
    "changeEmailStrategy.verifyOldEmail": "The old address must be proven, too, before it is changed.",
    "verifyCodeLength": "Digits of a code. 4 and 5 only where wrongCodesPerDay is at most 5.",
    "verifyCodeMaxAttempts": "The wrong guess that kills a code.",
    "verifyCodeTtl": "Seconds that a code is good.",
    "wrongCodesPerDay": "Wrong guesses per user (or number) and channel in 24 hours; a new code does not refill it.",
    "updateTokenTtl": "Seconds between proving a number and moving to it.",
    "stepUpMaxAge": "Without the old number's proof: seconds since the session's last credential check, at most.",
    "endOtherSessions": "After a change of number every other session of the user ends.",
    "requireBoundCodes": "Codes that were asked for without signing in are refused where a user acts for themselves.",
    "allowedCountries": "Calling codes of countries to which codes may be sent.",
    "enabledFactors": "Second factors in use: who has enrolled one is asked for it. Empty: nobody is.",
    "sendPerAddressPerMinute": "Unsigned asks for codes per caller's address and minute. 0: not limited.",
    "sendPerAddressPerDay": "Unsigned asks for codes per caller's address and 24 hours. 0: not limited.",
    "sendPerAppPerDay": "Asks for codes per application and 24 hours. 0: not limited.",
    "registerDisabled": "Nobody can sign up.",
    "registerAnomalyDetection.enabled": "Accounts made from one address are counted.",
    "registerAnomalyDetection.limit": "So many of them.",
    "registerAnomalyDetection.timeInterval": "In so many seconds.",
    "loginAnomalyDetection.loginFailStrategy": "What loginFailCheck (captcha) or loginPasswordFailCheck (block-account) "
    "leads to.",
    "loginAnomalyDetection.robotVerify": "When a captcha is asked for before a password is looked at.",
    "loginAnomalyDetection.accountLock": "Whether wrong passwords lock an account for accountLockTime.",
    **_fail_check("loginFailCheck", "from one address, for loginFailStrategy captcha"),
    **_fail_check("loginPasswordFailCheck", "of one account, for loginFailStrategy block-account"),
    **_fail_check("accountLockLoginPasswordFailCheck", "of one account, for accountLock"),
    **_fail_check("robotVerifyLoginPasswordFailCheck", "under one name, for robotVerify"),
    "loginAnomalyDetection.robotVerifyLoginIpWhitelistCheck.enabled": "Some networks are never asked for a captcha.",
    "loginAnomalyDetection.robotVerifyLoginIpWhitelistCheck.ipWhitelist": "Those networks, one a line.",
    "selfUnlockAccount.enabled": "Signing in by a code lifts a lock before its time.",
    "selfUnlockAccount.strategy": "What is proven: a code (captcha).",
    "accountLockTime": "Seconds that wrong passwords lock an account for.",
    "passwordMinLength": "Characters that a new password has at least.",
    "passwordHistory": "Of so many last passwords none may be chosen again; the present one is the first.",
    "refuseCommonPasswords": "Passwords of the shipped list, and the account's own names, are refused.",
    "loginHistoryDays": "Days that a sign-in stands in its owner's history; its row goes then, or with its session.",
    "allowedOrigins": "Websites whose scripts may call, one a line. Empty: none.",
}
APP_TEXTS: Mapping[str, str] = {
    "selfService": "Tokens of this application may manage their user's account.",
    "refreshTokenRotation": "A refresh gives a new refresh token; using an old one again ends the session.",
    "tokenEndpointAuthMethod": "How the application proves itself; none: a public client, which has no secret.",
    "redirectUris": "Where the application may have browsers sent back to.",
    "accessTokenLife": "Seconds that an access token is good.",
    "refreshTokenLife": "Seconds that a session with offline_access lives.",
    "sessionLife": "Seconds that any other session lives.",
    "requiredFactors": "Second factors of which everybody who signs in through it proves one. Empty: who has enrolled one.",
    "signingAlg": "How its tokens are signed. HS256, with its secret, is for id tokens; access tokens are RS256 then.",
    "clientCredentialsScopes": "Scopes of tokens that it gets for itself (client_credentials). Empty: none.",
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
        return f"{name}: codes of 4 or 5 digits need wrongCodesPerDay of 5 at most"
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
