"""The two hands: they do what a call asks for, and decide nothing.

`Hand` is for threads, `AsyncHand` for asyncio and trio. A hand owns the pool of connections; clients made
from one another (`with_options`, `with_access_token`) share one.
"""

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ssl import SSLCertVerificationError
from time import sleep
from typing import Any, TypeVar

import anyio  # httpx2 stands on it: no dependency of our own
import httpx2

from ostiary.client import _ports
from ostiary.client._core import Call, Effect, Exclusive, Request, Response, Wait
from ostiary.client.errors import APIConnectionError, APITimeoutError, CertificateRefused, OstiaryError

T = TypeVar("T")

LARGEST_ANSWER = 32 * 1024 * 1024
"""Bytes. Nothing of this API comes near; a broken proxy must not fill the memory."""
KEEPALIVE_SECONDS = 4.0
"""Under the five after which common servers hang up: a POST must not meet a connection that is just closing."""
NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)


class Hand:
    """Does a call's effects one after the other, in the caller's thread."""

    def __init__(self, http: httpx2.Client | None, *, verify: bool) -> None:
        self._owns_pool = http is None
        self._http = http or httpx2.Client(**_pool_options(verify=verify))
        self._alone = threading.Lock()
        if self._owns_pool:  # a client that nobody closes gives its sockets back all the same
            weakref.finalize(self, self._http.close)

    def run(self, call: Call[T]) -> T:
        """Drive a call to its end."""
        try:
            effect = next(call)
            while True:
                try:
                    answer = self._do(effect)
                except OstiaryError as error:
                    effect = call.throw(error)
                else:
                    effect = call.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result

    def close(self) -> None:
        """Close the pool, unless it was brought along."""
        if self._owns_pool:
            self._http.close()

    def _do(self, effect: Effect) -> Any:
        match effect:
            case Request():
                return self._send(effect)
            case Wait():
                return sleep(_ports.between(effect.at_least, effect.at_most))
            case Exclusive():
                with self._alone:
                    return self.run(effect.call)

    def _send(self, request: Request) -> Response:
        deadline = _ports.monotonic() + request.timeout
        with _as_ours(request):
            answer = self._http.send(_of_httpx(self._http, request), stream=True, follow_redirects=False)
            try:
                body = bytearray()
                for piece in answer.iter_bytes():
                    body += piece
                    _check(request, body, deadline)
            finally:
                answer.close()
        return _from_httpx(answer, body)


class AsyncHand:
    """Does a call's effects one after the other, in the caller's task."""

    def __init__(self, http: httpx2.AsyncClient | None, *, verify: bool) -> None:
        self._owns_pool = http is None
        self._http = http or httpx2.AsyncClient(**_pool_options(verify=verify))
        self._alone = anyio.Lock()

    async def run(self, call: Call[T]) -> T:
        """Drive a call to its end."""
        try:
            effect = next(call)
            while True:
                try:
                    answer = await self._do(effect)
                except OstiaryError as error:
                    effect = call.throw(error)
                else:
                    effect = call.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result

    async def close(self) -> None:
        """Close the pool, unless it was brought along."""
        if self._owns_pool:
            await self._http.aclose()

    async def _do(self, effect: Effect) -> Any:
        match effect:
            case Request():
                return await self._send(effect)
            case Wait():
                return await anyio.sleep(_ports.between(effect.at_least, effect.at_most))
            case Exclusive():
                async with self._alone:
                    return await self.run(effect.call)

    async def _send(self, request: Request) -> Response:
        deadline = _ports.monotonic() + request.timeout
        with _as_ours(request):
            answer = await self._http.send(
                _of_httpx(self._http, request), stream=True, follow_redirects=False
            )
            try:
                body = bytearray()
                async for piece in answer.aiter_bytes():
                    body += piece
                    _check(request, body, deadline)
            finally:
                await answer.aclose()
        return _from_httpx(answer, body)


def _pool_options(*, verify: bool) -> dict[str, Any]:
    return {
        "verify": verify,
        "limits": httpx2.Limits(keepalive_expiry=KEEPALIVE_SECONDS),
        # One pool serves many users: a cookie set for one must not travel with the next.
        "cookies": CookieJar(policy=DefaultCookiePolicy(allowed_domains=())),
    }


def _of_httpx(http: httpx2.Client | httpx2.AsyncClient, request: Request) -> httpx2.Request:
    return http.build_request(
        request.method,
        request.url,
        headers=dict(request.headers),
        content=request.content,
        timeout=request.timeout,
    )


def _from_httpx(answer: httpx2.Response, body: bytearray) -> Response:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Response(answer.status_code, headers, bytes(body))


def _check(request: Request, body: bytearray, deadline: float) -> None:
    """An answer that drips in, a byte a second, ends too; each of its bytes came in time."""
    if _ports.monotonic() > deadline:
        raise APITimeoutError(f"{request.url} did not finish its answer within {request.timeout:g} s")
    if len(body) > LARGEST_ANSWER:
        raise APIConnectionError(f"{request.url} answers with more than {LARGEST_ANSWER} bytes")


@contextmanager
def _as_ours(request: Request) -> Iterator[None]:
    """The transport's exceptions as ours, with what they say about whether the request left."""
    where = request.url.partition("?")[0]
    try:
        yield
    except httpx2.TimeoutException as error:
        sent = False if isinstance(error, NEVER_SENT) else None
        raise APITimeoutError(f"{where} did not answer within {request.timeout:g} s", sent) from error
    except httpx2.ConnectError as error:
        if _is_certificate(error):
            raise CertificateRefused(f"The certificate of {where} is not trusted: {error}", False) from error
        raise APIConnectionError(f"{where} can't be reached: {error}", False) from error
    except (httpx2.RequestError, httpx2.InvalidURL) as error:
        sent = False if isinstance(error, NEVER_SENT) else None
        raise APIConnectionError(
            f"{where} gave no answer: {str(error) or type(error).__name__}", sent
        ) from error


def _is_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
