"""How often the tests that look for rare events repeat themselves.

``make test`` uses the base counts, which fit in CI's time; ``make soak`` the raised ones.
"""

import os

SOAK = os.environ.get("OSTIARY_SOAK") == "1"


def count(base: int, soak: int) -> int:
    """Give the base count, or the raised one under ``make soak``."""
    return soak if SOAK else base


RACE_ROUNDS = count(30, 1_000)
"""Rounds of each race: many at once, exactly one may win."""

KILLS = count(40, 1_000)
"""Times that a process is killed at a random moment, and looked at after."""

EXAMPLES = count(25, 1_000)
"""Generated requests for each operation."""
