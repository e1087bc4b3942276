"""Finding out how an installation is: asks files, database and machine, changes nothing."""

import os
import stat
import time
from functools import partial
from pathlib import Path

from ostiary.server import keyfile
from ostiary.server.core.keyring import RootKeys
from ostiary.server.core.millis import DAY
from ostiary.server.core.policy import AppPolicy, PoolPolicy
from ostiary.server.core.ports import Ports
from ostiary.server.founding import require_one_installation
from ostiary.server.guards.passwords import Passwords
from ostiary.server.settings import Loaded, Settings, StartRefusedError
from ostiary.server.storage import audit_export, checkup, meta, pools
from ostiary.server.storage.db import Store
from ostiary.server.storage.sqlite_file import path_of
from ostiary.server.storage.tx import Lane, Tx, UnavailableError
from ostiary.server.upkeep.auditing import OVERDUE
from ostiary.server.upkeep.findings import Facts, Finding, secret_settings
from ostiary.server.upkeep.site import EVERY_POOL, follow_dev_clock, open_as_it_is

_ROUNDS = 3
_PASSWORD = "a password of usual length"


def examine(loaded: Loaded) -> Facts:
    """All facts there are to be had; what can't be is in `broken`."""
    settings = loaded.settings
    broken: list[Finding] = []
    keys: RootKeys | None = None
    try:
        keys = keyfile.read(settings.keys_path)
    except keyfile.KeyFileError as error:
        broken.append(Finding("problem", "keys_file", str(error), "see the message"))
    ports = Ports(keys or RootKeys({}))
    found: dict[str, object] = {}
    try:
        store = open_as_it_is(settings, ports) if _is_there(settings) else None
    except StartRefusedError as error:
        broken.append(Finding("problem", "database", str(error), "see the message"))
        store = None
    else:
        if store is None:
            broken.append(_none_yet(settings, begun=keys is not None))
    if store is not None:
        try:
            found = _database(store, ports)
            if keys is not None:
                store.read_now(partial(require_one_installation, settings, ports))
        except StartRefusedError as error:
            broken.append(Finding("problem", "keys_file", str(error), "see the message"))
        except UnavailableError as error:
            broken.append(
                Finding("problem", "database", f"does not answer: {error}", "see the database's log")
            )
        finally:
            store.close_now()
    return Facts(
        settings=settings,
        sources=loaded.sources,
        now=ports.now(),
        cores=len(os.sched_getaffinity(0)),
        memory_kib=memory_kib(),
        argon2_ms=argon2_ms(settings.argon2_memory_kib, settings.argon2_passes, settings.argon2_lanes),
        broken=tuple(broken),
        open_files=_open_files(loaded),
        keys=keys,
        **found,  # type: ignore[arg-type] # the names are `Facts`'s, right below
    )


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


def _is_there(settings: Settings) -> bool:
    return not settings.on_sqlite or path_of(settings.database_url).exists()


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


def _database(store: Store, ports: Ports) -> dict[str, object]:
    theirs = store.check_now()
    ours = ports.clock.undisturbed()
    follow_dev_clock(store, ports)
    now = ports.now()
    pool_policies: list[tuple[str, PoolPolicy]] = []
    app_policies: list[tuple[str, AppPolicy]] = []

    def look(tx: Tx) -> dict[str, object]:
        pool_policies[:] = [(pool.id, pool.policy) for pool in pools.every(tx, EVERY_POOL)]
        app_policies[:] = [(app.id, app.policy) for app in pools.every_app(tx)]
        return {
            "dev_database": meta.get(tx, meta.DEV_POOL) is not None,
            "overdue": audit_export.unsealed_before(tx, now - OVERDUE),
            "letters": checkup.letters(tx, now, now - DAY),
        }

    return {
        **store.read_now(look),
        "promises": store.write_now(checkup.promises, Lane.BULK),
        "clock_apart": abs(theirs - ours),
        "pools": tuple(pool_policies),
        "apps": tuple(app_policies),
        "database_read": True,
    }


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
