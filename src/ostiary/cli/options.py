"""Options that several commands share, and how a command is refused."""

import errno
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from ostiary.server.settings import Loaded, Settings
    from ostiary.server.upkeep.site import Site

FAILED, REFUSED = 1, 2

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
        help="The folder with the database and the keys.",
        show_default="data",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings in TOML; OSTIARY_* and options override it.",
        show_default=False,
    ),
]
Pool = Annotated[
    str | None,
    typer.Option("--pool", metavar="ID", help="The pool; required if there are several.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Show = Annotated[bool, typer.Option("--show", help="Print numbers and addresses in full, not masked.")]
Dev = Annotated[
    bool | None,
    typer.Option(
        "--dev", help="Dev mode: loopback only, with an inbox and an adjustable clock.", show_default=False
    ),
]


def settings(config: Path | None, **options: Any) -> "Settings":
    """The settings of this start. Exits 2 where they are refused."""
    return loaded(config, **options).settings


def loaded(config: Path | None, **options: Any) -> "Loaded":
    """The same, with where each value came from."""
    from ostiary.server.settings import SettingsError, load

    try:
        return load(options, config=config)
    except SettingsError as error:
        refuse(error)


@contextmanager
def opened_site(config: Path | None, database: str | None, data_dir: str | None) -> Iterator["Site"]:
    """The installation that a command works on. Exits 2 where it is refused, 1 where it can't be done now."""
    chosen = settings(config, database=database, data_dir=data_dir)
    with refusals():
        from ostiary.server.upkeep.site import opened

        with opened(chosen) as site:
            yield site


def again(
    command: str, *, config: Path | None = None, database: str | None = None, data_dir: str | None = None
) -> str:
    """The next command to run on the same installation: `ostiary …` with the options that were given."""
    from ostiary.server.storage.url import without_password

    given = {
        "--config": config,
        "--database": database and without_password(database),
        "--data-dir": data_dir,
    }
    options = [part for name, value in given.items() if value for part in (name, str(value))]
    return shlex.join(["ostiary", *command.split(), *options])


def refuse(reason: object) -> NoReturn:
    """Say why on standard error, and exit 2."""
    sys.stderr.write(f"ostiary: {reason}\n")
    raise typer.Exit(REFUSED)


@contextmanager
def refusals() -> Iterator[None]:
    """Turns what keeps a command from being done into its reason and its exit code: 2 refused, 1 failed."""
    from ostiary.server.settings import StartRefusedError

    try:
        yield
    except StartRefusedError as error:
        refuse(error)
    except OSError as error:
        if error.filename is None:
            raise
        refuse(_of_a_file(error))
    except Exception as error:
        if not _failed(error):
            raise
        sys.stderr.write(f"ostiary: {error}\n")
        raise typer.Exit(FAILED) from error


def _of_a_file(error: OSError) -> str:
    """What is wrong with a file or folder, and who could do better."""
    wrong = (
        "is not a directory" if isinstance(error, (FileExistsError, NotADirectoryError)) else error.strerror
    )
    do = {
        errno.EACCES: "run it as the service's user, or choose a path that you may write to",
        errno.EPERM: "run it as the service's user, or choose a path that you may write to",
        errno.EROFS: "mount the disk for writing, or choose another path",
        errno.ENOSPC: "free some space first",
    }.get(error.errno or 0, "choose another path, or fix this one")
    return f"{error.filename}: {wrong}; {do}"


def _failed(error: Exception) -> bool:
    """Whether an error says by itself what went wrong; asked for late, as these modules load the service."""
    from ostiary.server.storage.tx import UnavailableError
    from ostiary.server.upkeep.site import NotDoneError

    return isinstance(error, (NotDoneError, UnavailableError))
