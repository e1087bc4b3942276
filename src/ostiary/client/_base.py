"""What all four clients are: settings, a way to make calls, and a driver that somebody has to give them."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from ostiary.client._core import Call
from ostiary.client._endpoint import Endpoint, Form
from ostiary.client._settings import Transport

R = TypeVar("R")
H = TypeVar("H")


class ClientCore(ABC, Generic[H]):
    """A client without its driver; `H` is the HTTP client that may be brought along."""

    _side: ClassVar[str]
    """The incumbent's class whose methods it has."""
    _transport: Transport
    _derived = False
    """Made from another client, whose connections it uses and leaves open."""

    @abstractmethod
    def _open(self, http_client: H | None, *, use_unverified_ssl: bool) -> None:
        """Get the driver that does what calls ask for."""

    @abstractmethod
    def _call(self, endpoint: Endpoint[R], form: Form) -> Call[R]:
        """One operation, as a call that somebody has yet to drive."""

    @abstractmethod
    def _not_served(self, sentence: str) -> Callable[..., Any]:
        """A method that does nothing but say `sentence`, in the way of its class."""

    if not TYPE_CHECKING:  # to a type checker and an editor, what is not served is not there

        def __getattr__(self, name: str) -> Any:
            """A method of the incumbent's that is not served: says what to use instead, and sends nothing."""
            from ostiary.contract.unserved import find  # loaded by those who ask for such a method

            row = find(self._side, name)
            if row is None:
                raise AttributeError(
                    f"{type(self).__name__!r} object has no attribute {name!r}", obj=self, name=name
                )
            lang = "en-US" if self._transport.lang == "en-US" else "zh-CN"
            return self._not_served(row.instead.sentence(lang))

    @property
    def timeout(self) -> float:
        """Seconds for an attempt as a whole."""
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
