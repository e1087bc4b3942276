"""Rows of the operations table: captchas, and looking whether a password is right."""

from ostiary.contract.captcha import GetCaptchaCodeData, ValidatePassword, ValidatePasswordResult
from ostiary.contract.keys import Key
from ostiary.contract.operation import Need, Operation, Who

CAPTCHAS: tuple[Operation, ...] = (
    Operation(
        name="get_captcha_code",
        method="GET",
        path="/api/v3/get-captcha-code",
        who=Who.ANYONE,
        group="Register and login",
        summary="Get a captcha: a picture, and the token to send back with the answer.",
        description="If a sign-in is answered with 2000, the next attempt needs `options.captchaCode` (what the "
        "picture shows, in upper or lower case) and `options.captchaToken`. Any answer, right or wrong, "
        "uses up the token. `GET /api/v3/captcha-code` returns the picture alone, with the token in the "
        "header `x-genauth-captcha-token`.",
        data=GetCaptchaCodeData,
    ),
    Operation(
        name="validate_password",
        method="POST",
        path="/api/v3/validate-password",
        who=Who.ANYONE,
        group="Register and login",
        summary="Check an account's password.",
        description="Counted like a sign-in: a wrong password counts as a failure, a locked account and an unknown "
        "name are answered `valid: false` after the same work, and the call is refused where a sign-in "
        "would need a captcha. It does not sign anyone in.",
        request=ValidatePassword,
        data=ValidatePasswordResult,
        own_errors=(Key.BAD_CONTACT, Key.CAPTCHA_REQUIRED),
        needs=(Need(("username", "email", "phone")), Need(("password",))),
    ),
)
