"""Second factors: enrolling, listing and removing them, and proving one."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from ostiary.contract.common import (
    CountryText,
    Handle,
    PhoneText,
    PlainWire,
    RequiredCode,
    RequiredHandle,
    RequiredToken,
    Text,
    Token,
    Wire,
)

FactorType = Literal["OTP", "SMS", "EMAIL", "FACE"]
RecoveryCode = Annotated[str, Meta(min_length=1, max_length=128, examples=["b471-8ec0-874a-087f-bccb-cd54"])]


class FactorProfile(Wire, kw_only=True, frozen=True):
    """Where a factor's codes go; empty for an authenticator app."""

    phone_number: PhoneText | None = None
    phone_country_code: CountryText | None = None
    email: Handle | None = None


class SendEnrollFactorRequest(Wire, kw_only=True, frozen=True):
    """The factor to enroll. `profile` holds the number or address, and is `{}` for `OTP`."""

    profile: FactorProfile
    factor_type: FactorType


class SendEnrollFactorRequestOtpData(Wire, kw_only=True, frozen=True):
    """For the authenticator app, and to be kept in a safe place. Shown once."""

    qr_code_uri: str
    """The `otpauth` link that the QR code contains."""
    qr_code_data_url: str
    """The QR code as a PNG in a `data:` URL."""
    recovery_code: str
    """Six groups of four hexadecimal digits: allows signing in once if the app is lost. Valid once enrollment is complete."""


class SendEnrollFactorRequestData(Wire, kw_only=True, frozen=True):
    """What is needed to continue the enrollment."""

    enrollment_token: str
    """Valid for one minute and one enrollment, in this session."""
    otp_data: SendEnrollFactorRequestOtpData | None = None


class EnrollFactorEnrollmentData(Wire, kw_only=True, frozen=True):
    """Proof that the factor works: the code that it shows or that was sent."""

    pass_code: RequiredCode | None = None
    photo: Text | None = None
    is_external_photo: bool | None = None


class EnrollFactor(Wire, kw_only=True, frozen=True):
    """The second step of an enrollment."""

    enrollment_data: EnrollFactorEnrollmentData
    enrollment_token: RequiredToken
    factor_type: FactorType


class ResetFactor(Wire, kw_only=True, frozen=True):
    """The factor to remove."""

    factor_id: RequiredHandle


class GetFactor(Wire, kw_only=True, frozen=True):
    """The factor to read."""

    factor_id: RequiredHandle


class Factor(Wire, kw_only=True, frozen=True):
    """An enrolled factor."""

    factor_id: str
    factor_type: FactorType
    profile: dict[str, Any]
    """`phoneNumber` and `phoneCountryCode`, or `email`; empty for an authenticator app."""


class FactorToEnroll(Wire, kw_only=True, frozen=True):
    """A kind of factor that can be enrolled."""

    factor_type: FactorType


class MfaOtpVerity(Wire, kw_only=True, frozen=True):
    """The code that the authenticator app shows."""

    totp: RequiredCode


class SendMfaCode(Wire, kw_only=True, frozen=True):
    """The factor to whose number or address the code is sent."""

    factor_id: RequiredHandle


class MfaFactorVerify(Wire, kw_only=True, frozen=True):
    """A factor and its code."""

    factor_id: RequiredHandle
    pass_code: RequiredCode


class MfaRecoveryCodeVerify(Wire, kw_only=True, frozen=True):
    """The recovery code; spaces, dashes and case do not matter."""

    recovery_code: RecoveryCode


class MfaVerified(PlainWire, kw_only=True, frozen=True):
    """The factor was verified. Called with an `mfaToken`, this completes the sign-in and returns the tokens.

    The names are those of `signin`'s answer.
    """

    verified: bool
    scope: str | None = None
    access_token: str | None = None
    id_token: str | None = None
    refresh_token: str | None = None
    token_type: str | None = None
    expire_in: int | None = None
    """Seconds."""
    expires_in: int | None = None
    """The same number of seconds."""


class MfaTokenIntrospectEndpointParams(Wire, kw_only=True, frozen=True):
    """The token to check. Default: the one in the header `authorization`."""

    token: Token | None = None


class MfaTokenIntrospectResponse(Wire, kw_only=True, frozen=True):
    """Whether an `mfaToken` is valid, and whose it is."""

    active: bool
    user_pool_id: str | None = None
    user_id: str | None = None
    exp: int | None = None
    """Seconds since 1970."""
    iat: int | None = None
    """Seconds since 1970."""
