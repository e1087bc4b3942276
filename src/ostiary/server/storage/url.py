"""A database's URL as it may be shown: what it names, never who may enter."""

from urllib.parse import urlsplit

POSTGRESQL = ("postgresql:", "postgres:")


def place(url: str) -> str:
    """Where a database is: its file, or host and name."""
    if not url.startswith(POSTGRESQL):
        return url.removeprefix("sqlite:///")
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] + parts.path


def password(url: str) -> str | None:
    """The password in a URL, as it stands there (it may be percent-encoded); None where there is none."""
    if not url.startswith(POSTGRESQL):
        return None
    head, at, _ = url.partition("//")[2].rpartition("@")
    return head.partition(":")[2] or None if at else None


def without_password(url: str) -> str:
    """The whole URL, with `***` in the place of a password."""
    secret = password(url)
    return url.replace(f":{secret}@", ":***@") if secret else url
