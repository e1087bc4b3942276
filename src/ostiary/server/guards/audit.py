"""What happened, written beside it: one row per change and per refusal worth remembering.

A row carries a MAC under a key that never leaves the key file; the sealer chains committed rows afterwards.
Numbers and addresses appear only as keyed hashes, so that erasing an account breaks nothing.
"""

from functools import lru_cache

import msgspec

from ostiary.server.core.audit_events import AuditEvent
from ostiary.server.core.keyring import RootKey
from ostiary.server.core.ports import Ports
from ostiary.server.core.refused import Refused
from ostiary.server.guards.entry import Visit
from ostiary.server.storage import audit
from ostiary.server.storage.audit import AuditRow

DONE = "done"
"""The verdict of what was not refused."""


def contact_hash(ports: Ports, pool_id: str, contact: str | None) -> str | None:
    """A number or address as the audit log knows it: equal ones are equal, and nothing more can be read."""
    if contact is None:
        return None
    return _contact_hash(ports.ring("audit").keys[-1], pool_id, contact)


@lru_cache(maxsize=512)
def _contact_hash(key: RootKey, pool_id: str, contact: str) -> str:
    """Kept for a while: a change is noted twice, with the same two numbers.

    Not for long: a name that anybody types at a sign-in comes here, too, and one of 256 characters may be folded to
    9 KiB. So these never hold more than 5 MiB.
    """
    return key.mac("contact", pool_id, contact)[:16].hex()


def note(
    visit: Visit[object],
    event: AuditEvent,
    verdict: Refused | str = DONE,
    *,
    user_id: str,
    actor: str = "user",
    **facts: str | int | bool | None,
) -> None:
    """Write one audit row. `facts` must hold no code, no token and no clear number (use `contact_hash`)."""
    key = visit.ports.ring("audit").current
    outcome = verdict.key.value if isinstance(verdict, Refused) else verdict
    session_id = visit.session.id if visit.session else ""
    text = msgspec.json.encode({name: fact for name, fact in facts.items() if fact is not None}).decode()
    row_id = f"{visit.now:012x}{visit.ports.random_bytes(6).hex()}"
    about = (row_id, visit.pool.id, str(visit.now), event, outcome, user_id, actor)
    where = (session_id, visit.app.id, visit.call.request_id, text)
    audit.note(
        visit.tx,
        AuditRow(
            id=row_id,
            pool_id=visit.pool.id,
            at=visit.now,
            event=event,
            verdict=outcome,
            user_id=user_id,
            actor=actor,
            session_id=session_id,
            app_id=visit.app.id,
            request_id=visit.call.request_id,
            facts=text,
            key_id=key.id,
            mac=key.mac(*about, *where),
        ),
    )
