"""`ostiary audit verify | export`."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from ostiary.cli import shown
from ostiary.cli.options import FAILED, AsJson, Config, Database, DataDir, Pool, opened_site, refuse

if TYPE_CHECKING:
    from ostiary.server.storage.audit_export import Entry
    from ostiary.server.upkeep.auditing import Verified

app = typer.Typer(no_args_is_help=True, help="Verify and export the audit trail.")

_SHOWN = 50


@app.command("verify")
def verify(
    head: Annotated[
        str | None,
        typer.Option(
            "--head",
            metavar="PLACE:CHAIN",
            help="The head printed by an earlier verify: shows whether rows were cut off since.",
            show_default=False,
        ),
    ] = None,
    database: Database = None,
    data_dir: DataDir = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Check every row's MAC and the chain over all rows; the service may be running.

    Faults: `row` (changed since it was written) · `key` (made with an unknown key) · `chain` (differs from what was
    sealed) · `gap` (rows are missing before it) · `cut` (the end that --head refers to is missing). If rows wait for
    sealing for more than a few seconds, no worker is running. Keep the printed head in a separate place: only
    comparing with it shows that rows were cut off at the end.

    For example:

    ostiary audit verify --head 1042:9f2c51…

    Exit codes: 0 intact · 1 faults or overdue rows were found · 2 refused, with the reason.
    """
    with opened_site(config, database, data_dir) as site:
        from ostiary.server.upkeep import auditing

        expected = auditing.read_head(head) if head else None
        if head and expected is None:
            refuse("--head must be PLACE:CHAIN, as printed by verify")
        rows = auditing.how_many(site)
        with shown.progress("verifying", rows) as bar:
            found = auditing.verify(site, expected, lambda done: bar(done, ""))
    _tell(found, as_json=as_json)
    if not found.whole:
        raise typer.Exit(FAILED)


@app.command("export")
def export(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write to this file (mode 600) instead of standard output.",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            help="Only rows from this time on: 2026-07-01 or 2026-07-01T08:00:00Z.",
            show_default=False,
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Only rows before this time.", show_default=False)
    ] = None,
    user: Annotated[str, typer.Option(metavar="ID", help="Only rows of this user.", show_default=False)] = "",
    event: Annotated[
        str, typer.Option(metavar="NAME", help="Only this event, e.g. phone_changed.", show_default=False)
    ] = "",
    pool: Pool = None,
    database: Database = None,
    data_dir: DataDir = None,
    config: Config = None,
) -> None:
    """Print the audit trail as JSON lines, oldest first; the service may be running.

    Phone numbers and addresses appear only as keyed hashes. Each line has the row's MAC and, once sealed, its place
    in the chain.

    For example:

    ostiary audit export --since 2026-07-01 --event phone_changed

    Exit codes: 0 done · 1 failed · 2 refused, with the reason.
    """
    begin, end = _moment(since, "--since"), _moment(until, "--until")
    _require_known(event)
    with opened_site(config, database, data_dir) as site:
        from ostiary.server.upkeep import auditing

        rows = auditing.export(site, begin, end, pool_id=pool or "", user_id=user, event=event)
        if output is None:
            count = _write(rows, sys.stdout)
        else:
            with _private(output) as file:
                count = _write(rows, file)
    typer.echo(f"{count} rows", err=True)


def _tell(found: "Verified", *, as_json: bool) -> None:
    head = f"{found.head.place}:{found.head.chain.hex()}" if found.head.place else None
    if as_json:
        shown.as_json(
            {
                "whole": found.whole,
                "sealed": found.sealed,
                "unsealed": found.unsealed,
                "overdue": found.overdue,
                "faults": [
                    {"fault": fault.fault, "id": fault.id, "place": fault.place} for fault in found.faults
                ],
                "faultsInAll": found.faults_in_all,
                "head": head,
            }
        )
        return
    shown.pairs(
        {
            "sealed rows": found.sealed,
            "waiting for sealing": found.unsealed,
            "of these overdue": found.overdue,
            "faults": found.faults_in_all,
            "head": head,
        }
    )
    if found.faults:
        print()
        shown.table(
            ("fault", "place", "row"),
            [(fault.fault, fault.place, fault.id) for fault in found.faults[:_SHOWN]],
            nothing="",
        )
        if found.faults_in_all > _SHOWN:
            print(f"… and {found.faults_in_all - _SHOWN} more")
    if found.overdue:
        print("\nRows are overdue: is `ostiary serve` or `ostiary worker` running?")


def _write(rows: Any, file: IO[str]) -> int:
    count = 0
    for row in rows:
        file.write(json.dumps(_line(row), ensure_ascii=False, separators=(",", ":")) + "\n")
        count += 1
    file.flush()
    return count


def _line(row: "Entry") -> dict[str, Any]:
    from ostiary.server.core.moments import iso

    return {
        "id": row.id,
        "at": iso(row.at),
        "event": row.event,
        "verdict": row.verdict,
        "userPoolId": row.pool_id,
        "userId": row.user_id or None,
        "actor": row.actor,
        "sessionId": row.session_id or None,
        "appId": row.app_id or None,
        "requestId": row.request_id,
        "facts": row.facts,
        "keyId": row.key_id,
        "mac": row.mac.hex(),
        "place": row.place,
        "chain": row.chain.hex() if row.chain is not None else None,
    }


def _moment(text: str | None, option: str) -> int | None:
    """Milliseconds of a date or a moment; one without a time zone is UTC."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        refuse(f"{option}: {text!r} is neither a date nor a time (2026-07-01T08:00:00Z)")
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return int(found.timestamp() * 1_000)


def _require_known(event: str) -> None:
    from ostiary.server.core.audit_events import EVENTS
    from ostiary.server.core.near import did_you_mean

    if event and event not in EVENTS:
        near = did_you_mean(event, EVENTS) or f"; the events are: {', '.join(EVENTS)}"
        refuse(f"there is no event {event!r}{near}")


def _private(path: Path) -> IO[str]:
    import os

    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        refuse(f"{path}: {error.strerror}")
    return os.fdopen(descriptor, "w", encoding="utf-8")
