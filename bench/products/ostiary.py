"""Ostiary: founded, filled and started as `ostiary serve --dev`, whose message sink answers at once.

Sessions and access tokens are made by the project's own modules, not by signing in, and by no server that is measured.
"""

import asyncio
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from bench.databases import Databases
from bench.journeys import Person
from bench.processes import Server, free_port, running
from bench.products.product import NEW, PASSIVE, Town, numbers
from ostiary.server import dev, keyfile
from ostiary.server.core.call import UserToken
from ostiary.server.core.millis import DAY, SECOND, Millis
from ostiary.server.core.policy import ChangePhoneStrategy, PoolPolicy
from ostiary.server.core.ports import Ports
from ostiary.server.founding import Founded, new_installation
from ostiary.server.guards.passwords import Passwords
from ostiary.server.guards.signing import Signer
from ostiary.server.storage import meta
from ostiary.server.storage.db import Store
from ostiary.server.storage.tx import Sql, Tx

PUBLIC_URL = "http://ostiary.bench"
"""Tokens are signed before the port is known, so their issuer is not the address."""
PASSWORD = "correct horse battery staple"
SCOPE = "openid profile phone offline_access"
_AT_ONCE = 500

_USER = Sql(
    """
    INSERT INTO users (id, pool_id, status, username, username_key, password_hash, phone_version, profile,
                       custom_data, source, made_at, changed_at)
    VALUES (:id, :pool_id, 'Activated', :username, :username, :password_hash, 1, '{}', '{}', 'register', :now, :now)
    """
)
_PHONE = Sql(
    "INSERT INTO phones (pool_id, number, user_id, verified, version, set_at)"
    " VALUES (:pool_id, :number, :user_id, 1, 1, :now)"
)
_SESSION = Sql(
    """
    INSERT INTO sessions (id, pool_id, user_id, app_id, epoch, scope, methods, address, device, opened_at,
                          checked_at, ends_at)
    VALUES (:id, :pool_id, :user_id, :app_id, 0, :scope, 'pwd', '127.0.0.1', 'bench', :now, :now, :ends_at)
    """
)
_COUNTS = "INSERT INTO user_counts (pool_id, shard, users) SELECT pool_id, substr(id, 24, 1), count(*) FROM users GROUP BY 1, 2"


class Ostiary:
    journey = "ostiary-w"
    pace: float = 1
    settles = 1.2  # the audit sealer comes round each second

    def __init__(self, databases: Databases, *, verify_old_phone: bool = False) -> None:
        self.databases = databases
        self.name = f"ostiary {databases.dialect}"
        self._verify_old_phone = verify_old_phone
        if verify_old_phone:
            self.journey = "ostiary-w-old"
            self.name += " W-old"

    def fill(self, folder: Path, active: int, passive: int) -> Town:
        folder.mkdir(parents=True, exist_ok=True)
        keys = folder / "keys.json"
        if not keys.exists():
            keyfile.write(keys, keyfile.make())
        ports = Ports(keyfile.read(keys))
        founded = new_installation(ports, "bench", "+86", "zh-CN", self._policy())
        url = self.databases.fresh()
        store = Store.open(url, ports)
        people = [_person(ports, founded, place) for place in range(active)]
        try:
            store.write_now(lambda tx: _found(tx, founded))
            password_hash = Passwords().hash_now(PASSWORD)
            for start in range(0, active, _AT_ONCE):
                some = people[start : start + _AT_ONCE]
                store.write_now(
                    partial(_put, ports=ports, founded=founded, people=some, password_hash=password_hash)
                )
            asyncio.run(_sign(Signer(store, ports, f"{PUBLIC_URL}/oidc"), ports, founded, people))
        finally:
            store.close_now()
        _add_passive(self.databases, url, founded, passive, ports.now())
        self.databases.script(url, _COUNTS, "ANALYZE")
        _write_dev_file(folder, founded)
        facts = {"keys": str(keys), "pool_id": founded.pool.id, "folder": str(folder)}
        return Town(url, people, facts)

    def _policy(self) -> PoolPolicy:
        return PoolPolicy(
            change_phone_strategy=ChangePhoneStrategy(verify_old_phone=self._verify_old_phone),
            step_up_max_age=86_400,
            send_per_address_per_minute=0,
            send_per_address_per_day=0,
            send_per_app_per_day=0,
        )

    @contextmanager
    def serve(
        self,
        town: Town,
        url: str,
        folder: Path,
        *,
        env: Mapping[str, str] | None = None,
        prefix: tuple[str, ...] = (),
    ) -> Iterator[Server]:
        data = folder / "data"
        data.mkdir(mode=0o700, exist_ok=True)
        for name in ("keys.json", dev.FILE):
            shutil.copy(Path(town.facts["folder"]) / name, data / name)
        port = free_port()
        arguments = ("serve", "--dev", "--port", str(port), "--data-dir", str(data), "--database", url)
        command = (*prefix, *self.command(*arguments))
        environment = {"OSTIARY_PUBLIC_URL": PUBLIC_URL, **(env or {})}
        with running(command, port, "/readyz", folder / "log", env=environment) as server:
            yield server

    def command(self, *arguments: str) -> tuple[str, ...]:
        """How the service is started."""
        return (sys.executable, "-m", "ostiary.cli", *arguments)

    def phones(self, town: Town, url: str, folder: Path) -> dict[str, Any]:  # noqa: ARG002 - a peer's need it
        return {"url": url, "keys": town.facts["keys"], "pool_id": town.facts["pool_id"]}

    def moved(self, url: str) -> int:
        """Numbers moved, which must be as many as versions raised, audit rows and pairs of notices."""
        facts = self.databases.row(
            url,
            f"""
            SELECT (SELECT count(*) FROM phones WHERE number LIKE '{NEW}%' AND verified = 1),
                   (SELECT count(*) FROM users WHERE phone_version = 2),
                   (SELECT count(*) FROM audit WHERE verdict = 'done' AND event LIKE 'phone_changed%'),
                   (SELECT count(*) FROM outbox WHERE purpose = 'phone_changed')
            """,
        )
        phones, versions, audited, notices = facts
        if not phones == versions == audited == notices // 2:
            raise AssertionError(f"phones, versions, audit, notices: {facts}")
        return int(phones)


