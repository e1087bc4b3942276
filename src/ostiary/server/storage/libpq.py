"""A small client over libpq (`psycopg.pq`): several statements in one trip, and little else.

psycopg connects; its cursors are left out because they cost most of what a transaction costs this process
(docs/adr/0003). Values go out as text with the types below, statements are prepared once per connection.
"""

import select
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import psycopg
from psycopg import pq

from ostiary.server.core.millis import SECOND
from ostiary.server.storage.fibers import InThread, Waits
from ostiary.server.storage.tx import Row

ANSWER_LIMIT = 12 * SECOND
"""Milliseconds without a byte from the server after which the connection counts as lost.

Twice a statement's own limit: a server that is only slow says so before; a network that swallows says nothing,
and a person waits."""
PREPARED = 1_000
"""Statements prepared per connection; one beyond them is sent in full."""

_KEEPALIVES: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8_000,
}
"""A server that vanished from the network is noticed in seconds, not hours."""

_INT8, _BYTEA, _GUESS = 20, 17, 0
"""Types of parameters. Text is left for the server to tell, as it is for a literal in quotes."""
_TEXT_FORMAT, _BINARY_FORMAT = 0, 1

_GOOD = frozenset({pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK})

Statement = tuple[str, Sequence[Any]]
"""SQL with $1, $2 …, and their values: str, int, bool (0 and 1), bytes, None."""

_Key = tuple[str, tuple[int, ...]]
"""A statement's SQL and the types of its parameters."""


class _Plan:
    """One statement as one connection knows it."""

    __slots__ = ("key", "name", "reads")

    def __init__(self, key: _Key, name: bytes) -> None:
        self.key = key
        self.name = name
        """What the server calls it; empty: it is sent in full."""
        self.reads: list[Callable[[bytes], Any]] | None = None
        """How its columns are read, since the first time. They stay what they are: the server would refuse."""


class Answer:
    """What the server said to one statement."""

    __slots__ = ("_plan", "_result")

    def __init__(self, result: pq.abc.PGresult, plan: _Plan) -> None:
        self._result = result
        self._plan = plan

    @property
    def touched(self) -> int:
        """How many rows it touched, or found."""
        return self._result.command_tuples or 0

    @property
    def tag(self) -> str:
        """What was done: COMMIT, ROLLBACK, UPDATE 1 and the like."""
        return (self._result.command_status or b"").decode()

    def rows(self) -> list[Row]:
        """Its rows; whole numbers as int, flags as 0 and 1, bytea as bytes, everything else as str."""
        result, reads = self._result, self._plan.reads
        if reads is None:
            reads = [_READ.get(result.ftype(column), bytes.decode) for column in range(result.nfields)]
            self._plan.reads = reads
        value = result.get_value
        return [
            # From a list: a generator would be entered once for each column.
            tuple([None if (raw := value(row, at)) is None else read(raw) for at, read in enumerate(reads)])
            for row in range(result.ntuples)
        ]


