"""Run a command, and start it again whenever a source file changes: ``reload.py COMMAND…``.

The service itself has no reloader: what runs in production should not watch files. The command
is stopped with SIGTERM, so every reload also exercises the graceful stop.
"""

import subprocess
import sys
import time
from pathlib import Path

SOURCES = Path(__file__).resolve().parent.parent / "src"
SUFFIXES = {".py", ".sql", ".html", ".css", ".js"}
LOOK_EVERY_SECONDS = 0.5
STOP_WITHIN_SECONDS = 10


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
    process.terminate()
    try:
        process.wait(STOP_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main(command: list[str]) -> int:
    """Run the command until interrupted."""
    if not command:
        sys.exit(__doc__)
    while True:
        seen = snapshot()
        process = subprocess.Popen(command)
        try:
            while snapshot() == seen:
                time.sleep(LOOK_EVERY_SECONDS)
                # A refusal to start (exit 2: a setting, a missing key) is not cured by waiting.
                if process.poll() == 2:
                    return 2
        except KeyboardInterrupt:
            stop(process)
            return 0
        print("reload: a source file changed", file=sys.stderr)
        stop(process)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
