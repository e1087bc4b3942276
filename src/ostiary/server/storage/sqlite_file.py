"""A connection to a SQLite file: durable, strict, interruptible; and which of its errors are the machine's."""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from ostiary.server.core.millis import SECOND
from ostiary.server.core.passcode import Channel
from ostiary.server.core.ports import Clock
from ostiary.server.storage.jobs import unavailable

BUSY_WAIT = 5 * SECOND
STEP_LIMIT = 5 * SECOND
"""How long a step's SQL may run, in milliseconds; the same for a batch that nobody has failed in yet."""
OPS_BETWEEN_LOOKS = 20_000
"""Virtual machine instructions between two looks at the clock: a millisecond or two; most statements have fewer."""
STATEMENTS_KEPT = 512

# The module stores these as they are, but without a word of ours only after a long search for who adapts them.
sqlite3.register_adapter(bytes, bytes)
sqlite3.register_adapter(bool, int)
sqlite3.register_adapter(Channel, str)
sqlite3.register_adapter(type(None), lambda none: none)

_OUT_OF_ORDER = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)
"""What is the machine's fault, not the step's."""


def path_of(url: str) -> Path:
    """Where `sqlite:///PATH` lies. Raises ValueError where it names no file."""
    path = url.removeprefix("sqlite:///")
    if path == url or path in {"", ":memory:"} or path.startswith("file:"):
        raise ValueError(f"A SQLite database is named sqlite:///PATH, not {url!r}")
    return Path(path)


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Open a connection that commits nothing by itself. A missing file is made readable to its owner alone."""
    if not read_only:
        _make(path)
        _require_writable(path)
    connection = _opened(path, "ro" if read_only else "rw")
    if read_only:
        connection.execute("PRAGMA query_only = ON")
    else:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_size_limit = 67108864")
    return connection


def connect_to_ask(path: Path) -> sqlite3.Connection:
    """Open a connection to a file that may be another program's: it changes neither content nor journal mode.

    It is not `mode=ro`: that leaves -wal and -shm beside a database in WAL mode, and can't read a file whose writer
    was killed, before SQLite has rolled back what that writer had begun.
    """
    connection = _opened(path, "rw")
    connection.execute("PRAGMA query_only = ON")
    return connection


def _opened(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode={mode}",
        uri=True,
        timeout=BUSY_WAIT / SECOND,
        isolation_level=None,
        check_same_thread=False,  # opened by whoever starts the engine, used by one thread after that
        cached_statements=STATEMENTS_KEPT,
    )
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def _make(path: Path) -> None:
    """An empty file, where there is none. One that is there must not be opened by anybody but SQLite.

    Closing any descriptor of a file gives up all locks that this process has on it (fcntl(2)); the next process that
    comes and goes would then take itself for the last one, and delete the WAL from under us
    (sqlite.org/howtocorrupt.html, 2.2).
    """
    # O_EXCL follows no link, and the file behind one may be the one that is missing.
    file = os.path.realpath(path)
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))


def _require_writable(path: Path) -> None:
    """SQLite would open a file that is not ours to write for reading, and say so at the first write only."""
    if not os.access(path, os.W_OK):
        error = sqlite3.OperationalError("attempt to write a readonly database")
        error.sqlite_errorcode = sqlite3.SQLITE_READONLY
        raise error


class Deadline:
    """Interrupts a connection's running statement once a moment has passed."""

    def __init__(self, clock: Clock, connection: sqlite3.Connection) -> None:
        self._clock = clock
        self._at: int | None = None
        connection.set_progress_handler(self._passed, OPS_BETWEEN_LOOKS)

    def start(self) -> None:
        """From now on, `STEP_LIMIT`."""
        self._at = self._clock.undisturbed() + STEP_LIMIT

    def stop(self) -> None:
        """No limit: a COMMIT or ROLLBACK takes what it takes."""
        self._at = None

    def _passed(self) -> bool:
        return self._at is not None and self._clock.undisturbed() >= self._at


def translated(error: sqlite3.Error) -> Exception:
    """`UnavailableError` where the machine is to blame; a mistake in the step's SQL stays what it is."""
    code = getattr(error, "sqlite_errorcode", 0)
    return unavailable(error) if code & 0xFF in _OUT_OF_ORDER else error
