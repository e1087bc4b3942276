"""What waits in the database to be done: for `/metrics`. Both questions walk the partial index of what waits."""

from dataclasses import dataclass

from ostiary.server.storage.tx import Sql, Tx


@dataclass(frozen=True, slots=True)
class Backlog:
    """Messages and audit rows that wait. Moments in milliseconds; None where none waits."""

    messages: int
    """Queued or being sent."""
    oldest_due_at: int | None
    """When the message that waits longest was due (while it is being sent: the end of its lease)."""
    unsealed: int
    """Audit rows that the sealer has not chained yet."""
    oldest_unsealed_at: int | None


MESSAGES = Sql("SELECT count(*), min(due_at) FROM outbox WHERE state IN ('queued', 'sending')")
UNSEALED = Sql("SELECT count(*), min(at) FROM audit WHERE place IS NULL")


def load(tx: Tx) -> Backlog:
    """Count what waits."""
    messages, unsealed = tx.one(MESSAGES), tx.one(UNSEALED)
    assert messages is not None
    assert unsealed is not None
    return Backlog(messages[0], messages[1], unsealed[0], unsealed[1])
