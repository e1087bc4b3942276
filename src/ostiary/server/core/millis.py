"""Time in this house: integers, milliseconds, UTC. Judged as 'live means now < end'."""

from typing import NewType

Millis = NewType("Millis", int)

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

FUTURE_TOLERANCE = 5 * SECOND
"""Rows stamped further ahead than this come from a broken clock: codes and tokens in them are dead."""


def seconds_until(moment: int, now: int) -> int:
    """Whole seconds from `now` to `moment`, rounded up, at least 1: a `retryAfter` that is never too early."""
    return max(1, -((now - moment) // SECOND))
