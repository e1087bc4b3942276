"""What an administrator's program asks for: the pool's users."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from ostiary.contract.common import (
    CountryText,
    Gender,
    Handle,
    Json,
    PasswordEncryptType,
    PhoneText,
    RequiredHandle,
    RequiredSecret,
    RequiredText,
    Secret,
    Status,
    Text,
    UserIdType,
    Wire,
)
from ostiary.contract.profile import User


class GetManagementToken(Wire, kw_only=True, frozen=True):
    """A pool's access key."""

    access_key_id: RequiredHandle
    access_key_secret: RequiredSecret


class ManagementTokenData(Wire, kw_only=True, frozen=True):
    """A token for the management operations. Its claim `scoped_userpool_id` is the pool's ID."""

    access_token: str = msgspec.field(name="access_token")
    expires_in: int = msgspec.field(name="expires_in")
    """Seconds."""


# --- one user ---------------------------------------------------------------------------------


class GetUser(Wire, kw_only=True, frozen=True):
    """Which user, and what to include beyond the plain fields."""

    user_id: RequiredHandle
    user_id_type: UserIdType | None = None
    """What kind of identifier `userId` is. Default: `user_id`."""
    flat_custom_data: bool | None = None
    with_custom_data: bool | None = None
    with_post: bool | None = None
    with_identities: bool | None = None
    with_department_ids: bool | None = None


class CreateUserOtp(Wire, kw_only=True, frozen=True):
    """An existing second factor to import."""

    secret: RequiredText
    recovery_code: Text | None = None


class CreateIdentity(Wire, kw_only=True, frozen=True):
    """A third-party identity to import."""

    ext_idp_id: RequiredText
    provider: RequiredText
    type: RequiredText
    user_id_in_idp: RequiredText
    user_info_in_idp: Any
    access_token: Text | None = None
    refresh_token: Text | None = None
    origin_conn_ids: list[Text]


class SendCreateAccountNotification(Wire, kw_only=True, frozen=True):
    """Who is notified of the new account."""

    send_email_notification: bool | None = None
    send_phone_notification: bool | None = None
    app_id: Text | None = None


class CreateUserOptions(Wire, kw_only=True, frozen=True):
    """Options for creating a user."""

    keep_password: bool | None = None
    auto_generate_password: bool | None = None
    reset_password_on_first_login: bool | None = None
    department_id_type: (
        Literal["department_id", "open_department_id", "sync_relation", "custom_field", "code"] | None
    ) = None
    send_notification: SendCreateAccountNotification | None = None
    password_encrypt_type: PasswordEncryptType | None = None


class CreateUser(Wire, kw_only=True, frozen=True):
    """A new user. At least one of `username`, `email`, `phone`, `externalId`."""

    status: Status | None = None
    email: Handle | None = None
    phone: PhoneText | None = None
    phone_country_code: CountryText | None = None
    username: Handle | None = None
    external_id: Handle | None = None
    name: Text | None = None
    nickname: Text | None = None
    photo: Text | None = None
    gender: Gender | None = None
    email_verified: bool | None = None
    phone_verified: bool | None = None
    birthdate: Text | None = None
    country: Text | None = None
    province: Text | None = None
    city: Text | None = None
    address: Text | None = None
    street_address: Text | None = None
    postal_code: Text | None = None
    company: Text | None = None
    browser: Text | None = None
    device: Text | None = None
    given_name: Text | None = None
    family_name: Text | None = None
    middle_name: Text | None = None
    profile: Text | None = None
    preferred_username: Text | None = None
    website: Text | None = None
    zoneinfo: Text | None = None
    locale: Text | None = None
    formatted: Text | None = None
    region: Text | None = None
    password: Secret | None = None
    salt: Text | None = None
    tenant_ids: list[Text] | None = None
    otp: CreateUserOtp | None = None
    department_ids: list[Text] | None = None
    custom_data: Json | None = None
    metadata_source: Json | None = None
    identities: list[CreateIdentity] | None = None
    identity_number: Text | None = None
    options: CreateUserOptions | None = None


class SendResetPasswordNotification(Wire, kw_only=True, frozen=True):
    """Who is notified of the new password."""

    send_default_email_notification: bool | None = None
    send_default_phone_notification: bool | None = None
    input_send_email_notification: Text | None = None
    input_send_phone_notification: Text | None = None
    app_id: Text | None = None


