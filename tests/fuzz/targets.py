"""What the fuzzer throws bytes at, and what must hold of every answer. No atheris here: the replay runs without it.

Each target takes any bytes, raises nothing but AssertionError, and finds its own meaning in them.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache

import msgspec
from joserfc.jwk import RSAKey

from ostiary.contract.operation import Kind
from ostiary.contract.operations import OPERATIONS
from ostiary.server.core import phone
from ostiary.server.core.keyring import RootKeys
from ostiary.server.core.passcode import read_passcode
from ostiary.server.core.ports import Clock, Ports
from ostiary.server.core.refused import Refused
from ostiary.server.core.search import phone_beginning, read_any_number
from ostiary.server.guards import token_form
from ostiary.server.guards.signing_keys import SigningKey
from ostiary.server.storage.keys import SigningKeyRow
from ostiary.server.web import callers, wire

E164 = re.compile(r"\+[1-9][0-9]{1,20}")
FORMS = tuple(op for op in OPERATIONS if op.request is not None)


def number(data: bytes) -> None:
    """The number parser: one spelling comes out, and stays what it is when it is read again."""
    text, _, code = data.decode("utf-8", "replace").partition("|")
    for country in (code or None, None):
        found = phone.read_number(text, country, "+86")
        if found is None:
            continue
        assert E164.fullmatch(found), found
        own = phone.country_code(found)
        assert phone.read_number(found, own, "+86") == found
        assert own + phone.national_part(found) == found
        phone.can_be_texted(found)
    beginning = phone_beginning(text, "+86")
    assert beginning is None or re.fullmatch(r"\+?[0-9]*", beginning)
    anywhere = read_any_number(text, "+86")
    assert anywhere is None or E164.fullmatch(anywhere)
    digits = read_passcode(text)
    assert digits is None or re.fullmatch(r"[0-9]{4,10}", digits)


def token(data: bytes) -> None:
    """The token parser: nothing that is not exactly a token of ours is believed, and nothing raises."""
    text = data.decode("latin-1")
    given, client, there = callers._credential(data)
    assert client is None or (client.client_id and not there)
    assert given is None or there
    callers.language({b"accept-language": data, b"x-genauth-lang": data[:10]})
    for candidate in {text, given or ""}:
        header = token_form.header(candidate)
        if header is None:
            continue
        assert len(candidate) <= token_form.MAX_TOKEN
        assert candidate.isascii()
        payload = _key().signed(candidate)
        assert payload is None or candidate == _genuine()


def form(data: bytes) -> None:
    """The wire: a form, or a refusal by value; and a form that is written down is read as the same form."""
    if not data:
        return
    op = FORMS[data[0] % len(FORMS)]
    body = data[1:]
    stated = b"application/json" if data[0] >= 128 else None
    for method in op.methods:
        read = wire.read(op, body, body, stated, method=method)
        if isinstance(read, Refused):
            assert read.data is None or len(str(read.data.get("field"))) <= 64
            continue
        assert isinstance(read, msgspec.Struct)
        if method == "POST" and (op.kind is Kind.API or stated):
            assert wire.read(op, msgspec.json.encode(read), b"", b"application/json") == read


TARGETS: Mapping[str, Callable[[bytes], None]] = {"number": number, "token": token, "wire": form}


@cache
def _key() -> SigningKey:
    """A public key, the way the signer holds one."""
    jwk = RSAKey.import_key(_PRIVATE).as_dict(private=False)
    row = SigningKeyRow("0" * 24, "pool", "RS256", b"", json.dumps(jwk), Ports(RootKeys({}), Clock()).now())
    return SigningKey(row, Ports(RootKeys({}), Clock()))


@cache
def _genuine() -> str:
    """The only token of that key that there is."""
    from joserfc import jws

    header = {"alg": "RS256", "kid": "0" * 24, "typ": "at+jwt"}
    return jws.serialize_compact(header, b'{"sub":"a"}', RSAKey.import_key(_PRIVATE), ["RS256"])


_PRIVATE = RSAKey.generate_key(2_048, private=True).as_pem(private=True)
