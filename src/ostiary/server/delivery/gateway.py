"""The ways out that the settings name: which media have a sender, and that sender.

What a way out needs (an HTTP client, SMTP) is imported where the settings name it: nobody else waits for it at start.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ostiary.server.core.address import networks
from ostiary.server.core.contact import Medium
from ostiary.server.core.ports import Ports
from ostiary.server.delivery.routes import Sender
from ostiary.server.settings import Settings, SettingsError

if TYPE_CHECKING:
    from ostiary.server.delivery.outbound import Outbound
    from ostiary.server.delivery.outbound_mail import Relay, Server


@dataclass(frozen=True, slots=True)
class Gateway:
    """Senders by medium, and what they share."""

    senders: dict[Medium, Sender] = field(default_factory=dict)
    outbound: "Outbound | None" = None
    relay: "Relay | None" = None

    async def close(self) -> None:
        """Let go of their connections, after the last attempt."""
        if self.outbound is not None:
            await self.outbound.close()
        if self.relay is not None:
            await self.relay.close()


def media(settings: Settings) -> tuple[Medium, ...]:
    """The media that have a sender; messages of any other end as `no_route`."""
    by_webhook: tuple[Medium, ...] = settings.webhook_media if settings.webhook_url else ()
    by_smtp: tuple[Medium, ...] = ("email",) if settings.smtp_host else ()
    return tuple(dict.fromkeys((*by_webhook, *by_smtp)))


def check(settings: Settings) -> None:
    """Refuse what can't work before anything is opened. Raises `SettingsError`, which quotes no secret."""
    _check_webhook(settings)
    _check_smtp(settings)


def _check_webhook(settings: Settings) -> None:
    if not settings.webhook_url:
        if settings.webhook_secret:
            raise SettingsError("webhook_secret is set but webhook_url is not: there is nothing to sign")
        return
    from ostiary.server.delivery.outbound import Target
    from ostiary.server.delivery.providers.webhook import read_secrets

    try:
        target = Target.parse(settings.webhook_url)
    except ValueError as error:
        raise SettingsError(f"webhook_url: {error}") from error
    if target.scheme == "http" and not settings.outbound_networks:
        raise SettingsError(
            "webhook_url: http:// may only reach addresses listed in outbound_networks, which is empty"
        )
    try:
        read_secrets(settings.webhook_secret)
    except ValueError as error:
        raise SettingsError(f"webhook_secret: {error}") from error


def _check_smtp(settings: Settings) -> None:
    if not settings.smtp_host:
        for name in ("smtp_username", "smtp_password", "smtp_from"):
            if getattr(settings, name):
                raise SettingsError(f"{name} is set but smtp_host is not: set both or neither")
        return
    host = settings.smtp_host
    if not host.isascii() or not host.isprintable() or any(sign in host for sign in " /@"):
        raise SettingsError("smtp_host must be a name or an address, without a port, user or scheme")
    from ostiary.server.delivery.providers.smtp import read_sender

    try:
        read_sender(settings.smtp_from)
    except ValueError as error:
        raise SettingsError(f"smtp_from: {error}") from error
    if bool(settings.smtp_username) != bool(settings.smtp_password):
        raise SettingsError("smtp_username and smtp_password: set both or neither")
    if settings.smtp_tls == "none" and not settings.outbound_networks:
        raise SettingsError(
            "smtp_tls: without TLS, only addresses listed in outbound_networks may be reached, and it is empty"
        )


def gateway(settings: Settings, ports: Ports) -> Gateway:
    """Make them, inside the event loop that uses them. `check` was asked before."""
    named = networks(settings.outbound_networks)
    senders: dict[Medium, Sender] = {}
    outbound, relay = None, None
    if settings.webhook_url:
        from ostiary.server.delivery.outbound import Outbound
        from ostiary.server.delivery.providers.webhook import Webhook

        outbound = Outbound(named)
        webhook = Webhook(outbound, ports, settings.webhook_url, settings.webhook_secret)
        senders |= dict.fromkeys(settings.webhook_media, webhook)
    if settings.smtp_host:
        from ostiary.server.delivery.outbound_mail import Relay
        from ostiary.server.delivery.providers.smtp import SmtpSender

        relay = Relay(_server(settings), named)
        senders["email"] = SmtpSender(relay, ports, settings.smtp_from)
    return Gateway(senders, outbound, relay)


def _server(settings: Settings) -> "Server":
    from ostiary.server.delivery.outbound_mail import USUAL_PORTS, Server
    from ostiary.server.delivery.providers.smtp import read_sender

    return Server(
        host=settings.smtp_host,
        port=settings.smtp_port or USUAL_PORTS[settings.smtp_tls],
        tls=settings.smtp_tls,
        hello=read_sender(settings.smtp_from).domain,
        username=settings.smtp_username,
        password=settings.smtp_password,
    )
