"""Registering: what the form means. Pure.

Rule 1: no number is stored that was not proven, and that one is taken is told only to who holds its code.
Rule 2: a user name that is taken is told to anybody: choosing one can't be done without it.
Rule 3: an address comes in unproven with a password, as the incumbent takes it. It is stored as unverified, so it
gets no notice and is no way in once a number goes; but it names its account, and nobody else's from then on.
"""

from dataclasses import dataclass, field

from ostiary.contract.keys import Key
from ostiary.contract.signin import SignUp
from ostiary.server.core.credentials import read_email, read_username
from ostiary.server.core.passcode import read_passcode
from ostiary.server.core.people import Facts
from ostiary.server.core.phone import E164, can_be_texted, country_code, read_number
from ostiary.server.core.refused import Refused


@dataclass(frozen=True, slots=True)
class ByPassword:
    """A password, and at least one name that it is to go with."""

    password: str = field(repr=False)
    """As it was sent: `encrypt_type` says how to read it."""
    encrypt_type: str | None
    username: str | None
    email: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ByCode:
    """A number, and the code that was sent to it."""

    number: E164
    code: str = field(repr=False)


def read_sign_up(form: SignUp, facts: Facts) -> ByPassword | ByCode | Refused:
    """What was typed; then whether the pool takes newcomers. Passwords are judged by `guards/new_passwords`."""
    ask = _read_code(form, facts) if form.connection == "PASSCODE" else _read_password(form)
    if isinstance(ask, Refused):
        return ask
    return Refused(Key.SIGN_UP_DISABLED) if facts.pool.policy.register_disabled else ask


def _read_password(form: SignUp) -> ByPassword | Refused:
    payload = form.password_payload
    if payload is None or (payload.username is None and payload.email is None):
        missing = "passwordPayload" if payload is None else "username"
        return Refused(Key.PARAMETERS_INCOMPLETE, data={"field": missing})
    username = read_username(payload.username) if payload.username is not None else None
    if payload.username is not None and username is None:
        return Refused(Key.BAD_REQUEST, data={"field": "username"})
    email = read_email(payload.email) if payload.email is not None else None
    if payload.email is not None and email is None:
        return Refused(Key.BAD_CONTACT, data={"field": "email"})
    encrypt_type = form.options.password_encrypt_type if form.options is not None else None
    return ByPassword(payload.password, encrypt_type, username, email)


def _read_code(form: SignUp, facts: Facts) -> ByCode | Refused:
    payload = form.pass_code_payload
    if payload is None or payload.phone is None:
        missing = "passCodePayload" if payload is None else "phone"
        return Refused(Key.PARAMETERS_INCOMPLETE, data={"field": missing})
    code = read_passcode(payload.pass_code)
    if code is None:
        return Refused(Key.BAD_REQUEST, data={"field": "passCode"})
    number = read_number(payload.phone, payload.phone_country_code, facts.pool.country_code)
    if number is None or not can_be_texted(number):
        return Refused(Key.BAD_CONTACT, data={"field": "phone"})
    if country_code(number) not in facts.pool.policy.allowed_countries:
        return Refused(Key.NUMBER_NOT_SERVED)
    return ByCode(number, code)
