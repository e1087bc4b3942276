"""What the first right code at an address that nobody had proven is worth. Pure.

Rule 1: an address that somebody typed at a sign-up may have been typed by a stranger. Its owner gets the account.
Rule 2: one that an administrator set was typed by no stranger. It is proven, and nothing else changes.
Rule 3: where everybody is asked for a second factor and the account has one, the code alone is worth nothing: with that
factor taken off, nobody would get in there any more.
"""

from enum import Enum


class Worth(Enum):
    """What becomes of the account."""

    OWNERS = "owners"
    """It is the owner's: the address is proven, and whatever a stranger can have left goes."""
    PROVEN = "proven"
    """The address is proven."""
    NOTHING = "nothing"
    """Everything stays as it was, the address unproven."""


def judge(*, set_by_administrator: bool, asked_of_everybody: bool, has_factors: bool) -> Worth:
    """`asked_of_everybody`: by the application, for a second factor. `has_factors`: enrolled, and in use in the pool."""
    if set_by_administrator:
        return Worth.PROVEN
    return Worth.NOTHING if asked_of_everybody and has_factors else Worth.OWNERS
