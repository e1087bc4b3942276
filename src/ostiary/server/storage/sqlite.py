"""The SQLite engine: one writer thread that commits for everybody who waits, readers beside it.

Rules of this room:
1. Only the writer thread writes in this process; other processes are kept out by BEGIN IMMEDIATE.
2. Each step of a batch stands in its own SAVEPOINT: one that fails leaves the others alone.
3. SQLite may end a whole transaction (disk full, interrupt, I/O error), and a COMMIT may fail: then every
   step of the batch is run again in a transaction of its own (phone-change.md §4).
4. WAL with synchronous=FULL: a commit returns after the fsync.
"""

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ostiary.server.core.ports import Clock
from ostiary.server.storage.jobs import (
    BatchLostError,
    Counts,
    Crew,
    Fact,
    Job,
    Lanes,
    answer,
    unavailable,
    work,
)
from ostiary.server.storage.sqlite_file import Deadline, connect, path_of, translated
from ostiary.server.storage.tx import ConflictError, Lane, Row, Sql, Tx, UnavailableError

BATCH = 64
"""LIVE steps that share one commit, at most."""
READERS = 4


class SqliteTx:
    """A step's view of the transaction: see `Tx`. `must` runs at once here."""

    dialect = "sqlite"
    __slots__ = ("_connection", "facts", "failure", "statements", "topics")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.facts: list[Fact] = []
        self.topics: set[str] = set()
        self.statements = 0
        self.failure: sqlite3.Error | None = None
        """The first error of the database: nothing runs after it, even where a step caught it."""

    def one(self, sql: Sql, **params: Any) -> Row | None:
        """See `Tx.one`."""
        row: Row | None = self._do(sql, params, sqlite3.Cursor.fetchone)
        return row

    def all(self, sql: Sql, **params: Any) -> list[Row]:
        """See `Tx.all`."""
        rows: list[Row] = self._do(sql, params, sqlite3.Cursor.fetchall)
        return rows

    def run(self, sql: Sql, **params: Any) -> int:
        """See `Tx.run`."""
        touched: int = self._do(sql, params, self._touched)
        return touched

    def must(self, sql: Sql, *, expect: int | None = 1, **params: Any) -> None:
        """See `Tx.must`."""
        touched = self.run(sql, **params)
        if expect is not None and touched != expect:
            raise ConflictError(f"{touched} rows instead of {expect}: {sql!r}")

    def survive(self, fact: Callable[[Tx], None]) -> None:
        """See `Tx.survive`."""
        self.facts.append(fact)

    def after_commit(self, topic: str) -> None:
        """See `Tx.after_commit`."""
        self.topics.add(topic)

    def _do(self, sql: Sql, params: dict[str, Any], take: Callable[[sqlite3.Cursor], Any]) -> Any:
        if self.failure is not None:
            raise UnavailableError("The transaction has failed") from self.failure
        self.statements += 1
        try:
            return take(self._connection.execute(sql.sqlite, params))
        except sqlite3.Error as error:
            self.failure = error
            raise

    def _touched(self, cursor: sqlite3.Cursor) -> int:
        if cursor.rowcount >= 0:
            return cursor.rowcount
        # The module counts only for statements that begin with their verb; WITH … INSERT has to be asked for.
        cursor.fetchall()
        count: int = self._connection.execute("SELECT changes()").fetchone()[0]
        return count


class SqliteReadTx(SqliteTx):
    """The same over a snapshot that nothing is written to."""

    __slots__ = ()

    def run(self, sql: Sql, **params: Any) -> int:  # noqa: ARG002 - the signature is Tx's
        """Refuse: a programming error."""
        raise TypeError(f"store.read(step) writes nothing: {sql!r}")


class SqliteEngine:
    """Writer and readers of one file."""

    dialect = "sqlite"

    def __init__(self, url: str, clock: Clock, counts: Counts, tell: Callable[[set[str]], None]) -> None:
        path = path_of(url)
        self._lanes = Lanes()
        writer = _Writer(connect(path), self._lanes, clock, counts, tell)
        self._thread = threading.Thread(target=writer.serve, name="store-writer", daemon=True)
        self._thread.start()
        self._readers = Crew("store-reader", READERS, lambda: _Reader(path, clock, counts))

    def write(self, job: Job, lane: Lane) -> None:
        """Queue a step for the next batch of its lane."""
        self._lanes.put(job, lane)

    def read(self, job: Job) -> None:
        """Queue a step for the next free reader."""
        self._readers.put(job)

    def waiting(self) -> int:
        """See `Engine.waiting`."""
        return len(self._lanes) + len(self._readers)

    def close(self) -> None:
        """Finish what waits; blocks until the last batch is durable."""
        self._readers.close()
        self._lanes.close()
        self._thread.join()


