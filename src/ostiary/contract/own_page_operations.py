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
        description="What is absent stays as it is. Number, address, password, status and verified flags have doors "
        "of their own and are refused here. `customData` is merged by its members: one that is null goes.",
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
        summary="Read what protects the signed-in user's account.",
        description="The score is a sum of what is there: docs/own-page.md.",
        data=GetSecurityInfo,
    ),
    Operation(
        name="update_password",
        method="POST",
        path="/api/v3/update-password",
        who=Who.USER,
        group="User profile",
        summary="Change the signed-in user's password.",
        description="The old one is wanted where there is one; an account without one must have signed in within "
        "`stepUpMaxAge`. A wrong old password costs a guess, as a wrong code does. `passwordEncryptType` is about "
        "both. Every verified contact is told, and the other sessions end where the pool says so.",
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
        summary="Prove the account's number or address, and receive a one-time token for a new password.",
        description="Nobody is signed in. Step two of three: `send_sms` or `send_email` with "
        "`CHANNEL_RESET_PASSWORD` comes before it, `reset_password` after it. To a number or address without an "
        "account no code goes, and all else looks the same. `tokenExpiresIn` is in seconds.",
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
        summary="Spend the token: the account has a new password.",
        description="Step three of three. A password that can't be taken leaves the token as it is. Afterwards every "
        "session of the account is over, and every verified contact is told.",
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
        summary="Prove that it is the owner who wants the account gone, and receive a one-time token.",
        description="With a code that was sent to the account's number or address with `CHANNEL_DELETE_ACCOUNT`; "
        "with the password only where neither is proven. Where a second factor is enrolled, it must have been used "
        "in the session. `tokenExpiresIn` is in seconds.",
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
        summary="Spend the token: the account is gone.",
        description="Its data is erased, number, address and names are free, sessions and refresh tokens are dead. "
        "The audit log keeps keyed hashes and the user's id, which is never given again. Whoever held the number or "
        "the address is told.",
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
        description="All that have telephone numbers, by their two letters; which of them codes go to is the pool's "
        "`allowedCountries`.",
        data=list[CountryDetailInfo],
    ),
)
