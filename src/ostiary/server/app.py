"""The composition root: the only place that knows every room and puts them together.

`compose` makes the parts of a serving process, `compose_backstage` those of `ostiary worker`; `running` runs them.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from types import ModuleType
from typing import TYPE_CHECKING

from ostiary.contract.operations import OPERATIONS
from ostiary.server.core.address import is_loopback
from ostiary.server.core.contact import Medium
from ostiary.server.core.ports import Ports
from ostiary.server.delivery import gateway
from ostiary.server.delivery.background import Background
from ostiary.server.delivery.gateway import Gateway
from ostiary.server.delivery.routes import Routes, Sender
from ostiary.server.delivery.watch import Watch
from ostiary.server.features.captcha import actions as captcha
from ostiary.server.features.deletion import actions as deletion
from ostiary.server.features.email_change import actions as email_change
from ostiary.server.features.management import (
    applications,
    custom_fields,
    groups,
    listing,
    records,
    roles,
    security_settings,
    tokens,
    user_changes,
    users,
)
from ostiary.server.features.messages import actions as messages
from ostiary.server.features.mine import actions as mine
from ostiary.server.features.oidc import discovery, introspection, revocation, token, user_info
from ostiary.server.features.own_logins import actions as own_logins
from ostiary.server.features.own_password import actions as own_password
from ostiary.server.features.own_password import reset
from ostiary.server.features.phone_change import actions as phone_change
from ostiary.server.features.profile import actions as profile
from ostiary.server.features.public_info import actions as public_info
from ostiary.server.features.second_factors import enrolment, showing, verification
from ostiary.server.features.sign_in import actions as sign_in
from ostiary.server.features.sign_up import actions as sign_up
from ostiary.server.features.system import actions as system
from ostiary.server.founding import open_store, require_one_installation, root_keys
from ostiary.server.guards.password_keys import PasswordKeys
from ostiary.server.guards.passwords import Passwords
from ostiary.server.guards.service import Service
from ostiary.server.guards.signing import Signer
from ostiary.server.keywatch import KeyWatch
from ostiary.server.settings import Settings, StartRefusedError
from ostiary.server.storage import meta
from ostiary.server.storage.db import Store
from ostiary.server.web.answers import Handler
from ostiary.server.web.api import Action, Api
from ostiary.server.web.callers import Callers
from ostiary.server.web.cors import Origins
from ostiary.server.web.health import Health
from ostiary.server.web.metrics import Metrics, process_label
from ostiary.server.web.middleware import Edge
from ostiary.server.web.pages import captcha as captcha_page
from ostiary.server.web.tracing import Traces, tracing

if TYPE_CHECKING:
    from ostiary.server.dev import DevClock

_HOST = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([^\[\]:]+))(?::[0-9]+)?")
"""A Host header (RFC 9110 §7.2): an IPv6 address in brackets or a name, and a port."""


MODULES = (
    *(sign_up, sign_in, messages, profile, phone_change),
    *(discovery, token, introspection, revocation, user_info),
    *(public_info, custom_fields, own_password, reset, deletion),
    *(own_logins,),
    *(system, captcha),
    *(showing, enrolment, verification),  # second factors
    *(email_change,),
    *(mine, roles, groups, applications),
    *(tokens, security_settings, users, user_changes, listing, records),
)
"""Where the actions are: each operation's is the function of its name in exactly one of these."""


def actions() -> dict[str, Action]:
    """Operation → action. Refuses to start where a row of the table has none, or two."""
    found: dict[str, Action] = {}
    for operation in OPERATIONS:
        own = [module for module in MODULES if _defines(module, operation.name)]
        if len(own) != 1:
            raise StartRefusedError(f"operation {operation.name} has {len(own)} actions instead of one")
        found[operation.name] = getattr(own[0], operation.name)
    return found


def _defines(module: ModuleType, name: str) -> bool:
    return getattr(getattr(module, name, None), "__module__", None) == module.__name__


