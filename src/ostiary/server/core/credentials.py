"""What people type to say who they are: user names, e-mail addresses. One spelling each, before anything looks."""

import re
import unicodedata
from dataclasses import dataclass, field

from ostiary.server.core.characters import all_visible, has_control
from ostiary.server.core.domains import read_domain
from ostiary.server.core.phone import E164

LONGEST_USERNAME = 256
"""Characters, in the one spelling that is stored and shown: one character may stand for eighteen (NFKC)."""

_LONGEST_EMAIL = 254  # RFC 5321 §4.5.3.1.3, without the angle brackets
_LOCAL = re.compile(r"""[^\s@<>()\[\]\\,;:"]{1,64}""")


@dataclass(frozen=True, slots=True)
class Names:
    """What an account is looked for by, each in its one spelling; one that is None finds nobody."""

    username_key: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    phone: E164 | None = field(default=None, repr=False)

    @property
    def any(self) -> str | None:
        """One of them, for the audit log's hash."""
        return self.phone or self.email or self.username_key

    @property
    def kind(self) -> str:
        """What `any` is: a user name may be spelt like somebody else's address."""
        if self.phone:
            return "phone"
        return "email" if self.email else "username"


def read_username(text: str) -> str | None:
    """A user name as it is shown, or None where it is none: 1 to 256 characters, all of them visible or spaces inside."""
    name = unicodedata.normalize("NFKC", text).strip()
    return name if 0 < len(name) <= LONGEST_USERNAME and all_visible(name) else None


def username_key(name: str) -> str:
    """What is unique about a user name: without regard to case and width (Unicode §3.13, D146)."""
    folded = unicodedata.normalize("NFKC", name).strip().casefold()
    return unicodedata.normalize("NFKC", folded)


def may_be_password(text: str) -> bool:
    """Whether a text can be a password, whichever way it comes: all but control characters, which nobody types.

    Not `isprintable`: emoji are joined by characters that are not (U+200D), newer ones than Python knows are none to
    it, and keyboards for Chinese type U+3000.
    """
    return not has_control(text)


def folded(text: str) -> str:
    """How passwords are compared with names and with common ones: without regard to case and width."""
    return unicodedata.normalize("NFKC", text).casefold()


def read_email(text: str) -> str | None:
    """An address in the one spelling that is stored, written to and compared, or None where it is none.

    In lower case, and the domain in its ASCII form (A-labels, `core.domains`), though people see `xn--` then. That
    form is what mail servers and DNS compare: what is stored is what is written to, with nothing in between that could
    read it otherwise; two domains that look alike do not look alike in it; and whoever chooses a domain chooses no
    words that a message would show somebody else. What stands before the @ is its server's own affair, so nothing in
    it is mapped away: characters that can't be seen make it no address.
    """
    local, at, domain = unicodedata.normalize("NFKC", text).strip().rpartition("@")
    local = unicodedata.normalize("NFKC", local.lower())
    if not at or not _LOCAL.fullmatch(local) or not all_visible(local) or ".." in local:
        return None
    ascii_domain = read_domain(domain)
    if ascii_domain is None or len(local) + 1 + len(ascii_domain) > _LONGEST_EMAIL:
        return None
    return f"{local}@{ascii_domain}"
