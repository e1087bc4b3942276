"""Which second factor is wanted of whom. Pure.

Rule 1: who has enrolled a factor that the pool has in use is asked for one, whichever door they come through.
Rule 2: what was proven by the first step is no second factor: a code to a number is worth nothing at that number.
Rule 3: where nothing but that is left, another first step is wanted; only where there is none the first one is enough.
Rule 4: an application that asks everybody lets nobody in on one step, whatever they have or have not.
Rule 5: what is enrolled is never passed by: a proven number or address stands in only for who has enrolled nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from ostiary.server.core.people import Account, ways_in


@dataclass(frozen=True, slots=True)
class Candidate:
    """A factor that is enrolled and in use, and whether the first step has proven just that."""

    kind: str
    proven: bool


class Verdict(Enum):
    """What a right first step is worth."""

    IN = "in"
    SECOND = "second"
    """One of the offered factors is wanted."""
    ANOTHER_FIRST = "another_first"
    """Sign in another way: this one leaves nothing to prove."""
    NOTHING = "nothing"
    """The application wants a factor, and there is none: one has to be enrolled first, by another application."""


def kinds_taken(enrolled: Sequence[str], standing_in: Sequence[str], asked: Sequence[str]) -> tuple[str, ...]:
    """The kinds that may finish a sign-in; all three are of those that the pool has in use.

    `standing_in`: those of the verified number and address. `asked`: the application's list (empty: it asks nobody).
    Enrolled factors take precedence over stand-ins. Of either, those in the application's list are accepted. If the list
    matches no enrolled factor, all enrolled ones are: an application's list must never weaken an account.
    """
    there = enrolled or standing_in
    return tuple(kind for kind in there if kind in asked) or tuple(enrolled)


def judge_sign_in(
    candidates: Sequence[Candidate], account: Account, first: str, *, always: bool = False
) -> Verdict:
    """Whether a first step (`pwd`, `sms`, `email`) opens the account, or what more is wanted.

    `always`: the application asks everybody.
    """
    enough = Verdict.NOTHING if always else Verdict.IN
    if not candidates:
        return enough
    if any(not candidate.proven for candidate in candidates):
        return Verdict.SECOND
    return Verdict.ANOTHER_FIRST if ways_in(account, besides=first) else enough
