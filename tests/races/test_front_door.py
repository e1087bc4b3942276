"""Registering, signing in and refreshing, raced: of 64 at once exactly one wins, and no work tells who exists."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from typing import Any

import psycopg
import pytest

from ostiary.contract.keys import Key
from ostiary.contract.own_page import ResetPasswordByPhonePassCode, VerifyResetPasswordRequest
from ostiary.contract.profile import User
from ostiary.contract.signin import LoginTokenResponseData
from ostiary.contract.tokens import TokenResponse
from ostiary.server.core.policy import ChangePhoneStrategy
from ostiary.server.core.refused import Refused
from ostiary.server.core.sign_in_policy import SelfUnlockAccount
from ostiary.server.features.own_password import reset
from ostiary.server.storage import users
from tests.counts import RACE_ROUNDS
from tests.front_door import PASSWORD, REGISTER, FrontDoor
from tests.workbench import BIND, LOGIN, Workbench

pytestmark = pytest.mark.anyio

CROWD = 64
FEW = 8
"""Argon2 costs 20 ms of a core: fewer of those at once."""
NUMBER = "+86138002{:05d}"


@pytest.fixture
async def door(bench: Workbench) -> AsyncIterator[FrontDoor]:
    yield FrontDoor(bench)
    bench.service.signer.close()


def keys(answers: list[Any]) -> Counter[str]:
    return Counter(answer.key.value if isinstance(answer, Refused) else "done" for answer in answers)


async def code(door: FrontDoor, channel: str, number: str) -> str:
    """Have a code sent to a number, unsigned, and read it."""
    refused = await door.bench.send(door.caller(), channel, number)
    assert refused is None, refused
    return door.bench.code(None, channel, number)


# ── one name, one account ───────────────────────────────────────────────────────────────────


async def test_a_user_name_goes_to_exactly_one_whatever_its_spelling(door: FrontDoor) -> None:
    for turn in range(RACE_ROUNDS // 3):
        spellings = [f"name{turn}", f"NAME{turn}", f"ｎame{turn}", f" Name{turn} "] * (FEW // 4)
        answers = await asyncio.gather(*(door.sign_up(username=spelling) for spelling in spellings))
        assert keys(answers) == {"done": 1, "username_taken": FEW - 1}
    assert door.bench.one("SELECT count(*) FROM users") == RACE_ROUNDS // 3


async def test_an_address_goes_to_exactly_one_and_leaves_no_half_made_account(door: FrontDoor) -> None:
    for turn in range(RACE_ROUNDS // 3):
        answers = await asyncio.gather(
            *(door.sign_up(email=f"Bob{turn}@example.com", username=f"b{turn}-{each}") for each in range(FEW))
        )
        assert keys(answers) == {"done": 1, "email_taken": FEW - 1}
    assert door.bench.one("SELECT count(*) FROM users") == RACE_ROUNDS // 3
    assert door.bench.one("SELECT count(*) FROM emails WHERE verified = 1") == 0


async def test_a_code_registers_one_account(door: FrontDoor) -> None:
    for turn in range(RACE_ROUNDS):
        number = NUMBER.format(turn)
        right = await code(door, REGISTER, number)
        answers = await asyncio.gather(*(door.sign_up_by_code(number, right) for _ in range(CROWD)))
        assert keys(answers) == {"done": 1, "code_expired": CROWD - 1}
    assert door.bench.one("SELECT count(*) FROM phones WHERE verified = 1") == RACE_ROUNDS


async def test_a_login_code_registers_and_signs_in_once(door: FrontDoor) -> None:
    for turn in range(RACE_ROUNDS):
        number = NUMBER.format(turn)
        right = await code(door, LOGIN, number)
        answers = await asyncio.gather(
            *(door.sign_in_by_code(number, right, auto_register=True) for _ in range(CROWD))
        )
        assert keys(answers) == {"done": 1, "code_expired": CROWD - 1}
    assert door.bench.one("SELECT count(*) FROM users") == RACE_ROUNDS


async def test_two_ways_to_one_free_number_make_one_account(door: FrontDoor) -> None:
    """A registration, a sign-in with autoRegister and a bind race for a number: it is nobody's twice."""
    door.bench.policy(change_phone_strategy=ChangePhoneStrategy(verify_old_phone=False))
    for turn in range(RACE_ROUNDS):
        number = NUMBER.format(turn)
        who = door.bench.person(None)
        assert await door.bench.send(who, BIND, number) is None
        to_register, to_sign_in = await code(door, REGISTER, number), await code(door, LOGIN, number)
        answers = await asyncio.gather(
            door.sign_up_by_code(number, to_register),
            door.sign_in_by_code(number, to_sign_in, auto_register=True),
            door.bench.bind(who, number, door.bench.code(who, BIND, number)),
        )
        assert door.bench.one("SELECT count(*) FROM phones WHERE number = :n", n=number) == 1
        # A sign-in that comes second finds the account that the first one made: its right code is no waste.
        assert 1 <= sum(not isinstance(answer, Refused) for answer in answers) <= 2
        assert not isinstance(answers[1], Refused) or answers[1].key is Key.CODE_EXPIRED
        assert keys([answer for answer in answers if isinstance(answer, Refused)]).keys() <= {
            "phone_taken",
            "code_expired",  # the number went to somebody: nobody's codes at it stay, the bind's own died
        }


