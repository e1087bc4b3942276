"""`ostiary serve` and `ostiary worker`."""

import sys
from typing import Annotated

import typer

from ostiary.cli.options import Config, Database, DataDir, Dev, refusals, settings


def serve(
    host: Annotated[
        str | None, typer.Option(help="The address to listen on.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="The port to listen on; 0 picks a free one.", show_default="8000"),
    ] = None,
    database: Database = None,
    data_dir: DataDir = None,
    dev: Dev = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Number of serving processes; more than one requires PostgreSQL.", show_default="1"
        ),
    ] = None,
    config: Config = None,
) -> None:
    """Run the service until SIGTERM.

    Prints one JSON line on standard output once it is ready; logs go to standard error. On SIGTERM it finishes the
    requests in progress and exits with 0 within 10 s.

    Exit codes: 0 stopped · 1 failed · 2 refused to start, with the reason.
    """
    options = {
        "host": host,
        "port": port,
        "database": database,
        "data_dir": data_dir,
        "dev": dev,
        "workers": workers,
    }
    chosen = settings(config, **options)
    with refusals():
        from ostiary.server import running

        raise typer.Exit(running.serve(chosen))


def worker(
    database: Database = None,
    data_dir: DataDir = None,
    dev: Dev = None,
    config: Config = None,
) -> None:
    """Send queued messages until SIGTERM, in addition to the serving processes.

    `ostiary serve` includes a worker; additional ones share the load.

    Exit codes: 0 stopped · 1 failed · 2 refused to start, with the reason.
    """
    chosen = settings(config, database=database, data_dir=data_dir, dev=dev)
    with refusals():
        from ostiary.server import running

        raise typer.Exit(running.work(chosen, _print_working))


def _print_working() -> None:
    sys.stdout.write('{"event":"ready"}\n')
    sys.stdout.flush()
