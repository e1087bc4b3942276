"""The SQLite engine: one writer that commits for everybody who waits (`sqlite_writer`), readers beside it.

WAL with synchronous=FULL: a commit returns after the fsync; readers see a snapshot and wait for nobody.
"""

import sqlite3
import threading
from pathlib import Path
from typing import Any

from ostiary.server.core.ports import Clock
from ostiary.server.storage.jobs import Counts, Crew, Job, answer, at_once, unavailable, work
from ostiary.server.storage.last import Last
from ostiary.server.storage.listening import Listeners
from ostiary.server.storage.sqlite_file import Deadline, connect, path_of, translated
from ostiary.server.storage.sqlite_tx import SqliteReadTx
from ostiary.server.storage.sqlite_writer import Writer
from ostiary.server.storage.tx import Lane, UnavailableError

READERS = 4


class SqliteEngine:
    """Writer and readers of one file."""

    dialect = "sqlite"

    def __init__(self, url: str, clock: Clock, counts: Counts, listeners: Listeners) -> None:
        path = path_of(url)
        self._writer = Writer(path, clock, counts, listeners)
        self._thread = threading.Thread(target=self._writer.serve, name="store-writer", daemon=True)
        self._thread.start()
        self._readers = Crew("store-reader", READERS, lambda: _Reader(path, clock, counts))

    def write(self, job: Job, lane: Lane) -> None:
        """Queue a step for the next batch of its lane."""
        self._writer.put(job, lane)

    def read(self, job: Job) -> None:
        """Queue a step for the next free reader."""
        self._readers.put(job)

    def waiting(self) -> int:
        """See `Engine.waiting`."""
        return self._writer.waiting() + len(self._readers)

    def close(self) -> None:
        """Finish what waits; blocks until the last batch is durable."""
        self._readers.close()
        self._writer.close()
        self._thread.join()


class _Reader:
    """One reading thread."""

    def __init__(self, path: Path, clock: Clock, counts: Counts) -> None:
        self._path = path
        self._clock = clock
        self._counts = counts
        self._cursor: sqlite3.Cursor | None = None
        self._deadline: Deadline | None = None

    def serve(self, job: Job) -> None:
        """Answer one reading step."""
        if job.given_up_at <= self._clock.undisturbed():
            job.error = unavailable("The step waited too long for its turn")
        elif not job.future.done():
            work(job, self._snapshot, at_once, self._counts)
        self._counts.unavailable += isinstance(job.error, UnavailableError)
        answer([job])

    def close(self) -> None:
        """Let go of the connection."""
        if self._cursor is not None:
            self._cursor.connection.close()

    def _snapshot(self, job: Job) -> Any:
        """Run a step over one state of the database."""
        try:
            cursor, deadline = self._opened()
            cursor.execute("BEGIN")
        except sqlite3.Error as error:
            raise unavailable(error) from error
        tx = SqliteReadTx(cursor, Last())
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
            if cursor.connection.in_transaction:
                cursor.execute("ROLLBACK")
        return value

    def _opened(self) -> tuple[sqlite3.Cursor, Deadline]:
        if self._cursor is None or self._deadline is None:
            connection = connect(self._path, read_only=True)
            self._cursor, self._deadline = connection.cursor(), Deadline(self._clock, connection)
        return self._cursor, self._deadline
