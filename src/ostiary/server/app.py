"""The composition root: the only place that knows every room and puts them together.

`compose` makes one process's parts, `serve` runs them until SIGTERM, `work` runs the outbox worker alone.
What keeps the service from starting is a `StartRefusedError`, whose text says what to do (exit code 2).
"""

import asyncio
import ipaddress
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module

import msgspec
import structlog

from ostiary.contract.operations import OPERATIONS
from ostiary.server import keyfile
from ostiary.server.core.keyring import RootKeys
from ostiary.server.core.ports import Ports
from ostiary.server.delivery.background import Background
from ostiary.server.delivery.routes import Routes, Sender
from ostiary.server.guards.passwords import Passwords
from ostiary.server.guards.service import Service
from ostiary.server.guards.signing import Signer
from ostiary.server.settings import Settings
from ostiary.server.storage import meta, pools
from ostiary.server.storage.db import Store
from ostiary.server.storage.outbox import Medium
from ostiary.server.web import logs
from ostiary.server.web.answers import Handler
from ostiary.server.web.api import Action, Api
from ostiary.server.web.callers import Callers
from ostiary.server.web.cors import Origins
from ostiary.server.web.health import Health
from ostiary.server.web.metrics import Metrics
from ostiary.server.web.middleware import Edge

STOP_WITHIN = 9.5
"""Seconds from SIGTERM to the end of the process, whatever hangs (interfaces.md: 10)."""

log = structlog.get_logger(__name__)

FEATURES = (
    "messages.actions",
    "phone_change.actions",
)
"""The modules that hold an action for every row of the operations table."""


class StartRefusedError(Exception):
    """The service must not start like this; the message says why and what to do. Exit code 2."""


def actions() -> dict[str, Action]:
    """Operation → action. Refuses to start where a row of the table has none."""
    modules = [import_module(f"ostiary.server.features.{name}") for name in FEATURES]
    found: dict[str, Action] = {}
    for operation in OPERATIONS:
        holders = [module for module in modules if hasattr(module, operation.name)]
        if len(holders) != 1:
            raise StartRefusedError(f"operation {operation.name} has {len(holders)} actions instead of one")
        found[operation.name] = getattr(holders[0], operation.name)
    return found


@dataclass(slots=True)
class Process:
    """The parts of one serving process."""

    service: Service
    edge: Edge
    health: Health
    background: Background
    chores: list["asyncio.Task[None]"]

    async def close(self) -> None:
        """After the last answer: what is under way is finished and stored."""
        for chore in self.chores:
            chore.cancel()
        await self.service.store.close()
        self.service.signer.close()
        self.service.passwords.close()


# ── parts ───────────────────────────────────────────────────────────────────────────────────


def root_keys(settings: Settings) -> RootKeys:
    """The keys; dev mode makes them in an empty folder. Raises `KeyFileError`."""
    path = settings.keys_path
    if settings.dev and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        keyfile.write(path, keyfile.make())
    return keyfile.read(path)


def open_store(settings: Settings, ports: Ports) -> Store:
    """The database, brought to this version's revision."""
    if settings.on_sqlite and not settings.database:
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        return Store.open(settings.database_url, ports)
    except Exception as error:
        # Each driver has its own errors; whichever it is, there is no database to serve.
        raise StartRefusedError(f"the database can't be opened: {error}") from error


async def compose(settings: Settings, url: str, operations: Mapping[str, Action] | None = None) -> Process:
    """Make one process's parts. `operations` replaces the action map (tests of the edge alone)."""
    operations = actions() if operations is None else operations
    ports = Ports(root_keys(settings))
    store = open_store(settings, ports)
    try:
        return await _composed(settings, url, operations, ports, store)
    except BaseException:
        await store.close()
        raise


async def _composed(
    settings: Settings, url: str, operations: Mapping[str, Action], ports: Ports, store: Store
) -> Process:
    service = Service(
        store=store,
        ports=ports,
        signer=Signer(store, ports, f"{url}/oidc"),
        passwords=Passwords(
            memory_kib=settings.argon2_memory_kib,
            passes=settings.argon2_passes,
            lanes=settings.argon2_lanes,
            threads=settings.password_threads,
            queue=settings.password_queue,
        ),
        dev=settings.dev,
    )
    chores: list[asyncio.Task[None]] = []
    extra, senders = await _dev(settings, service, operations, url, chores)
    background = Background(store, ports, Routes(senders), url)
    metrics = Metrics(store.counts)
    health = Health(
        store,
        ports,
        metrics,
        newest_moment=await store.read(meta.newest_moment),
        working=lambda: background.ready,
    )
    callers = Callers(
        service.signer,
        trusted_proxies=settings.trusted_proxies,
        backends=settings.backends,
        proxy_header=settings.proxy_header,
    )
    edge = Edge(
        {**Api(service, callers, operations).routes(), **_plain(health), **extra},
        Origins(store, ports),
        metrics,
        most_requests=settings.most_requests,
        body_timeout=settings.body_timeout,
        https=url.startswith("https:"),
        only_hosts=_is_loopback_name if settings.dev else None,
    )
    return Process(service, edge, health, background, chores)


def _plain(health: Health) -> dict[bytes, dict[str, Handler]]:
    from ostiary.server.web.pages import docs

    return {
        b"/healthz": {"GET": health.alive},
        b"/readyz": {"GET": health.ready},
        b"/metrics": {"GET": health.measure},
        b"/openapi.json": {"GET": docs.openapi},
        b"/docs": {"GET": docs.docs},
    }