@pytest.mark.parametrize("crowd", [64, 192])
async def test_a_crowd_from_one_address_is_sent_what_one_after_the_other_is(
    door: FrontDoor, crowd: int
) -> None:
    """Sums are read before anybody of the crowd is stored; what is about to be stored counts all the same."""
    door.bench.policy(send_per_address_per_minute=10)
    answers = await asyncio.gather(
        *(
            door.bench.send(door.caller(address="198.51.100.7"), LOGIN, NUMBER.format(number))
            for number in range(crowd)
        )
    )
    sent = [answer for answer in answers if answer is None]
    assert len(sent) == 10
    assert keys([answer for answer in answers if answer is not None]) == {"sending_paused": crowd - 10}


async def test_two_hundred_wrong_login_codes_cost_exactly_the_budget(door: FrontDoor) -> None:
    number = NUMBER.format(0)
    door.bench.person(number)
    await code(door, LOGIN, number)
    wrong = door.bench.wrong(None, LOGIN, number)
    answers = await asyncio.gather(*(door.sign_in_by_code(number, wrong) for _ in range(200)))
    assert keys(answers) == {"code_wrong": 5, "code_expired": 195}


# ── refresh tokens ──────────────────────────────────────────────────────────────────────────


async def signed_in(door: FrontDoor, **names: Any) -> LoginTokenResponseData:
    tokens = await door.sign_in(**names)
    assert isinstance(tokens, LoginTokenResponseData), tokens
    return tokens


async def test_a_refresh_token_is_exchanged_once_and_showing_it_again_ends_the_sign_in(
    door: FrontDoor,
) -> None:
    made = await door.sign_up(username="alice")
    assert isinstance(made, User)
    for _ in range(RACE_ROUNDS):
        tokens = await signed_in(door, username="alice")
        answers = await asyncio.gather(*(door.refresh(tokens.refresh_token or "") for _ in range(CROWD)))
        won = [answer for answer in answers if isinstance(answer, TokenResponse)]
        assert len(won) == 1
        assert {
            answer.data["error"] for answer in answers if isinstance(answer, Refused) and answer.data
        } == {"invalid_grant"}
        assert keys([await door.refresh(won[0].refresh_token or "")]) == {"login_expired": 1}
        assert keys([await door.user_info(won[0].access_token)]) == {"login_expired": 1}
    assert len(door.events("refresh_token_reused")) == RACE_ROUNDS


