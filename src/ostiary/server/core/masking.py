"""Numbers and addresses as they may stand in logs, notices and lists: enough to recognise one's own."""

import re
from functools import lru_cache
from ipaddress import ip_address, ip_network

from ostiary.server.core.phone import calling_code

_NO_DIGITS = re.compile("[^0-9]+")
_HIDDEN = "****"
"""Always four: the mask does not tell how long what it hides is."""


@lru_cache(maxsize=512)
def mask_number(number: str) -> str:
    """`+86138****8000` of `+8613800138000`: the calling code, at most 3 digits, at most 4 last ones.

    At least four digits are hidden, in numbers shorter than that all of them. Takes any text: what is no
    E.164 number is masked alike, so that a log line never shows what was typed.
    """
    digits = _NO_DIGITS.sub("", number)
    code = calling_code(digits) if number.startswith("+") else ""
    national = digits[len(code) :]
    shown = max(0, len(national) - 4)
    tail = min(4, (shown + 1) // 2)
    head = min(3, shown - tail)
    plus = "+" if code else ""
    return f"{plus}{code}{national[:head]}{_HIDDEN}{national[len(national) - tail :]}"


def mask_email(address: str) -> str:
    """`a****@example.com` of `alice@example.com`: the first letter, and the domain."""
    local, at, domain = address.rpartition("@")
    if not at:
        return _HIDDEN
    return f"{local[:1] if len(local) > 1 else ''}{_HIDDEN}@{domain}"


def mask_contact(contact: str) -> str:
    """A number or an address, whichever it is."""
    return mask_email(contact) if "@" in contact else mask_number(contact)


@lru_cache(maxsize=512)
def mask_address(address: str) -> str:
    """`203.0.113.0/24` of `203.0.113.9`, `2001:db8:1::/48` of `2001:db8:1:2::3`: the network, not whose machine."""
    plain = address.partition("/")[0].partition("%")[0]
    try:
        length = 48 if ip_address(plain).version == 6 else 24
        return str(ip_network(f"{plain}/{length}", strict=False))
    except ValueError:
        return _HIDDEN
