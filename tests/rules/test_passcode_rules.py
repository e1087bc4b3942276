"""Codes and wrong guesses (phone-change.md §4), rule by rule, at every edge."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ostiary.server.core.codes import NOBODY, Code, Counter, WrongGuess
from ostiary.server.core.millis import DAY, SECOND
from ostiary.server.core.passcode import BOUND, SILENT_WITHOUT_ACCOUNT, Channel
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.guards.passcodes import rules
from ostiary.server.guards.passcodes.rules import Shut, Spent

NOW = 1_000 * DAY
LIFE = 300 * SECOND
CODE = Code(
    "p", "+8613800138000", Channel.BIND_PHONE, "u", b"s" * 16, "k", 6, 5, 0, NOW, NOW + LIFE, None, None
)
MINE = Counter("p", "user:u", Channel.BIND_PHONE)
NUMBERS = Counter("p", "number:+8613800138000", Channel.LOGIN)
POLICY = PoolPolicy()


def guesses(count: int, *, at: int = NOW, session: str = "s") -> tuple[WrongGuess, ...]:
    return tuple(WrongGuess(at + n, session, f"{session}-{at}-{n}") for n in range(count))


# --- live, and sent again -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "at", "live"),
    [
        ({}, NOW, True),
        ({}, NOW + LIFE - 1, True),
        ({}, NOW + LIFE, False),  # live means now < end
        ({"used_at": NOW}, NOW, False),
        ({"void_at": NOW}, NOW, False),
        ({"wrong": 4}, NOW, True),  # a right guess before the one that kills passes
        ({"wrong": 5}, NOW, False),
        ({"wrong": 6}, NOW, False),
        ({"max_wrong": 1, "wrong": 0}, NOW, True),
        ({"max_wrong": 1, "wrong": 1}, NOW, False),
        ({"made_at": NOW + 5 * SECOND}, NOW, True),
        ({"made_at": NOW + 5 * SECOND + 1, "ends_at": NOW + DAY}, NOW, False),  # from a broken clock
    ],
)
def test_a_live_code(changes: dict[str, Any], at: int, *, live: bool) -> None:
    assert rules.is_live(replace(CODE, **changes), at) is live
    if not live:
        assert not rules.is_sent_again(replace(CODE, **changes), at)


def test_no_code_is_not_live() -> None:
    assert not rules.is_live(None, NOW)
    assert not rules.is_sent_again(None, NOW)


@pytest.mark.parametrize("life", [60, 61, 100, 300, 600])
def test_with_under_a_third_of_its_life_left_a_new_one_is_made(life: int) -> None:
    code = replace(CODE, ends_at=NOW + life * SECOND)
    for left in range(life * SECOND + 1):
        if left % 777 and abs(3 * left - life * SECOND) > 6:
            continue  # every moment near the third, and a sample of the rest
        expected = left > 0 and 3 * left >= life * SECOND
        assert rules.is_sent_again(code, code.ends_at - left) is expected, left


def test_whose_code_an_ask_makes() -> None:
    assert {
        "CHANNEL_BIND_PHONE", "CHANNEL_UNBIND_PHONE", "CHANNEL_BIND_MFA", "CHANNEL_UNBIND_MFA",
        "CHANNEL_IDENTITY_VERIFICATION", "CHANNEL_DELETE_ACCOUNT",
        "CHANNEL_UPDATE_EMAIL", "CHANNEL_BIND_EMAIL", "CHANNEL_UNBIND_EMAIL",
    } == BOUND  # fmt: skip # the list of the specification, and its twins by e-mail
    assert {
        "CHANNEL_UNBIND_PHONE",
        "CHANNEL_RESET_PASSWORD",
        "CHANNEL_DELETE_ACCOUNT",
        "CHANNEL_UNBIND_EMAIL",
        "CHANNEL_UNLOCK_ACCOUNT",
        "CHANNEL_VERIFY_EMAIL_LINK",
    } == SILENT_WITHOUT_ACCOUNT
    for channel in Channel:
        assert rules.owner_of(channel, None) == NOBODY
        assert rules.owner_of(channel, "u") == ("u" if channel in BOUND else NOBODY)


# --- budgets ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("per_day", range(3, 21))
def test_half_of_a_day_is_rounded_up(per_day: int) -> None:
    half = rules.half(per_day)
    assert half == (per_day + 1) // 2
    policy = msgspec.structs.replace(POLICY, wrong_codes_per_day=per_day)
    assert rules.judge_budget(replace(MINE, guesses=guesses(half - 1)), policy, "s", NOW, NOW) is None
    assert isinstance(rules.judge_budget(replace(MINE, guesses=guesses(half)), policy, "s", NOW, NOW), Spent)
    assert rules.judge_budget(replace(MINE, guesses=guesses(half)), policy, "other", NOW, NOW) is None


@pytest.mark.parametrize("counter", [MINE, NUMBERS])
@pytest.mark.parametrize("per_day", [3, 10, 20])
def test_a_day_s_guesses_are_counted_over_all_sessions(counter: Counter, per_day: int) -> None:
    policy = msgspec.structs.replace(POLICY, wrong_codes_per_day=per_day)
    spread = tuple(WrongGuess(NOW - n, f"s{n}", f"{n}") for n in range(per_day))
    assert rules.judge_budget(replace(counter, guesses=spread[1:]), policy, "new", NOW, NOW) is None
    assert isinstance(rules.judge_budget(replace(counter, guesses=spread), policy, "new", NOW, NOW), Spent)


def test_a_number_s_counter_knows_no_sessions() -> None:
    for session in ("", "s"):
        counter = replace(NUMBERS, guesses=guesses(9, session=session))
        assert rules.judge_budget(counter, POLICY, session, NOW, NOW) is None


def test_a_guess_leaves_after_24_hours_and_not_before() -> None:
    full = replace(NUMBERS, guesses=tuple(WrongGuess(NOW + n * SECOND, "", f"{n}") for n in range(10)))
    just_before = NOW + DAY - 1
    spent = rules.judge_budget(full, POLICY, "", NOW, just_before)
    assert spent == Spent(retry_after=1)
    assert rules.judge_budget(full, POLICY, "", NOW, NOW + DAY) is None
    assert rules.judge_budget(full, POLICY, "", NOW, NOW + 10 * SECOND) == Spent(retry_after=86_390)


def test_retry_after_under_a_policy_made_stricter_waits_for_as_many_as_are_too_many() -> None:
    full = replace(NUMBERS, guesses=tuple(WrongGuess(NOW + n * SECOND, "", f"{n}") for n in range(10)))
    strict = msgspec.structs.replace(POLICY, wrong_codes_per_day=3)
    spent = rules.judge_budget(full, strict, "", NOW, NOW + 10 * SECOND)
    assert spent == Spent(retry_after=86_397)
    assert rules.judge_budget(full, strict, "", NOW, NOW + 10 * SECOND + 86_397 * SECOND) is None


def test_a_guess_from_the_future_counts_as_now() -> None:
    ahead = replace(NUMBERS, guesses=guesses(10, at=NOW + 3 * DAY, session=""))
    assert rules.judge_budget(ahead, POLICY, "", NOW, NOW) == Spent(retry_after=86_400)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 3 * DAY), max_size=40), st.integers(3, 20), st.integers(0, 4 * DAY))
def test_the_window_is_rolling(moments: list[int], per_day: int, later: int) -> None:
    """However guesses lie in time: refused exactly while a day's worth of them is younger than 24 h."""
    policy = msgspec.structs.replace(POLICY, wrong_codes_per_day=per_day)
    counter = replace(
        NUMBERS, guesses=tuple(WrongGuess(NOW + at, "", f"{n}") for n, at in enumerate(sorted(moments)))
    )
    now = NOW + later
    young = [at for at in moments if at > later - DAY]
    verdict = rules.judge_budget(counter, policy, "", now, now)
    assert isinstance(verdict, Spent) == (len(young) >= per_day)
    if isinstance(verdict, Spent):
        then = now + verdict.retry_after * SECOND
        assert rules.judge_budget(counter, policy, "", then, then) is None or any(
            at > later for at in moments
        )


