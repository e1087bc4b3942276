"""What every client is told when it is made, checked once, and the headers that follow from it."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from numbers import Real
from typing import Any, Literal

import httpx2

from ostiary.client.errors import UsageError

DEFAULT_HOST = "https://api.genauth.ai"
DEFAULT_TIMEOUT_SECONDS = 10.0
DEFAULT_MAX_RETRIES = 2

ClientAuthMethod = Literal["client_secret_post", "client_secret_basic", "none"]
METHODS = ("client_secret_post", "client_secret_basic", "none")


@dataclass(frozen=True, slots=True)
class Transport:
    """How requests travel; the same for every client made from one another."""

    host: str
    """As `clean_host` gives it."""
    timeout: float
    max_retries: int
    lang: str | None
    real_ip: str | None = None

    def __post_init__(self) -> None:
        _check_timeout(self.timeout)
        _check_max_retries(self.max_retries)
        check_header("lang", self.lang)
        check_header("real_ip", self.real_ip)

    def url(self, path: str, query: str = "") -> str:
        """The address of an operation."""
        return f"{self.host}{path}{'?' + query if query else ''}"

    def headers(self, extra: Mapping[str, str | None]) -> dict[str, str]:
        """What goes with every request; header values that are None stay out."""
        headers = {
            "accept": "application/json",
            "user-agent": user_agent(),
            "x-genauth-request-from": "sdk",
            "x-genauth-sdk-version": user_agent(),
            "x-genauth-lang": self.lang,
            "x-real-ip": self.real_ip,
            **extra,
        }
        return {name: value for name, value in headers.items() if value is not None}


def fits_header(text: str) -> bool:
    """Whether the text can be the value of an HTTP header, as it is."""
    return text.isascii() and text.isprintable() and text == text.strip()


def check_header(name: str, value: Any) -> None:
    """`UsageError` where an argument can't be sent in a header. It shows no value: that may be a token."""
    if value is None:
        return
    if not isinstance(value, str):
        raise UsageError(f"{name} is text, not {type(value).__name__}")
    if not fits_header(value):
        raise UsageError(
            f"{name} is sent in an HTTP header: printable ASCII, without line ends and without blanks around it"
        )


def clean_host(host: Any) -> str:
    """The URL without a slash at its end; `UsageError` where requests can't be sent to it."""
    if not isinstance(host, str):
        raise UsageError(f"The host is a URL that begins with https:// (or http://), not {host!r}")
    if "@" in host:
        raise UsageError(
            "The host is a URL without a user or password in it (no @): credentials go elsewhere"
        )
    if not host.startswith(("https://", "http://")):
        raise UsageError(f"The host is a URL that begins with https:// (or http://), not {host!r}")
    try:
        url = httpx2.URL(host)
        name = url.raw_host.decode("ascii")
        name.encode("idna")  # what the resolver does with it: labels of 1 to 63 characters
    except (httpx2.InvalidURL, ValueError) as error:
        raise UsageError(f"The host {host!r} is no URL that a request can be sent to: {error}") from None
    if "?" in host or "#" in host:
        raise UsageError(
            "The host is a URL without a query (?) and without a fragment (#): paths are put behind it"
        )
    if not name or not 0 < (url.port or 443) < 65536:
        raise UsageError(f"The host {host!r} names no machine, or a port that there is not")
    return host.rstrip("/")


def _check_timeout(timeout: Any) -> None:
    is_number = isinstance(timeout, Real) and not isinstance(timeout, bool)
    if not is_number or not 0 < timeout <= threading.TIMEOUT_MAX:
        raise UsageError(f"timeout is a number of seconds above 0, not {timeout!r}")


def _check_max_retries(max_retries: Any) -> None:
    if not isinstance(max_retries, int) or isinstance(max_retries, bool) or max_retries < 0:
        raise UsageError(f"max_retries is a whole number, 0 or more, not {max_retries!r}")


@cache
def user_agent() -> str:
    """`ostiary-python/0.1.0`."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"ostiary-python/{version('ostiary')}"
    except PackageNotFoundError:  # a copy of the source that was never installed
        return "ostiary-python/0"


def auth_method(
    name: str, given: str | None, *, has_secret: bool, refuse_at_once: bool = True
) -> ClientAuthMethod:
    """The method as given, else by the incumbent's default where there is a secret to send.

    `refuse_at_once`: that a secret is missing is told here, and not by the first call that needs it.
    """
    if given is None:
        return "client_secret_post" if has_secret else "none"
    if given not in METHODS:
        raise UsageError(f"{name} is one of {', '.join(METHODS)}, not {given!r}")
    if refuse_at_once and given != "none" and not has_secret:
        raise UsageError(f"{name}={given!r} needs app_secret")
    return given  # type: ignore[return-value] # METHODS are the Literal's values


def pool_options(http_client: Any, expected: type[Any], *, use_unverified_ssl: bool) -> bool:
    """Check an own HTTP client; tell whether TLS certificates are verified."""
    if http_client is not None:
        if not isinstance(http_client, expected):
            raise UsageError(
                f"http_client is an httpx2.{expected.__name__}, not {type(http_client).__name__}"
            )
        if use_unverified_ssl:
            raise UsageError("use_unverified_ssl has no hold on an http_client of your own: set it there")
    return not use_unverified_ssl
