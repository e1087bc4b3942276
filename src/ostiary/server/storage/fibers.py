"""Steps that wait without a thread: each runs as a greenlet inside the event loop that asked for it.

A step stays a plain synchronous function. Where it waits for its connection, it leaves the loop to the others and goes on
where it was once there is an answer; nobody is woken, and nobody fights for the interpreter.

Rules of this room:
1. Everything here happens in the loop's own thread (`close` may be called from any), so nothing needs a lock.
2. What would block goes through `Waits`. A step that thinks long keeps the loop, as it does on SQLite (ADR 0004).
3. A step sees the context (request id) of whoever asked for it, not of whoever woke it.
"""

import asyncio
import select
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import Context
from functools import partial
from typing import Any, Protocol, TypeVar

from greenlet import greenlet

from ostiary.server.core.millis import SECOND
from ostiary.server.storage.jobs import Job, Member
from ostiary.server.storage.runners import Runner

T = TypeVar("T")

GLANCE = 0.02
"""Seconds between two looks, while a crew is closed."""
_LOOKS = 1.0
"""Seconds between two looks at a socket that is waited for."""

Asked = tuple[Job, Context]
"""A step, and the context (request id) of whoever asked for it."""


class Waits(Protocol):
    """How whoever uses a connection waits."""

    def ready(self, socket: int, events: int, limit: int) -> int:
        """Wait until a socket may be read or written (`select.POLLIN`, `POLLOUT`): which. 0: not within `limit` ms."""

    def pause(self, seconds: float) -> None:
        """Wait so long."""

    def call(self, function: Callable[[], T]) -> T:
        """Call what blocks."""

    def forget(self, socket: int) -> None:
        """A socket is about to be closed."""


class InThread:
    """Waits as a thread does: it blocks."""

    def ready(self, socket: int, events: int, limit: int) -> int:
        """See `Waits.ready`."""
        poll = select.poll()
        poll.register(socket, events)
        found = poll.poll(limit)
        return found[0][1] if found else 0

    def pause(self, seconds: float) -> None:
        """See `Waits.pause`."""
        time.sleep(seconds)

    def call(self, function: Callable[[], T]) -> T:
        """See `Waits.call`."""
        return function()

    def forget(self, socket: int) -> None:
        """See `Waits.forget`."""


class FiberMember(Member, Protocol):
    """What a fiber runs steps with: its connection."""

    def serve_together(self, asked: list[Asked]) -> tuple[list[Asked], list[Asked]]:
        """Do these jobs in one transaction and answer them; never raises.

        Those that are to be run alone instead, and those that this transaction was in the way of: with a later one.
        """


class FiberCrew(Protocol):
    """Whose fiber it is (`fiber_crew`)."""

    loop: asyncio.AbstractEventLoop
    hub: greenlet

    def freed(self, fiber: "Fiber") -> list[Asked] | None:
        """A fiber is done: what it does next, or None."""

    def run_again(self, alone: list[Asked], together: list[Asked]) -> None:
        """Run these, each on its own or in the next batch, before those who came later."""


