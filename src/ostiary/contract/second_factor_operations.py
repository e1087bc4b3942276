"""Rows of the operations table: second factors."""

from ostiary.contract.keys import Key
from ostiary.contract.operation import Kind, Later, Need, Operation, Who
from ostiary.contract.second_factor import (
    EnrollFactor,
    Factor,
    FactorToEnroll,
    GetFactor,
    MfaFactorVerify,
    MfaOtpVerity,
    MfaRecoveryCodeVerify,
    MfaTokenIntrospectEndpointParams,
    MfaTokenIntrospectResponse,
    MfaVerified,
    ResetFactor,
    SendEnrollFactorRequest,
    SendEnrollFactorRequestData,
    SendMfaCode,
)

_GROUP = "Second factors"
_NO_FACE = Later("factorType", served=("OTP", "SMS", "EMAIL"))
_STEP_UP = "The session's last credential check must be younger than `stepUpMaxAge` and, if a factor is enrolled, the session must have used one."
_BOTH_TOKENS = (
    "With the `mfaToken` of a sign-in that was answered with 1635 as bearer, it completes that sign-in: `data` holds its tokens. "
    "With an access token, the session counts as having used a second factor from then on, and `data` holds no tokens."
)

SECOND_FACTORS: tuple[Operation, ...] = (
    Operation(
        name="list_factors_to_enroll",
        method="GET",
        path="/api/v3/list-factors-to-enroll",
        who=Who.USER,
        group=_GROUP,
        summary="List the kinds of second factor that can be enrolled.",
        description="Those that the pool has enabled (`enabledFactors`) and the account has not enrolled yet.",
        data=list[FactorToEnroll],
    ),
    Operation(
        name="list_enrolled_factors",
        method="GET",
        path="/api/v3/list-enrolled-factors",
        who=Who.USER,
        group=_GROUP,
        summary="List the account's second factors.",
        data=list[Factor],
    ),
    Operation(
        name="get_factor",
        method="GET",
        path="/api/v3/get-factor",
        who=Who.USER,
        group=_GROUP,
        summary="Read one of the account's second factors.",
        request=GetFactor,
        data=Factor,
        own_errors=(Key.FACTOR_NOT_FOUND,),
    ),
    Operation(
        name="send_enroll_factor_request",
        method="POST",
        path="/api/v3/send-enroll-factor-request",
        who=Who.USER,
        group=_GROUP,
        summary="Start enrolling a second factor.",
        description="`OTP` returns the QR code for the authenticator app and the recovery code, once; `SMS` and "
        f"`EMAIL` send a code to the number or address in `profile`. {_STEP_UP}",
        request=SendEnrollFactorRequest,
        data=SendEnrollFactorRequestData,
        own_errors=(
            Key.APP_NOT_ALLOWED,
            Key.BAD_CONTACT,
            Key.NUMBER_NOT_SERVED,
            Key.FACTOR_NOT_SERVED,
            Key.REAUTH_REQUIRED,
            Key.FACTOR_ENROLLED,
            Key.SMS_TOO_OFTEN,
            Key.EMAIL_TOO_OFTEN,
            Key.SENDING_PAUSED,
        ),
        needs=(
            Need(("profile.phoneNumber",), when=("factorType", "SMS")),
            Need(("profile.email",), when=("factorType", "EMAIL")),
        ),
        later=(_NO_FACE,),
    ),
    Operation(
        name="enroll_factor",
        method="POST",
        path="/api/v3/enroll-factor",
        who=Who.USER,
        group=_GROUP,
        summary="Finish enrolling a second factor, with the code that it shows or that was sent.",
        description="Every sign-in then asks for it. The other sessions end if the pool says so, and every verified "
        f"contact of the account is notified. A wrong code leaves the token valid. {_STEP_UP}",
        request=EnrollFactor,
        own_errors=(
            Key.APP_NOT_ALLOWED,
            Key.ONE_TIME_TOKEN_INVALID,
            Key.FACTOR_NOT_SERVED,
            Key.REAUTH_REQUIRED,
            Key.FACTOR_ENROLLED,
            Key.GUESSES_SPENT,
            Key.CODE_EXPIRED,
            Key.CODE_WRONG,
            Key.TOTP_WRONG,
        ),
        needs=(Need(("enrollmentData.passCode",)),),
        later=(_NO_FACE, Later("enrollmentData.photo", served=()), Later("enrollmentData.isExternalPhoto")),
    ),
    Operation(
        name="reset_factor",
        method="POST",
        path="/api/v3/reset-factor",
        who=Who.USER,
        group=_GROUP,
        summary="Remove one of the account's second factors.",
        description="The recovery code is removed with the authenticator app. Every verified contact of the account "
        f"is notified, and the other sessions end if the pool says so. {_STEP_UP}",
        request=ResetFactor,
        own_errors=(Key.APP_NOT_ALLOWED, Key.FACTOR_NOT_FOUND, Key.REAUTH_REQUIRED),
    ),
    Operation(
        name="mfa_otp_verify",
        method="POST",
        path="/api/v3/mfa-totp-verify",
        who=Who.USER,
        group=_GROUP,
        summary="Verify the second factor with the authenticator app's code.",
        description=f"Each code works once, and may be at most thirty seconds early or late. {_BOTH_TOKENS}",
        request=MfaOtpVerity,
        data=MfaVerified,
        own_errors=(Key.FACTOR_NOT_FOUND, Key.REAUTH_REQUIRED, Key.GUESSES_SPENT, Key.TOTP_WRONG),
    ),
    Operation(
        name="send_mfa_code",
        method="POST",
        path="/api/v3/send-mfa-code",
        who=Who.USER,
        group=_GROUP,
        summary="Send a code to one of the account's second factors.",
        description="The code goes to the enrolled number or address, so the user need not enter it. `send-sms` with "
        "`CHANNEL_VERIFY_MFA` does the same if the number is known. With an `mfaToken` or an access "
        "token.",
        request=SendMfaCode,
        own_errors=(
            Key.FACTOR_NOT_FOUND,
            Key.BAD_CONTACT,
            Key.NUMBER_NOT_SERVED,
            Key.SMS_TOO_OFTEN,
            Key.EMAIL_TOO_OFTEN,
            Key.SENDING_PAUSED,
        ),
    ),
    Operation(
        name="mfa_factor_verify",
        method="POST",
        path="/api/v3/mfa-factor-verify",
        who=Who.USER,
        group=_GROUP,
        summary="Verify any second factor with its code.",
        description=f"The code that was sent or that the authenticator app shows. {_BOTH_TOKENS}",
        request=MfaFactorVerify,
        data=MfaVerified,
        own_errors=(
            Key.FACTOR_NOT_FOUND,
            Key.REAUTH_REQUIRED,
            Key.GUESSES_SPENT,
            Key.CODE_EXPIRED,
            Key.CODE_WRONG,
            Key.TOTP_WRONG,
        ),
    ),
    Operation(
        name="mfa_recovery_code_verify",
        method="POST",
        path="/api/v3/mfa-recovery-code-verify",
        who=Who.USER,
        group=_GROUP,
        summary="Sign in with the recovery code of a lost authenticator app.",
        description="Works once. It also removes the authenticator app, and every verified contact of the account is "
        f"notified; enroll a new one. {_BOTH_TOKENS}",
        request=MfaRecoveryCodeVerify,
        data=MfaVerified,
        own_errors=(Key.FACTOR_NOT_FOUND, Key.REAUTH_REQUIRED, Key.GUESSES_SPENT, Key.RECOVERY_CODE_WRONG),
    ),
    Operation(
        name="verify_mfa_token",
        method="POST",
        path="/mfa/token/introspection",
        who=Who.ANYONE,
        kind=Kind.OAUTH,
        group=_GROUP,
        summary="Ask whether an mfaToken is valid.",
        description="Form-encoded; the answer has no envelope, and is `active: false` for anything but a valid "
        "`mfaToken`.",
        request=MfaTokenIntrospectEndpointParams,
        data=MfaTokenIntrospectResponse,
    ),
)
