"""Codes that come by e-mail: the same guard as by SMS, and no door in common with it. Both databases."""

import re
from collections.abc import AsyncIterator
from typing import get_args

import pytest

from ostiary import AsyncAuthenticationClient
from ostiary.compat import AuthenticationClient as Incumbent
from ostiary.contract.common import EmailChannel, SmsChannel
from ostiary.contract.keys import Key
from ostiary.server.core.passcode import BOUND, BY_LINK, Channel
from ostiary.server.core.refused import Refused
from tests.journeys.hands import check, refusal, send, spend_guesses, texts, wrong
from tests.service import BIND_EMAIL, LOGIN, UNBIND_EMAIL, UPDATE_EMAIL, Service
from tests.workbench import Workbench

RESET, DELETE = "CHANNEL_RESET_PASSWORD", "CHANNEL_DELETE_ACCOUNT"


@pytest.fixture
async def bench(database: str) -> AsyncIterator[Workbench]:
    bench = Workbench(database)
    yield bench
    await bench.close()


def why(answer: object) -> Key | None:
    return answer.key if isinstance(answer, Refused) else None


def test_a_code_comes_by_mail_is_looked_at_and_is_the_same_when_asked_for_again(service: Service):
    address = service.address()
    send(service.client(), LOGIN, address)
    mail = service.message(address, LOGIN)
    assert mail["kind"] == "email"
    assert re.fullmatch(r"\d{6}", mail["code"])
    assert mail["code"] not in mail["subject"]
    assert check(service.client(), LOGIN, address.upper(), mail["code"])
    assert not check(service.client(), LOGIN, address, wrong(mail["code"]))
    service.advance(61)
    send(service.client(), LOGIN, f"  {address.upper()} ")
    assert service.code(address, LOGIN, count=2) == mail["code"], "one address, however it is written"


async def test_the_same_by_the_async_client(service: Service):
    address = service.address()
    async with AsyncAuthenticationClient(service.ids["appId"], service.url, lang="en-US") as client:
        await client.send_email("CHANNEL_REGISTER", address)
        code = service.code(address, "CHANNEL_REGISTER")
        payload = {"email": address, "passCode": code, "channel": "CHANNEL_REGISTER"}
        assert (await client.pre_check_code("EMAIL", email_code_payload=payload)).data.is_valid


def test_the_same_in_the_incumbent_s_shapes(service: Service):
    address = service.address()
    client = Incumbent(app_id=service.ids["appId"], app_host=service.url)
    assert client.send_email("CHANNEL_LOGIN", address)["statusCode"] == 200
    assert client.send_email("CHANNEL_LOGIN", address)["apiCode"] == 2080
    payload = {"email": address, "passCode": service.code(address, LOGIN), "channel": LOGIN}
    assert client.pre_check_code("EMAIL", None, payload)["data"]["isValid"] is True


def test_at_the_old_address_the_mail_names_the_new_one(service: Service):
    ann, new = service.person(), service.address()
    send(ann.client, UPDATE_EMAIL, new)
    send(ann.client, UPDATE_EMAIL, ann.email)
    assert "new e-mail address" in service.message(new, UPDATE_EMAIL)["text"]
    assert "n****@example.org" in service.message(ann.email, UPDATE_EMAIL)["text"]


# --- limits -------------------------------------------------------------------------------------------------


def test_one_mail_a_minute_per_address_and_channel(service: Service):
    address = service.address()
    send(service.client(), LOGIN, address)
    error = refusal(send, service.client(), LOGIN, address)
    assert (error.key, error.api_code, error.status_code) == ("email_too_often", 2080, 429)
    assert 1 <= error.data["retryAfter"] <= 60
    send(service.client(), RESET, address)
    service.advance(error.data["retryAfter"])
    send(service.client(), LOGIN, address)


async def test_ten_mails_a_day_per_address_over_all_channels(bench: Workbench):
    address = "ann@example.com"
    for turn in range(10):
        assert await bench.send(bench.stranger(), (LOGIN, RESET)[turn % 2], address) is None
        bench.clock.advance(seconds=61)
    refused = await bench.send(bench.stranger(), "CHANNEL_REGISTER", address)
    assert why(refused) is Key.EMAIL_TOO_OFTEN
    assert refused
    bench.clock.advance(seconds=refused.facts()["retryAfter"])  # type: ignore[index] # it is there
    assert await bench.send(bench.stranger(), "CHANNEL_REGISTER", address) is None


