"""One at a time, and the others share how it ended: for what many callers need and one of them fetches.

If those who wait took turns instead, a server that does not answer would cost the tenth of them ten
timeouts. So they wait for the one run that is under way, and take its answer or its failure. Who comes after
it ended begins a run of their own.
"""

import threading
from collections.abc import Awaitable, Callable
from copy import copy
from typing import Any

import anyio

from ostiary.client.errors import OstiaryError


class _Turn:
    """One run and how it ended: an answer, a failure of ours, or neither, where it was broken off."""

    def __init__(self) -> None:
        self.answered = False
        self.answer: Any = None
        self.failure: OstiaryError | None = None

    def taken(self) -> Any:
        """What those who waited get. Each has a copy of the failure: raising one object writes into it."""
        if self.failure is not None:
            raise copy(self.failure) from self.failure
        return self.answer


class _ThreadsTurn(_Turn):
    def __init__(self) -> None:
        super().__init__()
        self.ended = threading.Event()


class _TasksTurn(_Turn):
    def __init__(self) -> None:
        super().__init__()
        self.ended = anyio.Event()


class Turns:
    """For threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._now: _ThreadsTurn | None = None

    def share(self, work: Callable[[], Any]) -> Any:
        """Run `work`, or wait for the run that is under way and take what came of it.

        A run that was broken off (Ctrl-C in its thread) is nobody's answer: one of those who waited runs.
        """
        while True:
            mine = _ThreadsTurn()
            with self._guard:
                turn = self._now = self._now or mine
            if turn is mine:
                return self._run(mine, work)
            turn.ended.wait()
            if turn.answered:
                return turn.taken()

    def _run(self, mine: _ThreadsTurn, work: Callable[[], Any]) -> Any:
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


class AsyncTurns:
    """For the tasks of one event loop."""

    def __init__(self) -> None:
        self._now: _TasksTurn | None = None

    async def share(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """As `Turns.share`; a run is broken off where its task is cancelled, which cancels nobody else."""
        while self._now is not None:
            turn = self._now
            await turn.ended.wait()
            if turn.answered:
                return turn.taken()
        self._now = mine = _TasksTurn()
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
