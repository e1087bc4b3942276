"""What was sent lately: exact rows (one per number, one per user) and coarse sums (address, app, installation)."""

from collections.abc import Iterable

import msgspec

from ostiary.server.core.codes import Ledger, Sent
from ostiary.server.storage.tx import Sql, Tx

_ASKS = msgspec.json.Decoder(tuple[Sent, ...])

_LOAD = Sql(
    "SELECT key, asks, version FROM send_limits WHERE key IN (SELECT value FROM json_each(:keys))",
    postgresql="""
    SELECT key, asks, version FROM send_limits
    WHERE key IN (SELECT jsonb_array_elements_text(CAST(:keys AS jsonb))) ORDER BY key FOR UPDATE
    """,
)
_MAKE = Sql(  # PostgreSQL only: there must be a row to lock
    """
    INSERT INTO send_limits (key) SELECT value FROM json_each(:keys) WHERE true ON CONFLICT DO NOTHING
    """,
    postgresql="""
    INSERT INTO send_limits (key) SELECT jsonb_array_elements_text(CAST(:keys AS jsonb)) ON CONFLICT DO NOTHING
    """,
)
_STORE_TEXT = """
    INSERT INTO send_limits (key, asks, version, ends_at) {rows}
    ON CONFLICT (key) DO UPDATE SET asks = excluded.asks, ends_at = excluded.ends_at, version = send_limits.version + 1
    WHERE send_limits.version = excluded.version
    """
_STORE = Sql(
    _STORE_TEXT.format(
        rows="""SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'), :ends_at
    FROM json_each(:rows) WHERE true"""
    ),
    postgresql=_STORE_TEXT.format(
        rows="""SELECT value ->> 0, value ->> 1, CAST(value ->> 2 AS BIGINT), CAST(:ends_at AS BIGINT)
    FROM jsonb_array_elements(CAST(:rows AS jsonb)) WITH ORDINALITY AS told (value, place) ORDER BY place"""
    ),
)

_SUM = Sql("SELECT COALESCE(SUM(asks), 0) FROM send_minutes WHERE key = :key AND minute > :since")
_ADD_TEXT = """
    INSERT INTO send_minutes (key, minute, asks) {rows}
    ON CONFLICT (key, minute) DO UPDATE SET asks = send_minutes.asks + 1
    """
_ADD = Sql(
    _ADD_TEXT.format(
        rows="SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), 1 FROM json_each(:rows) WHERE true"
    ),
    postgresql=_ADD_TEXT.format(
        rows="""SELECT value ->> 0, CAST(value ->> 1 AS BIGINT), 1
    FROM jsonb_array_elements(CAST(:rows AS jsonb)) WITH ORDINALITY AS told (value, place) ORDER BY place"""
    ),
)


def ledgers(tx: Tx, keys: Iterable[str]) -> list[Ledger]:
    """Exact rows under their locks, taken in the order of their keys (made first where missing)."""
    ordered = sorted(keys)
    text = msgspec.json.encode(ordered).decode()
    if tx.dialect == "postgresql":
        tx.must(_MAKE, expect=None, keys=text)
    found = {key: Ledger(key, _ASKS.decode(asks), version) for key, asks, version in tx.all(_LOAD, keys=text)}
    return [found.get(key) or Ledger(key) for key in ordered]


def store(tx: Tx, books: Iterable[Ledger], ends_at: int) -> None:
    """Put exact rows back, in the order of their keys, where nobody changed them since they were read."""
    rows = [
        (book.key, msgspec.json.encode(book.asks).decode(), book.version)
        for book in sorted(books, key=lambda book: book.key)
    ]
    tx.must(_STORE, expect=len(rows), rows=msgspec.json.encode(rows).decode(), ends_at=ends_at)


def total(tx: Tx, key: str, since: int) -> int:
    """How many asks were counted in the grains after `since` (seconds)."""
    row = tx.one(_SUM, key=key, since=since)
    return int(row[0]) if row else 0


def add(tx: Tx, minutes: Iterable[tuple[str, int]]) -> None:
    """Count one ask in each (key, minute); last in a step, because everybody counts in these rows."""
    tx.must(_ADD, expect=None, rows=msgspec.json.encode(sorted(minutes)).decode())
