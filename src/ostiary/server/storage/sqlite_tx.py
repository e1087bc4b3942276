"""A step's view of a SQLite transaction, writing or reading."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ostiary.server.storage.jobs import Fact
from ostiary.server.storage.tx import ConflictError, Row, Sql, Tx, UnavailableError


class SqliteTx:
    """A step's view of the transaction: see `Tx`. `must` runs at once here.

    All statements of a connection go through one cursor: what one found is fetched before the next begins.
    """

    dialect = "sqlite"
    __slots__ = ("_cursor", "facts", "failure", "statements", "topics")

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor
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
        touched: int = self._do(sql, params, _touched)
        return touched

    def must(self, sql: Sql, *, expect: int | None = 1, **params: Any) -> None:
        """See `Tx.must`."""
        touched = self._do(sql, params, _touched)
        if expect is not None and touched != expect:
            raise ConflictError(f"{touched} rows instead of {expect}: {sql!r}")

    def each(self, sql: Sql, rows: Sequence[Mapping[str, Any]]) -> int:
        """See `Tx.each`."""
        if self.failure is not None:
            raise UnavailableError("The transaction has failed") from self.failure
        self.statements += len(rows)
        try:
            return self._cursor.executemany(sql.sqlite, map(sql.values, rows)).rowcount
        except sqlite3.Error as error:
            self.failure = error
            raise

    def soon(self, sql: Sql, **params: Any) -> None:
        """See `Tx.soon`: a look costs no trip here."""

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
            return take(self._cursor.execute(sql.sqlite, sql.values(params)))
        except sqlite3.Error as error:
            self.failure = error
            raise


def _touched(cursor: sqlite3.Cursor) -> int:
    if cursor.rowcount >= 0:
        return cursor.rowcount
    # The module counts only for statements that begin with their verb; WITH … INSERT has to be asked for.
    cursor.fetchall()
    count: int = cursor.execute("SELECT changes()").fetchone()[0]
    return count


class SqliteReadTx(SqliteTx):
    """The same over a snapshot that nothing is written to."""

    __slots__ = ()

    def run(self, sql: Sql, **params: Any) -> int:  # noqa: ARG002 - the signature is Tx's
        """Refuse: a programming error."""
        raise TypeError(f"store.read(step) writes nothing: {sql!r}")

    def each(self, sql: Sql, rows: Sequence[Mapping[str, Any]]) -> int:  # noqa: ARG002 - as above
        """Refuse: a programming error."""
        raise TypeError(f"store.read(step) writes nothing: {sql!r}")

    def must(self, sql: Sql, *, expect: int | None = 1, **params: Any) -> None:  # noqa: ARG002 - as above
        """Refuse: a programming error."""
        raise TypeError(f"store.read(step) writes nothing: {sql!r}")
