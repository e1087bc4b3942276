"""A small client over libpq (`psycopg.pq`): several statements in one trip, and little else.

psycopg connects; its cursors are left out because they cost most of what a transaction costs this process
(docs/adr/0003). Values go out as text with the types below, statements are prepared once per connection.
"""

import select
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from psycopg import pq

from ostiary.server.core.millis import SECOND
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

_Prepared = tuple[tuple[str, tuple[int, ...]], bytes]
"""(SQL, types of its parameters) and the name it has on one connection."""


class Answer:
    """What the server said to one statement."""

    __slots__ = ("_result",)

    def __init__(self, result: pq.abc.PGresult) -> None:
        self._result = result

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
        result = self._result
        read = [_READ.get(result.ftype(column), bytes.decode) for column in range(result.nfields)]
        return [
            tuple(
                None if (raw := result.get_value(row, column)) is None else decode(raw)
                for column, decode in enumerate(read)
            )
            for row in range(result.ntuples)
        ]


class Wire:
    """One connection. Used by one thread at a time; after an error that is not the server's answer it is closed."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(
            url, autocommit=True, application_name="ostiary", client_encoding="utf8", **_KEEPALIVES
        )
        self._pg = self._connection.pgconn
        self._pg.nonblocking = 1
        self._poll = select.poll()
        self._poll.register(self._pg.socket, select.POLLIN)
        self._prepared: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._named = 0

    @property
    def closed(self) -> bool:
        """Whether it is of no more use."""
        return self._connection.closed

    def silent(self) -> bool:
        """Whether the server said nothing unasked: what it says to an idle connection is that it hangs up."""
        return not self._poll.poll(0)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def trip(self, *statements: Statement) -> list[Answer]:
        """Send statements and wait for their answers; after one that fails, none of the later ones is run.

        Raises the first one's psycopg.Error (with `sqlstate`), psycopg.OperationalError without a state
        where the connection is lost, ValueError for a value that is none of ours.
        """
        encoded = [(text, *_encoded(values)) for text, values in statements]
        pg = self._pg
        try:
            pg.enter_pipeline_mode()
            awaited = [command for statement in encoded for command in self._send(*statement)]
            pg.pipeline_sync()
            self._flush()
            answers, failed = self._collect(awaited)
            if failed is None or pg.status == pq.ConnStatus.OK:
                self._result()  # of the sync
                pg.exit_pipeline_mode()
        except BaseException:
            self.close()
            raise
        if failed is not None:
            raise self._error(failed)
        return answers

    def _send(
        self, text: str, values: list[bytes | None], types: tuple[int, ...], formats: list[int]
    ) -> list[_Prepared | None]:
        """Queue one statement; one entry for each answer there will be: what it prepares, or None."""
        pg, key = self._pg, (text, types)
        name = self._prepared.get(key)
        if name is not None:
            pg.send_query_prepared(name, values, formats)
            return [None]
        if len(self._prepared) >= PREPARED:
            pg.send_query_params(text.encode(), values, types, formats)
            return [None]
        self._named += 1
        name = b"s%d" % self._named
        pg.send_prepare(name, text.encode(), types)
        pg.send_query_prepared(name, values, formats)
        return [(key, name), None]

    def _flush(self) -> None:
        while self._pg.flush():  # more than the socket takes at once: make room on both ends
            both = select.poll()
            both.register(self._pg.socket, select.POLLIN | select.POLLOUT)
            ready = both.poll(ANSWER_LIMIT)
            if not ready:
                raise psycopg.OperationalError("PostgreSQL takes nothing any more")
            if ready[0][1] & ~select.POLLOUT:
                self._pg.consume_input()

    def _collect(self, awaited: list[_Prepared | None]) -> tuple[list[Answer], pq.abc.PGresult | None]:
        """The answers, and the first that is an error (those after it were not run)."""
        answers: list[Answer] = []
        failed: pq.abc.PGresult | None = None
        for prepared in awaited:
            result = self._result()
            if failed is not None:
                pass
            elif result.status not in _GOOD:
                failed = result
                if self._pg.status != pq.ConnStatus.OK:
                    break
            elif prepared is not None:
                self._prepared[prepared[0]] = prepared[1]
            else:
                answers.append(Answer(result))
            self._pg.get_result()  # None: the end of one statement's results
        return answers, failed

    def _result(self) -> pq.abc.PGresult:
        pg = self._pg
        while pg.is_busy():
            if not self._poll.poll(ANSWER_LIMIT):
                raise psycopg.OperationalError("PostgreSQL did not answer in time")
            pg.consume_input()
        result = pg.get_result()
        if result is None:
            raise psycopg.OperationalError("The connection to PostgreSQL was lost")
        return result

    def _error(self, failed: pq.abc.PGresult) -> psycopg.Error:
        """The server's error; where it hangs up after it, so do we."""
        if failed.error_field(pq.DiagnosticField.SQLSTATE) is None:
            self.close()
            return psycopg.OperationalError(failed.get_error_message("utf-8"))
        if failed.error_field(pq.DiagnosticField.SEVERITY_NONLOCALIZED) != b"ERROR":
            self.close()
        return psycopg.errors.error_from_result(failed)


def _encoded(values: Sequence[Any]) -> tuple[list[bytes | None], tuple[int, ...], list[int]]:
    """(values, types, formats) as libpq wants them."""
    encoded = [_value(value) for value in values]
    return [one[0] for one in encoded], tuple(one[1] for one in encoded), [one[2] for one in encoded]


def _value(value: Any) -> tuple[bytes | None, int, int]:
    if isinstance(value, str):
        raw = value.encode()
        if b"\0" in raw:  # libpq would end the text there
            raise ValueError("PostgreSQL has no text with NUL in it")
        return raw, _GUESS, _TEXT_FORMAT
    if value is None:
        return None, _GUESS, _TEXT_FORMAT
    if isinstance(value, int):
        # Always bigint: one prepared statement instead of one per size. A bool is a flag, as in SQLite.
        return b"%d" % value, _INT8, _TEXT_FORMAT
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value), _BYTEA, _BINARY_FORMAT
    raise ValueError(f"A parameter is str, int, bool, bytes or None, not {type(value).__name__}")


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