async def _dev(
    settings: Settings,
    service: Service,
    operations: Mapping[str, Action],
    url: str,
    chores: list["asyncio.Task[None]"],
) -> tuple[Mapping[bytes, Mapping[str, Handler]], Mapping[Medium, Sender]]:
    """What dev mode adds: its routes and its sender. Outside of it: nothing, and its databases are refused."""
    if not settings.dev:
        if await service.store.read(lambda tx: meta.get(tx, meta.DEV_POOL)) is not None:
            raise StartRefusedError("this database was made by dev mode: its passwords lie open in dev.json")
        if not await service.store.read(pools.every):
            log.warning("no_pool", hint="`ostiary init` makes the first one")
        return {}, {}
    from ostiary.server import dev
    from ostiary.server.delivery.providers.dev_inbox import DevInboxSender

    clock = dev.DevClock(service.store, service.ports, shared=settings.workers > 1)
    await clock.load()
    try:
        file = await dev.prepare(service, operations["create_user"], settings.folder, url)
    except dev.DevError as error:
        raise StartRefusedError(str(error)) from error
    chores.append(asyncio.create_task(clock.follow()))
    sender = DevInboxSender(dev=True)
    return dev.routes(service, clock, file), {"sms": sender, "email": sender}


# ── serving ─────────────────────────────────────────────────────────────────────────────────


def check(settings: Settings) -> None:
    """What can be refused before anything is opened."""
    if settings.dev and not _is_loopback(settings.host):
        raise StartRefusedError(f"dev mode listens on loopback addresses only, not on {settings.host}")
    if settings.inbox and not settings.dev:
        raise StartRefusedError("the inbox shows people's codes: it is for dev mode only (inbox = false)")
    if settings.workers > 1 and settings.on_sqlite:
        raise StartRefusedError(
            "--workers above 1 needs PostgreSQL: SQLite has one writer, so a second process would only wait for it"
        )


def serve(settings: Settings, told_ready: Callable[[str], None] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the exit code. Raises `StartRefusedError` and `KeyFileError`."""
    logs.configure(settings.log_level, verbose=settings.dev)
    check(settings)
    root_keys(settings)
    listener = listen(settings)
    url = public_url(settings, listener)
    tell = told_ready or _print_ready(settings)
    if settings.workers == 1:
        return _run(_serve_one(settings, url, listener, lambda: tell(url)))
    from ostiary.server.web import processes

    _run(_prepare(settings, url))  # once, so that the workers find everything made
    return processes.run(
        settings.workers,
        lambda ready: _run(_serve_one(settings, url, listener, ready)),
        lambda: tell(url),
    )


def work(settings: Settings, told_ready: Callable[[], None]) -> int:
    """Run the outbox worker, the audit sealer and the janitor alone, until SIGTERM or SIGINT."""
    logs.configure(settings.log_level, verbose=settings.dev)
    check(settings)
    return _run(_work(settings, told_ready))


def listen(settings: Settings) -> socket.socket:
    """The listening socket, which all workers share."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise StartRefusedError(f"{settings.host}:{settings.port} can't be had: {error.strerror}") from error
    listener.listen(2_048)
    return listener


def public_url(settings: Settings, listener: socket.socket) -> str:
    """What clients call us: the setting, else where we listen."""
    if settings.public_url:
        return settings.public_url
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"


def _run(main: Coroutine[None, None, int]) -> int:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        code: int = runner.run(main)
        return code


async def _prepare(settings: Settings, url: str) -> int:
    process = await compose(settings, url)
    await process.close()
    return 0


async def _serve_one(settings: Settings, url: str, listener: socket.socket, ready: Callable[[], None]) -> int:
    from ostiary.server.web import protocol

    process = await compose(settings, url)
    work = asyncio.create_task(process.background.run())

    def stopping() -> None:
        process.health.stopping = True
        asyncio.get_running_loop().call_later(STOP_WITHIN, _give_up)

    server = protocol.server(process.edge, settings, ready, stopping)
    await server.serve([listener])
    process.background.stop()
    await work
    await process.close()
    return 0


async def _work(settings: Settings, ready: Callable[[], None]) -> int:
    ports = Ports(root_keys(settings))
    store = open_store(settings, ports)
    senders: Mapping[Medium, Sender] = {}
    chores = []
    if settings.dev:
        from ostiary.server import dev
        from ostiary.server.delivery.providers.dev_inbox import DevInboxSender

        clock = dev.DevClock(store, ports, shared=True)
        await clock.load()
        chores.append(asyncio.create_task(clock.follow()))
        sender = DevInboxSender(dev=True)
        senders = {"sms": sender, "email": sender}
    background = Background(store, ports, Routes(senders), settings.public_url)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, background.stop)
    ready()
    await background.run()
    for chore in chores:
        chore.cancel()
    await store.close()
    return 0


def _print_ready(settings: Settings) -> Callable[[str], None]:
    def tell(url: str) -> None:
        line = {"event": "ready", "url": url, "dataDir": str(settings.folder)}
        with suppress(BrokenPipeError):
            sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
            sys.stdout.flush()

    return tell


def _give_up() -> None:
    """The last resort of a stop: something hangs, and what was answered is stored already."""
    log.error("stop_took_too_long")
    os._exit(0)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_loopback_name(header: bytes) -> bool:
    """Whether a Host header names this machine: a website that rebinds its name to 127.0.0.1 does not."""
    text = header.decode("latin-1")
    return _is_loopback(text[1:].partition("]")[0] if text.startswith("[") else text.partition(":")[0])
