"""Wrong passwords at once: exactly the budget is judged; whoever is guessed at, the work is the same."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from ostiary.contract.captcha import ValidatePassword
from ostiary.contract.keys import Key
from ostiary.contract.signin import SigninByCredentials, SignInByPasswordPayload, SignInOptions
from ostiary.server.core.refused import Refused
from ostiary.server.core.sign_in_policy import FailCheck, LoginAnomalyDetection
from ostiary.server.features.sign_in.actions import sign_in_by_credentials, validate_password
from ostiary.server.guards import captcha
from ostiary.server.guards.passwords import Passwords
from ostiary.server.storage.tx import Sql
from tests.counts import RACE_ROUNDS
from tests.front_door import PASSWORD, FrontDoor
from tests.workbench import Workbench

pytestmark = pytest.mark.anyio

CROWD = 200
LIMIT = 10
ON = FailCheck(enabled=True, limit=LIMIT)
LOCK = LoginAnomalyDetection(account_lock_login_password_fail_check=ON)
ALL = LoginAnomalyDetection(
    robot_verify="condition_set",
    account_lock_login_password_fail_check=ON,
    login_fail_check=FailCheck(enabled=True, limit=1_000),
    robot_verify_login_password_fail_check=FailCheck(enabled=True, limit=1_000),
)
NONE = LoginAnomalyDetection(account_lock="disable")
SUSPEND = Sql("UPDATE users SET status = 'Suspended' WHERE username = 'carol'")


@pytest.fixture
async def door(bench: Workbench) -> AsyncIterator[FrontDoor]:
    bench.service.passwords.close()
    bench.service.passwords = Passwords(queue=CROWD)
    yield FrontDoor(bench)
    bench.service.signer.close()


def keys(answers: list[Any]) -> Counter[str]:
    return Counter(answer.key.value if isinstance(answer, Refused) else "done" for answer in answers)


def judged(door: FrontDoor) -> int:
    """Wrong passwords whose outcome counted, by the audit log."""
    rows = door.bench.all("SELECT facts FROM audit WHERE event = 'sign_in' AND verdict = 'wrong_credentials'")
    return sum("locked" not in msgspec.json.decode(row[0]) for row in rows)


async def test_ghsa_c55g_of_many_wrong_passwords_at_once_exactly_the_budget_is_judged(
    door: FrontDoor,
) -> None:
    """GHSA-c55g-q6f4-5qxr: by account first, from however many addresses they come."""
    await door.sign_up(username="alice")
    door.bench.policy(login_anomaly_detection=LOCK)
    guesses = [
        door.sign_in(
            username="alice", password=f"wrong {turn}", call=door.caller(address=f"10.0.{turn // 250}.{turn}")
        )
        for turn in range(CROWD)
    ]
    assert keys(await asyncio.gather(*guesses)) == {"wrong_credentials": CROWD}
    assert judged(door) == LIMIT
    assert keys([await door.sign_in(username="alice")]) == {"wrong_credentials": 1}
    door.bench.clock.advance(seconds=901)
    assert keys([await door.sign_in(username="alice")]) == {"done": 1}


async def test_an_unknown_name_is_counted_alike(door: FrontDoor) -> None:
    door.bench.policy(login_anomaly_detection=ALL)
    guesses = [door.sign_in(username="nobody", password=f"wrong {turn}") for turn in range(40)]
    assert keys(await asyncio.gather(*guesses)) == {"wrong_credentials": 40}
    assert judged(door) == LIMIT


async def test_a_captcha_is_answered_once_however_many_answer_it(door: FrontDoor) -> None:
    door.bench.policy(login_anomaly_detection=LoginAnomalyDetection(robot_verify="always_enable"))
    service, pool_id = door.bench.service, door.bench.pool_id
    for _ in range(RACE_ROUNDS // 3):
        token = captcha.new(service.ports, pool_id, 4).token
        held = captcha._opened(service.ports, pool_id, token)
        assert held is not None
        form = SigninByCredentials(
            connection="PASSWORD",
            password_payload=SignInByPasswordPayload(password="wrong", account="nobody"),
            options=SignInOptions(captcha_code=held.answer, captcha_token=token),
        )
        asked = (sign_in_by_credentials(service, door.caller(), form) for _ in range(64))
        assert keys(await asyncio.gather(*asked)) == {"wrong_credentials": 1, "captcha_required": 63}


async def test_the_owner_s_last_address_can_t_be_locked_from_elsewhere(door: FrontDoor) -> None:
    await door.sign_up(username="alice")
    home, elsewhere = (door.caller(address=address) for address in ("192.0.2.1", "198.51.100.9"))
    assert keys([await door.sign_in(username="alice", call=home)]) == {"done": 1}
    door.bench.policy(login_anomaly_detection=LOCK)
    for turn in range(LIMIT):
        await door.sign_in(username="alice", password=f"wrong {turn}", call=elsewhere)
    assert keys([await door.sign_in(username="alice", call=elsewhere)]) == {"wrong_credentials": 1}
    assert keys([await door.sign_in(username="alice", call=home)]) == {"done": 1}


async def statements(door: FrontDoor, answer: Any) -> tuple[int, int]:
    counts = door.bench.store.counts
    before = counts.statements, counts.commits
    refused = await answer
    assert refused == Refused(Key.WRONG_CREDENTIALS)
    return counts.statements - before[0], counts.commits - before[1]


@pytest.mark.parametrize("policy", [LOCK, ALL, NONE], ids=["lock", "all", "none"])
async def test_unknown_wrong_and_locked_cost_the_same(door: FrontDoor, policy: LoginAnomalyDetection) -> None:
    for name in ("alice", "bob", "carol"):
        await door.sign_up(username=name)
    door.bench.policy(login_anomaly_detection=policy)
    for turn in range(LIMIT):
        await door.sign_in(username="bob", password=f"wrong {turn}")
    door.bench.store.write_now(lambda tx: tx.run(SUSPEND))
    costs = [
        await statements(door, door.sign_in(username=name, password="wrong one"))
        for name in ("alice", "bob", "carol", "nobody")
    ]
    if policy is not NONE:
        costs.append(await statements(door, door.sign_in(username="bob")))
    assert len(set(costs)) == 1, costs


async def test_a_full_queue_is_answered_at_once(door: FrontDoor) -> None:
    door.bench.service.passwords.close()
    door.bench.service.passwords = Passwords(threads=1, queue=2)
    answers = await asyncio.gather(*(door.sign_in(username="nobody", password=PASSWORD) for _ in range(12)))
    assert keys(answers)["unavailable"] >= 1
    assert keys(answers).keys() == {"unavailable", "wrong_credentials"}
    assert all(answer.retry_after for answer in answers if answer.key is Key.UNAVAILABLE)


async def test_a_password_that_is_only_looked_at_spends_the_same_budget(door: FrontDoor) -> None:
    await door.sign_up(username="alice")
    door.bench.policy(login_anomaly_detection=LOCK)
    looks = [
        validate_password(
            door.bench.service, door.caller(), ValidatePassword(username="alice", password=f"wrong {turn}")
        )
        for turn in range(LIMIT * 2)
    ]
    assert not any(look.valid for look in await asyncio.gather(*looks))  # type: ignore[union-attr] # none is refused
    assert judged(door) == LIMIT
    assert keys([await door.sign_in(username="alice")]) == {"wrong_credentials": 1}
