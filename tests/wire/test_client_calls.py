"""What a call puts on the wire, and what it makes of an answer."""

import base64
import pickle

import pytest

from ostiary import AuthenticationClient, ManagementClient, OstiaryError
from ostiary.client import errors
from ostiary.client._refusals import BY_STATUS, FAMILIES, family
from ostiary.client.errors import APIError, UnexpectedAnswer, UsageError
from ostiary.contract.errors import CATALOGUE
from ostiary.contract.keys import Key
from ostiary.contract.profile import UpdatePhoneByPhonePassCode
from ostiary.contract.signin import SignInOptions
from tests.wire.scripted_server import Answer, ScriptedServer, no, ok

TOKENS = {"access_token": "at-1", "token_type": "bearer", "expire_in": 7200}


@pytest.fixture
def client(server: ScriptedServer):
    with AuthenticationClient(
        "app", server.url, access_token="at", lang="en-US", real_ip="203.0.113.9"
    ) as client:
        yield client


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


# ── the request ─────────────────────────────────────────────────────────────────────────────


def test_every_call_says_who_asks(server, client):
    client.send_sms("CHANNEL_BIND_PHONE", "13800138000")
    asked = server.asked[0]
    assert (asked.method, asked.path) == ("POST", "/api/v3/send-sms")
    assert asked.json() == {"channel": "CHANNEL_BIND_PHONE", "phoneNumber": "13800138000"}
    assert asked.headers["authorization"] == "Bearer at"
    assert asked.headers["x-genauth-app-id"] == "app"
    assert asked.headers["x-genauth-lang"] == "en-US"
    assert asked.headers["x-real-ip"] == "203.0.113.9"
    assert asked.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "payload",
    [
        UpdatePhoneByPhonePassCode(new_phone_number="13900139000", new_phone_pass_code="123456"),
        {"newPhoneNumber": "13900139000", "newPhonePassCode": "123456", "oldPhoneNumber": None},
    ],
)
def test_payloads_are_typed_or_dicts_and_never_carry_null(server, client, payload):
    server.script = [ok({"updatePhoneToken": "upt_1", "tokenExpiresIn": 60})]
    answer = client.verify_update_phone_request(payload)
    assert server.asked[0].json() == {
        "phonePassCodePayload": {"newPhoneNumber": "13900139000", "newPhonePassCode": "123456"},
        "verifyMethod": "PHONE_PASSCODE",
    }
    assert answer.data.update_phone_token == "upt_1"
    assert answer.data.token_expires_in == 60
    assert (answer.status_code, answer.message, answer.api_code, answer.request_id) == (
        200,
        "Done",
        None,
        "r-1",
    )


def test_a_free_object_keeps_its_nulls(server, client):
    server.script = [no(501)]
    with pytest.raises(APIError):
        client.sign_up_by_username_password(
            "lin", "secret", profile={"customData": {"nick": None}, "name": None}
        )
    assert server.asked[0].json()["profile"] == {"customData": {"nick": None}}


def test_no_secret_shows(server, client):
    server.script = [ok(TOKENS)]
    answer = client.sign_in_by_account_password("lin", "secret-1")
    keys = ManagementClient("key", "secret-2", server.url)
    shown = f"{client!r} {answer!r} {answer.data!r} {keys!r} {client._request.__self__!r}"
    assert not any(secret in shown for secret in ("at-1", "secret-1", "secret-2", "'at'"))