class _Writer:
    """The thread that owns the write connection."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        lanes: Lanes,
        clock: Clock,
        counts: Counts,
        tell: Callable[[set[str]], None],
    ) -> None:
        self._connection = connection
        self._lanes = lanes
        self._clock = clock
        self._counts = counts
        self._tell = tell
        self._deadline = Deadline(clock, connection)

    def serve(self) -> None:
        """Serve batches until the queue is closed and empty."""
        while taken := self._lanes.take(BATCH):
            jobs = self._still_wanted(taken)
            if jobs:
                self._counts.batches += 1
                self._counts.steps += len(jobs)
                self._counts.biggest_batch = max(self._counts.biggest_batch, len(jobs))
                self._serve(jobs)
            self._finish(taken)
        self._connection.close()

    def _serve(self, jobs: list[Job]) -> None:
        try:
            self._together(jobs)
        except BaseException as error:  # noqa: BLE001 - out of memory, say: a thread that ended would answer nobody
            self._roll_back()
            for job in jobs:
                job.error = unavailable(error)

    def _still_wanted(self, taken: list[Job]) -> list[Job]:
        now = self._clock.undisturbed()
        for job in taken:
            if job.given_up_at <= now:
                job.error = unavailable("The step waited too long for its turn")
        return [job for job in taken if job.error is None and not job.future.done()]

    def _finish(self, jobs: list[Job]) -> None:
        self._counts.unavailable += sum(isinstance(job.error, UnavailableError) for job in jobs)
        topics: set[str] = set().union(*(job.topics for job in jobs))
        for job in jobs:
            if job.topics:
                self._counts.tally(job.topics)
        answer(jobs)
        if topics:
            self._tell(topics)

    def _together(self, jobs: list[Job]) -> None:
        """Run a batch in one transaction; where that is lost, each step in its own."""
        if len(jobs) == 1:
            work(jobs[0], self._transaction, _at_once, self._counts)
            return
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            for job in jobs:
                job.error = unavailable(error)
            return
        try:
            for job in jobs:
                work(job, self._savepoint, _at_once, self._counts)
            self._commit()
        except BatchLostError:
            self._roll_back()
            self._counts.reruns += len(jobs)
            for job in jobs:
                work(job, self._transaction, _at_once, self._counts)

    def _savepoint(self, job: Job) -> Any:
        """Run a step inside the batch's transaction."""
        self._own("SAVEPOINT step")
        try:
            value = self._step(job)
        except BaseException:
            self._own("ROLLBACK TO step", "RELEASE step")
            raise
        self._own("RELEASE step")
        return value

    def _transaction(self, job: Job) -> Any:
        """Run a step in a transaction of its own."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise unavailable(error) from error
        try:
            value = self._step(job)
            self._commit()
        except BatchLostError as error:
            self._roll_back()
            raise unavailable(error.__cause__ or error) from error
        except BaseException:
            self._roll_back()
            raise
        return value

    def _step(self, job: Job) -> Any:
        tx = SqliteTx(self._connection)
        self._deadline.start()
        try:
            value = job.step(tx)
            if tx.failure is not None:  # the step caught it
                raise tx.failure
        except sqlite3.Error as error:
            raise translated(error) from error
        finally:
            self._deadline.stop()
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
                self._connection.execute(statement)
        except sqlite3.Error as error:
            raise BatchLostError(str(error)) from error

    def _commit(self) -> None:
        begun = time.perf_counter()
        self._own("COMMIT")
        self._counts.commit_seconds += time.perf_counter() - begun
        self._counts.commits += 1

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):  # SQLite has then ended it itself
                self._connection.execute("ROLLBACK")


class _Reader:
    """One reading thread."""

    def __init__(self, path: Path, clock: Clock, counts: Counts) -> None:
        self._path = path
        self._clock = clock
        self._counts = counts
        self._connection: sqlite3.Connection | None = None
        self._deadline: Deadline | None = None

    def serve(self, job: Job) -> None:
        """Answer one reading step."""
        if job.given_up_at <= self._clock.undisturbed():
            job.error = unavailable("The step waited too long for its turn")
        elif not job.future.done():
            work(job, self._snapshot, _at_once, self._counts)
        self._counts.unavailable += isinstance(job.error, UnavailableError)
        answer([job])

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()

    def _snapshot(self, job: Job) -> Any:
        """Run a step over one state of the database."""
        try:
            connection, deadline = self._opened()
            connection.execute("BEGIN")
        except sqlite3.Error as error:
            raise unavailable(error) from error
        tx = SqliteReadTx(connection)
        deadline.start()
        try:
            value = job.step(tx)
            if tx.failure is not None:  # the step caught it
                raise tx.failure
        except sqlite3.Error as error:
            raise translated(error) from error
        finally:
            deadline.stop()
            self._counts.statements += tx.statements
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        return value

    def _opened(self) -> tuple[sqlite3.Connection, Deadline]:
        if self._connection is None or self._deadline is None:
            self._connection = connect(self._path, read_only=True)
            self._deadline = Deadline(self._clock, self._connection)
        return self._connection, self._deadline


def _at_once(_run: int) -> None:
    """Between two runs nobody else writes: there is nothing to wait for."""
