"""Rows of the operations table: the signed-in user's e-mail address."""

from ostiary.contract.common import IsSuccess
from ostiary.contract.email_change import (
    BindEmail,
    UnbindEmail,
    UpdateEmail,
    VerifyUpdateEmailRequest,
    VerifyUpdateEmailRequestData,
)
from ostiary.contract.keys import Key
from ostiary.contract.operation import Operation, Who

EMAIL: tuple[Operation, ...] = (
    Operation(
        name="verify_update_email_request",
        method="POST",
        path="/api/v3/verify-update-email-request",
        who=Who.USER,
        group="User profile",
        summary="Verify the new e-mail address and receive a one-time token.",
        description="Step two of three, between `send_email` (with `CHANNEL_UPDATE_EMAIL` to the new address, and to "
        "the old one) and `update_email`. If the pool verifies the old address and the account has one, "
        "the old pair is required. Without an old pair, the session's last credential check must be "
        "younger than `stepUpMaxAge`. `tokenExpiresIn` is in seconds. A newer token replaces an earlier "
        "one.",
        request=VerifyUpdateEmailRequest,
        data=VerifyUpdateEmailRequestData,
        own_errors=(
            Key.APP_NOT_ALLOWED,
            Key.BAD_CONTACT,
            Key.SAME_EMAIL,
            Key.OLD_EMAIL_REQUIRED,
            Key.REAUTH_REQUIRED,
            Key.OLD_EMAIL_MISMATCH,
            Key.GUESSES_SPENT,
            Key.CODE_EXPIRED,
            Key.CODE_WRONG,
            Key.EMAIL_TAKEN,
        ),
    ),
    Operation(
        name="update_email",
        method="POST",
        path="/api/v3/update-email",
        who=Who.USER,
        group="User profile",
        summary="Use the token: the account's address becomes the new one.",
        description="Step three of three. A valid token is used up even if the change is refused; a token of another "
        "session is left to its owner. Afterwards the old address, the new one and a verified phone number are "
        "notified, and the other sessions end if the pool says so.",
        request=UpdateEmail,
        data=IsSuccess,
        own_errors=(
            Key.APP_NOT_ALLOWED,
            Key.UPDATE_TOKEN_USED,
            Key.UPDATE_TOKEN_INVALID,
            Key.OLD_EMAIL_MISMATCH,
            Key.EMAIL_TAKEN,
        ),
    ),
    Operation(
        name="bind_email",
        method="POST",
        path="/api/v3/bind-email",
        who=Who.USER,
        group="User profile",
        summary="Add an e-mail address to an account that has none.",
        description="The code must have been sent with `CHANNEL_BIND_EMAIL` while signed in.",
        request=BindEmail,
        own_errors=(
            Key.APP_NOT_ALLOWED,
            Key.BAD_CONTACT,
            Key.EMAIL_ALREADY_BOUND,
            Key.REAUTH_REQUIRED,
            Key.GUESSES_SPENT,
            Key.CODE_EXPIRED,
            Key.CODE_WRONG,
            Key.EMAIL_TAKEN,
        ),
    ),
    Operation(
        name="unbind_email",
        method="POST",
        path="/api/v3/unbind-email",
        who=Who.USER,
        group="User profile",
        summary="Remove the e-mail address from the account.",
        description="The code must have been sent to the address with `CHANNEL_UNBIND_EMAIL`. Another way to sign in "
        "must remain: a password with a user name or a phone number, a verified phone number, or a "
        "linked identity.",
        request=UnbindEmail,
        own_errors=(
            Key.APP_NOT_ALLOWED,
            Key.EMAIL_NOT_BOUND,
            Key.LAST_WAY_IN,
            Key.REAUTH_REQUIRED,
            Key.GUESSES_SPENT,
            Key.CODE_EXPIRED,
            Key.CODE_WRONG,
        ),
    ),
)