class Wire:
    """One connection. Used by one at a time; after an error that is not the server's answer it is closed."""

    def __init__(self, url: str) -> None:
        self.waits: Waits = InThread()
        """How its present user waits."""
        self._connection = psycopg.connect(
            url, autocommit=True, application_name="ostiary", client_encoding="utf8", **_KEEPALIVES
        )
        self._pg = self._connection.pgconn
        self._pg.nonblocking = 1
        self._socket = self._pg.socket
        self._glance = select.poll()
        self._glance.register(self._socket, select.POLLIN)
        self._pg.enter_pipeline_mode()  # for good: every trip is a pipeline
        self._plans: dict[_Key, _Plan] = {}
        """What is prepared here."""
        self._named = 0
        self.failed_at = -1
        """Which statement of the newest trip failed; -1: none, or the connection did."""

    @property
    def closed(self) -> bool:
        """Whether it is of no more use."""
        return self._connection.closed

    def silent(self) -> bool:
        """Whether the server said nothing unasked: what it says to an idle connection is that it hangs up."""
        return not self._glance.poll(0)

    def close(self) -> None:
        """Hang up."""
        self.waits.forget(self._socket)
        self._connection.close()

    def trip(self, *statements: Statement) -> list[Answer]:
        """Send statements and wait for their answers; after one that fails, none of the later ones is run.

        Raises the first one's psycopg.Error (with `sqlstate`), psycopg.OperationalError without a state
        where the connection is lost, ValueError for a value that is none of ours.
        """
        self.failed_at = -1
        encoded = [(text, *_encoded(values)) for text, values in statements]
        awaited: list[_Plan | None] = []
        try:
            for text, values, shape in encoded:
                self._send(awaited, text, values, shape)
            self._pg.pipeline_sync()
            self._flush()
            answers, failed = self._collect(awaited)
        except BaseException:
            self.close()
            raise
        if failed is not None:
            raise self._error(failed)
        return answers

    def _send(
        self, awaited: list[_Plan | None], text: str, values: list[bytes | None], shape: "_Shape"
    ) -> None:
        """Queue one statement, and to `awaited` what will be answered: None is that it was prepared."""
        pg, key = self._pg, (text, shape.types)
        plan = self._plans.get(key)
        if plan is None:
            if self._named >= PREPARED:
                pg.send_query_params(text.encode(), values, shape.types, shape.formats)
                awaited.append(_Plan(key, b""))
                return
            self._named += 1
            plan = self._plans[key] = _Plan(key, b"s%d" % self._named)
            pg.send_prepare(plan.name, text.encode(), shape.types)
            awaited.append(None)
        pg.send_query_prepared(plan.name, values, shape.formats)
        awaited.append(plan)

    def _flush(self) -> None:
        while self._pg.flush():  # more than the socket takes at once: make room on both ends
            ready = self.waits.ready(self._socket, select.POLLIN | select.POLLOUT, ANSWER_LIMIT)
            if not ready:
                raise psycopg.OperationalError("PostgreSQL takes nothing any more")
            if ready & ~select.POLLOUT:
                self._pg.consume_input()

    def _collect(self, awaited: list[_Plan | None]) -> tuple[list[Answer], pq.abc.PGresult | None]:
        """The answers, and the first that is an error (those after it were not run, nor prepared)."""
        pg = self._pg
        answers: list[Answer] = []
        failed: pq.abc.PGresult | None = None
        for plan in awaited:
            result = self._result()
            if failed is None:
                if result.status not in _GOOD:
                    failed, self.failed_at = result, len(answers)
                    self._forget(awaited)
                    if pg.status != pq.ConnStatus.OK:
                        return answers, failed
                elif plan is not None:
                    answers.append(Answer(result, plan))
            pg.get_result()  # None: the end of one statement's results
        self._result()  # of the sync
        return answers, failed

    def _forget(self, awaited: list[_Plan | None]) -> None:
        """After an error, take nothing that this trip was to prepare as prepared."""
        for place, plan in enumerate(awaited):
            if plan is not None and place and awaited[place - 1] is None:
                self._plans.pop(plan.key, None)

    def _result(self) -> pq.abc.PGresult:
        pg = self._pg
        while pg.is_busy():
            self._listen()
        result = pg.get_result()
        if result is None:
            raise psycopg.OperationalError("The connection to PostgreSQL was lost")
        return result

    def _listen(self) -> None:
        """Wait until the server says something, and take it in."""
        if not self.waits.ready(self._socket, select.POLLIN, ANSWER_LIMIT):
            raise psycopg.OperationalError("PostgreSQL did not answer in time")
        self._pg.consume_input()

    def _error(self, failed: pq.abc.PGresult) -> psycopg.Error:
        """The server's error; where it hangs up after it, so do we."""
        if failed.error_field(pq.DiagnosticField.SQLSTATE) is None:
            self.close()
            return psycopg.OperationalError(failed.get_error_message("utf-8"))
        if failed.error_field(pq.DiagnosticField.SEVERITY_NONLOCALIZED) != b"ERROR":
            self.close()
        return psycopg.errors.error_from_result(failed)


class _Shape(NamedTuple):
    """How values of certain Python types go out."""

    encoders: tuple[Callable[[Any], bytes | None], ...]
    types: tuple[int, ...]
    formats: tuple[int, ...]


def _encoded(values: Sequence[Any]) -> tuple[list[bytes | None], _Shape]:
    """The values as libpq wants them, and what they are."""
    shape = _shape(tuple(map(type, values)))
    return [encode(value) for encode, value in zip(shape.encoders, values, strict=True)], shape


@lru_cache(maxsize=4096)
def _shape(kinds: tuple[type, ...]) -> _Shape:
    ways = [_way(kind) for kind in kinds]
    return _Shape(tuple(way[0] for way in ways), tuple(way[1] for way in ways), tuple(way[2] for way in ways))


def _way(kind: type) -> tuple[Callable[[Any], bytes | None], int, int]:
    """How values of one type are encoded, with the type and the format they have then."""
    if issubclass(kind, str):
        return _text, _GUESS, _TEXT_FORMAT
    if kind is type(None):
        return _nothing, _GUESS, _TEXT_FORMAT
    if issubclass(kind, int):
        # Always bigint: one prepared statement instead of one per size. A bool is a flag, as in SQLite.
        return b"%d".__mod__, _INT8, _TEXT_FORMAT
    if issubclass(kind, (bytes, bytearray, memoryview)):
        return bytes, _BYTEA, _BINARY_FORMAT
    raise ValueError(f"A parameter is str, int, bool, bytes or None, not {kind.__name__}")


def _text(value: str) -> bytes:
    if "\0" in value:  # libpq would end the text there
        raise ValueError("PostgreSQL has no text with NUL in it")
    return value.encode()


def _nothing(_value: None) -> None:
    """NULL."""


def _flag(raw: bytes) -> int:
    return int(raw == b"t")


def _bytea(raw: bytes) -> bytes:
    return bytes.fromhex(raw[2:].decode())  # "\\x…", PostgreSQL's form since 9.0


_READ: dict[int, Callable[[bytes], Any]] = {
    16: _flag,
    17: _bytea,
    20: int,
    21: int,
    23: int,
    26: int,
    1700: int,  # numeric: a sum of bigints; the tables hold no fractions
}
"""How values of a type (its oid) are read; text and everything else as str."""
