"""The incumbent's Python SDK, over our core: change the import and the host, and a program runs on.

    from ostiary.compat import AuthenticationClient, ManagementClient

Constructors, names and order of arguments, and results are theirs: plain dicts, the envelope as it came,
refusals included (`answer["statusCode"]`). What differs is what was broken:

- TLS certificates are verified unless `use_unverified_ssl=True`; theirs never were.
- `timeout` is kept; theirs was documented in milliseconds and ignored. 1 000 and more are read as milliseconds.
- Connections are reused, and reads are repeated after a 502, 503, 504, 429 or a lost connection.
- `client_secret_basic` reaches `/api/v3/signin`; `revoke_token` raises where the server refuses.
- An app without a secret authenticates with `none`, not with half of `client_secret_post`. Where another method is
  asked for by name, the calls that need the secret raise `UsageError`; the client is made all the same, like theirs.
- A failed connection and an answer that is not JSON raise `ostiary.OstiaryError`s, which keep the HTTP
  status; a wrong access key raises one, too (theirs: `GenAuthException`).
- `authorization` carries `Bearer <token>` where theirs had the bare token; the server takes both.
- `None` inside a payload is left out; theirs sent null.
- `websocket_host` and `websocket_endpoint` are taken and used for nothing: no events are served.

A method that Ostiary does not serve sends nothing and answers `{"statusCode": 501, "message": …}`: the message says
what to use instead.
"""

from typing import Any

import httpx2

from ostiary.client._settings import DEFAULT_HOST, DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT_SECONDS
from ostiary.client.authentication import (
    _LIST_MY_DEVICES,
    _REVOKE_MY_DEVICE_SESSION,
    _UNBIND_MY_DEVICE,
    PlainAuthenticationClient,
)
from ostiary.client.errors import UsageError
from ostiary.client.management import PlainManagementClient

MILLISECONDS_FROM = 1_000


class AuthenticationClient(PlainAuthenticationClient):
    """The incumbent's `AuthenticationClient`: dicts in, envelopes as dicts out."""

    _refuse_at_once = False

    def __init__(
        self,
        app_id: str,
        app_host: str | None = None,
        app_secret: str | None = None,
        access_token: str | None = None,
        timeout: float | str | None = DEFAULT_TIMEOUT_SECONDS,
        protocol: str | None = None,
        token_endpoint_auth_method: Any = None,
        introspection_endpoint_auth_method: Any = None,
        revocation_endpoint_auth_method: Any = None,
        redirect_uri: str | None = None,
        post_logout_redirect_uri: str | None = None,
        use_unverified_ssl: bool = False,  # noqa: FBT001, FBT002 - the incumbent's position
        lang: str | None = None,
        websocket_host: str | None = None,
        websocket_endpoint: str | None = None,
        real_ip: str | None = None,
        *,
        http_client: httpx2.Client | None = None,
        max_retries: int = DEFAULT_MAX_RETRIES,
    ) -> None:
        """Take the incumbent's arguments; see `ostiary.AuthenticationClient` for their meaning."""
        super().__init__(
            app_id=app_id,
            app_host=app_host or DEFAULT_HOST,
            app_secret=app_secret,
            access_token=access_token,
            timeout=_seconds(timeout),
            protocol=protocol or "oidc",
            token_endpoint_auth_method=token_endpoint_auth_method,
            introspection_endpoint_auth_method=introspection_endpoint_auth_method,
            revocation_endpoint_auth_method=revocation_endpoint_auth_method,
            redirect_uri=redirect_uri,
            post_logout_redirect_uri=post_logout_redirect_uri,
            use_unverified_ssl=use_unverified_ssl,
            lang=lang,
            websocket_host=websocket_host,
            websocket_endpoint=websocket_endpoint,
            real_ip=real_ip,
            http_client=http_client,
            max_retries=max_retries,
        )

    def unbind(self, device_id: str) -> dict[str, Any]:
        """End the sign-ins on a device and take it off the list."""
        return self._ask(_UNBIND_MY_DEVICE, {"deviceId": device_id})

    def revoke(self, device_id: str) -> dict[str, Any]:
        """End the sign-ins on a device, with their refresh tokens, at once."""
        return self._ask(_REVOKE_MY_DEVICE_SESSION, {"deviceId": device_id})

    def list(self, page: int | None = None, limit: int | None = None) -> dict[str, Any]:
        """List the devices that the signed-in user signed in on."""  # last: below it, `list` is no type
        return self._ask(_LIST_MY_DEVICES, {"page": page, "limit": limit})


class ManagementClient(PlainManagementClient):
    """The incumbent's `ManagementClient`: dicts in, envelopes as dicts out."""

    def __init__(
        self,
        access_key_id: str,
        access_key_secret: str,
        host: str | None = None,
        timeout: float | str | None = DEFAULT_TIMEOUT_SECONDS,
        lang: str | None = None,
        use_unverified_ssl: bool = False,  # noqa: FBT001, FBT002 - the incumbent's position
        websocket_host: str | None = None,
        websocket_endpoint: str | None = None,
        *,
        http_client: httpx2.Client | None = None,
        max_retries: int = DEFAULT_MAX_RETRIES,
    ) -> None:
        """Take the incumbent's arguments; see `ostiary.ManagementClient` for their meaning."""
        super().__init__(
            access_key_id,
            access_key_secret,
            host or DEFAULT_HOST,
            _seconds(timeout),
            lang,
            use_unverified_ssl,
            websocket_host,
            websocket_endpoint,
            http_client=http_client,
            max_retries=max_retries,
        )


def _seconds(timeout: Any) -> float:
    """What theirs took and ignored: any number, one written as text, None."""
    if timeout is None:
        return DEFAULT_TIMEOUT_SECONDS
    try:
        seconds = float(timeout)
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"timeout is a number of seconds, not {timeout!r}") from None
    return seconds / 1000 if seconds >= MILLISECONDS_FROM else seconds
