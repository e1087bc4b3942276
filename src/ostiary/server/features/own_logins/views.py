"""Sign-ins, applications and devices in the wire's shapes."""

from ostiary.contract.own_logins import (
    DeviceInfo,
    GeoIp,
    LoggedInApps,
    LoginHistory,
    ParsedUserAgent,
    TerminalSession,
)
from ostiary.server.core import user_agents
from ostiary.server.core.logins import Login
from ostiary.server.core.moments import iso
from ostiary.server.features.own_logins.rules import Group, login_method


def to_history(user_id: str, login: Login) -> LoginHistory:
    """A sign-in."""
    agent = login.user_agent
    program, kind = user_agents.program(agent) or "", user_agents.kind(agent)
    return LoginHistory(
        user_id=user_id,
        app_id=login.app_id,
        app_name=login.app_name,
        app_login_url="",
        app_logo="",
        login_at=iso(login.at),
        client_ip=login.address,
        success=True,
        user_agent=agent,
        parsed_user_agent=ParsedUserAgent(
            device=kind,
            name=program,
            os=user_agents.system(agent) or "",
            browser=program if kind == "Browser" else "",
        ),
        login_method=login_method(login.methods),
        geoip=GeoIp(),
    )


def to_app(group: Group) -> LoggedInApps:
    """The application of some sign-ins."""
    login = group.last.login
    return LoggedInApps(
        app_id=login.app_id, app_name=login.app_name, app_login_url="", app_logo="", active=group.lives
    )


def to_device(group: Group) -> TerminalSession:
    """A device, as it was at its last sign-in."""
    login = group.last.login
    system = user_agents.system(login.user_agent)
    named = ", ".join(filter(None, (user_agents.program(login.user_agent), system)))
    return TerminalSession(
        device=DeviceInfo(
            device_id=group.last.device_id,
            name=named or None,
            type=user_agents.kind(login.user_agent),
            os=system,
            status="activated",
            user_agent=login.user_agent or None,
        ),
        last_login_time=iso(login.at),
        last_ip=login.address or None,
        online=group.lives,
    )
