"""Where and when a user signed in: history, applications, devices."""

from typing import Annotated, Literal

from msgspec import Meta

from ostiary.contract.common import Handle, Moment, PlainWire, RequiredHandle, Wire

PageNumber = Annotated[int, Meta(ge=1, le=1_000)]
PageLimit = Annotated[int, Meta(ge=1, le=50)]
MomentMillis = Annotated[int, Meta(ge=0, le=2**47)]
"""Milliseconds since 1970, UTC."""


class GetLoginHistory(Wire, kw_only=True, frozen=True):
    """Which sign-ins. Conditions hold together."""

    app_id: Handle | None = None
    client_ip: Handle | None = None
    """An address; of an IPv6 one its /64 counts."""
    success: bool | None = None
    """Only sign-ins that succeeded are kept: false finds none."""
    start: MomentMillis | None = None
    """From this moment on."""
    end: MomentMillis | None = None
    """Before this moment."""
    page: PageNumber | None = None
    """From 1."""
    limit: PageLimit | None = None
    """10 where absent."""


class ParsedUserAgent(Wire, kw_only=True, frozen=True):
    """What the program said of itself, as names that are known; empty where none is."""

    device: str
    """`Browser`, `Mobile` or `Desktop`."""
    name: str
    os: str
    browser: str


class GeoIp(PlainWire, kw_only=True, frozen=True):
    """Where an address is. Nothing is looked up, so nothing is told."""


class LoginHistory(Wire, kw_only=True, frozen=True):
    """One sign-in."""

    user_id: str
    app_id: str
    app_name: str
    app_login_url: str
    """Empty: applications have no page to sign in at yet."""
    app_logo: str
    login_at: Moment
    client_ip: str
    """IPv4, or the /64 of an IPv6; empty where a backend asked for itself."""
    success: bool
    error_message: str | None = None
    user_agent: str
    parsed_user_agent: ParsedUserAgent
    login_method: str
    """How it was proven: `PASSWORD`, `PHONE_PASSCODE`, `EMAIL_PASSCODE`, then second factors."""
    geoip: GeoIp
    tenant_id: str | None = None


Logins = list[LoginHistory]
"""A name for the type: inside a class with a field `list`, `list` is that field."""


class LoginHistoryPaging(Wire, kw_only=True, frozen=True):
    """A page of sign-ins, newest first."""

    total_count: int
    """Of those that fit, among the newest thousand."""
    list: Logins


class LoggedInApps(Wire, kw_only=True, frozen=True):
    """An application that the user signed in to."""

    app_id: str
    app_name: str
    app_login_url: str
    """Empty: applications have no page to sign in at yet."""
    app_logo: str
    active: bool
    """Whether a sign-in there lives."""


class ListMyDevices(Wire, kw_only=True, frozen=True):
    """Which page."""

    page: PageNumber | None = None
    """From 1."""
    limit: PageLimit | None = None
    """10 where absent."""


class DeviceInfo(Wire, kw_only=True, frozen=True):
    """A device: what the client calls it, and what it said of itself."""

    device_id: str
    name: str | None = None
    """`Chrome, Windows`, as far as it is known."""
    version: str | None = None
    type: Literal["Browser", "Mobile", "Desktop"]
    mod: str | None = None
    os: str | None = None
    status: Literal["activated", "suspended", "deactivated"] | None = None
    user_agent: str | None = None


class TerminalSession(Wire, kw_only=True, frozen=True):
    """A device that the user signed in on."""

    device: DeviceInfo
    last_login_time: Moment
    last_ip: str | None = None
    online: bool
    """Whether a sign-in on it lives."""


class UnbindDevice(Wire, kw_only=True, frozen=True):
    """Which device."""

    device_id: RequiredHandle


class RevokeDeviceSession(Wire, kw_only=True, frozen=True):
    """Which device."""

    device_id: RequiredHandle
