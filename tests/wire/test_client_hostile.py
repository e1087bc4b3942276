"""What is strange, hostile or mistaken: every bit of it is an `OstiaryError`, and none shows a secret."""

import base64
import time
import traceback
from typing import Any

import httpx2
import pytest

from ostiary import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    AsyncAuthenticationClient,
    AuthenticationClient,
    ManagementClient,
    OstiaryError,
    compat,
)
from ostiary.client.errors import PermissionDenied, RateLimited, TokenNotValid, UnexpectedAnswer, UsageError
from tests.wire.raw_server import saying
from tests.wire.scripted_server import Answer, no, ok

JWKS_PATH = "/oidc/.well-known/jwks.json"
DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.fixture
def client(server):
    with AuthenticationClient("app", server.url, app_secret="s" * 32, access_token="at") as client:
        yield client


# ── secrets in texts ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("token", ["SECRET\n", "SECRET\r\nx: y", "SECRET…", " SECRET", "SECRET\0"])
def test_what_no_header_can_hold_is_refused_when_it_is_given(client, token):
    for give in (
        lambda: AuthenticationClient("app", "https://id.example.com", access_token=token),
        lambda: client.set_access_token(token),
        lambda: client.with_access_token(token),
    ):
        with pytest.raises(UsageError, match="access_token") as caught:
            give()
        assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("argument", ["app_id", "lang", "real_ip"])
def test_other_headers_are_checked_too(argument):
    given: dict[str, Any] = {"app_id": "app", argument: "1.2.3.4\nx: y"}
    with pytest.raises(UsageError, match=argument):
        AuthenticationClient(app_host="https://id.example.com", **given)


def test_a_header_that_somebody_else_made_illegal_is_told_once_and_without_its_text(server):
    class Spoiling(httpx2.Client):
        """Stands for a hook that adds a header from a file with a line end."""

        def build_request(self, *args, **kwargs):
            request = super().build_request(*args, **kwargs)
            request.headers["x-gateway"] = "SECRET\n"
            return request

    with Spoiling() as http, pytest.raises(APIConnectionError) as caught:
        AuthenticationClient("app", server.url, http_client=http, max_retries=5).get_country_list()
    assert caught.value.request_sent is False
    assert "SECRET" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert not server.asked


@pytest.mark.parametrize("token", ["SECRET\\n", "SECRET\\u00e9"])
def test_a_management_token_that_no_header_holds_is_not_shown(server, token):
    data = b'{"statusCode":200,"message":"","data":{"access_token":"%s","expires_in":60}}' % token.encode()
    server.script = [Answer(data)]
    with ManagementClient("key", "secret", server.url) as client, pytest.raises(UnexpectedAnswer) as caught:
        client.list_users()
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b'{"access_token":"SECRET","refresh_token":"SECRET"}',
        b'{"statusCode":"200","data":{"access_token":"SECRET"}}',
        b'{"access_token":"SECRET","token_t',
        b'["SECRET"]',
        b'"SECRET"',
        b'\xef\xbb\xbf{"access_token":"SECRET"}',
        b'{"SECRET which is no name":1}',
        b"eyJhSECRET.e30.x",
        b"access_token=SECRET",
        b'data: {"access_token":"SECRET"}',
        b')]}\',\n{"access_token":"SECRET"}',
        b'Warning: x\n{"access_token":"SECRET"}',
        b'<html>"access_token":"SECRET"',
    ],
)
def test_an_answer_that_cant_be_used_shows_its_names_only(server, client, body):
    server.script = [Answer(body)]
    for call in (
        lambda: client.get_new_access_token_by_refresh_token("rt"),
        lambda: client.update_phone("upt_1"),
    ):
        with pytest.raises(UnexpectedAnswer) as caught:
            call()
        assert "SECRET" not in f"{caught.value}{caught.value.body_start}"


@pytest.mark.parametrize(
    "said",
    [
        b'{"access_token":"SECRET"}\r\n\r\n',
        b"HTTP/1.1 200 OK\r\nset cookie: SECRET\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nSECRET\r\n",
        b"HTTP/1.1 302 Found\r\nlocation: https://sso.example/cb?access_token=SECRET\r\ncontent-length: 0\r\n\r\n",
        b'HTTP/1.1 400 Bad\r\ncontent-length: 30\r\n\r\n{"error":{"token":"SECRET__"}}',
    ],
)
def test_neither_does_what_is_no_http_nor_where_it_points(said):
    with saying(lambda connection: connection.sendall(said)) as url:
        client = AuthenticationClient("app", url, app_secret="s" * 32, max_retries=0)
        for call in (client.get_profile, lambda: client.introspect_token("at")):
            with pytest.raises(OstiaryError) as caught:
                call()
            assert "SECRET" not in "".join(traceback.format_exception(caught.value))


