"""Addresses on the web that people give: what a page may show as a link or a picture."""

from urllib.parse import urlsplit


def is_web_link(text: str) -> bool:
    """Whether it is an absolute `http:` or `https:` address: no script, no data, nothing that stands on its page."""
    if not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:  # an IPv6 address that is none
        return False
