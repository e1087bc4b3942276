"""Second factors, as policies, sessions and tokens speak of them. Pure; nothing here is stored.

A session's `methods` say how it was proven: first "pwd", "sms" or another way in, then the second factor's word.
A code to the account's own number is a way in; a code to an enrolled factor's number has a word of its own, because
proving one number is not proving another.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, get_args
from urllib.parse import quote

from ostiary.server.core.characters import BETWEEN
from ostiary.server.core.policy import PoolPolicy

Kind = Literal["OTP", "SMS", "EMAIL"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""The factors that are served, in the order in which they are offered (the wire's words)."""

METHODS: Mapping[str, str] = MappingProxyType({"OTP": "otp", "SMS": "mfa-sms", "EMAIL": "mfa-email"})
"""Kind → the word in `sessions.methods`."""
RECOVERY = "recovery"
"""The word of a recovery code: it gets in, and it is no factor that could be used again."""

_AMR: Mapping[str, str] = MappingProxyType({"mfa-sms": "sms", "mfa-email": "email"})
"""Words that id tokens say otherwise (RFC 8176 §2 where it has one)."""


_RECOVERY_CODE = re.compile(r"[0-9a-f]{24}")
_IGNORED = re.compile(f"[{BETWEEN}]")
_LONGEST = 128
_LABEL_ROOM = 480
"""Characters of a link for one name: 53 Chinese characters, and any address that people have."""
_CUT = "…"


def read_recovery_code(text: str) -> str | None:
    """The digits of a typed recovery code, however it was spaced, or None where it is none."""
    if len(text) > _LONGEST:
        return None
    plain = _IGNORED.sub("", unicodedata.normalize("NFKC", text)).lower()
    return plain if _RECOVERY_CODE.fullmatch(plain) else None


def in_use(policy: PoolPolicy, enrolled: Sequence[str]) -> tuple[str, ...]:
    """Of an account's factors those that the pool has in use."""
    return tuple(kind for kind in enrolled if kind in policy.enabled_factors)


def was_used(kinds: Sequence[str], methods: str) -> bool:
    """Whether a session has used one of these factors; true where there is none to use."""
    known = methods.split()
    return not kinds or any(METHODS[kind] in known for kind in kinds)


def amr(methods: str) -> list[str]:
    """The claim `amr` of a session (OpenID Connect Core §2, RFC 8176): its methods, and "mfa" where there were two."""
    words = list(dict.fromkeys(_AMR.get(word, word) for word in methods.split()))
    return [*words, "mfa"] if len(methods.split()) > 1 else words


def short_label(text: str) -> str:
    """A name as an authenticator shows it: whole where a QR code has room for it, else its beginning and `…`.

    A link writes each byte as three characters, an emoji takes twelve; a picture of level M holds 2 331 (ISO/IEC 18004,
    table 7). The issuer stands in it twice, the account's name once.
    """
    if len(quote(text)) <= _LABEL_ROOM:
        return text
    room, kept = _LABEL_ROOM - len(quote(_CUT)), ""
    for character in text:
        room -= len(quote(character))
        if room < 0:
            break
        kept += character
    return kept.rstrip() + _CUT
