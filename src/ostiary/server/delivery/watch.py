"""Who looks at the worker's work: counts, traces. The worker knows only that somebody may."""

from typing import Protocol

from ostiary.server.storage.outbox import Outcome, Stored


class Watch(Protocol):
    """Told of each attempt, in the event loop; must be quick and never raise."""

    def attempted(self, message: Stored, outcome: Outcome, seconds: float) -> None:
        """An attempt at `message` ended like this; its outcome is not stored yet."""


class Unwatched:
    """Nobody looks."""

    def attempted(self, message: Stored, outcome: Outcome, seconds: float) -> None:
        """Forget it."""
