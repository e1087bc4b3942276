"""Which code is compared, and who pays for a wrong guess (phone-change.md §4), looked at in the database."""

from collections.abc import AsyncIterator
from typing import get_args

import msgspec
import pytest
from msgspec.structs import replace

from ostiary.contract.common import SmsChannel
from ostiary.contract.keys import Key
from ostiary.server.core.keyring import KeyRing, RootKey, RootKeys
from ostiary.server.core.millis import SECOND, Millis
from ostiary.server.core.passcode import BOUND, Channel
from ostiary.server.core.policy import AppPolicy, ChangePhoneStrategy
from ostiary.server.core.ports import Ports
from ostiary.server.core.refused import Refused
from ostiary.server.storage import pools
from ostiary.server.storage.tx import Sql
from tests.workbench import BIND, LOGIN, UNBIND, Person, Workbench

pytestmark = pytest.mark.anyio

OLD, NEW = "+8613800138000", "+8613900139000"
CHANNELS = tuple(map(Channel, get_args(SmsChannel)))


@pytest.fixture
async def bench(database: str) -> AsyncIterator[Workbench]:
    bench = Workbench(database)
    bench.policy(change_phone_strategy=ChangePhoneStrategy(verify_old_phone=False))
    yield bench
    await bench.close()


def paid(bench: Workbench, subject: str, channel: str) -> int:
    rows = bench.all(
        "SELECT guesses FROM guess_counters WHERE subject = :subject AND channel = :channel",
        subject=subject,
        channel=channel,
    )
    return len(msgspec.json.decode(rows[0][0])) if rows else 0


def run(bench: Workbench, text: str, **params: object) -> None:
    bench.store.write_now(lambda tx: tx.run(Sql(text), **params))


def key(answer: object) -> Key | None:
    return answer.key if isinstance(answer, Refused) else None


# --- which code is compared ---------------------------------------------------------------------------------


async def test_a_code_opens_its_own_channel_only(bench: Workbench) -> None:
    """Eleven by eleven, at one number: only the diagonal."""
    who = bench.person(OLD)
    bench.policy(wrong_codes_per_day=20, verify_code_max_attempts=10, verify_code_length=10)
    for channel in CHANNELS:
        run(bench, "DELETE FROM send_limits")
        assert await bench.send(who, channel, OLD) is None
    for sent in CHANNELS:
        code = bench.code(who, sent, OLD)
        for door in CHANNELS:
            run(bench, "DELETE FROM guess_counters")
            run(bench, "UPDATE codes SET wrong = 0")
            looked = await bench.look(who, door, OLD, code)
            assert looked.is_valid is (sent is door), (sent, door)


async def test_one_s_own_code_is_compared_and_then_nobody_s_never(bench: Workbench) -> None:
    who = bench.person(OLD)
    assert await bench.send(bench.stranger(), BIND, NEW) is None
    nobodys = bench.code(None, BIND, NEW)
    assert (await bench.look(who, BIND, NEW, nobodys)).is_valid
    assert await bench.send(who, BIND, NEW) is None
    assert not (await bench.look(who, BIND, NEW, nobodys)).is_valid, "shadowed by one's own"
    assert (await bench.look(who, BIND, NEW, bench.code(who, BIND, NEW))).is_valid
    run(bench, "UPDATE codes SET void_at = 1 WHERE owner = :id", id=who.user_id)
    assert (await bench.look(who, BIND, NEW, nobodys)).is_valid, "only if there is no live one"


async def test_nobody_s_code_is_not_compared_where_the_pool_requires_bound_ones(bench: Workbench) -> None:
    who = bench.person(OLD)
    assert await bench.send(bench.stranger(), BIND, NEW) is None
    bench.policy(require_bound_codes=True)
    assert key(await bench.verify(who, NEW, bench.code(None, BIND, NEW))) is Key.CODE_EXPIRED
    assert key(await bench.verify(who, NEW, bench.wrong(None, BIND, NEW))) is Key.CODE_EXPIRED
    assert paid(bench, f"user:{who.user_id}", BIND) == paid(bench, f"number:{NEW}", BIND) == 0


