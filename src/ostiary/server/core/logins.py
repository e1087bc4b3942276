"""A sign-in that was, as its owner may see it."""

from dataclasses import dataclass

from ostiary.server.core.people import Session


@dataclass(frozen=True, slots=True)
class Login:
    """Where, how and when. `at` in ms; `address` IPv4 or the /64 of an IPv6."""

    app_id: str
    app_name: str
    """'' where the application is gone."""
    methods: str
    address: str
    user_agent: str
    at: int


@dataclass(frozen=True, slots=True)
class RecentLogin:
    """The same with its device and its session, where that is still there."""

    login: Login
    device_id: str
    """'' where the device was taken off the list."""
    session: Session | None
