"""A refusal is a value. Rules and guards return it; the wire turns it into an envelope."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ostiary.contract.keys import Key


@dataclass(frozen=True, slots=True)
class Refused:
    """Why not, and what the caller may be told about it.

    `retry_after` is in whole seconds (at least 1); it is answered as `data.retryAfter`.
    `data` is merged into the answer's `data`.
    """

    key: Key
    retry_after: int | None = None
    data: Mapping[str, Any] | None = None

    def facts(self) -> dict[str, Any] | None:
        """The `data` object of the answer, or None."""
        facts = dict(self.data or {})
        if self.retry_after is not None:
            facts["retryAfter"] = self.retry_after
        return facts or None
