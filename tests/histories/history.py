"""Histories: what clients asked, when, and what they heard. Recorded while things break, judged by `checker.py`.

An operation has the moment it was asked and the moment its answer was there; one whose answer never came, or was
a 503, has an unknown outcome: it may have happened or not, and the final state has to explain it.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["ok", "refused", "unknown"]


@dataclass(slots=True)
class Operation:
    """One thing that one client asked for. Moments in nanoseconds of the machine's monotonic clock."""

    user: str
    kind: str
    """`prove` (codes for a token), `move` (a token for a number), or anything else: then only its budget counts."""
    called: int
    returned: int = 2**63
    """Later than everything until the answer is there."""
    outcome: Outcome = "unknown"
    key: str = ""
    """The reason it was refused for; '' where it was not, or nothing was heard."""
    request_id: str = ""
    uses: tuple[str, ...] = ()
    """What it used up where it went well: codes, a token. Each is good for one operation."""
    number: str | None = None
    """Where the number went (kind `move`); None = the account has none now."""
    wrong: tuple[str, ...] = ()
    """Budgets (`counter@day`) that a wrong code was typed at: paid where the answer says so."""
    doubtful: tuple[str, ...] = ()
    """Budgets that may have been paid too: a code was typed that somebody may have replaced meanwhile."""


@dataclass(frozen=True, slots=True)
class Move:
    """One move of a number as the audit log has it."""

    user: str
    version: int
    old: str | None
    new: str | None
    request_id: str


@dataclass(frozen=True, slots=True)
class Final:
    """What the database says in the end."""

    first: Mapping[str, str | None]
    """User → the number the account was made with."""
    holders: Mapping[str, str | None]
    """User → the number the account has."""
    moves: tuple[Move, ...] = ()
    paid: Mapping[str, int] = field(default_factory=dict)
    """Budget → wrong guesses that are counted in it."""


class History:
    """What happened, told by any number of threads."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self._adding = threading.Lock()

    def begin(self, user: str, kind: str, **facts: object) -> Operation:
        """Note that something is about to be asked."""
        operation = Operation(user, kind, time.monotonic_ns(), **facts)  # type: ignore[arg-type] # its own fields
        with self._adding:
            self.operations.append(operation)
        return operation

    @staticmethod
    def end(operation: Operation, outcome: Outcome, key: str = "", request_id: str = "") -> None:
        """Note what was answered."""
        operation.returned = time.monotonic_ns()
        operation.key, operation.request_id = key, request_id
        operation.outcome = outcome
