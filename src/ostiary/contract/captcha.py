"""Captchas, and looking whether a password is right."""

from ostiary.contract.common import CountryText, Handle, PasswordEncryptType, PhoneText, Secret, Wire


class GetCaptchaCodeData(Wire, kw_only=True, frozen=True):
    """A picture, and the token to send back with the answer."""

    captcha_code_svg: str
    """An SVG document, to be shown as a picture."""
    captcha_token: str
    """Send it back in `options.captchaToken`; valid for one answer within five minutes."""


class ValidatePassword(Wire, kw_only=True, frozen=True):
    """A password and one name of the account."""

    phone: PhoneText | None = None
    email: Handle | None = None
    username: Handle | None = None
    phone_country_code: CountryText | None = None
    password: Secret | None = None
    password_encrypt_type: PasswordEncryptType | None = None


class ValidatePasswordResult(Wire, kw_only=True, frozen=True):
    """Whether it is the account's."""

    valid: bool