# --- whose code it is ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", [RESET, DELETE, UNBIND_EMAIL, "CHANNEL_UNLOCK_ACCOUNT"])
def test_nothing_goes_to_an_address_without_an_account_and_all_looks_the_same(service: Service, channel: str):
    known, unknown = service.person().email, service.address()
    answers = []
    for address in (known, unknown):
        answer = service.http.post(
            "/api/v3/send-email",
            json={"channel": channel, "email": address},
            headers={"x-authing-app-id": service.ids["appId"]},
        ).json()
        answer.pop("requestId")
        answers.append(answer)
    assert answers[0] == answers[1]
    assert service.code(known, channel)
    assert not texts(service, unknown, channel)


async def test_unknown_and_known_cost_the_same_statements(bench: Workbench):
    bench.person(None, email="known@example.com")
    rows = []
    for address in ("known@example.com", "other@example.com"):
        before = bench.all("SELECT count(*) FROM outbox")[0][0]
        assert await bench.send(bench.stranger(), RESET, address) is None
        rows.append(bench.all("SELECT count(*) FROM outbox")[0][0] - before)
    assert rows == [1, 1]


async def test_a_stranger_can_neither_use_up_nor_replace_nor_shadow_an_owner_s_code(bench: Workbench):
    ann = bench.person(None, email="ann@example.com")
    for channel in (UPDATE_EMAIL, UNBIND_EMAIL):
        assert await bench.send(ann, channel, "ann@example.com") is None
        code = bench.code(ann, channel, "ann@example.com")
        assert await bench.send(bench.stranger(), channel, "ann@example.com") is None
        states = bench.all(
            "SELECT state, count(*) FROM outbox WHERE purpose = :channel GROUP BY state ORDER BY state",
            channel=channel,
        )
        assert [tuple(row) for row in states] == [("queued", 1), ("withheld", 1)]
        assert bench.code(ann, channel, "ann@example.com") == code
        assert (await bench.look(ann, channel, "ann@example.com", code)).is_valid


async def test_a_code_by_mail_opens_no_door_of_one_by_sms_and_the_other_way_round(bench: Workbench):
    """The channels that both media have: the same digits at the other contact are compared with nothing."""
    number, address = "+8613800138000", "ann@example.com"
    ann = bench.person(number, email=address)
    for channel in sorted(set(get_args(SmsChannel)) & set(get_args(EmailChannel))):
        for there, elsewhere in ((number, address), (address, number)):
            assert await bench.send(ann, channel, there) is None
            code = bench.code(ann, channel, there)
            assert not (await bench.look(ann, channel, elsewhere, code)).is_valid
            assert (await bench.look(ann, channel, there, code)).is_valid
            bench.store.write_now(_forget)
            bench.clock.advance(seconds=301)


def _forget(tx: object) -> None:
    from ostiary.server.storage.tx import Sql

    tx.run(Sql("DELETE FROM send_limits"))  # type: ignore[attr-defined] # a Tx


@pytest.mark.parametrize("made_for", get_args(EmailChannel))
async def test_a_look_sees_its_own_channel_only(bench: Workbench, made_for: str):
    address = "ann@example.com"
    ann = bench.person(None, email=address)
    assert await bench.send(ann, made_for, address) is None
    code = bench.code(ann, made_for, address)
    for asked in get_args(EmailChannel):
        right = asked == made_for and made_for not in BY_LINK  # of a link, nobody knows digits
        assert (await bench.look(ann, asked, address, code)).is_valid is right
        if asked in BOUND:
            assert why(await bench.look(bench.stranger(), asked, address, code)) is Key.NOT_LOGGED_IN


def test_wrong_codes_by_mail_are_paid_for_and_told(service: Service):
    ann, new = service.person(), service.address()
    send(ann.client, BIND_EMAIL, new)
    code = service.code(new, BIND_EMAIL)
    spend_guesses(ann.client, BIND_EMAIL, new, code, 5)
    payload = {"email": new, "passCode": code, "channel": BIND_EMAIL}
    assert refusal(ann.client.pre_check_code, "EMAIL", email_code_payload=payload).key == "guesses_spent"
    assert service.message(ann.email, "guesses_half")


def test_every_e_mail_channel_of_the_wire_is_one_of_ours():
    assert set(get_args(EmailChannel)) <= set(Channel)
