"""Asking for a code by SMS, and looking whether one is right: what the forms mean. Pure."""

from dataclasses import dataclass

from ostiary.contract.keys import Key
from ostiary.contract.messages import PreCheckCode, SendSMS
from ostiary.server.core.passcode import BOUND, Channel, read_passcode
from ostiary.server.core.people import Facts
from ostiary.server.core.phone import E164, read_number
from ostiary.server.core.refused import Refused


@dataclass(frozen=True, slots=True)
class Send:
    """A code for this channel, to this number."""

    channel: Channel
    to: E164


@dataclass(frozen=True, slots=True)
class Look:
    """A typed code, to be compared and not used."""

    channel: Channel
    to: E164
    code: str


def read_send(form: SendSMS, facts: Facts) -> Send | Refused:
    """The number in E.164. Which numbers may be texted, the passcode guard says."""
    number = read_number(form.phone_number, form.phone_country_code, facts.pool.country_code)
    if number is None:
        return Refused(Key.BAD_CONTACT, data={"field": "phoneNumber"})
    return Send(Channel(form.channel), number)


def read_look(form: PreCheckCode, facts: Facts) -> Look | Refused:
    """The code and the number of an SMS look-up."""
    payload = form.sms_code_payload
    if payload is None:
        return Refused(Key.PARAMETERS_INCOMPLETE, data={"field": "smsCodePayload"})
    code = read_passcode(payload.pass_code)
    if code is None:
        return Refused(Key.BAD_REQUEST, data={"field": "passCode"})
    number = read_number(payload.phone, payload.phone_country_code, facts.pool.country_code)
    if number is None:
        return Refused(Key.BAD_CONTACT, data={"field": "phone"})
    return Look(Channel(payload.channel), number, code)


def sends_bound(form: SendSMS) -> bool:
    """Whether a token on this ask must be good: the code will belong to its user."""
    return Channel(form.channel) in BOUND


def looks_bound(form: PreCheckCode) -> bool:
    """Whether this look-up needs a signed-in caller."""
    return form.sms_code_payload is not None and Channel(form.sms_code_payload.channel) in BOUND
