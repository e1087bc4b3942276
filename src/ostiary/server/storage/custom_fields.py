"""Definitions of custom fields: few rows a pool, read where somebody writes custom data."""

import msgspec

from ostiary.server.core.custom_field import CustomField
from ostiary.server.storage.tx import Sql, Tx

_ALL = Sql(
    "SELECT key, definition, made_at FROM custom_fields WHERE pool_id = :pool_id AND target = :target ORDER BY key"
)
_PUT = Sql(
    """
    INSERT INTO custom_fields (pool_id, target, key, definition, made_at)
    VALUES (:pool_id, :target, :key, :definition, :now)
    ON CONFLICT (pool_id, target, key) DO UPDATE SET definition = :definition
    """
)


def every(tx: Tx, pool_id: str, target: str = "USER") -> dict[str, tuple[CustomField, int]]:
    """Key → definition and when it was first made (ms), by key."""
    return {
        key: (msgspec.json.decode(text, type=CustomField), made_at)
        for key, text, made_at in tx.all(_ALL, pool_id=pool_id, target=target)
    }


def put(tx: Tx, pool_id: str, target: str, key: str, field: CustomField, now: int) -> None:
    """Define a field, or define it anew."""
    definition = msgspec.json.encode(field).decode()
    tx.must(_PUT, pool_id=pool_id, target=target, key=key, definition=definition, now=now)
