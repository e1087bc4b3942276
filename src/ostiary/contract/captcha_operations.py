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
        summary="Read a captcha: a picture, and the token that goes back with its answer.",
        description="Where a sign-in is answered 2000, its next try needs `options.captchaCode` (what the picture "
        "shows, in any case) and `options.captchaToken`. An answer uses the token up, right or wrong. "
        "`GET /api/v3/captcha-code` gives the picture alone, with the token in the header "
        "`x-genauth-captcha-token`.",
        data=GetCaptchaCodeData,
    ),
    Operation(
        name="validate_password",
        method="POST",
        path="/api/v3/validate-password",
        who=Who.ANYONE,
        group="Register and login",
        summary="Look whether a password is an account's.",
        description="Counted like a sign-in: a wrong one costs the account a try, a locked account and an unknown "
        "name are answered `valid: false` after the same work, and where a sign-in would need a captcha this is "
        "refused. Nobody is signed in.",
        request=ValidatePassword,
        data=ValidatePasswordResult,
        own_errors=(Key.BAD_CONTACT, Key.CAPTCHA_REQUIRED),
        needs=(Need(("username", "email", "phone")), Need(("password",))),
    ),
)
