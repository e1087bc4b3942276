"""`ostiary settings get | set`."""

from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli import shown
from ostiary.cli.options import AsJson, Config, Database, DataDir, Pool, opened_site, refuse

if TYPE_CHECKING:
    from ostiary.server.upkeep.policy_rules import Setting

app = typer.Typer(
    no_args_is_help=True,
    help="Settings of a pool or an application. Changes take effect with the next request.",
)

App = Annotated[
    str | None,
    typer.Option(
        "--app",
        metavar="ID",
        help="Use this application's settings instead of the pool's.",
        show_default=False,
    ),
]


@app.command("get")
def get(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="The setting to show; all if omitted.", show_default=False),
    ] = None,
    app_id: App = None,
    pool: Pool = None,
    database: Database = None,
    data_dir: DataDir = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show the settings of a pool, or of an application.

    For example:

    ostiary settings get verifyCodeTtl

    Exit codes: 0 shown · 2 refused, with the reason.
    """
    with opened_site(config, database, data_dir) as site:
        from ostiary.server.upkeep import policies

        found = policies.shown(site, site.pool(pool), app_id)
    if name is None:
        _tell(found, as_json=as_json)
        return
    one = next((setting for setting in found if setting.name == name), None)
    if one is None:
        from ostiary.server.core.near import did_you_mean

        near = did_you_mean(name, (setting.name for setting in found))
        refuse(f"there is no setting {name!r}{near or ': `ostiary settings get` lists all'}")
    if as_json:
        shown.as_json({one.name: one.value})
    else:
        print(_text(one.value))


@app.command("set")
def set_one(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The setting to change.")],
    value: Annotated[
        str, typer.Argument(metavar="VALUE", help="The new value; separate list items with commas.")
    ],
    app_id: App = None,
    pool: Pool = None,
    database: Database = None,
    data_dir: DataDir = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Change one setting.

    It takes effect in every serving process with the next request, and is recorded in the audit trail.

    For example:

    ostiary settings set changePhoneStrategy.verifyOldPhone false

    ostiary settings set allowedCountries +86,+852

    Exit codes: 0 done · 1 failed · 2 refused, with the reason.
    """
    with opened_site(config, database, data_dir) as site:
        from ostiary.server.upkeep import policies

        after = policies.change(site, site.pool(pool), app_id, name, value)
    changed = [setting for setting in after if setting.name == name]
    if as_json:
        shown.as_json({setting.name: setting.value for setting in changed})
    else:
        print("\n".join(f"{setting.name} = {_text(setting.value)}" for setting in changed))


def _tell(settings: "list[Setting]", *, as_json: bool) -> None:
    if as_json:
        shown.as_json({setting.name: setting.value for setting in settings})
        return
    rows = [(one.name, _text(one.value), _text(one.default), one.allowed) for one in settings]
    shown.table(("setting", "value", "default", "allowed"), rows, nothing="no settings")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value).replace("\n", ",")
