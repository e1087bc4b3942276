"""Pools of connections: how one is made for a host, and what is asked of it for one request."""

import importlib.util
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, TypeVar
from urllib.request import getproxies, proxy_bypass

import httpx2

from ostiary.client._core import Request
from ostiary.client._punctual import PunctualTransport
from ostiary.client.errors import UsageError

KEEPALIVE_SECONDS = 4.0
"""Under the five after which common servers hang up: a POST must not meet a connection that is just closing."""
LIMITS = httpx2.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=KEEPALIVE_SECONDS)
H = TypeVar("H", httpx2.Client, httpx2.AsyncClient)


def make(host: str, *, verify: bool) -> httpx2.Client:
    """A pool for threads, by the proxy that the environment names for this host."""
    transport = PunctualTransport(_context(verify=verify), LIMITS, environment_proxy(host))
    return httpx2.Client(transport=transport, cookies=_no_cookies(), trust_env=False)


def make_async(host: str, *, verify: bool) -> httpx2.AsyncClient:
    """The same for tasks."""
    return httpx2.AsyncClient(
        verify=_context(verify=verify),
        limits=LIMITS,
        proxy=environment_proxy(host),
        cookies=_no_cookies(),
        trust_env=False,  # the proxy and the certificates' variables are read here
    )


def environment_proxy(host: str) -> httpx2.Proxy | None:
    """The proxy for this URL: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, less `NO_PROXY`, or the system's own.

    Raises `UsageError`, without the proxy's URL, which may hold a password.
    """
    url = httpx2.URL(host)
    named = getproxies()
    address = named.get(url.scheme) or named.get("all")
    if not address or proxy_bypass(url.host):
        return None
    try:
        proxy = httpx2.Proxy(address if "://" in address else f"http://{address}")
    except (httpx2.InvalidURL, ValueError):
        raise UsageError(f"The environment names a proxy for {url.scheme} that can't be used") from None
    if proxy.url.scheme.startswith("socks5") and importlib.util.find_spec("socksio") is None:
        raise UsageError(
            "The environment names a SOCKS proxy, which needs socksio: pip install 'httpx2[socks]', or unset "
            "ALL_PROXY, or name this host in NO_PROXY"
        )
    return proxy


def request_of(
    http: httpx2.Client | httpx2.AsyncClient, request: Request, **extensions: Any
) -> httpx2.Request:
    """The request as the pool's client sends it.

    One pool serves many users: a cookie that was set for one must not travel with the next, in whosever jar it
    was kept.
    """
    built = http.build_request(
        request.method,
        request.url,
        headers=dict(request.headers),
        content=request.content,
        timeout=request.timeout,
        extensions=extensions,
    )
    built.headers.pop("cookie", None)
    built.headers["accept-encoding"] = (
        "identity"  # what is small gains nothing, and unpacking knows no timeout
    )
    return built


SEND_OPTIONS: Mapping[str, Any] = {
    "stream": True,
    "follow_redirects": False,
    "auth": httpx2.Auth(),  # adds nothing: an `auth` of the client's own would take the place of the token
}


def _context(*, verify: bool) -> Any:
    try:
        return httpx2.create_ssl_context(verify=verify)
    except OSError as error:  # SSL_CERT_FILE or SSL_CERT_DIR
        raise UsageError(f"The certificates to trust can't be read: {error}") from None


def _no_cookies() -> CookieJar:
    return CookieJar(policy=DefaultCookiePolicy(allowed_domains=()))
