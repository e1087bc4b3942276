"""The incumbent's SDK and our stand-in, side by side: the same script, the same wire, the same answers.

`DIFFERENCES` is the whole list of what differs, each with its reason; nothing else may.
"""

import json
from typing import Any

import pytest

from ostiary import compat
from ostiary.client.errors import ClientAuthenticationError, OAuthError, UnexpectedAnswer, UsageError
from tests.wire.scripted_server import Answer, Asked, ScriptedServer, no, ok

DIFFERENCES = {
    "authorization": "ours says Bearer (RFC 6750 §2.1), theirs sends the bare token",
    "null": "theirs sends null inside payloads; absent is meant, and absent is what we send",
    "true": "theirs writes Python's True into queries, ours JSON's true",
    "sdk": "x-genauth-sdk-version and user-agent name the library",
    "lang": "theirs sends an empty language header from the management client, ours none",
    "request-from": "theirs sends x-genauth-request-from from the authentication client only, ours from both",
    "space": "JSON with or without spaces",
}

PAYLOAD = {"newPhoneNumber": "13900139000", "newPhonePassCode": "123456", "oldPhoneNumber": None}
SCRIPT: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("send_sms", ("CHANNEL_BIND_PHONE", "13800138000"), {}),
    ("send_sms", ("CHANNEL_BIND_PHONE", "13800138000", "+86"), {}),
    ("send_email", ("CHANNEL_UPDATE_EMAIL", "lin@example.com"), {}),
    (
        "verify_update_email_request",
        ({"newEmail": "a@b.cn", "newEmailPassCode": "123456"}, "EMAIL_PASSCODE"),
        {},
    ),
    ("update_email", ("uet_1",), {}),
    ("bind_email", ("123456", "lin@example.com"), {}),
    ("unbind_email", ("123456",), {}),
    ("verify_update_phone_request", (PAYLOAD, "PHONE_PASSCODE"), {}),
    ("update_phone", ("upt_1",), {}),
    ("bind_phone", ("123456", "13800138000"), {}),
    ("unbind_phone", ("123456",), {}),
    ("get_profile", (), {}),
    ("get_profile", (True, False), {}),
    ("pre_check_code", ("SMS", {"phone": "1", "passCode": "2", "channel": "CHANNEL_LOGIN"}), {}),
    ("sign_up", ("PASSWORD",), {"password_payload": {"username": "lin", "password": "secret"}}),
    ("sign_up_by_username_password", ("lin", "secret"), {"profile": {"name": "Lin"}}),
    ("sign_up_by_email_password", ("lin@example.com", "secret"), {}),
    ("sign_up_by_phone_passcode", ("13800138000", "123456"), {}),
    ("sign_up_by_email_passcode", ("lin@example.com", "123456"), {}),
    ("sign_in_by_username_password", ("lin", "secret"), {"options": {"scope": "openid"}}),
    ("sign_in_by_email_password", ("lin@example.com", "secret"), {}),
    ("sign_in_by_phone_password", ("13800138000", "secret"), {}),
    ("sign_in_by_account_password", ("lin", "secret"), {}),
    ("sign_in_by_phone_passcode", ("13800138000", "123456", "+86", {"autoRegister": True}), {}),
    ("sign_in_by_email_passcode", ("lin@example.com", "123456"), {}),
]
MANAGED: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("get_user", ("u1",), {"with_custom_data": True}),
    ("create_user", (), {"username": "lin", "phone": "13800138000", "options": {"keepPassword": False}}),
    ("update_user", ("u1",), {"name": "Lin"}),
    ("list_users", ("138",), {"options": {"pagination": {"page": 1, "limit": 10}}}),
    ("delete_users_batch", (["u1"],), {}),
    ("get_security_settings", (), {}),
    ("update_security_settings", (), {"change_phone_strategy": {"verifyOldPhone": True}}),
]
TOKEN = "e30.eyJzY29wZWRfdXNlcnBvb2xfaWQiOiJwb29sMSJ9.sig"
ANSWERS = [ok({"some": ["data", None]}), no(422, 2001, {"retryAfter": 3}), no(401, 2020)]


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(one) for key, one in value.items() if one is not None}
    return value


def essence(asked: Asked) -> dict[str, Any]:
    """The request less the differences that are on the list."""
    kept = {
        name: value
        for name, value in asked.headers.items()
        if name.startswith("x-") and not name.endswith(("sdk-version", "request-from")) and value
    }
    kept["authorization"] = asked.headers.get("authorization", "").removeprefix("Bearer ")
    query = {name: [value.lower() for value in values] for name, values in asked.query.items()}
    body = without_nulls(json.loads(asked.body)) if asked.body else None
    return {"method": asked.method, "path": asked.path, "query": query, "headers": kept, "body": body}