def _found(tx: Tx, founded: Founded) -> None:
    founded.store(tx)
    meta.put(tx, meta.DEV_POOL, founded.pool.id)


def _person(ports: Ports, founded: Founded, place: int) -> Person:
    old, new = numbers(place)
    return {
        "id": ports.object_id(),
        "session_id": ports.object_id(),
        "old": old,
        "new": new,
        "username": f"person-{place}",
        "password": PASSWORD,
        "app_id": founded.app.id,
        "app_secret": founded.app_secret,
    }


def _put(tx: Tx, ports: Ports, founded: Founded, people: list[Person], password_hash: str) -> None:
    now = ports.now()
    pool_id = founded.pool.id
    for person in people:
        tx.must(
            _USER,
            id=person["id"],
            pool_id=pool_id,
            username=person["username"],
            password_hash=password_hash,
            now=now,
        )
        tx.must(_PHONE, pool_id=pool_id, number=person["old"], user_id=person["id"], now=now)
        tx.must(
            _SESSION,
            id=person["session_id"],
            pool_id=pool_id,
            user_id=person["id"],
            app_id=founded.app.id,
            scope=SCOPE,
            now=now,
            ends_at=now + 14 * DAY,
        )


async def _sign(signer: Signer, ports: Ports, founded: Founded, people: list[Person]) -> None:
    ends_at = Millis(ports.now() + 7_200 * SECOND)
    tokens = [
        UserToken(person["id"], person["session_id"], founded.app.id, founded.pool.id, SCOPE, ends_at)
        for person in people
    ]
    signed = await asyncio.gather(*map(signer.access_token, tokens))
    for person, token in zip(people, signed, strict=True):
        person["credential"] = token
    signer.close()


def _add_passive(databases: Databases, url: str, founded: Founded, count: int, now: int) -> None:
    """Everybody else: an account, a number and a session each, made by the database itself."""
    if databases.dialect == "sqlite":
        source = f"WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {count})"
        rows, user_id = "n", "printf('%08x', {seconds} - i) || lower(hex(randomblob(8)))"
        number = "printf('{prefix}%08d', row_number() OVER ())"
    else:
        source, rows = "", f"generate_series(0, {count - 1}) AS n (i)"
        user_id = "lpad(to_hex({seconds} - i), 8, '0') || substr(md5(random()::text), 1, 16)"
        number = "'{prefix}' || lpad((row_number() OVER ())::text, 8, '0')"
    pool, app, seconds = founded.pool.id, founded.app.id, now // SECOND
    user_id, number = user_id.format(seconds=seconds), number.format(prefix=PASSIVE)
    if count:
        databases.script(
            url,
            "INSERT INTO users (id, pool_id, status, username, username_key, phone_version, profile, custom_data, source,"
            f" made_at, changed_at) {source} SELECT {user_id}, '{pool}', 'Activated', 'passive-' || i, 'passive-' || i, 1,"
            f" '{{}}', '{{}}', 'register', {now}, {now} FROM {rows}",
            "INSERT INTO phones (pool_id, number, user_id, verified, version, set_at)"
            f" SELECT '{pool}', {number}, id, 1, 1, {now} FROM users WHERE username LIKE 'passive-%'",
            "INSERT INTO sessions (id, pool_id, user_id, app_id, epoch, scope, methods, address, device, opened_at,"
            f" checked_at, ends_at) SELECT id, '{pool}', id, '{app}', 0, '{SCOPE}', 'pwd', '127.0.0.1', 'bench', {now},"
            f" {now}, {now + 14 * DAY} FROM users WHERE username LIKE 'passive-%'",
        )


def _write_dev_file(folder: Path, founded: Founded) -> None:
    file = dev.DevFile(
        url=PUBLIC_URL,
        user_pool_id=founded.pool.id,
        app_id=founded.app.id,
        app_secret=founded.app_secret,
        access_key_id=founded.access_key.id,
        access_key_secret=founded.access_key_secret,
        inbox_url="",
        users=[],
    )
    (folder / dev.FILE).write_bytes(msgspec.json.encode(file))
