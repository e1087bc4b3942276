"""`ostiary init`: what an installation needs before its first start."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli.options import Config, Database, DataDir, again, refusals, settings

if TYPE_CHECKING:
    from ostiary.server.founding import Founded


def init(
    name: Annotated[str, typer.Option(help="Name of the pool and its first application.")] = "main",
    country: Annotated[
        str,
        typer.Option(
            help="Default calling code; codes are sent to this country only (see `allowedCountries`)."
        ),
    ] = "+86",
    locale: Annotated[str, typer.Option(help="Language of messages to users: zh-CN or en-US.")] = "zh-CN",
    database: Database = None,
    data_dir: DataDir = None,
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Create the root keys, the database, a pool, an application and an access key. Run once.

    The two secrets are printed here and cannot be shown again. Back up the root key file (mode 600) separately:
    without it, sealed keys and pending codes are lost.

    Exit codes: 0 done · 2 refused, with the reason (keys or pools already exist). If init was interrupted, run it
    again to continue.
    """
    chosen = settings(config, database=database, data_dir=data_dir)
    with refusals():
        from ostiary.server import founding

        founded = founding.initialize(chosen, name, country, locale)
    told = _told(founded)
    if as_json:
        print(json.dumps(told))
        return
    width = max(map(len, told))
    print("\n".join(f"{label:<{width}}  {value}" for label, value in told.items()))
    print(f"\nThe secrets will not be shown again. Root keys: {chosen.keys_path}")
    print(f"Next: {again('serve', config=config, database=database, data_dir=data_dir)}")


def _told(founded: "Founded") -> dict[str, str]:
    return {
        "userPoolId": founded.pool.id,
        "appId": founded.app.id,
        "appSecret": founded.app_secret,
        "accessKeyId": founded.access_key.id,
        "accessKeySecret": founded.access_key_secret,
    }
