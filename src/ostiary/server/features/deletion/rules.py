"""Deleting one's own account. Pure.

Rule 1: a code to the account's own number or address; a password only where it has neither proven.
Rule 2: an enrolled second factor was used in the session.
Rule 3: the token is good for the account as it stood: a new number, address or password ends it.
"""

from dataclasses import dataclass, field
from typing import Literal

import msgspec

from ostiary.contract.keys import Key
from ostiary.contract.own_page import DeleteAccount, VerifyDeleteAccountRequest
from ostiary.server.core.credentials import read_email
from ostiary.server.core.passcode import read_passcode
from ostiary.server.core.people import Account, Facts, ways_in
from ostiary.server.core.phone import read_number
from ostiary.server.core.refused import Refused


@dataclass(frozen=True, slots=True)
class Ask:
    """Which proof is given. With a code: `contact` None is the account's address, not typed again."""

    method: Literal["PHONE_PASSCODE", "EMAIL_PASSCODE", "PASSWORD"]
    contact: str | None = field(repr=False, default=None)
    code: str = field(repr=False, default="")


class Claims(msgspec.Struct, frozen=True, array_like=True):
    """The account as it stood when its end was granted."""

    phone_version: int
    email_version: int
    password_set_at: int | None


def read_verify(form: VerifyDeleteAccountRequest, facts: Facts) -> Ask | Refused:
    """Which proof is given, and what it says."""
    phone, email, password = (
        form.phone_pass_code_payload,
        form.email_pass_code_payload,
        form.password_payload,
    )
    if form.verify_method == "PHONE_PASSCODE" and phone is not None:
        number = read_number(phone.phone_number, phone.phone_country_code, facts.pool.country_code)
        return (
            _by_code(form.verify_method, phone.pass_code, number) if number else _bad_contact("phoneNumber")
        )
    if form.verify_method == "EMAIL_PASSCODE" and email is not None:
        address = read_email(email.email) if email.email is not None else None
        if email.email is not None and address is None:
            return _bad_contact("email")
        return _by_code(form.verify_method, email.pass_code, address)
    if form.verify_method == "PASSWORD" and password is not None:
        return Ask("PASSWORD")
    raise AssertionError("the contract's `needs` have refused a form without its method's payload")


def read_delete(form: DeleteAccount, _facts: Facts) -> str:
    """The token, as it came."""
    return form.delete_account_token


def _by_code(
    method: Literal["PHONE_PASSCODE", "EMAIL_PASSCODE"], typed: str, contact: str | None
) -> Ask | Refused:
    code = read_passcode(typed)
    if code is None:
        return Refused(Key.BAD_REQUEST, data={"field": "passCode"})
    return Ask(method, contact, code)


def _bad_contact(name: str) -> Refused:
    return Refused(Key.BAD_CONTACT, data={"field": name})


def judge_contact(ask: Ask, account: Account) -> str | Refused:
    """The account's own number or address, whatever was typed."""
    if ask.method == "PHONE_PASSCODE":
        if account.phone is None:
            return Refused(Key.PHONE_NOT_BOUND)
        return account.phone if ask.contact == account.phone else Refused(Key.OLD_PHONE_MISMATCH)
    if account.email is None:
        return Refused(Key.EMAIL_NOT_BOUND)
    return account.email if ask.contact in {None, account.email} else Refused(Key.OLD_EMAIL_MISMATCH)


def judge_by_password(account: Account) -> Refused | None:
    """Whether a password is enough: `data.methods` names the codes that are wanted instead."""
    # Proven only: a number that an administrator mistyped is in somebody else's hands, and must not keep its owner here.
    better = list(ways_in(account, proven_only=True))
    if account.has_password and not better:
        return None
    return Refused(Key.REAUTH_REQUIRED, data={"methods": better})


def judge_delete(claims: Claims, now: Claims) -> Refused | None:
    """Whether the account is still the one whose end was granted."""
    return None if claims == now else Refused(Key.ONE_TIME_TOKEN_INVALID)
