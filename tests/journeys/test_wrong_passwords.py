"""Wrong passwords: counted, answered alike, and ended by a lock or a captcha that never shuts the owner out for good."""

import secrets
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from genauth.AuthenticationClient import AuthenticationClient as Genauth

from ostiary import AsyncAuthenticationClient
from ostiary.client.errors import APIError
from ostiary.contract.keys import Key
from ostiary.server.core.keyring import RootKeys
from ostiary.server.core.ports import Ports
from ostiary.server.guards import captcha
from ostiary.server.keyfile import read as read_keys
from tests.journeys.hands import key, refusal, send, wrong
from tests.service import LOGIN, Person, Service


def lock_after(limit: int, seconds: int = 300, **more: Any) -> dict[str, Any]:
    check = {"enabled": True, "limit": limit, "timeInterval": seconds}
    return {"loginAnomalyDetection": {"accountLockLoginPasswordFailCheck": check, **more}}


def captcha_after(limit: int, **more: Any) -> dict[str, Any]:
    check = {"enabled": True, "limit": limit, "timeInterval": 300}
    return {
        "loginAnomalyDetection": {
            "robotVerify": "condition_set",
            "robotVerifyLoginPasswordFailCheck": check,
            **more,
        }
    }


def sign_in(service: Service, name: str, password: str, **options: Any) -> APIError | None:
    """None where it was right."""
    try:
        service.client().sign_in_by_credentials(
            "PASSWORD",
            password_payload={"account": name, "password": password},
            options=options or None,
        )
    except APIError as refused:
        return refused
    return None


def fail(service: Service, name: str, times: int) -> list[str | None]:
    return [_key(sign_in(service, name, f"wrong {turn}")) for turn in range(times)]


def _key(refused: APIError | None) -> str | None:
    return refused.key if refused else None


def answer_of(service: Service, token: str) -> str:
    """What the picture of a captcha shows: read out of the sealed token, as only the service can."""
    keys: RootKeys = read_keys(service.folder / "keys.json")
    held = captcha._opened(Ports(keys), service.ids["userPoolId"], token)
    assert held is not None
    return held.answer


def solved(service: Service) -> dict[str, Any]:
    data = service.client().get_captcha_code().data
    return {
        "captchaToken": data.captcha_token,
        "captchaCode": answer_of(service, data.captcha_token).lower(),
    }


@pytest.fixture
def person(service: Service) -> Person:
    """Somebody who was never signed in, so that no address is their own yet."""
    return service.person(sign_in=False)


def test_a_lock_is_as_long_as_the_pool_says_and_looks_like_a_wrong_password(service: Service, person: Person):
    with service.settings(**lock_after(3), accountLockTime=600):
        wrong = refusal(service.client().sign_in_by_username_password, person.username, "wrong")
        assert fail(service, person.username, 2) == [Key.WRONG_CREDENTIALS] * 2
        shut = sign_in(service, person.username, person.password)
        assert shut is not None
        assert (shut.key, shut.message, shut.api_code, shut.data) == (
            wrong.key,
            wrong.message,
            wrong.api_code,
            wrong.data,
        )
        assert _key(sign_in(service, person.email, person.password))  # under every name
        service.advance(601)
        assert sign_in(service, person.username, person.password) is None


def test_old_failures_and_right_passwords_leave_the_count(service: Service, person: Person):
    with service.settings(**lock_after(3, 60)):
        fail(service, person.username, 2)
        service.advance(61)
        fail(service, person.username, 2)
        assert sign_in(service, person.username, person.password) is None
        fail(service, person.username, 2)
        assert sign_in(service, person.username, person.password) is None


def test_ghsa_cq42_guessing_behind_a_lock_does_not_make_it_longer(service: Service, person: Person):
    """GHSA-cq42-vhv7-xr7p: a lock is no way to keep somebody out for good."""
    with service.settings(**lock_after(3), accountLockTime=60):
        fail(service, person.username, 3)
        service.advance(50)
        fail(service, person.username, 5)
        service.advance(11)
        assert sign_in(service, person.username, person.password) is None


def test_cve_2026_9802_a_lock_survives_a_restart(tmp_path: Any, sqlite_url: str):
    """CVE-2026-9802: what is counted is durable."""
    from tests.service import start

    service = start(tmp_path / "data", sqlite_url)
    try:
        person = service.person(sign_in=False)
        with service.settings(**lock_after(2)):
            fail(service, person.username, 2)
            service.kill()
            service.restart()
            assert _key(sign_in(service, person.username, person.password)) == Key.WRONG_CREDENTIALS
    finally:
        service.stop()


