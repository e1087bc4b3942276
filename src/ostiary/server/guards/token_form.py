"""What looks like one of our tokens: three canonical segments, and a header that can be read. Nothing is believed yet."""

import binascii
from typing import Any

import msgspec

from ostiary.server.core import strangers_json

MAX_TOKEN = 8 * 1024

_TO_BASE64 = bytes.maketrans(b"-_+/=", b"+/!!!")
"""base64url's two own characters as base64 has them; what only base64 has becomes what neither has."""


class Header(msgspec.Struct):
    """A JOSE header (RFC 7515 §4): of it, what is looked at."""

    alg: str = ""
    kid: str = ""
    typ: str = ""
    crit: Any = msgspec.UNSET


_read_header = msgspec.json.Decoder(Header)


def header(token: str) -> Header | None:
    """The header of what looks like one of our tokens, or None: that is no token at all."""
    parts = token.split(".") if len(token) <= MAX_TOKEN else []
    if len(parts) != 3:
        return None
    raw = [canonical(part) for part in parts]
    if raw[0] is None or raw[1] is None or raw[2] is None:
        return None
    return strangers_json.read(raw[0], _read_header.decode)


def canonical(segment: str) -> bytes | None:
    """The bytes of a base64url segment in its only right spelling; None for every other one."""
    try:
        spelled = segment.encode("ascii").translate(_TO_BASE64) + b"=" * (-len(segment) % 4)
        raw = binascii.a2b_base64(spelled)
    except ValueError:  # binascii.Error, too
        return None
    return raw if binascii.b2a_base64(raw, newline=False) == spelled else None
