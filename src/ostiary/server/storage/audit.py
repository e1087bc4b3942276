"""Audit rows as they are written. Chaining them is the sealer's work (`storage/audit_seal.py`)."""

import msgspec

from ostiary.server.storage.tx import Tx, by_rows


class AuditRow(msgspec.Struct, frozen=True):
    """Who did what, when, with which outcome. `facts` is JSON with numbers as keyed hashes only.

    Its fields are the columns, in this order.
    """

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


_COLUMNS = AuditRow.__struct_fields__
_NOTE = by_rows(
    16, f"({', '.join(f':{name}#' for name in _COLUMNS)})", f"INSERT INTO audit ({', '.join(_COLUMNS)})"
)


def note(tx: Tx, row: AuditRow) -> None:
    """Write one row in the transaction of what it tells."""
    tx.append(_NOTE, msgspec.structs.astuple(row))
