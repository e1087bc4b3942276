"""A step's view of a PostgreSQL transaction: what goes out when, and what is looked at before COMMIT."""

import re
from collections.abc import Callable, Container, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from ostiary.server.storage.jobs import Fact, Topics, unavailable
from ostiary.server.storage.libpq import Answer, Statement, Wire
from ostiary.server.storage.tx import ConflictError, ReadsOnly, Row, Sql, Tx, UnavailableError

BEGIN_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
BEGIN_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

_ONE_ROW = re.compile(
    r"\s*INSERT\s+INTO\s+\w+\s*\([^()]*\)\s*VALUES\s*\((?:[^()]|\([^()]*\))*\)\s*", re.IGNORECASE
)
"""An INSERT with VALUES (…), once, and no ON CONFLICT."""


@lru_cache(maxsize=1024)
def checked(text: str, expect: int) -> str | None:
    """The statement, failing by itself where it touches another number of rows; None where that can't be said.

    A division by zero is the one plain error a condition can raise without a function of our own in the database.
    An INSERT of one row is left as it is: it adds that row or fails, and counting costs as much as inserting.
    """
    if expect == 1 and _ONE_ROW.fullmatch(text):
        return text
    if not re.match(r"\s*(?:INSERT|UPDATE|DELETE)\b", text, re.IGNORECASE) or "RETURNING" in text.upper():
        return None
    return f"WITH touched AS ({text} RETURNING 1) SELECT 1 / (count(*) = {expect:d})::int FROM touched"


class PostgresTx:
    """A step's view of the transaction: see `Tx`."""

    dialect = "postgresql"

    def __init__(self, wire: Wire, begin: str = BEGIN_WRITE, listeners: Container[str] = ()) -> None:
        self._wire = wire
        self.listeners = listeners
        self._deferred: list[Statement] = [(begin, ())]
        """What goes out with the next flush."""
        self._expected: dict[int, int] = {}
        """Place in `_deferred` → rows, for the statements that cannot check themselves."""
        self._foretold: list[Statement] = []
        """What goes out behind the next statement."""
        self._early: dict[tuple[str, tuple[Any, ...]], Answer] = {}
        """What was answered before it was asked for; good until the next statement."""
        self.facts: list[Fact] = []
        self.topics: Topics = {}
        self.statements = 0
        self.begun = False
        """Whether the server answered anything yet."""
        self.committing = False
        """Whether COMMIT was sent: from then on, an error does not say what happened."""
        self.failure: Exception | None = None

    def one(self, sql: Sql, **params: Any) -> Row | None:
        """See `Tx.one`."""
        rows = self._look(sql, params).rows()
        return rows[0] if rows else None

    def all(self, sql: Sql, **params: Any) -> list[Row]:
        """See `Tx.all`."""
        return self._look(sql, params).rows()

    def run(self, sql: Sql, **params: Any) -> int:
        """See `Tx.run`."""
        return self._now(sql, params).touched

    def must(self, sql: Sql, *, expect: int | None = 1, **params: Any) -> None:
        """See `Tx.must`."""
        self._defer(sql, _values(sql, params), expect)

    def each(self, sql: Sql, rows: Sequence[Mapping[str, Any]]) -> int:
        """See `Tx.each`."""
        return self.run(sql, rows=msgspec.json.encode(rows).decode())

    def must_each(
        self, sqls: tuple[Sql, ...], rows: Sequence[tuple[Any, ...]], *, expect: int | None = 1
    ) -> None:
        """See `Tx.must_each`."""
        every = None if expect is None else expect * len(rows)
        self._defer(sqls[len(rows) - 1], [value for row in rows for value in row], every)

    def soon(self, sql: Sql, **params: Any) -> None:
        """See `Tx.soon`."""
        self._foretold.append((sql.postgresql, _values(sql, params)))

    def survive(self, fact: Callable[[Tx], None]) -> None:
        """See `Tx.survive`."""
        self.facts.append(fact)

    def after_commit(self, topic: str, *things: object) -> None:
        """See `Tx.after_commit`."""
        self.topics.setdefault(topic, []).extend(things)

    def commit(self) -> None:
        """Flush what is deferred, and COMMIT: in the same flush unless a count must be looked at first."""
        if self.failure is not None:  # the step caught it
            raise self.failure
        if not self.begun and len(self._deferred) == 1:
            return  # the step asked the database nothing
        self._foretold = []
        if self._expected:
            self._flush()
        self.committing = True
        status = self._flush(("COMMIT", ())).tag
        if status != "COMMIT":
            raise unavailable(f"COMMIT was answered with {status}")

    def _defer(self, sql: Sql, values: list[Any], expect: int | None) -> None:
        self.statements += 1
        self._early = {}
        text = sql.postgresql
        if expect is not None:
            guarded = checked(text, expect)
            if guarded is None:
                self._expected[len(self._deferred)] = expect
            text = guarded or text
        self._deferred.append((text, values))

    def _look(self, sql: Sql, params: dict[str, Any]) -> Answer:
        early = self._early.pop((sql.postgresql, tuple(_values(sql, params))), None) if self._early else None
        return early or self._now(sql, params)

    def _now(self, sql: Sql, params: dict[str, Any]) -> Answer:
        self.statements += 1
        return self._flush((sql.postgresql, _values(sql, params)))

    def _flush(self, *last: Statement) -> Answer:
        """Send everything deferred, `last` and what was foretold in one trip; the answer to `last`."""
        if self.failure is not None:
            raise UnavailableError("The transaction has failed") from self.failure
        batch, expected, foretold = [*self._deferred, *last], self._expected, self._foretold
        self._deferred, self._expected, self._foretold = [], {}, []
        try:
            answers = self._wire.trip(*batch, *foretold)
        except Exception as error:
            self.failure = error
            raise
        self.begun = True
        for place, rows in expected.items():
            if answers[place].touched != rows:
                self.failure = ConflictError(
                    f"{answers[place].touched} rows instead of {rows}: {batch[place][0]}"
                )
                raise self.failure
        self.statements += len(foretold)
        early = zip(foretold, answers[len(batch) :], strict=True)
        self._early = {(text, tuple(values)): answer for (text, values), answer in early}
        return answers[len(batch) - 1]


def _values(sql: Sql, params: dict[str, Any]) -> list[Any]:
    return [params[name] for name in sql.names]


class PostgresReadTx(ReadsOnly, PostgresTx):
    """The same over a snapshot that nothing is written to."""
