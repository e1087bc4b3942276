"""`docs/reference/settings.md` and `docs/reference/cli.md`: what an operator sets, and what an operator types.

Written by `tools/reference.py` from `server/settings.py`, `core/policy.py` and the commands themselves.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import inspect
from typer.main import get_command

from ostiary.cli.main import app
from ostiary.contract.ranges import allowed
from ostiary.server.core.policy import AppPolicy, PoolPolicy
from ostiary.server.settings import PREFIX, Settings, reference
from ostiary.server.upkeep.import_rules import COLUMNS
from ostiary.server.upkeep.policy_rules import Setting, app_settings, pool_settings

_MADE = "<!-- Made by tools/reference.py from {source}. Change it there. -->\n"
_SHELLS = "bash, zsh, fish, PowerShell"


def pages() -> dict[str, str]:
    """File name → text."""
    return {"settings.md": _settings(), "cli.md": _cli()}


# --- settings ---------------------------------------------------------------------------------


def _settings() -> str:
    parts = [
        _MADE.format(source="server/settings.py, server/core/policy.py"),
        "# Settings\n",
        (
            "Settings of the service come from a file, the environment or the command line; settings of a pool or an "
            "application are data and change without a restart. `ostiary doctor` shows every setting of the service, "
            "where it came from, and any weakness.\n"
        ),
        "## Of the service\n",
        (
            "Sources, in ascending order of precedence: a TOML file (`--config FILE` or `OSTIARY_CONFIG`), the environment (`OSTIARY_HOST`), "
            "a file named in the environment (`OSTIARY_WEBHOOK_SECRET_FILE=/run/secrets/…`, for any setting), the "
            "command line. In the environment, list items are separated by commas. An unknown name is refused, with the "
            "closest known one as a hint.\n"
        ),
        "| in the file | in the environment | default | allowed | |",
        "|---|---|---|---|---|",
    ]
    kinds = {info.name: inspect.type_info(info.type) for info in msgspec.structs.fields(Settings)}
    parts += [
        _row(
            f"`{row.name}`",
            f"`{PREFIX}{row.name.upper()}`",
            _value(row.default),
            allowed(kinds[row.name]),
            row.text.replace("<", "&lt;"),
        )
        for row in reference()
    ]
    parts += [
        "\n## Of a pool\n",
        (
            "Read and changed with `ostiary settings get` and `set`, or with `get-security-settings` and "
            "`update-security-settings` of the API.\n"
        ),
        *_policy(pool_settings(PoolPolicy())),
        "\n## Of an application\n",
        "Read and changed with `ostiary settings get --app ID` and `set --app ID`.\n",
        *_policy(app_settings(AppPolicy())),
    ]
    return "\n".join(parts) + "\n"


def _policy(settings: Sequence[Setting]) -> Iterator[str]:
    yield "| setting | default | allowed | |"
    yield "|---|---|---|---|"
    for one in settings:
        yield _row(f"`{one.name}`", _value(one.default), one.allowed, one.text)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list | tuple):
        return ", ".join(f"`{one}`" for one in value)
    return f"`{value}`" if value != "" else ""


# --- commands ---------------------------------------------------------------------------------


def _cli() -> str:
    root: Any = get_command(app)
    commands = [(f"ostiary {name}", command) for name, command in _walk(root)]
    parts = [
        _MADE.format(source="the commands (src/ostiary/cli)"),
        "# Commands\n",
        (
            "Exit codes of all commands: 0 done, 1 failed or found problems, 2 refused, with the reason on standard error. "
            "`--json` prints JSON; without it, output is tables on a terminal and plain columns elsewhere. Numbers and "
            f"addresses are masked unless `--show` is given. Completion for {_SHELLS}: `ostiary --install-completion`.\n"
        ),
        "| command | |",
        "|---|---|",
    ]
    parts += [
        _row(f"[`{name}`](#{name.replace(' ', '-')})", _paragraphs(command)[0]) for name, command in commands
    ]
    for name, command in commands:
        parts += ["", *_command(name, command)]
    return "\n".join(parts) + "\n"


def _walk(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        if inner is None:
            yield prefix + name, command
        else:
            yield from _walk(command, f"{prefix}{name} ")


def _command(name: str, command: Any) -> Iterator[str]:
    yield f"## {name}"
    for paragraph in _paragraphs(command):
        yield ""
        yield f"    {paragraph}" if paragraph.startswith("ostiary ") else paragraph
    if name.endswith(" import"):
        yield ""
        yield "All columns: " + ", ".join(f"`{column}`" for column in COLUMNS) + "."
    rows = [_parameter(one) for one in command.params if one.name != "help"]
    if rows:
        yield ""
        yield "| | default | |"
        yield "|---|---|---|"
        yield from rows


def _paragraphs(command: Any) -> list[str]:
    return [" ".join(part.split()) for part in command.help.split("\n\n")]


def _parameter(one: Any) -> str:
    is_option = one.opts[0].startswith("-")
    named = ", ".join(one.opts) if is_option else one.metavar
    shown = f"{named} {one.metavar}" if is_option and one.metavar else named
    default = one.show_default if isinstance(one.show_default, str) else one.default
    told = "required" if one.required else "" if default is None or default is False else f"`{default}`"
    return _row(f"`{shown}`", told, one.help)


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells).replace("|  |", "| |") + " |"
