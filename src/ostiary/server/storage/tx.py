"""A step's view of one transaction, the same on both databases.

A clash is a row count, never an exception. Rows are plain tuples, in the order of the SELECT list.
Statements are written once with `:name` parameters; `Sql` knows both spellings.
"""

import re
from collections.abc import Callable, Container, Mapping, Sequence
from enum import Enum
from operator import itemgetter
from typing import Any, Protocol

Row = tuple[Any, ...]


class Lane(Enum):
    """Who is waiting: a person (LIVE), or a job that takes its turn in chunks of at most 20 ms (BULK)."""

    LIVE = "live"
    BULK = "bulk"


class ConflictError(Exception):
    """A guarded statement touched another number of rows than the step had seen: the step runs again."""


class UnavailableError(Exception):
    """The database could not do it now (locked, full, gone). Answered as 503; nothing was accepted."""

    @property
    def why(self) -> str:
        """What is behind it, by a name that can be logged (a driver's text may quote a row): SQLITE_FULL, 57P01."""
        behind: BaseException = self
        while isinstance(behind.__cause__, BaseException):
            behind = behind.__cause__
        if behind is self:
            return str(self) or type(self).__name__  # our own words
        name = getattr(behind, "sqlite_errorname", None) or getattr(behind, "sqlstate", None)
        return str(name or type(behind).__name__)


class Sql:
    """One statement: SQLite's spelling, and PostgreSQL's, each with numbers for the names of its parameters."""

    __slots__ = ("holds", "names", "postgresql", "sqlite", "text", "values", "writes")

    def __init__(self, text: str, *, postgresql: str | None = None, holds: Sequence[str] = ()) -> None:
        """`holds`: the parameters that name rows which are locked FOR UPDATE or FOR SHARE, here or by whom this waits for."""
        self.text = text
        """As it is written for SQLite."""
        self.sqlite, names = _numbered(text, "?")
        self.values = _picker(names)
        """Parameters in the order of ?1, ?2 …: by place, SQLite's module looks nothing up by name."""
        self.postgresql, self.names = _numbered(postgresql if postgresql is not None else text, "$")
        """With $1, $2 … for `names`, in this order."""
        self.holds = tuple(map(self.names.index, holds))
        """Where in `names` the locked rows' names stand: PostgreSQL's steps that share a transaction take turns by them."""
        self.writes = not self.postgresql.lstrip().startswith("SELECT")
        """Whether it may do more than look and lock."""

    def __repr__(self) -> str:
        return f"Sql({self.text!r})"


def _numbered(text: str, sign: str) -> tuple[str, tuple[str, ...]]:
    """`:name` as a sign and a number, the same for the same name; a double colon is a cast and stays."""
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        if found[1] not in names:
            names.append(found[1])
        return f"{sign}{names.index(found[1]) + 1}"

    return re.sub(r"(?<!:):([a-z_][a-z_0-9]*)", number, text), tuple(names)