async def test_without_rotation_everybody_gets_the_same_refresh_token(door: FrontDoor) -> None:
    door.app("none", refresh_token_rotation=False)
    await door.sign_up(username="alice")
    tokens = await signed_in(door, username="alice")
    answers = await asyncio.gather(*(door.refresh(tokens.refresh_token or "") for _ in range(CROWD)))
    assert {answer.refresh_token for answer in answers} == {tokens.refresh_token}


async def test_a_refresh_that_races_a_change_of_number_leaves_no_live_session(door: FrontDoor) -> None:
    """Whichever comes first: after the change, nothing of the other sign-in works (§6)."""
    for turn in range(RACE_ROUNDS):
        old, new = NUMBER.format(turn), f"+86139002{turn:05d}"
        who = door.bench.person(old)
        tokens = await door.sign_in_by_code(old, await code(door, LOGIN, old))
        assert isinstance(tokens, LoginTokenResponseData)
        update_token = await door.bench.ready_to_change(who, new)
        refreshed, moved = await asyncio.gather(
            door.refresh(tokens.refresh_token or ""), door.bench.update(who, update_token)
        )
        assert not isinstance(moved, Refused)
        assert keys([await door.user_info(tokens.access_token or "")]) == {"login_expired": 1}
        if isinstance(refreshed, TokenResponse):
            assert keys([await door.user_info(refreshed.access_token)]) == {"login_expired": 1}
            assert keys([await door.refresh(refreshed.refresh_token or "")]) == {"login_expired": 1}


async def test_a_sign_in_that_races_a_change_of_number_is_before_it_or_after_it(door: FrontDoor) -> None:
    for turn in range(RACE_ROUNDS):
        old, new = NUMBER.format(turn), f"+86139002{turn:05d}"
        who = door.bench.person(old)
        right = await code(door, LOGIN, old)
        update_token = await door.bench.ready_to_change(who, new)
        tokens, moved = await asyncio.gather(
            door.sign_in_by_code(old, right), door.bench.update(who, update_token)
        )
        assert not isinstance(moved, Refused)
        if isinstance(tokens, Refused):  # the change came first: the old number's codes are dead
            assert tokens.key in {Key.CODE_EXPIRED, Key.USER_NOT_FOUND}
        else:
            assert keys([await door.user_info(tokens.access_token)]) == {"login_expired": 1}


# ── the work tells nothing (I9) ─────────────────────────────────────────────────────────────


async def statements(door: FrontDoor, answer: Any, key: Key) -> tuple[int, int]:
    """Statements and commits that an ask took; it is answered with `key`."""
    counts = door.bench.store.counts
    before = counts.statements, counts.commits
    refused = await answer
    assert isinstance(refused, Refused)
    assert refused.key is key
    return counts.statements - before[0], counts.commits - before[1]


async def test_an_unknown_name_costs_what_a_wrong_password_costs(door: FrontDoor) -> None:
    await door.sign_up(username="alice")
    known = await statements(door, door.sign_in(account="alice", password="wrong one"), Key.WRONG_CREDENTIALS)
    unknown = await statements(door, door.sign_in(account="nobody"), Key.WRONG_CREDENTIALS)
    assert known == unknown


async def test_a_wrong_code_costs_the_same_with_and_without_an_account(door: FrontDoor) -> None:
    costs = []
    for turn, number in enumerate((NUMBER.format(1), NUMBER.format(2))):
        if turn == 0:
            door.bench.person(number)
        await code(door, LOGIN, number)
        wrong = door.bench.wrong(None, LOGIN, number)
        costs.append(await statements(door, door.sign_in_by_code(number, wrong), Key.CODE_WRONG))
        costs.append(await statements(door, door.sign_in_by_code(number, wrong), Key.CODE_WRONG))
    assert costs[:2] == costs[2:]


