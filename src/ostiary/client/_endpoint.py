"""One operation as the SDK sees it: how its form becomes a request, and how its answer is read.

An answer is decoded twice where that pays: the envelope first, with `data` left as bytes; then `data`
into its Struct, and only if the verdict was yes. So a refusal with odd data is still that refusal.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import urlencode

import msgspec

from ostiary.client import _json, _refusals
from ostiary.client._core import Response
from ostiary.client.errors import UnexpectedAnswer, UsageError
from ostiary.contract.common import Wire

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R")

Credential = Literal["user", "client", "management", "none"]
"""What goes with a request: the user's token, the app's own credential, the management token, nothing."""
Form = Mapping[str, Any]
"""Wire names → values; None means absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Generic[T_co]):
    """A successful answer. Its `repr` shows no data: that may be a token.

    `data` is the operation's Struct (None where it has none to give), `status_code` is 200, `request_id`
    is what the server's log calls the request. Nothing of it changes, so that a `Result[User]` is a `Result[object]`.
    """

    status_code: int
    message: str
    data: T_co = field(repr=False)
    api_code: int | None = None
    request_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Endpoint(Generic[R]):
    """Method, path and reading of one operation. `R` is what a call returns."""

    name: str
    method: str
    path: str
    credential: Credential
    safe: bool
    """May be sent twice: it reads. See the rules of ``_core``."""
    content: Literal["json", "form", "query"]
    make_reader: Callable[[], Callable[[Response], R]]
    bodyless: bool = False
    """Success has no body (RFC 7009 §2.2)."""

    _reader: list[Callable[[Response], R]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )

    @property
    def read(self) -> Callable[[Response], R]:
        """The answer's reader; made at the first call, because making a decoder costs a millisecond.

        Without a lock (`functools.cached_property` has one in Python 3.11): a child that was forked while another
        thread held it would wait for ever. Two threads make it twice at most.
        """
        if not self._reader:
            self._reader.append(self.make_reader())
        return self._reader[0]


def api(
    name: str, method: str, path: str, data: type[T], *, credential: Credential, safe: bool
) -> Endpoint[Result[T]]:
    """Describe an operation that answers in the envelope."""
    return Endpoint(
        name=name,
        method=method,
        path=path,
        credential=credential,
        safe=safe,
        content="query" if method == "GET" else "json",
        make_reader=lambda: _envelope_reader(data, credential),
    )


def oauth(
    name: str, method: str, path: str, data: type[T], *, credential: Credential, safe: bool
) -> Endpoint[T]:
    """Describe an operation that takes a form and answers as OAuth does."""
    return Endpoint(
        name=name,
        method=method,
        path=path,
        credential=credential,
        safe=safe,
        content="query" if method == "GET" else "form",
        make_reader=lambda: _bare_reader(data),
        bodyless=data is type(None),
    )


def fields(payload: Wire | Mapping[str, Any] | None) -> Any:
    """A payload, typed or a dict with wire names, without what is absent."""
    if isinstance(payload, Mapping):
        return {
            name: fields(value) if isinstance(value, Wire) else value
            for name, value in payload.items()
            if value is not None
        }
    return payload


def json_content(form: Form) -> bytes:
    """A form as JSON. Structs leave out what is absent; a free object keeps its nulls.

    Raises `UsageError`, which shows no value, for what can't be sent: half of a surrogate pair (a browser's JSON may
    hold one), objects that are no JSON, one that holds itself.
    """
    with _sendable():
        return msgspec.json.encode({name: value for name, value in form.items() if value is not None})


def query_text(form: Form) -> str:
    """A form as a query or form-encoded body: `true`, not Python's `True`. Raises as `json_content` does."""
    with _sendable():
        return urlencode({name: _plain(value) for name, value in form.items() if value is not None})


@contextmanager
def _sendable() -> Iterator[None]:
    try:
        yield
    except UnicodeError:
        raise UsageError(
            "An argument holds half of a character (a lone surrogate): no UTF-8 can say it"
        ) from None
    except RecursionError:
        raise UsageError("An argument holds itself, or is nested too deeply to be sent as JSON") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"An argument can't be sent as JSON: {error}") from None


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ",".join(_plain(one) for one in value)
    return str(value)


def _envelope_reader(data: type[T], credential: Credential) -> Callable[[Response], Result[T]]:
    decode = _decoder(data)

    def read(response: Response) -> Result[T]:
        envelope = _refusals.envelope_of(response)
        if envelope.status_code != 200:
            raise _refusals.refusal(envelope, response, of_client=credential == "client")
        try:
            value = _json.read(envelope.data, decode)
        except _json.NotReadable as error:
            raise _refusals.unexpected(response, f"its data is not what was expected: {error}") from None
        return Result(
            status_code=envelope.status_code,
            message=envelope.message,
            data=value,
            request_id=_refusals.request_id(envelope, response),
        )

    return read


def _bare_reader(data: type[T]) -> Callable[[Response], T]:
    decode = _decoder(data)

    def read(response: Response) -> T:
        if not 200 <= response.status < 300:
            raise _refusals.oauth_refusal(response)
        try:
            return _json.read(response.content, decode)
        except _json.NotReadable as error:
            raise _refusals.unexpected(response, f"it is not what was expected: {error}") from None

    return read


def _decoder(data: type[T]) -> Callable[[bytes | msgspec.Raw], T]:
    if data is type(None):
        return lambda _: None
    decoder = msgspec.json.Decoder(data)

    def decode(content: bytes | msgspec.Raw) -> T:
        try:
            return decoder.decode(content)
        except msgspec.ValidationError:
            return msgspec.convert(_with_both_lives(msgspec.json.decode(content)), data)

    return decode


def _with_both_lives(value: Any) -> Any:
    """A token's life under both of its names; the incumbent sends `expire_in` here and `expires_in` there."""
    if isinstance(value, dict):
        for given, missing in (("expire_in", "expires_in"), ("expires_in", "expire_in")):
            if given in value:
                value.setdefault(missing, value[given])
    return value


__all__ = [
    "Credential",
    "Endpoint",
    "Form",
    "Result",
    "UnexpectedAnswer",
    "api",
    "fields",
    "json_content",
    "oauth",
    "query_text",
]
