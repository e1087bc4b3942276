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
    """Everything that the SDK raises."""


class UsageError(OstiaryError, ValueError):
    """The call cannot be made like this: an argument is missing, or two contradict each other."""


class TokenNotValid(OstiaryError):
    """A token checked on this machine is not good: signature, issuer, audience or time."""


class APIConnectionError(OstiaryError):
    """No usable answer came. Whether the server did what was asked is told by `request_sent`."""

    request_sent: bool | None
    """False: the request certainly never reached the server, so nothing was done. None: not known."""

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
    """The server said no.

    `str(error)` is the server's sentence with the numbers that support staff will ask for.
    """

    message: str
    """The server's sentence, in the language asked for (`lang`)."""
    status_code: int
    """The envelope's `statusCode`; the HTTP status where there was no envelope."""
    api_code: int | None
    """The envelope's `apiCode`: the exact reason, where there is one."""
    request_id: str | None
    """What the server's log calls this request."""
    data: Any
    """The answer's `data` as plain Python, or None."""
    retry_after: float | None
    """Seconds after which the same call may succeed, where the server says so."""
    http_status: int
    """The HTTP status; 200 for most refusals, because the envelope carries the verdict."""
    key: str | None
    """The contract's name of the reason (`"phone_taken"`), where the number has exactly one."""

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
    """A documented option or operation that this server does not serve (501)."""

    @property
    def field(self) -> str | None:
        """The option's name on the wire."""
        return self._text("field")


# --- the caller -----------------------------------------------------------------------------------
class NotLoggedIn(APIError):
    """No access token that is good came with the call (2020)."""


class LoginExpired(NotLoggedIn):
    """The token or its session has ended (2206): refresh it or sign in again."""


class LoginInvalid(NotLoggedIn):
    """The token is not one of this pool or app (2207)."""


class ReauthenticationRequired(APIError):
    """The session is too old for this: sign in again, then repeat the call."""

    @property
    def methods(self) -> list[str]:
        """Ways to prove oneself that the server takes here."""
        return list(self._of_data("methods") or ())


class SecondFactorRequired(NotLoggedIn):
    """The first step of a sign-in was right, and the account has a second factor (1635, 1636).

    A client with `mfa_token` as its access token finishes: `mfa_otp_verify`, `mfa_factor_verify`,
    `mfa_recovery_code_verify`.
    """

    @property
    def mfa_token(self) -> str:
        """Opens the verification of the second factor, for 360 seconds, and nothing else."""
        return self._text("mfaToken") or ""

    @property
    def factors(self) -> list[dict[str, Any]]:
        """Which factors there are: `factorId`, `factorType`, and their number or address, masked."""
        return list(self._of_data("factors") or ())


class ClientAuthenticationError(APIError):
    """The app's secret, or the management access key, is missing, wrong, or sent in the wrong form."""


class PermissionDenied(APIError):
    """The caller is known and may not do this."""


class NotFound(APIError):
    """What the call is about does not exist: user, app, pool, path."""


class InvalidOperation(APIError):
    """Well-formed, and against a rule: the last way to sign in, a phone by the wrong door."""


class WrongCredentials(APIError):
    """User or password is wrong (2333); which of the two is not told."""


class UserLocked(PermissionDenied):
    """The account is locked or suspended (2005)."""


# --- numbers and codes ----------------------------------------------------------------------------
class VerificationCodeError(APIError):
    """A code was not accepted."""


class CodeWrong(VerificationCodeError):
    """A code was wrong (2001); of two codes, which one is not told. One guess is spent."""


class CodeExpired(VerificationCodeError):
    """There is no live code to compare with (2300): never asked for, used, or too old. Ask for a new one."""


class GuessesSpent(VerificationCodeError):
    """No guesses are left for now; `retry_after` says when the oldest leaves the window."""


class ContactError(APIError):
    """The phone number or e-mail address cannot be used: malformed, not served, not the account's."""


class SamePhone(ContactError):
    """The new number is the account's number already (2230)."""


class OldPhoneRequired(ContactError):
    """The pool wants the old number proven too: give `oldPhoneNumber` and `oldPhonePassCode`."""


class OldPhoneMismatch(ContactError):
    """The old number given is not, or no longer, the account's (2038)."""


class PhoneNotBound(ContactError):
    """The account has no phone number."""


class PhoneAlreadyBound(ContactError):
    """The account has a phone number; change it instead of binding one."""


class SameEmail(ContactError):
    """The new address is the account's address already (2229)."""


class OldEmailRequired(ContactError):
    """The pool wants the old address proven too: give `oldEmail` and `oldEmailPassCode` (2227)."""


class OldEmailMismatch(ContactError):
    """The old address given is not, or no longer, the account's (2037)."""


class EmailNotBound(ContactError):
    """The account has no e-mail address (2219)."""


class EmailAlreadyBound(ContactError):
    """The account has an e-mail address; change it instead of binding one."""


class Conflict(APIError):
    """A value that must be unique belongs to somebody else."""


class PhoneTaken(Conflict):
    """The number belongs to another account (2035); told only to who proved the number."""


class EmailTaken(Conflict):
    """The address belongs to another account."""


class UsernameTaken(Conflict):
    """The username belongs to another account."""


class UserExists(Conflict):
    """There is such an account already."""


class UpdateTokenError(APIError):
    """The one-time token of `update_phone` is unknown, expired or spent: begin again with the codes."""


class UpdateTokenUsed(UpdateTokenError):
    """This very token moved the number already (`data["success"]` is true): a repeat after a lost answer."""


# --- too much, too broken -------------------------------------------------------------------------
class RateLimited(APIError):
    """Too often; `retry_after` seconds until the same call may succeed, where the server says so."""


class ServerError(APIError):
    """The server failed (5xx). What a call that changes something did is then not known."""


class OAuthError(APIError):
    """An OAuth endpoint's refusal (RFC 6749 §5.2)."""

    @property
    def error(self) -> str:
        """OAuth's word for it: `invalid_grant`, `invalid_client`."""
        return self._text("error") or ""

    @property
    def error_description(self) -> str:
        """The endpoint's sentence about it."""
        return self._text("error_description") or ""


class UnexpectedAnswer(APIError):
    """What came is no answer of this API: a proxy's page, another service, a broken body."""

    body_start: str = ""
    """The first 200 characters of what came; of JSON only its names, for its values may be credentials."""
