"""Ends a service whose test run is gone: a script of its own, started beside each service.

A run that is killed (`kill -9`, the end of a CI job) comes to none of its clean-up. All it leaves is the end of a
pipe, and that is what this process waits for: standard input is held open by the run and by nobody else. It is a
process beside the service, and nothing inside it, so that `ostiary serve` knows no way to be ended but signals; a
thread there would be in the way of `--workers`, which forks.

Arguments: the service's process id, the scratch folder. A run that ends in order ends this process first.
"""

import os
import shutil
import signal
import sys
import time
from contextlib import suppress

STOP_SECONDS = 12
_PAUSE_SECONDS = 0.1


def main(process: int, folder: str) -> None:
    """Wait until the run is gone; then end the service and remove what it wrote."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        while time.monotonic() < until:
            time.sleep(_PAUSE_SECONDS)
            os.kill(process, 0)  # raises once it is gone
        os.kill(process, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
