"""Checkpoints: what stands in the WAL is carried into the database file beside the writer, never inside its COMMIT.

Rules of this room:
1. The writer's connection checkpoints nothing (`wal_autocheckpoint = 0`). After `ROWS_BETWEEN` changed rows a thread does.
2. It goes through the WAL once while others read and write (PASSIVE): that is nearly all of the work.
3. Under steady writing such a pass never meets the WAL's end, and only a WAL that was carried over to its end begins
   anew instead of growing. So passes follow one another, each over what came during the one before, until few pages
   are left; those are carried in a turn of the writer's, when nobody writes (RESTART). After `PASSES` that turn comes
   whatever is left: writers who are quicker than the disk wait for it, and the WAL is bounded.
4. Whoever reads an older state (a backup) needs the WAL as it is: it grows until they are done.
5. A checkpoint that fails (disk full) fails no step: everything still stands in the WAL, and the next one tries again.
"""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from ostiary.server.core.log import log
from ostiary.server.storage.jobs import ClosedError
from ostiary.server.storage.sqlite_file import connect
from ostiary.server.storage.tx import UnavailableError

ROWS_BETWEEN = 5_000
"""A changed row is about one page of 4 KiB in the WAL, two where commits are not shared."""
FEW = 1_000
"""Pages that are left to the writer's turn as they are."""
PASSES = 4
_COUNTS_TO = 2**32
"""Where SQLite's count of changed rows begins anew."""
READERS_WAIT = 50
"""Milliseconds that the writer's turn waits for those who read what stood before it."""


class Checkpointer:
    """Has the WAL carried over, one thread at a time."""

    def __init__(self, path: Path, pause: Callable[[Callable[[], object]], object]) -> None:
        """`pause` calls its argument while nobody writes, and waits for it (`Writer.pause`)."""
        self._path = path
        self._pause = pause
        self._carried = 0
        """How many rows were changed when the last one was begun."""
        self._thread: threading.Thread | None = None

    def wrote(self, rows: int) -> None:
        """Hear how many rows the writer has changed since it was opened. For one caller at a time.

        SQLite counts them in 32 bits: behind 2 147 483 647 it goes on below zero.
        """
        if (rows - self._carried) % _COUNTS_TO < ROWS_BETWEEN or (
            self._thread is not None and self._thread.is_alive()
        ):
            return
        self._carried = rows
        thread = threading.Thread(target=self._work, name="store-checkpointer", daemon=True)
        with suppress(RuntimeError):  # no thread to be had: the commit that calls us is none the worse for it
            thread.start()
            self._thread = thread

    def close(self) -> None:
        """Wait for what is under way.

        The writer's connection closes after it: of two that close at once each takes the other for one that stays,
        and the WAL is left beside the file.
        """
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        try:
            with closing(connect(self._path)) as connection:
                self._carry(connection)
        except ClosedError:
            pass  # the writer's connection, the last one to close, carries everything over
        except (OSError, sqlite3.Error, UnavailableError) as error:
            log.warning(
                "store.checkpoint_failed", error=getattr(error, "sqlite_errorname", type(error).__name__)
            )

    def _carry(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA busy_timeout = {READERS_WAIT}")
        before = -1
        for _ in range(PASSES):
            _busy, pages, carried = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if pages - carried <= FEW:
                break
            if carried == before:
                return  # somebody reads an old state (rule 4)
            before = carried
        self._pause(lambda: connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone())
