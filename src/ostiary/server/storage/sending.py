"""What was sent lately: exact rows (one per number, one per user) and coarse sums (address, app, installation)."""

from collections.abc import Iterable

import msgspec

from ostiary.server.core.codes import Ledger, Sent
from ostiary.server.storage.tx import Sql, Tx, by_rows

_ASKS = msgspec.json.Decoder(tuple[Sent, ...])

_ROW = "SELECT key, asks, version FROM send_limits WHERE key"
_LOAD = Sql(
    f"{_ROW} = :first UNION ALL {_ROW} = :last",  # for IN, SQLite fills a table of the two first
    postgresql=f"{_ROW} IN (:first, :last) ORDER BY key FOR UPDATE",
    holds=("first", "last"),
)
_MAKE = Sql(  # PostgreSQL only: there must be a row to lock
    "INSERT INTO send_limits (key) VALUES (:first), (:last) ON CONFLICT DO NOTHING"
)


_STORE = by_rows(
    2,
    "(:key#, :asks#, :version#, :ends_at#)",
    "INSERT INTO send_limits (key, asks, version, ends_at)",
    """
    ON CONFLICT (key) DO UPDATE SET asks = excluded.asks, ends_at = excluded.ends_at, version = send_limits.version + 1
    WHERE send_limits.version = excluded.version
    """,
)
_SUM = Sql("SELECT COALESCE(SUM(asks), 0) FROM send_minutes WHERE key = :key AND minute > :since")
_ADD = by_rows(
    16,
    "(:key#, :minute#, :asks#)",
    "INSERT INTO send_minutes (key, minute, asks)",
    "ON CONFLICT (key, minute) DO UPDATE SET asks = send_minutes.asks + excluded.asks",
)


def ledgers(tx: Tx, keys: Iterable[str]) -> list[Ledger]:
    """One or two exact rows under their locks, taken in the order of their keys (made first where missing)."""
    ordered = sorted(keys)
    first, last = ordered[0], ordered[-1]
    if tx.dialect == "postgresql":
        tx.must(_MAKE, expect=None, first=first, last=last)
    rows = tx.all(_LOAD, first=first, last=last)
    found = {key: Ledger(key, _ASKS.decode(asks), version) for key, asks, version in rows}
    return [found.get(key) or Ledger(key) for key in ordered]


def store(tx: Tx, books: Iterable[Ledger], ends_at: int) -> None:
    """Put one or two exact rows back, in the order of their keys, where nobody changed them since they were read."""
    ordered = sorted(books, key=lambda book: book.key)
    tx.must_each(
        _STORE,
        [(book.key, msgspec.json.encode(book.asks).decode(), book.version, ends_at) for book in ordered],
    )


def total(tx: Tx, key: str, since: int) -> int:
    """How many asks were counted in the grains after `since` (seconds), or are about to be."""
    row = tx.one(_SUM, key=key, since=since)
    stored = int(row[0]) if row else 0
    return stored + tx.adding(_ADD, lambda counted: counted[0] == key and counted[1] > since)


def total_soon(tx: Tx, key: str, since: int) -> None:
    """Foretell `total`."""
    tx.soon(_SUM, key=key, since=since)


def add(tx: Tx, minutes: Iterable[tuple[str, int]]) -> None:
    """Count one ask in each (key, minute)."""
    tx.add_up(_ADD, dict.fromkeys(minutes, 1))
