"""Every way a call of the SDK can fail, as one tree.

::

    OstiaryError
    ├─ APIConnectionError            no usable answer came
    │  ├─ APITimeoutError            … within `timeout`
    │  └─ CertificateRefused         … because the server's TLS certificate is not trusted
    ├─ UsageError                    the call cannot be made like this (also a ValueError)
    ├─ TokenNotValid                 a token checked on this machine is not good
    └─ APIError                      the server said no
       ├─ ParameterError             a field is missing or wrong: `.field`
       ├─ NotServed                  a documented option that this server does not serve (501): `.field`
       ├─ NotLoggedIn                ├─ LoginExpired  └─ LoginInvalid
       │  └─ SecondFactorRequired    one step is left: `.mfa_token`, `.factors`
       ├─ ReauthenticationRequired   sign in again first: `.methods`
       ├─ ClientAuthenticationError  app secret or access key
       ├─ PermissionDenied · NotFound · InvalidOperation
       ├─ WrongCredentials · UserLocked
       ├─ VerificationCodeError      ├─ CodeWrong  ├─ CodeExpired  └─ GuessesSpent
       ├─ ContactError               the number or address itself: SamePhone, OldPhoneRequired, …
       ├─ Conflict                   ├─ PhoneTaken  ├─ EmailTaken  ├─ UsernameTaken  └─ UserExists
       ├─ UpdateTokenError           └─ UpdateTokenUsed
       ├─ RateLimited                `.retry_after` seconds
       ├─ ServerError                5xx
       ├─ OAuthError                 `.error`, `.error_description` (RFC 6749 §5.2)
       └─ UnexpectedAnswer           not an answer of this API: `.http_status`, `.body_start`

Which answer becomes which class stands in ``_families``, by the contract's keys.
"""

from typing import Any


class OstiaryError(Exception):
    """Base of everything that the SDK raises."""


class UsageError(OstiaryError, ValueError):
    """The call cannot be made: an argument is missing, or two contradict each other."""


class TokenNotValid(OstiaryError):
    """A token that was verified locally is not valid: signature, issuer, audience or time."""


class APIConnectionError(OstiaryError):
    """No usable answer was received. `request_sent` says whether the server may have acted on the request."""

    request_sent: bool | None
    """False: the request never reached the server, so nothing was done. None: unknown."""

    def __init__(self, message: str, request_sent: bool | None = None) -> None:  # noqa: FBT001 - an exception is unpickled by position
        super().__init__(message, request_sent)
        self.request_sent = request_sent

    def __str__(self) -> str:
        return str(self.args[0])


class APITimeoutError(APIConnectionError):
    """No answer within `timeout` seconds."""


class CertificateRefused(APIConnectionError):
    """The server's TLS certificate is not trusted; nothing was sent."""


