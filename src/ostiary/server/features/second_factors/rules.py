"""Second factors: what the forms mean, and what may be enrolled or removed. Pure.

Rule 1: one factor of each kind, of the kinds that the pool has in use.
Rule 2: a number or an address is a factor once a code that went there came back, whether or not it is the account's.
Rule 3: what an enrolment begins with is looked at again when it ends: kind, policy, and that none came in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from ostiary.contract.keys import Key
from ostiary.contract.second_factor import (
    EnrollFactor,
    GetFactor,
    MfaFactorVerify,
    MfaOtpVerity,
    MfaRecoveryCodeVerify,
    ResetFactor,
    SendEnrollFactorRequest,
    SendMfaCode,
)
from ostiary.server.core.credentials import read_email
from ostiary.server.core.passcode import read_passcode
from ostiary.server.core.people import Account, Facts
from ostiary.server.core.phone import can_be_texted, country_code, national_part, read_number
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.refused import Refused
from ostiary.server.core.second_factor import KINDS, read_recovery_code


@dataclass(frozen=True, slots=True)
class Wanted:
    """The factor that is to be: its kind, and where its codes go ('' for an authenticator)."""

    kind: str
    target: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The second half of an enrolment: token, kind and code."""

    kind: str
    token: str = field(repr=False)
    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """A code of one factor."""

    factor_id: str
    code: str = field(repr=False)


class Claims(msgspec.Struct, frozen=True, array_like=True):
    """What an enrolment token was granted for. The secret is sealed for the factor that is to be."""

    kind: str
    target: str
    factor_id: str
    secret: bytes | None = None
    recovery: bytes | None = None


# --- what the forms mean --------------------------------------------------------------------------------


def read_wanted(form: SendEnrollFactorRequest, facts: Facts) -> Wanted | Refused:
    """A number is parsed like any new one: valid, no fixed line, in a country that is served."""
    kind, profile = form.factor_type, form.profile
    if kind == "SMS":
        number = read_number(profile.phone_number or "", profile.phone_country_code, facts.pool.country_code)
        if number is None:
            return Refused(Key.BAD_CONTACT, data={"field": "phoneNumber"})
        own = facts.account is not None and facts.account.phone == number
        if not own and not can_be_texted(number):
            return Refused(Key.BAD_CONTACT, data={"field": "phoneNumber"})
        if not own and country_code(number) not in facts.pool.policy.allowed_countries:
            return Refused(Key.NUMBER_NOT_SERVED)
        return Wanted(kind, number)
    if kind == "EMAIL":
        address = read_email(profile.email or "")
        return Wanted(kind, address) if address else Refused(Key.BAD_CONTACT, data={"field": "email"})
    return Wanted(kind)


def read_enrolment(form: EnrollFactor, _facts: Facts) -> Enrolment | Refused:
    """The code as digits."""
    code = read_passcode(form.enrollment_data.pass_code or "")
    if code is None:
        return Refused(Key.BAD_REQUEST, data={"field": "passCode"})
    return Enrolment(form.factor_type, form.enrollment_token, code)


def read_factor_id(form: ResetFactor | GetFactor | SendMfaCode, _facts: Facts) -> str:
    """Which factor."""
    return form.factor_id


def read_totp(form: MfaOtpVerity, _facts: Facts) -> str | Refused:
    """The code as digits."""
    return read_passcode(form.totp) or Refused(Key.BAD_REQUEST, data={"field": "totp"})


def read_shown(form: MfaFactorVerify, _facts: Facts) -> Shown | Refused:
    """The code as digits."""
    code = read_passcode(form.pass_code)
    return Shown(form.factor_id, code) if code else Refused(Key.BAD_REQUEST, data={"field": "passCode"})


def read_recovery(form: MfaRecoveryCodeVerify, _facts: Facts) -> str | Refused:
    """The digits of the code, however it was spaced."""
    return read_recovery_code(form.recovery_code) or Refused(Key.BAD_REQUEST, data={"field": "recoveryCode"})


# --- what may be enrolled -------------------------------------------------------------------------------


def judge_kind(kind: str, policy: PoolPolicy, account: Account) -> Refused | None:
    """Rule 1. The kinds that are enrolled were looked up in this transaction."""
    if kind not in policy.enabled_factors:
        return Refused(Key.FACTOR_NOT_SERVED)
    return Refused(Key.FACTOR_ENROLLED) if kind in account.factors else None


def to_enroll(policy: PoolPolicy, enrolled: Sequence[str]) -> list[str]:
    """The kinds that are in use and not enrolled."""
    return [kind for kind in KINDS if kind in policy.enabled_factors and kind not in enrolled]


def profile_of(kind: str, target: str) -> dict[str, str]:
    """A factor's `profile` as its owner sees it."""
    if kind == "SMS":
        return {"phoneNumber": national_part(target), "phoneCountryCode": country_code(target)}  # type: ignore[arg-type] # stored numbers are E.164
    return {"email": target} if kind == "EMAIL" else {}
