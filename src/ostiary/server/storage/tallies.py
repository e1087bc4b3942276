"""What is worth counting and only a step knows: told like a topic, counted once per step that was committed.

A step that runs again, or fails, has counted nothing: so the numbers are those of the database, never of attempts.
Labels are words of ours (a channel, the name of a limit), never what a client sent.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from ostiary.server.storage.jobs import TALLY
from ostiary.server.storage.tx import Tx


class Tally(StrEnum):
    """What is counted; each has one label."""

    CODE_ASKED = "code_asked"
    """A code was queued for sending, made anew or the same once more. Label: channel."""
    CODE_WITHHELD = "code_withheld"
    """It looked so from outside, and nothing is sent. Label: channel."""
    CODE_USED = "code_used"
    """A right code did what it was for. Label: channel."""
    CODE_WRONG = "code_wrong"
    """A wrong guess was paid for. Label: channel."""
    LIMIT_HIT = "limit_hit"
    """A limit refused. Label: its name."""


def count(tx: Tx, what: Tally, label: str) -> None:
    """Count one, once this transaction is durable; the same twice in one step counts once."""
    tx.after_commit(f"{TALLY}{what}:{label}")


def read(tallies: Mapping[str, int]) -> Iterator[tuple[Tally, str, int]]:
    """What `Counts.tallies` holds: what, label, how many."""
    for topic, number in tallies.items():
        _, what, label = topic.split(":", 2)
        yield Tally(what), label, number
