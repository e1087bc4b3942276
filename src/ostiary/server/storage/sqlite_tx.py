"""A step's view of a SQLite transaction, writing or reading."""

import sqlite3
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, NoReturn

from ostiary.server.storage.jobs import Fact, Topics
from ostiary.server.storage.last import Last, LeavesToLast
from ostiary.server.storage.sqlite_file import translated
from ostiary.server.storage.tx import ConflictError, ReadsOnly, Row, Sql, Tx, UnavailableError


class SqliteTx(LeavesToLast):
    """A step's view of the transaction: see `Tx`. `must` runs at once here.

    All statements of a connection go through one cursor: what one found is fetched before the next begins. Each method
    runs its statement itself: with forty statements a change, a function in between shows.
    """

    dialect = "sqlite"
    __slots__ = ("_cursor", "facts", "failure", "last", "listeners", "statements", "topics")

    def __init__(self, cursor: sqlite3.Cursor, last: Last, listeners: Container[str] = ()) -> None:
        """`last`: where it leaves what is done at the end of the transaction, which is not its own business."""
        self._cursor: sqlite3.Cursor | _Failed = cursor
        self.last = last
        self.listeners = listeners
        self.facts: list[Fact] = []
        self.topics: Topics = {}
        self.statements = 0
        self.failure: sqlite3.Error | None = None
        """The first error of the database: nothing runs after it, even where a step caught it."""

    def one(self, sql: Sql, **params: Any) -> Row | None:
        """See `Tx.one`."""
        self.statements += 1
        try:
            row: Row | None = self._cursor.execute(sql.sqlite, sql.values(params)).fetchone()
        except sqlite3.Error as error:
            self._fail(error)
            raise
        return row

    def all(self, sql: Sql, **params: Any) -> list[Row]:
        """See `Tx.all`."""
        self.statements += 1
        try:
            return self._cursor.execute(sql.sqlite, sql.values(params)).fetchall()
        except sqlite3.Error as error:
            self._fail(error)
            raise

    def run(self, sql: Sql, **params: Any) -> int:
        """See `Tx.run`."""
        self.statements += 1
        try:
            touched = self._cursor.execute(sql.sqlite, sql.values(params)).rowcount
            return touched if touched >= 0 else _touched(self._cursor)
        except sqlite3.Error as error:
            self._fail(error)
            raise

    def must(self, sql: Sql, *, expect: int | None = 1, **params: Any) -> None:
        """See `Tx.must`."""
        self.statements += 1
        try:
            touched = self._cursor.execute(sql.sqlite, sql.values(params)).rowcount
            if touched < 0:
                touched = _touched(self._cursor)
        except sqlite3.Error as error:
            self._fail(error)
            raise
        if expect is not None and touched != expect:
            raise ConflictError(f"{touched} rows instead of {expect}: {sql!r}")

    def each(self, sql: Sql, rows: Sequence[Mapping[str, Any]]) -> int:
        """See `Tx.each`."""
        return self._each(sql, [*map(sql.values, rows)])

    def must_each(
        self, sqls: tuple[Sql, ...], rows: Sequence[tuple[Any, ...]], *, expect: int | None = 1
    ) -> None:
        """See `Tx.must_each`."""
        touched = self._each(sqls[0], rows)
        if expect is not None and touched != expect * len(rows):
            raise ConflictError(f"{touched} rows instead of {expect} each: {sqls[0]!r}")

    def soon(self, sql: Sql, **params: Any) -> None:
        """See `Tx.soon`: a look costs no trip here."""

    def survive(self, fact: Callable[[Tx], None]) -> None:
        """See `Tx.survive`."""
        self.facts.append(fact)

    def after_commit(self, topic: str, *things: object) -> None:
        """See `Tx.after_commit`."""
        self.topics.setdefault(topic, []).extend(things)

    def _each(self, sql: Sql, rows: Sequence[tuple[Any, ...]]) -> int:
        self.statements += len(rows)
        try:
            return self._cursor.executemany(sql.sqlite, rows).rowcount
        except sqlite3.Error as error:
            self._fail(error)
            raise

    def _fail(self, error: sqlite3.Error) -> None:
        self.failure = error
        self._cursor = _Failed(error)


def do_last(cursor: sqlite3.Cursor, last: Last) -> int:
    """Do what the steps of a transaction left for its end; how many statements that were."""
    statements = 0
    try:
        for sqls, rows in last.rows():
            cursor.executemany(sqls[0].sqlite, rows)
            statements += len(rows)
    except sqlite3.Error as error:
        raise translated(error) from error
    return statements


class _Failed:
    """Stands where the cursor of a failed transaction stood."""

    def __init__(self, why: sqlite3.Error) -> None:
        self._why = why

    def execute(self, *_: object) -> NoReturn:
        """Refuse."""
        raise UnavailableError("The transaction has failed") from self._why

    executemany = execute


def _touched(cursor: sqlite3.Cursor | _Failed) -> int:
    # The module counts only for statements that begin with their verb; WITH … INSERT has to be asked for.
    count: int = cursor.execute("SELECT changes()").fetchone()[0]
    return count


class SqliteReadTx(ReadsOnly, SqliteTx):
    """The same over a snapshot that nothing is written to."""

    __slots__ = ()
