"""The user whom an operator means: by id, phone number, e-mail address or user name."""

from ostiary.server.core.credentials import Names, read_email, username_key
from ostiary.server.core.search import read_any_number
from ostiary.server.storage import users
from ostiary.server.storage.pools import PoolRow
from ostiary.server.storage.tx import Tx
from ostiary.server.storage.users import UserRow


def named(tx: Tx, pool: PoolRow, name: str) -> UserRow | None:
    """The pool's user of this name, or None. A number may come in any spelling, with or without its country."""
    names = Names(username_key(name), read_email(name), read_any_number(name, pool.country_code))
    return users.load(tx, pool.id, name) or users.find(tx, pool.id, names)