async def test_another_user_s_code_is_no_code(bench: Workbench) -> None:
    ann, ben = bench.person(OLD), bench.person(None)
    assert await bench.send(ann, BIND, NEW) is None
    assert key(await bench.verify(ben, NEW, bench.code(ann, BIND, NEW))) is Key.CODE_EXPIRED
    again = bench.session(ann.user_id, OLD)
    assert key(await bench.verify(again, NEW, bench.code(ann, BIND, NEW))) is None, (
        "to the user, not the session"
    )


async def test_a_code_whose_key_is_gone_is_over_and_the_next_ask_makes_another(database: str) -> None:
    bench = Workbench(database)
    who = bench.person(OLD)
    assert await bench.send(who, BIND, NEW) is None
    before = bench.code(who, BIND, NEW)
    rings = dict(bench.keys.rings)
    rings["codes"] = KeyRing("codes", (RootKey("codes-2", Ports.random_bytes(32), Millis(0)),))
    bench.ports.keys = RootKeys(rings)
    assert not (await bench.look(who, BIND, NEW, before)).is_valid
    assert paid(bench, f"user:{who.user_id}", BIND) == 0, "nothing was compared"
    bench.clock.advance(seconds=61)
    assert await bench.send(who, BIND, NEW) is None
    assert (await bench.look(who, BIND, NEW, bench.code(who, BIND, NEW))).is_valid
    await bench.close()


async def test_a_code_from_the_future_is_dead(bench: Workbench) -> None:
    """As after a clock was set back: the row is newer than now."""
    who = bench.person(OLD)
    bench.clock.advance(seconds=60)
    assert await bench.send(who, BIND, NEW) is None
    code = bench.code(who, BIND, NEW)
    assert (await bench.look(who, BIND, NEW, code)).is_valid
    bench.clock.advance(seconds=-54)
    assert not (await bench.look(who, BIND, NEW, code)).is_valid
    bench.clock.advance(seconds=50)
    assert (await bench.look(who, BIND, NEW, code)).is_valid, "within five seconds it is"


# --- who pays -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", CHANNELS)
async def test_the_counter_follows_the_code(sqlite_url: str, channel: Channel) -> None:
    """Bound channels: the user's; all others: the number's, token or not; nobody's code of a bound one: both."""
    bench = Workbench(sqlite_url)
    who = bench.person(OLD)
    mine, numbers = f"user:{who.user_id}", f"number:{OLD}"
    assert await bench.send(who, channel, OLD) is None
    await bench.look(who, channel, OLD, bench.wrong(who, channel, OLD))
    bound = channel in BOUND
    assert (paid(bench, mine, channel), paid(bench, numbers, channel)) == ((1, 0) if bound else (0, 1))
    if bound:
        run(bench, "UPDATE codes SET void_at = 1")
        stranger = bench.stranger()
        assert await bench.send(stranger, channel, OLD) is None
        assert key(await bench.look(stranger, channel, OLD, "123456")) is Key.NOT_LOGGED_IN
        await bench.look(who, channel, OLD, bench.wrong(None, channel, OLD))
        assert (paid(bench, mine, channel), paid(bench, numbers, channel)) == (2, 1)
    else:
        await bench.look(bench.stranger(), channel, OLD, bench.wrong(who, channel, OLD))
        assert (paid(bench, mine, channel), paid(bench, numbers, channel)) == (0, 2)
    await bench.close()


async def test_who_burns_a_number_s_counter_burns_nothing_of_its_owner_s(bench: Workbench) -> None:
    """Ten wrong guesses of others at nobody's code; the owner's own code and purse are as they were."""
    ann = bench.person(OLD)
    assert await bench.send(bench.stranger(), UNBIND, OLD) is None
    run(bench, "UPDATE codes SET max_wrong = 20")
    for _ in range(2):
        mallory = bench.person(None)
        for _ in range(5):
            assert not (await bench.look(mallory, UNBIND, OLD, bench.wrong(None, UNBIND, OLD))).is_valid
    assert paid(bench, f"number:{OLD}", UNBIND) == 10
    assert key(await bench.look(bench.person(None), UNBIND, OLD, "123456")) is Key.GUESSES_SPENT
    assert await bench.send(ann, UNBIND, OLD) is None
    assert (await bench.look(ann, UNBIND, OLD, bench.code(ann, UNBIND, OLD))).is_valid
    assert paid(bench, f"user:{ann.user_id}", UNBIND) == 0