Clearable = Literal[
    "phone",
    "email",
    "username",
    "externalId",
    "name",
    "nickname",
    "photo",
    "gender",
    "birthdate",
    "country",
    "province",
    "city",
    "address",
    "streetAddress",
    "postalCode",
    "company",
    "browser",
    "device",
    "givenName",
    "familyName",
    "middleName",
    "profile",
    "preferredUsername",
    "website",
    "zoneinfo",
    "locale",
    "formatted",
    "region",
    "identityNumber",
    "customData",
]
"""Fields of a user that can be empty."""


class UpdateUserOptions(Wire, kw_only=True, frozen=True):
    """Options for changing a user."""

    clear_fields: list[Clearable] | None = None
    """Fields to empty: null and "" mean absent here, so a number is taken off with `["phone"]`. Ours, not the
    incumbent's."""

    user_id_type: UserIdType | None = None
    """What kind of identifier `userId` is. Default: `user_id`."""
    reset_password_on_first_login: bool | None = None
    reset_password_on_next_login: bool | None = None
    password_encrypt_type: PasswordEncryptType | None = None
    auto_generate_password: bool | None = None
    send_password_reseted_notification: SendResetPasswordNotification | None = None


class UpdateUser(Wire, kw_only=True, frozen=True):
    """The changes to a user; absent fields stay as they are."""

    user_id: RequiredHandle
    phone_country_code: CountryText | None = None
    name: Text | None = None
    nickname: Text | None = None
    photo: Text | None = None
    external_id: Handle | None = None
    status: Status | None = None
    email_verified: bool | None = None
    phone_verified: bool | None = None
    birthdate: Text | None = None
    country: Text | None = None
    province: Text | None = None
    city: Text | None = None
    address: Text | None = None
    street_address: Text | None = None
    postal_code: Text | None = None
    gender: Gender | None = None
    username: Handle | None = None
    email: Handle | None = None
    phone: PhoneText | None = None
    password: Secret | None = None
    company: Text | None = None
    browser: Text | None = None
    device: Text | None = None
    given_name: Text | None = None
    family_name: Text | None = None
    middle_name: Text | None = None
    profile: Text | None = None
    preferred_username: Text | None = None
    website: Text | None = None
    zoneinfo: Text | None = None
    locale: Text | None = None
    formatted: Text | None = None
    region: Text | None = None
    identity_number: Text | None = None
    custom_data: Json | None = None
    metadata: Json | None = None
    options: UpdateUserOptions | None = None


class DeleteUsersBatchOptions(Wire, kw_only=True, frozen=True):
    """What kind of identifiers `userIds` are."""

    user_id_type: UserIdType | None = None


class DeleteUsersBatch(Wire, kw_only=True, frozen=True):
    """Users to delete."""

    user_ids: Annotated[list[RequiredHandle], Meta(min_length=1, max_length=100)]
    options: DeleteUsersBatchOptions | None = None


# --- many users -------------------------------------------------------------------------------


class Pagination(Wire, kw_only=True, frozen=True):
    """Which page."""

    page: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    """Starts at 1."""
    limit: Annotated[int, Meta(ge=1, le=50)] | None = None
    """Users per page. Default: 10."""


class Sorting(Wire, kw_only=True, frozen=True):
    """An order of the list."""

    field: RequiredText
    order: Literal["asc", "desc"]


class ListUsersOptions(Wire, kw_only=True, frozen=True):
    """Which page, and what to include beyond the plain fields."""

    pagination: Pagination | None = None
    sort: list[Sorting] | None = None
    fuzzy_search_on: list[Text] | None = None
    """The fields searched for `keywords`. Default: `username`, `email` and `phone`."""
    with_custom_data: bool | None = None
    with_identities: bool | None = None
    with_department_ids: bool | None = None
    with_post: bool | None = None


class ListUsersAdvancedFilterItem(Wire, kw_only=True, frozen=True):
    """One condition; if there are several, all must hold."""

    field: RequiredText
    operator: Literal[
        "EQUAL",
        "NOT_EQUAL",
        "CONTAINS",
        "NOT_CONTAINS",
        "IS_NULL",
        "NOT_NULL",
        "IN",
        "GREATER",
        "LESSER",
        "BETWEEN",
    ]
    value: Any = None


class ListUsersRequest(Wire, kw_only=True, frozen=True):
    """`keywords` matches the beginning of a value, `advancedFilter` with EQUAL the whole value."""

    keywords: Handle | None = None
    advanced_filter: list[ListUsersAdvancedFilterItem] | None = None
    search_query: Json | None = None
    options: ListUsersOptions | None = None


Users = list[User]


class UserPaging(Wire, kw_only=True, frozen=True):
    """One page of users, newest first."""

    total_count: int
    list: Users
