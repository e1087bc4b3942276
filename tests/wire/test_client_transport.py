"""How calls travel: connections, time, TLS, and what may be sent twice."""

import datetime as dt
import socket
import threading
from ipaddress import IPv4Address

import anyio
import httpx2
import pytest

from ostiary import (
    APIConnectionError,
    APITimeoutError,
    AsyncAuthenticationClient,
    AuthenticationClient,
    ManagementClient,
)
from ostiary.client.errors import CertificateRefused, RateLimited, ServerError, UnexpectedAnswer, UsageError
from tests.wire.scripted_server import Answer, ScriptedServer, no, ok, serving

USER = {
    "userId": "u1",
    "createdAt": "2026-01-01T00:00:00.000Z",
    "updatedAt": "2026-01-01T00:00:00.000Z",
    "status": "Activated",
    "workStatus": "Active",
    "gender": "U",
    "emailVerified": False,
    "phoneVerified": True,
    "userSourceType": "register",
    "phone": "13800138000",
    "somethingNew": {"we": "do not know"},
}


@pytest.fixture
def client(server: ScriptedServer):
    with AuthenticationClient("app", server.url, access_token="at", timeout=2, max_retries=2) as client:
        yield client


def refused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# ── connections ─────────────────────────────────────────────────────────────────────────────


def test_connections_are_reused(server, client):
    for _ in range(5):
        client.send_sms("CHANNEL_BIND_PHONE", "13800138000")
    assert server.connections == 1


def test_clients_made_from_one_another_share_connections_and_nothing_else(server, client):
    client.get_security = None  # an attribute of one is not an attribute of the other's class
    first, second = client.with_access_token("first"), client.with_access_token("second")
    for one in (client, first, second, client.with_options(lang="en-US")):
        one.send_sms("CHANNEL_LOGIN", "13800138000")
    assert server.connections == 1
    assert [asked.headers["authorization"] for asked in server.asked] == [
        "Bearer at",
        "Bearer first",
        "Bearer second",
        "Bearer at",
    ]
    assert [asked.headers.get("x-genauth-lang") for asked in server.asked] == [None, None, None, "en-US"]


def test_a_derived_client_leaves_the_connections_open(server, client):
    with client.with_access_token("other") as other:
        other.send_sms("CHANNEL_LOGIN", "13800138000")
    client.send_sms("CHANNEL_LOGIN", "13800138000")
    assert server.connections == 1


def test_one_client_serves_many_threads(server, client):
    server.script = [Answer(ok(USER).body, delay=0.01)]
    failures = []

    def work(token: str) -> None:
        try:
            for _ in range(5):
                client.with_access_token(token).get_profile()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test wants to show it
            failures.append(error)

    threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert sorted(asked.headers["authorization"] for asked in server.asked) == sorted(
        f"Bearer t{number}" for number in range(8) for _ in range(5)
    )


def test_a_cookie_set_for_one_user_does_not_travel_with_the_next(server, client):
    server.script = [Answer(ok().body, headers={"set-cookie": "session=of-the-first; Path=/"})]
    client.with_access_token("first").send_sms("CHANNEL_LOGIN", "13800138000")
    client.with_access_token("second").send_sms("CHANNEL_LOGIN", "13800138000")
    assert "cookie" not in server.asked[1].headers


def test_an_http_client_of_ones_own_is_used_and_left_open(server):
    with httpx2.Client(headers={"x-mine": "1"}) as http:
        with AuthenticationClient("app", server.url, http_client=http) as client:
            client.send_sms("CHANNEL_LOGIN", "13800138000")
        assert server.asked[0].headers["x-mine"] == "1"
        assert not http.is_closed


def test_the_wrong_http_client_is_refused(server):
    with pytest.raises(UsageError):
        AuthenticationClient("app", server.url, http_client=httpx2.AsyncClient())  # type: ignore[arg-type] # the mistake to refuse
    with httpx2.Client() as http, pytest.raises(UsageError):
        AuthenticationClient("app", server.url, http_client=http, use_unverified_ssl=True)


# ── time ────────────────────────────────────────────────────────────────────────────────────


def test_timeout_is_in_seconds_and_kept(server, client):
    server.script = [Answer(ok().body, delay=1.5)]
    with pytest.raises(APITimeoutError) as caught:
        client.with_options(timeout=0.2).send_sms("CHANNEL_LOGIN", "13800138000")
    assert caught.value.request_sent is None
    assert len(server.asked) == 1, "a message that may have been sent is not sent again"


def test_an_answer_that_drips_in_ends_too(server, client):
    server.script = [Answer(ok({"success": True}).body, drip=0.1)]
    with pytest.raises(APITimeoutError):
        client.with_options(timeout=0.3).update_phone("upt_x")


