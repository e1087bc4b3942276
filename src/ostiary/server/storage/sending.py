"""What was sent lately: exact rows (one per number, one per user) and coarse sums (address, app, installation)."""

from collections.abc import Iterable

import msgspec

from ostiary.server.core.codes import Ledger, Sent
from ostiary.server.storage.tx import Sql, Tx

_ASKS = msgspec.json.Decoder(tuple[Sent, ...])

_LOAD_TEXT = "SELECT asks, version FROM send_limits WHERE key = :key"
_LOAD = Sql(_LOAD_TEXT, postgresql=_LOAD_TEXT + " FOR UPDATE")
_MAKE = Sql("INSERT INTO send_limits (key) VALUES (:key) ON CONFLICT DO NOTHING")
_STORE = Sql(
    """
    INSERT INTO send_limits (key, asks, version, ends_at) VALUES (:key, :asks, 0, :ends_at)
    ON CONFLICT (key) DO UPDATE SET asks = :asks, ends_at = :ends_at, version = send_limits.version + 1
    WHERE send_limits.version = :version
    """
)

_SUM = Sql("SELECT COALESCE(SUM(asks), 0) FROM send_minutes WHERE key = :key AND minute > :since")
_ADD = Sql(
    """
    INSERT INTO send_minutes (key, minute, asks) VALUES (:key, :minute, 1)
    ON CONFLICT (key, minute) DO UPDATE SET asks = send_minutes.asks + 1
    """
)


def ledgers(tx: Tx, keys: Iterable[str]) -> list[Ledger]:
    """Exact rows under their locks, in the order of their keys (made first where missing)."""
    return [_ledger(tx, key) for key in sorted(keys)]


def store(tx: Tx, ledger: Ledger, ends_at: int) -> None:
    """Put an exact row back where nobody changed it since it was read."""
    tx.must(
        _STORE,
        key=ledger.key,
        asks=msgspec.json.encode(ledger.asks).decode(),
        version=ledger.version,
        ends_at=ends_at,
    )


def total(tx: Tx, key: str, since: int) -> int:
    """How many asks were counted in the grains after `since` (seconds)."""
    row = tx.one(_SUM, key=key, since=since)
    return int(row[0]) if row else 0


def add(tx: Tx, key: str, minute: int) -> None:
    """Count one ask in its minute; last in a step, because everybody counts in these rows."""
    tx.must(_ADD, expect=None, key=key, minute=minute)


def _ledger(tx: Tx, key: str) -> Ledger:
    if tx.dialect == "postgresql":
        tx.must(_MAKE, expect=None, key=key)
    row = tx.one(_LOAD, key=key)
    return Ledger(key, _ASKS.decode(row[0]), row[1]) if row else Ledger(key)