@dataclass(slots=True)
class Backstage:
    """What works behind the requests: the parts of a process that serves nobody (`ostiary worker`)."""

    store: Store
    background: Background
    keys: KeyWatch
    chores: list["asyncio.Task[None]"]
    gateway: Gateway
    traces: Traces

    async def close(self) -> None:
        """After the background has ended: what was asked of the store is stored."""
        for chore in self.chores:
            chore.cancel()
        await self.gateway.close()
        await self.store.close()
        await asyncio.to_thread(self.traces.close)


@dataclass(slots=True)
class Process:
    """The parts of one serving process."""

    service: Service
    edge: Edge
    health: Health
    backstage: Backstage

    @property
    def background(self) -> Background:
        """Outbox worker, audit sealer and janitor."""
        return self.backstage.background

    async def close(self) -> None:
        """After the last answer and the end of the background."""
        await self.backstage.close()
        self.service.signer.close()
        self.service.passwords.close()


@dataclass(frozen=True, slots=True)
class _Ground:
    """What the parts of every process stand on."""

    settings: Settings
    ports: Ports
    store: Store
    clock: "DevClock | None"
    """Dev mode's; None outside of it."""
    shared: bool
    """Whether other processes work on this database, and may move the dev clock."""


async def compose(settings: Settings, url: str, operations: Mapping[str, Action] | None = None) -> Process:
    """Make one process's parts. `operations` replaces the action map (tests of the edge alone)."""
    operations = actions() if operations is None else operations
    async with _ground(settings, shared=settings.workers > 1) as ground:
        return await _composed(ground, url, operations)


@asynccontextmanager
async def _ground(settings: Settings, *, shared: bool) -> AsyncIterator[_Ground]:
    """Root keys and database, which are one installation. Outside of dev mode there must be one: none is created here.

    Where what is made over it fails, the database is closed; else it belongs to what was made, which closes it.
    """
    ports = Ports(root_keys(settings))
    store = open_store(settings, ports, create=settings.dev)
    try:
        await store.read(partial(require_one_installation, settings, ports))
        yield _Ground(settings, ports, store, await _dev_clock(settings, ports, store, shared=shared), shared)
    except BaseException:
        await store.close()
        raise


async def _dev_clock(settings: Settings, ports: Ports, store: Store, *, shared: bool) -> "DevClock | None":
    if not settings.dev:
        return None
    from ostiary.server.dev import DevClock

    clock = DevClock(store, ports, shared=shared)
    await clock.load()
    return clock


async def _composed(ground: _Ground, url: str, operations: Mapping[str, Action]) -> Process:
    settings, ports, store = ground.settings, ground.ports, ground.store
    passwords = Passwords(
        memory_kib=settings.argon2_memory_kib,
        passes=settings.argon2_passes,
        lanes=settings.argon2_lanes,
        threads=settings.password_threads,
        queue=settings.password_queue,
    )
    service = Service(
        store=store,
        ports=ports,
        signer=Signer(store, ports, f"{url}/oidc"),
        passwords=passwords,
        password_keys=PasswordKeys(store, ports, passwords),
        dev=settings.dev,
    )
    extra = await _dev_routes(ground, service, operations, url)
    metrics = Metrics(store.counts, lambda: store.waiting, process=process_label(settings.workers))

    async def refresh_keys() -> None:
        await service.signer.refresh()
        await service.password_keys.refresh()

    backstage = _backstage(ground, url, refresh_keys, metrics)
    metrics.watch_sending(lambda: backstage.background.sending)
    health = Health(
        store,
        ports,
        metrics,
        newest_moment=await store.read(meta.newest_moment),
        working=lambda: backstage.background.ready,
        metrics_networks=settings.metrics_networks,
    )
    callers = Callers(
        service.signer,
        trusted_proxies=settings.trusted_proxies,
        backends=settings.backends,
        proxy_header=settings.proxy_header,
    )
    edge = Edge(
        {
            **Api(service, callers, operations).routes(),
            **captcha_page.routes(service, callers, captcha.get_captcha_code),
            **_plain(health, service),
            **extra,
        },
        Origins(store, ports),
        metrics,
        most_requests=settings.most_requests,
        body_timeout=settings.body_timeout,
        https=url.startswith("https:"),
        only_hosts=_is_loopback_name if settings.dev else None,
        traces=backstage.traces,
    )
    metrics.watch_requests(lambda: edge.under_way)
    return Process(service, edge, health, backstage)


