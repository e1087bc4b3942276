"""Moments as the wire and people write them."""

from datetime import UTC, datetime

from ostiary.server.core.millis import SECOND


def iso(at: int) -> str:
    """`2026-07-03T03:22:30.000Z` (RFC 3339, UTC) of milliseconds since 1970."""
    text = datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{at % SECOND:03d}Z"
