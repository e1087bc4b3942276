"""What the doctor asks a database about itself, and about what waits in it."""

from dataclasses import dataclass

from ostiary.server.storage.tx import Sql, Tx

_PROMISES = Sql(
    "SELECT 'journal_mode', journal_mode FROM pragma_journal_mode"
    " UNION ALL SELECT 'synchronous', CASE synchronous WHEN 2 THEN 'full' WHEN 3 THEN 'extra'"
    " WHEN 1 THEN 'normal' ELSE 'off' END FROM pragma_synchronous",
    postgresql="SELECT name, setting FROM pg_settings"
    " WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'server_version') ORDER BY name",
)
_WAITING = Sql("SELECT min(due_at) FROM outbox WHERE state IN ('queued', 'sending') AND due_at <= :now")
_UNSENT = Sql(
    "SELECT state, count(*) FROM outbox WHERE id > :after AND state IN ('dead', 'no_route') GROUP BY state"
)


@dataclass(frozen=True, slots=True)
class Letters:
    """The outbox: when the oldest message that is due was due (ms; None: none is), and how many ended unsent."""

    due_since: int | None
    unsent: dict[str, int]


def promises(tx: Tx) -> dict[str, str]:
    """What the database does for durability, by its own names. A writing step: SQLite's writer is what counts."""
    return dict(tx.all(_PROMISES))


def letters(tx: Tx, now: int, since: int) -> Letters:
    """What waits, and what ended as dead or no_route since a moment."""
    row = tx.one(_WAITING, now=now)
    unsent = {state: int(count) for state, count in tx.all(_UNSENT, after=f"{since:012x}")}
    return Letters(row[0] if row else None, unsent)
