"""Rows of the operations table: the signed-in user's own page, a forgotten password, and the list of countries."""

from ostiary.contract.common import IsSuccess
from ostiary.contract.keys import Key
from ostiary.contract.operation import Later, Need, Operation, Who
from ostiary.contract.own_page import (
    CountryDetailInfo,
    DeleteAccount,
    GetSecurityInfo,
    ResetPassword,
    ResetPasswordVerify,
    UpdatePassword,
    UpdateUserProfile,
    VerifyDeleteAccountRequest,
    VerifyDeleteAccountRequestData,
    VerifyResetPasswordRequest,
)
from ostiary.contract.profile import User

OWN_PAGE: tuple[Operation, ...] = (
    Operation(
        name="update_profile",
        method="POST",
        path="/api/v3/update-profile",
        who=Who.USER,
        group="User profile",
        summary="Change the signed-in user's profile.",
        description="Absent fields stay as they are. Phone number, e-mail address, password, status and verified "
        "flags have their own operations and are refused here. Members of `customData` are merged: null "
        "removes one.",
        request=UpdateUserProfile,
        data=User,
        own_errors=(
            Key.APP_NOT_ALLOWED,
            Key.PHONE_BY_OTHER_DOOR,
            Key.EMAIL_BY_OTHER_DOOR,
            Key.FIELD_NOT_EDITABLE,
            Key.USERNAME_TAKEN,
        ),
    ),
    Operation(
        name="get_security_level",
        method="GET",
        path="/api/v3/get-security-info",
        who=Who.USER,
        group="User profile",
        summary="Read how well the signed-in user's account is protected.",
        description="How the score is calculated: docs/own-page.md.",
        data=GetSecurityInfo,
    ),
    Operation(
        name="update_password",
        method="POST",
        path="/api/v3/update-password",
        who=Who.USER,
        group="User profile",
        summary="Change the signed-in user's password.",
        description="The old password is required if there is one; otherwise the user must have signed in within "
        "`stepUpMaxAge`. A wrong old password counts as a wrong guess, like a wrong code. "
        "`passwordEncryptType` applies to both passwords. Every verified contact is notified, and the "
        "other sessions end if the pool says so.",
        request=UpdatePassword,
        own_errors=(
            Key.APP_NOT_ALLOWED,
            Key.OLD_PASSWORD_REQUIRED,
            Key.REAUTH_REQUIRED,
            Key.GUESSES_SPENT,
            Key.OLD_PASSWORD_WRONG,
            Key.PASSWORD_NOT_DECRYPTED,
            Key.PASSWORD_TOO_SHORT,
            Key.PASSWORD_COMMON,
            Key.PASSWORD_USED_BEFORE,
        ),
        later=(Later("passwordResetToken", served=()),),
    ),
    Operation(
        name="verify_reset_password_request",
        method="POST",
        path="/api/v3/verify-reset-password-request",
        who=Who.ANYONE,
        group="User profile",
        summary="Verify the account's number or address and receive a one-time token for a new password.",
        description="No sign-in is needed. Step two of three, between `send_sms` or `send_email` with "
        "`CHANNEL_RESET_PASSWORD` and `reset_password`. No code is sent to a number or address without "
        "an account, though the answer looks the same. `tokenExpiresIn` is in seconds.",
        request=VerifyResetPasswordRequest,
        data=ResetPasswordVerify,
        own_errors=(
            Key.BAD_CONTACT,
            Key.GUESSES_SPENT,
            Key.CODE_EXPIRED,
            Key.CODE_WRONG,
            Key.USER_NOT_FOUND,
            Key.USER_LOCKED,
        ),
        needs=(
            Need(("phonePassCodePayload",), when=("verifyMethod", "PHONE_PASSCODE")),
            Need(("emailPassCodePayload",), when=("verifyMethod", "EMAIL_PASSCODE")),
            Need(("emailPassCodePayload.email",), when=("verifyMethod", "EMAIL_PASSCODE")),
        ),
    ),
    Operation(
        name="reset_password",
        method="POST",
        path="/api/v3/reset-password",
        who=Who.ANYONE,
        group="User profile",
        summary="Use the token: the account gets a new password.",
        description="Step three of three. If the new password is refused, the token stays valid. Afterwards all "
        "sessions of the account end, and every verified contact is notified.",
        request=ResetPassword,
        data=IsSuccess,
        own_errors=(
            Key.ONE_TIME_TOKEN_INVALID,
            Key.PASSWORD_NOT_DECRYPTED,
            Key.PASSWORD_TOO_SHORT,
            Key.PASSWORD_COMMON,
            Key.PASSWORD_USED_BEFORE,
            Key.USER_LOCKED,
        ),
    ),
    Operation(
        name="verify_delete_account_request",
        method="POST",
        path="/api/v3/verify-delete-account-request",
        who=Who.USER,
        group="User profile",
        summary="Confirm that the owner wants to delete the account, and receive a one-time token.",
        description="With a code sent to the account's number or address with `CHANNEL_DELETE_ACCOUNT`; with the "
        "password only if neither is verified. If a second factor is enrolled, it must have been used in "
        "the session. `tokenExpiresIn` is in seconds.",
        request=VerifyDeleteAccountRequest,
        data=VerifyDeleteAccountRequestData,
        own_errors=(
            Key.APP_NOT_ALLOWED,
            Key.BAD_CONTACT,
            Key.REAUTH_REQUIRED,
            Key.PHONE_NOT_BOUND,
            Key.OLD_PHONE_MISMATCH,
            Key.EMAIL_NOT_BOUND,
            Key.OLD_EMAIL_MISMATCH,
            Key.GUESSES_SPENT,
            Key.CODE_EXPIRED,
            Key.CODE_WRONG,
            Key.OLD_PASSWORD_WRONG,
        ),
        needs=(
            Need(("phonePassCodePayload",), when=("verifyMethod", "PHONE_PASSCODE")),
            Need(("emailPassCodePayload",), when=("verifyMethod", "EMAIL_PASSCODE")),
            Need(("passwordPayload",), when=("verifyMethod", "PASSWORD")),
        ),
    ),
    Operation(
        name="delete_account",
        method="POST",
        path="/api/v3/delete-account",
        who=Who.USER,
        group="User profile",
        summary="Use the token: the account is deleted.",
        description="Its data is erased, its number, address and names become free, its sessions and refresh tokens "
        "end. The audit trail keeps keyed hashes and the user's ID, which is never reused. Whoever held "
        "the number or address is notified.",
        request=DeleteAccount,
        data=IsSuccess,
        own_errors=(Key.APP_NOT_ALLOWED, Key.ONE_TIME_TOKEN_INVALID),
    ),
    Operation(
        name="get_country_list",
        method="GET",
        path="/api/v3/get-country-list",
        who=Who.ANYONE,
        group="Public information",
        summary="List countries with their calling codes, flags and names.",
        description="All countries and regions that have phone numbers, sorted by their two-letter code; the pool's "
        "`allowedCountries` says where codes may be sent.",
        data=list[CountryDetailInfo],
    ),
)
