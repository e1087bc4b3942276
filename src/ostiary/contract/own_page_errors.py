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
        en="{field} can't be changed here: leave it out or ask the administrator",
        en_short="This can't be changed here: ask the administrator",
        hint_en="`data.field` names it: a password (`update-password`), a status or a verified flag (the administrator), "
        "or a custom field whose `userEditable` is off. Nothing was changed.",
    ),
    Key.OLD_PASSWORD_REQUIRED: Row(
        400,
        2201,
        zh="请输入原密码",
        en="Type your old password, too",
        hint_en="The account has a password, and `oldPassword` is absent.",
    ),
    Key.OLD_PASSWORD_WRONG: Row(
        403,
        2203,
        zh="原密码不正确，请重新输入",
        en="The old password is wrong: type it again",
        hint_en="Also where the password was changed by another request meanwhile.",
    ),
    Key.ONE_TIME_TOKEN_INVALID: Row(
        403,
        91011,
        zh="凭证无效或已过期，请重新验证",
        en="The permission is not valid any more: verify again",
        hint_en="`passwordResetToken`, `deleteAccountToken` or `enrollmentToken` is unknown, expired, used, replaced, or was granted to "
        "somebody else; or the account has changed since. Start again with the request that grants it.",
    ),
}
