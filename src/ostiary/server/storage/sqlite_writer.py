"""The one writer of a SQLite file: steps run where they were asked for, what may block runs in a thread.

Rules of this room:
1. Only the holder of the write connection (`turns`) writes in this process; other processes are kept out by
   BEGIN IMMEDIATE.
2. A batch of an event loop runs in that loop: its steps are memory and CPU, which one interpreter gives to one thread
   at a time anyhow. BEGIN there takes a free lock or none; waiting for it is the thread's. COMMIT with its fsync is the
   loop's while the disk is quick (a way to the thread and back costs more), and the thread's while it is not. A batch
   waits for who else comes in the same turns of the loop, and for nobody after that.
3. A step that fails leaves the others of its batch alone: the batch is run again, each step in its own SAVEPOINT.
   Hardly any step fails (a refusal is an outcome), so the first run goes without.
4. SQLite may end a whole transaction (disk full, interrupt, I/O error), and a COMMIT may fail: then every
   step of the batch is run again in a transaction of its own, in the thread (phone-change.md §4).
5. Nothing is answered before its COMMIT.
6. COMMIT writes the WAL and nothing else: checkpoints are made beside it (`sqlite_checkpoint`).
"""

import math
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Any, cast

from ostiary.server.core.millis import SECOND
from ostiary.server.core.ports import Clock
from ostiary.server.storage import sqlite_file
from ostiary.server.storage.jobs import (
    BatchLostError,
    Counts,
    Job,
    Mailbox,
    answer,
    at_once,
    outcome,
    unavailable,
    work,
)
from ostiary.server.storage.last import Last
from ostiary.server.storage.listening import Listeners
from ostiary.server.storage.sqlite_checkpoint import Checkpointer
from ostiary.server.storage.sqlite_file import Deadline, connect, translated
from ostiary.server.storage.sqlite_tx import SqliteTx, do_last
from ostiary.server.storage.turns import Turns
from ostiary.server.storage.tx import Lane, Tx

BATCH = 64
"""LIVE steps that share one commit, at most."""
GATHERING = 2
"""Turns of the event loop that a batch waits, at most, for more steps: it begins once a turn has brought none."""
QUICK_COMMIT = 0.002
"""Seconds. While COMMIT takes less on average, it does not leave the event loop."""
QUICK_SHARE = 1 / 4
"""Nor while it takes less than this share of the time that the steps before it took the loop, and than `QUICK_AT_MOST`."""
QUICK_AT_MOST = 0.010
_WEIGHT = 1 / 8
"""Of the newest commit in that average: one of 20 ms is enough for the next ones to be the thread's."""

PAUSE_LIMIT = 5 * SECOND
"""How long a pause may wait for its turn; where it does not come, the next one will."""


class _Left(Enum):
    """What a loop leaves to the thread."""

    COMMIT = auto()
    """The steps ran, the transaction is open."""
    EVERYTHING = auto()
    """Another process holds the lock: nothing has begun."""
    EACH_ALONE = auto()
    """The transaction was lost."""
    ANSWERS = auto()
    """Every step has its error."""


@dataclass(slots=True)
class _Batch:
    """What a loop took, which of it still wants to run, and what is left to do."""

    taken: list[Job]
    wanted: list[Job]
    left: _Left


@dataclass(slots=True)
class _Pause:
    """What is put in the place of a step (`Writer.pause`)."""

    action: Callable[[], object]

    def __call__(self, _tx: Tx) -> None:
        raise NotImplementedError("a pause is in no transaction")


