"""What the SDK does without asking the server: addresses for browsers, and checking tokens."""

import base64
import hmac
import time
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from ostiary import AsyncAuthenticationClient, AuthenticationClient, compat
from ostiary.client import _ports
from ostiary.client.errors import TokenNotValid, UsageError
from tests.wire.scripted_server import Answer, ScriptedServer

JWKS_PATH = "/oidc/.well-known/jwks.json"


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"})


@pytest.fixture
def client(server: ScriptedServer, key):
    server.by_path[JWKS_PATH] = Answer({"keys": [key.as_dict(private=False)]})
    with AuthenticationClient("app", server.url, redirect_uri="https://app.example.com/back") as client:
        yield client


def token(client, key, *, alg="RS256", kid="k1", typ="at+jwt", **changed) -> str:
    now = int(time.time())
    claims = {
        "iss": f"{client.app_host}/oidc",
        "aud": "app",
        "sub": "u1",
        "exp": now + 60,
        "iat": now,
        **changed,
    }
    kept = {name: value for name, value in claims.items() if value is not None}
    return jws.serialize_compact({"alg": alg, "kid": kid, "typ": typ}, msgspec.json.encode(kept), key, [alg])


# {"alg":"HS256","kid":"k1","typ":"at+jwt"}
HS256_HEAD = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiYXQrand0In0"


def signed_with(secret: bytes, token: str) -> str:
    signed = token.rpartition(".")[0]
    mac = hmac.digest(secret, signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


# ── tokens ──────────────────────────────────────────────────────────────────────────────────


def test_a_good_token_gives_its_claims_and_keys_are_fetched_once(server, client, key):
    for one in (client, client.with_access_token("x"), client):
        assert one.introspect_token_offline(token(client, key))["sub"] == "u1"
    assert len(server.asked_at(JWKS_PATH)) == 1


def test_keys_can_be_brought_along(server, client, key):
    keys = {"keys": [key.as_dict(private=False)]}
    assert client.introspect_token_offline(token(client, key), keys)["sub"] == "u1"
    assert not server.asked


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example.com/oidc"},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"exp": "9999999999"},
        {"exp": True},
        {"nbf": int(time.time()) + 3600},
        {"typ": "JWT"},
        {"typ": "management+jwt"},
        {"kid": "k2"},
    ],
)
def test_a_token_that_breaks_one_rule_is_refused(client, key, changed):
    with pytest.raises(TokenNotValid):
        client.introspect_token_offline(token(client, key, **changed))


def test_an_id_token_is_taken_where_one_is_wanted(client, key):
    assert client.introspect_token_offline(token(client, key, typ="JWT"), typ="JWT")["sub"] == "u1"


def test_forged_tokens_are_refused(server, client, key):
    other = RSAKey.generate_key(2048, {"kid": "k1"})
    public = key.as_pem(private=False)
    good = token(client, key)
    head, body, _ = good.split(".")
    for forged in (
        token(client, other),
        signed_with(public, good.replace(head, HS256_HEAD)),  # the public key taken for a shared secret
        f"{head}.{body}.",
        f"{head}.{body}",
        "",
        "a.b.c",
        "x" * 9_000,
        good[:-3],
    ):
        with pytest.raises(TokenNotValid):
            client.introspect_token_offline(forged)


def test_unknown_keys_do_not_make_us_hammer_the_server(server, client, key, monkeypatch):
    for _ in range(5):
        with pytest.raises(TokenNotValid):
            client.introspect_token_offline(token(client, key, kid="unknown"))
    assert len(server.asked_at(JWKS_PATH)) == 1
    fresh = ECKey.generate_key("P-256", {"kid": "k9"})
    server.by_path[JWKS_PATH] = Answer({"keys": [fresh.as_dict(private=False)]})
    now = _ports.monotonic()
    monkeypatch.setattr(_ports, "monotonic", lambda: now + 11)
    assert client.introspect_token_offline(token(client, fresh, alg="ES256", kid="k9"))["sub"] == "u1"
    with pytest.raises(TokenNotValid):
        client.introspect_token_offline(token(client, key)), "a key that was withdrawn"