async def test_that_a_number_is_taken_is_told_only_to_who_holds_its_code(door: FrontDoor) -> None:
    taken = NUMBER.format(3)
    door.bench.person(taken)
    right = await code(door, REGISTER, taken)
    wrong = door.bench.wrong(None, REGISTER, taken)
    assert keys([await door.sign_up_by_code(taken, wrong)]) == {"code_wrong": 1}
    assert keys([await door.sign_up_by_code(taken, right)]) == {"phone_taken": 1}
    assert keys([await door.sign_up_by_code(taken, right)]) == {"code_expired": 1}


# ── what changes while a password is checked ────────────────────────────────────────────────


async def test_a_password_that_was_changed_while_it_was_checked_opens_nothing(door: FrontDoor) -> None:
    made = await door.sign_up(username="alice")
    other = door.bench.service.passwords.hash_now("another password")
    checking = asyncio.create_task(door.sign_in(username="alice"))
    await asyncio.sleep(0.008)  # between the first step and the second: argon2 takes 20 ms
    door.bench.store.write_now(lambda tx: users.set_password(tx, made.user_id, other, door.bench.ports.now()))
    assert keys([await checking]) == {"wrong_credentials": 1}
    assert keys([await door.sign_in(username="alice", password="another password")]) == {"done": 1}
    assert PASSWORD != "another password"


async def test_a_sign_in_by_mail_and_a_look_at_its_code_do_not_wait_for_each_other(door: FrontDoor) -> None:
    """Where owners may unlock, a sign-in looks first which of two codes there is: before any lock, and without one."""
    door.bench.policy(self_unlock_account=SelfUnlockAccount(enabled=True))
    address = "kim@example.org"
    assert await door.bench.send(door.caller(), LOGIN, address) is None
    wrong = door.bench.wrong(None, LOGIN, address)

    async def go_on(late: float, ask: Callable[[], Awaitable[object]]) -> None:
        for _ in range(RACE_ROUNDS):
            await asyncio.sleep(late)  # so that not all stand in the same batches
            assert await ask() is not None

    asks = (
        lambda: door.sign_in_by_code(address, wrong),
        lambda: door.bench.look(door.caller(), LOGIN, address, wrong),
    )
    await asyncio.gather(*(go_on(turn / 1_000, ask) for turn in range(8) for ask in asks))
    assert door.bench.store.counts.reruns == 0  # a deadlock is a batch that is lost, a second later


# ── waiting for somebody's row ──────────────────────────────────────────────────────────────


@pytest.fixture
async def held_door(postgres_url: str) -> AsyncIterator[FrontDoor]:
    """On PostgreSQL alone: SQLite's one writer waits for no row."""
    door = FrontDoor(Workbench(postgres_url))
    yield door
    door.bench.service.signer.close()
    await door.bench.close()


async def _reset(door: FrontDoor, number: str, digits: str) -> object:
    form = VerifyResetPasswordRequest(
        verify_method="PHONE_PASSCODE",
        phone_pass_code_payload=ResetPasswordByPhonePassCode(phone_number=number, pass_code=digits),
    )
    return await reset.verify_reset_password_request(door.bench.service, door.caller(), form)


@pytest.mark.parametrize(
    ("channel", "ask"), [(LOGIN, FrontDoor.sign_in_by_code), ("CHANNEL_RESET_PASSWORD", _reset)]
)
async def test_a_code_that_ends_while_its_step_waits_for_the_user_s_row_is_over(
    held_door: FrontDoor, channel: str, ask: Callable[[FrontDoor, str, str], Awaitable[object]]
) -> None:
    bench, number = held_door.bench, NUMBER.format(1)
    who = bench.person(number)
    digits = await code(held_door, channel, number)
    with closing(psycopg.connect(bench.url)) as holder:
        holder.execute("SELECT id FROM users WHERE id = %s FOR UPDATE", (who.user_id,))
        asked = asyncio.ensure_future(ask(held_door, number, digits))
        await asyncio.sleep(0.5)  # a batch gives up by then, and the step waits alone
        assert not asked.done()
        bench.clock.advance(seconds=301)
    assert keys([await asked]) == {"code_expired": 1}
