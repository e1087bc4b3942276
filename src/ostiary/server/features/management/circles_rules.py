"""Roles and groups: what the forms mean. Pure.

1. A page is counted from 1; what is absent is the first page of ten.
2. A membership that would be over before it begins is a mistake of the caller's.
3. What a change does not name stays. `disableTime` `0` takes the moment away: null and "" mean absent on this wire.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ostiary.contract.circles import (
    AddGroupMembers,
    AssignRole,
    AssignRoleBatch,
    ListGroupMembers,
    ListGroups,
    ListRoleMembers,
    ListRoles,
    RemoveGroupMembers,
    RevokeRole,
    RevokeRoleBatch,
    UpdateGroup,
    UpdateRole,
)
from ostiary.contract.keys import Key
from ostiary.server.core.circles import Circle
from ostiary.server.core.millis import Millis
from ostiary.server.core.people import Facts
from ostiary.server.core.refused import Refused

USUAL_LIMIT = 10


@dataclass(frozen=True, slots=True)
class Slice:
    """A page."""

    limit: int
    skip: int
    begin: str | None = None
    """Of codes that begin so; None: all."""
    code: str = ""
    """Of this circle's members."""
    custom_data: bool = False
    identities: bool = False


@dataclass(frozen=True, slots=True)
class Movement:
    """Users who join circles, or leave them: each once."""

    codes: tuple[str, ...]
    user_ids: tuple[str, ...]
    starts_at: Millis | None = None
    """None: now."""
    ends_at: Millis | None = None
    """None: for good."""


def read_page(form: ListRoles | ListGroups, _facts: Facts) -> Slice:
    """Which circles."""
    limit = form.limit or USUAL_LIMIT
    return Slice(limit, ((form.page or 1) - 1) * limit, begin=form.keywords)


def read_members(form: ListRoleMembers | ListGroupMembers, _facts: Facts) -> Slice:
    """Which members of which circle."""
    limit = form.limit or USUAL_LIMIT
    return Slice(
        limit,
        ((form.page or 1) - 1) * limit,
        code=form.code,
        custom_data=form.with_custom_data is True,
        identities=form.with_identities is True,
    )


def read_assign(form: AssignRole, _facts: Facts) -> Movement | Refused:
    """Who gets the role, from when until when."""
    starts, ends = form.enable_time, form.end_time
    if ends is not None and starts is not None and ends <= starts:
        return Refused(Key.BAD_REQUEST, data={"field": "endTime"})
    return Movement(
        (form.code,),
        _once([target.target_identifier for target in form.targets]),
        Millis(starts) if starts is not None else None,
        Millis(ends) if ends is not None else None,
    )


def read_batch(form: AssignRoleBatch | RevokeRoleBatch, _facts: Facts) -> Movement:
    """Who gets or loses which roles."""
    user_ids = _once([target.target_identifier for target in form.targets])
    return Movement(_once([role.code for role in form.roles]), user_ids)


def read_revoke(form: RevokeRole, _facts: Facts) -> Movement:
    """Who loses the role."""
    return Movement((form.code,), _once([target.target_identifier for target in form.targets]))


def read_group_members(form: AddGroupMembers | RemoveGroupMembers, _facts: Facts) -> Movement:
    """Who joins or leaves the group."""
    return Movement((form.code,), _once(form.user_ids))


def moment(text: str | None) -> Millis | None:
    """`disableTime`: None where it is absent or `0`."""
    return Millis(int(text)) if text is not None and int(text) > 0 else None


def changed_role(before: Circle, form: UpdateRole) -> Circle:
    """What a role becomes."""
    return replace(
        before,
        code=form.new_code,
        name=form.name,
        description=before.description if form.description is None else form.description,
        enabled=before.enabled if form.status is None else form.status == "ENABLE",
        disable_at=before.disable_at if form.disable_time is None else moment(form.disable_time),
    )


def changed_group(before: Circle, form: UpdateGroup) -> Circle:
    """What a group becomes."""
    return replace(
        before,
        code=form.new_code or before.code,
        name=form.name or before.name,
        description=form.description,
    )


def missing(key: Key, codes: Sequence[str], found: Sequence[object | None], field: str) -> Refused | None:
    """`key`, with the codes of what there is not; None where all is there."""
    unknown = [code for code, one in zip(codes, found, strict=True) if one is None]
    return Refused(key, data={"field": field, "codes": unknown}) if unknown else None


def _once(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
