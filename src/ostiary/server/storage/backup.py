"""A copy of a SQLite database while it is written to: one moment of it, whole, in one file.

The copy is made inside one read transaction, so later commits neither stand in it nor make it begin anew (SQLite
restarts a backup whose source changes between two steps), and writers are not held up: the file is in WAL mode.
What PostgreSQL has for this (`pg_dump`, `pg_basebackup`) cannot be done better from here.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from ostiary.server.storage import first_contact
from ostiary.server.storage.migrate import KNOWN
from ostiary.server.storage.sqlite_file import connect

_PAGES = 2_000
"""Copied between two looks at the progress: some 8 MB."""
_SIDE_FILES = ("-wal", "-shm", "-journal")

Progress = Callable[[int, int], object]
"""Hears how many pages are copied, and how many there are."""


class BackupError(Exception):
    """It could not be made or used; the message says why. Nothing half-made is left."""


def copy(source: Path, target: Path, told: Progress) -> None:
    """Copy a database into a file that is not there yet (mode 600), check it, and have it on the disk.

    Raises BackupError.
    """
    fresh = target.with_name(f".{target.name}.part")
    try:
        forget(fresh)
        os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        with closing(_reader(source)) as reader, closing(sqlite3.connect(fresh)) as writer:
            reader.backup(writer, pages=_PAGES, progress=lambda _status, left, all_: told(all_ - left, all_))
            reader.execute("ROLLBACK")
            writer.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it
        check(fresh)
        _place(fresh, target)
    except FileExistsError as error:
        raise BackupError(f"{target} exists: a backup never overwrites a file") from error
    except OSError as error:
        raise BackupError(first_contact.explain(error, f"sqlite:///{source}")) from error
    except sqlite3.Error as error:
        raise BackupError(f"{target}: {error}") from error
    finally:
        forget(fresh)


def check(file: Path) -> str:
    """The revision of a backup that is whole. Raises BackupError."""
    try:
        with closing(
            sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        ) as connection:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise BackupError(f"{file} is damaged: {verdict}")
            [(revision,)] = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except (sqlite3.Error, ValueError) as error:
        raise BackupError(f"{file} is no backup of ours: {error}") from error
    if revision not in KNOWN:
        raise BackupError(
            f"{file} is at revision {revision}, which this version does not know: use a newer one"
        )
    return str(revision)


def in_the_way(target: Path) -> Path | None:
    """A file that must not be there when a database is put at this path.

    A stale journal counts: SQLite would play it into the database that is put beside it.
    """
    beside = (target.with_name(target.name + suffix) for suffix in _SIDE_FILES)
    return next((path for path in (target, *beside) if path.exists()), None)


def put(file: Path, target: Path) -> None:
    """Move a database that nobody has open to its place; it belongs to its folder's owner then. Raises BackupError."""
    try:
        with closing(connect(file)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        owner = target.parent.stat()
        if os.geteuid() == 0:
            os.chown(file, owner.st_uid, owner.st_gid)
        _place(file, target)
    except FileExistsError as error:
        raise BackupError(f"{target} was made meanwhile") from error
    except (OSError, sqlite3.Error) as error:
        raise BackupError(str(error)) from error
    finally:
        forget(file)


def forget(file: Path) -> None:
    """Delete a database and what may be beside it."""
    for path in (file, *(file.with_name(file.name + suffix) for suffix in _SIDE_FILES)):
        path.unlink(missing_ok=True)


def _reader(source: Path) -> sqlite3.Connection:
    """The database as it is at this moment. Raises BackupError."""
    try:
        reader = connect(source, read_only=True)
        reader.execute("BEGIN")
        reader.execute("SELECT 1 FROM alembic_version").fetchall()  # from here on, this moment
    except sqlite3.Error as error:
        raise BackupError(first_contact.explain(error, f"sqlite:///{source}")) from error
    return reader


def _place(file: Path, target: Path) -> None:
    _sync(file)
    try:
        os.link(file, target)  # unlike a rename, fails where something is there
    except PermissionError:  # what a file system without links says
        if target.exists():
            raise FileExistsError(target) from None
        file.rename(target)
    file.unlink(missing_ok=True)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
