"""The PostgreSQL engine: a few connections, one transaction a step.

Rules of this room:
1. READ COMMITTED, with BEGIN in the first statement's flush and COMMIT in the last `must`'s. Writing steps that an
   event loop asks for at the same time share a transaction, and are kept apart in it (`postgres_batch`, `fiber_crew`).
2. The server itself counts the rows of a `must` and fails the transaction where they are not what was
   expected; so a COMMIT in the same flush can never store what a check would have refused.
3. Serialization failures and deadlocks are conflicts: the step runs again.
4. A COMMIT whose answer did not arrive may or may not have happened: `UnavailableError`, never success.
5. Steps of an event loop run in it and leave it to others while they wait (`fibers`); those of callers without one
   run in a thread. Both wait in one queue each, first come, first served. BULK has a connection and a thread of its own.
"""

import threading
import time
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

import psycopg

from ostiary.server.core.millis import SECOND
from ostiary.server.core.ports import Clock, Ports
from ostiary.server.storage.fiber_crew import LoopCrew
from ostiary.server.storage.fibers import Asked, InThread, Waits
from ostiary.server.storage.jobs import (
    QUEUE_LIMIT,
    ClosedError,
    Counts,
    Crew,
    Job,
    Mailbox,
    answer,
    outcome,
    unavailable,
    work,
)
from ostiary.server.storage.libpq import Wire
from ostiary.server.storage.listening import Listeners
from ostiary.server.storage.postgres_batch import Batch, Neighbours
from ostiary.server.storage.postgres_tx import BEGIN_READ, PostgresReadTx, PostgresTx
from ostiary.server.storage.tx import ConflictError, Lane, Tx, UnavailableError

CONNECTIONS = 16
STATEMENT_LIMIT = 5 * SECOND
LOCK_LIMIT = 3 * SECOND
IDLE_LIMIT = 10 * SECOND
"""How long a step may think inside its transaction before the server takes its locks away."""
JITTER = 20
"""Milliseconds; a run after a conflict waits up to this, times its number."""

_CONFLICTS = frozenset({"40001", "40P01", "23505"})
"""Serialization failure, deadlock; a name that a rival took between a look and an UPDATE: run again, the step sees it."""
_MISCOUNTED = "22012"
"""Division by zero: see `checked`."""
_PLANS_GONE = frozenset({"0A000", "26000"})
"""A prepared statement no longer fits its table, or is gone: a new connection prepares it anew."""
_MACHINE = frozenset({"08", "53", "57", "58", "F0", "XX"})
_MACHINE_CODES = frozenset({"25006", "55P03", "25P03"})

_SESSION = f"""
SELECT set_config('statement_timeout', '{STATEMENT_LIMIT}', false),
       set_config('lock_timeout', '{LOCK_LIMIT}', false),
       set_config('idle_in_transaction_session_timeout', '{IDLE_LIMIT}', false),
       set_config('synchronous_commit',
                  CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END,
                  false),
       set_config('enable_seqscan', 'off', false),
       set_config('enable_bitmapscan', 'off', false),
       set_config('jit', 'off', false)
"""
"""Every statement here looks its rows up by an index (tests show it). Left to itself, PostgreSQL reads a small table whole
and keeps that plan while the table grows, until it is next analyzed; and a bitmap scan never clears away index entries
of dead rows, of which the outbox's queue is full. Off is a weight, not a ban: what can only read whole still does. That
weight looks like a dear query, which would be compiled first.
"""


def connect(url: str) -> Wire:
    """Open a connection set up for this room. Raises psycopg.Error; RuntimeError where commits are not durable."""
    wire = Wire(url)
    try:
        session = wire.trip((_SESSION, ()))[0].rows()[0]
    except BaseException:
        wire.close()
        raise
    if session[3] not in {"on", "remote_apply"}:
        wire.close()
        raise RuntimeError("PostgreSQL refuses synchronous_commit=on: an answered change could be lost")
    return wire


