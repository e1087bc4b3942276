"""Guessing, waiting and flooding, as others were attacked, tried here (rows 25 to 43 of docs/security-tests.md)."""

import itertools
from typing import Any

import pytest
from msgspec.structs import replace

from ostiary.server.core.millis import SECOND
from ostiary.server.core.passcode import BOUND
from ostiary.server.core.policy import ChangePhoneStrategy
from ostiary.server.core.refused import Refused
from tests.attacks.edge import Ask, Edge
from tests.attacks.test_matrix_channels import DOORS, Door
from tests.workbench import BIND, LOGIN, UNBIND, Workbench

pytestmark = pytest.mark.anyio

NO_OLD = ChangePhoneStrategy(verify_old_phone=False)
OLD, NEW = "+8613800138001", "+8613900139011"
SPENT = 91005


def key(answer: Any) -> str:
    return answer.key.value if isinstance(answer, Refused) else "done"


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS.keys())
def test_cve_2025_64102_every_place_that_compares_a_code_has_its_budget(edge: Edge, door: Door):
    """Rows 25, 27 and 28: what is beyond the day is not compared, with new codes asked for in between."""
    who = edge.quick(phone=door.phone)
    number = who.phone.removeprefix("+86") if door.phone else edge.number()
    said = []
    for guess in range(13):
        if guess % 5 == 0:
            edge.write(_forget_limits)
            asked = {"channel": door.channel, "phoneNumber": number}
            assert edge.ask("/api/v3/send-sms", asked, who.access_token).verdict == 200
        codes = edge.codes(f"+86{number}", door.channel)
        said.append(door.knock(edge, who, number, wrong(codes.get(who.user_id) or codes[""])).verdict)
    evaluated = 5 if door.channel in BOUND else 10  # one session spends half of its user's day at most
    assert said == [2001] * evaluated + [SPENT] * (13 - evaluated)


def _forget_limits(tx: Any) -> None:
    from ostiary.server.storage.tx import Sql

    tx.run(Sql("DELETE FROM send_limits"))


async def test_cve_2025_4094_a_code_dies_and_a_new_one_refills_nothing(bench: Workbench):
    """Rows 27 and 29: neither a new code nor a new session makes an eleventh guess; without a code there is none."""
    who = bench.person(None)
    for _ in range(20):
        assert key(await bench.bind(who, NEW, "000000")) == "code_expired"
    evaluated = 0
    for _ in range(6):
        bench.clock.advance(seconds=301)
        who = bench.session(who.user_id, None)
        await bench.send(who, BIND, NEW)
        for _ in range(6):
            evaluated += key(await bench.bind(who, NEW, bench.wrong(who, BIND, NEW))) == "code_wrong"
    assert evaluated == 10


async def test_cve_2024_8122_a_code_and_a_token_end_to_the_second_without_a_janitor(bench: Workbench):
    """Rows 30, 31 and 57: nothing runs here that could clean up; time alone decides."""
    for ttl in (60, 300, 600):
        bench.policy(verify_code_ttl=ttl, change_phone_strategy=NO_OLD, update_token_ttl=30)
        who, number = bench.person(None), f"+86139{ttl:08d}"
        assert await bench.send(who, BIND, number) is None
        code = bench.code(who, BIND, number)
        ends = bench.one("SELECT ends_at FROM codes WHERE target = :number", number=number)
        bench.clock.advance(seconds=(ends - bench.ports.now()) / SECOND - 1)
        assert (await bench.look(who, BIND, number, code)).is_valid
        bench.clock.advance(seconds=2)
        assert not (await bench.look(who, BIND, number, code)).is_valid
        assert key(await bench.bind(who, number, code)) == "code_expired"
    bench.clock.advance(seconds=700)
    who = bench.person(OLD)
    assert await bench.send(who, BIND, NEW) is None
    granted = await bench.verify(who, NEW, bench.code(who, BIND, NEW))
    bench.clock.advance(seconds=31)
    assert key(await bench.update(who, granted.update_phone_token)) == "update_token_invalid"


