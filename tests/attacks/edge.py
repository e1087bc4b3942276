"""The whole service without its socket: bytes go into the real edge, the real actions and store stand behind it.

For products of many cases, where sockets would only measure sockets. What is about HTTP itself goes through the
real server (`tests/service.py`). Nothing runs in the background here, so what a request stores is all there is.
"""

import asyncio
import itertools
import json
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

from ostiary.contract.operation import Kind, Operation
from ostiary.server import founding
from ostiary.server.app import Process, compose
from ostiary.server.core.call import UserToken
from ostiary.server.core.millis import DAY, HOUR, Millis
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.guards.passcodes import derive
from ostiary.server.settings import Settings
from ostiary.server.storage.tx import Sql
from tests.wire.forms import LEAST

T = TypeVar("T")

PEER = "127.0.0.1"
AT_ONCE = 64
URL = "http://127.0.0.1:8000"
JSON = "application/json"
TABLES = (
    *("meta", "pools", "apps", "access_keys", "users", "user_counts", "phones", "emails", "sessions"),
    *("refresh_tokens", "codes", "guess_counters", "send_limits", "send_minutes", "one_time_tokens"),
    "factors",
    *("outbox", "audit", "signing_keys"),
)
_COUNTS = Sql(" UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in TABLES))

_SESSION = Sql(
    """INSERT INTO sessions (id, pool_id, user_id, app_id, epoch, scope, methods, address, device,
                             opened_at, checked_at, ends_at)
       VALUES (:id, :pool_id, :user_id, :app_id, 0, 'openid', 'pwd', '', '', :now, :now, :ends_at)"""
)

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
        try:
            self.process: Process = self.run(compose(settings, URL))
        except BaseException:
            self.runner.close()
            raise
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

    def call(self, op: Operation, headers: Mapping[str, str], form: Any = None) -> Answer:
        """An operation with its least form, or this one, in the shape that its kind wants."""
        given = LEAST.get(op.name, {}) if form is None else form
        if op.method == "GET":
            return self.raw("GET", op.path, query=urlencode(given).encode(), headers=headers)
        if op.kind is Kind.OAUTH:
            stated = {"content-type": "application/x-www-form-urlencoded", **headers}
            return self.raw("POST", op.path, urlencode(given).encode(), headers=stated)
        return self.raw(
            "POST", op.path, json.dumps(given).encode(), headers={"content-type": JSON, **headers}
        )

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

    def codes(self, number: str, channel: str, pool_id: str | None = None) -> dict[str, str]:
        """Owner ('' = nobody) → digits of the codes of a channel at a number."""
        pool_id = pool_id or self.tenant.pool_id
        rows = self.all(
            "SELECT owner, seed, key_id, length FROM codes"
            " WHERE pool_id = :pool_id AND target = :target AND channel = :channel",
            pool_id=pool_id,
            target=number,
            channel=channel,
        )
        ring = self.process.service.ports.ring("codes")
        found = {}
        for owner, seed, key_id, length in rows:
            code = derive.digits(ring, bytes(seed), key_id, pool_id, channel, number, owner, length)
            assert code is not None
            found[owner] = code
        return found

    # ── people ──────────────────────────────────────────────────────────────────────────────

    def manager(self, tenant: Tenant | None = None) -> str:
        """A management token."""
        tenant = tenant or self.tenant
        key = {"accessKeyId": tenant.access_key_id, "accessKeySecret": tenant.access_key_secret}
        token: str = self.ask("/api/v3/get-management-token", key).json["data"]["access_token"]
        return token

    @contextmanager
    def old_number(self, *, verified: bool) -> Iterator[None]:
        """The shared pool verifies the old number, or does not; afterwards it does, as at first."""
        self._verify_old_phone(on=verified)
        try:
            yield
        finally:
            self._verify_old_phone(on=True)

    def _verify_old_phone(self, *, on: bool) -> None:
        settings = {"changePhoneStrategy": {"verifyOldPhone": on}}
        path, no_app = "/api/v3/update-security-settings", {"x-authing-app-id": ""}
        assert self.ask(path, settings, self.manager(), no_app).verdict == 200

    def found(self, policy: PoolPolicy | None = None) -> Tenant:
        """Another pool in the same installation, with an application and an access key of its own."""
        policy = policy or PoolPolicy(
            send_per_address_per_minute=0, send_per_address_per_day=0, send_per_app_per_day=0
        )
        made = founding.new_installation(self.process.service.ports, "other", "+86", "zh-CN", policy)
        self.write(made.store)
        return Tenant(made.pool.id, made.app.id, made.app_secret, made.access_key.id, made.access_key_secret)

    def number(self) -> str:
        """A mobile number that nobody has, national."""
        return str(next(_numbers))

    def person(self, tenant: Tenant | None = None, *, phone: bool = True) -> Person:
        """A new user of a pool, with a verified number and address, signed in with every scope."""
        tenant = tenant or self.tenant
        name, number = f"someone{next(_people)}", self.number()
        password = f"password of {name}"
        form = {
            "username": name,
            "password": password,
            **({"phone": number, "phoneVerified": True} if phone else {}),
            "email": f"{name}@example.com",
            "emailVerified": True,
        }
        made = self.ask("/api/v3/create-user", form, self.manager(tenant), {"x-authing-app-id": ""}).json
        return self.signed_in(tenant, made["data"]["userId"], name, password, number)

    @cached_property
    def someone(self) -> Person:
        """A person with tokens of every kind, for tests that leave them as they are."""
        return self.person()

    def quick(self, *, phone: bool = True) -> Person:
        """The same without a password, its session and access token made by hand: no hash is computed."""
        name, number = f"someone{next(_people)}", self.number()
        form: dict[str, Any] = {"username": name, "email": f"{name}@example.com", "emailVerified": True}
        if phone:
            form |= {"phone": number, "phoneVerified": True}
        user_id = self.ask("/api/v3/create-user", form, self.manager(), {"x-authing-app-id": ""}).json[
            "data"
        ]["userId"]
        ports, tenant = self.process.service.ports, self.tenant
        session_id, now = ports.object_id(), ports.now()
        self.write(
            lambda tx: tx.run(
                _SESSION,
                id=session_id,
                pool_id=tenant.pool_id,
                user_id=user_id,
                app_id=tenant.app_id,
                now=now,
                ends_at=now + DAY,
            )
        )
        ends_at = Millis((now + HOUR) // 1_000 * 1_000)
        token = UserToken(user_id, session_id, tenant.app_id, tenant.pool_id, "openid", ends_at)
        access_token = self.run(self.process.service.signer.access_token(token))
        return Person(user_id, name, "", f"+86{number}", access_token, "", "")

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
