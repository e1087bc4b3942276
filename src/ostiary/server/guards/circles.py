"""Roles and groups as the wire tells them, to administrators and to the people who have them."""

from ostiary.contract.circles import Group, Role
from ostiary.server.core.circles import Circle

THE_SPACE = "default"
"""The incumbent keeps roles in spaces; here there is one."""


def to_role(circle: Circle) -> Role:
    """A role."""
    return Role(
        id=circle.id,
        code=circle.code,
        name=circle.name,
        description=circle.description,
        namespace=THE_SPACE,
        namespace_name=THE_SPACE,
        status="ENABLE" if circle.enabled else "DISABLE",
        disable_time=circle.disable_at,
    )


def to_group(circle: Circle) -> Group:
    """A group, without its members: those come in pages."""
    return Group(
        id=circle.id,
        code=circle.code,
        name=circle.name,
        description=circle.description,
        type=circle.type,
        metadata_source=[],
        members=[],
    )
