"""Rows 5 to 10 of phone-change.md §5, every combination, over a real store: verdict, counts, codes, token, audit.

Not through the SDK: a thousand requests in every state a database can be in are made here in seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest

from ostiary.contract.keys import Key
from ostiary.server.core.codes import Code, Counter, WrongGuess
from ostiary.server.core.millis import HOUR, MINUTE
from ostiary.server.core.policy import ChangePhoneStrategy
from ostiary.server.core.refused import Refused
from ostiary.server.guards.passcodes import derive
from ostiary.server.storage import codes, guesses
from ostiary.server.storage.tx import Sql, Tx
from tests.workbench import BIND, UNBIND, Person, Workbench

pytestmark = pytest.mark.anyio

STRANGE = "+8613700000000"
"""A number that is nobody's here."""


@dataclass(frozen=True)
class Case:
    """One state of the world, and what is asked of it."""

    verify_old: bool
    has_number: bool
    pair: str
    """none, own, strange: the old number that is given."""
    stale: bool
    """Whether the session's credential check is older than stepUpMaxAge."""
    new_code: str
    """right, wrong, dead; nobodys (right, asked for by a stranger), refused_nobodys (the same, under requireBoundCodes)."""
    old_code: str
    spent: str
    """no, new, old: the channel on which no guess is left."""
    taken: bool

    def expected(self) -> Key | None:
        """The first row that fails."""
        wanted = self.verify_old and self.has_number
        live = {"right", "wrong", "nobodys"}
        rows = (
            (wanted and self.pair == "none", Key.OLD_PHONE_REQUIRED),  # 6
            (not wanted and self.pair == "none" and self.stale, Key.REAUTH_REQUIRED),
            (
                self.pair == "strange" or (self.pair == "own" and not self.has_number),
                Key.OLD_PHONE_MISMATCH,
            ),  # 7
            (self.spent != "no", Key.GUESSES_SPENT),  # 8
            (
                self.new_code not in live or (self.pair == "own" and self.old_code == "dead"),
                Key.CODE_EXPIRED,
            ),  # 9
            ("wrong" in {self.new_code, self.old_code if self.pair == "own" else ""}, Key.CODE_WRONG),
            (self.taken, Key.PHONE_TAKEN),  # 10
        )
        return next((key for holds, key in rows if holds), None)


def cases() -> Iterator[Case]:
    """All of them; an old code and its budget only where an old number of one's own is given."""
    new_codes = ("right", "wrong", "dead", "nobodys", "refused_nobodys")
    for verify, has, stale, new, taken in product(
        (True, False), (True, False), (True, False), new_codes, (True, False)
    ):
        for pair in ("none", "strange", "own"):
            own = pair == "own"
            for old, spent in product(
                ("right", "wrong", "dead") if own else ("right",), ("no", "new", *(["old"] * own))
            ):
                yield Case(verify, has, pair, stale, new, old, spent, taken)


CASES = list(cases())


def test_the_table_is_whole() -> None:
    assert len(CASES) == len(set(CASES)) == 2 * 2 * 2 * 5 * 2 * (2 + 2 + 9)
    reasons = {case.expected() for case in CASES}
    assert reasons == {
        None, Key.OLD_PHONE_REQUIRED, Key.REAUTH_REQUIRED, Key.OLD_PHONE_MISMATCH, Key.GUESSES_SPENT,
        Key.CODE_EXPIRED, Key.CODE_WRONG, Key.PHONE_TAKEN,
    }  # fmt: skip # a list


async def test_every_state_is_answered_by_its_first_row(database: str) -> None:
    bench = Workbench(database)
    chosen = CASES if bench.store.dialect == "sqlite" else CASES[::9]
    by_policy = sorted(
        enumerate(chosen), key=lambda one: (one[1].verify_old, one[1].new_code == "refused_nobodys")
    )
    policy = None
    for number, case in by_policy:
        now = (case.verify_old, case.new_code == "refused_nobodys")
        if now != policy:
            policy = now
            strategy = ChangePhoneStrategy(verify_old_phone=case.verify_old)
            bench.policy(change_phone_strategy=strategy, require_bound_codes=now[1])
        await _judge(bench, case, number)
    await bench.close()


