"""Failed sign-ins, as rules and guards see them: values, read from rows and put back as rows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failures:
    """One row: moments of failures, oldest first; version -1 = there is none yet."""

    key: str
    moments: tuple[int, ...] = ()
    locked_until: int | None = None
    version: int = -1
