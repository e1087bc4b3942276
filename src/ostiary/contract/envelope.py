"""The bytes of an answer of `/api/v3`: `{statusCode, message, requestId, apiCode?, data?}`.

`apiCode` stands only in a failure. `data` stands wherever there is some, in failures too (`data.field`,
`data.retryAfter`). Success ⇔ `statusCode` is 200. Encoding a profile takes a few microseconds.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from ostiary.contract.errors import CATALOGUE, SUCCESS, Lang
from ostiary.contract.keys import Key


class Envelope(msgspec.Struct, rename="camel", kw_only=True, frozen=True, omit_defaults=True):
    """What surrounds every answer."""

    status_code: int
    message: str
    api_code: int | None = None
    request_id: str
    data: Any = None


_ENCODE = msgspec.json.Encoder().encode


def ok(data: msgspec.Struct | Mapping[str, Any] | None, message: str, request_id: str) -> bytes:
    """A success. `message` is `done(lang)` unless an operation has more to say."""
    return _ENCODE(Envelope(status_code=200, message=message, request_id=request_id, data=data))


def done(lang: Lang) -> str:
    """The message of a success."""
    return SUCCESS[lang]


def no(
    key: Key, lang: Lang, request_id: str, data: Mapping[str, Any] | None = None, sentence: str | None = None
) -> bytes:
    """A refusal, with the facts that the caller may know. `sentence`: one that says more than the catalogue's."""
    row = CATALOGUE[key]
    return _ENCODE(
        Envelope(
            status_code=row.status_code,
            message=sentence or row.sentence(lang, data),
            api_code=row.api_code,
            request_id=request_id,
            data=data or None,
        )
    )


def http_status(key: Key) -> int:
    """The HTTP status that goes with a refusal: 200 wherever an operation answered."""
    return CATALOGUE[key].http_status
