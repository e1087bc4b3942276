"""Rows of the catalogue: roles and groups."""

from collections.abc import Mapping

from ostiary.contract.error_row import Row
from ostiary.contract.keys import Key

CIRCLES: Mapping[Key, Row] = {
    Key.ROLE_NOT_FOUND: Row(
        404,
        91050,
        zh="角色不存在，请检查编码",
        en="The role does not exist: check its code",
        hint_en="Roles are looked up by `code` in the access key's pool. `data.codes` lists those that do not exist.",
    ),
    Key.ROLE_TAKEN: Row(
        409,
        91051,
        zh="该编码已被其他角色使用，请换一个",
        en="This code is already used by another role: choose another one",
        hint_en="Role codes are unique within a pool and case-sensitive.",
    ),
    Key.GROUP_NOT_FOUND: Row(
        404,
        91052,
        zh="分组不存在，请检查编码",
        en="The group does not exist: check its code",
        hint_en="Groups are looked up by `code` in the access key's pool. `data.codes` lists those that do not exist.",
    ),
    Key.GROUP_TAKEN: Row(
        409,
        91053,
        zh="该编码已被其他分组使用，请换一个",
        en="This code is already used by another group: choose another one",
        hint_en="Group codes are unique within a pool and case-sensitive.",
    ),
}
