"""Every method of genauth 5.1.0, called over the wire: it works, is refused for a reason of its own, or answers 501
with a sentence on what to use instead. Never a 404 of the service, a 5xx, or a text that is not ours."""

import inspect
import json
from collections.abc import Iterator
from typing import Any

import genauth
import pytest
import requests

from ostiary import AsyncManagementClient, AuthenticationClient, compat
from ostiary.client import errors
from ostiary.contract.unserved import UNSERVED, find
from tests.service import Service, start

SIDES = ("AuthenticationClient", "ManagementClient")
RIGHT = {"event_code": "a", "callback": print, "protocol": "oidc", "data": {}, "digest_method": "S256"}
"""Arguments that the library itself looks at before it calls anybody; all others are `"x"`."""
WAITS_FOR_EVER = {"sub_event"}
"""It opens a WebSocket to a host that is not the API's; its door is asked by hand."""


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[Service]:
    service = start(tmp_path_factory.mktemp("unserved") / "data")
    yield service
    assert service.stop() == 0


@pytest.fixture
def answers(monkeypatch) -> list[requests.Response]:
    """What came back, as it came: the library throws some of it away, and fails on some."""
    heard: list[requests.Response] = []
    ask = requests.Session.request

    def asked(self, *args: Any, **kwargs: Any) -> requests.Response:
        response = ask(self, *args, **kwargs)
        heard.append(response)
        return response

    monkeypatch.setattr(requests.Session, "request", asked)
    return heard


def client(service: Service, side: str) -> Any:
    if side == "ManagementClient":
        return genauth.ManagementClient(
            access_key_id=service.ids["accessKeyId"],
            access_key_secret=service.ids["accessKeySecret"],
            host=service.url,
            lang="en-US",
        )
    client = genauth.AuthenticationClient(
        app_id=service.ids["appId"],
        app_host=service.url,
        app_secret=service.ids["appSecret"],
        redirect_uri="https://app.example.com/back",
        lang="en-US",
    )
    person = service.person(sign_in=False)
    tokens = client.sign_in_by_username_password(person.username, person.password)
    client.set_access_token(tokens["data"]["access_token"])
    return client


def called(side: str) -> list[str]:
    """All public methods, those that end the session last."""
    names = [
        name
        for name, function in vars(getattr(genauth, side)).items()
        if inspect.isfunction(function) and not name.startswith("_") and name not in WAITS_FOR_EVER
    ]
    return sorted(names, key=lambda name: name in {"set_access_token", "revoke_token", "delete_account"})


def call(method: Any) -> None:
    wanted = {
        name: RIGHT.get(name, "x")
        for name, parameter in inspect.signature(method).parameters.items()
        if parameter.default is parameter.empty
    }
    try:
        method(**wanted)
    except Exception:  # noqa: BLE001 - whatever it is
        """The library's own; what we answered is judged by itself."""


@pytest.mark.parametrize("side", SIDES)
def test_each_method_works_or_says_what_to_use_instead(service, answers, side):
    asked = client(service, side)
    for name in called(side):
        answers.clear()
        call(getattr(asked, name))
        for response in (one for one in answers if not _is_token(one)):
            judge(side, name, response)


def _is_token(response: requests.Response) -> bool:
    """The management client fetches its own token before its first call."""
    return response.request.path_url.endswith("/get-management-token")


def judge(side: str, name: str, response: requests.Response) -> None:
    told = f"{side}.{name}: {response.request.method} {response.request.path_url}: {response.status_code}"
    told += f" {response.text[:200]}"
    body = response.json() if response.text else {}
    row = find(side, name)
    if row is not None and row.path and "/signin" not in response.request.path_url:
        status, sentence = body.get("statusCode", response.status_code), row.instead.en
        assert status == 501, told
        assert sentence in {body.get("message"), body.get("error_description")}, told
        assert response.headers["x-request-id"]
        return
    assert response.status_code < 500, told
    assert response.status_code not in {404, 405}, told
    if "statusCode" in body:
        assert body["statusCode"] < 500 or (body["statusCode"] == 501 and len(body["message"]) > 30), told
        assert body["message"], told
        assert body["requestId"], told


@pytest.mark.parametrize(
    "row", [row for row in UNSERVED if row.path], ids=lambda row: f"{row.name}-{row.path}"
)
def test_each_door_answers_in_both_languages_without_a_token(service, row):
    path = row.path.replace("{", "").replace("}", "")
    for lang, sentence in (("en-US", row.instead.en), ("zh-CN", row.instead.zh)):
        response = requests.request(
            row.method, service.url + path, data=b"\xff{", headers={"x-genauth-lang": lang}, timeout=10
        )
        body = response.json()
        if response.status_code == 501:
            assert body == {"error": "not_served", "error_description": row.instead.en}
            continue
        assert response.status_code == 200
        assert body == {"statusCode": 501, "message": sentence, "requestId": response.headers["x-request-id"]}


def test_ldap_is_told_what_to_use_and_not_to_leave_it_out(service):
    asked = client(service, "AuthenticationClient")
    answer = asked.sign_in_by_ldap("x", "x")
    assert answer["statusCode"] == 501
    assert "ostiary users import" in answer["message"]


def test_other_methods_of_a_door_and_longer_paths_are_no_doors(service):
    assert requests.put(service.url + "/api/v3/gene-qrcode", timeout=10).status_code == 405
    assert requests.delete(service.url + "/api/v3/ip-list/1/2", timeout=10).status_code == 404
    assert requests.delete(service.url + "/api/v3/ip-list/", timeout=10).status_code == 404


# --- our own clients -----------------------------------------------------------------------------


@pytest.mark.parametrize("side", SIDES)
def test_the_stand_in_answers_like_the_service_and_sends_nothing(side):
    row = next(row for row in UNSERVED if row.side == side)
    nowhere = "http://127.0.0.1:9"
    stand_in: Any = (
        compat.AuthenticationClient("app", nowhere, lang="en-US")
        if side == "AuthenticationClient"
        else compat.ManagementClient("key", "secret", nowhere, lang="en-US")
    )
    assert getattr(stand_in, row.name)("whatever", was="given") == {
        "statusCode": 501,
        "message": row.instead.en,
    }


def test_our_client_raises_it():
    ours: Any = AuthenticationClient("app", "http://127.0.0.1:9")
    with pytest.raises(errors.NotServed) as caught:
        ours.gene_qr_code("x")
    assert (caught.value.status_code, caught.value.key) == (501, "not_served")
    row = find("AuthenticationClient", "gene_qr_code")
    assert row
    assert caught.value.message == row.instead.zh
    with pytest.raises(AttributeError, match="gene_qr_cod"):
        ours.gene_qr_cod("x")
    assert not hasattr(ours, "create_tenant"), "an administrator's method"


@pytest.mark.anyio
async def test_and_the_async_one_when_awaited():
    async with AsyncManagementClient("key", "secret", "http://127.0.0.1:9", lang="en-US") as client:
        ours: Any = client
        refusing = ours.create_tenant(name="x")
        with pytest.raises(errors.NotServed, match="pool has no tenants"):
            await refusing


def test_messages_hold_no_markup_that_breaks_a_line():
    for row in UNSERVED:
        assert json.dumps(row.instead.en).isascii()
        assert "\n" not in row.instead.en + row.instead.zh
