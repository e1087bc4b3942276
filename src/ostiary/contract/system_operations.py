"""Rows of the operations table: what anybody may read about the installation."""

from ostiary.contract.operation import Kind, Operation, Who
from ostiary.contract.system import SystemInfo

SYSTEM: tuple[Operation, ...] = (
    Operation(
        name="get_system_info",
        method="GET",
        path="/api/v3/system",
        who=Who.ANYONE,
        kind=Kind.BARE,
        group="Public information",
        summary="Read the public keys that passwords may be encrypted with, and the version.",
        description="Each installation has its own keys: programs must read them here and never ship one. After a "
        "rotation the old key still decrypts for a while, so a key may be cached for a day.",
        data=SystemInfo,
    ),
)
