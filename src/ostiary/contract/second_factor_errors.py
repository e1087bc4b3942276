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
            en="One more step: verify with your second factor",
            hint_en="The account has a second factor. `data.mfaToken` allows verifying it for 360 seconds, `data.factors` "
            "lists the available factors: see docs/second-factors.md.",
        ),
        Key.APP_MFA_REQUIRED: Row(
            401,
            1636,
            zh="此应用要求两步验证，请完成验证",
            en="This application requires a second factor: verify with one",
            hint_en="Like 1635, for an application that requires a second factor of everyone (`requiredFactors`): a verified "
            "number or address will do. If there is no `data.mfaToken`, the user has nothing to verify with and "
            "must first enroll a factor in another application.",
        ),
        Key.TOTP_WRONG: Row(
            422,
            6001,
            zh="动态口令不正确，请输入验证器上的当前口令",
            en="The authenticator code is incorrect: enter the one shown now",
            hint_en="Wrong, more than 30 seconds off, or already used: each code is accepted once. Counts as a wrong guess.",
        ),
        Key.RECOVERY_CODE_WRONG: Row(
            422,
            6002,
            zh="恢复代码不正确，请检查后重新输入",
            en="The recovery code is incorrect: check it and enter it again",
            hint_en="Six groups of four hexadecimal digits, shown once when enrolling and usable once. Counts as a wrong "
            "guess.",
        ),
        Key.FACTOR_NOT_FOUND: Row(
            404,
            91040,
            zh="没有该认证因素，请先绑定",
            en="This second factor is not set up: enroll it first",
            hint_en="`factorId` is unknown or belongs to another account, or no factor of this kind is enrolled.",
        ),
        Key.FACTOR_ENROLLED: Row(
            409,
            91041,
            zh="已绑定该类型的认证因素，请先解绑",
            en="A factor of this kind is already enrolled: reset it first",
            hint_en="An account has at most one factor of each kind. Use `reset-factor`.",
        ),
        Key.FACTOR_NOT_SERVED: Row(
            422,
            91042,
            zh="此用户池未启用该类型的认证因素，请换一种",
            en="This kind of second factor is not enabled here: choose another kind",
            hint_en="It is not listed in the pool's `enabledFactors`.",
        ),
    }
)
