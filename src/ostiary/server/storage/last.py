"""What a step, or a batch of them, leaves for the end of its transaction (`Tx.append`, `Tx.add_up`)."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

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

    def rows(self) -> Iterator[tuple[tuple[Sql, ...], list[tuple[Any, ...]]]]:
        """The rows of each INSERT; those that others lock, too, come last and in the order of their keys."""
        yield from self._rows.items()
        for sqls, amounts in sorted(self._sums.items(), key=lambda item: item[0][0].text):
            yield sqls, [(*key, amount) for key, amount in sorted(amounts.items())]


class LeavesToLast:
    """Among the bases of a `Tx`: appends and adds up at the end."""

    __slots__ = ()
    last: Last

    def append(self, sqls: tuple[Sql, ...], *rows: tuple[Any, ...]) -> None:
        """See `Tx.append`."""
        self.last.append(sqls, rows)

    def add_up(self, sqls: tuple[Sql, ...], amounts: Mapping[Key, int]) -> None:
        """See `Tx.add_up`."""
        self.last.add_up(sqls, amounts)

    def adding(self, sqls: tuple[Sql, ...], about: Callable[[Key], bool]) -> int:
        """See `Tx.adding`."""
        return self.last.amount(sqls, about)