# ── what can't be sent, and numbers without an end ──────────────────────────────────────────


def test_what_cant_be_sent_is_told_without_its_value(client):
    """Half of a character comes from anybody's browser: `json.loads` gives it to a program, which passes it on."""
    itself: dict[str, Any] = {}
    itself["a"] = itself
    for call in (
        lambda: client.send_sms("CHANNEL_LOGIN", "SECRET\ud800"),
        lambda: ManagementClient("key", "SECRET\ud800", client.app_host).get_user("x"),
        lambda: client.introspect_token("SECRET\ud800"),
        lambda: client.update_profile(custom_data={"a": object()}),
        lambda: client.update_profile(custom_data=itself),
    ):
        with pytest.raises(UsageError) as caught:
            call()
        assert "SECRET" not in str(caught.value)


def test_numbers_without_an_end_are_none(server, client):
    digits = b"9" * 400
    refused = b'{"statusCode":429,"message":"","data":{"retryAfter":%s}}' % digits
    server.script = [Answer(refused, 429)]
    with pytest.raises(RateLimited) as caught:
        client.update_phone("upt_1")
    assert caught.value.retry_after is None
    life = b'{"statusCode":200,"message":"","data":{"access_token":"at","expires_in":%s}}' % digits
    server.by_path["/api/v3/get-management-token"] = Answer(life)
    server.script = [ok({"totalCount": 0, "list": []})]
    assert ManagementClient("key", "secret", server.url).list_users().data.total_count == 0


# ── compat ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [204, 301, 403, 502, 503])
def test_an_empty_answer_is_none(server, status):
    server.script = [Answer(b"", status)]
    with compat.AuthenticationClient("app", server.url, app_secret="s", max_retries=0) as client:
        for call in (lambda: client.update_phone("upt_1"), client.get_profile):
            with pytest.raises(UnexpectedAnswer) as caught:
                call()
            assert caught.value.http_status == status


def test_a_revocation_is_answered_by_an_empty_success_only(server):
    with compat.AuthenticationClient("app", server.url, app_secret="s", max_retries=0) as client:
        server.script = [Answer(b"", 200)]
        assert client.revoke_token("rt")
        server.script = [Answer(b"", 502)]
        with pytest.raises(OstiaryError):
            client.revoke_token("rt")


@pytest.mark.parametrize("timeout", [None, 10, "10", 10_000, 2.5])
def test_timeouts_that_the_incumbent_took_are_taken(timeout):
    assert 0 < compat.AuthenticationClient("app", timeout=timeout).timeout <= 10
    with pytest.raises(UsageError):
        compat.ManagementClient("key", "secret", timeout="soon")


# ── answers ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"statusCode":403,"message":"服务"}'.encode("gbk"), UnexpectedAnswer),
        (b'{"statusCode":500,"message":"x","data":' + DEEP + b"}", APIError),
        (b'{"statusCode":200,"message":"x","data":{"success":true,"x":' + DEEP + b"}}", UnexpectedAnswer),
        (b'{"statusCode":403,"message":"x","apiCode":"' + b"9" * 5000 + b'"}', PermissionDenied),
    ],
)
def test_whatever_a_server_answers_is_one_of_our_errors(server, client, body, kind):
    server.script = [Answer(body)]
    with pytest.raises(kind):
        client.update_phone("upt_1")
    if kind is UnexpectedAnswer:
        plain = compat.AuthenticationClient("app", server.url, access_token="at")
        with plain, pytest.raises(UnexpectedAnswer):
            plain.update_phone("upt_1")


def test_a_date_in_no_calendar_is_no_retry_after(server, client):
    headers = {"retry-after": "Wed, 21 Oct 99999999999999999999 07:28:00 GMT"}
    server.script = [Answer(no(429).body, 429, headers)]
    with pytest.raises(RateLimited) as caught:
        client.update_phone("upt_1")
    assert caught.value.retry_after is None


# ── tokens ──────────────────────────────────────────────────────────────────────────────────


def token(header: bytes) -> str:
    return base64.urlsafe_b64encode(header).decode().rstrip("=") + ".e30.AA"


FORGED = token(b'{"alg":"RS256","typ":"at+jwt","kid":"forged"}')