@pytest.mark.parametrize("timeout", [0, -1, None, float("inf"), True])
def test_a_timeout_that_is_none_is_refused(timeout):
    with pytest.raises((UsageError, TypeError)):
        AuthenticationClient("app", "https://id.example.com", timeout=timeout)


# ── what may be sent twice ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "answer", [Answer(b"Bad Gateway", 502), Answer(status=503), Answer(hang_up=True), Answer(status=429)]
)
def test_a_read_is_tried_again(server, client, answer):
    answer.headers["retry-after"] = "0"
    server.script = [answer, answer, ok(USER)]
    assert client.get_profile().data.phone == "13800138000"
    assert len(server.asked) == 3


def test_a_read_is_not_tried_for_ever(server, client):
    server.script = [Answer(b"<html>Bad Gateway</html>", 502, {"retry-after": "0"})]
    with pytest.raises(UnexpectedAnswer) as caught:
        client.with_options(max_retries=1).get_profile()
    assert len(server.asked) == 2
    assert caught.value.http_status == caught.value.status_code == 502
    assert "Bad Gateway" in caught.value.body_start


@pytest.mark.parametrize("answer", [Answer(b"Bad Gateway", 502), Answer(status=503), Answer(hang_up=True)])
@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.send_sms("CHANNEL_BIND_PHONE", "13800138000"),
        lambda client: client.verify_update_phone_request({"newPhoneNumber": "1", "newPhonePassCode": "1"}),
        lambda client: client.update_phone("upt_x"),
        lambda client: client.pre_check_code(
            "SMS", {"phone": "1", "passCode": "1", "channel": "CHANNEL_LOGIN"}
        ),
        lambda client: client.sign_in_by_account_password("lin", "secret"),
        lambda client: client.get_new_access_token_by_refresh_token("rt"),
    ],
)
def test_what_changes_or_sends_something_is_sent_once(server, client, answer, call):
    server.script = [answer]
    with pytest.raises((UnexpectedAnswer, ServerError, APIConnectionError)):
        call(client)
    assert len(server.asked) == 1


def test_a_request_that_never_left_is_tried_again_whatever_it_does():
    with (
        AuthenticationClient("app", f"http://127.0.0.1:{refused_port()}", max_retries=1, timeout=1) as client,
        pytest.raises(APIConnectionError) as caught,
    ):
        client.send_sms("CHANNEL_BIND_PHONE", "13800138000")
    assert caught.value.request_sent is False


def test_a_refusal_in_the_envelope_is_never_tried_again(server, client):
    server.script = [no(429, 4004, {"retryAfter": 42})]
    with pytest.raises(RateLimited) as caught:
        client.send_sms("CHANNEL_BIND_PHONE", "13800138000")
    assert caught.value.retry_after == 42
    assert len(server.asked) == 1


def test_who_is_told_to_wait_long_is_told_at_once(server, client):
    server.script = [Answer(no(429).body, 429, {"retry-after": "3600"})]
    with pytest.raises(RateLimited) as caught:
        client.get_profile()
    assert caught.value.retry_after == 3600
    assert len(server.asked) == 1


# ── TLS ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory) -> tuple[str, str]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return str(folder / "cert.pem"), str(folder / "key.pem")


@pytest.mark.parametrize(
    "make", [lambda url: AuthenticationClient("a", url), lambda url: ManagementClient("k", "s", url)]
)
def test_a_certificate_that_nobody_vouches_for_is_refused(self_signed, make):
    with serving(self_signed) as server, make(server.url) as client:
        with pytest.raises(CertificateRefused) as caught:
            client.get_profile() if isinstance(
                client, AuthenticationClient
            ) else client.get_security_settings()
        assert caught.value.request_sent is False
        assert not server.asked


def test_who_asks_for_unverified_tls_gets_it(self_signed):
    with (
        serving(self_signed) as server,
        AuthenticationClient("a", server.url, use_unverified_ssl=True) as client,
    ):
        client.send_sms("CHANNEL_LOGIN", "13800138000")
        assert len(server.asked) == 1


# ── the other driver ──────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_the_async_client_does_the_same(server):
    server.script = [Answer(b"Bad Gateway", 502, {"retry-after": "0"}), ok(USER)]
    async with AsyncAuthenticationClient("app", server.url, access_token="at") as client:
        profile = await client.get_profile(with_custom_data=True)
        assert profile.data.user_id == "u1"
        assert server.asked[-1].query == {"withCustomData": ["true"]}
        server.script = [Answer(ok().body, delay=1.5)]
        with pytest.raises(APITimeoutError):
            await client.with_options(timeout=0.2).update_phone("upt_x")
        server.script = [ok()]
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(client.send_sms, "CHANNEL_LOGIN", "13800138000")
    assert len(server.asked_at("/api/v3/update-phone")) == 1
    assert len(server.asked_at("/api/v3/send-sms")) == 5