def libraries(kind: str) -> list[Any]:
    import genauth

    return [getattr(genauth, kind), getattr(compat, kind)]


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize(
    "settings", [{}, {"app_secret": "s"}, {"access_token": "at", "lang": "en-US", "real_ip": "203.0.113.9"}]
)
def test_both_say_and_hear_the_same(server: ScriptedServer, answer, settings):
    heard: list[list[Any]] = []
    for library in libraries("AuthenticationClient"):
        server.asked.clear()
        server.script = [answer]
        client = library(
            "app",
            server.url,
            token_endpoint_auth_method="none" if "app_secret" not in settings else None,
            **settings,
        )
        results = [getattr(client, name)(*args, **kwargs) for name, args, kwargs in SCRIPT]
        heard.append([(essence(asked), result) for asked, result in zip(server.asked, results, strict=True)])
    for theirs, ours in zip(*heard, strict=True):
        assert ours == theirs
    assert heard[1][0][1] == answer.body


@pytest.mark.parametrize("answer", ANSWERS[:2])
def test_both_manage_alike(server: ScriptedServer, answer):
    heard = []
    for library in libraries("ManagementClient"):
        server.asked.clear()
        server.by_path["/api/v3/get-management-token"] = ok({"access_token": TOKEN, "expires_in": 7200})
        server.script = [answer]
        client = library("key", "secret", server.url)
        results = [getattr(client, name)(*args, **kwargs) for name, args, kwargs in MANAGED]
        heard.append(([essence(asked) for asked in server.asked[1:]], results))
    assert heard[1] == heard[0]
    assert len(server.asked_at("/api/v3/get-management-token")) == 1


def test_token_endpoints_answer_in_their_own_form(server: ScriptedServer):
    tokens = {"access_token": "at", "token_type": "Bearer", "expires_in": 7200}
    refusal = {"error": "invalid_grant", "error_description": "reused"}
    for answer in (Answer(tokens), Answer(refusal, 400)):
        heard = []
        for library in libraries("AuthenticationClient"):
            server.asked.clear()
            server.script = [answer]
            client = library("app", server.url, app_secret="s")
            given = client.get_new_access_token_by_refresh_token("rt")
            heard.append((given, server.asked[0].form(), server.asked[0].path))
        assert heard[0] == heard[1]


# ── what the incumbent does wrong, and the stand-in does not ────────────────────────────────


def test_a_revocation_that_is_refused_is_told(server: ScriptedServer):
    server.script = [Answer({"error": "invalid_client"}, 401)]
    theirs, ours = (
        library("app", server.url, app_secret="s") for library in libraries("AuthenticationClient")
    )
    assert theirs.revoke_token("at") is True
    with pytest.raises(OAuthError):
        ours.revoke_token("at")
    server.script = [Answer(b"")]
    assert ours.revoke_token("at") is True


def test_basic_reaches_the_sign_in(server: ScriptedServer):
    sent = []
    for library in libraries("AuthenticationClient"):
        client = library("app", server.url, app_secret="s", token_endpoint_auth_method="client_secret_basic")
        client.sign_in_by_account_password("lin", "secret")
        sent.append(server.asked[-1].headers.get("authorization"))
    assert sent == [None, "Basic YXBwOnM="]


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic"])
def test_a_secret_is_missed_by_the_calls_that_need_it_and_by_no_other(server: ScriptedServer, method):
    methods = [f"{name}_endpoint_auth_method" for name in ("token", "introspection", "revocation")]
    for library in libraries("AuthenticationClient"):
        client = library("app", server.url, access_token="at", **dict.fromkeys(methods, method))
        server.script = [ok({"userId": "u1"})]
        assert client.get_profile()["data"] == {"userId": "u1"}
        assert client.sign_in_by_account_password("lin", "secret")["statusCode"] == 200
        server.asked.clear()
        for call in ("get_new_access_token_by_refresh_token", "introspect_token", "revoke_token"):
            with pytest.raises(Exception, match="secret"):
                getattr(client, call)("a token")
        assert not server.asked
    with pytest.raises(UsageError, match="introspection_endpoint_auth_method"):
        client.introspect_token("a token")


def test_a_proxys_page_keeps_its_status(server: ScriptedServer):
    server.script = [Answer(b"<html>nginx</html>", 502)]
    theirs, ours = (library("app", server.url) for library in libraries("AuthenticationClient"))
    with pytest.raises(ValueError):  # a JSONDecodeError that knows of no 502
        theirs.update_phone("upt_1")
    with pytest.raises(UnexpectedAnswer) as caught:
        ours.update_phone("upt_1")
    assert caught.value.http_status == 502


def test_a_wrong_access_key_raises(server: ScriptedServer):
    server.by_path["/api/v3/get-management-token"] = no(401, 1300)
    with pytest.raises(ClientAuthenticationError):
        compat.ManagementClient("key", "wrong", server.url).get_security_settings()


@pytest.mark.parametrize(("given", "seconds"), [(10, 10), (10.0, 10), (999, 999), (10_000, 10), (2_500, 2.5)])
def test_a_timeout_that_was_meant_in_milliseconds_is_read_so(given, seconds):
    assert compat.AuthenticationClient("app", timeout=given).timeout == seconds
    assert compat.ManagementClient("key", "secret", timeout=given).timeout == seconds
