"""The only way out: HTTP requests of our own, to where they may go, with an end to everything.

1. A name is resolved once for a connection, and the connection is made to an address of that answer which may be
   gone to (`addresses`). Host header, server name and certificate stay those of the URL.
2. Plain HTTP goes only to networks that the operator named; everything else is HTTPS with verified certificates.
3. No redirect is followed, no proxy variable is read, nothing is decompressed, an answer's body is read up to a cap.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import httpcore2
import httpx2

from ostiary.server.core.address import Network
from ostiary.server.delivery.addresses import choose

MOST_ANSWER = 64 * 1024
"""Bytes of an answer's body that are read; the connection is cut behind them."""
CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
"""The longest silence. The whole attempt's end is the worker's (`SEND_TIMEOUT`)."""
CONNECTIONS = 64
"""As many as the worker has attempts under way."""
IDLE_CONNECTIONS = 8
IDLE_SECONDS = 30.0

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port → addresses as text. Raises OSError."""


class ForbiddenError(Exception):
    """The request would go where none may go. Its text names the host, and no address that was found."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL, taken apart once: what is judged is what is connected to."""

    scheme: str
    host: str
    """ASCII, lower case, without brackets."""
    port: int
    path: bytes = field(repr=False)
    """With the query; it may hold a secret."""

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Raises ValueError."""
        if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
            raise ValueError("a URL is printable ASCII without blanks and backslashes")
        try:
            url = httpx2.URL(text)
        except httpx2.InvalidURL as error:
            raise ValueError(str(error)) from error
        if url.scheme not in {"https", "http"} or not url.host:
            raise ValueError("it must begin with https://<host> (or http://, to a network named for that)")
        if url.userinfo or url.fragment:
            raise ValueError("it may hold neither a user nor a fragment")
        port = url.port or (443 if url.scheme == "https" else 80)
        if port > 65_535:
            raise ValueError("there is no such port")
        return cls(url.scheme, url.raw_host.decode("ascii"), port, url.raw_path)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; of several alike, the last."""
    body: bytes = field(repr=False)
    whole: bool
    """False: there was more than `MOST_ANSWER`."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Outbound:
    """Makes requests. Made inside the event loop that uses it; connections are kept and used again."""

    def __init__(
        self,
        named: Sequence[Network] = (),
        *,
        resolver: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        backends = {plain: _Guarded(named, resolver, only_named=plain) for plain in (False, True)}
        self._pools = {
            scheme: httpcore2.AsyncConnectionPool(
                ssl_context=tls or ssl.create_default_context(),
                max_connections=CONNECTIONS,
                max_keepalive_connections=IDLE_CONNECTIONS,
                keepalive_expiry=IDLE_SECONDS,
                network_backend=backends[scheme == "http"],
            )
            for scheme in ("https", "http")
        }

    async def post(self, target: Target, headers: Mapping[str, str], body: bytes) -> Reply:
        """Send it once. Raises ForbiddenError; OSError where nothing, or nothing whole, came back."""
        url = httpcore2.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
        times = {"connect": CONNECT_SECONDS} | dict.fromkeys(("read", "write", "pool"), READ_SECONDS)
        told = [("host", _authority(target)), ("content-length", str(len(body))), *headers.items()]
        try:
            async with self._pools[target.scheme].stream(
                "POST", url, headers=told, content=body, extensions={"timeout": times}
            ) as answer:
                return await _read(answer)
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException) as error:
            # Its own words only: a library's error text may hold bytes of what was sent or received.
            raise OSError(type(error).__name__) from error

    async def close(self) -> None:
        """Let go of the connections."""
        for pool in self._pools.values():
            await pool.aclose()


async def _read(answer: httpcore2.Response) -> Reply:
    chunks: list[bytes] = []
    room = MOST_ANSWER
    whole = True
    async for chunk in answer.aiter_stream():
        chunks.append(chunk[:room])
        room -= len(chunk)
        if room < 0:
            whole = False
            break  # leaving the stream unread closes its connection
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
    return Reply(answer.status, headers, b"".join(chunks), whole)


def _authority(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    usual = target.port == (443 if target.scheme == "https" else 80)
    return host if usual else f"{host}:{target.port}"


class _Guarded(httpcore2.AsyncNetworkBackend):
    """Opens connections: resolves, judges, and connects to what was judged."""

    def __init__(self, named: Sequence[Network], resolver: Resolve, *, only_named: bool) -> None:
        self._named = named
        self._resolve = resolver
        self._only_named = only_named
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address of `host` that may be gone to and answers."""
        failure: Exception = httpcore2.ConnectError("no address")
        for address in await self._addresses(host, port, timeout):
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _addresses(self, host: str, port: int, seconds: float | None) -> list[str]:
        try:
            async with asyncio.timeout(seconds):
                found = await self._resolve(host, port)
        except (OSError, TimeoutError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"{host} can't be resolved") from error
        chosen = choose(found, self._named, only_named=self._only_named)
        if not chosen:
            plain = " by plain http" if self._only_named else ""
            raise ForbiddenError(f"{host} leads to no address for us{plain}: see outbound_networks")
        return chosen

    async def sleep(self, seconds: float) -> None:
        """Between two tries of the library's, which we ask none of."""
        await asyncio.sleep(seconds)
