"""Rows of the catalogue: the account's e-mail address, twin of its number."""

from ostiary.contract.error_row import Row
from ostiary.contract.keys import Key

EMAILS = {
    Key.SAME_EMAIL: Row(
        422,
        2229,
        zh="新邮箱与当前邮箱相同，请输入另一个邮箱",
        en="This is already your e-mail address: enter a different one",
        hint_en="Compared without regard to case.",
    ),
    Key.OLD_EMAIL_REQUIRED: Row(
        400,
        2227,
        zh="需要先验证原邮箱，请填写原邮箱及其验证码",
        en="Your old address must be verified too: enter it and the code sent to it",
        hint_en="The pool requires the old address to be verified. Send a code to it with `CHANNEL_UPDATE_EMAIL`, then "
        "supply `oldEmail` and `oldEmailPassCode`.",
    ),
    Key.OLD_EMAIL_MISMATCH: Row(
        422,
        2037,
        zh="原邮箱与账号当前的邮箱不一致，请检查",
        en="The old address is not the account's current address: check it",
        hint_en="In `update-email`: the account's address has changed since the request was verified; start again.",
    ),
    Key.EMAIL_NOT_BOUND: Row(
        422,
        2219,
        zh="账号尚未绑定邮箱，请先绑定",
        en="The account has no e-mail address: add one first",
        hint_en="Use `bind-email`.",
    ),
    Key.EMAIL_ALREADY_BOUND: Row(
        422,
        91030,
        zh="账号已绑定邮箱，如需更换请使用修改邮箱功能",
        en="The account already has an e-mail address: change it instead",
        hint_en="Use `verify-update-email-request` and `update-email`.",
    ),
}
