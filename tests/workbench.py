"""The service without its web edge: real store, real guards, real actions, a clock that tests may move.

For races, faults and long sequences, where sixty-four HTTP requests would only measure HTTP. Journeys go through
the real server instead (`tests/service.py`).
"""

import itertools
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from ostiary.contract.email_change import (
    BindEmail,
    UnbindEmail,
    UpdateEmail,
    UpdateEmailByEmailPassCode,
    VerifyUpdateEmailRequest,
)
from ostiary.contract.messages import PreCheckCode, PreCheckEmailCode, PreCheckSmsCode, SendEmail, SendSMS
from ostiary.contract.profile import (
    BindPhone,
    UnbindPhone,
    UpdatePhone,
    UpdatePhoneByPhonePassCode,
    VerifyUpdatePhoneRequest,
)
from ostiary.server.core.call import Call, UserToken
from ostiary.server.core.keyring import PURPOSES, KeyRing, RootKey, RootKeys
from ostiary.server.core.millis import DAY, Millis
from ostiary.server.core.passcode import BOUND as BOUND_CHANNELS
from ostiary.server.core.passcode import Channel
from ostiary.server.core.policy import AppPolicy, PoolPolicy
from ostiary.server.core.ports import Clock, Ports
from ostiary.server.core.refused import Refused
from ostiary.server.features.email_change import actions as email_change
from ostiary.server.features.messages import actions as messages
from ostiary.server.features.phone_change import actions as phone_change
from ostiary.server.guards.passcodes import derive
from ostiary.server.guards.password_keys import PasswordKeys
from ostiary.server.guards.passwords import Passwords
from ostiary.server.guards.service import Service
from ostiary.server.guards.signing import Signer
from ostiary.server.storage import pools
from ostiary.server.storage.db import Store
from ostiary.server.storage.pools import AppRow, PoolRow
from ostiary.server.storage.tx import Row, Sql, Tx

BIND: Final = "CHANNEL_BIND_PHONE"
UNBIND: Final = "CHANNEL_UNBIND_PHONE"
LOGIN: Final = "CHANNEL_LOGIN"
UPDATE_EMAIL: Final = "CHANNEL_UPDATE_EMAIL"
BIND_EMAIL: Final = "CHANNEL_BIND_EMAIL"
UNBIND_EMAIL: Final = "CHANNEL_UNBIND_EMAIL"

_request_numbers = itertools.count(1)


class MovableClock(Clock):
    """The real clock, which tests push on (or back) by `offset`."""

    def advance(self, *, seconds: float = 0, days: float = 0) -> None:
        self.offset += int(seconds * 1_000 + days * DAY)


def root_keys() -> RootKeys:
    """One strong key per purpose, made for this test."""
    return RootKeys(
        {
            purpose: KeyRing(purpose, (RootKey(f"{purpose}-1", Ports.random_bytes(32), Millis(0)),))
            for purpose in PURPOSES
        }
    )


@dataclass(frozen=True)
class Person:
    """A user who is signed in, and the envelope of their requests."""

    user_id: str
    phone: str | None
    session_id: str
    call: Call

    def again(self) -> Call:
        """A new request of theirs."""
        return replace(self.call, request_id=f"request-{next(_request_numbers)}")


