"""A step's view of a PostgreSQL transaction: what goes out when, and what is looked at before COMMIT."""

import re
from collections.abc import Callable, Container, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

import msgspec

from ostiary.server.storage.jobs import Fact, Topics, unavailable
from ostiary.server.storage.last import Last, LeavesToLast
from ostiary.server.storage.libpq import Answer, Statement
from ostiary.server.storage.postgres_last import statements
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


class Line(Protocol):
    """What a transaction speaks into: a connection (`libpq.Wire`), or a batch that has one (`postgres_batch`)."""

    def trip(self, *statements: Statement) -> list[Answer]:
        """See `Wire.trip`."""


class PostgresTx(LeavesToLast):
    """A step's view of the transaction: see `Tx`."""

    dialect = "postgresql"

    def __init__(self, line: Line, begin: str | None = BEGIN_WRITE, listeners: Container[str] = ()) -> None:
        """`begin`: None where somebody else has begun the transaction."""
        self._line = line
        self.listeners = listeners
        self.deferred: list[Statement] = [] if begin is None else [(begin, ())]
        """What goes out with the next flush."""
        self.expected: dict[int, int] = {}
        """Place in `deferred` → rows, for the statements that cannot check themselves."""
        self.wants: list[str] = []
        """Names of the rows that the next flush locks (`Sql.holds`)."""
        self.wrote = False
        """Whether a flush did more than look and lock."""
        self._writes = False
        """Whether the next one will."""
        self.last = Last()
        """What goes out with COMMIT."""
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
        if not rows:
            return
        every = None if expect is None else expect * len(rows)
        self._defer(sqls[len(rows) - 1], [value for row in rows for value in row], every)

    def soon(self, sql: Sql, **params: Any) -> None:
        """See `Tx.soon`."""
        if sql.holds or sql.writes:
            raise TypeError(f"what is foretold only looks: {sql!r}")
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
        last = statements(self.last)
        if not self.begun and len(self.deferred) == 1 and not last:
            return  # the step asked the database nothing
        self._foretold = []
        if self.expected:
            self._flush()
        self.deferred.extend(last)
        self.statements += len(last)
        self.committing = True
        status = self._flush(("COMMIT", ())).tag
        if status != "COMMIT":
            raise unavailable(f"COMMIT was answered with {status}")

    def _defer(self, sql: Sql, values: list[Any], expect: int | None) -> None:
        self.statements += 1
        self._early = {}
        self._notice(sql, values)
        text = sql.postgresql
        if expect is not None:
            guarded = checked(text, expect)
            if guarded is None:
                self.expected[len(self.deferred)] = expect
            text = guarded or text
        self.deferred.append((text, values))

    def _look(self, sql: Sql, params: dict[str, Any]) -> Answer:
        early = self._early.pop((sql.postgresql, tuple(_values(sql, params))), None) if self._early else None
        return early or self._now(sql, params)

    def _now(self, sql: Sql, params: dict[str, Any]) -> Answer:
        self.statements += 1
        values = _values(sql, params)
        self._notice(sql, values)
        return self._flush((sql.postgresql, values))

    def _notice(self, sql: Sql, values: list[Any]) -> None:
        """What the next flush does that others must know of."""
        if sql.writes:
            self._writes = True
        if sql.holds:
            self.wants.extend(
                [values[place] for place in sql.holds if values[place]]
            )  # "" and NULL name no row

    def _flush(self, *last: Statement) -> Answer:
        """Send everything deferred, `last` and what was foretold in one trip; the answer to `last`."""
        if self.failure is not None:
            raise UnavailableError("The transaction has failed") from self.failure
        batch, expected, foretold = [*self.deferred, *last], self.expected, self._foretold
        self.deferred, self.expected, self._foretold = [], {}, []
        try:
            answers = self._line.trip(*batch, *foretold)
        except Exception as error:
            self.failure = error
            raise
        self.begun = True
        self.wrote, self._writes = self.wrote or self._writes, False
        try:
            look_at(expected, batch, answers)
        except ConflictError as conflict:
            self.failure = conflict
            raise
        self.statements += len(foretold)
        early = zip(foretold, answers[len(batch) :], strict=True)
        self._early = {(text, tuple(values)): answer for (text, values), answer in early}
        return answers[len(batch) - 1]


def look_at(expected: Mapping[int, int], statements: Sequence[Statement], answers: Sequence[Answer]) -> None:
    """Raise ConflictError where a statement touched another number of rows than was expected at its place."""
    for place, rows in expected.items():
        if answers[place].touched != rows:
            raise ConflictError(f"{answers[place].touched} rows instead of {rows}: {statements[place][0]}")


def _values(sql: Sql, params: dict[str, Any]) -> list[Any]:
    return [params[name] for name in sql.names]


class PostgresReadTx(ReadsOnly, PostgresTx):
    """The same over a snapshot that nothing is written to."""
