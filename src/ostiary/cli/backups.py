"""`ostiary backup` and `ostiary restore`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ostiary.cli import shown
from ostiary.cli.options import (
    AsJson,
    Config,
    Database,
    DataDir,
    again,
    refusals,
    refuse,
    settings,
)

if TYPE_CHECKING:
    from ostiary.server.settings import Settings
    from ostiary.server.upkeep.backing_up import Restored

_POSTGRESQL = """the database is PostgreSQL; back it up with its own tools:
  pg_dump --format=custom --file=ostiary.dump DATABASE      a consistent copy while the service runs
  pg_basebackup, with WAL archiving                          every moment up to the last commit
Keep the root keys' file ({keys}) too, apart from the copies: they can't be used without it.
After pg_restore: ostiary restore --finish"""


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; it must not exist. Gets mode 600.")],
    database: Database = None,
    data_dir: DataDir = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Copy the embedded database, as it is at one moment, while the service runs.

    The root keys' file is not in it: keep a copy of that somewhere else. Together they are everything; either alone
    opens nothing that is sealed. With PostgreSQL this command says what to use instead.

    For example:

    ostiary backup /var/backups/ostiary-2026-07-01.db

    Exit codes: 0 the backup is whole and on the disk · 1 failed · 2 refused, with the reason.
    """
    chosen = settings(config, database=database, data_dir=data_dir)
    if not chosen.on_sqlite:
        refuse(_POSTGRESQL.format(keys=chosen.keys_path))
    with refusals():
        from ostiary.server.upkeep import backing_up

        with shown.progress("copying", 100) as bar:
            size = backing_up.make(chosen, file, lambda done, pages: bar(_percent(done, pages), ""))
    if as_json:
        shown.as_json({"file": str(file), "bytes": size, "keysFile": str(chosen.keys_path)})
    else:
        print(f"{file}: {size} bytes, checked. Keep {chosen.keys_path} too, somewhere else.")


def restore(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="What `ostiary backup` made.", show_default=False)
    ] = None,
    finish: Annotated[
        bool,
        typer.Option(
            "--finish",
            help="The database was put back by other means (pg_restore): void what must be void, and no more.",
        ),
    ] = False,
    database: Database = None,
    data_dir: DataDir = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup in the place of the database, with the service stopped.

    Refuses where a database is: move it away first. What may have been used since the backup works no more: codes,
    one-time tokens, sessions and refresh tokens of everybody. People sign in again. What else changed since the
    backup (numbers, passwords, settings) is as it was then. The keys' file must be the backup's own, or one that
    was rotated from it without --at-once.

    For example:

    ostiary restore /var/backups/ostiary-2026-07-01.db

    Exit codes: 0 done · 1 failed · 2 refused, with the reason.
    """
    if (file is None) != finish:
        refuse("give the FILE to restore, or --finish, not both")
    chosen = settings(config, database=database, data_dir=data_dir)
    done = _finish(chosen) if file is None else _put_back(file, chosen)
    place: dict[str, Any] = {"config": config, "database": database, "data_dir": data_dir}
    _tell(done, (again("doctor", **place), again("serve", **place)), as_json=as_json)


def _finish(where: "Settings") -> "Restored":
    """Void what must be void in a database that was put back by other means. Exits 2 where it is refused."""
    with refusals():
        from ostiary.server.upkeep import backing_up
        from ostiary.server.upkeep.site import opened

        backing_up.require_keys(where)
        with opened(where) as site:
            return backing_up.finish(site)


def _put_back(file: Path, where: "Settings") -> "Restored":
    """Make the embedded database from a backup. Exits 2 where it is refused."""
    if not where.on_sqlite:
        refuse("the database is PostgreSQL: put it back with pg_restore, then run ostiary restore --finish")
    if not file.is_file():
        refuse(f"there is no file {file}")
    with refusals():
        from ostiary.server.upkeep import backing_up

        with shown.progress("restoring", 100) as bar:
            return backing_up.put_back(
                where, file.absolute(), lambda copied, pages: bar(_percent(copied, pages), "")
            )


def _percent(done: int, pages: int) -> int:
    return 100 * done // max(1, pages)


def _tell(done: "Restored", next_ones: tuple[str, str], *, as_json: bool) -> None:
    from ostiary.server.core.moments import iso

    facts = {
        "newestMoment": iso(done.newest) if done.newest else None,
        "codesVoided": done.voided.codes,
        "tokensVoided": done.voided.one_time_tokens,
        "messagesExpired": done.voided.messages,
        "usersSignedOut": done.users_signed_out,
    }
    if as_json:
        shown.as_json(facts)
        return
    shown.pairs(facts)
    print(f"\nEverybody has to sign in again. Now: {next_ones[0]}\nThen: {next_ones[1]}")
