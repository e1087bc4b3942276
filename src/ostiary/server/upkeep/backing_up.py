"""Backups of the embedded database, and putting one back so that nothing used since then works again."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from ostiary.server.core.millis import Millis
from ostiary.server.core.ports import Ports
from ostiary.server.founding import open_store, root_keys
from ostiary.server.guards import audit, one_installation, sealing
from ostiary.server.settings import Settings, StartRefusedError
from ostiary.server.storage import after_restore, backup, keys, meta, pools
from ostiary.server.storage.after_restore import Voided
from ostiary.server.storage.backup import BackupError
from ostiary.server.storage.sqlite_file import path_of
from ostiary.server.storage.tx import Lane, Tx
from ostiary.server.upkeep.site import EVERY_POOL, NotDoneError, Site, follow_dev_clock

USERS_A_STEP = 500

Progress = Callable[[int, int], object]


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did beside copying; `newest`: the last moment that stands in the audit trail (ms)."""

    voided: Voided
    users_signed_out: int
    newest: Millis


def make(settings: Settings, file: Path, told: Progress) -> int:
    """Write a backup of the SQLite database, beside a running service; its size in bytes.

    Raises `StartRefusedError` (no database, the file is there), `NotDoneError` (the disk says no).
    """
    source = path_of(settings.database_url)
    if not source.exists():
        raise StartRefusedError(f"there is no database at {source}: is the volume mounted?")
    if file.exists():
        raise StartRefusedError(f"{file} exists: a backup never overwrites a file")
    try:
        backup.copy(source, file.absolute(), told)
    except BackupError as error:
        raise NotDoneError(f"no backup was made: {error}") from error
    return file.stat().st_size


def put_back(settings: Settings, file: Path, told: Progress) -> Restored:
    """Make the database from a backup. It gets its place only when all that must be void is void.

    Raises `StartRefusedError`: there is a database already, no keys, keys of another installation, no backup.
    """
    target = path_of(settings.database_url).absolute()
    there = backup.in_the_way(target)
    if there is not None:
        raise StartRefusedError(
            f"{there} exists: stop the service and move it away (with -wal and -shm) first"
        )
    require_keys(settings)
    ports = Ports(root_keys(settings))
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = target.with_name(f".{target.name}.restored")
    try:
        backup.forget(fresh)
        backup.check(file)
        backup.copy(file, fresh, told)
        done = _made_safe(settings, ports, fresh)
        backup.put(fresh, target)
    except BackupError as error:
        raise StartRefusedError(str(error)) from error
    except sealing.UnsealError as error:
        raise StartRefusedError(
            f"{settings.keys_path} does not belong to this backup: {error}; put the keys.json of its installation there"
        ) from error
    finally:
        backup.forget(fresh)
    return done


def require_keys(settings: Settings) -> None:
    """Raise `StartRefusedError` where there are none: on a new machine they come from their backup, not from `init`."""
    path = settings.keys_path
    if not path.exists():
        raise StartRefusedError(
            f"there are no keys at {path}: put the backup of keys.json there first (mode 600, the service's user)"
        )


def _made_safe(settings: Settings, ports: Ports, fresh: Path) -> Restored:
    at_fresh = msgspec.structs.replace(settings, database=f"sqlite:///{fresh}")
    store = open_store(at_fresh, ports)  # a backup of an older version is brought to this one's revision
    try:
        follow_dev_clock(store, ports)
        site = Site(at_fresh, ports, store)
        one_installation.require_opened(ports, store.read_now(keys.every_signing_key))
        return finish(site)
    finally:
        store.close_now()


def finish(site: Site) -> Restored:
    """After a database was put back by whatever means: void what may have been used since, and write it down."""
    newest = Millis(site.store.read_now(meta.newest_moment))
    voided = site.store.write_now(lambda tx: after_restore.void_secrets(tx, site.ports.now()))
    users, after = 0, ""
    while (ended := site.store.write_now(partial(_end_sessions, site, after), Lane.BULK)) is not None:
        after = ended[0]
        users += ended[1]
    done = Restored(voided, users, newest)
    site.store.write_now(partial(_note, site, done))
    return done


def _end_sessions(site: Site, after: str, tx: Tx) -> tuple[str, int] | None:
    return after_restore.end_sessions(tx, after, USERS_A_STEP, site.ports.now())


def _note(site: Site, done: Restored, tx: Tx) -> None:
    for pool in pools.every(tx, EVERY_POOL):
        errand = site.errand(tx, pool)
        audit.note(
            errand,
            "database_restored",
            user_id="",
            actor=errand.actor,
            newest=done.newest,
            codes=done.voided.codes,
            one_time_tokens=done.voided.one_time_tokens,
            users=done.users_signed_out,
        )