POLICIES = [
    {"verify_code_length": length, "verify_code_max_attempts": tries, "require_bound_codes": bound}
    for length, tries, bound in itertools.product((6, 10), (1, 5, 10), (False, True))
]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: "-".join(map(str, policy.values())))
async def test_cve_2018_14657_the_budget_holds_under_every_setting(bench: Workbench, policy: dict[str, Any]):
    bench.policy(**policy, wrong_codes_per_day=7)
    who, evaluated = bench.person(None), 0
    for _ in range(12):
        who = bench.session(who.user_id, None)
        bench.store.write_now(_forget_limits)
        await bench.send(who, BIND, NEW)
        evaluated += key(await bench.bind(who, NEW, bench.wrong(who, BIND, NEW))) == "code_wrong"
        bench.clock.advance(seconds=61)
    assert evaluated == 7


def test_ghsa_c55g_a_thousand_addresses_have_one_budget(edge: Edge):
    """Rows 34 and 35: whatever a client says its address is, the number's day has ten guesses."""
    number = edge.quick().phone
    asked = {"channel": LOGIN, "phoneNumber": number.removeprefix("+86")}
    said = []
    for turn in range(14):
        edge.write(_forget_limits)
        told = {
            "x-real-ip": f"203.0.113.{turn}",
            "x-forwarded-for": f"198.51.100.{turn}",
            "forwarded": f"for=10.0.0.{turn}",
        }
        edge.ask("/api/v3/send-sms", asked, headers=told)
        [code] = edge.codes(number, LOGIN).values()
        payload = {"phone": number, "passCode": wrong(code)}
        client = {"client_id": edge.tenant.app_id, "client_secret": edge.tenant.app_secret}
        body = {"connection": "PASSCODE", "passCodePayload": payload, **client}
        said.append(edge.ask("/api/v3/signin", body, headers=told).verdict)
    assert said == [2001] * 10 + [SPENT] * 4


async def test_cve_2026_108162_an_address_in_a_header_is_not_the_callers(bench: Workbench):
    """Row 35: the sender's limit counts the peer, whatever the headers say (see test_edge_callers, too)."""
    bench.policy(send_per_address_per_minute=3)
    stranger = bench.stranger()
    said = [key(await bench.send(stranger, LOGIN, f"+8613900139{turn:03d}")) for turn in range(5)]
    assert said == ["done"] * 3 + ["sending_paused"] * 2
    other = replace(bench.stranger(), address="198.51.100.8")
    assert key(await bench.send(other, LOGIN, "+8613900139100")) == "done"


@pytest.mark.parametrize("header", ["x-forwarded-for", "x-real-ip", "forwarded", "x-client-ip"])
def test_cve_2024_47070_an_address_that_cannot_be_read_skips_nothing(edge: Edge, header: str):
    """Row 36: a wrong password stays wrong, and the audit row has the peer's address."""
    payload = {"username": edge.someone.username, "password": "wrong password"}
    client = {"client_id": edge.tenant.app_id, "client_secret": edge.tenant.app_secret}
    for text in (
        "a",
        "::",
        "999.1.1.1",
        "1.1.1.1, ",
        ",,,",
        "[::1]:99999",
        "0x7f.1",
        "\xff" * 50,
        "1" * 10_000,
    ):
        body = {"connection": "PASSWORD", "passwordPayload": payload, **client}
        assert edge.ask("/api/v3/signin", body, headers={header: text}).verdict == 2333


async def test_ghsa_cq42_a_stranger_locks_nobody_out(bench: Workbench):
    """Row 39: guesses at nobody's codes, and at the number, leave the owner's own day whole."""
    owner = bench.person(OLD, email="owner@example.com")
    for _ in range(3):
        await bench.send(bench.stranger(), UNBIND, OLD)
        for _ in range(12):
            await bench.look(bench.stranger(), LOGIN, OLD, "000000")
        bench.clock.advance(seconds=61)
    assert await bench.send(owner, UNBIND, OLD) is None
    assert key(await bench.unbind(owner, bench.code(owner, UNBIND, OLD))) == "done"


