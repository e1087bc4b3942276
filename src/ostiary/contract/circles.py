"""Roles and groups: what management sets, and what a signed-in user is told of their own."""

from typing import Annotated, Literal

from msgspec import Meta

from ostiary.contract.common import Handle, Json, RequiredHandle, RequiredText, Text, UserIdType, Wire
from ostiary.contract.profile import User

Code = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$", examples=["editor"])]
"""The identifier of a role or group. Letters, digits and `_.:-`; case-sensitive."""
Namespace = Annotated[str, Meta(max_length=64)]
Codes = Annotated[list[Code], Meta(min_length=1, max_length=50)]
MillisText = Annotated[str, Meta(pattern=r"^[0-9]{1,15}$", examples=["1893456000000"])]
"""Milliseconds since 1970, as text, like the incumbent's."""
Millis = Annotated[int, Meta(ge=0, le=10**15)]
Page = Annotated[int, Meta(ge=1, le=100_000)]
PageLimit = Annotated[int, Meta(ge=1, le=50)]
TargetType = Literal["USER", "ROLE", "GROUP", "DEPARTMENT"]

# --- roles ----------------------------------------------------------------------------------------------


class Role(Wire, kw_only=True, frozen=True):
    """A role."""

    id: str
    code: str
    name: str
    """Defaults to the code."""
    description: str
    namespace: str
    """Always `default`: there is only one permission space."""
    namespace_name: str
    status: str | None = None
    """`ENABLE` or `DISABLE`: a disabled role grants nothing."""
    disable_time: int | None = None
    """Disabled from this time on (milliseconds since 1970). Absent: never."""
    enable_permission_apply: bool | None = None
    """Always absent: users cannot apply for roles."""


class RolePaging(Wire, kw_only=True, frozen=True):
    """A page of roles."""

    total_count: int
    list: list[Role]


class CreateRole(Wire, kw_only=True, frozen=True):
    """A new role."""

    code: Code
    name: Text | None = None
    namespace: Namespace | None = None
    description: Text | None = None
    disable_time: MillisText | None = None


class GetRole(Wire, kw_only=True, frozen=True):
    """The role to read."""

    code: Code
    namespace: Namespace | None = None


class ListRoles(Wire, kw_only=True, frozen=True):
    """Which roles to list, and which page."""

    page: Page | None = None
    """Default: 1."""
    limit: PageLimit | None = None
    """Default: 10."""
    keywords: Handle | None = None
    """Codes that begin with this."""
    namespace: Namespace | None = None


class UpdateRole(Wire, kw_only=True, frozen=True):
    """The changes to a role; absent fields stay as they are."""

    name: RequiredText
    new_code: Code
    """The new code; the same as `code` to keep it."""
    code: Code
    namespace: Namespace | None = None
    description: Text | None = None
    status: Literal["ENABLE", "DISABLE"] | None = None
    disable_time: MillisText | None = None
    enable_permission_apply: bool | None = None


class DeleteRole(Wire, kw_only=True, frozen=True):
    """The roles to delete."""

    code_list: Codes
    namespace: Namespace | None = None


class Target(Wire, kw_only=True, frozen=True):
    """A user who gets or loses a role."""

    target_type: TargetType
    target_identifier: RequiredHandle
    """The user's ID."""


class RoleCode(Wire, kw_only=True, frozen=True):
    """One role."""

    code: Code
    namespace: Namespace | None = None


Targets = Annotated[list[Target], Meta(min_length=1, max_length=50)]
RoleCodes = Annotated[list[RoleCode], Meta(min_length=1, max_length=50)]


class AssignRole(Wire, kw_only=True, frozen=True):
    """The users who get a role, and for how long."""

    targets: Targets
    code: Code
    end_time: Millis | None = None
    """Until this time (milliseconds since 1970). Absent: indefinitely."""
    enable_time: Millis | None = None
    """From this time on. Default: now."""
    namespace: Namespace | None = None


class AssignRoleBatch(Wire, kw_only=True, frozen=True):
    """The users and the roles: each user gets all of them."""

    targets: Targets
    roles: RoleCodes


class RevokeRole(Wire, kw_only=True, frozen=True):
    """The users who lose a role."""

    targets: Targets
    code: Code
    namespace: Namespace | None = None


class RevokeRoleBatch(Wire, kw_only=True, frozen=True):
    """The users and the roles: each user loses all of them."""

    targets: Targets
    roles: RoleCodes


class ListRoleMembers(Wire, kw_only=True, frozen=True):
    """Which page of the users who currently have a role."""

    code: Code
    page: Page | None = None
    limit: PageLimit | None = None
    with_custom_data: bool | None = None
    with_identities: bool | None = None
    namespace: Namespace | None = None


class GetUserRoles(Wire, kw_only=True, frozen=True):
    """The user whose roles to read."""

    user_id: RequiredHandle
    user_id_type: UserIdType | None = None
    """What kind of identifier `userId` is. Default: `user_id`."""
    namespace: Namespace | None = None


class GetRoleList(Wire, kw_only=True, frozen=True):
    """The signed-in user's roles."""

    namespace: Namespace | None = None


# --- groups ---------------------------------------------------------------------------------------------


class Group(Wire, kw_only=True, frozen=True):
    """A group."""

    id: str
    code: str
    name: str
    description: str
    type: str
    """Free text for the caller's use; it has no effect."""
    metadata_source: list[str]
    """Always empty: groups are not synchronized from a directory."""
    members: list[User]
    """Always empty: use `list-group-members`, which returns pages."""


class GroupPaging(Wire, kw_only=True, frozen=True):
    """A page of groups."""

    total_count: int
    list: list[Group]


class CreateGroup(Wire, kw_only=True, frozen=True):
    """A new group."""

    type: RequiredHandle
    description: RequiredText
    name: RequiredText
    code: Code
    custom_data: Json | None = None


class GetGroup(Wire, kw_only=True, frozen=True):
    """The group to read."""

    code: Code
    with_custom_data: bool | None = None


class ListGroups(Wire, kw_only=True, frozen=True):
    """Which groups to list, and which page."""

    keywords: Handle | None = None
    """Codes that begin with this."""
    page: Page | None = None
    """Default: 1."""
    limit: PageLimit | None = None
    """Default: 10."""
    with_metadata: bool | None = None
    with_custom_data: bool | None = None
    flat_custom_data: bool | None = None


class UpdateGroup(Wire, kw_only=True, frozen=True):
    """The changes to a group; absent fields stay as they are."""

    description: RequiredText
    code: Code
    name: Text | None = None
    new_code: Code | None = None
    custom_data: Json | None = None


class DeleteGroups(Wire, kw_only=True, frozen=True):
    """The groups to delete."""

    code_list: Codes


UserIds = Annotated[list[RequiredHandle], Meta(min_length=1, max_length=50)]


class AddGroupMembers(Wire, kw_only=True, frozen=True):
    """The users who join."""

    user_ids: UserIds
    code: Code


class RemoveGroupMembers(Wire, kw_only=True, frozen=True):
    """The users who leave."""

    user_ids: UserIds
    code: Code


class ListGroupMembers(Wire, kw_only=True, frozen=True):
    """Which page of a group's members."""

    code: Code
    page: Page | None = None
    limit: PageLimit | None = None
    with_custom_data: bool | None = None
    with_identities: bool | None = None


class GetUserGroups(Wire, kw_only=True, frozen=True):
    """The user whose groups to read."""

    user_id: RequiredHandle
    user_id_type: UserIdType | None = None
    """What kind of identifier `userId` is. Default: `user_id`."""
