"""`ostiary init`: what an installation needs before its first start."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli.options import Config, Database, DataDir, again, refusals, settings

if TYPE_CHECKING:
    from ostiary.server.founding import Founded


def init(
    name: Annotated[str, typer.Option(help="What the pool and its first app are called.")] = "main",
    country: Annotated[
        str, typer.Option(help="The calling code of numbers without one; codes go to this country.")
    ] = "+86",
    locale: Annotated[str, typer.Option(help="The language of texts to people: zh-CN or en-US.")] = "zh-CN",
    database: Database = None,
    data_dir: DataDir = None,
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make the root keys, the database, a pool, an app and an access key. Once.

    The two secrets are printed here and nowhere else. The root keys' file (mode 600) belongs into a backup
    of its own: without it, sealed keys and codes under way are lost.

    Exit codes: 0 done · 2 refused, with the reason (there are keys or pools already). An init that was
    interrupted goes on when it is run again.
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
    print(f"\nThe secrets are not shown again. Root keys: {chosen.keys_path}")
    print(f"Now: {again('serve', config=config, database=database, data_dir=data_dir)}")


def _told(founded: "Founded") -> dict[str, str]:
    return {
        "userPoolId": founded.pool.id,
        "appId": founded.app.id,
        "appSecret": founded.app_secret,
        "accessKeyId": founded.access_key.id,
        "accessKeySecret": founded.access_key_secret,
    }
