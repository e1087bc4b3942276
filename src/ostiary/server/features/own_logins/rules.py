"""What a user is shown of their own sign-ins, and what a device is. Pure.

Rule 1: a device is what the client calls it; one that does not say is a device of its own at every sign-in, so that
ending "that one" never ends another.
Rule 2: a device is on-line where a sign-in on it lives, judged as every request is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ostiary.contract.keys import Key
from ostiary.contract.own_logins import GetLoginHistory, ListMyDevices, RevokeDeviceSession, UnbindDevice
from ostiary.server.core.address import counted_as, read_address
from ostiary.server.core.logins import RecentLogin
from ostiary.server.core.millis import DAY
from ostiary.server.core.people import Account, Facts
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.refused import Refused

_METHODS = {"pwd": "PASSWORD", "sms": "PHONE_PASSCODE", "email": "EMAIL_PASSCODE"}
_LIMIT = 10
_LAST_MOMENT = 2**48


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list."""

    number: int
    limit: int

    @property
    def skip(self) -> int:
        """Rows before it."""
        return (self.number - 1) * self.limit


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sign-ins; '' filters nothing. Moments in ms."""

    page: Page
    start: int
    before: int
    app_id: str
    address: str
    nothing: bool
    """Only such are wanted as are not kept."""


@dataclass(frozen=True, slots=True)
class Group:
    """The last of some sign-ins, and whether any of them lives."""

    last: RecentLogin
    lives: bool


def read_history(form: GetLoginHistory, _facts: Facts) -> Wanted | Refused:
    """The conditions. Refused: `bad_request` where the address is none."""
    address = _read_address(form.client_ip) if form.client_ip is not None else ""
    if address is None:
        return Refused(Key.BAD_REQUEST, data={"field": "clientIp"})
    return Wanted(
        page=Page(form.page or 1, form.limit or _LIMIT),
        start=form.start or 0,
        before=_LAST_MOMENT if form.end is None else form.end,
        app_id=form.app_id or "",
        address=address,
        nothing=form.success is False,
    )


def read_devices(form: ListMyDevices, _facts: Facts) -> Page:
    """Which page."""
    return Page(form.page or 1, form.limit or _LIMIT)


def read_device(form: UnbindDevice | RevokeDeviceSession, _facts: Facts) -> str:
    """Which device."""
    return form.device_id


def oldest_shown(policy: PoolPolicy, now: int) -> int:
    """From when on sign-ins are shown: the setting as it is now, whatever it was when they were stored."""
    return now - policy.login_history_days * DAY


def login_method(methods: str) -> str:
    """How a sign-in was proven, in the wire's words: `PASSWORD OTP`."""
    return " ".join(_METHODS.get(method, method.upper()) for method in methods.split())


def of_apps(rows: Sequence[RecentLogin], account: Account, now: int) -> list[Group]:
    """Sign-ins by application, the last one first."""
    return _grouped([(row.login.app_id, row) for row in rows], account, now)


def of_devices(rows: Sequence[RecentLogin], account: Account, now: int) -> list[Group]:
    """Sign-ins by device, the last one first."""
    return _grouped([(row.device_id, row) for row in rows if row.device_id], account, now)


def _grouped(rows: Sequence[tuple[str, RecentLogin]], account: Account, now: int) -> list[Group]:
    """Rows come newest first, so each group's first is its last sign-in."""
    groups: dict[str, list[RecentLogin]] = {}
    for name, row in rows:
        groups.setdefault(name, []).append(row)
    return [
        Group(
            own[0],
            lives=any(row.session is not None and row.session.alive(account, now) for row in own),
        )
        for own in groups.values()
    ]


def _read_address(text: str) -> str | None:
    """An address as it is stored: IPv4, or the /64 of an IPv6, which may be written as it is shown."""
    address = read_address(text.strip().removesuffix("/64"))
    return counted_as(address) if address is not None else None
