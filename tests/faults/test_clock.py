"""The clocks of the machine jump: the service's own goes on (phone-change.md §7).

The wall clock of the service's process is moved from outside, for all its Python code, while the database keeps the
right time: as on a machine whose time is set by hand. Only a restart takes a wrong clock over, and then it is not ready.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ostiary.client.errors import CodeExpired, RateLimited, UpdateTokenError
from ostiary.contract.keys import Key
from ostiary.server.core.refused import Refused
from tests.histories.load import running
from tests.service import BIND, UNBIND, Person, Service
from tests.workbench import Workbench

HOUR, DAY = 3_600, 86_400
JUMPS = (HOUR, -HOUR, DAY, -DAY)

SHIM = """
import time
def moved(now, unit):
    def wall(*which):
        if which and which[0] != time.CLOCK_REALTIME:
            return now(*which)
        with open({file!r}) as file:
            return now(*which) + int(file.read()) * unit
    return wall
time.time, time.time_ns = moved(time.time, 1), moved(time.time_ns, 1_000_000_000)
time.clock_gettime = moved(time.clock_gettime, 1)
time.clock_gettime_ns = moved(time.clock_gettime_ns, 1_000_000_000)
"""


@dataclass
class WallClock:
    """The wall clock of one service's process."""

    file: Path

    def set(self, seconds: int) -> None:
        """So far from the truth, from now on."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(str(seconds))
        fresh.replace(self.file)


@contextmanager
def timed(folder: Path, database: str | None) -> Iterator[tuple[Service, WallClock]]:
    """A service whose wall clock can be set."""
    shim = folder / "shim"
    shim.mkdir()
    clock = WallClock(shim / "seconds")
    clock.set(0)
    (shim / "sitecustomize.py").write_text(SHIM.format(file=str(clock.file)))
    environment = {"PYTHONPATH": str(shim), "PYTHONDONTWRITEBYTECODE": "1"}
    with running(folder / "data", database, environment=environment) as service:
        yield service, clock


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_service_and_clock(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, WallClock]]:
    """For tests that put the clock back."""
    server = request.getfixturevalue("postgres_server_shared") if request.param == "postgresql" else None
    database = server.fresh_database() if server else None
    with timed(tmp_path_factory.mktemp("clock"), database) as both:
        yield both
        assert both[0].stop() == 0
    if server:
        server.drop_database(database)


@pytest.fixture
def service_and_clock(database: str, tmp_path: Path) -> Iterator[tuple[Service, WallClock]]:
    with timed(tmp_path, database if database.startswith("postgresql") else None) as both:
        yield both


def prove(person: Person, new: str) -> str:
    """Both codes typed: the token."""
    service = person.service
    typed = {
        "newPhoneNumber": new,
        "newPhonePassCode": service.code(new, BIND),
        "oldPhoneNumber": person.phone,
        "oldPhonePassCode": service.code(str(person.phone), UNBIND),
    }
    answer = person.client.verify_update_phone_request(typed, "PHONE_PASSCODE")
    token: str = answer.data.update_phone_token
    return token


def ask(person: Person, new: str) -> None:
    """Both codes asked for."""
    person.client.send_sms(BIND, new)
    person.client.send_sms(UNBIND, str(person.phone))


def checks(service: Service) -> dict[str, str]:
    """What is not well, once the worker has come round for the first time."""
    until = time.monotonic() + 10
    while True:
        found: dict[str, str] = service.http.get("/readyz").json()["checks"]
        if found["worker"] == "ok" or time.monotonic() > until:
            return {name: said for name, said in found.items() if said != "ok"}
        time.sleep(0.05)


@pytest.mark.parametrize("jump", JUMPS)
def test_a_jump_of_the_wall_clock_moves_nothing(shared_service_and_clock, jump):
    service, clock = shared_service_and_clock
    person, new = service.person(), service.number()
    ask(person, new)
    clock.set(jump)
    try:
        with pytest.raises(RateLimited) as limited:
            person.client.send_sms(BIND, new)
        assert limited.value.retry_after in range(50, 61)
        token = prove(person, new)
        assert checks(service) == {}
        assert person.signed_in().get_profile().data.phone == person.national
        clock.set(-jump)
        assert person.client.update_phone(token).data.success
        assert service.message(new, "phone_changed")
        late = service.person()
        ask(late, service.number())
        other = service.number()
        late.client.send_sms(BIND, other)
        service.advance(299)
        service.code(other, BIND)
        service.advance(2)
        with pytest.raises(CodeExpired):
            prove(late, other)
    finally:
        clock.set(0)


def test_a_start_with_a_wrong_clock_is_not_ready_and_takes_no_row_from_the_future(service_and_clock):
    service, clock = service_and_clock
    person, new, newer = service.person(), service.number(), service.number()
    ask(person, new)
    token = prove(person, new)
    person.client.send_sms(BIND, newer)
    code = service.code(newer, BIND)

    clock.set(-DAY)
    service.restart()
    assert set(checks(service)) == {"clock", "past"}
    clock.set(-HOUR)
    service.restart()
    assert set(checks(service)) == {"clock", "past"}
    assert service.http.get("/readyz").status_code == 503
    again = person.signed_in()
    with pytest.raises(UpdateTokenError):
        again.update_phone(token)
    assert not again.pre_check_code("SMS", _look(newer, code)).data.is_valid
    with pytest.raises(RateLimited):  # what was sent in the future counts as sent now
        again.send_sms(BIND, newer)

    clock.set(0)
    service.restart()
    assert checks(service) == {}
    assert person.client.pre_check_code("SMS", _look(newer, code)).data.is_valid
    assert person.client.update_phone(token).data.success

    clock.set(HOUR)
    service.restart()
    assert set(checks(service)) == {"clock"}


def _look(number: str, code: str) -> dict[str, object]:
    return {"phone": number, "passCode": code, "channel": BIND}


# ── rows from the future, to the millisecond ────────────────────────────────────────────────


@pytest.mark.anyio
@pytest.mark.parametrize(("back", "good"), [(4_000, True), (6_000, False), (3_600_000, False)])
async def test_codes_and_tokens_from_the_future_are_dead(bench: Workbench, back: int, good):
    who = bench.person("+8613800138000")
    token = await bench.ready_to_change(who, "+8613900139000")
    assert await bench.send(who, BIND, "+8613900139001") is None
    code = bench.code(who, BIND, "+8613900139001")
    bench.clock.offset -= back
    assert (await bench.look(who, BIND, "+8613900139001", code)).is_valid == good
    answer = await bench.update(who, token)
    assert (not isinstance(answer, Refused)) == good
    if not good:
        assert answer.key is Key.UPDATE_TOKEN_INVALID
        bench.clock.offset += back
        assert not isinstance(await bench.update(who, token), Refused), (
            "the clock came back, the token with it"
        )


@pytest.mark.anyio
async def test_asks_and_guesses_from_the_future_count_as_now(bench: Workbench):
    who, new = bench.person("+8613800138000"), "+8613900139000"
    assert await bench.send(who, BIND, new) is None
    for _ in range(5):
        await bench.look(who, BIND, new, bench.wrong(who, BIND, new))
    bench.clock.offset -= HOUR * 1_000
    refused = await bench.send(who, BIND, new)
    assert refused is not None
    assert refused.key is Key.SMS_TOO_OFTEN
    spent = await bench.look(who, BIND, new, "000000")
    assert isinstance(spent, Refused)
    assert spent.key is Key.GUESSES_SPENT
    assert spent.retry_after == DAY
