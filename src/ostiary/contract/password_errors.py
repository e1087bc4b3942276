"""Rows of the catalogue: passwords that can't be set, and what is asked before one is looked at."""

from collections.abc import Mapping
from types import MappingProxyType

from ostiary.contract.error_row import Row
from ostiary.contract.keys import Key

PASSWORDS: Mapping[Key, Row] = MappingProxyType(
    {
        Key.SIGN_UP_TOO_OFTEN: Row(
            429,
            2100,
            zh="注册过于频繁，请在 {seconds} 秒后重试",
            zh_short="注册过于频繁，请稍后重试",
            en="Too many accounts were made from here: try again in {seconds} seconds",
            en_short="Too many accounts were made from here: try again later",
            hint_en="The pool's `registerAnomalyDetection`, by address. `data.retryAfter` is in seconds.",
        ),
        Key.CAPTCHA_REQUIRED: Row(
            403,
            2000,
            zh="请输入正确的图形验证码",
            en="Solve the captcha: read a new one and type what it shows",
            hint_en="`GET /api/v3/get-captcha-code` gives one; the answer goes into `options.captchaCode` and "
            "`options.captchaToken`. Each is good for one answer within five minutes. The password was not looked at.",
        ),
        Key.PASSWORD_NOT_DECRYPTED: Row(
            400,
            2016,
            zh="密码解密失败，请重新获取公钥后加密",
            en="The password could not be decrypted: read the public key again and encrypt with that one",
            hint_en="`passwordEncryptType` says `rsa` or `sm2`, and the text was not encrypted with a key of "
            "`GET /api/v3/system`. Only where a password is set: a sign-in says that the password is wrong.",
        ),
        Key.PASSWORD_TOO_SHORT: Row(
            422,
            2029,
            zh="密码太短，请换一个更长的密码",
            en="The password is too short: choose a longer one",
            hint_en="`data.minLength` says how many characters the pool wants (`passwordMinLength`); there are no rules "
            "about kinds of characters.",
        ),
        Key.PASSWORD_COMMON: Row(
            422,
            2061,
            zh="该密码过于常见或与账号名相似，请换一个",
            en="This password is too easy to guess: choose one that nobody else would think of",
            hint_en="It stands in the shipped list of passwords of breaches, or is little more than a name of the account. "
            "Off with the pool's `refuseCommonPasswords`.",
        ),
        Key.PASSWORD_USED_BEFORE: Row(
            422,
            2059,
            zh="新密码不能与最近使用过的密码相同，请换一个",
            en="This password was used before: choose a new one",
            hint_en="The pool's `passwordHistory` says how many of the account's last passwords are remembered.",
        ),
    }
)
