"""The catalogue: for every key its numbers, its sentence in two languages, and a hint for the reference.

`statusCode` is the class of the answer, `apiCode` the reason (none: the class says it all). Numbers below 91000 are
the incumbent's, 91xxx are ours; both are frozen by `tests/wire/test_contract_errors.py` and never reused.
`{field}` in a sentence is the wire name of the field at fault, `{seconds}` the seconds to wait: `Row.sentence`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from ostiary.contract.circle_errors import CIRCLES
from ostiary.contract.email_errors import EMAILS
from ostiary.contract.error_row import SUCCESS, Lang, Row
from ostiary.contract.keys import Key
from ostiary.contract.no_operation_errors import NO_OPERATION
from ostiary.contract.own_login_errors import OWN_LOGINS
from ostiary.contract.own_page_errors import OWN_PAGE
from ostiary.contract.password_errors import PASSWORDS
from ostiary.contract.second_factor_errors import SECOND_FACTOR

__all__ = ["CATALOGUE", "SUCCESS", "Lang", "Row"]

_FORM = {
    Key.PARAMETERS_INCOMPLETE: Row(
        400,
        2231,
        zh="缺少必填参数 {field}，请补充后重试",
        zh_short="缺少必填参数，请补充后重试",
        en="The parameter {field} is missing: add it and try again",
        en_short="A required parameter is missing: add it and try again",
        hint_en="A required field is absent, null or empty; `data.field` is its name, `data.path` its position. "
        "A mistake in the calling program.",
    ),
    Key.BAD_REQUEST: Row(
        400,
        None,
        zh="参数 {field} 的类型或取值不正确，请检查后重试",
        zh_short="请求参数不正确，请检查后重试",
        en="The parameter {field} has an invalid type or value: correct it and try again",
        en_short="The request has an invalid parameter: correct it and try again",
        hint_en="`data.field` is the name of the field, `data.path` its position. A mistake in the calling program.",
    ),
    Key.BAD_JSON: Row(
        400,
        None,
        zh="请求体不是有效的 JSON 对象，请检查后重试",
        en="The body is not a valid JSON object: correct it and try again",
        hint_en="The body must be UTF-8 and a single object, without duplicate names, NaN or more than 32 levels of "
        "nesting. A mistake in the calling program.",
    ),
    Key.NOT_IMPLEMENTED: Row(
        501,
        None,
        zh="此版本尚不支持参数 {field} 的这种用法，请去掉该参数",
        zh_short="此版本尚不支持该选项，请去掉后重试",
        en="This version does not support this use of {field} yet: leave it out",
        en_short="This version does not support this option yet: leave it out",
        hint_en="A documented option that is not implemented yet; `data.field` is its name. Nothing was changed.",
    ),
    Key.NOT_SERVED: Row(
        501,
        None,
        zh="本服务不提供此操作，替代方法见兼容性说明",
        en="This operation is not supported: see the compatibility page for alternatives",
        hint_en="Not implemented; the message says what to use instead, see [compatibility](compatibility.md).",
    ),
}

_CALLER = {
    Key.NOT_LOGGED_IN: Row(
        401,
        2020,
        zh="尚未登录，请先登录",
        en="You are not signed in: sign in first",
        hint_en="There is no access token, or another kind of token was sent (an ID token, a management token). Send the "
        "access token in the header `authorization`.",
    ),
    Key.LOGIN_EXPIRED: Row(
        401,
        2206,
        zh="登录已过期，请重新登录",
        en="Your sign-in has expired: sign in again",
        hint_en="The token has expired or its session has ended. Refresh the token once; if that fails, sign in again.",
    ),
    Key.LOGIN_INVALID: Row(
        401,
        2207,
        zh="登录信息无效，请重新登录",
        en="Your sign-in is not valid here: sign in again",
        hint_en="The token's signature is wrong, or it belongs to a different application or pool than the headers say.",
    ),
    Key.APP_NOT_ALLOWED: Row(
        403,
        91009,
        zh="此应用无权管理账号，请使用账号中心操作",
        en="This application may not manage accounts: use the account page",
        hint_en="The application's `selfService` is off, so its tokens can read an account but not change it.",
    ),
    Key.APP_NOT_FOUND: Row(
        404,
        2011,
        zh="应用不存在，请检查应用 ID",
        en="The application does not exist: check the application ID",
        hint_en="The header `x-genauth-app-id` or `x-authing-app-id`, or the parameter `client_id`, does not identify an "
        "application.",
    ),
    Key.USER_POOL_NOT_FOUND: Row(
        404,
        2224,
        zh="用户池不存在，请检查用户池 ID",
        en="The user pool does not exist: check the user pool ID",
        hint_en="The header `x-genauth-userpool-id` or `x-authing-userpool-id` does not identify a pool, or not the one "
        "that the credential belongs to.",
    ),
    Key.CLIENT_AUTHENTICATION_FAILED: Row(
        401,
        None,
        zh="应用身份验证失败，请检查应用密钥及验证方式",
        en="The application could not be authenticated: check its secret and how it is sent",
        hint_en="The secret is wrong, or was not sent in the way the application is configured for (none, body, Basic).",
    ),
    Key.ACCESS_KEY_INVALID: Row(
        401,
        1300,
        zh="访问密钥无效，请检查 accessKeyId 和 accessKeySecret",
        en="The access key is not valid: check accessKeyId and accessKeySecret",
        hint_en="The access key does not exist or the secret is wrong; the answer does not say which.",
    ),
    Key.REAUTH_REQUIRED: Row(
        403,
        91006,
        zh="为保护账号安全，请重新登录后再操作",
        en="To protect your account, sign in again, then repeat this step",
        hint_en="The session's last credential check is too old for this step, or did not include a second factor. "
        "`data.methods` lists the accepted checks. Sign in again; refreshing the token is not enough.",
    ),
}

_ACCOUNT = {
    Key.USER_NOT_FOUND: Row(
        404,
        2004,
        zh="用户不存在，请检查用户标识",
        en="The user does not exist: check the user's identifier",
        hint_en="When signing in: the code was right, but the number has no account and `autoRegister` is off.",
    ),
    Key.USER_LOCKED: Row(
        403,
        2005,
        zh="账号已被停用，请联系管理员",
        en="This account has been disabled: contact the administrator",
        hint_en="The account's status is not `Activated`.",
    ),
    Key.WRONG_CREDENTIALS: Row(
        403,
        2333,
        zh="账号或密码错误，请重新输入",
        en="The account name or password is incorrect: try again",
        hint_en="The answer does not say which of the two is wrong.",
    ),
    Key.USER_EXISTS: Row(
        409,
        2026,
        zh="用户已存在，请直接登录或更换标识",
        en="This user already exists: sign in, or choose another identifier",
        hint_en="The `externalId` is already in use in this pool.",
    ),
    Key.USERNAME_TAKEN: Row(
        409,
        2034,
        zh="用户名已被占用，请换一个",
        en="This user name is already taken: choose another one",
        hint_en="Compared without regard to case or character width.",
    ),
    Key.EMAIL_TAKEN: Row(
        409,
        2200,
        zh="邮箱已被其他账号使用，请换一个",
        en="This e-mail address is used by another account: choose another one",
        hint_en="Compared without regard to case.",
    ),
    Key.SIGN_UP_DISABLED: Row(
        403,
        2031,
        zh="未开放注册，请联系管理员创建账号",
        en="Sign-up is disabled: ask the administrator to create an account for you",
        hint_en="The pool's `registerDisabled` is on.",
    ),
    Key.PHONE_BY_OTHER_DOOR: Row(
        403,
        2226,
        zh="此处不能修改手机号，请使用修改手机号功能",
        en="The phone number can't be changed here: use the phone number change instead",
        hint_en="Call `verify-update-phone-request` and `update-phone`.",
    ),
    Key.EMAIL_BY_OTHER_DOOR: Row(
        403,
        2225,
        zh="此处不能修改邮箱，请使用修改邮箱功能",
        en="The e-mail address can't be changed here: use the e-mail address change instead",
        hint_en="Call `verify-update-email-request` and `update-email`.",
    ),
    Key.LAST_WAY_IN: Row(
        422,
        2217,
        zh="这是唯一的登录方式，请先添加其他登录方式",
        en="This is the only way to sign in to the account: add another one first",
        hint_en="Other ways to sign in are a password together with a user name or a verified e-mail address, a verified "
        "e-mail address by itself, or a linked identity.",
    ),
}

_NUMBERS = {
    Key.BAD_CONTACT: Row(
        400,
        2028,
        zh="手机号或邮箱格式不正确，请检查后重新输入",
        en="The phone number or e-mail address is not valid: check it and enter it again",
        hint_en="`data.field` is the name of the field. The number contradicts its country code, is too short or too "
        "long, or is known to be a landline.",
    ),
    Key.NUMBER_NOT_SERVED: Row(
        422,
        91007,
        zh="暂不支持该国家或地区的手机号，请换一个号码",
        en="Phone numbers from this country or region are not supported: use another number",
        hint_en="The calling code is not in the pool's `allowedCountries`.",
    ),
    Key.SAME_PHONE: Row(
        422,
        2230,
        zh="新手机号与当前手机号相同，请输入另一个号码",
        en="This is already your phone number: enter a different one",
        hint_en="Compared as numbers, not as they were typed.",
    ),
    Key.OLD_PHONE_REQUIRED: Row(
        400,
        91001,
        zh="需要先验证原手机号，请填写原手机号及其验证码",
        en="Your old number must be verified too: enter it and the code sent to it",
        hint_en="The pool requires the old number to be verified. Send a code to it with `CHANNEL_UNBIND_PHONE`, then "
        "supply `oldPhoneNumber` and `oldPhonePassCode`.",
    ),
    Key.OLD_PHONE_MISMATCH: Row(
        422,
        2038,
        zh="原手机号与账号当前的手机号不一致，请检查",
        en="The old number is not the account's current number: check it",
        hint_en="In `update-phone`: the account's number has changed since the request was verified; start again.",
    ),
    Key.PHONE_NOT_BOUND: Row(
        422,
        91004,
        zh="账号尚未绑定手机号，请先绑定",
        en="The account has no phone number: add one first",
        hint_en="Use `bind-phone`.",
    ),
    Key.PHONE_ALREADY_BOUND: Row(
        422,
        91010,
        zh="账号已绑定手机号，如需更换请使用修改手机号功能",
        en="The account already has a phone number: change it instead",
        hint_en="Use `verify-update-phone-request` and `update-phone`.",
    ),
    Key.PHONE_TAKEN: Row(
        409,
        2035,
        zh="手机号已被其他账号绑定，请换一个号码",
        en="This phone number is used by another account: use another one",
        hint_en="Only returned when the code for that number was right.",
    ),
    Key.CODE_WRONG: Row(
        422,
        2001,
        zh="验证码不正确，请检查后重新输入",
        en="The verification code is incorrect: check it and enter it again",
        hint_en="Each wrong code counts as a wrong guess. If two codes were sent, the answer does not say which is wrong.",
    ),
    Key.CODE_EXPIRED: Row(
        422,
        2300,
        zh="验证码已失效，请重新获取",
        en="The verification code has expired: request a new one",
        hint_en="There is no valid code: none was requested, or it has expired, was used, or had too many wrong guesses.",
    ),
    Key.GUESSES_SPENT: Row(
        429,
        91005,
        zh="验证码输错次数过多，请在 {seconds} 秒后重试",
        zh_short="验证码输错次数过多，请稍后重试",
        en="Too many incorrect codes: try again in {seconds} seconds",
        en_short="Too many incorrect codes: try again later",
        hint_en="All wrong guesses allowed in 24 hours are used up; `data.retryAfter` is in seconds. Requesting a new code "
        "does not help.",
    ),
    Key.UPDATE_TOKEN_INVALID: Row(
        403,
        91002,
        zh="修改凭证无效或已过期，请重新验证",
        en="This confirmation is invalid or has expired: verify again",
        hint_en="The update token is unknown, expired, replaced or from another session, or the pool's rules have become "
        "stricter. Start again with `verify-update-phone-request` or `verify-update-email-request`.",
    ),
    Key.UPDATE_TOKEN_USED: Row(
        409,
        91003,
        zh="已修改成功，无需重复提交",
        en="The change has already been made: there is nothing more to do",
        hint_en="This token has already completed the change (for example, its answer was lost): `data.success` is true.",
    ),
}

_SENDING = {
    Key.SMS_TOO_OFTEN: Row(
        429,
        4004,
        zh="短信发送过于频繁，请在 {seconds} 秒后重试",
        zh_short="短信发送过于频繁，请稍后重试",
        en="Too many messages requested: try again in {seconds} seconds",
        en_short="Too many messages requested: try again later",
        hint_en="`data.retryAfter` is in seconds. Refused requests do not count towards the limit.",
    ),
    Key.EMAIL_TOO_OFTEN: Row(
        429,
        2080,
        zh="邮件发送过于频繁，请在 {seconds} 秒后重试",
        zh_short="邮件发送过于频繁，请稍后重试",
        en="Too many e-mails requested: try again in {seconds} seconds",
        en_short="Too many e-mails requested: try again later",
        hint_en="`data.retryAfter` is in seconds. Refused requests do not count towards the limit.",
    ),
    Key.SENDING_PAUSED: Row(
        429,
        91008,
        zh="暂停发送验证码，请稍后重试或联系管理员",
        en="Sending codes is paused: try again later or contact the administrator",
        hint_en="An IP address, an application or a number reached a sending limit; the log names the setting.",
    ),
}

CATALOGUE: Mapping[Key, Row] = MappingProxyType(
    {
        **_FORM,
        **_CALLER,
        **_ACCOUNT,
        **OWN_PAGE,
        **PASSWORDS,
        **CIRCLES,
        **_NUMBERS,
        **EMAILS,
        **SECOND_FACTOR,
        **OWN_LOGINS,
        **_SENDING,
        **NO_OPERATION,
    }
)
"""Every key, in the order of `keys.py`'s groups."""
