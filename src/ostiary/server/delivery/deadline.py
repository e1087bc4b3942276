"""A time by which each of many things has to end, with one timer for all of them.

`asyncio.timeout` makes a timer for each, which cost more than the rest of an attempt that succeeds at once.
All have the same time, so they end in the order in which they began, and one timer waits for the oldest.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")


class Deadline:
    """Gives each awaitable the same time. One task has one of them at a time."""

    def __init__(self) -> None:
        self._ends: dict[asyncio.Task[Any], float] = {}
        """By the loop's clock, the earliest first."""
        self._late: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def within(self, seconds: float, thing: Awaitable[T]) -> T:
        """What `thing` gives. Raises TimeoutError where it takes longer."""
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        self._ends[task] = loop.time() + seconds
        if self._timer is None:
            self._timer = loop.call_later(seconds, self._look)
        try:
            return await thing
        except asyncio.CancelledError:
            if task in self._late and task.uncancel() == 0:
                raise TimeoutError from None
            raise  # somebody else wants it to end
        finally:
            del self._ends[task]
            self._late.discard(task)

    def _look(self) -> None:
        """End what is late, and wait for the next."""
        loop = asyncio.get_running_loop()
        self._timer = None
        for task, end in self._ends.items():
            if end > loop.time():
                self._timer = loop.call_at(end, self._look)
                break
            if task not in self._late:
                self._late.add(task)
                task.cancel()