async def test_right_codes_and_what_is_no_code_cost_nothing(bench: Workbench) -> None:
    who = bench.person(OLD)
    assert await bench.send(who, BIND, NEW) is None
    for typed in ("12x456", "123", "12345678901", "١٢٣٤٥٦", " "):
        assert key(await bench.look(who, BIND, NEW, typed)) is Key.BAD_REQUEST
    for _ in range(3):
        assert (await bench.look(who, BIND, NEW, bench.code(who, BIND, NEW))).is_valid
    assert key(await bench.verify(who, "+8613700000000", "123456")) is Key.CODE_EXPIRED, "never asked for"
    assert paid(bench, f"user:{who.user_id}", BIND) == 0
    assert bench.one("SELECT wrong FROM codes") == 0


async def test_a_code_of_another_length_is_a_wrong_guess(bench: Workbench) -> None:
    who = bench.person(OLD)
    assert await bench.send(who, BIND, NEW) is None
    assert not (await bench.look(who, BIND, NEW, bench.code(who, BIND, NEW)[:5])).is_valid
    assert paid(bench, f"user:{who.user_id}", BIND) == 1


async def test_a_right_guess_ends_a_row_and_not_the_day(bench: Workbench) -> None:
    who = bench.person(OLD)
    assert await bench.send(who, BIND, NEW) is None
    for _ in range(4):
        await bench.look(who, BIND, NEW, bench.wrong(who, BIND, NEW))
    assert bench.one("SELECT row_wrong FROM guess_counters WHERE channel = :c", c=BIND) == 4
    assert key(await bench.verify(who, NEW, bench.code(who, BIND, NEW))) is None
    assert bench.one("SELECT row_wrong FROM guess_counters WHERE channel = :c", c=BIND) == 0
    assert paid(bench, f"user:{who.user_id}", BIND) == 4


async def test_one_request_pays_once_however_often_its_step_runs(bench: Workbench) -> None:
    """The same request id is the same guess; the wire makes a new one for every request."""
    who = bench.person(OLD)
    assert await bench.send(who, BIND, NEW) is None
    call = replace(who.again(), request_id="twice")
    for _ in range(2):
        assert not (await bench.look(call, BIND, NEW, bench.wrong(who, BIND, NEW))).is_valid
    assert paid(bench, f"user:{who.user_id}", BIND) == 1


async def test_a_policy_made_stricter_shuts_at_once(bench: Workbench) -> None:
    who = bench.person(OLD)
    assert await bench.send(who, BIND, NEW) is None
    for _ in range(3):
        await bench.look(who, BIND, NEW, bench.wrong(who, BIND, NEW))
    bench.policy(wrong_codes_per_day=3)
    refused = await bench.look(bench.session(who.user_id, OLD), BIND, NEW, bench.code(who, BIND, NEW))
    assert key(refused) is Key.GUESSES_SPENT
    assert 86_390 <= refused.retry_after <= 86_400
    bench.clock.advance(seconds=refused.retry_after)
    later = bench.session(who.user_id, OLD)
    assert key(await bench.look(later, BIND, NEW, "123456")) is None


# --- the token on these two doors ---------------------------------------------------------------------------


