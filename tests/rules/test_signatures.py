"""A signature is believed in one form: the key's own algorithm, as RFC 7518 §3.3 and §3.4 write it."""

import base64

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from ostiary.server.core.keyring import RootKeys
from ostiary.server.core.ports import Ports
from ostiary.server.guards.signing_keys import SigningKey
from ostiary.server.storage.keys import SigningKeyRow

PRIVATE: dict[str, RSAKey | ECKey] = {
    "RS256": RSAKey.generate_key(2_048, private=True),
    "ES256": ECKey.generate_key("P-256", private=True),
}
PAYLOAD = b'{"sub":"alice"}'


def key(alg):
    ports = Ports(RootKeys({}))
    public = msgspec.json.encode(PRIVATE[alg].as_dict(private=False)).decode()
    return SigningKey(SigningKeyRow("0" * 24, "pool", alg, b"", public, ports.now()), ports)


def token(alg):
    return jws.serialize_compact({"alg": alg, "kid": "0" * 24}, PAYLOAD, PRIVATE[alg], [alg])


def with_signature(text, raw):
    return f"{text.rpartition('.')[0]}.{base64.urlsafe_b64encode(raw).rstrip(b'=').decode()}"


def signature_of(text):
    return base64.urlsafe_b64decode(text.rpartition(".")[2] + "==")


@pytest.mark.parametrize("alg", PRIVATE)
def test_what_another_library_signed_is_read(alg):
    assert key(alg).signed(token(alg)) == PAYLOAD


@pytest.mark.parametrize("alg", PRIVATE)
def test_no_other_bytes_are_a_signature(alg):
    text = token(alg)
    raw = signature_of(text)
    half = len(raw) // 2
    others = [
        b"",
        raw[:-1],
        raw + b"\0",
        b"\0" + raw,
        bytes(len(raw)),
        b"\xff" * len(raw),
        raw[half:] + raw[:half],
    ]
    for other in [*others, raw[:-1] + bytes([raw[-1] ^ 1])]:
        assert key(alg).signed(with_signature(text, other)) is None


def test_a_signature_has_one_form():
    text = token("ES256")
    raw = signature_of(text)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    assert key("ES256").signed(with_signature(text, der)) is None


@pytest.mark.parametrize("alg", PRIVATE)
def test_a_signature_is_over_header_and_payload(alg):
    header, payload, signature = token(alg).split(".")
    odd = ("\ud800", "é", "a.b", "")
    for text in (f"{header}A.{payload}.{signature}", f"{header}.{payload}AA.{signature}", *odd):
        assert key(alg).signed(text) is None
    for other in odd:
        assert key(alg).signed(f"{other}.{payload}.{signature}") is None
        assert key(alg).signed(f"{header}.{other}.{signature}") is None


def test_another_keys_signature_is_none():
    assert key("RS256").signed(token("ES256")) is None
    assert key("ES256").signed(token("RS256")) is None