@dataclass
class Workbench:
    """A pool, an app, and hands to do what people do."""

    url: str
    clock: MovableClock = field(default_factory=MovableClock)
    keys: RootKeys = field(default_factory=root_keys)
    pool_id: str = "pool-1"
    app_id: str = "app-1"

    def __post_init__(self) -> None:
        self.ports = Ports(self.keys, self.clock)
        self.store = Store.open(self.url, self.ports)
        passwords = Passwords()
        self.service = Service(
            store=self.store,
            ports=self.ports,
            signer=Signer(self.store, self.ports, "http://127.0.0.1/oidc"),
            passwords=passwords,
            password_keys=PasswordKeys(self.store, self.ports, passwords),
        )
        self.store.write_now(self._make_pool)

    def _make_pool(self, tx: Tx) -> None:
        now = self.ports.now()
        pool = PoolRow(self.pool_id, "Pool", "+86", "zh-CN", _quiet(PoolPolicy()), now)
        if pools.insert(tx, pool):
            pools.insert_app(tx, AppRow(self.app_id, self.pool_id, "App", b"", AppPolicy(), now))

    def policy(self, **changes: Any) -> None:
        """Change the pool's settings (snake-case names of `PoolPolicy`)."""

        def step(tx: Tx) -> None:
            old = pools.policy(tx, self.pool_id, lock=True)
            assert old is not None
            pools.set_policy(tx, self.pool_id, msgspec.structs.replace(old, **changes))

        self.store.write_now(step)

    def person(self, phone: str | None, *, verified: bool = True, email: str | None = None) -> Person:
        """An account with this number, and a session of it that has just begun."""
        user_id = self.ports.object_id()

        def step(tx: Tx) -> None:
            now = self.ports.now()
            tx.run(_USER, id=user_id, pool_id=self.pool_id, username=f"u-{user_id}", now=now)
            if phone is not None:
                tx.run(
                    _PHONE,
                    pool_id=self.pool_id,
                    number=phone,
                    user_id=user_id,
                    verified=int(verified),
                    now=now,
                )
            if email is not None:
                tx.run(_EMAIL, pool_id=self.pool_id, address=email, user_id=user_id, now=now)

        self.store.write_now(step)
        return self.session(user_id, phone)

    def put_contact(self, contact: str, user_id: str) -> None:
        """Give an account a proven number or address."""
        is_address = "@" in contact
        facts = {"address": contact} if is_address else {"number": contact, "verified": 1}
        row, now = (_EMAIL if is_address else _PHONE), self.ports.now()
        self.store.write_now(lambda tx: tx.run(row, pool_id=self.pool_id, user_id=user_id, now=now, **facts))

    def session(self, user_id: str, phone: str | None) -> Person:
        """Another session of an account."""
        session_id = self.ports.object_id()

        def step(tx: Tx) -> None:
            now = self.ports.now()
            row = tx.one(Sql("SELECT session_epoch FROM users WHERE id = :id"), id=user_id)
            tx.run(
                _SESSION,
                id=session_id,
                pool_id=self.pool_id,
                user_id=user_id,
                app_id=self.app_id,
                epoch=row[0] if row else 0,
                now=now,
                ends_at=now + 14 * DAY,
            )

        self.store.write_now(step)
        token = UserToken(
            user_id, session_id, self.app_id, self.pool_id, "openid", Millis(self.ports.now() + DAY)
        )
        call = Call(
            "request-0",
            user=token,
            token_given=True,
            app_id=self.app_id,
            address="203.0.113.9",
            device="Test",
        )
        return Person(user_id, phone, session_id, call)

    def stranger(self, address: str = "198.51.100.7") -> Call:
        """A request without a token."""
        return Call(f"request-{next(_request_numbers)}", app_id=self.app_id, address=address)

    # --- what people do ---------------------------------------------------------------------------------

    async def send(self, who: Person | Call, channel: str, number: str) -> Refused | None:
        """A code to a number, or to an address."""
        if "@" in number:
            mail = SendEmail(channel=channel, email=number)  # type: ignore[arg-type] # any channel's name
            return await messages.send_email(self.service, _call(who), mail)
        form = SendSMS(channel=channel, phone_number=number)  # type: ignore[arg-type] # any channel's name
        return await messages.send_sms(self.service, _call(who), form)

    async def look(self, who: Person | Call, channel: str, number: str, code: str) -> Any:
        """What pre-check-code says of a code at a number, or at an address."""
        if "@" in number:
            mail = PreCheckEmailCode(channel=channel, email=number, pass_code=code)  # type: ignore[arg-type] # as above
            return await messages.pre_check_code(
                self.service, _call(who), PreCheckCode(code_type="EMAIL", email_code_payload=mail)
            )
        payload = PreCheckSmsCode(channel=channel, phone=number, pass_code=code)  # type: ignore[arg-type] # as above
        return await messages.pre_check_code(
            self.service, _call(who), PreCheckCode(code_type="SMS", sms_code_payload=payload)
        )

    async def verify(
        self, who: Person, new: str, new_code: str, old: str | None = None, old_code: str | None = None
    ) -> Any:
        payload = UpdatePhoneByPhonePassCode(
            new_phone_number=new,
            new_phone_pass_code=new_code,
            old_phone_number=old,
            old_phone_pass_code=old_code,
        )
        form = VerifyUpdatePhoneRequest(phone_pass_code_payload=payload, verify_method="PHONE_PASSCODE")
        return await phone_change.verify_update_phone_request(self.service, who.again(), form)

    async def update(self, who: Person, token: str) -> Any:
        return await phone_change.update_phone(
            self.service, who.again(), UpdatePhone(update_phone_token=token)
        )

    async def bind(self, who: Person, number: str, code: str) -> Any:
        return await phone_change.bind_phone(
            self.service, who.again(), BindPhone(phone_number=number, pass_code=code)
        )

    async def unbind(self, who: Person, code: str) -> Any:
        return await phone_change.unbind_phone(self.service, who.again(), UnbindPhone(pass_code=code))

    async def verify_email(
        self, who: Person, new: str, new_code: str, old: str | None = None, old_code: str | None = None
    ) -> Any:
        payload = UpdateEmailByEmailPassCode(
            new_email=new, new_email_pass_code=new_code, old_email=old, old_email_pass_code=old_code
        )
        form = VerifyUpdateEmailRequest(email_pass_code_payload=payload, verify_method="EMAIL_PASSCODE")
        return await email_change.verify_update_email_request(self.service, who.again(), form)

    async def update_email(self, who: Person, token: str) -> Any:
        return await email_change.update_email(
            self.service, who.again(), UpdateEmail(update_email_token=token)
        )

    async def bind_email(self, who: Person, address: str, code: str) -> Any:
        return await email_change.bind_email(
            self.service, who.again(), BindEmail(email=address, pass_code=code)
        )

    async def unbind_email(self, who: Person, code: str) -> Any:
        return await email_change.unbind_email(self.service, who.again(), UnbindEmail(pass_code=code))

    async def ready_to_change_email(self, who: Person, new: str) -> str:
        """Both codes sent and proven: the update token."""
        old = self.email(who.user_id)
        assert old is not None
        assert await self.send(who, UPDATE_EMAIL, old) is None
        assert await self.send(who, UPDATE_EMAIL, new) is None
        granted = await self.verify_email(
            who, new, self.code(who, UPDATE_EMAIL, new), old, self.code(who, UPDATE_EMAIL, old)
        )
        assert not isinstance(granted, Refused), granted
        return str(granted.update_email_token)

    async def ready_to_change(self, who: Person, new: str) -> str:
        """Both codes sent and proven: the update token."""
        assert who.phone is not None
        assert await self.send(who, UNBIND, who.phone) is None
        assert await self.send(who, BIND, new) is None
        granted = await self.verify(
            who, new, self.code(who, BIND, new), who.phone, self.code(who, UNBIND, who.phone)
        )
        assert not isinstance(granted, Refused), granted
        return str(granted.update_phone_token)

    # --- what tests may look at -------------------------------------------------------------------------

    def all(self, text: str, **params: Any) -> list[Row]:
        return self.store.read_now(lambda tx: tx.all(Sql(text), **params))

    def one(self, text: str, **params: Any) -> Any:
        """The first column of the only row."""
        rows = self.all(text, **params)
        assert len(rows) == 1, rows
        return rows[0][0]

    def code(self, who: Person | None, channel: str, number: str) -> str:
        """The digits of the code that stands there, as its SMS would show them."""
        owner = who.user_id if who and channel not in _NOBODYS else ""
        rows = self.all(
            "SELECT seed, key_id, length FROM codes WHERE channel = :channel AND target = :target AND owner = :owner",
            channel=channel,
            target=number,
            owner=owner,
        )
        seed, key_id, length = rows[0]
        found = derive.digits(
            self.ports.ring("codes"), bytes(seed), key_id, self.pool_id, channel, number, owner, length
        )
        assert found is not None
        return found

    def wrong(self, who: Person | None, channel: str, number: str) -> str:
        """A code that is not the right one."""
        right = self.code(who, channel, number)
        return right[:-1] + str((int(right[-1]) + 1) % 10)

    def phone(self, user_id: str) -> str | None:
        rows = self.all("SELECT number FROM phones WHERE user_id = :id", id=user_id)
        return rows[0][0] if rows else None

    def email(self, user_id: str) -> str | None:
        rows = self.all("SELECT address FROM emails WHERE user_id = :id", id=user_id)
        return rows[0][0] if rows else None

    async def close(self) -> None:
        await self.store.close()
        self.service.passwords.close()


