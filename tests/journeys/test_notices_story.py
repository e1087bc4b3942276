"""Who is told what (phone-change.md §6 Notices, §4 guesses): at every address there is, masked, in their language."""

import json
from collections.abc import AsyncIterator

import pytest

from ostiary.contract.keys import Key
from ostiary.server.core.millis import HOUR
from ostiary.server.core.policy import ChangePhoneStrategy
from ostiary.server.core.refused import Refused
from ostiary.server.storage.tx import Sql
from tests.journeys.hands import new_code, old_code, prove, send, spend_guesses, texts
from tests.service import BIND, LOGIN, UNBIND, Service
from tests.workbench import Person, Workbench

OLD, NEW = "+8613800138000", "+8613900139000"


@pytest.fixture
async def bench(database: str) -> AsyncIterator[Workbench]:
    bench = Workbench(database)
    yield bench
    await bench.close()


def masked(number: str) -> str:
    return f"{number[:6]}****{number[-4:]}"


def mail(service: Service, address: str, event: str) -> list[str]:
    """Texts of one notice at an address."""
    return [entry["text"] for entry in service.inbox(address) if entry["channel"] == event]


def test_a_change_is_told_to_the_old_number_the_new_one_and_the_address(service: Service):
    ann, new = service.person(), service.number()
    ann.client.update_phone(prove(ann, new))
    for address in (str(ann.phone), new, ann.email):
        told = service.message(address, "phone_changed")
        assert told["kind"] == ("email" if "@" in address else "sms")
        assert told["code"] is None
        assert masked(str(ann.phone)) in told["text"], "from what"
        assert masked(new) in told["text"], "to what"
        for clear in (str(ann.phone), ann.national, new, new.removeprefix("+86")):
            assert clear not in told["text"]
        assert len(mail(service, address, "phone_changed")) == 1, "one notice per address"


def test_binding_and_unbinding_are_told_as_well(service: Service):
    ann, number = service.person(phone=False), service.number()
    ann.client.bind_phone(new_code(ann, number), number)
    for address in (number, ann.email):
        assert masked(number) in service.message(address, "phone_bound")["text"]
    ann.phone = number
    ann.client.unbind_phone(old_code(ann))
    for address in (number, ann.email):
        assert masked(number) in service.message(address, "phone_unbound")["text"]


def test_an_unproven_address_hears_nothing(service: Service):
    ann, new = service.person(email_verified=False), service.number()
    ann.client.update_phone(prove(ann, new))
    assert service.message(new, "phone_changed")
    assert texts(service, ann.email, "phone_changed") == []


def test_notices_are_refused_by_no_limit(service: Service):
    """Both numbers have had all the messages that a day allows; the notices come all the same."""
    ann, new = service.person(), service.number()
    number = str(ann.phone)
    code, old = new_code(ann, new), old_code(ann)
    for channel in (LOGIN, "CHANNEL_REGISTER", "CHANNEL_VERIFY_MFA"):
        for target in (number, new):
            send(service.client(), channel, target)
    token = ann.client.verify_update_phone_request(
        {"newPhoneNumber": new, "newPhonePassCode": code, "oldPhoneNumber": number, "oldPhonePassCode": old}
    ).data.update_phone_token
    ann.client.update_phone(token)
    assert service.message(number, "phone_changed")
    assert service.message(new, "phone_changed")


def test_half_and_all_of_a_day_s_guesses_are_told_once_a_day(service: Service):
    ann, new = service.person(), service.number()
    number = str(ann.phone)
    code = new_code(ann, new)
    spend_guesses(ann.client, BIND, new, code, 4)
    assert texts(service, number, "guesses_half") == []
    spend_guesses(ann.client, BIND, new, code, 1)
    for address in (number, ann.email):
        assert service.message(address, "guesses_half")
    other = ann.signed_in()
    service.advance(61)
    code = new_code(ann, new, client=other, count=2)
    spend_guesses(other, BIND, new, code, 5)
    for address in (number, ann.email):
        assert service.message(address, "guesses_all")
        assert len(mail(service, address, "guesses_half")) == 1
    service.advance(days=1)
    tomorrow = ann.signed_in()
    code = new_code(ann, new, client=tomorrow, count=3)
    spend_guesses(tomorrow, BIND, new, code, 5)
    assert service.message(number, "guesses_half", count=2)


async def test_strangers_guesses_are_told_to_nobody(bench: Workbench) -> None:
    """A number's counter is nobody's: that an account has it must not show, and its owner is not pestered."""
    bench.person(OLD, email="a@example.com")
    for _ in range(2):
        assert await bench.send(bench.stranger(), LOGIN, OLD) is None
        for _ in range(5):
            await bench.look(bench.stranger(), LOGIN, OLD, bench.wrong(None, LOGIN, OLD))
        bench.clock.advance(seconds=61)
    assert _notices(bench) == []


async def test_guesses_are_told_at_verified_addresses_alone(bench: Workbench) -> None:
    who = bench.person(OLD, verified=False)
    bench.policy(change_phone_strategy=ChangePhoneStrategy(verify_old_phone=False))
    assert await bench.send(who, BIND, NEW) is None
    for _ in range(5):
        await bench.look(who, BIND, NEW, bench.wrong(who, BIND, NEW))
    assert _notices(bench) == []


