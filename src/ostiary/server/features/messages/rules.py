"""Asking for a code by SMS or e-mail, and looking whether one is right: what the forms mean. Pure."""

import msgspec

from ostiary.contract.keys import Key
from ostiary.contract.messages import (
    PreCheckCode,
    PreCheckEmailCode,
    PreCheckSmsCode,
    SendEmail,
    SendSMS,
)
from ostiary.server.core.credentials import read_email
from ostiary.server.core.passcode import BOUND, Channel, read_passcode
from ostiary.server.core.people import Facts
from ostiary.server.core.phone import read_number
from ostiary.server.core.refused import Refused


class Send(msgspec.Struct, frozen=True):
    """A code for this channel, to this number or address."""

    channel: Channel
    to: str


class Look(msgspec.Struct, frozen=True):
    """A typed code, to be compared and not used."""

    channel: Channel
    to: str
    code: str


def read_send(form: SendSMS, facts: Facts) -> Send | Refused:
    """The number in E.164. Which numbers may be texted, the passcode guard says."""
    number = read_number(form.phone_number, form.phone_country_code, facts.pool.country_code)
    if number is None:
        return Refused(Key.BAD_CONTACT, data={"field": "phoneNumber"})
    return Send(Channel(form.channel), number)


def read_send_email(form: SendEmail, _facts: Facts) -> Send | Refused:
    """The address in its one spelling."""
    address = read_email(form.email)
    if address is None:
        return Refused(Key.BAD_CONTACT, data={"field": "email"})
    return Send(Channel(form.channel), address)


def payload_of(form: PreCheckCode) -> PreCheckSmsCode | PreCheckEmailCode | None:
    """What a look-up is about: the payload of its `codeType`."""
    return form.sms_code_payload if form.code_type == "SMS" else form.email_code_payload


def read_look(form: PreCheckCode, facts: Facts) -> Look | Refused:
    """The code, and the number or address it came to."""
    payload = payload_of(form)
    if payload is None:
        missing = "smsCodePayload" if form.code_type == "SMS" else "emailCodePayload"
        return Refused(Key.PARAMETERS_INCOMPLETE, data={"field": missing})
    code = read_passcode(payload.pass_code)
    if code is None:
        return Refused(Key.BAD_REQUEST, data={"field": "passCode"})
    to: str | None
    if isinstance(payload, PreCheckSmsCode):
        field = "phone"
        to = read_number(payload.phone, payload.phone_country_code, facts.pool.country_code)
    else:
        field, to = "email", read_email(payload.email)
    if to is None:
        return Refused(Key.BAD_CONTACT, data={"field": field})
    return Look(Channel(payload.channel), to, code)


def sends_bound(form: SendSMS | SendEmail) -> bool:
    """Whether a token on this ask must be good: the code will belong to its user."""
    return Channel(form.channel) in BOUND


def looks_bound(form: PreCheckCode) -> bool:
    """Whether this look-up needs a signed-in caller."""
    payload = payload_of(form)
    return payload is not None and Channel(payload.channel) in BOUND
