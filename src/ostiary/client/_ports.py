"""The SDK's only clock and dice, so that everything else decides the same way twice."""

import random
import secrets
import time

_dice = random.SystemRandom()


def monotonic() -> float:
    """Seconds of a clock that is never set back; only differences mean anything."""
    return time.monotonic()


def wall_clock() -> float:
    """Seconds since 1970 (UTC): what a token's ``exp`` is compared with."""
    return time.time()


def between(at_least: float, at_most: float) -> float:
    """A moment in a range, so that a thousand clients do not come back in the same instant."""
    return _dice.uniform(at_least, at_most)


def token(entropy_bytes: int = 32) -> str:
    """URL-safe random text from the operating system's generator."""
    return secrets.token_urlsafe(entropy_bytes)