async def test_the_user_s_own_language_comes_before_the_request_s(bench: Workbench) -> None:
    for number, locale in enumerate((None, "en-US", "zh-CN")):
        who = bench.person(f"+861380{number:07d}")
        if locale:
            _run(bench, "UPDATE users SET locale = :l WHERE id = :id", l=locale, id=who.user_id)
        await bench.update(who, await bench.ready_to_change(who, f"+861390{number:07d}"))
        rows = bench.all(
            "SELECT DISTINCT lang FROM outbox WHERE purpose = 'phone_changed' AND user_id = :id",
            id=who.user_id,
        )
        assert [row[0] for row in rows] == [locale or "zh-CN"]


async def test_a_number_moved_an_audit_row_and_its_notices_are_one_thing(bench: Workbench) -> None:
    """I3, both ways: over every kind of move, and over every refusal."""
    ann = bench.person(OLD, email="a@example.com")
    assert await bench.update(ann, await bench.ready_to_change(ann, NEW))
    _agree(bench, ann, 1, [(OLD, "old"), (NEW, "new"), ("a@example.com", "email")])
    token_taken = bench.person("+8613800138001")
    token = await bench.ready_to_change(token_taken, "+8613900139001")
    bench.person("+8613900139001")
    assert isinstance(await bench.update(token_taken, token), Refused)
    assert _notices(bench) == _notices(bench, ann)
    assert bench.all("SELECT verdict FROM audit WHERE event = 'update_phone'") == [("phone_taken",)]

    ann = Person(ann.user_id, NEW, ann.session_id, ann.call)
    bench.clock.advance(seconds=61)
    assert await bench.send(ann, UNBIND, NEW) is None
    assert await bench.unbind(ann, bench.code(ann, UNBIND, NEW)) is None
    rows = bench.all("SELECT event, verdict FROM audit WHERE user_id = :id ORDER BY id", id=ann.user_id)
    # Sorted: ids of one millisecond are in order of chance.
    assert sorted(row[0] for row in rows if row[1] == "done") == [
        "phone_changed", "phone_unbound", "verify_update_phone_request",
    ]  # fmt: skip # a list


async def test_a_notice_lives_72_hours_and_outlasts_the_session(bench: Workbench) -> None:
    ann = bench.person(OLD)
    await bench.update(ann, await bench.ready_to_change(ann, NEW))
    for made, ends, state in bench.all(
        "SELECT made_at, ends_at, state FROM outbox WHERE purpose = 'phone_changed'"
    ):
        assert ends - made == 72 * HOUR
        assert state == "queued"
    facts = [
        json.loads(row[0]) for row in bench.all("SELECT facts FROM outbox WHERE purpose = 'phone_changed'")
    ]
    for fact in facts:
        assert (fact["old"], fact["new"], fact["device"]) == (masked(OLD), masked(NEW), "Test")
        assert abs(fact["at"] - bench.ports.now()) < 60_000
        assert OLD not in json.dumps(fact)


async def test_audit_rows_hold_no_number_and_no_code(bench: Workbench) -> None:
    ann = bench.person(OLD)
    token = await bench.ready_to_change(ann, NEW)
    code = bench.code(ann, BIND, NEW)
    await bench.update(ann, token)
    assert isinstance(await bench.verify(ann, NEW, "123456"), Refused)
    for row in bench.all("SELECT * FROM audit"):
        text = repr(row)
        for secret in (OLD, NEW, OLD[3:], NEW[3:], code, token):
            assert secret not in text


async def test_refusals_from_row_6_on_leave_an_audit_row(bench: Workbench) -> None:
    ann = bench.person(OLD)
    assert await bench.send(ann, BIND, NEW) is None
    code = bench.code(ann, BIND, NEW)
    before_row_6 = [await bench.verify(ann, "123", code), await bench.verify(ann, OLD, code)]
    assert [answer.key for answer in before_row_6] == [Key.BAD_CONTACT, Key.SAME_PHONE]
    assert bench.all("SELECT 1 FROM audit") == []
    after = [
        await bench.verify(ann, NEW, code),
        await bench.verify(ann, NEW, code, NEW, "123456"),
        await bench.verify(ann, NEW, code, OLD, "123456"),
        await bench.update(ann, "upt_x"),
    ]
    rows = bench.all("SELECT verdict FROM audit ORDER BY at, id")
    assert sorted(row[0] for row in rows) == sorted(answer.key for answer in after)
    assert {answer.key for answer in after} == {
        Key.OLD_PHONE_REQUIRED, Key.OLD_PHONE_MISMATCH, Key.CODE_EXPIRED, Key.UPDATE_TOKEN_INVALID,
    }  # fmt: skip # a list


def _agree(bench: Workbench, who: Person, version: int, told: list[tuple[str, str]]) -> None:
    assert bench.one("SELECT phone_version FROM users WHERE id = :id", id=who.user_id) == version
    assert (
        bench.one(
            "SELECT count(*) FROM audit WHERE event = 'phone_changed' AND user_id = :id", id=who.user_id
        )
        == version
    )
    assert sorted(_notices(bench, who)) == sorted(told)


def _notices(bench: Workbench, who: Person | None = None) -> list[tuple[str, str | None]]:
    rows = bench.all(
        "SELECT recipient, facts, user_id FROM outbox WHERE purpose NOT LIKE 'CHANNEL%' ORDER BY id"
    )
    return [(row[0], json.loads(row[1]).get("to")) for row in rows if who is None or row[2] == who.user_id]


def _run(bench: Workbench, text: str, **params: object) -> None:
    bench.store.write_now(lambda tx: tx.run(Sql(text), **params))
