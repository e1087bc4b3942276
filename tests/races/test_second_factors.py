"""Second factors, raced: a code, a recovery code, an enrolment and a sign-in that waits are good once.

Named after what went wrong elsewhere: GHSA-w73w-g5xw-rwhf (Parse Server: an MFA code reused at the same time),
CVE-2021-43177 (devise-two-factor: reuse within the window), CVE-2018-14657 (Keycloak: no budget of guesses with TOTP).
"""

import asyncio
from collections import Counter
from typing import Any

import pytest

from ostiary.contract.keys import Key
from ostiary.contract.second_factor import MfaVerified
from ostiary.contract.signin import LoginTokenResponseData, SigninByCredentials, SignInByPassCodePayload
from ostiary.server.core.refused import Refused
from ostiary.server.features.sign_in.actions import sign_in_by_credentials
from ostiary.server.storage.tx import Sql
from tests.counts import RACE_ROUNDS
from tests.front_door import FrontDoor
from tests.second_factor_bench import Desk
from tests.workbench import LOGIN, Workbench

pytestmark = pytest.mark.anyio

CROWD = 64


def keys(answers: list[Any]) -> Counter[str]:
    return Counter(answer.key.value if isinstance(answer, Refused) else "done" for answer in answers)


async def test_one_authenticator_code_finishes_one_sign_in(bench: Workbench) -> None:
    """GHSA-w73w-g5xw-rwhf: sixty-four sign-ins wait, one code is shown to all of them at once."""
    desk = Desk(bench)
    for _ in range(RACE_ROUNDS):
        who, app, _recovery = await desk.person_with_app()
        waiting = [await desk.waiting(who) for _ in range(CROWD)]
        code = desk.code(app)
        answers = await asyncio.gather(*(desk.totp(half, code) for half in waiting))
        counted = keys(answers)
        assert counted["done"] == 1
        assert counted["totp_wrong"] + counted["guesses_spent"] == CROWD - 1
        assert desk.sessions(who) == 2, "the one that enrolled, and the one that won"


async def test_one_waiting_sign_in_opens_one_session(bench: Workbench) -> None:
    desk = Desk(bench)
    for _ in range(RACE_ROUNDS):
        who, app, _recovery = await desk.person_with_app()
        half = await desk.waiting(who)
        codes = [desk.code(app, ahead) for ahead in (0, 1)]
        answers = await asyncio.gather(*(desk.totp(half, codes[n % 2]) for n in range(CROWD)))
        assert keys(answers) == {"done": 1, "login_expired": CROWD - 1}
        assert desk.sessions(who) == 2


async def test_a_recovery_code_gets_in_once(bench: Workbench) -> None:
    desk = Desk(bench)
    for _ in range(RACE_ROUNDS):
        who, _app, recovery = await desk.person_with_app()
        waiting = [await desk.waiting(who) for _ in range(CROWD)]
        answers = await asyncio.gather(*(desk.recover(half, recovery) for half in waiting))
        assert keys(answers) == {"done": 1, "login_expired": CROWD - 1}, "the others' epoch is over"
        assert bench.one("SELECT count(*) FROM factors WHERE user_id = :id", id=who.user_id) == 0
        assert len([answer for answer in answers if isinstance(answer, MfaVerified)]) == 1