async def _judge(bench: Workbench, case: Case, number: int) -> None:
    own, new = f"+861380{number:07d}", f"+861390{number:07d}"
    who = bench.person(own if case.has_number else None)
    if case.taken:
        bench.person(new)
    bench.store.write_now(lambda tx: _arrange(bench, tx, case, who, own, new))
    old_number = {"none": None, "own": own, "strange": STRANGE}[case.pair]
    old_code = None if old_number is None else "123456"
    if case.pair == "own":
        old_code = _typed(bench, who.user_id, UNBIND, own, case.old_code)
    owner = "" if "nobodys" in case.new_code else who.user_id
    answer = await bench.verify(
        who, new, _typed(bench, owner, BIND, new, case.new_code), old_number, old_code
    )
    expected = case.expected()
    assert (answer.key if isinstance(answer, Refused) else None) == expected, case

    # A wrong code costs its own channel one guess, a right one nothing; nothing is paid where nothing is compared.
    compared = expected is Key.CODE_WRONG
    paid = {
        BIND: int(compared and case.new_code == "wrong"),
        UNBIND: int(compared and case.pair == "own" and case.old_code == "wrong"),
    }
    for channel, wrong in paid.items():
        before = 10 if {"new": BIND, "old": UNBIND}.get(case.spent) == channel else 0
        assert _guesses(bench, f"user:{who.user_id}", channel) == before + wrong, case
    assert _guesses(bench, f"number:{new}", BIND) == 0, case

    # Codes are used by a grant; a taken number uses the new number's and leaves the old one's.
    used = {row[0] for row in bench.all(
        "SELECT channel FROM codes WHERE target IN (:own, :new) AND used_at IS NOT NULL", own=own, new=new
    )}  # fmt: skip # one statement
    granted = expected is None
    assert (BIND in used) == (granted or expected is Key.PHONE_TAKEN), case
    assert (UNBIND in used) == (granted and case.pair == "own"), case

    tokens = bench.one("SELECT count(*) FROM one_time_tokens WHERE user_id = :id", id=who.user_id)
    assert tokens == int(granted), case
    verdicts = bench.all("SELECT event, verdict FROM audit WHERE user_id = :id", id=who.user_id)
    assert [tuple(row) for row in verdicts] == [("verify_update_phone_request", expected or "done")], case


def _arrange(bench: Workbench, tx: Tx, case: Case, who: Person, own: str, new: str) -> None:
    now = bench.ports.now()
    if case.stale:
        tx.run(Sql("UPDATE sessions SET checked_at = :at WHERE id = :id"), at=now - HOUR, id=who.session_id)
    new_owner = "" if "nobodys" in case.new_code else who.user_id
    codes.put(tx, _code(bench, now, BIND, new, new_owner, dead=case.new_code == "dead"), over=None)
    codes.put(tx, _code(bench, now, UNBIND, own, who.user_id, dead=case.old_code == "dead"), over=None)
    channel = {"new": BIND, "old": UNBIND}.get(case.spent)
    if channel:
        spent = tuple(WrongGuess(now - MINUTE, f"s{n}", f"{n}") for n in range(10))
        guesses.store(tx, Counter(bench.pool_id, f"user:{who.user_id}", channel, spent))


def _code(bench: Workbench, now: int, channel: str, number: str, owner: str, *, dead: bool) -> Code:
    seed = bench.ports.random_bytes(16)
    ends = now - 1 if dead else now + 5 * MINUTE
    return Code(
        bench.pool_id, number, channel, owner, seed, "codes-1", 6, 5, 0, now - 5 * MINUTE, ends, None, None
    )


def _typed(bench: Workbench, owner: str, channel: str, number: str, state: str) -> str:
    rows = bench.all(
        "SELECT seed FROM codes WHERE target = :number AND channel = :channel AND owner = :owner",
        number=number,
        channel=channel,
        owner=owner,
    )
    ring = bench.ports.ring("codes")
    right = derive.digits(ring, bytes(rows[0][0]), "codes-1", bench.pool_id, channel, number, owner, 6)
    assert right is not None
    return right if state != "wrong" else right[:-1] + str((int(right[-1]) + 1) % 10)


def _guesses(bench: Workbench, subject: str, channel: str) -> int:
    rows: list[Any] = bench.all(
        "SELECT guesses FROM guess_counters WHERE subject = :subject AND channel = :channel",
        subject=subject,
        channel=channel,
    )
    return rows[0][0].count('"') // 4 if rows else 0
