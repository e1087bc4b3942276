"""The commands, as an operator types them: in this process where nothing else is wanted of them."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from ostiary.cli.main import app
from ostiary.server.settings import Settings, load

_PATIENCE = 60.0
"""Seconds; two cores shared with others seal some thousand rows in that."""


@dataclass(frozen=True)
class Said:
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, read."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Shell:
    """Commands on one installation."""

    folder: Path
    database: str

    @property
    def place(self) -> tuple[str, ...]:
        """The options that name it."""
        return ("--data-dir", str(self.folder), "--database", self.database)

    def __call__(self, *arguments: str | Path, code: int | None = 0) -> Said:
        """Run one; fails where it exits with another code (None: any)."""
        done = CliRunner().invoke(app, [*map(str, arguments), *self.place])
        said = Said(done.exit_code, done.stdout, done.stderr)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert code in {None, said.code}, f"exit {said.code}\n{said.out}\n{said.err}"
        return said

    def settings(self) -> Settings:
        """What a command opens the installation with."""
        return load({"data_dir": str(self.folder), "database": self.database}).settings

    def sealed(self) -> Any:
        """What `audit verify` finds once nothing waits for its seal any more."""
        until = time.monotonic() + _PATIENCE
        while (found := self("audit", "verify", "--json", code=None).json)["unsealed"]:
            assert time.monotonic() < until, found
            time.sleep(0.3)
        return found

    def begun(self) -> "Shell":
        """The same, after `ostiary init`."""
        self("init")
        return self
