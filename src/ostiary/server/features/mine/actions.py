"""What a signed-in user is told of what they may use; any application's token may ask, `selfService` or not."""

from collections.abc import Callable
from typing import TypeVar

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
from ostiary.server.core.people import Facts
from ostiary.server.core.refused import Refused
from ostiary.server.guards.circles import to_group, to_role
from ostiary.server.guards.entry import Step, enter
from ostiary.server.guards.service import Service
from ostiary.server.storage import circles, pools
from ostiary.server.storage.tx import Tx

F = TypeVar("F")
T = TypeVar("T")


async def get_accessible_apps(
    service: Service, call: Call, form: Refused | None
) -> list[AccessibleApps] | Refused:
    """Every application of the pool."""
    return await _told(service, call, form, _apps)


async def get_role_list(service: Service, call: Call, form: GetRoleList | Refused) -> list[Role] | Refused:
    """The roles that hold now."""
    return await _told(service, call, form, _roles)


async def get_group_list(service: Service, call: Call, form: Refused | None) -> list[Group] | Refused:
    """The groups one is in."""
    return await _told(service, call, form, _groups)


async def get_tenant_list(
    service: Service, call: Call, form: Refused | None
) -> list[UserTenantList] | Refused:
    """None: a pool has no tenants."""
    return await _told(service, call, form, _no_tenants)


async def get_department_list(
    service: Service, call: Call, form: GetDepartmentList | Refused
) -> UserDepartmentPaging | Refused:
    """None: a pool has no departments."""
    return await _told(service, call, form, lambda _step: UserDepartmentPaging(total_count=0, list=[]))


async def get_authorized_resources(
    service: Service, call: Call, form: GetAuthorizedResources | Refused
) -> AuthorizedResourcePaging | Refused:
    """None: no resources are kept here."""
    return await _told(service, call, form, lambda _step: AuthorizedResourcePaging(total_count=0, list=[]))


async def _told(service: Service, call: Call, form: F | Refused, tell: Callable[[Step[F]], T]) -> T | Refused:
    """One look behind the signed-in door."""

    def step(tx: Tx) -> T | Refused:
        entered = enter(tx, service.ports, call, form, _as_asked, lock=False, manages_account=False)
        return entered if isinstance(entered, Refused) else tell(entered)

    return await service.store.read(step)


def _as_asked(form: F, _facts: Facts) -> F:
    return form


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
