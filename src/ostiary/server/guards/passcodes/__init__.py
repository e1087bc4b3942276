"""Codes by message: sent (`send`), proven against what was typed (`prove`), used up (`use`) or not (`leave`)."""

from ostiary.server.guards.passcodes.links import Link
from ostiary.server.guards.passcodes.links import read as read_link
from ostiary.server.guards.passcodes.prove import (
    Proof,
    Typed,
    guess,
    is_waiting,
    leave,
    prove,
    prove_link,
    use,
)
from ostiary.server.guards.passcodes.send import send

__all__ = [
    "Link",
    "Proof",
    "Typed",
    "guess",
    "is_waiting",
    "leave",
    "prove",
    "prove_link",
    "read_link",
    "send",
    "use",
]