class PostgresEngine:
    """The connections to one database."""

    dialect = "postgresql"

    def __init__(
        self,
        url: str,
        ports: Ports,
        counts: Counts,
        listeners: Listeners,
        connections: int = CONNECTIONS,
    ) -> None:
        connect(url).close()  # a wrong URL or password is told at once, not at the first request
        shared = _Shared(url, ports, counts, listeners)
        self._threads = Crew("store", 1, lambda: _Connection(shared, InThread()))
        self._bulk = Crew("store-bulk", 1, lambda: _Connection(shared, InThread()))
        self._of_a_loop = partial(LoopCrew, max(2, connections - 2))
        self._shared = shared
        self._loops: dict[Mailbox, LoopCrew] = {}
        self._adding = threading.Lock()
        self._closed = False

    def write(self, job: Job, lane: Lane) -> None:
        """Queue a step for the next free connection."""
        self._crew(job, lane).put(job)

    def read(self, job: Job) -> None:
        """Queue a reading step for the next free connection."""
        self._crew(job, Lane.LIVE).put(job)

    def waiting(self) -> int:
        """See `Engine.waiting`."""
        return sum(len(crew) for crew in self._crews())

    def close(self) -> None:
        """Finish what waits; blocks until the last commit is answered."""
        with self._adding:
            self._closed = True
        for crew in self._crews():
            crew.close()

    def _crews(self) -> tuple[Crew | LoopCrew, ...]:
        return (*tuple(self._loops.values()), self._threads, self._bulk)

    def _crew(self, job: Job, lane: Lane) -> Crew | LoopCrew:
        if lane is Lane.BULK:
            return self._bulk
        if job.mailbox is None:
            return self._threads
        crew = self._loops.get(job.mailbox)
        return self._new_loop(job.mailbox) if crew is None else crew

    def _new_loop(self, mailbox: Mailbox) -> LoopCrew:
        with self._adding:
            if self._closed:
                raise ClosedError("The store is closed")
            for ended in [one for one in self._loops if one.loop.is_closed()]:
                self._loops.pop(ended).close()
            member = partial(_Connection, self._shared, neighbours=Neighbours())
            crew = self._loops[mailbox] = self._of_a_loop(member, mailbox)
        return crew


class _Shared:
    """What the connections of an engine have in common."""

    def __init__(self, url: str, ports: Ports, counts: Counts, listeners: Listeners) -> None:
        self.url = url
        self.ports = ports
        self.counts = counts
        self.listeners = listeners
        self.counting = threading.Lock()

    @property
    def clock(self) -> Clock:
        """Ours, for how long a job waited."""
        return self.ports.clock


