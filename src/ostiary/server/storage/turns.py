"""Whose turn it is with the one write connection of a SQLite file.

Rules of this room:
1. One holds the connection at a time: an event loop, for what runs in memory (the steps of a batch), or the writer
   thread, for what may block (another process's lock, BULK steps, steps of waiting threads, a slow disk's COMMIT).
2. A loop never waits for its turn: whoever lets go rings the loops whose steps wait.
3. What a loop hands over the thread ends before anything else.
4. Loop and thread take turns, so jobs neither stop people nor starve. A loop that does not come within
   `PATIENCE` (it is stopped, or long busy) loses its turn, not its steps.
"""

import threading
from collections import deque
from typing import Generic, TypeVar

from ostiary.server.storage.jobs import ClosedError, Job, Mailbox
from ostiary.server.storage.tx import Lane

B = TypeVar("B")

PATIENCE = 0.05
"""Seconds that the thread's own work waits for a loop that was rung."""


class Turns(Generic[B]):
    """The queues before one connection, and who holds it. `B`: what a loop hands over to the thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        """LIVE steps of one batch."""
        self._moved = threading.Condition()
        self._of_loops: dict[Mailbox, deque[Job]] = {}
        """Only of loops whose steps wait."""
        self._of_threads: deque[Job] = deque()
        self._bulk: deque[Job] = deque()
        self._begun: B | None = None
        self._held = False
        self._loops_are_next = False
        self._bulk_is_next = False
        self._closed = False

    def put(self, job: Job, lane: Lane) -> Mailbox | None:
        """Queue a job; the mailbox to ring, where its loop may take its turn now. Raises ClosedError."""
        with self._moved:
            if self._closed:
                raise ClosedError("The store is closed")
            if lane is Lane.LIVE and job.mailbox is not None:
                waiting = self._of_loops.setdefault(job.mailbox, deque())
                waiting.append(job)
                return job.mailbox if len(waiting) == 1 and self._is_loops_turn() else None
            (self._bulk if lane is Lane.BULK else self._of_threads).append(job)
            self._moved.notify()
            return None

    def waiting(self, mailbox: Mailbox) -> int:
        """For a loop: how many of its steps wait."""
        return len(self._of_loops.get(mailbox, ()))

    def take(self, mailbox: Mailbox) -> list[Job]:
        """For a loop: its next batch, and the connection with it. Empty: nothing waits, or it is another's turn."""
        with self._moved:
            waiting = self._of_loops.get(mailbox)
            if not waiting or not self._is_loops_turn():
                return []
            self._held, self._loops_are_next = True, False
            batch = [waiting.popleft() for _ in range(min(self._most, len(waiting)))]
            if not waiting:
                del self._of_loops[mailbox]
            return batch

    def hand_over(self, batch: B) -> None:
        """For a loop: give the connection to the thread, with what is to be ended."""
        with self._moved:
            self._begun = batch
            self._moved.notify()

    def next(self) -> B | list[Job] | None:
        """For the thread: wait for what a loop handed over, or a batch of its own. None: closed, and all is done."""
        with self._moved:
            while True:
                if self._begun is not None:
                    batch, self._begun = self._begun, None
                    return batch
                if not self._held:
                    if not (self._loops_are_next and self._of_loops):
                        jobs = self._own()
                        if jobs:
                            self._held = True
                            return jobs
                        if self._closed and not len(self):
                            return None
                    if not self._moved.wait(PATIENCE if self.thread_waits() else None):
                        self._loops_are_next = False
                else:
                    self._moved.wait()

    def let_go_of_loop(self) -> list[Mailbox]:
        """For a loop that has ended its batch itself: free the connection; the mailboxes of the loops to ring.

        Where work of the thread's own waits it comes next, and the thread rings the loops after it.
        """
        with self._moved:
            self._held = False
            if self.thread_waits():
                self._moved.notify()
                return []
            return list(self._of_loops)

    def let_go(self, *, after_own: bool) -> list[Mailbox]:
        """For the thread: free the connection; the mailboxes of the loops to ring.

        `after_own`: it was held for work of the thread's own, so loops come next.
        """
        with self._moved:
            self._held = False
            ringing = list(self._of_loops)
            self._loops_are_next = after_own and bool(ringing)
            return ringing

    def close(self) -> None:
        """Take no more; what waits is still served, if need be by the thread alone."""
        with self._moved:
            self._closed = True
            self._moved.notify_all()

    def __len__(self) -> int:
        return len(self._bulk) + len(self._of_threads) + sum(map(len, self._of_loops.values()))

    def thread_waits(self) -> bool:
        """Whether work of the thread's own waits, or its end does."""
        return bool(self._bulk or self._of_threads or self._closed)

    def _is_loops_turn(self) -> bool:
        """Whether a loop may have the connection: nobody has it, and the thread was not told first.

        A thread that was told comes when it gets the interpreter, which a busy loop does not let go of for long: were
        it not waited for, steady steps would keep checkpoints and BULK steps from their turn. It rings the loops.
        """
        return not self._held and (self._loops_are_next or not self.thread_waits())

    def _own(self) -> list[Job]:
        """One BULK job, or all LIVE ones of threads; when the store closes, those of loops too."""
        live = self._of_threads
        if self._closed:
            for waiting in self._of_loops.values():
                live.extend(waiting)
            self._of_loops.clear()
        if self._bulk and (self._bulk_is_next or not live):
            self._bulk_is_next = False
            return [self._bulk.popleft()]
        self._bulk_is_next = True
        return [live.popleft() for _ in range(min(self._most, len(live)))]
