"""Rows of the catalogue: what a person is told who changes their own profile or password, or deletes the account."""

from collections.abc import Mapping

from ostiary.contract.error_row import Row
from ostiary.contract.keys import Key

OWN_PAGE: Mapping[Key, Row] = {
    Key.FIELD_NOT_EDITABLE: Row(
        403,
        91012,
        zh="此处不能修改 {field}，请去掉该参数或联系管理员",
        zh_short="此处不能修改该信息，请联系管理员",
        en="{field} can't be changed here: leave it out or contact the administrator",
        en_short="This can't be changed here: contact the administrator",
        hint_en="`data.field` is its name: a password (use `update-password`), a status or a verified flag (only the "
        "administrator can change it), or a custom field whose `userEditable` is off. Nothing was changed.",
    ),
    Key.OLD_PASSWORD_REQUIRED: Row(
        400,
        2201,
        zh="请输入原密码",
        en="Enter your old password as well",
        hint_en="The account has a password, and `oldPassword` is missing.",
    ),
    Key.OLD_PASSWORD_WRONG: Row(
        403,
        2203,
        zh="原密码不正确，请重新输入",
        en="The old password is incorrect: enter it again",
        hint_en="Also returned if another request has changed the password in the meantime.",
    ),
    Key.ONE_TIME_TOKEN_INVALID: Row(
        403,
        91011,
        zh="凭证无效或已过期，请重新验证",
        en="This confirmation is invalid or has expired: verify again",
        hint_en="`passwordResetToken`, `deleteAccountToken` or `enrollmentToken` is unknown, expired, used or replaced, or was "
        "issued to another user, or the account has changed since. Start again with the request that issues it.",
    ),
}
