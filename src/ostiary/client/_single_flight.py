"""Single flight: what many callers need at once, one of them fetches, and all share how that ended.

If those who wait took turns instead, a server that does not answer would cost the tenth of them ten
timeouts. So they wait for the one run that is under way, and take its answer or its failure. Who comes after
it ended begins a run of their own; so does who would have tried longer than a run that got no answer. Nobody
waits longer than they would have tried themselves.
"""

import threading
from collections.abc import Awaitable, Callable
from copy import copy
from typing import Any

import anyio

from ostiary.client import _ports
from ostiary.client.errors import APIConnectionError, APITimeoutError, OstiaryError


class _Flight:
    """One run and how it ended: an answer, a failure of ours, or neither, where it was broken off.

    `patience`: seconds that its caller tries at the most.
    """

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.answered = False
        self.answer: Any = None
        self.failure: OstiaryError | None = None

    def is_for(self, patience: float) -> bool:
        """Whether how it ended is the answer to who waited with this patience."""
        gave_up = isinstance(self.failure, APIConnectionError) and self.patience < patience
        return self.answered and not gave_up

    def taken(self) -> Any:
        """What those who waited get. Each has a copy of the failure: raising one object writes into it."""
        if self.failure is not None:
            raise copy(self.failure) from self.failure
        return self.answer


def _too_late(patience: float) -> APITimeoutError:
    return APITimeoutError(
        f"What another call of this client fetches for this one did not come within {patience:g} s", False
    )


class _ThreadsFlight(_Flight):
    def __init__(self, patience: float) -> None:
        super().__init__(patience)
        self.thread = threading.get_ident()
        self.ended = threading.Event()


class _TasksFlight(_Flight):
    def __init__(self, patience: float) -> None:
        super().__init__(patience)
        self.ended = anyio.Event()


class SingleFlight:
    """For threads."""

    def __init__(self) -> None:
        self._guard = threading.RLock()  # a signal handler may come to it while its own thread has it
        self._now: _ThreadsFlight | None = None

    def share(self, work: Callable[[], Any], patience: float) -> Any:
        """Run `work`, or wait for the run that is under way and take what came of it.

        A run that was broken off (Ctrl-C in its thread) is nobody's answer: one of those who waited runs. A signal
        handler that comes to its own thread's run does the work itself: that run can't go on before it ends.
        """
        ends_at = _ports.monotonic() + patience
        while True:
            mine = _ThreadsFlight(patience)
            with self._guard:
                flight = self._now = self._now or mine
            if flight is mine:
                return self._run(mine, work)
            if flight.thread == mine.thread:
                return work()
            if not flight.ended.wait(max(0.0, ends_at - _ports.monotonic())):
                raise _too_late(patience)
            if flight.is_for(patience):
                return flight.taken()

    def _run(self, mine: _ThreadsFlight, work: Callable[[], Any]) -> Any:
        try:
            mine.answer = work()
            mine.answered = True
        except OstiaryError as error:
            mine.failure, mine.answered = error, True
            raise
        finally:
            self._now = None  # before the others wake: who is to run anew must not find this one
            mine.ended.set()
        return mine.answer


class AsyncSingleFlight:
    """For the tasks of one event loop."""

    def __init__(self) -> None:
        self._now: _TasksFlight | None = None

    async def share(self, work: Callable[[], Awaitable[Any]], patience: float) -> Any:
        """As `SingleFlight.share`; a run is broken off where its task is cancelled, which cancels nobody else."""
        ends_at = _ports.monotonic() + patience
        while self._now is not None:
            flight = self._now
            with anyio.move_on_after(max(0.0, ends_at - _ports.monotonic())):
                await flight.ended.wait()
            if not flight.ended.is_set():
                raise _too_late(patience)
            if flight.is_for(patience):
                return flight.taken()
        self._now = mine = _TasksFlight(patience)
        try:
            mine.answer = await work()
            mine.answered = True
        except OstiaryError as error:
            mine.failure, mine.answered = error, True
            raise
        finally:
            self._now = None
            mine.ended.set()
        return mine.answer
