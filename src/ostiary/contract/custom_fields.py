"""What a user's custom data may hold, as the pool defines it."""

from typing import Annotated, Literal

from msgspec import Meta

from ostiary.contract.common import Handle, Json, Moment, Text, Wire
from ostiary.contract.own_page import LangObject

CustomTarget = Literal["USER", "ROLE", "GROUP", "DEPARTMENT"]
CustomDataType = Literal["STRING", "NUMBER", "DATETIME", "BOOLEAN", "ENUM"]
FieldKey = Annotated[str, Meta(min_length=1, max_length=64, examples=["badge"])]
"""Letters, digits, `_` and `-`, starting with a letter or `_`."""


class CustomFieldSelectOption(Wire, kw_only=True, frozen=True):
    """One value of an ENUM."""

    value: Annotated[str, Meta(min_length=1, max_length=256)]
    label: Annotated[str, Meta(min_length=1, max_length=256)]


class CustomFieldI18n(Wire, kw_only=True, frozen=True):
    """The label in several languages."""

    label: LangObject


class SetCustomField(Wire, kw_only=True, frozen=True):
    """A field to define, or the changes to one."""

    target_type: CustomTarget
    key: FieldKey
    data_type: CustomDataType | None = None
    """Required for a new field; cannot be changed later."""
    label: Text | None = None
    """Defaults to the key in a new field."""
    description: Text | None = None
    encrypted: bool | None = None
    is_unique: bool | None = None
    user_editable: bool | None = None
    """Whether users may write it themselves (`update-profile`). Default: true."""
    visible_in_admin_console: bool | None = None
    visible_in_user_center: bool | None = None
    validate_rules: Json | None = None
    app_ids: Annotated[list[Handle], Meta(max_length=100)] | None = None
    desensitization: bool | None = None
    options: Annotated[list[CustomFieldSelectOption], Meta(max_length=200)] | None = None
    """The values of an ENUM."""
    i18n: CustomFieldI18n | None = None


class SetCustomFields(Wire, kw_only=True, frozen=True):
    """Fields to define: either all are defined or none."""

    list: Annotated[list[SetCustomField], Meta(min_length=1, max_length=100)]
    tenant_id: Handle | None = None


class GetCustomFields(Wire, kw_only=True, frozen=True):
    """Whose custom fields."""

    target_type: CustomTarget
    tenant_id: Handle | None = None


class CustomField(Wire, kw_only=True, frozen=True):
    """A defined field."""

    target_type: CustomTarget
    created_at: Moment | None = None
    data_type: CustomDataType
    key: str
    label: str
    description: str | None = None
    encrypted: bool | None = None
    is_unique: bool
    user_editable: bool | None = None
    visible_in_admin_console: bool
    visible_in_user_center: bool | None = None
    i18n: CustomFieldI18n | None = None
    options: list[CustomFieldSelectOption] | None = None