class Writer:
    """Runs writing steps over one connection, in turns (`turns`)."""

    def __init__(self, path: Path, clock: Clock, counts: Counts, listeners: Listeners) -> None:
        self._connection = connection = connect(path)
        self._cursor = connection.cursor()
        """The one that everything goes through: what it runs next ends what it ran before."""
        self._clock = clock
        self._counts = counts
        self._listeners = listeners
        connection.execute("PRAGMA busy_timeout = 0")  # whoever may wait says so: `_begin_and_wait`
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        self._checkpointer = Checkpointer(path, self.pause)
        self._deadline = Deadline(clock, connection)
        self._turns: Turns[_Batch] = Turns(BATCH)
        self._commit_takes = math.inf
        """Seconds, a moving average. Until the disk has shown to be quick, it is not."""

    def put(self, job: Job, lane: Lane) -> None:
        """Queue a step; a LIVE one of an event loop is put in that loop's thread. Raises ClosedError."""
        mailbox = self._turns.put(job, lane)
        if mailbox is not None:
            self._ring(mailbox)

    def pause(self, action: Callable[[], object]) -> None:
        """Call `action` in the thread while nobody writes; blocks until it is done. Raises what it raises, or ClosedError."""
        job = Job(_Pause(action), Future(), None, self._clock.undisturbed() + PAUSE_LIMIT)
        self._turns.put(job, Lane.BULK)
        cast("Future[None]", job.future).result()

    def waiting(self) -> int:
        """Steps that nobody has begun."""
        return len(self._turns)

    def close(self) -> None:
        """Take no more; `serve` ends when what waits is done."""
        self._turns.close()

    # ── in an event loop ────────────────────────────────────────────────────────────────────

    def _ring(self, mailbox: Mailbox) -> None:
        """In the mailbox's loop: have its steps run, soon and together."""
        mailbox.loop.call_soon(self._gather, mailbox, 0, GATHERING)

    def _gather(self, mailbox: Mailbox, seen: int, turns: int) -> None:
        """Begin once a turn of the loop has brought no further step; the thread's own work, if any, does not wait so long."""
        waiting = self._turns.waiting(mailbox)
        if turns and seen < waiting < BATCH and not self._turns.thread_waits():
            mailbox.loop.call_soon(self._gather, mailbox, waiting, turns - 1)
        else:
            self._turn(mailbox)

    def _turn(self, mailbox: Mailbox) -> None:
        """Run the steps of one batch, and leave its end to the thread."""
        taken = self._turns.take(mailbox)
        if not taken:
            return
        batch = _Batch(taken, [], _Left.ANSWERS)
        try:
            batch.wanted = self._still_wanted(taken)
            batch.left = self._run(batch.wanted) if batch.wanted else _Left.ANSWERS
            if batch.left is _Left.COMMIT and self._commit_is_quick(batch.wanted):
                batch.left = self._committed_here()
        except BaseException as error:  # out of memory, say: who waits is answered all the same
            batch.left = _Left.ANSWERS
            self._give_up(batch.wanted or taken, error)
            if not isinstance(error, Exception):
                raise
        finally:
            if batch.left is _Left.ANSWERS:
                self._answer(batch, self._turns.let_go_of_loop())
            else:
                self._turns.hand_over(batch)

    def _commit_is_quick(self, jobs: list[Job]) -> bool:
        share = QUICK_SHARE * (jobs[-1].ended - jobs[0].begun)
        return self._commit_takes < max(QUICK_COMMIT, min(share, QUICK_AT_MOST))

    def _committed_here(self) -> _Left:
        try:
            self._commit()
        except BatchLostError:
            return _Left.EACH_ALONE
        return _Left.ANSWERS

    def _run(self, jobs: list[Job]) -> _Left:
        for run in (self._hopefully, self._in_savepoints):
            if not self._begin_if_free():
                return _Left.EVERYTHING
            try:
                run(jobs)
            except BatchLostError:
                self._roll_back()
            else:
                return _Left.COMMIT
        return _Left.EACH_ALONE

    def _begin_if_free(self) -> bool:
        """BEGIN without waiting; False: the lock is another process's, or something is wrong that the thread will meet."""
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
        except sqlite3.Error:
            return False
        return True

    # ── in the thread ───────────────────────────────────────────────────────────────────────

    def serve(self) -> None:
        """End what loops began and serve the thread's own steps, until the store is closed and all is done."""
        while (turn := self._turns.next()) is not None:
            own = isinstance(turn, list)
            batch = (
                _Batch(turn, self._still_wanted(turn), _Left.EVERYTHING) if isinstance(turn, list) else turn
            )
            if batch.wanted:
                try:
                    self._end(batch)
                except BaseException as error:  # noqa: BLE001 - a thread that ended would answer nobody
                    self._give_up(batch.wanted, error)
            self._answer(batch, self._turns.let_go(after_own=own))
        self._checkpointer.close()
        self._connection.close()

    def _end(self, batch: _Batch) -> None:
        match batch.left:
            case _Left.COMMIT:
                try:
                    self._commit()
                except BatchLostError:
                    self._each_alone(batch.wanted)
            case _Left.EVERYTHING:
                self._together(batch.wanted)
            case _Left.EACH_ALONE:
                self._each_alone(batch.wanted)
            case _Left.ANSWERS:
                pass

    def _together(self, jobs: list[Job]) -> None:
        """Run a batch in one transaction; where that is lost, each step in its own."""
        if len(jobs) == 1:
            scope = self._outside if isinstance(jobs[0].step, _Pause) else self._transaction
            work(jobs[0], scope, at_once, self._counts)
            return
        try:
            self._begin_and_wait()
        except sqlite3.Error as error:
            self._give_up(jobs, error)
            return
        try:
            self._in_savepoints(jobs)
            self._commit()
        except BatchLostError:
            self._each_alone(jobs)

    def _each_alone(self, jobs: list[Job]) -> None:
        self._roll_back()
        self._counts.reruns += len(jobs)
        for job in jobs:
            work(job, self._transaction, at_once, self._counts)

    def _outside(self, job: Job) -> None:
        """Let somebody else use the pause between two transactions."""
        assert isinstance(job.step, _Pause)
        job.step.action()

    def _begin_and_wait(self) -> None:
        """BEGIN, as soon as no other process holds the lock."""
        self._cursor.execute(f"PRAGMA busy_timeout = {sqlite_file.BUSY_WAIT}")
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
        finally:
            self._cursor.execute("PRAGMA busy_timeout = 0")

    def _transaction(self, job: Job) -> Any:
        """Run a step in a transaction of its own."""
        try:
            self._begin_and_wait()
        except sqlite3.Error as error:
            raise unavailable(error) from error
        try:
            value = self._limited(job)
            self._commit()
        except BatchLostError as error:
            self._roll_back()
            raise unavailable(error.__cause__ or error) from error
        except BaseException:
            self._roll_back()
            raise
        return value

    # ── in either ───────────────────────────────────────────────────────────────────────────

    def _still_wanted(self, taken: list[Job]) -> list[Job]:
        now = self._clock.undisturbed()
        for job in taken:
            if job.given_up_at <= now:
                job.error = unavailable("The step waited too long for its turn")
        return [job for job in taken if job.error is None and not job.future.done()]

    def _hopefully(self, jobs: list[Job]) -> None:
        """Run steps in the batch's transaction, which is lost if one of them fails."""
        now = time.perf_counter()
        last = Last()
        self._deadline.start()
        try:
            for job in jobs:
                job.begun = now
                job.value = self._step(job, last)
                job.ended = now = time.perf_counter()
            self._counts.statements += do_last(self._cursor, last)
        except BaseException as error:
            raise BatchLostError(str(error)) from error
        finally:
            self._deadline.stop()

    def _in_savepoints(self, jobs: list[Job]) -> None:
        """The same, each so that it is lost alone."""
        for job in jobs:
            work(job, self._savepoint, at_once, self._counts)

    def _savepoint(self, job: Job) -> Any:
        """Run a step in the batch's transaction, so that only its own part is lost if it fails."""
        self._own("SAVEPOINT step")
        try:
            value = self._limited(job)
        except BaseException:
            self._own("ROLLBACK TO step", "RELEASE step")
            raise
        self._own("RELEASE step")
        return value

    def _limited(self, job: Job) -> Any:
        last = Last()
        self._deadline.start()
        try:
            value = self._step(job, last)
            self._counts.statements += do_last(self._cursor, last)
        finally:
            self._deadline.stop()
        return value

    def _step(self, job: Job, last: Last) -> Any:
        tx = SqliteTx(self._cursor, last, self._listeners)
        try:
            value = job.step(tx)
            if tx.failure is not None:  # the step caught it
                raise tx.failure
        except sqlite3.Error as error:
            raise translated(error) from error
        finally:
            self._counts.statements += tx.statements
            job.facts = tx.facts or job.facts
        job.topics = tx.topics
        return value

    def _own(self, *statements: str) -> None:
        """Run the engine's own statements; whatever is wrong with them, the batch is lost."""
        if not self._connection.in_transaction:
            raise BatchLostError("SQLite ended the transaction")
        try:
            for statement in statements:
                self._cursor.execute(statement)
        except sqlite3.Error as error:
            raise BatchLostError(str(error)) from error

    def _commit(self) -> None:
        begun = time.perf_counter()
        self._own("COMMIT")
        took = time.perf_counter() - begun
        so_far = self._commit_takes if self._commit_takes < math.inf else took
        self._commit_takes = so_far + _WEIGHT * (took - so_far)
        self._counts.commit_seconds += took
        self._counts.commits += 1
        self._checkpointer.wrote(self._connection.total_changes)

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):  # SQLite has then ended it itself
                self._cursor.execute("ROLLBACK")

    def _give_up(self, jobs: list[Job], error: BaseException) -> None:
        """Nothing of them is stored: nobody is told what a run that was rolled back wanted to tell."""
        self._roll_back()
        for job in jobs:
            job.error, job.topics = unavailable(error), {}

    def _answer(self, batch: _Batch, ringing: list[Mailbox]) -> None:
        """Whoever waited hears of it; then the next batches take the time of their loops."""
        if batch.wanted:
            self._counts.batches += 1
            self._counts.steps += len(batch.wanted)
            self._counts.biggest_batch = max(self._counts.biggest_batch, len(batch.wanted))
        self._finish(batch.taken)
        for mailbox in ringing:
            mailbox.post([partial(self._ring, mailbox)])

    def _finish(self, jobs: list[Job]) -> None:
        topics = outcome(jobs, self._counts)
        answer(jobs)
        if topics:
            self._listeners.tell(topics)