async def test_cve_2026_107830_eleven_channels_and_fifty_addresses_send_ten_a_day(bench: Workbench):
    """Row 41: what reaches one phone in a day, however it is asked for."""
    channels = [
        f"CHANNEL_{name}"
        for name in ("LOGIN", "REGISTER", "BIND_PHONE", "BIND_MFA", "VERIFY_MFA", "COMPLETE_PHONE")
    ]
    sent = 0
    for minute in range(60):
        for channel in channels:
            asker = replace(bench.stranger(), address=f"198.51.100.{minute}")
            sent += key(await bench.send(asker, channel, NEW)) == "done"
        bench.clock.advance(seconds=1_440)
    assert sent <= 10


SPELLINGS = [
    "13900139011",
    "139 0013 9011",
    "+86 139-0013-9011",
    "008613900139011",
    "１３９００１３９０１１",
    "\u202d13900139011\u202c",
]


async def test_cve_2026_33640_every_spelling_shares_one_limit_and_one_budget(bench: Workbench):
    """Rows 43 and 91: a number is brought into its one form before anything is counted."""
    said = [key(await bench.send(bench.stranger(), LOGIN, spelling)) for spelling in SPELLINGS]
    assert said == ["done", *["sms_too_often"] * (len(SPELLINGS) - 1)]
    for turn in range(12):
        await bench.look(
            bench.stranger(), LOGIN, SPELLINGS[turn % len(SPELLINGS)], bench.wrong(None, LOGIN, NEW)
        )
    rows = bench.all("SELECT subject FROM guess_counters WHERE channel = :channel", channel=LOGIN)
    assert rows == [(f"number:{NEW}",)]


def test_cve_2026_23511_signing_in_tells_nobody_who_is_there(edge: Edge):
    """Rows 39 and 89: the same bytes for a name that is there and one that is not (time: tests/races)."""
    there, client = edge.someone, {"client_id": edge.tenant.app_id, "client_secret": edge.tenant.app_secret}
    pairs = [
        (there.username, "nobody-there"),
        (f"{there.username}@example.com", "n@example.com"),
        (there.phone, f"+86{edge.number()}"),
    ]
    for known, unknown in pairs:
        bodies = []
        for name in (known, unknown):
            payload = {"account": name, "password": "wrong password"}
            answer = edge.ask(
                "/api/v3/signin", {"connection": "PASSWORD", "passwordPayload": payload, **client}
            )
            bodies.append(_plain(answer))
        assert bodies[0] == bodies[1]
    for channel in ("CHANNEL_RESET_PASSWORD", "CHANNEL_UNBIND_PHONE", "CHANNEL_DELETE_ACCOUNT", LOGIN):
        numbers = (edge.quick().phone.removeprefix("+86"), edge.number())
        form = [{"channel": channel, "phoneNumber": number} for number in numbers]
        for _ in range(2):
            there_is, there_is_not = (_plain(edge.ask("/api/v3/send-sms", one)) for one in form)
            assert there_is == there_is_not


def _plain(answer: Any) -> tuple[int, Any, Any]:
    said = {name: value for name, value in answer.json.items() if name != "requestId"}
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    return answer.status, said, headers


def test_many_guesses_at_once_are_ten(edge: Edge):
    """Row 27 in one burst over the edge: what is evaluated is counted, not what is asked."""
    who, number = edge.quick(phone=False), edge.number()
    assert (
        edge.ask("/api/v3/send-sms", {"channel": BIND, "phoneNumber": number}, who.access_token).verdict
        == 200
    )
    code = edge.codes(f"+86{number}", BIND)[who.user_id]
    headers = {"authorization": who.access_token, "content-type": "application/json"}
    body = f'{{"phoneNumber": "{number}", "passCode": "{wrong(code)}"}}'.encode()
    verdicts = [
        answer.verdict
        for answer in edge.many([Ask("POST", "/api/v3/bind-phone", body, headers=headers)] * 64)
    ]
    assert verdicts.count(2001) == 5
    assert set(verdicts) <= {2001, 2300, SPENT}
