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
from ostiary.server.features.own_logins.rules import Page, Wanted
from ostiary.server.guards import audit
from ostiary.server.guards.entry import Step, as_asked
from ostiary.server.guards.service import Service, in_one_look, in_one_step
from ostiary.server.storage import logins

_NO_SUCH_DEVICE = Refused(Key.DEVICE_NOT_FOUND)


async def get_login_history(
    service: Service, call: Call, form: GetLoginHistory | Refused
) -> LoginHistoryPaging | Refused:
    """Sign-ins, newest first."""
    return await in_one_look(service, call, form, rules.read_history, _history)


async def get_logged_in_apps(service: Service, call: Call, _form: None) -> list[LoggedInApps] | Refused:
    """Applications, the last one first."""
    return await in_one_look(service, call, None, as_asked, _apps)


async def list_my_devices(
    service: Service, call: Call, form: ListMyDevices | Refused
) -> list[TerminalSession] | Refused:
    """Devices, the last one first."""
    return await in_one_look(service, call, form, rules.read_devices, _devices)


async def unbind_my_device(service: Service, call: Call, form: UnbindDevice | Refused) -> Refused | None:
    """End what lives on a device, and forget that it is one."""
    return await in_one_step(service, call, form, rules.read_device, _unbind)


async def revoke_my_device_session(
    service: Service, call: Call, form: RevokeDeviceSession | Refused
) -> Refused | None:
    """End what lives on a device."""
    return await in_one_step(
        service, call, form, rules.read_device, lambda step: _end(step, "device_session_revoked")
    )


def _history(step: Step[Wanted]) -> LoginHistoryPaging:
    ask, user_id = step.ask, step.account.user_id
    if ask.nothing:
        return LoginHistoryPaging(total_count=0, list=[])
    count, rows = logins.page(
        step.tx,
        user_id,
        start=max(ask.start, rules.oldest_shown(step.pool.policy, step.now)),
        before=ask.before,
        app_id=ask.app_id,
        address=ask.address,
        limit=ask.page.limit,
        skip=ask.page.skip,
    )
    return LoginHistoryPaging(total_count=count, list=[views.to_history(user_id, row) for row in rows])


def _apps(step: Step[None]) -> list[LoggedInApps]:
    rows = logins.recent(step.tx, step.account.user_id, step.now)
    return [views.to_app(group) for group in rules.of_apps(rows, step.account, step.now)]


def _devices(step: Step[Page]) -> list[TerminalSession]:
    rows = logins.recent(step.tx, step.account.user_id, step.now)
    found = rules.of_devices(rows, step.account, step.now)[step.ask.skip :]
    return [views.to_device(group) for group in found[: step.ask.limit]]


def _unbind(step: Step[str]) -> Refused | None:
    refused = _end(step, "device_unbound")
    if refused is None:
        logins.forget_device(step.tx, step.account.user_id, step.ask)
    return refused


def _end(step: Step[str], event: AuditEvent) -> Refused | None:
    """Under the user's lock no refresh is under way: what an earlier one gave out belongs to a session that ends here."""
    user_id = step.account.user_id
    if not logins.has_device(step.tx, user_id, step.ask):
        return _NO_SUCH_DEVICE
    ended = logins.end_on_device(step.tx, user_id, step.ask, step.now)
    audit.note(step, event, user_id=user_id, ended_sessions=ended)
    return None
