"""What AuthenticationClient and AsyncAuthenticationClient share: everything but the driver that does it."""

import base64
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Self, TypeVar
from urllib.parse import quote_plus

from ostiary.client._base import ClientCore
from ostiary.client._core import Call, Request, Shared, exchange, patience
from ostiary.client._endpoint import Endpoint, Form, json_content, query_text
from ostiary.client._offline import (
    JWKS,
    SHARED,
    KeyCache,
    checked,
    checked_by_secret,
    fetch_keys,
    find_shown,
    header_of,
)
from ostiary.client._settings import (
    DEFAULT_HOST,
    DEFAULT_MAX_RETRIES,
    DEFAULT_TIMEOUT_SECONDS,
    ClientAuthMethod,
    Transport,
    auth_method,
    check_header,
    clean_host,
)
from ostiary.client._urls import Urls
from ostiary.client.errors import TokenNotValid, UsageError

R = TypeVar("R")
H = TypeVar("H")


class AuthenticationCore(Urls, ClientCore[H]):
    """Settings, credentials and requests of one app; `H` is the HTTP client that may be brought along."""

    _side = "AuthenticationClient"
    _refuse_at_once: ClassVar[bool] = True
    """A client whose app has no secret to prove itself with, and should, is not made."""
    app_id: str
    """The application's id."""

    def __init__(
        self,
        app_id: str,
        app_host: str = DEFAULT_HOST,
        app_secret: str | None = None,
        access_token: str | None = None,
        timeout: float = DEFAULT_TIMEOUT_SECONDS,
        protocol: str = "oidc",
        token_endpoint_auth_method: ClientAuthMethod | None = None,
        introspection_endpoint_auth_method: ClientAuthMethod | None = None,
        revocation_endpoint_auth_method: ClientAuthMethod | None = None,
        redirect_uri: str | None = None,
        post_logout_redirect_uri: str | None = None,
        use_unverified_ssl: bool = False,  # noqa: FBT001, FBT002 - the incumbent's position
        lang: str | None = None,
        websocket_host: str | None = None,
        websocket_endpoint: str | None = None,
        real_ip: str | None = None,
        *,
        http_client: H | None = None,
        max_retries: int = DEFAULT_MAX_RETRIES,
    ) -> None:
        """Make a client for one app.

        - `app_id`, `app_host`: the application, and the URL under which its pool is served.
        - `app_secret`: needed where one of the three `…_endpoint_auth_method` is not `none`. Default of these:
          `client_secret_post` with a secret, `none` without.
        - `access_token`: the signed-in user's; or later by `set_access_token`, or per user by
          `with_access_token`.
        - `timeout`: seconds for one whole attempt, from connecting to the last byte. With a synchronous client,
          DNS lookup is not included, and each resolved address gets the full time. Retries come on top, with pauses
          between them of up to 8 seconds, or up to 30 where the server asks for them.
        - `protocol`: `oidc` or `oauth`, the prefix of the token endpoints.
        - `use_unverified_ssl`: True disables certificate verification; for test environments only.
        - `lang`: `zh-CN` or `en-US`, the language of `message`.
        - `real_ip`: the end user's address, where this program is a configured backend.
        - `websocket_host`, `websocket_endpoint`: the incumbent's, kept as attributes and used for nothing: no events
          are served (`sub_event` says what to do instead).
        - `http_client`: an `httpx2.Client` (`AsyncClient`) of your own; you close it. Its cookies and its `auth` are
          left out. With a `Client`, headers that drip in are not bounded by `timeout` as a whole.
        - `max_retries`: how often a call that is safe to repeat is repeated. There is no deadline over the repeats.
        """
        if not app_id:
            raise UsageError("app_id is missing")
        check_header("app_id", app_id)
        check_header("access_token", access_token)
        method = partial(auth_method, has_secret=bool(app_secret), refuse_at_once=self._refuse_at_once)
        self.app_id = app_id
        self._app_secret = app_secret
        self._access_token = access_token
        self._transport = Transport(clean_host(app_host), timeout, max_retries, lang, real_ip)
        self._prefix = _protocol_prefix(protocol)
        self._auth_methods: Mapping[str, ClientAuthMethod] = {
            "token": method("token_endpoint_auth_method", token_endpoint_auth_method),
            "introspection": method("introspection_endpoint_auth_method", introspection_endpoint_auth_method),
            "revocation": method("revocation_endpoint_auth_method", revocation_endpoint_auth_method),
        }
        self.redirect_uri = redirect_uri
        self.post_logout_redirect_uri = post_logout_redirect_uri
        self.websocket_host = websocket_host
        self.websocket_endpoint = websocket_endpoint
        self._keys = KeyCache()
        self._open(http_client, use_unverified_ssl=use_unverified_ssl)

    @property
    def app_host(self) -> str:
        """The URL under which the app's pool is served."""
        return self._transport.host

    def set_access_token(self, access_token: str | None) -> None:
        """Make all calls of this client in the name of this token's user.

        For one user per program. A server that answers many at once makes a client per user with
        `with_access_token`, which costs nothing.
        """
        check_header("access_token", access_token)
        self._access_token = access_token

    def with_access_token(self, access_token: str | None) -> Self:
        """Make a client for another user, over the same connections."""
        other = self._derive()
        other.set_access_token(access_token)
        return other

    def with_options(
        self,
        *,
        timeout: float | None = None,
        max_retries: int | None = None,
        lang: str | None = None,
        real_ip: str | None = None,
    ) -> Self:
        """Make a client that differs in what is given, over the same connections."""
        return self._derive(timeout=timeout, max_retries=max_retries, lang=lang, real_ip=real_ip)

    def __repr__(self) -> str:
        signed_in = "signed in" if self._access_token else "not signed in"
        return f"<{type(self).__name__} app_id={self.app_id!r} app_host={self.app_host!r} {signed_in}>"

    def _call(self, endpoint: Endpoint[R], form: Form) -> Call[R]:
        """One operation, as a call that somebody has yet to drive."""
        response = yield from exchange(self._request(endpoint, form), max_retries=self._transport.max_retries)
        return endpoint.read(response)

    def _introspect(
        self, token: str, jwks: Mapping[str, Any] | None, typ: str | None, alg: str | None = None
    ) -> Call[dict[str, Any]]:
        """The claims of a token that is good, judged on this machine."""
        header = header_of(token, typ, alg)
        issuer = f"{self.app_host}/oidc"  # whichever of its twins a token came from
        if header.alg == SHARED:
            if typ is None:
                raise TokenNotValid("HS256 is for id tokens: typ='JWT' asks for one")
            return checked_by_secret(token, header, self._app_secret, issuer=issuer, audience=self.app_id)
        kid = header.kid
        if jwks is not None:
            key = find_shown(jwks, kid)
        else:
            key = self._keys.find(kid)
            if key is None:
                request = self._request(JWKS, {})
                fetch = fetch_keys(self._keys, request, self._transport.max_retries)
                yield Shared(fetch, patience(request.timeout, self._transport.max_retries))
                key = self._keys.find(kid)
        return checked(token, key, issuer=issuer, audience=self.app_id)

    def _request(self, endpoint: Endpoint[Any], form: Form) -> Request:
        authorization = f"Bearer {self._access_token}" if self._access_token else None
        if endpoint.credential == "client":
            form, basic = self._prove_app(endpoint, form)
            authorization = basic or (authorization if endpoint.content == "json" else None)
        elif endpoint.credential == "none":
            authorization = None
        headers = {"x-genauth-app-id": self.app_id, "authorization": authorization}
        path, query, content = self._path(endpoint), "", None
        if endpoint.content == "query":
            query = query_text(form)
        elif endpoint.content == "json":
            headers["content-type"] = "application/json"
            content = json_content(form)
        else:
            headers["content-type"] = "application/x-www-form-urlencoded"
            content = query_text(form).encode()
        return Request(
            method=endpoint.method,
            url=self._transport.url(path, query),
            headers=self._transport.headers(headers),
            content=content,
            timeout=self._transport.timeout,
            safe=endpoint.safe,
        )

    def _path(self, endpoint: Endpoint[Any]) -> str:
        """The path; protocol `oauth` has the token endpoints under a prefix of its own."""
        if endpoint.path.startswith("/oidc/") and ".well-known" not in endpoint.path:
            return self._prefix + endpoint.path.removeprefix("/oidc")
        return endpoint.path

    def _prove_app(self, endpoint: Endpoint[Any], form: Form) -> tuple[Form, str | None]:
        """The form and the `Authorization` header with the app's own credential, in the configured way.

        `client_secret_basic` takes the place of the user's token (RFC 6749 §2.3.1); `none` sends no secret,
        for a server has to refuse one that it did not ask for.
        """
        name = _auth_method_name(endpoint.path)
        method = self._auth_methods[name]
        filled = dict(form)
        if method != "none" and not (filled.get("client_secret") or self._app_secret):
            if endpoint.content == "form":
                raise UsageError(f"{name}_endpoint_auth_method={method!r} needs app_secret")
            method = "none"  # a sign-in: whether the app has to prove itself is the server's to say
        if method == "client_secret_basic":
            shown = filled.pop("client_id", None) or self.app_id, filled.pop("client_secret", None)
            pair = f"{quote_plus(shown[0])}:{quote_plus(shown[1] or self._app_secret or '')}"
            return filled, "Basic " + base64.b64encode(pair.encode()).decode()
        if method == "client_secret_post":
            filled["client_id"] = filled.get("client_id") or self.app_id
            filled["client_secret"] = filled.get("client_secret") or self._app_secret
        elif endpoint.content == "form":
            filled["client_id"] = filled.get("client_id") or self.app_id
        return filled, None


def _protocol_prefix(protocol: str) -> str:
    prefixes = {"oidc": "/oidc", "oauth": "/oauth"}
    if protocol not in prefixes:
        raise UsageError(f"protocol is oidc or oauth, not {protocol!r}")
    return prefixes[protocol]


def _auth_method_name(path: str) -> str:
    for name in ("introspection", "revocation"):
        if path.endswith(f"/{name}"):
            return name
    return "token"
