"""Accounts: making one, whichever door it comes through, and how one looks from outside.

A name is taken or free at one instant only: `create` looks, then claims by row count, and a rival in between makes
the step run again and see what it lost to. So each refusal says the truth and nothing half-made is stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ostiary.contract.keys import Key
from ostiary.contract.profile import User
from ostiary.server.core.credentials import read_email, username_key
from ostiary.server.core.moments import iso
from ostiary.server.core.people import ACTIVE
from ostiary.server.core.phone import E164, country_code, national_part
from ostiary.server.core.ports import Ports
from ostiary.server.core.profile import FIELDS
from ostiary.server.core.refused import Refused
from ostiary.server.storage import emails, names, phones, users
from ostiary.server.storage.names import NameSets
from ostiary.server.storage.tx import Tx
from ostiary.server.storage.users import NewUser, UserRow

Source = Literal["register", "adminCreated", "excel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account that is to be. Names are in their one spelling (`core.credentials`, `core.phone`)."""

    source: Source
    status: str = ACTIVE
    username: str | None = None
    email: str | None = field(default=None, repr=False)
    email_verified: bool = False
    phone: E164 | None = field(default=None, repr=False)
    phone_verified: bool = False
    external_id: str | None = None
    password_hash: str | None = field(default=None, repr=False)
    profile: Mapping[str, Any] = field(default_factory=dict, repr=False)
    custom_data: Mapping[str, Any] = field(default_factory=dict, repr=False)


def create(tx: Tx, ports: Ports, pool_id: str, new: NewAccount, now: int) -> UserRow | Refused:
    """Make the account, and read it back.

    Refused: `username_taken`, `email_taken`, `phone_taken`, `user_exists` (external id); nothing was made then.
    Whether the caller may be told so is the caller's question (phone-change.md I9).
    """
    [taken] = judge_names(names_in_use(tx, pool_id, [new]), [new])
    if taken is not None:
        return taken
    user_id = _store(tx, ports, pool_id, new, now)
    return users.must_load(tx, pool_id, user_id)


def create_all(
    tx: Tx, ports: Ports, pool_id: str, news: Sequence[NewAccount], now: int
) -> list[str | Refused]:
    """Make many accounts: each one's id, or its refusal as `create` would give it. Few trips, whatever their number."""
    verdicts = judge_names(names_in_use(tx, pool_id, news), news)
    return [
        refused if refused is not None else _store(tx, ports, pool_id, new, now)
        for new, refused in zip(news, verdicts, strict=True)
    ]


def names_in_use(tx: Tx, pool_id: str, news: Sequence[NewAccount]) -> NameSets:
    """Those of the accounts' names that are somebody's."""
    wanted = NameSets()
    for new in news:
        add_names(wanted, new)
    return names.taken(tx, pool_id, wanted)


def judge_names(in_use: NameSets, news: Sequence[NewAccount]) -> list[Refused | None]:
    """For each account the refusal where a name is in use, or wanted by an earlier one of the list.

    `in_use` grows by the names of those that can be made.
    """
    verdicts: list[Refused | None] = []
    for new in news:
        refused = _judge(in_use, new)
        verdicts.append(refused)
        if refused is None:
            add_names(in_use, new)
    return verdicts


def _store(tx: Tx, ports: Ports, pool_id: str, new: NewAccount, now: int) -> str:
    """Write an account whose names were seen free; a rival in between makes the step run again. Its id."""
    user_id = ports.object_id()
    users.insert(
        tx,
        NewUser(
            id=user_id,
            pool_id=pool_id,
            status=new.status,
            username=new.username,
            username_key=username_key(new.username) if new.username is not None else None,
            password_hash=new.password_hash,
            external_id=new.external_id,
            locale=new.profile.get("locale"),
            profile=new.profile,
            custom_data=new.custom_data,
            source=new.source,
        ),
        now,
    )
    if new.phone is not None:
        phones.put(tx, pool_id, new.phone, user_id, verified=new.phone_verified, version=0, now=now)
    if new.email is not None:
        emails.put(tx, pool_id, new.email, user_id, verified=new.email_verified, version=0, now=now)
    return user_id


def judge_spelling(
    tx: Tx, pool_id: str, *, username: str | None, email: str | None = None, user_id: str | None = None
) -> Refused | None:
    """Whether a name that its owner chooses is spelt like another account's name of another kind.

    `account` at sign-in may be either, so whoever came first keeps it. `email` is one that nobody has proven: a proven
    one is its owner's, whatever others are called. A number comes before both. What administrators choose is not judged.
    Refused: `username_taken`, `email_taken`.
    """
    address = read_email(username) if username is not None else None
    if address is not None and emails.holder(tx, pool_id, address) not in {None, user_id}:
        return Refused(Key.USERNAME_TAKEN)
    if email is not None and users.with_username(tx, pool_id, username_key(email)) not in {None, user_id}:
        return Refused(Key.EMAIL_TAKEN)
    return None


def add_names(sets: NameSets, new: NewAccount) -> None:
    """Put an account's names among others."""
    if new.username is not None:
        sets.usernames.add(username_key(new.username))
    if new.email is not None:
        sets.emails.add(new.email)
    if new.phone is not None:
        sets.phones.add(new.phone)
    if new.external_id is not None:
        sets.external_ids.add(new.external_id)


def _judge(taken: NameSets, new: NewAccount) -> Refused | None:
    if new.username is not None and username_key(new.username) in taken.usernames:
        return Refused(Key.USERNAME_TAKEN)
    if new.email in taken.emails:
        return Refused(Key.EMAIL_TAKEN)
    if new.phone in taken.phones:
        return Refused(Key.PHONE_TAKEN)
    if new.external_id in taken.external_ids:
        return Refused(Key.USER_EXISTS)
    return None


def to_user(
    row: UserRow,
    *,
    with_custom_data: bool = False,
    with_identities: bool = False,
    with_department_ids: bool = False,
) -> User:
    """The account as its owner and the administrator see it. Foreign identities and departments: none yet."""
    profile = {name: row.profile[name] for name in FIELDS if name in row.profile}
    return User(
        **{"gender": "U", **profile},
        user_id=row.id,
        created_at=iso(row.made_at),
        updated_at=iso(row.changed_at),
        status=row.status,  # type: ignore[arg-type] # only the five are ever stored
        work_status="Active",
        external_id=row.external_id,
        email=row.email,
        email_verified=row.email_verified,
        phone=national_part(row.phone) if row.phone else None,
        phone_country_code=country_code(row.phone) if row.phone else None,
        phone_verified=row.phone_verified,
        username=row.username,
        logins_count=row.logins_count,
        last_login=_moment(row.last_login_at),
        last_login_app=row.last_login_app,
        last_ip=row.last_ip,
        password_last_set_at=_moment(row.password_set_at),
        user_source_type=row.source,  # type: ignore[arg-type] # only `Source` is ever stored
        custom_data=row.custom_data if with_custom_data else None,
        identities=[] if with_identities else None,
        department_ids=[] if with_department_ids else None,
        signed_up=iso(row.made_at),
    )


def _moment(at: int | None) -> str | None:
    return None if at is None else iso(at)
