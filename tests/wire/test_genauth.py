"""The incumbent's own SDK, genauth 5.1.0 as it is published, against our service: only `app_host` is another.

The same stories are told with `ostiary.compat`, which has to do whatever the incumbent does. What genauth
gets wrong by itself (no TLS verification, nulls in payloads, bare tokens, `True` in queries) travels along.
"""

import inspect
from collections.abc import Iterator
from importlib.metadata import version
from types import ModuleType
from typing import Any

import genauth
import pytest
from genauth.http import AuthenticationHttpClient

from ostiary import compat
from tests.authenticator import Authenticator
from tests.service import BIND, LOGIN, REGISTER, UNBIND, Service, start


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[Service]:
    service = start(tmp_path_factory.mktemp("genauth") / "data")
    yield service
    assert service.stop() == 0


@pytest.fixture(params=[genauth, compat], ids=["genauth", "compat"])
def library(request) -> ModuleType:
    return request.param


@pytest.fixture
def client(service: Service, library: ModuleType):
    return library.AuthenticationClient(
        app_id=service.ids["appId"], app_host=service.url, app_secret=service.ids["appSecret"], lang="en-US"
    )


@pytest.fixture
def management(service: Service, library: ModuleType):
    return library.ManagementClient(
        access_key_id=service.ids["accessKeyId"],
        access_key_secret=service.ids["accessKeySecret"],
        host=service.url,
        lang="en-US",
    )


def good(answer: dict[str, Any]) -> Any:
    assert answer["statusCode"] == 200, answer
    assert answer["requestId"]
    assert "apiCode" not in answer
    return answer.get("data")


def refused(answer: dict[str, Any], status_code: int, api_code: int) -> Any:
    assert (answer["statusCode"], answer.get("apiCode")) == (status_code, api_code), answer
    assert answer["message"]
    return answer.get("data")


def national(number: str) -> str:
    return number.removeprefix("+86")


def signed_in(
    client: Any, username: str, password: str, scope: str = "openid profile phone offline_access"
) -> Any:
    tokens = good(client.sign_in_by_username_password(username, password, {"scope": scope}))
    client.set_access_token(tokens["access_token"])
    return tokens


def code_at(service: Service, client: Any, number: str, channel: str) -> str:
    good(client.send_sms(channel, national(number)))
    return service.code(number, channel)


def test_it_is_the_incumbents_and_unchanged():
    assert version("genauth") == "5.1.0"
    assert "requests.request(" in inspect.getsource(AuthenticationHttpClient)


def test_sign_up_sign_in_and_profile(service, client, library):
    name = f"newcomer-{library.__name__}"
    user = good(client.sign_up_by_username_password(name, "a password that is long", {"name": "New Comer"}))
    assert user["username"] == name
    refused(client.sign_up_by_username_password(name, "a password that is long"), 409, 2034)
    refused(client.sign_in_by_username_password(name, "wrong"), 403, 2333)
    refused(client.get_profile(), 401, 2020)
    tokens = signed_in(client, name, "a password that is long")
    assert tokens["expire_in"] == tokens["expires_in"] == 7200
    profile = good(client.get_profile(with_custom_data=True))
    assert (profile["userId"], profile["name"]) == (user["userId"], "New Comer")
    assert client.get_user_info_by_access_token(tokens["access_token"])["sub"] == user["userId"]


def test_signing_in_by_code(service, client, library):
    number = service.number()
    code = code_at(service, client, number, REGISTER)
    user = good(client.sign_up_by_phone_passcode(national(number), code))
    assert user["phone"] == national(number)
    code = code_at(service, client, number, LOGIN)
    assert good(
        client.pre_check_code("SMS", {"phone": national(number), "passCode": code, "channel": LOGIN})
    )["isValid"]
    tokens = good(client.sign_in_by_phone_passcode(national(number), code))
    client.set_access_token(tokens["access_token"])
    assert good(client.get_profile())["userId"] == user["userId"]


def test_the_number_changes(service, client, library):
    person = service.person(sign_in=False)
    signed_in(client, person.username, person.password)
    old, new = person.phone, service.number()
    codes = code_at(service, client, new, BIND), code_at(service, client, old, UNBIND)
    payload = {
        "newPhoneNumber": national(new),
        "newPhonePassCode": codes[0],
        "newPhoneCountryCode": None,
        "oldPhoneNumber": national(old),
        "oldPhonePassCode": "000000" if codes[1] != "000000" else "000001",
        "oldPhoneCountryCode": None,
    }
    refused(client.verify_update_phone_request(payload, "PHONE_PASSCODE"), 422, 2001)
    refused(
        client.verify_update_phone_request({"newPhoneNumber": national(new)}, "PHONE_PASSCODE"), 400, 2231
    )
    payload["oldPhonePassCode"] = codes[1]
    granted = good(client.verify_update_phone_request(payload, "PHONE_PASSCODE"))
    assert granted["tokenExpiresIn"] == 60
    refused(client.update_phone("upt_of-somebody-else"), 403, 91002)
    assert good(client.update_phone(granted["updatePhoneToken"])) == {"success": True}
    assert good(client.get_profile())["phone"] == national(new)
    assert refused(client.update_phone(granted["updatePhoneToken"]), 409, 91003) == {"success": True}


