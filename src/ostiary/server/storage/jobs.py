"""What stands between a caller and an engine's threads: jobs, the queues, and the way back.

Rules of this room:
1. A job is answered only after what it did is durable, or after it is certain that nothing of it is.
2. A step may run several times; a run that did not commit has left nothing.
3. A step that failed has its survivors stored before its error is answered; where that fails, the
   answer is `UnavailableError`, whatever the error was (phone-change.md §4).
"""

import asyncio
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol

from ostiary.server.core.millis import SECOND
from ostiary.server.storage.tx import ConflictError, Tx, UnavailableError

TALLY = "tally:"
"""Topics that begin so are counted, beside being told."""
QUEUE_LIMIT = 5 * SECOND
"""A step that could not begin by then is answered with `UnavailableError`."""
RERUNS = 3
"""How often a step is run again after a conflict before it counts as failed."""

Topics = dict[str, list[Any]]
"""What a durable step tells of, and what it gives to who listens."""
Step = Callable[[Tx], Any]
Fact = Callable[[Tx], None]


class BatchLostError(Exception):
    """The database ended the transaction that several steps shared: each is run again on its own."""


@dataclass(slots=True)
class Counts:
    """What the store did since it was opened; for `/metrics` and benchmarks."""

    statements: int = 0
    """SQL statements of steps, reads included; BEGIN, SAVEPOINT and COMMIT are not counted."""
    commits: int = 0
    """Write transactions committed."""
    commit_seconds: float = 0.0
    """What they took, from COMMIT to its answer."""
    steps: int = 0
    """Steps that stood in those batches."""
    batches: int = 0
    """Transactions tried for one step, or several that share a commit."""
    biggest_batch: int = 0
    reruns: int = 0
    """Steps run again after a conflict or a lost batch."""
    unavailable: int = 0
    """Steps answered with `UnavailableError`."""
    slow: int = 0
    """Steps that took longer than `Store.slow_seconds`, waiting and commit included."""
    tallies: Counter[str] = field(default_factory=Counter)
    """What committed steps counted (`storage/tallies.py`), by topic."""

    def tally(self, topics: Iterable[str]) -> None:
        """Count what one durable step told of."""
        for topic in topics:
            if topic.startswith(TALLY):
                self.tallies[topic] += 1

    def add(self, other: "Counts") -> None:
        """Take in what one thread counted."""
        self.statements += other.statements
        self.commits += other.commits
        self.commit_seconds += other.commit_seconds
        self.steps += other.steps
        self.batches += other.batches
        self.biggest_batch = max(self.biggest_batch, other.biggest_batch, min(1, other.batches))
        self.reruns += other.reruns
        self.unavailable += other.unavailable
        if other.tallies:
            self.tallies.update(other.tallies)


class Mailbox:
    """Carries answers from any thread into one event loop; what gathers meanwhile costs one wake-up."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._thread = threading.get_ident()
        """The loop's: who makes a mailbox waits for an answer in it."""
        self._letters: deque[Callable[[], object]] = deque()
        self._rung = False

    def is_here(self) -> bool:
        """Whether this is the loop's own thread."""
        return threading.get_ident() == self._thread

    def post(self, letters: Iterable[Callable[[], object]]) -> None:
        """Have `letters` called in the loop's thread. Where the loop is closed, nobody waits any more."""
        self._letters.extend(letters)
        if self._rung:
            return
        self._rung = True
        try:
            (self.loop.call_soon if self.is_here() else self.loop.call_soon_threadsafe)(self._deliver)
        except RuntimeError:  # the loop is closed
            self._letters.clear()
            self._rung = False

    def _deliver(self) -> None:
        # Down before the first letter is taken: whoever posts from now on rings again, so none is left lying.
        self._rung = False
        while self._letters:
            self._letters.popleft()()


