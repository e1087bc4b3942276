"""Rows of the operations table: registering, signing in, codes, and the signed-in user's own account."""

from ostiary.contract.common import IsSuccess
from ostiary.contract.keys import Key
from ostiary.contract.messages import PreCheckCode, PreCheckCodeData, SendEmail, SendSMS
from ostiary.contract.operation import Later, Need, Operation, Who
from ostiary.contract.profile import (
    BindPhone,
    GetProfile,
    UnbindPhone,
    UpdatePhone,
    User,
    VerifyUpdatePhoneRequest,
    VerifyUpdatePhoneRequestData,
)
from ostiary.contract.signin import LoginTokenResponseData, SigninByCredentials, SignUp

REGISTER: tuple[Operation, ...] = (
    Operation(
        name="sign_up",
        method="POST",
        path="/api/v3/signup",
        who=Who.ANYONE,
        group="Register and login",
        summary="Register a new account.",
        description="With a password and a user name or e-mail address, or with a code sent to a phone number or "
        "e-mail address with `CHANNEL_REGISTER`; `options.passwordForPhonePassCode` also sets a password "
        "for such an account. A number or address in `profile` needs its own code "
        "(`CHANNEL_COMPLETE_PHONE` or `CHANNEL_COMPLETE_EMAIL`) in the options. Only someone who gave "
        "the right code for a number or address is told that it is taken. `options.clientIp` is trusted "
        "from configured backends only; `options.context` is for pipelines and has no effect here.",
        request=SignUp,
        data=User,
        own_errors=(
            Key.BAD_CONTACT,
            Key.NUMBER_NOT_SERVED,
            Key.SIGN_UP_DISABLED,
            Key.SIGN_UP_TOO_OFTEN,
            Key.PASSWORD_NOT_DECRYPTED,
            Key.PASSWORD_TOO_SHORT,
            Key.PASSWORD_COMMON,
            Key.FIELD_NOT_EDITABLE,
            Key.GUESSES_SPENT,
            Key.CODE_EXPIRED,
            Key.CODE_WRONG,
            Key.PHONE_TAKEN,
            Key.USERNAME_TAKEN,
            Key.EMAIL_TAKEN,
        ),
        needs=(
            Need(("passwordPayload",), when=("connection", "PASSWORD")),
            Need(("passwordPayload.username", "passwordPayload.email"), when=("connection", "PASSWORD")),
            Need(("passCodePayload",), when=("connection", "PASSCODE")),
            Need(("passCodePayload.phone", "passCodePayload.email"), when=("connection", "PASSCODE")),
        ),
    ),
    Operation(
        name="sign_in_by_credentials",
        method="POST",
        path="/api/v3/signin",
        who=Who.CLIENT,
        group="Register and login",
        summary="Sign in with a password or a code, and receive tokens.",
        description="A code must have been sent with `CHANNEL_LOGIN`; with `options.autoRegister`, a number or "
        "address without an account gets one, with `options.customData`. The application authenticates "
        "in the way it is configured for: not at all, with `client_id` and `client_secret` in the body, "
        "or by HTTP Basic. `expire_in` and `expires_in` are the access token's lifetime in seconds. The "
        "scope `offline_access` adds a refresh token.",
        request=SigninByCredentials,
        data=LoginTokenResponseData,
        own_errors=(
            Key.APP_NOT_FOUND,
            Key.CLIENT_AUTHENTICATION_FAILED,
            Key.BAD_CONTACT,
            Key.NUMBER_NOT_SERVED,
            Key.GUESSES_SPENT,
            Key.CODE_EXPIRED,
            Key.CODE_WRONG,
            Key.CAPTCHA_REQUIRED,
            Key.WRONG_CREDENTIALS,
            Key.USER_NOT_FOUND,
            Key.EMAIL_TAKEN,
            Key.FIELD_NOT_EDITABLE,
            Key.SIGN_UP_DISABLED,
            Key.SIGN_UP_TOO_OFTEN,
            Key.USER_LOCKED,
        ),
        needs=(
            Need(("passwordPayload",), when=("connection", "PASSWORD")),
            Need(
                (
                    "passwordPayload.account",
                    "passwordPayload.username",
                    "passwordPayload.email",
                    "passwordPayload.phone",
                ),
                when=("connection", "PASSWORD"),
            ),
            Need(("passCodePayload",), when=("connection", "PASSCODE")),
            Need(("passCodePayload.phone", "passCodePayload.email"), when=("connection", "PASSCODE")),
        ),
        later=(
            Later("connection", served=("PASSWORD", "PASSCODE")),
            Later("adPayload", served=()),
            Later("ldapPayload", served=()),
            Later("options.tenantId", served=()),
        ),
    ),
)

