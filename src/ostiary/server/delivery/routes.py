"""Which sender serves which message, and what a sender promises."""

from collections.abc import Awaitable, Mapping
from typing import Protocol

from ostiary.server.core.contact import Medium
from ostiary.server.delivery.messages import Rendered


class PermanentError(Exception):
    """The provider will never take this message (no such number, refused content). Not tried again."""


class TransientError(Exception):
    """The provider could not take it now. `retry_after`: milliseconds until it asks us to come back, 0 unsaid."""

    def __init__(self, reason: str, retry_after: int = 0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Sender(Protocol):
    """One way out. A message may come twice after a crash, with the same `id`."""

    def send(self, message: Rendered) -> str | Awaitable[str]:
        """Hand it over; the provider's id for it, at once where there is nobody to wait for.

        Raises PermanentError or TransientError; nothing is logged.
        """


class Routes:
    """The senders of an installation, by medium. A medium without one: its messages end as `no_route`."""

    def __init__(self, senders: Mapping[Medium, Sender]) -> None:
        self._senders = dict(senders)

    def sender(self, medium: Medium) -> Sender | None:
        """Who sends such messages, or None."""
        return self._senders.get(medium)
