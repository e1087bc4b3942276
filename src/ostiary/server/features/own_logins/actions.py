"""A user's own sign-ins: looking at them, and ending those on a device."""

from ostiary.contract.keys import Key
from ostiary.contract.own_logins import (
    GetLoginHistory,
    ListMyDevices,
    LoggedInApps,
    LoginHistoryPaging,
    RevokeDeviceSession,
    TerminalSession,
    UnbindDevice,
)
from ostiary.server.core.audit_events import AuditEvent
from ostiary.server.core.call import Call
from ostiary.server.core.refused import Refused
from ostiary.server.features.own_logins import rules, views
from ostiary.server.guards import audit
from ostiary.server.guards.entry import Step, enter
from ostiary.server.guards.service import Service
from ostiary.server.storage import logins
from ostiary.server.storage.tx import Tx

_NO_SUCH_DEVICE = Refused(Key.DEVICE_NOT_FOUND)


async def get_login_history(
    service: Service, call: Call, form: GetLoginHistory | Refused
) -> LoginHistoryPaging | Refused:
    """Sign-ins, newest first."""

    def step(tx: Tx) -> LoginHistoryPaging | Refused:
        came = enter(tx, service.ports, call, form, rules.read_history, lock=False, manages_account=False)
        if isinstance(came, Refused):
            return came
        ask, user_id = came.ask, came.account.user_id
        if ask.nothing:
            return LoginHistoryPaging(total_count=0, list=[])
        count, rows = logins.page(
            tx,
            user_id,
            start=max(ask.start, rules.oldest_shown(came.pool.policy, came.now)),
            before=ask.before,
            app_id=ask.app_id,
            address=ask.address,
            limit=ask.page.limit,
            skip=ask.page.skip,
        )
        return LoginHistoryPaging(total_count=count, list=[views.to_history(user_id, row) for row in rows])

    return await service.store.read(step)


async def get_logged_in_apps(service: Service, call: Call, _form: None) -> list[LoggedInApps] | Refused:
    """Applications, the last one first."""

    def step(tx: Tx) -> list[LoggedInApps] | Refused:
        came = enter(tx, service.ports, call, None, _nothing, lock=False, manages_account=False)
        if isinstance(came, Refused):
            return came
        rows = logins.recent(tx, came.account.user_id, came.now)
        return [views.to_app(group) for group in rules.of_apps(rows, came.account, came.now)]

    return await service.store.read(step)


async def list_my_devices(
    service: Service, call: Call, form: ListMyDevices | Refused
) -> list[TerminalSession] | Refused:
    """Devices, the last one first."""

    def step(tx: Tx) -> list[TerminalSession] | Refused:
        came = enter(tx, service.ports, call, form, rules.read_devices, lock=False, manages_account=False)
        if isinstance(came, Refused):
            return came
        rows = logins.recent(tx, came.account.user_id, came.now)
        found = rules.of_devices(rows, came.account, came.now)[came.ask.skip :]
        return [views.to_device(group) for group in found[: came.ask.limit]]

    return await service.store.read(step)


async def unbind_my_device(service: Service, call: Call, form: UnbindDevice | Refused) -> Refused | None:
    """End what lives on a device, and forget that it is one."""

    def step(tx: Tx) -> Refused | None:
        came = enter(tx, service.ports, call, form, rules.read_device, lock=True)
        refused = came if isinstance(came, Refused) else _end(came, "device_unbound")
        if refused is None and isinstance(came, Step):
            logins.forget_device(tx, came.account.user_id, came.ask)
        return refused

    return await service.store.write(step)


async def revoke_my_device_session(
    service: Service, call: Call, form: RevokeDeviceSession | Refused
) -> Refused | None:
    """End what lives on a device."""

    def step(tx: Tx) -> Refused | None:
        came = enter(tx, service.ports, call, form, rules.read_device, lock=True)
        return came if isinstance(came, Refused) else _end(came, "device_session_revoked")

    return await service.store.write(step)


def _end(came: Step[str], event: AuditEvent) -> Refused | None:
    """The user's row is locked, so no refresh is under way: what it gave out before is of a session that ends now."""
    user_id = came.account.user_id
    if not logins.has_device(came.tx, user_id, came.ask):
        return _NO_SUCH_DEVICE
    ended = logins.end_on_device(came.tx, user_id, came.ask, came.now)
    audit.note(came, event, user_id=user_id, ended_sessions=ended)
    return None


def _nothing(_form: None, _facts: object) -> None:
    return None
