"""What every client is told when it is made, checked once, and the headers that follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

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
    timeout: float
    max_retries: int
    lang: str | None
    real_ip: str | None = None

    def __post_init__(self) -> None:
        if not self.host.startswith(("https://", "http://")):
            raise UsageError(f"The host is a URL that begins with https:// (or http://), not {self.host!r}")
        if isinstance(self.timeout, bool) or not 0 < self.timeout < float("inf"):
            raise UsageError(f"timeout is a number of seconds above 0, not {self.timeout!r}")
        if self.max_retries < 0:
            raise UsageError(f"max_retries is 0 or more, not {self.max_retries!r}")

    def url(self, path: str, query: str = "") -> str:
        """The address of an operation."""
        return f"{self.host.rstrip('/')}{path}{'?' + query if query else ''}"

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


@cache
def user_agent() -> str:
    """`ostiary-python/0.1.0`."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"ostiary-python/{version('ostiary')}"
    except PackageNotFoundError:  # a copy of the source that was never installed
        return "ostiary-python/0"


def auth_method(name: str, given: str | None, *, has_secret: bool) -> ClientAuthMethod:
    """The method as given, else by the incumbent's default where there is a secret to send."""
    if given is None:
        return "client_secret_post" if has_secret else "none"
    if given not in METHODS:
        raise UsageError(f"{name} is one of {', '.join(METHODS)}, not {given!r}")
    if given != "none" and not has_secret:
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
