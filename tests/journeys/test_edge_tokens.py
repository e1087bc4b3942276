"""Tokens under attack: what is not exactly one of ours, meant for this, opens nothing.

The attacks are those of RFC 8725 §2; the answers those of row 1 (phone-change.md §5): no token or garbage 2020,
expired 2206, anything forged, foreign or of another kind 2207.
"""

import asyncio
import base64
import json
import time

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey
from msgspec.structs import replace

from ostiary.contract.keys import Key
from ostiary.server.core.call import ManagementToken, UserToken
from ostiary.server.core.millis import SECOND, Millis
from ostiary.server.core.ports import Ports
from ostiary.server.core.refused import Refused
from ostiary.server.guards.sealing import UnsealError
from ostiary.server.guards.signing import Signer
from ostiary.server.storage.db import Store
from tests.workbench import MovableClock, Workbench, root_keys


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def bench(sqlite_url):
    bench = Workbench(sqlite_url)
    yield bench
    await bench.close()


@pytest.fixture
def signer(bench):
    return bench.service.signer


def of_alice(bench, **changes):
    ends = Millis((bench.ports.now() // SECOND + 7_200) * SECOND)
    return replace(UserToken("a" * 24, "s" * 24, bench.app_id, bench.pool_id, "openid", ends), **changes)


def packed(part):
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def parts(token):
    return [base64.urlsafe_b64decode(part + "==") for part in token.split(".")]


def forged(token, header=None, claims=None, signature=None):
    """The token with other parts, its signature kept."""
    head, body, signed = parts(token)
    return ".".join(
        [
            packed({**json.loads(head), **header} if header else head),
            packed({**json.loads(body), **claims} if claims else body),
            packed(signed if signature is None else signature),
        ]
    )


async def refusal(signer, token):
    verdict = await signer.verify(token)
    assert isinstance(verdict, Refused)
    return verdict.key


async def test_what_was_signed_is_read_back(bench, signer):
    token = of_alice(bench)
    assert await signer.verify(await signer.access_token(token)) == token
    manager = ManagementToken(bench.pool_id, "key-1", token.expires_at)
    assert await signer.verify(await signer.management_token(manager)) == manager


async def test_a_token_ends_with_its_last_second(bench, signer):
    token = await signer.access_token(of_alice(bench))
    bench.clock.advance(seconds=7_198)
    assert isinstance(await signer.verify(token), UserToken)
    bench.clock.advance(seconds=2)
    assert await refusal(signer, token) is Key.LOGIN_EXPIRED


async def test_an_id_token_is_no_access_token(bench, signer):
    token = of_alice(bench)
    id_token = await signer.id_token(
        token, {"name": "Alice"}, auth_time=bench.ports.now(), expires_at=token.expires_at
    )
    assert await refusal(signer, id_token) is Key.LOGIN_INVALID


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "HS256", "RS512", "ES256", "PS256", "", "RS256 "])
async def test_the_key_decides_the_algorithm(bench, signer, alg):
    token = await signer.access_token(of_alice(bench))
    for signature in (None, b""):
        assert await refusal(signer, forged(token, {"alg": alg}, signature=signature)) is Key.LOGIN_INVALID


async def test_the_public_key_is_no_hmac_secret(bench, signer):
    """CVE-2015-9235 and its family: HS256 over the public key, in every spelling of it."""
    token = await signer.access_token(of_alice(bench))
    head, body, _ = parts(token)
    [jwk] = await signer.jwks(bench.pool_id)
    public = RSAKey.import_key(jwk)
    spellings = [
        public.as_pem(private=False),
        public.as_pem(private=False).strip(),
        public.as_der(private=False),
        json.dumps(jwk).encode(),
        jwk["n"].encode(),
    ]
    header = {**json.loads(head), "alg": "HS256"}
    for secret in spellings:
        key = OctKey.import_key(base64.b64encode(secret))
        made = jws.serialize_compact(header, body, key, ["HS256"])
        assert await refusal(signer, made) is Key.LOGIN_INVALID
    made = jws.serialize_compact({**header, "alg": "ES256"}, body, ECKey.generate_key("P-256"), ["ES256"])
    assert await refusal(signer, made) is Key.LOGIN_INVALID


async def test_a_key_that_comes_with_the_token_is_not_looked_at(bench, signer):
    """CVE-2018-0114: `jwk`, `jku`, `x5u`, `x5c` in the header."""
    token = await signer.access_token(of_alice(bench))
    head, body, _ = parts(token)
    own = RSAKey.generate_key(2048, private=True)
    for extra in (
        {"jwk": own.as_dict(private=False)},
        {"jku": "https://evil.example/jwks.json"},
        {"x5u": "https://evil.example/cert.pem"},
        {"x5c": ["MIIB"]},
    ):
        registry = jws.JWSRegistry(algorithms=["RS256"], strict_check_header=False)
        made = jws.serialize_compact({**json.loads(head), **extra}, body, own, registry=registry)
        assert await refusal(signer, made) is Key.LOGIN_INVALID


