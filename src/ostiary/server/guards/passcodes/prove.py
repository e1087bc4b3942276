"""Comparing codes, and paying for what was wrong.

One code is compared per channel: the caller's own live one; only if there is none, and the pool does not require
bound codes, nobody's. A wrong guess is stored before anybody hears of it, and survives the failure of its step.

Locks, in this order: the user's row (`entry`), numbers' counters, nobody's codes, each by key. A user's own counters
and codes are touched under the user's lock only.
"""

from collections.abc import Callable, Sequence

import msgspec

from ostiary.contract.keys import Key
from ostiary.server.core.codes import NOBODY, Code, Counter, WrongGuess
from ostiary.server.core.passcode import BOUND, BY_LINK, Channel
from ostiary.server.core.people import Account
from ostiary.server.core.refused import Refused
from ostiary.server.guards import notices, sessions
from ostiary.server.guards.entry import Visit
from ostiary.server.guards.passcodes import derive, rules
from ostiary.server.guards.passcodes.links import Link
from ostiary.server.guards.passcodes.rules import Shut, Spent
from ostiary.server.storage import codes, guesses, people, tallies
from ostiary.server.storage.tallies import Tally
from ostiary.server.storage.tx import Tx


class Typed(msgspec.Struct, frozen=True):
    """A code as somebody typed it: digits, for a channel, at a number or address."""

    channel: Channel
    target: str
    digits: str

    def __repr__(self) -> str:
        return f"Typed(channel={self.channel!r})"


class Proof(msgspec.Struct, frozen=True):
    """A right code, still live: `use` uses it up. `bound`: it was asked for by the signed-in caller."""

    code: Code
    counters: tuple[Counter, ...]

    @property
    def bound(self) -> bool:
        """Whether the code is the caller's own."""
        return self.code.owner != NOBODY


_Place = tuple[str, str]
"""A number or address, and a channel: what a number's counter and nobody's code are found by."""


class _Candidate(msgspec.Struct, frozen=True):
    """What one typed code would be compared with, and who pays if it is wrong."""

    typed: Typed
    code: Code | None
    counters: tuple[Counter, ...]


def prove(visit: Visit[object], typed: Sequence[Typed]) -> tuple[Proof, ...] | Refused:
    """Judge every typed code, in the order given; all must be live, then all right.

    Refused: `guesses_spent` (data.retryAfter), `reauth_required`: no guess may be made, nothing was compared.
    `code_expired`: one has no live code, nothing was compared. `code_wrong`: each wrong one was paid for;
    which of several it was is not told. Right ones stay live and cost nothing.
    """
    candidates = _candidates(visit, typed)
    refused = _judge_budgets(visit, candidates)
    if refused is not None:
        return refused
    verdicts = [_compare(visit, candidate) for candidate in candidates]
    if rules.Verdict.NOT_LIVE in verdicts:
        return Refused(Key.CODE_EXPIRED)
    if rules.Verdict.WRONG in verdicts:
        judged = zip(candidates, verdicts, strict=True)
        wrong = [candidate for candidate, verdict in judged if verdict is rules.Verdict.WRONG]
        _remember(visit, wrong)
        _pay(visit, wrong)
        return Refused(Key.CODE_WRONG)
    return tuple(Proof(c.code, c.counters) for c in candidates if c.code is not None)


def prove_link(visit: Visit[object], link: Link) -> Proof | Refused:
    """Judge a link that came by e-mail: its row must be live, and still the one that the link was made of.

    There is nothing to guess: a link that we did not seal opens as none (`links.read`), so nobody pays.
    Refused: `code_expired`.
    """
    code = codes.nobodys(visit.tx, link.pool_id, link.address, Channel.VERIFY_EMAIL_LINK)
    if code is None or not _comparable(visit, code) or not visit.ports.same(code.seed, link.seed):
        return Refused(Key.CODE_EXPIRED)
    return Proof(code, ())


def is_waiting(visit: Visit[object], channel: Channel, target: str) -> bool:
    """Whether a code that anybody asked for lives on a channel. Tells which channel was meant, never whether it is right."""
    return _comparable(visit, codes.glance(visit.tx, visit.pool.id, target, channel))


