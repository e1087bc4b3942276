"""Flags are shown in `--help` as what they are: options that take no value (typer writes `--json <bool>`)."""

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class _Command(TyperCommand):
    def get_params(self, ctx: Any) -> Any:
        """The options, `--help` included."""
        return _without_values(super().get_params(ctx))


class _Group(TyperGroup):
    def get_params(self, ctx: Any) -> Any:
        """The options, `--help` included."""
        return _without_values(super().get_params(ctx))


def show_without_values(app: typer.Typer) -> None:
    """Have every command of `app` show its flags without a value, and those of the commands inside."""
    app.info.cls = _Group
    for command in app.registered_commands:
        command.cls = _Command
    for group in app.registered_groups:
        group.cls = _Group
        if group.typer_instance is not None:
            show_without_values(group.typer_instance)


def _without_values(params: list[Any]) -> list[Any]:
    for param in params:
        if getattr(param, "is_flag", False) and param.metavar is None:
            param.metavar = ""
    return params