# ── how an app proves itself ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("secret", "method", "body", "authorization"),
    [
        (None, None, {}, "Bearer at"),
        (None, "none", {}, "Bearer at"),
        ("s", "none", {}, "Bearer at"),
        ("s", None, {"client_id": "app", "client_secret": "s"}, "Bearer at"),
        ("s", "client_secret_post", {"client_id": "app", "client_secret": "s"}, "Bearer at"),
        ("s", "client_secret_basic", {}, basic("app:s")),
    ],
)
def test_sign_in_proves_the_app_as_configured(server, secret, method, body, authorization):
    server.script = [ok(TOKENS)]
    with AuthenticationClient("app", server.url, secret, "at", token_endpoint_auth_method=method) as client:
        client.sign_in_by_phone_passcode("13800138000", "123456", options=SignInOptions(auto_register=True))
    assert server.asked[0].json() == {
        "connection": "PASSCODE",
        "passCodePayload": {"phone": "13800138000", "passCode": "123456"},
        "options": {"autoRegister": True},
        **body,
    }
    assert server.asked[0].headers["authorization"] == authorization


@pytest.mark.parametrize(
    ("method", "form", "authorization"),
    [
        ("none", {"client_id": "app"}, None),
        ("client_secret_post", {"client_id": "app", "client_secret": "s"}, None),
        ("client_secret_basic", {}, basic("app:s")),
    ],
)
def test_token_endpoints_prove_the_app_as_configured(server, method, form, authorization):
    server.script = [Answer({"access_token": "at-2", "token_type": "Bearer", "expires_in": 7200})]
    with AuthenticationClient(
        "app",
        server.url,
        "s",
        "at",
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        protocol="oauth",
    ) as client:
        fresh = client.get_new_access_token_by_refresh_token("rt & more")
        server.script = [Answer(b"")]
        assert client.revoke_token("rt") is True
    refreshed, revoked = server.asked
    assert (refreshed.path, revoked.path) == ("/oauth/token", "/oauth/token/revocation")
    assert refreshed.form() == {"grant_type": "refresh_token", "refresh_token": "rt & more", **form}
    assert revoked.form() == {"token": "rt", **form}
    assert refreshed.headers.get("authorization") == revoked.headers.get("authorization") == authorization
    assert fresh.expires_in == fresh.expire_in == 7200


def test_user_info_is_asked_with_the_token_given(server, client):
    server.script = [Answer({"sub": "u1", "phone_number": "13800138000"})]
    assert client.get_user_info_by_access_token("another").sub == "u1"
    assert server.asked[0].headers["authorization"] == "Bearer another"
    assert client.timeout == 10.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"app_id": ""},
        {"app_host": "id.example.com"},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "magic"},
        {"protocol": "saml"},
        {"max_retries": -1},
    ],
)
def test_a_client_that_cannot_work_is_not_made(wrong):
    with pytest.raises(UsageError):
        AuthenticationClient(**{"app_id": "app", "app_host": "https://id.example.com", **wrong})


# ── the answer ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("given", ["expire_in", "expires_in"])
def test_a_life_is_read_under_either_of_its_names(server, client, given):
    server.script = [ok({"access_token": "at-1", "token_type": "bearer", given: 7200})]
    tokens = client.sign_in_by_account_password("lin", "secret").data
    assert tokens.expire_in == tokens.expires_in == 7200


def test_http_201_is_an_answer_too(server, client):
    server.script = [Answer(ok({"success": True}).body, 201)]
    assert client.update_phone("upt_1").data.success is True


@pytest.mark.parametrize("key", list(Key))
def test_every_reason_has_its_class_and_keeps_its_numbers(server, client, key):
    row = CATALOGUE[key]
    server.script = [no(row.status_code, row.api_code, {"field": "phoneNumber"}, row.en)]
    with pytest.raises(APIError) as caught:
        client.update_phone("upt_1")
    error = caught.value
    expected = FAMILIES[key] if row.api_code is not None else family(None, row.status_code)
    assert type(error) is expected
    assert (error.status_code, error.api_code, error.request_id) == (row.status_code, row.api_code, "r-2")
    assert error.key == (key.value if row.api_code is not None else None)
    assert error.message == row.en
    assert row.en in str(error)
    assert "r-2" in str(error)