def _picker(names: tuple[str, ...]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """Take these values out of a mapping, in this order."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda params: tuple(params[name] for name in names)


def by_rows(most: int, row: str, before: str, after: str = "") -> tuple[Sql, ...]:
    """An INSERT of one row, of two, … of `most`, for a `Tx` that has many; `row` is what stands behind VALUES.

    `#` in the names of a row's parameters is its place.
    """
    return tuple(
        Sql(f"{before} VALUES {', '.join(row.replace('#', str(place)) for place in range(rows))} {after}")
        for rows in range(1, most + 1)
    )


class Tx(Protocol):
    """What storage files build on. Nobody else calls `one`, `all`, `run` or `must` (a house test looks)."""

    dialect: str
    """`sqlite` or `postgresql`."""

    def one(self, sql: Sql, **params: Any) -> Row | None:
        """The only row, or None."""

    def all(self, sql: Sql, **params: Any) -> list[Row]:
        """All rows."""

    def run(self, sql: Sql, **params: Any) -> int:
        """Run it now; how many rows it touched."""

    def must(self, sql: Sql, *, expect: int | None = 1, **params: Any) -> None:
        """Run it before the next statement or the commit, whichever comes first (PostgreSQL: in one flush).

        Where it touches another number of rows than `expect` (None: any), the step is run again from
        the start (`ConflictError`), and answered 503 when that does not help.
        """

    def each(self, sql: Sql, rows: Sequence[Mapping[str, Any]]) -> int:
        """Run one statement for many rows; how many it touched in all.

        SQLite, to which every row is near, runs it for each row with that row's parameters. PostgreSQL runs its own spelling
        once: it finds all rows as JSON in `:rows`, bytes as base64.
        """

    def must_each(
        self, sqls: tuple[Sql, ...], rows: Sequence[tuple[Any, ...]], *, expect: int | None = 1
    ) -> None:
        """`must` for each of these rows, values in the order of the columns; each is to touch `expect` rows (None: any).

        Of `sqls` (`by_rows`), SQLite runs the first one for every row, PostgreSQL the one for all of them.
        """

    def append(self, sqls: tuple[Sql, ...], *rows: tuple[Any, ...]) -> None:
        """Put rows that nobody asks for again in this transaction, values in the order of the columns.

        `sqls` (`by_rows`) are plain INSERTs. PostgreSQL runs them before the commit, a few for all steps that share it.
        """

    def add_up(self, sqls: tuple[Sql, ...], amounts: Mapping[tuple[Any, ...], int]) -> None:
        """Add to rows in which everybody counts, to each key's so much, as the last thing before the commit.

        `sqls` (`by_rows`) insert a key's columns and the amount, or add that to the row that is there. PostgreSQL locks
        these rows in the order of their keys, and adds up what steps that share a commit add to the same one.
        """

    def adding(self, sqls: tuple[Sql, ...], about: Callable[[tuple[Any, ...]], bool]) -> int:
        """What is being added up to rows of such keys, and in no row yet that this transaction's last look could see.

        For whoever keeps a limit: steps that come together look before any of them is stored. SQLite: 0, one by one.
        """

    def soon(self, sql: Sql, **params: Any) -> None:
        """Foretell a look that `one` or `all` will ask for: PostgreSQL is sent it behind the next statement, in one trip.

        A hint that changes no answer: what is written before the look is asked for has it asked anew. The locks
        that the look stands under are taken by that next statement at the latest.
        """

    def survive(self, fact: Callable[["Tx"], None]) -> None:
        """Should this step fail from here on, run `fact` in a transaction of its own before the error is answered.

        For wrong guesses: they are never refunded (phone-change.md §4). `fact` must be safe to run twice.
        """

    listeners: Container[str]
    """Topics that somebody in this process listens to."""

    def after_commit(self, topic: str, *things: object) -> None:
        """Once this transaction is durable, tell the listeners of `topic` (e.g. `outbox`) in this process.

        `things` are given to the first of them, and to nobody where none listens.
        """


class ReadsOnly:
    """Before a `Tx` among the bases: refuses what writes, which is a programming error in a `store.read(step)`."""

    __slots__ = ()

    def run(self, sql: Sql, **_params: Any) -> int:
        """Refuse."""
        raise TypeError(f"store.read(step) writes nothing: {sql!r}")

    def must(self, sql: Sql, *, expect: int | None = 1, **_params: Any) -> None:  # noqa: ARG002 - Tx's signature
        """Refuse."""
        raise TypeError(f"store.read(step) writes nothing: {sql!r}")

    def each(self, sql: Sql, rows: Sequence[Mapping[str, Any]]) -> int:  # noqa: ARG002 - Tx's signature
        """Refuse."""
        raise TypeError(f"store.read(step) writes nothing: {sql!r}")

    def must_each(
        self,
        sqls: tuple[Sql, ...],
        rows: Sequence[tuple[Any, ...]],  # noqa: ARG002 - Tx's signature
        *,
        expect: int | None = 1,  # noqa: ARG002 - as above
    ) -> None:
        """Refuse."""
        raise TypeError(f"store.read(step) writes nothing: {sqls!r}")

    def append(self, sqls: tuple[Sql, ...], *rows: tuple[Any, ...]) -> None:  # noqa: ARG002 - as above
        """Refuse."""
        raise TypeError(f"store.read(step) writes nothing: {sqls!r}")

    def add_up(self, sqls: tuple[Sql, ...], amounts: Mapping[tuple[Any, ...], int]) -> None:  # noqa: ARG002 - as above
        """Refuse."""
        raise TypeError(f"store.read(step) writes nothing: {sqls!r}")
