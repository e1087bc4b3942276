"""Password checks: bounded in number, equal in work, never below the floor."""

import asyncio
import statistics
import time

import pytest

from ostiary.contract.keys import Key
from ostiary.server.core.refused import Refused
from ostiary.server.guards.passwords import FLOOR_MEMORY_KIB, Passwords


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def passwords():
    made = Passwords(threads=2, queue=4)
    yield made
    made.close()


async def test_the_right_password_and_no_other(passwords):
    stored = await passwords.hash("correct horse")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify(stored, "correct horse") is True
    assert await passwords.verify(stored, "correct horse ") is False
    assert await passwords.verify(None, "correct horse") is False
    assert await passwords.verify("not a hash", "correct horse") is False
    assert not passwords.needs_rehash(stored)
    assert passwords.needs_rehash(stored.replace("m=19456", "m=8192"))


async def test_an_account_that_is_not_there_costs_the_same_work(passwords):
    stored = await passwords.hash("correct horse")

    async def cost(whose):
        begun = time.perf_counter()
        await passwords.verify(whose, "wrong")
        return time.perf_counter() - begun

    known, unknown = [], []
    for _ in range(15):
        known.append(await cost(stored))
        unknown.append(await cost(None))
    assert statistics.median(unknown) > statistics.median(known) / 2


async def test_more_than_may_wait_are_refused_at_once(passwords):
    stored = await passwords.hash("x")
    verdicts = await asyncio.gather(*(passwords.verify(stored, "x") for _ in range(20)))
    refused = [verdict for verdict in verdicts if isinstance(verdict, Refused)]
    assert [verdict.key for verdict in refused] == [Key.UNAVAILABLE] * 14
    assert verdicts.count(True) == 6
    assert await passwords.verify(stored, "x") is True


async def test_a_caller_who_hangs_up_does_not_free_a_place_early(passwords):
    stored = await passwords.hash("x")
    tasks = [asyncio.create_task(passwords.verify(stored, "x")) for _ in range(6)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert passwords._under_way == 6
    for _ in range(500):
        if not passwords._under_way:
            break
        await asyncio.sleep(0.01)
    assert await passwords.verify(stored, "x") is True


@pytest.mark.parametrize("weak", [{"memory_kib": FLOOR_MEMORY_KIB - 1}, {"passes": 1}, {"lanes": 0}])
def test_weaker_settings_are_refused(weak):
    with pytest.raises(ValueError, match="at least"):
        Passwords(**weak)
