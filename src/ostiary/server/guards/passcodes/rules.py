"""What becomes of codes and of guesses at them: pure.

Rule 1: a code is live, used, dead or over; only a live one is compared.
Rule 2: a wrong guess is never forgiven by a new code; it leaves a counter when 24 hours have passed, not before.
Rule 3: the counter follows the code, not the caller (phone-change.md §4).
"""

from dataclasses import dataclass
from enum import Enum

from msgspec.structs import replace

from ostiary.server.core.codes import NOBODY, Code, Counter, WrongGuess
from ostiary.server.core.millis import DAY, FUTURE_TOLERANCE, seconds_until
from ostiary.server.core.passcode import BOUND, Channel
from ostiary.server.core.policy import PoolPolicy

WRONG_IN_A_ROW = 20
"""The wrong guess in a row that shuts a bound channel to sessions of an older credential check (NIST 800-63B)."""


class Verdict(Enum):
    """What became of one typed code."""

    RIGHT = "right"
    WRONG = "wrong"
    NOT_LIVE = "not_live"
    """Never asked for, over, used or dead: nothing was compared and nothing is paid."""


@dataclass(frozen=True, slots=True)
class Spent:
    """No guess is left on a channel; seconds until the oldest one leaves the window."""

    retry_after: int


@dataclass(frozen=True, slots=True)
class Shut:
    """The channel wants a sign-in that is younger than its long row of wrong guesses."""


def is_live(code: Code | None, now: int) -> bool:
    """Whether a code may be compared now. Expiry is judged here, at use; a row from the future is dead."""
    return (
        code is not None
        and code.used_at is None
        and code.void_at is None
        and code.wrong < code.max_wrong
        and now < code.ends_at
        and code.made_at <= now + FUTURE_TOLERANCE
    )


def is_sent_again(code: Code | None, now: int) -> bool:
    """Whether asking again sends this same code: it is live and at least a third of its life is left."""
    return code is not None and is_live(code, now) and 3 * (code.ends_at - now) >= code.ends_at - code.made_at


def owner_of(channel: Channel, user_id: str | None) -> str:
    """Whose code an ask makes: the signed-in asker's on bound channels, nobody's otherwise."""
    return user_id if user_id is not None and channel in BOUND else NOBODY


def still_counts(counter: Counter, now: int) -> tuple[WrongGuess, ...]:
    """The guesses of the last 24 h. One stamped in the future counts as made now."""
    return tuple(guess for guess in counter.guesses if guess.at > now - DAY)


def half(per_day: int) -> int:
    """What one session may spend of a user's day: half, rounded up."""
    return -(-per_day // 2)


def judge_budget(
    counter: Counter, policy: PoolPolicy, session_id: str, checked_at: int, now: int
) -> Spent | Shut | None:
    """Whether one more guess may be made against this counter. A number's counter knows no sessions."""
    if counter.shut_at is not None and checked_at < counter.shut_at:
        return Shut()
    if not counter.guesses:
        return None
    day = still_counts(counter, now)
    if len(day) >= policy.wrong_codes_per_day:
        return _spent(day, policy.wrong_codes_per_day, now)
    mine = tuple(guess for guess in day if session_id and guess.session_id == session_id)
    if counter.subject.startswith("user:") and len(mine) >= half(policy.wrong_codes_per_day):
        return _spent(mine, half(policy.wrong_codes_per_day), now)
    return None


def _spent(guesses: tuple[WrongGuess, ...], budget: int, now: int) -> Spent:
    """The moment at which fewer than `budget` of these are left in the window."""
    leaving = sorted(min(guess.at, now) for guess in guesses)[len(guesses) - budget]
    return Spent(seconds_until(leaving + DAY, now))


def paid(counter: Counter, guess: WrongGuess, now: int) -> Counter | None:
    """The counter with one more wrong guess, or None where this very guess was counted before."""
    if any(known.id == guess.id for known in counter.guesses):
        return None
    day = still_counts(counter, now)
    in_a_row = counter.row_wrong + 1
    if counter.subject.startswith("user:") and in_a_row >= WRONG_IN_A_ROW:
        return replace(counter, guesses=(*day, guess), row_wrong=0, shut_at=now)
    return replace(counter, guesses=(*day, guess), row_wrong=in_a_row)


@dataclass(frozen=True, slots=True)
class Telling:
    """What the user is told about their day's guesses, and the counter that remembers it was told."""

    notice: str
    counter: Counter


def judge_telling(counter: Counter, policy: PoolPolicy, now: int) -> Telling | None:
    """Tell at half and at all of a day, each once per 24 h."""
    spent = len(still_counts(counter, now))
    if spent >= policy.wrong_codes_per_day and _untold(counter.told_all_at, now):
        return Telling("guesses_all", replace(counter, told_all_at=now))
    if half(policy.wrong_codes_per_day) <= spent < policy.wrong_codes_per_day and _untold(
        counter.told_half_at, now
    ):
        return Telling("guesses_half", replace(counter, told_half_at=now))
    return None


def _untold(told_at: int | None, now: int) -> bool:
    return told_at is None or told_at <= now - DAY
