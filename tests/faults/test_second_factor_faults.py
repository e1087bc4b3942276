"""Second factors when the database fails after the comparison: wrong guesses are paid, right ones are not used up."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from ostiary.contract.second_factor import MfaVerified
from ostiary.server.storage import factors, people
from ostiary.server.storage.tx import Sql
from tests.explain import explain
from tests.second_factor_bench import Desk
from tests.workbench import Workbench

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def bench(database: str) -> AsyncIterator[Workbench]:
    bench = Workbench(database)
    yield bench
    await bench.close()


def run(bench: Workbench, text: str) -> None:
    bench.store.write_now(lambda tx: tx.run(Sql(text)))


def guesses(bench: Workbench, user_id: str, channel: str) -> int:
    rows = bench.all(
        "SELECT guesses FROM guess_counters WHERE subject = :subject AND channel = :channel",
        subject=f"user:{user_id}",
        channel=channel,
    )
    return len(msgspec.json.decode(rows[0][0])) if rows else 0


async def test_a_step_that_fails_after_comparing_pays_for_what_was_wrong_and_only_that(
    bench: Workbench,
) -> None:
    desk = Desk(bench)
    who, app, recovery = await desk.person_with_app()
    halves = [await desk.waiting(who) for _ in range(4)]
    code, wrong = desk.code(app), desk.wrong(app)
    run(bench, "ALTER TABLE audit RENAME TO elsewhere")
    answers = await asyncio.gather(
        desk.totp(halves[0], wrong),
        desk.totp(halves[1], code),
        desk.recover(halves[2], "0" * 24),
        desk.recover(halves[3], recovery),
        return_exceptions=True,
    )
    run(bench, "ALTER TABLE elsewhere RENAME TO audit")
    assert all(isinstance(answer, BaseException) for answer in answers), answers
    assert len({type(answer) for answer in answers}) == 1, "right and wrong fail alike"
    assert guesses(bench, who.user_id, "CHANNEL_VERIFY_MFA") == 1
    assert guesses(bench, who.user_id, "CHANNEL_UNBIND_MFA") == 1
    assert desk.sessions(who) == 1, "nothing opened"
    assert bench.one("SELECT count(*) FROM factors WHERE user_id = :id", id=who.user_id) == 1
    assert isinstance(await desk.totp(halves[1], code), MfaVerified), "what was right is still good"
    assert isinstance(await desk.recover(halves[3], recovery), MfaVerified)


async def test_factors_are_found_by_their_owner(bench: Workbench) -> None:
    """No statement on the way of a request reads the table whole."""
    for sql, facts in (
        (factors._OF_USER, {"user_id": "u"}),
        (factors._ACCEPT, {"user_id": "u", "kind": "OTP", "id": "i", "step": 1}),
        (factors._FOLLOW, {"user_id": "u", "kind": "SMS", "old": "a", "new": "b"}),
        (factors._DELETE, {"user_id": "u", "kind": "OTP", "id": "i"}),
        (people._SCENE, {"app_id": "a", "user_id": "u", "session_id": "s"}),
    ):
        plan = explain(bench.url, sql, **facts)
        assert "factors_pkey" in plan.indexes, plan.text
        assert "factors" not in plan.whole, plan.text
