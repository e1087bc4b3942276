"""What all four clients are: settings, a way to make calls, and a hand that somebody has to give them."""

from abc import ABC, abstractmethod
from copy import copy
from dataclasses import replace
from typing import Any, Generic, Self, TypeVar

from ostiary.client._core import Call
from ostiary.client._endpoint import Endpoint, Form
from ostiary.client._settings import Transport

R = TypeVar("R")
H = TypeVar("H")


class ClientCore(ABC, Generic[H]):
    """A client without its hand; `H` is the HTTP client that may be brought along."""

    _transport: Transport
    _derived = False
    """Made from another client, whose connections it uses and leaves open."""

    @abstractmethod
    def _open(self, http_client: H | None, *, use_unverified_ssl: bool) -> None:
        """Get the hand that does what calls ask for."""

    @abstractmethod
    def _call(self, endpoint: Endpoint[R], form: Form) -> Call[R]:
        """One operation, as a call that somebody has yet to drive."""

    @property
    def timeout(self) -> float:
        """Seconds for each step of an attempt."""
        return self._transport.timeout

    @property
    def max_retries(self) -> int:
        """How often a call that is safe to repeat is repeated."""
        return self._transport.max_retries

    def _derive(self, **given: Any) -> Self:
        """Make a client over the same connections, with what is given changed in its transport."""
        other = copy(self)
        changed = {name: value for name, value in given.items() if value is not None}
        vars(other).update(_derived=True, _transport=replace(self._transport, **changed))
        return other
