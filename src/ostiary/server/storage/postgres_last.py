"""PostgreSQL: what goes out last before COMMIT, and what of it nobody can have seen yet."""

from collections.abc import Callable, Iterator
from typing import Any

from ostiary.server.storage.last import Key, Last
from ostiary.server.storage.libpq import Statement
from ostiary.server.storage.tx import Sql


def statements(last: Last) -> list[Statement]:
    """The statements that do it."""
    return [one for sqls, rows in last.rows() for one in _in_pieces(sqls, rows)]


def _in_pieces(sqls: tuple[Sql, ...], rows: list[tuple[Any, ...]]) -> Iterator[Statement]:
    """Many rows in statements of 1, 2, 4 … rows: few different ones, because each connection prepares them all."""
    while rows:
        size = min(len(sqls), 1 << len(rows).bit_length() - 1)
        some, rows = rows[:size], rows[size:]
        yield sqls[size - 1].postgresql, [value for row in some for value in row]


class InFlight:
    """The batches of one event loop, by what their looks can have seen of each other's amounts.

    COMMITs are numbered as they are answered. A look that was sent after that has seen what they stored; what another may
    not have seen, whoever must keep a limit adds to what it found (`Tx.adding`). Where the look was sent between a COMMIT
    and its answer, it may have seen it all the same: then that is counted twice, and a limit is reached too soon, never too late.
    """

    def __init__(self) -> None:
        self._commits = 0
        """How many were answered, or may be stored without an answer."""
        self._parts: list[Part] = []

    def part(self) -> "Part":
        """Take part, with nothing yet."""
        part = Part(self)
        self._parts.append(part)
        return part

    def newest(self) -> int:
        """The number of the newest COMMIT."""
        return self._commits

    def leave(self, part: "Part", *, maybe_stored: bool) -> None:
        """A batch is over. What it stored stays known while there are looks that cannot have seen it."""
        part.over = True
        self._commits += maybe_stored
        part.committed = self._commits if maybe_stored else 0
        oldest_look = min((one.looked for one in self._parts if not one.over), default=self._commits)
        self._parts = [one for one in self._parts if not one.over or (one.committed or 0) > oldest_look]

    def unseen(self, looked: int, sqls: tuple[Sql, ...], about: Callable[[Key], bool]) -> int:
        """What those add to such keys whose COMMIT was not answered before a look was sent."""
        return sum(
            part.last.amount(sqls, about)
            for part in self._parts
            if part.committed is None or part.committed > looked
        )


class Part:
    """One batch's part in it."""

    def __init__(self, of: InFlight) -> None:
        self._of = of
        self.last = Last()
        self.looked = of.newest()
        """The newest COMMIT that its looks have seen."""
        self.committed: int | None = None
        """The number of its own, 0 where nothing is stored; None: not answered yet."""
        self.over = False

    def looks(self) -> None:
        """Its next trip is about to be sent."""
        self.looked = self._of.newest()

    def unseen(self, sqls: tuple[Sql, ...], about: Callable[[Key], bool]) -> int:
        """What is being added, here too, that its looks have not seen."""
        return self._of.unseen(self.looked, sqls, about)

    def end(self, *, maybe_stored: bool) -> None:
        """The batch is over."""
        self._of.leave(self, maybe_stored=maybe_stored)
