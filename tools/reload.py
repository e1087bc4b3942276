"""Run a command, and start it again whenever a source file changes: ``reload.py COMMAND…``.

The service itself has no reloader: what runs in production should not watch files. The command
is stopped with SIGTERM, so every reload also exercises the graceful stop. SIGTERM and SIGINT stop
both; a command that ended by itself is told of, and started again after the next change. One that refuses its
very first start ends both: its settings are wrong then, and no change of a source mends them.
"""

import errno
import signal
import socket
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

SOURCES = Path(__file__).resolve().parent.parent / "src"
SUFFIXES = {".py", ".sql", ".html", ".css", ".js"}
LOOK_EVERY_SECONDS = 0.5
STOP_WITHIN_SECONDS = 10
REFUSED = 2
"""How a command says that it will not start (a setting, a missing key, a change of the sources that is half made)."""


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


def address(command: list[str]) -> tuple[str, int]:
    """Where the command listens, by its last `--host` and `--port`."""
    words = [part for word in command for part in (word.split("=", 1) if word.startswith("--") else [word])]
    given = {"--host": "127.0.0.1", "--port": "0"} | dict(pairwise(words))
    return given["--host"], int(given["--port"]) if given["--port"].isdecimal() else 0


def in_use(host: str, port: int) -> bool:
    """Whether somebody else listens there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


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
        first = True
        while not self.stopping:
            seen = snapshot()
            process = subprocess.Popen(self.command)
            if not self.wait(process, seen, patient=not first):
                if in_use(*address(self.command)):
                    tell('its address is in use; name another port like this: make dev ARGS="--port 8001"')
                return REFUSED
            first = False
            if not self.stopping:
                tell("a source file changed")
            stop(process)
        return 0

    def wait(self, process: subprocess.Popen[bytes], seen: dict[Path, int], *, patient: bool) -> bool:
        """Until a source file changes or we are to end; False where the command refused to start, unless `patient`."""
        told = False
        while not self.stopping and snapshot() == seen:
            time.sleep(LOOK_EVERY_SECONDS)
            code = process.poll()
            if code == REFUSED and not patient:
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
