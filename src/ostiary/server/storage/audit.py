"""Audit rows as they are written. Chaining them is the sealer's work (`storage/audit_seal.py`)."""

import msgspec

from ostiary.server.storage.tx import Sql, Tx


class AuditRow(msgspec.Struct, frozen=True):
    """Who did what, when, with which outcome. `facts` is JSON with numbers as keyed hashes only."""

    id: str
    pool_id: str
    at: int
    event: str
    verdict: str
    user_id: str
    actor: str
    session_id: str
    app_id: str
    request_id: str
    facts: str
    key_id: str
    mac: bytes


_NOTE = Sql(
    """
    INSERT INTO audit (id, pool_id, at, event, verdict, user_id, actor, session_id, app_id, request_id, facts, key_id, mac)
    VALUES (:id, :pool_id, :at, :event, :verdict, :user_id, :actor, :session_id, :app_id, :request_id, :facts,
            :key_id, :mac)
    """
)


def note(tx: Tx, row: AuditRow) -> None:
    """Write one row in the transaction of what it tells."""
    tx.must(_NOTE, **msgspec.structs.asdict(row))
