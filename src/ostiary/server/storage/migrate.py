"""Bringing a database to this version's revision.

Alembic and SQLAlchemy are imported only where something is to be done: a warm start asks one row.
Two starters do not collide (BEGIN IMMEDIATE, an advisory lock), and a migration that is interrupted
leaves nothing: both databases roll back DDL.
"""

import re
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from ostiary.server.storage.url import POSTGRESQL, place

HEAD = "0001"
"""The revision this code works with."""

KNOWN = ("0001",)
"""Every revision, oldest first; a test compares with `migrations/versions`."""

HERE = Path(__file__).parent

_STORED = "SELECT version_num FROM alembic_version"
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
_WORDS = {
    "sqlite": {"int": "INTEGER", "blob": "BLOB", "strict": "STRICT", "keyed": "STRICT, WITHOUT ROWID"},
    "postgresql": {"int": "BIGINT", "blob": "BYTEA", "strict": "", "keyed": ""},
}


class MigrationError(Exception):
    """The database is one that this version cannot work with; the message says what to do."""


def statements(dialect: str) -> list[str]:
    """The statements of `schema.sql` in one dialect, without comments."""
    text = (HERE / "schema.sql").read_text(encoding="utf-8")
    text = re.sub(r"--.*", "", text)
    for word, meaning in _WORDS[dialect].items():
        text = text.replace("{" + word + "}", meaning)
    if dialect == "postgresql":
        # SQLite compares bytes. So do we, whatever the database's locale: sortable ids must sort.
        text = re.sub(r"\bTEXT\b", 'TEXT COLLATE "C"', text)
    return [statement.strip() for statement in text.split(";") if statement.strip()]


def stored(url: str) -> str | None:
    """The revision a database is at; None where it has no tables of ours. Changes nothing.

    Raises ValueError (the URL), MigrationError (another program's file, an encoding), or the driver's error.
    """
    if url.startswith(POSTGRESQL):
        return _stored_postgresql(url)
    from ostiary.server.storage.sqlite_file import path_of

    return _stored_sqlite(path_of(url))


def migrate(url: str, *, create: bool = True) -> tuple[str | None, str]:
    """Bring a database to `HEAD`: the revisions before and after. Raises MigrationError.

    `create=False` makes no new one: none is created in the place of a database that should be there.
    """
    before = stored(url)
    if before == HEAD:
        return before, HEAD
    if before is None and not create:
        raise _nothing_there(url)
    if before is not None and before not in KNOWN:
        raise _unknown(before)
    from ostiary.server.storage.migrations.upgrade import upgrade

    upgrade(url)
    return before, HEAD


def require_up_to_date(url: str) -> None:
    """Raise MigrationError where the database is not at `HEAD`."""
    found = stored(url)
    if found is None:
        raise _nothing_there(url)
    if found not in KNOWN:
        raise _unknown(found)
    if found != HEAD:
        raise MigrationError(
            f"the database is at revision {found}, but this version requires {HEAD}: make a backup, then run "
            "`ostiary migrate`"
        )


def _nothing_there(url: str) -> MigrationError:
    back = (
        "pg_restore, then `ostiary restore --finish`"
        if url.startswith(POSTGRESQL)
        else "`ostiary restore FILE`"
    )
    return MigrationError(
        f"the database is missing or empty ({place(url)}): is the volume mounted, and is it the right one? To "
        f"restore a backup: {back}"
    )


def _unknown(found: str) -> MigrationError:
    if not re.fullmatch(r"\d{4}", found):
        return MigrationError(
            f"the database is at revision {found!r}, which is not one of Ostiary's: it contains another program's "
            "tables. Give Ostiary a database of its own"
        )
    return MigrationError(
        f"the database is at revision {found}, which this version does not know (its own is {HEAD}): a newer Ostiary "
        "wrote it. Run that version, or restore a backup made before the update"
    )


def _stored_sqlite(path: Path) -> str | None:
    from ostiary.server.storage.sqlite_file import connect_to_ask

    if not path.exists() or path.stat().st_size == 0:
        return None
    with closing(connect_to_ask(path)) as connection:
        tables = [name for (name,) in connection.execute(_TABLES)]
        if not tables:
            return None
        if "alembic_version" not in tables:
            raise _strangers_file(path, tables[0])
        return _only(connection.execute(_STORED).fetchall())


def _strangers_file(path: Path, table: str) -> MigrationError:
    """A SQLite file belongs to one program. A PostgreSQL database may hold other tables (extensions) if no names clash."""
    return MigrationError(
        f"{path} holds tables of another program ({table}, …): give Ostiary a database of its own"
    )


def _stored_postgresql(url: str) -> str | None:
    import psycopg

    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise MigrationError(
                f"the database's encoding is {encoding}, which can't store every name: create another one with "
                "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
            )
        try:
            return _only(connection.execute(_STORED).fetchall())
        except psycopg.errors.UndefinedTable:
            return None


def _only(rows: Iterable[tuple[str, ...]]) -> str | None:
    return next((row[0] for row in rows), None)
