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
        description="With a password under a user name or an e-mail address, or with a code that was sent to a "
        "phone number or an e-mail address with `CHANNEL_REGISTER`; `options.passwordForPhonePassCode` gives such an "
        "account a password, too. A number or address in `profile` needs its code of `CHANNEL_COMPLETE_PHONE` or "
        "`CHANNEL_COMPLETE_EMAIL` in the options. That a number or address is taken is told only to someone whose "
        "code for it was right. `options.clientIp` is believed from configured backends only; `options.context` is "
        "for pipelines, and has no effect where there are none.",
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
        description="The code is one that was sent with `CHANNEL_LOGIN`; with `options.autoRegister` a number or "
        "address without an account gets one, with `options.customData`. The application authenticates the way it is set up to: not at all, with "
        "`client_id` and `client_secret` in the body, or by HTTP Basic. `expire_in` and `expires_in` are the "
        "access token's life in seconds. A refresh token comes with the scope `offline_access`.",
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
        description="The channel says what the code will be good for, and nothing else accepts it. To change a "
        "number: `CHANNEL_BIND_PHONE` to the new one, `CHANNEL_UNBIND_PHONE` to the old one, both signed in. "
        "Codes of the channels about an account (bind, unbind, MFA, identity, deletion) belong to the signed-in "
        "user who asked. Asking again sends the same code. One message a minute per number and channel.",
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
        description="The channel says what the code will be good for, and nothing else accepts it. To change an "
        "address: `CHANNEL_UPDATE_EMAIL` to the new one and to the old one, both signed in. Codes of the channels "
        "about an account (update, bind, unbind, deletion) belong to the signed-in user who asked. Asking again "
        "sends the same code. One message a minute per address and channel, ten a day per address.",
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
        summary="Look whether a code is right, without using it.",
        description="A wrong code costs a guess, as everywhere. Codes of the channels about an account can only "
        "be looked at by a signed-in user. The field of the number is `phone` here.",
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
        description="Fields that are not set are left out. `customData` and `identities` come where they are "
        "asked for.",
        request=GetProfile,
        data=User,
    ),
    Operation(
        name="verify_update_phone_request",
        method="POST",
        path="/api/v3/verify-update-phone-request",
        who=Who.USER,
        group="User profile",
        summary="Prove the new phone number and receive a one-time token.",
        description="Step two of three: `send_sms` comes before it, `update_phone` after it. Where the pool "
        "verifies the old number and the account has one, the old pair is required. Without an old pair the "
        "session's last credential check must be younger than `stepUpMaxAge`. `tokenExpiresIn` is in seconds. "
        "A newer token replaces the one before.",
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
        summary="Spend the token: the account's number becomes the new one.",
        description="Step three of three. A token that is good is spent, even where the change is refused; one that "
        "is not this session's own is left to its owner. Afterwards the old number, the new one and every verified e-mail address are told, and the other sessions end where the pool says so.",
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
        summary="Give an account that has no phone number its first one.",
        description="The code is one that was sent signed in with `CHANNEL_BIND_PHONE`.",
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
        summary="Take the phone number off the account.",
        description="The code is one that was sent to the number with `CHANNEL_UNBIND_PHONE`. Another way in must "
        "remain: a password with a user name or a verified e-mail address, a verified e-mail address, or a linked "
        "identity.",
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
