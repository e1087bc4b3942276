"""An installation, opened by a command: settings, root keys, database; and the errand that a command's steps run on."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from ostiary.server.core.call import Call
from ostiary.server.core.people import App, Pool
from ostiary.server.core.policy import AppPolicy
from ostiary.server.core.ports import Ports
from ostiary.server.founding import require_one_installation, root_keys
from ostiary.server.guards.entry import Errand
from ostiary.server.settings import Settings, StartRefusedError
from ostiary.server.storage import first_contact, meta, pools
from ostiary.server.storage.db import Store
from ostiary.server.storage.pools import PoolRow
from ostiary.server.storage.tx import Tx

EVERY_POOL = 1_000_000
"""More than there can be: what is done to keys is done to all pools."""
ACTOR = "cli"
"""Who did it, in the audit log."""


class NotDoneError(Exception):
    """What was asked for could not be done, though nothing was wrong with asking. Exit code 1."""


@dataclass(frozen=True, slots=True)
class Site:
    """What a command works on."""

    settings: Settings
    ports: Ports
    store: Store

    def errand(self, tx: Tx, pool: PoolRow) -> Errand[None]:
        """A step's ground, as a management token would give it; the actor is `cli`."""
        return Errand(
            tx,
            self.ports,
            self.ports.now(),
            Call(request_id=self.ports.request_id()),
            Pool(pool.id, pool.name, pool.country_code, pool.locale, pool.policy),
            App("", AppPolicy()),
            None,
            actor=ACTOR,
        )

    def pools(self, wanted: str | None = None) -> list[PoolRow]:
        """All pools, or the one of this id. Raises `StartRefusedError` where there is none."""
        found = [
            row
            for row in self.store.read_now(lambda tx: pools.every(tx, EVERY_POOL))
            if wanted in {None, row.id}
        ]
        if not found:
            raise StartRefusedError(
                f"there is no pool {wanted}" if wanted else "there is no pool: run `ostiary init`"
            )
        return found

    def pool(self, wanted: str | None) -> PoolRow:
        """The pool of this id, or the only one there is. Raises `StartRefusedError` where it must be named."""
        found = self.pools(wanted)
        if len(found) > 1:
            names = ", ".join(f"{row.id} ({row.name})" for row in found)
            raise StartRefusedError(f"there are several pools: choose one with --pool ID: {names}")
        return found[0]


@contextmanager
def opened(settings: Settings) -> Iterator[Site]:
    """The installation as it stands: nothing is made and nothing migrated. Raises `StartRefusedError`."""
    ports = Ports(root_keys(settings))
    store = open_as_it_is(settings, ports)
    try:
        store.read_now(partial(require_one_installation, settings, ports))
        follow_dev_clock(store, ports)
        yield Site(settings, ports, store)
    finally:
        store.close_now()


def open_as_it_is(settings: Settings, ports: Ports) -> Store:
    """The database, if it is at this version's revision."""
    try:
        return Store.open(settings.database_url, ports, migrate=False, connections=2)
    except Exception as error:
        # Each driver has its own errors; whichever it is, there is no database to work on.
        raise StartRefusedError(first_contact.explain(error, settings.database_url)) from error


def follow_dev_clock(store: Store, ports: Ports) -> None:
    """Take over what the dev clock was moved on by, so that a command and a dev service agree on the time."""
    if store.read_now(lambda tx: meta.get(tx, meta.DEV_POOL)) is not None:
        ports.clock.offset = store.read_now(lambda tx: meta.get_int(tx, meta.CLOCK_OFFSET))
