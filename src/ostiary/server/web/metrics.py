"""What one process counts: answers, attempts to send, and how long they took. `exposition` puts it into words.

What the store counted is read when somebody asks; what waits in the database is asked of it then, at most once a
second. Counting is on every request's way: so it is adding to numbers, in the event loop alone.
"""

import os
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable

from ostiary.server.storage.backlog import Backlog
from ostiary.server.storage.db import Counts
from ostiary.server.storage.outbox import Outcome, Stored

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds."""
_SENDING_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Times:
    """How long things took, by what they were: how many up to each of some bounds, and all seconds."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.numbers: dict[str, list[int]] = {}
        """By label: how many up to each bound and beyond the one before it; last those beyond all."""
        self.seconds: dict[str, float] = {}

    def add(self, label: str, seconds: float) -> None:
        """One more."""
        numbers = self.numbers.get(label)
        if numbers is None:
            numbers = self.numbers[label] = [0] * (len(self.bounds) + 1)
        numbers[bisect_left(self.bounds, seconds)] += 1
        self.seconds[label] = self.seconds.get(label, 0.0) + seconds


class Metrics:
    """Counts of one process. Also the `Watch` of its outbox worker."""

    def __init__(self, counts: Counts, queue: Callable[[], int], *, process: str = "") -> None:
        """`counts` and `queue` are the store's. `process`: what tells this process from others that answer at the same port; '' where there are none."""
        self.process = process
        self.store = counts
        self.queue = queue
        self.answers: Counter[tuple[str, ...]] = Counter()
        self.answer_seconds = Times(_BUCKETS)
        self.attempts: Counter[tuple[str, ...]] = Counter()
        self.attempt_seconds = Times(_SENDING_BUCKETS)
        self.requests_under_way: Callable[[], float] = float
        self.messages_under_way: Callable[[], float] = float
        self.found: Backlog | None = None
        """What waited in the database at `found_at`; None: it did not answer, and no number is shown."""
        self.found_at = 0
        self._known_at = float("-inf")

    def watch_requests(self, under_way: Callable[[], float]) -> None:
        """Who knows how many requests are under way."""
        self.requests_under_way = under_way

    def watch_sending(self, under_way: Callable[[], float]) -> None:
        """Who knows how many attempts are under way."""
        self.messages_under_way = under_way

    def answered(self, operation: str, key: str, seconds: float) -> None:
        """Count one answer. Both labels come from the operations table and the catalogue: never from a client."""
        self.answers[operation, key] += 1
        self.answer_seconds.add(operation, seconds)

    def attempted(self, message: Stored, outcome: Outcome, seconds: float) -> None:
        """Count one attempt to send."""
        self.attempts[message.medium, message.purpose, outcome.state] += 1
        self.attempt_seconds.add(message.medium, seconds)

    @property
    def wants_backlog(self) -> bool:
        """Whether what is known of the backlog is older than a second."""
        return time.monotonic() - self._known_at > 1.0

    def backlog(self, found: Backlog | None, now: int) -> None:
        """Remember what waits in the database at `now`; an answer that did not come is asked for again at once."""
        self.found, self.found_at = found, now
        self._known_at = time.monotonic() if found is not None else float("-inf")


def process_label(workers: int) -> str:
    """What names this process where there are several, '' where it is the only one."""
    return str(os.getpid()) if workers > 1 else ""
