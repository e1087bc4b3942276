"""Greenlets that are used again: a runner runs one function after the other, each of which may leave and be gone on with.

A new greenlet's frames lie in memory that the kernel gives for it alone and takes back, so a step in a new one costs 9 µs
where a step in a used one costs 2.
"""

from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from typing import Any

from greenlet import GreenletExit, getcurrent, greenlet

MOST_IDLE = 64
"""Runners that wait for work, 20 KiB each."""


class Runner:
    """One greenlet; of the thread that began it. It ends with the last reference to it."""

    def __init__(self) -> None:
        self._turn = _Turn()
        self._greenlet = greenlet(self._turn.run)

    @property
    def done(self) -> bool:
        """Whether it is through with its function, which returned, raised or was given up."""
        return self._turn.returned or self._greenlet.dead

    def begin(self, function: Callable[[], object], context: Context) -> Any:
        """Run a function until it leaves or is `done`; returns and raises as `go_on` does.

        It leaves by switching to the greenlet that called this.
        """
        if self._greenlet.dead:
            self._greenlet = greenlet(self._turn.run)
        self._turn.function, self._turn.returned = function, False
        self._greenlet.parent = getcurrent()
        self._greenlet.gr_context = context
        return self.go_on(None)

    def go_on(self, value: object) -> Any:
        """Go on where the function left, with what it waited for: what it leaves with, or returns. Raises what it raises."""
        left_with = self._greenlet.switch(value)
        turn = self._turn
        if not turn.returned:
            return left_with
        result, turn.result = turn.result, None
        return result

    def give_up(self) -> None:
        """Leave the function where it is."""
        if not self.done:
            with suppress(Exception):  # of its own, on its way out
                self._greenlet.throw(GreenletExit)


class _Turn:
    """What a greenlet is to do next.

    A greenlet that waits is never collected with a cycle that it is part of: what it holds, which is this, knows neither
    it nor its runner. Nor does it hold what it ran.
    """

    def __init__(self) -> None:
        self.function: Callable[[], object] | None = None
        self.result: object = None
        self.returned = True

    def run(self, _nothing: None) -> None:
        """One function after the other."""
        while True:
            self._call()
            begun_by = getcurrent().parent
            assert begun_by is not None
            begun_by.switch()  # without the result, which this call would hold until the next function

    def _call(self) -> None:
        function, self.function = self.function, None
        assert function is not None
        self.result = function()
        self.returned = True


class Runners:
    """The idle runners of one event loop."""

    def __init__(self) -> None:
        self._idle: list[Runner] = []

    def take(self) -> Runner:
        """One that has nothing to do."""
        return self._idle.pop() if self._idle else Runner()

    def give_back(self, runner: Runner) -> None:
        """For the next one, unless it sticks in its function: one that did not let itself be given up."""
        if runner.done and len(self._idle) < MOST_IDLE:
            self._idle.append(runner)