MESSAGES: tuple[Operation, ...] = (
    Operation(
        name="send_sms",
        method="POST",
        path="/api/v3/send-sms",
        who=Who.ANYONE,
        group="Messages",
        summary="Send a verification code to a phone number.",
        description="The channel determines what the code can be used for. To change a "
        "number: `CHANNEL_BIND_PHONE` to the new one, `CHANNEL_UNBIND_PHONE` to the old one, both while signed in. "
        "Codes of channels that concern an account (bind, unbind, MFA, identity, deletion) belong to the signed-in "
        "user who requested them. Requesting again sends the same code. Limit: one message per minute, number and "
        "channel.",
        request=SendSMS,
        own_errors=(
            Key.NOT_LOGGED_IN,
            Key.LOGIN_EXPIRED,
            Key.LOGIN_INVALID,
            Key.APP_NOT_ALLOWED,
            Key.BAD_CONTACT,
            Key.NUMBER_NOT_SERVED,
            Key.USER_LOCKED,
            Key.PHONE_NOT_BOUND,
            Key.OLD_PHONE_MISMATCH,
            Key.SMS_TOO_OFTEN,
            Key.SENDING_PAUSED,
        ),
    ),
    Operation(
        name="send_email",
        method="POST",
        path="/api/v3/send-email",
        who=Who.ANYONE,
        group="Messages",
        summary="Send a verification code to an e-mail address.",
        description="The channel determines what the code can be used for. To change an "
        "address: `CHANNEL_UPDATE_EMAIL` to the new one and to the old one, both while signed in. Codes of channels "
        "that concern an account (update, bind, unbind, deletion) belong to the signed-in user who requested them. "
        "Requesting again sends the same code. Limits: one message per minute, address and channel; ten per day and "
        "address.",
        request=SendEmail,
        own_errors=(
            Key.NOT_LOGGED_IN,
            Key.LOGIN_EXPIRED,
            Key.LOGIN_INVALID,
            Key.APP_NOT_ALLOWED,
            Key.BAD_CONTACT,
            Key.USER_LOCKED,
            Key.EMAIL_NOT_BOUND,
            Key.OLD_EMAIL_MISMATCH,
            Key.EMAIL_TOO_OFTEN,
            Key.SENDING_PAUSED,
        ),
    ),
    Operation(
        name="pre_check_code",
        method="POST",
        path="/api/v3/pre-check-code",
        who=Who.ANYONE,
        group="Messages",
        summary="Check whether a code is right, without using it.",
        description="A wrong code counts as a wrong guess, as everywhere. Codes of channels that concern an account "
        "can only be checked by a signed-in user. The field with the number is called `phone` here.",
        request=PreCheckCode,
        data=PreCheckCodeData,
        own_errors=(
            Key.NOT_LOGGED_IN,
            Key.LOGIN_EXPIRED,
            Key.LOGIN_INVALID,
            Key.APP_NOT_ALLOWED,
            Key.BAD_CONTACT,
            Key.USER_LOCKED,
            Key.GUESSES_SPENT,
        ),
        needs=(
            Need(("smsCodePayload",), when=("codeType", "SMS")),
            Need(("emailCodePayload",), when=("codeType", "EMAIL")),
        ),
    ),
)

