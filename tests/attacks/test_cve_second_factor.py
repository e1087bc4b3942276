"""Other people's holes in second factors, tried here (rows of docs/security-tests.md)."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyotp
import pytest

from ostiary.contract.operation import Kind, Who
from ostiary.contract.operations import OPERATIONS
from tests.attacks.edge import Answer, Edge, Person

INVALID, NO_FACTOR, REAUTH, TOTP_WRONG, MFA_REQUIRED = 2207, 91040, 91006, 6001, 1635
VERIFICATION = {"mfa_otp_verify", "send_mfa_code", "mfa_factor_verify", "mfa_recovery_code_verify"}
"""The doors that an mfaToken opens. The introspection tells about it and opens nothing."""


@dataclass
class Victim:
    """Somebody with an authenticator."""

    edge: Edge
    person: Person
    factor_id: str
    link: str
    recovery_code: str

    def code(self, ahead: int = 0) -> str:
        app = pyotp.parse_uri(self.link)
        assert isinstance(app, pyotp.TOTP)
        return app.generate_otp(self.edge.process.service.ports.now() // 30_000 + ahead)

    def sign_in(self, **named: str) -> Any:
        """A right password, under one of the account's names: the whole answer."""
        form = {
            "connection": "PASSWORD",
            "passwordPayload": {
                **(named or {"username": self.person.username}),
                "password": self.person.password,
            },
            "options": {"scope": "openid profile offline_access"},
            "client_id": self.edge.tenant.app_id,
            "client_secret": self.edge.tenant.app_secret,
        }
        return self.edge.ask("/api/v3/signin", form).json

    def mfa_token(self) -> str:
        said = self.sign_in()
        assert said["apiCode"] == MFA_REQUIRED
        token: str = said["data"]["mfaToken"]
        return token

    def sessions(self) -> int:
        rows = self.edge.all("SELECT count(*) FROM sessions WHERE user_id = :id", id=self.person.user_id)
        return int(rows[0][0])


def enrol(edge: Edge, token: str) -> tuple[str, str, str]:
    """An authenticator: the factor's id, the app's link, the recovery code."""
    begun = edge.ask("/api/v3/send-enroll-factor-request", {"factorType": "OTP", "profile": {}}, token).json[
        "data"
    ]
    link = begun["otpData"]["qrCodeUri"]
    app = pyotp.parse_uri(link)
    assert isinstance(app, pyotp.TOTP)
    code = app.generate_otp(
        edge.process.service.ports.now() // 30_000 - 1
    )  # leaves the one of now for the test
    form = {
        "factorType": "OTP",
        "enrollmentToken": begun["enrollmentToken"],
        "enrollmentData": {"passCode": code},
    }
    assert edge.ask("/api/v3/enroll-factor", form, token).verdict == 200
    listed = edge.raw("GET", "/api/v3/list-enrolled-factors", headers={"authorization": token}).json["data"]
    return listed[0]["factorId"], link, begun["otpData"]["recoveryCode"]


def settle(edge: Edge) -> None:
    """Ten seconds at least until authenticators show another code."""
    clock = edge.process.service.ports.clock
    into = clock.now() % 30_000
    if into > 20_000:
        clock.offset += 30_000 - into + 100


@pytest.fixture
def victim(edge: Edge) -> Victim:
    settle(edge)
    person = edge.person()
    return Victim(edge, person, *enrol(edge, person.access_token))


def test_cve_2022_28601_an_mfa_token_opens_its_verification_and_nothing_else(victim: Victim):
    """Row 8: before the second factor there is no profile, no list, no change; for any operation of the table."""
    edge, token = victim.edge, victim.mfa_token()
    before = edge.counts()
    for op in OPERATIONS:
        if op.who not in {Who.USER, Who.MANAGEMENT} or op.name in VERIFICATION:
            continue
        answer = edge.call(op, {"authorization": f"Bearer {token}"})
        if op.kind is Kind.OAUTH:
            assert (answer.status, answer.verdict) == (401, "invalid_token"), op.name
        else:
            assert answer.verdict == INVALID, (op.name, answer.body)
    assert edge.counts() == before
    assert {op.name for op in OPERATIONS if op.name in VERIFICATION} == VERIFICATION