def test_the_tables_of_families_hold_what_they_claim():
    assert set(FAMILIES) == set(Key)
    numbered = [row.api_code for row in CATALOGUE.values() if row.api_code is not None]
    assert len(numbered) == len(set(numbered)), "two reasons under one number could not be told apart"
    # A reason without a number is found by its status alone: the class must be the same or wider.
    for key, row in CATALOGUE.items():
        if row.api_code is None and key is not Key.CLIENT_AUTHENTICATION_FAILED and row.http_status == 200:
            assert BY_STATUS[row.status_code] is FAMILIES[key], key


def test_a_refused_app_is_not_a_user_who_is_not_signed_in(server, client):
    row = CATALOGUE[Key.CLIENT_AUTHENTICATION_FAILED]
    server.script = [no(row.status_code, row.api_code)]
    with pytest.raises(errors.ClientAuthenticationError):
        client.sign_in_by_account_password("lin", "secret")


def test_an_unknown_number_still_says_all_it_knows(server, client):
    server.script = [no(499, 77777, {"x": 1}, "新的错误")]
    with pytest.raises(APIError) as caught:
        client.update_phone("upt_1")
    error = caught.value
    assert (error.status_code, error.api_code, error.data, error.message) == (
        499,
        77777,
        {"x": 1},
        "新的错误",
    )


def test_what_an_error_offers_beyond_numbers(server, client):
    server.script = [
        no(403, 91006, {"methods": ["PASSWORD"]}),
        no(400, 2231, {"field": "newPhonePassCode"}),
        no(429, 91005, {"retryAfter": 90}),
        no(409, 91003, {"success": True}),
    ]
    with pytest.raises(errors.ReauthenticationRequired) as reauth:
        client.update_phone("x")
    assert reauth.value.methods == ["PASSWORD"]
    with pytest.raises(errors.ParameterError) as incomplete:
        client.update_phone("x")
    assert incomplete.value.field == "newPhonePassCode"
    with pytest.raises(errors.VerificationCodeError) as spent:
        client.update_phone("x")
    assert spent.value.retry_after == 90
    with pytest.raises(errors.UpdateTokenUsed) as used:
        client.update_phone("x")
    assert used.value.data["success"] is True


def test_oauth_refusals_speak_oauth(server, client):
    server.script = [Answer({"error": "invalid_grant", "error_description": "reused"}, 400)]
    with pytest.raises(errors.OAuthError) as caught:
        client.get_new_access_token_by_refresh_token("rt")
    assert (caught.value.error, caught.value.error_description) == ("invalid_grant", "reused")
    assert caught.value.status_code == 400
    server.script = [Answer(no(404).body, 404)]
    with pytest.raises(errors.NotFound):
        client.revoke_token("rt")


@pytest.mark.parametrize(
    ("answer", "start"),
    [
        (Answer(b"<html>nginx</html>", 502), "<html>nginx</html>"),
        (Answer(b"", 200), ""),
        (Answer(b"[]", 200), "[]"),
        (Answer({"hello": "world"}, 200), "{hello}"),
        (
            Answer(ok({"success": "yes"}).body),
            "{statusCode, message, requestId, data: {success}}",
        ),
        (Answer(b"", 301, {"location": "https://elsewhere.example.com/"}), ""),
    ],
)
def test_an_answer_of_somebody_else_keeps_status_and_start(server, client, answer, start):
    server.script = [answer]
    with pytest.raises(UnexpectedAnswer) as caught:
        client.update_phone("upt_1")
    assert caught.value.http_status == answer.status
    assert caught.value.body_start == start
    assert answer.headers.get("location", "") in str(caught.value)


@pytest.mark.parametrize("kind", [kind for kind in vars(errors).values() if isinstance(kind, type)])
def test_errors_are_one_tree_and_survive_pickling(kind):
    if not (issubclass(kind, Exception) and kind.__module__ == errors.__name__):
        return
    assert issubclass(kind, OstiaryError)
    error = kind("No", status_code=422, api_code=2001) if issubclass(kind, APIError) else kind("No")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)
    assert vars(again) == vars(error)