class Job:
    """One step on its way through an engine, and whoever waits for it."""

    __slots__ = (
        "begun",
        "ended",
        "error",
        "facts",
        "future",
        "given_up_at",
        "lost",
        "mailbox",
        "reads",
        "step",
        "topics",
        "value",
    )

    def __init__(
        self,
        step: Step,
        future: asyncio.Future[Any] | Future[Any],
        mailbox: Mailbox | None,
        given_up_at: int,
        *,
        reads: bool = False,
    ) -> None:
        self.step = step
        self.reads = reads
        """Whether the step gets a snapshot instead of a transaction that writes."""
        self.future: asyncio.Future[Any] | Future[Any] = future
        self.mailbox = mailbox
        """The waiting loop's; None where a thread waits."""
        self.given_up_at = given_up_at
        """A step that has not begun by this moment (`Clock.undisturbed`) is answered as unavailable."""
        self.lost = False
        """Whether a batch that it stood in was lost."""
        self.value: Any = None
        self.error: Exception | None = None
        self.facts: list[Fact] = []
        """The survivors of the last run that had any."""
        self.topics: Topics = {}
        """Whom to tell once the last run is durable."""
        self.begun = self.ended = 0.0
        """Of its runs, by `time.perf_counter`; 0: it never began."""

    def settle(self) -> None:
        """Give the waiter its answer, in the waiter's thread (a waiter that left gets none)."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.value)
        else:
            self.future.set_exception(self.error)


def outcome(jobs: list[Job], counts: Counts) -> Topics:
    """Count what became of finished jobs; what they tell of, all together."""
    topics: Topics = {}
    for job in jobs:
        counts.unavailable += isinstance(job.error, UnavailableError)
        if job.topics:
            counts.tally(job.topics)
            for topic, things in job.topics.items():
                topics.setdefault(topic, []).extend(things)
    return topics


def answer(jobs: list[Job]) -> None:
    """Answer finished jobs: one wake-up per event loop."""
    for mailbox in {job.mailbox for job in jobs}:
        letters = [job.settle for job in jobs if job.mailbox is mailbox]
        if mailbox is not None and not mailbox.is_here():
            mailbox.post(letters)
        else:
            for settle in letters:
                settle()


def unavailable(why: object) -> UnavailableError:
    """Make the error for a job, with what is behind it as its cause."""
    error = UnavailableError(str(why))
    if isinstance(why, BaseException):
        error.__cause__ = why
    return error


def work(job: Job, scope: Callable[[Job], Any], pause: Callable[[int], None], counts: Counts) -> None:
    """Run a job's step in `scope`, again after a conflict, and store its survivors where it failed.

    `scope` runs `job.step` in a transaction or savepoint that is gone without a trace if it raises:
    `ConflictError` (run it again), `UnavailableError`, `BatchLostError` (passed on), or the step's error.
    """
    job.begun = time.perf_counter()
    failure = _tried(job, scope, pause, counts)
    job.ended = time.perf_counter()
    if failure is not None:
        job.topics = {}
    if failure is not None and job.facts:
        survivors = Job(_in_turn(job.facts), job.future, job.mailbox, job.given_up_at)
        lost = _tried(survivors, scope, pause, counts)
        job.topics = survivors.topics if lost is None else {}
        if lost is not None:
            failure = unavailable(lost)
    job.error = None if failure is None else _answerable(failure)


def at_once(_run: int) -> None:
    """The pause of a database with one writer: between two runs nobody else writes, so there is nothing to wait for."""


def _tried(
    job: Job, scope: Callable[[Job], Any], pause: Callable[[int], None], counts: Counts
) -> BaseException | None:
    failure: BaseException
    for run in range(1 + RERUNS):
        job.topics = {}
        if run:
            counts.reruns += 1
            pause(run)
        try:
            job.value = scope(job)
        except BatchLostError:
            raise
        except ConflictError as conflict:
            failure = conflict
        except BaseException as error:  # noqa: BLE001 - whatever a step raises, the thread serves the others
            return error
        else:
            return None
    return failure


def _in_turn(facts: list[Fact]) -> Step:
    def step(tx: Tx) -> None:
        for fact in facts:
            fact(tx)

    return step


def _answerable(failure: BaseException) -> Exception:
    if isinstance(failure, ConflictError):
        return unavailable(failure)
    # A future cannot carry StopIteration, and KeyboardInterrupt would end the loop that awaits it.
    if isinstance(failure, Exception) and not isinstance(failure, StopIteration):
        return failure
    error = RuntimeError(f"A step raised {failure!r}")
    error.__cause__ = failure
    return error


class ClosedError(UnavailableError):
    """The store is closing: it finishes what it took and takes nothing more."""


class Member(Protocol):
    """One thread of a crew, with a connection of its own that it opens when first needed."""

    def serve(self, job: Job) -> None:
        """Do the job and answer it; never raises."""

    def close(self) -> None:
        """Let go of the connection."""


class Crew:
    """At most `size` threads, begun when needed; jobs are served first come, first served.

    Of idle threads the one that worked last goes on: its connection, and the server's memory of it, is warm.
    """

    def __init__(self, name: str, size: int, member: Callable[[], Member]) -> None:
        self._name = name
        self._size = size
        self._member = member
        self._jobs: deque[Job] = deque()
        self._changing = threading.Lock()
        self._idle: list[threading.Lock] = []
        """What wakes each idle thread, when released."""
        self._threads: list[threading.Thread] = []
        self._closed = False

    def put(self, job: Job) -> None:
        """Queue a job. Raises ClosedError."""
        with self._changing:
            if self._closed:
                raise ClosedError("The store is closed")
            self._jobs.append(job)
            if self._idle:
                self._idle.pop().release()
            elif len(self._threads) < self._size:
                thread = threading.Thread(
                    target=self._work, name=f"{self._name}-{len(self._threads) + 1}", daemon=True
                )
                self._threads.append(thread)
                thread.start()

    def __len__(self) -> int:
        return len(self._jobs)

    def close(self) -> None:
        """Finish what waits, then end every thread."""
        with self._changing:
            self._closed = True
            while self._idle:
                self._idle.pop().release()
        for thread in self._threads:
            thread.join()

    def _next(self, wake: threading.Lock) -> Job | None:
        while True:
            with self._changing:
                if self._jobs:
                    return self._jobs.popleft()
                if self._closed:
                    return None
                self._idle.append(wake)
            wake.acquire()

    def _work(self) -> None:
        member = self._member()
        wake = threading.Lock()
        wake.acquire()
        while (job := self._next(wake)) is not None:
            member.serve(job)
        member.close()