async def test_rows_1_and_4_of_a_token_that_is_given_for_a_bound_channel(bench: Workbench) -> None:
    """Every way a token can be bad: refused on bound channels, none at all on the others."""
    who = bench.person(OLD)
    asks: list[tuple[Person | object, Key]] = [
        (replace(who.again(), user=Refused(Key.LOGIN_EXPIRED)), Key.LOGIN_EXPIRED),
        (replace(who.again(), user=Refused(Key.LOGIN_INVALID)), Key.LOGIN_INVALID),
        (replace(who.again(), user=Refused(Key.NOT_LOGGED_IN)), Key.NOT_LOGGED_IN),
        (replace(who.again(), app_id="another"), Key.LOGIN_INVALID),
    ]
    for number, (call, expected) in enumerate(asks):
        target = f"+86137{number:08d}"
        assert key(await bench.send(call, BIND, target)) is expected  # type: ignore[arg-type] # a Call
        assert key(await bench.look(call, BIND, target, "123456")) is expected  # type: ignore[arg-type] # a Call
        assert bench.all("SELECT 1 FROM codes WHERE target = :t", t=target) == [], "nothing made"
        assert bench.all("SELECT 1 FROM outbox WHERE recipient = :t", t=target) == [], "nothing sent"
        if expected is not Key.LOGIN_INVALID or call.app_id != "another":  # type: ignore[attr-defined] # a Call
            assert await bench.send(call, LOGIN, target) is None  # type: ignore[arg-type] # a Call
            assert bench.one("SELECT user_id FROM outbox WHERE recipient = :t", t=target) is None
    bench.store.write_now(lambda tx: pools.set_app_policy(tx, bench.app_id, AppPolicy(self_service=False)))
    assert key(await bench.send(who, BIND, NEW)) is Key.APP_NOT_ALLOWED
    assert key(await bench.look(who, BIND, NEW, "123456")) is Key.APP_NOT_ALLOWED
    assert await bench.send(who, LOGIN, NEW) is None
    assert await bench.send(bench.stranger(), BIND, NEW) is None


async def test_a_token_of_an_ended_session_or_a_closed_account_counts_as_none(bench: Workbench) -> None:
    who = bench.person(OLD)
    for number, spoiled in enumerate(
        (
            "UPDATE sessions SET ended_at = 1 WHERE user_id = :id",
            "UPDATE users SET status = 'Suspended' WHERE id = :id",
        )
    ):
        person = bench.session(who.user_id, OLD) if number else who
        run(bench, spoiled, id=who.user_id)
        target = f"+86137{number:08d}"
        assert await bench.send(person, LOGIN, target) is None
        assert bench.one("SELECT user_id FROM outbox WHERE recipient = :t", t=target) is None
        assert key(await bench.send(person, BIND, target)) is (
            Key.USER_LOCKED if number else Key.LOGIN_EXPIRED
        )
    assert bench.all("SELECT 1 FROM send_limits WHERE key LIKE 'user:%'") == [], (
        "an unsigned ask like any other"
    )


async def test_a_signed_in_unbind_goes_to_one_s_own_number_only(bench: Workbench) -> None:
    who, other, none = bench.person(OLD), bench.person(NEW), bench.person(None)
    assert key(await bench.send(who, UNBIND, NEW)) is Key.OLD_PHONE_MISMATCH
    assert key(await bench.send(none, UNBIND, NEW)) is Key.PHONE_NOT_BOUND
    for table in ("codes", "outbox", "send_minutes"):
        assert bench.all(f"SELECT 1 FROM {table}") == []
    assert await bench.send(other, UNBIND, NEW) is None


async def test_beside_the_owner_s_live_code_a_stranger_s_ask_is_withheld(bench: Workbench) -> None:
    who = bench.person(OLD)
    assert await bench.send(who, UNBIND, OLD) is None
    assert await bench.send(bench.stranger(), UNBIND, OLD) is None
    assert _states(bench) == ["queued", "withheld"]
    assert key(await bench.unbind(who, bench.code(None, UNBIND, OLD))) is Key.CODE_WRONG
    bench.clock.advance(seconds=301)
    assert await bench.send(bench.stranger(), UNBIND, OLD) is None
    assert _states(bench) == ["queued", "withheld", "queued"], "no longer beside a live one"
    bench.clock.advance(seconds=61)
    assert await bench.send(who, UNBIND, OLD) is None
    assert key(await bench.unbind(who, bench.code(who, UNBIND, OLD))) is None


def _states(bench: Workbench) -> list[str]:
    return [row[0] for row in bench.all("SELECT state FROM outbox WHERE purpose = :c ORDER BY id", c=UNBIND)]


def test_the_tolerance_of_the_future_is_five_seconds() -> None:
    from ostiary.server.core.millis import FUTURE_TOLERANCE

    assert FUTURE_TOLERANCE == 5 * SECOND
