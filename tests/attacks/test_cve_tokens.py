"""Tokens forged, cut, borrowed and blown up, sent to the running edge (rows 58 to 69 of docs/security-tests.md).

The rules themselves are attacked one by one in `tests/journeys/test_edge_tokens.py`; here everything goes through
headers, as an attacker would send it, and into every operation that wants a token.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from joserfc.jwk import RSAKey

from ostiary.contract.operation import Kind, Who
from ostiary.contract.operations import OPERATIONS
from tests.attacks.edge import Edge
from tests.attacks.sockets import connected, resident, send
from tests.service import Service

REFUSED = {2020, 2207, "invalid_token"}
SIGNED_IN = [op for op in OPERATIONS if op.who in {Who.USER, Who.MANAGEMENT}]


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def parts(token: str) -> tuple[dict[str, Any], bytes, bytes]:
    head, body, signature = (
        base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")
    )
    return json.loads(head), body, signature


def made(header: dict[str, Any], body: bytes, sign: Any) -> str:
    signed = f"{b64(json.dumps(header).encode())}.{b64(body)}"
    return f"{signed}.{b64(sign(signed.encode()))}"


def refused_everywhere(edge: Edge, token: str) -> None:
    """By every operation that wants a token, and nothing is stored."""
    before = edge.counts()
    for op in SIGNED_IN:
        for spelling in (token, f"Bearer {token}"):
            answer = edge.call(op, {"authorization": spelling})
            assert answer.verdict in REFUSED, (op.name, answer.body)
            assert answer.status == (401 if op.kind is Kind.OAUTH else 200)
    assert edge.counts() == before


def public_key(edge: Edge, token: str) -> dict[str, Any]:
    kid = parts(token)[0]["kid"]
    keys = edge.raw("GET", "/oidc/.well-known/jwks.json").json["keys"]
    found: dict[str, Any] = next(key for key in keys if key["kid"] == kid)
    return found


def spellings(jwk: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """The public key as bytes, in every form that a library could take for an HMAC secret."""
    key = RSAKey.import_key(jwk)
    spki = serialization.load_pem_public_key(key.as_pem(private=False))
    assert isinstance(spki, rsa.RSAPublicKey)
    pkcs1 = serialization.PublicFormat.PKCS1
    pem, der = serialization.Encoding.PEM, serialization.Encoding.DER
    yield "PEM", key.as_pem(private=False)
    yield "PEM without its last line end", key.as_pem(private=False).rstrip()
    yield "PEM with CRLF", key.as_pem(private=False).replace(b"\n", b"\r\n")
    yield "DER", key.as_der(private=False)
    yield "PKCS#1 PEM", spki.public_bytes(pem, pkcs1)
    yield "PKCS#1 DER", spki.public_bytes(der, pkcs1)
    yield "JWK", json.dumps(jwk).encode()
    yield "JWK without blanks", json.dumps(jwk, separators=(",", ":")).encode()
    yield "n", jwk["n"].encode()
    yield "n in bytes", base64.urlsafe_b64decode(jwk["n"] + "==")
    yield "kid", jwk["kid"].encode()
    yield "nothing", b""


def test_cve_2022_29217_the_public_key_is_no_secret(edge: Edge):
    """Rows 58 and 61: HS256, HS384, HS512 over the public key in twelve spellings, an empty one among them."""
    token = edge.someone.access_token
    header, body, _ = parts(token)
    for name, digest in (("HS256", hashlib.sha256), ("HS384", hashlib.sha384), ("HS512", hashlib.sha512)):
        for _, secret in spellings(public_key(edge, token)):
            forged = made(
                {**header, "alg": name}, body, lambda text, s=secret, d=digest: hmac.digest(s, text, d)
            )
            answer = edge.raw("GET", "/api/v3/get-profile", headers={"authorization": forged})
            assert answer.verdict == 2207
    forged = made({**header, "alg": "HS256"}, body, lambda text: hmac.digest(b"", text, hashlib.sha256))
    refused_everywhere(edge, forged)


ALGORITHMS = [
    "none",
    "None",
    "NONE",
    "nOnE",
    "",
    "HS256",
    "RS384",
    "RS512",
    "PS256",
    "ES256",
    "EdDSA",
    "RSA1_5",
    "dir",
    " RS256",
    "rs256",
]


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_cve_2022_23540_the_key_says_the_algorithm(edge: Edge, alg: str):
    """Row 64: with the signature that was there, with none, and with one of an own key."""
    header, body, signature = parts(edge.someone.access_token)
    own = rsa.generate_private_key(65_537, 2_048)
    for sign in (
        lambda _: signature,
        lambda _: b"",
        lambda text: own.sign(text, padding.PKCS1v15(), hashes.SHA256()),
    ):
        refused_everywhere(edge, made({**header, "alg": alg}, body, sign))
    refused_everywhere(edge, f"{b64(json.dumps({**header, 'alg': alg}).encode())}.{b64(body)}.")


@pytest.mark.parametrize("crit", [["bork"], ["b64"], ["exp"], [], None, "b64", {}, [1], ["alg"]])
def test_cve_2025_59420_critical_headers_are_refused(edge: Edge, crit: Any):
    """Row 59: signed by our own key, so that nothing but `crit` is wrong."""
    from joserfc import jws

    token = edge.someone.access_token
    header, body, _ = parts(token)
    signer = edge.process.service.signer
    key = signer._keys[header["kid"]]
    key.sign("at+jwt", {})  # has its private half loaded
    registry = jws.JWSRegistry(algorithms=["RS256"], strict_check_header=False)
    assert isinstance(key._private, RSAKey)
    good = jws.serialize_compact(header, body, key._private, registry=registry)
    assert edge.raw("GET", "/api/v3/get-profile", headers={"authorization": good}).verdict == 200
    head = b64(json.dumps({**header, "crit": crit, "bork": 1, "b64": True}).encode())
    own = serialization.load_pem_private_key(key._private.as_pem(private=True), None)
    assert isinstance(own, rsa.RSAPrivateKey)
    signature = own.sign(f"{head}.{b64(body)}".encode(), padding.PKCS1v15(), hashes.SHA256())
    refused_everywhere(edge, f"{head}.{b64(body)}.{b64(signature)}")


def test_cve_2018_0114_a_key_or_an_address_in_the_token_is_not_looked_at(sqlite_service: Service):
    """Row 83 for tokens: a canary waits for a call that never comes."""
    import socket

    person = sqlite_service.person()
    header, body, _ = parts(str(person.client._access_token))
    own = RSAKey.generate_key(2_048, {"kid": "own"}, private=True)
    private = serialization.load_pem_private_key(own.as_pem(private=True), None)
    assert isinstance(private, rsa.RSAPrivateKey)
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0.5)
        url = f"http://127.0.0.1:{canary.getsockname()[1]}/keys.json"
        for kid in (header["kid"], "own", url):
            extra = {"jku": url, "x5u": url, "jwk": own.as_dict(private=False), "x5c": ["MIIB"], "iss": url}
            for name, value in extra.items():
                forged = made({**header, "kid": kid, name: value}, body, lambda text: private.sign(text, padding.PKCS1v15(), hashes.SHA256()))  # fmt: skip
                answer = sqlite_service.http.get(
                    "/api/v3/get-profile", headers={"authorization": forged}
                ).json()
                assert answer["apiCode"] == 2207
        with pytest.raises(TimeoutError):
            canary.accept()


def test_another_kind_of_key_with_our_kid_signs_nothing(edge: Edge):
    header, body, _ = parts(edge.someone.access_token)
    own = ec.generate_private_key(ec.SECP256R1())
    forged = made({**header, "alg": "ES256"}, body, lambda text: own.sign(text, ec.ECDSA(hashes.SHA256())))
    refused_everywhere(edge, forged)


CLAIMS = [
    {"sub": "0" * 24},
    {"exp": 2**53},
    {"scope": "openid admin"},
    {"aud": "urn:ostiary:management"},
    {"sid": "0" * 24},
]


@pytest.mark.parametrize("claims", CLAIMS, ids=lambda claims: next(iter(claims)))
def test_cve_2026_1529_a_changed_claim_is_no_claim(edge: Edge, claims: dict[str, Any]):
    """Row 62: in every kind of token that carries its own facts."""
    for token in (edge.someone.access_token, edge.someone.id_token, edge.manager()):
        header, body, signature = parts(token)
        changed = json.dumps({**json.loads(body), **claims}).encode()
        refused_everywhere(edge, made(header, changed, lambda _, s=signature: s))


def cuts(token: str) -> Iterator[str]:
    """Prefixes, suffixes, extensions, case-flips, swaps."""
    yield from (token[:-end] for end in (1, 2, 3, 10, len(token) // 2))
    yield from (token[begin:] for begin in (1, 2, 10))
    yield from (token + more for more in ("A", "=", ".", " ", "\u00a0", "a" * 40, "." + token))
    yield token.swapcase()
    yield token.upper()
    yield token[:-1] + chr(ord(token[-1]) ^ 1)
    yield token[::-1]
    middle = len(token) // 2
    yield (
        token[:middle] + token[middle].swapcase() + token[middle + 1 :]
        if token[middle].isalpha()
        else token + "x"
    )


def test_cve_2026_27840_a_part_of_a_token_is_no_token(edge: Edge):
    """Row 63: access, management, refresh and update tokens; and the whole ones still work afterwards."""
    who, client = edge.person(), {"client_id": edge.tenant.app_id, "client_secret": edge.tenant.app_secret}
    for cut in cuts(who.access_token):
        answer = edge.raw("GET", "/api/v3/get-profile", headers={"authorization": cut})
        assert answer.verdict in REFUSED or cut.strip() == who.access_token, cut
    manager = edge.manager()
    for cut in cuts(manager):
        answer = edge.raw("GET", "/api/v3/get-security-settings", headers={"authorization": cut})
        assert answer.verdict in REFUSED or cut.strip() == manager, cut
    for cut in cuts(who.refresh_token):
        form = {"grant_type": "refresh_token", "refresh_token": cut, **client}
        assert edge.ask("/oidc/token", form).verdict == "invalid_grant", cut
    new = edge.number()
    with edge.old_number(verified=False):
        edge.ask("/api/v3/send-sms", {"channel": "CHANNEL_BIND_PHONE", "phoneNumber": new}, who.access_token)
        code = edge.codes(f"+86{new}", "CHANNEL_BIND_PHONE")[who.user_id]
        verify = {
            "phonePassCodePayload": {"newPhoneNumber": new, "newPhonePassCode": code},
            "verifyMethod": "PHONE_PASSCODE",
        }
        token = edge.ask("/api/v3/verify-update-phone-request", verify, who.access_token).json["data"][
            "updatePhoneToken"
        ]
        for cut in cuts(token):
            assert (
                edge.ask("/api/v3/update-phone", {"updatePhoneToken": cut}, who.access_token).verdict == 91002
            ), cut
        assert edge.ask("/api/v3/update-phone", {"updatePhoneToken": token}, who.access_token).verdict == 200
    assert (
        edge.ask(
            "/oidc/token", {"grant_type": "refresh_token", "refresh_token": who.refresh_token, **client}
        ).status
        == 200
    )


def test_a_header_nested_without_end_is_no_token(edge: Edge):
    for nested in (
        b"[" * 3_000 + b"]" * 3_000,
        b'{"a":' * 700 + b"1" + b"}" * 700,
        b'{"kid":' + b"9" * 3_000 + b"}",
    ):
        refused_everywhere(edge, f"{b64(nested)}.{b64(b'{}')}.{b64(b'x')}")


def test_a_header_that_is_no_utf_8_is_no_token(edge: Edge):
    """Found by the fuzzer: bytes that base64 carries need not be text, and that was an error 500."""
    header, body, signature = parts(edge.someone.access_token)
    for field in ("alg", "kid", "typ"):
        head = json.dumps({**header, field: "?"}).encode().replace(b'"?"', b'"\xff\xfe"')
        refused_everywhere(edge, f"{b64(head)}.{b64(body)}.{b64(signature)}")
    refused_everywhere(
        edge, f"{b64(json.dumps(header).encode())}.{b64(bytes([0xC3, 0x28]))}.{b64(signature)}"
    )


def test_cve_2025_61920_a_hundred_megabytes_of_token_cost_nothing(sqlite_service: Service):
    """Row 60: let go while it is still being sent; and tokens just below the limit of a head are refused at once."""
    sqlite_service.http.get("/api/v3/get-profile")
    before, begun = resident(sqlite_service), time.perf_counter()
    with connected(sqlite_service) as wire:
        send(
            wire,
            b"GET /api/v3/get-profile HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer "
            + b"e30" * 33_000_000,
        )
    assert time.perf_counter() - begun < 20
    for segments in (
        ("e30" * 9_000, "e30", "e30"),
        ("e30", "e30" * 9_000, "e30"),
        ("e30", "e30", "A" * 27_000),
    ):
        begun = time.perf_counter()
        said = sqlite_service.http.get(
            "/api/v3/get-profile", headers={"authorization": ".".join(segments)}
        ).json()
        assert said["apiCode"] == 2020
        assert time.perf_counter() - begun < 20
    assert resident(sqlite_service) - before < 20 * 1024


def test_cve_2024_47077_one_applications_token_is_not_anothers(edge: Edge):
    """Row 68: shown with another application's name, asked about by it, and revoked by it."""
    other = edge.found()
    who = edge.person()
    for app_id in (other.app_id, "0" * 24):
        for op in SIGNED_IN:
            if op.who is Who.USER:
                answer = edge.call(op, {"authorization": who.access_token, "x-genauth-app-id": app_id})
                assert answer.verdict in {2207, "invalid_token"}, op.name
    client = {"client_id": other.app_id, "client_secret": other.app_secret}
    for token in (who.access_token, who.refresh_token):
        told = edge.ask(
            "/oidc/token/introspection", {"token": token, **client}, headers={"x-authing-app-id": ""}
        )
        assert told.json == {"active": False}
        assert (
            edge.ask(
                "/oidc/token/revocation", {"token": token, **client}, headers={"x-authing-app-id": ""}
            ).status
            == 200
        )
    answer = edge.ask("/oidc/token", {"grant_type": "refresh_token", "refresh_token": who.refresh_token, **client}, headers={"x-authing-app-id": ""})  # fmt: skip
    assert answer.verdict == "invalid_grant"
    assert edge.raw("GET", "/api/v3/get-profile", headers={"authorization": who.access_token}).verdict == 200


DUPLICATES = [
    "{0}, {0}",
    "Bearer {0}, Bearer {0}",
    "{0},",
    ", {0}",
    "Bearer Bearer {0}",
    "Basic {0}",
    "Digest {0}",
    "{0} {0}",
]


@pytest.mark.parametrize("spelling", DUPLICATES)
def test_one_parser_reads_one_header(edge: Edge, spelling: str):
    """A header given twice arrives joined by a comma: neither half of it is believed."""
    refused_everywhere(edge, spelling.format(edge.someone.access_token))
