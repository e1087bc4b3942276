"""What people type to say who they are: user names, e-mail addresses. One spelling each, before anything looks."""

import re
import unicodedata
from dataclasses import dataclass, field

from ostiary.server.core.phone import E164

LONGEST_USERNAME = 256
"""Characters, in the one spelling that is stored and shown: one character may stand for eighteen (NFKC)."""

_LONGEST_EMAIL = 254  # RFC 5321 §4.5.3.1.3, without the angle brackets
_EMAIL = re.compile(
    r"""[^\s@<>()\[\]\\,;:"]{1,64}@[^\s@<>()\[\]\\,;:"._-][^\s@<>()\[\]\\,;:"_]*\.[^\s@<>()\[\]\\,;:"._-]{2,}"""
)


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


def read_username(text: str) -> str | None:
    """A user name as it is shown, or None where it is none: 1 to 256 characters, all of them visible or spaces inside."""
    name = unicodedata.normalize("NFKC", text).strip()
    return name if 0 < len(name) <= LONGEST_USERNAME and name.isprintable() else None


def username_key(name: str) -> str:
    """What is unique about a user name: without regard to case and width (Unicode §3.13, D146)."""
    folded = unicodedata.normalize("NFKC", name).strip().casefold()
    return unicodedata.normalize("NFKC", folded)


def folded(text: str) -> str:
    """How passwords are compared with names and with common ones: without regard to case and width."""
    return unicodedata.normalize("NFKC", text).casefold()


def read_email(text: str) -> str | None:
    """An address in the one spelling that is stored, written to and compared (lower case), or None where it is none."""
    address = unicodedata.normalize("NFKC", text).strip().lower()
    if len(address) > _LONGEST_EMAIL or not address.isprintable() or ".." in address:
        return None
    return address if _EMAIL.fullmatch(address) else None