class Fiber:
    """One place to run steps in, with a connection of its own. Waits by leaving its loop to the others."""

    def __init__(self, crew: FiberCrew, member: Callable[[Waits], FiberMember]) -> None:
        self._crew = crew
        self._loop = crew.loop
        self._member = member(self)
        self._runner = Runner()
        """Runs a step, or several together; `done`: idle."""
        self._watched = -1
        """The socket that the loop listens to: the same one for as long as the connection stands."""
        self._awaited: int | Future[Any] | asyncio.TimerHandle | None = None
        """What `_runner` waits for: its socket (which events), a timer, or a call in a thread."""
        self._until = 0.0
        """When it has waited for its socket too long."""
        self._alarm: asyncio.TimerHandle | None = None
        """Looks at the socket and at `_until`, and is set anew while something is waited for, so that a trip arms none."""

    # ── for the crew ────────────────────────────────────────────────────────────────────────

    def begin(self, asked: list[Asked]) -> None:
        """Run a job, or several together, until they are done or wait."""
        self._begin(asked)
        self._freed()

    def close(self) -> None:
        """Let go of the connection."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._member.close()

    def push(self, *, overdue: bool) -> None:
        """Go on, if what is waited for is there: for a loop that does not turn any more."""
        match awaited := self._awaited:
            case None:
                pass  # idle
            case int():
                ready = InThread().ready(self._watched, awaited, int(GLANCE * SECOND))
                if ready or overdue:
                    self._go(ready)
            case Future():
                awaited.exception()
                self._go()
            case timer:
                timer.cancel()
                self._go()

    # ── for the step: see `Waits` ───────────────────────────────────────────────────────────

    def ready(self, socket: int, events: int, limit: int) -> int:
        """See `Waits.ready`."""
        loop = self._loop
        if self._watched != socket:
            loop.add_reader(socket, self._said)
            self._watched = socket
        self._until = loop.time() + limit / SECOND
        if self._alarm is None:
            self._alarm = loop.call_later(min(_LOOKS, limit / SECOND), self._look)
        ready: int
        if not events & select.POLLOUT:
            ready = self._wait_for(select.POLLIN)
            return ready
        loop.add_writer(socket, self._takes)
        try:
            ready = self._wait_for(events)
        finally:
            if self._watched == socket:
                loop.remove_writer(socket)
        return ready

    def pause(self, seconds: float) -> None:
        """See `Waits.pause`."""
        self._wait_for(self._loop.call_later(seconds, self._go))

    def call(self, function: Callable[[], T]) -> T:
        """See `Waits.call`."""
        future: Future[T] = Future()

        def done(future: Future[T]) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._called, future)

        future.add_done_callback(done)
        threading.Thread(target=_call, args=(function, future), name="store-connect", daemon=True).start()
        self._wait_for(future)
        return future.result()

    def forget(self, socket: int) -> None:
        """See `Waits.forget`."""
        if self._watched == socket:
            self._watched = -1
            if not self._loop.is_closed():
                self._loop.remove_reader(socket)

    # ── the way out of a step and back ──────────────────────────────────────────────────────

    def _begin(self, asked: list[Asked]) -> None:
        context = asked[0][1] if len(asked) == 1 else Context()
        self._runner.begin(partial(self._serve, asked), context)

    def _serve(self, asked: list[Asked]) -> None:
        if len(asked) == 1:
            self._member.serve(asked[0][0])
        else:
            self._crew.run_again(*self._member.serve_together(asked))

    def _wait_for(self, awaited: int | Future[Any] | asyncio.TimerHandle) -> Any:
        """Leave the loop to others until `_go` is called; with what."""
        if self._loop.is_closed():
            raise RuntimeError("The event loop is closed")
        self._awaited = awaited
        return self._crew.hub.switch()

    def _go(self, value: object = None) -> None:
        """Go on with the step until it waits again; when it is done, with the next one in the queue."""
        self._awaited = None
        self._runner.go_on(value)
        self._freed()

    def _freed(self) -> None:
        """Begin the next one in the queue, for as long as one after the other is done."""
        while self._runner.done and (following := self._crew.freed(self)) is not None:
            self._begin(following)

    def _said(self) -> None:
        """The server says something. To one who waits for nothing: that it hangs up, which is seen at the next use."""
        if isinstance(self._awaited, int):
            self._go(select.POLLIN)
        else:
            self.forget(self._watched)

    def _takes(self) -> None:
        """The server takes more."""
        if isinstance(self._awaited, int):
            self._go(select.POLLOUT)

    def _look(self) -> None:
        """See for ourselves: uvloop does not listen any more to a socket that was reset just behind an answer."""
        self._alarm = None
        if not isinstance(self._awaited, int):
            return
        ready, left = InThread().ready(self._watched, self._awaited, 0), self._until - self._loop.time()
        if ready or left <= 0:
            self._go(ready)
        else:
            self._alarm = self._loop.call_later(min(_LOOKS, left), self._look)

    def _called(self, future: object) -> None:
        if self._awaited is future:
            self._go()


def _call(function: Callable[[], T], future: Future[T]) -> None:
    try:
        future.set_result(function())
    except BaseException as error:  # noqa: BLE001 - it is the caller's
        future.set_exception(error)
