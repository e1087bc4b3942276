"""The signed-in user's own account: reading it, and moving its phone number."""

from typing import Annotated, Literal

from msgspec import Meta

from ostiary.contract.common import (
    CountryText,
    Gender,
    Json,
    Moment,
    PhoneText,
    RequiredCode,
    RequiredPhone,
    RequiredToken,
    Status,
    Wire,
)


class Identity(Wire, kw_only=True, frozen=True):
    """A third-party identity linked to an account."""

    identity_id: str
    ext_idp_id: str
    provider: str
    type: str
    user_id_in_idp: str
    user_info_in_idp: Json
    access_token: str | None = None
    refresh_token: str | None = None
    origin_conn_ids: list[str]


class User(Wire, kw_only=True, frozen=True):
    """An account as its owner and the administrator see it."""

    user_id: str
    created_at: Moment
    updated_at: Moment
    status: Status
    work_status: Literal["Closed", "Active"]
    external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    """The national number; the calling code is in `phoneCountryCode`."""
    phone_country_code: str | None = None
    username: str | None = None
    name: str | None = None
    nickname: str | None = None
    photo: str | None = None
    logins_count: int | None = None
    last_login: Moment | None = None
    last_ip: str | None = None
    gender: Gender
    email_verified: bool
    phone_verified: bool
    password_last_set_at: Moment | None = None
    birthdate: str | None = None
    country: str | None = None
    province: str | None = None
    city: str | None = None
    address: str | None = None
    street_address: str | None = None
    locality: str | None = None
    postal_code: str | None = None
    company: str | None = None
    browser: str | None = None
    device: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    middle_name: str | None = None
    profile: str | None = None
    preferred_username: str | None = None
    website: str | None = None
    zoneinfo: str | None = None
    locale: str | None = None
    formatted: str | None = None
    region: str | None = None
    user_source_type: Literal["excel", "register", "adminCreated", "sync"]
    user_source_id: str | None = None
    last_login_app: str | None = None
    main_department_id: str | None = None
    last_mfa_time: Moment | None = None
    password_security_level: int | None = None
    reset_password_on_next_login: bool | None = None
    register_source: list[str] | None = None
    department_ids: list[str] | None = None
    identities: list[Identity] | None = None
    identity_number: str | None = None
    custom_data: Json | None = None
    metadata_source: Json | None = None
    post_id_list: list[str] | None = None
    status_changed_at: Moment | None = None
    tenant_id: str | None = None
    signed_up: Moment | None = None


class GetProfile(Wire, kw_only=True, frozen=True):
    """What to include beyond the account's plain fields."""

    with_custom_data: bool | None = None
    with_identities: bool | None = None
    with_department_ids: bool | None = None


class UpdatePhoneByPhonePassCode(Wire, kw_only=True, frozen=True):
    """The codes that were entered. The old pair is required if the pool verifies the old number and the account has one."""

    new_phone_number: RequiredPhone
    new_phone_pass_code: RequiredCode
    new_phone_country_code: CountryText | None = None
    old_phone_number: PhoneText | None = None
    old_phone_pass_code: Annotated[str, Meta(max_length=64, examples=["123456"])] | None = None
    old_phone_country_code: CountryText | None = None


class VerifyUpdatePhoneRequest(Wire, kw_only=True, frozen=True):
    """Proof that the caller holds the new number, and the old one."""

    phone_pass_code_payload: UpdatePhoneByPhonePassCode
    verify_method: Literal["PHONE_PASSCODE"]


class VerifyUpdatePhoneRequestData(Wire, kw_only=True, frozen=True):
    """The token for changing the number."""

    update_phone_token: str
    """One-time; starts with `upt_`."""
    token_expires_in: int
    """Seconds."""


class UpdatePhone(Wire, kw_only=True, frozen=True):
    """The token to use."""

    update_phone_token: RequiredToken


class BindPhone(Wire, kw_only=True, frozen=True):
    """A phone number for an account that has none."""

    phone_number: RequiredPhone
    pass_code: RequiredCode
    phone_country_code: CountryText | None = None


class UnbindPhone(Wire, kw_only=True, frozen=True):
    """The code sent to the number to remove (`CHANNEL_UNBIND_PHONE`)."""

    pass_code: RequiredCode
