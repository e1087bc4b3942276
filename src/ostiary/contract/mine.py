"""What a signed-in user is told of what they may use. Where nothing of a kind is kept here, the list is truly empty."""

from typing import Annotated, Literal

from msgspec import Meta

from ostiary.contract.common import Handle, Json, Moment, Wire
from ostiary.contract.own_page import LangObject


class AccessibleApps(Wire, kw_only=True, frozen=True):
    """An application that the user may sign in to: every one of the pool."""

    app_id: str
    app_name: str
    app_login_url: str
    """Its first redirect URI; empty if it has none."""
    app_logo: str
    """Always empty: pictures are not stored here."""
    active: bool
    """Always true: applications cannot be disabled."""


class UserTenantList(Wire, kw_only=True, frozen=True):
    """A tenant. There are none: the list is empty."""

    tenant_id: str
    tenant_name: str
    join_at: Moment


class GetDepartmentList(Wire, kw_only=True, frozen=True):
    """Which page of the user's departments."""

    page: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    limit: Annotated[int, Meta(ge=1, le=50)] | None = None
    with_custom_data: bool | None = None
    sort_by: Literal["DepartmentCreatedAt", "JoinDepartmentAt", "DepartmentName", "DepartmemtCode"] | None = (
        None
    )
    order_by: Literal["Asc", "Desc"] | None = None


class DepartmentI18n(Wire, kw_only=True, frozen=True):
    """A department's names."""

    name: LangObject


class UserDepartmentResp(Wire, kw_only=True, frozen=True):
    """A department. There are none: the list is empty."""

    organization_code: str
    department_id: str
    is_root: bool
    created_at: str
    name: str
    description: str
    open_department_id: str | None = None
    is_leader: bool
    code: str
    is_main_department: bool
    joined_at: str
    is_virtual_node: bool
    i18n: DepartmentI18n | None = None
    custom_data: Json | None = None
    department_id_path: list[str] | None = None
    department_code_path: list[str] | None = None
    department_name_path: list[str] | None = None


class UserDepartmentPaging(Wire, kw_only=True, frozen=True):
    """A page of departments."""

    total_count: int
    list: list[UserDepartmentResp]


class GetAuthorizedResources(Wire, kw_only=True, frozen=True):
    """Which of the resources that the user is authorized for."""

    namespace: Handle | None = None
    resource_type: Literal["DATA", "API", "MENU", "BUTTON", "UI"] | None = None


class PolicyCondition(Wire, kw_only=True, frozen=True):
    """When an authorization is valid."""

    param: str
    operator: str
    value: str


class AuthorizedResource(Wire, kw_only=True, frozen=True):
    """A resource. There are none: the list is empty."""

    resource_code: str
    description: str | None = None
    condition: list[PolicyCondition] | None = None
    resource_type: Literal["DATA", "API", "MENU", "BUTTON", "UI"]
    api_identifier: str
    actions: list[str]
    effect: Literal["ALLOW", "DENY"]


class AuthorizedResourcePaging(Wire, kw_only=True, frozen=True):
    """A page of resources."""

    total_count: int
    list: list[AuthorizedResource]