class _Connection:
    """A thread's or a fiber's connection, which is opened when needed and replaced when it died."""

    def __init__(
        self,
        shared: _Shared,
        waits: Waits,
        neighbours: Neighbours | None = None,
    ) -> None:
        """`neighbours`: of the batches of its event loop; a thread runs none."""
        self._shared = shared
        self._neighbours = Neighbours() if neighbours is None else neighbours
        self._waits = waits
        self._wire: Wire | None = None
        self._counts = Counts()
        """Of one job: added to the engine's under the lock."""

    def serve(self, job: Job) -> None:
        """Do the job and answer it."""
        if self._is_wanted(job):
            self._counts.batches += not job.reads
            self._counts.steps += not job.reads
            work(job, self._transaction, self._pause, self._counts)
        elif job.facts:  # of a batch that was lost
            error = (
                job.error if isinstance(job.error, UnavailableError) else unavailable("Nobody waits any more")
            )
            job.step, job.error = partial(_fail, error), None
            work(job, self._transaction, self._pause, self._counts)
        self._finish([job])

    def serve_together(self, asked: list[Asked]) -> tuple[list[Asked], list[Asked]]:
        """Do these jobs in one transaction and answer them; those to be run alone instead, those with the next batch."""
        wanted: list[Asked] = []
        survivors: list[Asked] = []  # of those whom nobody wants any more
        for one in asked:
            job = one[0]
            if self._is_wanted(job):
                wanted.append(one)
            elif job.facts:
                survivors.append(one)
            else:
                self._finish([job])
        if not wanted:
            return survivors, []
        try:
            wire = self._opened()
            batch = Batch(wire, wanted, self._shared.listeners, self._neighbours)
        except BaseException:  # noqa: BLE001 - each alone meets the same, or not, and is told
            return [*wanted, *survivors], []
        alone, together = self._run_batch(batch, wire)
        unfinished = {job for job, _ in (*alone, *together)}
        self._finish([step.job for step in batch.steps if step.job not in unfinished])
        return [*alone, *survivors], [*together, *batch.later]

    def close(self) -> None:
        """Let go of the connection."""
        if self._wire is not None:
            self._wire.close()

    def _is_wanted(self, job: Job) -> bool:
        """Whether somebody waits for it, and not too long; its error otherwise."""
        if job.given_up_at <= self._shared.clock.undisturbed():
            job.error = unavailable("The step waited too long for its turn")
        return job.error is None and not job.future.done()

    def _finish(self, jobs: list[Job]) -> None:
        topics = outcome(jobs, self._counts)
        self._count()
        answer(jobs)
        if topics:
            self._shared.listeners.tell(topics)

    def _run_batch(self, batch: Batch, wire: Wire) -> tuple[list[Asked], list[Asked]]:
        """Run steps in one transaction; those that are to be run again, alone and in another batch."""
        alone: list[Asked] = []
        together: list[Asked] = []
        try:
            batch.run()
        except BaseException as error:  # noqa: BLE001 - whatever a step raises, the others are served
            self._undo(wire, error)
            alone, together = self._after(batch, error)
            self._counts.reruns += len(alone) + len(together)
        else:
            for step in batch.steps:
                step.job.topics = step.tx.topics
            self._counts.steps += len(batch.steps)
            self._counts.commits += batch.committed
            self._counts.commit_seconds += batch.commit_seconds
            self._counts.biggest_batch = max(self._counts.biggest_batch, len(batch.steps))
        self._counts.batches += 1
        self._counts.statements += batch.statements
        return alone, together

    def _after(self, batch: Batch, error: BaseException) -> tuple[list[Asked], list[Asked]]:
        """A batch is lost: its steps begin anew, with as much time as they had and what must survive of them.

        Alone: the one that lost it, or all where nobody knows which; who has lost one before. The others in another batch.
        Where COMMIT may have happened they fail instead, and only those with survivors go on, to have these stored.
        """
        limit = self._shared.clock.undisturbed() + QUEUE_LIMIT
        alone: list[Asked] = []
        together: list[Asked] = []
        for step in batch.steps:
            job = step.job
            again = batch.culprit not in {None, step} and not job.lost
            job.given_up_at, job.facts, job.lost = limit, step.tx.facts or job.facts, True
            if not batch.unknown:
                (together if again else alone).append(step.asked)
            elif job.facts:
                job.step = partial(_fail, unavailable(error))
                alone.append(step.asked)
            else:
                job.error = unavailable(error)
        return alone, together

    def _transaction(self, job: Job) -> Any:
        """Run a step between BEGIN and COMMIT; where anything goes wrong, ROLLBACK."""
        wire = self._opened()
        tx = (
            PostgresReadTx(wire, BEGIN_READ)
            if job.reads
            else PostgresTx(wire, listeners=self._shared.listeners)
        )
        try:
            value = job.step(tx)
            begun = time.perf_counter()
            tx.commit()
            self._counts.commit_seconds += 0.0 if job.reads else time.perf_counter() - begun
        except BaseException as error:
            job.facts = tx.facts or job.facts
            self._undo(wire, error)
            raise translated(error, tx, wire) from error
        finally:
            self._counts.statements += tx.statements
        self._counts.commits += tx.begun and not job.reads
        job.topics = tx.topics
        return value

    def _opened(self) -> Wire:
        if self._wire is not None and not self._wire.silent():
            self._wire.close()
            self._wire = None
        if self._wire is None:
            try:
                self._wire = self._waits.call(partial(connect, self._shared.url))
            except (psycopg.Error, RuntimeError) as error:
                raise unavailable(error) from error
            self._wire.waits = self._waits
        return self._wire

    def _undo(self, wire: Wire, error: BaseException) -> None:
        """ROLLBACK, on a connection that is still good; another one next time otherwise."""
        with suppress(Exception):  # of a dead connection, or because the loop it would wait in is closed
            if not wire.closed and getattr(error, "sqlstate", None) not in _PLANS_GONE:
                wire.trip(("ROLLBACK", ()))
                return
        wire.close()
        self._wire = None

    def _count(self) -> None:
        mine, self._counts = self._counts, Counts()
        with self._shared.counting:
            self._shared.counts.add(mine)

    def _pause(self, run: int) -> None:
        dice = self._shared.ports.random_bytes(1)[0]
        self._waits.pause(JITTER / SECOND * run * dice / 255)


def _fail(error: UnavailableError, _tx: Tx) -> NoReturn:
    """What is left of a step that may have been stored, or not."""
    raise error


def translated(error: BaseException, tx: PostgresTx, wire: Wire) -> BaseException:
    """`ConflictError`: again. `UnavailableError`: the machine's fault. Anything else is the step's own error."""
    if not isinstance(error, psycopg.Error):
        return error
    code = error.sqlstate or ""
    if code in _CONFLICTS or code in _PLANS_GONE or code == _MISCOUNTED:
        return ConflictError(str(error))
    if wire.closed and not tx.begun and not tx.committing:
        # The server was restarted while this connection waited for work: nothing was sent that could have counted.
        return ConflictError(str(error))
    gone = isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)) and not code
    if gone or code[:2] in _MACHINE or code in _MACHINE_CODES:
        return unavailable(error)
    return error
