"""Registering and signing in."""

from typing import Any, Literal

from msgspec import field

from ostiary.contract.common import (
    CountryText,
    Gender,
    Handle,
    Json,
    PasswordEncryptType,
    PhoneText,
    PlainWire,
    RequiredCode,
    RequiredHandle,
    RequiredSecret,
    Secret,
    Text,
    Wire,
)


class SignUpByPassword(Wire, kw_only=True, frozen=True):
    """A new account with a password, named by user name or e-mail address."""

    password: RequiredSecret
    username: Handle | None = None
    email: Handle | None = None


class SignUpByPassCode(Wire, kw_only=True, frozen=True):
    """A new account by a code that was sent with `CHANNEL_REGISTER`."""

    pass_code: RequiredCode
    email: Handle | None = None
    phone: PhoneText | None = None
    phone_country_code: CountryText | None = None


class SignUpProfile(Wire, kw_only=True, frozen=True):
    """The new user's profile. `phone` and `email` need codes of their own (see options)."""

    nickname: Text | None = None
    company: Text | None = None
    photo: Text | None = None
    device: Text | None = None
    browser: Text | None = None
    name: Text | None = None
    given_name: Text | None = None
    family_name: Text | None = None
    middle_name: Text | None = None
    profile: Text | None = None
    preferred_username: Text | None = None
    website: Text | None = None
    gender: Gender | None = None
    birthdate: Text | None = None
    zoneinfo: Text | None = None
    locale: Text | None = None
    address: Text | None = None
    formatted: Text | None = None
    street_address: Text | None = None
    locality: Text | None = None
    region: Text | None = None
    postal_code: Text | None = None
    country: Text | None = None
    email: Handle | None = None
    phone: PhoneText | None = None
    phone_country_code: CountryText | None = None
    custom_data: Json | None = None


class SignUpOptions(Wire, kw_only=True, frozen=True):
    """Options for a sign-up."""

    client_ip: Text | None = None
    phone_pass_code_for_information_completion: Text | None = None
    email_pass_code_for_information_completion: Text | None = None
    password_for_phone_pass_code: Secret | None = None
    context: Any = None
    password_encrypt_type: PasswordEncryptType | None = None


class SignUp(Wire, kw_only=True, frozen=True):
    """A new account. `connection` says which payload is used."""

    connection: Literal["PASSWORD", "PASSCODE"]
    password_payload: SignUpByPassword | None = None
    pass_code_payload: SignUpByPassCode | None = None
    profile: SignUpProfile | None = None
    options: SignUpOptions | None = None


class SignInByPasswordPayload(Wire, kw_only=True, frozen=True):
    """A password and one name of the account; `account` may be any of them."""

    password: RequiredSecret
    account: Handle | None = None
    email: Handle | None = None
    username: Handle | None = None
    phone: PhoneText | None = None


class SignInByPassCodePayload(Wire, kw_only=True, frozen=True):
    """A code that was sent with `CHANNEL_LOGIN`."""

    pass_code: RequiredCode
    email: Handle | None = None
    phone: PhoneText | None = None
    phone_country_code: CountryText | None = None


class SignInByAdPayload(Wire, kw_only=True, frozen=True):
    """Active Directory credentials."""

    password: RequiredSecret
    sam_account_name: RequiredHandle = field(name="sAMAccountName")


class SignInByLdapPayload(Wire, kw_only=True, frozen=True):
    """LDAP credentials."""

    password: RequiredSecret
    sam_account_name: RequiredHandle = field(name="sAMAccountName")


class SignInOptions(Wire, kw_only=True, frozen=True):
    """Options for a sign-in."""

    scope: Text | None = None
    """Separated by spaces. Default: `openid`."""
    client_ip: Text | None = None
    context: Any = None
    tenant_id: Text | None = None
    custom_data: Json | None = None
    auto_register: bool | None = None
    """Create an account if the code is right but the number or address has none."""
    captcha_code: Text | None = None
    captcha_token: Text | None = None
    password_encrypt_type: PasswordEncryptType | None = None


class SigninByCredentials(Wire, kw_only=True, frozen=True):
    """Credentials. `connection` says which payload is used."""

    connection: Literal["PASSWORD", "PASSCODE", "LDAP", "AD"]
    password_payload: SignInByPasswordPayload | None = None
    pass_code_payload: SignInByPassCodePayload | None = None
    ad_payload: SignInByAdPayload | None = None
    ldap_payload: SignInByLdapPayload | None = None
    options: SignInOptions | None = None
    client_id: Handle | None = field(default=None, name="client_id")
    client_secret: Secret | None = field(default=None, name="client_secret")


class LoginTokenResponseData(PlainWire, kw_only=True, frozen=True):
    """Tokens. The lifetime is given twice: clients of the V3 API read `expire_in`, OAuth clients `expires_in`."""

    scope: str | None = None
    access_token: str | None = None
    id_token: str | None = None
    refresh_token: str | None = None
    token_type: str
    expire_in: int
    """Seconds."""
    expires_in: int
    """The same number of seconds."""
