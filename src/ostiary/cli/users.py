"""`ostiary users import | find | reset-factors`."""

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli import shown
from ostiary.cli.options import FAILED, AsJson, Config, Database, DataDir, Pool, Show, opened_site, refuse

if TYPE_CHECKING:
    from ostiary.server.storage.users import UserRow
    from ostiary.server.upkeep.import_file import ImportFile
    from ostiary.server.upkeep.importing import Import, Summary
    from ostiary.server.upkeep.site import Site

app = typer.Typer(no_args_is_help=True, help="Import users from a file, find a user, reset second factors.")


@app.command("import")
def import_users(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE.csv", help="A CSV file (UTF-8, comma-separated) with a header line."),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check every row, but store nothing in the database.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Start at the first row, even if this file was imported before.")
    ] = False,
    keep_weak_passwords: Annotated[
        bool,
        typer.Option(
            "--keep-weak-passwords", help="Take plain passwords that the pool's password policy would refuse."
        ),
    ] = False,
    encoding: Annotated[str, typer.Option(help="The file's encoding, e.g. gb18030.")] = "utf-8",
    delimiter: Annotated[str, typer.Option(help="The character between cells; '\\t' is a tab.")] = ",",
    pool: Pool = None,
    database: Database = None,
    data_dir: DataDir = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Create a user from each row of a CSV file; the service may be running.

    All columns are optional and named like the API's fields: username, email, emailVerified, phone,
    phoneCountryCode, phoneVerified, externalId, password (plain) or passwordHash (an argon2id string:
    $argon2id$v=19$…), name, nickname, gender, birthdate, locale, status, customData (a JSON object) and the other
    profile fields. A user needs at least one of username, email, phone, externalId. Phone numbers and e-mail addresses
    count as verified if the column says true or 1, else as unverified. No messages are sent.

    A plain password is checked against the pool's password policy, as every new one is, and a weak one rejects its
    row; --keep-weak-passwords imports passwords that users already have elsewhere. Hashes can't be checked.

    Rows that can't be imported are written to people.rejected.csv beside people.csv, with the reasons: correct that
    file and import it. A dry run writes people.dry-run.rejected.csv. To continue an interrupted import, run the same
    command again.

    For example:

      ostiary users import people.csv --dry-run

      ostiary users import people.csv

    Exit codes: 0 all rows were imported · 1 rows were rejected, or the database failed · 2 refused, with the reason.
    """
    with opened_site(config, database, data_dir) as site:
        from ostiary.server.upkeep.import_file import ImportFile

        if len(separator := delimiter.replace("\\t", "\t")) != 1:
            refuse("--delimiter must be a single character")
        source = ImportFile(file, encoding, separator)
        begun = time.monotonic()
        work = _work(site, pool, source, keep_weak=keep_weak_passwords)
        summary = _run(work, source, dry_run=dry_run, again=again)
        _tell(summary, file, time.monotonic() - begun, dry_run=dry_run, as_json=as_json)
    if summary.rejected:
        raise typer.Exit(FAILED)


@app.command("find")
def find(
    name: Annotated[
        str, typer.Argument(metavar="USER", help="ID, phone number, e-mail address or user name.")
    ],
    show: Show = False,
    pool: Pool = None,
    database: Database = None,
    data_dir: DataDir = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Find a user by id, phone number, e-mail address or user name, in one pool or in all.

    A number may come in any spelling, with or without +86. The answer begins with the user's id.

    For example:

      ostiary users find "138 0013 8000"

      ostiary users find carol@example.com --show --json

    Exit codes: 0 found · 1 there is no such user · 2 refused, with the reason.
    """
    found: list[UserRow] = []
    with opened_site(config, database, data_dir) as site:
        from ostiary.server.upkeep.named import named

        for row in site.pools(pool):
            user = site.store.read_now(partial(named, pool=row, name=name))
            found += [user] if user else []
    told = [_user(user, show=show) for user in found]
    if as_json:
        shown.as_json(told)
    else:
        for facts in told:
            shown.pairs(facts)
    if not told:
        if not as_json:
            typer.echo("there is no such user", err=True)
        raise typer.Exit(FAILED)


@app.command("reset-factors")
def reset_factors(
    name: Annotated[
        str, typer.Argument(metavar="USER", help="ID, phone number, e-mail address or user name.")
    ],
    pool: Pool = None,
    database: Database = None,
    data_dir: DataDir = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Remove all second factors of a user who has lost them, including the recovery code.

    First make sure who is asking: afterwards a single step is enough to sign in. The user's sessions end, all their
    verified numbers and addresses are notified, and the audit trail records it.

    For example:

      ostiary users reset-factors alice

    Exit codes: 0 removed · 1 the user does not exist or has no second factor · 2 refused, with the reason.
    """
    with opened_site(config, database, data_dir) as site:
        from ostiary.server.upkeep import factors

        removed = factors.reset(site, site.pool(pool), name)
    if as_json:
        shown.as_json({"removed": removed})
    else:
        print(f"removed: {', '.join(removed)}")


def _work(site: "Site", pool: str | None, source: "ImportFile", *, keep_weak: bool) -> "Import":
    from ostiary.server.guards.passwords import Passwords
    from ostiary.server.upkeep.importing import Import

    chosen = site.settings
    passwords = Passwords(
        memory_kib=chosen.argon2_memory_kib, passes=chosen.argon2_passes, lanes=chosen.argon2_lanes
    )
    return Import(site, site.pool(pool), source, passwords, keep_weak=keep_weak)


def _run(work: "Import", source: "ImportFile", *, dry_run: bool, again: bool) -> "Summary":
    with shown.progress("checking" if dry_run else "importing", source.lines) as bar:

        def told(line: int, rejected: int) -> None:
            bar(line, f"{rejected} rejected" if rejected else "")

        return work.try_out(told) if dry_run else work.run(told, again=again)


def _tell(summary: "Summary", file: Path, seconds: float, *, dry_run: bool, as_json: bool) -> None:
    from ostiary.server.upkeep.import_file import rejected_path

    rejected = str(rejected_path(file, dry_run=dry_run)) if summary.rejected else None
    if as_json:
        shown.as_json(
            {
                "rows": summary.rows,
                "imported": 0 if dry_run else summary.made,
                "importable": summary.made,
                "rejected": summary.rejected,
                "rejectedFile": rejected,
                "resumedAfter": summary.resumed_after,
                "finishedBefore": summary.finished_before,
                "dryRun": dry_run,
                "seconds": round(seconds, 1),
            }
        )
        return
    if summary.finished_before:
        typer.echo("This file was already imported (--again starts over). The result was:", err=True)
    elif summary.resumed_after:
        typer.echo(
            f"Continued after row {summary.resumed_after}, where an earlier run had stopped.", err=True
        )
    done = "could be imported" if dry_run else "imported"
    print(f"{summary.rows} rows: {summary.made} {done}, {summary.rejected} rejected, {seconds:.1f} s")
    if rejected:
        print(f"Reasons for each row: {rejected}")


def _user(user: "UserRow", *, show: bool) -> dict[str, object]:
    from ostiary.server.core.masking import mask_email, mask_number
    from ostiary.server.core.moments import iso

    phone, email = user.phone, user.email
    return {
        "userId": user.id,
        "userPoolId": user.pool_id,
        "status": user.status,
        "username": user.username,
        "phone": phone if show or phone is None else mask_number(phone),
        "phoneVerified": user.phone_verified,
        "email": email if show or email is None else mask_email(email),
        "emailVerified": user.email_verified,
        "createdAt": iso(user.made_at),
        "lastLogin": iso(user.last_login_at) if user.last_login_at else None,
    }
