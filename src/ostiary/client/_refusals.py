"""From an answer that says no to the exception that a caller sees.

Which key becomes which class is one table, `FAMILIES`; a test walks the contract's keys, so that a new
reason to refuse cannot be forgotten here.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from ostiary.client import _json, errors
from ostiary.client._core import Response, retry_after
from ostiary.contract.keys import Key

BODY_START = 200
"""Characters of a strange answer that its error shows."""
LONGEST_API_CODE = 9
"""Digits of an apiCode written as text; the contract's have four."""

FAMILIES: Mapping[Key, type[errors.APIError]] = {
    Key.PARAMETERS_INCOMPLETE: errors.ParameterError,
    Key.BAD_REQUEST: errors.ParameterError,
    Key.BAD_JSON: errors.ParameterError,
    Key.NOT_IMPLEMENTED: errors.NotServed,
    Key.NOT_SERVED: errors.NotServed,
    Key.NOT_LOGGED_IN: errors.NotLoggedIn,
    Key.LOGIN_EXPIRED: errors.LoginExpired,
    Key.LOGIN_INVALID: errors.LoginInvalid,
    Key.APP_NOT_ALLOWED: errors.PermissionDenied,
    Key.APP_NOT_FOUND: errors.NotFound,
    Key.USER_POOL_NOT_FOUND: errors.NotFound,
    Key.CLIENT_AUTHENTICATION_FAILED: errors.ClientAuthenticationError,
    Key.ACCESS_KEY_INVALID: errors.ClientAuthenticationError,
    Key.REAUTH_REQUIRED: errors.ReauthenticationRequired,
    Key.USER_NOT_FOUND: errors.NotFound,
    Key.ROLE_NOT_FOUND: errors.NotFound,
    Key.ROLE_TAKEN: errors.Conflict,
    Key.GROUP_NOT_FOUND: errors.NotFound,
    Key.GROUP_TAKEN: errors.Conflict,
    Key.USER_LOCKED: errors.UserLocked,
    Key.WRONG_CREDENTIALS: errors.WrongCredentials,
    Key.USER_EXISTS: errors.UserExists,
    Key.USERNAME_TAKEN: errors.UsernameTaken,
    Key.EMAIL_TAKEN: errors.EmailTaken,
    Key.SIGN_UP_DISABLED: errors.PermissionDenied,
    Key.SIGN_UP_TOO_OFTEN: errors.RateLimited,
    Key.CAPTCHA_REQUIRED: errors.PermissionDenied,
    Key.PASSWORD_NOT_DECRYPTED: errors.ParameterError,
    Key.PASSWORD_TOO_SHORT: errors.ParameterError,
    Key.PASSWORD_COMMON: errors.ParameterError,
    Key.PASSWORD_USED_BEFORE: errors.ParameterError,
    Key.PHONE_BY_OTHER_DOOR: errors.InvalidOperation,
    Key.EMAIL_BY_OTHER_DOOR: errors.InvalidOperation,
    Key.LAST_WAY_IN: errors.InvalidOperation,
    Key.FIELD_NOT_EDITABLE: errors.PermissionDenied,
    Key.OLD_PASSWORD_REQUIRED: errors.ParameterError,
    Key.OLD_PASSWORD_WRONG: errors.WrongCredentials,
    Key.ONE_TIME_TOKEN_INVALID: errors.InvalidOperation,
    Key.BAD_CONTACT: errors.ContactError,
    Key.NUMBER_NOT_SERVED: errors.ContactError,
    Key.SAME_PHONE: errors.SamePhone,
    Key.OLD_PHONE_REQUIRED: errors.OldPhoneRequired,
    Key.OLD_PHONE_MISMATCH: errors.OldPhoneMismatch,
    Key.PHONE_NOT_BOUND: errors.PhoneNotBound,
    Key.PHONE_ALREADY_BOUND: errors.PhoneAlreadyBound,
    Key.PHONE_TAKEN: errors.PhoneTaken,
    Key.SAME_EMAIL: errors.SameEmail,
    Key.OLD_EMAIL_REQUIRED: errors.OldEmailRequired,
    Key.OLD_EMAIL_MISMATCH: errors.OldEmailMismatch,
    Key.EMAIL_NOT_BOUND: errors.EmailNotBound,
    Key.EMAIL_ALREADY_BOUND: errors.EmailAlreadyBound,
    Key.CODE_WRONG: errors.CodeWrong,
    Key.CODE_EXPIRED: errors.CodeExpired,
    Key.GUESSES_SPENT: errors.GuessesSpent,
    Key.UPDATE_TOKEN_INVALID: errors.UpdateTokenError,
    Key.UPDATE_TOKEN_USED: errors.UpdateTokenUsed,
    Key.MFA_REQUIRED: errors.SecondFactorRequired,
    Key.APP_MFA_REQUIRED: errors.SecondFactorRequired,
    Key.TOTP_WRONG: errors.CodeWrong,
    Key.RECOVERY_CODE_WRONG: errors.CodeWrong,
    Key.FACTOR_NOT_FOUND: errors.NotFound,
    Key.FACTOR_ENROLLED: errors.Conflict,
    Key.FACTOR_NOT_SERVED: errors.InvalidOperation,
    Key.DEVICE_NOT_FOUND: errors.NotFound,
    Key.SMS_TOO_OFTEN: errors.RateLimited,
    Key.EMAIL_TOO_OFTEN: errors.RateLimited,
    Key.SENDING_PAUSED: errors.RateLimited,
    Key.NOT_FOUND: errors.NotFound,
    Key.METHOD_NOT_ALLOWED: errors.InvalidOperation,
    Key.BODY_TOO_LARGE: errors.ParameterError,
    Key.UNSUPPORTED_MEDIA_TYPE: errors.ParameterError,
    Key.THROTTLED: errors.RateLimited,
    Key.INTERNAL: errors.ServerError,
    Key.UNAVAILABLE: errors.ServerError,
}

