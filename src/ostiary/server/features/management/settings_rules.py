"""A pool's security settings: what an update means, and what may not stand together. Pure.

The ranges of single settings are the form's (contract/security.py), and the wire has judged them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ostiary.contract import security
from ostiary.contract.keys import Key
from ostiary.contract.security import SecuritySettings, UpdateSecuritySettings
from ostiary.server.core import policy as stored
from ostiary.server.core.address import read_networks
from ostiary.server.core.origins import read_origins
from ostiary.server.core.people import Facts
from ostiary.server.core.phone import read_country_code
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.refused import Refused
from ostiary.server.core.sign_in_policy import (
    LoginAnomalyDetection,
    RegisterAnomalyDetection,
    SelfUnlockAccount,
)

Changes = dict[str, object]
"""Fields of `PoolPolicy` → what they are to become."""


_NESTED: Mapping[str, type[msgspec.Struct]] = {
    "register_anomaly_detection": RegisterAnomalyDetection,
    "login_anomaly_detection": LoginAnomalyDetection,
    "self_unlock_account": SelfUnlockAccount,
}
"""Settings that are objects: replaced as a whole, what is absent in them at its default."""
_SHOWN: Mapping[str, type[msgspec.Struct]] = {
    "register_anomaly_detection": security.RegisterAnomalyDetectionConfig,
    "login_anomaly_detection": security.LoginAnomalyDetectionConfig,
    "self_unlock_account": security.SelfUnlockAccountConfig,
}


def read_update(form: UpdateSecuritySettings, _facts: Facts) -> Changes | Refused:
    """What is asked to change: of the served settings, those that are there."""
    changes: Changes = {
        name: value
        for name in PoolPolicy.__struct_fields__
        if (value := getattr(form, name, None)) is not None
    }
    if form.change_phone_strategy is not None:
        proven = form.change_phone_strategy.verify_old_phone
        changes["change_phone_strategy"] = stored.ChangePhoneStrategy(verify_old_phone=proven)
    if form.change_email_strategy is not None:
        proven = form.change_email_strategy.verify_old_email
        changes["change_email_strategy"] = stored.ChangeEmailStrategy(verify_old_email=proven)
    nested = _read_nested(form)
    if isinstance(nested, Refused):
        return nested
    changes |= nested
    if form.allowed_countries is not None:
        countries = _read_countries(form.allowed_countries)
        if countries is None:
            return Refused(Key.BAD_REQUEST, data={"field": "allowedCountries"})
        changes["allowed_countries"] = countries
    if form.enabled_factors is not None:
        changes["enabled_factors"] = tuple(dict.fromkeys(form.enabled_factors))
    if form.allowed_origins is not None:
        origins = read_origins(form.allowed_origins)
        if origins is None:
            return Refused(Key.BAD_REQUEST, data={"field": "allowedOrigins"})
        changes["allowed_origins"] = origins
    return changes


def _read_nested(form: UpdateSecuritySettings) -> Changes | Refused:
    """Settings that are objects, where they are asked for."""
    failures = form.login_anomaly_detection
    if failures is not None:
        whitelist = failures.robot_verify_login_ip_whitelist_check.ip_whitelist
        if read_networks(whitelist) is None:
            path = "loginAnomalyDetection.robotVerifyLoginIpWhitelistCheck.ipWhitelist"
            return Refused(Key.BAD_REQUEST, data={"field": "ipWhitelist", "path": path})
    return {
        name: msgspec.convert(msgspec.to_builtins(asked), kind)
        for name, kind in _NESTED.items()
        if (asked := getattr(form, name)) is not None
    }


def judge(before: PoolPolicy, changes: Changes) -> PoolPolicy | Refused:
    """The settings as they become; refused where they may not stand together, naming what was asked for."""
    after = msgspec.structs.replace(before, **changes)
    if not after.short_code_allowed:
        asked = "verifyCodeLength" if "verify_code_length" in changes else "wrongCodesPerDay"
        return Refused(Key.BAD_REQUEST, data={"field": asked})
    return after


def changed(before: PoolPolicy, after: PoolPolicy) -> list[str]:
    """The wire names of the settings that are not what they were."""
    return [
        info.encode_name
        for info in msgspec.structs.fields(PoolPolicy)
        if getattr(before, info.name) != getattr(after, info.name)
    ]


def codes_are_short(policy: PoolPolicy) -> bool:
    """Whether an administrator should hear that codes are easy to guess: of 4 or 5 digits."""
    return policy.verify_code_length < 6


def shown(policy: PoolPolicy) -> SecuritySettings:
    """The settings as they are read; those that have no effect yet show their default."""
    nested: dict[str, Any] = {
        name: msgspec.convert(msgspec.to_builtins(getattr(policy, name)), kind)
        for name, kind in _SHOWN.items()
    }
    same = {
        name: getattr(policy, name)
        for name in PoolPolicy.__struct_fields__
        if name
        not in {"change_phone_strategy", "change_email_strategy", "allowed_countries", "enabled_factors"}
        | _NESTED.keys()
    }
    return SecuritySettings(
        change_phone_strategy=security.ChangePhoneStrategy(
            verify_old_phone=policy.change_phone_strategy.verify_old_phone
        ),
        change_email_strategy=security.ChangeEmailStrategy(
            verify_old_email=policy.change_email_strategy.verify_old_email
        ),
        allowed_countries=list(policy.allowed_countries),
        enabled_factors=list(policy.enabled_factors),
        **nested,
        **same,
    )


def _read_countries(codes: Sequence[str]) -> tuple[str, ...] | None:
    """Calling codes, each once; None where one is no country's, or there is none: then no code could be sent."""
    if not codes or any(read_country_code(code) is None for code in codes):
        return None
    return tuple(dict.fromkeys(codes))
