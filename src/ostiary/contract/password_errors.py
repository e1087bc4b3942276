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
            en="Too many accounts were created from here: try again in {seconds} seconds",
            en_short="Too many accounts were created from here: try again later",
            hint_en="The limit per IP address set by the pool's `registerAnomalyDetection`. `data.retryAfter` is in seconds.",
        ),
        Key.CAPTCHA_REQUIRED: Row(
            403,
            2000,
            zh="请输入正确的图形验证码",
            en="Enter the text shown in a new captcha",
            hint_en="`GET /api/v3/get-captcha-code` returns one; send the answer in `options.captchaCode` and "
            "`options.captchaToken`. Each can be answered once, within five minutes. The password was not checked.",
        ),
        Key.PASSWORD_NOT_DECRYPTED: Row(
            400,
            2016,
            zh="密码解密失败，请重新获取公钥后加密",
            en="The password could not be decrypted: fetch the public key again and encrypt it with that key",
            hint_en="`passwordEncryptType` is `rsa` or `sm2`, but the text was not encrypted with a key from "
            "`GET /api/v3/system`. Only when setting a password: a sign-in reports a wrong password instead.",
        ),
        Key.PASSWORD_TOO_SHORT: Row(
            422,
            2029,
            zh="密码太短，请换一个更长的密码",
            en="The password is too short: choose a longer one",
            hint_en="`data.minLength` is the number of characters the pool requires (`passwordMinLength`); there are no rules "
            "about kinds of characters.",
        ),
        Key.PASSWORD_COMMON: Row(
            422,
            2061,
            zh="该密码过于常见或与账号名相似，请换一个",
            en="This password is too common or too similar to your account name: choose another one",
            hint_en="The password is on the bundled list of breached passwords or differs little from one of the account's "
            "names. Can be turned off with the pool's `refuseCommonPasswords`.",
        ),
        Key.PASSWORD_USED_BEFORE: Row(
            422,
            2059,
            zh="新密码不能与最近使用过的密码相同，请换一个",
            en="This password was used recently: choose a new one",
            hint_en="The pool's `passwordHistory` sets how many recent passwords are remembered.",
        ),
    }
)
