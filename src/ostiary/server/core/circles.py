"""A role or a group, as everybody knows it: a named circle of users."""

from dataclasses import dataclass
from typing import Literal

from ostiary.server.core.millis import Millis

CircleKind = Literal["role", "group"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """One role or group of a pool. `type` is a group's, `enabled` and `disable_at` a role's."""

    id: str
    pool_id: str
    kind: CircleKind
    code: str
    name: str
    description: str
    type: str = ""
    enabled: bool = True
    disable_at: Millis | None = None
    made_at: Millis
