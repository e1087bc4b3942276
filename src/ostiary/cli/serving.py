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
        typer.Option(help="Serving processes; more than one needs PostgreSQL.", show_default="1"),
    ] = None,
    config: Config = None,
) -> None:
    """Serve until SIGTERM.

    Prints one JSON line on standard output when it can answer; logs go to standard error. SIGTERM finishes
    what is under way and exits 0 within 10 s.

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
    """Send what waits in the outbox, beside the serving processes, until SIGTERM.

    `ostiary serve` has a worker of its own; more of them share the work.

    Exit codes: 0 stopped · 1 failed · 2 refused to start, with the reason.
    """
    chosen = settings(config, database=database, data_dir=data_dir, dev=dev)
    with refusals():
        from ostiary.server import running

        raise typer.Exit(running.work(chosen, _print_working))


def _print_working() -> None:
    sys.stdout.write('{"event":"ready"}\n')
    sys.stdout.flush()
