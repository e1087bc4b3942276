"""The audit chain: committed rows get a place (1, 2, 3 …) and a MAC over themselves and all before them.

A row's own MAC shows that it was changed; the chain shows that one was taken out, put in or moved.
What was cut off at the end shows only against a `Head` that was kept elsewhere.
"""

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from ostiary.server.core.ports import Ports
from ostiary.server.storage.tx import ConflictError, Row, Sql, Tx

Fault = Literal["row", "key", "chain", "gap"]
"""row: changed since it was written · key: names a key we do not have · chain: not what was sealed ·
gap: rows are missing before it."""


class Head(msgspec.Struct, frozen=True):
    """The end of a chain: how many rows it has, and the last MAC."""

    place: int = 0
    chain: bytes = b""


@dataclass(frozen=True, slots=True)
class Break:
    """One thing that is wrong. `place` is None where the row has not been sealed yet."""

    fault: Fault
    id: str
    place: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """What a look at a part of the log found."""

    checked: int
    breaks: tuple[Break, ...]
    head: Head
    """Where to go on."""


_MACED = "id, pool_id, at, event, verdict, user_id, actor, session_id, app_id, request_id, facts"
"""What a row's MAC covers, in this order (`guards/audit.py` makes it)."""
_HEAD = Sql("SELECT place, chain FROM audit WHERE place IS NOT NULL ORDER BY place DESC LIMIT 1")
_ANY_UNSEALED = Sql("SELECT 1 FROM audit WHERE place IS NULL LIMIT 1")
_UNSEALED = Sql("SELECT id, key_id, mac FROM audit WHERE place IS NULL ORDER BY id LIMIT :limit")
_SEAL = Sql(
    "UPDATE audit SET place = :place, chain = :chain WHERE id = :id AND place IS NULL",
    postgresql="""
    UPDATE audit SET place = seal.place, chain = decode(seal.chain, 'base64')
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS seal (id text, place bigint, chain text)
     WHERE audit.id = seal.id AND audit.place IS NULL
    """,
)
_SEALED_AFTER = Sql(
    f"SELECT {_MACED}, key_id, mac, place, chain FROM audit WHERE place > :place ORDER BY place LIMIT :limit"
)
_UNSEALED_WHOLE = Sql(
    f"SELECT {_MACED}, key_id, mac FROM audit WHERE place IS NULL AND id > :after ORDER BY id LIMIT :limit"
)


def head(tx: Tx) -> Head:
    """The end of the chain as it stands."""
    row = tx.one(_HEAD)
    return Head(row[0], bytes(row[1])) if row else Head()


def any_unsealed(tx: Tx) -> bool:
    """Whether there is anything to seal. A read: an idle sealer writes nothing."""
    return tx.one(_ANY_UNSEALED) is not None


def seal(tx: Tx, ports: Ports, limit: int) -> int:
    """Chain up to `limit` committed rows, oldest first; how many. The caller holds the sealer's lease."""
    last = head(tx)
    seals: list[dict[str, Any]] = []
    for row_id, key_id, mac in tx.all(_UNSEALED, limit=limit):
        last = Head(last.place + 1, _link(ports, key_id, last, mac))
        seals.append({"id": row_id, "place": last.place, "chain": last.chain})
    if tx.each(_SEAL, seals) != len(seals):
        raise ConflictError("An audit row went while it was being sealed")
    return len(seals)


def verify(tx: Tx, ports: Ports, after: Head, limit: int) -> Report:
    """Check up to `limit` sealed rows after a head. Nothing checked: the chain ends here.

    Each fault is told once: the next row is judged by what stands before it, not by what should.
    """
    rows = tx.all(_SEALED_AFTER, place=after.place, limit=limit)
    breaks: list[Break] = []
    for row in rows:
        *_, key_id, mac, place, chain = row
        faults = _row_faults(ports, row)
        if place != after.place + 1:
            faults.append("gap")
        elif not ports.same(_link(ports, key_id, after, bytes(mac)), bytes(chain)):
            faults.append("chain")
        breaks += (Break(fault, row[0], place) for fault in faults)
        after = Head(place, bytes(chain))
    return Report(len(rows), tuple(breaks), after)


def verify_unsealed(tx: Tx, ports: Ports, limit: int, after: str = "") -> Report:
    """Check up to `limit` rows that have no place yet, after an id: more than a second's worth is a fault."""
    rows = tx.all(_UNSEALED_WHOLE, after=after, limit=limit)
    breaks = tuple(Break(fault, row[0], None) for row in rows for fault in _row_faults(ports, row))
    return Report(len(rows), breaks, head(tx))


def _link(ports: Ports, key_id: str, before: Head, mac: bytes) -> bytes:
    # A row that names no key of ours must not stop the chain: the oldest key, which never leaves, seals it.
    ring = ports.ring("audit")
    key = ring.get(key_id) or ring.keys[-1]
    return key.mac("chain", before.chain, mac, str(before.place + 1))


def _row_faults(ports: Ports, row: Row) -> list[Fault]:
    covered, key_id, mac = row[:11], row[11], bytes(row[12])
    key = ports.ring("audit").get(key_id)
    if key is None:
        return ["key"]
    return [] if ports.same(key.mac(*map(str, covered)), mac) else ["row"]
