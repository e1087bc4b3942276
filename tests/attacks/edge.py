"""The whole service without its socket: bytes go into the real edge, the real actions and store stand behind it.

For products of many cases, where sockets would only measure sockets. What is about HTTP itself goes through the
real server (`tests/service.py`). Nothing runs in the background here, so what a request stores is all there is.
"""

import asyncio
import itertools
import json
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from ostiary.server.app import Process, compose
from ostiary.server.settings import Settings
from ostiary.server.storage.tx import Sql

T = TypeVar("T")

PEER = "127.0.0.1"
AT_ONCE = 64
URL = "http://127.0.0.1:8000"
JSON = "application/json"
TABLES = (
    *("meta", "pools", "apps", "access_keys", "users", "user_counts", "phones", "emails", "sessions"),
    *("refresh_tokens", "codes", "guess_counters", "send_limits", "send_minutes", "one_time_tokens"),
    *("outbox", "audit", "signing_keys"),
)
_COUNTS = Sql(" UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in TABLES))

_numbers = itertools.count(13_700_000_001)
_people = itertools.count(1)


@dataclass(frozen=True)
class Ask:
    """A request that is yet to be made."""

    method: str
    path: str
    body: bytes = b""
    query: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None

    @property
    def verdict(self) -> Any:
        """The shortest thing that says how it ended: 200, apiCode, statusCode, OAuth's error, the HTTP status."""
        said = self.json
        if not isinstance(said, dict):
            return self.status
        return said.get("apiCode") or said.get("statusCode") or said.get("error") or self.status


@dataclass
class Person:
    """Somebody with an account, signed in."""

    user_id: str
    username: str
    password: str
    phone: str
    access_token: str
    id_token: str
    refresh_token: str


@dataclass
class Tenant:
    """A pool with its application and access key."""

    pool_id: str
    app_id: str
    app_secret: str
    access_key_id: str
    access_key_secret: str


@dataclass
class Edge:
    """One serving process without a socket, on a fresh database, in dev mode (so there is a pool, and no limits)."""

    folder: Path
    database: str | None = None
    runner: asyncio.Runner = field(default_factory=asyncio.Runner)

    def __post_init__(self) -> None:
        settings = Settings(dev=True, data_dir=str(self.folder), database=self.database or "")
        self.process: Process = self.run(compose(settings, URL))
        dev = json.loads((self.folder / "dev.json").read_text())
        self.tenant = Tenant(
            dev["userPoolId"], dev["appId"], dev["appSecret"], dev["accessKeyId"], dev["accessKeySecret"]
        )

    def close(self) -> None:
        self.run(self.process.close())
        self.runner.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    # ── bytes in, bytes out ─────────────────────────────────────────────────────────────────

    def raw(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        query: bytes = b"",
        headers: Mapping[str, str] | None = None,
        peer: str = PEER,
    ) -> Answer:
        """One request. Header values are latin-1, as on the wire."""
        given = {"host": "localhost", **(headers or {})}
        return self.run(self._ask(method, path, body, query, given, peer))

    def many(self, asks: Iterable[Ask]) -> list[Answer]:
        """Many requests, some at a time: the store commits those together that come together."""
        pending = list(asks)
        return [
            answer
            for begin in range(0, len(pending), AT_ONCE)
            for answer in self.run(self._gathered(pending[begin : begin + AT_ONCE]))
        ]

    async def _gathered(self, asks: list[Ask]) -> list[Answer]:
        return await asyncio.gather(
            *(
                self._ask(
                    ask.method, ask.path, ask.body, ask.query, {"host": "localhost", **ask.headers}, PEER
                )
                for ask in asks
            )
        )

    async def _ask(
        self, method: str, path: str, body: bytes, query: bytes, headers: Mapping[str, str], peer: str
    ) -> Answer:
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode("latin-1"),
            "query_string": query,
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
            "client": (peer, 50_000),
        }
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.process.edge(scope, receive, send)
        told = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], told, sent[1]["body"])

    def ask(
        self,
        path: str,
        members: Any = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """A POST of JSON, by whoever holds the token; the dev pool's application unless headers say otherwise."""
        given = {"x-authing-app-id": self.tenant.app_id, **(headers or {})}
        if token is not None:
            given["authorization"] = token
        return self.raw(
            "POST", path, json.dumps(members or {}).encode(), headers={"content-type": JSON, **given}
        )

    # ── what is stored ──────────────────────────────────────────────────────────────────────

    def counts(self) -> dict[str, int]:
        """Rows of every table."""
        return dict(self.process.service.store.read_now(lambda tx: tx.all(_COUNTS)))

    def all(self, text: str, **params: Any) -> list[Any]:
        return self.process.service.store.read_now(lambda tx: tx.all(Sql(text), **params))

    def write(self, step: Callable[[Any], T]) -> T:
        return self.process.service.store.write_now(step)

    # ── people ──────────────────────────────────────────────────────────────────────────────

    def manager(self, tenant: Tenant | None = None) -> str:
        """A management token."""
        tenant = tenant or self.tenant
        key = {"accessKeyId": tenant.access_key_id, "accessKeySecret": tenant.access_key_secret}
        token: str = self.ask("/api/v3/get-management-token", key).json["data"]["access_token"]
        return token

    def number(self) -> str:
        """A mobile number that nobody has, national."""
        return str(next(_numbers))

    def person(self, tenant: Tenant | None = None) -> Person:
        """A new user of a pool, with a verified number and address, signed in with every scope."""
        tenant = tenant or self.tenant
        name, number = f"someone{next(_people)}", self.number()
        password = f"password of {name}"
        form = {
            "username": name,
            "password": password,
            "phone": number,
            "phoneVerified": True,
            "email": f"{name}@example.com",
            "emailVerified": True,
        }
        made = self.ask("/api/v3/create-user", form, self.manager(tenant), {"x-authing-app-id": ""}).json
        return self.signed_in(tenant, made["data"]["userId"], name, password, number)

    def signed_in(self, tenant: Tenant, user_id: str, name: str, password: str, number: str) -> Person:
        """A new sign-in of theirs."""
        form = {
            "connection": "PASSWORD",
            "passwordPayload": {"username": name, "password": password},
            "options": {"scope": "openid profile phone email username offline_access"},
            "client_id": tenant.app_id,
            "client_secret": tenant.app_secret,
        }
        said = self.ask("/api/v3/signin", form, headers={"x-authing-app-id": tenant.app_id}).json
        tokens = said["data"]
        return Person(
            user_id,
            name,
            password,
            f"+86{number}",
            tokens["access_token"],
            tokens["id_token"],
            tokens["refresh_token"],
        )
