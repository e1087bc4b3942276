"""Rows of the operations table: the signed-in user's history, applications and devices."""

from ostiary.contract.keys import Key
from ostiary.contract.operation import Operation, Who
from ostiary.contract.own_logins import (
    GetLoginHistory,
    ListMyDevices,
    LoggedInApps,
    LoginHistoryPaging,
    RevokeDeviceSession,
    TerminalSession,
    UnbindDevice,
)

OWN_LOGINS: tuple[Operation, ...] = (
    Operation(
        name="get_login_history",
        method="GET",
        path="/api/v3/get-my-login-history",
        who=Who.USER,
        group="User related resources",
        summary="List when, where and how the signed-in user signed in.",
        description="Newest first, as far back as the pool's `loginHistoryDays`. Only sign-ins that succeeded are "
        "kept; those that were refused stand in the audit log, for the administrator.",
        request=GetLoginHistory,
        data=LoginHistoryPaging,
    ),
    Operation(
        name="get_logged_in_apps",
        method="GET",
        path="/api/v3/get-my-logged-in-apps",
        who=Who.USER,
        group="User related resources",
        summary="List the applications that the signed-in user signed in to.",
        description="The last one first. `active` says whether a sign-in there still lives.",
        data=list[LoggedInApps],
    ),
    Operation(
        name="list_my_devices",
        method="GET",
        path="/api/v3/mydevices/list",
        who=Who.USER,
        group="User profile",
        summary="List the devices that the signed-in user signed in on.",
        description="The last one first. A device is what the client calls it in `x-authing-device-id` (or "
        "`x-genauth-device-id`); a client that does not say is a new device at every sign-in.",
        request=ListMyDevices,
        data=list[TerminalSession],
    ),
    Operation(
        name="unbind_my_device",
        method="POST",
        path="/api/v3/mydevices/unbind",
        who=Who.USER,
        group="User profile",
        summary="End the sign-ins on a device and take it off the list.",
        description="Its sign-ins stay in the history. Signing in on it again puts it on the list again.",
        request=UnbindDevice,
        own_errors=(Key.APP_NOT_ALLOWED, Key.DEVICE_NOT_FOUND),
    ),
    Operation(
        name="revoke_my_device_session",
        method="POST",
        path="/api/v3/mydevices/revoke-session",
        who=Who.USER,
        group="User profile",
        summary="End the sign-ins on a device, with their refresh tokens, at once.",
        description="No other device's. The device stays on the list; one's own device may be meant, too.",
        request=RevokeDeviceSession,
        own_errors=(Key.APP_NOT_ALLOWED, Key.DEVICE_NOT_FOUND),
    ),
)
