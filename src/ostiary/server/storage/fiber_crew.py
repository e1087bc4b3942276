"""The fibers of one event loop, and which steps share a transaction.

Rules of this room:
1. Reading steps run alone, each in a snapshot of its own. Writing steps that are there at the same time run together
   (`postgres_batch`), up to `BATCH` of them.
2. Three batches are under way at once: the steps of one run here, the server works on another, its disk on a third.
   What comes meanwhile gathers. One that takes longer than `PATIENCE` (a lock, a far server) does not count, so that
   nobody waits for it: others begin beside it.
3. A step that lost its batch runs alone. Those who run alone leave three fibers (half of a few) to the batches.
4. First come, first served, among those who run alone and among those who run together. The fiber that worked last
   goes on: its connection is warm.
5. Everything here happens in the loop's own thread (`close` may be called from any).
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context

from greenlet import getcurrent

from ostiary.server.storage.fibers import GLANCE, Asked, Fiber, FiberMember, Waits
from ostiary.server.storage.jobs import ClosedError, Job, Mailbox

BATCH = 64
"""Steps that share one transaction, at most."""
AT_ONCE = 3
"""Young batches under way at once."""
PATIENCE = 0.05
"""Seconds that a batch is young."""
_GIVE_UP = 12
"""Seconds after which a closing loop's connections count as lost: the server itself ends every statement before."""


class LoopCrew:
    """At most `size` fibers, two or more, made when needed."""

    def __init__(self, size: int, member: Callable[[Waits], FiberMember], mailbox: Mailbox) -> None:
        self.loop = mailbox.loop
        self.hub = getcurrent()
        """What the loop itself runs in."""
        self._thread = threading.get_ident()
        self._size = size
        self._member = member
        self._alone: deque[Asked] = deque()
        """Readers, and steps that lost their batch."""
        self._together: deque[Asked] = deque()
        self._fibers: list[Fiber] = []
        self._idle: list[Fiber] = []
        self._batches: dict[Fiber, float] = {}
        """Who runs a batch, of one step or more, and since when."""
        self._serving_soon = False
        self._serving_later = False
        self._closed = False
        self._ended = threading.Event()

    def put(self, job: Job) -> None:
        """Run a job, or queue it. Raises ClosedError."""
        if self._closed:
            raise ClosedError("The store is closed")
        asked = (job, copy_context())
        if not job.reads:
            self._together.append(asked)
            self._soon()  # and with it whoever else comes in this turn of the loop
        elif fiber := self._free_for_one():
            fiber.begin([asked])
        else:
            self._alone.append(asked)

    def freed(self, fiber: Fiber) -> list[Asked] | None:
        """See `FiberCrew.freed`."""
        self._batches.pop(fiber, None)
        self._idle.append(fiber)
        if self._alone and (free := self._free_for_one()):
            assert free is fiber  # the last that became idle
            return [self._alone.popleft()]
        if self._together:
            self._soon()
        if self._closed:
            self._end_if_done()
        return None

    def run_again(self, alone: list[Asked], together: list[Asked]) -> None:
        """See `FiberCrew.run_again`."""
        self._alone.extend(alone)
        self._together.extendleft(reversed(together))
        if alone or together:
            self._soon()

    def __len__(self) -> int:
        return len(self._alone) + len(self._together)

    def close(self) -> None:
        """Finish what waits, then let go of the connections; blocks."""
        if self.loop.is_closed():  # and nobody waits any more
            for fiber in self._fibers:
                fiber.close()
        elif threading.get_ident() == self._thread:
            self._finish_here()
        else:
            with suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self._close)
            while self.loop.is_running() and not self._ended.wait(GLANCE):
                pass

    # ── whose turn it is ────────────────────────────────────────────────────────────────────

    def _free(self) -> Fiber | None:
        """A fiber that has nothing to do."""
        if self._idle:
            return self._idle.pop()
        if len(self._fibers) < self._size:
            fiber = Fiber(self, self._member)
            self._fibers.append(fiber)
            return fiber
        return None

    def _free_for_one(self) -> Fiber | None:
        """A fiber for who runs alone, where that leaves enough to the batches."""
        alone = len(self._fibers) - len(self._idle) - len(self._batches)
        return self._free() if alone < self._size - min(AT_ONCE, self._size // 2) else None

    def _soon(self) -> None:
        """Begin what can begin, once the loop has done what it is about."""
        if not self._serving_soon:
            self._serving_soon = True
            self.loop.call_soon(self._serve)

    def _serve(self) -> None:
        self._serving_soon = False
        while self._alone and (fiber := self._free_for_one()):
            fiber.begin([self._alone.popleft()])
        while self._together and self._young() < AT_ONCE and (fiber := self._free()):
            self._batches[fiber] = self.loop.time()
            fiber.begin([self._together.popleft() for _ in range(min(BATCH, len(self._together)))])
        if self._together and not self._serving_later:
            self._serving_later = True
            self.loop.call_later(PATIENCE, self._serve_later)

    def _serve_later(self) -> None:
        self._serving_later = False
        self._serve()

    def _young(self) -> int:
        old = self.loop.time() - PATIENCE
        return sum(begun > old for begun in self._batches.values())

    # ── the end ─────────────────────────────────────────────────────────────────────────────

    def _close(self) -> None:
        self._closed = True
        self._end_if_done()

    def _finish_here(self) -> None:
        """The loop waits for us: nobody else would go on with what waits in it."""
        given_up_at = time.monotonic() + _GIVE_UP
        self._close()
        while not self._ended.is_set():
            self._serve()
            for fiber in self._fibers:
                fiber.push(overdue=time.monotonic() > given_up_at)

    def _end_if_done(self) -> None:
        if len(self._idle) == len(self._fibers) and not len(self) and not self._ended.is_set():
            for fiber in self._fibers:
                fiber.close()
            self._ended.set()