async def test_critical_headers_are_refused(bench, signer):
    token = await signer.access_token(of_alice(bench))
    for crit in (["exp"], ["b64"], [], "x", None):
        assert await refusal(signer, forged(token, {"crit": crit, "b64": False})) is Key.LOGIN_INVALID


@pytest.mark.parametrize(
    "kid", ["", "../../etc/passwd", "' OR 1=1 --", "0" * 24, "x" * 5_000, "\x00", "nobody", None, 7, ["a"]]
)
async def test_a_foreign_kid_finds_no_key(bench, signer, kid):
    token = await signer.access_token(of_alice(bench))
    assert await refusal(signer, forged(token, {"kid": kid})) in {Key.LOGIN_INVALID, Key.NOT_LOGGED_IN}


async def test_foreign_kids_cost_a_query_a_second_at_most(bench, signer):
    token = await signer.access_token(of_alice(bench))
    before = bench.store.counts.statements
    kids = [f"{number:024x}" for number in range(60)]
    begun = time.monotonic()
    await asyncio.gather(*(signer.verify(forged(token, {"kid": kid})) for kid in kids))
    queries = bench.store.counts.statements - before
    assert queries <= time.monotonic() - begun + 2
    assert isinstance(await signer.verify(token), UserToken)


async def test_another_process_learns_a_new_key_from_its_first_token(bench, sqlite_url):
    ports = Ports(bench.keys, bench.clock)
    store = Store.open(sqlite_url, ports)
    other = Signer(store, ports, bench.service.signer.issuer)
    assert await other.jwks(bench.pool_id) == []
    token = of_alice(bench)
    text = await bench.service.signer.access_token(token)
    assert await other.verify(text) == token
    other.close()
    await store.close()


@pytest.mark.parametrize(
    "claims",
    [{"sub": "b" * 24}, {"exp": 9_999_999_999}, {"scope": "admin"}, {"pool": "pool-2"}, {"aud": "app-2"}],
)
async def test_a_changed_claim_breaks_the_signature(bench, signer, claims):
    token = await signer.access_token(of_alice(bench))
    assert await refusal(signer, forged(token, claims=claims)) is Key.LOGIN_INVALID


async def test_a_forged_token_is_never_merely_expired(bench, signer):
    token = await signer.access_token(of_alice(bench))
    assert await refusal(signer, forged(token, claims={"exp": 1})) is Key.LOGIN_INVALID


async def test_another_installations_token_opens_nothing_here(bench, signer, tmp_path):
    other = Workbench(f"sqlite:///{tmp_path}/other.db")
    token = await other.service.signer.access_token(of_alice(other))
    assert await refusal(signer, token) is Key.LOGIN_INVALID
    await other.close()


async def test_a_token_of_another_issuer_is_refused(bench):
    elsewhere = Signer(bench.store, bench.ports, "https://other.example/oidc")
    token = await elsewhere.access_token(of_alice(bench))
    assert await refusal(bench.service.signer, token) is Key.LOGIN_INVALID
    elsewhere.close()


async def test_a_key_signs_for_its_own_pool_only(bench, signer):
    """Pool B's key, however its owner came by it, makes no token of pool A."""
    await signer.add_key("pool-1")
    key = signer._signs["pool-1", "RS256"]
    claims = {
        "iss": signer.issuer,
        "sub": "a" * 24,
        "aud": "app-1",
        "exp": bench.ports.now() // SECOND + 60,
        "pool": "pool-2",
        "sid": "s",
        "scope": "",
    }
    assert await refusal(signer, key.sign("at+jwt", claims)) is Key.LOGIN_INVALID
    assert isinstance(await signer.verify(key.sign("at+jwt", {**claims, "pool": "pool-1"})), UserToken)


@pytest.mark.parametrize("typ", ["JWT", "at+JWT", "AT+JWT", "MFA+jwt", "", "application/at+jwt"])
async def test_the_kind_of_a_token_is_what_it_was_made_as(bench, signer, typ):
    await signer.access_token(of_alice(bench))
    key = signer._signs[bench.pool_id, "RS256"]
    claims = {
        "iss": signer.issuer,
        "sub": "a" * 24,
        "aud": "app-1",
        "exp": bench.ports.now() // SECOND + 60,
        "pool": "pool-1",
    }
    assert await refusal(signer, key.sign(typ, claims)) is Key.LOGIN_INVALID


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": "soon"},
        {"exp": None},
        {"exp": 1e400},
        {"exp": -1},
        {"aud": ["app-1"]},
        {"sub": 7},
        {"iss": None},
        {"pool": None},
    ],
)
async def test_a_payload_of_another_shape_is_refused_though_signed(bench, signer, claims):
    await signer.access_token(of_alice(bench))
    key = signer._signs[bench.pool_id, "RS256"]
    good = {
        "iss": signer.issuer,
        "sub": "a" * 24,
        "aud": "app-1",
        "exp": bench.ports.now() // SECOND + 60,
        "pool": "pool-1",
    }
    verdict = await refusal(signer, key.sign("at+jwt", {**good, **claims}))
    assert verdict in {Key.LOGIN_INVALID, Key.LOGIN_EXPIRED}


