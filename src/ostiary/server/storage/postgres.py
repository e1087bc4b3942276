"""The PostgreSQL engine: psycopg connections in a few threads, one transaction a step.

Rules of this room:
1. READ COMMITTED, with BEGIN in the first statement's flush and COMMIT in the last `must`'s.
2. The server itself counts the rows of a `must` and fails the transaction where they are not what was
   expected; so a COMMIT in the same flush can never store what a check would have refused.
3. Serialization failures and deadlocks are conflicts: the step runs again.
4. A COMMIT whose answer did not arrive may or may not have happened: `UnavailableError`, never success.
5. Everybody waits in one queue, first come, first served; BULK has a connection of its own.
"""

import re
import threading
import time
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import msgspec
import psycopg

from ostiary.server.core.millis import SECOND
from ostiary.server.core.ports import Clock, Ports
from ostiary.server.storage.jobs import Counts, Crew, Fact, Job, Topics, answer, unavailable, work
from ostiary.server.storage.libpq import Answer, Statement, Wire
from ostiary.server.storage.listening import Listeners
from ostiary.server.storage.tx import ConflictError, Lane, Row, Sql, Tx, UnavailableError

CONNECTIONS = 16
STATEMENT_LIMIT = 5 * SECOND
LOCK_LIMIT = 3 * SECOND
IDLE_LIMIT = 10 * SECOND
"""How long a step may think inside its transaction before the server takes its locks away."""
JITTER = 20
"""Milliseconds; a run after a conflict waits up to this, times its number."""

BEGIN_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
BEGIN_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

_CONFLICTS = frozenset({"40001", "40P01", "23505"})
"""Serialization failure, deadlock; a name that a rival took between a look and an UPDATE: run again, the step sees it."""
_MISCOUNTED = "22012"
"""Division by zero: see `checked`."""
_PLANS_GONE = frozenset({"0A000", "26000"})
"""A prepared statement no longer fits its table, or is gone: a new connection prepares it anew."""
_MACHINE = frozenset({"08", "53", "57", "58", "F0", "XX"})
_MACHINE_CODES = frozenset({"25006", "55P03", "25P03"})

_ONE_ROW = re.compile(
    r"\s*INSERT\s+INTO\s+\w+\s*\([^()]*\)\s*VALUES\s*\((?:[^()]|\([^()]*\))*\)\s*", re.IGNORECASE
)
"""An INSERT with VALUES (…), once, and no ON CONFLICT."""

_SESSION = f"""
SELECT set_config('statement_timeout', '{STATEMENT_LIMIT}', false),
       set_config('lock_timeout', '{LOCK_LIMIT}', false),
       set_config('idle_in_transaction_session_timeout', '{IDLE_LIMIT}', false),
       set_config('synchronous_commit',
                  CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END,
                  false),
       set_config('enable_seqscan', 'off', false),
       set_config('enable_bitmapscan', 'off', false),
       set_config('jit', 'off', false)
"""
"""Every statement here looks its rows up by an index (tests show it). Left to itself, PostgreSQL reads a small table whole
and keeps that plan while the table grows, until it is next analyzed; and a bitmap scan never clears away index entries
of dead rows, of which the outbox's queue is full. Off is a weight, not a ban: what can only read whole still does. That
weight looks like a dear query, which would be compiled first.
"""


def connect(url: str) -> Wire:
    """Open a connection set up for this room. Raises psycopg.Error; RuntimeError where commits are not durable."""
    wire = Wire(url)
    try:
        session = wire.trip((_SESSION, ()))[0].rows()[0]
    except BaseException:
        wire.close()
        raise
    if session[3] not in {"on", "remote_apply"}:
        wire.close()
        raise RuntimeError("PostgreSQL refuses synchronous_commit=on: an answered change could be lost")
    return wire


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


class PostgresReadTx(PostgresTx):
    """The same over a snapshot that nothing is written to."""

    def run(self, sql: Sql, **params: Any) -> int:  # noqa: ARG002 - the signature is Tx's
        """Refuse: a programming error."""
        raise TypeError(f"store.read(step) writes nothing: {sql!r}")

    def must_each(self, sqls: tuple[Sql, ...], *_: object, **__: object) -> None:
        """Refuse: a programming error."""
        raise TypeError(f"store.read(step) writes nothing: {sqls!r}")

    def each(self, sql: Sql, rows: Sequence[Mapping[str, Any]]) -> int:  # noqa: ARG002 - as above
        """Refuse: a programming error."""
        raise TypeError(f"store.read(step) writes nothing: {sql!r}")

    def must(self, sql: Sql, *, expect: int | None = 1, **params: Any) -> None:  # noqa: ARG002 - as above
        """Refuse: a programming error."""
        raise TypeError(f"store.read(step) writes nothing: {sql!r}")