PROFILE: tuple[Operation, ...] = (
    Operation(
        name="get_profile",
        method="GET",
        path="/api/v3/get-profile",
        who=Who.USER,
        group="User profile",
        summary="Read the signed-in user's account.",
        description="Fields that are not set are left out. `customData` and `identities` are only included on "
        "request.",
        request=GetProfile,
        data=User,
    ),
    Operation(
        name="verify_update_phone_request",
        method="POST",
        path="/api/v3/verify-update-phone-request",
        who=Who.USER,
        group="User profile",
        summary="Verify the new phone number and receive a one-time token.",
        description="Step two of three, between `send_sms` and `update_phone`. If the pool verifies the old number "
        "and the account has one, the old pair is required. Without an old pair, the session's last "
        "credential check must be younger than `stepUpMaxAge`. `tokenExpiresIn` is in seconds. A newer "
        "token replaces an earlier one.",
        request=VerifyUpdatePhoneRequest,
        data=VerifyUpdatePhoneRequestData,
        own_errors=(
            Key.APP_NOT_ALLOWED,
            Key.BAD_CONTACT,
            Key.NUMBER_NOT_SERVED,
            Key.SAME_PHONE,
            Key.OLD_PHONE_REQUIRED,
            Key.REAUTH_REQUIRED,
            Key.OLD_PHONE_MISMATCH,
            Key.GUESSES_SPENT,
            Key.CODE_EXPIRED,
            Key.CODE_WRONG,
            Key.PHONE_TAKEN,
        ),
    ),
    Operation(
        name="update_phone",
        method="POST",
        path="/api/v3/update-phone",
        who=Who.USER,
        group="User profile",
        summary="Use the token: the account's number becomes the new one.",
        description="Step three of three. A valid token is used up even if the change is refused; a token of another "
        "session is left to its owner. Afterwards the old number, the new one and every verified e-mail address are "
        "notified, and the other sessions end if the pool says so.",
        request=UpdatePhone,
        data=IsSuccess,
        own_errors=(
            Key.APP_NOT_ALLOWED,
            Key.UPDATE_TOKEN_USED,
            Key.UPDATE_TOKEN_INVALID,
            Key.OLD_PHONE_MISMATCH,
            Key.PHONE_TAKEN,
        ),
    ),
    Operation(
        name="bind_phone",
        method="POST",
        path="/api/v3/bind-phone",
        who=Who.USER,
        group="User profile",
        summary="Add a phone number to an account that has none.",
        description="The code must have been sent with `CHANNEL_BIND_PHONE` while signed in.",
        request=BindPhone,
        own_errors=(
            Key.APP_NOT_ALLOWED,
            Key.BAD_CONTACT,
            Key.NUMBER_NOT_SERVED,
            Key.PHONE_ALREADY_BOUND,
            Key.REAUTH_REQUIRED,
            Key.GUESSES_SPENT,
            Key.CODE_EXPIRED,
            Key.CODE_WRONG,
            Key.PHONE_TAKEN,
        ),
    ),
    Operation(
        name="unbind_phone",
        method="POST",
        path="/api/v3/unbind-phone",
        who=Who.USER,
        group="User profile",
        summary="Remove the phone number from the account.",
        description="The code must have been sent to the number with `CHANNEL_UNBIND_PHONE`. Another way to sign in "
        "must remain: a password with a user name or a verified e-mail address, a verified e-mail "
        "address by itself, or a linked identity.",
        request=UnbindPhone,
        own_errors=(
            Key.APP_NOT_ALLOWED,
            Key.PHONE_NOT_BOUND,
            Key.LAST_WAY_IN,
            Key.REAUTH_REQUIRED,
            Key.GUESSES_SPENT,
            Key.CODE_EXPIRED,
            Key.CODE_WRONG,
        ),
    ),
)
