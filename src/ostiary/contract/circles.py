"""Roles and groups: what management sets, and what a signed-in user is told of their own."""

from typing import Annotated, Literal

from msgspec import Meta

from ostiary.contract.common import Handle, Json, RequiredHandle, RequiredText, Text, UserIdType, Wire
from ostiary.contract.profile import User

Code = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$", examples=["editor"])]
"""What programs call a role or a group. Letters, digits and `_.:-`; upper and lower case are two."""
Namespace = Annotated[str, Meta(max_length=64)]
Codes = Annotated[list[Code], Meta(min_length=1, max_length=50)]
MillisText = Annotated[str, Meta(pattern=r"^[0-9]{1,15}$", examples=["1893456000000"])]
"""Milliseconds since 1970 as text, as the incumbent has it here."""
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
    """The code where it was given none."""
    description: str
    namespace: str
    """Always `default`: there is one space."""
    namespace_name: str
    status: str | None = None
    """`ENABLE` or `DISABLE`: nobody has a disabled role."""
    disable_time: int | None = None
    """From this moment (milliseconds since 1970) it is as if it were disabled; absent: never."""
    enable_permission_apply: bool | None = None
    """Absent: nobody applies for roles here."""


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
    """Which role."""

    code: Code
    namespace: Namespace | None = None


class ListRoles(Wire, kw_only=True, frozen=True):
    """Which page of which roles."""

    page: Page | None = None
    """1 where absent."""
    limit: PageLimit | None = None
    """10 where absent."""
    keywords: Handle | None = None
    """Codes that begin so."""
    namespace: Namespace | None = None


class UpdateRole(Wire, kw_only=True, frozen=True):
    """What a role is to be; what is absent stays."""

    name: RequiredText
    new_code: Code
    """The same as `code` where that is to stay."""
    code: Code
    namespace: Namespace | None = None
    description: Text | None = None
    status: Literal["ENABLE", "DISABLE"] | None = None
    disable_time: MillisText | None = None
    enable_permission_apply: bool | None = None


class DeleteRole(Wire, kw_only=True, frozen=True):
    """Which roles go."""

    code_list: Codes
    namespace: Namespace | None = None


class Target(Wire, kw_only=True, frozen=True):
    """Who gets a role, or loses it."""

    target_type: TargetType
    target_identifier: RequiredHandle
    """The user's id."""


class RoleCode(Wire, kw_only=True, frozen=True):
    """One role."""

    code: Code
    namespace: Namespace | None = None


Targets = Annotated[list[Target], Meta(min_length=1, max_length=50)]
RoleCodes = Annotated[list[RoleCode], Meta(min_length=1, max_length=50)]


class AssignRole(Wire, kw_only=True, frozen=True):
    """Who gets a role, and for how long."""

    targets: Targets
    code: Code
    end_time: Millis | None = None
    """Until this moment (milliseconds since 1970); absent: for good."""
    enable_time: Millis | None = None
    """From this moment on; absent: now."""
    namespace: Namespace | None = None


class AssignRoleBatch(Wire, kw_only=True, frozen=True):
    """Who gets which roles: all of them each."""

    targets: Targets
    roles: RoleCodes


class RevokeRole(Wire, kw_only=True, frozen=True):
    """Who loses a role."""

    targets: Targets
    code: Code
    namespace: Namespace | None = None


class RevokeRoleBatch(Wire, kw_only=True, frozen=True):
    """Who loses which roles: all of them each."""

    targets: Targets
    roles: RoleCodes


class ListRoleMembers(Wire, kw_only=True, frozen=True):
    """Which page of those who have a role now."""

    code: Code
    page: Page | None = None
    limit: PageLimit | None = None
    with_custom_data: bool | None = None
    with_identities: bool | None = None
    namespace: Namespace | None = None


class GetUserRoles(Wire, kw_only=True, frozen=True):
    """Whose roles."""

    user_id: RequiredHandle
    user_id_type: UserIdType | None = None
    """What kind of name `userId` is; `user_id` where absent."""
    namespace: Namespace | None = None


class GetRoleList(Wire, kw_only=True, frozen=True):
    """One's own roles."""

    namespace: Namespace | None = None


# --- groups ---------------------------------------------------------------------------------------------


class Group(Wire, kw_only=True, frozen=True):
    """A group."""

    id: str
    code: str
    name: str
    description: str
    type: str
    """A word of the caller's own; it decides nothing."""
    metadata_source: list[str]
    """Always empty: no directory is its source."""
    members: list[User]
    """Always empty: they come in pages, by `list-group-members`."""


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
    """Which group."""

    code: Code
    with_custom_data: bool | None = None


class ListGroups(Wire, kw_only=True, frozen=True):
    """Which page of which groups."""

    keywords: Handle | None = None
    """Codes that begin so."""
    page: Page | None = None
    """1 where absent."""
    limit: PageLimit | None = None
    """10 where absent."""
    with_metadata: bool | None = None
    with_custom_data: bool | None = None
    flat_custom_data: bool | None = None


class UpdateGroup(Wire, kw_only=True, frozen=True):
    """What a group is to be; what is absent stays."""

    description: RequiredText
    code: Code
    name: Text | None = None
    new_code: Code | None = None
    custom_data: Json | None = None


class DeleteGroups(Wire, kw_only=True, frozen=True):
    """Which groups go."""

    code_list: Codes


UserIds = Annotated[list[RequiredHandle], Meta(min_length=1, max_length=50)]


class AddGroupMembers(Wire, kw_only=True, frozen=True):
    """Who joins."""

    user_ids: UserIds
    code: Code


class RemoveGroupMembers(Wire, kw_only=True, frozen=True):
    """Who leaves."""

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
    """Whose groups."""

    user_id: RequiredHandle
    user_id_type: UserIdType | None = None
    """What kind of name `userId` is; `user_id` where absent."""