def _plain(health: Health, service: Service) -> Mapping[bytes, Mapping[str, Handler]]:
    from ostiary.server.web.pages import docs
    from ostiary.server.web.pages.verify_email import VerifyEmailPages

    return {
        b"/healthz": {"GET": health.alive},
        b"/readyz": {"GET": health.ready},
        b"/metrics": {"GET": health.measure},
        **docs.routes(),
        **VerifyEmailPages(service).routes(),
    }


async def compose_backstage(settings: Settings) -> Backstage:
    """Make the parts of a process that serves nobody. Made, like the background, in the loop that runs it."""
    async with _ground(settings, shared=True) as ground:
        return _backstage(ground, settings.public_url)


def _backstage(
    ground: _Ground,
    url: str,
    refresh: Callable[[], Awaitable[None]] | None = None,
    watch: Watch | None = None,
) -> Backstage:
    """`refresh` looks at the keys in the database. `watch`: who counts what is sent."""
    settings, ports, store = ground.settings, ground.ports, ground.store
    store.slow_seconds = settings.slow_step_ms / 1_000
    senders: dict[Medium, Sender] = {}
    chores: list[asyncio.Task[None]] = []
    if ground.clock is not None:
        from ostiary.server.delivery.providers.dev_inbox import DevInboxSender

        senders = dict.fromkeys(("sms", "email"), DevInboxSender(dev=True))
        if ground.shared:
            chores.append(asyncio.create_task(ground.clock.follow()))
    way_out = gateway.gateway(settings, ports)
    routes = Routes({**senders, **way_out.senders})
    traces = tracing(settings.otlp_endpoint, ports)
    background = Background(store, ports, routes, url, traces.watching(watch))
    keys = KeyWatch(settings.keys_path, ports, refresh)
    chores.append(asyncio.create_task(keys.run()))
    return Backstage(store, background, keys, chores, way_out, traces)


async def _dev_routes(
    ground: _Ground, service: Service, operations: Mapping[str, Action], url: str
) -> Mapping[bytes, Mapping[str, Handler]]:
    """What dev mode answers beside the operations. Outside of it: nothing, and its databases are refused."""
    if ground.clock is None:
        if await ground.store.read(lambda tx: meta.get(tx, meta.DEV_POOL)) is not None:
            raise StartRefusedError(
                "this database was created by dev mode: its passwords are readable in dev.json"
            )
        return {}
    from ostiary.server import dev

    file = await dev.prepare(service, operations["create_user"], ground.settings.folder, url)
    return dev.routes(service, ground.clock, file)


def check(settings: Settings) -> None:
    """What can be refused before anything is opened."""
    if settings.dev and not is_loopback(settings.host):
        raise StartRefusedError(f"dev mode listens on loopback addresses only, not on {settings.host}")
    if settings.inbox and not settings.dev:
        raise StartRefusedError(
            "the inbox shows users' codes and is available in dev mode only: set inbox = false"
        )
    gateway.check(settings)
    if settings.workers > 1 and settings.on_sqlite:
        raise StartRefusedError(
            "--workers above 1 requires PostgreSQL: SQLite has a single writer, so a second process would only wait for it"
        )


@lru_cache(maxsize=64)
def _is_loopback_name(header: bytes) -> bool:
    """Whether a Host header names this machine: a website that rebinds its name to 127.0.0.1 does not."""
    host = _HOST.fullmatch(header.decode("latin-1"))
    return host is not None and is_loopback(host[1] or host[2])
