"""What goes out last before COMMIT, and what of it nobody can have seen yet."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ostiary.server.storage.libpq import Statement
from ostiary.server.storage.tx import Sql

Key = tuple[Any, ...]


class Last:
    """Rows to append and amounts to add up, of one step or of all steps of a batch."""

    def __init__(self) -> None:
        self._rows: dict[tuple[Sql, ...], list[tuple[Any, ...]]] = {}
        self._sums: dict[tuple[Sql, ...], Counter[Key]] = {}

    def append(self, sqls: tuple[Sql, ...], rows: Sequence[tuple[Any, ...]]) -> None:
        """See `Tx.append`."""
        self._rows.setdefault(sqls, []).extend(rows)

    def add_up(self, sqls: tuple[Sql, ...], amounts: Mapping[Key, int]) -> None:
        """See `Tx.add_up`."""
        self._sums.setdefault(sqls, Counter()).update(amounts)

    def amount(self, sqls: tuple[Sql, ...], about: Callable[[Key], bool]) -> int:
        """What it adds to the rows of such keys."""
        return sum(amount for key, amount in self._sums.get(sqls, {}).items() if about(key))

    def statements(self) -> list[Statement]:
        """The statements that do it; rows that others lock, too, come last and in the order of their keys."""
        found = [one for sqls, rows in self._rows.items() for one in _in_pieces(sqls, rows)]
        for sqls, amounts in sorted(self._sums.items(), key=lambda item: item[0][0].postgresql):
            found += _in_pieces(sqls, [(*key, amount) for key, amount in sorted(amounts.items())])
        return found


def _in_pieces(sqls: tuple[Sql, ...], rows: list[tuple[Any, ...]]) -> Iterator[Statement]:
    """Many rows in statements of 1, 2, 4 … rows: few different ones, because each connection prepares them all."""
    while rows:
        size = min(len(sqls), 1 << len(rows).bit_length() - 1)
        some, rows = rows[:size], rows[size:]
        yield sqls[size - 1].postgresql, [value for row in some for value in row]


class InFlight:
    """The batches of one event loop, by what their looks can have seen of each other's amounts.

    COMMITs are numbered as they are sent. A look has seen those that were sent before it, which is as near as anybody
    can tell from this end; what it has not seen, whoever must keep a limit adds to what it found (`Tx.adding`).
    """

    def __init__(self) -> None:
        self._commits = 0
        """How many were sent."""
        self._parts: list[Part] = []

    def part(self) -> "Part":
        """Take part, with nothing yet."""
        part = Part(self)
        self._parts.append(part)
        return part

    def newest(self) -> int:
        """The number of the newest COMMIT."""
        return self._commits

    def next(self) -> int:
        """The number of the COMMIT that is about to be sent."""
        self._commits += 1
        return self._commits

    def leave(self, part: "Part", *, maybe_stored: bool) -> None:
        """A batch is over. What it stored stays known while there are looks that cannot have seen it."""
        part.over = True
        if not maybe_stored:
            part.committed = 0
        oldest_look = min((one.looked for one in self._parts if not one.over), default=self._commits)
        self._parts = [one for one in self._parts if not one.over or (one.committed or 0) > oldest_look]

    def unseen(self, looked: int, sqls: tuple[Sql, ...], about: Callable[[Key], bool]) -> int:
        """What those add to such keys whose COMMIT was not sent before a look."""
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
        """The number of its own; None: not sent yet."""
        self.over = False

    def looks(self) -> None:
        """Its next trip is about to be sent."""
        self.looked = self._of.newest()

    def commits(self) -> None:
        """Its COMMIT is about to be sent."""
        self.committed = self._of.next()

    def unseen(self, sqls: tuple[Sql, ...], about: Callable[[Key], bool]) -> int:
        """What is being added, here too, that its looks have not seen."""
        return self._of.unseen(self.looked, sqls, about)

    def end(self, *, maybe_stored: bool) -> None:
        """The batch is over."""
        self._of.leave(self, maybe_stored=maybe_stored)