def test_cve_2026_33640_spellings_of_a_name_share_one_count(service: Service, person: Person):
    """CVE-2026-33640: a limit's key is canonical."""
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in person.username)
    with service.settings(**lock_after(3)):
        for name in (person.username, person.username.upper(), wide):
            assert _key(sign_in(service, name, "wrong")) == Key.WRONG_CREDENTIALS
        assert _key(sign_in(service, person.username, person.password)) == Key.WRONG_CREDENTIALS


def test_a_code_opens_a_locked_account_and_lifts_the_lock_where_the_pool_lets_it(
    service: Service, person: Person
):
    assert person.phone
    client = service.client()
    with service.settings(**lock_after(2), selfUnlockAccount={"enabled": True}):
        fail(service, person.username, 2)
        assert sign_in(service, person.username, person.password)
        send(client, LOGIN, person.phone)
        code = service.code(person.phone, LOGIN)
        assert client.sign_in_by_phone_passcode(person.national, code).data.access_token
        assert sign_in(service, person.username, person.password) is None


def test_an_unlock_code_by_mail_signs_in_and_lifts_the_lock(service: Service, person: Person):
    client = service.client()
    unlock = "CHANNEL_UNLOCK_ACCOUNT"
    with service.settings(**lock_after(2), selfUnlockAccount={"enabled": True}):
        fail(service, person.username, 2)
        send(client, unlock, person.email)
        code = service.code(person.email, unlock)
        assert key(client.sign_in_by_email_passcode, person.email, wrong(code)) == Key.CODE_WRONG
        assert client.sign_in_by_email_passcode(person.email, code).data.access_token
        assert key(client.sign_in_by_email_passcode, person.email, code) == Key.CODE_EXPIRED
        assert sign_in(service, person.username, person.password) is None
    service.advance(61)
    send(client, unlock, person.email)
    code = service.code(person.email, unlock, count=2)
    assert key(client.sign_in_by_email_passcode, person.email, code) == Key.CODE_EXPIRED  # the pool says no


def test_without_self_unlock_a_code_lets_in_and_the_lock_stays(service: Service, person: Person):
    client = service.client()
    with service.settings(**lock_after(2)):
        fail(service, person.username, 2)
        send(client, LOGIN, person.email)
        assert client.sign_in_by_email_passcode(
            person.email, service.code(person.email, LOGIN)
        ).data.access_token
        # Signed in from here, this address is the owner's own, and has a count of its own.
        assert sign_in(service, person.username, person.password) is None


def test_a_captcha_is_asked_for_by_name_whoever_has_it(service: Service, person: Person):
    nobody = f"nobody{secrets.token_hex(4)}"
    with service.settings(**captcha_after(2)):
        for name in (person.username, nobody):
            assert fail(service, name, 3) == [Key.WRONG_CREDENTIALS] * 2 + [Key.CAPTCHA_REQUIRED]
            asked = sign_in(service, name, person.password)
            assert asked is not None
            assert (asked.key, asked.status_code, asked.api_code) == (Key.CAPTCHA_REQUIRED, 403, 2000)
            assert _key(sign_in(service, name, "wrong", **solved(service))) == Key.WRONG_CREDENTIALS
        assert sign_in(service, person.email, person.password) is None  # asking would tell whose name this is
        assert sign_in(service, person.username, person.password, **solved(service)) is None


def test_a_captcha_is_good_for_one_answer(service: Service, person: Person):
    with service.settings(loginAnomalyDetection={"robotVerify": "always_enable"}):
        right = solved(service)
        for options in (
            {"captchaToken": right["captchaToken"]},
            {"captchaCode": right["captchaCode"]},
            {"captchaToken": "no token", "captchaCode": right["captchaCode"]},
            {"captchaToken": "AAAA" * 30, "captchaCode": right["captchaCode"]},
        ):
            assert _key(sign_in(service, person.username, person.password, **options)) == Key.CAPTCHA_REQUIRED
        assert sign_in(service, person.username, person.password, **right) is None
        assert _key(sign_in(service, person.username, person.password, **right)) == Key.CAPTCHA_REQUIRED
        guessed = solved(service)
        wrong = {**guessed, "captchaCode": "aaaa"}
        assert _key(sign_in(service, person.username, person.password, **wrong)) == Key.CAPTCHA_REQUIRED
        assert _key(sign_in(service, person.username, person.password, **guessed)) == Key.CAPTCHA_REQUIRED
        late = solved(service)
        service.advance(301)
        assert _key(sign_in(service, person.username, person.password, **late)) == Key.CAPTCHA_REQUIRED


