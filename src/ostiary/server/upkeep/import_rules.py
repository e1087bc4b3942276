"""A row of an import file: what it means, or why it is no account. Pure.

1. Columns have the names of the API's fields (`phoneCountryCode`); one that nobody knows refuses the whole file.
2. An empty cell is an absent field. Nothing is verified unless the file says so.
3. A password comes as it is (`password`), or as an argon2id string (`passwordHash`, PHC format): one of the two.
4. One that comes as it is is judged as every new password, by the pool's policy. Those of a migration are not new: they
   can be let through, and then only have to be passwords at all.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from msgspec import inspect

from ostiary.contract.errors import CATALOGUE
from ostiary.contract.keys import Key
from ostiary.contract.management import CreateUser
from ostiary.contract.ranges import allowed
from ostiary.server.core.people import Facts
from ostiary.server.core.policy import PoolPolicy
from ostiary.server.core.refused import Refused
from ostiary.server.features.management import users_rules
from ostiary.server.guards.new_passwords import rules as passwords

NOT_IMPORTED = frozenset(
    {"salt", "tenantIds", "otp", "departmentIds", "metadataSource", "identities", "options"}
)
"""Fields of the API that an import has no place for."""
OWN = ("passwordHash",)
"""Columns that are no fields of the API."""
IGNORED = ("row", "line", "reason")
"""What a file of rejected rows has beside the row: it can be mended and imported as it is."""

COLUMNS: tuple[str, ...] = (
    *(
        info.encode_name
        for info in msgspec.structs.fields(CreateUser)
        if info.encode_name not in NOT_IMPORTED
    ),
    *OWN,
)
"""Every column there may be, in the order of the documentation."""

_NAMES = ("username", "email", "phone", "externalId")
_PHC = re.compile(
    r"\$argon2id\$v=19\$m=([0-9]{1,8}),t=([0-9]{1,4}),p=([0-9]{1,3})\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{22,}"
)
"""github.com/P-H-C/phc-string-format; salt of 8 bytes and hash of 16 at least."""
_COLUMN = re.compile(r" - at `\$\.([A-Za-z]+)[^`]*`$")
_KINDS = {info.encode_name: info.type for info in msgspec.structs.fields(CreateUser)}
_MOST = (1_048_576, 50, 16)
"""KiB, passes, lanes: a check that costs more would let one sign-in hold up all others."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """An account that may be made. `password` is still to be hashed; `password_hash` is to be stored as it is."""

    form: CreateUser = field(repr=False)
    contacts: users_rules.Contacts
    password: str | None = field(default=None, repr=False)
    password_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a row is not imported, in words for the one who mends the file. Names columns, never values."""

    reason: str


def unknown_columns(header: Sequence[str]) -> list[str]:
    """Columns of a file that nobody knows."""
    return [name for name in header if name not in COLUMNS and name not in IGNORED]


def read_row(cells: Mapping[str, str], facts: Facts, common: Collection[str] | None) -> Accepted | Rejected:
    """What a row means. `cells`: column → text, empty ones left out.

    `common`: passwords that everybody guesses; None lets weak passwords through, short ones as well.
    """
    broken = next((name for name, text in cells.items() if "\0" in text), None)
    if broken is not None:
        return Rejected(f"{broken}: contains a NUL character")
    password_hash = cells.get("passwordHash")
    if password_hash is not None and "password" in cells:
        return Rejected("password and passwordHash: give only one of them")
    if password_hash is not None and not usable_hash(password_hash):
        return Rejected("passwordHash: not an argon2id string ($argon2id$v=19$m=…,t=…,p=…$salt$hash)")
    if not any(name in cells for name in _NAMES):
        return Rejected(f"a user needs one of {', '.join(_NAMES)}")
    form = _form(cells)
    if isinstance(form, Rejected):
        return form
    new = users_rules.read_create(form, facts)
    if isinstance(new, Refused):
        return refused(new)
    weak = _judge_password(form, new.contacts, facts.pool.policy, common)
    if weak is not None:
        return refused(weak)
    return Accepted(form, new.contacts, form.password, password_hash)


def refused(refusal: Refused) -> Rejected:
    """A refusal of the service, in words."""
    facts = refusal.data or {}
    column = facts.get("field")
    text = CATALOGUE[refusal.key].sentence("en-US", facts)
    if refusal.key is Key.PASSWORD_TOO_SHORT:
        text = f"{text}, of {facts['minLength']} characters or more"
    return Rejected(f"{column}: {text}" if column else text)


def usable_hash(text: str) -> bool:
    """Whether this is an argon2id string that can be checked in bearable time."""
    found = _PHC.fullmatch(text)
    if found is None:
        return False
    memory, passes, lanes = map(int, found.groups())
    return 8 * lanes <= memory <= _MOST[0] and 1 <= passes <= _MOST[1] and 1 <= lanes <= _MOST[2]


def _judge_password(
    form: CreateUser, named: users_rules.Contacts, policy: PoolPolicy, common: Collection[str] | None
) -> Refused | None:
    if form.password is None:
        return None
    if common is None:
        policy = msgspec.structs.replace(policy, password_min_length=1, refuse_common_passwords=False)
    names = (named.username, named.email, named.phone)
    return passwords.judge(policy, form.password, names, common or ())


def _form(cells: Mapping[str, str]) -> CreateUser | Rejected:
    values: dict[str, object] = {
        name: text for name, text in cells.items() if name not in OWN and name not in IGNORED
    }
    if "customData" in cells:
        try:
            values["customData"] = msgspec.json.decode(cells["customData"])
        except msgspec.DecodeError:
            values["customData"] = None
        if not isinstance(values["customData"], dict):
            return Rejected("customData: not a JSON object")
    try:
        return msgspec.convert(values, CreateUser, strict=False)  # "true" and "1" are true
    except msgspec.ValidationError as error:
        return Rejected(_told(str(error)))


def _told(error: str) -> str:
    """`gender` of msgspec's `Invalid enum value 'X' - at `$.gender``, and what may stand in that column."""
    column = _COLUMN.search(error)
    if column is None:
        return "a cell can't be used"
    return f"{column[1]}: can't be used; allowed: {allowed(inspect.type_info(_KINDS[column[1]]))}"