def test_unbind_and_bind(service, client, library):
    person = service.person(sign_in=False)
    signed_in(client, person.username, person.password)
    good(client.unbind_phone(code_at(service, client, person.phone, UNBIND)))
    assert "phone" not in good(client.get_profile())
    other = service.number()
    good(client.bind_phone(code_at(service, client, other, BIND), national(other)))
    assert good(client.get_profile())["phone"] == national(other)
    another = service.number()
    good(client.send_sms(BIND, national(another)))
    assert refused(client.send_sms(BIND, national(another)), 429, 4004)["retryAfter"] > 0


def test_tokens_are_refreshed_and_revoked(service, client, library):
    person = service.person(sign_in=False)
    first = signed_in(client, person.username, person.password)
    fresh = client.get_new_access_token_by_refresh_token(first["refresh_token"])
    assert fresh["refresh_token"] != first["refresh_token"]
    client.set_access_token(fresh["access_token"])
    good(client.get_profile())
    assert client.introspect_token_offline(fresh["access_token"])["sub"] == person.user_id
    assert client.revoke_token(fresh["refresh_token"]) is True
    assert client.get_new_access_token_by_refresh_token(fresh["refresh_token"])["error"] == "invalid_grant"


def test_a_sign_in_is_asked_about_and_ended(service, client, library):
    person = service.person(sign_in=False)
    first, second = (signed_in(client, person.username, person.password) for _ in range(2))
    told = client.introspect_token(first["access_token"])
    assert (told["active"], told["sub"], told["token_type"]) == (True, person.user_id, "Bearer")
    assert client.introspect_token(first["refresh_token"])["active"] is True
    assert client.introspect_token("nothing") == {"active": False}
    assert client.get_user_info_by_access_token(first["access_token"])["sub"] == person.user_id
    asked = client.get_access_token_by_client_credentials(
        "orders", service.ids["appId"], service.ids["appSecret"]
    )
    assert asked["error"] == "unauthorized_client"  # until the application is given scopes of its own
    history = good(client.get_login_history(success=True, page=1, limit=1))
    assert (history["totalCount"], len(history["list"]), history["list"][0]["success"]) == (2, 1, True)
    assert [app["appId"] for app in good(client.get_logged_in_apps())] == [service.ids["appId"]]
    devices = good(client.list(page=1, limit=50))
    assert [device["online"] for device in devices] == [True, True]
    good(client.revoke(devices[1]["device"]["deviceId"]))
    assert client.introspect_token(first["access_token"]) == {"active": False}
    good(client.unbind(devices[1]["device"]["deviceId"]))
    refused(client.unbind(devices[1]["device"]["deviceId"]), 404, 91017)
    assert len(good(client.list())) == 1
    assert client.introspect_token(second["access_token"])["active"] is True


def test_the_administrator(service, management, library):
    number = service.number()
    user = good(
        management.create_user(
            username=f"made-{library.__name__}", phone=national(number), options={"keepPassword": None}
        )
    )
    assert good(management.get_user(user["userId"], with_custom_data=True))["phone"] == national(number)
    found = good(
        management.list_users(keywords=national(number), options={"pagination": {"page": 1, "limit": 10}})
    )
    assert [one["userId"] for one in found["list"]] == [user["userId"]]
    good(management.update_user(user["userId"], name="Made"))
    settings = good(management.get_security_settings())
    assert settings["changePhoneStrategy"] == {"verifyOldPhone": True}
    changed = good(management.update_security_settings(change_phone_strategy={"verifyOldPhone": True}))
    assert changed == settings
    assert good(management.delete_users_batch([user["userId"]])) == {"success": True}
    refused(management.get_user(user["userId"]), 404, 2004)


def test_a_second_factor(service, client, library):
    """What the incumbent's SDK has methods for: enrolling an authenticator, and finishing a sign-in with it."""
    person = service.person(sign_in=False)
    signed_in(client, person.username, person.password)
    assert {"factorType": "OTP"} in good(client.list_factors_to_enroll())
    begun = good(client.send_enroll_factor_request({}, "OTP"))
    app = Authenticator(service, begun["otpData"]["qrCodeUri"])
    refused(client.enroll_factor({"passCode": app.wrong()}, begun["enrollmentToken"], "OTP"), 422, 6001)
    good(client.enroll_factor({"passCode": app.code()}, begun["enrollmentToken"], "OTP"))
    [factor] = good(client.list_enrolled_factors())
    assert (factor["factorType"], factor["profile"]) == ("OTP", {})
    assert good(client.get_factor(factor["factorId"])) == factor

    half = refused(client.sign_in_by_username_password(person.username, person.password), 401, 1635)
    client.set_access_token(half["mfaToken"])
    told = client.verify_mfa_token(
        half["mfaToken"]
    )  # genauth leaves the form out: the header's token is meant
    assert (told["active"], told["userId"], told["exp"] - told["iat"]) == (True, person.user_id, 360)
    done = good(client.mfa_otp_verify(app.code()))
    assert done["verified"]
    client.set_access_token(done["access_token"])
    assert good(client.get_profile())["userId"] == person.user_id
    good(client.reset_factor(factor["factorId"]))
    assert good(client.list_enrolled_factors()) == []
