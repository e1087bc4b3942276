"""Codes by SMS and e-mail: asking for one, and looking whether one is right."""

from typing import Literal

from ostiary.contract.common import (
    CountryText,
    EmailChannel,
    RequiredCode,
    RequiredHandle,
    RequiredPhone,
    SmsChannel,
    Wire,
)


class SendSMS(Wire, kw_only=True, frozen=True):
    """Which number gets a code, and what the code can be used for."""

    channel: SmsChannel
    phone_number: RequiredPhone
    phone_country_code: CountryText | None = None


class SendEmail(Wire, kw_only=True, frozen=True):
    """Which address gets a code, and what the code can be used for."""

    channel: EmailChannel
    email: RequiredHandle


class PreCheckSmsCode(Wire, kw_only=True, frozen=True):
    """A code received by SMS. The number is called `phone` here and `phoneNumber` elsewhere."""

    phone: RequiredPhone
    pass_code: RequiredCode
    phone_country_code: CountryText | None = None
    channel: SmsChannel


class PreCheckEmailCode(Wire, kw_only=True, frozen=True):
    """A code received by e-mail."""

    email: RequiredHandle
    pass_code: RequiredCode
    channel: EmailChannel


class PreCheckCode(Wire, kw_only=True, frozen=True):
    """A code to check without using it."""

    code_type: Literal["SMS", "EMAIL"]
    sms_code_payload: PreCheckSmsCode | None = None
    email_code_payload: PreCheckEmailCode | None = None


class PreCheckCodeData(Wire, kw_only=True, frozen=True):
    """Whether the code is right at this moment. A wrong one counts as a wrong guess."""

    is_valid: bool
    message: str | None = None
