"""What a person types as a code: digits, however they were pasted."""

import re
import unicodedata
from enum import StrEnum

_DROPPED = re.compile(r"[\s\-‐‑‒–—―−\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Spaces and dashes, and the invisible characters that come with a pasted text."""
_CODE = re.compile(r"[0-9]{4,10}")
_LONGEST = 64


class Channel(StrEnum):
    """What a code was asked for. One channel opens its own doors only (the wire's names)."""

    LOGIN = "CHANNEL_LOGIN"
    REGISTER = "CHANNEL_REGISTER"
    RESET_PASSWORD = "CHANNEL_RESET_PASSWORD"
    BIND_PHONE = "CHANNEL_BIND_PHONE"
    UNBIND_PHONE = "CHANNEL_UNBIND_PHONE"
    BIND_MFA = "CHANNEL_BIND_MFA"
    VERIFY_MFA = "CHANNEL_VERIFY_MFA"
    UNBIND_MFA = "CHANNEL_UNBIND_MFA"
    COMPLETE_PHONE = "CHANNEL_COMPLETE_PHONE"
    IDENTITY_VERIFICATION = "CHANNEL_IDENTITY_VERIFICATION"
    DELETE_ACCOUNT = "CHANNEL_DELETE_ACCOUNT"
    # By e-mail only; LOGIN, REGISTER, RESET_PASSWORD, VERIFY_MFA and DELETE_ACCOUNT go by either medium.
    VERIFY_EMAIL_LINK = "CHANNEL_VERIFY_EMAIL_LINK"
    UPDATE_EMAIL = "CHANNEL_UPDATE_EMAIL"
    BIND_EMAIL = "CHANNEL_BIND_EMAIL"
    UNBIND_EMAIL = "CHANNEL_UNBIND_EMAIL"
    UNLOCK_ACCOUNT = "CHANNEL_UNLOCK_ACCOUNT"
    COMPLETE_EMAIL = "CHANNEL_COMPLETE_EMAIL"


BOUND = frozenset(
    {
        Channel.BIND_PHONE,
        Channel.UNBIND_PHONE,
        Channel.BIND_MFA,
        Channel.UNBIND_MFA,
        Channel.IDENTITY_VERIFICATION,
        Channel.DELETE_ACCOUNT,
        Channel.UPDATE_EMAIL,
        Channel.BIND_EMAIL,
        Channel.UNBIND_EMAIL,
    }
)
"""Codes of these belong to the user who asks signed in; asked for without a token they belong to nobody."""

SILENT_WITHOUT_ACCOUNT = frozenset(
    {
        Channel.UNBIND_PHONE,
        Channel.RESET_PASSWORD,
        Channel.DELETE_ACCOUNT,
        Channel.VERIFY_EMAIL_LINK,
        Channel.UNBIND_EMAIL,
        Channel.UNLOCK_ACCOUNT,
    }
)
"""To a number or address without an account nothing is sent for these, while all else looks the same."""

OWNERS_FIRST = frozenset({Channel.UNBIND_PHONE, Channel.UPDATE_EMAIL, Channel.UNBIND_EMAIL})
"""While its owner's own code lives, nobody else's ask sends anything to that contact for these."""


BY_LINK = frozenset({Channel.VERIFY_EMAIL_LINK})
"""What is sent is a link that opens a page, and no digits."""


def read_passcode(text: str) -> str | None:
    """The digits of a typed code (NFKC, spaces and dashes removed), or None where it is no code of 4 to 10."""
    if len(text) > _LONGEST:
        return None
    plain = _DROPPED.sub("", unicodedata.normalize("NFKC", text))
    return plain if _CODE.fullmatch(plain) else None