def test_some_networks_are_never_asked(service: Service, person: Person):
    check = {"enabled": True, "ipWhitelist": "10.0.0.0/8\n127.0.0.0/8"}
    always = {"robotVerify": "always_enable", "robotVerifyLoginIpWhitelistCheck": check}
    with service.settings(loginAnomalyDetection=always):
        assert sign_in(service, person.username, person.password) is None
    bad = {"robotVerifyLoginIpWhitelistCheck": {"enabled": True, "ipWhitelist": "nowhere"}}
    refused = refusal(service.management.update_security_settings, login_anomaly_detection=bad)
    assert (refused.status_code, refused.data and refused.data["field"]) == (400, "ipWhitelist")


def test_an_address_that_fails_much_is_asked_under_every_name(service: Service, person: Person):
    check = {"enabled": True, "limit": 3, "timeInterval": 5}
    with service.settings(loginAnomalyDetection={"loginFailCheck": check}):
        service.advance(10)
        for _ in range(3):
            fail(service, f"nobody{secrets.token_hex(4)}", 1)
        assert _key(sign_in(service, person.username, person.password)) == Key.CAPTCHA_REQUIRED
        service.advance(10)
        assert sign_in(service, person.username, person.password) is None


def test_the_picture_by_itself_and_nothing_to_read_in_it(service: Service):
    headers = {"x-genauth-app-id": service.ids["appId"]}
    answer = service.http.get("/api/v3/captcha-code?r=0.5", headers=headers)
    assert answer.headers["content-type"].startswith("image/svg+xml")
    token = answer.headers["x-genauth-captcha-token"]
    picture = ET.fromstring(answer.text)
    assert {element.tag.rpartition("}")[2] for element in picture.iter()} == {"svg", "rect", "g", "polyline"}
    assert answer_of(service, token) not in answer.text
    assert service.http.get("/api/v3/captcha-code", headers=headers).text != answer.text
    assert service.http.get("/api/v3/captcha-code").json()["apiCode"] == 2011


def test_looking_whether_a_password_is_right_costs_what_a_sign_in_costs(service: Service, person: Person):
    client = service.client()

    def valid(password: str, **names: Any) -> bool:
        return client.validate_password(password=password, **names).data.valid

    assert valid(person.password, username=person.username)
    assert valid(person.password, email=person.email)
    assert valid(person.password, phone=person.national, phone_country_code="+86")
    assert not valid("wrong", username=person.username)
    assert not valid(person.password, username="nobody at all")
    with service.settings(**lock_after(3)):
        assert not any(valid(f"wrong {turn}", username=person.username) for turn in range(3))
        assert not valid(person.password, username=person.username)
        assert _key(sign_in(service, person.username, person.password)) == Key.WRONG_CREDENTIALS
    with service.settings(loginAnomalyDetection={"robotVerify": "always_enable"}):
        assert key(client.validate_password, username=person.username, password="x") == Key.CAPTCHA_REQUIRED


async def test_the_async_client_reads_a_captcha_and_signs_in_with_it(service: Service, person: Person):
    with service.settings(loginAnomalyDetection={"robotVerify": "always_enable"}):
        async with AsyncAuthenticationClient(
            service.ids["appId"], service.url, app_secret=service.ids["appSecret"]
        ) as client:
            data = (await client.get_captcha_code()).data
            tokens = await client.sign_in_by_username_password(
                person.username,
                person.password,
                options={
                    "captchaToken": data.captcha_token,
                    "captchaCode": answer_of(service, data.captcha_token),
                },
            )
            assert tokens.data.access_token


def test_genauth_is_told_2000_and_passes_the_answer_on(service: Service, person: Person):
    client = Genauth(app_id=service.ids["appId"], app_host=service.url, app_secret=service.ids["appSecret"])
    with service.settings(loginAnomalyDetection={"robotVerify": "always_enable"}):
        refused = client.sign_in_by_username_password(person.username, person.password)
        assert (refused["statusCode"], refused["apiCode"]) == (403, 2000)
        answered = client.sign_in_by_username_password(
            person.username, person.password, options=solved(service)
        )
        assert answered["statusCode"] == 200


def test_what_of_these_settings_is_not_served_says_so(service: Service):
    for setting in (
        {"selfUnlockAccount": {"enabled": True, "strategy": "password-captcha"}},
        {"loginAnomalyDetection": {"robotVerifyLoginTimeCheckEnable": True}},
    ):
        token = service.http.post(
            "/api/v3/get-management-token",
            json={
                "accessKeyId": service.ids["accessKeyId"],
                "accessKeySecret": service.ids["accessKeySecret"],
            },
        ).json()["data"]["access_token"]
        answer = service.http.post(
            "/api/v3/update-security-settings", json=setting, headers={"authorization": f"Bearer {token}"}
        ).json()
        assert answer["statusCode"] == 501
