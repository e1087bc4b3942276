"""`make dev`'s reloader: nothing is left running when it ends, and a command that ended is told of."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

RELOAD = Path(__file__).resolve().parents[2] / "tools" / "reload.py"
STAYS = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"


def reloading(code):
    return subprocess.Popen(
        [sys.executable, RELOAD, sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_both(number):
    with reloading(STAYS) as process:
        child = int(process.stdout.readline())
        process.send_signal(number)
        assert process.wait(30) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_command_that_ended_by_itself_is_told_of():
    with reloading("import sys; sys.exit(1)") as process:
        assert "exit code 1" in process.stderr.readline()
        process.terminate()
        assert process.wait(30) == 0


def test_a_refusal_ends_it_and_says_where_options_go():
    with reloading("import sys; sys.exit(2)") as process:
        assert process.wait(30) == 2
        assert 'ARGS="--port 8001"' in process.stderr.read()
