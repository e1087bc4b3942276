"""People of the dev pool, signed in."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ostiary import AsyncAuthenticationClient, AuthenticationClient

if TYPE_CHECKING:
    from ostiary.testing._service import Service

SCOPE = "openid profile email phone offline_access"


@dataclass(frozen=True, slots=True)
class Person:
    """A user with a password, a verified e-mail address, a verified number unless told otherwise, and a sign-in."""

    service: "Service" = field(repr=False)
    user_id: str
    username: str
    password: str = field(repr=False)
    email: str
    phone: str | None
    """The number they were made with, in E.164: `+8613900000001`. None: they have none."""
    client: AuthenticationClient
    """Signed in as them. Shared connections: nothing to close."""
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)

    @property
    def national(self) -> str:
        """The number as people type it and as the API takes it. Raises ValueError for people without one."""
        if self.phone is None:
            raise ValueError(f"{self.username} has no phone number")
        return self.phone.removeprefix("+86")

    def async_client(self, **options: Any) -> AsyncAuthenticationClient:
        """An async client signed in as them, with `AsyncAuthenticationClient`'s options; use it in `async with`."""
        return self.service.async_client(access_token=self.access_token, **options)

    def sign_in(self, scope: str = SCOPE) -> AuthenticationClient:
        """Sign in once more, as from another device: a client of that session."""
        return self.service.sign_in(self.username, self.password, scope)[0]
