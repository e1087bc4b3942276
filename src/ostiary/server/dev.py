"""Dev mode: what it makes on first start, `dev.json`, and the clock that can be moved. Loopback only.

A database is made by dev mode or it is not: dev mode refuses one that `ostiary init` made (its inbox would show
real people's codes), and the service outside of dev mode refuses one that dev mode made (its passwords lie open).
"""

import asyncio
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from ostiary.contract.keys import Key
from ostiary.contract.management import CreateUser
from ostiary.contract.profile import User
from ostiary.server.core import strangers_json
from ostiary.server.core.call import Call, ManagementToken
from ostiary.server.core.millis import HOUR, SECOND, Millis
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.ports import Ports
from ostiary.server.core.refused import Refused
from ostiary.server.founding import new_installation
from ostiary.server.guards.service import Service
from ostiary.server.settings import StartRefusedError
from ostiary.server.storage import meta, pools
from ostiary.server.storage.db import Store
from ostiary.server.storage.tx import Tx, UnavailableError
from ostiary.server.web import answers
from ostiary.server.web.answers import Answer, Handler, Request
from ostiary.server.web.api import Action
from ostiary.server.web.middleware import refusal
from ostiary.server.web.pages.templates import page

FILE = "dev.json"
PEOPLE = (
    ("alice", "+8613800138000", "alice@example.com"),
    ("bob", "+8613900139000", "bob@example.com"),
)
_FARTHEST = 10 * 366 * 86_400
"""Ten years in seconds: further than any life in here, and far from what a moment can't hold."""
_LOOK_EVERY = 0.25
"""Seconds between two looks at the shared clock, where another process may have moved it."""


class DevError(StartRefusedError):
    """Dev mode can't be had with this folder and this database; the message says why."""


class DevUser(msgspec.Struct, rename="camel", kw_only=True):
    """One user that can be signed in as."""

    user_id: str
    phone: str
    email: str
    username: str
    password: str


class DevFile(msgspec.Struct, rename="camel", kw_only=True):
    """`dev.json`: everything a client needs; mode 600."""

    url: str
    user_pool_id: str
    app_id: str
    app_secret: str
    access_key_id: str
    access_key_secret: str
    inbox_url: str
    users: list[DevUser]


async def prepare(service: Service, create_user: Action, folder: Path, url: str) -> DevFile:
    """Make what is not there yet, and write `dev.json`. Raises `DevError`."""
    pool_id = await service.store.read(lambda tx: meta.get(tx, meta.DEV_POOL))
    path = folder / FILE
    if pool_id is None:
        if await service.store.read(pools.every):
            raise DevError(
                "this database was not created by dev mode: its messages must not appear in the inbox"
            )
        file = await _first_start(service, create_user, url)
    else:
        try:
            file = msgspec.json.decode(path.read_bytes(), type=DevFile)
        except (OSError, msgspec.DecodeError) as error:
            raise DevError(f"{path} is gone: start with an empty folder and an empty database") from error
        if file.user_pool_id != pool_id:
            raise DevError(f"{path} belongs to another database")
    file.url = url
    file.inbox_url = f"{url}/dev/inbox"
    _write(path, file)
    return file


async def _first_start(service: Service, create_user: Action, url: str) -> DevFile:
    ports = service.ports
    policy = PoolPolicy(send_per_address_per_minute=0, send_per_address_per_day=0, send_per_app_per_day=0)
    founded = await asyncio.to_thread(new_installation, ports, "dev", "+86", "zh-CN", policy)

    def step(tx: Tx) -> None:
        founded.store(tx)
        meta.put(tx, meta.DEV_POOL, founded.pool.id)

    await service.store.write(step)
    manager = ManagementToken(founded.pool.id, founded.access_key.id, Millis(ports.now() + HOUR))
    return DevFile(
        url=url,
        user_pool_id=founded.pool.id,
        app_id=founded.app.id,
        app_secret=founded.app_secret,
        access_key_id=founded.access_key.id,
        access_key_secret=founded.access_key_secret,
        inbox_url="",
        users=[await _person(service, create_user, manager, *person) for person in PEOPLE],
    )


async def _person(
    service: Service, create_user: Action, manager: ManagementToken, username: str, phone: str, email: str
) -> DevUser:
    """One user, made the way an administrator makes one."""
    password = service.ports.secret(count=12)
    form = CreateUser(
        username=username,
        phone=phone,
        email=email,
        password=password,
        name=username.capitalize(),
        phone_verified=True,
        email_verified=True,
    )
    made = await create_user(service, Call(service.ports.request_id(), manager=manager), form)
    if not isinstance(made, User):
        raise DevError(f"the user {username} could not be created: {made}")
    return DevUser(user_id=made.user_id, phone=phone, email=email, username=username, password=password)