def test_cve_2020_10686_another_one_s_factor_is_none(victim: Victim):
    """Row 21: reading, removing, sending and proving by somebody else's factor id."""
    edge, mallory = victim.edge, victim.edge.quick()
    token, factor = mallory.access_token, {"factorId": victim.factor_id}
    rows = edge.all("SELECT * FROM factors WHERE user_id = :id", id=victim.person.user_id)
    assert edge.raw("GET", "/api/v3/get-factor", query=f"factorId={victim.factor_id}".encode(),
                    headers={"authorization": token}).verdict == NO_FACTOR  # fmt: skip # one request
    for path, form in (
        ("/api/v3/reset-factor", factor),
        ("/api/v3/send-mfa-code", factor),
        ("/api/v3/mfa-factor-verify", {**factor, "passCode": victim.code()}),
        ("/api/v3/mfa-totp-verify", {"totp": victim.code()}),
        ("/api/v3/mfa-recovery-code-verify", {"recoveryCode": victim.recovery_code}),
    ):
        assert edge.ask(path, form, token).verdict == NO_FACTOR, path
    assert edge.all("SELECT * FROM factors WHERE user_id = :id", id=victim.person.user_id) == rows


def test_cve_2025_64103_a_right_password_alone_opens_no_session(victim: Victim):
    """Row 26: nothing but the factor's proof opens the promised session, however often one asks."""
    edge, before = victim.edge, victim.sessions()
    said = victim.sign_in()
    assert set(said["data"]) == {"mfaToken", "tokenExpiresIn", "factors"}
    token = said["data"]["mfaToken"]
    for form in ({"totp": "000000"}, {"totp": ""}, {}, {"totp": None}, {"totp": "null"}, {"totp": 0}):
        assert edge.ask("/api/v3/mfa-totp-verify", form, token).verdict != 200
    refresh = {"grant_type": "refresh_token", "refresh_token": token, "client_id": edge.tenant.app_id,
               "client_secret": edge.tenant.app_secret}  # fmt: skip # one form
    assert edge.ask("/oidc/token", refresh).status == 400
    assert victim.sessions() == before


DOORS: dict[str, Callable[[Victim], Any]] = {
    "user name": lambda victim: victim.sign_in(),
    "address": lambda victim: victim.sign_in(email=f"{victim.person.username}@example.com"),
    "number": lambda victim: victim.sign_in(phone=victim.person.phone),
    "account": lambda victim: victim.sign_in(account=victim.person.username),
    "code by sms": lambda victim: by_code(
        victim, "/api/v3/send-sms", {"phoneNumber": victim.person.phone}, victim.person.phone
    ),
    "code by mail": lambda victim: by_code(
        victim,
        "/api/v3/send-email",
        {"email": f"{victim.person.username}@example.com"},
        f"{victim.person.username}@example.com",
    ),
}


def by_code(victim: Victim, path: str, to: dict[str, str], contact: str) -> Any:
    edge = victim.edge
    assert edge.ask(path, {"channel": "CHANNEL_LOGIN", **to}).verdict == 200
    named = {"email": contact} if "@" in contact else {"phone": contact}
    form = {
        "connection": "PASSCODE",
        "passCodePayload": {**named, "passCode": edge.codes(contact, "CHANNEL_LOGIN")[""]},
        "options": {"autoRegister": True},
        "client_id": edge.tenant.app_id,
        "client_secret": edge.tenant.app_secret,
    }
    return edge.ask("/api/v3/signin", form).json


@pytest.mark.parametrize("door", DOORS)
def test_cve_2026_15616_every_way_in_asks_for_the_factor(victim: Victim, door: str):
    """Row 67: whichever first step it is."""
    before = victim.sessions()
    said = DOORS[door](victim)
    assert (said["statusCode"], said["apiCode"]) == (401, MFA_REQUIRED), said
    assert "access_token" not in json.dumps(said)
    assert victim.sessions() == before


