"""`ostiary`: the commands, put together."""

import typer

from ostiary.cli import database, demo, first, serving

app = typer.Typer(
    name="ostiary",
    help="Ostiary: an identity service that speaks the GenAuth V3 API.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals hold keys and numbers
    epilog="Exit codes: 0 done · 1 failed · 2 refused, with the reason on standard error.",
)
app.command("serve")(serving.serve)
app.command("worker")(serving.worker)
app.command("migrate")(database.migrate)
app.command("init")(first.init)
app.command("demo")(demo.demo)
