"""Answers of OAuth's endpoints: its own errors (RFC 6749 §5.2, RFC 6750 §3.1) instead of the envelope.

An action may name OAuth's error itself in `Refused.data["error"]` (`invalid_grant`); otherwise the key decides.
"""

from collections.abc import Mapping

import msgspec

from ostiary.contract.errors import CATALOGUE
from ostiary.contract.instead import Instead
from ostiary.contract.keys import Key
from ostiary.contract.operation import Operation, Who
from ostiary.contract.tokens import OAuthError
from ostiary.server.core.refused import Refused
from ostiary.server.web.answers import Answer, retry_headers

_ERRORS: Mapping[Key, tuple[int, str]] = {
    Key.CLIENT_AUTHENTICATION_FAILED: (401, "invalid_client"),
    Key.APP_NOT_FOUND: (401, "invalid_client"),
    Key.USER_POOL_NOT_FOUND: (401, "invalid_client"),
    Key.APP_NOT_ALLOWED: (400, "unauthorized_client"),
    Key.PARAMETERS_INCOMPLETE: (400, "invalid_request"),
    Key.BAD_REQUEST: (400, "invalid_request"),
    Key.BAD_JSON: (400, "invalid_request"),
    Key.NOT_IMPLEMENTED: (400, "unsupported_grant_type"),
    Key.NOT_LOGGED_IN: (401, "invalid_token"),
    Key.LOGIN_EXPIRED: (401, "invalid_token"),
    Key.LOGIN_INVALID: (401, "invalid_token"),
    Key.USER_LOCKED: (403, "access_denied"),
    Key.BODY_TOO_LARGE: (413, "invalid_request"),
    Key.UNSUPPORTED_MEDIA_TYPE: (415, "invalid_request"),
    Key.THROTTLED: (429, "temporarily_unavailable"),
    Key.INTERNAL: (500, "server_error"),
    Key.UNAVAILABLE: (503, "temporarily_unavailable"),
}
_STATUS: Mapping[str, int] = {
    "invalid_client": 401,
    "invalid_token": 401,
    "insufficient_scope": 403,
    "access_denied": 403,
}
"""HTTP statuses of errors that an action names itself; all others are 400 (RFC 6749 §5.2)."""


def done(data: object) -> Answer:
    """A success: the bare object, or an empty 200 where there is none (RFC 7009 §2.2)."""
    return Answer(b"" if data is None else msgspec.json.encode(data), headers=[(b"pragma", b"no-cache")])


def refused(operation: Operation, refusal: Refused) -> Answer:
    """A refusal in OAuth's form. The description is in English: it is for developers (RFC 6749 §5.2)."""
    status, error = _ERRORS.get(refusal.key, (400, "invalid_grant"))
    facts = refusal.facts() or {}
    if "error" in facts:
        error = str(facts["error"])
        status = _STATUS.get(error, 400)
    description = str(facts.get("error_description") or CATALOGUE[refusal.key].sentence("en-US", facts))
    headers = [(b"pragma", b"no-cache"), *retry_headers(refusal)]
    if status == 401:
        headers.append((b"www-authenticate", _challenge(operation, refusal, error)))
    body = msgspec.json.encode(OAuthError(error=error, error_description=description))
    return Answer(body, status, headers=headers, key=refusal.key.value)


def not_served(instead: Instead) -> Answer:
    """An endpoint that is none: OAuth's form with an error of our own, and the HTTP status that says so."""
    body = msgspec.json.encode(OAuthError(error="not_served", error_description=instead.en))
    return Answer(body, 501, headers=[(b"pragma", b"no-cache")], key=Key.NOT_SERVED.value)


def _challenge(operation: Operation, refusal: Refused, error: str) -> bytes:
    """RFC 6750 §3: a request without any token gets the bare challenge."""
    if operation.who is not Who.USER:
        return b'Basic realm="ostiary"'
    if refusal.key is Key.NOT_LOGGED_IN:
        return b'Bearer realm="ostiary"'
    return f'Bearer realm="ostiary", error="{error}"'.encode()
