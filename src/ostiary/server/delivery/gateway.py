"""The way out that the settings name: which media have a sender, and that sender."""

from dataclasses import dataclass, field

from ostiary.server.core.contact import Medium
from ostiary.server.core.ports import Ports
from ostiary.server.delivery.addresses import networks
from ostiary.server.delivery.outbound import Outbound, Target
from ostiary.server.delivery.providers.webhook import Webhook, read_secrets
from ostiary.server.delivery.routes import Sender
from ostiary.server.settings import Settings, SettingsError


@dataclass(frozen=True, slots=True)
class Gateway:
    """Senders by medium, and what they share."""

    senders: dict[Medium, Sender] = field(default_factory=dict)
    outbound: Outbound | None = None

    async def close(self) -> None:
        """Let go of its connections, after the last attempt."""
        if self.outbound is not None:
            await self.outbound.close()


def media(settings: Settings) -> tuple[Medium, ...]:
    """The media that have a sender; messages of any other end as `no_route`."""
    return settings.webhook_media if settings.webhook_url else ()


def check(settings: Settings) -> None:
    """Refuse what can't work before anything is opened. Raises `SettingsError`, which quotes no secret."""
    if not settings.webhook_url:
        if settings.webhook_secret:
            raise SettingsError("webhook_secret is set, and webhook_url is not: there is nothing to sign")
        return
    try:
        target = Target.parse(settings.webhook_url)
    except ValueError as error:
        raise SettingsError(f"webhook_url: {error}") from error
    if target.scheme == "http" and not settings.outbound_networks:
        raise SettingsError(
            "webhook_url: http:// reaches only what outbound_networks names, and it names nothing"
        )
    try:
        read_secrets(settings.webhook_secret)
    except ValueError as error:
        raise SettingsError(f"webhook_secret: {error}") from error


def gateway(settings: Settings, ports: Ports) -> Gateway:
    """Make it, inside the event loop that uses it. `check` was asked before."""
    if not settings.webhook_url:
        return Gateway()
    outbound = Outbound(networks(settings.outbound_networks))
    webhook = Webhook(outbound, ports, settings.webhook_url, settings.webhook_secret)
    return Gateway(dict.fromkeys(media(settings), webhook), outbound)
