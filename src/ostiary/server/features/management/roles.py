"""The pool's roles: what users may do, in words of the programs that ask."""

from ostiary.contract.circles import (
    AssignRole,
    AssignRoleBatch,
    CreateRole,
    DeleteRole,
    GetRole,
    GetUserRoles,
    ListRoleMembers,
    ListRoles,
    RevokeRole,
    RevokeRoleBatch,
    Role,
    RolePaging,
    UpdateRole,
)
from ostiary.contract.common import IsSuccess
from ostiary.contract.keys import Key
from ostiary.contract.management import UserPaging
from ostiary.server.core.call import Call
from ostiary.server.core.circles import Circle
from ostiary.server.core.people import Facts
from ostiary.server.core.refused import Refused
from ostiary.server.features.management import circles
from ostiary.server.features.management import circles_rules as rules
from ostiary.server.features.management.errands import look, work
from ostiary.server.features.management.users import find
from ostiary.server.features.management.users_rules import Named, named
from ostiary.server.guards.circles import to_role
from ostiary.server.guards.entry import Errand, as_asked
from ostiary.server.guards.service import Service
from ostiary.server.storage import circles as stored


async def create_role(service: Service, call: Call, form: CreateRole | Refused) -> Role | Refused:
    """Make a role."""
    return await work(service, call, form, as_asked, _create)


async def get_role(service: Service, call: Call, form: GetRole | Refused) -> Role | Refused:
    """Read one role."""
    return await look(service, call, form, as_asked, _get)


async def list_roles(service: Service, call: Call, form: ListRoles | Refused) -> RolePaging | Refused:
    """List the pool's roles."""
    return await look(service, call, form, rules.read_page, _list)


async def update_role(service: Service, call: Call, form: UpdateRole | Refused) -> IsSuccess | Refused:
    """Change a role."""
    return await work(service, call, form, as_asked, _update)


async def delete_roles_batch(service: Service, call: Call, form: DeleteRole | Refused) -> IsSuccess | Refused:
    """Delete roles."""
    return await work(
        service, call, form, as_asked, lambda errand: circles.delete(errand, "role", errand.ask.code_list)
    )


async def assign_role(service: Service, call: Call, form: AssignRole | Refused) -> IsSuccess | Refused:
    """Give a role to users."""
    return await work(service, call, form, rules.read_assign, lambda errand: circles.join(errand, "role"))


async def assign_role_batch(
    service: Service, call: Call, form: AssignRoleBatch | Refused
) -> IsSuccess | Refused:
    """Give several roles to users."""
    return await work(service, call, form, rules.read_batch, lambda errand: circles.join(errand, "role"))


async def revoke_role(service: Service, call: Call, form: RevokeRole | Refused) -> IsSuccess | Refused:
    """Take a role from users."""
    return await work(service, call, form, rules.read_revoke, lambda errand: circles.leave(errand, "role"))


async def revoke_role_batch(
    service: Service, call: Call, form: RevokeRoleBatch | Refused
) -> IsSuccess | Refused:
    """Take several roles from users."""
    return await work(service, call, form, rules.read_batch, lambda errand: circles.leave(errand, "role"))


async def list_role_members(
    service: Service, call: Call, form: ListRoleMembers | Refused
) -> UserPaging | Refused:
    """List the users who have a role now."""
    return await look(service, call, form, rules.read_members, lambda errand: circles.members(errand, "role"))


async def get_user_roles(service: Service, call: Call, form: GetUserRoles | Refused) -> RolePaging | Refused:
    """Read the roles that a user has now."""
    return await look(service, call, form, _read_user, _of_user)


def _create(errand: Errand[CreateRole]) -> Role | Refused:
    form = errand.ask
    role = Circle(
        id=errand.ports.object_id(),
        pool_id=errand.pool.id,
        kind="role",
        code=form.code,
        name=form.name or form.code,
        description=form.description or "",
        disable_at=rules.moment(form.disable_time),
        made_at=errand.now,
    )
    return circles.make(errand, role) or to_role(role)


def _get(errand: Errand[GetRole]) -> Role | Refused:
    role = stored.find(errand.tx, errand.pool.id, "role", errand.ask.code)
    return to_role(role) if role is not None else Refused(Key.ROLE_NOT_FOUND)


def _list(errand: Errand[rules.Slice]) -> RolePaging:
    ask = errand.ask
    total, found = stored.page(errand.tx, errand.pool.id, "role", ask.begin, limit=ask.limit, skip=ask.skip)
    return RolePaging(total_count=total, list=[to_role(role) for role in found])


def _update(errand: Errand[UpdateRole]) -> IsSuccess | Refused:
    form = errand.ask
    (before,) = stored.hold(errand.tx, errand.pool.id, "role", [form.code])
    if before is None:
        return Refused(Key.ROLE_NOT_FOUND)
    return circles.change(errand, rules.changed_role(before, form), before) or IsSuccess(success=True)


def _read_user(form: GetUserRoles, facts: Facts) -> Named:
    return named(form.user_id, form.user_id_type, facts)


def _of_user(errand: Errand[Named]) -> RolePaging | Refused:
    row = find(errand.tx, errand.pool.id, errand.ask)
    if row is None:
        return Refused(Key.USER_NOT_FOUND)
    found = stored.of_user(errand.tx, errand.pool.id, "role", row.id, errand.now)
    return RolePaging(total_count=len(found), list=[to_role(role) for role in found])
