"""Guesses at the password of somebody who is signed in: a stolen session must not find the password out.

Paid for before argon2 looks, in a step of its own, and given back where the guess was right: of any number at once
no more are looked at than may be wrong. The counters, the day's budget and the half of it that one session has are
those of codes (`passcodes.rules`, phone-change.md §4).
"""

from typing import Final

from msgspec.structs import replace

from ostiary.contract.keys import Key
from ostiary.server.core.codes import WrongGuess
from ostiary.server.core.people import Account
from ostiary.server.core.refused import Refused
from ostiary.server.guards import sessions
from ostiary.server.guards.entry import Step
from ostiary.server.guards.passcodes import rules
from ostiary.server.guards.passcodes.rules import Shut, Spent
from ostiary.server.storage import guesses, tallies
from ostiary.server.storage.tallies import Tally

CHANNEL: Final = "PASSWORD"
"""The counter's name; no code has this channel."""


def reserve(step: Step[object]) -> Refused | None:
    """Pay for one guess at the account's password. The account's row is locked.

    Refused: `guesses_spent` (data.retryAfter), `reauth_required`; then the password must not be looked at.
    """
    counter = guesses.load(step.tx, step.pool.id, guesses.of_user(step.account.user_id), CHANNEL)
    verdict = rules.judge_budget(
        counter, step.pool.policy, step.session.id, step.session.checked_at, step.now
    )
    if isinstance(verdict, Shut):
        return sessions.reauth_required(step.account)
    if isinstance(verdict, Spent):
        tallies.count(step.tx, Tally.LIMIT_HIT, "wrongCodesPerDay")
        return Refused(Key.GUESSES_SPENT, retry_after=verdict.retry_after)
    more = rules.paid(counter, WrongGuess(step.now, step.session.id, _id(step)), step.now)
    if more is not None:  # None: this very request paid before its step ran again
        guesses.store(step.tx, more)
    return None


def release(step: Step[object], account: Account, *, right: bool) -> None:
    """Refund this request's guess.

    `right=True`: the password matched, which also resets the run of wrong guesses. `right=False`: it was never compared.
    """
    counter = guesses.load(step.tx, step.pool.id, guesses.of_user(account.user_id), CHANNEL)
    mine = next((guess for guess in counter.guesses if guess.id == _id(step)), None)
    if mine is None:
        return
    others = tuple(guess for guess in counter.guesses if guess is not mine)
    shut_by_me = counter.shut_at == mine.at
    row_with_mine = rules.WRONG_IN_A_ROW if shut_by_me else counter.row_wrong
    guesses.store(
        step.tx,
        replace(
            counter,
            guesses=others,
            row_wrong=0 if right else max(0, row_with_mine - 1),
            shut_at=None if shut_by_me else counter.shut_at,
        ),
    )


def _id(step: Step[object]) -> str:
    return f"{step.call.request_id}:{CHANNEL}"
