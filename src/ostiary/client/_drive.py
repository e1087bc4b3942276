"""The two drivers: they do what a call asks for, and decide nothing.

`Driver` is for threads, `AsyncDriver` for asyncio and trio. A driver owns the pool of connections; clients made
from one another (`with_options`, `with_access_token`) share one. What belongs to one process, or to one event
loop, is its `_ProcessState`: a forked child gets one of its own and leaves its parent's alone.
"""

import weakref
from dataclasses import dataclass
from time import sleep
from typing import Any, Generic, TypeVar

import anyio  # httpx2 stands on it: no dependency of our own
import anyio.lowlevel
import httpx2

from ostiary.client import _forks, _pools, _ports, _punctual
from ostiary.client._core import Call, Effect, Request, Response, Shared, Wait
from ostiary.client._failures import as_ours, too_late
from ostiary.client._single_flight import AsyncSingleFlight, SingleFlight
from ostiary.client.errors import APIConnectionError, OstiaryError, UsageError

T = TypeVar("T")
H = TypeVar("H", httpx2.Client, httpx2.AsyncClient)
S = TypeVar("S", SingleFlight, AsyncSingleFlight)

LARGEST_ANSWER = 32 * 1024 * 1024
"""Bytes. Nothing of this API comes near; a broken proxy must not fill the memory."""
_loops: anyio.lowlevel.RunVar[object] = anyio.lowlevel.RunVar("ostiary event loop")


@dataclass(slots=True)
class _ProcessState(Generic[H, S]):
    """What a driver works with, in the process that made it."""

    generation: int
    http: H
    flight: S
    loop: object = None
    """The event loop that the connections belong to, from their first use on."""


class _Owner(Generic[H, S]):
    """Keeps a driver's state. `http` is a client of the caller's own, which can't be replaced after a fork."""

    _state: _ProcessState[H, S]

    def __init__(self, http: H | None, host: str, *, verify: bool) -> None:
        self._brought: H | None = http
        self._host = host
        self._verify = verify
        self._closed = False
        self._inherited: list[_ProcessState[H, S]] = []
        self._state = self._equip()

    def _equip(self) -> _ProcessState[H, S]:
        raise NotImplementedError

    def _ready(self) -> _ProcessState[H, S]:
        """The state of this process, made anew in a forked child."""
        if self._closed:
            raise UsageError("This client was closed: make another one")
        if self._state.generation == _forks.generation():
            return self._state
        if self._brought is not None:
            raise UsageError(
                "This process is a fork, and http_client belongs to its parent: two processes on one connection "
                "are shown each other's answers. Make the HTTP client and this client after the fork"
            )
        with _forks.lock():
            if self._state.generation != _forks.generation():
                self._inherited.append(self._state)  # kept as it is: collecting it might end the parent's
                self._state = self._equip()
        return self._state

    def _is_mine_to_close(self) -> bool:
        return self._brought is None and self._state.generation == _forks.generation()


class Driver(_Owner[httpx2.Client, SingleFlight]):
    """Does a call's effects one after the other, in the caller's thread."""

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
        """Close the pool, unless it was brought along or is a parent process's."""
        self._closed = True
        if self._is_mine_to_close():
            self._state.http.close()

    def _equip(self) -> _ProcessState[httpx2.Client, SingleFlight]:
        generation = _forks.generation()
        if self._brought is not None:
            return _ProcessState(generation, self._brought, SingleFlight())
        http = _pools.make(self._host, verify=self._verify)
        finalizer = weakref.finalize(self, _close_unless_forked, http, generation)
        finalizer.atexit = False  # a program's own handlers may still ask; the system closes what is left
        return _ProcessState(generation, http, SingleFlight())

    def _do(self, effect: Effect) -> Any:
        match effect:
            case Request():
                return self._send(effect)
            case Wait():
                return sleep(_ports.between(effect.at_least, effect.at_most))
            case Shared():
                return self._ready().flight.share(lambda: self.run(effect.call), effect.patience)

    def _send(self, request: Request) -> Response:
        http = self._ready().http
        with as_ours(request), _punctual.all_within(request.timeout):
            answer = http.send(_pools.request_of(http, request), **_pools.SEND_OPTIONS)
            try:
                _punctual.watch(answer)
                body = bytearray()
                _check_coding(request, answer)
                for piece in answer.iter_raw():
                    body += piece
                    _check_size(request, body)
            finally:
                answer.close()
        return _from_httpx(answer, body)


