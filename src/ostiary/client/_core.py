"""The SDK without I/O: a call is a generator that says what it wants done.

Rules of this file:
1. It opens no socket, sleeps not, reads no clock, rolls no dice. It yields an `Effect` and is sent what
   came of it, or has an `APIConnectionError` thrown into it. Whoever drives it (``_drive``) decides nothing.
2. What may be sent twice is decided here and nowhere else. A read may. Anything that changes or sends
   something may only where it is certain that the request never left: a lost answer to ``update_phone``
   may be a moved number, and a second ``send_sms`` is a second message on somebody's phone.
3. An answer that came, whatever its status, to a request that is not safe is the answer.
"""

import email.utils
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from ostiary.client.errors import APIConnectionError, CertificateRefused

T = TypeVar("T")

WORTH_ANOTHER_TRY = frozenset({408, 429, 502, 503, 504})
"""HTTP statuses that say "not now". A 500 is a fault: asking again finds the same one."""

FIRST_PAUSE_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 8.0
LONGEST_WAIT_SECONDS = 30.0
"""Who is told to wait longer than this gets the error at once, with ``retry_after``: a caller's to plan."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. Headers and content hold secrets and stay out of ``repr``."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | None = field(repr=False)
    timeout: float
    """Seconds for this attempt as a whole: to connect, to send, to be answered to the last byte."""
    safe: bool
    """May be sent again after it was sent."""


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer, read to its end."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for a random while between the two, in seconds."""

    at_least: float
    at_most: float


@dataclass(frozen=True, slots=True)
class Shared:
    """Run this call, or wait for the one that another caller of the same client has under way, and share its end.

    All calls that a client has shared like this must be interchangeable. Nobody waits longer than their own
    `patience`; and where a less patient caller gave up without an answer, one of the others tries again.
    """

    call: "Call[Any]"
    patience: float
    """Seconds. See `patience`."""


class Unwritable(APIConnectionError):
    """The request can't be written as HTTP: it did not leave, and it would not the next time."""


Effect: TypeAlias = Request | Wait | Shared
Call: TypeAlias = Generator[Effect, Any, T]
"""Yields effects; is sent a `Response` for a `Request`, None for a `Wait`, a result for a `Shared`."""


def exchange(request: Request, *, max_retries: int) -> Call[Response]:
    """Send a request, again where that is safe and may help, and give the answer to act on."""
    attempt = 0
    while True:
        try:
            response: Response = yield request
        except APIConnectionError as error:
            if attempt >= max_retries or not _may_repeat(request, error):
                raise
            pause = backoff(attempt)
        else:
            wait = _pause_after(request, response, attempt)
            if attempt >= max_retries or wait is None:
                return response
            pause = wait
        yield pause
        attempt += 1


def patience(timeout: float, max_retries: int) -> float:
    """For how long who asks like this tries at the most, in seconds, without the pauses in between."""
    return timeout * (1 + max_retries)


def backoff(attempt: int) -> Wait:
    """Half a second, one, two, …, eight: each time somewhere in the upper half of the range."""
    ceiling = min(FIRST_PAUSE_SECONDS * 2.0**attempt, LONGEST_BACKOFF_SECONDS)
    return Wait(ceiling / 2, ceiling)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from a ``Retry-After`` header (RFC 9110 §10.2.3): a number, or a date measured by ``Date``."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        then = email.utils.parsedate_to_datetime(value)
        now = email.utils.parsedate_to_datetime(headers.get("date", ""))  # the server's clock, not ours
        return max(0.0, (then - now).total_seconds())
    except (ValueError, TypeError, OverflowError):  # not a date, mixed time zones, or out of range
        return None


def _may_repeat(request: Request, error: APIConnectionError) -> bool:
    if isinstance(error, CertificateRefused | Unwritable):
        return False  # neither the certificate nor the request will be better in a second
    return request.safe or error.request_sent is False


def _pause_after(request: Request, response: Response, attempt: int) -> Wait | None:
    """How long to wait before asking again, or None where the answer stands."""
    if not request.safe or response.status not in WORTH_ANOTHER_TRY:
        return None
    told = retry_after(response.headers)
    if told is None:
        return backoff(attempt)
    if told > LONGEST_WAIT_SECONDS:
        return None
    return Wait(told, told + FIRST_PAUSE_SECONDS)
