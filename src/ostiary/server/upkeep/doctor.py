"""Finding out how an installation is: asks files, database and machine, changes nothing."""

import os
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ostiary.server import keyfile
from ostiary.server.core.keyring import RootKeys
from ostiary.server.core.millis import DAY, Millis
from ostiary.server.core.policy import AppPolicy, PoolPolicy
from ostiary.server.core.ports import Ports
from ostiary.server.founding import read_keys, require_one_installation
from ostiary.server.guards.passwords import Passwords
from ostiary.server.settings import Loaded, Settings, StartRefusedError
from ostiary.server.storage import audit_export, checkup, meta, pools
from ostiary.server.storage.checkup import Letters
from ostiary.server.storage.db import Store
from ostiary.server.storage.sqlite_file import path_of
from ostiary.server.storage.tx import Lane, Tx, UnavailableError
from ostiary.server.upkeep.auditing import OVERDUE
from ostiary.server.upkeep.findings import Facts, Finding, secret_settings
from ostiary.server.upkeep.site import EVERY_POOL, follow_dev_clock, open_as_it_is

_ROUNDS = 3
_PASSWORD = "a password of usual length"


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What a database that answers says of itself; named and measured as in `Facts`."""

    clock_apart: int
    promises: Mapping[str, str]
    dev_database: bool
    overdue: int
    letters: Letters
    pools: tuple[tuple[str, PoolPolicy], ...]
    apps: tuple[tuple[str, AppPolicy], ...]


def examine(loaded: Loaded) -> Facts:
    """All facts there are to be had; what can't be is in `broken`."""
    settings = loaded.settings
    keys = _keys(settings)
    root_keys = keys if isinstance(keys, RootKeys) else None
    ports = Ports(root_keys or RootKeys({}))
    database, mismatch = _database(settings, ports, root_keys)
    facts = Facts(
        settings=settings,
        sources=loaded.sources,
        now=ports.now(),
        cores=len(os.sched_getaffinity(0)),
        memory_kib=memory_kib(),
        argon2_ms=argon2_ms(settings.argon2_memory_kib, settings.argon2_passes, settings.argon2_lanes),
        broken=[one for one in (keys, database, mismatch) if isinstance(one, Finding)],
        open_files=_open_files(loaded),
        keys=root_keys,
    )
    return facts if isinstance(database, Finding) else _with_database(facts, database)


def argon2_ms(memory_kib: int, passes: int, lanes: int) -> float:
    """What one password check costs on this machine now, in milliseconds: the best of three."""
    passwords = Passwords(memory_kib=memory_kib, passes=passes, lanes=lanes)
    return 1_000 * min(_timed(passwords) for _ in range(_ROUNDS))


def memory_kib() -> int:
    """The machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024


def _timed(passwords: Passwords) -> float:
    begun = time.perf_counter()
    passwords.hash_now(_PASSWORD)
    return time.perf_counter() - begun


def _keys(settings: Settings) -> RootKeys | Finding:
    """The root keys, or what is wrong with their file."""
    try:
        return read_keys(settings)
    except keyfile.KeyFileError as error:
        return Finding("problem", "keys_file", str(error), "correct keys.json as described")


def _database(
    settings: Settings, ports: Ports, keys: RootKeys | None
) -> tuple[DatabaseFacts | Finding, Finding | None]:
    """What the database says, or why it says nothing; and where its keys are others, that."""
    store = _opened(settings, ports, begun=keys is not None)
    if isinstance(store, Finding):
        return store, None
    try:
        looked = _looked(store, ports)
        comparable = keys is not None and isinstance(looked, DatabaseFacts)
        return looked, _mismatch(store, settings, ports) if comparable else None
    finally:
        store.close_now()


def _opened(settings: Settings, ports: Ports, *, begun: bool) -> Store | Finding:
    """The database as it stands. `begun`: there are keys, so there was a database."""
    if settings.on_sqlite and not path_of(settings.database_url).exists():
        return _none_yet(settings, begun=begun)
    try:
        return open_as_it_is(settings, ports)
    except StartRefusedError as error:
        return Finding("problem", "database", str(error), "correct `database` as described")


def _looked(store: Store, ports: Ports) -> DatabaseFacts | Finding:
    """What the database says; the ports' clock follows a dev clock from here on."""
    try:
        apart = abs(store.check_now() - ports.clock.undisturbed())
        follow_dev_clock(store, ports)
        promises = store.write_now(checkup.promises, Lane.BULK)
        return store.read_now(partial(_read, ports.now(), apart, promises))
    except UnavailableError as error:
        return _silent(error)


def _read(now: Millis, clock_apart: int, promises: Mapping[str, str], tx: Tx) -> DatabaseFacts:
    return DatabaseFacts(
        clock_apart=clock_apart,
        promises=promises,
        dev_database=meta.get(tx, meta.DEV_POOL) is not None,
        overdue=audit_export.unsealed_before(tx, now - OVERDUE),
        letters=checkup.letters(tx, now, now - DAY),
        pools=tuple((pool.id, pool.policy) for pool in pools.every(tx, EVERY_POOL)),
        apps=tuple((app.id, app.policy) for app in pools.every_app(tx)),
    )


def _mismatch(store: Store, settings: Settings, ports: Ports) -> Finding | None:
    """That keys and database are not one installation, or None."""
    try:
        store.read_now(partial(require_one_installation, settings, ports))
    except StartRefusedError as error:
        return Finding("problem", "keys_file", str(error), "correct keys.json as described")
    except UnavailableError as error:
        return _silent(error)
    return None


def _silent(error: UnavailableError) -> Finding:
    return Finding("problem", "database", f"does not answer: {error}", "see the database's log")


def _with_database(facts: Facts, database: DatabaseFacts) -> Facts:
    return replace(
        facts,
        clock_apart=database.clock_apart,
        promises=database.promises,
        dev_database=database.dev_database,
        overdue=database.overdue,
        letters=database.letters,
        pools=database.pools,
        apps=database.apps,
        database_read=True,
    )


def _none_yet(settings: Settings, *, begun: bool) -> Finding:
    where = path_of(settings.database_url)
    if not begun:
        return Finding("problem", "database", f"there is none yet at {where}", "ostiary init")
    return Finding(
        "problem",
        "database",
        f"there are keys, and no database at {where}: is the volume mounted?",
        "put a backup back with `ostiary restore FILE`",
    )


def _open_files(loaded: Loaded) -> dict[str, int]:
    """Files that hold secrets and may be read by others: the database, and where settings came from."""
    settings = loaded.settings
    paths = [path_of(settings.database_url)] if settings.on_sqlite else []
    for name in secret_settings(settings):
        source = loaded.sources.get(name, "")
        if source.endswith("_FILE"):
            paths.append(Path(os.environ.get(source, "")))
        elif not source.startswith("OSTIARY_") and source != "the command line":
            paths.append(Path(source))
    modes = {str(path): stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_file()}
    return {path: mode for path, mode in modes.items() if mode & 0o077}
