"""How often codes go out (phone-change.md §8): over HTTP where people meet it, in the database where they don't."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from ostiary.client.errors import RateLimited
from ostiary.contract.keys import Key
from ostiary.server.core.call import Call
from ostiary.server.core.refused import Refused
from ostiary.server.storage.tx import Sql
from tests.journeys.hands import key, new_code, pair, refusal, send
from tests.service import BIND, LOGIN, UNBIND, Service, start
from tests.workbench import Workbench

OLD = "+8613800138000"
NUMBER = "+86139{:08d}"
CHANNELS = (
    LOGIN,
    "CHANNEL_REGISTER",
    "CHANNEL_VERIFY_MFA",
    "CHANNEL_COMPLETE_PHONE",
    "CHANNEL_RESET_PASSWORD",
)


@pytest.fixture
async def bench(database: str) -> AsyncIterator[Workbench]:
    bench = Workbench(database)
    yield bench
    await bench.close()


def why(answer: Refused | None) -> Key | None:
    return answer.key if answer else None


# --- one number ---------------------------------------------------------------------------------------------


def test_one_message_a_minute_and_exactly_a_minute(service: Service):
    ann, new = service.person(), service.number()
    send(ann.client, BIND, new)
    for _ in range(3):
        error = refusal(send, ann.client, BIND, new)
        assert (error.key, error.api_code, error.status_code) == ("sms_too_often", 4004, 429)
    service.advance(error.data["retryAfter"])
    send(ann.client, BIND, new)  # the refused asks were not counted


def test_another_channel_another_asker_another_number_need_not_wait(service: Service):
    ann, ben, new = service.person(), service.person(), service.number()
    send(ann.client, BIND, new)
    send(ben.client, BIND, new)
    send(service.client(), BIND, new)
    send(ann.client, LOGIN, new)
    send(ann.client, BIND, service.number())


def test_all_spellings_and_channels_of_a_number_are_one(service: Service):
    ann, number = service.person(), service.number()
    national = number.removeprefix("+86")
    for spelling, channel in zip((number, f"0{national}", f"0086{national}"), CHANNELS, strict=False):
        send(service.client(), channel, spelling)
    assert key(send, service.client(), "CHANNEL_COMPLETE_PHONE", national) == "sms_too_often"
    send(ann.client, LOGIN, f"86 {national}")
    error = refusal(send, ann.client, BIND, national)
    assert error.key == "sms_too_often"
    assert 3_500 < error.data["retryAfter"] <= 3_600


def test_an_honest_holder_is_not_stopped_by_the_shares(service: Service):
    """Signing in by code, four times in an hour, unsigned: each code was used, so only the total counts."""
    ann = service.person()
    number = str(ann.phone)
    for turn in range(5):
        send(service.client(), LOGIN, number)
        code = service.code(number, LOGIN, count=turn + 1)
        assert service.client().sign_in_by_phone_passcode(ann.national, code).data.access_token
    assert key(send, service.client(), LOGIN, number) == "sms_too_often", "five an hour is the total"
    service.advance(hours=1)
    send(service.client(), LOGIN, number)


def test_limits_survive_a_restart(data_folder: Path, database: str):
    service = start(data_folder, database)
    try:
        number = service.number()
        for channel in CHANNELS[:3]:
            send(service.client(), channel, number)
        service.kill()
        service.restart()
        assert key(send, service.client(), CHANNELS[3], number) == "sms_too_often"
    finally:
        service.stop()


# --- people, applications, addresses, the installation ------------------------------------------------------


async def test_a_user_has_twenty_a_day_over_all_numbers(bench: Workbench) -> None:
    who = bench.person(OLD)
    for n in range(20):
        assert await bench.send(who, BIND, NUMBER.format(n)) is None
    refused = await bench.send(who, BIND, NUMBER.format(20))
    assert why(refused) is Key.SMS_TOO_OFTEN
    assert refused is not None
    assert refused.retry_after is not None
    assert 86_300 < refused.retry_after <= 86_400
    assert (
        why(await bench.send(bench.session(who.user_id, OLD), BIND, NUMBER.format(20))) is Key.SMS_TOO_OFTEN
    )
    assert await bench.send(bench.stranger(), BIND, NUMBER.format(20)) is None
    bench.clock.advance(seconds=refused.retry_after)
    assert await bench.send(who, BIND, NUMBER.format(21)) is None


async def test_unsigned_asks_have_seventy_per_cent_of_an_application_s_day(bench: Workbench) -> None:
    bench.policy(send_per_app_per_day=10)
    for n in range(7):
        assert await bench.send(bench.stranger(f"192.0.2.{n}"), LOGIN, NUMBER.format(n)) is None
    for n in range(3):
        assert (
            why(await bench.send(bench.stranger(f"192.0.3.{n}"), LOGIN, NUMBER.format(50)))
            is Key.SENDING_PAUSED
        )
    who = bench.person(OLD)
    for n in range(3):
        assert await bench.send(who, BIND, NUMBER.format(100 + n)) is None
    assert why(await bench.send(who, BIND, NUMBER.format(200))) is Key.SENDING_PAUSED
    bench.clock.advance(days=1, seconds=900)
    assert await bench.send(bench.stranger(), LOGIN, NUMBER.format(300)) is None


async def test_an_address_has_ten_a_minute_and_a_hundred_a_day(bench: Workbench) -> None:
    bench.policy(send_per_address_per_minute=10, send_per_address_per_day=25)
    numbers = iter(range(1_000))

    async def ask(call: Call) -> Key | None:
        return why(await bench.send(call, LOGIN, NUMBER.format(next(numbers))))

    assert [await ask(bench.stranger()) for _ in range(12)] == [None] * 10 + [Key.SENDING_PAUSED] * 2
    assert await ask(bench.stranger("198.51.100.8")) is None, "another address"
    who = bench.person(OLD)
    assert await ask(replace(who.again(), address="198.51.100.7")) is None, "signed in"
    assert await ask(replace(bench.stranger(), address="")) is None, "a backend's own ask"
    bench.clock.advance(seconds=70)
    assert [await ask(bench.stranger()) for _ in range(10)] == [None] * 10
    bench.clock.advance(seconds=70)
    assert [await ask(bench.stranger()) for _ in range(6)] == [None] * 5 + [Key.SENDING_PAUSED]


async def test_off_is_counted_and_on_counts_what_was(bench: Workbench) -> None:
    for n in range(12):
        assert await bench.send(bench.stranger(), LOGIN, NUMBER.format(n)) is None
    bench.policy(send_per_address_per_minute=10)
    assert why(await bench.send(bench.stranger(), LOGIN, NUMBER.format(50))) is Key.SENDING_PAUSED


async def test_a_number_has_thirty_a_day_over_the_whole_installation(database: str) -> None:
    """Ten a day in each pool, and so no more than three pools a day."""
    first = Workbench(database)
    benches = [first] + [
        Workbench(database, keys=first.keys, pool_id=f"pool-{n}", app_id=f"app-{n}") for n in (2, 3, 4)
    ]
    answers = []
    for bench in benches:
        who = bench.person(OLD)
        bench.clock.offset = first.clock.offset
        for turn in range(10):
            if turn % 5 == 0:
                for other in benches:
                    other.clock.advance(seconds=3_601)
            answers.append(why(await bench.send(who, CHANNELS[turn % 5] if turn % 5 else UNBIND, OLD)))
    assert answers == [None] * 30 + [Key.SENDING_PAUSED] * 10
    for bench in benches:
        await bench.close()


async def test_all_limits_of_a_request_are_taken_or_none(bench: Workbench) -> None:
    """Refused by the last one that is looked at: nothing is counted in the others, no code and no message made."""
    bench.policy(send_per_app_per_day=1)
    assert await bench.send(bench.person(OLD), LOGIN, NUMBER.format(1)) is None
    who = bench.person("+8613800138001")
    before = [
        bench.all(f"SELECT * FROM {table}") for table in ("send_limits", "send_minutes", "codes", "outbox")
    ]
    for _ in range(3):
        assert why(await bench.send(who, LOGIN, NUMBER.format(2))) is Key.SENDING_PAUSED
        assert why(await bench.send(bench.stranger(), LOGIN, NUMBER.format(2))) is Key.SENDING_PAUSED
    after = [
        bench.all(f"SELECT * FROM {table}") for table in ("send_limits", "send_minutes", "codes", "outbox")
    ]
    for table in (1, 2, 3):
        assert after[table] == before[table]
    asks = {row[1] for row in after[0] if row not in before[0]}
    assert asks <= {"[]"}, "a row may have been made to be locked; nothing stands in it"


async def test_asks_under_a_clock_that_was_set_back_count_as_now(bench: Workbench) -> None:
    bench.clock.advance(days=2)
    for channel in CHANNELS[:3]:
        assert await bench.send(bench.stranger(), channel, OLD) is None
    bench.clock.advance(days=-2)
    refused = await bench.send(bench.stranger(), CHANNELS[3], OLD)
    assert why(refused) is Key.SMS_TOO_OFTEN
    assert refused is not None
    assert refused.retry_after == 3_600


# --- which numbers at all -----------------------------------------------------------------------------------


def test_foreign_numbers_go_where_the_pool_serves(service: Service):
    ann = service.person()
    british = f"+447400{service.number()[-6:]}"
    assert key(send, ann.client, BIND, british, "+44") == "number_not_served"
    with service.settings(allowedCountries=["+86", "+44"]):
        send(ann.client, BIND, f"0{british[3:]}", "44")
        send(ann.client, UNBIND, str(ann.phone))
        typed = pair(british, service.code(british, BIND), ann.phone, service.code(str(ann.phone), UNBIND))
        typed |= {"newPhoneCountryCode": "+44"}
        token = ann.client.verify_update_phone_request(typed).data.update_phone_token
        ann.client.update_phone(token)
    profile = ann.client.get_profile().data
    assert (profile.phone_country_code, profile.phone) == ("+44", british[3:])
    # No longer served: the caller's own number is, all the same, to leave it and to hear of it.
    new = service.number()
    ann.phone = british
    ann.client.send_sms(UNBIND, british[3:], "+44")
    old = service.code(british, UNBIND)
    typed = pair(new, new_code(ann, new), british[3:], old) | {"oldPhoneCountryCode": "+44"}
    ann.client.update_phone(ann.client.verify_update_phone_request(typed).data.update_phone_token)
    assert service.message(british, "phone_changed")["text"], "notices are refused by no list of countries"


def test_a_country_no_longer_served_voids_the_token(service: Service):
    ann = service.person()
    british = f"+447400{service.number()[-6:]}"
    with service.settings(allowedCountries=["+86", "+44"]):
        ann.client.send_sms(BIND, british[3:], "+44")
        send(ann.client, UNBIND, str(ann.phone))
        typed = pair(
            british[3:], service.code(british, BIND), ann.phone, service.code(str(ann.phone), UNBIND)
        )
        typed |= {"newPhoneCountryCode": "+44"}
        token = ann.client.verify_update_phone_request(typed).data.update_phone_token
    assert key(ann.client.update_phone, token) == "update_token_invalid"
    assert key(ann.client.update_phone, token) == "update_token_invalid"


def test_fixed_lines_and_impossible_numbers_get_nothing(service: Service):
    for number in ("010 6482 1234", "138", "19999", "+8610"):
        with pytest.raises(Exception, match="2028"):
            send(service.client(), LOGIN, number)


def test_the_wait_is_told_in_the_message(service: Service):
    number = service.number()
    send(service.client(), LOGIN, number)
    with pytest.raises(RateLimited) as told:
        send(service.client(), LOGIN, number)
    assert str(told.value.data["retryAfter"]) in told.value.message


async def test_a_stored_number_that_the_data_no_longer_knows_can_still_be_left(bench: Workbench) -> None:
    """Number data changes; whoever has such a number gets its code, and changes away from it."""
    who = bench.person("+8612345")
    new = NUMBER.format(7)
    token = await bench.ready_to_change(who, new)
    assert not isinstance(await bench.update(who, token), Refused)
    assert bench.phone(who.user_id) == new
    assert bench.all(
        "SELECT 1 FROM outbox WHERE recipient = :old AND purpose = 'phone_changed'", old="+8612345"
    )


async def test_what_was_asked_is_forgotten_after_a_day(bench: Workbench) -> None:
    who = bench.person(OLD)
    for _day in range(3):
        for channel in CHANNELS[:4]:
            assert await bench.send(who, channel, OLD) is None
        bench.clock.advance(days=1)
    stored = bench.store.read_now(lambda tx: tx.all(Sql("SELECT asks FROM send_limits")))
    assert all(text.count("CHANNEL") == 4 for (text,) in stored)
