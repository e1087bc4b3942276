"""The transport's exceptions as the SDK's, with what they say about whether the request left.

Transport error texts that may quote the request or the answer are not shown.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from ssl import SSLCertVerificationError

import httpcore2  # what `_punctual` raises; httpx2's have the same names
import httpx2

from ostiary.client._core import Request, Unwritable
from ostiary.client.errors import APIConnectionError, APITimeoutError, CertificateRefused, UsageError

TIMEOUTS = (httpx2.TimeoutException, httpcore2.TimeoutException)
NOT_CONNECTED = (httpx2.ConnectError, httpcore2.ConnectError)
NOT_WRITTEN = (httpx2.LocalProtocolError, httpcore2.LocalProtocolError, UnicodeError)
NEVER_SENT = (
    httpx2.ConnectTimeout,
    httpcore2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpcore2.PoolTimeout,
    httpx2.UnsupportedProtocol,
    httpcore2.UnsupportedProtocol,
    httpx2.ProxyError,
    httpcore2.ProxyError,
    httpx2.InvalidURL,
)
BROKEN_HTTP = (httpx2.RemoteProtocolError, httpcore2.RemoteProtocolError)
OTHERS = (
    httpx2.RequestError,
    httpx2.InvalidURL,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.ProxyError,
    httpcore2.UnsupportedProtocol,
)


@contextmanager
def as_ours(request: Request) -> Iterator[None]:
    """Have what the transport raises in here come out as an `OstiaryError`."""
    where = request.url.partition("?")[0]
    try:
        yield
    except TIMEOUTS as error:
        raise too_late(request, sent=False if isinstance(error, NEVER_SENT) else None) from error
    except NOT_CONNECTED as error:
        if _is_certificate(error):
            raise CertificateRefused(f"The certificate of {where} is not trusted: {error}", False) from error
        raise APIConnectionError(f"{where} can't be reached: {error}", False) from error
    except NOT_WRITTEN:  # its text, and that of its causes, quotes the header that can't be written
        raise Unwritable(
            f"The request to {where} can't be written as HTTP: look at its headers", False
        ) from None
    except BROKEN_HTTP as error:  # its text quotes what came, after a colon
        why = str(error).partition(":")[0] or type(error).__name__
        raise APIConnectionError(f"{where} gave no answer: {why}", None) from None
    except OTHERS as error:
        sent = False if isinstance(error, NEVER_SENT) else None
        raise APIConnectionError(
            f"{where} gave no answer: {str(error) or type(error).__name__}", sent
        ) from error
    except RuntimeError as error:
        raise UsageError(
            f"The HTTP client can't be used here: {error}. One that was closed serves nobody, and an asynchronous "
            "one belongs to the event loop that first used it"
        ) from error


def too_late(request: Request, *, sent: bool | None) -> APITimeoutError:
    """The error for a request that was not answered to the end in time."""
    where = request.url.partition("?")[0]
    return APITimeoutError(f"{where} did not finish its answer within {request.timeout:g} s", sent)


def _is_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
