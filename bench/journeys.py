"""What one person does, request by request: a journey is a coroutine that ends, or raises `UnexpectedError`.

A journey notes the time of each of its requests in `spent`. What lies between two requests (the person reads
the code on their phone) is the driver's own work and no server's: it is not in the latencies.
"""

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from bench.http_client import Answer, Connection, post
from bench.phones import Phones

Person = dict[str, Any]
"""What set-up wrote about somebody: `old`, `new`, `credential`, and what their product needs."""


class UnexpectedError(Exception):
    """A server answered something else than success."""


class Hand:
    """One person's hand on one connection."""

    def __init__(self, connection: Connection, phones: Phones) -> None:
        self._connection = connection
        self.phones = phones
        self.spent = 0.0
        """Seconds that this journey's requests took."""

    async def ask(self, request: bytes, expected: int = 200) -> Answer:
        start = time.perf_counter()
        answer = await self._connection.ask(request)
        self.spent += time.perf_counter() - start
        if answer.status != expected:
            raise UnexpectedError(f"{answer.status} {answer.body[:300]!r}")
        return answer


Journey = Callable[[Hand, Person], Awaitable[None]]


# ── Ostiary ─────────────────────────────────────────────────────────────────────────────────


async def _call(hand: Hand, person: Person, operation: str, form: dict[str, Any]) -> Any:
    """One call of the V3 API; its data."""
    body = json.dumps(form, separators=(",", ":")).encode()
    answer = await hand.ask(post(f"/api/v3/{operation}", body, f"authorization: {person['credential']}"))
    envelope = json.loads(answer.body)
    if envelope["statusCode"] != 200:
        raise UnexpectedError(answer.body[:300].decode())
    return envelope.get("data")


async def _asked_code(hand: Hand, person: Person, channel: str, number: str) -> str:
    await _call(
        hand, person, "send-sms", {"channel": channel, "phoneNumber": number[3:], "phoneCountryCode": "+86"}
    )
    return await hand.phones.code(number, channel=channel, owner=person["id"])


async def ostiary_w(hand: Hand, person: Person) -> None:
    """W: three requests; the old number is not proven, the session is fresh enough."""
    new = person["new"]
    code = await _asked_code(hand, person, "CHANNEL_BIND_PHONE", new)
    await _apply(
        hand, person, {"newPhoneNumber": new[3:], "newPhoneCountryCode": "+86", "newPhonePassCode": code}
    )


async def ostiary_w_old(hand: Hand, person: Person) -> None:
    """W-old: four requests; both numbers are proven."""
    new, old = person["new"], person["old"]
    new_code = await _asked_code(hand, person, "CHANNEL_BIND_PHONE", new)
    old_code = await _asked_code(hand, person, "CHANNEL_UNBIND_PHONE", old)
    payload = {
        "newPhoneNumber": new[3:],
        "newPhoneCountryCode": "+86",
        "newPhonePassCode": new_code,
        "oldPhoneNumber": old[3:],
        "oldPhoneCountryCode": "+86",
        "oldPhonePassCode": old_code,
    }
    await _apply(hand, person, payload)


async def _apply(hand: Hand, person: Person, payload: dict[str, Any]) -> None:
    form = {"verifyMethod": "PHONE_PASSCODE", "phonePassCodePayload": payload}
    granted = await _call(hand, person, "verify-update-phone-request", form)
    await _call(hand, person, "update-phone", {"updatePhoneToken": granted["updatePhoneToken"]})


async def ostiary_sign_in(hand: Hand, person: Person) -> None:
    """A password sign-in: argon2id, a session, two signed tokens."""
    form = {
        "connection": "PASSWORD",
        "passwordPayload": {"username": person["username"], "password": person["password"]},
        "client_id": person["app_id"],
        "client_secret": person["app_secret"],
    }
    body = json.dumps(form).encode()
    answer = await hand.ask(post("/api/v3/signin", body, f"x-genauth-app-id: {person['app_id']}"))
    if json.loads(answer.body)["statusCode"] != 200:
        raise UnexpectedError(answer.body[:300].decode())


async def healthz(hand: Hand, _person: Person) -> None:
    """The same stack, asked for nothing: its answer is constant."""
    await hand.ask(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")


async def echo(hand: Hand, _person: Person) -> None:
    """A bare ASGI application that answers a request's body."""
    await hand.ask(post("/", b'{"channel":"CHANNEL_BIND_PHONE","phoneNumber":"15000000000"}'))


# ── better-auth ─────────────────────────────────────────────────────────────────────────────


async def better_auth(hand: Hand, person: Person) -> None:
    """Two requests: the code is asked for, then proven and applied at once."""
    headers = (f"cookie: {person['credential']}", "origin: http://127.0.0.1")
    await hand.ask(
        post("/api/auth/phone-number/send-otp", json.dumps({"phoneNumber": person["new"]}).encode(), *headers)
    )
    code = await hand.phones.code(person["new"])
    form = {"phoneNumber": person["new"], "code": code, "updatePhoneNumber": True}
    answer = await hand.ask(post("/api/auth/phone-number/verify", json.dumps(form).encode(), *headers))
    if json.loads(answer.body)["user"]["phoneNumber"] != person["new"]:
        raise UnexpectedError(answer.body[:300].decode())


# ── django-allauth ──────────────────────────────────────────────────────────────────────────


async def allauth(hand: Hand, person: Person) -> None:
    """Two requests of its headless "app" client."""
    header = f"x-session-token: {person['credential']}"
    form = json.dumps({"phone": person["new"]}).encode()
    await hand.ask(post("/_allauth/app/v1/account/phone", form, header), expected=202)
    code = await hand.phones.code(person["new"])
    await hand.ask(post("/_allauth/app/v1/auth/phone/verify", json.dumps({"code": code}).encode(), header))


JOURNEYS: dict[str, Journey] = {
    "ostiary-w": ostiary_w,
    "ostiary-w-old": ostiary_w_old,
    "ostiary-sign-in": ostiary_sign_in,
    "healthz": healthz,
    "echo": echo,
    "better-auth": better_auth,
    "allauth": allauth,
}
