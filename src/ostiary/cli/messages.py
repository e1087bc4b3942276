"""`ostiary messages list | show | resend`."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ostiary.cli import shown
from ostiary.cli.options import FAILED, AsJson, Config, Database, DataDir, Show, opened_site, refuse

if TYPE_CHECKING:
    from ostiary.server.storage.outbox import State as Outcome
    from ostiary.server.storage.outbox import Stored
    from ostiary.server.upkeep.site import Site

app = typer.Typer(no_args_is_help=True, help="Messages to users: see what became of them, send them again.")


class State(StrEnum):
    """What became of a message."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    WITHHELD = "withheld"
    EXPIRED = "expired"
    NO_ROUTE = "no_route"
    DEAD = "dead"


@app.command("list")
def list_messages(
    states: Annotated[
        list[State] | None,
        typer.Option(
            "--state", help="Only messages in this state; may be repeated.", show_default="dead, no_route"
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="NUMBER",
            help="Only messages to this number (in any notation) or address.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Maximum number of messages.")] = 50,
    show: Show = False,
    database: Database = None,
    data_dir: DataDir = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List messages, newest first; by default only those that could not be sent.

    dead: refused by the provider, or not delivered within 72 hours of retries · no_route: no gateway sends such
    messages (see `ostiary doctor`) · expired: a code that expired before it was sent · withheld: deliberately never
    sent, so that the requester can't tell whether an account exists.

    For example:

    ostiary messages list --to "138 0013 8000" --state sent --state dead

    Exit codes: 0 listed · 2 refused, with the reason.
    """
    wanted = states or [State.DEAD, State.NO_ROUTE]
    with opened_site(config, database, data_dir) as site:
        recipients: list[str | None] = [None] if to is None else [*_recipients(site.pools(), to)]
        found = [message for recipient in recipients for message in _newest(site, wanted, recipient, limit)]
    told = [_facts(message, show=show) for message in found]
    if as_json:
        shown.as_json(told)
        return
    names = ("id", "state", "to", "purpose", "madeAt", "attempts", "error")
    shown.table(names, [[facts[name] for name in names] for facts in told], nothing="no messages found")


@app.command("show")
def show_message(
    message_id: Annotated[str, typer.Argument(metavar="ID", help="The message's ID, from `messages list`.")],
    show: Show = False,
    database: Database = None,
    data_dir: DataDir = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show one message and its text. Codes are never shown: they are not stored.

    Exit codes: 0 shown · 1 no such message · 2 refused, with the reason.
    """
    with opened_site(config, database, data_dir) as site:
        message = _load(site, message_id)
        facts = {**_facts(message, show=show), "text": _text(message, site.settings.public_url)}
    if as_json:
        shown.as_json(facts)
        return
    text = facts.pop("text")
    shown.pairs(facts)
    print(f"\n{text}")


@app.command("resend")
def resend(
    message_ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID…", help="IDs of messages, from `messages list`.", show_default=False),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Resend all messages in the states dead and no_route.")
    ] = False,
    database: Database = None,
    data_dir: DataDir = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Resend messages that ended as dead or no_route.

    A notice is retried for another 72 hours, a code only until it expires.

    For example:

    ostiary messages resend 01a20595cf37dd35b6c240d0

    Exit codes: 0 all are queued · 1 some can't be sent again · 2 refused, with the reason.
    """
    if bool(message_ids) == every:
        refuse("give either message IDs or --all")
    with opened_site(config, database, data_dir) as site:
        from ostiary.server.upkeep import letters

        ids = letters.unsent(site) if every else list(message_ids or ())
        told = [{"id": one, "queued": letters.resend(site, one)} for one in ids]
    if as_json:
        shown.as_json(told)
    else:
        rows = [(row["id"], "queued" if row["queued"] else "can't be sent again") for row in told]
        shown.table(("message", "outcome"), rows, nothing="no messages")
    if not every and not all(row["queued"] for row in told):
        raise typer.Exit(FAILED)


def _recipients(pools: Any, text: str) -> set[str]:
    """What a typed number or address is stored as; a number may be read differently by pools of other countries."""
    from ostiary.server.core.credentials import read_email
    from ostiary.server.core.search import read_any_number

    if "@" in text:
        found = {read_email(text)}
    else:
        found = {read_any_number(text, pool.country_code) for pool in pools}
    known = {one for one in found if one is not None}
    if not known:
        refuse("--to must be a phone number or an e-mail address")
    return known


def _newest(site: "Site", states: "list[State]", recipient: str | None, limit: int) -> "list[Stored]":
    from ostiary.server.storage import outbox

    wanted = cast("list[Outcome]", [state.value for state in states])
    return site.store.read_now(lambda tx: outbox.newest(tx, wanted, recipient=recipient, limit=limit))


def _load(site: "Site", message_id: str) -> "Stored":
    from ostiary.server.storage import outbox

    message = site.store.read_now(lambda tx: outbox.load(tx, message_id))
    if message is None:
        typer.echo(f"ostiary: there is no message {message_id}", err=True)
        raise typer.Exit(FAILED)
    return message


def _facts(message: "Stored", *, show: bool) -> dict[str, Any]:
    from ostiary.server.core.masking import mask_contact
    from ostiary.server.core.moments import iso

    def at(moment_: int | None) -> str | None:
        return None if moment_ is None else iso(moment_)

    return {
        "id": message.id,
        "state": message.state,
        "medium": message.medium,
        "to": message.recipient if show else mask_contact(message.recipient),
        "purpose": message.purpose,
        "lang": message.lang,
        "userPoolId": message.pool_id,
        "userId": message.user_id,
        "madeAt": at(message.made_at),
        "endsAt": at(message.ends_at),
        "dueAt": at(message.due_at) if message.state in {"queued", "sending"} else None,
        "settledAt": at(message.settled_at),
        "attempts": message.attempts,
        "providerId": message.provider_id,
        "error": message.error,
    }


def _text(message: "Stored", public_url: str) -> str:
    from ostiary.server.upkeep import letters

    return letters.text(message, public_url)