def use(visit: Visit[object], proof: Proof) -> None:
    """Use a right code up: accepted at most once (I1). Ends its channel's row of wrong guesses."""
    codes.use(visit.tx, proof.code, visit.now)
    tallies.count(visit.tx, Tally.CODE_USED, proof.code.channel)
    for counter in proof.counters:
        if counter.row_wrong:
            guesses.end_row(visit.tx, counter.pool_id, counter.subject, counter.channel)


def leave(visit: Visit[object], proof: Proof) -> None:
    """Leave a right code as it is, and write what a wrong one would have written.

    Where nothing can be stored (a full disk), a look must fail alike for right and wrong: else the answer to a wrong
    guess that could not be counted would be told by its difference from the right one's.
    """
    for counter in proof.counters:
        guesses.store(visit.tx, counter)
    codes.touch(visit.tx, proof.code)


def guess(visit: Visit[object], channel: Channel, is_right: Callable[[], bool]) -> Refused | None:
    """Compare what no message carries (an authenticator's code, a recovery code), and pay for it alike.

    The account is the visit's, its row locked, and the budget its own on this channel. Refused as by `prove`:
    `guesses_spent`, `reauth_required` (nothing was compared), `code_wrong`.
    """
    if visit.account is None:
        raise AssertionError("only an account has factors")
    counter = guesses.load(visit.tx, visit.pool.id, guesses.of_user(visit.account.user_id), channel)
    candidate = _Candidate(Typed(channel, "", ""), None, (counter,))
    refused = _judge_budgets(visit, [candidate])
    if refused is not None:
        return refused
    if not is_right():
        _remember(visit, [candidate])
        _pay(visit, [candidate])
        return Refused(Key.CODE_WRONG)
    if counter.row_wrong:
        guesses.end_row(visit.tx, counter.pool_id, counter.subject, counter.channel)
    return None


def _candidates(visit: Visit[object], typed: Sequence[Typed]) -> list[_Candidate]:
    """Find the one code to compare with each, and load its counters under their locks."""
    own = [_own(visit, each) for each in typed]
    open_to_nobodys = [
        each
        for each, (code, _) in zip(typed, own, strict=True)
        if code is None and _may_be_nobodys(visit, each)
    ]
    at_numbers, nobodys = _nobodys(visit, open_to_nobodys)
    return [
        _candidate(visit, each, its, at_numbers.get(_place(each)), nobodys.get(_place(each)))
        for each, its in zip(typed, own, strict=True)
    ]


def _own(visit: Visit[object], typed: Typed) -> tuple[Code | None, Counter | None]:
    """The caller's own live code, and their counter on its channel if that came along."""
    owner = rules.owner_of(typed.channel, visit.account.user_id if visit.account else None)
    own = codes.own(visit.tx, visit.pool.id, typed.target, typed.channel.value, owner) if owner else None
    code, at_user = own or (None, None)
    return (code if _comparable(visit, code) else None), at_user


def _may_be_nobodys(visit: Visit[object], typed: Typed) -> bool:
    if typed.channel in BY_LINK:  # its digits were never told to anybody
        return False
    return typed.channel not in BOUND or not visit.pool.policy.require_bound_codes


def _nobodys(
    visit: Visit[object], typed: Sequence[Typed]
) -> tuple[dict[_Place, Counter], dict[_Place, Code | None]]:
    """Counters of numbers, then nobody's codes, each locked in the order of their keys.

    In the order of the form, two people who move to each other's address would wait for each other.
    """
    places = sorted({_place(each) for each in typed})
    pool_id = visit.pool.id
    at_numbers = {
        place: guesses.load(visit.tx, pool_id, guesses.of_number(place[0]), place[1]) for place in places
    }
    return at_numbers, {place: codes.nobodys(visit.tx, pool_id, *place) for place in places}


def _place(typed: Typed) -> _Place:
    return typed.target, typed.channel.value


def _candidate(
    visit: Visit[object],
    typed: Typed,
    own: tuple[Code | None, Counter | None],
    at_number: Counter | None,
    nobodys: Code | None,
) -> _Candidate:
    """What is compared, and who pays: of bound channels the user, of nobody's codes the number."""
    code, at_user = own
    bound = typed.channel in BOUND
    counters: list[Counter] = []
    if at_number is not None:
        code = nobodys if _comparable(visit, nobodys) else None
        if code is not None or not bound:
            counters.append(at_number)
    if bound and visit.account is not None:
        subject = guesses.of_user(visit.account.user_id)
        counters.append(at_user or guesses.load(visit.tx, visit.pool.id, subject, typed.channel.value))
    return _Candidate(typed, code, tuple(counters))