async def test_an_enrolment_token_enrols_once(bench: Workbench) -> None:
    desk = Desk(bench)
    for turn in range(RACE_ROUNDS // 3):
        who = bench.person(f"+86138020{turn:05d}")
        begun = await desk.begin(who)
        code = desk.code(begun.otp_data.qr_code_uri)
        answers = await asyncio.gather(
            *(desk.enroll(who, begun.enrollment_token, code) for _ in range(CROWD))
        )
        assert keys(answers) == {"done": CROWD}, "a retry after a lost answer is told that it is done"
        assert bench.one("SELECT count(*) FROM factors WHERE user_id = :id", id=who.user_id) == 1
        assert (
            bench.one(
                "SELECT count(*) FROM audit WHERE user_id = :id AND event = 'factor_enrolled' AND verdict = 'done'",
                id=who.user_id,
            )
            == 1
        )


async def test_two_enrolments_at_once_leave_one_factor(bench: Workbench) -> None:
    """A newer token takes the older one's place; whichever comes through, there is one authenticator."""
    desk = Desk(bench)
    for turn in range(RACE_ROUNDS // 3):
        who = bench.person(f"+86138021{turn:05d}")
        begun = await asyncio.gather(*(desk.begin(who) for _ in range(8)))
        answers = await asyncio.gather(
            *(desk.enroll(who, one.enrollment_token, desk.code(one.otp_data.qr_code_uri)) for one in begun)
        )
        assert keys(answers) == {"done": 1, "one_time_token_invalid": 7}
        assert bench.one("SELECT count(*) FROM factors WHERE user_id = :id", id=who.user_id) == 1


async def test_two_hundred_parallel_guesses_evaluate_exactly_the_budget(bench: Workbench) -> None:
    """CVE-2018-14657, CVE-2026-15210: wrong codes of a day are counted over all sign-ins that wait, and exactly."""
    desk = Desk(bench)
    who, app, recovery = await desk.person_with_app()
    waiting = [await desk.waiting(who) for _ in range(20)]
    wrong = desk.wrong(app)
    answers = await asyncio.gather(*(desk.totp(waiting[n % 20], wrong) for n in range(200)))
    assert keys(answers) == {"totp_wrong": 10, "guesses_spent": 190}
    right = await desk.totp(waiting[0], desk.code(app))
    assert isinstance(right, Refused)
    assert right.key is Key.GUESSES_SPENT, "not even the right one, for the rest of the day"
    assert (right.retry_after or 0) > 86_000
    assert isinstance(await desk.recover(waiting[1], recovery), MfaVerified), (
        "the recovery code has its own day"
    )


async def test_recovery_codes_are_guessed_at_on_a_budget(bench: Workbench) -> None:
    desk = Desk(bench)
    who, app, _recovery = await desk.person_with_app()
    half = await desk.waiting(who)
    answers = await asyncio.gather(*(desk.recover(half, f"{n:024x}") for n in range(200)))
    assert keys(answers) == {"recovery_code_wrong": 10, "guesses_spent": 190}
    assert isinstance(await desk.totp(half, desk.code(app)), MfaVerified)


def never_proven(bench: Workbench, address: str) -> None:
    """As if it had only been typed at a sign-up."""
    sql = Sql("UPDATE emails SET verified = 0 WHERE address = :address")
    bench.store.write_now(lambda tx: tx.run(sql, address=address))


async def test_a_takeover_leaves_nothing_of_what_comes_at_the_same_time(bench: Workbench) -> None:
    """Account pre-hijacking: the stranger enrols an authenticator in the instant in which the owner proves the address."""
    desk, door = Desk(bench), FrontDoor(bench)
    seen: Counter[str] = Counter()
    for turn in range(RACE_ROUNDS // 3):
        address = f"owner{turn}@example.com"
        stranger = bench.person(None, email=address)
        never_proven(bench, address)
        begun = await desk.begin(stranger)
        shown = desk.code(begun.otp_data.qr_code_uri)
        assert await bench.send(door.caller(), LOGIN, address) is None
        owner = SigninByCredentials(
            connection="PASSCODE",
            pass_code_payload=SignInByPassCodePayload(
                email=address, pass_code=bench.code(None, LOGIN, address)
            ),
        )
        enrolment = desk.enroll(stranger, begun.enrollment_token, shown)
        proof = sign_in_by_credentials(bench.service, door.caller(), owner)
        # Whoever starts first comes first most often: each does.
        first, second = await asyncio.gather(*((enrolment, proof) if turn % 2 else (proof, enrolment)))
        enrolled, signed_in = (first, second) if turn % 2 else (second, first)
        assert isinstance(signed_in, LoginTokenResponseData), signed_in
        seen[enrolled.key.value if isinstance(enrolled, Refused) else "done"] += 1
        assert bench.one("SELECT count(*) FROM factors WHERE user_id = :id", id=stranger.user_id) == 0
        alive = bench.one(
            "SELECT count(*) FROM sessions s JOIN users u ON u.id = s.user_id"
            " WHERE u.id = :id AND s.epoch = u.session_epoch",
            id=stranger.user_id,
        )
        assert alive == 1, "the owner's"
    assert set(seen) <= {"done", "login_expired"}, seen
