"""What ManagementClient and AsyncManagementClient share: everything but the driver that does it.

A management token is fetched when the first call needs one and renewed before it ends; however many
threads or tasks find it missing, one of them fetches it (`Shared`) and the others share what came of that.
"""

import base64
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from ostiary.client import _json, _ports
from ostiary.client._base import ClientCore
from ostiary.client._core import Call, Request, Shared, exchange, patience
from ostiary.client._endpoint import Endpoint, Form, api, json_content, query_text
from ostiary.client._settings import (
    DEFAULT_HOST,
    DEFAULT_MAX_RETRIES,
    DEFAULT_TIMEOUT_SECONDS,
    Transport,
    clean_host,
    fits_header,
)
from ostiary.client.errors import NotLoggedIn, UnexpectedAnswer, UsageError
from ostiary.contract.management import ManagementTokenData

R = TypeVar("R")
H = TypeVar("H")

MARGIN_SECONDS = 60.0
"""A token that ends within this is renewed first, so that none expires on its way (a tenth of a short life)."""

LONGEST_LIFE_SECONDS = 365 * 86_400
"""A server's word for a longer one is not taken: a number of any size may come."""

GET_TOKEN = api(
    "get_management_token",
    "POST",
    "/api/v3/get-management-token",
    ManagementTokenData,
    credential="none",
    safe=True,  # a second token harms nobody
)


@dataclass(frozen=True, slots=True)
class Token:
    """A management token and what follows from it."""

    text: str = field(repr=False)
    user_pool_id: str | None
    good_until: float
    """By the monotonic clock, margin taken off."""


@dataclass(slots=True)
class TokenCache:
    """Where the clients made from one another keep the token that they share."""

    token: Token | None = None

    def good(self) -> Token | None:
        """The token, if it will last."""
        token = self.token
        return token if token is not None and _ports.monotonic() < token.good_until else None

    def drop(self, refused: Token) -> None:
        """Forget a token that the server no longer takes, unless it is already another."""
        if self.token is refused:
            self.token = None


class ManagementCore(ClientCore[H]):
    """Settings, token and requests of one access key; `H` is the HTTP client that may be brought along."""

    _side = "ManagementClient"
    access_key_id: str
    """The access key's id."""

    def __init__(
        self,
        access_key_id: str,
        access_key_secret: str,
        host: str = DEFAULT_HOST,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        lang: str | None = None,
        use_unverified_ssl: bool = False,  # noqa: FBT001, FBT002 - the incumbent's position
        websocket_host: str | None = None,
        websocket_endpoint: str | None = None,
        *,
        http_client: H | None = None,
        max_retries: int = DEFAULT_MAX_RETRIES,
    ) -> None:
        """Make a client for a pool's access key.

        - `access_key_id`, `access_key_secret`: the pool's key. Its token is fetched and renewed by itself.
        - `host`: the URL of the service.
        - `timeout`: seconds for one whole attempt, from connecting to the last byte. With a synchronous client,
          DNS lookup is not included, and each resolved address gets the full time. Retries come on top, with pauses
          between them of up to 8 seconds, or up to 30 where the server asks for them.
        - `lang`: `zh-CN` or `en-US`, the language of `message`.
        - `use_unverified_ssl`: True disables certificate verification; for test environments only.
        - `websocket_host`, `websocket_endpoint`: the incumbent's, kept as attributes and used for nothing: no events
          are served (`sub_event` says what to do instead).
        - `http_client`: an `httpx2.Client` (`AsyncClient`) of your own; you close it. Its cookies and its `auth` are
          left out. With a `Client`, headers that drip in are not bounded by `timeout` as a whole.
        - `max_retries`: how often a call that is safe to repeat is repeated. There is no deadline over the repeats.
        """
        if not access_key_id or not access_key_secret:
            raise UsageError("access_key_id and access_key_secret are both needed")
        self.access_key_id = access_key_id
        self._access_key_secret = access_key_secret
        self._transport = Transport(clean_host(host), timeout, max_retries, lang)
        self.websocket_host = websocket_host
        self.websocket_endpoint = websocket_endpoint
        self._cached = TokenCache()
        self._open(http_client, use_unverified_ssl=use_unverified_ssl)

    @property
    def host(self) -> str:
        """The URL of the service."""
        return self._transport.host

    def with_options(
        self, *, timeout: float | None = None, max_retries: int | None = None, lang: str | None = None
    ) -> Self:
        """Make a client that differs in what is given, over the same connections and token."""
        return self._derive(timeout=timeout, max_retries=max_retries, lang=lang)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} access_key_id={self.access_key_id!r} host={self.host!r}>"

    def _call(self, endpoint: Endpoint[R], form: Form) -> Call[R]:
        """One operation, as a call that somebody has yet to drive.

        A token that is refused at the door is renewed once and the call repeated: the operation was not
        begun, so this is safe for every operation.
        """
        if endpoint.credential == "none":
            return (yield from self._attempt(endpoint, form, None))
        token = yield from self._token()
        try:
            return (yield from self._attempt(endpoint, form, token))
        except NotLoggedIn:
            self._cached.drop(token)
        token = yield from self._token()
        return (yield from self._attempt(endpoint, form, token))

    def _token(self) -> Call[Token]:
        token = self._cached.good()
        if token is None:
            tries = patience(self._transport.timeout, self._transport.max_retries)
            token = yield Shared(self._renew(), tries)
        return token

    def _renew(self) -> Call[Token]:
        """Fetch a token, unless a fetch that ended just now left a good one."""
        token = self._cached.good()
        if token is not None:
            return token
        asked = _ports.monotonic()
        form = {"accessKeyId": self.access_key_id, "accessKeySecret": self._access_key_secret}
        answer = yield from self._attempt(GET_TOKEN, form, None)
        life = min(answer.data.expires_in, LONGEST_LIFE_SECONDS)
        text = answer.data.access_token
        pool = _user_pool_id(text)
        if not (fits_header(text) and fits_header(pool or "")):
            raise UnexpectedAnswer("The server gave a management token that no HTTP header can hold")
        token = Token(text, pool, asked + life - min(MARGIN_SECONDS, life / 10))
        self._cached.token = token
        return token

    def _attempt(self, endpoint: Endpoint[R], form: Form, token: Token | None) -> Call[R]:
        request = self._request(endpoint, form, token)
        response = yield from exchange(request, max_retries=self._transport.max_retries)
        return endpoint.read(response)

    def _request(self, endpoint: Endpoint[Any], form: Form, token: Token | None) -> Request:
        is_query = endpoint.content == "query"
        return Request(
            method=endpoint.method,
            url=self._transport.url(endpoint.path, query_text(form) if is_query else ""),
            headers=self._transport.headers(
                {
                    "authorization": f"Bearer {token.text}" if token else None,
                    "x-genauth-userpool-id": token.user_pool_id if token else None,
                    "content-type": None if is_query else "application/json",
                }
            ),
            content=None if is_query else json_content(form),
            timeout=self._transport.timeout,
            safe=endpoint.safe,
        )


def _user_pool_id(token: str) -> str | None:
    """The pool that a management token is for, out of its claims; None for a token that is no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = _json.read_any(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    pool = claims.get("scoped_userpool_id") if isinstance(claims, dict) else None
    return pool if isinstance(pool, str) else None
