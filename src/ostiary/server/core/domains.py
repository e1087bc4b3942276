"""Domains of e-mail addresses: every spelling of one domain becomes one text, in ASCII."""

import re
import unicodedata
from functools import lru_cache

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")  # RFC 5890 §2.3.1: letters, digits, hyphens
_LONGEST = 253  # RFC 1035 §2.3.4, as text
_LONGEST_LABEL = 63
_ENCODED = "xn--"


@lru_cache(maxsize=2_048)
def read_domain(text: str) -> str | None:
    """A domain in its A-labels and lower case, or None where it is none: `STRASSE。example` is `strasse.example`.

    IDNA 2008 (RFC 5891) after the mapping of UTS #46, which does what keyboards leave undone: case, width, the
    ideographic full stop, characters that show nothing. `straße` and `strasse` are two domains, as registries have
    it (IDNA 2003 took them for one, and would write to the other one's mailbox).
    """
    if len(text) > _LONGEST:
        return None
    mapped = text.lower() if text.isascii() else _mapped(text)
    labels = [_read_label(label) for label in mapped.split(".")] if mapped else []
    known = [label for label in labels if label is not None]
    domain = ".".join(known)
    if len(known) < max(2, len(labels)) or len(domain) > _LONGEST:
        return None
    # An address is written to a name: 192.0.2.17 is none, and no letter of the alphabet stands alone at the top.
    return domain if len(known[-1]) >= 2 and not known[-1].isdigit() else None


def _mapped(text: str) -> str | None:
    import idna  # here: its tables take some tens of milliseconds, once, and most domains need none

    try:
        return idna.uts46_remap(text, std3_rules=True, transitional=False)
    except idna.IDNAError:
        return None


def _read_label(label: str) -> str | None:
    """One label in ASCII. One that came in ASCII must be what its own text would be written as.

    Some registries sell symbols (`i❤.ws`), which IDNA 2008 forbids: they pass, and what stands beside them is judged.
    """
    if label.isascii() and not label.startswith(_ENCODED):
        return label if _LABEL.fullmatch(label) else None
    import idna  # as above

    try:
        text = label.removeprefix(_ENCODED).encode().decode("punycode") if label.isascii() else label
        if idna.uts46_remap(text, std3_rules=True, transitional=False) != text or text.isascii():
            return None
        beside = "".join(char for char in text if unicodedata.category(char) != "So")
        if beside and not (beside.isascii() and _LABEL.fullmatch(beside)):
            idna.alabel(beside)
        encoded = _ENCODED + text.encode("punycode").decode()
    except (idna.IDNAError, UnicodeError):
        return None
    return encoded if len(encoded) <= _LONGEST_LABEL and (not label.isascii() or encoded == label) else None
