"""What a driver says when a database can't be opened or set up, as one line that says what to do."""

import os
import sqlite3
from pathlib import Path

from ostiary.server.storage.migrate import MigrationError
from ostiary.server.storage.sqlite_file import path_of
from ostiary.server.storage.url import place

_POSTGRESQL = {
    "42501": "the role may not create tables there: make it the owner of the database (ALTER DATABASE … OWNER TO …)",
    "42P07": "the database contains another program's tables: give Ostiary a database of its own",
}
"""SQLSTATE → what to do; all others are told in the server's own words."""
_AS_WHOM = "; run it as the service's user"
_NO_ACCESS = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM})


def explain(error: Exception, url: str) -> str:
    """The reason, on one line and without a statement or a password."""
    if isinstance(error, (MigrationError, ValueError)):
        return str(error)
    if isinstance(error, ImportError):
        return f"PostgreSQL needs more libraries ({_line(error)}): pip install 'ostiary[server,postgres]'"
    cause = getattr(error, "orig", None) or error  # SQLAlchemy's errors quote the statement
    if isinstance(cause, sqlite3.Error):
        return _sqlite(cause, path_of(url))
    if isinstance(cause, OSError) and cause.filename is not None:
        return f"{cause.filename}: {cause.strerror}{_AS_WHOM if isinstance(cause, PermissionError) else ''}"
    known = _POSTGRESQL.get(getattr(cause, "sqlstate", None) or "")
    return (
        f"{place(url)}: {known} ({_line(cause)})"
        if known
        else f"the database can't be opened: {_line(cause)}"
    )


def no_access(path: Path) -> str | None:
    """Why a SQLite file can't be written by us, or None where that is not what is wrong."""
    folder = path.parent
    if not folder.is_dir():
        return f"{folder} is not a directory"
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return "the disk is mounted read-only"
    for one in (folder, path):  # SQLite makes its -wal and -shm in the folder
        if one.exists() and not os.access(one, os.R_OK | os.W_OK):
            return f"{one} is not writable{_AS_WHOM}"
    return None


def _sqlite(error: sqlite3.Error, path: Path) -> str:
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in _NO_ACCESS and (reason := no_access(path)):
        return f"{path}: {reason}"
    return f"{path}: {_line(error)}"


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()).partition(" LINE ")[0]  # PostgreSQL shows the statement behind that