class APIError(OstiaryError):
    """The server refused the call.

    `str(error)` is the server's message, with the numbers that support staff will ask for.
    """

    message: str
    """The server's message, in the requested language (`lang`)."""
    status_code: int
    """The envelope's `statusCode`; the HTTP status if there was no envelope."""
    api_code: int | None
    """The envelope's `apiCode`: the exact reason, if there is one."""
    request_id: str | None
    """The ID of this request in the server's log."""
    data: Any
    """The answer's `data` as plain Python, or None."""
    retry_after: float | None
    """Seconds after which the same call may succeed, if the server says so."""
    http_status: int
    """The HTTP status; 200 for most refusals, because the envelope carries the result."""
    key: str | None
    """The contract's name for the reason (`"phone_taken"`), if the number has exactly one."""

    def __init__(
        self,
        message: str = "",
        *,
        status_code: int = 0,
        api_code: int | None = None,
        request_id: str | None = None,
        data: Any = None,
        retry_after: float | None = None,
        http_status: int = 0,
        key: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.api_code = api_code
        self.request_id = request_id
        self.data = data
        self.retry_after = retry_after
        self.http_status = http_status or status_code
        self.key = key

    def __str__(self) -> str:
        numbers = f"statusCode {self.status_code}"
        if self.api_code is not None:
            numbers += f", apiCode {self.api_code}"
        if self.request_id:
            numbers += f", request {self.request_id}"
        return f"{self.message or 'The server gave no reason'} ({numbers})"

    def _of_data(self, name: str) -> Any:
        return self.data.get(name) if isinstance(self.data, dict) else None

    def _text(self, name: str) -> str | None:
        value = self._of_data(name)
        return value if isinstance(value, str) else None


# --- the form -------------------------------------------------------------------------------------
class ParameterError(APIError):
    """A field is missing (apiCode 2231), or has the wrong type or value (400)."""

    @property
    def field(self) -> str | None:
        """The field's name on the wire, `newPhonePassCode`."""
        return self._text("field")


class NotServed(APIError):
    """A documented option or operation that this server does not support (501)."""

    @property
    def field(self) -> str | None:
        """The option's name on the wire."""
        return self._text("field")


# --- the caller -----------------------------------------------------------------------------------
class NotLoggedIn(APIError):
    """The call had no valid access token (2020)."""


class LoginExpired(NotLoggedIn):
    """The token or its session has ended (2206): refresh it or sign in again."""


class LoginInvalid(NotLoggedIn):
    """The token does not belong to this pool or app (2207)."""


class ReauthenticationRequired(APIError):
    """The session is too old for this: sign in again, then repeat the call."""

    @property
    def methods(self) -> list[str]:
        """The credential checks that the server accepts here."""
        return list(self._of_data("methods") or ())


class SecondFactorRequired(NotLoggedIn):
    """The first step of a sign-in was right, and the account has a second factor (1635, 1636).

    To finish, use a client with `mfa_token` as its access token: `mfa_otp_verify`, `mfa_factor_verify`,
    `mfa_recovery_code_verify`.
    """

    @property
    def mfa_token(self) -> str:
        """Allows verifying the second factor for 360 seconds, and nothing else."""
        return self._text("mfaToken") or ""

    @property
    def factors(self) -> list[dict[str, Any]]:
        """The available factors: `factorId`, `factorType`, and their number or address, masked."""
        return list(self._of_data("factors") or ())


class ClientAuthenticationError(APIError):
    """The app's secret, or the management access key, is missing, wrong, or sent in the wrong form."""


class PermissionDenied(APIError):
    """The caller is authenticated but not allowed to do this."""


class NotFound(APIError):
    """The user, app, pool or path does not exist."""


class InvalidOperation(APIError):
    """Well-formed, but against a rule: for example, removing the last way to sign in."""


class WrongCredentials(APIError):
    """The user or the password is wrong (2333); the answer does not say which."""


class UserLocked(PermissionDenied):
    """The account is disabled: its status is not `Activated` (2005)."""


# --- numbers and codes ----------------------------------------------------------------------------
class VerificationCodeError(APIError):
    """A code was not accepted."""


class CodeWrong(VerificationCodeError):
    """A code was wrong (2001); of two codes, the answer does not say which. Counts as a wrong guess."""


class CodeExpired(VerificationCodeError):
    """There is no valid code to compare with (2300): never requested, used or expired. Request a new one."""


class GuessesSpent(VerificationCodeError):
    """No guesses are left for now; `retry_after` says when the next one is allowed."""


class ContactError(APIError):
    """The phone number or e-mail address cannot be used: malformed, not supported, or not the account's."""


class SamePhone(ContactError):
    """The new number is already the account's number (2230)."""


class OldPhoneRequired(ContactError):
    """The pool requires the old number to be verified too: supply `oldPhoneNumber` and `oldPhonePassCode`."""


class OldPhoneMismatch(ContactError):
    """The given old number is not, or no longer, the account's number (2038)."""


class PhoneNotBound(ContactError):
    """The account has no phone number."""


class PhoneAlreadyBound(ContactError):
    """The account already has a phone number; change it instead of binding one."""


class SameEmail(ContactError):
    """The new address is already the account's address (2229)."""


class OldEmailRequired(ContactError):
    """The pool requires the old address to be verified too: supply `oldEmail` and `oldEmailPassCode` (2227)."""


class OldEmailMismatch(ContactError):
    """The given old address is not, or no longer, the account's address (2037)."""


class EmailNotBound(ContactError):
    """The account has no e-mail address (2219)."""


class EmailAlreadyBound(ContactError):
    """The account already has an e-mail address; change it instead of binding one."""


class Conflict(APIError):
    """A value that must be unique is already in use."""


class PhoneTaken(Conflict):
    """The number belongs to another account (2035); only returned if its code was right."""


class EmailTaken(Conflict):
    """The address belongs to another account."""


class UsernameTaken(Conflict):
    """The username belongs to another account."""


class UserExists(Conflict):
    """The account already exists."""


class UpdateTokenError(APIError):
    """The one-time token of `update_phone` is unknown, expired or used: start again with the codes."""


class UpdateTokenUsed(UpdateTokenError):
    """This token has already changed the number (`data["success"]` is true): a retry after a lost answer."""


# --- too much, too broken -------------------------------------------------------------------------
class RateLimited(APIError):
    """Too many requests; after `retry_after` seconds, if given, the same call may succeed."""


class ServerError(APIError):
    """The server failed (5xx). It is unknown whether a call that changes something took effect."""


class OAuthError(APIError):
    """An OAuth endpoint's refusal (RFC 6749 §5.2)."""

    @property
    def error(self) -> str:
        """OAuth's error code: `invalid_grant`, `invalid_client`."""
        return self._text("error") or ""

    @property
    def error_description(self) -> str:
        """The endpoint's description of the error."""
        return self._text("error_description") or ""


class UnexpectedAnswer(APIError):
    """The answer is not one of this API: a proxy's page, another service, a broken body."""

    body_start: str = ""
    """The first 200 characters of the answer; for JSON only its names, because its values may be credentials."""
