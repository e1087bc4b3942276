"""Options that several commands share, and how a command is refused."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from ostiary.server.settings import Settings

REFUSED = 2

Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME.",
        show_default="sqlite:///DIR/ostiary.db",
    ),
]
DataDir = Annotated[
    str | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="The folder of database and keys.",
        show_default="data",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings in TOML; OSTIARY_* and options win over it.",
        show_default=False,
    ),
]
Dev = Annotated[
    bool | None,
    typer.Option("--dev", help="Dev mode: loopback only, with inbox and movable clock.", show_default=False),
]


def settings(config: Path | None, **options: Any) -> "Settings":
    """The settings of this start. Exits 2 where they are refused."""
    from ostiary.server.settings import SettingsError, load

    try:
        return load(options, config=config).settings
    except SettingsError as error:
        refuse(error)


def refuse(reason: object) -> NoReturn:
    """Say why on standard error, and exit 2."""
    sys.stderr.write(f"ostiary: {reason}\n")
    raise typer.Exit(REFUSED)


@contextmanager
def refusals() -> Iterator[None]:
    """Turns what keeps a command from being done into its reason and exit code 2."""
    from ostiary.server.settings import StartRefusedError

    try:
        yield
    except StartRefusedError as error:
        refuse(error)
