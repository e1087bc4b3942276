"""`ostiary keys list | rotate | prune`."""

import sys
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli import shown
from ostiary.cli.options import AsJson, Config, Database, DataDir, opened_site, refuse
from ostiary.server.core.keyring import KNOWN_FIRST

if TYPE_CHECKING:
    from ostiary.server.upkeep.rotation import Rotated
    from ostiary.server.upkeep.site import Site

app = typer.Typer(no_args_is_help=True, help="Root keys and signing keys: which there are, and new ones.")


class Purpose(StrEnum):
    """What keys are for; every one of them has a ring of its own."""

    CODES = "codes"
    TOKENS = "tokens"
    SEAL = "seal"
    AUDIT = "audit"
    SIGNING = "signing"
    PASSWORDS = "passwords"


@app.command("list")
def list_keys(
    database: Database = None, data_dir: DataDir = None, config: Config = None, as_json: AsJson = False
) -> None:
    """Show every key: its purpose, age and state. Never a secret.

    States: `makes` (new things are made with it) · `waiting` (known to all, not used yet) · `stays` (only read with).

    Exit codes: 0 shown · 2 refused, with the reason.
    """
    with opened_site(config, database, data_dir) as site:
        told = _listed(site)
    if as_json:
        shown.as_json(told)
    else:
        shown.table(
            ("purpose", "key", "state", "made", "days old", "pool"),
            [tuple(row.values()) for row in told],
            nothing="no keys",
        )


@app.command("rotate")
def rotate(
    purposes: Annotated[
        list[Purpose] | None,
        typer.Option(
            "--purpose", help="Which keys; may be given several times. All where none is.", show_default=False
        ),
    ] = None,
    wait: Annotated[
        float,
        typer.Option(
            help="Seconds between making a root key known and using it; longer where the file is copied to other "
            "machines, 0 where nothing is running."
        ),
    ] = KNOWN_FIRST,
    at_once: Annotated[
        bool,
        typer.Option(
            "--at-once",
            help="A key has leaked: withdraw the old ones now, with the codes, one-time tokens or sign-in tokens "
            "that were made with them.",
        ),
    ] = False,
    database: Database = None,
    data_dir: DataDir = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Make new keys, beside a running service. What was made with the old ones stays good for its life.

    codes and tokens: the old key stays for 15 minutes at least. seal: signing keys and app secrets are sealed
    anew. audit: the old key never leaves. signing: every pool gets a new key, which is published for ten minutes
    before it signs; the old one stays published until its last token has ended. A running service sees the key
    file change within a second. passwords: clients that encrypt passwords are given a new public key; the one before
    goes on opening until the next rotation. Keep a copy of the new file apart from the backups.

    For example:

    ostiary keys rotate

    ostiary keys rotate --purpose signing --at-once

    Exit codes: 0 done · 1 failed · 2 refused, with the reason.
    """
    if wait < 0:
        refuse("--wait takes seconds from 0 on")
    with opened_site(config, database, data_dir) as site:
        from ostiary.server.upkeep import rotation

        chosen = [purpose.value for purpose in purposes or Purpose]
        told = partial(_tell_waiting, site.settings.keys_path, wait)
        done = rotation.rotate(site, chosen, known_first=wait, at_once=at_once, waits=told)
        _tell(done, as_json=as_json)


@app.command("prune")
def prune(
    database: Database = None, data_dir: DataDir = None, config: Config = None, as_json: AsJson = False
) -> None:
    """Take away old keys that nothing needs any more; `rotate` does so, too.

    Exit codes: 0 done, or nothing to do · 1 failed · 2 refused, with the reason.
    """
    with opened_site(config, database, data_dir) as site:
        from ostiary.server.upkeep import rotation

        _tell(rotation.prune(site), as_json=as_json)


def _listed(site: "Site") -> list[dict[str, object]]:
    from ostiary.server.upkeep.looking import known_keys

    return [
        {
            "purpose": key.purpose,
            "id": key.id,
            "state": key.state,
            "madeAt": key.made_at,
            "daysOld": key.days_old,
            "userPoolId": key.pool_id,
        }
        for key in known_keys(site)
    ]


def _tell_waiting(path: Path, seconds: float) -> None:
    if seconds:
        sys.stderr.write(
            f"New root keys are in {path}. They become active in {seconds:g} s; copy the file to every machine before "
            "then.\n"
        )


def _tell(done: "Rotated", *, as_json: bool) -> None:
    if as_json:
        shown.as_json({"made": done.made, "dropped": done.dropped, "resealed": done.resealed})
        return
    for key in done.made:
        print(f"new      {key}")
    for key in done.dropped:
        print(f"dropped  {key}")
    if done.resealed:
        print(f"sealed anew: {done.resealed} secrets")
    if not (done.made or done.dropped):
        print("nothing to do")
