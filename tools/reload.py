"""Run a command, and start it again whenever a source file changes: ``reload.py COMMAND…``.

The service itself has no reloader: what runs in production should not watch files. The command
is stopped with SIGTERM, so every reload also exercises the graceful stop. SIGTERM and SIGINT stop
both; a command that ended by itself is told of, and started again after the next change.
"""

import signal
import subprocess
import sys
import time
from pathlib import Path

SOURCES = Path(__file__).resolve().parent.parent / "src"
SUFFIXES = {".py", ".sql", ".html", ".css", ".js"}
LOOK_EVERY_SECONDS = 0.5
STOP_WITHIN_SECONDS = 10
REFUSED = 2
"""How a command says that it will not start (a setting, a missing key): no change of the sources cures that."""


def snapshot() -> dict[Path, int]:
    """Tell when each source file was last written."""
    found = {}
    for path in SOURCES.rglob("*"):
        if path.suffix in SUFFIXES:
            try:
                found[path] = path.stat().st_mtime_ns
            except FileNotFoundError:  # an editor's temporary file, gone again
                continue
    return found


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the command to stop; insist when it doesn't."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def tell(what: str) -> None:
    """Say it beside the command's own log."""
    print(f"reload: {what}", file=sys.stderr, flush=True)


class Reloader:
    """Runs one command, again and again, until a signal ends both."""

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.end)

    def end(self, _number: int, _frame: object) -> None:
        """Only remember it: an exception could come between a start and our knowing of it, and leave the command running."""
        self.stopping = True

    def run(self) -> int:
        """Start, wait, stop; the exit code."""
        while not self.stopping:
            seen = snapshot()
            process = subprocess.Popen(self.command)
            if not self.wait(process, seen):
                tell('it refused to start; options for it go like this: make dev ARGS="--port 8001"')
                return REFUSED
            if not self.stopping:
                tell("a source file changed")
            stop(process)
        return 0

    def wait(self, process: subprocess.Popen[bytes], seen: dict[Path, int]) -> bool:
        """Until a source file changes or we are to end; False where the command refused to start."""
        told = False
        while not self.stopping and snapshot() == seen:
            time.sleep(LOOK_EVERY_SECONDS)
            code = process.poll()
            if code == REFUSED:
                return False
            if code is not None and not told and not self.stopping:
                tell(f"it ended with exit code {code}; it is started again when a source file changes")
                told = True
        return True


def main(command: list[str]) -> int:
    """Run the command until interrupted."""
    if not command:
        sys.exit(__doc__)
    return Reloader(command).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