# --- paying -------------------------------------------------------------------------------------------------


def test_a_guess_is_counted_once_per_id() -> None:
    once = rules.paid(MINE, WrongGuess(NOW, "s", "id"), NOW)
    assert once is not None
    assert once.guesses == (WrongGuess(NOW, "s", "id"),)
    assert once.row_wrong == 1
    assert rules.paid(once, WrongGuess(NOW + 5, "s", "id"), NOW + 5) is None


def test_the_twentieth_in_a_row_shuts_the_channel_and_starts_the_row_at_0() -> None:
    counter = MINE
    for number in range(1, 20):
        paid = rules.paid(counter, WrongGuess(NOW + number, "s", f"{number}"), NOW + number)
        assert paid is not None
        counter = paid
        assert (counter.row_wrong, counter.shut_at) == (number, None)
    shut = rules.paid(counter, WrongGuess(NOW + 20, "s", "20"), NOW + 20)
    assert shut is not None
    assert (shut.row_wrong, shut.shut_at) == (0, NOW + 20)
    day = NOW + 2 * DAY
    assert isinstance(rules.judge_budget(shut, POLICY, "s", NOW + 19, day), Shut)
    assert rules.judge_budget(shut, POLICY, "s", NOW + 20, day) is None, "checked at that moment or later"


def test_a_number_is_never_shut() -> None:
    counter = replace(NUMBERS, row_wrong=19)
    paid = rules.paid(counter, WrongGuess(NOW, "", "id"), NOW)
    assert paid is not None
    assert paid.shut_at is None


def test_paying_forgets_only_what_left_the_window() -> None:
    counter = replace(
        MINE, guesses=(WrongGuess(NOW - DAY, "s", "gone"), WrongGuess(NOW - DAY + 1, "s", "stays"))
    )
    paid = rules.paid(counter, WrongGuess(NOW, "s", "new"), NOW)
    assert paid is not None
    assert [guess.id for guess in paid.guesses] == ["stays", "new"]


# --- telling ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("per_day", range(3, 21))
def test_the_user_is_told_at_half_and_at_all(per_day: int) -> None:
    policy = msgspec.structs.replace(POLICY, wrong_codes_per_day=per_day)
    told, counter = {}, MINE
    for number in range(1, per_day + 1):
        paid = rules.paid(counter, WrongGuess(NOW + number, f"s{number}", f"{number}"), NOW + number)
        assert paid is not None
        telling = rules.judge_telling(paid, policy, NOW + number)
        counter = telling.counter if telling else paid
        if telling:
            told[number] = telling.notice
    assert told == {(per_day + 1) // 2: "guesses_half", per_day: "guesses_all"}


def test_each_is_told_once_in_24_hours() -> None:
    half = replace(MINE, guesses=guesses(5))
    first = rules.judge_telling(half, POLICY, NOW)
    assert first is not None
    for later, again in ((1, False), (DAY - 1, False), (DAY, True)):
        counter = replace(first.counter, guesses=guesses(5, at=NOW + later))
        assert (rules.judge_telling(counter, POLICY, NOW + later) is not None) is again
