"""What looks like one of our tokens: three canonical segments, and a header that can be read. Nothing is believed yet."""

import base64
import binascii
import re
from typing import Any

import msgspec

MAX_TOKEN = 8 * 1024

_SEGMENT = re.compile(r"[A-Za-z0-9_-]*")  # an empty signature is a wrong one, not garbage


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
    try:
        return _read_header.decode(raw[0])
    except (msgspec.DecodeError, UnicodeDecodeError):  # the second for text that is no UTF-8
        return None


def canonical(segment: str) -> bytes | None:
    """The bytes of a base64url segment in its only right spelling; None for every other one."""
    if _SEGMENT.fullmatch(segment) is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except binascii.Error:
        return None
    return raw if base64.urlsafe_b64encode(raw).rstrip(b"=") == segment.encode() else None