def _call(who: Person | Call) -> Call:
    return who.again() if isinstance(who, Person) else who


def _quiet(policy: PoolPolicy) -> PoolPolicy:
    """Like the dev pool: address and app limits count, and refuse nothing."""
    return msgspec.structs.replace(
        policy, send_per_address_per_minute=0, send_per_address_per_day=0, send_per_app_per_day=0
    )


_NOBODYS = frozenset(Channel) - BOUND_CHANNELS

_USER = Sql(
    """INSERT INTO users (id, pool_id, status, username, username_key, password_hash, profile, custom_data, source,
                          made_at, changed_at)
       VALUES (:id, :pool_id, 'Activated', :username, :username, 'none', '{}', '{}', 'register', :now, :now)"""
)
_PHONE = Sql(
    """INSERT INTO phones (pool_id, number, user_id, verified, version, set_at)
       VALUES (:pool_id, :number, :user_id, :verified, 0, :now)"""
)
_EMAIL = Sql(
    """INSERT INTO emails (pool_id, address, user_id, verified, version, set_at)
       VALUES (:pool_id, :address, :user_id, 1, 0, :now)"""
)
_SESSION = Sql(
    """INSERT INTO sessions (id, pool_id, user_id, app_id, epoch, scope, methods, address, device,
                             opened_at, checked_at, ends_at)
       VALUES (:id, :pool_id, :user_id, :app_id, :epoch, 'openid', 'pwd', '', '', :now, :now, :ends_at)"""
)
