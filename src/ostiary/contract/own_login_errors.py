"""Rows of the catalogue about devices. See `contract/errors.py`."""

from collections.abc import Mapping
from types import MappingProxyType

from ostiary.contract.error_row import Row
from ostiary.contract.keys import Key

OWN_LOGINS: Mapping[Key, Row] = MappingProxyType(
    {
        Key.DEVICE_NOT_FOUND: Row(
            404,
            91017,
            zh="没有该设备，请刷新设备列表后重试",
            en="The device does not exist: refresh the list of devices",
            hint_en="`deviceId` must be one that `mydevices/list` returns for the same user; unbound devices no longer exist.",
        ),
    }
)
