"""The pytest plugin: fixtures for tests of programs that use Ostiary. pytest finds it by its entry point.

`ostiary_service` is started when the first test asks for it, and serves all tests of a session (under pytest-xdist,
of a worker). Tests do not get into each other's way as long as each makes its own people and numbers.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:  # the plugin is loaded by every run in this environment, those that do not need it included
    from ostiary.testing import Clock, Inbox, Person, Service


class People(Protocol):
    """Makes people; the fixture `people`."""

    def __call__(self, username: str | None = None, *, phone: str | bool = True, **profile: Any) -> "Person":
        """As `Service.person`."""


@pytest.fixture(scope="session")
def ostiary_service() -> Iterator["Service"]:
    """A real service in dev mode, on a free port over a scratch folder; see `ostiary.testing.Service`."""
    from ostiary.testing import start

    with start() as service:
        yield service


@pytest.fixture
def inbox(ostiary_service: "Service") -> "Inbox":
    """Everybody's phones and mailboxes: `inbox.code(number, channel)` waits for a code."""
    return ostiary_service.inbox


@pytest.fixture
def clock(ostiary_service: "Service") -> "Clock":
    """The service's clock: `clock.advance(minutes=5)`."""
    return ostiary_service.clock


@pytest.fixture
def people(ostiary_service: "Service") -> People:
    """Makes signed-in people: `people()`, `people(phone=False)`, `people("zhang")`."""
    return ostiary_service.person


@pytest.fixture
def person(ostiary_service: "Service") -> "Person":
    """A signed-in person of this test alone, with a number and an e-mail address."""
    return ostiary_service.person()


@pytest.fixture
def pool_settings(ostiary_service: "Service") -> Iterator[Callable[..., None]]:
    """Changes the pool's settings until the end of the test: `pool_settings(step_up_max_age=60)`."""
    with ExitStack() as stack:

        def change(**changes: Any) -> None:
            stack.enter_context(ostiary_service.settings(**changes))

        yield change
