"""Rows of the operations table: what a signed-in user may use, of what management sets."""

from ostiary.contract.circles import GetRoleList, Group, Role
from ostiary.contract.mine import (
    AccessibleApps,
    AuthorizedResourcePaging,
    GetAuthorizedResources,
    GetDepartmentList,
    UserDepartmentPaging,
    UserTenantList,
)
from ostiary.contract.operation import Later, Operation, Who

GROUP = "Mine"

MINE: tuple[Operation, ...] = (
    Operation(
        name="get_accessible_apps",
        method="GET",
        path="/api/v3/get-my-accessible-apps",
        who=Who.USER,
        group=GROUP,
        summary="List the applications that the signed-in user may sign in to.",
        description="Every application of the pool is open to all of its users; oldest first.",
        data=list[AccessibleApps],
    ),
    Operation(
        name="get_role_list",
        method="GET",
        path="/api/v3/get-my-role-list",
        who=Who.USER,
        group=GROUP,
        summary="Read the signed-in user's roles.",
        description="Only current ones: enabled, begun and not ended; sorted by code.",
        request=GetRoleList,
        data=list[Role],
        later=(Later("namespace", served=("default",)),),
    ),
    Operation(
        name="get_group_list",
        method="GET",
        path="/api/v3/get-my-group-list",
        who=Who.USER,
        group=GROUP,
        summary="Read the signed-in user's groups.",
        description="Sorted by code. Other members are not shown.",
        data=list[Group],
    ),
    Operation(
        name="get_tenant_list",
        method="GET",
        path="/api/v3/get-my-tenant-list",
        who=Who.USER,
        group=GROUP,
        summary="Read the signed-in user's tenants.",
        description="A pool has no tenants: the list is empty.",
        data=list[UserTenantList],
    ),
    Operation(
        name="get_department_list",
        method="GET",
        path="/api/v3/get-my-department-list",
        who=Who.USER,
        group=GROUP,
        summary="Read the signed-in user's departments.",
        description="A pool has no departments: the list is empty.",
        request=GetDepartmentList,
        data=UserDepartmentPaging,
    ),
    Operation(
        name="get_authorized_resources",
        method="GET",
        path="/api/v3/get-my-authorized-resources",
        who=Who.USER,
        group=GROUP,
        summary="Read the resources that the signed-in user is authorized for.",
        description="Resources are not managed here: the list is empty. Permissions are expressed by roles.",
        request=GetAuthorizedResources,
        data=AuthorizedResourcePaging,
    ),
)
