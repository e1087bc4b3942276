"""Websites whose scripts may call, as browsers name them in `Origin`."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

_SEPARATORS = re.compile(r"[\s,;]+")
_OWN_PORT = {"http": 80, "https": 443}


def read_origins(given: Sequence[str] | str) -> str | None:
    """Origins one a line, each once, in the one spelling that browsers send (RFC 6454 §6.2).

    Takes a list, or text with one a line. None: something in it is no origin.
    """
    parts = _SEPARATORS.split(given) if isinstance(given, str) else [part.strip() for part in given]
    origins: list[str] = []
    for part in filter(None, parts):
        origin = _read_origin(part)
        if origin is None:
            return None
        origins.append(origin)
    return "\n".join(dict.fromkeys(origins))


def _read_origin(text: str) -> str | None:
    """`https://host[:port]`: lower case, no slash at the end, not the scheme's own port."""
    plain = text.rstrip("/").lower()
    try:
        parts = urlsplit(plain)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _OWN_PORT or not parts.hostname or "@" in parts.netloc:
        return None
    if plain != f"{parts.scheme}://{parts.netloc}":
        return None
    return plain.removesuffix(f":{port}") if port == _OWN_PORT[parts.scheme] else plain
