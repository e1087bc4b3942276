"""One-time-ness, raced: 64 at once, round after round, exactly one wins (phone-change.md I1, I2, I5, I6)."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from ostiary.contract.keys import Key
from ostiary.server.core.refused import Refused
from tests.counts import RACE_ROUNDS
from tests.workbench import BIND, LOGIN, UNBIND, Person, Workbench

pytestmark = pytest.mark.anyio

CROWD = 64
OLD = "+86138001{:05d}"
NEW = "+86139001{:05d}"


def keys(answers: list[Any]) -> Counter[str]:
    """How often each refusal was answered; what was not refused counts as 'done'."""
    return Counter(answer.key.value if isinstance(answer, Refused) else "done" for answer in answers)


async def test_an_update_token_moves_a_number_once(bench: Workbench) -> None:
    for turn in range(RACE_ROUNDS):
        who = bench.person(OLD.format(turn))
        token = await bench.ready_to_change(who, NEW.format(turn))
        answers = await asyncio.gather(*(bench.update(who, token) for _ in range(CROWD)))
        assert keys(answers) == {"done": 1, "update_token_used": CROWD - 1}
        assert bench.phone(who.user_id) == NEW.format(turn)
        assert bench.one("SELECT phone_version FROM users WHERE id = :id", id=who.user_id) == 1


async def test_a_code_is_accepted_once(bench: Workbench) -> None:
    bench.policy(change_phone_strategy=_no_old())
    for turn in range(RACE_ROUNDS):
        who = bench.person(OLD.format(turn))
        new = NEW.format(turn)
        assert await bench.send(who, BIND, new) is None
        code = bench.code(who, BIND, new)
        answers = await asyncio.gather(*(bench.verify(who, new, code) for _ in range(CROWD)))
        assert keys(answers) == {"done": 1, "code_expired": CROWD - 1}


async def test_nobodys_code_is_accepted_once_by_whoever_comes_first(bench: Workbench) -> None:
    bench.policy(change_phone_strategy=_no_old())
    for turn in range(RACE_ROUNDS // 3):
        people = [bench.person(None) for _ in range(8)]
        new = NEW.format(turn)
        assert await bench.send(bench.stranger(), BIND, new) is None
        code = bench.code(None, BIND, new)
        answers = await asyncio.gather(*(bench.verify(who, new, code) for who in people for _ in range(8)))
        assert keys(answers) == {"done": 1, "code_expired": CROWD - 1}


async def test_one_free_number_wanted_by_two_goes_to_exactly_one(bench: Workbench) -> None:
    for turn in range(RACE_ROUNDS):
        two = [bench.person(f"+861380{half}{turn:06d}") for half in (1, 2)]
        new = NEW.format(turn)
        tokens = [await bench.ready_to_change(who, new) for who in two]
        answers = await asyncio.gather(
            *(
                bench.update(who, token)
                for who, token in zip(two, tokens, strict=True)
                for _ in range(CROWD // 2)
            )
        )
        counted = keys(answers)
        assert counted["done"] == 1, counted
        assert counted["phone_taken"] == 1, counted
        assert sorted(bench.phone(who.user_id) == new for who in two) == [False, True]


async def test_the_last_guess_is_one_guess(bench: Workbench) -> None:
    """Sixty-four wrong guesses at once, when one is left, cost one: the code dies, the rest compare nothing."""
    bench.policy(change_phone_strategy=_no_old())
    for turn in range(RACE_ROUNDS):
        who = bench.person(OLD.format(turn))
        new = NEW.format(turn)
        assert await bench.send(who, BIND, new) is None
        for _ in range(4):
            assert keys([await bench.verify(who, new, bench.wrong(who, BIND, new))]) == {"code_wrong": 1}
        wrong = bench.wrong(who, BIND, new)
        answers = await asyncio.gather(*(bench.verify(who, new, wrong) for _ in range(CROWD)))
        assert keys(answers)["code_wrong"] == 1
        assert keys(answers)["guesses_spent"] + keys(answers)["code_expired"] == CROWD - 1


async def test_two_hundred_parallel_guesses_evaluate_exactly_the_budget(bench: Workbench) -> None:
    bench.policy(verify_code_max_attempts=10, change_phone_strategy=_no_old())
    who = bench.person(OLD.format(1))
    sessions = [who, bench.session(who.user_id, who.phone), bench.session(who.user_id, who.phone)]
    new = NEW.format(1)
    assert await bench.send(who, BIND, new) is None
    wrong = bench.wrong(who, BIND, new)
    answers = await asyncio.gather(*(bench.verify(sessions[n % 3], new, wrong) for n in range(200)))
    assert keys(answers)["code_wrong"] == 10
    assert keys(answers)["guesses_spent"] == 190


async def test_a_number_s_budget_is_shared_by_all_strangers(bench: Workbench) -> None:
    bench.policy(verify_code_max_attempts=10)
    number = OLD.format(7)
    assert await bench.send(bench.stranger(), LOGIN, number) is None
    wrong = bench.wrong(None, LOGIN, number)
    answers = await asyncio.gather(
        *(bench.look(bench.stranger(f"192.0.2.{n}"), LOGIN, number, wrong) for n in range(200))
    )
    said = [answer for answer in answers if not isinstance(answer, Refused)]
    assert len(said) == 10
    assert not any(answer.is_valid for answer in said)
    assert {answer.key for answer in answers if isinstance(answer, Refused)} == {Key.GUESSES_SPENT}


async def test_asks_at_once_for_one_number_send_one_code(bench: Workbench) -> None:
    for turn in range(RACE_ROUNDS // 3):
        who = bench.person(OLD.format(turn))
        answers = await asyncio.gather(*(bench.send(who, BIND, NEW.format(turn)) for _ in range(CROWD)))
        assert keys(answers) == {"done": 1, "sms_too_often": CROWD - 1}
        assert (
            bench.one("SELECT count(*) FROM outbox WHERE recipient = :number", number=NEW.format(turn)) == 1
        )


async def test_swapping_numbers_never_doubles_one(bench: Workbench) -> None:
    """A wants what B gives up and B wants what C gives up, all at once: every number has one holder."""
    for turn in range(RACE_ROUNDS // 3):
        numbers = [f"+861370{n}{turn:06d}" for n in range(4)]
        people: list[Person] = [bench.person(number) for number in numbers[:3]]
        jobs = []
        for who, wanted in zip(people, numbers[1:], strict=True):
            assert await bench.send(who, UNBIND, who.phone or "") is None
            assert await bench.send(who, BIND, wanted) is None
        last = await bench.verify(
            people[2], numbers[3], bench.code(people[2], BIND, numbers[3]),
            numbers[2], bench.code(people[2], UNBIND, numbers[2]),
        )  # fmt: skip # two pairs, side by side
        jobs.append(bench.update(people[2], last.update_phone_token))
        await asyncio.gather(*jobs)
        holders = bench.all(
            "SELECT number, user_id FROM phones WHERE number LIKE :like", like=f"+861370%{turn:06d}"
        )
        assert len({number for number, _ in holders}) == len(holders) == 3
        assert len({user for _, user in holders}) == 3


def _no_old() -> Any:
    from ostiary.server.core.policy import ChangePhoneStrategy

    return ChangePhoneStrategy(verify_old_phone=False)