def _write(path: Path, file: DevFile) -> None:
    """Replace the file in one step, never readable by others."""
    text = msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n"
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(text)
    beside.replace(path)


class _Advance(msgspec.Struct, rename="camel"):
    advance_seconds: Annotated[int, Meta(gt=0, le=_FARTHEST)]


_read_advance = msgspec.json.Decoder(_Advance).decode


class DevClock:
    """The clock of all processes on one database: its offset is a number in `meta`."""

    def __init__(self, store: Store, ports: Ports, *, shared: bool) -> None:
        self._store = store
        self._ports = ports
        self._shared = shared
        """Whether other serving processes follow this clock, and are waited for."""

    async def load(self) -> None:
        """Take over what others have set; never back, whatever was read before a move and arrives after it."""
        stored = await self._store.read(lambda tx: meta.get_int(tx, meta.CLOCK_OFFSET))
        self._ports.clock.offset = max(self._ports.clock.offset, stored)

    async def follow(self) -> None:
        """Do so again and again; for installations of several processes."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            try:
                await self.load()
            except UnavailableError:
                continue

    async def advance(self, request: Request) -> Answer:
        """`POST /dev/clock {"advanceSeconds": N}`: on, never back. Answers when every process has heard of it."""
        request.operation = "dev_clock"
        if not request.headers.get(b"content-type", b"").startswith(b"application/json"):
            # A website's form can be posted here from a developer's browser; JSON from elsewhere can't.
            return refusal(request, Refused(Key.UNSUPPORTED_MEDIA_TYPE))
        body = await request.body()
        if isinstance(body, Refused):
            return refusal(request, body)
        wish = strangers_json.read(body, _read_advance)
        if wish is None:
            return refusal(request, Refused(Key.BAD_REQUEST, data={"field": "advanceSeconds"}))
        step = wish.advance_seconds * SECOND
        offset = await self._store.write(lambda tx: meta.add(tx, meta.CLOCK_OFFSET, step))
        await self.load()
        await asyncio.sleep(2 * _LOOK_EVERY if self._shared else 0)
        return answers.json({"offsetSeconds": offset // SECOND, "now": self._ports.now()})


def routes(service: Service, clock: DevClock, file: DevFile) -> Mapping[bytes, Mapping[str, Handler]]:
    """What only dev mode answers: the landing page, the clock, the inbox."""
    return {
        b"/": {"GET": _landing(file)},
        b"/dev/clock": {"POST": clock.advance},
        **_inbox(service, file),
    }


def _inbox(service: Service, file: DevFile) -> Mapping[bytes, Mapping[str, Handler]]:
    """The inbox's handlers, made when the first is asked: its templates need a library that a start need not load."""

    @cache
    def pages() -> Mapping[bytes, Mapping[str, Handler]]:
        from ostiary.server.delivery.inbox import Inbox
        from ostiary.server.web.pages.dev_inbox import DevInboxPages

        inbox = Inbox(service.store, service.ports, file.url, dev=service.dev)
        return DevInboxPages(inbox, service.ports, file.url, file.app_id).routes()

    async def answer(request: Request) -> Answer:
        request.operation = "dev_inbox"
        method = "GET" if request.method == "HEAD" else request.method
        return await pages()[request.path][method](request)

    return {
        b"/dev/inbox": {"GET": answer},
        b"/dev/inbox.json": {"GET": answer, "DELETE": answer},
        b"/dev/inbox.css": {"GET": answer},
        b"/dev/inbox.js": {"GET": answer},
    }


def _landing(file: DevFile) -> Handler:
    text = page(
        "Ostiary, dev mode",
        "<h1>Ostiary</h1><p class=soft>Dev mode: messages go to the inbox, the clock can be moved, nothing leaves "
        "this machine.</p><article><a href=/dev/inbox>Inbox</a> · every message that would have been sent</article>"
        "<article><a href=/docs>API</a> · the operations, and <a href=/openapi.json>openapi.json</a></article>"
        "<article><a href=/readyz>Readiness</a> · <a href=/metrics>metrics</a></article>"
        f"<article>App <code>{file.app_id}</code>, pool <code>{file.user_pool_id}</code>; secrets and the users to "
        f"sign in as are in <code>{FILE}</code>.</article>",
        style="/docs.css",
        body_class="plain",
    )

    async def landing(request: Request) -> Answer:
        request.operation = "landing"
        return answers.html(text)

    return landing