def verify(victim: Victim, code: str, token: str | None = None) -> Answer:
    return victim.edge.ask("/api/v3/mfa-totp-verify", {"totp": code}, token or victim.mfa_token())


def test_cve_2021_43177_an_authenticator_s_code_is_good_once(victim: Victim):
    """Row 37: not again in its window, not by another sign-in, and none from before it."""
    first, second = victim.code(), victim.code(1)
    assert verify(victim, first).verdict == 200
    assert verify(victim, first).verdict == TOTP_WRONG
    assert verify(victim, second).verdict == 200
    for old in (first, second, victim.code(-1)):
        assert verify(victim, old).verdict == TOTP_WRONG


def test_cve_2024_45042_the_factor_is_looked_up_when_it_matters(victim: Victim):
    """Row 40: a session that opened before the factor was enrolled has not used it, whatever it once was good for."""
    edge, ann = victim.edge, victim.edge.person()
    settings = {"endOtherSessions": False}
    assert (
        edge.ask(
            "/api/v3/update-security-settings", settings, edge.manager(), {"x-authing-app-id": ""}
        ).verdict
        == 200
    )
    try:
        other = edge.signed_in(edge.tenant, ann.user_id, ann.username, ann.password, ann.phone)
        factor_id, link, _ = enrol(edge, ann.access_token)
        new = {"newPhoneNumber": edge.number(), "newPhonePassCode": "123456",
               "oldPhoneNumber": ann.phone, "oldPhonePassCode": "123456"}  # fmt: skip # two pairs
        form = {"verifyMethod": "PHONE_PASSCODE", "phonePassCodePayload": new}
        said = edge.ask("/api/v3/verify-update-phone-request", form, other.access_token).json
        assert (said["apiCode"], said["data"]["methods"]) == (REAUTH, ["OTP"])
        # GHSA-8g9r-9wjw-37j4: nor may such a session remove the factor, or enrol another
        assert edge.ask("/api/v3/reset-factor", {"factorId": factor_id}, other.access_token).verdict == REAUTH
        begin = {"factorType": "SMS", "profile": {"phoneNumber": edge.number()}}
        assert edge.ask("/api/v3/send-enroll-factor-request", begin, other.access_token).verdict == REAUTH
        code = Victim(edge, ann, factor_id, link, "").code()
        assert edge.ask("/api/v3/mfa-totp-verify", {"totp": code}, other.access_token).verdict == 200
        assert edge.ask("/api/v3/verify-update-phone-request", form, other.access_token).verdict != REAUTH
    finally:
        back = {"endOtherSessions": True}
        edge.ask("/api/v3/update-security-settings", back, edge.manager(), {"x-authing-app-id": ""})


def test_cve_2026_53725_no_answer_holds_a_secret_of_the_factor(victim: Victim):
    """Row 94: the authenticator's secret and the recovery code are told once, and stored where nobody reads them."""
    edge = victim.edge
    app = pyotp.parse_uri(victim.link)
    told = (app.secret, victim.recovery_code, victim.recovery_code.replace("-", ""))
    token = verify(victim, victim.code()).json["data"]["access_token"]
    for op in OPERATIONS:
        if op.method == "GET" and op.who in {Who.USER, Who.MANAGEMENT}:
            who = token if op.who is Who.USER else edge.manager()
            form = {"factorId": victim.factor_id} if op.name == "get_factor" else None
            said = edge.call(op, {"authorization": who}, form).body.decode()
            assert not any(secret in said for secret in told), op.name
    stored = repr(edge.all("SELECT * FROM factors")) + repr(edge.all("SELECT * FROM one_time_tokens"))
    stored += repr(edge.all("SELECT * FROM audit")) + repr(edge.all("SELECT * FROM outbox"))
    assert not any(secret in stored for secret in told)
