"""Signing in: what the form means, and what is said to whom. Pure.

Rule 1: a wrong password and an unknown name are one and the same answer, after one and the same work.
Rule 2: that an account is locked is told only to who has its password or its code.
Rule 3: that a number or address has no account is told only to who has its code.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ostiary.contract.captcha import ValidatePassword
from ostiary.contract.keys import Key
from ostiary.contract.signin import SigninByCredentials, SignInByPasswordPayload, SignInOptions
from ostiary.server.core import scopes
from ostiary.server.core.contact import medium_of
from ostiary.server.core.credentials import Names, read_email, username_key
from ostiary.server.core.passcode import read_passcode
from ostiary.server.core.people import Account, Facts
from ostiary.server.core.phone import E164, country_code, read_number
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.refused import Refused


@dataclass(frozen=True, slots=True)
class ByPassword:
    """A name of the account, its password, and the scope that is granted."""

    names: Names
    password: str = field(repr=False)
    """As it was sent: `encrypt_type` says how to read it."""
    encrypt_type: str | None
    scope: str
    captcha_code: str | None = None
    captcha_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ByCode:
    """A number or address, the code that was sent to it, and the scope that is granted."""

    contact: str = field(repr=False)
    code: str = field(repr=False)
    scope: str
    auto_register: bool
    custom_data: Mapping[str, Any] = field(repr=False)
    """For the account that `auto_register` makes."""


def read_by_password(form: SigninByCredentials, facts: Facts) -> ByPassword | Refused:
    """The password, and whose it is said to be."""
    payload = form.password_payload
    if payload is None:
        return Refused(Key.PARAMETERS_INCOMPLETE, data={"field": "passwordPayload"})
    names = _read_names(payload, facts)
    if isinstance(names, Refused):
        return names
    options = form.options or SignInOptions()
    return ByPassword(
        names,
        payload.password,
        options.password_encrypt_type,
        _scope(form),
        options.captcha_code,
        options.captcha_token,
    )


def read_to_validate(form: ValidatePassword, facts: Facts) -> ByPassword | Refused:
    """The same for a password that is only looked at. The wire has seen that there is a name and a password."""
    country = form.phone_country_code
    number = read_number(form.phone, country, facts.pool.country_code) if form.phone is not None else None
    if form.phone is not None and number is None:
        return Refused(Key.BAD_CONTACT, data={"field": "phone"})
    payload = SignInByPasswordPayload(
        password=form.password or "", username=form.username, email=form.email, phone=form.phone
    )
    names = Names(phone=number) if number is not None else _read_names(payload, facts)
    if isinstance(names, Refused):
        return names
    return ByPassword(names, form.password or "", form.password_encrypt_type, scopes.OPENID)


def _read_names(payload: SignInByPasswordPayload, facts: Facts) -> Names | Refused:
    """`account` may be any name; of several fields the first one counts."""
    if payload.account is not None:
        text = payload.account
        number = read_number(text, None, facts.pool.country_code)
        return Names(username_key(text), read_email(text), number)
    if payload.username is not None:
        return Names(username_key=username_key(payload.username))
    if payload.email is not None:
        email = read_email(payload.email)
        return Refused(Key.BAD_CONTACT, data={"field": "email"}) if email is None else Names(email=email)
    if payload.phone is not None:
        number = read_number(payload.phone, None, facts.pool.country_code)
        return Refused(Key.BAD_CONTACT, data={"field": "phone"}) if number is None else Names(phone=number)
    return Refused(Key.PARAMETERS_INCOMPLETE, data={"field": "account"})


def read_by_code(form: SigninByCredentials, facts: Facts) -> ByCode | Refused:
    """The code, and where it was sent. A number is only parsed: which ones may be texted, sending has decided."""
    payload = form.pass_code_payload
    if payload is None or (payload.phone is None and payload.email is None):
        missing = "passCodePayload" if payload is None else "phone"
        return Refused(Key.PARAMETERS_INCOMPLETE, data={"field": missing})
    code = read_passcode(payload.pass_code)
    if code is None:
        return Refused(Key.BAD_REQUEST, data={"field": "passCode"})
    contact: str | None
    if payload.phone is not None:
        contact = read_number(payload.phone, payload.phone_country_code, facts.pool.country_code)
    else:
        contact = read_email(payload.email or "")
    if contact is None:
        return Refused(Key.BAD_CONTACT, data={"field": "phone" if payload.phone is not None else "email"})
    options = form.options or SignInOptions()
    return ByCode(contact, code, _scope(form), options.auto_register is True, options.custom_data or {})


def _scope(form: SigninByCredentials) -> str:
    return scopes.granted(form.options.scope if form.options is not None else None)


def judge_password(*, right: bool, active: bool) -> Refused | None:
    """Once the password was checked. `right`: it is, and the same account has that name and that password still."""
    if not right:
        return Refused(Key.WRONG_CREDENTIALS)
    return None if active else Refused(Key.USER_LOCKED)


def judge_newcomer(ask: ByCode, policy: PoolPolicy) -> Refused | None:
    """A right code from a number or address without an account: whether one is made."""
    if not ask.auto_register:
        return Refused(Key.USER_NOT_FOUND)
    if policy.register_disabled:
        return Refused(Key.SIGN_UP_DISABLED)
    if medium_of(ask.contact) == "email":
        return None
    served = country_code(E164(ask.contact)) in policy.allowed_countries
    return None if served else Refused(Key.NUMBER_NOT_SERVED)


class Unproven(Enum):
    """What becomes of an account whose address its owner proves for the first time, by signing in with a code."""

    OURS = "ours"
    """The account is the owner's. Whoever made it may have been somebody else: their password and sessions end."""
    NOT_A_WAY_IN = "not_a_way_in"
    """It is somebody's who proved a number: an address they only named opens nothing."""


def judge_unproven(account: Account) -> Unproven:
    """Nobody gets into somebody else's account, or keeps a way into one, because an address was typed at sign-up."""
    return Unproven.NOT_A_WAY_IN if account.phone is not None and account.phone_verified else Unproven.OURS
