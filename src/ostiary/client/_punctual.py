"""A synchronous pool of connections whose every read and write ends by one moment.

httpx2's timeouts are for each step: who sends a byte a second, of a header that has no end, keeps its caller
for ever. httpcore2, on which httpx2 stands, lets us say how a connection reads; so each read is given what is
left of the whole. (The asynchronous driver needs none of this: there a task is cancelled.)
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from ssl import SSLContext
from typing import Any, cast

import httpcore2  # httpx2 stands on it: no dependency of our own
import httpx2

from ostiary.client import _ports

_PIECE = 64 * 1024
"""Bytes written at a time."""


class _Budget(threading.local):
    """Until when this thread's exchange may last, by the monotonic clock."""

    ends_at: float = float("inf")


_budget = _Budget()


@contextmanager
def all_within(seconds: float) -> Iterator[None]:
    """What this thread sends and reads in here, by a `PunctualTransport`, ends within so many seconds."""
    before = _budget.ends_at  # a hook of somebody's HTTP client may call another client of ours
    _budget.ends_at = _ports.monotonic() + seconds
    try:
        yield
    finally:
        _budget.ends_at = before


def _left(timeout: float | None, over: type[Exception]) -> float:
    """The shorter of a step's own time and what is left of the whole; raises `over` where nothing is."""
    left = _budget.ends_at - _ports.monotonic()
    if left <= 0:
        raise over("The time for the whole exchange is over")
    return left if timeout is None else min(left, timeout)


def watch(answer: httpx2.Response) -> None:
    """Have the body end in time with any transport: what came is looked at as it comes, not once it decodes."""
    answer.stream = _Watched(cast(httpx2.SyncByteStream, answer.stream))


class _Watched(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._stream:
            _left(None, httpx2.ReadTimeout)
            yield piece

    def close(self) -> None:
        self._stream.close()


class _Stream(httpcore2.NetworkStream):
    """A connection, plain or TLS, that reads no longer than is left."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for at in range(0, len(buffer), _PIECE):  # httpcore2 gives each send the whole time again
            self._stream.write(buffer[at : at + _PIECE], _left(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = _left(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Network(httpcore2.NetworkBackend):
    """Opens connections of that kind."""

    def __init__(self) -> None:
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        left = _left(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._sockets.connect_tcp(host, port, left, local_address, socket_options))


class PunctualTransport(httpx2.BaseTransport):
    """httpx2's own transport, on connections that keep `all_within`. Raises httpcore2's exceptions."""

    def __init__(self, context: SSLContext, limits: httpx2.Limits, proxy: httpx2.Proxy | None) -> None:
        options: dict[str, Any] = {
            "ssl_context": context,
            "max_connections": limits.max_connections,
            "max_keepalive_connections": limits.max_keepalive_connections,
            "keepalive_expiry": limits.keepalive_expiry,
            "network_backend": _Network(),
        }
        self._pool = httpcore2.ConnectionPool(**options) if proxy is None else _by_proxy(proxy, options)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send, and give the answer with its body still to be read."""
        answer = self._pool.handle_request(
            httpcore2.Request(
                method=request.method,
                url=_core_url(request.url),
                headers=request.headers.raw,
                content=cast(httpx2.SyncByteStream, request.stream),
                extensions=request.extensions,
            )
        )
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _Body(httpx2.SyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


def _by_proxy(proxy: httpx2.Proxy, options: dict[str, Any]) -> httpcore2.ConnectionPool:
    options = {**options, "proxy_url": _core_url(proxy.url), "proxy_auth": proxy.raw_auth}
    if proxy.url.scheme.startswith("socks5"):
        return httpcore2.SOCKSProxy(**options)
    return httpcore2.HTTPProxy(**options)


def _core_url(url: httpx2.URL) -> httpcore2.URL:
    return httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
