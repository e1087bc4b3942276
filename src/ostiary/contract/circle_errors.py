"""Rows of the catalogue: roles and groups."""

from collections.abc import Mapping

from ostiary.contract.error_row import Row
from ostiary.contract.keys import Key

CIRCLES: Mapping[Key, Row] = {
    Key.ROLE_NOT_FOUND: Row(
        404,
        91050,
        zh="角色不存在，请检查编码",
        en="There is no such role: check its code",
        hint_en="Roles are found by `code`, in the pool of the access key. `data.codes` names those that there are not.",
    ),
    Key.ROLE_TAKEN: Row(
        409,
        91051,
        zh="该编码已被其他角色使用，请换一个",
        en="Another role has this code: choose another one",
        hint_en="A pool's roles have codes of their own; upper and lower case are two.",
    ),
    Key.GROUP_NOT_FOUND: Row(
        404,
        91052,
        zh="分组不存在，请检查编码",
        en="There is no such group: check its code",
        hint_en="Groups are found by `code`, in the pool of the access key. `data.codes` names those that there are not.",
    ),
    Key.GROUP_TAKEN: Row(
        409,
        91053,
        zh="该编码已被其他分组使用，请换一个",
        en="Another group has this code: choose another one",
        hint_en="A pool's groups have codes of their own; upper and lower case are two.",
    ),
}