class AsyncDriver(_Owner[httpx2.AsyncClient, AsyncSingleFlight]):
    """Does a call's effects one after the other, in the caller's task."""

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
        """Close the pool, unless it was brought along, or belongs to a parent process or to another loop."""
        self._closed = True
        if self._is_mine_to_close() and self._state.loop in {None, _this_loop()}:
            await self._state.http.aclose()

    def _equip(self) -> _ProcessState[httpx2.AsyncClient, AsyncSingleFlight]:
        http = self._brought or _pools.make_async(self._host, verify=self._verify)
        return _ProcessState(_forks.generation(), http, AsyncSingleFlight())

    def _here(self) -> _ProcessState[httpx2.AsyncClient, AsyncSingleFlight]:
        """The state, where it belongs to the event loop that is running."""
        state = self._ready()
        state.loop = state.loop or _this_loop()
        if state.loop is not _this_loop() and self._brought is not None:
            state.loop, state.flight = (
                _this_loop(),
                AsyncSingleFlight(),
            )  # whether the HTTP client may be used here, it knows
        elif state.loop is not _this_loop():
            raise UsageError(
                "An asynchronous client belongs to the event loop that first used it, and this is another one: "
                "make a client in each loop (in each asyncio.run), or use the synchronous one"
            )
        return state

    async def _do(self, effect: Effect) -> Any:
        match effect:
            case Request():
                return await self._send(effect)
            case Wait():
                return await anyio.sleep(_ports.between(effect.at_least, effect.at_most))
            case Shared():
                return await self._here().flight.share(lambda: self.run(effect.call), effect.patience)

    async def _send(self, request: Request) -> Response:
        http = self._here().http
        trace = _SendTrace(may_have_left=self._brought is not None)
        with as_ours(request):
            with anyio.move_on_after(request.timeout):
                return await self._exchange(http, request, trace)
            raise too_late(request, sent=None if trace.may_have_left else False)

    async def _exchange(self, http: httpx2.AsyncClient, request: Request, trace: "_SendTrace") -> Response:
        answer = await http.send(_pools.request_of(http, request, trace=trace.note), **_pools.SEND_OPTIONS)
        try:
            body = bytearray()
            _check_coding(request, answer)
            async for piece in answer.aiter_raw():
                body += piece
                _check_size(request, body)
        finally:
            await answer.aclose()
        return _from_httpx(answer, body)


@dataclass(slots=True)
class _SendTrace:
    """Whether a request that was broken off may have been sent, by what the transport reports of its steps."""

    may_have_left: bool
    """At first False with our own pool, which tells its steps; a transport that was brought along may not."""

    async def note(self, step: str, _: Any) -> None:
        """Take a step of httpcore2's, such as `http11.send_request_headers.started`."""
        if step.endswith("connect_tcp.started"):
            self.may_have_left = False
        elif step.endswith("send_request_headers.started"):
            self.may_have_left = True


def _close_unless_forked(http: httpx2.Client, generation: int) -> None:
    """Give back the sockets of a client that nobody closed; a child that ends does not close its parent's."""
    if generation == _forks.generation():
        http.close()


def _this_loop() -> object:
    loop = _loops.get(None)
    if loop is None:
        loop = object()
        _loops.set(loop)
    return loop


def _from_httpx(answer: httpx2.Response, body: bytearray) -> Response:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return Response(answer.status_code, headers, bytes(body))


def _check_coding(request: Request, answer: httpx2.Response) -> None:
    """A coding that was not asked for is not undone: seven thousand bytes of nested gzip take ten seconds."""
    coding = answer.headers.get("content-encoding", "identity").strip().lower()
    if coding not in {"", "identity"}:
        where = request.url.partition("?")[0]
        raise APIConnectionError(f"{where} answers in a coding that was not asked for (content-encoding)")


def _check_size(request: Request, body: bytearray) -> None:
    if len(body) > LARGEST_ANSWER:
        where = request.url.partition("?")[0]
        raise APIConnectionError(f"{where} answers with more than {LARGEST_ANSWER} bytes")
