"""A real `ostiary serve --dev` in a scratch folder: what the demo talks to."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_STOP_SECONDS = 12


class NotStartedError(Exception):
    """The service ended before it was ready; the message is the end of its log."""


@contextmanager
def running_service() -> Iterator[dict[str, Any]]:
    """Start the service on a free port and an embedded database; give its `dev.json`. All is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="ostiary-demo-"))
    log = folder / "log"
    try:
        with log.open("w", encoding="utf-8") as errors:
            process = subprocess.Popen(  # noqa: S603 - our own command, no input in it
                [
                    *(sys.executable, "-m", "ostiary.cli", "serve", "--dev", "--port", "0"),
                    *("--data-dir", str(folder / "data")),
                ],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            try:
                assert process.stdout is not None
                if not process.stdout.readline():
                    process.wait(_STOP_SECONDS)
                    raise NotStartedError(log.read_text(encoding="utf-8")[-2_000:])
                yield json.loads((folder / "data" / "dev.json").read_text(encoding="utf-8"))
            finally:
                _stop(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
