"""The pool's groups: users who belong together. A group decides nothing by itself."""

from ostiary.contract.circles import (
    AddGroupMembers,
    CreateGroup,
    DeleteGroups,
    GetGroup,
    GetUserGroups,
    Group,
    GroupPaging,
    ListGroupMembers,
    ListGroups,
    RemoveGroupMembers,
    UpdateGroup,
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
from ostiary.server.guards.circles import to_group
from ostiary.server.guards.entry import Errand, as_asked
from ostiary.server.guards.service import Service
from ostiary.server.storage import circles as stored


async def create_group(service: Service, call: Call, form: CreateGroup | Refused) -> Group | Refused:
    """Make a group."""
    return await work(service, call, form, as_asked, _create)


async def get_group(service: Service, call: Call, form: GetGroup | Refused) -> Group | Refused:
    """Read one group."""
    return await look(service, call, form, as_asked, _get)


async def list_groups(service: Service, call: Call, form: ListGroups | Refused) -> GroupPaging | Refused:
    """List the pool's groups."""
    return await look(service, call, form, rules.read_page, _list)


async def update_group(service: Service, call: Call, form: UpdateGroup | Refused) -> Group | Refused:
    """Change a group."""
    return await work(service, call, form, as_asked, _update)


async def delete_groups_batch(
    service: Service, call: Call, form: DeleteGroups | Refused
) -> IsSuccess | Refused:
    """Delete groups."""
    return await work(
        service, call, form, as_asked, lambda errand: circles.delete(errand, "group", errand.ask.code_list)
    )


async def add_group_members(
    service: Service, call: Call, form: AddGroupMembers | Refused
) -> IsSuccess | Refused:
    """Put users into a group."""
    return await work(
        service, call, form, rules.read_group_members, lambda errand: circles.join(errand, "group")
    )


async def remove_group_members(
    service: Service, call: Call, form: RemoveGroupMembers | Refused
) -> IsSuccess | Refused:
    """Take users out of a group."""
    return await work(
        service, call, form, rules.read_group_members, lambda errand: circles.leave(errand, "group")
    )


async def list_group_members(
    service: Service, call: Call, form: ListGroupMembers | Refused
) -> UserPaging | Refused:
    """List a group's members."""
    return await look(
        service, call, form, rules.read_members, lambda errand: circles.members(errand, "group")
    )


async def get_user_groups(
    service: Service, call: Call, form: GetUserGroups | Refused
) -> GroupPaging | Refused:
    """Read the groups that a user is in."""
    return await look(service, call, form, _read_user, _of_user)


def _create(errand: Errand[CreateGroup]) -> Group | Refused:
    form = errand.ask
    group = Circle(
        id=errand.ports.object_id(),
        pool_id=errand.pool.id,
        kind="group",
        code=form.code,
        name=form.name,
        description=form.description,
        type=form.type,
        made_at=errand.now,
    )
    return circles.make(errand, group) or to_group(group)


def _get(errand: Errand[GetGroup]) -> Group | Refused:
    group = stored.find(errand.tx, errand.pool.id, "group", errand.ask.code)
    return to_group(group) if group is not None else Refused(Key.GROUP_NOT_FOUND)


def _list(errand: Errand[rules.Slice]) -> GroupPaging:
    ask = errand.ask
    total, found = stored.page(errand.tx, errand.pool.id, "group", ask.begin, limit=ask.limit, skip=ask.skip)
    return GroupPaging(total_count=total, list=[to_group(group) for group in found])


def _update(errand: Errand[UpdateGroup]) -> Group | Refused:
    form = errand.ask
    (before,) = stored.hold(errand.tx, errand.pool.id, "group", [form.code])
    if before is None:
        return Refused(Key.GROUP_NOT_FOUND)
    after = rules.changed_group(before, form)
    return circles.change(errand, after, before) or to_group(after)


def _read_user(form: GetUserGroups, facts: Facts) -> Named:
    return named(form.user_id, form.user_id_type, facts)


def _of_user(errand: Errand[Named]) -> GroupPaging | Refused:
    row = find(errand.tx, errand.pool.id, errand.ask)
    if row is None:
        return Refused(Key.USER_NOT_FOUND)
    found = stored.of_user(errand.tx, errand.pool.id, "group", row.id, errand.now)
    return GroupPaging(total_count=len(found), list=[to_group(group) for group in found])
