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
        summary="List the signed-in user's sign-ins: when, where and how.",
        description="Newest first, as far back as the pool's `loginHistoryDays`. Only successful sign-ins are "
        "listed; refused ones are in the audit trail, for administrators.",
        request=GetLoginHistory,
        data=LoginHistoryPaging,
    ),
    Operation(
        name="get_logged_in_apps",
        method="GET",
        path="/api/v3/get-my-logged-in-apps",
        who=Who.USER,
        group="User related resources",
        summary="List the applications that the signed-in user has signed in to.",
        description="Most recent first. `active` says whether a sign-in to it is still valid.",
        data=list[LoggedInApps],
    ),
    Operation(
        name="list_my_devices",
        method="GET",
        path="/api/v3/mydevices/list",
        who=Who.USER,
        group="User profile",
        summary="List the devices on which the signed-in user has signed in.",
        description="Most recent first. The client names its device in `x-authing-device-id` (or "
        "`x-genauth-device-id`); a client that does not counts as a new device at every sign-in.",
        request=ListMyDevices,
        data=list[TerminalSession],
    ),
    Operation(
        name="unbind_my_device",
        method="POST",
        path="/api/v3/mydevices/unbind",
        who=Who.USER,
        group="User profile",
        summary="End the sign-ins on a device and remove it from the list.",
        description="Its sign-ins remain in the history. Signing in on it again puts it back on the list.",
        request=UnbindDevice,
        own_errors=(Key.APP_NOT_ALLOWED, Key.DEVICE_NOT_FOUND),
    ),
    Operation(
        name="revoke_my_device_session",
        method="POST",
        path="/api/v3/mydevices/revoke-session",
        who=Who.USER,
        group="User profile",
        summary="End the sign-ins on a device at once, with their refresh tokens.",
        description="Other devices are not affected. The device stays on the list; it may be the caller's own.",
        request=RevokeDeviceSession,
        own_errors=(Key.APP_NOT_ALLOWED, Key.DEVICE_NOT_FOUND),
    ),
)