@pytest.mark.anyio
async def test_tasks_check_tokens_alike(server, client, key):
    async with AsyncAuthenticationClient("app", server.url) as tasks:
        assert (await tasks.introspect_token_offline(token(client, key)))["sub"] == "u1"
        with pytest.raises(TokenNotValid):
            await tasks.introspect_token_offline(token(client, key, exp=1))


def test_the_stand_in_checks_more_than_the_incumbent(client, key):
    theirs = compat.AuthenticationClient("app", client.app_host)
    assert theirs.introspect_token_offline(token(client, key, typ="JWT"))["sub"] == "u1"
    with pytest.raises(TokenNotValid):
        theirs.introspect_token_offline(token(client, key, exp=None))


def test_who_has_an_app_s_secret_is_not_thereby_its_users(key):
    """HS256 is for id tokens, and the secret's holders could have made any: only who asks for one is given one."""
    secret = "s" * 32
    client = AuthenticationClient("app", "https://id.example.com", app_secret=secret)
    theirs = compat.AuthenticationClient("app", client.app_host, app_secret=secret)
    forged = token(client, OctKey.import_key(secret.encode()), alg="HS256", typ="JWT", sub="anybody")
    for check in (
        theirs.introspect_token_offline,
        client.introspect_token_offline,
        lambda one: client.introspect_token_offline(one, typ=None),
    ):
        with pytest.raises(TokenNotValid):
            check(forged)
    assert client.introspect_token_offline(forged, typ="JWT")["sub"] == "anybody"


@pytest.mark.parametrize("name", ["exp", "nbf"])
def test_a_moment_beyond_any_calendar_is_none(client, key, name):
    told = token(client, key, **{name: int("9" * 400)})
    if name == "exp":
        with pytest.raises(TokenNotValid):
            client.introspect_token_offline(told)
    else:
        assert client.introspect_token_offline(told)["sub"] == "u1"


# ── addresses ───────────────────────────────────────────────────────────────────────────────


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_an_authorize_url_brings_its_state_and_nonce(client):
    url = client.build_authorize_url(scope="openid offline_access", code_challenge="c" * 43)
    assert url.startswith(f"{client.app_host}/oidc/auth?")
    assert query(url) == {
        "client_id": "app",
        "redirect_uri": "https://app.example.com/back",
        "response_type": "code",
        "scope": "openid offline_access",
        "state": url.state,
        "nonce": url.nonce,
        "prompt": "consent",
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }
    another = client.build_authorize_url()
    assert len({url.state, url.nonce, another.state, another.nonce}) == 4
    assert len(url.state) >= 43


def test_what_is_given_is_quoted_and_kept(client):
    url = client.build_authorize_url("https://a.example.com/?x=1&y=2", state="s&t", nonce="n")
    assert query(url)["redirect_uri"] == "https://a.example.com/?x=1&y=2"
    assert (url.state, url.nonce, query(url)["state"]) == ("s&t", "n", "s&t")
    with pytest.raises(UsageError), AuthenticationClient("app", "https://id.example.com") as bare:
        bare.build_authorize_url()


def test_a_logout_url_keeps_its_state(client):
    url = client.build_logout_url("https://a.example.com/?x=1&y=2", "id", "s")
    assert query(url) == {
        "id_token_hint": "id",
        "post_logout_redirect_uri": "https://a.example.com/?x=1&y=2",
        "state": "s",
    }
    assert client.build_logout_url() == f"{client.app_host}/oidc/session/end"


def test_pkce(client):
    # RFC 7636 appendix B
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert client.generate_code_challenge_digest(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert client.generate_code_challenge_digest(verifier, "plain") == verifier
    made = {client.generate_code_challenge(length) for length in (43, 43, 64, 128)}
    assert sorted(map(len, made)) == [43, 43, 64, 128]
    for wrong in (42, 129):
        with pytest.raises(UsageError):
            client.generate_code_challenge(wrong)
        with pytest.raises(UsageError):
            client.generate_code_challenge_digest("x" * wrong)
