"""The signed-in user's own page: the profile, what protects the account, its password, and its end."""

from typing import Annotated, Literal

from msgspec import Meta

from ostiary.contract.common import (
    CountryText,
    Gender,
    Handle,
    Json,
    PasswordEncryptType,
    RequiredCode,
    RequiredPhone,
    RequiredSecret,
    RequiredToken,
    Secret,
    Text,
    Token,
    Wire,
)

ShortText = Annotated[str, Meta(max_length=256)]
"""A name of a person, a place or a firm."""
LongText = Annotated[str, Meta(max_length=2_048)]
"""An address on the web."""


class UpdateUserProfile(Wire, kw_only=True, frozen=True):
    """What is to change; what is absent stays. A member of `customData` that is null goes."""

    name: ShortText | None = None
    nickname: ShortText | None = None
    photo: LongText | None = None
    """`http:` or `https:`."""
    external_id: Handle | None = None
    """The administrator's: accepted only where it is the one that is there."""
    birthdate: Annotated[str, Meta(max_length=64, examples=["1990-07-03"])] | None = None
    """A day, or a moment (ISO 8601)."""
    country: ShortText | None = None
    province: ShortText | None = None
    city: ShortText | None = None
    address: Text | None = None
    street_address: Text | None = None
    postal_code: Annotated[str, Meta(max_length=32)] | None = None
    gender: Gender | None = None
    username: Handle | None = None
    company: ShortText | None = None
    custom_data: Json | None = None
    """Fields as the pool defines them (`set-custom-fields`)."""
    identity_number: Annotated[str, Meta(max_length=64)] | None = None
    given_name: ShortText | None = None
    family_name: ShortText | None = None
    middle_name: ShortText | None = None
    preferred_username: ShortText | None = None
    profile: LongText | None = None
    """`http:` or `https:`."""
    website: LongText | None = None
    """`http:` or `https:`."""
    zoneinfo: Annotated[str, Meta(max_length=64, examples=["Asia/Shanghai"])] | None = None
    locale: Annotated[str, Meta(max_length=35, examples=["zh-CN"])] | None = None
    """A language tag (BCP 47): messages to the user are in this language."""
    locality: ShortText | None = None
    region: ShortText | None = None
    formatted: Text | None = None
    phone: Text | None = None
    """Refused: `verify-update-phone-request`, `bind-phone`."""
    phone_country_code: Text | None = None
    """Refused, as `phone`."""
    phone_verified: bool | None = None
    """Refused."""
    email: Text | None = None
    """Refused: `verify-update-email-request`, `bind-email`."""
    email_verified: bool | None = None
    """Refused."""
    password: Secret | None = None
    """Refused: `update-password`."""
    status: Text | None = None
    """Refused."""


class GetSecurityInfo(Wire, kw_only=True, frozen=True):
    """What protects the account."""

    password_security_level: int
    """0 no password, 1 set before today's rules or by somebody else's hash, 2 medium, 3 strong."""
    mfa_enrolled: bool
    password_set: bool
    email_binded: bool
    """A verified address."""
    phone_binded: bool
    """A verified number."""
    security_score: int
    """0 to 100: docs/own-page.md says how it comes about."""


class LangUnit(Wire, kw_only=True, frozen=True):
    """A name in one language."""

    enabled: bool
    value: Text


class LangObject(
    Wire, rename={"zh_cn": "zh-CN", "en_us": "en-US", "zh_tw": "zh-TW", "ja_jp": "ja-JP"}, frozen=True
):
    """A name in each language."""

    zh_cn: LangUnit | None = None
    en_us: LangUnit | None = None
    zh_tw: LangUnit | None = None
    ja_jp: LangUnit | None = None


class CountryDetailInfo(Wire, kw_only=True, frozen=True):
    """A country or region with a calling code of its own, or a share in one."""

    alpha2: str
    """ISO 3166-1, two letters: `CN`."""
    alpha3: str
    """ISO 3166-1, three letters: `CHN`."""
    phone_country_code: str
    """`+86`."""
    flag: str
    """As an emoji."""
    name: LangObject


class UpdatePassword(Wire, kw_only=True, frozen=True):
    """A new password, and the old one where there is one."""

    new_password: RequiredSecret
    old_password: Secret | None = None
    """Required where the account has a password."""
    password_encrypt_type: PasswordEncryptType | None = None
    """How both are encrypted; none."""
    password_reset_token: Token | None = None
    """Instead of the old password; see `reset-password`."""


class ResetPasswordByPhonePassCode(Wire, kw_only=True, frozen=True):
    """The code that came with `CHANNEL_RESET_PASSWORD`."""

    phone_number: RequiredPhone
    pass_code: RequiredCode
    phone_country_code: CountryText | None = None


class ResetPasswordByEmailPassCode(Wire, kw_only=True, frozen=True):
    """The same by e-mail."""

    email: Handle | None = None
    pass_code: RequiredCode


class VerifyResetPasswordRequest(Wire, kw_only=True, frozen=True):
    """Proof that the account's number or address is the caller's."""

    verify_method: Literal["EMAIL_PASSCODE", "PHONE_PASSCODE"]
    phone_pass_code_payload: ResetPasswordByPhonePassCode | None = None
    email_pass_code_payload: ResetPasswordByEmailPassCode | None = None


class ResetPasswordVerify(Wire, kw_only=True, frozen=True):
    """The permission to set a password without the old one."""

    password_reset_token: str
    """One-time; starts with `rpt_`."""
    token_expires_in: int
    """Seconds."""


class ResetPassword(Wire, kw_only=True, frozen=True):
    """The permission, spent."""

    password: RequiredSecret
    password_reset_token: RequiredToken
    password_encrypt_type: PasswordEncryptType | None = None


class DeleteAccountByPhonePassCode(Wire, kw_only=True, frozen=True):
    """The code that came to the account's number with `CHANNEL_DELETE_ACCOUNT`."""

    phone_number: RequiredPhone
    pass_code: RequiredCode
    phone_country_code: CountryText | None = None


class DeleteAccountByEmailPassCode(Wire, kw_only=True, frozen=True):
    """The same by e-mail; absent, the address is the account's."""

    email: Handle | None = None
    pass_code: RequiredCode


class DeleteAccountByPassword(Wire, kw_only=True, frozen=True):
    """The account's password."""

    password: RequiredSecret
    password_encrypt_type: PasswordEncryptType | None = None


class VerifyDeleteAccountRequest(Wire, kw_only=True, frozen=True):
    """Proof that it is the owner who wants the account gone."""

    verify_method: Literal["PHONE_PASSCODE", "EMAIL_PASSCODE", "PASSWORD"]
    phone_pass_code_payload: DeleteAccountByPhonePassCode | None = None
    email_pass_code_payload: DeleteAccountByEmailPassCode | None = None
    password_payload: DeleteAccountByPassword | None = None


class VerifyDeleteAccountRequestData(Wire, kw_only=True, frozen=True):
    """The permission to delete the account."""

    delete_account_token: str
    """One-time; starts with `dat_`."""
    token_expires_in: int
    """Seconds."""


class DeleteAccount(Wire, kw_only=True, frozen=True):
    """The permission, spent."""

    delete_account_token: RequiredToken