BY_STATUS: Mapping[int, type[errors.APIError]] = {
    400: errors.ParameterError,
    401: errors.NotLoggedIn,
    403: errors.PermissionDenied,
    404: errors.NotFound,
    409: errors.Conflict,
    413: errors.ParameterError,
    415: errors.ParameterError,
    422: errors.InvalidOperation,
    429: errors.RateLimited,
    501: errors.NotServed,
}
"""For an answer without an apiCode, or with one that this version does not know."""


LONGEST_WAIT = 10 * 365 * 86_400
"""Seconds. A number of any size may come, and none of more is a time to wait."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}")
_TELLING = re.compile(r"eyJ|token|secret|password", re.IGNORECASE)
"""What a text that holds credentials looks like."""


class Envelope(msgspec.Struct, rename="camel", frozen=True):
    """The answer's outside; `data` stays bytes until the verdict is known."""

    status_code: int
    message: str = ""
    api_code: int | str | None = None
    request_id: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")


_envelopes = msgspec.json.Decoder(Envelope)


def envelope_of(response: Response) -> Envelope:
    """The envelope, whatever its verdict; `UnexpectedAnswer` where there is none."""
    try:
        return _json.read(response.content, _envelopes.decode)
    except _json.NotReadable:
        raise unexpected(response, "it is not the envelope of this API") from None


def refusal(envelope: Envelope, response: Response, *, of_client: bool = False) -> errors.APIError:
    """The error for an envelope that says no. `of_client`: a bare 401 is about the app, not about a user."""
    data = _plain(envelope.data)
    api_code = _number(envelope.api_code)
    key = keys_by_api_code().get(api_code) if api_code is not None else None
    kind = family(key, envelope.status_code)
    if of_client and key is None and envelope.status_code == 401:
        kind = errors.ClientAuthenticationError
    return kind(
        envelope.message,
        status_code=envelope.status_code,
        api_code=api_code,
        request_id=request_id(envelope, response),
        data=data,
        retry_after=_retry_after(data, response),
        http_status=response.status,
        key=key.value if key else None,
    )