def _comparable(visit: Visit[object], code: Code | None) -> bool:
    return (
        code is not None
        and rules.is_live(code, visit.now)
        and visit.ports.ring("codes").get(code.key_id) is not None
    )


def _judge_budgets(visit: Visit[object], candidates: Sequence[_Candidate]) -> Refused | None:
    session_id = visit.session.id if visit.session else ""
    checked_at = visit.session.checked_at if visit.session else visit.now
    verdicts = [
        verdict
        for candidate in candidates
        for counter in candidate.counters
        if (verdict := rules.judge_budget(counter, visit.pool.policy, session_id, checked_at, visit.now))
    ]
    if not verdicts:
        return None
    if any(isinstance(verdict, Shut) for verdict in verdicts):  # row 6 of §5; what is spent is row 8
        return sessions.reauth_required(visit.account)
    tallies.count(visit.tx, Tally.LIMIT_HIT, "wrongCodesPerDay")
    return Refused(
        Key.GUESSES_SPENT,
        retry_after=max(verdict.retry_after for verdict in verdicts if isinstance(verdict, Spent)),
    )


def _compare(visit: Visit[object], candidate: _Candidate) -> rules.Verdict:
    code = candidate.code
    if code is None:
        return rules.Verdict.NOT_LIVE
    right = derive.of_code(visit.ports.ring("codes"), code)
    if right is None:
        return rules.Verdict.NOT_LIVE
    return rules.Verdict.RIGHT if visit.ports.same(right, candidate.typed.digits) else rules.Verdict.WRONG


def _counters(candidates: Sequence[_Candidate]) -> tuple[Counter, ...]:
    """Who pays, by key: each counter once, though two codes of one channel (a change of address) may share it."""
    every = (counter for candidate in candidates for counter in candidate.counters)
    known = {(counter.subject, counter.channel): counter for counter in every}
    return tuple(known[key] for key in sorted(known))


def _guess(visit: Visit[object], channel: str) -> WrongGuess:
    """One id per request and channel: a step that runs again, or survives alone, counts it once."""
    session_id = visit.session.id if visit.session else ""
    return WrongGuess(visit.now, session_id, f"{visit.call.request_id}:{channel}")


def _remember(visit: Visit[object], wrong: Sequence[_Candidate]) -> None:
    """Whatever becomes of this step, its wrong guesses are counted (phone-change.md §4)."""
    codes_by_place = {(code.target, code.channel): code for each in wrong if (code := each.code) is not None}
    compared = [codes_by_place[place] for place in sorted(codes_by_place)]
    owed = [(counter, _guess(visit, counter.channel)) for counter in _counters(wrong)]
    user_id, now = visit.account.user_id if visit.account else None, visit.now

    def alone(tx: Tx) -> None:
        if user_id is not None:
            people.lock_user(tx, user_id)
        for seen, guess in owed:
            counter = guesses.load(tx, seen.pool_id, seen.subject, seen.channel)
            more = rules.paid(counter, guess, now)
            if more is None:  # one request pays all its counters in one transaction: one found paid, all are
                return
            guesses.store(tx, more)
        for code in compared:
            tallies.count(tx, Tally.CODE_WRONG, code.channel)
            codes.pay_if_it_stands(tx, code)

    visit.tx.survive(alone)


def _pay(visit: Visit[object], wrong: Sequence[_Candidate]) -> None:
    """Count wrong guesses against everything they belong to, and tell the user when much of a day is gone."""
    for counter in _counters(wrong):
        more = rules.paid(counter, _guess(visit, counter.channel), visit.now)
        if more is None:  # as in `_remember`
            return
        telling = (
            rules.judge_telling(more, visit.pool.policy, visit.now)
            if _is_users(counter, visit.account)
            else None
        )
        guesses.store(visit.tx, telling.counter if telling else more)
        if telling and visit.account:
            notices.account_event(visit, telling.notice, visit.account, channel=counter.channel)
    for candidate in wrong:
        tallies.count(visit.tx, Tally.CODE_WRONG, candidate.typed.channel)
        if candidate.code is not None:
            codes.pay(visit.tx, candidate.code)


def _is_users(counter: Counter, account: Account | None) -> bool:
    return account is not None and counter.subject == guesses.of_user(account.user_id)
