"""One's own password: changing it, and setting one anew when it is forgotten. Pure.

Rule 1: who changes a password knows the old one; who has none yet has signed in a moment ago.
Rule 2: a code resets a password only at a contact that is proven to be the account's, or where none is: an address
that somebody typed at sign-up opens nobody's account.
Rule 3: that a number or an address has an account is told only to who holds its code.
Rule 4: a right code alone proves nothing for good; with the new password, a contact that was unproven until then is.
"""

from dataclasses import dataclass, field

import msgspec

from ostiary.contract.keys import Key
from ostiary.contract.own_page import VerifyResetPasswordRequest
from ostiary.server.core.contact import Medium, medium_of
from ostiary.server.core.credentials import read_email
from ostiary.server.core.passcode import read_passcode
from ostiary.server.core.people import Account, Facts
from ostiary.server.core.phone import read_number
from ostiary.server.core.refused import Refused

RESET_TTL = 300
"""Seconds to think of a new password, once the code was right."""


@dataclass(frozen=True, slots=True)
class ByCode:
    """A number or an address, and the code that was sent to it."""

    contact: str = field(repr=False)
    code: str = field(repr=False)


class Claims(msgspec.Struct, frozen=True, array_like=True):
    """What a reset was granted for: the account as it stood, whoever changes it."""

    phone_version: int
    email_version: int
    password_set_at: int | None
    proves: Medium | None = None
    """Which contact the code was for, where that was unproven: it is the holder's once the password is set."""


def read_verify(form: VerifyResetPasswordRequest, facts: Facts) -> ByCode | Refused:
    """The contact in its one spelling, and the digits. A stored number is only parsed."""
    by_phone, by_email = form.phone_pass_code_payload, form.email_pass_code_payload
    contact: str | None = None
    if form.verify_method == "PHONE_PASSCODE" and by_phone is not None:
        typed, name = by_phone.pass_code, "phoneNumber"
        contact = read_number(by_phone.phone_number, by_phone.phone_country_code, facts.pool.country_code)
    elif form.verify_method == "EMAIL_PASSCODE" and by_email is not None and by_email.email is not None:
        typed, name = by_email.pass_code, "email"
        contact = read_email(by_email.email)
    else:
        raise AssertionError("the contract's `needs` have refused a form without its method's payload")
    code = read_passcode(typed)
    if code is None:
        return Refused(Key.BAD_REQUEST, data={"field": "passCode"})
    if contact is None:
        return Refused(Key.BAD_CONTACT, data={"field": name})
    return ByCode(contact, code)


def judge_old(old: str | None, *, has_password: bool) -> Refused | None:
    """Whether the old password is there, where there is one."""
    return Refused(Key.OLD_PASSWORD_REQUIRED) if has_password and old is None else None


def judge_account(account: Account | None, contact: str) -> Refused | None:
    """Once the code was right: whether it may reset this account's password."""
    if account is None:
        return Refused(Key.USER_NOT_FOUND)
    if not _opens(account, medium_of(contact)):
        return Refused(Key.USER_NOT_FOUND)
    return None if account.active else Refused(Key.USER_LOCKED)


def _opens(account: Account, medium: Medium) -> bool:
    """Rule 2."""
    by_phone = account.phone is not None and account.phone_verified
    by_email = account.email is not None and account.email_verified
    proven, another = (by_phone, by_email) if medium == "sms" else (by_email, by_phone)
    return proven or not another


def claims_of(account: Account, password_set_at: int | None, contact: str) -> Claims:
    """What a right code at this contact is worth."""
    medium = medium_of(contact)
    proves = None if _is_proven(account, medium) else medium
    return Claims(account.phone_version, account.email_version, password_set_at, proves)


def standing(account: Account, password_set_at: int | None, proves: Medium | None) -> Claims:
    """The same as it stands now; `proves` was seen when the token was granted, and holds while the contact is unproven."""
    still = proves if proves is not None and not _is_proven(account, proves) else None
    return Claims(account.phone_version, account.email_version, password_set_at, still)


def judge_reset(claims: Claims, now: Claims, account: Account) -> Refused | None:
    """Whether the account is still the one that the token was granted for."""
    if claims != now or (claims.proves is not None and not _opens(account, claims.proves)):
        return Refused(Key.ONE_TIME_TOKEN_INVALID)
    return None if account.active else Refused(Key.USER_LOCKED)


def _is_proven(account: Account, medium: Medium) -> bool:
    return account.phone_verified if medium == "sms" else account.email_verified