async def test_a_token_has_one_spelling(bench, signer):
    """Padding, the other alphabet, spare bits, spaces: each would be a second token for one signature."""
    token = await signer.access_token(of_alice(bench))
    head, body, signature = token.split(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = alphabet[alphabet.index(signature[-1]) ^ 1]
    for other in (
        f"{token}=",
        f"{token}.",
        f".{token}",
        f"{head}.{body}.{signature[:-1]}",
        f"{head}.{body}.{signature}A",
        f"{head}.{body}.{signature[:-1]}{twin}",
        f"{head}.{body}.{signature.swapcase()}",
        f"{head}.{body}",
        f"{head}..{signature}",
        f"{head}.{body}.",
        f"{head}\n.{body}.{signature}",
        f" {token}",
        f"{head}.{body}.{signature}\x00",
        f"{body}.{head}.{signature}",
    ):
        assert await refusal(signer, other) in {Key.LOGIN_INVALID, Key.NOT_LOGGED_IN}, other


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        ".",
        "..",
        "...",
        "a",
        "a.b.c",
        "é.é.é",
        "null",
        "{}",
        "." * 8_000,
        "a" * 9_000,
        "e30.e30.e30.e30.e30",
    ],
)
async def test_garbage_is_no_token(signer, garbage):
    assert await refusal(signer, garbage) in {Key.NOT_LOGGED_IN, Key.LOGIN_INVALID}


async def test_an_enormous_token_costs_nothing(signer):
    begun = time.perf_counter()
    assert await refusal(signer, "A" * 50_000_000 + ".e30.e30") is Key.NOT_LOGGED_IN
    assert time.perf_counter() - begun < 20


async def test_a_private_key_does_not_open_with_another_root_key(bench, sqlite_url):
    await bench.service.signer.access_token(of_alice(bench))
    ports = Ports(root_keys(), MovableClock())
    store = Store.open(sqlite_url, ports)
    stranger = Signer(store, ports, "x")
    with pytest.raises(UnsealError):
        await stranger.access_token(of_alice(bench))
    stranger.close()
    await store.close()


async def test_a_new_key_signs_and_the_old_one_is_still_believed(bench, signer):
    old = await signer.access_token(of_alice(bench))
    bench.clock.advance(seconds=1)
    await signer.add_key(bench.pool_id)
    assert parts(await signer.access_token(of_alice(bench)))[0] == parts(old)[0], "it was not seen by all yet"
    bench.clock.advance(seconds=600)
    new = await signer.access_token(of_alice(bench))
    assert json.loads(parts(old)[0])["kid"] != json.loads(parts(new)[0])["kid"]
    assert isinstance(await signer.verify(old), UserToken)
    assert isinstance(await signer.verify(new), UserToken)
    assert len(await signer.jwks(bench.pool_id)) == 2


async def test_a_second_library_agrees_with_ours(bench, signer):
    import jwt

    token = await signer.access_token(of_alice(bench))
    [jwk] = await signer.jwks(bench.pool_id)
    assert "d" not in jwk
    claims = jwt.decode(
        token, jwt.PyJWK(jwk).key, algorithms=["RS256"], audience=bench.app_id, issuer=signer.issuer
    )
    assert claims["sub"] == "a" * 24
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"


def test_over_the_wire_each_kind_of_bad_token_has_its_answer(sqlite_service):
    person = sqlite_service.person()
    good = str(person.client._access_token)
    id_token = (
        person.service.client().sign_in_by_username_password(person.username, person.password).data.id_token
    )
    manager = sqlite_service.http.post(
        "/api/v3/get-management-token",
        json={name: sqlite_service.ids[name] for name in ("accessKeyId", "accessKeySecret")},
    ).json()["data"]["access_token"]
    said = {}
    for name, value in {
        "raw": good,
        "bearer": f"Bearer {good}",
        "lower": f"bearer {good}",
        "none": "",
        "empty": "Bearer",
        "basic": "Basic YTpi",
        "garbage": "Bearer x",
        "words": f"Token {good}",
        "id token": id_token,
        "management": manager,
        "forged": forged(good, claims={"sub": "b" * 24}),
    }.items():
        headers = {"authorization": value.encode()} if value else {}
        answer = sqlite_service.http.get("/api/v3/get-profile", headers=headers).json()
        said[name] = answer.get("apiCode", answer["statusCode"])
    assert said == {
        "raw": 200,
        "bearer": 200,
        "lower": 200,
        "none": 2020,
        "empty": 2020,
        "basic": 2020,
        "garbage": 2020,
        "words": 2020,
        "id token": 2207,
        "management": 2207,
        "forged": 2207,
    }