def oauth_refusal(response: Response) -> errors.APIError:
    """The error for an OAuth endpoint's refusal; outside its endpoints the envelope is spoken."""
    body = _plain(response.content)
    if not isinstance(body, dict):
        return unexpected(response, "it is not JSON")
    if "error" not in body or "statusCode" in body:
        return refusal(envelope_of(response), response)
    kind = errors.RateLimited if response.status == 429 else errors.OAuthError
    word, told = (
        body[name] if isinstance(body.get(name), str) else "" for name in ("error", "error_description")
    )
    return kind(
        f"{word or 'no error code'}: {told or 'no description'}",
        status_code=response.status,
        request_id=response.headers.get("x-request-id"),
        data=body,
        retry_after=retry_after(response.headers),
    )


def unexpected(response: Response, why: str) -> errors.UnexpectedAnswer:
    """The error for an answer that is none of this API: HTTP status and the body's start are kept.

    What came may hold somebody's tokens. Of JSON only the names are shown, of a location only the page, and text only
    where it is a page (a proxy's) or an error's, and speaks of no token.
    """
    start = body_start(response.content, is_error=response.status >= 400)
    page = re.split(r"[?#]", response.headers.get("location", ""))[0]
    where = f" (it points to {page})" if page else ""
    error = errors.UnexpectedAnswer(
        f"The server's answer can't be used: {why}{where}. HTTP {response.status}, beginning {start!r}",
        status_code=response.status,
        request_id=response.headers.get("x-request-id"),
        retry_after=retry_after(response.headers),
    )
    error.body_start = start
    return error


def body_start(content: bytes, *, is_error: bool) -> str:
    """The first characters of a body, or what a JSON body is made of."""
    text = content[: BODY_START * 4].decode("utf-8", "replace").lstrip("\ufeff\ufffd\0 \t\r\n")
    try:
        start = _names(_json.read_any(content))
    except _json.NotReadable:
        if text.startswith(("{", "[", '"')):
            return f"(broken JSON, {len(content)} bytes)"
        start = text[:BODY_START]
        is_page = start.startswith("<")
        if not (is_page or (is_error and "{" not in start)) or _TELLING.search(start):
            return f"(text, {len(content)} bytes)" if content else ""
    return start[:BODY_START]


def _names(value: Any, depth: int = 2) -> str:
    """JSON without its values: `{statusCode, data: {access_token}}`."""
    if isinstance(value, dict):
        inner = {
            name if _NAME.fullmatch(name) else "…": _names(one, depth - 1) if depth else ""
            for name, one in value.items()
        }
        return "{" + ", ".join(f"{name}: {one}" if one else name for name, one in inner.items()) + "}"
    if isinstance(value, list):
        return "[…]" if value else "[]"
    return ""


def family(key: Key | None, status_code: int) -> type[errors.APIError]:
    """The class for a reason, or where that is not known, for a status."""
    if key is not None:
        return FAMILIES[key]
    if status_code in BY_STATUS:
        return BY_STATUS[status_code]
    return errors.ServerError if 500 <= status_code < 600 else errors.APIError


@cache
def keys_by_api_code() -> Mapping[int, Key]:
    """The catalogue, looked up by number. Loaded at the first refusal: most programs see none at start."""
    from ostiary.contract.errors import CATALOGUE

    return {row.api_code: key for key, row in CATALOGUE.items() if row.api_code is not None}


def request_id(envelope: Envelope, response: Response) -> str | None:
    """The envelope's own, else the header's."""
    return envelope.request_id or response.headers.get("x-request-id")


def _retry_after(data: Any, response: Response) -> float | None:
    told = data.get("retryAfter") if isinstance(data, dict) else None
    if isinstance(told, int | float) and not isinstance(told, bool) and abs(told) < LONGEST_WAIT:
        return float(told)
    return retry_after(response.headers)


def _number(api_code: int | str | None) -> int | None:
    """The older API wrote it as text."""
    if isinstance(api_code, str):
        is_number = api_code.isascii() and api_code.isdigit() and len(api_code) <= LONGEST_API_CODE
        return int(api_code) if is_number else None
    return api_code or None  # some servers write 0 for "none"


def _plain(content: bytes | msgspec.Raw) -> Any:
    try:
        return _json.read_any(content)
    except _json.NotReadable:
        return None
