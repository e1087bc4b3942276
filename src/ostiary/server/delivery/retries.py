"""When a message that could not be sent is tried again. Pure.

1. The pause doubles from 2 s on, up to half a minute for a code (somebody is waiting) and a quarter of an
   hour for a notice; half of each pause is chance, so that a provider that comes back is not run over.
2. A provider that says when to come back is obeyed, where that is later.
3. What would be tried at or after its end is not: a code has then expired, a notice is a dead letter.
"""

from typing import Literal

from ostiary.server.core.millis import MINUTE, SECOND
from ostiary.server.delivery.messages import is_code
from ostiary.server.storage.outbox import Outcome, Stored

FIRST_PAUSE = 2 * SECOND
LONGEST_PAUSE_CODE = 30 * SECOND
LONGEST_PAUSE_NOTICE = 15 * MINUTE
_DOUBLINGS = 16
"""More would only make big numbers: the longest pause is reached by then."""


def after_failure(message: Stored, now: int, chance: float, error: str, retry_after: int = 0) -> Outcome:
    """What becomes of an attempt that failed for now. `chance` in [0, 1); `retry_after` in milliseconds."""
    due_at = now + max(pause(message, chance), retry_after)
    if due_at >= message.ends_at:
        return over(message, now, error)
    return Outcome(id=message.id, attempt=message.attempts, state="queued", due_at=due_at, error=error)


def over(message: Stored, now: int, error: str | None = None) -> Outcome:
    """What becomes of a message whose end came before it was sent."""
    return settled(message, now, "expired" if is_code(message.purpose) else "dead", error=error)


def settled(
    message: Stored,
    now: int,
    state: Literal["sent", "expired", "no_route", "dead"],
    *,
    provider_id: str | None = None,
    error: str | None = None,
) -> Outcome:
    """The end of a message, one way or another."""
    return Outcome(
        id=message.id,
        attempt=message.attempts,
        state=state,
        settled_at=now,
        provider_id=provider_id,
        error=error,
    )


def pause(message: Stored, chance: float) -> int:
    """Milliseconds until the next attempt, after `message.attempts` of them."""
    longest = LONGEST_PAUSE_CODE if is_code(message.purpose) else LONGEST_PAUSE_NOTICE
    whole = min(longest, FIRST_PAUSE << min(message.attempts - 1, _DOUBLINGS))
    return int(whole * (0.5 + chance / 2))
