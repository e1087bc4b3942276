"""An application that asks everybody for a second factor (1636), whoever has enrolled one or not."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from ostiary import AuthenticationClient
from ostiary.client.errors import APIError
from ostiary.contract.keys import Key
from ostiary.contract.second_factor import MfaFactorVerify, MfaVerified, SendMfaCode
from ostiary.contract.signin import LoginTokenResponseData
from ostiary.server.core.call import Call, MfaToken
from ostiary.server.core.refused import Refused
from ostiary.server.core.second_factor import KINDS as ALL
from ostiary.server.core.second_factor import Kind
from ostiary.server.features.second_factors import verification
from tests.authenticator import claims, enrolled, enrolled_sms
from tests.front_door import FrontDoor
from tests.journeys.hands import key, refusal, send
from tests.service import Person, Service
from tests.workbench import LOGIN, Workbench

pytestmark = pytest.mark.anyio

NUMBER, ADDRESS = "+8613800138000", "ann@example.com"
RESET = "CHANNEL_RESET_PASSWORD"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def door(database: str) -> AsyncIterator[FrontDoor]:
    bench = Workbench(database)
    yield FrontDoor(bench)
    await bench.close()


async def ann(door: FrontDoor, *, phone: bool = False, email: bool = False) -> None:
    """Somebody with a password, and proven contacts."""
    user_id = (await door.sign_up(username="ann")).user_id
    for there, contact in ((phone, NUMBER), (email, ADDRESS)):
        if there:
            door.bench.put_contact(contact, user_id)


def asked(answer: Any) -> dict[str, Any]:
    assert isinstance(answer, Refused), answer
    assert answer.key is Key.APP_MFA_REQUIRED
    return dict(answer.data or {})


async def waiting(door: FrontDoor, data: dict[str, Any]) -> Call:
    token = await door.bench.service.signer.verify(data["mfaToken"])
    assert isinstance(token, MfaToken)
    return replace(door.caller(), mfa=token, token_given=True)


async def test_a_proven_number_stands_in_for_a_factor(door: FrontDoor) -> None:
    await ann(door, phone=True, email=True)
    door.app("none", required_factors=("SMS",))
    data = asked(await door.sign_in(username="ann"))
    assert data["factors"] == [
        {"factorId": "SMS", "factorType": "SMS", "profile": {"phoneNumber": "+86138****8000"}}
    ]
    call = await waiting(door, data)
    service = door.bench.service
    assert await verification.send_mfa_code(service, call, SendMfaCode(factor_id="SMS")) is None
    code = door.bench.code(None, "CHANNEL_VERIFY_MFA", NUMBER)
    form = MfaFactorVerify(factor_id="SMS", pass_code=code)
    again = replace(call, request_id="another")
    done = await verification.mfa_factor_verify(service, again, form)
    assert isinstance(done, MfaVerified)
    assert done.access_token
    assert not isinstance(await door.user_info(done.access_token), Refused)
    by_address = MfaFactorVerify(factor_id="EMAIL", pass_code=code)
    answer = await verification.mfa_factor_verify(service, replace(call, request_id="third"), by_address)
    assert isinstance(answer, Refused), "the promised session is open, and EMAIL is not what this one takes"


async def test_without_a_list_nobody_is_asked(door: FrontDoor) -> None:
    await ann(door, phone=True, email=True)
    assert isinstance(await door.sign_in(username="ann"), LoginTokenResponseData)


async def test_a_pool_that_has_no_factors_in_use_asks_nobody(door: FrontDoor) -> None:
    await ann(door, phone=True)
    door.bench.policy(enabled_factors=())
    door.app("none", required_factors=ALL)
    assert isinstance(await door.sign_in(username="ann"), LoginTokenResponseData)


async def test_who_has_nothing_is_told_so_and_gets_no_token(door: FrontDoor) -> None:
    await ann(door)
    door.app("none", required_factors=ALL)
    assert asked(await door.sign_in(username="ann")) == {"factors": []}
    assert door.bench.one("SELECT count(*) FROM sessions") == 0


async def test_a_code_to_a_number_is_followed_by_something_else(door: FrontDoor) -> None:
    await ann(door, phone=True, email=True)
    door.app("none", required_factors=ALL)
    assert await door.bench.send(door.caller(), LOGIN, NUMBER) is None
    data = asked(await door.sign_in_by_code(NUMBER, door.bench.code(None, LOGIN, NUMBER)))
    assert [factor["factorType"] for factor in data["factors"]] == ["EMAIL"]
    by_number = SendMfaCode(factor_id="SMS")
    answer = await verification.send_mfa_code(door.bench.service, await waiting(door, data), by_number)
    assert isinstance(answer, Refused)
    assert answer.key is Key.FACTOR_NOT_FOUND


# --- and who has enrolled one: over real HTTP ------------------------------------------------------------


@contextmanager
def strict_app(service: Service, *kinds: Kind) -> Iterator[AuthenticationClient]:
    """A client of an application that asks everybody for one of these."""
    admin = service.management
    made = admin.create_application(
        "Strict", token_endpoint_auth_method="none", required_factors=list(kinds)
    ).data
    yield AuthenticationClient(made.app_id, service.url, lang="en-US", http_client=service.http)
    admin.delete_application(made.app_id)


def half(client: AuthenticationClient, who: Person, password: str | None = None) -> APIError:
    """A right password."""
    return refusal(client.sign_in_by_username_password, who.username, password or who.password)


def test_a_mailbox_is_no_way_past_an_authenticator(service: Service) -> None:
    """Its thief resets the password, and then would have the address stand in for the factor that is enrolled."""
    with strict_app(service, *ALL) as strict:
        ann = service.person()
        app, _ = enrolled(ann)
        send(strict, RESET, ann.email)
        payload = {"email": ann.email, "passCode": service.code(ann.email, RESET)}
        granted = strict.verify_reset_password_request("EMAIL_PASSCODE", email_pass_code_payload=payload)
        strict.reset_password("chosen by the thief", granted.data.password_reset_token)
        asked_for = half(strict, ann, "chosen by the thief")
        assert asked_for.api_code == 1636
        assert [factor["factorType"] for factor in asked_for.data["factors"]] == ["OTP"]
        pending = strict.with_access_token(asked_for.data["mfaToken"])
        for stand_in in ("SMS", "EMAIL"):
            assert key(pending.send_mfa_code, stand_in) == "factor_not_found"
            assert key(pending.mfa_factor_verify, stand_in, "123456") == "factor_not_found"
        assert claims(pending.mfa_otp_verify(app.code()).data.id_token)["amr"] == ["pwd", "otp", "mfa"]


def test_of_what_is_enrolled_the_application_s_kinds_or_else_all(service: Service) -> None:
    ann = service.person()
    app, _ = enrolled(ann)
    with strict_app(service, "EMAIL") as strict:
        assert [factor["factorType"] for factor in half(strict, ann).data["factors"]] == ["OTP"]
    enrolled_sms(ann, service.number())
    for kinds, offered in ((("SMS",), ["SMS"]), (("EMAIL",), ["OTP", "SMS"]), (ALL, ["OTP", "SMS"])):
        with strict_app(service, *kinds) as strict:
            asked_for = half(strict, ann)
            assert [factor["factorType"] for factor in asked_for.data["factors"]] == offered
            if "OTP" not in offered:
                pending = strict.with_access_token(asked_for.data["mfaToken"])
                assert key(pending.mfa_otp_verify, app.code()) == "factor_not_found"


def test_a_kind_that_the_pool_has_switched_off_is_as_if_it_were_not_enrolled(service: Service) -> None:
    ann = service.person()
    enrolled(ann)
    with service.settings(enabledFactors=["EMAIL"]), strict_app(service, *ALL) as strict:
        assert [factor["factorType"] for factor in half(strict, ann).data["factors"]] == ["EMAIL"]


def test_a_first_proof_takes_no_factor_off_that_everybody_is_asked_for(service: Service) -> None:
    """Nobody would get in there any more: neither by the code nor after a reset."""
    address, words = service.address(), "the owner's own words"
    user = service.client().sign_up_by_email_password(address, words).data
    tokens = service.client().sign_in_by_email_password(address, words).data
    owner = Person(service, user.user_id, "", words, address, None, service.client(tokens.access_token))
    app, _ = enrolled(owner)
    with strict_app(service, "OTP") as strict:
        send(strict, LOGIN, address)
        asked_for = refusal(strict.sign_in_by_email_passcode, address, service.code(address, LOGIN))
        assert [factor["factorType"] for factor in asked_for.data["factors"]] == ["OTP"]
        assert refusal(strict.sign_in_by_email_password, address, words).api_code == 1636
        send(strict, RESET, address)
        payload = {"email": address, "passCode": service.code(address, RESET)}
        granted = strict.verify_reset_password_request("EMAIL_PASSCODE", email_pass_code_payload=payload)
        strict.reset_password("other words of theirs", granted.data.password_reset_token)
        asked_for = refusal(strict.sign_in_by_email_password, address, "other words of theirs")
        pending = strict.with_access_token(asked_for.data["mfaToken"])
        done = pending.mfa_otp_verify(app.code()).data
        assert strict.with_access_token(done.access_token).get_profile().data.email == address
