"""Rows of the catalogue about second factors. See `contract/errors.py`."""

from collections.abc import Mapping
from types import MappingProxyType

from ostiary.contract.error_row import Row
from ostiary.contract.keys import Key

SECOND_FACTOR: Mapping[Key, Row] = MappingProxyType(
    {
        Key.MFA_REQUIRED: Row(
            401,
            1635,
            zh="还差一步：请完成两步验证",
            en="One step is left: verify with your second factor",
            hint_en="The account has a second factor. `data.mfaToken` opens its verification for 360 seconds, "
            "`data.factors` says which factors there are: see docs/second-factors.md.",
        ),
        Key.APP_MFA_REQUIRED: Row(
            401,
            1636,
            zh="此应用要求两步验证，请完成验证",
            en="This application wants a second factor: verify with it",
            hint_en="As 1635, where the application asks everybody (`requiredFactors`): a verified number or address will do. "
            "Without `data.mfaToken` there is nothing to verify with: enrol a factor in another application first.",
        ),
        Key.TOTP_WRONG: Row(
            422,
            6001,
            zh="动态口令不正确，请输入验证器上的当前口令",
            en="The authenticator code is wrong: type the one that is shown now",
            hint_en="Wrong, more than 30 seconds off, or used before: each code is accepted once. Costs a guess.",
        ),
        Key.RECOVERY_CODE_WRONG: Row(
            422,
            6002,
            zh="恢复代码不正确，请检查后重新输入",
            en="The recovery code is wrong: check it and type it again",
            hint_en="Six groups of four hex digits, told once at enrolment, good once. Costs a guess.",
        ),
        Key.FACTOR_NOT_FOUND: Row(
            404,
            91040,
            zh="没有该认证因素，请先绑定",
            en="There is no such second factor: enrol it first",
            hint_en="`factorId` is unknown or another account's, or no factor of this kind is enrolled.",
        ),
        Key.FACTOR_ENROLLED: Row(
            409,
            91041,
            zh="已绑定该类型的认证因素，请先解绑",
            en="A factor of this kind is enrolled already: reset it first",
            hint_en="One factor of each kind. Use `reset-factor`.",
        ),
        Key.FACTOR_NOT_SERVED: Row(
            422,
            91042,
            zh="此用户池未启用该类型的认证因素，请换一种",
            en="Factors of this kind are not in use here: choose another kind",
            hint_en="The pool's `enabledFactors` does not name it.",
        ),
    }
)