class PostgresEngine:
    """The connections to one database."""

    dialect = "postgresql"

    def __init__(
        self,
        url: str,
        ports: Ports,
        counts: Counts,
        listeners: Listeners,
        connections: int = CONNECTIONS,
    ) -> None:
        connect(url).close()  # a wrong URL or password is told at once, not at the first request
        shared = _Shared(url, ports, counts, listeners)
        self._people = Crew("store", max(1, connections - 1), lambda: _Connection(shared))
        self._bulk = Crew("store-bulk", 1, lambda: _Connection(shared))

    def write(self, job: Job, lane: Lane) -> None:
        """Queue a step for the next free connection."""
        (self._people if lane is Lane.LIVE else self._bulk).put(job)

    def read(self, job: Job) -> None:
        """Queue a reading step for the next free connection."""
        self._people.put(job)

    def waiting(self) -> int:
        """See `Engine.waiting`."""
        return len(self._people) + len(self._bulk)

    def close(self) -> None:
        """Finish what waits; blocks until the last commit is answered."""
        self._people.close()
        self._bulk.close()


class _Shared:
    """What the connections of an engine have in common."""

    def __init__(self, url: str, ports: Ports, counts: Counts, listeners: Listeners) -> None:
        self.url = url
        self.ports = ports
        self.counts = counts
        self.listeners = listeners
        self.counting = threading.Lock()

    @property
    def clock(self) -> Clock:
        """Ours, for how long a job waited."""
        return self.ports.clock


class _Connection:
    """One thread and its connection, which is opened when needed and replaced when it died."""

    def __init__(self, shared: _Shared) -> None:
        self._shared = shared
        self._wire: Wire | None = None
        self._counts = Counts()
        """Of one job: added to the engine's under the lock."""

    def serve(self, job: Job) -> None:
        """Do the job and answer it."""
        if job.given_up_at <= self._shared.clock.undisturbed():
            job.error = unavailable("The step waited too long for its turn")
        elif not job.future.done():
            self._counts.batches += not job.reads
            self._counts.steps += not job.reads
            work(job, self._transaction, self._pause, self._counts)
        self._counts.unavailable += isinstance(job.error, UnavailableError)
        topics = job.topics
        self._counts.tally(topics)
        self._count()
        answer([job])
        if topics:
            self._shared.listeners.tell(topics)

    def close(self) -> None:
        """Let go of the connection."""
        if self._wire is not None:
            self._wire.close()

    def _transaction(self, job: Job) -> Any:
        """Run a step between BEGIN and COMMIT; where anything goes wrong, ROLLBACK."""
        wire = self._opened()
        tx = (
            PostgresReadTx(wire, BEGIN_READ)
            if job.reads
            else PostgresTx(wire, listeners=self._shared.listeners)
        )
        try:
            value = job.step(tx)
            begun = time.perf_counter()
            tx.commit()
            self._counts.commit_seconds += 0.0 if job.reads else time.perf_counter() - begun
        except BaseException as error:
            job.facts = tx.facts or job.facts
            self._undo(wire, error)
            raise translated(error, tx, wire) from error
        finally:
            self._counts.statements += tx.statements
        self._counts.commits += tx.begun and not job.reads
        job.topics = tx.topics
        return value

    def _opened(self) -> Wire:
        if self._wire is not None and not self._wire.silent():
            self._wire.close()
            self._wire = None
        if self._wire is None:
            try:
                self._wire = connect(self._shared.url)
            except (psycopg.Error, RuntimeError) as error:
                raise unavailable(error) from error
        return self._wire

    def _undo(self, wire: Wire, error: BaseException) -> None:
        """ROLLBACK, on a connection that is still good; another one next time otherwise."""
        with suppress(psycopg.Error):
            if not wire.closed and getattr(error, "sqlstate", None) not in _PLANS_GONE:
                wire.trip(("ROLLBACK", ()))
                return
        wire.close()
        self._wire = None

    def _count(self) -> None:
        mine, self._counts = self._counts, Counts()
        with self._shared.counting:
            self._shared.counts.add(mine)

    def _pause(self, run: int) -> None:
        dice = self._shared.ports.random_bytes(1)[0]
        threading.Event().wait(JITTER / SECOND * run * dice / 255)


def translated(error: BaseException, tx: PostgresTx, wire: Wire) -> BaseException:
    """`ConflictError`: again. `UnavailableError`: the machine's fault. Anything else is the step's own error."""
    if not isinstance(error, psycopg.Error):
        return error
    code = error.sqlstate or ""
    if code in _CONFLICTS or code in _PLANS_GONE or code == _MISCOUNTED:
        return ConflictError(str(error))
    if wire.closed and not tx.begun and not tx.committing:
        # The server was restarted while this connection waited for work: nothing was sent that could have counted.
        return ConflictError(str(error))
    gone = isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)) and not code
    if gone or code[:2] in _MACHINE or code in _MACHINE_CODES:
        return unavailable(error)
    return error
