"""What a signed-in user is told of what they may use; any application's token may ask, `selfService` or not."""

from ostiary.contract.circles import GetRoleList, Group, Role
from ostiary.contract.mine import (
    AccessibleApps,
    AuthorizedResourcePaging,
    GetAuthorizedResources,
    GetDepartmentList,
    UserDepartmentPaging,
    UserTenantList,
)
from ostiary.server.core.call import Call
from ostiary.server.core.refused import Refused
from ostiary.server.guards.circles import to_group, to_role
from ostiary.server.guards.entry import Step, as_asked
from ostiary.server.guards.service import Service, in_one_look
from ostiary.server.storage import circles, pools


async def get_accessible_apps(
    service: Service, call: Call, form: Refused | None
) -> list[AccessibleApps] | Refused:
    """Every application of the pool."""
    return await in_one_look(service, call, form, as_asked, _apps)


async def get_role_list(service: Service, call: Call, form: GetRoleList | Refused) -> list[Role] | Refused:
    """The roles that hold now."""
    return await in_one_look(service, call, form, as_asked, _roles)


async def get_group_list(service: Service, call: Call, form: Refused | None) -> list[Group] | Refused:
    """The groups one is in."""
    return await in_one_look(service, call, form, as_asked, _groups)


async def get_tenant_list(
    service: Service, call: Call, form: Refused | None
) -> list[UserTenantList] | Refused:
    """None: a pool has no tenants."""
    return await in_one_look(service, call, form, as_asked, _no_tenants)


async def get_department_list(
    service: Service, call: Call, form: GetDepartmentList | Refused
) -> UserDepartmentPaging | Refused:
    """None: a pool has no departments."""
    return await in_one_look(
        service, call, form, as_asked, lambda _step: UserDepartmentPaging(total_count=0, list=[])
    )


async def get_authorized_resources(
    service: Service, call: Call, form: GetAuthorizedResources | Refused
) -> AuthorizedResourcePaging | Refused:
    """None: no resources are kept here."""
    return await in_one_look(
        service, call, form, as_asked, lambda _step: AuthorizedResourcePaging(total_count=0, list=[])
    )


def _apps(step: Step[None]) -> list[AccessibleApps]:
    return [
        AccessibleApps(
            app_id=app.id,
            app_name=app.name,
            app_login_url=app.policy.redirect_uris[0] if app.policy.redirect_uris else "",
            app_logo="",
            active=True,
        )
        for app in pools.apps_of(step.tx, step.pool.id)
    ]


def _roles(step: Step[GetRoleList]) -> list[Role]:
    found = circles.of_user(step.tx, step.pool.id, "role", step.account.user_id, step.now)
    return [to_role(role) for role in found]


def _groups(step: Step[None]) -> list[Group]:
    found = circles.of_user(step.tx, step.pool.id, "group", step.account.user_id, step.now)
    return [to_group(group) for group in found]


def _no_tenants(_step: Step[None]) -> list[UserTenantList]:
    return []
