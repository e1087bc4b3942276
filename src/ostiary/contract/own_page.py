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
"""The name of a person, a place or a company."""
LongText = Annotated[str, Meta(max_length=2_048)]
"""A web address."""


class UpdateUserProfile(Wire, kw_only=True, frozen=True):
    """The changes; absent fields stay as they are. A null member of `customData` is removed."""

    name: ShortText | None = None
    nickname: ShortText | None = None
    photo: LongText | None = None
    """`http:` or `https:`."""
    external_id: Handle | None = None
    """Set by the administrator: accepted only if it is unchanged."""
    birthdate: Annotated[str, Meta(max_length=64, examples=["1990-07-03"])] | None = None
    """A date or a time (ISO 8601)."""
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
    """Fields defined by the pool (`set-custom-fields`)."""
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
    """A language tag (BCP 47), also used for messages to the user."""
    locality: ShortText | None = None
    region: ShortText | None = None
    formatted: Text | None = None
    phone: Text | None = None
    """Refused: use `verify-update-phone-request` or `bind-phone`."""
    phone_country_code: Text | None = None
    """Refused, like `phone`."""
    phone_verified: bool | None = None
    """Refused."""
    email: Text | None = None
    """Refused: use `verify-update-email-request` or `bind-email`."""
    email_verified: bool | None = None
    """Refused."""
    password: Secret | None = None
    """Refused: use `update-password`."""
    status: Text | None = None
    """Refused."""


class GetSecurityInfo(Wire, kw_only=True, frozen=True):
    """How the account is protected."""

    password_security_level: int
    """0: no password; 1: set before the current rules or imported as a hash; 2: medium; 3: strong."""
    mfa_enrolled: bool
    password_set: bool
    email_binded: bool
    """Whether there is a verified e-mail address."""
    phone_binded: bool
    """Whether there is a verified phone number."""
    security_score: int
    """0 to 100; docs/own-page.md explains the calculation."""


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
    """A country or region and its calling code, which it may share with others."""

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
    """The new password, and the old one if there is one."""

    new_password: RequiredSecret
    old_password: Secret | None = None
    """Required if the account has a password."""
    password_encrypt_type: PasswordEncryptType | None = None
    """How both passwords are encrypted. Default: `none`."""
    password_reset_token: Token | None = None
    """Instead of the old password; see `reset-password`."""


class ResetPasswordByPhonePassCode(Wire, kw_only=True, frozen=True):
    """The code received with `CHANNEL_RESET_PASSWORD`."""

    phone_number: RequiredPhone
    pass_code: RequiredCode
    phone_country_code: CountryText | None = None


class ResetPasswordByEmailPassCode(Wire, kw_only=True, frozen=True):
    """The same by e-mail."""

    email: Handle | None = None
    pass_code: RequiredCode


class VerifyResetPasswordRequest(Wire, kw_only=True, frozen=True):
    """Proof that the caller holds the account's number or address."""

    verify_method: Literal["EMAIL_PASSCODE", "PHONE_PASSCODE"]
    phone_pass_code_payload: ResetPasswordByPhonePassCode | None = None
    email_pass_code_payload: ResetPasswordByEmailPassCode | None = None


class ResetPasswordVerify(Wire, kw_only=True, frozen=True):
    """The token for setting a password without the old one."""

    password_reset_token: str
    """One-time; starts with `rpt_`."""
    token_expires_in: int
    """Seconds."""


class ResetPassword(Wire, kw_only=True, frozen=True):
    """The token to use."""

    password: RequiredSecret
    password_reset_token: RequiredToken
    password_encrypt_type: PasswordEncryptType | None = None


class DeleteAccountByPhonePassCode(Wire, kw_only=True, frozen=True):
    """The code sent to the account's number with `CHANNEL_DELETE_ACCOUNT`."""

    phone_number: RequiredPhone
    pass_code: RequiredCode
    phone_country_code: CountryText | None = None


class DeleteAccountByEmailPassCode(Wire, kw_only=True, frozen=True):
    """The same by e-mail. The address defaults to the account's."""

    email: Handle | None = None
    pass_code: RequiredCode


class DeleteAccountByPassword(Wire, kw_only=True, frozen=True):
    """The account's password."""

    password: RequiredSecret
    password_encrypt_type: PasswordEncryptType | None = None


class VerifyDeleteAccountRequest(Wire, kw_only=True, frozen=True):
    """Proof that the owner wants to delete the account."""

    verify_method: Literal["PHONE_PASSCODE", "EMAIL_PASSCODE", "PASSWORD"]
    phone_pass_code_payload: DeleteAccountByPhonePassCode | None = None
    email_pass_code_payload: DeleteAccountByEmailPassCode | None = None
    password_payload: DeleteAccountByPassword | None = None


class VerifyDeleteAccountRequestData(Wire, kw_only=True, frozen=True):
    """The token for deleting the account."""

    delete_account_token: str
    """One-time; starts with `dat_`."""
    token_expires_in: int
    """Seconds."""


class DeleteAccount(Wire, kw_only=True, frozen=True):
    """The token to use."""

    delete_account_token: RequiredToken
