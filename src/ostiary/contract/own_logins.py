"""Where and when a user signed in: history, applications, devices."""

from typing import Annotated, Literal

from msgspec import Meta

from ostiary.contract.common import Handle, Moment, PlainWire, RequiredHandle, Wire

PageNumber = Annotated[int, Meta(ge=1, le=1_000)]
PageLimit = Annotated[int, Meta(ge=1, le=50)]
MomentMillis = Annotated[int, Meta(ge=0, le=2**47)]
"""Milliseconds since 1970, UTC."""


class GetLoginHistory(Wire, kw_only=True, frozen=True):
    """Which sign-ins. All conditions must hold."""

    app_id: Handle | None = None
    client_ip: Handle | None = None
    """An IP address; IPv6 addresses are compared by their /64."""
    success: bool | None = None
    """Only successful sign-ins are stored: false finds none."""
    start: MomentMillis | None = None
    """From this time on."""
    end: MomentMillis | None = None
    """Before this time."""
    page: PageNumber | None = None
    """Starts at 1."""
    limit: PageLimit | None = None
    """Default: 10."""


class ParsedUserAgent(Wire, kw_only=True, frozen=True):
    """The client program and system, if recognized; otherwise empty."""

    device: str
    """`Browser`, `Mobile` or `Desktop`."""
    name: str
    os: str
    browser: str


class GeoIp(PlainWire, kw_only=True, frozen=True):
    """The location of an address. Always empty: locations are not looked up."""


class LoginHistory(Wire, kw_only=True, frozen=True):
    """One sign-in."""

    user_id: str
    app_id: str
    app_name: str
    app_login_url: str
    """Always empty: applications have no sign-in page yet."""
    app_logo: str
    login_at: Moment
    client_ip: str
    """The IPv4 address, or the /64 of an IPv6 address; empty if a backend acted for itself."""
    success: bool
    error_message: str | None = None
    user_agent: str
    parsed_user_agent: ParsedUserAgent
    login_method: str
    """How the user signed in: `PASSWORD`, `PHONE_PASSCODE` or `EMAIL_PASSCODE`, then second factors."""
    geoip: GeoIp
    tenant_id: str | None = None


Logins = list[LoginHistory]
"""A name for the type: inside a class with a field `list`, `list` is that field."""


class LoginHistoryPaging(Wire, kw_only=True, frozen=True):
    """A page of sign-ins, newest first."""

    total_count: int
    """The number of matches among the newest thousand."""
    list: Logins


class LoggedInApps(Wire, kw_only=True, frozen=True):
    """An application that the user has signed in to."""

    app_id: str
    app_name: str
    app_login_url: str
    """Always empty: applications have no sign-in page yet."""
    app_logo: str
    active: bool
    """Whether a sign-in to it is still valid."""


class ListMyDevices(Wire, kw_only=True, frozen=True):
    """Which page."""

    page: PageNumber | None = None
    """Starts at 1."""
    limit: PageLimit | None = None
    """Default: 10."""


class DeviceInfo(Wire, kw_only=True, frozen=True):
    """A device: the ID the client gave it, and what the client reported."""

    device_id: str
    name: str | None = None
    """For example `Chrome, Windows`, as far as known."""
    version: str | None = None
    type: Literal["Browser", "Mobile", "Desktop"]
    mod: str | None = None
    os: str | None = None
    status: Literal["activated", "suspended", "deactivated"] | None = None
    user_agent: str | None = None


class TerminalSession(Wire, kw_only=True, frozen=True):
    """A device on which the user has signed in."""

    device: DeviceInfo
    last_login_time: Moment
    last_ip: str | None = None
    online: bool
    """Whether a sign-in on it is still valid."""


class UnbindDevice(Wire, kw_only=True, frozen=True):
    """The device."""

    device_id: RequiredHandle


class RevokeDeviceSession(Wire, kw_only=True, frozen=True):
    """The device."""

    device_id: RequiredHandle
