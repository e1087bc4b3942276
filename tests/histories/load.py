"""People changing their numbers over real HTTP, all at once and again and again, while a service comes and goes.

Each thread is a phone in somebody's hand: it signs in, asks for codes, reads them, types them (now and then
wrongly), changes the number, and asks again where no answer came. What it asked and heard goes into a history.
"""

import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.histories.history import History, Operation
from tests.service import BIND, UNBIND, Person, Service, start

PATIENCE = 40
"""Seconds that a thread waits for a service that is away."""
DAY_HOURS = 25
SEATS = 8
"""How many people change numbers at a time: few enough to get into each other's way."""
_DONE = 200
_TOO_MANY = 4004
_KEYS = {
    2001: "code_wrong",
    2300: "code_expired",
    2035: "phone_taken",
    91002: "update_token_invalid",
    91003: "update_token_used",
    91005: "guesses_spent",
}
_SIGN_IN_AGAIN = {2020, 2206, 2207}


@dataclass
class Heard:
    """An answer: its envelope, or that there was none."""

    http: int = 0
    """0: nothing came back."""
    envelope: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether it went well."""
        return self.envelope.get("statusCode") == _DONE

    @property
    def unknown(self) -> bool:
        """Whether it may or may not have happened."""
        return self.http in {0, 503}

    @property
    def api_code(self) -> int:
        """Why not; 0 where it says none."""
        return int(self.envelope.get("apiCode") or 0)


@dataclass
class Crowd:
    """The threads, what they may do to each other's numbers, and what they have noticed."""

    service: Service
    people: list[Person]
    label: Callable[[str], str | None]
    """A number as the audit log knows it."""
    threads: int = 3
    breath: float = 0
    """Seconds that a thread rests after a change: a quick service spends everybody's codes of a day, where no clock can be moved."""
    seats: list[Person] = field(init=False)
    """Who changes numbers now; the others of `people` come when one of these has spent a day's codes."""
    history: History = field(default_factory=History)
    contested: list[str] = field(default_factory=list)
    """Free numbers that everybody wants."""
    strange: list[str] = field(default_factory=list)
    """Answers that no fault explains: an error of the server, a body that is no envelope."""
    secrets: set[str] = field(default_factory=set)
    """Every token that was handed out."""
    up: threading.Event = field(default_factory=threading.Event)
    changes: int = 0
    unavailable: int = 0
    longest: float = 0
    """Seconds that somebody waited for an answer."""
    days: int = 0
    tired: bool = False
    """Whether everybody has spent a day's codes."""
    _began: float = field(default_factory=time.time)
    _over: threading.Event = field(default_factory=threading.Event)
    _seating: threading.Lock = field(default_factory=threading.Lock)
    _sat: list[Person] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.seats = list(self.people[:SEATS])
        self._sat = list(self.seats)

    @contextmanager
    def at_work(self) -> Iterator["Crowd"]:
        """Everybody at it until the end of the block."""
        self.contested = self.contested or [self.service.number() for _ in range(6)]
        threads = [threading.Thread(target=self._live, args=(number,)) for number in range(self.threads)]
        self.up.set()
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._over.set()
            self.up.set()
            for thread in threads:
                thread.join(PATIENCE)
            assert not any(thread.is_alive() for thread in threads)

    def next_day(self) -> None:
        """Move the service's clock on, so that limits and budgets begin anew. While the crowd waits (`up`)."""
        self.service.advance(hours=DAY_HOURS)
        self.days += 1

    def day(self, moment: int) -> int:
        """Which of those days a stored moment (ms) belongs to."""
        return int((moment / 1_000 - self._began) // (DAY_HOURS * 3_600))

    @property
    def over(self) -> bool:
        """Whether everybody goes home."""
        return self._over.is_set()

    def _live(self, number: int) -> None:
        chance = random.Random(number)
        with httpx2.Client(base_url=self.service.url, timeout=40, trust_env=False) as http:
            phones = {person.user_id: Phone(self, person, http, chance) for person in self.people}
            while not self.over:
                mine = self.seats[number :: self.threads]
                person = chance.choice(mine if chance.random() < 0.85 else self.seats)
                try:
                    phones[person.user_id].change_number()
                except Exception as error:  # noqa: BLE001 - told at the end, with what was heard before it
                    self.strange.append(repr(error))
                    return
                time.sleep(self.breath)

    def spent(self, person: Person) -> None:
        """Someone else takes the seat of one who gets no more codes today; a quick service spends many days' codes."""
        with self._seating:
            others = [other for other in self.people if other not in self._sat]
            if others and person in self.seats:
                self.seats[self.seats.index(person)] = others[0]
                self._sat.append(others[0])
            self.tired = not others

    def goes_on(self, within: float) -> None:
        """Wait until numbers change again. Who has spent a day's codes sleeps over it: long tests take many days' codes."""
        before, until = self.changes, time.monotonic() + within
        while self.changes < before + 2:
            assert time.monotonic() < until, self.strange
            if self.tired:
                self._sleep()
            time.sleep(0.05)

    def _sleep(self) -> None:
        self.up.clear()
        time.sleep(1)  # what is under way ends on its own day
        self.next_day()
        with self._seating:
            self._sat, self.tired = list(self.seats), False
        self.up.set()

    def wait(self) -> None:
        """Until the service is there again, as far as anybody knows."""
        time.sleep(0.02)
        self.up.wait(PATIENCE)


@dataclass
class Phone:
    """One person's phone."""

    crowd: Crowd
    person: Person
    http: httpx2.Client
    chance: random.Random
    token: str = ""

    def change_number(self) -> None:
        """One whole change, with whatever goes wrong in it."""
        crowd = self.crowd
        crowd.up.wait(PATIENCE)
        old = self._number()
        if old is None or crowd.over:
            return
        new = self.chance.choice(crowd.contested) if self.chance.random() < 0.3 else crowd.service.number()
        if new == old or not (self._send(BIND, new) and self._send(UNBIND, old)):
            return
        codes = self._code(new, BIND), self._code(old, UNBIND)
        if None in codes:
            return
        if self.chance.random() < 0.2:
            self._prove(new, old, codes, wrong=self.chance.choice((BIND, UNBIND)))
        token = self._prove(new, old, codes)
        if token is None:
            return
        crowd.secrets.add(token)
        for _ in range(8):
            heard = self._move(token, new)
            if not heard.unknown and self.chance.random() < 0.8:
                break
            if heard.unknown:
                crowd.wait()
        crowd.changes += 1

    # ── what is asked ───────────────────────────────────────────────────────────────────────

    def _number(self) -> str | None:
        """The number as the account has it now; signs in where that is needed."""
        heard = self._post("get-profile", None) if self.token else Heard()
        if heard.api_code in _SIGN_IN_AGAIN or not self.token:
            self.token = ""
            heard = self._sign_in()
        phone = heard.envelope.get("data", {}).get("phone") if heard.ok else None
        return f"+86{phone}" if phone else None

    def _sign_in(self) -> Heard:
        account = {"username": self.person.username, "password": self.person.password}
        body = {"connection": "PASSWORD", "passwordPayload": account}
        heard = self._post("signin", {**body, **self._client()})
        if not heard.ok:
            if heard.unknown:
                self.crowd.wait()
            return heard
        self.token = heard.envelope["data"]["access_token"]
        return self._post("get-profile", None)

    def _client(self) -> dict[str, str]:
        ids = self.crowd.service.ids
        return {"client_id": ids["appId"], "client_secret": ids["appSecret"]}

    def _send(self, channel: str, number: str) -> bool:
        for _ in range(3):
            heard = self._post("send-sms", {"channel": channel, "phoneNumber": number})
            if heard.api_code == _TOO_MANY:  # perhaps an earlier ask, whose answer was lost, was counted
                if channel == UNBIND or number not in self.crowd.contested:
                    self.crowd.spent(self.person)
                return True
            if not heard.unknown:
                return heard.ok
            self.crowd.wait()
        return False

    def _code(self, number: str, channel: str) -> tuple[str, str] | None:
        """(the newest code at a number, what it is known by in the history)."""
        for _ in range(3):
            with suppress(httpx2.HTTPError):
                query = {"to": number, "limit": "20"}
                answer = self.http.get("/dev/inbox.json", params=query)
                if answer.status_code == 200:
                    for entry in answer.json():
                        if entry["channel"] == channel:
                            day = entry["createdAt"][:10]
                            code = entry["code"]
                            return code, f"{self.person.user_id} {channel} {number} {day} {code}"
                    return None
            self.crowd.wait()
        return None

    def _prove(self, new: str, old: str, codes: tuple[Any, Any], *, wrong: str | None = None) -> str | None:
        (new_code, new_name), (old_code, old_name) = codes
        payload = {
            "newPhoneNumber": new,
            "newPhonePassCode": _wrong(new_code) if wrong == BIND else new_code,
            "oldPhoneNumber": old,
            "oldPhonePassCode": _wrong(old_code) if wrong == UNBIND else old_code,
        }
        body = {"verifyMethod": "PHONE_PASSCODE", "phonePassCodePayload": payload}
        heard = Heard()
        budgets = {
            channel: f"user:{self.person.user_id}/{channel}@{self.crowd.days}" for channel in (BIND, UNBIND)
        }
        for _ in range(8):
            asked = self.crowd.history.begin(
                self.person.user_id,
                "prove",
                uses=() if wrong else (new_name, old_name),
                wrong=(budgets[wrong],) if wrong else (),
                doubtful=tuple(budget for channel, budget in budgets.items() if channel != wrong),
            )
            heard = self._post("verify-update-phone-request", body, asked)
            if wrong or not heard.unknown:
                break
            self.crowd.wait()
        return heard.envelope["data"]["updatePhoneToken"] if heard.ok else None

    def _move(self, token: str, new: str) -> Heard:
        asked = self.crowd.history.begin(
            self.person.user_id, "move", uses=(token,), number=self.crowd.label(new)
        )
        return self._post("update-phone", {"updatePhoneToken": token}, asked)

    def _post(self, name: str, body: dict[str, Any] | None, asked: Operation | None = None) -> Heard:
        heard = self._heard(name, body)
        if asked is not None:
            key = _KEYS.get(heard.api_code, str(heard.api_code))
            outcome = "unknown" if heard.unknown else "ok" if heard.ok else "refused"
            request_id = heard.envelope.get("requestId", "")
            self.crowd.history.end(asked, outcome, key, request_id)  # type: ignore[arg-type] # one of the three
        return heard

    def _heard(self, name: str, body: dict[str, Any] | None) -> Heard:
        asked_at = time.monotonic()
        headers = {"authorization": self.token, "origin": "http://elsewhere.example"} if self.token else {}
        try:
            if body is None:
                answer = self.http.get(f"/api/v3/{name}", headers=headers)
            else:
                answer = self.http.post(f"/api/v3/{name}", json=body, headers=headers)
        except httpx2.HTTPError:
            return Heard()
        self.crowd.longest = max(self.crowd.longest, time.monotonic() - asked_at)
        try:
            heard = Heard(answer.status_code, answer.json())
        except ValueError:
            heard = Heard(answer.status_code)
        if heard.http == 503:
            self.crowd.unavailable += 1
        told = {"statusCode", "message", "requestId"} <= heard.envelope.keys()
        if not (told and (heard.http == 200 or heard.http == heard.envelope["statusCode"] == 503)):
            self.crowd.strange.append(f"{name}: {answer.status_code} {answer.text[:300]}")
        return heard


@contextmanager
def running(
    folder: Path,
    database: str | None = None,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Service]:
    """A service of a test's own, which does not outlive it."""
    service = start(folder, database, *arguments, environment=environment)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.kill()
        service._close_connections()


def crowd_of(service: Service, people: int = 4 * SEATS, threads: int = 3, breath: float = 0) -> Crowd:
    """People of a service, each with a number, and the threads that will use their phones."""
    from ostiary.server import keyfile
    from ostiary.server.core.ports import Ports
    from ostiary.server.guards.audit import contact_hash

    ports = Ports(keyfile.read(service.folder / "keys.json"))
    pool_id = service.ids["userPoolId"]
    known = [service.person(sign_in=False) for _ in range(people)]
    return Crowd(service, known, lambda number: contact_hash(ports, pool_id, number), threads, breath)


def _wrong(code: str) -> str:
    return code[:-1] + str((int(re.sub(r"\D", "", code)[-1]) + 1) % 10)
