"""`make dev`'s reloader: nothing is left running when it ends, and a command that ended is told of."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

RELOAD = Path(__file__).resolve().parents[2] / "tools" / "reload.py"
STAYS = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"


def reloading(code, *options, tool=RELOAD, run=("-c",)):
    return subprocess.Popen(
        [sys.executable, tool, sys.executable, *run, code, *options],
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


REFUSES = "import sys; sys.exit(2)"


def test_a_refused_first_start_ends_it():
    with reloading(REFUSES) as process:
        assert process.wait(30) == 2
        assert process.stderr.read() == "", "the command has said why"


@pytest.mark.parametrize("joined", [False, True])
def test_a_port_that_is_in_use_says_where_options_go(joined):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        options = [f"--port={port}"] if joined else ["--port", port]
        with reloading(REFUSES, "--port", "8000", *options) as process:
            assert process.wait(30) == 2
            assert 'ARGS="--port 8001"' in process.stderr.read()


def test_a_half_made_change_is_waited_out(tmp_path):
    tool = tmp_path / "tools" / "reload.py"
    tool.parent.mkdir()
    shutil.copy(RELOAD, tool)
    source = tmp_path / "src" / "service.py"
    source.parent.mkdir()
    source.write_text(STAYS)

    def change(code):
        source.with_suffix(".new").write_text(code)
        source.with_suffix(".new").rename(source)

    with reloading(str(source), tool=tool, run=()) as process:
        assert process.stdout.readline().strip().isdecimal()
        change(REFUSES)
        assert "changed" in process.stderr.readline()
        assert "exit code 2" in process.stderr.readline()
        change(STAYS)
        assert "changed" in process.stderr.readline()
        assert process.stdout.readline().strip().isdecimal(), "it runs again"
        process.terminate()
        assert process.wait(30) == 0
