"""Definitions of custom fields: few rows a pool, read where somebody writes custom data."""

import msgspec

from ostiary.server.core.custom_field import CustomField
from ostiary.server.storage.tx import Sql, Tx

_ALL = Sql(
    "SELECT key, definition, made_at FROM custom_fields WHERE pool_id = :pool_id AND target = :target ORDER BY key"
)
_COUNT = Sql("SELECT count(*) FROM custom_fields WHERE pool_id = :pool_id")
_PUT = Sql(
    """
    INSERT INTO custom_fields (pool_id, target, key, definition, made_at)
    VALUES (:pool_id, :target, :key, :definition, :now)
    ON CONFLICT (pool_id, target, key) DO UPDATE SET definition = :definition
    """
)
_DELETE = Sql("DELETE FROM custom_fields WHERE pool_id = :pool_id AND target = :target AND key = :key")


def every(tx: Tx, pool_id: str, target: str = "USER") -> dict[str, tuple[CustomField, int]]:
    """Key → definition and when it was first made (ms), by key."""
    return {
        key: (msgspec.json.decode(text, type=CustomField), made_at)
        for key, text, made_at in tx.all(_ALL, pool_id=pool_id, target=target)
    }


def count(tx: Tx, pool_id: str) -> int:
    """How many a pool has, of all targets."""
    row = tx.one(_COUNT, pool_id=pool_id)
    return int(row[0]) if row else 0


def put(tx: Tx, pool_id: str, target: str, key: str, field: CustomField, now: int) -> None:
    """Define a field, or define it anew."""
    definition = msgspec.json.encode(field).decode()
    tx.must(_PUT, pool_id=pool_id, target=target, key=key, definition=definition, now=now)


def delete(tx: Tx, pool_id: str, target: str, key: str) -> bool:
    """Forget a definition; values that users have stay, and can't be written any more. False: there was none."""
    return tx.run(_DELETE, pool_id=pool_id, target=target, key=key) == 1
