"""`ostiary`: the commands, put together."""

from typing import Annotated

import typer

from ostiary.cli import (
    audit,
    backups,
    database,
    demo,
    doctor,
    first,
    flags,
    keys,
    messages,
    policies,
    serving,
    users,
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version as installed  # it reads mail headers: half of what typer takes

        print(f"ostiary {installed('ostiary')}")
        raise typer.Exit


app = typer.Typer(
    name="ostiary",
    no_args_is_help=True,
    rich_markup_mode="markdown",  # joins the lines of a paragraph
    pretty_exceptions_show_locals=False,  # locals hold keys and numbers
    epilog="Exit codes: 0 done · 1 failed · 2 refused, with the reason on standard error.",
)


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """A self-hosted identity service that implements the GenAuth V3 API."""


app.command("serve")(serving.serve)
app.command("worker")(serving.worker)
app.command("migrate")(database.migrate)
app.command("init")(first.init)
app.command("demo")(demo.demo)
app.add_typer(users.app, name="users")
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.command("backup")(backups.backup)
app.command("restore")(backups.restore)
app.add_typer(policies.app, name="settings")
app.add_typer(messages.app, name="messages")
app.command("doctor")(doctor.doctor)
flags.show_without_values(app)