def test_a_token_nested_without_end_is_not_valid(client):
    for one in (token(b'{"a":' + b"[" * 1500 + b"]" * 1500 + b"}"), None, "é.é.é"):
        with pytest.raises(TokenNotValid):
            client.introspect_token_offline(one)


@pytest.mark.parametrize("jwks", [{"kty": "RSA"}, {"keys": [None]}, {"keys": None}, []])
def test_keys_that_are_none_are_refused(client, jwks):
    with pytest.raises(UsageError, match="server_jwks"):
        client.introspect_token_offline(FORGED, jwks)


def test_forged_tokens_do_not_hammer_a_server_that_fails(server, client, monkeypatch):
    server.by_path[JWKS_PATH] = Answer(no(500).body, 500)
    for _ in range(20):
        with pytest.raises(APIError, match="No"):
            client.introspect_token_offline(FORGED)
    assert len(server.asked) == 1
    server.by_path[JWKS_PATH] = Answer({"keys": []})
    later = time.monotonic() + 10
    monkeypatch.setattr("ostiary.client._ports.monotonic", lambda: later)
    with pytest.raises(TokenNotValid):
        client.introspect_token_offline(FORGED)
    assert len(server.asked) == 2


def test_a_look_that_somebody_hasty_gave_up_is_no_failure_for_the_patient(server, client):
    server.by_path[JWKS_PATH] = Answer({"keys": []}, delay=0.3)
    with pytest.raises(APITimeoutError):
        client.with_options(timeout=0.05, max_retries=0).introspect_token_offline(FORGED)
    with pytest.raises(TokenNotValid):
        client.introspect_token_offline(FORGED)


# ── settings ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "given",
    [
        {"app_host": None},
        {"app_host": "http://id..example.com"},
        {"app_host": f"http://{'a' * 70}.example.com"},
        {"app_host": "http://"},
        {"app_host": "http://id.example.com/#x"},
        {"app_host": "http://id.example.com?x=1"},
        {"app_host": "http://id.example.com:99999"},
        {"app_host": "http://id.example.com\n"},
        {"timeout": None},
        {"timeout": "10"},
        {"timeout": float("nan")},
        {"max_retries": None},
        {"max_retries": 1.5},
        {"access_token": 5},
    ],
)
def test_settings_that_are_none_are_refused_when_the_client_is_made(given):
    with pytest.raises(UsageError):
        AuthenticationClient(**{"app_id": "app", "app_host": "https://id.example.com", **given})


def test_a_slash_after_the_host_is_not_the_hosts():
    assert AuthenticationClient("app", "https://id.example.com/").app_host == "https://id.example.com"


@pytest.mark.parametrize("kind", [AuthenticationClient, AsyncAuthenticationClient])
def test_a_socks_proxy_without_its_library_says_what_to_do(monkeypatch, kind):
    monkeypatch.setenv("ALL_PROXY", "socks5://user:SECRET@127.0.0.1:1080")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"httpx2\[socks\]") as caught:
        kind("app", "https://id.example.com")
    assert "SECRET" not in str(caught.value)
    monkeypatch.setenv("NO_PROXY", "id.example.com")
    kind("app", "https://id.example.com")


def test_the_environments_proxy_is_used(server, monkeypatch):
    server.script = [ok()]
    monkeypatch.setenv("HTTP_PROXY", server.url)
    with AuthenticationClient("app", "http://id.example.com") as client:
        client.send_sms("CHANNEL_LOGIN", "1")
    assert server.asked[0].headers["host"] == "id.example.com"


# ── an HTTP client of one's own ─────────────────────────────────────────────────────────────


def test_its_cookies_and_its_own_credentials_stay_out(server):
    server.script = [Answer(ok().body, headers={"set-cookie": "session=of-the-first; Path=/"})]
    with httpx2.Client(auth=("gate", "way")) as http:
        client = AuthenticationClient("app", server.url, http_client=http)
        for user in ("first", "second"):
            client.with_access_token(user).send_sms("CHANNEL_LOGIN", "1")
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer first", "Bearer second"]
    assert "cookie" not in server.asked[1].headers


@pytest.mark.parametrize("host", ["https://user:SECRET@id.example.com", "user:SECRET@id.example.com"])
def test_credentials_in_the_host_are_refused_and_not_shown(host):
    for make in (lambda: AuthenticationClient("app", host), lambda: ManagementClient("key", "secret", host)):
        with pytest.raises(UsageError) as caught:
            make()
        assert "SECRET" not in str(caught.value)
